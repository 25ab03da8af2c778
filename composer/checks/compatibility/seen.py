"""Which of caniemail's features stand in a letter, and where each was written. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from composer.checks.compatibility.styles import Styled, of_rules, of_style
from composer.checks.css import rules
from composer.checks.page import Node, Page
from composer.findings import Where
from composer.issue.model import Asset


class Seen(NamedTuple):
    """A feature at a place, and how it is written there; ``covered`` when something stands in for it."""

    slug: str
    what: str
    where: Where
    covered: bool = False


# <mark> is semantics too, and left out: what stands in it reads the same without its colour.
ELEMENTS: Mapping[str, str] = {
    **{tag: f"html-{tag}" for tag in "abbr acronym audio base bdi dfn dialog form marquee meter object picture progress".split()},
    **{tag: f"html-{tag}" for tag in "rp rt ruby select strike svg textarea video wbr".split()},
    **dict.fromkeys("article aside details figcaption figure footer header main nav section summary time".split(), "html-semantics"),
    **dict.fromkeys(("map", "area"), "html-image-maps"),
    "embed": "html-object",
}
ATTRIBUTES: Mapping[str, str] = {
    **{name: f"html-{name}" for name in "aria-describedby aria-hidden aria-label aria-labelledby aria-live background".split()},
    **{name: f"html-{name}" for name in "align dir height hidden lang popover required role target valign width".split()},
    "loading": "html-loading-attribute",
    "srcset": "html-srcset",
}
# What an element is by an attribute's value.
_KINDS: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "input": lambda found: f"html-input-{found.get('type', 'text').lower()}",
    "button": lambda found: f"html-button-{found.get('type', 'submit').lower()}",
    "link": lambda found: "html-link" if "stylesheet" in found.get("rel", "").lower() else "",
}
IMAGES: Mapping[str, str] = {
    **{suffix: f"image-{suffix}" for suffix in "apng avif bmp gif hdr ico mp4 png svg webp".split()},
    **dict.fromkeys(("heic", "heif"), "image-heif"),
    **dict.fromkeys(("jpg", "jpeg"), "image-jpg"),
    **dict.fromkeys(("tif", "tiff"), "image-tiff"),
}
# Elements that an issue's text becomes; all others are a template's, whatever line of the issue is set inside of them.
_WRITTEN = frozenset("a img p h3 h4 h5 h6 ul ol li blockquote pre code table em strong s sub sup u small mark kbd hr br".split())
_URL = re.compile(r"url\(\s*[\"']?([^\"')]+)", re.IGNORECASE)
_ADDRESS = re.compile(r"\A[^?#]*\.([a-z0-9]{2,4})(?:[?#]|\Z)", re.IGNORECASE)


def seen(page: Page, assets: Iterable[Asset], judged: frozenset[str]) -> Iterator[Seen]:
    """Yield every judged feature of a letter, place by place in the order of the document."""
    names = {asset.mark: asset.name for asset in assets}
    drawn = "".join(comment for comment in page.comments if "<v:" in comment)
    for node in page.nodes:
        style = node.attributes.get("style")
        for found in of_style(style, judged) if style else ():
            if not _drawn(found, node, drawn):
                yield _styled(found, node, page)
        for slug, what in _of_element(node, names):
            if slug in judged and "display:none" not in (style or "").replace(" ", ""):
                yield Seen(slug, what, node.where if node.tag in _WRITTEN else node.source)
    for text, where in page.styles:
        for rule, found in of_rules(rules(text), judged):
            place = page.rule_place(rule) or where
            yield Seen(found.slug, f"{found.name}: {found.value}" if found.value else found.name, place, found.covered)


def _drawn(found: Styled, node: Node, drawn: str) -> bool:
    """Say whether Outlook draws a background in VML, as MJML has it do, or whether what is hidden is a field without words."""
    if found.slug == "css-background-image":
        address = _URL.search(found.value)
        return bool(address and address[1] in drawn)
    return found.slug == "css-display-none" and node.tag == "input"


def _styled(found: Styled, node: Node, page: Page) -> Seen:
    covered = found.covered or found.name in node.attributes
    covered = covered or (
        found.slug in {"css-background-image", "css-linear-gradient", "css-radial-gradient"} and "bgcolor" in node.attributes
    )
    covered = covered or (found.slug == "css-display-none" and not node.text)
    where = page.style_place(found.name, found.value) or node.source
    return Seen(found.slug, f"{found.name}: {found.value}", where, covered)


def _of_element(node: Node, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    tag, found = node.tag, node.attributes
    if tag in ELEMENTS:
        yield ELEMENTS[tag], f"<{tag}>"
    elif tag in _KINDS:
        yield _KINDS[tag](found), f"<{tag}>"
    for name in found.keys() & ATTRIBUTES.keys():
        if name != "background" or "url(" not in found.get("style", ""):  # else said of the style
            yield ATTRIBUTES[name], f"the attribute {name}"
    if tag == "img" and "src" in found:
        yield _of_image(names.get(found["src"], found["src"]))
    elif tag == "a" and "href" in found:
        href = found["href"]
        yield ("html-anchor-links" if href.startswith("#") else "html-mailto-links" if href.startswith("mailto:") else ""), href


def _of_image(address: str) -> tuple[str, str]:
    if address.startswith("data:"):
        return "image-base64", "an image inside of the letter (data:)"
    match = _ADDRESS.match(address)
    suffix = match[1].lower() if match else ""
    return IMAGES.get(suffix, ""), f"an image of the kind .{suffix}"
