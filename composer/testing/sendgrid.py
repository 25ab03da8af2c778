"""A SendGrid double: a real HTTP server on loopback that enforces what SendGrid documents, and fails on demand.

``python -m composer.testing.sendgrid --port 0 --log FILE`` runs it alone: it prints its address, and appends a line for each person
whom it took before it answers.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Event, RLock
from typing import TYPE_CHECKING, Any, Self

from composer.testing.sendgrid_batches import Batches
from composer.testing.sendgrid_http import Call, Fault, Point, Reply, Server, refusal
from composer.testing.sendgrid_received import Received
from composer.testing.sendgrid_rules import LARGEST_REQUEST, Account, check_request

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

__all__ = ["Fault", "Point", "Received", "SendGridDouble", "Storm"]

KEY = "SG.a-key-for-tests"
_SEND = "/v3/mail/send"
_PAGE = 500
_COUNTED = re.compile(rb'\{"to":\[\{"email":')


@dataclass(frozen=True, slots=True)
class Storm:
    """Faults by chance: each with its probability, the same ones for the same seed."""

    faults: Mapping[Fault, float]
    seed: int = 0


class SendGridDouble:
    """A context manager; ``url`` is its address, ``key`` what it wants to see.

    ``script`` gives the fault of each mail request in turn (None: none), ``storm`` what comes after. ``counting``: only counts people
    (``taken``), checks and keeps nothing. ``clock`` gives Unix seconds and may be replaced at any time.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        script: Iterable[Fault | None] = (),
        storm: Storm | None = None,
        counting: bool = False,
        log: Path | str | None = None,
    ) -> None:
        self.key, self.clock, self.counting = KEY, clock, counting
        self.scopes = ["mail.send", "mail.batch.create", "asm.groups.read", "suppression.read", "user.scheduled_sends.create"]
        self.groups: dict[int, str] = {}
        self.batches = Batches(self._due)
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.received: list[Received] = []
        self.calls: list[tuple[str, str, int]] = []
        self.largest = 0
        self.taken = 0
        self.script: deque[Fault | None] = deque(script)
        self.late_is_discarded = True
        self._storm, self._chance = storm, random.Random(storm.seed if storm else 0)  # noqa: S311 - to repeat a storm
        self._port, self._tls = port, tls
        self._lock = RLock()
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if log else None
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
        if self._log is not None:
            os.close(self._log)
            self._log = None

    @property
    def url(self) -> str:
        """The address for ``base_url``."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def emails(self) -> list[str]:
        """Who was taken, in order, once for each time."""
        with self._lock:
            return [each.email for each in self.received]

    def up(self) -> None:
        """Listen, at the same port as before."""
        if self._server is None:
            self._server = Server(self._port, self._choose, self._answer, self._tls)
            self._port = self._server.server_address[1]
            self._server.start()

    def down(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def delivered(self, now: float | None = None) -> list[Received]:
        """Return what has reached people by ``now`` (default: the clock's): nothing that is due later, or held back with its batch."""
        now = self.clock() if now is None else now
        with self._lock:
            return [each for each in self.received if (each.send_at is None or each.send_at <= now) and not self._held_back(each)]

    def _held_back(self, each: Received) -> bool:
        if each.batch not in self.batches.held:
            return False
        return self.late_is_discarded or each.at <= self.batches.held_at[each.batch]

    def _due(self, batch: str) -> int | None:
        return max((each.send_at or 0 for each in self.received if each.batch == batch), default=None)

    def _choose(self, method: str, path: str) -> Fault | None:
        if (method, path) != ("POST", _SEND):
            return None
        with self._lock:
            if self.script:
                return self.script.popleft()
            dice = self._chance.random()
        for fault, share in (self._storm.faults if self._storm else {}).items():
            if dice < share:
                return fault
            dice -= share
        return None

    def _answer(self, call: Call, fault: Fault | None) -> Reply:
        with self._lock:
            self.largest = max(self.largest, len(call.body))
        reply = self._counted(call, fault) if self.counting and call.path == _SEND else self._checked(call, fault)
        with self._lock:
            self.calls.append((call.method, call.path, reply.status))
        return reply

    def _counted(self, call: Call, fault: Fault | None) -> Reply:
        with self._lock:
            if fault is None or fault.accept:
                self.taken += len(_COUNTED.findall(call.body))
        return Reply(202, headers={"X-Message-Id": "counted"})

    def _checked(self, call: Call, fault: Fault | None) -> Reply:
        if call.headers.get("authorization") != f"Bearer {self.key}":
            return refusal(401, "The provided authorization grant is invalid, expired, or revoked")
        data: Any = None
        if call.body:
            if call.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
                return refusal(415, "Content-Type should be application/json.")
            if len(call.body) >= LARGEST_REQUEST:
                return refusal(413, "Payload too large")
            try:
                data = json.loads(call.body)
            except ValueError:
                return refusal(400, "Bad Request")
        with self._lock:
            if (call.method, call.path) == ("POST", _SEND):
                return self._mail(data, fault)
            return self._other(call, data)

    def _mail(self, data: Any, fault: Fault | None) -> Reply:
        if "mail.send" not in self.scopes:
            return refusal(403, "access forbidden")
        now = self.clock()
        if problems := check_request(data, Account(now, self.batches.ids, self.groups)):
            return Reply(400, {"errors": [problem.row for problem in problems]})
        if fault is None or fault.accept:
            self._take(data, now)
        return Reply(202, headers={"X-Message-Id": f"double-{len(self.calls) + 1}"})

    def _take(self, data: Mapping[str, Any], now: float) -> None:
        number = len(self.calls) + 1
        new = [Received(data, person, number, now) for person in data["personalizations"]]
        self.received += new
        self.taken += len(new)
        if self._log is not None:
            os.write(self._log, "".join(f"{each.email}\t{each.delivery}\t{each.batch}\n" for each in new).encode())

    def _other(self, call: Call, data: Any) -> Reply:
        match [call.method, *call.path.removeprefix("/v3/").split("/")]:
            case ["GET", "scopes"]:
                return Reply(200, {"scopes": self.scopes})
            case ["POST", "mail", "batch"]:
                return Reply(201, {"batch_id": self.batches.create(self._chance.getrandbits(64))})
            case ["GET", "mail", "batch", batch]:
                return Reply(200, {"batch_id": batch}) if batch in self.batches.ids else refusal(400, "invalid batch id")
            case ["GET", "asm", "groups"]:
                return Reply(200, [{"id": number, "name": name, "description": name} for number, name in self.groups.items()])
            case ["POST" | "GET" | "PATCH" | "DELETE", "user", "scheduled_sends", *rest] if len(rest) <= 1:
                return self.batches.answer(call.method, rest[0] if rest else "", data, self.clock())
            case ["GET", *path] if "/".join(path) in self.lists or path[0] in {"asm", "suppression"}:
                limit = min(int(call.query.get("limit", _PAGE)), _PAGE)
                offset = int(call.query.get("offset", 0))
                return Reply(200, self.lists.get("/".join(path), [])[offset : offset + limit])
        return refusal(404, "not found")


def main(arguments: list[str] | None = None) -> None:
    """Run a double as a process of its own, until it is killed."""
    parser = argparse.ArgumentParser(prog="python -m composer.testing.sendgrid", description="A SendGrid double on loopback.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0: any")
    parser.add_argument("--log", help="file to which a line is appended for each person taken: address, delivery id, batch id")
    parser.add_argument("--key", default=KEY, help="the API key to ask for")
    parser.add_argument("--counting", action="store_true", help="only count; check and keep nothing")
    parser.add_argument("--late", type=float, default=60.0, help="seconds by which a late answer is late")
    parser.add_argument("--seed", type=int, default=0, help="seed of the storm")
    parser.add_argument("--rate", type=float, default=0.0, help="share of requests that fail, one kind as often as another")
    given = parser.parse_args(arguments)
    kinds = [Fault(point, accept=accept, status=503, seconds=given.late) for point in Point for accept in (False, True)]
    kinds.append(Fault(Point.STATUS, status=429, headers=(("Retry-After", "1"),)))
    storm = Storm({fault: given.rate / len(kinds) for fault in kinds}, given.seed) if given.rate else None
    with SendGridDouble(port=given.port, log=given.log, counting=given.counting, storm=storm) as double:
        double.key = given.key
        sys.stdout.write(f"{double.url}\n")
        sys.stdout.flush()
        Event().wait()


if __name__ == "__main__":
    main()
