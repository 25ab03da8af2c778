"""The editor's preview: an issue as every reader will see it, kept true while it is written. Local only."""
