"""The declaration of a list: what it says, and every mistake in it at its line."""

import pytest

from composer.audience.files import declare, list_names, read_list
from composer.audience.model import LEDGER
from composer.config import Config
from composer.errors import AudienceError
from composer.project import Project

WHOLE = """\
title = "Friends of the garden"
kind = "public"
from = "Garden Team <garden@example.org>"
reply_to = "answers@example.org"
language = "fr-CA"
template = "letter"
people = "all.csv"

[fields]
first_name = "friend"
"Home City" = "your town"

[segments]
fr = 'country == "FR"'
speakers = '"speaker" in tags and not country == "FR"'
"""


@pytest.fixture
def project(tmp_path):
    """An empty project with one CSV file."""
    (tmp_path / "recipients").mkdir()
    (tmp_path / "recipients" / "all.csv").write_text("email,first_name,country\nana@example.org,,FR\nben@example.org,Ben,IE\n")
    return Project(tmp_path, Config())


@pytest.fixture
def declared(project):
    """Write a declaration and read it back."""

    def write(text, name="garden"):
        (project.recipients / f"{name}.toml").write_text(text, encoding="utf-8")
        return declare(project, name)

    return write


def test_a_whole_declaration_is_read(declared):
    """Every key reaches the place that uses it."""
    found = declared(WHOLE)
    settings = found.settings
    assert (settings.name, settings.kind, settings.title) == ("garden", "public", "Friends of the garden")
    assert (settings.from_, settings.reply_to) == ("Garden Team <garden@example.org>", "answers@example.org")
    assert (settings.language, settings.template) == ("fr-CA", "letter")
    assert found.people == "recipients/all.csv"
    assert found.fields == {"first_name": "friend", "home_city": "your town"}
    assert list(found.segments) == ["fr", "speakers"]
    assert str(found.where) == "recipients/garden.toml"
    assert not found.findings


def test_where_people_are_when_nothing_is_said(project, declared):
    """The CSV file beside it, else the ledger: both are what one would expect."""
    assert declared("").people == LEDGER
    assert declared("").in_ledger
    (project.recipients / "garden.csv").write_text("email\n")
    assert declared("").people == "recipients/garden.csv"


def test_a_csv_file_alone_is_a_list(project):
    """What works without a declaration goes on working: staff is staff, all else is public."""
    (project.recipients / "staff.csv").write_text("email\n")
    staff, public = declare(project, "staff"), declare(project, "all")
    assert [(each.settings.name, each.settings.kind, each.people) for each in (staff, public)] == [
        ("staff", "staff", "recipients/staff.csv"),
        ("all", "public", "recipients/all.csv"),
    ]


def test_the_kind_may_be_said(declared):
    """A second list of colleagues is of kind staff, and a list called staff may be public."""
    assert declared('kind = "staff"', "board").settings.kind == "staff"
    assert declared('kind = "public"', "staff").settings.kind == "public"
    assert declared("", "staff").settings.kind == "staff"


def test_defaults_stand_in_for_empty_values(project, declared):
    """The issue's merge fields are filled for everyone, and the columns are known."""
    declared(WHOLE)
    found = read_list(project, "garden")
    assert [(person.fields["first_name"], person.fields["home_city"]) for person in found.subscribers] == [
        ("friend", "your town"),
        ("Ben", "your town"),
    ]
    assert found.columns == ("first_name", "country", "name", "home_city")
    assert found.settings.language == "fr-CA"
    assert [person.name for person in found.subscribers] == ["", "Ben"], "a default is no name for the To line"


def test_a_value_of_a_later_row_comes_before_a_default(project, declared):
    """Two rows of one person are put together first."""
    (project.recipients / "all.csv").write_text("email,first_name\nana@example.org,\nANA@example.org,Ana\n")
    declared(WHOLE)
    assert [person.fields["first_name"] for person in read_list(project, "garden").subscribers] == ["Ana"]


def test_a_list_of_the_ledger_is_not_read_as_a_file(project, declared):
    """Whoever forgets to ask where the people are gets a sentence, not an empty list."""
    declared('people = "ledger"')
    with pytest.raises(AudienceError, match="ledger") as caught:
        read_list(project, "garden")
    assert caught.value.hint


def test_a_csv_file_that_is_not_read_is_told(project, declared):
    """Someone may go on editing a file that nobody looks at."""
    (project.recipients / "garden.csv").write_text("email\n")
    (finding,) = declared('people = "ledger"').findings
    assert (finding.code, str(finding.where)) == ("list-csv-unused", "recipients/garden.csv")
    assert "garden.toml" in finding.hint


def test_a_path_to_the_declared_file_is_the_list(project, declared):
    """Its sender and language hold however the file is named; any other file is a list of its own."""
    (project.recipients / "garden.csv").write_text("email\nana@example.org\n")
    declared('title = "Garden"')
    assert declare(project, "recipients/garden.csv").settings.title == "Garden"
    assert declare(project, str(project.recipients / "garden.csv")).settings.title == "Garden"
    declared('title = "Garden"\npeople = "ledger"')
    assert declare(project, "garden.csv").settings.title == ""


