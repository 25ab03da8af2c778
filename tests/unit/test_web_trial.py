"""The test send from the page: the one that the command makes, one at a time, to the staff alone."""

from __future__ import annotations

import threading

import httpx
import preview_server as server
import pytest


def test_a_test_goes_out_from_the_page(preview):
    """The same test as the command's: outcomes by person, recorded with the digest, and the page then knows it."""
    answer = preview.send({"to": ["ada@example.org", "staff"], "for": "staff", "as": "case:apostrophe"}).json()
    assert {each["email"]: each["outcome"] for each in answer["outcomes"]} == {
        "ada@example.org": "accepted", "grace@example.org": "accepted", "sean@example.org": "accepted",
    }  # fmt: skip
    said = preview.state(to="staff")
    assert answer["digest"] == said["digest"]
    assert answer["real"] is False
    assert said["last_test"]["outcomes"] == {"accepted": 3}
    assert said["last_test"]["same_digest"]
    mails = sorted((preview.project.root / "outbox").rglob("*.eml"))
    assert len(mails) == 3
    assert b"[TEST]" in mails[0].read_bytes()
    server.write(preview.project, server.text_of(preview.project) + "\nMore.\n")
    assert preview.state(to="staff")["last_test"]["same_digest"] is False


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"to": []}, "nobody is named"),
        ({"to": ["readers"], "for": "staff"}, "public list"),
        ({"to": ["ada@example.org"], "for": "none"}, "there is no list"),
        ({"to": ["../recipients/staff.csv"], "for": "staff"}, "is no address, and no list"),
        ({"to": ["/etc/x@y.csv"], "for": "staff"}, ""),
        ({"to": ["not an address@"], "for": "staff"}, ""),
        ({"to": ["ada@example.org"], "for": "staff", "as": "case:nothing"}, "no such edge case"),
        ({"to": ["ada@example.org"], "for": "staff", "as": "gone@example.org"}, "is not on staff"),
        ({"to": [f"a{number}@example.org" for number in range(99)], "for": "staff"}, "more than 50"),
        ({"to": "ada@example.org"}, "no order"),
        ({"to": [1, None]}, "no order"),
        ({"to": ["x" * 400]}, "no order"),
        ([], "no order"),
    ],
)
def test_an_order_that_cannot_be_sends_nothing(standing, order, said):
    """Only staff lists of the project and addresses are tested, each refusal is a sentence, and no mail leaves."""
    answer = standing.send(order)
    assert 400 <= answer.status_code < 500
    assert said in answer.json()["error"]["message"]
    assert not list(standing.project.root.rglob("*.eml"))


def test_one_test_at_a_time(preview, monkeypatch):
    """A second press of the button does not mail everybody twice."""
    from composer.web.preview import trial

    began, go_on, real = threading.Event(), threading.Event(), trial.run_test

    def slow(*args, **kwargs):
        began.set()
        assert go_on.wait(10)
        return real(*args, **kwargs)

    monkeypatch.setattr(trial, "run_test", slow)
    first = []
    thread = threading.Thread(target=lambda: first.append(preview.send({"to": ["ada@example.org"], "for": "staff"}).status_code))
    thread.start()
    assert began.wait(10)
    with httpx.Client(base_url=preview.base) as other:
        headers = {"Origin": preview.base, "X-Preview-Token": preview.server.token}
        second = other.post("/issues/2026-01/test", json={"to": ["ada@example.org"], "for": "staff"}, headers=headers)
    go_on.set()
    thread.join(10)
    assert (second.status_code, first) == (409, [200])
    assert len(list((preview.project.root / "outbox").rglob("*.eml"))) == 1


def test_a_forged_test_send_mails_nobody(standing):
    """The guard stands in front of the real route, not only of its test's."""
    for headers in ({}, {"Origin": standing.base}, {"Origin": "http://evil.example", "X-Preview-Token": standing.server.token}):
        assert standing.client.post("/issues/2026-01/test", json={"to": ["staff"], "for": "staff"}, headers=headers).status_code == 403
    assert not list(standing.project.root.rglob("*.eml"))
