"""Signed unsubscribe tokens."""

import re

import pytest
from itsdangerous import Signer, URLSafeSerializer

from composer.errors import ConfigError
from composer.message.token import forgotten_hashes, read_unsubscribe, sign_unsubscribe

KEYS = ("new-key", "old-key")


def test_a_token_says_which_delivery_and_fits_into_a_path():
    """The link must work unescaped in an address and a header."""
    token = sign_unsubscribe("d-1/é ?", KEYS)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)
    assert read_unsubscribe(token, KEYS) == "d-1/é ?"
    assert token == sign_unsubscribe("d-1/é ?", KEYS)


def test_keys_can_be_changed_without_killing_old_links():
    """Links in mail that was sent stay good as long as their key is kept; new ones are signed with the newest."""
    old = sign_unsubscribe("d1", ("old-key",))
    assert read_unsubscribe(old, KEYS) == "d1"
    assert sign_unsubscribe("d1", KEYS) == sign_unsubscribe("d1", ("new-key",))
    assert read_unsubscribe(sign_unsubscribe("d1", KEYS), ("old-key",)) is None


def test_nothing_else_is_taken_for_a_token():
    """A footer token is unforgeable in every character, and one made for another purpose is of no use here."""
    token = sign_unsubscribe("delivery-1", KEYS)
    for position, character in enumerate(token):
        for other in "AZaz09_-.=+/ \n%":
            if other != character:
                assert read_unsubscribe(token[:position] + other + token[position + 1 :], KEYS) is None
    forged = [
        "", ".", token + "=", token + "\n", "\u00e9" + token, token[:-1], token.split(".")[0], f".{token}", f"{token}.{token}", "x" * 100_000,
        Signer("new-key").sign("ZGVsaXZlcnktMQ").decode(), URLSafeSerializer("new-key").dumps("delivery-1"),
    ]  # fmt: skip
    assert [read_unsubscribe(text, KEYS) for text in forged] == [None] * len(forged)


def test_signing_without_a_key_is_a_wrong_configuration():
    """An empty key would make every token forgeable."""
    with pytest.raises(ConfigError) as caught:
        sign_unsubscribe("d1", ())
    assert "NEWSLETTER_SECRET_KEYS" in caught.value.hint


def test_the_forgotten_are_known_by_a_keyed_hash_alone():
    """What is kept of them tells nobody who they were, and one who holds a key, an old one too, can tell them again."""
    hashes = forgotten_hashes("ana@example.org", KEYS)
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in hashes)
    assert hashes == (*forgotten_hashes("ana@example.org", KEYS[:1]), *forgotten_hashes("ana@example.org", KEYS[1:]))
    assert len({*hashes, *forgotten_hashes("eve@example.org", KEYS)}) == 4
    with pytest.raises(ConfigError, match="no key to remember"):
        forgotten_hashes("ana@example.org", ())
