"""Lists put together to an audience."""

from composer.audience.model import Audience, LeftOut, List, Subscriber
from composer.audience.select import choose, unite
from composer.config import ListSettings
from composer.findings import Where, error, warning


def person(key, line=2, path="recipients/a.csv", **fields):
    """Build a subscriber whose name is its field."""
    return Subscriber(key, key.casefold(), fields.get("name", ""), fields, Where(path, line, "email"))


def test_union_is_in_order_and_everyone_is_there_once():
    """The first list named has the say; nobody is mailed twice for being on two lists."""
    staff = List(ListSettings("staff", "staff"), (person("A@x.org", name="Ann"), person("b@x.org")), duplicates=2)
    public = List(ListSettings("all"), (person("c@x.org"), person("a@x.org", name="Anna", city="Rome")))
    audience = choose([staff, public])
    assert [one.email for one in audience.subscribers] == ["A@x.org", "b@x.org", "c@x.org"]
    assert audience.subscribers[0].name == "Ann"
    assert dict(audience.subscribers[0].fields) == {"name": "Ann", "city": "Rome"}
    assert audience.lists == (staff.settings, public.settings)
    assert audience.left_out == (LeftOut("duplicate", 3),)


def test_rows_that_could_not_be_taken_are_counted():
    """The sender is told how many were left out, by reason; a warning leaves nobody out."""
    codes = ["address-invalid", "address-missing", "row-too-long", "row-unreadable"]
    findings = [error(code, Where("a.csv", 2), "x") for code in codes] + [warning("row-short", Where("a.csv", 2), "x")]
    audience = choose([List(ListSettings("a"), (person("a@x.org"),), findings=tuple(findings))])
    assert audience.left_out == (LeftOut("invalid", 4),)


def test_no_list_is_an_empty_audience():
    """The function is total."""
    assert choose([]) == Audience((), ())


def test_a_row_that_adds_nothing_leaves_the_first_as_it_is():
    """A hundred thousand duplicates must not copy a hundred thousand people."""
    first = person("a@x.org", name="Ann")
    assert unite([first, person("a@x.org", name="Other"), person("a@x.org")])[0] is first
