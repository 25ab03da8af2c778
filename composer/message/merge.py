"""Cut an Edition at its marks once, then join it for each person: no value is ever scanned for marks. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, NoReturn

from composer.edition.model import Context, Edition, Slot
from composer.errors import MergeError
from composer.issue.model import LINK_FIELDS
from composer.message import escape
from composer.message.cut import cut
from composer.message.form import Form

# SendGrid replaces such a tag while it sends, so it must reach it as it is.
_SENDGRID_TAG = re.compile(r"<%[a-z_]+%>")


# A named tuple, as Message is: a frozen dataclass takes three times as long to make, and one of each is made for every person.
class Merged(NamedTuple):
    """An Edition and one person's values; ``substitutions`` give the escaped value for the mark of every slot.

    The texts are joined anew each time they are asked for: a transport that merges elsewhere never pays for them.
    """

    merger: Merger
    substitutions: Mapping[str, str]

    def __repr__(self) -> str:
        """Tell nothing of the person."""
        return f"Merged({self.merger.edition.stem!r})"

    @property
    def subject(self) -> str:
        """The subject, one line."""
        return self.merger.same_subject or escape.header(self.merger.subject.join(self.substitutions))

    @property
    def html(self) -> str:
        """The HTML part."""
        return self.merger.html.join(self.substitutions)

    @property
    def text(self) -> str:
        """The text part."""
        return self.merger.text.join(self.substitutions)


class Merger:
    """An Edition cut at its marks, ready to be merged many times; safe to share between threads.

    Two are equal when their editions and images are. ``same_subject`` is the subject where it has no field.
    """

    def __init__(self, edition: Edition, image_urls: Mapping[str, str]) -> None:
        """Cut ``edition``; ``image_urls`` give an address for the mark of every attachment.

        Raises MergeError when one lacks it, or when a field set for text or header stands in HTML, where its value
        would not be escaped.
        """
        self.edition = edition
        self.image_urls = dict(image_urls)
        named: dict[str, list[Slot]] = {}
        for slot in edition.fields:
            named.setdefault(slot.name, []).append(slot)
        self._named = named
        self._last: tuple[Sequence[str | None], dict[str, str]] = [None] * len(named), {}
        slots = {slot.mark: slot for slot in edition.fields}
        for asset in edition.attachments:
            if asset.mark not in self.image_urls:
                raise MergeError(f"no address is known for the image {asset.name}", hint="Set [images] url, or send it inline.")
        self.subject = cut(escape.header(edition.subject), slots, {})
        self.same_subject = "" if self.subject.holes else escape.header(self.subject.join({}))
        self.text = cut(edition.text, slots, self.image_urls)
        self.html = cut(edition.html, slots, {mark: escape.attribute(url) for mark, url in self.image_urls.items()})
        for _, slot in self.html.holes:
            if slot.context in {Context.PLAIN, Context.HEADER}:
                raise MergeError(f"the field {slot.source} stands in HTML unescaped", where=slot.where, hint="Report this template.")

    def __eq__(self, other: object) -> bool:
        """Compare what is merged."""
        return isinstance(other, Merger) and (self.edition, self.image_urls) == (other.edition, other.image_urls)

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self.edition.digest)

    @cached_property
    def form(self) -> Form:
        """The Edition as MIME, made when it is first asked for. Two threads may both make it; the forms are equal."""
        return Form(self.edition, self.text, self.html, self.image_urls)

    def merge(self, values: Mapping[str, str]) -> Merged:
        """Fill every field: the value, stripped, if there is one, else the field's default.

        Raises MergeError, with the field's place in the issue, for a value that is lacking or cannot stand there.
        """
        given = [values.get(name, "") for name in self._named]
        before, filled = self._last
        if given != before:
            # A value that is the one of the person before, as an unsubscribe address often is, is not escaped again.
            filled = filled.copy()
            for value, last, slots in zip(given, before, self._named.values(), strict=True):
                if value != last:
                    filled.update({slot.mark: _filled(slot, value) for slot in slots})
            self._last = given, filled
        return Merged(self, filled)


def _filled(slot: Slot, given: str) -> str:
    value = given.strip() or slot.default
    if value is None:
        _refuse(slot, "has no value and no default", f'Give the person one, or write {{{{ {slot.name} | default("…") }}}}.')
    if slot.name in LINK_FIELDS and _SENDGRID_TAG.fullmatch(value):
        return value
    try:
        return escape.ESCAPES[slot.context](value)
    except ValueError as err:
        _refuse(slot, f"cannot be a link here: its value is {err}", "Such a value starts with https://, http:// or mailto:.")


def _refuse(slot: Slot, what: str, hint: str) -> NoReturn:
    raise MergeError(f"the merge field {slot.source} {what}", where=slot.where, hint=hint)
