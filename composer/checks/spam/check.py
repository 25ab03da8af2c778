"""The finished message, as a made-up reader gets it, before SpamAssassin: a finding a rule, and one for all points together."""

from __future__ import annotations

from collections.abc import Iterator

from composer.audience.model import Subscriber
from composer.checks.letter import Letter
from composer.checks.spam.answer import Answer, Silent
from composer.checks.spam.ask import ask
from composer.checks.spam.rules import explain
from composer.errors import ConfigError, MergeError
from composer.findings import Finding, Where, error, info, warning
from composer.message.build import build_message, image_urls
from composer.message.merge import Merger
from composer.message.mime import to_bytes

NEAR = 2.0
_INSTALL = "Install SpamAssassin (Debian: apt install spamassassin spamd); `spamd` under [checks] says where its daemon listens."


def check(letter: Letter) -> tuple[Finding, ...]:
    """Ask SpamAssassin about the message of a letter; one info when there is none to ask.

    Raises ConfigError when `spamd` under [checks] is no place on this machine.
    """
    where = Where(letter.issue.path)
    try:
        message = message_of(letter)
    except (ConfigError, MergeError) as err:
        return (info("spam-not-checked", where, f"spam was not checked, for the message cannot be built: {err.message}", err.hint),)
    try:
        answer = ask(message, letter.config.checks.spamd)
    except Silent as silent:
        return (info("spam-not-checked", where, f"spam was not checked, for SpamAssassin gave no answer ({silent})", _INSTALL),)
    return tuple(findings(answer, where))


def message_of(letter: Letter) -> bytes:
    """Return the whole message of a made-up reader whom every field fits. Raises ConfigError, MergeError."""
    edition, config = letter.edition, letter.config
    fields = {slot.name: slot.default or "https://example.org/" for slot in edition.fields}
    person = Subscriber("reader@example.com", "reader@example.com", "Reader", fields)
    merger = Merger(edition, image_urls(edition, config, hosted=bool(config.images.url)))
    # As long as a real one; the key signs nothing that leaves.
    name = f"{edition.digest[:24]:x<24}"
    return to_bytes(
        build_message(merger, person, delivery_id=name, date=letter.now, config=config, settings=letter.settings, keys=("try",))
    )


def findings(answer: Answer, where: Where) -> Iterator[Finding]:
    """Yield what an answer says: the rules that cost points, the worst first, and the total."""
    for hit in sorted(answer.hits, key=lambda hit: (-hit.points, hit.rule)):
        if hit.points > 0:
            words = explain(hit.rule)
            meaning = words.meaning if words else hit.description
            hint = words.hint if words else "SpamAssassin's own words; look at what the issue has of it."
            yield info("spam-rule", where, f"{hit.points:.1f} points of spam: {meaning} ({hit.rule})", hint)
    said = f"SpamAssassin gives the message {answer.points + 0.0:.1f} points; from {answer.limit:.1f} on it is spam"
    if answer.points >= answer.limit:
        yield error("spam-score", where, said, "Mend what the findings of `spam-rule` name, the largest first.")
    elif answer.points >= NEAR:
        yield warning("spam-score", where, said, "Other filters are stricter: mend what the findings of `spam-rule` name.")
    else:
        yield info("spam-score", where, said)
