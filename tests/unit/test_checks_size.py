"""The size of what the reader with the longest values gets."""

from __future__ import annotations

from dataclasses import replace

from composer.audience.model import Subscriber
from composer.checks.size import GMAIL_CLIP, gmail_clip, html_size
from composer.config import Config, ListSettings, Unsubscribe
from composer.edition.model import Context, Slot
from composer.findings import Where
from composer.message.build import build_message, inline_images
from composer.message.merge import Merger
from composer.testing import FakeClock, an_audience, an_edition

WHERE = Where("issues/2026-01.md")
CONFIG = Config(unsubscribe=Unsubscribe(address="leave@example.org"))


def merged(edition, person):
    """Give the bytes of the HTML that one person gets."""
    parts = {"delivery_id": "d" * 26, "date": FakeClock().now, "config": CONFIG, "settings": ListSettings("all"), "keys": ("k",)}
    return len(build_message(Merger(edition, inline_images(edition)), person, **parts).html.encode())


def test_the_longest_values_count_as_they_are_escaped():
    """A name of ampersands is five times as long in the letter as in the list, and stands in it more than once."""
    edition = an_edition()
    mark = edition.fields[1].mark
    edition = replace(edition, html=edition.html + mark * 9)
    people = [*an_audience(3).subscribers, Subscriber("x@example.com", "x@example.com", "", {"first_name": "&" * 50})]
    assert html_size(edition, people, CONFIG, ListSettings("all")) == max(merged(edition, person) for person in people)


def test_the_longest_is_the_longest_as_escaped():
    """Sixty letters are shorter in the letter than fifty ampersands, though longer in the list."""
    edition = an_edition()
    people = [Subscriber(f"{n}@x.org", f"{n}@x.org", "", {"first_name": name}) for n, name in enumerate(("n" * 60, "&" * 50))]
    assert html_size(edition, people, CONFIG, ListSettings("all")) == merged(edition, people[1])


def test_without_people_the_defaults_count():
    """A build for no list still tells a size."""
    edition = an_edition()
    nobody = Subscriber("x@example.com", "x@example.com")
    assert html_size(edition, (), CONFIG, ListSettings()) == merged(edition, nobody)


def test_links_count_with_all_their_length():
    """A signed unsubscribe link is longer than its mark."""
    slot = Slot("q0f1e2d3c4b5ah9x", "unsubscribe_url", Context.HREF, None, "{{ unsubscribe_url }}", WHERE)
    edition = an_edition()
    edition = replace(edition, fields=(*edition.fields, slot), html=f'{edition.html}<a href="{slot.mark}">out</a>')
    person = an_audience(1).subscribers[0]
    assert html_size(edition, [person], CONFIG, ListSettings("all")) == merged(edition, person)


def test_a_letter_near_the_clip_is_a_warning():
    """From 90 % on, since what follows the clip is the unsubscribe link."""
    assert gmail_clip(int(GMAIL_CLIP * 0.9) - 1, WHERE) == ()
    (finding,) = gmail_clip(int(GMAIL_CLIP * 0.9) + 1, WHERE)
    assert (finding.code, finding.where) == ("gmail-clip", WHERE)


def test_images_count_with_their_longer_address():
    """Where they are hosted may take more bytes than the part they are inside of the message."""
    from hashlib import sha256

    from composer.config import Images
    from composer.issue.model import Asset

    asset = Asset("q0f1e2d3c4b5ai0x", "a.png", "image/png", b"x", sha256(b"x").hexdigest(), 2, 1)
    hosted = replace(CONFIG, images=Images(url="https://images.example.org/" + "long/" * 40))
    edition = an_edition(attachments=(asset,))
    person = an_audience(1).subscribers[0]
    assert html_size(edition, [person], CONFIG, ListSettings("all")) == merged(edition, person)
    assert html_size(edition, [person], hosted, ListSettings("all")) > merged(edition, person) + 100
