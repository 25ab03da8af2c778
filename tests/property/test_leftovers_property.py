"""Every valid date, in every form it is written in, is found as that date; no text is too strange, none takes long."""

from __future__ import annotations

from calendar import day_abbr, day_name, month_abbr, month_name
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from patience import ends_within, grows_at_most

from composer.checks.leftovers import check
from composer.checks.leftovers.clock import end_of
from composer.checks.leftovers.dates import find_dates, find_months
from composer.checks.leftovers.front import front_keys
from composer.checks.leftovers.tense import Sentences
from composer.checks.leftovers.years import days_of
from composer.checks.letter import Letter
from composer.config import Config, ListSettings
from composer.issue.addresses import Found
from composer.issue.model import Event, Events, Link, Paragraph, Text
from composer.issue.reader import parse_issue
from composer.testing import an_edition

DAYS = st.dates(date(2001, 1, 1), date(2099, 11, 30))
ORDINALS = {1: "st", 21: "st", 31: "st", 2: "nd", 22: "nd", 3: "rd", 23: "rd"}
ONE_DAY = (
    "{d} {month} {y}", "{d} {mon} {y}", "{d} {mon}. {y}", "{month} {d}, {y}", "{mon} {d}, {y}", "{mon}. {d} {y}", "{d}{th} {month} {y}",
    "{d}{th} of {month} {y}", "{d}{th} of {month}, {y}", "{month} {d}{th}, {y}", "{month} the {d}{th}, {y}", "{day}, {d} {month} {y}",
    "{day} {d} {month} {y}", "{day}, {month} {d}, {y}", "{ddd} {d} {mon} {y}", "{ddd}, {mon} {d}, {y}", "{day} the {d}{th} of {month} {y}",
    "{y}-{m:02}-{d:02}", "{y}/{m:02}/{d:02}", "{d}.{m}.{y}", "{d:02} {MONTH} {y}", "{d} {month} '{yy:02}", "{d}\u00a0{month} {y}", "{d} {month} {y} ({day})",
)  # fmt: skip
AROUND = st.sampled_from(["", "Register by ", "on ", "(", "See: ", "A | ", "We met on ", "\u201c"])
BEHIND = st.sampled_from(["", ".", ", at noon", " at 10:00 UTC", ")", " | Springfield", "!", "; then more", ": talks"])
RANGES = (
    "{a} {month} - {b} {other} {y}", "{a}\u2013{b} {month} {y}", "{a}-{b} {month} {y}", "{month} {a}-{b}, {y}", "{a} to {b} {month} {y}",
    "{a} and {b} {month} {y}", "{month} {a} & {b}, {y}", "{a} {month} to {b} {other} {y}", "from {month} {a} until {other} {b}, {y}",
)  # fmt: skip
BITS = st.sampled_from(
    "1 |31 |12|:|-|\u2013|/|.|, |May |March|June |Dec.|Sun|Monday, |of |the |st|nd|2026| 2026-|by |until |register |will |was |UTC|PT |23:59|am|noon|to |and |end of |"
    " | \n|'|(|)|next |tomorrow|@gardenletter|https://x.com/|\u00a0|\u0301|漢|é|\u017fep|FR\u0130|\u0131|\u212a|٣".split("|")
)
STRANGE = st.lists(BITS | st.text(max_size=6), max_size=60).map("".join)


def parts(day):
    """Give the pieces of a day as forms name them."""
    weekday = day.weekday()
    return {
        "d": day.day, "m": day.month, "y": day.year, "yy": day.year % 100, "th": ORDINALS.get(day.day, "th"), "month": month_name[day.month],
        "mon": month_abbr[day.month], "MONTH": month_name[day.month].upper(), "day": day_name[weekday], "ddd": day_abbr[weekday],
    }  # fmt: skip


@settings(deadline=None)
@given(DAYS, st.sampled_from(ONE_DAY), AROUND, BEHIND)
def test_a_date_in_any_form_is_that_date(day, form, before, behind):
    """Whatever stands around it; with its weekday where it has one, which is then the right one."""
    text = before + form.format(**parts(day)) + behind
    found = find_dates(text)
    assert len(found) == 1
    assert days_of(found[0], date(2050, 1, 1)) == (day, day)
    assert found[0].weekday in {None, day.weekday()}
    assert ("{day}" in form or "{ddd}" in form) == (found[0].weekday is not None)
    assert text[found[0].start : found[0].end].strip(" .(") in text


@settings(deadline=None)
@given(DAYS, st.sampled_from(ONE_DAY))
def test_a_date_without_year_is_within_a_year_of_its_issue(day, form):
    """The year that is inferred makes a day of that name which is near, and not long past."""
    assume("{y}" in form and "-" not in form and "/" not in form and ".{" not in form and (day.month, day.day) != (2, 29))
    text = form.replace(", {y}", "").replace(" {y}", "").format(**parts(day)).strip()
    near = day.replace(day=1)
    found = days_of(find_dates(text)[0], near)
    assert (found.first.month, found.first.day) == (day.month, day.day)
    assert timedelta(days=-210) < found.first - near < timedelta(days=2 * 366)


