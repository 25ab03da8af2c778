"""Lists as other tools export them, and files that are no lists."""

import csv

import pytest
from patience import grows_at_most

from composer.audience.files import read_list
from composer.config import Config
from composer.errors import AudienceError
from composer.findings import Severity
from composer.project import Project


@pytest.fixture
def read(tmp_path):
    """Write a list's bytes and read it back."""
    (tmp_path / "recipients").mkdir()
    project = Project(tmp_path, Config())

    def write(data, name="news"):
        (tmp_path / "recipients" / f"{name}.csv").write_bytes(data.encode() if isinstance(data, str) else data)
        return read_list(project, name)

    write.project = project
    return write


def said(found):
    """Show findings as code and place."""
    return [(finding.code, str(finding.where)) for finding in found.findings]


def test_a_plain_list_is_read_with_its_places(read):
    """The shape everything else relies on: fields by column, place by line."""
    found = read("email,First Name,city\njane@example.org,Jane,Paris\njoe@example.org, Joe ,\n")
    jane, joe = found.subscribers
    assert (jane.email, jane.name, str(jane.where)) == ("jane@example.org", "Jane", "recipients/news.csv:2:email")
    assert dict(joe.fields) == {"first_name": "Joe", "city": "", "name": "Joe"}
    assert found.columns == ("first_name", "city", "name")
    assert not found.findings
    assert (found.settings.name, found.settings.kind) == ("news", "public")


def test_only_staff_is_of_kind_staff(read):
    """Drafts may go to staff alone, so the kind must not be open to chance."""
    assert read("email\na@example.org\n", "staff").settings.kind == "staff"
    assert read("email\na@example.org\n", "staff-friends").settings.kind == "public"


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Email Address,First Name,Last Name,TAGS", ("first_name", "last_name", "tags")),
        ("EMAIL,FIRST_NAME,LAST_NAME,ALTERNATE_EMAILS", ("first_name", "last_name", "alternate_emails")),
        ("email,name,attributes", ("name", "attributes")),
        ("email,name,note,subscribed_to_emails,created_at", ("name", "note", "subscribed_to_emails", "created_at")),
        (" E-Mail ;\u00a0first-name ", ("first_name",)),
        ('\ufeff"e_mail"\tVorname', ("vorname",)),
        ("address,mail,x", ("address", "x")),
    ],
)
def test_headers_of_other_tools_are_understood(read, header, columns):
    """People bring lists from Mailchimp, SendGrid, listmonk, Substack and HubSpot as they are."""
    separator = "\t" if "\t" in header else ";" if ";" in header else ","
    cells = ["jane@example.org"] + [""] * 5
    if header.startswith("address"):
        cells = ["1 High Street", "jane@example.org", ""]
    found = read(f"{header}\n{separator.join(cells[: header.count(separator) + 1])}\n")
    assert found.columns == columns
    assert [person.email for person in found.subscribers] == ["jane@example.org"]


