"""The finished letter in a real browser: it fits, it can be read and pressed, in light and dark, in any script."""

import base64
import re
from itertools import pairwise

import pytest

from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.fields import fill
from composer.edition.model import Context
from composer.issue.files import read_issue
from composer.project import find

WIDTHS = (320, 375, 600, 800)
TOKEN = "cve-2026-00001-0123456789abcdef0123456789abcdef0123456789abc"
HARD = f"""\
---
title: "The Example Letter: January 2026"
date: 2026-02-02
language: LANGUAGE
---

BODYTEXT in the lead, with a token {TOKEN} in it.

# OpenStack: a known section, {TOKEN}

BODYTEXT in a paragraph that goes on for some lines, so that its measure can be taken: it should neither be too long to read nor too short.
[https://www.example.org/{"a-long-way/" * 12}](https://www.example.org/{"a-long-way/" * 12}) and `code_{TOKEN}`.

* BODYTEXT in an item {TOKEN}
  * BODYTEXT in an inner item https://lists.example.org/archives/list/{TOKEN}{TOKEN}/
    1. BODYTEXT in a third {TOKEN}

### A smaller heading {TOKEN}

```
def a_long_line_of_code(): return "{"x" * 150}"
```

# {TOKEN}

| Release {TOKEN} | Date | Changes | State |
|:--------|:----:|--------:|:------|
| 4.0 | 12 January | {TOKEN} | https://www.example.org/{TOKEN} |
| 中文字符 | 一二三四五六七八九十一二三四五六七八九十 | 1 | x |

> BODYTEXT in a quotation {TOKEN}

::: callout warning {TOKEN}
BODYTEXT in a box {TOKEN}
:::

# Calls

[PRESS THIS ONE](https://www.example.org/press)

[Or this quiet one](https://www.example.org/quiet){{.button .secondary}}

[{TOKEN.upper()}](https://www.example.org/token)

[Archive](https://www.example.org/news) | [Feed](https://www.example.org/feed) | [{TOKEN}](https://www.example.org/t)

* 4 February | [{TOKEN}](https://www.example.org/events) | Online {TOKEN}
* 17-19 October | [Autumn campus](https://www.example.org/campus) | Paris

# Side by side

::: columns
BODYTEXT in a column {TOKEN}

[HEAR THE FIRST TALK](https://www.example.org/1)

---

BODYTEXT beside it: {"漢字" * 40}

---

| A | B |
|---|---|
| {TOKEN} | 1 |
:::

::: quote Rosa {TOKEN}
A saying of {TOKEN} {"汉字" * 30}
:::

# 日本語の見出し: {"長い見出しの続き" * 6}

BODYTEXT {"日本語の文章は空白なしで続きます。" * 10}[^1]

हिन्दी में क्षत्रिय ज्ञान, العربية, עברית, 👩🏽‍🚀 🇩🇪.

[^1]: A note {TOKEN}
"""
SAMPLES = ("2026-01", "showcase", "hard", "arabic", "inside-open-infrastructure-january-2026", "inside-open-infrastructure-july-2025")


def values(slot):
    """Fill a hole with the longest that is likely, and with what HTML must escape."""
    if slot.context is Context.HREF:
        return f"https://letters.example.org/u/{'k3J9x-_' * 40}?list=sample&amp;issue=2026-01"
    return "Wolfeschlegelsteinhausenbergerdorff &amp; Sons"


@pytest.fixture(scope="module")
def letters(repository):
    """Compose every sample once, filled for the worst-case reader; ``letters(name)`` is HTML with its images in place."""
    project, made = find(repository, exact=True), {}

    def letter(name, scratch):
        if name not in made:
            path = next(
                (
                    path
                    for path in (project.issues / f"{name}.md", repository.parent / "shared" / "issues" / f"{name}.md")
                    if path.is_file()
                ),
                None,
            )
            if name in {"hard", "arabic"}:
                path = scratch / f"{name}.md"
                path.write_text(HARD.replace("LANGUAGE", "ar" if name == "arabic" else "en"), encoding="utf-8")
            if path is None:
                pytest.skip("the real issues (../shared/issues/*.md) are not on this machine")
            edition = compose(read_issue(path, project), ListSettings(name="staff", kind="staff"), project)
            made[name] = (fill(edition, edition.html, values), edition.attachments)
        return made[name]

    return letter


