"""What SpamAssassin says of the finished message, in plain words. Asks a program on this machine, and nobody beyond it."""

from __future__ import annotations

from composer.checks.spam.check import check

__all__ = ["check"]
