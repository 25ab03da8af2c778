"""What a sender's domain publishes, and which provider would refuse its mail; answers come from a dict."""

from __future__ import annotations

import base64

import pytest

from composer.checks.dkim import check_dkim
from composer.checks.dmarc import check_dmarc
from composer.checks.domains import aligned, is_mailbox_provider, organizational
from composer.checks.records import Answer, State, read_tags
from composer.checks.sender import Standing, check_alignment, check_mx, check_rules, check_sender, must_include
from composer.checks.spf import check_spf
from composer.findings import Where

WHERE = Where("newsletter.toml")
# Made with openssl genrsa 2048 and openssl genpkey -algorithm ed25519; nobody has the other halves.
RSA_2048 = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA6jBRKise01jubQl5MpVU2V7TFI1aR8v95GqTwLrJpp7ksoJXCr6V6JT/XWmqy0amxHshAZVTKTpghR9IPMphjEQfbRVxpt9gUeG0rTo7YUFRTlDH6xQpSfnmGiKZPLlcD6rQo4KUapzQkpv49PXPUxlBqdhUAkKlVeWkXFRitXLbk0t4M2v1Ss/2BjPjvMVOLATQOaDsWeU/6Rzq9KrD/anaMX2OGsrTyAapzuMLWZk8VgrWzRzuWEniVkwv33oj9tIs3YYGsfn0Vpxz45BfjVIWy/fCy15BVnKfiAbiKCxb7FQyaCwD26wsuD5a2CV3g7/JUQ+ORkQTXAV+hz4jLQIDAQAB"
ED25519 = "ny4PMKhcZRed56KxOrV4jnB/fz80FG95uaHVQhfCpeU="
GOOD_DKIM = f"v=DKIM1; k=rsa; p={RSA_2048}"


def asking(records=(), failures=()):
    """Answer from {"name KIND": values}; a name that has no record at all does not exist."""
    records, failures = dict(records), dict(failures)
    names = {key.split()[0] for key in records}

    def ask(name, kind):
        if name in failures:
            return Answer(name, kind, failures[name])
        values = records.get(f"{name} {kind}")
        alias = records.get(f"{name} CNAME", [""])[0]
        if values is None and alias:
            below = ask(alias, kind)
            return Answer(name, kind, below.state, below.values, alias)
        state = State.FOUND if values else (State.NO_RECORD if name in names else State.NO_NAME)
        return Answer(name, kind, state, tuple(values or ()))

    return ask


def txt(text, name="letters.org", **more):
    return asking({f"{name} TXT": [text], **{key.replace("__", " "): value for key, value in more.items()}})


def codes(checked):
    return [finding.code for finding in getattr(checked, "findings", checked)]


# ---- domains ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "bought"),
    [
        ("news.example.org", "example.org"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("example.com.au", "example.com.au"),
        ("News.Example.ORG.", "example.org"),
        ("example.de", "example.de"),
        ("co.uk", "co.uk"),
    ],
)
def test_organization_of_a_domain(domain, bought):
    """DMARC compares what was bought, not what was put before it."""
    assert organizational(domain) == bought


def test_alignment_is_by_organization_unless_strict():
    """A subdomain may sign for its organization; two customers of one registry may not."""
    assert aligned("em12.example.org", "example.org")
    assert not aligned("em12.example.org", "example.org", strict=True)
    assert not aligned("one.co.uk", "two.co.uk")
    assert not aligned("", "example.org")


@pytest.mark.parametrize(
    ("domain", "code"),
    [
        ("example.org", "placeholder-sender"),
        ("news.example.com", "placeholder-sender"),
        ("printer.local", "placeholder-sender"),
        ("localhost", "placeholder-sender"),
        ("[192.0.2.1]", "sender-is-address"),
        ("192.0.2.1", "sender-is-address"),
        ("[IPv6:2001:db8::1]", "sender-is-address"),
        ("gmail.com", "mailbox-provider-sender"),
        ("YAHOO.com", "mailbox-provider-sender"),
        ("outlook.com", "mailbox-provider-sender"),
    ],
)
def test_domains_that_can_send_no_newsletter(domain, code):
    """Before anybody is asked, some senders cannot be."""
    (finding,) = check_sender(domain, WHERE)
    assert (finding.code, finding.severity, finding.where) == (code, "error", WHERE)


def test_a_domain_of_ones_own_may_send():
    """Names that merely look like a provider's are nobody's business."""
    assert check_sender("letters.org", WHERE) == ()
    assert not is_mailbox_provider("mygmail.com")


