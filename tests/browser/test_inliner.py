"""The inliner changes nothing that a reader sees: the letter before and after inlining, element by element, in a real browser."""

import base64
import json
from dataclasses import replace

import pytest

from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.inline import inline
from composer.edition.mjml import to_html
from composer.issue.files import read_issue
from composer.project import find

SCHEMES = ("light", "dark")
WIDTHS = (375, 800)

# What can be seen of an element: its computed style and its box, in document order.
COLLECT = """
() => {
  const styles = [
    'display', 'visibility', 'opacity', 'position', 'float', 'clear', 'overflow-x', 'overflow-y', 'direction', 'box-sizing',
    'color', 'background-color', 'background-image', 'background-repeat', 'background-position', 'background-size',
    'font-family', 'font-size', 'font-style', 'font-weight', 'font-variant', 'font-stretch', 'line-height', 'letter-spacing', 'word-spacing',
    'text-align', 'text-decoration-line', 'text-decoration-style', 'text-decoration-color', 'text-decoration-thickness', 'text-indent',
    'text-transform', 'text-shadow', 'white-space', 'word-break', 'overflow-wrap', 'hyphens', 'tab-size', 'vertical-align',
    'margin-top', 'margin-right', 'margin-bottom', 'margin-left', 'padding-top', 'padding-right', 'padding-bottom', 'padding-left',
    'border-top-width', 'border-right-width', 'border-bottom-width', 'border-left-width',
    'border-top-style', 'border-right-style', 'border-bottom-style', 'border-left-style',
    'border-top-color', 'border-right-color', 'border-bottom-color', 'border-left-color',
    'border-top-left-radius', 'border-top-right-radius', 'border-bottom-left-radius', 'border-bottom-right-radius',
    'list-style-type', 'list-style-position', 'list-style-image',
    'width', 'height', 'min-width', 'max-width', 'min-height', 'max-height', 'outline-width', 'outline-style', 'box-shadow', 'cursor', 'text-size-adjust',
  ];
  // These say something of tables alone, but are inherited by all that is in one.
  const tables = ['border-collapse', 'border-spacing', 'table-layout'];
  const path = (element) => {
    const steps = [];
    for (let at = element; at && at !== document.body; at = at.parentElement)
      steps.unshift(at.localName + (at.className ? '.' + at.className.trim().replace(/ +/g, '.') : '') + ':' + (1 + [...at.parentElement.children].indexOf(at)));
    return ['body', ...steps.slice(-6)].join(' > ');
  };
  const sides = ['x', 'y', 'width', 'height'];
  const elements = [document.body, ...document.body.querySelectorAll('*')].map((element) => {
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    const seen = [...styles.map((name) => style.getPropertyValue(name)),
      ...tables.map((name) => (style.display.endsWith('table') ? style.getPropertyValue(name) : '')), ...sides.map((side) => Math.round(100 * box[side]) / 100)];
    return [element.localName, path(element), element.textContent.trim().slice(0, 40), !!element.closest('.cols'), seen];
  });
  return JSON.stringify([[...styles, ...tables, ...sides.map((side) => 'box ' + side)], elements]);
}
"""
WITHOUT_STYLES = "() => document.querySelectorAll('style, link[rel=stylesheet]').forEach((element) => element.remove())"
# text-size-adjust matters to phones alone; a greatest width, and where a word breaks, shows in the box.
WITHOUT_EFFECT = {"text-size-adjust", "max-width", "word-break"}
# Columns stack where styles are gone, so what is in them is as wide as the letter, and all that follows stands lower.
IN_STACK = {"width", "height", "display", "box x", "box y", "box width", "box height"}
AROUND_STACK = {"height", "box height", "box y"}


ISSUES = ("2026-01", "showcase", "showcase in Arabic", "inside-open-infrastructure-january-2026", "inside-open-infrastructure-july-2025")


