"""Once each, and provable: from an Audience to an outcome for every person."""
