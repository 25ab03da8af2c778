"""Links are asked politely, followed to their end, never into a private network, and told at their line."""

from __future__ import annotations

import _socket
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections import Counter
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

from composer.checks.asking import LINKS
from composer.checks.links import Network, check_links
from composer.checks.links.cache import Kept, read_cache, write_cache
from composer.checks.links.check import AT_A_TIME, OF_ONE_HOST, ask_all
from composer.checks.links.follow import MOST_HOPS, Found, follow
from composer.checks.links.network import Failure, Reply, Trouble, ask, is_public
from composer.checks.links.network import look_up as network_look_up
from composer.checks.links.targets import Target
from composer.checks.links.told import tell
from composer.checks.page import page_of
from composer.delivery.checking import letter_of
from composer.findings import Where
from composer.project import with_config

HERE = ipaddress.ip_address("127.0.0.1")
PAGE = b'<h1 id="top-news">News</h1><a name="old&amp;way"></a><p id=plain>x</p><h2 id="user-content-readme">R</h2>'


class Site:
    """A recording web server: ``routes`` maps a path to a status, headers and a body, or to a function of the request."""

    def __init__(self):
        self.routes = {"/": (200, {"Content-Type": "text/html"}, PAGE)}
        self.asked = []
        self.now, self.most, self.most_of = Counter(), 0, Counter()
        self.lock = threading.Lock()

    def url(self, path="/", host="www.site.test"):
        return f"{self.scheme}://{host}:{self.port}{path}"

    @contextmanager
    def counted(self, host):
        with self.lock:
            self.now[host] += 1
            self.most = max(self.most, sum(self.now.values()))
            self.most_of[host] = max(self.most_of[host], self.now[host])
        yield
        with self.lock:
            self.now[host] -= 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        site, host = self.server.site, self.headers["Host"].partition(":")[0]
        # Counted until it is about to be answered: whoever has read the answer may ask again at once.
        with site.counted(host):
            with site.lock:
                site.asked.append((self.command, host, self.path))
            route = site.routes.get(self.path, (404, {}, b"gone"))
            if callable(route):
                route = route(self)
        if route is None:
            return  # it was answered in another way, or not at all
        status, headers, body = route
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_GET = do_HEAD = _answer  # noqa: N815 - names that the library looks for

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that hung up is what some of these tests want."""


@contextmanager
def _serving(certificate=None):
    server = _Server(("127.0.0.1", 0), _Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    site = server.site = Site()
    site.scheme, site.port = "https" if certificate else "http", server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def site():
    with _serving() as one:
        yield one


@pytest.fixture
def network():
    """The tests' own network: every name is this machine, and this machine may be asked."""
    return Network(permitted=lambda address: address == HERE, look_up=lambda _host, _port: ["127.0.0.1"], seconds=5.0)


def _follow(url, network, *anchors):
    return follow(url, frozenset(anchors), network, lambda _host: nullcontext())


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 255.255.255.255 224.0.0.1 240.0.0.1 192.0.2.1 198.18.0.1
    ::1 :: fe80::1 fe80::1%1 fc00::1 fd12::1 ff02::1 fec0::1 2001:db8::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1
    64:ff9b::a00:1 2002:7f00:1:: 2002:a00:1::1 64:ff9b:1::1""".split(),
)
def test_no_private_address_is_public(address):
    """Whoever writes an issue must not make this machine ask its own network, in whatever dress the address comes."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", "8.8.8.8 151.101.1.164 2606:4700::6810:84e5 ::ffff:8.8.8.8 64:ff9b::808:808 2a00:1450:4001::1".split())
def test_public_addresses_are_public(address):
    """Else no link could be checked at all."""
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_loopback_is_refused_by_every_spelling(site, host):
    """What counts is the address that the system makes of a name."""

    def look_up(host, port):
        if host == "localhost":
            return network_look_up(host, port)
        return [found[4][0] for found in _socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)]  # numbers: nobody is asked

    assert ask(Network(look_up=look_up), "GET", site.url("/", host)) == Failure(Trouble.PRIVATE)
    assert site.asked == []


