"""Where a link or an image of an issue points: kept, completed against the canonical address, or refused with a finding."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin

from composer.findings import Finding, Where, error, warning
from composer.issue.mergefields import MergeFields
from composer.issue.model import Asset, Image

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:")
_HOST = r"(?:[^\W_][\w-]{0,62}\.){1,8}(?P<last>[^\W\d_]{2,24})"
_SITE = re.compile(_HOST)
_MAIL = re.compile(rf"[\w.+-]{{1,64}}@{_HOST}(?=\?|$)")
# What follows a dot in the name of a file, so that page.html stays a page of the team's own site.
_ENDINGS = frozenset(
    "asp aspx atom avif bmp csv css doc docx epub gif gz htm html ics ico jpeg jpg js json jsp md mov mp3 mp4 odp ods odt pdf php png"
    " ppt pptx rss rtf svg tar tif tiff toml txt wav webm webp xhtml xls xlsx xml yaml yml zip".split()
)
HEAVY = 1_000_000
WIDEST = 1200
WIDTH_HINT = f"A width is a number of pixels, 1 to {WIDEST:,}: {{width=300}}."
_TYPED_SCHEME = r"(?:h{1,3}t{1,3}p{1,2}|ttp)s{0,2}"
# A scheme that is none, or two in a row, of which the last counts.
_MISSPELT = re.compile(
    rf"(?!https?://(?!/|https?(?::|//)))(?:{_TYPED_SCHEME}[:;]?/{{1,3}})?(?P<last>{_TYPED_SCHEME})(?:[:;]{{1,2}}/{{0,3}}|/{{2,3}})(?=[\w\[])",
    re.IGNORECASE,
)
_DRIVE = re.compile(r"[A-Za-z]:(?:%5C|[\\/])")


@dataclass(frozen=True, slots=True)
class Found:
    """What a look for a local image gave: the asset, or why there is none (``problem`` empty: no such file)."""

    asset: Asset | None = None
    problem: str = ""


Finder = Callable[[str], Found]


@dataclass(slots=True)
class Reading:
    """What surrounds the reading of one issue: its path as shown, merge fields, canonical address, and where images are looked for.

    ``local`` finds a file by the path in the issue, ``embedded`` decodes a ``data:`` address.
    """

    path: str
    fields: MergeFields
    base_url: str
    local: Finder
    embedded: Finder
    findings: list[Finding] = field(default_factory=list)
    assets: dict[str, Asset] = field(default_factory=dict)

    def where(self, line: int) -> Where:
        """Name a line of the issue."""
        return Where(self.path, line or None)

    def link(self, href: str, line: int) -> str:
        """Complete the address of a link; empty when mail cannot hold it."""
        href = href.strip()
        if not href or href.startswith(("#", self.fields.prefix)):
            return href
        if whole := _completed(href):
            message = f"{href[:80]!r} does not say that it leads to another site; {whole[:90]} is used"
            if whole.startswith("mailto:"):
                message = f"{href[:80]!r} does not say that it is for mail; {whole[:90]} is used"
            self.findings.append(warning("link-without-scheme", self.where(line), message, f"Write {whole[:90]} here."))
            return whole
        if scheme := _SCHEME.match(href):
            return href if scheme[0].lower() in {"http:", "https:", "mailto:", "tel:"} else ""
        if href.startswith("//"):
            return f"https:{href}"
        if not self.base_url:
            message = f"the link to {href[:80]!r} has no site to point to"
            self.findings.append(
                error("relative-link", self.where(line), message, "Write the whole address, or set site_url in newsletter.toml.")
            )
            return href
        return self._joined(href)

    def _joined(self, address: str) -> str:
        try:
            return urljoin(self.base_url, address)
        except ValueError:
            return ""

    def image(self, src: str, alt: str, title: str, width: str, line: int) -> Image | None:
        """Find an image; None when there is nothing to show."""
        src = src.strip()
        where = self.where(line)
        if not src:
            self.findings.append(warning("empty-image", where, "the image has no address and is left out", "Delete ![](), or fill it in."))
            return None
        if not alt.strip():
            hint = "Say what it shows between the brackets: ![A crowded hall](…)."
            self.findings.append(
                warning("image-without-alt", where, f"the image {_short(src)} has no text for readers who do not see it", hint)
            )
        shown = self._width(width, src, where)
        address, asset = self._source(src, where)
        if not address:
            return None
        natural = (asset.width, asset.height) if asset else (0, 0)
        return Image(address, " ".join(alt.split()), " ".join(title.split()), *natural, shown_width=shown, line=line)

    def _width(self, typed: str, src: str, where: Where) -> int:
        width = typed.strip().lower().removesuffix("px").strip()
        if not width:
            return 0
        if re.fullmatch(r"[0-9]{1,4}", width) and 1 <= int(width) <= WIDEST:
            return int(width)
        message = f"the width {typed[:20]!r} of the image {_short(src)} is not used"
        self.findings.append(warning("image-width", where, message, WIDTH_HINT))
        return 0

    def _source(self, src: str, where: Where) -> tuple[str, Asset | None]:
        if src.startswith(self.fields.prefix) or re.match(r"https?://", src, re.IGNORECASE):
            return src, None
        if src[:5].lower() == "data:":
            hint = "Save the picture as a file beside the issue: mail programs show no data: images, so it travels as an attachment."
            self.findings.append(warning("image-data-uri", where, f"a picture of {len(src):,} characters is pasted into the text", hint))
            return self._asset(self.embedded(src), src, where)
        if src.startswith("//"):
            return f"https:{src}", None
        if _SCHEME.match(src):
            self.findings.append(
                error(
                    "image-address",
                    where,
                    f"an email cannot show an image at {_short(unquote(src) if _DRIVE.match(src) else src)}",
                    "Copy the file beside the issue and write its name, or use an https address.",
                )
            )
            return "", None
        found = self.local(src)
        if found.asset or found.problem:
            return self._asset(found, src, where)
        return self._missing(src, where), None

    def _asset(self, found: Found, src: str, where: Where) -> tuple[str, Asset | None]:
        asset = found.asset
        if asset is None:
            self.findings.append(
                error("image-unreadable", where, f"the image {_short(src)} {found.problem}", "Save it as PNG, JPEG or GIF.")
            )
            return "", None
        if len(asset.data) > HEAVY:
            size = f"{len(asset.data) / 1_000_000:.1f} MB"
            self.findings.append(
                warning(
                    "image-heavy",
                    where,
                    f"the image {_short(src)} weighs {size}",
                    "Scale it to 1,200 pixels width or less; aim for under 200 KB.",
                )
            )
        self.assets.setdefault(asset.mark, asset)
        return asset.mark, asset

    def _missing(self, src: str, where: Where) -> str:
        if not src.startswith("/"):
            self.findings.append(
                error("image-not-found", where, f"there is no image {_short(src)}", "Paths are relative to the issue or to the project.")
            )
            return ""
        if not self.base_url:
            hint = "Put the file there, or set site_url in newsletter.toml if the site has it."
            self.findings.append(
                error("image-not-found", where, f"there is no image {_short(src)} in the project, and no site to find it on", hint)
            )
            return ""
        address = self._joined(src)
        message = f"the image {_short(src)} is not in the project; readers will load {address}"
        self.findings.append(warning("image-not-local", where, message, "Make sure the site has it, or put the file into the project."))
        return address


def meant(address: str) -> str:
    """The web address that a misspelt one stands for, such as ``hhttps://``, ``https://https://`` or ``https//``; empty when it is none."""
    match = _MISSPELT.match(address)
    if match is None:
        return ""
    return f"{'https' if match['last'].lower() != 'http' else 'http'}://{address[match.end() :]}"


def _completed(href: str) -> str:
    """An address with the scheme that its author left out; empty when it is none of another site, nor for mail."""
    if mail := _MAIL.match(href):
        return f"mailto:{href}" if mail["last"].lower() not in _ENDINGS else ""
    typed = re.split(r"[/?#]", href, maxsplit=1)[0]
    host = unquote(typed)  # Markdown escapes letters beyond ASCII, which names of sites may have
    found = _SITE.fullmatch(host)
    if found and (found["last"].lower() not in _ENDINGS or host[:4].lower() == "www."):
        return f"https://{host}{href[len(typed) :]}"
    return ""


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:60]}…{text[-15:]}"  # noqa: PLR2004 - fits a terminal line
