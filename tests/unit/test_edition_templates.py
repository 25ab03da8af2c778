"""Templates and theme: the project's own before the shipped ones, and every mistake with file and line."""

import os
import re

import pytest

from composer.edition.marks import unmark
from composer.edition.templates import Templates
from composer.errors import TemplateError
from composer.findings import Where
from composer.project import SHIPPED_TEMPLATES


@pytest.fixture
def folders(tmp_path):
    """Two folders as a project has them: its own, and the shipped one."""
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    for folder in (own, shipped):
        (folder / "partials").mkdir(parents=True)
    (shipped / "base.mjml").write_text("<mjml>{% block content %}shipped base{% endblock %}</mjml>")
    (shipped / "newsletter.mjml").write_text('{% extends "base.mjml" %}')
    (shipped / "theme.toml").write_text('[colors.light]\ntext = "#111111"\nlink = "#222222"\n[words]\nview = "View"\n')
    return own, shipped


@pytest.fixture
def templates(folders):
    """The templates of both folders."""
    return Templates(folders)


def rendered(templates, name="newsletter.mjml", **context):
    """Render without marks."""
    return unmark(templates.render(name, context))


def failure(templates, name="newsletter.mjml", **context):
    """Render what must fail."""
    with pytest.raises(TemplateError) as caught:
        templates.render(name, context)
    return caught.value


def test_the_shipped_template_serves_when_there_is_no_other(templates):
    """A new project has a letter at once."""
    assert rendered(templates) == "<mjml>shipped base</mjml>"


def test_a_projects_template_replaces_the_shipped_one(templates, folders):
    """One file is enough to change one part, also when it is included by a shipped template."""
    (folders[0] / "base.mjml").write_text("<mjml>own {% block content %}{% endblock %}</mjml>")
    assert rendered(templates) == "<mjml>own </mjml>"


def test_the_shipped_template_stays_in_reach(templates, folders):
    """To change one block of the letter a project extends the letter."""
    (folders[0] / "newsletter.mjml").write_text(
        '{% extends "shipped/newsletter.mjml" %}{% block content %}own, before {{ super() }}{% endblock %}'
    )
    assert rendered(templates) == "<mjml>own, before shipped base</mjml>"


def test_what_a_shipped_template_extends_may_be_the_projects(templates, folders):
    """`shipped/` names one file; the files that it names are looked up as ever."""
    (folders[0] / "newsletter.mjml").write_text('{% extends "shipped/newsletter.mjml" %}')
    (folders[0] / "base.mjml").write_text("<mjml>own base</mjml>")
    assert rendered(templates) == "<mjml>own base</mjml>"


def test_values_are_escaped(templates, folders):
    """Autoescape is on in .mjml and in styles."""
    (folders[0] / "newsletter.mjml").write_text("<mj-text>{{ x }}</mj-text>")
    assert rendered(templates, x='</mj-text><script>"&') == "<mj-text>&lt;/mj-text&gt;&lt;script&gt;&#34;&amp;</mj-text>"


def test_an_unknown_name_is_an_error_with_its_line(templates, folders):
    """A misspelt name must not become an empty hole in a letter to thousands."""
    (folders[0] / "partials" / "head.mjml").write_text("line 1\n\n{{ subjekt }}\n")
    (folders[0] / "newsletter.mjml").write_text('a\n{% include "partials/head.mjml" %}\n')
    err = failure(templates)
    assert err.where == Where("templates/email/partials/head.mjml", 3)
    assert "subjekt" in err.message
    assert "docs/templates.md" in err.hint


def test_an_error_in_a_shipped_template_says_so(templates, folders):
    """The way to it is another than to the project's own file."""
    (folders[1] / "base.mjml").write_text("\n{{ theme.nothing.at.all }}")
    assert failure(templates, theme={}).where == Where("shipped/base.mjml", 2)


def test_an_error_in_a_macro_is_named_by_the_macros_file(templates, folders):
    """Not by the file that calls it."""
    (folders[0] / "macros.mjml").write_text("{% macro button(p) %}\n{{ p.labell }}\n{% endmacro %}")
    (folders[0] / "newsletter.mjml").write_text('{% from "macros.mjml" import button %}\n\n\n{{ button({}) }}')
    assert failure(templates).where == Where("templates/email/macros.mjml", 2)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("{% if %}", 1),
        ("\n{% endif %}", 2),
        ("\n\n{{ x", 3),
        ("{% for x in y %}\n", 1),
        ("{{ x | nofilter }}", 1),
        ("\n{% nonsense %}", 2),
        ('{% include "x" ', 1),
    ],
)
def test_a_syntax_error_has_its_line(templates, folders, source, line):
    """The designer is told where to look."""
    (folders[0] / "newsletter.mjml").write_text(source)
    err = failure(templates)
    assert err.where.path == "templates/email/newsletter.mjml"
    assert err.where.line in {line, line + 1}
    assert err.message.startswith("not valid Jinja2: ")