def test_a_redirect_into_a_private_network_is_refused(site, network):
    """A public page must not send this machine to a private one."""
    network = Network(permitted=network.permitted, look_up=lambda host, _: ["127.0.0.1" if host == "www.site.test" else "127.0.0.2"])
    site.routes["/in"] = (302, {"Location": "http://router.test/admin"}, b"")
    found = _follow(site.url("/in"), network)
    assert (found.trouble, found.final) == (Trouble.PRIVATE, "http://router.test/admin")


def test_the_address_that_was_looked_at_is_the_one_connected_to(site):
    """A name server that answers otherwise the second time is not asked a second time."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    assert ask(Network(permitted=lambda each: each == HERE, look_up=lambda *_: next(answers)), "GET", site.url()).status == 200
    assert ask(Network(look_up=lambda *_: ["10.0.0.1", "::1"]), "GET", site.url()) == Failure(Trouble.PRIVATE)


def test_only_the_permitted_of_several_addresses_is_used(site, network):
    """A name with a public and a private address is asked at the public one."""
    mixed = Network(permitted=network.permitted, look_up=lambda *_: ["::1", "10.0.0.1", "127.0.0.1"])
    assert ask(mixed, "GET", site.url()).status == 200


def test_head_first_and_get_where_head_is_refused(site, network):
    """HEAD is cheap; what refuses it, or lies, is asked as a reader would."""
    site.routes["/no-head"] = lambda request: (200, {}, b"x") if request.command == "GET" else (405, {}, b"")
    site.routes["/lies"] = lambda request: (200, {}, b"x") if request.command == "GET" else (404, {}, b"")

    def hang_up(request):
        if request.command == "GET":
            return (200, {}, b"x")
        request.close_connection = True
        return None

    site.routes["/hangs-up"] = hang_up
    for path in ("/", "/no-head", "/lies", "/hangs-up"):
        assert _follow(site.url(path), network) == Found(200, final=site.url(path)), path
    assert [(method, path) for method, _, path in site.asked] == [
        ("HEAD", "/"), ("HEAD", "/no-head"), ("GET", "/no-head"), ("HEAD", "/lies"), ("GET", "/lies"), ("HEAD", "/hangs-up"), ("GET", "/hangs-up"),
    ]  # fmt: skip


def test_a_page_that_is_gone_is_asked_twice_and_believed(site, network):
    """404 to both is what a reader gets."""
    assert _follow(site.url("/nowhere"), network).status == 404
    assert [method for method, _, _ in site.asked] == ["HEAD", "GET"]


def test_redirects_are_followed_and_the_lasting_ones_remembered(site, network):
    """Only what has moved for good, up to the first that has not, is an address to write instead."""
    site.routes |= {
        "/a": (301, {"Location": "/b"}, b""),
        "/b": (308, {"Location": site.url("/c", "other.test")}, b""),
        "/c": (302, {"Location": "/d?x=1"}, b""),
        "/d?x=1": (301, {"Location": "/#top-news"}, b""),
    }
    found = _follow(site.url("/a"), network)
    assert found == Found(200, final=site.url("/", "other.test"), moved=site.url("/c", "other.test"))
    site.routes["/d?x=1"] = (410, {}, b"")
    assert _follow(site.url("/a"), network) == Found(410, final=site.url("/d?x=1", "other.test"))


def test_redirects_without_an_end_are_found(site, network):
    """A circle, a chain that is too long, an app's address, and one that is none."""
    site.routes["/round"] = (302, {"Location": "/and"}, b"")
    site.routes["/and"] = (302, {"Location": "/round"}, b"")
    assert _follow(site.url("/round"), network).trouble is Trouble.CIRCLE
    for number in range(MOST_HOPS + 2):
        site.routes[f"/{number}"] = (302, {"Location": f"/{number + 1}"}, b"")
    assert _follow(site.url("/0"), network).trouble is Trouble.TOO_FAR
    site.routes["/app"] = (302, {"Location": "itms-apps://store/1"}, b"")
    assert _follow(site.url("/app"), network).there
    for nowhere in ("http://[::1", "", "/" + "x" * 9_000):
        site.routes["/broken"] = (302, {"Location": nowhere}, b"")
        assert _follow(site.url("/broken"), network).trouble is Trouble.NOWHERE


