"""The tables of the configuration as frozen data: every key with its default, its bounds and what it is.

``composer.config`` reads them and hands them on; everybody else imports them from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def _key(
    default: object,
    doc: str,
    *,
    name: str = "",
    choices: tuple[str, ...] = (),
    form: str = "",
    between: tuple[int, int] | None = None,
    shown: bool = True,
) -> Any:
    return field(default=default, repr=shown, metadata={"doc": doc, "name": name, "choices": choices, "form": form, "between": between})


@dataclass(frozen=True, slots=True)
class Newsletter:
    """``[newsletter]``: who is writing."""

    name: str = _key("Newsletter", "The newsletter's name: masthead, List-Id, window title.")
    from_: str = _key(
        "", "Sender, `Name <address>` or an address. Empty: a placeholder that no real transport accepts.", name="from", form="mailbox"
    )
    reply_to: str = _key("", "Where answers go. Empty: the sender.", form="mailbox")
    postal_address: str = _key("", "Postal address in the footer; CAN-SPAM requires one in every mail to the public.")
    language: str = _key("en", "Language of the issues, a BCP 47 tag such as `en` or `fr-CA`.", form="language")
    site_url: str = _key("", "Where issues are published; an issue's address is this, a slash and its slug.", form="url")


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """``[unsubscribe]``: how a reader leaves."""

    via: str = _key(
        "mailto",
        "`mailto` (a message to `address`), `service` (one click at `[public] public_url`) "
        "or `sendgrid` (SendGrid puts in the link of an unsubscribe group).",
        choices=("mailto", "service", "sendgrid"),
    )
    address: str = _key("", "Address for `mailto` requests. Empty: the reply-to address.", form="mailbox")
    preferences_url: str = _key(
        "",
        "Page where a reader changes preferences. Empty: with `mailto` a message to the same address, with `sendgrid` its page.",
        form="url",
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """``[delivery]``: how messages leave."""

    transport: str = _key(
        "outbox", "The way out: `outbox` writes files and mails nobody, `smtp` and `sendgrid` mail.", choices=("outbox", "smtp", "sendgrid")
    )
    batch: int = _key(100, "Deliveries claimed in one commit of the ledger, 1 to 1000.", between=(1, 1000))
    wait: int = _key(
        15, "Minutes that a send with nothing else to do waits for deferred deliveries before it pauses, 0 to 1440.", between=(0, 1440)
    )
    give_up: int = _key(24, "Hours after the first try at which a deferred delivery is failed, 1 to 168.", between=(1, 168))
    audience_change: int = _key(
        50,
        "Percent by which an audience may differ from the last campaign's to the same lists before a send is refused; 0: any.",
        between=(0, 1000),
    )
    per_second: int = _key(
        0,
        "Messages that may begin in a second, evenly: at most 5 percent more in any 5 seconds. "
        "Each run keeps it for itself, and hands over smaller batches for it; at a limit a run waits. 0: no limit.",
        between=(0, 100_000),
    )
    per_hour: int = _key(
        0,
        "Messages that may begin in any hour by this transport. Every attempt counts that may have reached the server, whatever the "
        "answer, also those of earlier runs and campaigns: a resume gives no new allowance. At the limit a run waits. 0: no limit.",
        between=(0, 100_000_000),
    )
    per_day: int = _key(0, "The same in any 24 hours. 0: no limit.", between=(0, 100_000_000))
    per_domain_minute: int = _key(
        0,
        "Messages that may begin in any minute to the addresses of one domain; whoever must wait is deferred, and others go first. "
        "0: no limit.",
        between=(0, 100_000),
    )
    pause_at_rejects: int = _key(
        10,
        "Percent of the answers of a run, once there are 50, that may be rejections before it pauses. 0: any share; "
        "50 rejections in a row always pause it.",
        between=(0, 100),
    )


@dataclass(frozen=True, slots=True)
class Outbox:
    """``[transport.outbox]``: deliveries as files."""

    path: str = _key("outbox", "Folder for the `.eml` files, relative to the project.")


@dataclass(frozen=True, slots=True)
class Smtp:
    """``[transport.smtp]``: a mail server; its password is ``SMTP_PASSWORD`` in the environment."""

    host: str = _key("", "The mail server.", form="host")
    port: int = _key(0, "Its port. 0: 465 with `tls`, 587 with `starttls`, 25 with `none`.", between=(0, 65535))
    security: str = _key(
        "starttls",
        "`tls` from the first byte, `starttls`, or `none`, which only a server on this machine may have.",
        choices=("tls", "starttls", "none"),
    )
    username: str = _key("", "Login name; its password is `SMTP_PASSWORD` in the environment. Empty: no login.")
    connections: int = _key(1, "Connections that send at the same time, 1 to 50.", between=(1, 50))
    bounce_address: str = _key("", "Where bounces go (the envelope's sender). Empty: the address of `from`.", form="mailbox")
    verp: bool = _key(
        default=False, doc="Let every bounce name its delivery: the envelope's sender is `local+ID@domain`, made from the bounce address."
    )
    feedback_id: str = _key(
        "",
        "Sender id in a Feedback-ID header, by which Gmail tells apart what was complained about: 5 to 15 letters, digits, `-`, `_` "
        "or `.`, the same in all your mail. Empty: no header.",
        form="sender_id",
    )
    messages_per_connection: int = _key(1000, "Messages after which a connection is made anew. 0: any number.", between=(0, 1_000_000))
    ehlo_name: str = _key("", "Name that this machine gives itself. Empty: its own.", form="host")
    timeout: int = _key(60, "Seconds to wait for the server, 1 to 600.", between=(1, 600))
    dkim_selector: str = _key(
        "",
        "Selector under which DNS holds the key that letters are signed with (DKIM); the private half is `DKIM_PRIVATE_KEY` in the "
        "environment, else `var/dkim.pem`. Empty: letters are not signed here.",
        form="selector",
    )
    dkim_domain: str = _key("", "Domain that signs: the sender's own, or its organization's. Empty: the sender's own.", form="domain")


@dataclass(frozen=True, slots=True)
class SendGrid:
    """``[transport.sendgrid]``: Twilio SendGrid; its key is ``SENDGRID_API_KEY`` in the environment."""

    base_url: str = _key("https://api.sendgrid.com", "The API; accounts in the EU have `https://api.eu.sendgrid.com`.", form="url")
    group_id: int = _key(0, 'The unsubscribe group of `[unsubscribe] via = "sendgrid"`. 0: none.', between=(0, 2**31 - 1))
    threads: int = _key(4, "Requests in flight at the same time, 1 to 32.", between=(1, 32))
    people_per_request: int = _key(200, "People that one request names, 1 to 1000.", between=(1, 1000))
    undo_minutes: int = _key(
        0, "Minutes between handing over and sending, 20 to 60; `recall` works until ten minutes before. 0: sent at once.", form="undo"
    )
    retry_5xx: bool = _key(default=False, doc="Send again after an answer of 500 and above, which may reach people twice.")
    open_tracking: bool = _key(default=False, doc="Let SendGrid count who opens the mail.")
    click_tracking: bool = _key(default=False, doc="Let SendGrid rewrite links to count who follows them.")
    timeout: int = _key(30, "Seconds to wait for an answer, 1 to 300.", between=(1, 300))


@dataclass(frozen=True, slots=True)
class Transports:
    """``[transport]``: one table per way out."""

    outbox: Outbox = field(default_factory=Outbox)
    smtp: Smtp = field(default_factory=Smtp)
    sendgrid: SendGrid = field(default_factory=SendGrid)


@dataclass(frozen=True, slots=True)
class Images:
    """``[images]``: where local images are hosted."""

    url: str = _key(
        "", "Address at which the `images/` folder of a build is published. Empty: mail to the public may hold no local image.", form="url"
    )


@dataclass(frozen=True, slots=True)
class Public:
    """``[public]``: the readers' own service."""

    public_url: str = _key("", "https address of the service that answers unsubscribe links.", form="url")


