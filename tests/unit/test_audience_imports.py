"""What other tools export: who is in it, in which state, and what a broken row says."""

import csv
import io
import json
import os
import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from patience import ends_within

from composer.audience.consent import State, of_file, rule_of
from composer.audience.exports import ImportedRow
from composer.audience.files import read_export, read_suppressions
from composer.errors import AudienceError, UsageError
from composer.findings import Finding, Severity

EXPORTS = Path(__file__).parent / "exports"


def people(export):
    """The rows of an export that are people."""
    return [row for row in export if isinstance(row, ImportedRow)]


def states(export):
    """Who is in which state."""
    return {row.address.email: str(row.state) for row in people(export)}


@pytest.fixture
def export(tmp_path):
    """Write a file and open it as an export."""

    def write(data, name="people.csv"):
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read_export(path)

    return write


@pytest.mark.parametrize(
    ("file", "tool", "expected"),
    [
        (
            "subscribed_email_audience_export_1a2b3c.csv",
            "Mailchimp",
            {"ana@example.org": "confirmed", "BEN@example.org": "confirmed", "gone@example.org": "unsubscribed"},
        ),
        ("unsubscribed_email_audience_export_1a2b3c.csv", "Mailchimp", {"una@example.org": "unsubscribed"}),
        ("cleaned_email_audience_export_1a2b3c.csv", "Mailchimp", {"cleo@example.org": "bounced"}),
        ("sendgrid_contacts.csv", "SendGrid", {"ana@example.org": "confirmed", "ben@example.org": "confirmed"}),
        (
            "listmonk_subscribers.csv",
            "listmonk",
            {
                "ana@example.org": "confirmed",
                "dan@example.org": "unsubscribed",
                "bo@example.org": "blocked",
                "eve@example.org": "confirmed",
            },
        ),
        (
            "ghost_members.csv",
            "Ghost",
            {"ana@example.org": "confirmed", "nia@example.org": "unsubscribed", "del@example.org": "unsubscribed"},
        ),
        ("substack_subscribers.csv", "Substack", {"ana@example.org": "confirmed", "stu@example.org": "unsubscribed"}),
        (
            "hubspot_contacts.csv",
            "HubSpot",
            {
                "ana@example.org": "confirmed",
                "una@example.org": "unsubscribed",
                "bob@example.org": "bounced",
                "non@example.org": "unconfirmed",
                "opt@example.org": "unsubscribed",
            },
        ),
        ("people.tsv", "", {"ana@example.org": "confirmed", "una@example.org": "unsubscribed", "pit@example.org": "unconfirmed"}),
        ("people.jsonl", "", {"ana@example.org": "confirmed", "una@example.org": "unsubscribed", "cy@example.org": "confirmed"}),
    ],
)
def test_each_tools_export_is_understood(file, tool, expected):
    """A team that changes tools brings its people, and nobody who left becomes a subscriber."""
    found = read_export(EXPORTS / file)
    assert found.tool == tool
    assert states(found) == expected
    assert states(found) == expected, "an export can be gone over again"


def test_every_state_beyond_confirmed_says_why():
    """The findings file tells the sender where a state came from."""
    for path in EXPORTS.iterdir():
        for row in people(read_export(path)):
            assert bool(row.why) == (row.state is not State.CONFIRMED), (path.name, row.line)
    whys = {row.address.email: row.why for row in people(read_export(EXPORTS / "hubspot_contacts.csv"))}
    assert whys["una@example.org"] == "unsubscribed_from_all_email: true"
    assert whys["opt@example.org"] == "opted_out_of_email_newsletter: Yes"


def test_the_rest_of_the_columns_are_fields():
    """Segments and merge fields need them; what became a state is not kept beside it, where it would go stale."""
    (ana, *_) = people(read_export(EXPORTS / "subscribed_email_audience_export_1a2b3c.csv"))
    assert ana.name == ana.fields["name"] == "Ana Silva"
    assert ana.fields["tags"] == '"member","speaker, 2024"'
    assert ana.fields["cc"] == "PT"
    (ghost, *_) = people(read_export(EXPORTS / "ghost_members.csv"))
    assert "subscribed_to_emails" not in ghost.fields
    assert ghost.fields["labels"] == "member,speaker"
    (german, *_) = people(read_export(EXPORTS / "people.tsv"))
    assert (german.fields["first_name"], german.fields["last_name"], german.fields["status"]) == ("Ana", "Silva", "abonniert")


