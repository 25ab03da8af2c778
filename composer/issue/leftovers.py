"""What looks like markup and is none, in running text: it will be read by people as it stands."""

from __future__ import annotations

import re

from composer.findings import Finding, Where, warning
from composer.issue.addresses import WIDTH_HINT

# Every repetition is bounded, so no text makes the search more than linear.
_ALMOST = re.compile(
    r"(?P<field>\{\{[^{}\n]{0,120}\}\})"
    r"|(?P<attributes>\{[ ]{0,3}[.#][A-Za-z][\w-]{0,40}(?:[ ][^{}\n]{0,80})?\})"
    r"|\{[ ]{0,3}width[ ]{0,3}=[ ]{0,3}(?P<width>[^{}\n]{0,40})\}"
    r"|(?P<note>\[\^[^\s\[\]]{1,40}\])"
    r"|\]\((?P<address>(?:[^()\s<>\"]|\([^()\s]{0,40}\)){1,200}(?:[ ]{1,3}(?:[^()\s<>\"]|\([^()\s]{0,40}\)){1,100}){1,20})\)"
)


def spaced(address: str, where: Where) -> Finding:
    """Say that an address with a space in it makes no link or image."""
    message = f"the address {address[:80]!r} goes on behind a space, so this is no link or image and will be read as text"
    hint = "Write %20 for each space, or put the address in angle brackets: [text](<my file.pdf>)."
    return warning("link-with-space", where, message, hint)


def leftovers(text: str, path: str, line: int) -> list[Finding]:
    """Report what is left in a text that starts at ``line``: near merge fields, attributes, links, references to no footnote."""
    if "{" not in text and "[^" not in text and "](" not in text:
        return []
    findings: list[Finding] = []
    seen = 0
    for match in _ALMOST.finditer(text):
        line += text.count("\n", seen, match.start())
        seen = match.start()
        where = Where(path, line)
        if match["field"]:
            message = f"{match[0]} is not a merge field and will be read as text"
            hint = 'A merge field is one word: {{ first_name }} or {{ first_name | default("friend") }}.'
            findings.append(warning("braces-as-text", where, message, hint))
        elif match["attributes"]:
            message = f"{match[0]} belongs to nothing and will be read as text"
            hint = "It stands right behind a link or an image, with no space between: [Register](https://…){.button}."
            findings.append(warning("attributes-as-text", where, message, hint))
        elif match["width"] is not None:
            message = f"{match[0]} will be read as text"
            findings.append(
                warning("image-width", where, message, f"{WIDTH_HINT} It stands right behind the image, with no space between.")
            )
        elif match["address"]:
            if re.search(r"[./\\]", match["address"]):
                findings.append(spaced(match["address"], where))
        else:
            message = f"there is no footnote {match[0]}; it will be read as text"
            findings.append(warning("footnote-missing", where, message, f"Write it on a line of its own: {match[0]}: what it says."))
    return findings
