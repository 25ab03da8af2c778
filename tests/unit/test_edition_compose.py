"""The pipeline from Issue to Edition: what is set, for which list, from which template, and what every mistake says."""

import re
from dataclasses import replace
from html import unescape

import pytest
from patience import grows_at_most

from composer.config import ListSettings
from composer.edition.compose import NO_SENDER, compose, compose_web
from composer.edition.model import Context
from composer.edition.templates import Templates
from composer.errors import TemplateError
from composer.findings import Severity, Where
from composer.issue.addresses import Found
from composer.issue.reader import parse_issue
from composer.project import SHIPPED_TEMPLATES, with_config

STAFF = ListSettings(name="staff", kind="staff")
HEAD = '---\ntitle: "The Example Letter: January 2026"\nsubject: Subject\npreheader: Preheader\n{}---\n'


def issue(body, front="", site_url="https://www.example.org/news"):
    """Parse an issue of this body; its front matter starts with title, subject and preheader."""
    return parse_issue(
        HEAD.format(front) + body,
        path="issues/2026-01.md",
        stem="2026-01",
        site_url=site_url,
        local=lambda src: Found(),
        embedded=lambda src: Found(),
    )


def sections(count, start=1):
    """Write that many sections."""
    return "".join(f"# Section {n}\n\ntext {n}\n\n" for n in range(start, start + count))


