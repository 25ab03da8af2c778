"""The envelope's sender, one for all or one for each delivery, and what is refused before anybody is sent to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.audience.address import Address, parse_address
from composer.errors import TransportError
from composer.ledger.campaigns import new_ids
from composer.ledger.schema import deliveries
from composer.transport.smtp_sender import LONGEST_ID, check_verp, envelope_sender

ID = "abcdefghijklmnopqrstuvwx"


def test_without_verp_it_is_the_bounce_address():
    """Whatever it is: nothing is looked at that is not used."""
    for bounce in ("bounce@example.org", f"{'x' * 64}@example.org", '"a b"@example.org'):
        assert envelope_sender(bounce, ID, verp=False) == bounce


@pytest.mark.parametrize(
    ("bounce", "sender"),
    [
        ("bounce@example.org", f"bounce+{ID}@example.org"),
        ("news+bounce@example.org", f"news+bounce+{ID}@example.org"),
        ("first.last@example.org", f"first.last+{ID}@example.org"),
        ("größe@example.org", f"größe+{ID}@example.org"),
    ],
)
def test_with_verp_it_names_the_delivery(bounce, sender):
    """What stands behind the last plus is the id, also when there was a plus before."""
    assert envelope_sender(bounce, ID, verp=True) == sender
    assert sender.partition("@")[0].rpartition("+")[2] == ID


@given(
    st.from_regex(r"[a-z0-9]{1,12}(?:[.+_-][a-z0-9]{1,6}){0,2}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9_-]{1,16}(?:\.[A-Za-z0-9_-]{1,7}){0,2}", fullmatch=True),
)
def test_it_is_an_address_again(local, identity):
    """A server that reads addresses strictly takes it, and it leads back to its delivery."""
    sender = envelope_sender(f"{local}@example.org", identity, verp=True)
    assert isinstance(parse_address(sender), Address)
    assert sender == f"{local}+{identity}@example.org"


def test_64_octets_are_the_most():
    """RFC 5321, 4.5.3.1.1: a server may refuse more, and the limit is of octets."""
    room = 64 - len(ID) - 1
    assert len(envelope_sender(f"{'b' * room}@example.org", ID, verp=True).partition("@")[0]) == 64
    for local in ("b" * (room + 1), "ö" * (room // 2 + 1)):
        with pytest.raises(TransportError, match="too long") as caught:
            envelope_sender(f"{local}@example.org", ID, verp=True)
        assert "at most 31 plain characters" in caught.value.hint
    with pytest.raises(TransportError, match="too long"):
        envelope_sender(f"bounce@{'d' * 63}.{'d' * 63}.{'d' * 63}.{'d' * 31}", ID, verp=True)


@pytest.mark.parametrize(
    "bounce", ['"a b"@example.org', "@example.org", "nobody", "a@", "a..b@example.org", "a@b@example.org", "a\r\n@b.org", ""]
)
def test_what_cannot_be_written_anew_is_refused(bounce):
    """At start-up, for all at once."""
    with pytest.raises(TransportError, match="no bounce address can be made"):
        check_verp(bounce)


@pytest.mark.parametrize("identity", ["", "a b", "a@b", "a+b", "a\r\nRCPT TO:<x@y>", "é", "a..b", "a."])
def test_an_id_that_is_none(identity):
    """A delivery's id is letters, digits, dots, underscores and hyphens; anything else would be another address or command."""
    with pytest.raises(TransportError, match="cannot stand in an address"):
        envelope_sender("bounce@example.org", identity, verp=True)


def test_looked_at_once_it_holds_for_all():
    """Whatever id the ledger can keep fits where the check passed, those of tests too."""
    assert deliveries.c.id.type.length == LONGEST_ID
    longest = f"{'b' * (64 - LONGEST_ID - 1)}@example.org"
    check_verp(longest)
    for identity in (*new_ids(3), f"test-{'0' * 24}", "x" * LONGEST_ID):
        assert re.fullmatch(r"b+\+[\w-]+@example\.org", envelope_sender(longest, identity, verp=True))
    with pytest.raises(TransportError, match="too long"):
        check_verp(f"b{longest}")
