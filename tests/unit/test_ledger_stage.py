"""An audience on disk is the audience that the pure choice gives, in the order of the addresses."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from composer.audience.model import List, Subscriber
from composer.audience.select import choose
from composer.config import ListSettings
from composer.findings import Where
from composer.ledger.stage import Staged, stage

names = st.sampled_from(["", "Ana", "Ben"])
people = st.builds(
    lambda key, name, city, line: Subscriber(f"{key}@example.org", f"{key}@example.org", name, {"city": city}, Where("a.csv", line, "email")),
    st.sampled_from("abcdef"), names, names, st.integers(1, 9),
)  # fmt: skip
lists = st.lists(st.lists(people, max_size=8), max_size=3)


def _lists(rows):
    return [List(ListSettings(name=f"list{number}"), tuple(each), invalid=number) for number, each in enumerate(rows)]


def _plain(audience):
    return [(person.email, person.name, dict(person.fields), person.where) for person in audience.subscribers]


@given(lists)
@settings(deadline=None)
def test_on_disk_as_in_memory(rows):
    """Whoever was first wins and is completed; duplicates and unusable rows are counted alike."""
    staged, pure = stage(_lists(rows), lambda *_: {}), choose(_lists(rows))
    assert _plain(staged) == sorted(_plain(pure), key=lambda each: each[0])
    assert len(staged.subscribers) == len(pure.subscribers)
    assert {left.reason: left.count for left in staged.left_out} == {left.reason: left.count for left in pure.left_out}


def test_who_is_unwanted_on_one_list_may_come_by_another():
    """The list they are mailed by is the first that still wants them; it is known for the claim."""
    person = Subscriber("a@example.org", "a@example.org")
    audience = stage(_lists([[person], [person]]), lambda some, of: {each.key: "complaint" for each in some if of.name == "list0"})
    assert [each.list for each in audience.subscribers] == ["list1"]
    assert {left.reason: left.count for left in audience.left_out} == {"complaint": 1, "invalid": 1}


def test_it_can_be_gone_over_again_and_asked():
    """Checks look at everybody, one after the other, more than once."""
    staged = Staged()
    person = Subscriber("a@example.org", "a@example.org", "A", {"x": "y"}, Where("a.csv", 2), "list0")
    assert staged.add([person, person]) == 1
    assert list(staged) == list(staged) == [person]
    assert person in staged
    assert "a@example.org" not in staged