@pytest.fixture(params=SAMPLES)
def letter(request, letters, tmp_path):
    """One sample letter as HTML, local images by their marks."""
    return letters(request.param, tmp_path)[0]


@pytest.fixture
def shown(chromium, letters, tmp_path):
    """Open a sample in a page of its own; nothing beyond data is loaded."""
    contexts = []

    def show(name, width=800, scheme="light"):
        html, attachments = letters(name, tmp_path)
        for asset in attachments:
            html = html.replace(asset.mark, f"data:{asset.media_type};base64,{base64.b64encode(asset.data).decode()}")
        context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        contexts.append(context)
        context.route("**/*", lambda route: route.abort())
        page = context.new_page()
        page.set_content(html, wait_until="load")
        return page

    yield show
    for context in contexts:
        context.close()


WIDER = """
() => [...document.body.querySelectorAll('*')]
  .filter((element) => { const box = element.getBoundingClientRect(); return box.width && (box.right > innerWidth + 0.5 || box.left < -0.5); })
  .map((element) => `${element.localName}.${element.className} ${Math.round(element.getBoundingClientRect().left)}..${Math.round(element.getBoundingClientRect().right)} ${element.textContent.trim().slice(0, 50)}`)
"""


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_wider_than_the_screen(shown, name):
    """A letter that scrolls sideways on a phone is not read; one unbroken token is enough to do it."""
    page = shown(name)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wider = page.evaluate(WIDER)
        assert not wider, f"at {width} px: " + "\n".join(wider[:12])
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


TEXT_SIZES = """
() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) if (walker.currentNode.data.includes('BODYTEXT'))
    found.push([walker.currentNode.data.trim().slice(0, 30), parseFloat(getComputedStyle(walker.currentNode.parentElement).fontSize)]);
  return found.filter(([text]) => !getComputedStyle(document.body).display.includes('none'));
}
"""


@pytest.mark.parametrize("width", [375, 800])
def test_body_text_is_16_px_or_more(shown, width):
    """Smaller text is not read on a phone."""
    sizes = shown("hard", width).evaluate(TEXT_SIZES)[1:]  # the first is the hidden preheader
    assert len(sizes) >= 9
    assert all(size >= 16 for _, size in sizes), sizes


SIDES = """\
---
title: T
---

# Section `CODE ONE`

text `CODE TWO`

### Smaller `CODE THREE`

| Day | Visitors | What |
|-----|----------|------|
| 1 | 2 | {words} |

ABOVE THE IMAGE ![](https://www.example.org/x.png){{width=500}} and text.

::: columns
### Heading first

text

---

Text first, and then more of it

---

> Said first
:::
"""


@pytest.fixture
def sides(chromium, repository, tmp_path):
    """Open a letter with a table, columns and code at a width and in a colour scheme."""
    pages = []

    def show(width, scheme="light"):
        project = find(repository, exact=True)
        path = tmp_path / "sides.md"
        path.write_text(SIDES.format(words="word " * 40), encoding="utf-8")
        html = compose(read_issue(path, project), ListSettings(name="staff", kind="staff"), project).html
        pages.append(chromium.new_page(color_scheme=scheme, viewport={"width": width, "height": 900}))
        pages[-1].set_content(html, wait_until="load")
        return pages[-1]

    yield show
    for page in pages:
        page.close()


LINES = "(tag) => [...document.querySelectorAll(tag)].map((e) => { const r = document.createRange(); r.selectNodeContents(e); return new Set([...r.getClientRects()].map((b) => Math.round(b.top))).size })"


@pytest.mark.parametrize("width", WIDTHS)
def test_words_in_the_head_of_a_table_stay_whole(sides, width):
    """Short words beside a long text are not squeezed until they break."""
    assert sides(width).evaluate(LINES, "th") == [1, 1, 1]


