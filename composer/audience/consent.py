"""What the columns of other tools say about consent: one rule a column, and the words they use. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from composer.audience.columns import normalised
from composer.audience.comparison import Moment, measure, several


class State(StrEnum):
    """What an export says of a person, the weakest first: where columns disagree, the strongest counts."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    UNSUBSCRIBED = "unsubscribed"
    BLOCKED = "blocked"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


RANK = {state: rank for rank, state in enumerate(State)}
# The reason of the suppression that a state becomes; confirmed and unconfirmed become none.
REASONS = {
    State.UNSUBSCRIBED: "unsubscribed",
    State.BLOCKED: "manual",
    State.BOUNCED: "hard_bounce",
    State.COMPLAINED: "complaint",
}

_WORDS = {
    State.CONFIRMED: """
        active actif activo ativo attivo aktiv enabled subscribed subscriber confirmed verified valid deliverable ok live current
        member free paid comped opted_in opt_in optin optedin single_opt_in double_opt_in abonniert angemeldet abonne inscrit
        suscrito inscrito iscritto ingeschreven prenumerant yes true 1 y""",
    State.UNCONFIRMED: """
        unconfirmed unverified pending waiting not_confirmed invited inactive nonsubscribed non_subscribed non_subscriber
        never_subscribed not_subscribed transactional non_marketing_contact unknown none no_consent""",
    State.UNSUBSCRIBED: """
        unsubscribed unsubscribe unsubscribes unsub unsubs opted_out opt_out optout opt_outs optouts optedout removed deleted
        cancelled canceled disabled archived left gone suppressed abgemeldet ausgetragen desabonne desinscrit baja cancelado
        disiscritto cancellato uitgeschreven afgemeld avregistrerad no false 0 n off do_not_email no_email revoked withdrawn""",
    State.BLOCKED: "blocklisted blacklisted blocked banned do_not_contact dnc blocklist blacklist",
    State.BOUNCED: """
        bounced bounce bounces hard_bounce hard_bounced hardbounce hard_bounces bouncing cleaned invalid undeliverable non_existent
        dead disposable""",
    State.COMPLAINED: """
        complained complaint complaints spam spam_complaint spam_report spam_reports spamreport abuse marked_as_spam junk reported""",
}
STATE_WORDS = {word: state for state, words in _WORDS.items() for word in words.split()}
_YES = frozenset("true yes y 1 t on x ja oui si sim da tak checked granted given accepted agreed ✓ ✔".split())
_NO = frozenset("false no n 0 f off nein non nao nej nee niet not_given denied refused declined".split())
# Words that a tag or a file's name may be without meaning what they mean as a status.
_TOO_COMMON = frozenset("""removed left gone off no n 0 false dead invalid disposable reported current archived deleted disabled cancelled
    canceled baja""".split())  # fmt: skip
_SUPPRESSING = {word: state for word, state in STATE_WORDS.items() if state in REASONS and word not in _TOO_COMMON}


@lru_cache(maxsize=1_024)
def word(value: str) -> str:
    """Return a value as the tables here write it: small letters without accents, joined by underscores."""
    plain = "".join(character for character in unicodedata.normalize("NFKD", value) if not unicodedata.combining(character))
    return normalised(plain) or value.strip()


@lru_cache(maxsize=1_024)
def status(value: str) -> State | None:
    """Read a word such as ``Subscribed`` or ``blocklisted``; an unknown one is no consent, nothing says nothing."""
    return STATE_WORDS.get(word(value), State.UNCONFIRMED) if value else None


@lru_cache(maxsize=1_024)
def wanted(value: str) -> State | None:
    """Read a flag that is yes for those who are subscribed."""
    return None if _is_yes(value) else _otherwise(value, State.UNSUBSCRIBED)


