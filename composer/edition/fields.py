"""The holes of an Edition: marks of an Issue's merge fields become one mark per field and context.

Which context a mark stands in is read off the finished HTML, so it is right for any template.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from markupsafe import Markup

from composer.edition.model import Context, Edition, Slot
from composer.findings import Where
from composer.issue.model import Issue

_TEMPLATE_FIELDS_FROM = 1_000_000
_TAG = re.compile(r"<[A-Za-z](?:[^<>\"]|\"[^\"]*\")*>")
_ATTRIBUTE = re.compile(r"([\w:-]+)=\"([^\"]*)\"")
_OTHER_SCHEME = re.compile(r"\s*(?!https?:|mailto:|tel:)[A-Za-z][A-Za-z0-9+.-]*:", re.IGNORECASE)
_ADDRESSES = frozenset({"href", "src", "action", "background", "cite"})
_PLACED = re.compile(r"q[0-9a-f]{12}[a-z]\d{1,9}x")
_LATIN = re.compile("[\u00a0-\u024f\u2000-\u206f\u20a0-\u20bf\u2122]")


class Slots:
    """Collects the slots of one Edition; ``placed`` turns the marks of a text into those of a context."""

    def __init__(self, issue: Issue) -> None:
        self._prefix = issue.mark_prefix
        self._mark = re.compile(rf"{issue.mark_prefix}f(\d{{1,9}})x")
        self._fields: dict[str, tuple[str, str | None, str, Where]] = {
            field.mark: (field.name, field.default, field.source, field.where) for field in issue.fields
        }
        self._slots: dict[tuple[str, str | None, Context], Slot] = {}
        self._from_template: dict[tuple[str, str | None], str] = {}

    @property
    def all(self) -> tuple[Slot, ...]:
        """Every slot placed so far, in order of first use."""
        return tuple(self._slots.values())

    def field(self, name: str, default: str | None = None) -> Markup:
        """A merge field that a template asks for."""
        known = (name, default)
        if known not in self._from_template:
            mark = f"{self._prefix}f{_TEMPLATE_FIELDS_FROM + len(self._from_template)}x"
            source = f'{{{{ {name} | default("{default}") }}}}' if default is not None else f"{{{{ {name} }}}}"
            self._from_template[known] = mark
            self._fields[mark] = (name, default, source, Where("template"))
        return Markup(self._from_template[known])  # noqa: S704 - letters and digits

    def placed(self, text: str, context: Context) -> str:
        """Return a text whose marks are those of its context."""
        return self._mark.sub(lambda match: self._slot(match[0], context), text) if self._prefix in text else text

    def as_written(self, text: str) -> str:
        """Return markup whose marks are the fields as they were written."""
        return self._mark.sub(lambda match: str(Markup.escape(self._fields[match[0]][2])) if match[0] in self._fields else match[0], text)

    def placed_address(self, address: str) -> str:
        """Return an address whose marks are those of a whole address or of a part of one."""
        return self.placed(address, Context.HREF if self._mark.fullmatch(address) else Context.URL)

    def placed_html(self, html: str) -> str:
        """Return finished HTML in which every mark is that of the context it stands in."""
        if self._prefix not in html:
            return html
        return self.placed(_TAG.sub(lambda tag: self._placed_tag(tag[0]), html), Context.TEXT)

    def _placed_tag(self, tag: str) -> str:
        def attribute(match: re.Match[str]) -> str:
            name, value = match.groups()
            value = self.placed_address(value) if name.lower() in _ADDRESSES else self.placed(value, Context.ATTRIBUTE)
            return f'{name}="{value}"'

        return _ATTRIBUTE.sub(attribute, tag) if self._prefix in tag else tag

    def _slot(self, mark: str, context: Context) -> str:
        if mark not in self._fields:
            return mark
        name, default, source, where = self._fields[mark]
        key = (name, default, context)
        if key not in self._slots:
            self._slots[key] = Slot(f"{self._prefix}{context.value}{len(self._slots)}x", name, context, default, source, where)
        return self._slots[key].mark


def fill(edition: Edition, text: str, value: Callable[[Slot], str]) -> str:
    """Replace every slot's mark in a part of an Edition by what ``value`` says."""
    slots = {slot.mark: slot for slot in edition.fields}
    if not slots:
        return text
    return _PLACED.sub(lambda match: value(slots[match[0]]) if match[0] in slots else match[0], text)


def as_written(edition: Edition, text: str) -> str:
    """Show every open field as it was written: ``{{ name }}``."""
    return fill(edition, text, lambda slot: slot.source)


def fill_for_display(edition: Edition, text: str) -> str:
    """Show every open field as its default, or as it was written."""

    def shown(slot: Slot) -> str:
        value = slot.default if slot.default is not None else slot.source
        if slot.context is Context.HREF and _OTHER_SCHEME.match(value):
            return "#"  # what the merge would refuse is no link on the page either
        if slot.context is Context.URL:
            return quote(value, safe="")
        html = slot.context in {Context.TEXT, Context.ATTRIBUTE, Context.HREF}
        return str(Markup.escape(value)) if html else value

    return fill(edition, text, shown)


def latin_as_references(html: str) -> str:
    """Write Latin and punctuation beyond ASCII as numeric references, outside style blocks.

    Shorter in quoted-printable (a curly apostrophe takes 7 bytes, not 9), and Gmail has been seen to clip mail
    with a raw copyright sign early.
    """
    parts = re.split(r"(<style\b.*?</style>)", html, flags=re.DOTALL | re.IGNORECASE)
    return "".join(part if index % 2 else _LATIN.sub(lambda match: f"&#{ord(match[0])};", part) for index, part in enumerate(parts))
