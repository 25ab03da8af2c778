"""Runs the preview until somebody stops it: a port of this machine alone, the watcher beside it, an end that loses nothing."""

from __future__ import annotations

import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from threading import Thread
from urllib.parse import quote, urlencode

import uvicorn
from starlette.applications import Starlette

from composer.errors import UsageError
from composer.project import Project
from composer.web.preview.app import Preview, make_app
from composer.web.preview.guard import LOOPBACK, new_token
from composer.web.preview.live import Watcher
from composer.web.preview.workspace import Workspace

_GRACE = 1  # seconds for answers under way when the server stops


class PreviewServer(uvicorn.Server):
    """Ends the streams of changes first: they would keep the server waiting. ``token`` is what its pages show to send a test."""

    def __init__(self, config: uvicorn.Config, preview: Preview, token: str) -> None:
        super().__init__(config)
        self.token = token
        self._preview = preview

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End every stream, then everything else."""
        self._preview.hub.close()
        await super().shutdown(sockets)


def listen(port: int, *, exact: bool) -> socket.socket:
    """Return a socket that listens on loopback, at ``port``, or at a free one where that is taken and need not be exact.

    Raises UsageError.
    """
    for wanted in (port,) if exact else (port, 0):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((LOOPBACK, wanted))
            sock.listen(128)
        except OSError as err:
            sock.close()
            reason = err.strerror
            continue
        return sock
    raise UsageError(f"port {port} cannot be used: {reason}", hint="Name another with --port, or 0 for any that is free.")


def address(sock: socket.socket, stem: str = "", list_name: str = "") -> str:
    """Return the address of a page of the preview."""
    page = "issues/" + quote(stem, safe="") if stem else ""
    query = "?" + urlencode({"to": list_name}) if list_name else ""
    return f"http://{LOOPBACK}:{sock.getsockname()[1]}/{page}{query}"


def serve(project: Project, sock: socket.socket, *, list_name: str = "", started: Callable[[], None] | None = None) -> None:
    """Serve the preview on a listening socket until SIGINT or SIGTERM; ``started`` is called in a thread once it answers."""
    server = make_server(project, sock.getsockname()[1], list_name=list_name, started=started)
    with _ended_by_signal(server):
        server.run(sockets=[sock])


def make_server(project: Project, port: int, *, list_name: str = "", started: Callable[[], None] | None = None) -> PreviewServer:
    """Return a server for the preview at ``port``; its ``run`` takes the listening socket and ends when ``should_exit`` is set."""
    token = new_token()
    preview = Preview(Workspace(project), token, default_list=list_name)
    watcher = Watcher(preview.workspace, preview.renderer, preview.hub)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        watcher.start()
        if started:
            Thread(target=started, daemon=True).start()
        try:
            yield
        finally:
            watcher.stop()

    # No access log: addresses of people stand in the addresses of pages.
    config = uvicorn.Config(
        make_app(preview, port, token, lifespan), lifespan="on", log_config=None, log_level="critical", access_log=False, ws="none",
        proxy_headers=False, server_header=False, timeout_graceful_shutdown=_GRACE,
    )  # fmt: skip
    return PreviewServer(config, preview, token)


@contextmanager
def _ended_by_signal(server: uvicorn.Server) -> Iterator[None]:
    """Let a signal end the server without a traceback; uvicorn raises each again once it has stopped."""

    def end(_number: int, _frame: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
