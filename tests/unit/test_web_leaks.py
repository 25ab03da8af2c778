"""What must not get out of the preview: other files, other lists, markup of any name."""

from __future__ import annotations

import re
import socket

import preview_server as server
import pytest

from composer.web.preview.frames import VIEWS


@pytest.mark.parametrize(
    "path",
    [
        "/issues/..%2f..%2fnewsletter.toml", "/issues/%2e%2e", "/issues/..%2fnewsletter", "/issues/2026-01/../../newsletter.toml",
        "/issues/%00", "/issues/2026-01%00.md", "/issues/~root", "/issues/.hidden", "/issues//etc/passwd", "/issues/" + "x" * 300,
        "/static/../guard.py", "/static/..%2fguard.py", "/static/%2e%2e/guard.py", "/static/..%5cguard.py", "/static//etc/passwd",
        "/static/", "/static/nothing.css", "/issues/2026-01/frame/../../guard.py", "/issues/2026-01/frame/nothing",
        "/issues/2026-01/images/..%2f..%2fnewsletter.toml", "/issues/none/state.json", "/issues/none/source.json", "/recipients/staff.csv",
        "/issues/2026-01.md", "/issues/secret/source.json", "/issues/secret",
    ],
)  # fmt: skip
def test_no_path_leaves_the_project(standing, path):
    """Addresses name issues, lists and views; none of them is ever a path."""
    with socket.create_connection(("127.0.0.1", standing.port), timeout=10) as raw:  # a client library would tidy the path
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{standing.port}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while data := raw.recv(65536):
            answer += data
    assert answer.split()[1] in {b"404", b"400", b"405", b"422"}, answer[:300]
    for hidden in (b"postal_address", b"root:", b"Secret words", b"hmac"):
        assert hidden not in answer


@pytest.mark.parametrize("name", ["../staff", "/etc/passwd", "recipients/staff.csv", "staff.csv", "none", "\0", "a" * 5000])
def test_a_list_is_a_name(standing, name):
    """No file becomes a list by being named from a browser."""
    for path in ("/issues/2026-01/state.json", "/people.json", "/issues/2026-01/frame/mail", "/issues/2026-01"):
        assert standing.get(path, to=name).status_code == 404


def test_hostile_names_stay_text(project):
    """An issue, a list, a title, a template and a link that try to be HTML are shown as what they are."""
    evil = "<img src=x onerror=alert(1)>"
    server.write(project, server.text_of(project).replace("The Example Letter: January 2026", f'"{evil}'.replace('"', "")), name=f"a{evil}")
    server.write(
        project, server.text_of(project) + f"\n\n{evil} <script>alert(2)</script> [x](javascript:alert(3))\n\n# </title>{evil}\n\nText.\n"
    )
    (project.root / "recipients" / f"b{evil}.csv").write_text(
        "email,first_name\nx@example.org,<script>alert(4)</script>\n", encoding="utf-8"
    )
    with server.running(project) as preview:
        listed = preview.get("/").text
        (link,) = [each for each in re.findall(r'href="(/issues/[^"]*)"', listed) if "img" in each]
        pages = [listed, preview.get(link).text, preview.get("/issues/2026-01").text, preview.get("/issues/nothing", to=evil).text]
        frames = [preview.frame(view, to=f"b{evil}", **{"as": "x@example.org"}) for view in VIEWS]
        for html in pages + frames:
            assert not re.search(r"<img[^>]*onerror", html)
            assert "<script>alert" not in html
            assert not re.search(r"<a [^>]*href=.?javascript:", html)


def test_garbage_is_answered_quietly(standing):
    """A request that makes no sense is no traceback, and the next one is answered."""
    for query in ({"on": "someday"}, {"on": "2026-13-45"}, {"as": "case:nothing"}, {"as": "x" * 5000}, {"width": "-1"}):
        assert standing.get("/issues/2026-01/state.json", **query).status_code in {200, 400}
    assert standing.client.get("/issues/%FF%FE/state.json").status_code == 404
    assert standing.state()["error"] is None
