"""Lists put together to an audience."""

import pytest

from composer.audience.model import Audience, LeftOut, List, Subscriber
from composer.audience.select import choose, common_settings, is_public, unite
from composer.config import ListSettings
from composer.errors import UsageError
from composer.findings import Where


def person(key, line=2, path="recipients/a.csv", **fields):
    """Build a subscriber whose name is its field."""
    return Subscriber(key, key.casefold(), fields.get("name", ""), fields, Where(path, line, "email"))


def test_personal_data_stays_out_of_reprs():
    """What is printed in a traceback or a log names a place in a file, never a person."""
    shown = repr(Subscriber("Ana@x.org", "ana@x.org", "Ana", {"city": "Rome"}, Where("recipients/a.csv", 2)))
    assert "recipients/a.csv" in shown
    assert not [word for word in ("ana", "x.org", "rome", "city") if word in shown.lower()]


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
    audience = choose([List(ListSettings("a"), (person("a@x.org"),), invalid=3), List(ListSettings("b"), (), invalid=1)])
    assert audience.left_out == (LeftOut("invalid", 4),)


def test_no_list_is_an_empty_audience():
    """The function is total."""
    assert choose([]) == Audience((), ())


def test_a_row_that_adds_nothing_leaves_the_first_as_it_is():
    """A hundred thousand duplicates must not copy a hundred thousand people."""
    first = person("a@x.org", name="Ann")
    assert unite([first, person("a@x.org", name="Other"), person("a@x.org")])[0] is first


def test_lists_that_differ_for_readers_are_not_one_send():
    """One edition cannot have two senders."""
    staff, readers = ListSettings(name="staff", kind="staff"), ListSettings(name="readers", title="Readers")
    assert common_settings([staff, readers]) is readers
    assert common_settings([staff]) is staff
    with pytest.raises(UsageError, match="differ") as caught:
        common_settings([staff, ListSettings(name="fr", language="fr")])
    assert "one after the other" in caught.value.hint
    with pytest.raises(UsageError, match="no list"):
        common_settings([])


def test_what_is_not_known_to_be_of_the_staff_is_public():
    """A kind that nobody has thought of is treated with the greater care."""
    assert [is_public(ListSettings(kind=kind)) for kind in ("staff", "public", "")] == [False, True, True]
