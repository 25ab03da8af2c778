"""A real spamd on a free loopback port: local tests alone, nobody's settings."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
from machine import free_port, program

_ARGUMENTS = ("--local", "--nouser-config", "--syslog", "stderr", "--max-children", "1", "--cf", "use_bayes 0", "--listen", "127.0.0.1")


@contextmanager
def running(folder):
    """Run it with ``folder``, which it may write in, for a home; yields its place, ``127.0.0.1:port``."""
    spamd = program("spamd", "SpamAssassin")
    folder.chmod(0o755)
    port = free_port()
    arguments = [*_ARGUMENTS, f"--helper-home-dir={folder}", "--port", str(port)]
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([spamd, *arguments], stdout=log, stderr=log, env=environment, cwd="/", start_new_session=True)
    try:
        _await(server, port, folder / "log")
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _await(server, port, log):
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(f"spamd does not start: {log.read_text(errors='replace')[-2000:]}", pytrace=False)
            time.sleep(0.05)
        else:
            return