def shown(html):
    """The words of a letter as a reader sees them, conditional comments left out."""
    html = re.sub(r"<!--.*?-->|<style.*?</style>|<head.*?</head>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def theme_of(project, text):
    """Give the project a theme of its own."""
    write(project, "theme.toml", text)


def write(project, name, text):
    """Give the project a template file of its own."""
    path = project.root / "templates" / "email" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_an_edition_has_what_a_message_needs(project):
    """Subject, preheader, both parts, sender, list and digest."""
    edition = compose(issue("Hello {{ first_name }}.\n"), STAFF, project)
    assert (edition.stem, edition.list_name, edition.list_title, edition.language) == ("2026-01", "staff", "The Example Letter", "en")
    assert (edition.subject, edition.preheader) == ("Subject", "Preheader")
    assert edition.from_ == "Example Team <team@example.org>"
    assert re.fullmatch("[0-9a-f]{64}", edition.digest)
    assert edition.findings == ()
    assert "Preheader" in edition.html
    assert "<mjml" in edition.mjml
    assert "@" not in re.sub(r"@(media|import)|\w@example", "", re.sub(r"<mj-style>.*?</mj-style>", "", edition.mjml, flags=re.DOTALL))


def test_fields_in_every_place(project):
    """Each hole knows its context; footer links are holes too."""
    source = HEAD.format("").replace("Subject", '"For {{ first_name }}"').replace("Preheader", '"{{ city }}"')
    body = "Hi {{ first_name }}, [profile]({{ profile_url }}), [map](https://example.org/?q={{ city }}) ![{{ first_name }}](https://example.org/x.png)\n"
    made = parse_issue(source + body, path="issues/x.md", stem="x", site_url="", local=lambda src: Found(), embedded=lambda src: Found())
    edition = compose(made, STAFF, project)
    contexts = {(slot.name, slot.context) for slot in edition.fields}
    assert contexts >= {
        ("first_name", Context.HEADER), ("first_name", Context.TEXT), ("first_name", Context.ATTRIBUTE), ("first_name", Context.PLAIN),
        ("city", Context.HEADER), ("city", Context.URL), ("profile_url", Context.HREF), ("unsubscribe_url", Context.HREF),
    }  # fmt: skip
    parts = edition.subject + edition.preheader + edition.html + edition.text
    assert all(slot.mark in parts for slot in edition.fields)
    assert not re.search(rf"{made.mark_prefix}f\d", parts)
    marks = {slot.mark for slot in edition.fields}
    assert set(re.findall(rf"{made.mark_prefix}[a-z]\d+x", parts)) == marks


def test_addresses_in_the_text_part_are_escaped_as_addresses(project):
    """A city with a space must not break the link in a terminal either."""
    edition = compose(issue("[map](https://example.org/?q={{ city }}) and {{ city }} and [me]({{ profile_url }})\n"), STAFF, project)
    slots = {slot.mark: slot for slot in edition.fields}
    (in_url,) = re.findall(r"https://example\.org/\?q=(\w+)", edition.text)
    assert slots[in_url].context is Context.URL
    words = [slots[word].context for word in re.findall(r"\S+", edition.text) if word in slots and slots[word].name == "city"]
    assert words == [Context.PLAIN]


@pytest.mark.parametrize(("count", "there"), [(3, False), (4, True), (7, True)])
def test_contents_from_four_sections_on(project, count, there):
    """A short letter needs no table of contents."""
    edition = compose(issue(sections(count)), STAFF, project)
    assert ("In this issue" in shown(edition.html)) == there
    assert ("In this issue" in edition.text) == there
    anchors = re.findall(r'href="#([^"]+)"', edition.html)
    assert bool(anchors) == there
    assert set(anchors) <= set(re.findall(r'id="([^"]+)"', edition.html))
    assert len(anchors) == len(set(anchors))


def test_the_month_is_shown(project):
    """Which letter is it?"""
    edition = compose(issue("text\n"), STAFF, project)
    assert "January 2026" in shown(edition.html)
    assert "January 2026" in edition.text


def test_view_in_browser_only_with_a_canonical_address(project):
    """A link to nowhere is worse than none."""
    with_url, without = compose(issue("text\n"), STAFF, project), compose(issue("text\n", site_url=""), STAFF, project)
    assert 'href="https://www.example.org/news/2026-01"' in with_url.html
    assert "View in browser: https://www.example.org/news/2026-01" in with_url.text
    for part in (without.html, without.text):
        assert "View in browser" not in part


def test_the_way_out_is_in_both_parts(project):
    """The law, and good manners; with the postal address and why one gets this."""
    edition = compose(issue("text\n"), replace(STAFF, title="Friends & Staff"), project)
    (mark,) = [
        slot.mark
        for slot in edition.fields
        if slot.name == "unsubscribe_url" and slot.context is Context.HREF and slot.mark in edition.html
    ]
    assert f'href="{mark}"' in edition.html
    assert re.search(r"Unsubscribe: \w+", edition.text)
    for part in (shown(edition.html), " ".join(edition.text.split())):
        assert "because you are subscribed to Friends & Staff." in part
        assert "1 Sample Street, 12345 Springfield" in part


def test_the_footers_places_are_in_both_parts(project):
    """Who reads plain text finds the site and the team's other places as well."""
    theme_of(project, '[[social]]\nname = "Mastodon"\nurl = "https://social.example/@letter"\n')
    edition = compose(issue("text\n"), STAFF, project)
    for address in ("https://social.example/@letter", "https://www.example.org/news"):
        assert f'href="{address}"' in edition.html
        assert address in edition.text.split()
    assert "Mastodon: https://social.example/@letter" in edition.text


@pytest.mark.parametrize(
    ("changes", "there"),
    [({"via": "service"}, False), ({"via": "service", "preferences_url": "https://example.org/p"}, True), ({"via": "sendgrid"}, True)],
)
def test_preferences_only_where_there_are_some(project, changes, there):
    """Our own service has no such page; SendGrid's groups do."""
    project = with_config(project, unsubscribe=replace(project.config.unsubscribe, **changes))
    edition = compose(issue("text\n"), STAFF, project)
    assert ("Change your preferences" in edition.html) == there
    assert ("Change your preferences" in edition.text) == there
    assert any(slot.name == "preferences_url" for slot in edition.fields) == there


@pytest.mark.parametrize(
    "body",
    [
        "only a lead\n",
        "# Only a section\n\ntext\n",
        "# Only a heading\n",
        "[BUTTON](https://example.org)\n",
        "* 4 May | [x](https://example.org) | y\n",
        "::: columns\na\n\n---\n\nb\n:::\n",
        "---\n\n# a\n\n---\n",
    ],
)
def test_every_shape_of_issue_gives_a_letter(project, body):
    """No lead, no headings, nothing but a button: all of them are letters."""
    edition = compose(issue(body), STAFF, project)
    assert edition.html.count("<h1") == 1
    assert edition.html.rstrip().endswith("</html>")


def test_the_web_version_belongs_to_nobody(project):
    """No unsubscribe link, no view-in-browser link, no preheader, and no hole left."""
    made = issue('Hi {{ first_name | default("<friend>") }}, {{ city }}.\n\n[map](https://example.org/?q={{ city }})\n')
    page = compose_web(made, STAFF, project)
    assert made.mark_prefix not in page
    assert "Unsubscribe" not in page
    assert "View in browser" not in page
    assert "because you are subscribed" not in page
    assert "Hi &lt;friend&gt;, {{ city }}." in page
    assert '<link rel="canonical" href="https://www.example.org/news/2026-01">' in page
    assert "https://example.org/?q=%7B%7B%20city%20%7D%7D" in page


def test_a_value_of_the_configuration_is_no_markup(project):
    """Name, address and list title are typed by people."""
    newsletter = replace(project.config.newsletter, name="<b>A & B</b> {{ x }}", postal_address="1 <i> St\nTown & Co")
    edition = compose(issue("text\n"), replace(STAFF, title="<u>T</u>"), with_config(project, newsletter=newsletter))
    for part in ("&lt;b&gt;A &amp; B&lt;/b&gt; {{ x }}", "1 &lt;i&gt; St<br>Town &amp; Co", "&lt;u&gt;T&lt;/u&gt;"):
        assert part in edition.html


# ---- language --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("front", "list_language", "lang", "direction"),
    [
        ("", "", "en", "ltr"),
        ("", "de", "de", "ltr"),
        ("language: fr-CA\n", "de", "fr-CA", "ltr"),
        ("language: ar\n", "", "ar", "rtl"),
        ("language: he-IL\n", "", "he-IL", "rtl"),
        ("", "FA", "FA", "rtl"),
    ],
)
def test_language_and_direction(project, front, list_language, lang, direction):
    """The issue says, else the list, else the newsletter."""
    edition = compose(issue("text\n", front), replace(STAFF, language=list_language), project)
    assert edition.language == lang
    opening = re.search("<html[^>]*>", edition.html)[0]
    assert f'lang="{lang}"' in opening
    assert f'dir="{direction}"' in opening


