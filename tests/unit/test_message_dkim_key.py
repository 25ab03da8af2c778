"""Private keys: which are taken, and what is said of the others."""

from __future__ import annotations

import builtins
import subprocess
from base64 import b64decode, b64encode

import dkim_verifiers as verifiers
import pytest
from machine import program

from composer.errors import ConfigError
from composer.findings import Where
from composer.message.dkim_key import read_key

WHERE = Where("var/dkim.pem")


def refused(text):
    with pytest.raises(ConfigError) as caught:
        read_key(text, WHERE)
    assert caught.value.where == WHERE
    assert caught.value.hint
    return caught.value.message


def openssl(*arguments):
    done = subprocess.run([program("openssl", "OpenSSL"), *arguments], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


@pytest.mark.parametrize(
    ("arguments", "kind", "bits"),
    [
        (("genrsa", "-traditional", "2048"), "rsa", 2048),
        (("genrsa", "2048"), "rsa", 2048),
        (("genrsa", "1024"), "rsa", 1024),
        (("genpkey", "-algorithm", "ed25519"), "ed25519", 256),
    ],
)
def test_what_openssl_makes_is_taken(arguments, kind, bits):
    """The commands of docs/smtp.md, and the older form of a file."""
    key = read_key(openssl(*arguments), WHERE)
    assert (key.kind, key.bits) == (kind, bits)


def test_record_is_what_openssl_makes_of_it(tmp_path):
    """The record that we print must be the one that an administrator would make by hand."""
    (tmp_path / "key").write_text(verifiers.pem())
    public = openssl("pkey", "-in", str(tmp_path / "key"), "-pubout").splitlines()
    assert verifiers.key().record == f"v=DKIM1; k=rsa; p={''.join(public[1:-1])}"
    assert len(b64decode(verifiers.key("ed25519").record.partition("p=")[2])) == 32  # RFC 8463, 4: the bare key


def test_published_key_is_recognised_in_both_forms():
    """Some publish the bare RSAPublicKey of the RFC's text; spaces in a record do not count."""
    key = verifiers.key()
    usual, bare = (b64encode(form).decode() for form in key.published)
    assert key.fits(usual)
    assert key.fits(bare)
    assert key.fits(f" {usual[:64]} {usual[64:]} ")
    assert bare != usual
    assert not key.fits(b64encode(verifiers.key("ed25519").published[0]).decode())
    assert not key.fits("not base64!")
    assert not key.fits("")


@pytest.mark.parametrize("bits", [512, 768, 1016])
def test_short_keys_are_refused(bits):
    """RFC 8301: receivers take no signature of a shorter one."""
    assert "1024" in refused(openssl("genrsa", str(bits)))


def test_encrypted_keys_are_refused():
    """A send that runs at night has nobody to ask for a passphrase."""
    assert "encrypted" in refused(openssl("genrsa", "-aes128", "-passout", "pass:secret", "2048"))
    assert "encrypted" in refused(openssl("genrsa", "-traditional", "-aes128", "-passout", "pass:secret", "2048"))


def test_other_kinds_are_refused():
    """Receivers verify RSA and Ed25519."""
    assert "RSA or Ed25519" in refused(verifiers.pem("ec"))


def _public():
    return f"-----BEGIN PUBLIC KEY-----\n{b64encode(verifiers.key().published[0]).decode()}\n-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize(
    "make",
    [
        lambda: "",
        lambda: "rubbish",
        _public,
        lambda: verifiers.pem()[:400],
        lambda: verifiers.pem().replace("\n", "\\n"),
        lambda: verifiers.pem().replace("PRIVATE KEY", "CERTIFICATE"),
        lambda: "-----BEGIN PRIVATE KEY-----\n" + "ü" * 60 + "\n-----END PRIVATE KEY-----\n",
    ],
    ids=["empty", "rubbish", "public", "cut off", "one line", "certificate", "letters"],
)
def test_rubbish_is_refused(make):
    """None of it may end in a traceback, or be repeated: it may be a secret of another kind."""
    text = make()
    message = refused(text)
    assert "PEM" in message
    assert not text or text[:30] not in message


def test_without_the_library_it_says_how_to_get_it(monkeypatch):
    """Signing is an extra: the first send of somebody who lacks it must end in one sentence."""
    real = builtins.__import__

    def lacking(name, *args, **kwargs):
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    pem = verifiers.pem()  # before the library is gone
    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(ConfigError, match="not installed") as caught:
        read_key(pem, WHERE)
    assert caught.value.hint == 'pip install "newsletter-composer[dkim]"'