@pytest.fixture(scope="module", params=ISSUES)
def documents(request, repository):
    """Set one sample issue; its HTML as MJML gives it, and inlined, both with their images in place."""
    project = find(repository, exact=True)
    stem, _, language = request.param.partition(" in ")
    own, real = project.issues / f"{stem}.md", repository.parent / "shared" / "issues" / f"{stem}.md"
    path = own if own.is_file() else real
    if not path.is_file():
        pytest.skip("the real issues (../shared/issues/*.md) are not on this machine")
    issue = read_issue(path, project)
    if language:
        issue = replace(issue, language="ar")
    edition = compose(issue, ListSettings(name="staff", kind="staff"), project)
    before = to_html(edition.mjml, ())
    after = inline(before)
    for asset in edition.attachments:
        address = f"data:{asset.media_type};base64,{base64.b64encode(asset.data).decode()}"
        before, after = before.replace(asset.mark, address), after.replace(asset.mark, address)
    return before, after


@pytest.fixture(scope="module")
def pages(chromium):
    """Open one page a colour scheme; nothing beyond files and data is loaded."""
    contexts = {scheme: chromium.new_context(color_scheme=scheme, device_scale_factor=1) for scheme in SCHEMES}
    for context in contexts.values():
        context.route(
            "**/*", lambda route: route.continue_() if route.request.url.startswith(("data:", "file:", "about:")) else route.abort()
        )
    yield {scheme: context.new_page() for scheme, context in contexts.items()}
    for context in contexts.values():
        context.close()


def seen(page, html, width, change=""):
    """Show a document at a width and return what can be seen: the names of properties, and the elements."""
    page.set_viewport_size({"width": width, "height": 900})
    page.set_content(html, wait_until="load")
    if change:
        page.evaluate(change)
    return json.loads(page.evaluate(COLLECT))


def differences(before, after, but=lambda stacks: frozenset()):
    """Name element, property and both values wherever two views differ."""
    (names, elements), (_, others) = before, after
    assert [tag for tag, *_ in elements] == [tag for tag, *_ in others]
    return [
        f"{path} {text!r}: {name} was {value!r}, is {now!r}"
        for (_, path, text, stacks, old), (*_, new) in zip(elements, others, strict=True)
        if old != new
        for name, value, now in zip(names, old, new, strict=True)
        if now != value and name not in but(stacks)
    ]


def told(found):
    """Say the first differences."""
    return f"{len(found)} differences, the first:\n" + "\n".join(found[:15])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_inlining_changes_nothing_that_is_seen(documents, pages, width, scheme):
    """Inlining is for clients that drop <style>; where styles work, it must not be seen at all."""
    before, after = (seen(pages[scheme], html, width) for html in documents)
    assert len(before[1]) > 100
    found = differences(before, after)
    assert not found, told(found)


def test_without_any_style_block_the_letter_keeps_its_looks(documents, pages):
    """Gmail's app with another provider's account removes every <style>: what is inline must carry the letter."""
    before, after = (seen(pages["light"], html, 600, change) for html, change in zip(documents, ("", WITHOUT_STYLES), strict=True))
    anything_stacks = any(stacks for *_, stacks, _ in before[1])

    def but(stacks):
        return WITHOUT_EFFECT | (IN_STACK if stacks else AROUND_STACK if anything_stacks else set())

    found = differences(before, after, but)
    assert not found, told(found)


def test_the_comparison_sees_a_difference(documents, pages):
    """A comparison that cannot fail proves nothing: one pixel and one shade are found."""
    _, html = documents
    before = seen(pages["light"], html, 600)
    after = seen(
        pages["light"],
        html,
        600,
        "() => { document.querySelector('h2').style.marginBottom = '1px'; document.querySelector('a').style.color = '#B5121C' }",
    )
    found = differences(before, after)
    assert any("margin-bottom was '0px', is '1px'" in line for line in found)
    assert any("color was" in line for line in found)
