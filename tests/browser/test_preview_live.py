"""The preview while the issue is written: what is saved is seen, where one was reading stays, what breaks is told and heals."""

import re

import pytest
from playwright.sync_api import expect

FILLER = "\n\n".join(f"Paragraph {number} goes on for a while, so that there is something to scroll through." for number in range(40))
ISSUE = f"""\
---
title: "The Example Letter: January 2026"
date: 2026-02-02T10:00:00.000Z
subject: News of January
preheader: What happened while it snowed.
---

Hello {{{{ first_name | default("friend") }}}}, here is the month.

# Garden

{FILLER}
"""
LIST_WITH_ZOE = "email,first_name\nzoe@example.net,Zoë\n"


@pytest.fixture(scope="module")
def preview(previewing):
    return previewing(ISSUE)


@pytest.fixture
def page(chromium, preview):
    preview.write(ISSUE)
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(15_000)
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{preview.url}/issues/2026-01?view=light&to=readers")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(mail(page).get_by_text("Paragraph 39")).to_be_attached()
    yield page
    page.close()
    assert not problems


def mail(page):
    return page.frame_locator("#sheet iframe:not(.coming)")


def scroll_to(page, y):
    page.evaluate("y => document.querySelector('#sheet iframe').contentWindow.scrollTo(0, y)", y)


def scrolled(page):
    return page.evaluate("document.querySelector('#sheet iframe:not(.coming)').contentWindow.scrollY")


def test_what_is_saved_is_seen_where_one_was_reading(page, preview):
    """The mail must not jump or flash while its author writes: the new rendering takes the old one's place."""
    scroll_to(page, 900)
    # From here on there is at no moment a frame less than one, nor one that shows nothing.
    page.evaluate("""() => {
        window.gaps = 0;
        new MutationObserver(() => { if (!document.querySelector('#sheet iframe:not(.coming)')) window.gaps += 1 })
            .observe(document.querySelector('#sheet'), { childList: true, subtree: true, attributes: true });
    }""")
    for word in ("snow", "thaw", "spring"):
        preview.write(ISSUE.replace("Paragraph 12 goes", f"Paragraph {word} goes"))
        expect(mail(page).get_by_text(f"Paragraph {word} goes")).to_be_attached()
        assert scrolled(page) == 900
    assert page.evaluate("window.gaps") == 0
    expect(page.locator("#sheet iframe")).to_have_count(1)


def test_the_words_that_one_reads_stay_when_others_come_above_them(page, preview):
    """Lines below have other numbers then, and stand elsewhere: what is read stays under the eye."""
    words = "Paragraph 15 goes"
    page.evaluate(f"""() => {{
        const inside = document.querySelector('#sheet iframe').contentDocument;
        const found = [...inside.querySelectorAll('[data-line]')].filter((each) => each.textContent.trim().startsWith('{words}')).at(-1);
        inside.defaultView.scrollBy(0, found.getBoundingClientRect().top - 8);
    }}""")
    place = f"""() => [...document.querySelector('#sheet iframe:not(.coming)').contentDocument.querySelectorAll('[data-line]')]
        .filter((each) => each.textContent.trim().startsWith('{words}')).at(-1).getBoundingClientRect().top"""
    before, stood = page.evaluate(place), scrolled(page)
    preview.write(ISSUE.replace("# Garden", "# Garden\n\nA paragraph that came later.\n\nAnd one more, a longer one, above all others."))
    expect(mail(page).get_by_text("A paragraph that came later.")).to_be_attached()
    page.wait_for_function("document.querySelectorAll('#sheet iframe').length === 1")
    assert abs(page.evaluate(place) - before) <= 1
    assert scrolled(page) > stood + 30


def test_subject_and_findings_follow(page, preview):
    """Everything beside the mail is as new as the mail."""
    preview.write(ISSUE.replace("News of January", "Snow at last").replace("# Garden", "# Garden\n\nThe [gate]() is open."))
    expect(page.locator("#subject")).to_have_text("Snow at last")
    expect(page.locator(".finding", has_text="gate")).to_be_visible()
    expect(page.locator("#pane-source")).to_contain_text("The [gate]() is open.")
    expect(page.locator("#announce")).to_contain_text("Updated: ")


def test_who_sends_a_test_is_told_what_is_wrong(page, preview):
    """A test goes out all the same; nobody shall take it for a letter that may go to the public."""
    preview.write(ISSUE.replace("# Garden", "# Garden\n\nThe [gate](hhttps://example.org/gate) is open."))
    expect(page.locator(".is-error .finding")).to_have_count(1)
    page.keyboard.press("x")
    expect(page.locator("#test-dialog .found-before")).to_contain_text("1 error")
    page.keyboard.press("Escape")


def test_somebody_who_is_not_on_the_list_is_not_named(page, preview):
    """An address kept from last month: the letter is shown with defaults, and says so."""
    page.goto(f"{preview.url}/issues/2026-01?view=light&to=readers&as=gone@example.net")
    expect(page.locator("#guise")).to_have_text("As anybody, with defaults")
    expect(page.locator("#guise")).to_have_attribute("title", re.compile("gone@example.net is not on readers"))
    expect(mail(page).locator("body")).to_contain_text("Hello friend")


