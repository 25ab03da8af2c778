"""Newsletter composer: from one Markdown file to an accounted-for email for every subscriber."""

__version__ = "0.1.0"
