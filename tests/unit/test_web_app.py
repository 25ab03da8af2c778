"""The preview's addresses, on a real server: what each answers, and in whose eyes."""

from __future__ import annotations

import re
import struct
import zlib

import preview_server as server
import pytest

from composer.web.preview.frames import VIEWS
from composer.web.preview.guard import PAGE_POLICY


def png():
    """A picture of one pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")


def test_the_pages_answer(standing):
    """The list of issues and an issue's page are there, with the policy that keeps scripts out."""
    for path in ("/", "/issues/2026-01"):
        answer = standing.get(path)
        assert answer.status_code == 200
        assert "The Example Letter: January 2026" in answer.text
        assert answer.headers["content-security-policy"] == PAGE_POLICY


def test_the_token_stands_in_the_page_alone(standing):
    """Whoever can read a page of the preview may send a test; nobody else learns the token."""
    assert standing.server.token in standing.get("/issues/2026-01").text
    for path in ("/issues/2026-01/state.json", "/issues/2026-01/frame/mail", "/testers.json"):
        assert standing.server.token not in standing.get(path).text


def test_state_says_all_that_a_page_needs(preview):
    """The shape that docs/preview.md promises."""
    said = preview.state(to="staff")
    assert set(said) >= {
        "version", "stem", "title", "subject", "preheader", "from", "reply_to", "digest", "draft", "error", "findings", "silenced",
        "size", "inbox", "fields", "remote_images", "last_test", "lists", "cases",
    }  # fmt: skip
    assert (said["stem"], said["subject"], said["error"], said["last_test"]) == ("2026-01", "News of January", None, None)
    assert said["lists"] == [{"name": "staff", "title": "staff", "kind": "staff", "count": 3}]
    assert set(said["size"]) == {"bytes", "limit", "near", "sections"}
    assert [each["title"] for each in said["size"]["sections"]] == ["Garden", "Upcoming events"]
    assert {row["client"] for row in said["inbox"]} == {"Gmail", "Apple Mail", "Outlook", "Yahoo Mail"}
    assert all(row["source"].startswith("http") for row in said["inbox"])


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_every_view_is_a_document_without_script(standing, view):
    """A frame can neither run anything nor load anything from elsewhere, whatever its letter holds."""
    answer = standing.get(f"/issues/2026-01/frame/{view}", to="staff", **{"as": "ada@example.org"})
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert "snowdrops" in answer.text or view == "mime"
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; ")
    assert "sandbox allow-same-origin" in policy
    assert "script" not in policy
    assert "http:" not in policy
    assert ("img-src 'none'" in policy) == (view == "no-images")


@pytest.mark.parametrize("view", ["light", "no-images", "web"])
def test_a_view_is_the_same_on_every_computer(standing, view):
    """A shared address shows everybody the same letter: none but the bare one asks for the scheme of who looks."""
    assert "prefers-color-scheme" in standing.frame("mail")
    assert "prefers-color-scheme" not in standing.frame(view)


@pytest.mark.parametrize("path", ["/nowhere", "/static/", "/issues/2026-01/nothing", "/nowhere.json"])
def test_an_unknown_address_is_told_in_words(standing, path):
    """Whoever mistypes an address learns so, with the way back."""
    answer = standing.get(path)
    assert answer.status_code == 404
    assert "There is no such page." in answer.text
    assert path.endswith(".json") or 'href="/"' in answer.text


def test_remote_images_load_only_when_asked_for(standing):
    """A picture on another server tells that server who looks when; the editor decides."""
    with_them = standing.get("/issues/2026-01/frame/mail", remote="1").headers["content-security-policy"]
    assert "img-src 'self' data: http: https:" in with_them
    assert "default-src 'none'" in with_them
    for remote in ("0", "true", "2"):
        assert "https:" not in standing.get("/issues/2026-01/frame/mail", remote=remote).headers["content-security-policy"]


