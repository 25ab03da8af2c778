"""The split of an issue file into front matter (YAML between ``---``, TOML between ``+++``) and body, with line numbers kept.

Nothing is guessed: a file without front matter, or with one that never ends, is an error that shows what to write.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from composer.errors import IssueError
from composer.findings import Finding, Where, warning
from composer.issue.slips import TEXT_KEYS, cut_off, prose, quoted, quotes_for_field

LONGEST = 64_000
_EDGES = re.compile(
    r"^[ \u00a0]{0,40}(?:-[ \u00a0])?[\w.-]{1,60}[ \u00a0]{0,9}:[ \u00a0]{0,9}|^[ \u00a0]{1,40}|[ \u00a0]{1,9}$", re.MULTILINE
)
_EXAMPLE = "---\ntitle: The title of this issue\n---"
_HEADER = re.compile(r"[A-Za-z][\w -]{0,40}:\s")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """Front matter and body; ``lines`` has the line of each key (``seo.url`` dotted), ``body_line`` that of the body's start.

    Dates are left as the strings they were written as.
    """

    data: Mapping[str, object]
    lines: Mapping[str, int]
    body: str
    body_line: int
    findings: tuple[Finding, ...] = field(default=())


def split(text: str, path: str) -> FrontMatter:
    """Split an issue's text (LF line ends, no BOM). Raises IssueError with the line and what to write instead."""
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise IssueError("the file is empty", where=Where(path, 1), hint=_hint("An issue starts with"))
    fence = lines[first].rstrip()
    if fence not in {"---", "+++"}:
        raise _no_front_matter(lines, first, path)
    ends = {"---": {"---", "..."}, "+++": {"+++"}}[fence]
    end = next((number for number in range(first + 1, len(lines)) if lines[number].rstrip() in ends), None)
    if end is None:
        raise IssueError(
            f"the front matter that starts here with {fence} never ends",
            where=Where(path, first + 1),
            hint=f"Put a line {fence} after its last key.",
        )
    source = "\n".join(lines[first + 1 : end])
    if len(source) > LONGEST:
        if text_at := prose(lines[first + 1 : end]):
            raise _no_end(path, first + 2 + text_at)
        raise IssueError(f"the front matter is longer than {LONGEST:,} characters", where=Where(path, first + 1))
    read = _yaml if fence == "---" else _toml
    data, keys, findings = read(source, path, first + 2)
    return FrontMatter(data, keys, "\n".join(lines[end + 1 :]), end + 2, findings)


def _hint(words: str) -> str:
    return f"{words} three lines of front matter:\n{_EXAMPLE}"


def _no_end(path: str, line: int) -> IssueError:
    return IssueError(
        "the front matter seems not to end: this line is no key",
        where=Where(path, line),
        hint="Put a line --- after the last key, above the text.",
    )


def _no_front_matter(lines: list[str], first: int, path: str) -> IssueError:
    if _HEADER.match(lines[first]):
        hint = f"Headers without fences are not read. Put a line --- above line {first + 1} and another below the last header:\n{_EXAMPLE}"
    elif re.fullmatch(r"\s*(-{3,}|\+{3,})\s*", lines[first]):
        hint = "Write exactly three dashes (or three plus signs) at the start of the line, nothing else."
    else:
        hint = _hint("Start the file with")
    return IssueError("there is no front matter", where=Where(path, first + 1), hint=hint)


