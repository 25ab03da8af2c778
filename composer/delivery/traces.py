"""Where a person still stands outside of the ledger: rows of the team's CSV lists, files of the outbox.

Only looks; the team's files are edited by the team.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from typing import TYPE_CHECKING

from composer.audience.address import Address, parse_address
from composer.audience.files import declare, list_names, read_export
from composer.errors import ComposerError
from composer.findings import Finding, Where, warning
from composer.transport.outbox import slug

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from composer.project import Project

_HEADER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a CSV list that holds a person."""

    where: Where
    email: str = field(repr=False)
    name: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)


def rows_of(project: Project, key: str) -> tuple[list[Row], list[Finding]]:
    """Return every row of a list in ``recipients/`` with this address key, and a warning for each file that could not be searched."""
    found: list[Row] = []
    paths, findings = _list_files(project)
    for path in paths:
        shown = project.shown(path)
        try:
            found += [
                Row(Where(shown, row.line), row.address.email, row.name, row.fields)
                for row in read_export(path, shown)
                if not isinstance(row, Finding) and row.address.key == key
            ]
        except ComposerError as err:
            findings.append(_unsearched(shown, err))
    return found, findings


def outbox_files(project: Project, person: Address) -> list[Path]:
    """Return the files of the outbox whose message goes to a person."""
    folder = project.root / project.config.transport.outbox.path
    parts = {slug(person.email), slug(person.key)}
    candidates = {path for part in parts for pattern in (f"*-{part}.eml", f"{part}-*.eml") for path in folder.rglob(pattern)}
    return sorted(path for path in candidates if _goes_to(path, person.key))


def _list_files(project: Project) -> tuple[list[Path], list[Finding]]:
    paths, findings = set(project.recipients.glob("*.csv")), []
    for name in list_names(project):
        try:
            declaration = declare(project, name)
        except ComposerError as err:
            findings.append(_unsearched(f"{project.shown(project.recipients)}/{name}.toml", err))
            continue
        if not declaration.in_ledger:
            paths.add((project.root / declaration.people).resolve())
    return sorted({path.resolve() for path in paths if path.is_file()}), findings


def _unsearched(shown: str, err: ComposerError) -> Finding:
    hint = "Look for the person there by hand, or mend it and try again."
    return warning("list-not-searched", Where(shown), f"this list could not be searched: {err.message}", hint)


def _goes_to(path: Path, key: str) -> bool:
    try:
        with path.open("rb") as file:
            headers = BytesHeaderParser().parsebytes(file.read(_HEADER_BYTES))
    except OSError:
        return True  # its name says so, and nothing else can be known of it
    addresses = (parse_address(email) for _, email in getaddresses([str(value) for value in headers.get_all("To", [])]))
    return any(isinstance(address, Address) and address.key == key for address in addresses)
