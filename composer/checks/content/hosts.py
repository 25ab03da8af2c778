"""Addresses that are not meant for the public: other senders' click counters, link checkers of mail systems, private documents.

What each is, is data; ``known(address)`` looks an address up. Gathered 2026-01 from links as they are met in mail, and from the
services' own pages on their link formats.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qs, unquote, urlsplit

from composer.findings import Severity


@dataclass(frozen=True, slots=True)
class Kind:
    """What an address is: ``code`` is tracking-link or private-link, ``what`` fits behind "this is"."""

    code: str
    what: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: Kind
    path: re.Pattern[str]


# host (itself and all below it; "" for any), then what its path and query look like, then whose it is
_COUNTERS = """
    t.e2ma.net|/click|Emma
    list-manage.com|/track/|Mailchimp
    list-manage1.com|/track/|Mailchimp
    list-manage2.com|/track/|Mailchimp
    list-manage.com|/(?:unsubscribe|profile|vcard)\\b.*[?&]e=|Mailchimp
    mailchi.mp|/.*[?&]e=|Mailchimp
    mandrillapp.com|/track/|Mandrill
    sendgrid.net|/(?:ls|wf|ss|uni)/|SendGrid
    |/(?:ls|wf)/click\\?upn=|SendGrid
    |/ss/c/[\\w.-]{20}|SendGrid
    hubspotlinks.com|/|HubSpot
    hubspotlinksstarter.com|/|HubSpot
    hubspotlinksfree.com|/|HubSpot
    hs-sales-engage.com|/|HubSpot
    hubspotemail.net|/|HubSpot
    |/e3t/Ctc/|HubSpot
    |/CL0/https?:|a mail service
    awstrack.me|/L0/|Amazon SES
    pstmrk.it|/|Postmark
    createsend.com|/t/|Campaign Monitor
    cmail19.com|/|Campaign Monitor
    cmail20.com|/|Campaign Monitor
    rs6.net|/|Constant Contact
    convertkit-mail.com|/|Kit
    convertkit-mail2.com|/|Kit
    convertkit-mail4.com|/|Kit
    mlsend.com|/link|MailerLite
    mlsend2.com|/link|MailerLite
    klclick.com|/|Klaviyo
    klclick1.com|/|Klaviyo
    klclick2.com|/|Klaviyo
    klclick3.com|/|Klaviyo
    exct.net|/|Salesforce Marketing Cloud
    |/?\\?qs=[0-9a-f]{60}|Salesforce Marketing Cloud
    link.mail.beehiiv.com|/|beehiiv
    substack.com|/redirect/|Substack
    mg1.substack.com|/c/|Substack
    mg2.substack.com|/c/|Substack
    |/c/eJ[\\w-]{30}|Mailgun
    |/lt\\.php\\?|ActiveCampaign
    |/mk/cl/f/|Brevo
    mjt.lu|/lnk/|Mailjet
    getresponse.com|/click\\.html|GetResponse
    go.pardot.com|/e/|Pardot
    clicks.eventbrite.com|/|Eventbrite
    clicks.meetup.com|/|Meetup
    linkedin.com|/comm/|LinkedIn
    |/track/click/|a mail service
"""
_CHECKERS = """
    safelinks.protection.outlook.com|/|Microsoft's Safe Links
    statics.teams.cdn.office.net|/evergreen-assets/safelinks|Microsoft's Safe Links
    urldefense.com|/|Proofpoint's URL Defense
    urldefense.proofpoint.com|/|Proofpoint's URL Defense
    urldefense.us|/|Proofpoint's URL Defense
    linkprotect.cudasvc.com|/|Barracuda
    mimecast.com|/s/|Mimecast
    mimecastprotect.com|/|Mimecast
    secure-web.cisco.com|/|Cisco
    clicktime.symantec.com|/|Symantec
    clicktime.cloud.postoffice.net|/|Symantec
    emailprotection.link|/|a mail filter
    google.com|/url\\?|Google's redirect
    l.facebook.com|/l\\.php|Facebook's redirect
    lm.facebook.com|/l\\.php|Facebook's redirect
    l.instagram.com|/|Instagram's redirect
    linkedin.com|/(?:safety/go|redir/)|LinkedIn's redirect
    slack-redir.net|/link|Slack's redirect
    deref-gmx.net|/|GMX's redirect
    deref-web.de|/|WEB.DE's redirect
    youtube.com|/redirect\\?|YouTube's redirect
