"""Raw HTML made fit for email, and rendered HTML turned into a tree of elements; the only importer of nh3.

Sanitised once per rendered text (on single tokens nh3 would close tags early). What is dropped is a Finding;
an iframe or video becomes a linked picture or a link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape, unescape
from html.parser import HTMLParser

import nh3

from composer.errors import IssueError
from composer.findings import Finding, Where, info, warning

DEEPEST = 150
_BLOCKS = [
    "p",
    "div",
    "blockquote",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "pre",
    "hr",
    "table",
    "caption",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "figure",
    "figcaption",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "center",
    "details",
    "summary",
    "address",
]
_INLINES = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "del",
    "strike",
    "sub",
    "sup",
    "small",
    "mark",
    "kbd",
    "code",
    "samp",
    "var",
    "br",
    "img",
    "span",
    "font",
    "abbr",
    "cite",
    "q",
    "big",
    "tt",
    "time",
]
_ATTRIBUTES = {
    "a": {"href", "title", "class"},
    "img": {"src", "alt", "title", "width", "height"},
    "th": {"align"},
    "td": {"align"},
    "ol": {"start"},
}
_OURS = {"data-l", "data-d", "data-a", "data-fn"}
_SILENT = {"a": {"target", "rel", "name", "id"}, "img": {"loading", "border", "srcset", "sizes"}, "ol": {"type"}}
_CONTENT_DROPPED = [
    "script",
    "style",
    "title",
    "head",
    "noscript",
    "template",
    "textarea",
    "select",
    "object",
    "applet",
    "svg",
    "math",
    "audio",
    "canvas",
    "frameset",
    "noembed",
    "xmp",
]
_FRAMES = {"iframe", "embed", "video", "source"}
_ALLOWED = {*_BLOCKS, *_INLINES}
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]{0,40})([^<>]*)>")
_ATTRIBUTE = re.compile(r"([A-Za-z_:@][\w:.@-]{0,60})\s{0,20}(?:=\s{0,20}(\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?")
_YOUTUBE = re.compile(r"(?:youtube(?:-nocookie)?\.com/(?:embed/|watch\?v=)|youtu\.be/)([\w-]{6,20})")


@dataclass(slots=True)
class Element:
    """An element of the sanitised tree; children are elements and strings (character references resolved)."""

    tag: str
    attrs: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    @property
    def line(self) -> int:
        """The source line, 0 when unknown."""
        text = self.attrs.get("data-l", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0  # noqa: PLR2004 - beyond any file

    def text(self) -> str:
        """All text inside."""
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)


class RawHtml:
    """Reads raw HTML as it is met in the Markdown, notes what will be dropped, and replaces embedded players."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.findings: list[Finding] = []

    def __call__(self, source: str, line: int) -> str:
        """Return what shall stand for a piece of raw HTML that starts at ``line``."""
        source = self._without_comments(source, line)
        seen, at = 0, line
        for match in _TAG.finditer(source):
            at += source.count("\n", seen, match.start())
            seen = match.start()
            self._judge(match[1], match[2].lower(), match[3], at)
        return _TAG.sub(_player, source)

    def _without_comments(self, source: str, line: int) -> str:
        kept: list[str] = []
        start = 0
        while (begin := source.find("<!--", start)) >= 0:
            kept.append(source[start:begin])
            end = source.find("-->", begin + 4)
            text = source[begin + 4 : end if end >= 0 else len(source)].strip()
            where = Where(self.path, line + source.count("\n", 0, begin))
            self.findings.append(
                info("html-comment", where, f"the comment {text[:40]!r} is left out", "Nothing to do; delete it if it was pasted.")
            )
            start = end + 3 if end >= 0 else len(source)
        return "".join([*kept, source[start:]])

    def _judge(self, closing: str, tag: str, attributes: str, line: int) -> None:
        if closing:
            return
        where = Where(self.path, line)
        if tag in _FRAMES:
            if tag != "source":
                self.findings.append(
                    info(
                        "html-player",
                        where,
                        f"<{tag}> cannot play in an email and becomes a link",
                        "Link a picture to the page instead to choose how it looks.",
                    )
                )
            return
        if tag not in _ALLOWED:
            lost = "with all that is in it" if tag in _CONTENT_DROPPED else "but not the text in it"
            self.findings.append(
                warning("html-dropped", where, f"<{tag}> has no place in an email and is left out, {lost}", "Write it in Markdown.")
            )
            return
        known = _ATTRIBUTES.get(tag, set()) | _SILENT.get(tag, set()) | _OURS
        dropped = [name for name, _ in _attributes(attributes) if name not in known]
        if dropped:
            names = ", ".join(dict.fromkeys(dropped))
            self.findings.append(
                warning(
                    "html-attribute-dropped",
                    where,
                    f"<{tag}> loses: {names[:120]}",
                    "Looks come from the theme; scripts and styles do not travel by mail.",
                )
            )