def test_columns_say_what_rows_have(export):
    """Whoever imports knows the fields before the first row."""
    found = export("Email Address,FNAME,First Name,LNAME,unsubscribe_url,TAGS\na@example.org,F,G,L,x,t\n")
    assert found.columns == ("fname", "first_name", "last_name", "tags")
    assert [finding.code for finding in found.findings] == ["column-reserved"]
    (row,) = people(found)
    assert row.fields == {"fname": "F", "first_name": "G", "last_name": "L", "tags": "t", "name": "G L"}


def test_two_columns_that_mean_the_same_lose_nothing(export):
    """The first of them is the first name; the other one is kept under its own name."""
    (row,) = people(export("email,FNAME,Vorname\na@example.org,Ann,Anna\n"))
    assert row.fields == {"first_name": "Ann", "vorname": "Anna", "name": "Ann"}
    (row,) = people(export('{"email": "a@example.org", "FNAME": "Ann", "Vorname": "Anna"}\n'))
    assert row.fields == {"first_name": "Ann", "vorname": "Anna", "name": "Ann"}


def test_attributes_are_fields_of_their_own():
    """listmonk keeps everything but address and name in one column."""
    rows = list(read_export(EXPORTS / "listmonk_subscribers.csv"))
    ana = rows[0]
    assert (ana.fields["city"], ana.fields["projects"], ana.fields["home_floor"]) == ("Lisbon", "garden, library", "3")
    assert "attributes" not in ana.fields
    (finding,) = [row for row in rows if isinstance(row, Finding)]
    assert (finding.code, finding.severity, str(finding.where)) == (
        "attributes-unreadable",
        Severity.WARNING,
        "listmonk_subscribers.csv:5:attributes",
    )


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"Name": "Other", "email": "x@example.org", "unsubscribe_url": "x"}, {}),
        ({"a": None, "b": True, "c": 1.5, "d": [], "e": {}}, {"a": "", "b": "true", "c": "1.5", "d": "", "e": "{}"}),
        ({"t": ["a, b", "c"]}, {"t": '["a, b", "c"]'}),
        ({"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}, {"a_b_c_d_e": '{"f": 1}'}),
        ({"x": "a\0b\ud800"}, {"x": "ab?"}),
        ({"": 1, "!": 2}, {}),
        ({f"k{number}": "v" for number in range(2_000)}, {f"k{number}": "v" for number in range(500)}),
    ],
)
def test_attributes_of_any_shape_are_text(export, attributes, expected):
    """They come from other people's programs: never a value that a column has, never one that a database refuses."""
    cell = json.dumps(attributes).replace('"', '""')
    (row,) = people(export(f'email,name,attributes\na@example.org,Ann,"{cell}"\n'))
    assert row.fields == {"name": "Ann", **expected}


def test_lines_of_json_are_people_each():
    """A broken line is told and the rest goes on; blank lines are nothing."""
    rows = list(read_export(EXPORTS / "people.jsonl"))
    broken = [(row.code, row.where.line) for row in rows if isinstance(row, Finding)]
    assert broken == [("row-unreadable", 4), ("row-unreadable", 5), ("address-missing", 6)]
    ana, una, cy = [row for row in rows if isinstance(row, ImportedRow)]
    assert (ana.fields["tags"], ana.fields["address_city"], ana.fields["address_zip"]) == ('["member", "speaker, 2024"]', "Lisbon", "01234")
    assert (una.state, una.why, una.line) == (State.UNSUBSCRIBED, "subscribed: false", 3)
    assert "subscribed" not in una.fields
    assert (cy.name, cy.line) == ("Cy", 7)


