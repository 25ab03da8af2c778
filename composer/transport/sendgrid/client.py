"""The one door to the ``sendgrid`` package. Import this module inside a function: the package takes 85 ms.

The package's client opens a connection a call, sets no timeout, raises for what is not 2xx, and writes the key and every address
to its debug log. Here calls go through ``wire`` instead, answers come back whatever their status, and that log is shut.
"""

from __future__ import annotations

import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from python_http_client.client import Client as _Rest
from sendgrid import SendGridAPIClient

from composer.errors import ConfigError
from composer.findings import Where
from composer.transport.sendgrid.wire import Answer, exchange, opener

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from urllib.request import OpenerDirector, Request

    from composer.config import Config

logging.getLogger("python_http_client").setLevel(logging.INFO)
_JSON = "application/json; charset=utf-8"


class Client:
    """Calls an account's API, from any thread. ``timeout`` in seconds for each step of a call; ``context`` for TLS."""

    def __init__(self, base_url: str, api_key: str, *, timeout: float = 30, context: ssl.SSLContext | None = None) -> None:
        api = SendGridAPIClient(api_key=api_key, host=base_url.rstrip("/"))
        headers = {**api.client.request_headers, "Content-Type": _JSON}
        api.client = _Client(opener(context), host=api.host, request_headers=headers, version=3, timeout=timeout)
        self._api = api

    def call(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: bytes | None = None) -> Answer:
        """Call ``/v3/`` + ``path``; ``body`` is JSON. Returns the answer whatever its status. Raises ``wire.Lost``."""
        verb = getattr(self._api.client._(path), method)
        answer = verb(request_body=_Ready(body) if body is not None else None, query_params=query)
        return cast("Answer", answer.headers)  # see _Taken


def open_client(config: Config, *, context: ssl.SSLContext | None = None) -> Client:
    """Open the client of the configured account. Raises ConfigError without a key, or for an address that would carry it unencrypted."""
    settings = config.transport.sendgrid
    if not config.sendgrid_api_key:
        hint = "Put SENDGRID_API_KEY into the environment or .env; SendGrid shows a key once, under Settings, API Keys."
        raise ConfigError("there is no API key for SendGrid", where=Where("SENDGRID_API_KEY"), hint=hint)
    if not config.sendgrid_api_key.isascii() or not config.sendgrid_api_key.isprintable():
        raise ConfigError("the API key for SendGrid is not one word of letters and digits", where=Where("SENDGRID_API_KEY"))
    parts = urlsplit(settings.base_url)
    if parts.scheme != "https" and not _loopback(parts.hostname or ""):
        hint = "Write https://api.sendgrid.com, or https://api.eu.sendgrid.com for an account in the EU."
        raise ConfigError("the API of SendGrid is reached over https only", where=Where("newsletter.toml"), hint=hint)
    return Client(settings.base_url, config.sendgrid_api_key, timeout=settings.timeout, context=context)


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class _Ready:
    """A body that is JSON in UTF-8 already: the package would write it again, each character beyond ASCII as six."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def encode(self, _encoding: str) -> bytes:
        return _Quiet(self._body)


class _Quiet(bytes):
    """Bytes that are not spelled out for a log: that would take longer than sending them."""

    __slots__ = ()

    def __format__(self, _spec: str) -> str:
        return f"{len(self)} bytes"


class _Taken:
    """An answer in the shape from which the package makes its Response; ``info`` hands ours through."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def getcode(self) -> int:
        return self._answer.status

    def read(self) -> bytes:
        return self._answer.body

    def info(self) -> Answer:
        return self._answer


class _Client(_Rest):  # type: ignore[misc]  # the package carries no types
    """The package's client, opening addresses with our opener."""

    def __init__(self, director: OpenerDirector, **options: Any) -> None:
        super().__init__(**options)
        self._director = director

    def _build_client(self, name: str | None = None) -> _Client:
        path = [*self._url_path, name] if name else self._url_path
        options = {"host": self.host, "version": self._version, "request_headers": self.request_headers, "timeout": self.timeout}
        return _Client(self._director, url_path=path, **options)

    def _make_request(self, _opener: object, request: Request, timeout: float | None = None) -> _Taken:
        return _Taken(exchange(self._director, request, timeout or self.timeout))
