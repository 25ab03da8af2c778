"""What must be right before a send, as findings: mostly errors for a real transport, at most warnings for a rehearsal.

Asks the hosts of images whether they answer; touches nothing else.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from composer.config import Config
from composer.delivery.configured import check_leaving, check_secrets
from composer.edition.model import Edition
from composer.errors import MergeError
from composer.findings import Finding, Severity, Where, error
from composer.message.headers import split_mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from composer.issue.model import Asset

_THREADS = 8
_TIMEOUT = 5.0
_CONFIG = Where("newsletter.toml")
# Reserved by RFC 2606 and RFC 6761: no mail from there was ever wanted.
_RESERVED = ("example", "example.com", "example.net", "example.org", "invalid", "localhost", "test")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A send that is asked for; ``where`` is its issue, ``public`` whether one of its lists is.

    ``tested`` says that this edition was accepted in a test by the same transport, or need not be; ``people_before`` is how many
    the last campaign to these lists had, None where there is nothing to compare.
    """

    edition: Edition
    where: Where
    public: bool
    real: bool
    people: int = 0
    people_before: int | None = None
    tested: bool = True


def preflight(candidate: Candidate, config: Config, *, answers: Callable[[str], bool] | None = None) -> tuple[Finding, ...]:
    """Check what is about to be sent. ``answers`` says whether an address answers 200 (default: asks it). Errors stop the send."""
    edition, where, real = candidate.edition, candidate.where, candidate.real
    findings = [*_sender(edition, real=real)]
    if candidate.public:
        findings += _public(edition, config, where, real=real)
        if real:
            findings += check_leaving(config, real=True)
            findings += _images(edition, config, where, answers or answers_ok)
            findings += _tested(candidate)
    if real:
        findings += check_secrets(config)
        findings += _changed(candidate, config.delivery.audience_change)
    return tuple(findings)


def _tested(candidate: Candidate) -> Iterator[Finding]:
    if not candidate.tested:
        hint = "`newsletter test` sends it to the staff; --untested sends it without, and is recorded."
        message = "this edition, as it is now, was not accepted in a test send by this transport"
        yield error("not-tested", candidate.where, message, hint)


def _changed(candidate: Candidate, most: int) -> Iterator[Finding]:
    before = candidate.people_before
    if not before or not most or not candidate.people:
        return
    share = abs(candidate.people - before) * 100 / before
    if share > most:
        message = f"the audience has {candidate.people:,} people; the last campaign to these lists had {before:,}"
        hint = f"Is a list cut off, or doubled? --any-size sends; [delivery] audience_change allows {most} percent."
        yield error("audience-changed", candidate.where, message, hint)


def _sender(edition: Edition, *, real: bool) -> Iterator[Finding]:
    for key, mailbox in (("from", edition.from_), ("reply_to", edition.reply_to)):
        if (key == "from" or mailbox) and _domain(mailbox) is None:
            hint = f"Write `{key}` under [newsletter] as one address: Name <name@example.org>."
            yield error("no-mailbox", _CONFIG, f"`{key}` is not one address: {mailbox or '(empty)'}", hint)
    domain = _domain(edition.from_)
    if real and domain and any(domain == name or domain.endswith(f".{name}") for name in _RESERVED):
        hint = "Set `from` under [newsletter] to an address of your own domain."
        yield error("placeholder-sender", _CONFIG, f"the sender is a placeholder: {edition.from_}", hint)


def _domain(mailbox: str) -> str | None:
    try:
        return split_mailbox(mailbox)[1].rpartition("@")[2].lower()
    except MergeError:
        return None


def _public(edition: Edition, config: Config, where: Where, *, real: bool) -> Iterator[Finding]:
    severity = Severity.ERROR if real else Severity.WARNING
    if edition.draft:
        hint = "Set `hidePost: false` in its front matter when it is ready; until then send it to a staff list."
        yield Finding("draft-issue", severity, where, "this issue is a draft: it is not for a public list", hint)
    if not config.newsletter.postal_address:
        hint = "Set `postal_address` under [newsletter]; the law (CAN-SPAM) wants it in every mail to the public."
        yield Finding("no-postal-address", severity, _CONFIG, "there is no postal address", hint)


def _images(edition: Edition, config: Config, where: Where, answers: Callable[[str], bool]) -> Iterator[Finding]:
    if not edition.attachments:
        return
    base = config.images.url.rstrip("/")
    if not base:
        hint = "Publish the `images/` folder of a build and set `url` under [images]."
        message = f"{len(edition.attachments)} local image{'s have' if len(edition.attachments) > 1 else ' has'} no public address"
        yield error("no-image-url", where, message, hint)
        return

    def address(asset: Asset) -> str:
        return f"{base}/{asset.hosted_name}"

    with ThreadPoolExecutor(_THREADS) as threads:
        found = threads.map(answers, map(address, edition.attachments))
        missing = [asset for asset, there in zip(edition.attachments, found, strict=True) if not there]
    hint = "Run `newsletter build` and publish its `images/` folder at [images] url."
    for asset in missing:
        yield error("image-not-hosted", where, f"{asset.name} is not at {address(asset)}", hint)


def answers_ok(url: str) -> bool:
    """Ask an http address whether it answers 200, by HEAD, then by GET for servers that refuse HEAD; 5 seconds each."""
    import urllib.request  # noqa: PLC0415 - 60 ms that most sends need not pay

    if not url.startswith(("http://", "https://")):
        return False
    for method in ("HEAD", "GET"):
        request = urllib.request.Request(url, method=method)  # noqa: S310 - the scheme was looked at
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
                if response.status == HTTPStatus.OK:
                    return True
        except (OSError, ValueError):
            continue
    return False