def test_a_half_written_file_is_told_at_its_line_and_heals(page, preview):
    """While the front matter is open the last good mail stays; once it is closed all is well, and nothing is started anew."""
    scroll_to(page, 700)
    preview.write('---\ntitle: "The Example\ndate: 2026-02-02\n---\n\nNew text.\n')
    broken = page.locator("#broken")
    expect(broken).to_be_visible()
    expect(broken).to_contain_text("issues/2026-01.md:")
    expect(broken.locator("pre .at")).to_be_visible()
    expect(page.locator("#pane-source li.current")).to_be_visible()
    expect(mail(page).get_by_text("Paragraph 39")).to_be_attached()
    assert scrolled(page) == 700
    # What was found before is of another text: the one thing to say is what is wrong now, at its line.
    expect(page.locator("#pane-findings .finding")).to_have_count(1)
    expect(page.locator("#pane-findings .is-error .finding .line")).to_contain_text("line 3")
    expect(page.locator("#badge")).to_have_text("1")
    expect(broken.locator(".broken-foot")).to_contain_text("Behind this is the last rendering")
    preview.write(ISSUE.replace("Paragraph 39", "Paragraph last"))
    expect(broken).to_be_hidden()
    expect(mail(page).get_by_text("Paragraph last")).to_be_attached()
    assert scrolled(page) == 700


def test_the_view_and_the_reader_stay(page, preview):
    """A save changes the letter, never what one looks at it as."""
    page.keyboard.press("d")
    page.keyboard.press("2")
    page.get_by_role("tab", name="Reader").click()
    page.get_by_role("button", name="rosa@example.net").click()
    expect(mail(page).locator("body")).to_contain_text("Hello Rosa")
    preview.write(ISSUE.replace("here is the month", "here is a short month"))
    expect(mail(page).locator("body")).to_contain_text("Hello Rosa, here is a short month")
    expect(page.locator('input[value="dark"]')).to_be_checked()
    assert page.evaluate("document.querySelector('#sheet iframe').contentWindow.innerWidth") == 375


def test_a_new_list_is_there_at_once(page, preview):
    """Lists are files too; nothing needs a restart."""
    page.get_by_role("tab", name="Reader").click()
    new = preview.root / "recipients" / "friends.csv"
    new.write_text(LIST_WITH_ZOE, encoding="utf-8")
    expect(page.locator("#list option", has_text="friends")).to_be_attached()
    page.get_by_label("List", exact=True).select_option("friends")
    expect(page.get_by_role("button", name="zoe@example.net")).to_be_visible()
    new.unlink()


def test_a_theme_of_their_own_is_seen_at_once(page, preview):
    """Templates and theme are written with the same eyes on the page."""
    heading = mail(page).get_by_role("heading", name="Garden")
    before = heading.evaluate("element => getComputedStyle(element).color")
    theme = preview.root / "templates" / "email" / "theme.toml"
    theme.parent.mkdir(parents=True)
    theme.write_text('[colors.light]\nheading = "#0B3D6B"\n', encoding="utf-8")
    expect(heading).to_have_css("color", "rgb(11, 61, 107)")
    theme.unlink()
    expect(heading).to_have_css("color", before)


def test_an_issue_that_was_never_right_is_told_and_heals(page, preview):
    """An issue that is begun in the open preview: it is in the list at once, its first mistake is told, and then it is there."""
    page.goto(preview.url)
    expect(page.get_by_role("link", name="January 2026")).to_be_visible()
    new = preview.root / "issues" / "2026-02.md"
    new.write_text('---\ntitle: "February\n---\n', encoding="utf-8")
    page.get_by_role("link", name="2026-02").click()
    expect(page.locator("#broken")).to_contain_text("issues/2026-02.md:")
    expect(page.locator("#broken pre .at")).to_contain_text('title: "February')
    expect(page.locator("#broken .broken-foot")).not_to_contain_text("Behind this")
    expect(page.locator("#pane-findings .is-error .finding")).to_have_count(1)
    expect(page.locator("#pane-findings")).not_to_contain_text("Nothing found")
    for pane in ("Reader", "Size", "Test"):
        page.get_by_role("tab", name=pane).click()
    new.write_text(ISSUE.replace("January", "February"), encoding="utf-8")
    expect(page.locator("#broken")).to_be_hidden()
    expect(page.locator("#title")).to_have_text("The Example Letter: February 2026")
    expect(mail(page).get_by_text("Paragraph 39")).to_be_attached()
    new.unlink()


def test_many_saves_in_a_row_end_with_the_last(page, preview):
    """Whoever saves at every word sees the last one, in one frame, and nothing that came too late."""
    for number in range(8):
        preview.write(ISSUE.replace("Paragraph 12 goes", f"Paragraph word-{number} goes"))
        page.wait_for_timeout(40)
    expect(mail(page).get_by_text("Paragraph word-7 goes")).to_be_attached()
    expect(page.locator("#pane-source")).to_contain_text("Paragraph word-7 goes")
    expect(page.locator("#sheet iframe")).to_have_count(1)


def test_a_lost_connection_is_told_and_comes_back(page, preview):
    """Somebody who ends the preview and starts it again finds the page alive, with what was written meanwhile."""
    port = preview.port
    preview.stop()
    expect(page.locator("#live")).to_have_attribute("data-state", "lost")
    expect(page.locator("#live")).to_contain_text("Connection lost")
    preview.write(ISSUE.replace("Paragraph 3 goes", "Paragraph three goes"))
    preview.start(port)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(mail(page).get_by_text("Paragraph three goes")).to_be_attached()