class _Loader(yaml.SafeLoader):
    """Safe YAML whose dates stay strings and whose aliases are refused (a few bytes of them can mean gigabytes)."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way to configure a loader
        first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not read here; write the value out", problem_mark=mark)
        return super().compose_node(parent, index)


_Read = tuple[dict[str, object], dict[str, int], tuple[Finding, ...]]


def _yaml(source: str, path: str, first_line: int) -> _Read:
    # A no-break space at a line's ends or behind a key's colon, as pasted text has it, is no space to YAML.
    source = _EDGES.sub(lambda edge: edge[0].replace("\u00a0", " "), source)
    try:
        loader = _Loader(source)
        node = loader.get_single_node()
        data = {} if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as err:
        raise _not_yaml(err, source.split("\n"), path, first_line) from err
    except (yaml.YAMLError, ValueError, RecursionError) as err:
        raise IssueError(f"the front matter is not valid YAML: {str(err) or 'nested too deeply'}", where=Where(path, first_line)) from err
    if not isinstance(node, yaml.MappingNode | None) or not isinstance(data, dict):
        hint = f"Write each on a line of its own: its name, a colon, a space, and what it is:\n{_EXAMPLE}"
        raise IssueError("the front matter has no keys such as title:", where=Where(path, first_line), hint=hint)
    lines: dict[str, int] = {}
    findings: list[Finding] = []
    if node is not None:
        _key_lines(node, "", first_line, lines, findings, path)
        findings += _comments(node, "", source.split("\n"), path, first_line)
    return {str(key): value for key, value in data.items()}, lines, tuple(findings)


def _not_yaml(err: yaml.MarkedYAMLError, lines: list[str], path: str, first_line: int) -> IssueError:
    mark = err.problem_mark or err.context_mark
    text_at = prose(lines)
    if text_at is not None and (mark is None or mark.line >= text_at):
        return _no_end(path, first_line + text_at)
    where = Where(path, first_line + mark.line if mark else None, mark.column + 1 if mark else None)
    near = {at.line for at in (err.problem_mark, err.context_mark) if at and at.line < len(lines)}
    if hint := quotes_for_field(lines[number] for number in sorted(near, reverse=True)):
        return IssueError("the front matter is not valid YAML: a merge field needs quotes around the whole text", where=where, hint=hint)
    hint = "A text with a colon, a quote or a # in it stands in double quotes; lists and sub-keys are indented with spaces."
    return IssueError(f"the front matter is not valid YAML: {err.problem or err.context}", where=where, hint=hint)


def _comments(node: yaml.MappingNode, prefix: str, lines: list[str], path: str, first_line: int) -> Iterator[Finding]:
    """Report unquoted texts that a # ends."""
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        if isinstance(value, yaml.MappingNode) and not prefix:
            yield from _comments(value, f"{name}.", lines, path, first_line)
        elif isinstance(value, yaml.ScalarNode) and value.style is None and name in TEXT_KEYS:
            mark = value.end_mark
            if rest := cut_off(lines[mark.line][mark.column :]):
                whole = f"{value.value} {rest}".strip()
                message = f"{name} is {value.value[:60]!r}: YAML takes {rest[:40]!r} for a comment"
                hint = f"Put the text in quotes: {key.value}: {quoted(whole)[:200]}"
                yield warning("yaml-comment", Where(path, first_line + mark.line), message, hint)


def _key_lines(node: yaml.MappingNode, prefix: str, first_line: int, lines: dict[str, int], findings: list[Finding], path: str) -> None:
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        line = first_line + key.start_mark.line
        if name in lines:
            findings.append(
                warning("duplicate-key", Where(path, line), f"{name} stands here again; the first is on line {lines[name]}", "Keep one.")
            )
        lines[name] = line
        if isinstance(value, yaml.MappingNode) and not prefix:
            _key_lines(value, f"{name}.", first_line, lines, findings, path)


def _toml(source: str, path: str, first_line: int) -> _Read:
    try:
        data = tomllib.loads(source)
    except (ValueError, RecursionError) as err:
        at = re.search(r"at line (\d+)", str(err))
        where = Where(path, first_line + int(at[1]) - 1 if at else first_line)
        raise IssueError(
            f"the front matter is not valid TOML: {str(err) or 'nested too deeply'}", where=where, hint="Texts stand in double quotes."
        ) from err
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(source.split("\n")):
        if header := re.match(r"\s*\[\s*([\w-]+)\s*\]", line):
            table = f"{header[1]}."
            lines.setdefault(header[1], first_line + number)
        elif key := re.match(r"\s*[\"']?([\w-]+)[\"']?\s*=", line):
            lines.setdefault(f"{table}{key[1]}", first_line + number)
    return {key: _plain(value) for key, value in data.items()}, lines, ()


def _plain(value: object) -> object:
    """Dates back to the text they were, so that both formats are read alike."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else value
