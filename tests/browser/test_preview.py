"""The preview as people use it, in a real browser against the real server: views, keys, widths, lines, readers, sizes, test sends."""

import re

import pytest
from playwright.sync_api import expect

VIEWS = {
    "light": "l", "dark": "d", "forced-dark": "f", "no-images": "i", "no-style": "s", "web": "w",
    "inbox": "b", "text": "t", "html": "h", "mjml": "m", "mime": "e", "all": "a",
}  # fmt: skip
OWN = {"inbox": "#inbox", "all": "#contact"}
FILLER = "\n\n".join(
    f"Paragraph {number} goes on for a while, so that there is something to scroll through in the mail." for number in range(30)
)
ISSUE = f"""\
---
title: "The Example Letter: January 2026"
date: 2026-02-02T10:00:00.000Z
subject: News of January
preheader: What happened while it snowed.
---

Hello {{{{ first_name | default("friend") }}}}, here is the month in {{{{ city }}}}.

# Garden

* The first [snowdrops](https://www.example.org/snowdrops) are out.

{FILLER}

# Upcoming

A word about [the fair]() that has no address.
"""
LINE_OF_SNOWDROPS = ISSUE[: ISSUE.index("* The first")].count("\n") + 1
LINE_OF_FAIR = ISSUE[: ISSUE.index("A word about")].count("\n") + 1


@pytest.fixture(scope="module")
def preview(previewing):
    return previewing(ISSUE)


@pytest.fixture(scope="module")
def context(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context):
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    yield page
    problems = page.problems
    page.close()
    assert not problems


def opened(page, preview, query=""):
    """Open the issue and wait until the mail is there."""
    page.goto(f"{preview.url}/issues/2026-01{query}")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator("#sheet iframe.coming")).to_have_count(0)
    return page


def mail(page):
    return page.frame_locator("#sheet iframe:not(.coming)")


def scrolled(page):
    return page.evaluate("document.querySelector('#sheet iframe').contentWindow.scrollY")


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_has_an_address_of_its_own(page, preview, view):
    """A view is shared by its address: whoever opens that sees it at once."""
    opened(page, preview, f"?view={view}")
    expect(page.locator(f'input[name="view"][value="{view}"]')).to_be_checked()
    if view in OWN:
        expect(page.locator(OWN[view])).to_be_visible()
        expect(page.locator("#paper")).to_be_hidden()
    else:
        expect(mail(page).locator("body")).to_contain_text("multipart/alternative" if view == "mime" else "Garden")


def test_each_view_has_a_key(page, preview):
    """Whoever looks at all views of a letter does so with one finger; each key is also a step in the history."""
    opened(page, preview)
    for view, key in reversed(VIEWS.items()):
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(rf"view={view}&"))
        expect(page.locator(f'input[name="view"][value="{view}"]')).to_be_checked()
    page.go_back()
    expect(page).to_have_url(re.compile("view=dark&"))
    expect(page.locator('input[name="view"][value="dark"]')).to_be_checked()


def test_a_key_for_a_view_leads_to_the_mail_on_a_narrow_screen(page, preview):
    """There the panes take the mail's place: what was asked for must be seen."""
    page.set_viewport_size({"width": 700, "height": 860})
    opened(page, preview)
    page.locator("#tab-findings").click()
    page.keyboard.press("b")
    expect(page.locator("#tab-mail")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#inbox")).to_be_visible()


def test_findings_read_as_sentences(page, preview):
    """On the page they stand alone, not after a code: a capital, a stop, and names left as they are."""
    opened(page, preview)
    messages = page.locator("#pane-findings .message")
    expect(messages.first).to_be_visible()
    for text in messages.all_inner_texts():
        assert re.match(r"[^a-z]", text), text
        assert text.endswith("."), text
    said = "async texts => { const { sentence } = await import('/static/dom.js'); return texts.map(sentence); }"
    texts = ["first_name has no value", "the link is dead", "it leads to https://a.example/x", "who knows?"]
    assert page.evaluate(said, texts) == [
        "first_name has no value.", "The link is dead.", "It leads to https://a.example/x", "Who knows?",
    ]  # fmt: skip


def test_keys_work_after_a_click_into_the_mail(page, preview):
    """The mail takes the focus when it is clicked, and has no script of its own."""
    opened(page, preview)
    mail(page).get_by_text("Paragraph 1 goes").click()
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile("view=dark&"))


