"""How many attempts a transport made lately, over all real campaigns: what is left of its allowance. Only reads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Integer, cast, extract, func, select

from composer.ledger.schema import attempts, campaigns

if TYPE_CHECKING:
    from datetime import datetime

    from composer.ledger.database import Ledger

# What ended so never left this machine; all else, an answer that was lost too, may have reached the server.
_NOT_MADE = ("not_sent", "unbuilt")
_WIDTH = 30
# A campaign is touched by every claim, and what is claimed has ended long before this.
_FLIGHT = timedelta(hours=1)
_A, _C = attempts.c, campaigns.c


class Tally(NamedTuple):
    """So many attempts ended within half a minute, the last of them then."""

    last: datetime
    number: int


def tally_attempts(ledger: Ledger, transport: str, since: datetime) -> list[Tally]:
    """Count the attempts of real campaigns by ``transport`` that ended after ``since``, half a minute at a time, the oldest first.

    Reads the attempts of those campaigns alone that were sent since, by their key.
    """
    # How the two databases round does not matter: it says where a half minute begins, and its last moment is read.
    part = cast(extract("epoch", _A.ended_at) / _WIDTH, Integer)
    last = func.max(_A.ended_at)
    lately = _C.transport == transport, _C.real, _C.updated_at > since - _FLIGHT
    made = _A.ended_at > since, _A.outcome.not_in(_NOT_MADE)
    asked = (
        select(last, func.count()).join_from(campaigns, attempts, _A.campaign == _C.id).where(*lately, *made).group_by(part).order_by(last)
    )
    with ledger.read() as connection:
        return [Tally(*row) for row in connection.execute(asked)]