def test_a_frame_shows_the_line_of_each_element(standing):
    """A click in the letter finds its line."""
    line = next(number for number, text in enumerate(server.text_of(standing.project).splitlines(), 1) if "snowdrops" in text)
    assert f'data-line="{line}"' in standing.frame("mail")
    assert "data-line" not in standing.frame("html")


def test_somebody_of_the_list_is_shown_as_a_send_would(standing):
    """The name is escaped as it is in the mail, and without anybody the default stands."""
    assert "Hello Seán," in re.sub(r"&#225;", "á", standing.frame("mail", to="staff", **{"as": "sean@example.org"}))
    assert "Hello friend," in standing.frame("mail", to="staff")
    assert "&lt;b&gt;Bob&lt;/b&gt;" in standing.frame("mail", to="staff", **{"as": "case:markup in the name"})
    assert "<b>Bob" not in standing.frame("mail", to="staff", **{"as": "case:markup in the name"})


def test_missing_fields_are_marked(preview):
    """What would stop a send is seen where it stands, in the letter and in the text, and is named in the state."""
    server.write(preview.project, server.text_of(preview.project) + "\n\nYours in {{ town }}.\n")
    for view in ("mail", "dark", "text", "no-style"):
        assert re.search(r"<mark [^>]*title=\"No value for town[^>]*>\{\{ town \}\}</mark>", preview.frame(view, to="staff"))
    fields = {each["name"]: each for each in preview.state(to="staff")["fields"]}
    assert fields["town"]["missing"]
    assert not fields["first_name"]["missing"]
    assert "<mark" not in preview.frame("html", to="staff").partition("<pre")[0]


def test_nobody_of_that_address_is_a_problem_told(standing):
    """A shared address may name somebody who left the list: defaults are shown and it is said."""
    said = standing.state(to="staff", **{"as": "gone@example.org"})
    assert "gone@example.org is not on staff" in said["as_problem"]
    assert said["error"] is None
    assert "Hello friend," in standing.frame("mail", to="staff", **{"as": "gone@example.org"})


def test_people_are_found_by_name_or_address(preview):
    """Choosing a reader takes a few letters; at most 20 come back, with nothing of them but name and address."""
    rows = "".join(f"person{number}@example.org,Per,Son{number}\n" for number in range(50))
    (preview.project.root / "recipients" / "many.csv").write_text("email,first_name,last_name\n" + rows, encoding="utf-8")
    assert preview.get("/people.json", to="staff", q="HOPPER gr").json() == {
        "people": [{"email": "grace@example.org", "name": "Grace Hopper"}]
    }
    assert len(preview.get("/people.json", to="many", q="").json()["people"]) == 20
    assert preview.get("/people.json", to="many", q="son49").json()["people"][0]["email"] == "person49@example.org"


def test_testers_are_staff_alone(standing):
    """A reader's address is never offered for a test."""
    found = standing.get("/testers.json").json()["people"]
    assert {each["email"] for each in found} == {"ada@example.org", "grace@example.org", "sean@example.org"}
    assert {each["list"] for each in found} == {"staff"}


def test_local_images_come_from_the_issue(preview):
    """A picture beside the issue is shown from its bytes; no other file can be had that way."""
    folder = preview.project.root / "issues" / "images"
    folder.mkdir()
    (folder / "dot.png").write_bytes(png())
    server.write(preview.project, server.text_of(preview.project) + "\n\n![A dot](images/dot.png)\n")
    (source,) = re.findall(r'src="(/issues/2026-01/images/[0-9a-f]{64})"', preview.frame("mail"))
    answer = preview.get(source)
    assert (answer.content, answer.headers["content-type"]) == (png(), "image/png")
    assert preview.get(source[:-1] + ("0" if source[-1] != "0" else "1")).status_code == 404


def test_static_files_are_asked_for_again(standing):
    """A browser keeps them, and asks each time whether they are still true."""
    answer = standing.get("/static/preview.css")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    again = standing.client.get("/static/preview.css", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