def test_a_name_is_made_from_what_there_is(read):
    """A letter opens with a name; first and last name, or the address column's, are names too."""
    found = read(
        "email,name,first_name,last_name\na@example.org,Dr. A,Ann,Able\nb@example.org,,Bob,\nc@example.org,,Cy,Cole\n"
        '"""Dee D"" <d@example.org>",,,\n"Eve" <e@example.org>,,,\n'
    )
    assert [person.name for person in found.subscribers] == ["Dr. A", "Bob", "Cy Cole", "Dee D", "Eve"]
    assert [person.fields["name"] for person in found.subscribers] == ["Dr. A", "Bob", "Cy Cole", "Dee D", "Eve"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_of_spreadsheets(read, encoding, end):
    """Excel writes any of these, depending on its mood and country."""
    found = read(f"email;name{end}zoe@example.org;Zoë – Übel{end}".encode(encoding))
    assert [person.name for person in found.subscribers] == ["Zoë – Übel"]
    assert said(found) == ([("list-encoding", "recipients/news.csv")] if encoding == "cp1252" else [])


def test_an_excel_separator_line_is_skipped(read):
    """Excel writes and wants `sep=;` as a first line."""
    found = read("sep=;\r\nemail;name\r\na@example.org;Ann\r\n")
    assert [(person.name, person.where.line) for person in found.subscribers] == [("Ann", 3)]


def test_a_bad_address_is_named_and_the_rest_goes_on(read):
    """One typing mistake must neither stop the list nor vanish."""
    found = read("email,name\na@example.org,A\nnot an address,B\n,C\n\nd@example.org,D\n")
    assert [person.name for person in found.subscribers] == ["A", "D"]
    assert said(found) == [("address-invalid", "recipients/news.csv:3:email"), ("address-missing", "recipients/news.csv:4:email")]
    assert {finding.severity for finding in found.findings} == {Severity.ERROR}
    assert all(finding.hint for finding in found.findings)


def test_line_numbers_survive_quoted_line_breaks(read):
    """A wrong line number sends the editor to the wrong person."""
    found = read('email,note\na@example.org,"one\ntwo\n\nthree"\nbad,x\n"b@example.org","x\ny"\nworse,x\n')
    assert [person.where.line for person in found.subscribers] == [2, 7]
    assert said(found) == [("address-invalid", "recipients/news.csv:6:email"), ("address-invalid", "recipients/news.csv:9:email")]
    assert found.subscribers[0].fields["note"] == "one\ntwo\n\nthree"


def test_one_person_in_many_spellings_is_merged(read):
    """Nobody is mailed twice; what the first row lacks is taken from later ones."""
    found = read(
        "email,name,city\nJane@Example.org,Jane,\n jane@example.org,Janet,Paris\n\u00a0JANE@EXAMPLE.ORG\u00a0,,Rome\n"
        "x@bücher.example,,\nx@xn--bcher-kva.example,Xaver,\n"
    )
    jane, other = found.subscribers
    assert (jane.email, jane.name, jane.fields["city"], jane.where.line) == ("Jane@example.org", "Jane", "Paris", 2)
    assert (other.name, other.fields["name"]) == ("Xaver", "Xaver")
    assert found.duplicates == 3


def test_rows_of_the_wrong_length_are_named(read):
    """A comma that was not quoted shifts values to the wrong columns: such a row must not be greeted."""
    found = read("email,name,city\na@example.org,Doe, Jane,Paris\nb@example.org,Bob\nc@example.org,Cy,Rome,,\n")
    assert [person.email for person in found.subscribers] == ["b@example.org", "c@example.org"]
    assert said(found) == [("row-too-long", "recipients/news.csv:2"), ("row-short", "recipients/news.csv:3")]


def test_columns_that_clash_are_warned_about(read):
    """Two columns of a name, or one the product fills itself, would make a merge field ambiguous."""
    found = read("email,Name,NAME,unsubscribe_url,Email,\na@example.org,A,B,https://example.org,b@example.org,\n")
    assert [finding.code for finding in found.findings] == ["column-duplicate", "column-reserved", "column-duplicate"]
    assert str(found.findings[0].where) == "recipients/news.csv:1:name"
    assert dict(found.subscribers[0].fields) == {"name": "A"}
    assert found.subscribers[0].email == "a@example.org"


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        ("", "list-no-header", "empty"),
        ("\n\n \n", "list-no-header", "empty"),
        ("\ufeff", "list-no-header", "empty"),
        ("email,name\n", "list-empty", "nobody"),
        ("name,city\nJane,Paris\n", "list-no-address-column", "name, city"),
        ("jane@example.org,Jane\njoe@example.org,Joe\n", "list-no-header", "holds an address"),
    ],
)
def test_a_file_without_people_says_why(read, data, code, words):
    """An empty list that is silent looks like a list that was sent."""
    found = read(data)
    assert found.subscribers == ()
    assert [finding.code for finding in found.findings] == [code]
    assert words in found.findings[0].message
    assert found.findings[0].hint


@pytest.mark.parametrize(
    "data",
    [
        '[{"email": "jane@example.org", "name": "Jane"}]\n',
        '[\n  {"email": "jane@example.org"}\n]\n',
        "Jane;mail: jane@example.org\n",
        "jane@example.org Jane\n",
    ],
)
def test_a_first_line_that_holds_an_address_is_never_repeated(read, data):
    """What goes wrong is shown to others, and is kept in logs."""
    (finding,) = read(data).findings
    assert finding.code == "list-no-header"
    assert "jane" not in f"{finding.message}{finding.hint}".lower()
    assert ("jq" in finding.hint) == data.startswith("[")