def test_words_of_the_theme_are_in_both_parts(project):
    """A letter in another language has no English left."""
    theme_of(
        project,
        '[words]\nview = "Im Browser ansehen"\ncontents = "In dieser Ausgabe"\nnotes = "Anmerkungen"\nwhy = "Sie beziehen {list}."\nunsubscribe = "Abbestellen"\n',
    )
    edition = compose(issue("lead[^1]\n\n" + sections(5) + "\n[^1]: note\n"), STAFF, project)
    for part in (shown(edition.html), edition.text):
        for word in ("Im Browser ansehen", "In dieser Ausgabe", "Anmerkungen", "Sie beziehen The Example Letter.", "Abbestellen"):
            assert word in part


# ---- sender ----------------------------------------------------------------------------------------------------


def test_the_lists_sender_comes_first(project):
    """A list may have a voice of its own."""
    edition = compose(issue("text\n"), replace(STAFF, from_="Staff <s@example.org>", reply_to="r@example.org"), project)
    assert (edition.from_, edition.reply_to) == ("Staff <s@example.org>", "r@example.org")


def test_without_a_sender_there_is_a_placeholder_and_a_finding(project):
    """The first preview works; a real transport will refuse."""
    project = with_config(project, newsletter=replace(project.config.newsletter, from_=""))
    edition = compose(issue("text\n"), STAFF, project)
    assert edition.from_ == NO_SENDER
    assert [(finding.code, finding.where) for finding in edition.findings] == [("no-sender", Where("newsletter.toml"))]


# ---- templates -------------------------------------------------------------------------------------------------

BARE = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"


def test_the_template_is_named_by_issue_or_list(project):
    """The issue's word is the last."""
    for name in ("one", "two"):
        write(project, f"{name}.mjml", BARE.format(f"set in {name}"))
    assert "set in" not in compose(issue("text\n"), STAFF, project).html
    assert "set in two" in compose(issue("text\n"), replace(STAFF, template="two"), project).html
    assert "set in one" in compose(issue("text\n", "template: one\n"), replace(STAFF, template="two"), project).html