def test_a_syntax_error_in_an_included_file_is_named_by_it(templates, folders):
    """As with any other mistake."""
    (folders[0] / "partials" / "x.mjml").write_text("\n{% endif %}")
    (folders[0] / "newsletter.mjml").write_text('{% include "partials/x.mjml" %}')
    assert failure(templates).where == Where("templates/email/partials/x.mjml", 2)


@pytest.mark.parametrize("name", ["partials/none.mjml", "../secret.mjml", "shipped/../own/x.mjml", "/etc/passwd", "shipped//etc/passwd"])
def test_a_missing_include_is_an_error_at_the_including_line(templates, folders, name):
    """Nor is anything outside the template folders in reach."""
    (folders[0].parent / "secret.mjml").write_text("secret")
    (folders[0] / "newsletter.mjml").write_text(f'\n{{% include "{name}" %}}')
    err = failure(templates)
    assert err.message == f"there is no template {name}"
    assert err.where == Where("templates/email/newsletter.mjml", 2)
    assert "newsletter" in err.hint


def test_a_missing_base_is_an_error_at_the_extending_line(templates, folders):
    """The name is the designer's, so is the line."""
    (folders[0] / "newsletter.mjml").write_text('{% extends "bass.mjml" %}')
    err = failure(templates)
    assert (err.message, err.where) == ("there is no template bass.mjml", Where("templates/email/newsletter.mjml", 1))


@pytest.mark.parametrize("tag", ["extends", "include"])
def test_a_template_without_end_is_an_error(templates, folders, tag):
    """A file that replaces the shipped one and extends itself by its plain name is an easy mistake."""
    (folders[0] / "newsletter.mjml").write_text(f'{{% {tag} "newsletter.mjml" %}}')
    err = failure(templates)
    assert "without end" in err.message
    assert err.where.path == "templates/email/newsletter.mjml"


@pytest.mark.parametrize("source", ["{{ 1 / 0 }}", "{{ x.y() }}", "{{ [1][4] }}", "{% for a, b in [1] %}{% endfor %}", "{{ 'x' + 1 }}"])
def test_what_fails_while_rendering_is_a_template_error(templates, folders, source):
    """A template can fail in as many ways as a program; it never gives a traceback."""
    (folders[0] / "newsletter.mjml").write_text(f"\n{source}")
    assert failure(templates, x={}).where == Where("templates/email/newsletter.mjml", 2)


def test_a_changed_file_is_read_again(templates, folders):
    """The preview renders while the designer writes."""
    path = folders[0] / "newsletter.mjml"
    path.write_text("one")
    assert rendered(templates) == "one"
    path.write_text("two")
    os.utime(path, ns=(1, 1))
    assert rendered(templates) == "two"
    path.unlink()
    assert rendered(templates) == "<mjml>shipped base</mjml>"


def test_a_new_file_of_the_project_takes_over(templates, folders):
    """A template copied into the project works without a restart."""
    assert rendered(templates) == "<mjml>shipped base</mjml>"
    (folders[0] / "base.mjml").write_text("<mjml>own</mjml>")
    assert rendered(templates) == "<mjml>own</mjml>"


def test_windows_files_are_read(templates, folders):
    """A BOM and CRLF come from editors on Windows; the lines are the same."""
    (folders[0] / "newsletter.mjml").write_bytes("\ufeffa\r\n{{ nothing }}\r\n".encode())
    assert failure(templates).where == Where("templates/email/newsletter.mjml", 2)


def test_a_file_that_is_not_utf8_is_an_error(templates, folders):
    """It has a place and a sentence, as any other mistake."""
    (folders[0] / "newsletter.mjml").write_bytes(b"caf\xe9")
    assert failure(templates).where.path == "templates/email/newsletter.mjml"


def test_available_names_are_those_an_issue_can_name(templates, folders):
    """The base is for templates, not for issues."""
    (folders[0] / "special.mjml").write_text("x")
    assert templates.available() == ("newsletter", "special")


# ---- theme -----------------------------------------------------------------------------------------------------


def test_a_projects_theme_is_laid_over_key_by_key(templates, folders):
    """Two lines change two colours; what is not said stays."""
    (folders[0] / "theme.toml").write_text('[colors.light]\nlink = "#333333"\n[logo]\nwidth = 1\n')
    colours = {"light": {"text": "#111111", "link": "#333333"}}
    assert templates.theme() == {"colors": colours, "words": {"view": "View"}, "logo": {"width": 1}}