def test_a_column_whose_name_is_no_name_is_left_out(read):
    """A text of any length in the first line must not become a merge field, nor fill a screen."""
    found = read(f"email,city,{'x' * 501},{'y' * 500}\njane@example.org,Paris,1,2\n")
    assert found.columns == ("city", "y" * 500)
    (finding,) = found.findings
    assert (finding.code, len(str(finding.where)) < 80) == ("column-name-long", True)
    assert "501 characters, and 500 are the most" in finding.message


def test_an_unknown_list_names_those_that_exist(read, tmp_path):
    """The commonest slip on the command line is a misspelt list."""
    read("email\na@example.org\n", "staff")
    read("email\na@example.org\n", "members")
    for name in ("stuff", "", "../recipients/staff", str(tmp_path), "gone.csv"):
        with pytest.raises(AudienceError) as caught:
            read_list(read.project, name)
        assert "members, staff" in caught.value.hint


def test_a_list_may_be_a_path(read, tmp_path, monkeypatch):
    """`--to FILE.csv` is how a one-off list is used."""
    (tmp_path / "one off.CSV").write_text("email\na@example.org\n")
    assert read_list(read.project, str(tmp_path / "one off.CSV")).settings.name == "one off"
    assert read_list(read.project, "one off.CSV").subscribers[0].where.path == "one off.CSV"
    read("email\na@example.org\n", "staff")
    assert read_list(read.project, "staff.csv").settings.kind == "staff"
    monkeypatch.chdir(tmp_path)
    assert read_list(read.project, "recipients/staff.csv").subscribers


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04\x14\x00" + bytes(range(256)) * 20,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500,
        b"%PDF-1.7\n",
        bytes(range(256)) * 100,
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        "email,name\na@example.org,A\n".encode("utf-16-le"),
        b"\xff\xfe\x00",
        b"email,\x81\x8d\x8f\n",
    ],
)
def test_files_that_are_no_text_are_refused(read, data):
    """A spreadsheet in the place of a CSV file is one clear sentence, not a thousand bad rows."""
    with pytest.raises(AudienceError) as caught:
        read(data)
    assert caught.value.where is not None
    assert "CSV UTF-8" in caught.value.hint


def test_a_nul_spoils_its_row_only(read):
    """Databases refuse NUL, so it must not come in with a person's fields."""
    found = read("email,name\na@example.org,A\x00B\nb@example.org,B\n")
    assert [person.email for person in found.subscribers] == ["b@example.org"]
    assert said(found) == [("row-unreadable", "recipients/news.csv:2")]


def test_an_open_quote_does_not_swallow_people_silently(read):
    """A quote left open takes every row after it for one value; nobody may be forgotten that way."""
    found = read('email,name\na@example.org,A\nb@example.org,"Bob\nc@example.org,C\nd@example.org,D\n')
    assert [person.email for person in found.subscribers] == ["a@example.org", "c@example.org", "d@example.org"]
    assert said(found) == [("row-unreadable", "recipients/news.csv:3")]
    assert "never closed" in found.findings[0].message


def test_a_quote_closed_by_a_later_row_swallows_nobody(read):
    """The quote of the row below closes it, and Bob's row would be Ann's last name."""
    found = read('email,first_name,last_name,country\na@example.org,Ann,"Unclosed,DE\nb@example.org,Bob,"Bb",FR\n')
    assert [person.email for person in found.subscribers] == ["b@example.org"]
    assert said(found) == [("row-unreadable", "recipients/news.csv:2")]


def test_two_open_quotes_that_close_each_other_swallow_nobody(read):
    """To CSV that is one value of two lines; a line in it that looks like a row is one."""
    found = read('email,name\na@example.org,"Ann\nb@example.org,"Bob"\nc@example.org,"Cy, of\nParis"\n')
    assert [person.email for person in found.subscribers] == ["b@example.org", "c@example.org"]
    swallowed = read('email,name\na@example.org,"Ann\nb@example.org,Bob\n"\nc@example.org,C\n')
    assert [person.email for person in swallowed.subscribers] == ["b@example.org", "c@example.org"]
    assert "swallows line 3" in swallowed.findings[0].message


