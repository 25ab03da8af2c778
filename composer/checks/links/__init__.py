"""Are the links of a letter there? Asks the sites that they lead to; together with spam the only family that does I/O."""

from __future__ import annotations

from composer.checks.links.check import check_links
from composer.checks.links.network import Network

__all__ = ["Network", "check_links"]
