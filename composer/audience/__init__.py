"""Who gets it: rows in, Audience out."""