"""
_PRIVATE = """
    docs.google.com|/forms/(?!.*/(?:viewform|embed))(?:u/\\d+/)?d/(?!e/)|a form of Google as its writers see it
    script.google.com|/.*/edit|a script of Google as its writers see it
    mail.google.com|/|somebody's mailbox
    outlook.office.com|/mail|somebody's mailbox
    outlook.office365.com|/mail|somebody's mailbox
    outlook.live.com|/mail|somebody's mailbox
    calendar.google.com|/calendar/(?:u/|r\\b)|somebody's calendar
    dropbox.com|/(?:home|preview|work)\\b|a folder of somebody's Dropbox
    sharepoint.com|/(?::\\w:/\\w/)?personal/|a file in somebody's OneDrive
    canva.com|/design/.*/edit|a design of Canva as its writers see it
    admin.mailchimp.com|/|Mailchimp as its user sees it
    app.hubspot.com|/|HubSpot as its user sees it
    studio.youtube.com|/|YouTube as its author sees it
    linkedin.com|/company/[^/]+/admin|a LinkedIn page as its owners see it
    eventbrite.com|/(?:myevent|manage)\\b|an event as its owners see it
    surveymonkey.com|/(?:create|collect|analyze)/|a survey as its owners see it
    forms.office.com|/pages/designpage|a form as its owners see it
    github.dev|/|an editor in somebody's browser
    gitpod.io|/|an editor in somebody's browser
    ngrok.io|/|somebody's own machine
    ngrok-free.app|/|somebody's own machine
    trycloudflare.com|/|somebody's own machine
    |/wp-admin/|a site as its owners see it
    |.*[?&]preview(?:_id|_nonce)?=(?:true|\\d)|a page that is not yet published
    |.*[?&;](?:phpsessid|jsessionid|access_token|auth_token)=|an address that carries somebody's login
"""
_SHARED = """
    docs.google.com|/(?!.*/(?:pub|viewform|embed))[a-z]{4,20}/(?:u/\\d+/)?d/(?!e/)|a document of Google as its writers see it
    drive.google.com|/(?:file/|drive/|open\\?|folders/)|a file in somebody's Google Drive
    sharepoint.com|/|a file in somebody's SharePoint
    1drv.ms|/|a file in somebody's OneDrive
    onedrive.live.com|/|a file in somebody's OneDrive
    notion.so|/[^/?]+|a page of somebody's Notion
    app.slack.com|/client/|a place in somebody's Slack
"""
_PERHAPS = """
    mailchi.mp|/|a campaign's page at Mailchimp
"""
_LOCAL = re.compile(r"(?:.*\.)?(?:localhost|local|internal|intranet|lan|localdomain|corp|home|test|invalid)|[^.]+")
_STAGING = re.compile(
    r"(?:[\w-]+\.){0,4}(?:(?:staging|stage|stg|preprod|uat)(?:[-\d][\w-]*)?|[\w-]+-staging)(?:\.[\w-]+){2,3}|deploy-preview-.*"
)
_LONGEST_HOST = 253
_INNER = re.compile(r"/v3/__(https?:[^_\s]{1,1000})__;|/C?L0/(https?:(?:%2F|/){2}[^/\s]{1,1000})/", re.IGNORECASE)
_WEB = re.compile(r"https?://", re.IGNORECASE)

_OWN = Kind("private-link", "an address of a machine or network that readers cannot reach")
_LOGIN = Kind("private-link", "an address with a login in it")
_TRYING = Kind("private-link", "a site on trial, not the public one", Severity.WARNING)


def known(address: str) -> Kind | None:
    """Say what an address is when it is not meant for the public; None for all others, for those of mail, and within the letter."""
    if not _WEB.match(address):
        return None
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    if parts.username is not None and parts.password is not None:
        return _LOGIN
    if len(host) > _LONGEST_HOST:
        return None
    if _own(host):
        return _OWN
    tail = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    found = next((rule.kind for rule in _rules_for(host) if rule.path.match(tail[:2000])), None)
    return found or (_TRYING if _STAGING.fullmatch(host) else None)


def target(address: str) -> str:
    """Return the address that a redirect carries in itself, such as behind ``url=`` or ``q=``; empty when none is seen."""
    try:
        query = parse_qs(urlsplit(address).query, max_num_fields=50)
    except ValueError:
        return ""
    inner = next((values[0] for name in ("url", "q", "u", "u1", "redirect", "target") if (values := query.get(name))), "")
    if match := _INNER.search(address):
        inner = unquote(match[1] or match[2])
    return inner if _WEB.match(inner) else ""


def _own(host: str) -> bool:
    if host[-1:].isdigit() or ":" in host:
        try:
            return not ipaddress.ip_address(host).is_global
        except ValueError:
            return False
    return bool(_LOCAL.fullmatch(host))


def _rules_for(host: str) -> Iterator[_Rule]:
    table = _table()
    labels = host.split(".")
    if labels[:2] == ["www", "google"] or labels[:1] == ["google"]:
        yield from table["google.com"]  # google.de, google.co.uk …
    for at in range(max(0, len(labels) - 6), len(labels)):
        yield from table.get(".".join(labels[at:]), ())
    yield from table[""]


@cache
def _table() -> dict[str, list[_Rule]]:
    table: dict[str, list[_Rule]] = {"": []}
    for code, lines, what, severity in (
        ("tracking-link", _COUNTERS, "a link with which {} counts who clicks", Severity.ERROR),
        ("tracking-link", _CHECKERS, "a link through {}", Severity.ERROR),
        ("tracking-link", _PERHAPS, "{}", Severity.WARNING),
        ("private-link", _PRIVATE, "{}", Severity.ERROR),
        ("private-link", _SHARED, "{}", Severity.WARNING),
    ):
        for host, path, whose in _entries(lines.splitlines()):
            kind = Kind(code, what.format(whose), severity)
            table.setdefault(host, []).append(_Rule(kind, re.compile(path, re.IGNORECASE)))
    return table


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    for line in lines:
        if line.strip():
            host, _, rest = line.strip().partition("|")
            path, _, whose = rest.rpartition("|")
            yield host, path, whose