def test_columns_start_level(sides):
    """A heading, a text: whatever comes first, they stand side by side."""
    tops = "() => [...document.querySelectorAll('.cols h3, .cols p, .cols blockquote')].map((e) => [e.textContent.trim(), Math.round(e.getBoundingClientRect().top)])"
    found = dict(sides(800).evaluate(tops))
    assert found["Heading first"] == found["Text first, and then more of it"] == found["Said first"], found


def test_an_image_in_text_keeps_clear_of_the_line_above(sides):
    """It stood on the letters' very feet."""
    gap = """() => { const image = [...document.images].at(-1), range = document.createRange(); range.selectNode(image.previousSibling);
      image.style.height = '60px';
      return image.getBoundingClientRect().top - Math.max(...[...range.getClientRects()].map((box) => box.bottom)) }"""
    assert sides(800).evaluate(gap) >= 5


def test_code_is_tinted_in_headings_too(sides):
    """In light as in dark, and so that it can be seen."""
    look = "() => [...document.querySelectorAll('code')].map((e) => getComputedStyle(e).backgroundColor)"
    for scheme in ("light", "dark"):
        colours = sides(800, scheme).evaluate(look)
        assert len(colours) == 3
        assert len(set(colours)) == 1
        tint = [int(part) for part in re.findall(r"\d+", colours[0])][:3]
        assert tint not in ([255, 255, 255], [0, 0, 0], [26, 30, 37])


HEIGHT = "(label) => { const link = [...document.querySelectorAll('a')].find((a) => a.textContent.trim() === label); return (link.closest('td.btn td') || link).getBoundingClientRect().height }"


@pytest.mark.parametrize("width", WIDTHS)
def test_buttons_are_big_enough_for_a_thumb(shown, width):
    """44 px is what a thumb hits, on any screen; also in a column."""
    page = shown("hard", width)
    for label in ("PRESS THIS ONE", "Or this quiet one", "HEAR THE FIRST TALK"):
        assert page.evaluate(HEIGHT, label) >= 44, label


@pytest.mark.parametrize("width", [320, 375])
def test_links_in_a_row_are_big_enough_on_a_phone(shown, width):
    """Links that stand close together are missed by a thumb; so are those of the list of contents."""
    page = shown("hard", width)
    for label in ("Archive", "Feed", "Calls", "Side by side", "Unsubscribe"):
        assert page.evaluate(HEIGHT, label) >= 44, label


CONTRAST = """
() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const over = (above, below) => [0, 1, 2].map((i) => above[i] * above[3] + below[i] * (1 - above[3])).concat(1);
  const background = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reduceRight((below, above) => over(above, below), [255, 255, 255, 1]);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    const range = document.createRange(); range.selectNodeContents(node);
    const box = range.getBoundingClientRect(), style = getComputedStyle(element);
    if (!node.data.replace(/[\\s\\u2007\\u034f]/g, '') || !box.width || !box.height || style.visibility === 'hidden' || element.closest('.pre-header')) continue;
    const below = background(element), ink = over(parse(style.color), below);
    const [high, low] = [light(ink), light(below)].sort((a, b) => b - a);
    found.push([(high + 0.05) / (low + 0.05), `${element.localName}.${element.className} ${style.color} on ${below.slice(0, 3)}: ${node.data.trim().slice(0, 40)}`]);
  }
  return found;
}
"""


@pytest.mark.parametrize("name", ["showcase", "hard", "inside-open-infrastructure-january-2026"])
@pytest.mark.parametrize("look", ["light", "dark", "outlook"])
def test_every_text_stands_out_from_its_ground(shown, name, look):
    """WCAG AA, 4.5:1 in the letter as it is, in the dark, and as Outlook's apps darken it."""
    page = shown(name, 800, "dark" if look == "dark" else "light")
    if look == "outlook":
        page.evaluate(
            "() => { document.documentElement.setAttribute('data-ogsc', ''); document.documentElement.setAttribute('data-ogsb', '') }"
        )
    found = page.evaluate(CONTRAST)
    assert len(found) > 30
    faint = [f"{ratio:.2f} {what}" for ratio, what in found if ratio < 4.5]
    assert not faint, "\n".join(faint[:20])
    dark = page.evaluate("() => getComputedStyle(document.querySelector('.page')).backgroundColor")
    assert (max(int(part) for part in re.findall(r"\d+", dark)) < 60) == (look != "light")