# ---- MX --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "expected", "passes"),
    [
        ({"letters.org MX": ["10 mx.letters.org"], "mx.letters.org A": ["192.0.2.1"]}, [], True),
        ({"letters.org MX": ["10 mx.letters.org"], "mx.letters.org AAAA": ["2001:db8::1"]}, [], True),
        ({"letters.org MX": ["10 mx.letters.org"]}, ["mx-broken"], False),
        ({"letters.org MX": ["10 192.0.2.1"]}, ["mx-broken"], False),
        ({"letters.org MX": ["0 ."]}, ["mx-null"], False),
        ({"letters.org A": ["192.0.2.1"]}, ["mx-missing"], True),
        ({"letters.org TXT": ["hello"]}, ["mx-missing"], False),
        ({}, ["domain-missing"], False),
    ],
)
def test_mail_servers_of_a_domain(records, expected, passes):
    """Answers and bounces need somewhere to go."""
    checked = check_mx("letters.org", asking(records))
    assert (codes(checked), checked.passes) == (expected, passes)


def test_a_mail_server_that_dns_is_silent_about_is_not_called_broken():
    """What could not be asked is not known to be wrong."""
    checked = check_mx("letters.org", asking({"letters.org MX": ["10 mx.letters.org"]}, {"mx.letters.org": State.FAILED}))
    assert codes(checked) == ["dns-no-answer"]


# ---- SPF -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["-all", "~all", "-ALL"])
def test_good_spf(end):
    """Every mechanism of the RFC is understood, with every form of argument."""
    record = f"v=spf1 a mx:mx.letters.org/24 a/24//64 ip4:192.0.2.0/24 ip6:2001:db8::/32 exists:%{{i}}.letters.org ?ptr {end} exp=why.letters.org"
    checked = check_spf("letters.org", txt(record))
    assert (codes(checked), checked.passes, checked.record) == ([], True, record)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=spf1 include -all", ["spf-syntax"]),
        ("v=spf1 ipv4:192.0.2.1 -all", ["spf-syntax"]),
        ("v=spf1 ip4:192.0.2.300 -all", ["spf-syntax"]),
        ("v=spf1 ip4:2001:db8::1 -all", ["spf-syntax"]),
        ("v=spf1 ip4:192.0.2.1/33 -all", ["spf-syntax"]),
        ("v=spf1 mx, -all", ["spf-syntax"]),
        (
            "v=spf1 -all:letters.org",
            [
                "spf-syntax",
            ],
        ),
        ("v=spf1 redirect=", ["spf-syntax"]),
        ("v=spf1 mx", ["spf-open-end"]),
        ("v=spf1 mx ?all", ["spf-open-end"]),
        ("v=spf1 mx +all", ["spf-allows-everyone"]),
        ("v=spf1 mx all", ["spf-allows-everyone"]),
        ("v=spf1 ~all mx", ["spf-after-all"]),
        ("v=spf1 include:gone.org ~all", ["spf-include-broken"]),
        ("v=spf1 include:letters.org ~all", ["spf-include-broken"]),
    ],
)
def test_bad_spf(record, expected):
    """Each mistake has its own finding."""
    assert codes(check_spf("letters.org", txt(record))) == expected


def test_one_record_must_be_there_and_only_one():
    """Two records are none to a receiver; a TXT that only begins alike is not one."""
    assert codes(check_spf("letters.org", asking({"letters.org TXT": ["v=spf1 -all", "v=spf1 mx -all"]}))) == ["spf-several"]
    (missing,) = check_spf("letters.org", txt("v=spf10 -all"), required=True).findings
    assert (missing.code, missing.severity) == ("spf-missing", "error")
    assert check_spf("letters.org", txt("hello")).findings[0].severity == "warning"


def test_lookups_are_counted_through_includes():
    """The limit of ten is for the whole tree, which nobody sees in the record itself."""
    tree = {"letters.org TXT": ["v=spf1 include:one.org include:two.org mx ~all"]}
    for name in ("one.org", "two.org"):
        tree[f"{name} TXT"] = [f"v=spf1 {' '.join(f'a:{number}.{name}' for number in range(3))} ip4:192.0.2.1 -all"]
    assert codes(check_spf("letters.org", asking(tree))) == []  # 2 includes, 1 mx, 6 a
    tree["one.org TXT"] = ["v=spf1 a:1.org a:2.org a:3.org a:4.org exists:5.org -all"]
    (finding,) = check_spf("letters.org", asking(tree)).findings
    assert finding.code == "spf-too-many-lookups"
    assert "11 times" in finding.message