def test_lists_of_a_theme_are_replaced_whole(templates, folders):
    """Social links of the shipped theme do not stay beside one's own."""
    place = '[[social]]\nurl = "https://example.org"\nname = '
    (folders[1] / "theme.toml").write_text(f'{place}"A"\n{place}"B"\n')
    (folders[0] / "theme.toml").write_text(f'{place}"C"\n')
    assert templates.theme() == {"social": [{"url": "https://example.org", "name": "C"}]}


def test_a_changed_theme_is_read_again(templates, folders):
    """As templates are."""
    assert templates.theme()["words"]["view"] == "View"
    (folders[0] / "theme.toml").write_text('[words]\nview = "See"\n')
    assert templates.theme()["words"]["view"] == "See"
    (folders[0] / "theme.toml").write_text('[words]\nview = "Look at"\n')
    assert templates.theme()["words"]["view"] == "Look at"


def test_a_theme_that_is_not_toml_has_its_line(templates, folders):
    """With the file's name as people know it."""
    (folders[0] / "theme.toml").write_text("[words]\nview = View in browser\n")
    with pytest.raises(TemplateError) as caught:
        templates.theme()
    assert caught.value.where == Where("templates/email/theme.toml", 2)


def test_a_theme_that_is_not_utf8_is_an_error(templates, folders):
    """Saved by an old editor."""
    (folders[0] / "theme.toml").write_bytes(b'[words]\nview = "caf\xe9"\n')
    with pytest.raises(TemplateError):
        templates.theme()


def test_the_shipped_theme_is_whole():
    """Every colour that a shipped template asks for is there in both schemes."""
    theme = Templates((SHIPPED_TEMPLATES,)).theme()
    assert theme["colors"]["light"].keys() == theme["colors"]["dark"].keys()
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted(SHIPPED_TEMPLATES.rglob("*")) if path.suffix in {".mjml", ".j2"})
    assert set(re.findall(r"\b(?<!set\.)(?:c|light)\.([a-z_]+)", sources)) <= theme["colors"]["light"].keys()
    assert set(re.findall(r"theme\.words\.([a-z_]+)", sources)) <= theme["words"].keys()


def test_what_is_amiss_in_a_theme_is_told_of_the_merged_one(templates, folders):
    """The project changed the ground, and the shipped ink no longer stands out from it."""
    (folders[0] / "theme.toml").write_text('\n[colors.light]\ncard = "#333333"\n')
    (finding, other) = templates.theme_findings()
    assert finding.where == other.where == Where("templates/email/theme.toml", 3)
    (folders[0] / "theme.toml").unlink()
    assert templates.theme_findings() == ()


# ---- blocks ----------------------------------------------------------------------------------------------------


def test_a_block_that_is_nowhere_is_an_error_with_its_line(templates, folders):
    """Jinja2 drops its content in silence."""
    (folders[0] / "event.mjml").write_text(
        '{% extends "newsletter.mjml" %}\n{% if true %}\n{% block contnet %}x{% endblock %}\n{% endif %}'
    )
    err = failure(templates, "event.mjml")
    assert err.where == Where("templates/email/event.mjml", 3)
    assert "'contnet'" in err.message
    assert err.hint == "Did you mean content?"
    (folders[0] / "event.mjml").write_text('{% extends "base.mjml" %}{% block zzz %}x{% endblock %}')
    assert failure(templates, "event.mjml").hint == "Its blocks are: content."


def test_a_block_in_the_middle_of_a_chain_is_looked_at_too(templates, folders):
    """The template that is extended may itself be the project's."""
    (folders[0] / "newsletter.mjml").write_text('{% extends "shipped/newsletter.mjml" %}\n{% block kontent %}{% endblock %}')
    (folders[0] / "event.mjml").write_text('{% extends "newsletter.mjml" %}{% block kontent %}x{% endblock %}')
    assert failure(templates, "event.mjml").where.path in {"templates/email/event.mjml", "templates/email/newsletter.mjml"}
    assert failure(templates).where == Where("templates/email/newsletter.mjml", 2)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('{% extends "base.mjml" %}{% block content %}a{% block inner %}b{% endblock %}{% endblock %}', "<mjml>ab</mjml>"),
        ('{% extends "newsletter.mjml" %}{% block content %}a{% endblock %}', "<mjml>a</mjml>"),
        ("{% extends base %}{% block content %}a{% endblock %}{% block other %}b{% endblock %}", "<mjml>a</mjml>"),
        ("{% if base %}{% extends base %}{% endif %}{% block other %}b{% endblock %}", "<mjml>shipped base</mjml>"),
        ("{% block other %}b{% endblock %}", "b"),
    ],
)
def test_blocks_that_are_shown_or_cannot_be_known_are_let_through(templates, folders, source, shown):
    """A new block inside of a known one is how a template offers a place to others."""
    (folders[0] / "event.mjml").write_text(source)
    assert rendered(templates, "event.mjml", base="base.mjml") == shown
