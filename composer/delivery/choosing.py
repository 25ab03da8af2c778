"""Which people a send is for: lists opened, a segment applied, and those left out who must not or need not be mailed.

Reads lists and, where there is one, the ledger; the audience it gives lies on disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from composer.audience.files import declare, read_list
from composer.audience.model import List
from composer.audience.segment import compile_segment, unknown_fields
from composer.errors import UsageError
from composer.findings import Where, warning
from composer.ledger.campaigns import already_mailed
from composer.ledger.due import ALREADY_MAILED
from composer.ledger.forgotten import FORGOTTEN, anyone_forgotten, is_forgotten
from composer.ledger.people import read_ledger_list
from composer.ledger.stage import stage
from composer.ledger.suppressions import suppressed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from composer.audience.model import Audience, Declaration, Subscriber
    from composer.audience.segment import Segment
    from composer.config import ListSettings
    from composer.findings import Finding
    from composer.ledger.database import Ledger
    from composer.project import Project

NOT_IN_SEGMENT = "not_in_segment"


@dataclass(slots=True)
class Choice:
    """What was chosen: the lists as read, the audience on disk, how many of it have the issue already, and remarks."""

    lists: list[List]
    audience: Audience
    again: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class Chooser:
    """Chooses people. ``issue`` is the stem when those who have it are to be found, ``correction`` keeps them in."""

    project: Project
    ledger: Ledger | None
    segment: str = ""
    where: str = ""
    issue: str = ""
    correction: bool = False
    again: int = 0
    _segments: dict[str, tuple[Segment, ...]] = field(default_factory=dict)
    _anyone_forgotten: bool | None = None

    def open_lists(self, names: Sequence[str]) -> list[List]:
        """Open each list once, also one that is named in two ways. Raises AudienceError, UsageError for a segment that one lacks."""
        lists: list[List] = []
        for name in dict.fromkeys(names):
            declaration = declare(self.project, name)
            each = self._open(declaration, name)
            if all(each.settings.name != other.settings.name or each != other for other in lists):
                lists.append(each)
                self._declare_segment(declaration)
        return lists

    def choose(self, lists: list[List]) -> Choice:
        """Put the audience together on disk. Raises LedgerError, SegmentError."""
        findings: list[Finding] = []
        columns = {column for each in lists for column in each.columns}
        for each in lists:
            for segment in self._segments.get(each.settings.name, ()):
                findings += unknown_fields(segment, columns, Where(each.settings.name))
        audience = stage(lists, self._unwanted)
        return Choice(lists, audience, self.again, tuple(findings))

    def _open(self, declaration: Declaration, name: str) -> List:
        if not declaration.in_ledger:
            return read_list(self.project, name)
        if self.ledger:
            return read_ledger_list(self.ledger, declaration)
        hint = f"`newsletter lists import FILE --to {declaration.settings.name}` brings people in."
        empty = warning("list-empty", Where(declaration.settings.name), "nobody is on this list", hint)
        return List(declaration.settings, (), findings=(*declaration.findings, empty))

    def _declare_segment(self, declaration: Declaration) -> None:
        name = declaration.settings.name
        if self.segment and self.segment not in declaration.segments:
            known = ", ".join(declaration.segments) or "none"
            hint = f"Its segments: {known}. They stand under [segments] in recipients/{name}.toml; --where takes an expression."
            raise UsageError(f"the list {name} has no segment {self.segment}", hint=hint)
        parts = (declaration.segments.get(self.segment, ""), self.where)
        self._segments[name] = tuple(compile_segment(text) for text in parts if text)

    def _unwanted(self, people: Sequence[Subscriber], settings: ListSettings) -> Mapping[str, str]:
        reasons: dict[str, str] = {}
        for segment in self._segments.get(settings.name, ()):
            reasons |= {person.key: NOT_IN_SEGMENT for person in people if not segment.matches(person)}
        if not self.ledger:
            return reasons
        keys = [person.key for person in people if person.key not in reasons]
        reasons |= {key: str(reason) for key, reason in suppressed(self.ledger, keys, settings.name).items()}
        if self._anyone_forgotten is None:
            self._anyone_forgotten = anyone_forgotten(self.ledger)
        if self._anyone_forgotten:
            reasons |= dict.fromkeys(is_forgotten(self.ledger, keys, self.project.signing_keys()), FORGOTTEN)
        if self.issue:
            have = already_mailed(self.ledger, self.issue, [key for key in keys if key not in reasons])
            if self.correction:
                self.again += len(have)
            else:
                reasons |= dict.fromkeys(have, ALREADY_MAILED)
        return reasons
