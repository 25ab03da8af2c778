"""Do people's values fit where the issue uses them? A value that stands as a whole link must be an address. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from composer.audience.model import Subscriber
from composer.edition.model import Context, Edition
from composer.findings import Finding, error
from composer.issue.model import SYSTEM_FIELDS
from composer.message.escape import ESCAPES


def unfit_values(edition: Edition, people: Iterable[Subscriber]) -> tuple[Finding, ...]:
    """Name everyone whose value stands as a whole link and is no http, https or mailto address, by row and column."""
    links = {slot.name: slot for slot in edition.fields if slot.context is Context.HREF and slot.name not in SYSTEM_FIELDS}
    if not links:
        return ()
    findings: list[Finding] = []
    for person in people:
        for name, slot in links.items():
            value = person.fields.get(name, "").strip()
            if value and not _is_address(value):
                message = f"the value of {name} is no address, and is a link at {slot.where}"
                findings.append(error("field-not-link", replace(person.where, column=name), message, "Such a value starts with https://."))
    return tuple(findings)


def _is_address(value: str) -> bool:
    try:
        ESCAPES[Context.HREF](value)
    except ValueError:
        return False
    return True
