"""Measures sending through SendGrid to a sink: against the bare client with ready bodies, and a million against a hundred thousand.

``python bench/sendgrid.py [PEOPLE] [--full]``: PEOPLE is 100,000 by default; ``--full`` also sends to ten times as many. Each side
is a process of its own; the sink, one more, only counts. Exit code 1 when a bound is missed.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
THREADS, PER_REQUEST = 4, 200
MOST_TIMES, MOST_GROWTH, MOST_MEGABYTES = 3.0, 1.2, 300.0
TOML = """\
[newsletter]
name = "The Bench Letter"
from = "Bench <bench@letters-of-the-bench.org>"
[unsubscribe]
address = "leave@letters-of-the-bench.org"
[delivery]
transport = "sendgrid"
[transport.sendgrid]
base_url = "{url}"
threads = {threads}
people_per_request = {people}
"""


@dataclass(frozen=True, slots=True)
class People:
    """So many made-up people, made as they are asked for."""

    number: int

    def __len__(self) -> int:
        return self.number

    def __contains__(self, _: object) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        from composer.audience.model import Subscriber  # noqa: PLC0415 - each side loads what it needs

        for count in range(self.number):
            # Addresses come in no order, as on a list that grew over the years.
            name = f"reader{count * 7919 % 1_000_003}"
            email = f"{name}@mail{count % 97}.example.org"
            yield Subscriber(email, email, f"Reader {count}", {"first_name": f"R{count}", "country": "FR", "member": "yes"}, list="readers")


@contextmanager
def sink() -> Iterator[str]:
    """Start a server that takes every request and counts; yield its address."""
    command = [sys.executable, "-m", "composer.testing.sendgrid", "--counting"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def side(which: str, people: int) -> dict[str, float]:
    """Run one side in a process and a project of its own; return what it measured."""
    with sink() as url, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "newsletter.toml").write_text(TOML.format(url=url, threads=THREADS, people=PER_REQUEST))
        (Path(folder) / "issues").mkdir()
        (Path(folder) / "issues" / "2026-01.md").write_bytes((ROOT / "issues" / "2026-01.md").read_bytes())
        (Path(folder) / "issues" / "images").symlink_to(ROOT / "issues" / "images")
        environment = {**os.environ, "SENDGRID_API_KEY": "SG.bench"}
        command = [sys.executable, __file__, f"--{which}", str(people), folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return dict(json.loads(done.stdout))


def ours(people: int, folder: str) -> dict[str, float]:
    """Freeze a campaign, then send it with the ledger on; seconds of both, and the memory that it took at its most, in MB."""
    from composer.audience.model import List  # noqa: PLC0415 - each side loads what it needs
    from composer.config import ListSettings  # noqa: PLC0415
    from composer.delivery.campaign import run  # noqa: PLC0415
    from composer.delivery.setting import freeze  # noqa: PLC0415
    from composer.edition.compose import compose  # noqa: PLC0415
    from composer.issue.files import read_issue  # noqa: PLC0415
    from composer.ledger.campaigns import read_campaign, start_campaign  # noqa: PLC0415
    from composer.ledger.opening import open_ledger  # noqa: PLC0415
    from composer.ledger.stage import stage  # noqa: PLC0415
    from composer.project import find  # noqa: PLC0415

    project = find(Path(folder), exact=True)
    settings = ListSettings(name="readers")
    edition = replace(compose(read_issue(project.issue_path("2026-01"), project), settings, project), attachments=())
    with open_ledger(project) as ledger:
        begun = time.perf_counter()
        audience = stage([List(settings, People(people))], lambda *_: {})
        start_campaign(ledger, edition, audience, transport="sendgrid", real=True, setting=freeze(project.config), now=datetime.now(UTC))
        frozen, at_start = time.perf_counter(), held()
        with Memory() as memory:
            report = run(project, ledger, read_campaign(ledger), clock=lambda: datetime.now(UTC))
        sent = time.perf_counter()
    if report.counts != {"accepted": people}:
        raise SystemExit(f"not all were sent: {report}")
    return {"freeze": frozen - begun, "send": sent - frozen, "megabytes_at_start": at_start, "megabytes": memory.most}


def bare(people: int, folder: str) -> dict[str, float]:
    """Post the same bodies, ready as dictionaries, with the ``sendgrid`` client alone and as many threads; seconds."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - each side loads what it needs
    from importlib import import_module  # noqa: PLC0415

    from composer.project import find  # noqa: PLC0415

    project = find(Path(folder), exact=True)
    bodies = [json.loads(body) for body in _bodies(project, people)]
    client = import_module("sendgrid").SendGridAPIClient("SG.bench", host=project.config.transport.sendgrid.base_url)

    def post(body: dict[str, Any]) -> int:
        return int(client.client.mail.send.post(request_body=body).status_code)

    begun = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        answers = set(threads.map(post, bodies))
    middle = time.perf_counter()
    answers |= set(map(post, bodies))
    if answers != {202}:
        raise SystemExit(f"the sink answered {answers}")
    return {"send": middle - begun, "one_by_one": time.perf_counter() - middle}