def test_all_lists_are_named_once(project, declared):
    """`lists` shows what there is."""
    (project.recipients / "garden.csv").write_text("email\n")
    (project.recipients / "folder.csv").mkdir()
    declared("")
    declared("", "board")
    assert list_names(project) == ("all", "board", "garden")


def test_an_unknown_list_names_those_there_are(project, declared):
    """A slip in a name is mended at once."""
    declared("")
    with pytest.raises(AudienceError) as caught:
        declare(project, "gardn")
    assert "all, garden" in caught.value.hint


@pytest.mark.parametrize("name", ["", ".", "..", "../secret", "a/b", "x" * 5_000, "nul\0", "nul\0.csv", "no.csv"])
def test_a_name_that_is_no_list_is_refused(project, name):
    """A name from the command line opens no file elsewhere and raises nothing of Python's own."""
    with pytest.raises(AudienceError, match="no list"):
        declare(project, name)


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ('title = "A"\nreplyto = "x@example.org"\n', 2, "unknown key: replyto", "Did you mean reply_to?"),
        (f'kind = "staff"\ntitle = "{"x" * 201}"\n', 2, "title cannot be", "at most 200 characters; this one has 201"),
        (f'[fields]\n{"x" * 501} = "a"\n', 2, "cannot be a field", "at most 500 characters"),
        ('\n\nname = "A"\n', 3, "unknown key: name", "title"),
        ('zzz = "A"\n', 1, "unknown key: zzz", "A list knows: title"),
        ("[segment]\nfr = 'a == 1'\n", 1, "unknown key: segment", "Did you mean segments?"),
        ("title = 3\n", 1, "title must be text", ""),
        ('title = """a\nb"""\n', 1, "title cannot be", "one line"),
        ('kind = "private"\n', 1, "kind cannot be 'private'", "staff or public"),
        ('title = "A"\nfrom = "team"\n', 2, "from cannot be 'team'", "one address"),
        ('from = "Team <team@localhost>"\n', 1, "from cannot be", "."),
        ('reply_to = "a@example.org, b@example.org"\n', 1, "reply_to cannot be", "one address"),
        ('language = "français"\n', 1, "language cannot be", "en, fr or pt-BR"),
        ('template = "../x"\n', 1, "template cannot be", "name of a template"),
        ('people = "people.xlsx"\n', 1, "people cannot be", "ledger"),
        ('title = "A"\npeople = "none.csv"\n', 2, "there is no file none.csv", "CSV"),
        ('fields = "x"\n', 1, "fields is a table", "[fields]"),
        ("[fields]\nage = 3\n", 2, "age must be text", ""),
        ('[fields]\n"First Name" = "x"\nfirst_name = "y"\n', 3, "there twice", "Keep one"),
        ('[fields]\nemail = "x"\n', 2, "email cannot have a default", "column"),
        ('[fields]\n"!!" = "x"\n', 2, "cannot be a field", "column"),
        ("[segments]\nfr = 3\n", 2, "fr must be text", ""),
        ("[segments]\n\"f r\" = 'a == 1'\n", 2, "name of a segment", "letters"),
        ("[segments]\nde = 'country == \"DE\"'\nfr = 'country = \"FR\"'\n", 3, "one = is not a comparison", "        ^"),
        ("segments.fr = 'country = \"FR\"'\n", 1, "one = is not a comparison", "=="),
        ("title = 'A'\nsegments = { fr = 'country = 1' }\n", 2, "one = is not a comparison", "=="),
        ("title = A\n", 1, "not valid TOML", "quotes"),
    ],
)
def test_every_mistake_is_told_at_its_line(declared, text, line, message, hint):
    """The operator edits the line that the message names."""
    with pytest.raises(AudienceError) as caught:
        declared(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert str(caught.value.where) == f"recipients/garden.toml:{line}"


@pytest.mark.parametrize("name", ["my list", "a.b", "-x", "été!", "x" * 101])
def test_a_name_with_odd_characters_is_refused(declared, name):
    """A list's name goes into headers, scopes and command lines."""
    with pytest.raises(AudienceError, match="cannot be the name of a list"):
        declared("", name)


def test_a_file_that_is_not_utf8_is_told(project):
    """No codec's traceback."""
    (project.recipients / "garden.toml").write_bytes(b'title = "\xe9"\n')
    with pytest.raises(AudienceError, match="UTF-8"):
        declare(project, "garden")


def test_a_byte_order_mark_is_no_mistake(declared):
    """Windows editors write one."""
    assert declared('\ufefftitle = "A"').settings.title == "A"


@pytest.mark.parametrize("text", ["title = " + "9" * 6_000, "title = " + "[" * 50_000])
def test_toml_that_python_itself_cannot_hold_is_a_mistake_of_the_file(declared, text):
    """One file with a number without end, or brackets, must not bring every command down."""
    with pytest.raises(AudienceError, match="not valid TOML"):
        declared(text)