@pytest.mark.parametrize(
    "name",
    [
        "nope",
        "../x",
        "../../secret",
        "/etc/passwd",
        "base",
        "partials/header",
        "newsletter.mjml",
        "NEWSLETTER",
        "shipped/newsletter",
        "newsletter\\x00",
    ],
)
def test_an_unknown_template_is_an_error_where_it_is_named(project, name):
    """With the names that there are; a path is never followed."""
    (project.root / "templates").mkdir()
    (project.root / "templates" / "x.mjml").write_text(BARE.format("x"))
    by_issue, by_list = (replace(issue("text\n"), template=name), STAFF), (issue("text\n"), replace(STAFF, template=name))
    for (made, list_), place in ((by_issue, "issues/2026-01.md"), (by_list, "newsletter.toml")):
        with pytest.raises(TemplateError, match="there is no template") as caught:
            compose(made, list_, project)
        assert caught.value.where == Where(place)
        assert "newsletter" in caught.value.hint


def test_a_letter_without_the_way_out_is_an_error(project):
    """Only a template of one's own can lose link and address; the letter says so before anyone gets it."""
    write(project, "event.mjml", '{% extends "newsletter.mjml" %}{% block footer %}{% endblock %}')
    where = Where("templates/email/event.mjml")
    found = compose(issue("text\n", "template: event\n"), STAFF, project).findings
    assert [(each.code, each.severity, each.where) for each in found] == [
        ("no-unsubscribe-link", Severity.ERROR, where),
        ("no-postal-address-in-letter", Severity.WARNING, where),
    ]
    assert all("'event'" in each.message for each in found)
    write(project, "event.mjml", BARE.format('<a href="{{ field("unsubscribe_url") }}">out</a> {{ newsletter.postal_address }}'))
    assert compose(issue("text\n", "template: event\n"), STAFF, project).findings == ()


def test_the_way_out_may_stand_in_the_issue_itself(project):
    """A field in the text fills as well as one in the footer."""
    write(project, "event.mjml", BARE.format("{% for p in lead %}{{ p.html }}{% endfor %}"))
    body = "1 Sample Street: [out]({{ unsubscribe_url }})\n"
    found = compose(issue(body, "template: event\n"), STAFF, project).findings
    assert [each.code for each in found] == ["no-postal-address-in-letter"]


@pytest.mark.parametrize("address", ["1 <i> St & Sön\nTown", "  1   Spaced\tSt  ", 'O\'Neil "Hall", São Paulo – 1', ""])
def test_a_postal_address_is_found_however_it_is_written(project, address):
    """Escapes, references and line breaks are the template's."""
    newsletter = replace(project.config.newsletter, postal_address=address)
    assert compose(issue("text\n"), STAFF, with_config(project, newsletter=newsletter)).findings == ()


def test_faint_colours_are_a_finding_of_the_letter(project):
    """Each time it is set, from a theme that is read once."""
    theme_of(project, '[colors.light]\nmuted = "#BBBBBB"\n')
    for _ in range(2):
        found = compose(issue("text\n"), STAFF, project).findings
        assert [(each.code, each.where) for each in found] == [("theme-contrast", Where("templates/email/theme.toml", 2))] * 2


def test_a_box_without_a_title_is_labelled_in_both_parts(project):
    """The words are the theme's."""
    theme_of(project, '[words]\ntip = "Astuce"\n')
    edition = compose(issue("::: callout tip\nSave.\n:::\n"), STAFF, project)
    assert "Astuce Save." in shown(edition.html)
    assert "| Astuce\n|\n| Save.\n" in edition.text


@pytest.mark.parametrize("rule", ["@media print{.p{margin:0}}", ".a:hover{color:#000000!important}"])
def test_one_such_rule_among_the_plain_ones_costs_no_look(project, rule):
    """A designer's copy of the styles with one rule that cannot be inlined is set as before."""
    plain = compose(issue("text\n"), STAFF, project).html
    path = SHIPPED_TEMPLATES / "styles" / "inline.css.j2"
    write(project, "styles/inline.css.j2", f"{path.read_text(encoding='utf-8')}\n{rule}\n")
    html = compose(issue("text\n"), STAFF, project).html
    assert f">{rule}</style>" in html
    without = re.compile(r"<style\b.*?</style>| class=\"[^\"]*\"", re.DOTALL)
    assert without.sub("", html).split() == without.sub("", plain).split()


