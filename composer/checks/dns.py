"""Questions to a name server, each answered by an Answer: the only place that imports dnspython. Nothing here raises for what DNS says."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from composer.checks.records import Answer, Ask, State
from composer.errors import ConfigError
from composer.findings import Where

if TYPE_CHECKING:
    from dns.resolver import Resolver

SECONDS = 5.0
# After this many silences in a row nobody is asked any more: each costs SECONDS.
_SILENCES = 2
_ADDRESS = re.compile(r"\[(?P<six>[0-9A-Fa-f:.]+)\](?::(?P<port6>\d{1,5}))?|(?P<address>[0-9A-Fa-f:.]+?)(?::(?P<port>\d{1,5}))?")
_PORT = 53
_LAST_PORT = 65_535


def asking(nameserver: str = "", *, seconds: float = SECONDS) -> Ask:
    """Return what asks a name server (``address`` or ``address:port``; empty: the system's) and remembers what it said.

    A question gets ``seconds`` in all. A truncated answer is asked for again over TCP. Raises ConfigError for another ``nameserver``.
    """
    resolver = _resolver(nameserver, seconds)
    known: dict[tuple[str, str], Answer] = {}
    silences = 0

    def ask(name: str, kind: str) -> Answer:
        nonlocal silences
        key = (name.lower().rstrip("."), kind)
        if key not in known:
            if resolver is None or silences >= _SILENCES:
                return Answer(name, kind, State.UNREACHABLE)
            known[key] = _ask(resolver, name, kind)
            silences = silences + 1 if known[key].state in {State.TIMEOUT, State.UNREACHABLE} else 0
        return known[key]

    return ask


def _resolver(nameserver: str, seconds: float) -> Resolver | None:
    """Set up a resolver; None when this machine has no name server."""
    from dns.resolver import NoResolverConfiguration, Resolver  # noqa: PLC0415 - 60 ms that only a doctor need pay

    try:
        resolver = Resolver(configure=not nameserver)
    except NoResolverConfiguration:
        return None
    if nameserver:
        address, resolver.port = _split(nameserver)
        resolver.nameservers = [address]
    resolver.lifetime = seconds
    resolver.timeout = min(seconds, max(seconds / 2, 0.1))
    resolver.search = []
    return resolver


def _split(nameserver: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(nameserver.strip())
    if nameserver.count(":") > 1 and not nameserver.startswith("["):  # a bare IPv6 address has no port
        address, port = nameserver.strip(), ""
    else:
        address, port = (match["six"] or match["address"], match["port6"] or match["port"] or "") if match else ("", "")
    with suppress(ValueError):
        if 0 < int(port or _PORT) <= _LAST_PORT:
            return str(ipaddress.ip_address(address)), int(port or _PORT)
    hint = "Write the address of a name server, such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53; empty is the system's."
    raise ConfigError("nameserver is no address", where=Where("[doctor] nameserver"), hint=hint)


def _ask(resolver: Resolver, name: str, kind: str) -> Answer:
    from dns.exception import DNSException  # noqa: PLC0415 - as above
    from dns.resolver import NXDOMAIN, LifetimeTimeout, NoAnswer, NoNameservers  # noqa: PLC0415

    try:
        found = resolver.resolve(f"{name.rstrip('.')}.", kind)
    except NXDOMAIN as err:
        return Answer(name, kind, State.NO_NAME, alias=_alias(name, err.canonical_name))
    except NoAnswer as err:
        response = err.kwargs.get("response")
        return Answer(name, kind, State.NO_RECORD, alias=_alias(name, response.canonical_name() if response else None))
    except LifetimeTimeout:
        return Answer(name, kind, State.TIMEOUT)
    except NoNameservers as err:
        return _failed(name, kind, err.kwargs.get("errors", ()))
    except OSError as err:
        return Answer(name, kind, State.UNREACHABLE, detail=err.strerror or "")
    except DNSException as err:  # a label that is empty or too long, or not a name at all
        return Answer(name, kind, State.NOT_A_NAME, detail=type(err).__name__)
    values = tuple(_text(record, kind) for record in found)
    return Answer(name, kind, State.FOUND, values, _alias(name, found.canonical_name))


def _failed(name: str, kind: str, errors: Any) -> Answer:
    from dns.rcode import to_text  # noqa: PLC0415 - as above

    responses = [each[4] for each in errors if each[4] is not None]
    if responses:
        return Answer(name, kind, State.FAILED, detail=to_text(responses[-1].rcode()))
    silent = any(isinstance(each[3], OSError) for each in errors)
    detail = next((each[3].strerror or "" for each in errors if isinstance(each[3], OSError)), "")
    return Answer(name, kind, State.UNREACHABLE if silent else State.FAILED, detail=detail or ("" if silent else "it made no sense"))


def _alias(name: str, canonical: Any) -> str:
    target = "" if canonical is None else canonical.to_text(omit_final_dot=True)
    return "" if target.lower() == name.lower().rstrip(".") else target


def _text(record: Any, kind: str) -> str:
    if kind == "TXT":  # RFC 7208, 3.3: the quoted chunks of one record are joined with nothing between
        return b"".join(record.strings).decode("utf-8", "replace")
    if kind == "MX":
        return f"{record.preference} {record.exchange.to_text(omit_final_dot=len(record.exchange) > 1)}"
    return str(record.to_text()).rstrip(".")