def test_keys_do_nothing_while_somebody_writes_or_when_they_are_switched_off(page, preview):
    """A letter typed into a field must not change the view, and speech control must be able to switch keys off (WCAG 2.1.4)."""
    opened(page, preview)
    page.keyboard.press("/")
    page.keyboard.type("dark")
    expect(page.locator("#filter")).to_have_value("dark")
    expect(page).to_have_url(re.compile("view=light&"))
    page.locator("#title").click()
    page.keyboard.press("?")
    expect(page.locator("#help-dialog")).to_be_visible()
    expect(page.locator("#help-dialog kbd")).to_have_count(25)
    page.get_by_label("Keys are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile("view=light&"))
    page.evaluate("localStorage.clear()")


def width_of_mail(page):
    return page.evaluate("document.querySelector('#sheet iframe').contentWindow.innerWidth")


def test_widths_by_key_by_arrow_and_by_hand(page, preview):
    """A letter is looked at in every width that there is, and the address keeps it."""
    opened(page, preview)
    for key, width in {"1": 320, "2": 375, "3": 414, "4": 600, "5": 800}.items():
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(f"width={width}"))
        assert width_of_mail(page) == width
    handle = page.get_by_role("slider", name="Width of the mail")
    page.keyboard.press("4")
    handle.focus()
    page.keyboard.press("ArrowLeft")
    assert width_of_mail(page) == 590
    page.keyboard.press("PageDown")
    expect(handle).to_have_attribute("aria-valuenow", "490")
    expect(page.locator("#readout")).to_have_text("490 px")
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 55, box["y"] + 50, steps=3)
    page.mouse.up()
    assert width_of_mail(page) == 590
    expect(page).to_have_url(re.compile("width=590"))
    page.reload()
    expect(handle).to_have_attribute("aria-valuenow", "590")


def test_a_click_on_text_shows_its_line_and_its_finding(page, preview):
    """Who sees a mistake in the mail is one click from the line to mend."""
    opened(page, preview)
    mail(page).get_by_text("A word about").click()
    current = page.locator("#pane-source li.current")
    expect(current).to_have_attribute("data-number", str(LINE_OF_FAIR))
    expect(current).to_contain_text("A word about [the fair]()")
    expect(current.locator(".note").first).to_be_visible()
    expect(page.locator('.finding[aria-expanded="true"]')).to_contain_text(f"line {LINE_OF_FAIR}")


def test_a_click_on_a_finding_scrolls_the_source_and_the_mail(page, preview):
    """Who reads a finding sees at once what readers would."""
    opened(page, preview)
    assert scrolled(page) == 0
    page.locator(".finding", has_text=f"line {LINE_OF_FAIR}").first.click()
    expect(page.locator("#pane-source li.current")).to_be_in_viewport()
    expect(mail(page).get_by_text("A word about")).to_be_in_viewport()
    assert "solid" in mail(page).get_by_text("A word about").evaluate(
        "element => element.closest('[style*=\"outline-offset\"]').style.outline"
    )
    assert scrolled(page) > 0


def test_a_line_of_the_source_shows_its_place_in_the_mail(page, preview):
    """The way back: from the Markdown to what became of it, also by keyboard."""
    opened(page, preview)
    page.get_by_role("button", name=f"Line {LINE_OF_FAIR}", exact=True).click()
    expect(mail(page).get_by_text("A word about")).to_be_in_viewport()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name=f"Line {LINE_OF_FAIR - 1}", exact=True)).to_be_focused()


def test_a_click_is_caught_where_a_frame_without_scripts_hears_none(page, preview):
    """WebKit tells nothing of a frame without scripts: there a pane over the mail catches the click, and scrolls."""

    def unheard(route):
        script = route.fetch().text()
        assert "hears(inside)" in script
        route.fulfill(body=script.replace("hears(inside)", "false"), content_type="text/javascript")

    page.route("**/static/frame.js", unheard)
    opened(page, preview)
    box = mail(page).get_by_text("The first").bounding_box()
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    expect(page.locator("#pane-source li.current")).to_have_attribute("data-number", str(LINE_OF_SNOWDROPS))
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(200)
    assert scrolled(page) == 300