@settings(deadline=None)
@given(DAYS, st.integers(1, 27), st.data())
def test_a_range_has_its_first_and_last_day(first, length, data):
    """Within a month or across two."""
    last = min(first + timedelta(days=length), date(first.year, 12, 31))
    assume(last > first)
    form = data.draw(st.sampled_from([form for form in RANGES if "{other}" in form or first.month == last.month]))
    text = form.format(a=first.day, b=last.day, month=month_name[first.month], other=month_name[last.month], y=first.year)
    (written,) = find_dates(text)
    assert days_of(written, date(2050, 1, 1)) == (first, last)


@settings(deadline=None)
@given(DAYS, st.integers(0, 23), st.integers(0, 59), st.sampled_from(["", " UTC", " PT", " CET", " UTC+2"]))
def test_a_date_is_never_over_before_its_day_has_ended_somewhere(day, hour, minute, zone):
    """No alarm rings a day early."""
    (written,) = find_dates(f"{day.day} {month_name[day.month]} {day.year} at {hour}:{minute:02}{zone}")
    assert (written.clock.hour, written.clock.minute) == (hour, minute)
    assert end_of(day, written.clock) >= datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour - 14)
    assert end_of(day, None) == datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(days=1)


@settings(deadline=None)
@given(STRANGE)
def test_no_text_is_too_strange(text):
    """Whatever is typed is read, and what is found lies in the text, in order."""
    found = find_dates(text)
    find_months(text)
    front_keys(f"---\n{text}")
    sentences = Sentences(text)
    ends = [0]
    for written in found:
        assert ends[-1] <= written.start < written.end <= len(text)
        ends.append(written.end)
        days = days_of(written, date(2026, 1, 1))
        assert days is None or days.first <= days.last
        assert sentences.is_ahead(written) in {True, False}


def letter(issue, source, earlier=()):
    """Put a letter around an issue."""
    now = datetime(2026, 2, 3, tzinfo=UTC)
    return Letter(issue, source, an_edition(), "", "", Config(), ListSettings(), (), tuple(earlier), now)


def an_issue(body):
    """Read an issue of that body."""
    text = f"---\ntitle: January 2026\n---\n{body}"
    nothing = {"local": lambda src: Found(), "embedded": lambda src: Found()}
    return text, parse_issue(text, path="issues/a.md", stem="2026-01", site_url="", **nothing)


@settings(max_examples=60, deadline=None)
@given(STRANGE, st.sampled_from(["", "# Upcoming events\n\n", "* ", "| a | b |\n|---|---|\n| 1 May | "]), STRANGE)
def test_whole_issues_of_strange_text(start, shape, text):
    """Every finding has a line of the file."""
    source, issue = an_issue(f"x {start}\n\n{shape}{text}")
    for finding in check(letter(issue, source, [issue])):
        assert 1 <= finding.where.line <= source.count("\n") + 1


LONGEST = 300_000
HOSTILE = ("1 May ", "May 1 ", "1, ", "1-", "Sun 1 May - ", "by 1 May 2020 at 10:00 UTC, ", "1/1/2020 ", "end of May ", " | 5 May 2020", "register ",
           "was a b ", "next ", "A. ", "x", " ", "(", "10:00 ", "tomorrow ", "1 May 2020 (")  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_longest_text_is_read_in_time(piece):
    """Four times the text takes about four times as long; what were more would not end."""
    _, issue = an_issue("x")

    def read(length):
        text = (piece * (length // len(piece) + 1))[:length]
        whole = replace(issue, lead=(Paragraph((Text(text),), 4), Events((Event((Text(text),), ((Text(text),),), 4),), 4)))
        return list(check(letter(whole, "---\ntitle: January 2026\n---\n", [whole])))

    assert grows_at_most(12, lambda: read(LONGEST // 80), lambda: read(LONGEST // 20), spare=0.2)


def test_thousands_of_links_and_lines_are_read_in_time():
    """As many sites and handles as a file can hold."""
    _, issue = an_issue("x")
    names = [f"{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676 % 26)}" for n in range(2000)]
    links = [Link(f"https://{host}/{name}", (Text("x"),), "", 4) for name in names for host in (f"site{name}name.org", "x.com")]
    many = replace(issue, lead=tuple(Paragraph((link,), 4) for link in links))
    half = replace(issue, lead=many.lead[::2])
    whole = letter(many, "---\ntitle: January 2026\nseo:\n  twitterUsername: '@sitename'\n---\n", [half])
    assert ends_within(10, lambda: list(check(whole)))
