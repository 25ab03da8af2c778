"""What we know: the database of campaigns, deliveries and attempts."""