def test_links_in_the_mail_lead_nowhere_but_say_where_to(page, preview):
    """A click must not take the preview away; the address can be opened beside it."""
    opened(page, preview)
    before = page.url
    mail(page).get_by_role("link", name="snowdrops").click()
    expect(page.locator("#pane-source .target a")).to_have_attribute("href", "https://www.example.org/snowdrops")
    expect(page.locator("#pane-source li.current")).to_have_attribute("data-number", str(LINE_OF_SNOWDROPS))
    expect(mail(page).get_by_text("Paragraph 1 goes")).to_be_attached()
    assert page.url == before
    assert len(page.context.pages) == 1


def test_as_any_subscriber_of_a_list(page, preview):
    """The letter is seen through the eyes of one reader, whose address is in the page's own."""
    opened(page, preview, "?to=readers")
    expect(mail(page).locator("body")).to_contain_text("Hello friend")
    page.keyboard.press("r")
    page.get_by_label("Somebody on the list").fill("ros")
    page.get_by_role("button", name="rosa@example.net").click()
    expect(mail(page).locator("body")).to_contain_text("Hello Rosa, here is the month in Lima")
    expect(page).to_have_url(re.compile("as=rosa%40example.net"))
    expect(page.locator("#guise")).to_have_text("As rosa@example.net")
    page.reload()
    expect(mail(page).locator("body")).to_contain_text("Hello Rosa")


def test_an_edge_case_and_what_it_lacks(page, preview):
    """Somebody has no city: the preview names the field and marks it in the mail."""
    opened(page, preview, "?to=readers")
    page.get_by_role("tab", name="Reader").click()
    page.get_by_label("Missing fields").check()
    expect(page.locator(".fields .missing")).to_contain_text("city")
    expect(page.locator(".lack-note")).to_have_text("1 field has no value for this reader.")
    expect(mail(page).locator("mark.missing-field")).to_have_count(1)


def test_the_size_of_each_section_adds_up(page, preview):
    """The gauge is against what Gmail shows, and its parts are the whole."""
    opened(page, preview)
    page.keyboard.press("z")
    number = lambda text: int(text.replace(",", ""))  # noqa: E731
    whole = number(page.locator(".weight .figure").inner_text())
    assert 5_000 < whole < 102_400
    parts = [number(cell) for cell in page.locator(".sections tbody td:nth-of-type(1)").all_inner_texts()]
    assert sum(parts) == whole
    expect(page.locator(".bar-of-sections .segment")).to_have_count(len(parts))
    page.get_by_role("button", name="Upcoming").click()
    expect(page.locator("#pane-source li.current")).to_contain_text("# Upcoming")


def test_the_inbox_draws_each_client_with_the_source_of_its_figures(page, preview):
    """What stands in a list of mails decides whether a letter is opened; figures without a source are rumours."""
    opened(page, preview, "?view=inbox")
    for client in ("Gmail", "Apple Mail", "Outlook", "Yahoo"):
        drawings = page.locator("#inbox figure", has=page.get_by_text(re.compile(f"^{client}")))
        assert drawings.count() >= 2
        expect(drawings.first).to_contain_text("News of January")
    assert page.locator("#inbox figcaption a").count() >= 8
    expect(page.locator("#inbox .leak")).to_have_count(0)


def test_what_leaks_into_the_inbox_is_drawn_apart(page, previewing, repository):
    """A template of one's own may put nothing behind a short preheader: then the letter's first words fill the line."""

    def without_blanks(root):
        folder = root / "templates" / "email"
        folder.mkdir(parents=True)
        base = (repository / "templates" / "email" / "base.mjml").read_text(encoding="utf-8")
        assert "&#8199;&#847;" in base
        (folder / "base.mjml").write_text(base.replace("&#8199;&#847;", ""), encoding="utf-8")

    opened(page, previewing(ISSUE, without_blanks), "?view=inbox")
    expect(page.locator("#inbox .leak").first).to_be_visible()
    expect(page.locator("#inbox .leak").first).to_contain_text("January 2026")


