"""axe-core over the composed samples in a real browser: what it calls serious or critical is in none of them, in light and dark."""

import base64

import pytest

from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.fields import fill_for_display
from composer.issue.files import read_issue
from composer.project import find

SAMPLES = ("2026-01", "showcase", "inside-open-infrastructure-january-2026", "inside-open-infrastructure-july-2025")
BAD = """<!DOCTYPE html><html><head><title></title></head><body style="background:#ffffff">
<p style="color:#aaaaaa">too faint</p><img src="data:,"><a href="https://example.org/"></a></body></html>"""


@pytest.fixture(scope="module")
def letters(repository):
    """Compose a sample once; ``letters(name)`` is HTML with its images in place."""
    project, made = find(repository, exact=True), {}

    def letter(name):
        if name not in made:
            folders = (project.issues, repository.parent / "shared" / "issues")
            path = next((folder / f"{name}.md" for folder in folders if (folder / f"{name}.md").is_file()), None)
            if path is None:
                pytest.skip("the real issues (../shared/issues/*.md) are not on this machine")
            edition = compose(read_issue(path, project), ListSettings(name="staff", kind="staff"), project)
            html = fill_for_display(edition, edition.html)
            for asset in edition.attachments:
                html = html.replace(asset.mark, f"data:{asset.media_type};base64,{base64.b64encode(asset.data).decode()}")
            made[name] = html
        return made[name]

    return letter


@pytest.fixture(scope="module")
def shown(chromium):
    """Show HTML in one page a colour scheme; nothing beyond data is loaded."""
    contexts = {scheme: chromium.new_context(color_scheme=scheme) for scheme in ("light", "dark")}
    for context in contexts.values():
        context.route("**/*", lambda route: route.abort())
    pages = {scheme: context.new_page() for scheme, context in contexts.items()}

    def show(html, width, scheme):
        pages[scheme].set_viewport_size({"width": width, "height": 900})
        pages[scheme].set_content(html, wait_until="load")
        return pages[scheme]

    yield show
    for context in contexts.values():
        context.close()


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
