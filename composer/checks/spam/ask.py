"""Hands a message to SpamAssassin on this machine: to its daemon by the SPAMC protocol, or to the command. Reaches nothing else.

Protocol: https://svn.apache.org/repos/asf/spamassassin/branches/4.0/spamd/PROTOCOL (read 2026-11).
"""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from composer.checks.spam.answer import TOTAL, Answer, Silent, read_answer
from composer.config import FILE_NAME
from composer.errors import ConfigError
from composer.findings import Where

# A first message takes some seconds, any other half of one.
TIMEOUT = 30.0
COMMAND_TIMEOUT = 90.0
_LARGEST = 2_000_000
_PLACE = re.compile(r"\[?([0-9A-Za-z.:-]*[0-9A-Za-z])\]?:(\d{1,5})")
_STATUS = re.compile(r"SPAMD/\d+\.\d+ +(\d+)(?: +(\w+))?")
_LENGTH = re.compile(r"^Content-length:[ \t]*(\d{1,9})[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
# No network tests (-L), nobody's own settings, nothing learned; a report that can be read in every language.
_ARGUMENTS = ("--local", "--test-mode", "--nocreate-prefs")
_SETTINGS = ("use_bayes 0", "clear_report_template", "report Spam: _YESNO_ ; _SCORE_ / _REQD_", "report _SUMMARY_")


def ask(message: bytes, spamd: str) -> Answer:
    """Ask the daemon at ``spamd`` (``host:port`` or the path of a socket, empty: none), else the command.

    Raises Silent when neither answers, ConfigError when ``spamd`` is no place on this machine.
    """
    reasons = []
    if spamd:
        try:
            return ask_daemon(message, spamd)
        except Silent as silent:
            reasons.append(f"spamd at {spamd}: {silent}")
    try:
        return ask_command(message)
    except Silent as silent:
        reasons.append(f"spamassassin: {silent}")
    raise Silent("; ".join(reasons))


def ask_daemon(message: bytes, spamd: str, timeout: float = TIMEOUT) -> Answer:
    """Ask a daemon; ``timeout`` in seconds is for all of it. Raises Silent, ConfigError."""
    family, address = _place(spamd)
    request = b"REPORT SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(message)
    end = time.monotonic() + timeout
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(address)
            connection.sendall(request + message)
            connection.shutdown(socket.SHUT_WR)
            return _read(_received(connection, end))
    except TimeoutError:
        raise Silent(f"no answer within {timeout:.0f} seconds") from None
    except OSError as err:
        raise Silent(err.strerror or type(err).__name__) from None


def ask_command(message: bytes, command: str = "spamassassin", timeout: float = COMMAND_TIMEOUT) -> Answer:
    """Run the command over a message, with a home of its own that is thrown away. Raises Silent."""
    path = shutil.which(command, path=os.defpath + ":/usr/local/bin:/opt/homebrew/bin")
    if path is None:
        raise Silent("not installed")
    settings = [f"--cf={setting}" for setting in _SETTINGS]
    with tempfile.TemporaryDirectory(prefix="newsletter-spam-") as home:
        environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": home}
        try:
            done = subprocess.run(  # noqa: S603 - a fixed program, the message on its input
                [path, *_ARGUMENTS, *settings], input=message, capture_output=True, timeout=timeout, env=environment, cwd=home, check=False
            )
        except subprocess.TimeoutExpired:
            raise Silent(f"no answer within {timeout:.0f} seconds") from None
        except OSError as err:
            raise Silent(err.strerror or type(err).__name__) from None
    written = done.stdout.decode("utf-8", "replace")
    # The report stands behind the message, which may hold such a line of its own.
    totals = list(TOTAL.finditer(written))
    if done.returncode or not totals:
        raise Silent(f"it ended with {done.returncode} and no report")
    return read_answer(totals[-1][0], written[totals[-1].end() :])


def _place(spamd: str) -> tuple[socket.AddressFamily, str | tuple[str, int]]:
    if spamd.startswith("/"):
        return socket.AF_UNIX, spamd
    match = _PLACE.fullmatch(spamd)
    host = {"localhost": "127.0.0.1"}.get(match[1], match[1]) if match else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if not match or address is None or not address.is_loopback:
        hint = "Write 127.0.0.1:783, or the path of its socket; an issue that is not sent yet is shown to no other machine."
        raise ConfigError(f"spamd cannot be {spamd!r}", where=Where(FILE_NAME), hint=hint)
    return (socket.AF_INET6 if address.version == 6 else socket.AF_INET), (host, int(match[2]))  # noqa: PLR2004 - IPv6


def _received(connection: socket.socket, end: float) -> str:
    """Read until the other side closes, as long as ``end`` (of the monotonic clock) allows."""
    parts: list[bytes] = []
    size = 0
    while True:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(65536)
        if not part:
            return b"".join(parts).decode("utf-8", "replace")
        parts.append(part)
        size += len(part)
        if size > _LARGEST:
            raise Silent("its answer does not end")


def _read(answer: str) -> Answer:
    head, _, report = answer.partition("\r\n\r\n")
    status = _STATUS.match(head)
    if not status:
        raise Silent("what answers there is no spamd")
    if status[1] != "0":
        raise Silent(f"it answers {status[2] or status[1]}")
    length = _LENGTH.search(head)
    if not length or len(report.encode("utf-8", "surrogatepass")) < int(length[1]):
        raise Silent("its answer was cut off")
    return read_answer(head, report)
