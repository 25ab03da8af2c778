"""The ways out: each takes Messages and says of every one what became of it."""