def test_a_redirect_brings_its_own_end():
    """A record that only redirects ends as the other one does, and is beside the point behind an all."""
    tree = {"letters.org TXT": ["v=spf1 redirect=other.org"], "other.org TXT": ["v=spf1 mx ?all"]}
    assert codes(check_spf("letters.org", asking(tree))) == ["spf-open-end"]
    assert codes(check_spf("letters.org", txt("v=spf1 -all redirect=gone.org"))) == []


def test_a_loop_of_includes_ends():
    """Two records that include one another must not hang the command."""
    tree = {"letters.org TXT": ["v=spf1 include:other.org -all"], "other.org TXT": ["v=spf1 include:letters.org -all"]}
    assert codes(check_spf("letters.org", asking(tree))) == ["spf-include-broken"]


def test_includes_that_double_at_each_level_end_soon():
    """A tree of a thousand look-ups is refused after a few dozen."""
    tree = {f"d{n}.org TXT": [f"v=spf1 include:d{n + 1}.org include:e{n + 1}.org -all"] for n in range(12)}
    tree |= {f"e{n}.org TXT": [f"v=spf1 include:d{n + 1}.org include:e{n + 1}.org -all"] for n in range(12)}
    asked = []
    ask = asking(tree)

    def counted(name, kind):
        asked.append(name)
        return ask(name, kind)

    assert "spf-too-many-lookups" in codes(check_spf("d0.org", counted))
    assert len(asked) < 50


def test_what_the_transport_needs_must_be_included():
    """Mail through Google's relay with an SPF that does not name Google is mail from a stranger."""
    relay = must_include("smtp", "smtp-relay.gmail.com")
    assert codes(check_spf("letters.org", txt("v=spf1 mx -all"), needs=relay)) == ["spf-lacks-transport"]
    tree = {"letters.org TXT": ["v=spf1 include:_spf.google.com -all"], "_spf.google.com TXT": ["v=spf1 ip4:192.0.2.1 ~all"]}
    assert codes(check_spf("letters.org", asking(tree), needs=relay)) == []
    assert must_include("smtp", "mail.letters.org") == ""


def test_sendgrid_has_a_return_path_of_its_own():
    """With domain authentication SPF is looked up below em….; the missing include is a remark, and no verdict."""
    checked = check_spf("letters.org", txt("v=spf1 mx -all"), needs=must_include("sendgrid", ""), own_return_path=True)
    assert (codes(checked), checked.findings[0].severity, checked.passes) == (["spf-own-return-path"], "info", None)
    none = check_spf("letters.org", asking(), needs="sendgrid.net", own_return_path=True)
    assert (codes(none), none.passes) == (["spf-missing", "spf-own-return-path"], None)


def test_silence_about_spf_is_no_verdict():
    """A name server that fails says nothing about the record, nor about one it includes."""
    checked = check_spf("letters.org", asking({}, {"letters.org": State.FAILED}))
    assert (codes(checked), checked.passes) == (["dns-no-answer"], None)
    included = asking({"letters.org TXT": ["v=spf1 include:slow.org -all"]}, {"slow.org": State.TIMEOUT})
    checked = check_spf("letters.org", included)
    assert (codes(checked), checked.passes) == (["dns-no-answer"], None)


# ---- DKIM ------------------------------------------------------------------------------------------------------


