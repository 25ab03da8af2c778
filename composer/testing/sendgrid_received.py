"""What the SendGrid double took for one person, and how it looks once merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """What was taken for one person. ``number`` counts requests from 1; ``at`` is when, in Unix seconds."""

    request: Mapping[str, Any] = field(repr=False)
    person: Mapping[str, Any] = field(repr=False)
    number: int
    at: float

    @property
    def email(self) -> str:
        """Whom it goes to."""
        return str(self.person["to"][0]["email"])

    @property
    def delivery(self) -> str:
        """Our delivery id."""
        return str(self.person.get("custom_args", {}).get("delivery", ""))

    @property
    def batch(self) -> str:
        """The batch that it goes with, if any."""
        return str(self.request.get("batch_id", ""))

    @property
    def send_at(self) -> int | None:
        """When it is to be sent."""
        send_at = self.person.get("send_at", self.request.get("send_at"))
        return None if send_at is None else int(send_at)

    @property
    def subject(self) -> str:
        """The subject as the person gets it."""
        return self._merged(self.person.get("subject") or self.request["subject"])

    @property
    def html(self) -> str:
        """The HTML as the person gets it."""
        return self._part("text/html")

    @property
    def text(self) -> str:
        """The text as the person gets it."""
        return self._part("text/plain")

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers as the person gets them."""
        return {**self.request.get("headers", {}), **self.person.get("headers", {})}

    def _part(self, kind: str) -> str:
        return self._merged(next((part["value"] for part in self.request["content"] if part["type"] == kind), ""))

    def _merged(self, text: str) -> str:
        # One tag after the other over the whole text: a value that holds a tag is replaced again, as may happen there.
        for tag, value in self.person.get("substitutions", {}).items():
            text = text.replace(tag, value)
        return text