def _bodies(project: Any, people: int) -> Iterator[bytes]:
    """Yield the requests that ``ours`` posts."""
    from itertools import islice  # noqa: PLC0415 - each side loads what it needs

    from composer.config import ListSettings  # noqa: PLC0415
    from composer.edition.compose import compose  # noqa: PLC0415
    from composer.issue.files import read_issue  # noqa: PLC0415
    from composer.ledger.campaigns import new_ids  # noqa: PLC0415
    from composer.message.build import build_message  # noqa: PLC0415
    from composer.message.merge import Merger  # noqa: PLC0415
    from composer.transport.sendgrid.payload import Builder, Terms  # noqa: PLC0415

    settings, now = ListSettings(name="readers"), datetime.now(UTC)
    edition = replace(compose(read_issue(project.issue_path("2026-01"), project), settings, project), attachments=())
    merger, builder = Merger(edition, {}), Builder(Terms("q0123456789abcdef"), PER_REQUEST)
    stream = iter(People(people))
    while chunk := list(islice(stream, PER_REQUEST)):
        messages = [
            build_message(merger, person, delivery_id=identity, date=now, config=project.config, settings=settings, keys=())
            for person, identity in zip(chunk, new_ids(len(chunk)), strict=True)
        ]
        for request in builder.requests(messages):
            yield request.body()


class Memory:
    """Watches what this process and those that it starts hold, from ``with`` on; ``most`` is the most at one moment, in MB."""

    def __init__(self) -> None:
        self.most = 0.0
        self._over = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.most = max(self.most, held())
            if self._over.wait(0.05):
                return


def held() -> float:
    """Return the memory of this process and its children, in MB; where there is no /proc, what this one had at its most.

    What the system says of children that have ended is of no use: a child begins with the memory of its parent.
    """
    task = Path(f"/proc/self/task/{os.getpid()}/children")
    if not task.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    pages = 0
    for process in ("self", *task.read_text().split()):
        with suppress(OSError):  # it has just ended
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**2


def show(value: float, bound: float, what: str) -> bool:
    """Print a figure beside its bound; return whether it holds."""
    print(f"{value:7.2f} of {bound:6.1f}  {'ok' if value <= bound else 'MISSED':6}  {what}")
    return value <= bound


def main(arguments: list[str]) -> int:
    """Measure in turn, so that a busy moment of the machine meets both sides; the best of each counts."""
    full = "--full" in arguments
    numbers = [int(word.replace(",", "")) for word in arguments if word[0].isdigit()]
    people = numbers[0] if numbers else 100_000
    rounds = [(side("ours", people), side("bare", people)) for _ in range(ROUNDS)]
    best, plain = min(one["send"] for one, _ in rounds), min(other["send"] for _, other in rounds)
    print(f"{people:,} people: {people / best:,.0f} a second with the ledger on; the client alone {people / plain:,.0f}")
    good = show(best / plain, MOST_TIMES, "sending, ledger on : the sendgrid client with ready bodies")
    if full:
        large = side("ours", people * 10)
        growth = (large["send"] / 10) / best
        print(f"{people * 10:,} people: {people * 10 / large['send']:,.0f} a second; frozen in {large['freeze']:.0f} s")
        good &= show(growth, MOST_GROWTH, "cost a person at ten times as many : at once as many")
        good &= show(large["megabytes"], MOST_MEGABYTES, "MB of memory at most, at ten times as many")
        small = min(one["megabytes"] for one, _ in rounds)
        print(f"{small:7.0f} MB at {people:,}, {large['megabytes']:.0f} MB at {people * 10:,}")
    return int(not good)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder, where a file has the name of the package
    if sys.argv[1:2] in (["--ours"], ["--bare"]):
        print(json.dumps({"--ours": ours, "--bare": bare}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])))
        sys.exit(0)
    sys.exit(main(sys.argv[1:]))