@lru_cache(maxsize=1_024)
def agreed(value: str) -> State | None:
    """Read a flag, or a day, that is there for those who gave consent; without it nobody has."""
    return None if _is_yes(value) else _otherwise(value, State.UNCONFIRMED)


@lru_cache(maxsize=1_024)
def refused(value: str) -> State | None:
    """Read a flag that is yes for those who want no mail."""
    return None if not value or word(value) in _NO else State.UNSUBSCRIBED


def _is_yes(value: str) -> bool:
    return bool(value) and (word(value) in _YES or STATE_WORDS.get(word(value)) is State.CONFIRMED or isinstance(measure(value), Moment))


def _otherwise(value: str, no: State) -> State:
    if word(value) in _NO:
        return no
    return max(STATE_WORDS.get(word(value), State.UNCONFIRMED), State.UNCONFIRMED, key=RANK.__getitem__)


def filled(state: State) -> Callable[[str], State | None]:
    """Make the reader of a column that only people of one state have a value in."""
    return lambda value: state if value else None


def marked(state: State) -> Callable[[str], State | None]:
    """Make the reader of a flag, or a day, that is there for people of one state."""
    return lambda value: state if refused(value) else None


def marketable(value: str) -> State | None:
    """Read HubSpot's ``Marketing contact`` and ``Non-marketing contact``."""
    return State.UNCONFIRMED if word(value).startswith("non") else None


@lru_cache(maxsize=4_096)
def tagged(value: str) -> State | None:
    """Read tags: one of them may say that this person left, bounced or complained."""
    found = [_SUPPRESSING[word(tag)] for tag in several(value) if word(tag) in _SUPPRESSING] if value else []
    return max(found, key=RANK.__getitem__, default=None)


def of_file(stem: str) -> State | None:
    """Read a file's name: Mailchimp puts those who left into ``unsubscribed_….csv`` and those who bounced into ``cleaned_….csv``."""
    words = [part for part in re.split(r"[_\W\d]+", stem.casefold()) if part]
    if words and words[0] in {"suppression", "suppressions"}:
        return _SUPPRESSING.get("_".join(words[1:3])) or _SUPPRESSING.get("".join(words[1:2]), State.UNSUBSCRIBED)
    if words and words[0] in {"cleaned", "nonsubscribed"}:
        return STATE_WORDS[words[0]]
    return next((_SUPPRESSING[begin] for many in (3, 2, 1) if (begin := "_".join(words[:many])) in _SUPPRESSING), None)


@dataclass(frozen=True, slots=True)
class Rule:
    """A column that says something of consent; ``kept`` when it is a field all the same."""

    tool: str
    column: str
    reads: Callable[[str], State | None]
    kept: bool = False


