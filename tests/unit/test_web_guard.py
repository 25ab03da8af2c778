"""The rest of the web is kept out: by name, by origin, by token, by method, and by what an answer may do."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from composer.web.preview.guard import PAGE_POLICY, TOKEN_HEADER, Guard, new_token

PORT = 8026
HERE = f"http://127.0.0.1:{PORT}"
TOKEN = "the-token-of-this-run"
POST = {"Origin": HERE, TOKEN_HEADER: TOKEN, "Sec-Fetch-Site": "same-origin"}


class Client:
    """Asks an application without a socket."""

    def __init__(self, app):
        self._transport = httpx.ASGITransport(app)

    def request(self, method, path, headers=None):
        async def ask():
            async with httpx.AsyncClient(transport=self._transport, base_url=HERE) as client:
                return await client.request(method, path, headers=headers)

        with ThreadPoolExecutor(1) as thread:  # a browser of other tests has a loop of its own in this one
            return thread.submit(asyncio.run, ask()).result()

    def get(self, path, headers=None):
        return self.request("GET", path, headers)

    def post(self, path, headers=None):
        return self.request("POST", path, headers)


@pytest.fixture
def client():
    """A guarded application that answers everything it is let through."""
    routes = [
        Route("/", lambda _request: HTMLResponse("a page")),
        Route("/data", lambda _request: PlainTextResponse("data")),
        Route("/test", lambda _request: PlainTextResponse("sent"), methods=["POST", "PUT", "DELETE", "OPTIONS"]),
    ]
    return Client(Guard(Starlette(routes=routes), PORT, TOKEN))


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"LOCALHOST:{PORT}"])
def test_its_own_names_are_answered(client, host):
    """The editor's browser may spell this machine in either way."""
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1:{PORT}.evil.example", f"localhost.evil.example:{PORT}",
     f"127.0.0.1:{PORT}@evil.example", f"[::1]:{PORT}", f"0.0.0.0:{PORT}", "", " "],
)  # fmt: skip
def test_a_rebound_name_is_refused(client, host):
    """A page of another site whose name points to this machine sends that name: it must see nothing."""
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code == 403
    assert "a page" not in answer.text


def test_two_host_headers_are_refused(client):
    """Which of two counts is a matter of taste, so neither does."""
    answer = client.get("/", headers=[("Host", f"127.0.0.1:{PORT}"), ("Host", "evil.example")])
    assert answer.status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(client, method):
    """Nothing but looking and the one test send is offered, and no preflight is ever answered with leave."""
    answer = client.request(method, "/test", headers=POST)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(("mode", "destination"), [("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe"), ("no-cors", "script")])
def test_another_site_cannot_load_anything(client, site, mode, destination):
    """Also another port of this machine is another site; a picture or a script tag of it may not reach people's addresses."""
    answer = client.get("/data", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination})
    assert answer.status_code == 403


def test_a_link_from_elsewhere_opens_the_page(client):
    """An address of the preview can be shared and clicked."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/", headers=headers).status_code == 200


def test_a_test_send_from_the_page_is_let_through(client):
    """What the preview's own page sends is exactly this."""
    assert client.post("/test", headers=POST).text == "sent"
    assert client.post("/test", headers={name: value for name, value in POST.items() if name != "Sec-Fetch-Site"}).text == "sent"


@pytest.mark.parametrize(
    "changed",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": f"https://127.0.0.1:{PORT}"},
        {"Origin": f"http://localhost:{PORT}"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {TOKEN_HEADER: ""},
        {TOKEN_HEADER: TOKEN[:-1]},
        {TOKEN_HEADER: TOKEN + " x"},
        {TOKEN_HEADER: "é"},
    ],
)
def test_a_forged_test_send_is_refused(client, changed):
    """Mail goes out by this one request: each of its three guards holds alone."""
    headers = {name: value.encode("utf-8") for name, value in {**POST, **changed}.items()}
    answer = client.post("/test", headers=headers)
    assert answer.status_code == 403
    assert answer.text != "sent"


@pytest.mark.parametrize("lacking", ["Origin", TOKEN_HEADER])
def test_a_test_send_without_origin_or_token_is_refused(client, lacking):
    """A form of another site sends no token, a program that is no browser no origin."""
    assert client.post("/test", headers={name: value for name, value in POST.items() if name != lacking}).status_code == 403


def test_answers_stay_where_they_belong(client):
    """No sniffing, no referrer to other sites, no frames around a page, nothing kept in a cache, no leave for others to read."""
    for path, policy in (("/", PAGE_POLICY), ("/data", "default-src 'none'; frame-ancestors 'none'; sandbox"), ("/nowhere", None)):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-dns-prefetch-control"] == "off"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert policy in {None, headers["content-security-policy"]}
        assert "access-control-allow-origin" not in headers


def test_refusals_are_guarded_too(client):
    """A refusal is an answer as well."""
    assert client.get("/", headers={"Host": "evil.example"}).headers["x-content-type-options"] == "nosniff"


def test_a_page_runs_no_script_but_its_own():
    """No inline script, no other site, no form, no base: an issue's text that slipped through could do nothing."""
    directives = dict(part.strip().split(" ", 1) for part in PAGE_POLICY.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["frame-src"] == directives["connect-src"] == "'self'"
    assert directives["base-uri"] == directives["form-action"] == directives["frame-ancestors"] == "'none'"
    assert "unsafe" not in PAGE_POLICY


def test_every_run_has_a_token_of_its_own():
    """A page of an earlier run cannot send."""
    assert new_token() != new_token()
    assert len(new_token()) > 40
