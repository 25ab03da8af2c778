"""Whether links and images have names, and whether one can tell them from what is around. Pure.

What links of the issue say is judged where its words are; here it is those of templates, and links that say nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composer.checks.accessibility.cascade import Cascade
from composer.checks.accessibility.contrast import LEAST_LARGE, ratio
from composer.checks.accessibility.sheets import LIGHT
from composer.checks.letter import Letter
from composer.checks.page import Node, Page
from composer.findings import Finding, info, warning

_POINTING = frozenset({"here", "click here", "click", "this", "link", "this link", "more", "read more", "learn more"})
_FILE = re.compile(r"[\w\s().-]{1,120}\.(?:png|jpe?g|gif|webp|svg|avif|bmp|tiff?)", re.IGNORECASE)
# What the reader says of a line already.
_SAID = frozenset({"image-without-alt", "empty-link", "empty-image", "link-without-address", "button-without-link"})


def check_names(letter: Letter, page: Page, cascade: Cascade) -> Iterator[Finding]:
    """Yield what is wrong with links and images."""
    said = {finding.where.line for finding in letter.issue.findings if finding.code in _SAID}
    parents: set[Node] = set()
    for node in page.nodes:
        if node.tag == "img":
            yield from _image(letter, node, said)
        elif node.tag == "a" and node.attributes.get("href") and not cascade.look(node, LIGHT).hidden:
            yield from _link(letter, node, said)
            yield from _told_apart(node, cascade)
            if node.parent is not None and node.parent not in parents:
                parents.add(node.parent)
                yield from _touching(node.parent, cascade)


def _image(letter: Letter, node: Node, said: set[int | None]) -> Iterator[Finding]:
    own = node.where.path == letter.issue.path
    alt = node.attributes.get("alt")
    if alt is None and not (own and node.where.line in said):
        hint = 'Say in alt="…" what it shows; alt="" when it only decorates (WCAG 2.2, 1.1.1).'
        yield warning("a11y-image-alt", node.where, "an image has no alternative text; many programs read out its address instead", hint)
    elif alt and not own and _FILE.fullmatch(alt.strip()):
        hint = "Say what it shows, in the words of the story (WCAG 2.2, 1.1.1)."
        yield warning("a11y-image-alt", node.where, f"the alternative text of an image is the name of its file, {alt.strip()[:60]!r}", hint)


def _link(letter: Letter, node: Node, said: set[int | None]) -> Iterator[Finding]:
    own = node.where.path == letter.issue.path
    name = _name(node)
    if not name:
        if not (own and node.where.line in said):
            message = f"a link to {node.attributes['href'][:80]} says nothing"
            hint = "Put words into it, or an alternative text to its image (WCAG 2.2, 2.4.4)."
            yield warning("a11y-link-name", node.where, message, hint)
    elif not own and name.casefold().strip(" .!>»›→") in _POINTING:  # noqa: RUF001 - as people type them
        hint = "Name what is there: many go from link to link and hear nothing else (WCAG 2.2, 2.4.4)."
        yield warning("a11y-link-text", node.where, f"the link {name!r} does not say where it leads", hint)


def _name(node: Node) -> str:
    parts = [node.attributes.get("aria-label", ""), node.text, *(image.attributes.get("alt", "") for image in _images(node))]
    parts.append(node.attributes.get("title", ""))
    return next((" ".join(part.split()) for part in parts if part.strip("\u00a0\u200b\u200c\u200d \t\n")), "")


def _images(node: Node) -> Iterator[Node]:
    for child in node.children:
        if isinstance(child, Node):
            if child.tag == "img":
                yield child
            yield from _images(child)


def _touching(parent: Node, cascade: Cascade) -> Iterator[Finding]:
    """Links side by side with nothing between."""
    before: Node | None = None
    for child in parent.children:
        if isinstance(child, str):
            before = before if not child.strip() else None
        elif child.tag != "a" or not child.text or cascade.look(child, LIGHT).hidden:
            before = None
        else:
            if before is not None and not _apart(child, before):
                message = f"the link {child.text[:40]!r} follows {before.text[:40]!r} with nothing between"
                hint = "Write a word or a sign between them: a thumb takes the wrong one (WCAG 2.2, 2.5.8)."
                yield info("a11y-links-touch", child.where, message, hint)
            before = child


def _told_apart(node: Node, cascade: Cascade) -> Iterator[Finding]:
    """A link that its colour alone tells from the text around it."""
    parent = node.parent
    if parent is None or not node.text:
        return
    if "none" not in node.style.get("text-decoration", "") or any(key.startswith("border") for key in node.style):
        return
    around, link = cascade.look(parent, LIGHT), cascade.look(node, LIGHT)
    beside = any(isinstance(child, str) and any(map(str.isalnum, child)) for child in parent.children)
    if beside and link.bold == around.bold and around.seen and link.seen and ratio(link.seen, around.seen) < LEAST_LARGE:
        hint = "Underline it, or choose a colour with 3:1 to the text (WCAG 2.2, 1.4.1)."
        yield warning(
            "a11y-link-colour", node.where, f"the link {node.text[:40]!r} differs from the text by a faint difference of colour alone", hint
        )


def _apart(node: Node, other: Node) -> bool:
    """Whether either is a box of its own."""
    return any(each.style.get("display", "") in {"block", "inline-block"} for each in (node, other))
