"""Markdown's tokens, looked over once: each gets its source line, and what Markdown drops without a word becomes a Finding."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from composer.errors import IssueError
from composer.findings import Finding, Where, info, warning
from composer.issue.containers import DEEPEST
from composer.issue.rawhtml import CONTENT_DROPPED, ODD_SCHEME, ends

if TYPE_CHECKING:
    from markdown_it.token import Token

_CLASSES = {"button", "secondary"}
_CELL_EDGE = re.compile(r"(?<!\\)\|")


class Tokens:
    """Looks over the tokens of one body; ``lines`` are the body's, ``notes`` the lines where its footnotes are defined."""

    def __init__(self, path: str, first_line: int, lines: Sequence[str]) -> None:
        self.path = path
        self.first_line = first_line
        self.lines = lines
        self.findings: list[Finding] = []
        self._in_columns: list[bool] = []
        self._lists: list[Token] = []
        self._note_lines: dict[int, int] = {}
        self._line = first_line
        self._columns = 0

    def look_over(self, tokens: Sequence[Token]) -> None:
        """Put ``line`` into each token's meta, ``data-l`` on what opens a block, link or image; report what gets lost."""
        for token in tokens:
            if token.level >= DEEPEST:
                raise IssueError("lists or quotations are nested too deeply here", where=self._where(token), hint="Keep fewer levels.")
            if token.map:
                self._line = self.first_line + token.map[0]
            elif token.type == "footnote_open":
                self._line = self._note_lines.get(token.meta["id"], self._line)
            if token.nesting >= 0:
                token.meta["line"] = self._line
                token.attrSet("data-l", str(self._line))
            self._block(token)
            if token.type == "inline" and token.children:
                self._inline(token, token.children)

    def footnotes(self, defined: Sequence[tuple[str, int]], referred: Mapping[str, int]) -> None:
        """Report footnotes that are never referred to, or defined again; ``defined`` are labels and lines within the body."""
        seen: dict[str, int] = {}
        for label, line in defined:
            where = Where(self.path, self.first_line + line)
            if label in seen:
                message = f"the footnote [^{label[:40]}] stands on line {seen[label]} too; this one is used"
                self.findings.append(warning("footnote-repeated", where, message, "Give each footnote a name of its own."))
            elif referred.get(f":{label}", -1) < 0:
                message = f"nothing refers to the footnote [^{label[:40]}]; it is left out"
                self.findings.append(warning("footnote-unused", where, message, f"Put [^{label[:40]}] behind the words it belongs to."))
            seen[label] = self.first_line + line

    def _where(self, token: Token) -> Where:
        return Where(self.path, self.first_line + token.map[0] if token.map else self._line)

    def _block(self, token: Token) -> None:
        match token.type:
            case "directive_open":
                self._in_columns.append(token.info.lower().split()[:1] == ["columns"])
                if not token.meta["closed"]:
                    message = "this ::: block is never closed"
                    self.findings.append(warning("directive-unclosed", self._where(token), message, "Put a line ::: where it ends."))
            case "directive_close":
                self._in_columns.pop()
            case "directive_stray":
                message = "this ::: closes nothing and is left out"
                self.findings.append(warning("directive-stray", self._where(token), message, "Delete it, or name what it opens."))
            case "heading_open" | "heading_close" if token.markup == "-" and self._in_columns and self._in_columns[-1]:
                token.type, token.tag = token.type.replace("heading", "column_end"), "p"
            case _:
                self._list(token)
                self._table(token)

    def _list(self, token: Token) -> None:
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            self._lists.append(token)
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            self._lists.pop()
        elif token.type == "paragraph_open" and self._lists and token.level == self._lists[-1].level + 2:
            self._lists[-1].meta.setdefault("tight", token.hidden)

    def _table(self, token: Token) -> None:
        if token.type == "thead_open":
            self._columns = 0
        elif token.type == "th_open":
            self._columns += 1
        elif token.type == "tr_open" and token.map:
            self._row(token)

    def _row(self, token: Token) -> None:
        text = self.lines[self._line - self.first_line].lstrip("> \t").rstrip()
        cells = len(_CELL_EDGE.findall(text)) + 1 - text.startswith("|") - (text.endswith("|") and not text.endswith("\\|"))
        if token.level and 0 < self._columns < cells:
            message = f"this row has {cells} cells, the table {self._columns} columns; what is too much is left out"
            self.findings.append(warning("table-cells-dropped", self._where(token), message, "Give the first row as many cells."))

    def _inline(self, token: Token, children: Sequence[Token]) -> None:
        """Give every inline its own line within the paragraph."""
        breaks = [index for index, char in enumerate(token.content) if char == "\n"]
        first = line = self._line
        for child in children:
            if "pos" in child.meta:
                line = first + bisect_right(breaks, child.meta["pos"] - 1)
            child.meta["line"] = line
            if child.type in {"softbreak", "hardbreak"}:
                line += 1
            if child.type in {"link_open", "image"}:
                child.attrSet("data-l", str(child.meta["line"]))
                if ODD_SCHEME.match(address := str(child.attrGet("src" if child.type == "image" else "href"))):
                    child.attrSet("data-a", address)  # the sanitiser takes it away, and people must be told what they typed
            elif child.type == "footnote_ref":
                self._note_lines.setdefault(child.meta["id"], child.meta["line"])
            if child.nesting >= 0:
                self._attributes(child)
        closed: frozenset[str] = frozenset()
        for child in reversed(children):
            if child.type == "html_inline":
                child.meta["closed"] = closed
                closed |= ends(child.content).keys() & CONTENT_DROPPED

    def _attributes(self, token: Token) -> None:
        where = Where(self.path, token.meta["line"])
        if lost := token.meta.get("insecure_attrs"):
            message = f"{{…}} loses: {', '.join(map(str, lost))[:120]}"
            self.findings.append(warning("attribute-dropped", where, message, "Braces may hold .button, .secondary and width=300."))
        if token.type in {"link_open", "image", "code_inline"}:
            unknown = [name for name in str(token.attrGet("class") or "").split() if token.type != "link_open" or name not in _CLASSES]
            if unknown:
                message = f"{{…}} names what has no look of its own: {', '.join(unknown)[:120]}"
                self.findings.append(info("unknown-class", where, message, "A link may be {.button} or {.button .secondary}."))