@dataclass(frozen=True, slots=True)
class Database:
    """``[database]``: the ledger."""

    url: str = _key(
        "sqlite:///var/newsletter.db",
        "Address of the ledger: `sqlite:///FILE` (relative to the project) or `postgresql://user@host/name`; "
        "with a password only in the environment.",
        shown=False,
    )


@dataclass(frozen=True, slots=True)
class Doctor:
    """``[doctor]``: where `newsletter doctor` looks."""

    selectors: str = _key("s1 s2", "DKIM selectors of the sender's domain, separated by spaces.")
    nameserver: str = _key("", "Name server to ask, `address` or `address:port`. Empty: the system's.")


@dataclass(frozen=True, slots=True)
class Checks:
    """``[checks]``: what `newsletter check --links` and `--spam` do."""

    skip_links: str = _key("", "Hosts whose links are not asked, separated by spaces.")
    link_timeout: int = _key(10, "Seconds that a site has for an answer, 1 to 60.", between=(1, 60))
    spamd: str = _key(
        "127.0.0.1:783", "SpamAssassin's daemon on this machine, for `--spam`: `address:port`, or the path of its socket. Empty: none."
    )


@dataclass(frozen=True, slots=True)
class Preview:
    """``[preview]``: the page that `newsletter preview` shows on this machine."""

    port: int = _key(
        8026, "Port of 127.0.0.1 to listen on; a free one is taken where it is in use. 0: always a free one.", between=(0, 65535)
    )


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; secrets never show in ``repr``. ``secret_keys`` (newest first) sign links."""

    newsletter: Newsletter = field(default_factory=Newsletter)
    unsubscribe: Unsubscribe = field(default_factory=Unsubscribe)
    delivery: Delivery = field(default_factory=Delivery)
    transport: Transports = field(default_factory=Transports)
    images: Images = field(default_factory=Images)
    public: Public = field(default_factory=Public)
    database: Database = field(default_factory=Database)
    doctor: Doctor = field(default_factory=Doctor)
    preview: Preview = field(default_factory=Preview)
    checks: Checks = field(default_factory=Checks)
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    sendgrid_api_key: str = field(default="", repr=False)
    smtp_password: str = field(default="", repr=False)
    dkim_private_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ListSettings:
    """What a list says about the editions set for it; empty values fall back to ``[newsletter]``."""

    name: str = ""
    kind: str = "public"
    title: str = ""
    from_: str = ""
    reply_to: str = ""
    language: str = ""
    template: str = ""
