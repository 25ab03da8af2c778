"""Signing as it is set up: the key's places, the settings, the transport that signs, and what stops a send."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime

import dkim_verifiers as verifiers
import pytest

from composer import config
from composer.config import Delivery, Newsletter, Smtp, Transports, Unsubscribe
from composer.delivery.prepare import prepare
from composer.errors import ConfigError
from composer.project import with_config
from composer.testing import a_message, an_audience, an_edition
from composer.testing.smtp import SmtpServer
from composer.transport.base import Accepted, Letter
from composer.transport.registry import Occasion, open_transport
from composer.transport.smtp_signer import open_signer, private_key

OCCASION = Occasion("2026-01", 1, datetime(2026, 1, 31, tzinfo=UTC))


def mailing(project, port=9, *, key="", **smtp):
    """The project with a mail server, a selector and perhaps a key in the environment."""
    smtp = Smtp(**{"host": "127.0.0.1", "port": port, "security": "none", "dkim_selector": verifiers.SELECTOR, "timeout": 10, **smtp})
    return with_config(
        project,
        newsletter=Newsletter("Letters", f"News <news@{verifiers.DOMAIN}>", "", "3 Harbour Lane, Porto"),
        delivery=Delivery(transport="smtp"),
        transport=Transports(smtp=smtp),
        unsubscribe=Unsubscribe(),
        dkim_private_key=key,
    )


def a_letter():
    return a_message(replace(an_edition(), from_=f"News <news@{verifiers.DOMAIN}>"))


# ---- the key's places ------------------------------------------------------------------------------------------


def read(tmp_path, text="", **environ):
    (tmp_path / "newsletter.toml").write_text(text, encoding="utf-8")
    return config.load(tmp_path, environ)


@pytest.mark.parametrize("written", [lambda pem: pem, lambda pem: pem.strip().replace("\n", "\\n")], ids=["lines", "one line"])
def test_key_comes_from_the_environment_and_never_shows(tmp_path, project, written):
    """A line of .env holds one line: the breaks may be written as \\n. A configuration in a traceback must not hand it out."""
    found = read(tmp_path, DKIM_PRIVATE_KEY=written(verifiers.pem()))
    assert found.dkim_private_key == verifiers.pem().strip()
    assert "PRIVATE" not in repr(found)
    assert private_key(with_config(project, dkim_private_key=found.dkim_private_key)).record == verifiers.key().record


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_key_in_dotenv(tmp_path, project, quote):
    """However .env is quoted, the key comes out whole."""
    line = verifiers.pem().strip().replace("\n", "\\n")
    (tmp_path / ".env").write_text(f"DKIM_PRIVATE_KEY={quote}{line}{quote}\n", encoding="utf-8")
    assert read(tmp_path).dkim_private_key == verifiers.pem().strip()


def test_key_in_the_file_is_refused(tmp_path):
    """newsletter.toml is meant to be shared."""
    with pytest.raises(ConfigError, match="a secret does not belong in the file: dkim_private_key"):
        read(tmp_path, "[transport.smtp]\ndkim_private_key = 'x'\n")


def test_environment_goes_before_the_file(project):
    """A server is set up without touching files; the file is for a laptop."""
    signing = mailing(project)
    project.var.mkdir()
    project.dkim_file.write_text(verifiers.pem("ed25519"), encoding="ascii")
    assert private_key(signing).record == verifiers.key("ed25519").record
    assert private_key(mailing(project, key=verifiers.pem())).record == verifiers.key().record


def test_no_key_is_made(project):
    """A key that nobody published would make every letter fail; who wants to sign has to do both."""
    with pytest.raises(ConfigError, match="no key to sign mail with") as caught:
        open_signer(mailing(project))
    assert str(caught.value.where) == "var/dkim.pem"
    assert "DKIM_PRIVATE_KEY" in caught.value.hint
    assert not project.var.exists()


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.write_bytes(b"\xff\xfe\x00")], ids=["folder", "bytes"])
def test_key_that_cannot_be_read(project, make):
    """It is named, and what is in it is not repeated."""
    project.var.mkdir()
    make(project.dkim_file)
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        open_signer(mailing(project))
    assert str(caught.value.where) == "var/dkim.pem"


# ---- the settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("selector", ["s1", "2026a", "news-2026", "a.b", "S1"])
def test_selectors_that_are_right(tmp_path, selector):
    """RFC 6376, 3.1: labels of letters, digits and hyphens within."""
    assert read(tmp_path, f"[transport.smtp]\ndkim_selector = '{selector}'\n").transport.smtp.dkim_selector == selector


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dkim_selector", "two words"),
        ("dkim_selector", "a_b"),
        ("dkim_selector", "-a"),
        ("dkim_selector", "a..b"),
        ("dkim_selector", "a;b"),
        ("dkim_selector", "ä"),
        ("dkim_domain", "org"),
        ("dkim_domain", "news@example.org"),
        ("dkim_domain", "exämple.org"),
        ("dkim_domain", "example.org; s=x"),
    ],
)
def test_settings_that_no_signature_can_hold(tmp_path, key, value):
    """They would stand in every letter's signature, and in questions to DNS."""
    with pytest.raises(ConfigError, match=f"{key} cannot be") as caught:
        read(tmp_path, f"[transport.smtp]\n{key} = '{value}'\n")
    assert str(caught.value.where) == "newsletter.toml:2"


