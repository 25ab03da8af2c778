"""axe-core over the preview itself: every view and pane, in light and dark, on a phone and a desktop."""

import pytest
from playwright.sync_api import expect

VIEWS = ("light", "dark", "forced-dark", "no-images", "no-style", "web", "inbox", "text", "html", "mjml", "mime", "all")
PANES = ("findings", "reader", "size", "test")
SIZES = ((1280, 860), (375, 760))
ISSUE = """\
---
title: "The Example Letter: January 2026"
date: 2026-02-02T10:00:00.000Z
subject: News of January
---

Hello {{ first_name }}, here is the month.

# Garden

The [gate]() is open, and ![](https://www.example.org/snow.jpg) fell.
"""
BROKEN = '---\ntitle: "The Example\n---\n\nText.\n'


@pytest.fixture(scope="module")
def preview(previewing):
    return previewing(ISSUE)


@pytest.fixture(scope="module", params=["light", "dark"])
def page(request, chromium, preview):
    context = chromium.new_context(color_scheme=request.param, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(f"{preview.url}/issues/2026-01?to=readers&view=light")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator(".finding").first).to_be_attached()
    yield page
    context.close()


def sized(page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.locator("#tab-mail").click() if size[0] < 900 else page.locator("#tab-findings").click()


@pytest.mark.parametrize("size", SIZES)
def test_every_view_is_accessible(page, axe, size):
    """People who cannot see the page or use a mouse edit newsletters too."""
    sized(page, size)
    found = []
    for view in VIEWS:
        page.locator(f'input[name="view"][value="{view}"]').check(force=True)
        expect(page.locator("body")).to_have_attribute("data-view", view)
        expect(page.locator("#sheet iframe.coming")).to_have_count(0)
        found += [f"{view}: {words}" for words in axe(page)]
    assert found == []


@pytest.mark.parametrize("size", SIZES)
def test_every_pane_is_accessible(page, axe, size):
    """So are the panes beside the mail, with a finding opened and its line shown."""
    sized(page, size)
    page.locator("#tab-findings").click()
    page.locator(".finding").first.click()
    found = []
    for pane in PANES:
        page.locator(f"#tab-{pane}").click()
        expect(page.locator(f"#pane-{pane}")).to_be_visible()
        found += [f"{pane}: {words}" for words in axe(page)]
    assert found == []


@pytest.mark.parametrize("dialog", ["test", "help"])
def test_dialogs_are_accessible(page, axe, dialog):
    """A dialog that opens takes the focus, and gives it back."""
    sized(page, SIZES[0])
    page.locator(f"#open-{dialog}").click()
    expect(page.locator(f"#{dialog}-dialog")).to_be_visible()
    found = axe(page)
    page.keyboard.press("Escape")
    expect(page.locator(f"#open-{dialog}")).to_be_focused()
    assert found == []


def test_the_error_over_the_mail_is_accessible(page, axe, preview):
    """An error is told to those who do not see it, too."""
    sized(page, SIZES[0])
    preview.write(BROKEN)
    expect(page.get_by_role("alert")).to_be_visible()
    found = axe(page)
    preview.write(ISSUE)
    expect(page.locator("#broken")).to_be_hidden()
    assert found == []


def test_the_list_of_issues_is_accessible(page, axe, preview):
    """The first page is the first impression."""
    page.goto(preview.url)
    found = axe(page)
    page.goto(f"{preview.url}/issues/2031-01")
    found += axe(page)
    page.goto(f"{preview.url}/issues/2026-01?to=readers&view=light")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    assert found == []


@pytest.mark.parametrize("view", ["text", "html", "mjml", "mime"])
def test_source_to_read_is_accessible(page, axe, chromium, preview, view):
    """Coloured source must be legible in its colours; a sandboxed frame cannot be asked, so its document is looked at outside of one."""
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    html = page.request.get(f"{preview.url}/issues/2026-01/frame/{view}").text()
    alone = chromium.new_page(color_scheme="dark" if dark else "light")
    alone.set_content(html)
    found = axe(alone)
    alone.close()
    assert found == []
