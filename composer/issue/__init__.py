"""What we say: text in, Issue out."""