RULES = (
    # Mailchimp, audience export: a ZIP of subscribed_, unsubscribed_, nonsubscribed_ and cleaned_ files. These columns are in the second
    # and in the last of them; the first has OPTIN_TIME, CONFIRM_TIME, LEID, EUID, NOTES, TAGS and no word on the state.
    Rule("Mailchimp", "unsub_time", filled(State.UNSUBSCRIBED), kept=True),
    Rule("Mailchimp", "unsub_campaign_title", filled(State.UNSUBSCRIBED)),
    Rule("Mailchimp", "unsub_campaign_id", filled(State.UNSUBSCRIBED)),
    Rule("Mailchimp", "unsub_reason", filled(State.UNSUBSCRIBED)),
    Rule("Mailchimp", "unsub_reason_other", filled(State.UNSUBSCRIBED)),
    Rule("Mailchimp", "clean_time", filled(State.BOUNCED), kept=True),
    Rule("Mailchimp", "clean_campaign_title", filled(State.BOUNCED)),
    Rule("Mailchimp", "clean_campaign_id", filled(State.BOUNCED)),
    # Mailchimp has TAGS, Ghost labels: what people wrote there themselves.
    Rule("", "tags", tagged, kept=True),
    Rule("", "labels", tagged, kept=True),
    # Ghost, members export: id, email, name, note, subscribed_to_emails, complimentary_plan, stripe_customer_id, created_at, deleted_at,
    # labels, tiers.
    Rule("Ghost", "subscribed_to_emails", wanted),
    Rule("Ghost", "deleted_at", filled(State.UNSUBSCRIBED), kept=True),
    # Substack, subscriber export: email, active_subscription (a paying one), expiry, plan, email_disabled, created_at, first_payment_at.
    Rule("Substack", "email_disabled", refused),
    # HubSpot, contact export: the labels of the properties hs_email_optout, hs_email_hard_bounce_reason_enum, hs_email_bad_address and
    # hs_marketable_status.
    Rule("HubSpot", "unsubscribed_from_all_email", refused),
    Rule("HubSpot", "email_hard_bounce_reason", filled(State.BOUNCED)),
    Rule("HubSpot", "invalid_email_address", marked(State.BOUNCED)),
    Rule("HubSpot", "marketing_contact_status", marketable),
    # listmonk, subscriber export: uuid, email, name, attributes, status (enabled, disabled, blocklisted), created_at, updated_at.
    Rule("", "status", status, kept=True),
    Rule("", "unsubscribed_at", refused, kept=True),
)
# Whatever else people call such columns.
_ELSEWHERE = (
    (status, "subscription_status subscriber_status email_status email_marketing_status list_status"),
    (wanted, "subscribed is_subscribed newsletter abonniert abonne suscrito iscritto"),
    (agreed, "opt_in optin opted_in double_opt_in consent email_consent marketing_consent gdpr_consent consent_given consent_to_email"),
    (agreed, "accepts_marketing accepts_email_marketing confirmed is_confirmed einwilligung consentement consentimiento"),
    (refused, "unsubscribed is_unsubscribed opt_out optout opted_out do_not_email do_not_contact no_email global_unsubscribe abgemeldet"),
    (marked(State.BLOCKED), "blocklisted blacklisted blocked banned"),
    (marked(State.BOUNCED), "bounced hard_bounced bounced_at is_bounced"),
    (marked(State.COMPLAINED), "complained spam complained_at spam_report"),
)
_BY_COLUMN = {name: Rule("", name, reads) for reads, names in _ELSEWHERE for name in names.split()} | {rule.column: rule for rule in RULES}
# HubSpot has one such column for each of an account's subscription types.
_OPTED_OUT = Rule("HubSpot", "opted_out_of_email_", refused)


def rule_of(column: str) -> Rule | None:
    """Return the rule of a column by its normalised name."""
    return _BY_COLUMN.get(column) or (replace(_OPTED_OUT, column=column) if column.startswith(_OPTED_OUT.column) else None)


# Columns that together are one tool's; the first row that fits names it.
_SIGNS = (
    ("Mailchimp", {"email_address", "leid", "euid"}),
    ("Mailchimp", {"email_address", "optin_time"}),
    ("Mailchimp", {"email_address", "tags"}),
    ("Ghost", {"email", "subscribed_to_emails", "labels"}),
    ("Ghost", {"email", "subscribed_to_emails", "complimentary_plan"}),
    ("Substack", {"email", "email_disabled"}),
    ("Substack", {"email", "active_subscription"}),
    ("Ghost or Substack", {"email", "subscribed_to_emails"}),
    ("HubSpot", {"email", "unsubscribed_from_all_email"}),
    ("HubSpot", {"email", "record_id"}),
    ("listmonk", {"email", "attributes", "status"}),
    ("listmonk", {"email", "name", "attributes"}),
    ("SendGrid", {"email", "contact_id"}),
    ("SendGrid", {"email", "alternate_emails"}),
)


def tool_of(columns: frozenset[str]) -> str:
    """Name the tool whose export has such columns; empty when any could."""
    return next((tool for tool, signs in _SIGNS if signs <= columns), "")
