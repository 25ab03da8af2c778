"""What one person gets: an Edition merged for one Subscriber, as bytes ready for the wire."""