def test_a_value_beyond_the_limit_is_a_finding(read):
    """A CSV bomb is named at its line and reading goes on behind it."""
    bomb = "x" * (csv.field_size_limit() + 10)
    found = read(f"email,name\na@example.org,{bomb}\nb@example.org,B\n")
    assert [person.email for person in found.subscribers] == ["b@example.org"]
    assert said(found) == [("row-unreadable", "recipients/news.csv:2")]


def test_a_quote_open_beyond_the_limit_is_one_finding_at_its_line(read):
    """Where the swallowed part is too long for one value, reading goes on behind its first line."""
    people = "".join(f"p{number}@example.org,P\n" for number in range(10_000))
    found = read(f'email,name\na@example.org,"A\n{people}')
    assert said(found) == [("row-unreadable", "recipients/news.csv:2")]
    assert len(found.subscribers) == 10_000
    assert found.subscribers[-1].email == "p9999@example.org"


def test_a_line_separator_of_unicode_ends_no_row(read):
    """To a CSV file only CR and LF end a line; web pages leave U+2028 and U+0085 inside of values."""
    found = read("email,note,city\na@example.org,one\u2028two,Rome\nb@example.org,one\u0085two\x0bthree,Rome\nbad,x,y\n")
    assert [person.fields["city"] for person in found.subscribers] == ["Rome", "Rome"]
    assert said(found) == [("address-invalid", "recipients/news.csv:4:email")]


def test_a_list_is_called_as_its_link_is(read, tmp_path):
    """Whether drafts may go there is decided by the name in recipients/, not by where the file really lies."""
    (tmp_path / "shared.csv").write_text("email\na@example.org\n")
    (read.project.recipients / "staff.csv").symlink_to(tmp_path / "shared.csv")
    settings = read_list(read.project, "staff").settings
    assert (settings.name, settings.kind) == ("staff", "staff")


def test_a_file_broken_far_behind_its_beginning_is_found_out_first(read):
    """The encoding is settled by the whole file, not by its first page."""
    people = "".join(f"p{number}@example.org,P\n" for number in range(30_000)).encode()
    found = read(b"email,name\n" + people + "zoe@example.org,Zo\xeb\n".encode("cp1252"))
    assert found.subscribers[-1].name == "Zoë"
    with pytest.raises(AudienceError, match="neither"):
        read(b"email,name\n" + people + b"zoe@example.org,Zo\xeb\x81\n")


def test_a_list_beyond_the_bound_is_refused(read, monkeypatch):
    """A list is held in memory; more people belong into the ledger."""
    monkeypatch.setattr("composer.audience.files.MAX_BYTES", 20)
    with pytest.raises(AudienceError, match="larger") as caught:
        read("email,name\na@example.org,A\n")
    assert "ledger" in caught.value.hint


def test_a_directory_is_no_list(read):
    """The operating system's own words are enough, but no traceback."""
    (read.project.recipients / "folder.csv").mkdir()
    with pytest.raises(AudienceError):
        read_list(read.project, "folder")


@pytest.mark.parametrize(
    "make",
    [
        lambda n: "email,name\n" + "".join(f"p{i}@example.org,P\n" for i in range(n)),
        lambda n: "email,name\n" + "same@example.org,P\n" * n,
        lambda n: "email,name\n" + "bad,P\n" * n,
        lambda n: "email,name\n" + 'a@example.org,"x\n' * n,
        lambda n: "email," + "a," * n + "\n",
        lambda n: '"' * n,
        lambda n: "email\n" + "<" * n,
    ],
    ids=["people", "duplicates", "invalid", "open-quotes", "wide", "quotes", "angles"],
)
def test_time_grows_with_the_file_only(read, make):
    """No file may hold the sender up: four times the rows take some four times the time, not sixteen."""
    some, many = make(30_000), make(120_000)
    assert grows_at_most(11, lambda: read(some), lambda: read(many))
