"""What is wrong: a module or a package a family of checks; each gives findings and changes nothing."""
