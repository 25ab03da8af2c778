"""What holds for every address and every file of bytes."""

import csv
import io
import re

from email_validator import EmailSyntaxError, validate_email
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer.audience import address as room
from composer.audience.address import Address, Problem, parse_address
from composer.audience.files import read_list
from composer.config import Config
from composer.errors import AudienceError
from composer.project import Project

_pieces = st.sampled_from(
    ["a", "Z", "0", "9", ".", "-", "--", "_", "+", "'", "!", "@", "xn--", "com", "org", "test", "arpa", "local", "localhost", "onion",
     "invalid", "info", "Sales", "\u212a", "\u017f", "\n", " ", "a" * 30, "b" * 63]
)  # fmt: skip
_plainish = st.lists(_pieces, max_size=9).map("".join)


_likely = st.from_regex(r"[A-Za-z0-9_+'.-]{1,9}@([A-Za-z0-9-]{1,6}\.){1,3}([A-Za-z]{2,5}|test|local)", fullmatch=True)


@given(st.builds("{}@{}".format, _plainish, _plainish) | _likely)
@settings(deadline=None, max_examples=400)
def test_the_fast_path_accepts_nothing_that_email_validator_refuses(text):
    """The shortcut for plain ASCII is only allowed because it never decides otherwise than the library."""
    found = room._plain(text)
    if found is None:
        return
    valid = validate_email(text, check_deliverability=False)
    assert found.key == f"{valid.local_part.lower()}@{valid.ascii_domain}"
    # email-validator writes role names such as Info@ in lower case; otherwise not a letter differs.
    assert found.email in {f"{valid.local_part}@{valid.ascii_domain}", f"{text.partition('@')[0]}@{valid.ascii_domain}"}


@given(st.from_regex(r"[A-Za-z0-9._+-]{1,20}@([a-z0-9-]{1,9}\.){1,3}[a-z]{2,8}", fullmatch=True))
@settings(deadline=None)
def test_what_email_validator_accepts_is_accepted(text):
    """Nobody with a good address is left out."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailSyntaxError:
        assert isinstance(parse_address(text), Problem)
    else:
        assert isinstance(parse_address(text), Address)


@given(st.text(st.characters(), max_size=60) | st.builds("{}<{}@{}>{}".format, *[st.text(max_size=12)] * 4))
@settings(deadline=None)
def test_any_text_is_an_address_or_a_problem(text):
    """An address never holds what could end a header, whatever was typed."""
    found = parse_address(text)
    if isinstance(found, Address):
        assert not re.search(r"[\x00-\x20<>]", found.email)
        assert found.email.rpartition("@")[2].isascii()
        assert not re.search(r"[\r\n\x00]", found.name)
        again = parse_address(found.email)
        assert isinstance(again, Address)
        assert again.key == found.key


@given(st.binary(max_size=400) | st.text('a@.,;\t"\r\n\x00éx', max_size=200).map(str.encode))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_list_or_a_clear_error(tmp_path, data):
    """A file from anywhere gives findings or one AudienceError, never a traceback."""
    (tmp_path / "any.csv").write_bytes(data)
    try:
        found = read_list(Project(tmp_path, Config()), str(tmp_path / "any.csv"))
    except AudienceError:
        return
    assert found.subscribers or found.findings
    assert {finding.where.path for finding in found.findings} <= {"any.csv"}


_values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    ["a,b", 'say "hi"', "two\nlines", "a;b\tc"]
)


@given(
    st.lists(st.tuples(st.integers(0, 6), _values), max_size=20),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_csv_writer_writes_is_read(tmp_path, rows, separator, encoding):
    """Every person of a well-formed file is on the list once, at the line where the first row of theirs begins."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(["email", "note"])
    lines: dict[str, int] = {}
    for number, note in rows:
        lines.setdefault(f"p{number}@example.org", len(io.StringIO(out.getvalue(), newline="").readlines()) + 1)
        writer.writerow([f"p{number}@example.org", note])
    (tmp_path / "any.csv").write_bytes(out.getvalue().encode(encoding))
    found = read_list(Project(tmp_path, Config()), str(tmp_path / "any.csv"))
    assert {person.email: person.where.line for person in found.subscribers} == lines
    assert found.duplicates == len(rows) - len(lines)
