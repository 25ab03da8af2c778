"""How a reader leaves: footer links and list headers, as ``[unsubscribe]`` says. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, urlsplit

from composer.config import FILE_NAME, Config, ListSettings
from composer.errors import ConfigError, MergeError
from composer.findings import Where
from composer.message.headers import phrase, split_mailbox
from composer.message.token import sign_test, sign_unsubscribe

IGNORE = "TEST, please ignore"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """``url`` and ``preferences_url`` are for the footer, ``headers`` for the message; ``shared`` if a whole list has the same."""

    url: str
    preferences_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    shared: bool = False


def unsubscribe(config: Config, settings: ListSettings, delivery_id: str, keys: Sequence[str], *, sender: str = "") -> Unsubscribe:
    """Return the ways out for one delivery; ``sender`` is the last resort for the address of ``mailto`` requests.

    Raises ConfigError when ``mailto`` has no address, or ``service`` no https address (http on loopback is let through).
    """
    preferences = config.unsubscribe.preferences_url
    if config.unsubscribe.via == "sendgrid":  # SendGrid replaces these tags and adds the headers of the group by itself
        return Unsubscribe("<%asm_group_unsubscribe_raw_url%>", preferences or "<%asm_preferences_raw_url%>", shared=True)
    if config.unsubscribe.via == "service":
        return _one_click(config, sign_unsubscribe(delivery_id, keys), _request("unsubscribe", settings.name))
    return _by_mail(_answering(config, settings, sender), settings.name, preferences)


@lru_cache(maxsize=16)  # the same for everybody on a list
def _by_mail(mailbox: str, name: str, preferences: str) -> Unsubscribe:
    url = _mailto(mailbox, _request("unsubscribe", name))
    return Unsubscribe(url, preferences or _mailto(mailbox, _request("preferences", name)), {"List-Unsubscribe": f"<{url}>"}, shared=True)


def inert_unsubscribe(config: Config, settings: ListSettings, test_id: str, keys: Sequence[str], *, sender: str = "") -> Unsubscribe:
    """Return what stands in a test for the ways out, of the same shape, and takes nobody off a list.

    A link to the service has a token that unsubscribes nobody; a message asks to be ignored, also where SendGrid would put in
    the link of a group. A page for preferences stays: it knows nobody. Raises ConfigError as ``unsubscribe`` does.
    """
    if config.unsubscribe.via == "service":
        return _one_click(config, sign_test(test_id, keys), IGNORE)
    url = _mailto(_answering(config, settings, sender), IGNORE)
    return Unsubscribe(url, config.unsubscribe.preferences_url or url, {"List-Unsubscribe": f"<{url}>"})


def _one_click(config: Config, token: str, subject: str) -> Unsubscribe:
    url = f"{_service(config.public.public_url)}/u/{token}"
    # RFC 8058, 3.1: one HTTPS URI; a mailto may stand beside it. Only an address that was set for it: the reply-to
    # mailbox of a newsletter with a service may have no reader.
    mailto = f", <{_mailto(config.unsubscribe.address, subject)}>" if config.unsubscribe.address else ""
    headers = {"List-Unsubscribe": f"<{url}>{mailto}", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return Unsubscribe(url, config.unsubscribe.preferences_url or url, headers)


def list_id_header(newsletter: str, settings: ListSettings, domain: str) -> str:
    """Return the value of List-Id (RFC 2919), ``Title <name.domain>``, ready for the wire.

    ``domain`` is that of From; the name is the list's, else the newsletter's, in letters, digits and hyphens.
    """
    return _list_id(settings.title or newsletter, settings.name, newsletter, domain)


@lru_cache(maxsize=16)
def _list_id(title: str, name: str, newsletter: str, domain: str) -> str:
    return f"{phrase(title)} <{_label(name) or _label(newsletter) or 'list'}.{domain.lower()}>".lstrip()


def _label(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")[:63].strip("-")


def _answering(config: Config, settings: ListSettings, sender: str) -> str:
    newsletter = config.newsletter
    known = (settings.reply_to, newsletter.reply_to, settings.from_, newsletter.from_, sender)
    return config.unsubscribe.address or next(filter(None, known), "")


def _request(what: str, name: str) -> str:
    return " ".join(filter(None, (what, name)))


@lru_cache(maxsize=32)  # the same for everybody on a list
def _mailto(mailbox: str, subject: str) -> str:
    try:
        address = split_mailbox(mailbox)[1]
    except MergeError as err:
        hint = "Set `address` in [unsubscribe], or `reply_to` in [newsletter]."
        raise ConfigError("no address is known for unsubscribe requests", where=Where(FILE_NAME), hint=hint) from err
    # RFC 6068: everything but unreserved characters and some delimiters is percent-encoded, as UTF-8
    return f"mailto:{quote(address, safe='@+!$*')}?subject={quote(subject, safe='')}"


@lru_cache(maxsize=8)
def _service(public_url: str) -> str:
    url = public_url.rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    usable = bool(host) and not parts.query and not parts.fragment and url.isascii() and url.isprintable() and not set('<>" ') & set(url)
    if usable and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        return url
    hint = "Set `public_url` in [public] to the https address of the service, or `via` in [unsubscribe] to mailto."
    raise ConfigError("unsubscribe links need an https address of the service", where=Where(FILE_NAME), hint=hint)
