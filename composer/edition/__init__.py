"""How it looks: an Issue in, an Edition out; pure given a template loader."""
