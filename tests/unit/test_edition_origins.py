"""Where the elements of a letter came from."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.fields import fill_for_display
from composer.edition.origins import Origin, elements, with_lines
from composer.issue.files import read_issue
from composer.issue.inlines import plain
from composer.issue.model import Break, Callout, Columns, FootnoteRef, Items, Paragraph, Quote, Span
from composer.ledger.editions import to_payload
from composer.project import find

STAFF = ListSettings(name="staff", kind="staff")


def composed(project, path=None):
    """Compose one of a project's issues."""
    issue = read_issue(path or project.issues / "2026-01.md", project)
    return issue, compose(issue, STAFF, project)


def origin_of(edition, text, name):
    """The origin of the innermost element of a name that stands before a text."""
    at = edition.html.index(text)
    pairs = zip(elements(edition.html), edition.origins, strict=True)
    return [origin for element, origin in pairs if element.start < at and element.name == name][-1]


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, {name: value or "" for name, value in attributes}))


def test_elements_are_those_of_the_standard_parser(project):
    """Ours is quicker and knows where each begins; what it finds is the same."""
    for html in (
        composed(project)[1].html,
        '<p a=1 b="<&amp;" c=\'"\' d>x<!-- <b> --><style>a>b{}</style><br/><TITLE>&lt;i></TITLE><hr></p>',
    ):
        parser = _Tags()
        parser.feed(html)
        parser.close()
        found = list(elements(html))
        assert [(element.name, element.attributes) for element in found] == parser.found
        assert all(html[element.start] == "<" and html[element.end - 1] == ">" for element in found)


def test_lines_of_the_issue_and_of_the_template_are_known(project):
    """A heading, a link, a list's item, an event's row; and what the template says by itself."""
    _, edition = composed(project)
    lines = (project.issues / "2026-01.md").read_text().splitlines()
    assert len(edition.origins) == len(list(elements(edition.html)))
    for text, name in (
        ("snowdrops</a>", "li"),
        ("snowdrops</a>", "a"),
        ("Spring fair", "td"),
        ("Garden</h2>", "h2"),
        ("here is the month", "p"),
    ):
        assert text.split("<", maxsplit=1)[0] in lines[origin_of(edition, text, name).line - 1]
    footer = origin_of(edition, "1 Sample Street", "p")
    assert footer.template == "shipped/partials/footer.mjml"
    assert footer.line == 0
    assert "postal_address" in (project.template_folders[-1] / "partials/footer.mjml").read_text().splitlines()[footer.template_line - 1]


def _paragraphs(blocks):
    for block in blocks:
        match block:
            case Paragraph():
                yield block
            case Items():
                for item in block.items:
                    yield from _paragraphs(item)
            case Quote() | Callout():
                yield from _paragraphs(block.blocks)
            case Columns():
                for column in block.columns:
                    yield from _paragraphs(column)


def _simple(children):
    return all(
        not isinstance(child, Break | FootnoteRef) and (not isinstance(child, Span) or _simple(child.children)) for child in children
    )


def check_paragraphs(project, path):
    """Every paragraph's element, and all that stands in it, has the paragraph's line or one below it."""
    from composer.checks.page import page_of

    issue, edition = composed(project, path)
    page = page_of(edition.html, issue.path, edition.origins)
    found = Counter((node.text, node.where.line) for node in page.nodes if node.tag in {"p", "li"} and node.where.path == issue.path)
    blocks = [*issue.lead, *(block for section in issue.sections for block in section.blocks)]
    paragraphs = [
        each for each in _paragraphs(blocks) if _simple(each.children) and edition.fields[0].mark[:13] not in plain(each.children)
    ]
    assert paragraphs
    lasts = {each.line: each for each in paragraphs}
    for each in paragraphs:
        assert any(text.startswith(" ".join(plain(each.children).split())) and line == each.line for text, line in found), each
    for node in page.nodes:
        if node.tag == "p" and node.where.path == issue.path and node.where.line in lasts:
            inside = [child for child in page.nodes if node in child.ancestors()]
            assert all(child.where.path == issue.path and child.where.line >= node.where.line for child in inside)