def test_the_contact_sheet_shows_all_views_and_leads_to_each(page, preview):
    """All views at once, each a link to itself."""
    opened(page, preview, "?view=all")
    shown = set(page.locator("#contact .plate").evaluate_all("plates => plates.map(each => each.dataset.view)"))
    assert shown == set(VIEWS) - {"all"}
    page.get_by_role("link", name="Dark, 375", exact=True).click()
    expect(page).to_have_url(re.compile(r"view=dark&width=375"))
    assert width_of_mail(page) == 375
    expect(page.locator("#contact iframe")).to_have_count(0)


def test_tabs_follow_the_pattern(page, preview):
    """One tab stop, arrows between tabs, Home and End, and the pane of the chosen one alone is there."""
    opened(page, preview)
    page.get_by_role("tab", name="Findings").focus()
    for key, name in (("ArrowRight", "Reader"), ("End", "Test"), ("ArrowRight", "Findings"), ("ArrowLeft", "Test"), ("Home", "Findings")):
        page.keyboard.press(key)
        tab = page.get_by_role("tab", name=name)
        expect(tab).to_be_focused()
        expect(tab).to_have_attribute("aria-selected", "true")
        expect(page.locator(".pane:visible")).to_have_count(1)
    assert page.locator('[role="tab"][tabindex="0"]').count() == 1


def test_a_phone_shows_one_thing_at_a_time(context, preview):
    """The page itself works at a phone's width: nothing beside the screen, tabs at the thumb."""
    page = context.new_page()
    page.set_viewport_size({"width": 375, "height": 760})
    opened(page, preview)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert width_of_mail(page) == 375
    expect(page.locator("#pane-findings")).to_be_hidden()
    mail(page).get_by_role("link", name="snowdrops").click()
    expect(page.get_by_role("tab", name="Source")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#pane-source li.current")).to_be_in_viewport()
    for name in ("Findings", "Reader", "Size", "Test"):
        page.get_by_role("tab", name=name).click()
        expect(page.locator(".pane:visible")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.close()


def test_a_test_send_goes_into_the_outbox_and_is_remembered(page, previewing):
    """Who presses the button sees what became of each message, and later whether the letter is still the one tested."""
    preview = previewing(ISSUE.replace(" in {{ city }}", ""))
    opened(page, preview, "?to=readers")
    expect(page.locator("#tested")).to_have_text("Not tested yet")
    page.keyboard.press("x")
    dialog = page.get_by_role("dialog", name="Send a test")
    expect(dialog.locator(".way")).to_contain_text("nothing leaves this machine")
    expect(dialog.locator(".found-before")).to_be_hidden()
    dialog.get_by_role("button", name="Send the test").click()
    expect(dialog.locator(".outcome")).to_contain_text("Choose somebody")
    dialog.get_by_label(re.compile("ada@example.org")).check()
    dialog.get_by_label(re.compile("Other addresses")).fill("guest@example.org")
    dialog.get_by_role("button", name="Send the test").click()
    expect(dialog.locator(".outcome tbody tr")).to_have_count(2)
    expect(dialog.locator(".outcome")).to_contain_text("nothing left this machine")
    for address in ("ada@example.org", "guest@example.org"):
        expect(dialog.locator("tr", has_text=address)).to_contain_text("Accepted")
    assert len(list((preview.root / "outbox").rglob("*.eml"))) == 2
    dialog.get_by_role("button", name="Close").first.click()
    expect(page.locator("#tested")).to_have_text("Tested as it is now")
    preview.write(preview.text.replace("Hello", "Good morning"))
    expect(page.locator("#tested")).to_have_text("Changed since the last test")
    preview.stop()


def test_the_list_of_issues_leads_to_them(page, preview):
    """The first page is the table of contents."""
    page.goto(preview.url)
    page.get_by_role("link", name=re.compile("January 2026")).click()
    expect(page.locator("#title")).to_have_text("The Example Letter: January 2026")
    page.goto(f"{preview.url}/issues/2031-01")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not here")
