"""The header of a list: which column is the address, which are merge fields. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from composer.audience.address import EDGES, Address
from composer.audience.model import Subscriber
from composer.findings import Finding, Where, error, warning
from composer.issue.model import SYSTEM_FIELDS

# In order of preference: `address` alone may be a street. Mailchimp writes "Email Address", SendGrid EMAIL, HubSpot Email.
ADDRESS_COLUMNS = (
    "email", "e_mail", "email_address", "e_mail_address", "emailaddress", "mail", "mail_address", "primary_email", "address",
)  # fmt: skip
# Questions of a survey may be columns; what is longer than a question is no name.
LONGEST_NAME = 500
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """A header as understood: ``names`` of all columns, ``address`` with its position, ``fields`` with theirs."""

    names: tuple[str, ...]
    address: str
    address_at: int
    fields: Mapping[str, int]

    def subscriber(self, address: Address, row: Sequence[str], where: Where) -> Subscriber:
        """Build the person of a row; the field ``name`` is completed by ``full_name``."""
        values = {name: row[at].strip(BLANK) for name, at in self.fields.items()}
        name = full_name(values, address)
        return Subscriber(address.email, address.key, name, values, where)


def full_name(values: dict[str, str], address: Address) -> str:
    """Complete the field ``name`` of a person's values from first and last name, else from the address; return it."""
    name = values.get("name", "")
    if not name:
        first, last = values.get("first_name", ""), values.get("last_name", "")
        name = f"{first} {last}" if first and last else first or last or address.name
        if name:
            values["name"] = name
    return name


BLANK = EDGES + "\r\n\v\f"


def normalised(header: str) -> str:
    """Return a column's name as merge fields write it: ``First Name``, ``FIRST_NAME`` and `` first-name `` are ``first_name``."""
    return _NOT_WORD.sub("_", unicodedata.normalize("NFC", header.strip(BLANK)).casefold()).strip("_")


def field_problem(name: str) -> str:
    """Say why a name, normalised, cannot be that of a merge field; nothing when it can."""
    if not name:
        return "it has no letter or digit"
    if len(name) > LONGEST_NAME:
        return f"its name is longer than {LONGEST_NAME} characters"
    if name in ADDRESS_COLUMNS or name in SYSTEM_FIELDS:
        return "this value is made for each message"
    return ""


def read_header(header: Sequence[str], where: Where) -> tuple[Columns | None, list[Finding]]:
    """Understand a header; None and an error when no column is the address."""
    names = tuple(map(normalised, header))
    address = next((name for name in ADDRESS_COLUMNS if name in names), None)
    if address is None:
        return None, [_no_address(header, where)]
    at = names.index(address)
    fields: dict[str, int] = {}
    findings: list[Finding] = []
    for position, name in enumerate(names):
        if not name or position == at:
            continue
        place = Where(where.path, where.line, name[:40])
        if len(name) > LONGEST_NAME:
            findings.append(too_long(place, len(name)))
        elif name in fields or name == address:
            findings.append(
                warning("column-duplicate", place, f"the column {name} is there twice; the first one counts", "Rename or delete one.")
            )
        elif name in SYSTEM_FIELDS:
            findings.append(
                warning("column-reserved", place, f"the column {name} is ignored: this value is made for each message", "Rename it.")
            )
        else:
            fields[name] = position
    return Columns(names, address, at, fields), findings


def too_long(where: Where, length: int) -> Finding:
    """Tell that a column, or a name in JSON, is left out for its length."""
    message = f"a column is left out: its name has {length:,} characters, and {LONGEST_NAME} are the most"
    return warning("column-name-long", where, message, "Give it a short name: first_name")


def _no_address(header: Sequence[str], where: Where) -> Finding:
    if header[0].lstrip(BLANK)[:1] in {"[", "]"}:
        message, hint = "this is a JSON list, not a table", "Write one object a line, as `jq -c '.[]' FILE` does, or save the list as CSV."
        return error("list-no-header", where, message, hint)
    # Whatever has an @-sign may be somebody's address, and names no column.
    if any("@" in cell for cell in header):
        message, hint = "the first line holds an address, but must name the columns", "Put a line above it: email,name"
        return error("list-no-header", where, message, hint)
    shown = ", ".join(cell.strip(BLANK)[:40] for cell in header[:20])
    return error("list-no-address-column", where, f"no column is the address; the columns are: {shown}", "Name the address column: email")