def test_structure(letter):
    """Screen readers go by headings, alternative texts, and by which tables are none."""
    body = re.sub(r"<!--.*?-->", "", letter[letter.index("<body") :], flags=re.DOTALL)
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", body)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    assert all(re.search(r'\salt="', tag) for tag in re.findall(r"<img\b[^>]*>", body))
    tables = re.findall(r"<table\b[^>]*>(?=(.*?)</table>)", body, flags=re.DOTALL)
    openings = re.findall(r"<table\b[^>]*>", body)
    assert len(openings) == len(tables) > 5
    for opening, inside in zip(openings, tables, strict=True):
        assert 'role="presentation"' in opening or "<th" in inside, opening


def test_head(letter):
    """Language, direction, title, and a standards-mode doctype are what mail programs look at first."""
    assert letter.startswith("<!DOCTYPE html>")
    opening = re.search(r"<html\b[^>]*>", letter)[0]
    assert re.search(r'\blang="\w+"', opening)
    assert re.search(r'\bdir="(ltr|rtl)"', opening)
    assert re.search(r"<title>[^<]+</title>", letter)
    assert 'name="color-scheme"' in letter
    assert "fonts.googleapis" not in letter
    assert "@import" not in letter


def test_style_blocks_are_what_gmail_accepts(letter):
    """Gmail drops all style beyond 16 KB, and a whole block for one @ inside an @."""
    blocks = re.findall(r"<style\b[^>]*>(.*?)</style>", re.sub(r"<!--.*?-->", "", letter, flags=re.DOTALL), flags=re.DOTALL)
    assert sum(len(block.encode()) for block in blocks) < 16_384
    for block in blocks:
        depth = 0
        for character in block:
            depth += {"{": 1, "}": -1}.get(character, 0)
            assert not (character == "@" and depth), block[:200]
        assert depth == 0, block[:200]
    dark = [block for block in blocks if "prefers-color-scheme" in block]
    assert len(dark) == 1
    assert "data-og" not in dark[0]


@pytest.mark.parametrize("width", [375, 800])
def test_an_arabic_letter_starts_at_the_right(shown, width):
    """Right-to-left readers get a right-to-left letter, not only its words."""
    page = shown("arabic", width)
    assert page.evaluate("() => [document.documentElement.lang, document.documentElement.dir]") == ["ar", "rtl"]
    ends = page.evaluate("""() => [...document.querySelectorAll('h1, h2, p, li')].filter((e) => e.textContent.trim() && !e.closest('table table table')).map((element) => {
      const range = document.createRange(); range.selectNodeContents(element);
      const lines = [...range.getClientRects()].filter((box) => box.width > 1), box = element.getBoundingClientRect();
      return [element.localName + ' ' + element.textContent.trim().slice(0, 30), getComputedStyle(element).direction, lines.length ? Math.abs(box.right - Math.max(...lines.map((line) => line.right))) : 0];
    })""")
    assert len(ends) > 10
    assert all(gap < 2 for *_, gap in ends), [end for end in ends if end[2] >= 2]
    # The footer's words are Latin here and keep their own order: else "1 Main St." would read ".Main St 1".
    turned = [end for end in ends if (end[1] == "rtl") is end[0].startswith(("p You get this letter", "p Inside Open Infrastructure"))]
    assert not turned
    left = page.evaluate(
        "() => { const a = [...document.querySelectorAll('a')].find((a) => a.textContent.trim() === 'PRESS THIS ONE').closest('.btn td').getBoundingClientRect(); return a.left + a.right }"
    )
    assert left >= width - 1  # at the right, or the whole width of a phone


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("2026-01", 60_000),
        ("inside-open-infrastructure-january-2026", 60_000),
        ("inside-open-infrastructure-july-2025", 102_400),
        ("showcase", 92_160),
    ],
)
def test_the_worst_case_stays_below_gmails_clip(letters, tmp_path, name, most):
    """Gmail cuts a letter above 102,400 bytes and hides the unsubscribe link with it."""
    html, _ = letters(name, tmp_path)
    assert len(html.encode()) < most
