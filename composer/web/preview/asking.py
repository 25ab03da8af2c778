"""What a request asks for, checked: nothing of it is a path."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request

from composer.issue.dates import read_moment
from composer.web.preview.trial import Order

_LONGEST = 320


@dataclass(frozen=True, slots=True)
class Ask:
    """An issue by its stem, for a list by its name (empty: none), as somebody (empty: nobody), at a moment (None: now)."""

    stem: str
    to: str = ""
    as_: str = ""
    on: datetime | None = None


def ask_of(request: Request, default_list: str = "") -> Ask:
    """Read a request's address; ``default_list`` is for one that says nothing of a list. Raises HTTPException for a day that is none."""
    query = request.query_params
    on = query.get("on", "")
    try:
        moment = read_moment(on) if on else None
    except ValueError as err:
        raise HTTPException(400, f"The day: {err}") from err
    return Ask(request.path_params["stem"], query.get("to", default_list), query.get("as", "")[:_LONGEST], moment)


def order_of(body: bytes) -> Order:
    """Read what a test send asks for. Raises HTTPException for what is no such order."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise HTTPException(400, "The request is no JSON.") from err
    if not isinstance(data, dict):
        raise HTTPException(400, "The request is no order for a test.")
    to, meant_for, merged_as = data.get("to"), data.get("for") or "", data.get("as") or ""
    if not isinstance(to, list) or not all(map(_is_word, (*to, meant_for, merged_as))):
        raise HTTPException(400, "The request is no order for a test.")
    return Order(tuple(dict.fromkeys(str(word).strip() for word in to)), str(meant_for), str(merged_as))


def _is_word(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST
