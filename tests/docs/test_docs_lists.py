"""What docs/lists.md says of declarations, segments and imports is so."""

from __future__ import annotations

import re

import pytest

from composer.audience.columns import normalised
from composer.audience.consent import RULES, of_file, rule_of
from composer.audience.declaration import read_declaration
from composer.audience.segment import SegmentError, compile_segment


@pytest.fixture
def page(repository):
    """The page as written."""
    return (repository / "docs" / "lists.md").read_text(encoding="utf-8")


def test_the_declaration_shown_is_read(page):
    """It is what people copy."""
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    declaration = read_declaration(text, "members", "recipients/members.toml")
    assert list(declaration.segments) == ["fr", "speakers"]
    assert declaration.in_ledger


def test_every_expression_shown_compiles(page):
    """A table with a mistake in it teaches the mistake."""
    part = page.partition("| write | for people |")[2].partition("How values compare")[0]
    shown = [each for each in re.findall(r"`([^`\n]+)`", part) if re.search(r"\w.*([=(<>]| in )", each)]
    assert len(shown) > 14
    for expression in shown:
        assert compile_segment(expression)


def test_the_mistake_shown_is_printed_so(page):
    """The caret stands where the page says."""
    (text,) = re.findall(r"```text\n(one = .*?)```", page, re.DOTALL)
    with pytest.raises(SegmentError) as caught:
        compile_segment('country = "FR"')
    assert text == f"{caught.value.message}\n{caught.value.hint}\n"


def test_the_columns_and_files_named_are_understood(page):
    """Each column of consent that the table names has a rule, each rule of a tool is named, and so with files."""
    part = page.partition("| from | what is understood |")[2].partition("## Suppressions")[0]
    for tool in {rule.tool for rule in RULES} - {""}:
        assert f"| {tool} |" in part
    named = ["UNSUB_TIME", "UNSUB_REASON", "CLEAN_TIME", "TAGS", "subscribed_to_emails", "deleted_at", "labels", "email_disabled"]
    named += ["Unsubscribed from all email", "Email hard bounce reason", "Invalid email address", "Marketing contact status"]
    generic = re.findall(r"`(\w+)`", part.partition("| anything else |")[2].partition("\n")[0])
    assert len(generic) > 10
    for column in [*named, *generic]:
        assert f"`{column}`" in part
        assert rule_of(normalised(column)), column
    for name in re.findall(r"`((?:un|non)subscribed_|cleaned_)…`|`([a-z-]+)\.csv`", part):
        assert of_file("".join(name)), name
