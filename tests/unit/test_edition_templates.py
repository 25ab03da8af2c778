"""Templates and theme: the project's own before the shipped ones, and every mistake with file and line."""

import os
import re

import pytest

from composer.edition.mjml import unmark
from composer.edition.templates import Templates, known_sections
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
    (folders[0] / "theme.toml").write_text('[colors.light]\nlink = "#333333"\n[more]\nx = 1\n')
    assert templates.theme() == {"colors": {"light": {"text": "#111111", "link": "#333333"}}, "words": {"view": "View"}, "more": {"x": 1}}


def test_lists_of_a_theme_are_replaced_whole(templates, folders):
    """Social links of the shipped theme do not stay beside one's own."""
    (folders[1] / "theme.toml").write_text('[[social]]\nname = "A"\n[[social]]\nname = "B"\n')
    (folders[0] / "theme.toml").write_text('[[social]]\nname = "C"\n')
    assert templates.theme() == {"social": [{"name": "C"}]}


def test_a_changed_theme_is_read_again(templates, folders):
    """As templates are."""
    assert templates.theme()["words"]["view"] == "View"
    (folders[0] / "theme.toml").write_text('[words]\nview = "See"\n')
    assert templates.theme()["words"]["view"] == "See"
    (folders[0] / "theme.toml").write_text('[words]\nview = "Look at"\n')
    assert templates.theme()["words"]["view"] == "Look at"


@pytest.mark.parametrize("colour", ["red", "#FFF", "#12345", "#1234567", "rgb(0,0,0)", "#GGGGGG", "#111111;x:y", ""])
def test_a_wrong_colour_has_its_line(templates, folders, colour):
    """It would break a letter in the one client that nobody looked at."""
    (folders[0] / "theme.toml").write_text(f'[colors.light]\ntext = "#111111"\n\nlink = "{colour}"\n')
    with pytest.raises(TemplateError) as caught:
        templates.theme()
    assert caught.value.where == Where("templates/email/theme.toml", 4)
    assert "colors.light.link" in caught.value.message
    assert "#rrggbb" in caught.value.hint


def test_a_theme_that_is_not_toml_has_its_line(templates, folders):
    """With the file's name as people know it."""
    (folders[0] / "theme.toml").write_text("[words]\nview = View in browser\n")
    with pytest.raises(TemplateError) as caught:
        templates.theme()
    assert caught.value.where == Where("templates/email/theme.toml", 2)


@pytest.mark.parametrize("text", ["colors = 1", 'colors = "red"', "[colors]\nlight = 1", "[[colors]]\nx = 1", "words = 1"])
def test_a_theme_of_another_shape_is_an_error(templates, folders, text):
    """Never a traceback, nor an empty letter."""
    (folders[0] / "theme.toml").write_text(text)
    with pytest.raises(TemplateError, match="is a table") as caught:
        templates.theme()
    assert caught.value.where.path == "templates/email/theme.toml"


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ('[callouts.note]\n\nlight = { fill = "#EEF5FA", edge = "blue", ink = "#17618A" }', "callouts.note.light.edge", 3),
        ('[sections.kata]\nnames = ["K"]\non_dark = "white"', "sections.kata.on_dark", 3),
    ],
)
def test_every_colour_is_looked_at(templates, folders, text, name, line):
    """Those of boxes and sections too."""
    (folders[0] / "theme.toml").write_text(text)
    with pytest.raises(TemplateError) as caught:
        templates.theme()
    assert name in caught.value.message
    assert caught.value.where == Where("templates/email/theme.toml", line)


def test_a_theme_that_is_not_utf8_is_an_error(templates, folders):
    """Saved by an old editor."""
    (folders[0] / "theme.toml").write_bytes(b'[words]\nview = "caf\xe9"\n')
    with pytest.raises(TemplateError):
        templates.theme()


def test_known_sections_are_found_by_name_whatever_the_case():
    """The heading decides accent and chip."""
    theme = {"sections": {"kata": {"names": ["Kata Containers", "Kata"], "chip": "KC"}, "plain": {"names": ["ẞtraße"]}}}
    assert known_sections(theme) == {"kata containers": ("kata", "KC"), "kata": ("kata", "KC"), "sstrasse": ("plain", "")}
    assert known_sections({"sections": {"kata": {"names": "Kata"}}}) == {"kata": ("kata", "")}
    assert known_sections({}) == {}


def test_the_shipped_theme_is_whole():
    """Every colour that a shipped template asks for is there in both schemes."""
    theme = Templates((SHIPPED_TEMPLATES,)).theme()
    assert theme["colors"]["light"].keys() == theme["colors"]["dark"].keys()
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted(SHIPPED_TEMPLATES.rglob("*")) if path.suffix in {".mjml", ".j2"})
    assert set(re.findall(r"\b(?<!set\.)(?:c|light)\.([a-z_]+)", sources)) <= theme["colors"]["light"].keys()
    assert set(re.findall(r"theme\.words\.([a-z_]+)", sources)) <= theme["words"].keys()
