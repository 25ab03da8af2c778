"""MJML to HTML by mjml-python, its only importer, after a lint of our own: the compiler passes what it does not know in silence.

Templates are marked when they are loaded (``<mj-text@3:12``: template 3, line 12; see ``composer.edition.marks``), so that every complaint
about the rendered MJML names the template, line and included file it came from. The marks go before the compiler sees them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from composer.edition.marks import unmark
from composer.edition.mjml_spec import ATTRIBUTES, ENDING, PARENTS, UNSUPPORTED
from composer.errors import TemplateError
from composer.findings import Finding, Where, error

_SOURCE_START = re.compile(r"</?mj")
_MARKED_TAG = re.compile(r"(</?mj[a-z-]*)@(\d{1,6}:\d{1,6})(?=[\s/>])")
_TAG = re.compile(r"<(/?)(mj[a-z-]*)@(\d{1,6}):(\d{1,6})((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
# Escapes of YAML and TOML can write these; XML cannot, and the compiler refuses the whole letter for one.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ATTRIBUTE = re.compile(r"([^\s=\"'/<>]+)(\s*=\s*(?:\"[^\"]*\"|'[^']*'))?")


@dataclass(slots=True)
class _Open:
    tag: str
    where: Where


def lint(marked: str, names: Sequence[str]) -> tuple[Finding, ...]:
    """Check rendered, marked MJML: known tags, in their place, with known attributes, properly closed.

    ``names`` are the templates' names by number. Every finding is an error with template and line.
    """
    findings: list[Finding] = []
    stack: list[_Open] = []
    for match in _TAG.finditer(marked):
        closing, tag, number, line, attributes = match.groups()
        where = Where(names[int(number)], int(line))
        inside = stack[-1].tag if stack else ""
        if inside in ENDING and not (closing and any(tag == item.tag for item in stack)):
            findings.append(
                error("mjml-nesting", where, f"<{tag}> cannot stand in <{inside}>, which holds HTML", f"Close <{inside}> first.")
            )
            continue
        if closing:
            _close(tag, where, stack, findings)
            continue
        _check(tag, attributes, inside, where, findings)
        if not attributes.rstrip().endswith("/"):
            stack.append(_Open(tag, where))
    findings += [error("mjml-unclosed", item.where, f"<{item.tag}> is never closed", f"Write </{item.tag}>.") for item in stack]
    return tuple(findings)


def _close(tag: str, where: Where, stack: list[_Open], findings: list[Finding]) -> None:
    if stack and stack[-1].tag == tag:
        stack.pop()
        return
    opened = next((index for index in reversed(range(len(stack))) if stack[index].tag == tag), None)
    if opened is None:
        findings.append(error("mjml-unclosed", where, f"</{tag}> closes nothing", "Delete it, or open it before."))
        return
    findings += [
        error("mjml-unclosed", item.where, f"<{item.tag}> is not closed before </{tag}> at {where}", f"Write </{item.tag}>.")
        for item in stack[opened + 1 :]
    ]
    del stack[opened:]


def _check(tag: str, attributes: str, inside: str, where: Where, findings: list[Finding]) -> None:
    if tag in UNSUPPORTED:
        findings.append(error("mjml-unsupported", where, f"<{tag}> does not render rightly", UNSUPPORTED[tag]))
        return
    if tag not in PARENTS:
        near = difflib.get_close_matches(tag, PARENTS, 1)
        findings.append(
            error(
                "mjml-unknown-tag",
                where,
                f"there is no <{tag}> in MJML",
                f"Did you mean <{near[0]}>?" if near else "See documentation.mjml.io.",
            )
        )
        return
    if inside != "mj-attributes" and ((inside and inside not in PARENTS[tag]) or (not inside and tag != "mjml")):
        parents = ", ".join(f"<{name}>" for name in sorted(PARENTS[tag]))
        findings.append(
            error(
                "mjml-nesting",
                where,
                f"<{tag}> cannot stand in <{inside or 'the top'}>",
                f"Its place is in {parents or 'a file of its own'}.",
            )
        )
    _check_attributes(tag, attributes, inside, where, findings)


def _check_attributes(tag: str, attributes: str, inside: str, where: Where, findings: list[Finding]) -> None:
    known = ATTRIBUTES[tag]
    for name, value in _ATTRIBUTE.findall(attributes.rstrip().removesuffix("/")):
        if not value:
            findings.append(error("mjml-attribute", where, f"{name} of <{tag}> has no value in quotes", f'Write {name}="…".'))
        elif name not in known and "*" not in known and not (inside == "mj-attributes" and name == "name"):
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"It takes: {', '.join(sorted(known))}."
            findings.append(error("mjml-attribute", where, f"<{tag}> has no attribute {name}", hint))
        elif name.endswith("padding") and (right := _with_units(value)):
            # mrml takes it for none when it works out widths for Outlook.
            message = f"{name} of <{tag}> has a number without a unit"
            findings.append(error("mjml-padding", where, message, f'Write {name}="{right}".'))


def _with_units(value: str) -> str:
    """A padding of several values with each unit written out; empty when nothing is amiss."""
    parts = value.lstrip(" \t\n=").strip("\"'").split()
    right = [f"{part}px" if part.replace(".", "", 1).isdecimal() else part for part in parts]
    return " ".join(right) if len(parts) > 1 and right != parts else ""


def to_html(marked: str, names: Sequence[str]) -> str:
    """Compile rendered, marked MJML to HTML. Raises TemplateError that names template and line for each complaint."""
    from mjml import mjml2html  # noqa: PLC0415 - the door to the compiler

    findings = lint(marked, names)
    if findings:
        first = findings[0]
        raise TemplateError(first.message, where=first.where, hint=first.hint, findings=findings[1:])
    source = _NOT_XML.sub("", unmark(marked))
    try:
        # fonts={}: the default ones would put a Google Fonts link and an @import into every mail.
        return str(mjml2html(source, fonts={}))
    except ValueError as err:
        hint = "Look there for an unclosed tag, a bare < or &, or an attribute without quotes."
        raise TemplateError(f"the MJML cannot be compiled: {err}", where=_culprit(marked, names, str(err)), hint=hint) from err


def _culprit(marked: str, names: Sequence[str], complaint: str) -> Where:
    """The element at the byte that the compiler names, else the one that does not compile on its own."""
    from mjml import mjml2html  # noqa: PLC0415 - as above

    if position := re.search(r"at position (\d+):", complaint):
        before = unmark(marked).encode("utf-8", "surrogatepass")[: int(position[1])].decode("utf-8", "ignore")
        tags = list(_MARKED_TAG.finditer(marked))
        number, line = tags[max(0, len(_SOURCE_START.findall(before)) - 1)][2].split(":")
        return Where(names[int(number)], int(line))
    for match in _TAG.finditer(marked):
        closing, tag, number, line, attributes = match.groups()
        if closing or tag not in ENDING or tag in {"mj-title", "mj-preview", "mj-style"} or attributes.rstrip().endswith("/"):
            continue
        inner = marked[match.end() : marked.find(f"</{tag}", match.end())]
        try:
            mjml2html(
                f"<mjml><mj-body><mj-section><mj-column><{tag}{attributes}>{inner}</{tag}></mj-column></mj-section></mj-body></mjml>",
                fonts={},
            )
        except ValueError:
            return Where(names[int(number)], int(line))
    return Where(names[0] if names else "template")
