"""Two verifiers that are not ours, and keys to sign with: OpenDKIM's own program, and dkimpy. Neither asks DNS."""

from __future__ import annotations

import re
import subprocess
from functools import cache

import dkim
from machine import program

from composer.findings import Where
from composer.message.dkim_key import read_key

DOMAIN, SELECTOR = "letters.test", "2026a"


def pem(kind="rsa"):
    """Make a private key of a kind: ``rsa``, ``ed25519``, or ``ec``, which nobody signs mail with; once for all tests of a process."""
    return _made(kind)


@cache
def _made(kind):
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    makes = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
    }
    return makes[kind]().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key(kind="rsa"):
    """Give the same key as ``pem``, ready to sign."""
    return _read(kind)


@cache
def _read(kind):
    return read_key(pem(kind), Where("a test"))


def opendkim(folder, record, *messages, selectors=(SELECTOR,)):
    """Say of each message whether OpenDKIM verifies its signature with ``record`` as the key of ``DOMAIN``; no word of it is a no."""
    (folder / "keys").write_text("".join(f"{selector}._domainkey.{DOMAIN} {record}\n" for selector in selectors))
    (folder / "opendkim.conf").write_text(f"Mode v\nSyslog no\nTestDNSData {folder}/keys\nTemporaryDirectory {folder}\n")
    files = [folder / f"{number}.eml" for number in range(len(messages))]
    for file, message in zip(files, messages, strict=True):
        file.write_bytes(message)
    command = [program("opendkim", "OpenDKIM"), "-x", folder / "opendkim.conf", "-t", ",".join(map(str, files))]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd="/")
    verdicts = dict(re.findall(r"(\d+)\.eml: verification \(.*\) (succeeded|failed)", said.stdout + said.stderr))
    return [verdicts.get(str(number)) == "succeeded" for number in range(len(messages))]


def dkimpy(record, message):
    """Say whether dkimpy verifies the topmost signature of a message; it knows RSA only, for want of another library."""
    there = f"._domainkey.{DOMAIN}.".encode()
    try:
        return dkim.verify(message, dnsfunc=lambda name, timeout=5: record.encode() if name.endswith(there) else None)
    except dkim.DKIMException:
        return False
