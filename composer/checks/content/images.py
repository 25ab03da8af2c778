"""Images: words that say nothing of what they show, and pictures larger than any mail shows them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composer.checks.content.passages import Words
from composer.checks.letter import Letter
from composer.findings import Finding, info, warning
from composer.issue.addresses import HEAVY, WIDEST

# What a picture of 1,200 pixels takes as a JPEG of good quality is half of it.
MUCH = 300_000
_FILE_NAME = re.compile(
    r"[\w .()%+-]{1,200}\.(?:png|jpe?g|gif|webp|svg|bmp|tiff?|heic)"
    r"|(?:img|dsc[nf]?|dscf|pxl|image|screen[ -]?shot|screenshot|photo|picture|unnamed|untitled)[ _-]?\d[\w .:-]{0,40}",
    re.IGNORECASE,
)
_NOTHING = frozenset(
    "image,picture,photo,img,graphic,banner,header,header image,banner image,image alt text,alt text,alt,untitled,unnamed,screenshot,hero,"
    "hero image,thumbnail,placeholder,image here,photo here,newsletter image,bild,foto,imagen,immagine,imagem,afbeelding".split(",")
)


def check_images(words: Words, letter: Letter) -> Iterator[Finding]:
    """Judge each image; one without any words is the reader's to report, one of more than a megabyte too."""
    assets = {asset.mark: asset for asset in letter.issue.assets}
    told: set[str] = set()
    for image in words.images:
        where = words.where(image.line, f"![{image.alt}]", "![")
        alt = image.alt.strip()
        if alt and (_FILE_NAME.fullmatch(alt) or alt.casefold().strip(" .:") in _NOTHING):
            message = f"“{alt[:60]}” does not say what the image shows, to readers who do not see it"
            yield warning("alt-says-nothing", where, message, "Say what it shows: ![A crowded hall](…); or nothing, if it only decorates.")
        asset = assets.get(image.src)
        if asset is None or asset.mark in told:
            continue
        told.add(asset.mark)
        if asset.width > WIDEST:
            message = f"the image {asset.name} is {asset.width:,} pixels wide; no mail shows more than {WIDEST:,}"
            yield warning("image-too-wide", where, message, "Scale it; --fix does it, and keeps the original.")
        elif MUCH < len(asset.data) <= HEAVY:
            message = f"the image {asset.name} weighs {len(asset.data) // 1000} KB"
            yield info(
                "image-weight", where, message, "Save a photograph as JPEG, a drawing as PNG with few colours; aim for under 200 KB."
            )
