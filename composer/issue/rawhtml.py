"""Raw HTML as it is met in the Markdown: rebuilt from the tags and attributes that email can hold, each with its line.

What is dropped is a Finding; an iframe or video becomes a linked picture or a link. What leaves here is still sanitised
as a whole by ``composer.issue.html``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Set as AbstractSet
from html import escape, unescape

from composer.findings import Finding, Where, error, info, warning
from composer.issue.silences import Silence, from_comment

BLOCKS = frozenset(
    "p div blockquote ul ol li dl dt dd h1 h2 h3 h4 h5 h6 pre hr table caption thead tbody tfoot tr th td figure figcaption"
    " section article header footer main center details summary address".split()
)
INLINES = frozenset(
    "a b strong i em u ins s del strike sub sup small mark kbd code samp var br img span font abbr cite q big tt time".split()
)
ALLOWED = BLOCKS | INLINES
ATTRIBUTES = {
    "a": {"href", "title", "class"},
    "img": {"src", "alt", "title", "width", "height"},
    "th": {"align"},
    "td": {"align"},
    "ol": {"start"},
}
VOID = frozenset("br hr img source embed wbr input meta link col area base param track".split())
CONTENT_DROPPED = frozenset(
    "script style title head noscript template textarea select object applet svg math audio canvas frameset noembed xmp".split()
)
_SILENT = {"a": {"target", "rel", "name", "id"}, "img": {"loading", "border", "srcset", "sizes"}, "ol": {"type"}}
_FRAMES = {"iframe", "embed", "video", "source"}
_PIECE = re.compile(
    r"<!--(?P<comment>.*?)(?:-->|\Z)"
    r"|<(?:!\[CDATA\[.*?(?:\]\]>|\Z)|\?.*?(?:>|\Z)|![A-Za-z\[].*?(?:>|\Z))"
    r"|<(?P<end>/?)(?P<tag>[A-Za-z][A-Za-z0-9:-]{0,40})(?P<attributes>(?>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)(?=>)|[^<>]*)>"
    r"|<",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([A-Za-z_:@][\w:.@-]{0,60})\s{0,20}(?:=\s{0,20}(\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?")
_END = re.compile(r"</([A-Za-z][A-Za-z0-9:-]{0,40})")
ODD_SCHEME = re.compile(r"\s*(?!https?:|mailto:|tel:|data:)[A-Za-z][A-Za-z0-9+.-]{0,30}:", re.IGNORECASE)
_YOUTUBE = re.compile(r"(?:youtube(?:-nocookie)?\.com/(?:embed/|watch\?v=)|youtu\.be/)([\w-]{6,20})")


def ends(source: str) -> dict[str, int]:
    """Where in a piece of HTML each element is closed for the last time."""
    return {match[1].lower(): match.start() for match in _END.finditer(source)}


class RawHtml:
    """Reads raw HTML piece by piece; notes what is dropped, and the silences. ``mark_prefix`` starts the marks of merge fields."""

    def __init__(self, path: str, mark_prefix: str) -> None:
        self.path = path
        self.mark_prefix = mark_prefix
        self.findings: list[Finding] = []
        self.silences: list[Silence] = []
        self._opened: Counter[str] = Counter()

    def __call__(self, source: str, line: int, closed_later: AbstractSet[str] = frozenset()) -> str:
        """Return what shall stand for a piece of raw HTML that starts at ``line``.

        ``closed_later`` names the elements that are closed after this piece, in the same paragraph.
        """
        last_ends = ends(source)
        kept: list[str] = []
        seen, at = 0, line
        for match in _PIECE.finditer(source):
            kept.append(source[seen : match.start()].replace(">", "&gt;"))
            at += source.count("\n", seen, match.start())
            closed = match["tag"] is not None and (
                match["tag"].lower() in closed_later or last_ends.get(match["tag"].lower(), -1) > match.start()
            )
            kept.append(self._piece(match, at, closed=closed))
            at += source.count("\n", match.start(), match.end())
            seen = match.end()
        return "".join([*kept, source[seen:].replace(">", "&gt;")])

    def _piece(self, match: re.Match[str], line: int, *, closed: bool) -> str:
        where = Where(self.path, line)
        if match["comment"] is not None:
            if "-->" not in match.string:  # then the block runs to the end of the text (CommonMark, HTML blocks, kind 2)
                message = "a comment opened here is never closed, and all text after it is left out"
                self.findings.append(error("html-comment-open", where, message, "Write --> where it ends, or delete the <!--."))
                return ""
            if silence := from_comment(match["comment"], self.path, line):
                self.silences.append(silence)
                return ""
            message = f"the comment {match['comment'].strip()[:40]!r} is left out"
            self.findings.append(info("html-comment", where, message, "Nothing to do; delete it if it was pasted."))
            return ""
        if match["tag"] is None:
            if match[0] == "<":
                return "&lt;"
            self._dropped(f"{match[0][:20].split()[0]} …", "with all that is in it", where)
            return ""
        tag = match["tag"].lower()
        if tag.startswith(self.mark_prefix):
            return escape(match[0])
        if tag in _FRAMES:
            return self._player(match, tag, where)
        if match["end"]:
            return self._end(tag, where)
        self._opened[tag] += 1
        if tag not in ALLOWED:
            gone = closed and tag in CONTENT_DROPPED
            self._dropped(f"<{tag}>", "with all that is in it" if gone else "but not the text in it", where)
            return f"<{tag}>" if gone else ""
        return self._tag(tag, match["attributes"], where)

    def _end(self, tag: str, where: Where) -> str:
        if not self._opened[tag]:
            message = f"</{tag}> closes nothing and is left out"
            self.findings.append(info("html-stray-end", where, message, "Delete it, or write the opening tag before it."))
            return ""
        self._opened[tag] -= 1
        return f"</{tag}>" if tag in ALLOWED or tag in CONTENT_DROPPED else ""

    def _dropped(self, what: str, how: str, where: Where) -> None:
        message = f"{what} has no place in an email and is left out, {how}"
        self.findings.append(warning("html-dropped", where, message, "Write it in Markdown."))

    def _tag(self, tag: str, source: str, where: Where) -> str:
        """Rebuild a tag; formatting keeps no attribute at all, so a parser may fold what is never closed."""
        wanted = ATTRIBUTES.get(tag, set())
        attributes = dict(reversed(_attributes(source)))
        dropped = [name for name in reversed(attributes) if name not in wanted and name not in _SILENT.get(tag, set())]
        if dropped:
            hint = "Looks come from the theme; scripts and styles do not travel by mail."
            message = f"<{tag}> loses: {', '.join(dropped)[:120]}"
            self.findings.append(warning("html-attribute-dropped", where, message, hint))
        kept = {name: value for name, value in attributes.items() if name in wanted}
        if ODD_SCHEME.match(kept.get("href", "")):
            message = f"the link to {kept['href'].strip()[:60]!r} leads nowhere and is set as text"
            self.findings.append(warning("link-without-address", where, message, "Give it an http, https, mailto or tel address."))
            del kept["href"]
        if ODD_SCHEME.match(kept.get("src", "")):
            kept["data-a"] = kept["src"]  # the sanitiser takes it away, and people must be told what they typed
        if tag in BLOCKS or tag == "img" or "href" in kept:
            kept["data-l"] = str(where.line or 0)
        opened = "".join([f"<{tag}", *(f' {name}="{escape(value)}"' for name, value in kept.items()), ">"])
        return f"{opened}</{tag}>" if tag not in VOID and re.search(r"(?:^|[\s\"'])/$", source) else opened

    def _player(self, match: re.Match[str], tag: str, where: Where) -> str:
        """A linked picture where the picture is known (a poster, YouTube's thumbnail), else a link."""
        if match["end"]:
            return ""
        if tag != "source":
            hint = "Link a picture to the page instead to choose how it looks."
            self.findings.append(info("html-player", where, f"<{tag}> cannot play in an email and becomes a link", hint))
        attributes = dict(_attributes(match["attributes"]))
        address, poster = attributes.get("src", ""), attributes.get("poster", "")
        line = f'data-l="{where.line or 0}"'
        if not address:
            return f'<img {line} src="{escape(poster)}" alt="Video">' if poster else ""
        title = attributes.get("title") or attributes.get("alt") or ("Video" if tag == "source" else "Watch the video")
        if youtube := _YOUTUBE.search(address):
            poster = f"https://img.youtube.com/vi/{youtube[1]}/hqdefault.jpg"
            address = f"https://www.youtube.com/watch?v={youtube[1]}"
        elif address.startswith("//"):
            address = f"https:{address}"
        inner = f'<img {line} src="{escape(poster)}" alt="{escape(title)}">' if poster else escape(title)
        return f'<a {line} href="{escape(address)}">{inner}</a>'


def _attributes(source: str) -> list[tuple[str, str]]:
    return [(match[1].lower(), unescape((match[2] or "").strip("\"'"))) for match in _ATTRIBUTE.finditer(source)]
