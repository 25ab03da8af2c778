"""``[transport.smtp]``: what cannot work is refused before anything is connected; what verifies the server's certificate."""

from __future__ import annotations

import socket
import ssl
from functools import cache
from ipaddress import ip_address

from composer.config import Smtp
from composer.errors import ConfigError, MergeError
from composer.findings import Where
from composer.message.headers import split_mailbox
from composer.transport.smtp_sender import check_verp

PORTS = {"tls": 465, "starttls": 587, "none": 25}


def verifying(settings: Smtp, password: str) -> ssl.SSLContext | None:
    """Check the settings and return what verifies the server's certificate; None where there is none to verify.

    Authorities are the system's, or those of the file that the standard SSL_CERT_FILE names. Raises ConfigError.
    """
    where = Where("newsletter.toml")
    if not settings.host:
        raise ConfigError("no mail server is named", where=where, hint="Set [transport.smtp] `host`.")
    try:
        bare_host(settings)
        settings.ehlo_name.encode("idna")
        _, bounce = split_mailbox(settings.bounce_address or "nobody@example.org")
    except UnicodeError as err:
        hint = "Check [transport.smtp] `host` and `ehlo_name`."
        raise ConfigError("the mail server's name, or this machine's, is none", where=where, hint=hint) from err
    except MergeError as err:
        raise ConfigError("the bounce address is none", where=where, hint="Set [transport.smtp] `bounce_address` to one address.") from err
    if settings.verp:
        check_verp(bounce)
    if settings.username and not password:
        hint = "Put SMTP_PASSWORD into the environment or .env, or leave [transport.smtp] `username` empty."
        raise ConfigError("the mail server's password is not set", where=Where("SMTP_PASSWORD"), hint=hint)
    if settings.security != "none":
        return ssl.create_default_context()
    if not _is_here(settings.host.strip("[]")):
        hint = 'Set it to "tls" or "starttls": subscribers\' addresses and your password travel there.'
        raise ConfigError('[transport.smtp] security = "none" is for a server on this machine only', where=where, hint=hint)
    return None


def place(settings: Smtp) -> str:
    """Return ``host:port``."""
    return f"{settings.host}:{port(settings)}"


def port(settings: Smtp) -> int:
    """Return the port as set, or the usual one."""
    return settings.port or PORTS[settings.security]


def bare_host(settings: Smtp) -> str:
    """Return the host as the network wants it: ASCII, without the brackets of IPv6. Raises UnicodeError for no host name."""
    return settings.host.strip("[]").encode("idna").decode("ascii")


@cache
def own_name() -> str:
    """Return this machine's full name, or an empty text for one without a domain, which servers refuse."""
    name = socket.getfqdn()
    return name if "." in name and name.isascii() and name.isprintable() and " " not in name else ""


def literal(address: str) -> str:
    """RFC 5321, 4.1.3: who has no name says its address."""
    address = address.partition("%")[0]
    return f"[IPv6:{address}]" if ip_address(address).version == 6 else f"[{address}]"  # noqa: PLR2004 - of the Internet Protocol


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
