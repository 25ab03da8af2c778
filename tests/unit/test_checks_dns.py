"""Questions to a real name server on loopback, and every way in which it can fail to answer."""

from __future__ import annotations

import socket
import time

import pytest

from composer.checks.dns import asking
from composer.checks.records import State, unanswered
from composer.errors import ConfigError
from composer.testing.dns import name_server

RECORDS = {
    "letters.org": {"TXT": ["v=spf1 mx -all", "other=1"], "MX": ["10 mx1.letters.org", "20 mx2.letters.org"], "A": ["192.0.2.1"]},
    "quiet.org": {"MX": ["0 ."]},
    "long.org": {"TXT": [("v=DKIM1; p=" + "A" * 240, "B" * 200)]},
    "huge.org": {"TXT": ["x" * 900]},
    "alias.org": {"CNAME": ["letters.org"]},
    "dangling.org": {"CNAME": ["gone.org"]},
    "bare.org": {"CNAME": ["only-a.org"]},
    "only-a.org": {"A": ["192.0.2.1"]},
    "quoted.org": {"TXT": ['say "hi" \\ back']},
}
FAILURES = {"broken.org": "SERVFAIL", "closed.org": "REFUSED", "slow.org": "silence", "slower.org": "silence", "slowest.org": "silence"}


@pytest.fixture(scope="module")
def server():
    """One name server for all: starting it is what costs."""
    with name_server(RECORDS, FAILURES) as running:
        yield running


@pytest.fixture
def ask(server):
    return asking(server.address, seconds=0.6)


def test_values_are_plain_texts(ask):
    """Rules are written about texts, not about records of a library."""
    assert set(ask("letters.org", "TXT").values) == {"v=spf1 mx -all", "other=1"}
    assert set(ask("letters.org.", "MX").values) == {"10 mx1.letters.org", "20 mx2.letters.org"}
    assert ask("quiet.org", "MX").values == ("0 .",)
    assert ask("letters.org", "A").values == ("192.0.2.1",)


def test_quoted_chunks_are_joined_with_nothing_between(ask):
    """A key longer than 255 bytes is cut in DNS, and a space where it was cut would break it."""
    assert ask("long.org", "TXT").values == ("v=DKIM1; p=" + "A" * 240 + "B" * 200,)
    assert ask("quoted.org", "TXT").values == ('say "hi" \\ back',)


def test_a_truncated_answer_is_asked_for_again_over_tcp(server):
    """Long keys and many TXT records do not fit into a datagram."""
    ask = asking(server.address)  # with all its patience: a question that was not answered in time is asked twice
    assert ask("huge.org", "TXT").values == ("x" * 900,)
    assert [way for name, _, way in server.asked if name == "huge.org"] == ["udp", "tcp"]


def test_aliases_are_followed(ask):
    """Providers publish keys behind CNAMEs; where one leads nowhere, the target is what one must know."""
    assert (ask("alias.org", "A").values, ask("alias.org", "A").alias) == (("192.0.2.1",), "letters.org")
    assert (ask("dangling.org", "TXT").state, ask("dangling.org", "TXT").alias) == (State.NO_NAME, "gone.org")
    assert (ask("bare.org", "TXT").state, ask("bare.org", "TXT").alias) == (State.NO_RECORD, "only-a.org")
    assert ask("letters.org", "A").alias == ""


@pytest.mark.parametrize(
    ("name", "kind", "state", "detail"),
    [
        ("gone.org", "TXT", State.NO_NAME, ""),
        ("letters.org", "AAAA", State.NO_RECORD, ""),
        ("broken.org", "TXT", State.FAILED, "SERVFAIL"),
        ("closed.org", "TXT", State.FAILED, "REFUSED"),
        ("slow.org", "TXT", State.TIMEOUT, ""),
        ("a..org", "TXT", State.NOT_A_NAME, "EmptyLabel"),
        ("x" * 64 + ".org", "TXT", State.NOT_A_NAME, "LabelTooLong"),
    ],
)
def test_every_end_of_a_question_has_a_name(ask, name, kind, state, detail):
    """No such name, no such record, a server that fails, and silence call for different things."""
    answer = ask(name, kind)
    assert (answer.state, answer.detail, answer.values) == (state, detail, ())
    assert answer.known is (state in {State.NO_NAME, State.NO_RECORD})


@pytest.mark.parametrize("name", ["broken.org", "closed.org", "slow.org", "a..org"])
def test_what_was_not_answered_is_a_finding_in_words(ask, name):
    """A person can act on each."""
    finding = unanswered(ask(name, "TXT"))
    assert (finding.code, finding.severity, str(finding.where)) == ("dns-no-answer", "warning", name)
    assert finding.message.startswith(f"TXT of {name}: ")
    assert finding.hint


def test_an_answer_that_makes_no_sense_is_a_failure():
    """A broken box in between must not end in a traceback."""
    with name_server({}, {"odd.org": "garbage"}) as odd:
        assert not asking(odd.address, seconds=0.6)("odd.org", "TXT").known


def test_a_question_is_asked_once():
    """Checks ask alike things; the name server hears each once."""
    with name_server(RECORDS) as fresh:
        ask = asking(fresh.address)
        assert ask("letters.org", "MX") is ask("LETTERS.org.", "MX")
        assert fresh.asked == [("letters.org", "MX", "udp")]


def test_two_silences_end_the_asking(server):
    """Without a network twenty questions may not cost twenty times the wait."""
    ask = asking(server.address, seconds=0.3)
    assert [ask(name, "TXT").state for name in ("slow.org", "slower.org")] == [State.TIMEOUT] * 2
    begun = time.monotonic()
    assert ask("slowest.org", "TXT").state is State.UNREACHABLE
    assert time.monotonic() - begun < 0.2
    assert ("slowest.org", "TXT", "udp") not in server.asked


def test_a_failure_between_two_silences_is_an_answer(server):
    """A server that fails is there."""
    ask = asking(server.address, seconds=0.3)
    states = [ask(name, "TXT").state for name in ("slow.org", "broken.org", "slower.org", "letters.org")]
    assert states == [State.TIMEOUT, State.FAILED, State.TIMEOUT, State.FOUND]


def test_nobody_listens():
    """A wrong port in the settings is silence or a refusal, and no traceback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert asking(f"127.0.0.1:{port}", seconds=0.3)("letters.org", "MX").state in {State.TIMEOUT, State.UNREACHABLE}


def test_a_machine_without_a_name_server(monkeypatch):
    """No resolv.conf: nothing can be asked, and that is an answer."""
    import dns.resolver

    def none(self, *args):
        raise dns.resolver.NoResolverConfiguration("no nameservers")

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", none)
    assert asking()("letters.org", "MX").state is State.UNREACHABLE


@pytest.mark.parametrize("text", ["ns.example.org", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:70000", "192.0.2.999", "[::1", "::1:x"])
def test_a_name_server_is_an_address(text):
    """The setting is refused before anything is asked."""
    with pytest.raises(ConfigError, match="nameserver is no address"):
        asking(text)


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 53),
        ("127.0.0.1:5353", "127.0.0.1", 5353),
        ("::1", "::1", 53),
        ("[::1]:5353", "::1", 5353),
        ("[::1]", "::1", 53),
    ],
)
def test_addresses_of_name_servers(text, address, port):
    """Both families, with and without a port."""
    from composer.checks.dns import _split

    assert _split(text) == (address, port)