@pytest.mark.parametrize("stem", ["2026-01", "showcase"])
def test_every_element_of_a_paragraph_has_its_line_in_the_projects_own_issues(repository, stem):
    """The example and the showcase of everything that can be written."""
    check_paragraphs(find(repository, exact=True), repository / "issues" / f"{stem}.md")


def test_every_element_of_a_paragraph_has_its_line_in_real_issues(shared_issues, repository):
    """What people really wrote."""
    for path in shared_issues:
        check_paragraphs(find(repository, exact=True), path)


def test_a_merged_letter_keeps_its_lines(project):
    """The preview shows somebody's letter, and a click still finds the line."""
    _, edition = composed(project)
    shown = fill_for_display(edition, edition.html)
    lined = with_lines(shown, edition.origins)
    assert lined.count(" data-line=") == sum(origin.line > 0 for origin in edition.origins)
    marked = next(element for element in elements(lined) if element.attributes.get("href", "").endswith("snowdrops"))
    assert "snowdrops" in (project.issues / "2026-01.md").read_text().splitlines()[int(marked.attributes["data-line"]) - 1]
    assert with_lines(shown + "<p>more</p>", edition.origins) == shown + "<p>more</p>"


def test_origins_are_no_part_of_what_an_edition_is(project):
    """Two Editions of the same bytes are the same, and the digest knows nothing of lines."""
    _, edition = composed(project)
    assert replace(edition, origins=()) == edition
    assert hash(replace(edition, origins=())) == hash(edition)
    assert "Origin" not in repr(edition)
    assert "origins" not in to_payload(edition)
    assert "data-at" not in edition.html + edition.mjml
    assert not re.search(r"<[a-z-]+@| at=|/\*<@", edition.mjml)


def test_a_template_that_says_nothing_of_lines_still_has_its_own(project):
    """Lines in running text come by themselves; ``at`` is only for what a template builds."""
    own = project.root / "templates" / "email" / "plain.mjml"
    own.parent.mkdir(parents=True)
    own.write_text(
        "<mjml><mj-body><mj-section><mj-column>\n{% for part in sections %}{% for p in part.pieces %}\n"
        '<mj-text>{% if p.kind == "prose" %}{{ p.html }}{% else %}<b>thing</b>{% endif %}<a href="{{ field("unsubscribe_url") }}">x</a></mj-text>\n'
        "{% endfor %}{% endfor %}</mj-column></mj-section></mj-body></mjml>"
    )
    path = project.issues / "2026-01.md"
    path.write_text(path.read_text().replace("subject:", "template: plain\nsubject:"))
    _, edition = composed(project)
    assert origin_of(edition, "snowdrops", "li").line == 13
    thing = origin_of(edition, "thing", "b")
    assert thing == Origin("templates/email/plain.mjml", 3, 0)


def test_style_sheets_know_their_lines(project):
    """A rule that the inliner moved into an element is found where it was written."""
    _, edition = composed(project)
    sheet = next(sheet for sheet in edition.origins.sheets if ".toc-box{" in sheet.text)
    line = sheet.text[: sheet.text.index(".toc-box{")].count("\n") + 1
    template, number = sheet.place(line)
    assert template == "shipped/styles/inline.css.j2"
    assert (project.template_folders[-1] / "styles/inline.css.j2").read_text().splitlines()[number - 1].startswith(".toc-box{")
    assert sheet.place(line) != sheet.place(line + 1)
    assert all(sheet.place(1) == ("", 0) for sheet in edition.origins.sheets if "#outlook" in sheet.text)


def test_a_letter_with_other_tags_than_were_compiled_has_no_origins(project):
    """Nothing is said rather than something wrong."""
    from composer.edition.origins import Origins

    _, edition = composed(project)
    marked, templates, html = edition.origins._made
    assert len(Origins(marked, templates, html)) > 100
    assert tuple(Origins(marked, templates, html.replace("<h1", "<h2", 1))) == ()
    assert tuple(Origins(marked, templates, html + "<p>")) == ()
