"""Values against the places where they stand."""

from __future__ import annotations

from dataclasses import replace

from composer.audience.model import Subscriber
from composer.checks.values import unfit_values
from composer.edition.model import Context, Slot
from composer.findings import Where
from composer.testing import an_edition

PLACE = Where("issues/2026-01.md", 9)


def someone(line, url):
    """Make a person of a row."""
    return Subscriber(f"p{line}@example.com", f"p{line}@example.com", "", {"url": url}, Where("a.csv", line, "email"))


def test_a_value_that_is_no_link_is_named_before_the_send():
    """Found at the merge, it would fail that person after others were mailed."""
    slot = Slot("q0f1e2d3c4b5ah9x", "url", Context.HREF, None, "{{ url }}", PLACE)
    edition = replace(an_edition(), fields=(slot,))
    people = [someone(2, "https://example.org/a"), someone(3, "javascript:alert(1)"), someone(4, "not a url"), someone(5, "")]
    found = unfit_values(edition, people)
    assert [(finding.code, str(finding.where)) for finding in found] == [
        ("field-not-link", "a.csv:3:url"),
        ("field-not-link", "a.csv:4:url"),
    ]
    assert "issues/2026-01.md:9" in found[0].message


def test_other_places_take_any_value():
    """In text every value is harmless."""
    assert unfit_values(an_edition(), [someone(2, "javascript:alert(1)")]) == ()