def test_json_nested_beyond_reason_is_a_finding(export):
    """Python's own parser gives up there."""
    (finding,) = export('{"email": "a@example.org", "x": ' + "[" * 100_000 + "\n", "x.jsonl")
    assert finding.code == "row-unreadable"


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("Status", "Subscribed", "confirmed"),
        ("status", "UNSUBSCRIBED", "unsubscribed"),
        ("status", "Désabonné", "unsubscribed"),
        ("status", "Opted-Out", "unsubscribed"),
        ("status", "hard bounce", "bounced"),
        ("status", "Spam complaint", "complained"),
        ("status", "pending", "unconfirmed"),
        ("status", "Professor", "unconfirmed"),
        ("status", "", "confirmed"),
        ("subscribed", "yes", "confirmed"),
        ("subscribed", "FALSE", "unsubscribed"),
        ("subscribed", "0", "unsubscribed"),
        ("subscribed", "", "unconfirmed"),
        ("subscribed", "bounced", "bounced"),
        ("opt_in", "x", "confirmed"),
        ("opt-in", "2024-03-01 10:00", "confirmed"),
        ("Opt In", "no", "unconfirmed"),
        ("consent", "perhaps", "unconfirmed"),
        ("consent", "", "unconfirmed"),
        ("unsubscribed", "true", "unsubscribed"),
        ("unsubscribed", "2024-03-01", "unsubscribed"),
        ("unsubscribed", "no", "confirmed"),
        ("unsubscribed", "", "confirmed"),
        ("do_not_email", "1", "unsubscribed"),
        ("blocklisted", "true", "blocked"),
        ("bounced", "true", "bounced"),
        ("bounced", "false", "confirmed"),
        ("complained_at", "2024-03-01", "complained"),
        ("tags", '"member","bounced"', "bounced"),
        ("tags", "Removed,dead,left", "confirmed"),
        ("labels", "newsletter; do not email", "unsubscribed"),
        ("subscribed_to_emails", "true", "confirmed"),
        ("state", "no", "confirmed"),
    ],
)
def test_consent_in_many_words(export, column, value, expected):
    """What is unknown is no consent; a column that asks for consent and is empty is none either."""
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([["email", column], ["a@example.org", value]])
    (row,) = people(export(out.getvalue()))
    assert str(row.state) == expected


def test_the_strongest_word_counts(export):
    """Someone who confirmed and then complained complained."""
    found = export("email,status,bounced,unsubscribed,complained\na@example.org,active,yes,yes,yes\nb@example.org,active,yes,yes,\n")
    assert [str(row.state) for row in people(found)] == ["complained", "bounced"]


@pytest.mark.parametrize(
    ("stem", "state"),
    [
        ("cleaned_email_audience_export_1a2b", State.BOUNCED),
        ("unsubscribed_members_export_1a2b", State.UNSUBSCRIBED),
        ("nonsubscribed_email_audience_export_1", State.UNCONFIRMED),
        ("subscribed_email_audience_export_1", None),
        ("Unsubscribes-2025", State.UNSUBSCRIBED),
        ("opt-outs", State.UNSUBSCRIBED),
        ("do not contact", State.BLOCKED),
        ("suppression_bounces", State.BOUNCED),
        ("suppressions", State.UNSUBSCRIBED),
        ("bounces", State.BOUNCED),
        ("members", None),
        ("members_without_bounces", None),
        ("left-handed", None),
        ("", None),
        ("2025", None),
    ],
)
def test_a_files_name_may_say_it(stem, state):
    """Mailchimp's files differ in their names; a list's own name must not be taken for a word of it."""
    assert of_file(stem) is state


