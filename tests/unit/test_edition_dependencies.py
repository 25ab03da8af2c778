"""Which files a template is made of, so that a preview reloads what changed and nothing else; and pages whose values are text."""

from __future__ import annotations

import jinja2
import pytest

from composer.edition.templates import Templates, pages_of
from composer.project import SHIPPED_TEMPLATES


@pytest.fixture
def folders(tmp_path):
    """A project's own folder before a shipped one."""
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    for folder in (own, shipped):
        (folder / "partials").mkdir(parents=True)
    (shipped / "base.mjml").write_text('<mjml>{% include "styles.css" %}{% block content %}{% endblock %}</mjml>')
    (shipped / "newsletter.mjml").write_text('{% extends "base.mjml" %}{% from "macros.mjml" import flow with context %}')
    (shipped / "macros.mjml").write_text('{% import "partials/deep.mjml" as deep %}{% macro flow() %}{% endmacro %}')
    (shipped / "partials" / "deep.mjml").write_text("x")
    (shipped / "styles.css").write_text("p{}")
    (shipped / "other.mjml").write_text("<mjml></mjml>")
    return own, shipped


def test_extends_includes_and_imports_are_followed(folders):
    """However deep; a template that is not named is not among them."""
    found = Templates(folders).dependencies("newsletter.mjml")
    assert found == {"newsletter.mjml", "base.mjml", "styles.css", "macros.mjml", "partials/deep.mjml"}


def test_the_projects_own_file_counts(folders):
    """It stands before the shipped one, and may be made of other parts; the shipped one stays in reach."""
    own, _ = folders
    (own / "newsletter.mjml").write_text('{% extends "shipped/newsletter.mjml" %}{% include "partials/mine.mjml" %}')
    found = Templates(folders).dependencies("newsletter.mjml")
    assert {"shipped/newsletter.mjml", "base.mjml", "partials/mine.mjml"} <= found  # also what is not there yet


@pytest.mark.parametrize("text", ["{% include name %}", "{% broken %}", '{% extends "a" if b else c %}'])
def test_what_only_rendering_can_tell_is_said(folders, text):
    """Then everything has to be taken for a part."""
    (folders[0] / "newsletter.mjml").write_text(text)
    assert Templates(folders).dependencies("newsletter.mjml") is None


def test_a_circle_has_an_end(folders):
    """Two files that include each other are two files."""
    (folders[0] / "a.mjml").write_text('{% include "b.mjml" %}')
    (folders[0] / "b.mjml").write_text('{% include "a.mjml" %}')
    assert Templates(folders).dependencies("a.mjml") == {"a.mjml", "b.mjml"}


def test_the_shipped_letter_can_be_followed():
    """Nothing in it is known only while it is rendered: an editor's save reloads what uses the file."""
    found = Templates((SHIPPED_TEMPLATES,)).dependencies("newsletter.mjml")
    assert {"base.mjml", "partials/footer.mjml", "styles/dark-rules.css.j2", "macros/section.mjml"} <= found


def test_values_in_pages_are_text(tmp_path):
    """Whatever an issue, a list or a person is called; and a name that is lacking is a mistake, not a gap."""
    (tmp_path / "page.html").write_text("<p title='{{ x }}'>{{ x }}</p><script>{{ data | tojson }}</script>")
    pages = pages_of(tmp_path)
    html = pages.render("page.html", {"x": "<b>'\"", "data": "</script><b>"})
    assert "<b>" not in html
    assert html.count("</script>") == 1
    with pytest.raises(jinja2.UndefinedError):
        pages.render("page.html", {"data": "y"})
