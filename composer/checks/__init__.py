"""What is wrong: one file per family of checks; each gives findings and changes nothing."""
