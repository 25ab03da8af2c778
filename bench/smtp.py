"""Measures sending by SMTP: against Postfix's own sender to its own sink, and over a line with 20 ms against ``smtplib``.

``python bench/smtp.py [MESSAGES] [SESSIONS]``: 20,000 and 50 by default. Needs ``smtp-sink`` and ``smtp-source`` (Debian: postfix).
Each side is a process of its own and takes its turn; medians of five rounds. Exit code 1 when a bound is missed.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
LEAST_SHARE, MOST_CPU, LEAST_TIMES = 0.9, 0.2, 3.5
# The line: milliseconds there and back, connections, messages of ours and of smtplib.
DELAY, LINES, FAR, FAR_PLAIN = 20, 8, 4_000, 600
TOML = """\
[newsletter]
name = "The Bench Letter"
from = "Bench <bench@letters-of-the-bench.org>"
[unsubscribe]
address = "leave@letters-of-the-bench.org"
[delivery]
transport = "smtp"
[transport.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
connections = {connections}
ehlo_name = "bench.letters-of-the-bench.org"
"""


def readers(number: int) -> Iterator[Any]:
    """Yield so many made-up people, in no order of their addresses."""
    from composer.audience.model import Subscriber  # noqa: PLC0415 - each side loads what it needs

    for count in range(number):
        email = f"reader{count * 7919 % 1_000_003}@mail{count % 97}.example.org"
        yield Subscriber(email, email, f"Reader {count}", {"first_name": f"R{count}", "country": "FR"}, list="readers")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


@contextmanager
def process(*command: str, port: int) -> Iterator[int]:
    """Run a server until the end of the block; yield its port."""
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    try:
        wait_for(port)
        yield port
    finally:
        running.kill()
        running.wait()


@contextmanager
def sink() -> Iterator[int]:
    """Start Postfix's sink, which takes everything and keeps nothing; yield its port."""
    port, tool = free_port(), shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "smtp-sink"
    user = ("-u", "nobody") if os.getuid() == 0 else ()
    with process(tool, *user, f"127.0.0.1:{port}", "256", port=port):
        yield port


@contextmanager
def far(port: int) -> Iterator[int]:
    """Put a line with ``DELAY`` milliseconds there and back before a port; yield its own."""
    own = free_port()
    with process(sys.executable, __file__, "--line", str(own), str(port), port=own):
        yield own


def make_edition(project: Any) -> tuple[Any, Any]:
    """Compose the January 2026 issue for a list; return its settings and the edition."""
    from composer.config import ListSettings  # noqa: PLC0415 - each side loads what it needs
    from composer.edition.compose import compose  # noqa: PLC0415
    from composer.issue.files import read_issue  # noqa: PLC0415

    settings = ListSettings(name="readers")
    edition = compose(read_issue(project.issue_path("2026-01"), project), settings, project)
    return settings, replace(edition, attachments=())


def ours(folder: str, messages: int) -> dict[str, float]:
    """Send a whole campaign with the ledger on; messages a second, and milliseconds of CPU a message, those of the ledger's process too."""
    from composer.audience.model import List  # noqa: PLC0415 - each side loads what it needs
    from composer.delivery.campaign import run  # noqa: PLC0415
    from composer.delivery.setting import freeze  # noqa: PLC0415
    from composer.ledger.campaigns import read_campaign, start_campaign  # noqa: PLC0415
    from composer.ledger.opening import open_ledger  # noqa: PLC0415
    from composer.ledger.stage import stage  # noqa: PLC0415
    from composer.project import find  # noqa: PLC0415

    project = find(Path(folder), exact=True)
    settings, edition = make_edition(project)
    with open_ledger(project) as ledger:
        audience = stage([List(settings, tuple(readers(messages)))], lambda *_: {})
        start_campaign(ledger, edition, audience, transport="smtp", real=True, setting=freeze(project.config), now=datetime.now(UTC))
        spent, begun = cpu(), time.perf_counter()
        report = run(project, ledger, read_campaign(ledger), clock=lambda: datetime.now(UTC))
        seconds = time.perf_counter() - begun
    if report.counts != {"accepted": messages}:
        raise SystemExit(f"not all were sent: {report}")
    return {"rate": messages / seconds, "cpu": (cpu() - spent) / messages * 1000}


def cpu() -> float:
    """Return the seconds of CPU that this process and those it started have spent, in user and system mode."""
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def letters(folder: str, messages: int) -> list[tuple[str, bytes]]:
    """Return address and bytes of as many messages, ready to be sent."""
    from composer.message.build import Builder  # noqa: PLC0415 - each side loads what it needs
    from composer.message.merge import Merger  # noqa: PLC0415
    from composer.message.mime import to_bytes  # noqa: PLC0415
    from composer.project import find  # noqa: PLC0415

    project, now = find(Path(folder), exact=True), datetime.now(UTC)
    settings, edition = make_edition(project)
    builder = Builder(Merger(edition, {}), config=project.config, settings=settings, keys=())
    return [(each.email, to_bytes(builder.build(each, f"{at:022d}", now))) for at, each in enumerate(readers(messages))]


def plain(folder: str, messages: int) -> dict[str, float]:
    """Send ready messages with ``smtplib.sendmail`` on connections that are kept, a thread each; messages a second."""
    from composer.project import find  # noqa: PLC0415 - each side loads what it needs

    port, ready = find(Path(folder), exact=True).config.transport.smtp.port, letters(folder, messages)

    def send(share: list[tuple[str, bytes]]) -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            for address, data in share:
                client.sendmail("bench@letters-of-the-bench.org", [address], data)

    begun = time.perf_counter()
    with ThreadPoolExecutor(LINES) as threads:
        list(threads.map(send, [ready[at::LINES] for at in range(LINES)]))
    return {"rate": messages / (time.perf_counter() - begun)}


def side(which: str, messages: int, port: int, connections: int) -> dict[str, float]:
    """Run one side in a process and a project of its own; return what it measured."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "newsletter.toml").write_text(TOML.format(port=port, connections=connections))
        (Path(folder) / "issues").mkdir()
        (Path(folder) / "issues" / "2026-01.md").write_bytes((ROOT / "issues" / "2026-01.md").read_bytes())
        (Path(folder) / "issues" / "images").symlink_to(ROOT / "issues" / "images")
        command = [sys.executable, __file__, f"--{which}", folder, str(messages)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return dict(json.loads(done.stdout))


def source(messages: int, port: int, sessions: int, size: int) -> float:
    """Send as many messages of as many bytes with Postfix's ``smtp-source``, connections kept; messages a second."""
    tool = shutil.which("smtp-source", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "smtp-source"
    numbers = ("-m", str(messages), "-s", str(sessions), "-l", str(size))
    begun = time.perf_counter()
    subprocess.run([tool, "-d", *numbers, "-f", "a@example.org", "-t", "b@example.org", f"127.0.0.1:{port}"], check=True)
    return messages / (time.perf_counter() - begun)


async def line(own: int, port: int) -> None:
    """Pass bytes on, both ways, each half of ``DELAY`` later than it came."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop, last = asyncio.get_running_loop(), 0.0
        while data := await reader.read(1 << 16):
            last = max(last, loop.time() + DELAY / 2000)
            loop.call_at(last, writer.write, data)
        loop.call_at(max(last, loop.time() + DELAY / 2000), writer.close)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        with suppress(OSError):
            await asyncio.gather(pass_on(reader, back), pass_on(there, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", own) as server:
        await server.serve_forever()


def show(value: float, bound: float, what: str, *, least: bool) -> bool:
    """Print a figure beside its bound; return whether it holds."""
    good = value >= bound if least else value <= bound
    print(f"{value:7.2f} of {'at least' if least else 'at most '} {bound:4.1f}  {'ok' if good else 'MISSED':6}  {what}")
    return good


def main(arguments: list[str]) -> int:
    """Measure in turn, so that a busy moment of the machine meets all sides."""
    numbers = [int(word.replace(",", "")) for word in arguments if word[0].isdigit()]
    messages, sessions = (*numbers, *(20_000, 50)[len(numbers) :])
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "newsletter.toml").write_text(TOML.format(port=25, connections=1))
        (Path(folder) / "issues").symlink_to(ROOT / "issues")
        size = len(letters(folder, 1)[0][1])
    near, ceilings, distant, slow = [], [], [], []
    for _ in range(ROUNDS):
        with sink() as port:
            near.append(side("ours", messages, port, sessions))
            ceilings.append(source(messages, port, sessions, size))
        with sink() as port, far(port) as remote:
            distant.append(side("ours", FAR, remote, LINES)["rate"])
            slow.append(side("plain", FAR_PLAIN, remote, LINES)["rate"])
    rate, ceiling = statistics.median(each["rate"] for each in near), statistics.median(ceilings)
    print(f"Python {' '.join(sys.version.split())}")  # how it was built says as much as its version
    print(
        f"{messages:,} messages of {size:,} bytes, {sessions} sessions: {rate:,.0f} a second with the ledger on, smtp-source {ceiling:,.0f}"
    )
    good = show(rate / ceiling, LEAST_SHARE, "of what smtp-source sends to the same sink", least=True)
    good &= show(
        statistics.median(each["cpu"] for each in near), MOST_CPU, "ms of CPU a message, the ledger's process included", least=False
    )
    there, plainly = statistics.median(distant), statistics.median(slow)
    print(f"{DELAY} ms away, {LINES} connections: {there:,.0f} a second, smtplib.sendmail {plainly:,.0f}")
    good &= show(there / plainly, LEAST_TIMES, "times what smtplib.sendmail sends over the same line", least=True)
    return int(not good)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder, where files are named like packages
    match sys.argv[1:]:
        case ["--line", own, port]:
            asyncio.run(line(int(own), int(port)))
        case ["--ours" | "--plain" as which, folder, messages]:
            print(json.dumps({"--ours": ours, "--plain": plain}[which](folder, int(messages))))
        case arguments:
            sys.exit(main(arguments))
