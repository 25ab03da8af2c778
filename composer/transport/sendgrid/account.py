"""What else an account can be asked: whether its key works, batches to recall, and whom it will not mail.

Every function takes a client (``client.open_client``) and raises TransportError when SendGrid refuses, or cannot be reached. Reads are
tried again; nothing here sends mail.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from composer.errors import TransportError
from composer.transport.sendgrid.answers import said, wait_of
from composer.transport.sendgrid.wire import Answer, Lost

if TYPE_CHECKING:
    Sleep = Callable[[float], None]

# The largest page that the suppression lists give.
PAGE = 500
_SCHEDULED = "user/scheduled_sends"
_TRIES = 4
_PAUSE = 2.0
_LONGEST_WAIT = 60.0
_GROUP = "asm/suppressions"
# Path, our reason for the suppression, name of the time stamp. Blocks are not final: SendGrid goes on mailing these addresses.
_LISTS = (
    (_GROUP, "unsubscribed", "created_at"),
    ("suppression/unsubscribes", "unsubscribed", "created"),
    ("suppression/bounces", "hard_bounce", "created"),
    ("suppression/blocks", "blocked", "created"),
    ("suppression/spam_reports", "complaint", "created"),
    ("suppression/invalid_emails", "invalid", "created"),
)


# What a key needs besides the right to send, by the names under which SendGrid offers it; of each tuple one scope is enough.
# https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions (2026-11).
_READS = tuple(
    ("suppression.read", f"suppression.{kind}.read") for kind in ("blocks", "bounces", "invalid_emails", "spam_reports", "unsubscribes")
)
_RIGHTS = {
    "Suppressions": _READS,
    "Unsubscribe Groups": (("asm.groups.read", "asm.groups.suppressions.read"),),
}
_RIGHTS_TO_UNDO = {"Scheduled Sends": (("mail.batch.create",), ("user.scheduled_sends.create",))}


@dataclass(frozen=True, slots=True)
class RemoteSuppression:
    """An address that SendGrid holds back. ``reason``: unsubscribed, hard_bounce, blocked, complaint, invalid.

    ``scope_group`` is the unsubscribe group, None for everywhere; ``created`` is aware.
    """

    email: str = field(repr=False)
    reason: str
    scope_group: int | None
    created: datetime


class Caller(Protocol):
    """What calls the API: ``client.Client``."""

    def call(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: bytes | None = None) -> Answer:
        """Call the API."""


def login(client: Caller, group: int = 0) -> str:
    """Try the key without sending; return a line that says what it may do.

    Raises TransportError when it may not send, or when the account has no unsubscribe group of the number ``group`` (0: none is asked for).
    """
    scopes = _ask(client, "get", "scopes").get("scopes", [])
    if "mail.send" not in scopes:
        hint = "Give the key the permission Mail Send, or full access, at SendGrid under Settings, API Keys."
        raise TransportError("the key for SendGrid may not send mail", hint=hint)
    if group and "asm.groups.read" in scopes and group not in (known := groups(client)):
        named = ", ".join(f"{number} ({name})" for number, name in known.items()) or "none yet"
        hint = f"Set `group_id` under [transport.sendgrid] to one of the account's groups: {named}."
        raise TransportError(f"the account has no unsubscribe group {group}", hint=hint)
    return f"the key works and may send mail ({len(scopes)} permissions)"


def lacking(client: Caller, *, undo: bool) -> tuple[str, ...]:
    """Name the permissions that the key lacks for what comes with a send: to read who must not be mailed, and (``undo``) to withdraw it."""
    scopes = set(_ask(client, "get", "scopes").get("scopes", []))
    wanted = {**_RIGHTS, **(_RIGHTS_TO_UNDO if undo else {})}
    return tuple(name for name, needs in wanted.items() if not all(scopes & set(either) for either in needs))


def create_batch(client: Caller) -> str:
    """Make a new batch id, for requests that carry ``send_at``."""
    return str(_ask(client, "post", "mail/batch", body={})["batch_id"])


def cancel_batch(client: Caller, batch_id: str) -> None:
    """Cancel what was scheduled under a batch id.

    Documented: sure until ten minutes before ``send_at``; refused when ten batches are cancelled or paused already, or this one is.
    """
    _ask(client, "post", _SCHEDULED, body={"batch_id": batch_id, "status": "cancel"})


def batch_status(client: Caller, batch_id: str) -> str:
    """Return cancel or pause, or an empty text for a batch that is neither."""
    rows = _ask(client, "get", f"{_SCHEDULED}/{quote(batch_id, safe='')}", missing={404}) or []
    return next((str(row["status"]) for row in rows if row.get("batch_id") == batch_id), "")


def groups(client: Caller) -> dict[int, str]:
    """Return the names of the account's unsubscribe groups, by number."""
    return {int(row["id"]): str(row["name"]) for row in _ask(client, "get", "asm/groups")}


def suppressions(client: Caller) -> Iterator[RemoteSuppression]:
    """Yield everyone whom the account holds back, page by page; who stands in two lists comes twice."""
    for path, reason, stamp in _LISTS:
        for row in _pages(client, path):
            group = int(row["group_id"]) if path == _GROUP else None
            yield RemoteSuppression(str(row["email"]), reason, group, datetime.fromtimestamp(int(row.get(stamp) or 0), UTC))


def _pages(client: Caller, path: str) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a list. Paging of group suppressions is not documented: a page that is not one ends the list."""
    offset, before = 0, None
    while True:
        page = _ask(client, "get", path, query={"limit": PAGE, "offset": offset})
        if page == before:
            return
        yield from page
        if len(page) != PAGE:
            return
        offset, before = offset + PAGE, page


def _ask(
    client: Caller,
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    body: object = None,
    missing: frozenset[int] | set[int] = frozenset(),
) -> Any:
    """Call, wait for limits, and return what came as JSON ({} for nothing); None for a status in ``missing``."""
    for tries in range(1, _TRIES + 1):
        try:
            answer = client.call(method, path, query=query, body=None if body is None else json.dumps(body).encode())
        except Lost as lost:
            if tries == _TRIES or lost.untrusted or (lost.written and method != "get"):
                hint = "Check the network, and `base_url` in [transport.sendgrid]."
                raise TransportError(f"SendGrid cannot be reached: {lost.reason}", hint=hint) from lost
            time.sleep(_PAUSE)
            continue
        if answer.status != 429 or tries == _TRIES:  # noqa: PLR2004
            break
        time.sleep(min(wait_of(answer.headers, time.time()), _LONGEST_WAIT))
    if answer.status in missing:
        return None
    if not 200 <= answer.status < 300:  # noqa: PLR2004
        hint = "Check SENDGRID_API_KEY and what the key may do." if answer.status in {401, 403} else ""
        raise TransportError(f"SendGrid answered {answer.status} to {method} {path.rsplit('/', maxsplit=1)[-1]}{said(answer)}", hint=hint)
    try:
        return json.loads(answer.body) if answer.body.strip() else {}
    except ValueError as err:
        raise TransportError("SendGrid's answer cannot be read", hint="Check `base_url` in [transport.sendgrid].") from err