def rsa(bits, *, bare=False):
    """Encode an RSA public key of so many bits as DNS holds it; ``bare`` leaves out the envelope that says it is RSA."""

    def element(tag, content):
        length = len(content)
        size = bytes([length]) if length < 128 else bytes([0x82]) + length.to_bytes(2, "big")
        return bytes([tag]) + size + content

    modulus = b"\0" + ((1 << (bits - 1)) | 1).to_bytes(bits // 8, "big")
    key = element(0x30, element(2, modulus) + element(2, b"\x01\x00\x01"))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    return base64.b64encode(key if bare else element(0x30, algorithm + element(3, b"\0" + key))).decode()


def dkim(one, two=None, **options):
    records = {"letters.org A": ["192.0.2.1"]}
    for selector, text in (("s1", one), ("s2", two)):
        if text is not None:
            records[f"{selector}._domainkey.letters.org TXT"] = [text]
    return check_dkim("letters.org", ("s1", "s2"), asking(records), **{"certain": True, **options})


def test_good_keys():
    """A key as openssl makes it and SendGrid publishes it is of 2048 bits, whatever spaces lie in it."""
    spaced = f"v=DKIM1;k=rsa; p={RSA_2048[:100]} {RSA_2048[100:]};"
    checked = dkim(GOOD_DKIM, spaced)
    assert (codes(checked), checked.passes, checked.record) == ([], True, "s1: rsa, 2048 bits; s2: rsa, 2048 bits")


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize(
    ("bits", "expected"), [(512, ["dkim-key-short"]), (768, ["dkim-key-short"]), (1024, ["dkim-key-small"]), (2048, []), (4096, [])]
)
def test_key_sizes(bits, expected, bare):
    """RFC 8301 draws the line at 1024, in both encodings that are met."""
    record = f"p={rsa(bits, bare=bare)}"
    checked = dkim(record, record)
    assert codes(checked) == expected * 2
    assert checked.passes is (bits >= 1024)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ("v=DKIM1; p=", "dkim-revoked"),
        ("v=DKIM1; k=rsa", "dkim-syntax"),
        ("v=DKIM2; p=abcd", "dkim-syntax"),
        (f"k=rsa; v=DKIM1; p={RSA_2048}", "dkim-syntax"),
        (f"v=DKIM1; p={RSA_2048[:-60]}", "dkim-syntax"),
        ("v=DKIM1; p=not base64!", "dkim-syntax"),
        ("v=DKIM1; k=dsa; p=abcd", "dkim-syntax"),
        (f"v=DKIM1; p={RSA_2048}; p={RSA_2048}", "dkim-syntax"),
        (f"v=DKIM1; k=ed25519; p={RSA_2048}", "dkim-syntax"),
        ("v=DKIM1;; p=abcd", "dkim-syntax"),
    ],
)
def test_keys_that_verify_nothing(record, code):
    """A key that is cut, revoked or misspelt makes every signature void."""
    checked = dkim(record, record)
    assert (codes(checked), checked.passes) == ([code, code], False)


def test_a_revoked_key_beside_a_good_one_is_a_rotation():
    """The old selector is emptied on purpose when keys change."""
    checked = dkim(GOOD_DKIM, "v=DKIM1; p=")
    assert [(finding.code, finding.severity) for finding in checked.findings] == [("dkim-revoked", "warning")]
    assert checked.passes


def test_ed25519_alone_is_not_enough():
    """Many receivers verify only RSA."""
    ed = f"v=DKIM1; k=ed25519; p={ED25519}"
    assert codes(dkim(ed, ed)) == ["dkim-only-ed25519"]
    assert codes(dkim(ed, GOOD_DKIM)) == []


def test_missing_selectors():
    """One of two is a hole; none is an error where it is certain that these sign, else a question."""
    assert codes(dkim(GOOD_DKIM)) == ["dkim-selector-missing"]
    (missing,) = dkim(None).findings
    assert (missing.code, missing.severity) == ("dkim-missing", "error")
    assert "s1 and s2" in missing.message
    guessed = dkim(None, certain=False)
    assert (guessed.findings[0].severity, guessed.passes) == ("warning", None)


def test_aliases_are_followed_and_named_when_they_lead_nowhere():
    """SendGrid's keys are aliases; a typing error in one is seen by its target."""
    alias = {"s1._domainkey.letters.org CNAME": ["s1.domainkey.u1.sendgrid.net"], "letters.org A": ["192.0.2.1"]}
    good = asking({**alias, "s1.domainkey.u1.sendgrid.net TXT": [GOOD_DKIM]})
    assert codes(check_dkim("letters.org", ("s1",), good, certain=True)) == []
    (broken,) = check_dkim("letters.org", ("s1",), asking(alias), certain=True).findings
    assert broken.code == "dkim-alias-broken"
    assert "s1.domainkey.u1.sendgrid.net, which does not exist" in broken.message


def test_several_records_testing_mode_and_silence():
    """Other things that a selector can hold, or not say."""
    several = asking({"s1._domainkey.letters.org TXT": [GOOD_DKIM, GOOD_DKIM]})
    assert codes(check_dkim("letters.org", ("s1",), several, certain=True)) == ["dkim-several"]
    testing = asking({"s1._domainkey.letters.org TXT": [f"v=DKIM1; t=y:s; p={RSA_2048}"]})
    assert codes(check_dkim("letters.org", ("s1",), testing, certain=True)) == ["dkim-testing"]
    silent = check_dkim("letters.org", ("s1",), asking({}, {"s1._domainkey.letters.org": State.TIMEOUT}), certain=True)
    assert (codes(silent), silent.passes) == (["dns-no-answer"], None)


def test_tags_of_a_record():
    """What DKIM and DMARC are written in: values keep their spaces' inside, names their meaning."""
    assert read_tags(" v = DKIM1 ; P=a=b; ") == {"v": "DKIM1", "p": "a=b"}
    assert read_tags("v=DKIM1 p") == {"v": "DKIM1 p"}
    assert "not name=value" in read_tags("v=DKIM1; ???")