def _attributes(source: str) -> list[tuple[str, str]]:
    return [(match[1].lower(), unescape((match[2] or "").strip("\"'"))) for match in _ATTRIBUTE.finditer(source)]


def _player(match: re.Match[str]) -> str:
    """A linked picture where the picture is known (a poster, YouTube's thumbnail), else a link."""
    tag = match[2].lower()
    if tag not in _FRAMES:
        return match[0]
    if match[1]:
        return ""
    attributes = dict(_attributes(match[3]))
    address = attributes.get("src", "")
    if not address:
        poster = attributes.get("poster", "")
        return f'<img src="{escape(poster)}" alt="Video">' if poster else ""
    title = attributes.get("title") or attributes.get("alt") or ("Video" if tag == "source" else "Watch the video")
    poster = attributes.get("poster", "")
    if youtube := _YOUTUBE.search(address):
        poster = f"https://img.youtube.com/vi/{youtube[1]}/hqdefault.jpg"
        address = f"https://www.youtube.com/watch?v={youtube[1]}"
    elif address.startswith("//"):
        address = f"https:{address}"
    if poster:
        return f'<a href="{escape(address)}"><img src="{escape(poster)}" alt="{escape(title)}"></a>'
    return f'<a href="{escape(address)}">{escape(title)}</a>'


def tree(source: str, path: str, line: int) -> Element:
    """Sanitise rendered HTML and return it as a tree under an element ``body``.

    Raises IssueError when elements nest deeper than ``DEEPEST``.
    """
    if not isinstance(nested_too_deeply := _first_depth_over(source, DEEPEST), bool):
        raise IssueError(
            "HTML elements are nested too deeply", where=Where(path, nested_too_deeply or line), hint="Close the elements, or delete them."
        )
    clean = nh3.clean(
        source,
        tags=_ALLOWED,
        clean_content_tags=set(_CONTENT_DROPPED),
        attributes={
            **{tag: {*names, *_OURS} for tag, names in _ATTRIBUTES.items()},
            **{tag: set(_OURS) for tag in _ALLOWED - _ATTRIBUTES.keys()},
        },
        url_schemes={"http", "https", "mailto", "tel", "data"},
        link_rel=None,
    )
    builder = _Builder()
    builder.feed(clean)
    builder.close()
    return builder.root


_VOID = {"br", "hr", "img", "source", "embed", "wbr", "input", "meta", "link", "col", "area", "base", "param", "track"}
_ANY_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]{0,40})([^<>]*)>")
_LINE = re.compile(r'data-l="(\d{1,8})"')


def _first_depth_over(source: str, limit: int) -> int | bool:
    """The last line known where open elements first exceed the limit, or False."""
    depth = line = 0
    for match in _ANY_TAG.finditer(source):
        if known := _LINE.search(match[3][:200]):
            line = int(known[1])
        if match[1]:
            depth = max(0, depth - 1)
        elif match[2].lower() not in _VOID and not match[3].endswith("/"):
            depth += 1
            if depth > limit:
                return line
    return False


class _Builder(HTMLParser):
    """Builds the tree; what it reads is nh3's output, in which every element is closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("body")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if len(self.open) > 1 and self.open[-1].tag == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)
