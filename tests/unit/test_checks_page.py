"""The letter as a tree that knows its places."""

from composer.checks.css import rules
from composer.checks.page import page_of
from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.origins import Origin
from composer.findings import Where
from composer.issue.files import read_issue

STAFF = ListSettings(name="staff", kind="staff")


def test_the_tree_has_elements_texts_and_comments():
    """References are resolved, but in style; comments stand apart; what is hidden in the head is no text."""
    page = page_of(
        "<html><head><title>T &amp; t</title><style>a>b{x:y}</style></head><body><p>A&nbsp;b <b>c</b><br>d<!-- e --></p>&lt;</body></html>",
        "x.md",
    )
    assert [node.tag for node in page.nodes] == ["html", "head", "title", "style", "body", "p", "b", "br"]
    body, paragraph, bold, _ = page.nodes[4:]
    assert body.text == "A b c d<"
    assert page.root.text == body.text
    assert paragraph.children[1] is bold
    assert [node.tag for node in bold.ancestors()] == ["p", "body", "html"]
    assert page.comments == [" e "]
    assert page.styles == [("a>b{x:y}", Where("x.md"))]
    assert page.nodes[2].children == ["T & t"]


def test_elements_that_end_by_themselves_and_tags_that_close_nothing():
    """Lists and tables as people write them nest as in a browser."""
    page = page_of("<ul><li>a<li>b<ul><li>c</ul><li>d</ul></p><table><tr><td>1<td>2<tr><td>3</table>", "x.md")
    items = [node for node in page.nodes if node.tag == "li"]
    assert [node.text for node in items] == ["a", "bc", "c", "d"]
    assert [node.parent.tag for node in items] == ["ul"] * 4
    rows = [node for node in page.nodes if node.tag == "tr"]
    assert [[cell.text for cell in row.children] for row in rows] == [["1", "2"], ["3"]]


def test_styles_are_those_that_hold():
    """The last of a name wins, in lower case."""
    page = page_of('<p style="COLOR:Red;color:BLUE;margin:0">x</p>', "x.md")
    assert page.nodes[0].style == {"color": "blue", "margin": "0"}


def test_places_are_the_issues_lines_before_the_templates():
    """What styles come from is the template all the same."""
    page = page_of("<div><p>x</p></div>", "issues/x.md", (Origin("a.mjml", 3, 0), Origin("a.mjml", 4, 12)))
    assert [node.where for node in page.nodes] == [Where("a.mjml", 3), Where("issues/x.md", 12)]
    assert page.nodes[1].source == Where("a.mjml", 4)


def test_origins_of_another_letter_count_for_nothing():
    """Better no line than a wrong one."""
    page = page_of("<div><p>x</p></div>", "issues/x.md", (Origin("a.mjml", 3, 0),))
    assert {node.where for node in page.nodes} == {Where("issues/x.md")}


def test_rules_are_found_where_they_were_written(project):
    """Inlined or left in a style block: by selector, and by declaration."""
    issue = read_issue(project.issues / "2026-01.md", project)
    edition = compose(issue, STAFF, project)
    page = page_of(edition.html, issue.path, edition.origins)
    source = (project.template_folders[-1] / "styles/inline.css.j2").read_text().splitlines()

    def line(where):
        assert where.path == "shipped/styles/inline.css.j2"
        return source[where.line - 1]

    dark = next(rule for text, _ in page.styles for rule in rules(text) if rule.selector == ".mk")
    assert page.rule_place(dark).path == "shipped/styles/dark-rules.css.j2"
    assert line(page.rule_place(dark._replace(media="", within=()))).startswith(".mk{")
    assert "white-space:nowrap" in line(page.style_place("white-space", "nowrap"))
    assert page.style_place("white-space", "of no kind") is None
    assert page.rule_place(dark._replace(selector=".no-such")) is None
    assert [where.path for _, where in page.styles if "styles" in where.path][-2:] == [
        "shipped/styles/dark.css.j2",
        "shipped/styles/dark-rules.css.j2",
    ]
