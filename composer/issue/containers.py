"""The block rule of directives: ``::: name argument`` to ``:::``, nested with any number of colons from three.

An end closes the directive opened last with as many colons, else the last one with fewer; colons in fenced code count as code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock

DEEPEST = 60
_COLONS = re.compile(r"(:{3,})[ \t]*(.*?)[ \t]*$")
_FENCE = re.compile(r"(`{3,}|~{3,})(.*)")


def directive_rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    """Open a directive, read what is in it, close it; or take a lone end, which closes nothing, out of the text."""
    opener = _colons(state, start_line)
    if opener is None:
        return False
    if silent:
        return True
    colons, params = opener
    if not params:
        token = state.push("directive_stray", "", 0)
        token.map = [start_line, start_line + 1]
        state.line = start_line + 1
        return True
    end = _end(state, start_line, end_line, colons)
    closed = end < end_line and _colons(state, end) is not None and state.sCount[end] >= state.blkIndent
    token = state.push("directive_open", "div", 1)
    token.block, token.info, token.map = True, params, [start_line, end]
    token.meta["closed"] = closed
    old_parent, old_line_max = state.parentType, state.lineMax
    state.parentType, state.lineMax = "container", end
    state.md.block.tokenize(state, start_line + 1, end)
    state.push("directive_close", "div", -1).block = True
    state.parentType, state.lineMax = old_parent, old_line_max
    state.line = end + (1 if closed else 0)
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _colons(state: StateBlock, line: int) -> tuple[int, str] | None:
    start = state.bMarks[line] + state.tShift[line]
    if not state.src.startswith(":::", start) or state.is_code_block(line):
        return None
    match = _COLONS.match(_line(state, line))
    return (len(match[1]), match[2]) if match else None


def _fence(text: str, open_fence: str) -> str:
    """The fence of the code block that a line is in or opens; empty outside and where it ends."""
    match = _FENCE.match(text)
    if match is None or (open_fence and (not match[1].startswith(open_fence) or match[2].strip())):
        return open_fence
    return "" if open_fence else match[1]


def _end(state: StateBlock, start_line: int, end_line: int, colons: int) -> int:
    """The line of a directive's end, or the first line behind what surrounds it."""
    opened = [colons]
    fence = ""
    for line in range(start_line + 1, end_line):
        if not state.isEmpty(line) and state.sCount[line] < state.blkIndent:
            return line
        start = state.bMarks[line] + state.tShift[line]
        if state.src[start : start + 3] not in {":::", "```", "~~~"} or state.is_code_block(line):
            continue
        fence = _fence(_line(state, line), fence)
        found = None if fence else _colons(state, line)
        if found is None:
            continue
        if found[1]:
            opened.append(found[0])
        else:
            _close(opened, found[0])
        if not opened or len(opened) > DEEPEST:
            return line if not opened else end_line
    return end_line


def _close(opened: list[int], colons: int) -> None:
    """Take off what an end of so many colons closes: the last directive of as many, else the last of fewer; or nothing."""
    for closes in (colons.__eq__, colons.__gt__):
        for index in range(len(opened) - 1, -1, -1):
            if closes(opened[index]):
                del opened[index:]
                return