def test_a_state_from_the_name_is_told(export):
    """Nobody wonders why a file brought no subscribers."""
    found = export("email,status\na@example.org,active\nb@example.org,complaint\n", "unsubscribed_old.csv")
    assert [finding.code for finding in found.findings] == ["import-file-state"]
    assert [(str(row.state), row.why) for row in people(found)] == [
        ("unsubscribed", "the file's name"),
        ("complained", "status: complaint"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(("separator", "end"), [(",", "\n"), (";", "\r\n"), ("\t", "\r")])
def test_encodings_separators_and_line_ends(export, encoding, separator, end):
    """Spreadsheets write any of these."""
    rows = [["Email", "Name", "Note"], ["zoe@example.org", " Zoë\u00a0", '"a\n' + f'{separator}""b"""']]
    found = export(end.join(separator.join(row) for row in rows).encode(encoding))
    (row,) = people(found)
    assert (row.name, row.fields["note"], row.line) == ("Zoë", f'a\n{separator}"b"', 2)
    assert [finding.code for finding in found.findings] == (["list-encoding"] if encoding == "cp1252" else [])


def test_a_broken_row_never_stops_the_rest(export):
    """Each is one finding at its line, and everyone else is there."""
    found = export(
        "email,name,city\n"
        "a@example.org,A,Rome\n"
        'b@example.org,"B,Rome\n'
        "c@example.org,C,Rome\n"
        "not an address,D,Rome\n"
        ",E,Rome\n"
        "f@example.org,F,Rome,Italy\n"
        "g@example.org\n"
        "h@example.org,H\0,Rome\n"
        "\n"
        '"i@example.org","I ""quoted""","Ro\nme"\n'
        "j@example.org,J,Rome,,\n"
    )
    rows = list(found)
    assert [(row.address.email, row.line) for row in rows if isinstance(row, ImportedRow)] == [
        ("a@example.org", 2),
        ("c@example.org", 4),
        ("g@example.org", 8),
        ("i@example.org", 11),
        ("j@example.org", 13),
    ]
    assert [(row.code, row.where.line) for row in rows if isinstance(row, Finding)] == [
        ("row-unreadable", 3),
        ("address-invalid", 5),
        ("address-missing", 6),
        ("row-too-long", 7),
        ("row-short", 8),
        ("row-unreadable", 9),
    ]


def test_an_import_and_a_list_see_the_same_people(export, tmp_path):
    """One reader of tables stands behind both."""
    from composer.audience.files import read_list
    from composer.config import Config
    from composer.project import Project

    text = 'email,First Name\nana@example.org,Ana\n"x,Bad\nben@EXAMPLE.org, Ben \nmax@bücher.example,\n'
    listed = read_list(Project(tmp_path, Config()), str(tmp_path / "people.csv")) if export(text) else None
    imported = people(export(text))
    assert [(row.address.email, row.name, dict(row.fields), row.line) for row in imported] == [
        (person.email, person.name, dict(person.fields), person.where.line) for person in listed.subscribers
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04 and so on", "spreadsheet"),
        (b"", "empty"),
        (b"rosa@example.org,Rosa\n", "must name the columns"),
        (b"name,phone\nRosa,1\n", "no column is the address"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a text file"),
        (b"email,\x81\n", "neither UTF-8"),
    ],
)
def test_files_without_people_are_refused(export, data, message):
    """One clear sentence instead of a million bad rows."""
    with pytest.raises(AudienceError, match=message):
        export(data)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    """The operating system's words, no traceback."""
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(AudienceError, match="cannot be read"):
            read_export(path)


def test_memory_does_not_grow_with_the_file(tmp_path):
    """A million people fit through a laptop, and so does a line that never ends."""

    def peak(rows):
        path = tmp_path / "people.csv"
        path.write_text("email,name,note\n" + "".join(f"p{number}@example.org,Ö{number},{'x' * 50}\n" for number in range(rows)))
        tracemalloc.start()
        count = sum(1 for _ in read_export(path))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == rows
        return found

    assert peak(40_000) < peak(10_000) + 300_000


def test_an_endless_line_or_row_is_one_finding(tmp_path):
    """A pasted picture, or a quote that is never closed, in a file larger than memory might be."""
    path = tmp_path / "people.csv"
    path.write_text("email,note\na@example.org," + "x" * 3_000_000 + "\nb@example.org,B\n" + 'c@example.org,"' + ",\n" * 80_000)
    tracemalloc.start()
    rows = list(read_export(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row.address.email for row in rows if isinstance(row, ImportedRow)] == ["b@example.org"]
    assert Counter(row.code for row in rows if isinstance(row, Finding))["row-unreadable"] == 2
    assert peak < 30_000_000


def test_time_is_a_small_multiple_of_reading_csv(tmp_path):
    """Reading must leave room for writing: an import may cost five times a bare reading and inserting."""
    path = tmp_path / "people.csv"
    path.write_text("email,first_name,last_name,tags\n" + "".join(f"p{number}@example.org,A,B,member\n" for number in range(30_000)))
    assert sum(1 for _ in read_export(path)) == 30_000
    assert ends_within(1.5, lambda: list(read_export(path)))


def test_every_column_of_a_rule_is_written_as_headers_are_read():
    """A rule for a name that no header can have would never hold."""
    from composer.audience import consent
    from composer.audience.columns import normalised

    assert all(normalised(name) == name for name in consent._BY_COLUMN)
    assert rule_of("email") is None
    assert rule_of("first_name") is None
    assert all(consent.word(name) == name for name in consent.STATE_WORDS)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("suppression_bounces.csv", [("bob@example.org", "hard_bounce")]),
        ("suppression_blocks.csv", [("bea@example.org", "manual")]),
        ("suppression_spam_reports.csv", [("sam@example.org", "complaint")]),
        ("suppression_invalid_emails.csv", [("ivy@example.org", "invalid")]),
        ("suppression_unsubscribes.csv", [("una@example.org", "unsubscribed"), ("uma@example.org", "unsubscribed")]),
        ("suppression_group_unsubscribes.csv", [("gil@example.org", "unsubscribed")]),
        ("unsubscribed_email_audience_export_1a2b3c.csv", [("una@example.org", "unsubscribed")]),
        ("cleaned_email_audience_export_1a2b3c.csv", [("cleo@example.org", "hard_bounce")]),
    ],
)
def test_suppression_exports_say_their_reason(file, expected, tmp_path):
    """They import as they are, and under another name by their columns (a block by its name alone)."""
    found = read_suppressions(EXPORTS / file)
    rows = [row for row in found if not isinstance(row, Finding)]
    assert [(row.address.email, row.reason) for row in rows] == expected
    assert all(row.created_at and row.created_at.year == 2024 and row.created_at.tzinfo for row in rows)
    assert not found.findings
    renamed = tmp_path / "download.csv"
    renamed.write_bytes((EXPORTS / file).read_bytes())
    if "blocks" not in file:
        assert [(row.address.email, row.reason) for row in read_suppressions(renamed) if not isinstance(row, Finding)] == expected


def test_times_of_suppressions_are_understood():
    """SendGrid writes seconds since 1970, others a date."""
    first, second = read_suppressions(EXPORTS / "suppression_unsubscribes.csv")
    assert first.created_at == second.created_at == datetime(2024, 5, 1, 10, tzinfo=UTC)


def test_a_bad_row_among_suppressions_is_a_finding():
    """The rest is suppressed all the same."""
    rows = list(read_suppressions(EXPORTS / "suppression_bounces.csv"))
    assert [row.code for row in rows if isinstance(row, Finding)] == ["address-invalid"]


def test_our_own_export_of_suppressions_comes_back(tmp_path):
    """Reason, scope and time of each row hold."""
    path = tmp_path / "suppressed.csv"
    path.write_text(
        "email,reason,scope,created_at,source\n"
        "a@example.org,manual,,2024-05-01T10:00:00+00:00,sender\n"
        "b@example.org,hard_bounce,members,2024-05-01,x\n"
        "c@example.org,complaint,everywhere,1714557600000,x\n"
        "d@example.org,because,,soon,x\n"
    )
    rows = list(read_suppressions(path, reason="unsubscribed"))
    assert [(row.reason, row.scope, row.created_at and row.created_at.day) for row in rows] == [
        ("manual", "", 1),
        ("hard_bounce", "members", 1),
        ("complaint", "", 1),
        ("unsubscribed", "", None),
    ]


def test_the_given_reason_holds_for_those_that_say_none(tmp_path):
    """A plain column of addresses is suppressed as the sender says; by hand when nothing is said."""
    path = tmp_path / "people.csv"
    path.write_text("email\na@example.org\n")
    assert [row.reason for row in read_suppressions(path, reason="complaint")] == ["complaint"]
    assert [row.reason for row in read_suppressions(path)] == ["manual"]
    with pytest.raises(UsageError, match="no reason"):
        read_suppressions(path, reason="tired")


def test_what_was_neutralised_for_spreadsheets_is_read_as_it_was(export):
    """A CSV export puts an apostrophe before formulas; taken for part of an address it would make another person of them."""
    found = people(export("email,name,phone\n'+ana@example.org,'=Ana,'+33 1\nben@example.org,O'Neil,'tis\n'q@example.org,'',\n"))
    assert [(row.address.key, row.name, row.fields["phone"]) for row in found] == [
        ("+ana@example.org", "=Ana", "+33 1"),
        ("ben@example.org", "O'Neil", "'tis"),
        ("'q@example.org", "''", ""),
    ]


def test_a_pipe_is_refused_with_what_to_do(tmp_path):
    """A file is read more than once, which a pipe cannot be."""
    path = tmp_path / "people.csv"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR)
    try:
        with pytest.raises(AudienceError, match="pipe"):
            read_export(path)
    finally:
        os.close(end)


def test_a_name_in_json_that_is_no_name_is_left_out(export):
    """Also where names are joined from inner objects; the person is there without it."""
    long = "x" * 300
    rows = list(export(json.dumps({"email": "ana@example.org", "city": "Paris", long: {long: "1"}}) + "\n"))
    (finding,) = [row for row in rows if isinstance(row, Finding)]
    assert (finding.code, str(finding.severity), finding.where.line) == ("column-name-long", "warning", 1)
    (person,) = [row for row in rows if not isinstance(row, Finding)]
    assert person.fields == {"city": "Paris"}
