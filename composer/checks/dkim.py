"""DKIM keys of a domain (RFC 6376, RFC 8463): there, whole, not revoked, and long enough. Pure given who asks DNS."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from composer.checks.records import Answer, Ask, Checked, State, read_tags, unanswered
from composer.findings import Finding, Severity, Where, error, info, warning
from composer.message.dkim_key import RECOMMENDED, SHORTEST

_ED25519_BYTES = 32
_SEQUENCE, _BIT_STRING, _INTEGER = 0x30, 0x03, 0x02


@dataclass(frozen=True, slots=True)
class _Key:
    kind: str
    bits: int
    testing: bool = False


def check_dkim(domain: str, selectors: tuple[str, ...], ask: Ask, *, certain: bool) -> Checked:
    """Check the key of each selector; ``certain``: mail is signed with these selectors, so that one must have a key."""
    findings: list[Finding] = []
    keys: list[_Key] = []
    missing: list[Answer] = []
    unknown = revoked = False
    shown: list[str] = []
    for selector in selectors:
        answer = ask(f"{selector}._domainkey.{domain}", "TXT")
        if not answer.known:
            unknown = True
            findings.append(unanswered(answer))
        elif not answer.values:
            missing.append(answer)
        else:
            key = _read(answer)
            if isinstance(key, _Key):
                keys.append(key)
                shown.append(f"{selector}: {key.kind}, {key.bits} bits")
                findings += _strength(answer.name, key)
            else:
                revoked |= key.code == "dkim-revoked"
                findings.append(key)
    good = any(key.kind == "ed25519" or key.bits >= SHORTEST for key in keys)
    if good:
        findings = [_milder(each) for each in findings]
    findings += _missing(domain, missing, found=bool(keys), certain=certain, several=len(selectors))
    if keys and all(key.kind == "ed25519" for key in keys):
        hint = "Publish an RSA key of 2048 bits beside it, and sign with both."
        findings.append(
            warning("dkim-only-ed25519", Where(domain), "there are only Ed25519 keys, which many receivers cannot verify", hint)
        )
    doubtful = unknown or (not certain and not revoked)
    return Checked(tuple(findings), True if good else (None if doubtful else False), "; ".join(shown))


def _milder(finding: Finding) -> Finding:
    """A revoked key is how a rotation ends: beside a key that works it is worth a look, no more."""
    if finding.code != "dkim-revoked":
        return finding
    return Finding("dkim-revoked", Severity.WARNING, finding.where, finding.message, finding.hint)


def _missing(domain: str, answers: list[Answer], *, found: bool, certain: bool, several: int) -> list[Finding]:
    if found:
        return [_gone(answer) for answer in answers]
    dangling = [_gone(answer) for answer in answers if answer.alias]
    if not answers or dangling:
        return dangling
    names = " and ".join(answer.name.partition("._domainkey.")[0] for answer in answers)
    message = f"there is no DKIM key under the selector{'s' if several > 1 else ''} {names}"
    hint = "Publish what your provider's domain authentication asks for. If it signs with other selectors, name them in [doctor] selectors."
    severity = Severity.ERROR if certain else Severity.WARNING
    return [Finding("dkim-missing", severity, Where(domain), message, hint)]


def _gone(answer: Answer) -> Finding:
    if answer.alias:
        what = "does not exist" if answer.state is State.NO_NAME else "holds no key"
        hint = "Compare it with what the provider shows under domain authentication; validate there again."
        return error("dkim-alias-broken", Where(answer.name), f"{answer.name} is an alias of {answer.alias}, which {what}", hint)
    hint = "Publish it too, so that the provider can change keys; or take it out of [doctor] selectors."
    return warning("dkim-selector-missing", Where(answer.name), f"there is no DKIM key at {answer.name}", hint)


def _read(answer: Answer) -> _Key | Finding:
    where = Where(answer.name)
    if len(answer.values) > 1:
        message = f"there are {len(answer.values)} TXT records where one key should be; what receivers do with that is undefined"
        return error("dkim-several", where, message, "Delete all but the one that the provider shows.")
    tags = read_tags(answer.values[0])
    mend = "Copy the record again, whole and in one piece, as the provider shows it."
    if isinstance(tags, str):
        return error("dkim-syntax", where, f"the DKIM record cannot be read: {tags}", mend)
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        return error("dkim-syntax", where, "the DKIM record does not begin with v=DKIM1", mend)
    if "p" not in tags:
        return error("dkim-syntax", where, "the DKIM record has no p=, so no key", mend)
    if not (packed := "".join(tags["p"].split())):
        hint = "Publish the key that is signed with now, or stop signing with this selector."
        return error("dkim-revoked", where, "the DKIM key is revoked (p= is empty)", hint)
    kind = tags.get("k", "rsa").lower()
    if kind not in {"rsa", "ed25519"}:
        return error("dkim-syntax", where, f"k={kind} is no kind of key that receivers know", mend)
    bits = _bits(kind, packed)
    if not bits:
        return error("dkim-syntax", where, f"p= holds no whole {kind} key", mend)
    return _Key(kind, bits, "y" in tags.get("t", "").lower().replace(" ", "").split(":"))


def _strength(name: str, key: _Key) -> list[Finding]:
    found: list[Finding] = []
    if key.kind == "rsa" and key.bits < SHORTEST:
        message = f"the DKIM key has {key.bits} bits; receivers do not accept fewer than {SHORTEST} (RFC 8301)"
        found.append(error("dkim-key-short", Where(name), message, f"Make a key of {RECOMMENDED} bits."))
    elif key.kind == "rsa" and key.bits < RECOMMENDED:
        message = f"the DKIM key has {key.bits} bits; {RECOMMENDED} are recommended"
        found.append(info("dkim-key-small", Where(name), message, f"Make one of {RECOMMENDED} bits when you change keys."))
    if key.testing:
        message = "the DKIM key says that it is only being tried (t=y)"
        found.append(info("dkim-testing", Where(name), message, "Take t=y out once signatures verify."))
    return found


def _bits(kind: str, packed: str) -> int:
    """Return the length of a key in bits, 0 for what is none."""
    try:
        data = base64.b64decode(packed, validate=True)
        if kind == "ed25519":
            return 8 * _ED25519_BYTES if len(data) == _ED25519_BYTES else 0
        return _rsa_bits(data)
    except (binascii.Error, ValueError, IndexError):
        return 0


def _rsa_bits(data: bytes) -> int:
    """Length of the modulus in a SubjectPublicKeyInfo (RFC 5280, 4.1), or in the bare RSAPublicKey (RFC 8017, A.1.1) that some publish."""
    content, _ = _element(data, _SEQUENCE)
    if content[0] == _SEQUENCE:
        _, rest = _element(content, _SEQUENCE)
        bits, _ = _element(rest, _BIT_STRING)
        content, _ = _element(bits[1:], _SEQUENCE)
    modulus, _ = _element(content, _INTEGER)
    return int.from_bytes(modulus, "big").bit_length()


def _element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Split DER into the content of its first element and what follows. Raises ValueError, IndexError for another tag or a cut."""
    if data[0] != tag:
        raise ValueError(tag)
    length, at = data[1], 2
    if length & 0x80:
        at += length & 0x7F
        length = int.from_bytes(data[2:at], "big")
    if len(data) < at + length:
        raise ValueError(length)
    return data[at : at + length], data[at + length :]
