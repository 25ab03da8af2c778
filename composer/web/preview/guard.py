"""Keeps the rest of the web out of the preview: who asks, from where, and what an answer may do in a browser.

Every page that is open in the same browser can send requests here, by name (DNS rebinding) or by address; none may read an answer
or set off a test send.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = "127.0.0.1"
TOKEN_HEADER = "X-Preview-Token"  # noqa: S105 - the name of a header
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# What is no page is never shown as one.
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
_ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A look-up of a name is a call outside too, and no policy of content stops it.
    "X-DNS-Prefetch-Control": "off",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def new_token() -> str:
    """Return what a page must show to set off a test send; it lives as long as the server."""
    return secrets.token_urlsafe(32)


class Guard:
    """ASGI middleware around the preview that listens on ``port``."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app = app
        self._token = token.encode()
        names = [LOOPBACK, "localhost"]
        # A browser leaves out the port that http has by default.
        self._hosts = frozenset(f"{name}:{port}" for name in names) | frozenset(names if port == 80 else ())  # noqa: PLR2004

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or answer with headers that keep the answer where it belongs."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _protect(MutableHeaders(scope=message))
            await send(message)

        refusal = self._refusal(scope)
        if refusal:
            status, words = refusal
            await PlainTextResponse(f"{words}\n", status)(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and reason when a request must not be answered."""
        headers = Headers(scope=scope)
        if headers.getlist("host") != [headers.get("host")] or headers["host"].lower() not in self._hosts:
            return 403, "The preview answers at its own address on this machine alone."
        method: str = scope["method"]
        if method not in {"GET", "HEAD", "POST"}:
            return 405, "The preview is only looked at."
        if method == "POST":
            return self._refused_post(headers)
        # A link from elsewhere may open a page; nothing else from elsewhere is answered. Old browsers send neither header.
        site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "navigate")
        opened = mode == "navigate" and headers.get("sec-fetch-dest", "document") == "document"
        if site not in {"none", "same-origin"} and not opened:
            return 403, "Another site asks for the preview."
        return None

    def _refused_post(self, headers: Headers) -> tuple[int, str] | None:
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return 403, "Another site asks for a test send."
        origin = urlsplit(headers.get("origin", ""))
        if origin.scheme != "http" or origin.netloc.lower() != headers["host"].lower():
            return 403, "A test send starts on the preview's own page."
        if not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self._token):
            return 403, "The page is of an earlier run of the preview: load it again."
        return None


def _protect(headers: MutableHeaders) -> None:
    for name, value in _ALWAYS.items():
        headers[name] = value
    page = headers.get("content-type", "").startswith("text/html")
    headers.setdefault("Content-Security-Policy", PAGE_POLICY if page else _DATA_POLICY)
    headers.setdefault("Cache-Control", "no-store")
