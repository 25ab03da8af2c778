"""axe-core over the composed samples in a real browser: what it calls serious or critical is in none of them, in light and dark."""

import pytest

SAMPLES = ("2026-01", "showcase", "inside-open-infrastructure-january-2026", "inside-open-infrastructure-july-2025")
BAD = """<!DOCTYPE html><html><head><title></title></head><body style="background:#ffffff">
<p style="color:#aaaaaa">too faint</p><img src="data:,"><a href="https://example.org/"></a></body></html>"""


@pytest.fixture
def shown(pages):
    """Show HTML at a width in a colour scheme."""

    def show(html, width, scheme):
        pages[scheme].set_viewport_size({"width": width, "height": 900})
        pages[scheme].set_content(html, wait_until="load")
        return pages[scheme]

    return show


@pytest.mark.parametrize("width", [375, 800])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SAMPLES)
def test_axe_finds_nothing_serious_in_a_letter(letters, shown, axe, name, scheme, width):
    """What the shipped templates make of an issue can be read by everybody; our own check must not be its only judge."""
    assert axe(shown(letters(name), width, scheme)) == []


def test_axe_finds_what_is_wrong(shown, axe):
    """A judge that finds nothing in a page full of mistakes would prove nothing above."""
    found = " ".join(axe(shown(BAD, 375, "light")))
    for rule in ("color-contrast", "image-alt", "link-name", "html-has-lang", "document-title"):
        assert rule in found


def test_axe_sees_the_dark_letter(letters, shown, axe):
    """The letter in dark is another letter: a colour that is changed in dark alone is found there alone."""
    html = letters("2026-01").replace(
        "</head>", "<style>@media (prefers-color-scheme:dark){.card div{color:#333333!important}}</style></head>", 1
    )
    assert axe(shown(html, 800, "light")) == []
    assert any("color-contrast" in line for line in axe(shown(html, 800, "dark")))