def test_anchors_are_looked_for_in_the_page(site, network):
    """By id and by name, as written, percent-encoded, or with the prefix that GitHub adds."""
    anchors = ("top-news", "old&way", "old%26way", "plain", "readme", "gone")
    assert _follow(site.url(), network, *anchors).missing == {"gone"}
    assert [method for method, _, _ in site.asked] == ["GET"]


def test_no_anchor_is_missed_where_the_page_was_not_read(site, network):
    """A picture has none, and of a page that is too large the end is not known."""
    site.routes["/picture"] = (200, {"Content-Type": "image/png"}, b"x")
    site.routes["/large"] = (200, {"Content-Type": "text/html"}, b"x" * 2_000_001)
    site.routes["/packed"] = (200, {"Content-Type": "text/html", "Content-Encoding": "br"}, b"x")
    for path in ("/picture", "/large", "/packed"):
        assert _follow(site.url(path), network, "gone").missing == frozenset(), path


def test_a_certificate_that_is_not_valid(network):
    """Browsers warn of it; a good one is no trouble."""
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with _serving(authority.issue_cert("www.site.test")) as site:
        assert _follow(site.url(), network).trouble is Trouble.CERTIFICATE
        trusted = Network(network.permitted, network.look_up, 5.0, trusting)
        assert _follow(site.url(), trusted) == Found(200, final=site.url())
        assert _follow(site.url("/", "other.test"), trusted).trouble is Trouble.CERTIFICATE
    with _serving() as plain:
        assert _follow(f"https://www.site.test:{plain.port}/", trusted).trouble is Trouble.INSECURE


def test_a_server_that_drips_is_cut_off(site, network):
    """The time is for the whole answer: a byte now and then does not prolong it."""

    def drip(request):
        for _ in range(40):
            request.wfile.write(b"H")
            request.wfile.flush()
            time.sleep(0.1)

    site.routes["/drip"] = drip
    begin = time.monotonic()
    assert ask(Network(network.permitted, network.look_up, 0.5), "GET", site.url("/drip")) == Failure(Trouble.TIMEOUT)
    assert time.monotonic() - begin < 2