def test_without_a_selector_nothing_is_signed(project):
    """A server that signs by itself needs no key here, and a key alone is no wish."""
    assert open_signer(mailing(project, key=verifiers.pem(), dkim_selector="")) is None


# ---- the transport ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_what_leaves_is_signed(project, tmp_path, kind):
    """The selector in newsletter.toml and a key are all it takes; the signature stands on top."""
    with SmtpServer() as server:
        transport = open_transport(mailing(project, server.port, key=verifiers.pem(kind)), "smtp", OCCASION)
        (outcome,) = transport.send([a_letter()])
        transport.close()
        (taken,) = server.received
    assert isinstance(outcome, Accepted)
    assert taken.data.startswith(b"DKIM-Signature: v=1; ")
    assert verifiers.opendkim(tmp_path, verifiers.key(kind).record, taken.data) == [True]


def test_many_are_signed_side_by_side_and_each_for_itself(project):
    """Signatures are made by several threads, ahead of the messages' turn; whoever gets one gets their own."""
    edition, people = replace(an_edition(), from_=f"News <news@{verifiers.DOMAIN}>"), an_audience(60).subscribers
    letters = [a_message(edition, each, f"d{place}") for place, each in enumerate(people)]
    with SmtpServer() as server:
        transport = open_transport(mailing(project, server.port, key=verifiers.pem(), connections=5), "smtp", OCCASION)
        for start in range(0, len(letters), 5):
            following = [*letters[start + 5 : start + 10], *[None] * 5]
            transport.begin(Letter(*pair) for pair in zip(letters[start : start + 5], following, strict=False))
            outcomes = []
            while len(outcomes) < 5 and transport.wait(10):
                outcomes += [type(outcome) for _, outcome in transport.ended()]
            assert outcomes == [Accepted] * 5
        transport.close()
        taken = {message.recipients[0]: message.data for message in server.received}
    assert len(taken) == 60
    for address, data in taken.items():
        assert f"To: Person {address[6:].split('@')[0]} <{address}>".encode() in data
        assert verifiers.dkimpy(verifiers.key().record, data)


def test_without_a_selector_it_leaves_as_it_was(project):
    """Those who do not sign get the same bytes as before."""
    with SmtpServer() as server:
        transport = open_transport(mailing(project, server.port, dkim_selector=""), "smtp", OCCASION)
        transport.send([a_letter()])
        transport.close()
        (taken,) = server.received
    assert b"DKIM-Signature" not in taken.data


def test_key_that_cannot_sign_stops_before_anything_is_opened(project):
    """Half a campaign without signatures would be worse than none."""
    with pytest.raises(ConfigError, match="PEM"):
        open_transport(mailing(project, key="rubbish"), "smtp", OCCASION)


def test_key_that_cannot_sign_stops_a_send_before_it_begins(project):
    """There is no campaign yet when it is said, so that nothing has to be resumed."""
    prepared = prepare(mailing(project, key="rubbish"), "2026-01", ["staff"])
    assert "dkim-key-unusable" in [finding.code for finding in prepared.blocking]
    prepared = prepare(mailing(project, key=verifiers.pem()), "2026-01", ["staff"])
    assert "dkim-key-unusable" not in [finding.code for finding in prepared.findings]


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_key_file_is_not_made_more_open(project):
    """Reading leaves the file as its owner keeps it."""
    project.var.mkdir()
    project.dkim_file.touch(0o600)
    project.dkim_file.write_text(verifiers.pem(), encoding="ascii")
    open_signer(mailing(project))
    assert project.dkim_file.stat().st_mode & 0o777 == 0o600
