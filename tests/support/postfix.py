"""A real Postfix from a configuration of its own: takes mail for one made-up domain on loopback, and mails nobody outside.

It asks no DNS, relays nothing, and everything it would send elsewhere ends in an error. Master starts as root alone.
"""

from __future__ import annotations

import os
import pwd
import shutil
import smtplib
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from machine import free_port, program, without

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.1/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
local_transport = error:nobody lives here
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/conf/readers
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{group}
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
_QUEUES = "active bounce corrupt defer deferred flush hold incoming maildrop private public saved trace".split()
_TRIES = 3  # somebody else may take the free port


class Postfix:
    """A Postfix that runs: its ``port``, and what it put into whose mailbox."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port

    @property
    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.is_file() else ""

    def mail(self, person, count=1, seconds=20):
        """Wait for ``count`` messages in somebody's mailbox; their bytes as they lie there, with LF as line ends, oldest first."""
        end = time.monotonic() + seconds
        while True:
            files = sorted((self.folder / "mail" / person / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
            if len(files) >= count:
                return [path.read_bytes() for path in files]
            if time.monotonic() > end:
                pytest.fail(f"{len(files)} of {count} messages arrived: {self.log[-3000:]}", pytrace=False)
            time.sleep(0.02)


@contextmanager
def running(people, domain="readers.test"):
    """Run one that has mailboxes for ``people``, the names before the @."""
    postconf = program("postconf", "Postfix")
    if os.geteuid() != 0:
        without("Postfix is started by root alone")
    # Not in pytest's own folders: Postfix runs as another user, who gets into none of them.
    folder = Path(tempfile.mkdtemp(prefix="newsletter-postfix-", dir="/tmp"))
    try:
        _lay_out(folder, people, domain)
        shown = subprocess.run([postconf, "-dh", "daemon_directory"], check=True, capture_output=True, text=True)
        # Master itself: `postfix start-fg` looks at every file of the installation first, and hands no signal on.
        command = [f"{shown.stdout.strip()}/master", "-c", folder / "conf", "-s"]
        for _ in range(_TRIES):
            port = free_port()
            (folder / "conf" / "master.cf").write_text(_MASTER.format(port=port))
            server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                if _answers(server, port):
                    yield Postfix(folder, port)
                    return
            finally:
                server.terminate()
                server.wait(30)
        pytest.fail(f"Postfix does not start: {Postfix(folder, 0).log[-3000:]}", pytrace=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(folder, people, domain):
    nobody = pwd.getpwnam("nobody")
    folder.chmod(0o755)
    for name, owner in (("conf", "root"), ("queue", "root"), ("data", "postfix"), ("mail", "nobody")):
        (folder / name).mkdir(mode=0o755)
        shutil.chown(folder / name, owner)
    (folder / "queue" / "pid").mkdir()
    for name in _QUEUES:
        (folder / "queue" / name).mkdir(mode=0o700)
        shutil.chown(folder / "queue" / name, "postfix")
    settings = _MAIN.format(folder=folder, domain=domain, user=nobody.pw_uid, group=nobody.pw_gid)
    (folder / "conf" / "main.cf").write_text(settings)
    (folder / "conf" / "readers").write_text("".join(f"{person}@{domain} {person}/\n" for person in people))


def _answers(server, port):
    end = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < end:
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as door:
                return door.noop()[0] == 250
        except OSError:
            time.sleep(0.02)
    return False