def test_troubles_are_told_apart(network):
    """What is dead, what may be better tomorrow, and what is no address."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        assert ask(network, "HEAD", f"http://www.site.test:{port}/").trouble is Trouble.UNREACHABLE

    def failing(number):
        def look_up(*_):
            raise socket.gaierror(number, "said")

        return Network(look_up=look_up)

    assert ask(failing(socket.EAI_NONAME), "HEAD", "http://nowhere.test/") == Failure(Trouble.NO_HOST)
    assert ask(failing(socket.EAI_AGAIN), "HEAD", "http://nowhere.test/").trouble is Trouble.UNRESOLVED
    for wrong in ("http://", "http://a..b/", f"http://{'x' * 64}.test/", "http://[::1/", "http://x.test:99999/"):
        assert ask(failing(socket.EAI_AGAIN), "HEAD", wrong).trouble is Trouble.NO_HOST, wrong


def test_what_is_no_http_is_no_surprise(site, network):
    """A server may answer with anything."""

    def rubbish(request):
        request.wfile.write(b"\x00\xff rubbish\r\n\r\n")
        request.close_connection = True

    site.routes["/rubbish"] = rubbish
    assert ask(network, "GET", site.url("/rubbish")).trouble is Trouble.BROKEN
    assert ask(network, "GET", site.url("/caf\u00e9 <x>?q=\u00e9 &y=%20")).status == 404
    assert site.asked[-1][2] == "/caf%C3%A9%20%3Cx%3E?q=%C3%A9%20&y=%20"
    assert isinstance(ask(network, "GET", site.url("/x\r\nHost: evil")), Reply)
    assert "\n" not in site.asked[-1][2]


def test_two_at_a_time_of_one_host_and_eight_in_all(site, network):
    """A letter with thirty links to one site must not look like an attack."""

    def slow(_request):
        time.sleep(0.02)
        return (302, {"Location": site.url("/end", "common.test")}, b"") if _request.path != "/end" else (200, {}, b"")

    hosts = [f"h{number}.test" for number in range(6)]
    urls = {site.url(f"/{number}", host): frozenset() for host in hosts for number in range(5)}
    site.routes |= {f"/{number}": slow for number in range(5)} | {"/end": slow}
    seen = []
    found = ask_all(urls, network, lambda number, total: seen.append((number, total)))
    assert all(each.there for each in found.values())
    assert len(found) == 30
    assert max(site.most_of.values()) <= OF_ONE_HOST
    assert OF_ONE_HOST < site.most <= AT_A_TIME
    assert max(seen) == (30, 30)


# ---- what is told ----------------------------------------------------------------------------------------------


@pytest.fixture
def letter(project):
    return letter_of(project, "2026-01")


def _page(*links):
    """A page of one link a line, as its places are known."""
    page = page_of("".join(f"<p>{link}</p>" for link in links), "issues/2026-01.md")
    anchors = [node for node in page.nodes if node.tag != "p"]
    for number, node in enumerate(anchors, 1):
        node.where = Where("issues/2026-01.md", number)
    return page


def _told(letter, page, tmp_path, network):
    return [(each.code, str(each.severity), each.where.line) for each in check_links(letter, page, tmp_path / "links.json", network)]


def test_each_link_is_told_at_its_line(site, network, letter, tmp_path):
    """Every code with its severity, at the line of the link."""
    site.routes |= {
        "/moved": (301, {"Location": "/"}, b""),
        "/login": (403, {}, b""),
        "/broken": (500, {}, b""),
    }
    look_up = {"router.test": ["10.0.0.1"]}
    network = Network(network.permitted, lambda host, _: look_up.get(host, ["127.0.0.1"]), 5.0)
    page = _page(
        f'<a href="{site.url()}">fine</a>',
        f'<a href="{site.url("/gone")}">gone</a>',
        f'<a href="{site.url("/moved")}">moved</a>',
        f'<a href="{site.url("/login")}">for people</a>',
        f'<a href="{site.url("/broken")}">broken</a>',
        f'<a href="{site.url("/#nowhere")}">anchor</a>',
        f'<a href="{site.url("/#top-news")}">anchor</a>',
        '<a href="http://router.test/">private</a>',
        f'<img src="{site.url("/gone.png")}" alt="">',
        f'<a href="{site.url()}{{{{ who }}}}">open</a>',
        '<a href="tel:+1234">call</a><a href="mailto:a@example.org">mail</a><a href="#notes">within</a><a href="">none</a>',
    )
    assert _told(letter, page, tmp_path, network) == [
        ("link-dead", "error", 2),
        ("link-moved", "info", 3),
        ("link-unverified", "info", 4),
        ("link-doubtful", "warning", 5),
        ("link-anchor-missing", "warning", 6),
        ("link-private-address", "error", 8),
        ("link-dead", "error", 9),
    ]


def test_an_address_on_several_lines_is_asked_once_and_told_at_each(site, network, letter, tmp_path):
    """Both have to be mended."""
    page = _page(*[f'<a href="{site.url("/gone")}">gone</a>'] * 3)
    assert _told(letter, page, tmp_path, network) == [("link-dead", "error", number) for number in (1, 2, 3)]
    assert len(site.asked) == 2


def test_the_issues_own_page_may_come_later(site, network, letter, tmp_path):
    """It is published when the letter is sent; till then it is no dead link, but not forgotten either."""
    from dataclasses import replace

    url = site.url("/news/2026-01")
    letter = replace(letter, issue=replace(letter.issue, url=url))
    assert _told(letter, _page(f'<a href="{url}">View it</a>'), tmp_path, network) == [("link-not-published", "warning", 1)]


def test_without_a_network_there_is_one_finding(letter, tmp_path):
    """Thirty dead links would be thirty lies."""

    def look_up(*_):
        raise socket.gaierror(socket.EAI_NONAME, "no")

    page = _page('<a href="https://a.test/">a</a>', '<a href="https://b.test/">b</a>')
    assert _told(letter, page, tmp_path, Network(look_up=look_up)) == [("links-not-checked", "warning", None)]
    assert _told(letter, _page('<a href="https://a.test/">a</a>'), tmp_path, Network(look_up=look_up)) == [("link-dead", "error", 1)]


def test_a_machine_that_trusts_nobody_is_one_finding(letter, tmp_path, network):
    """Without the certificates of the authorities every site would seem to be insecure."""
    authority = trustme.CA()
    with _serving(authority.issue_cert("www.site.test", "other.test")) as site:
        page = _page(*(f'<a href="{site.url("/", host)}">x</a>' for host in ("www.site.test", "other.test")))
        assert _told(letter, page, tmp_path, network) == [("links-not-checked", "warning", None)]
        one = _page(f'<a href="{site.url()}">x</a>')
        assert _told(letter, one, tmp_path, network) == [("link-insecure-certificate", "warning", 1)]


def test_hosts_left_out_are_not_asked(site, network, project, tmp_path):
    """Some sites answer no program; the team can say so once."""
    from dataclasses import replace

    project = with_config(project, checks=replace(project.config.checks, skip_links="other.test WWW.site.test"))
    page = _page(f'<a href="{site.url("/gone")}">gone</a>')
    assert _told(letter_of(project, "2026-01"), page, tmp_path, network) == []
    assert site.asked == []


def test_what_is_well_is_not_asked_again_for_a_day(site, network, letter, tmp_path):
    """The second check is quick; what was wrong is asked again, and so is an anchor that nobody looked for."""
    site.routes["/moved"] = (301, {"Location": "/"}, b"")
    links = [f'<a href="{site.url(path)}">x</a>' for path in ("/", "/moved", "/gone")]
    first = _told(letter, _page(*links), tmp_path, network)
    site.asked.clear()
    assert _told(letter, _page(*links), tmp_path, network) == first
    assert {path for _, _, path in site.asked} == {"/gone"}
    site.asked.clear()
    assert _told(letter, _page(f'<a href="{site.url("/#nowhere")}">x</a>'), tmp_path, network) == [("link-anchor-missing", "warning", 1)]
    assert len(site.asked) == 1


def test_the_cache_forgets_and_survives_rubbish(tmp_path):
    """A day is a day, and a file that is broken costs only time."""
    path, now = tmp_path / "var" / "links.json", datetime(2026, 2, 2, tzinfo=UTC)
    kept = Kept(Found(200, final="https://a.test/", moved="https://b.test/"), now.timestamp(), frozenset({"x"}))
    write_cache(path, {"https://a.test/": kept})
    assert read_cache(path, now) == {"https://a.test/": kept}
    assert read_cache(path, now + timedelta(hours=25)) == {}
    assert read_cache(path, now - timedelta(hours=1)) == {}
    for rubbish in (
        "",
        "[]",
        "{",
        '{"version": 1, "answers": {"a": {}}}',
        '{"version": 1, "answers": []}',
        json.dumps({"version": 9, "answers": {}}),
    ):
        path.write_text(rubbish)
        assert read_cache(path, now) == {}, rubbish
    path.unlink()
    path.mkdir()
    write_cache(path, {"https://a.test/": kept})
    assert [each.name for each in path.parent.iterdir()] == ["links.json"]


def test_every_code_is_known_and_every_answer_has_words(letter):
    """Silences know what was not looked for; no status or trouble is without a sentence."""
    target = Target("https://a.test/", "", Where("issues/2026-01.md", 1))
    answers = [Found(trouble=trouble, final="https://b.test/") for trouble in Trouble]
    answers += [Found(status, final="https://b.test/") for status in (301, 400, 401, 404, 410, 429, 500, 503, 599, 999)]
    for each in answers:
        (finding,) = tell([target], {"https://a.test/": each}, letter.issue) if not each.there else (None,)
        if finding:
            assert finding.code in LINKS
            assert finding.hint
            assert "https://a.test/ leads to https://b.test/, where" in finding.message