# ---- DMARC -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "expected", "passes"),
    [
        ("v=DMARC1; p=reject; rua=mailto:d@letters.org", [], True),
        ("v=DMARC1;p=quarantine;sp=none;pct=50;adkim=s;aspf=r;rua=mailto:a@letters.org!10m,mailto:b@letters.org;", [], True),
        ("v=DMARC1; p=none; rua=mailto:d@letters.org", ["dmarc-policy-none"], True),
        ("v=DMARC1; p=reject", ["dmarc-no-reports"], True),
        ("v=DMARC1; rua=mailto:d@letters.org", ["dmarc-syntax"], False),
        ("v=DMARC1; p=block; rua=mailto:d@letters.org", ["dmarc-syntax"], False),
        ("v=DMARC1; p=reject; pct=200; rua=mailto:d@letters.org", ["dmarc-syntax"], False),
        ("v=DMARC1; p=reject; rua=d@letters.org", ["dmarc-reports"], True),
        ("v=DMARC1; p=reject, rua", ["dmarc-syntax", "dmarc-no-reports"], False),
        ("v=DMARC1; reject", ["dmarc-syntax"], False),
        ("v=dmarc1; p=reject", ["dmarc-syntax"], False),
        ("hello", ["dmarc-missing"], False),
    ],
)
def test_dmarc_records(record, expected, passes):
    """Providers want one that they can read."""
    checked = check_dmarc("letters.org", txt(record, "_dmarc.letters.org"))
    assert (codes(checked), checked.passes) == (expected, passes)


def test_dmarc_of_the_organization_holds_for_its_subdomains():
    """news.letters.org without a record of its own is under the policy for subdomains."""
    ask = txt("v=DMARC1; p=reject; sp=none; rua=mailto:d@letters.org", "_dmarc.letters.org")
    (finding,) = check_dmarc("news.letters.org", ask).findings
    assert (finding.code, str(finding.where)) == ("dmarc-policy-none", "_dmarc.letters.org")
    assert "sp=none" in finding.message
    own = {"_dmarc.news.letters.org TXT": ["v=DMARC1; p=reject; rua=mailto:d@letters.org"], "_dmarc.letters.org TXT": ["broken"]}
    assert codes(check_dmarc("news.letters.org", asking(own))) == []


def test_several_dmarc_records_and_silence():
    """Two are none; no answer is no verdict."""
    assert codes(check_dmarc("letters.org", asking({"_dmarc.letters.org TXT": ["v=DMARC1; p=none"] * 2}))) == ["dmarc-several"]
    silent = check_dmarc("letters.org", asking({}, {"_dmarc.letters.org": State.TIMEOUT}))
    assert (codes(silent), silent.passes) == (["dns-no-answer"], None)


# ---- rules of the providers ------------------------------------------------------------------------------------


def test_nothing_wrong_breaks_no_rule():
    """Neither what is good nor what cannot be told is held against anybody."""
    assert check_rules(Standing("letters.org", spf=True, dkim=True, dmarc=True, one_click=True, people=100_000)) == ()
    assert check_rules(Standing("letters.org", people=100_000)) == ()


def test_rules_for_bulk_senders_are_errors_for_large_lists_alone():
    """A club of fifty is told, and not stopped; a list of 5,000 is stopped."""
    small, large = (check_rules(Standing("letters.org", spf=True, dkim=True, dmarc=False, people=people)) for people in (4_999, 5_000))
    assert [(each.code, each.severity) for each in small] == [("bulk-sender-rule", "warning")]
    assert [(each.code, each.severity) for each in large] == [("bulk-sender-rule", "error")]
    assert "DMARC" in small[0].message
    assert "5.7.515" in small[0].message


def test_neither_spf_nor_dkim_is_refused_from_everybody():
    """Gmail's rule for all senders."""
    findings = check_rules(Standing("letters.org", spf=False, dkim=False, dmarc=True))
    assert codes(findings) == ["provider-refuses", "bulk-sender-rule", "bulk-sender-rule"]
    assert findings[0].severity == "error"


def test_one_click_is_a_rule():
    """A mailto: address is a way to leave, and not one click."""
    (finding,) = check_rules(Standing("letters.org", one_click=False))
    assert "one-click" in finding.message


def test_bounces_elsewhere_leave_dmarc_to_dkim():
    """Alignment of SPF depends on where bounces go."""
    assert check_alignment("letters.org", "bounces.letters.org") == ()
    assert codes(check_alignment("letters.org", "host.net")) == ["spf-not-aligned"]
