"""What signs a project's mail, made from its settings and its private key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from composer.message.dkim import Signer
from composer.message.dkim_key import Key, read_key

if TYPE_CHECKING:
    from composer.project import Project


def open_signer(project: Project) -> Signer | None:
    """Return what signs the project's mail, None when it is not signed here. Raises ConfigError."""
    smtp = project.config.transport.smtp
    return Signer(smtp.dkim_domain, smtp.dkim_selector, private_key(project)) if smtp.dkim_selector else None


def private_key(project: Project) -> Key:
    """Read the project's private key. Raises ConfigError for none, or one that cannot sign."""
    return read_key(*project.dkim_key())