def test_an_images_title_is_in_both_parts(project):
    """What the editor wrote behind the address is not lost."""
    edition = compose(issue('![A wave](https://example.org/w.png "By the sea")\n'), STAFF, project)
    assert 'title="By the sea"' in edition.html
    assert "[Image: A wave] By the sea" in edition.text


def test_a_mistake_in_a_projects_partial_is_named(project):
    """Through the whole pipeline: the designer's file and line."""
    write(project, "partials/footer.mjml", '<mj-section>\n<mj-column>\n<mj-text colour="#111111">x</mj-text>\n</mj-column>\n</mj-section>')
    with pytest.raises(TemplateError) as caught:
        compose(issue("text\n"), STAFF, project)
    assert caught.value.where == Where("templates/email/partials/footer.mjml", 3)
    write(project, "partials/footer.mjml", "\n{{ nothing }}")
    with pytest.raises(TemplateError) as caught:
        compose(issue("text\n"), STAFF, project)
    assert caught.value.where == Where("templates/email/partials/footer.mjml", 2)
    write(project, "partials/footer.mjml", "<mj-section><mj-column><mj-text>mended</mj-text></mj-column></mj-section>")
    assert "mended" in compose(issue("text\n"), STAFF, project).html


def test_a_projects_block_over_the_shipped_letter(project):
    """The documented way to change one part."""
    write(
        project,
        "newsletter.mjml",
        '{% extends "shipped/newsletter.mjml" %}\n{% block footer %}{{ super() }}<mj-section><mj-column><mj-text>own end</mj-text></mj-column></mj-section>{% endblock %}',
    )
    html = compose(issue("text\n"), STAFF, project).html
    assert html.index("Unsubscribe") < html.index("own end")


EVERYTHING = """\
Lead[^1] **b** `c` <mark>m</mark> <kbd>k</kbd>.

[QUIET](https://example.org){.button .secondary}

""" + sections(3) + """
# Kata Containers: fast

::: callout warning
x
:::

::: quote R
x
:::

[A](https://example.org) | [B](https://example.org)

* 4 May | [x](https://example.org) | y

| a | b |
|---|---|
| 1 | 2 |

![x](https://example.org/x.png)

---

::: columns
a

---

b
:::

[^1]: note
"""  # fmt: skip


def keys(table, path=()):
    """Every key of a theme, as a path."""
    for key, value in table.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from keys(value, (*path, key))


def test_every_missing_key_of_the_theme_is_a_clear_error(project, monkeypatch):
    """StrictUndefined: a theme with a hole gives an error with a template's line, or a letter that never needed it."""
    made = issue(EVERYTHING)
    theme = Templates(project.template_folders).theme()
    paths = [path for path in keys(theme) if path[0] != "sections" or path[1:2] in {(), ("kata",)}]
    errors = 0
    for path in paths:
        holed = _without(theme, path)
        monkeypatch.setattr(Templates, "theme", lambda self, holed=holed: holed)
        try:
            compose(made, STAFF, project)
        except TemplateError as err:
            errors += 1
            assert err.where.line, path  # noqa: PT017 - some keys may be missing
            assert err.where.path.startswith("shipped/"), path  # noqa: PT017
    assert errors > len(paths) / 2


def _without(theme, path):
    key, *rest = path
    return {name: _without(value, rest) if name == key and rest else value for name, value in theme.items() if name != key or rest}


@pytest.mark.parametrize(
    ("piece", "counts"),
    [
        ('word "x" <\n\n', (200, 2000)),
        ("[a](https://example.org/N)\n\n", (200, 2000)),
        ("{{ fN }}\n\n", (200, 2000)),
        ("* item\n", (200, 2000)),
        ("# SN\n\nx\n\n", (30, 300)),
        ("::: columns\na\n\n---\n\nb\n:::\n\n", (20, 200)),
    ],
)
def test_time_grows_with_the_length(project, piece, counts):
    """No shape of letter costs more than its length; a sibling selector in the styles would, by the square."""
    small, large = (issue("".join(piece.replace("N", str(n)) for n in range(count))) for count in counts)
    compose(small, STAFF, project)
    assert grows_at_most(20, lambda: compose(small, STAFF, project), lambda: compose(large, STAFF, project), spare=0.1)
