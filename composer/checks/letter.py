"""What the checks look at: an Issue as written and as set for a List, with all that is known around it. Plain data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from composer.audience.model import Subscriber
from composer.config import Config, ListSettings
from composer.edition.model import Edition
from composer.issue.model import Issue


@dataclass(frozen=True, slots=True)
class Letter:
    """One Issue on its way out.

    ``source`` is the issue's file as text with LF line ends; ``html`` and ``text`` are the Edition's with every open field shown as its
    default, or as written; ``people`` are those of the list, empty when none was named; ``earlier`` the folder's other issues that come
    before this one, oldest first; ``now`` is the aware moment for which dates are judged; ``theme`` the theme that the letter is set in,
    empty when it is not known.
    """

    issue: Issue
    source: str = field(repr=False)
    edition: Edition
    html: str = field(repr=False)
    text: str = field(repr=False)
    config: Config
    settings: ListSettings
    people: Collection[Subscriber] = field(repr=False)
    earlier: tuple[Issue, ...] = field(repr=False)
    now: datetime
    theme: Mapping[str, object] = field(default_factory=dict, repr=False)
