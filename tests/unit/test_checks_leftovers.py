"""What stays behind when an issue is made from the last: months, deadlines, events, handles, sites, paragraphs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from composer.checks.leftovers import check
from composer.checks.letter import Letter
from composer.config import Config, ListSettings
from composer.findings import Severity
from composer.issue.addresses import Found
from composer.issue.dates import MONTHS
from composer.issue.reader import parse_issue
from composer.testing import an_edition

FRONT = """\
title: "The Garden Letter: January 2026"
date: 2026-02-02T10:00:00.000Z
seo:
  url: https://www.example.org/news/garden-letter-january-2026
  title: "The Garden Letter: January 2026"
  twitterUsername: "@gardenletter"
"""
FIRST_LINE = 9  # of the body


def of(month):
    """Give the front matter of another month of 2026, written in it."""
    number = MONTHS.index(month) + 1
    front = FRONT.replace("January", month).replace("january", month.lower())
    return front.replace("2026-02-02", f"2026-{number:02}-28")


def an_issue(body="Words.", front=FRONT, stem="2026-01"):
    """Read an issue of that front matter and body."""
    text = f"---\n{front}---\n{body}"
    nothing = {"local": lambda src: Found(), "embedded": lambda src: Found()}
    return text, parse_issue(text, path=f"issues/{stem}.md", stem=stem, site_url="", **nothing)


def said(body="Words.", on="2026-02-03", front=FRONT, stem="2026-01", earlier=()):
    """Give code and line of every finding on a day."""
    return [(finding.code, finding.where.line) for finding in findings(body, on, front, stem, earlier)]


def findings(body="Words.", on="2026-02-03", front=FRONT, stem="2026-01", earlier=()):
    """Check an issue as of a day, among the issues before it."""
    source, issue = an_issue(body, front, stem)
    now = datetime.fromisoformat(on).replace(tzinfo=UTC)
    letter = Letter(issue, source, an_edition(), "", "", Config(), ListSettings(), (), tuple(earlier), now)
    return list(check(letter))


# ---- months ----------------------------------------------------------------------------------------------------


def test_one_month_everywhere_is_well():
    """The plain case says nothing, also when the letter was finished in the next month."""
    assert said() == []


@pytest.mark.parametrize(
    ("front", "stem", "line"),
    [
        (FRONT, "letter-february-2026", 2),
        (FRONT.replace("news/garden-letter-january-2026", "news/garden-letter-december-2025"), "2026-01", 5),
        (FRONT.replace('  title: "The Garden Letter: January 2026"', '  title: "The Garden Letter: December 2025"'), "2026-01", 6),
        (FRONT.replace('title: "The Garden Letter: January 2026"\ndate', 'title: "The Garden Letter: December 2025"\ndate'), "2026-01", 2),
        (FRONT.replace("2026-02-02T", "2025-10-02T"), "2026-01", 3),
        (FRONT + "description: The garden newsletter of December 2025\n", "2026-01", 8),
        ("subject: 'December 2025: snow'\n" + FRONT, "2026-01", 2),
        (FRONT + "description: '\u017feptember 2025: apples'\n", "2026-01", 8),
    ],
)
def test_the_part_that_names_another_month(front, stem, line):
    """One finding, at the line of whichever differs from the most others."""
    assert said(front=front, stem=stem) == [("months-differ", line)]


def test_all_that_differ_are_named():
    """The writer sees at once which is which."""
    (finding,) = findings(stem="letter-february-2026")
    assert finding.message == "title, seo.title and seo.url name January 2026, but the file's name names February 2026"


@pytest.mark.parametrize(
    "front",
    [
        FRONT + "description: Book now for the fair in September 2026\n",
        FRONT + "subject: What we plan for March 2026\n",
        FRONT.replace("/garden-letter-january-2026", "/2026/02/garden-letter-january-2026"),
        FRONT.replace("/garden-letter-january-2026", "/garden-letter"),
        FRONT.replace('title: "The Garden Letter: January 2026"\ndate', 'title: "December 2025/January 2026"\ndate'),
        FRONT.replace('title: "The Garden Letter: January 2026"\ndate', "title: January and what the snow did\ndate"),
    ],
)
def test_months_that_may_be_others(front):
    """A subject speaks of any month, a path holds the day of publication, a double issue names two."""
    assert said(front=front) == []


def test_a_stem_that_is_a_date_names_no_month():
    """Files called by their day of publication come a month after the one they are of."""
    assert said(stem="2026-02-02-garden-letter") == []


def test_toml_front_matter_has_lines_too():
    """Both forms of front matter are read alike."""
    text = '+++\ntitle = "Letter: January 2026"\n[seo]\nurl = "https://www.example.org/letter-may-2025"\n+++\nWords.'
    nothing = {"local": lambda src: Found(), "embedded": lambda src: Found()}
    issue = parse_issue(text, path="issues/a.md", stem="2026-01", site_url="", **nothing)
    now = datetime(2026, 2, 3, tzinfo=UTC)
    found = list(check(Letter(issue, text, an_edition(), "", "", Config(), ListSettings(), (), (), now)))
    assert [(finding.code, finding.where.line) for finding in found] == [("months-differ", 4)]


def test_an_address_used_before():
    """Copied with the file, it would point at the old issue."""
    _, before = an_issue(stem="2025-12", front=FRONT.replace("January 2026", "December 2025"))
    assert ("url-repeated", 5) in said(earlier=[before])


# ---- dates -----------------------------------------------------------------------------------------------------

DEADLINES = """
# Summer fair

17-19 July | Springfield, Farland | The old campus

* [The programme is there!](https://www.example.org/programme)
* [Register](https://www.example.org/register) | Prices double on 2 February at 23:59 PT
* [Send a talk](https://www.example.org/talks) | The deadline is
  8 February at 23:59 PT
* We met on 5 January, and the shed was opened on 20 January 2026
"""


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("2026-02-03T07:00", []),
        ("2026-02-03T08:00", [("date-past", 15)]),
        ("2026-02-10", [("date-past", 15), ("date-past", 17)]),
        ("2026-07-20T11:00", [("date-past", 15), ("date-past", 17)]),
        ("2026-07-20T12:00", [("date-past", 15), ("date-past", 17), ("event-past", 12)]),
    ],
)
def test_deadlines_and_events_on_the_day(on, expected):
    """At the minute, in the zone that is named; an event when its last day has ended everywhere; reports never."""
    later = {"front": of("April"), "stem": "2026-04"} if on.startswith("2026-07") else {}  # else the issue would be old by then
    assert said(DEADLINES, on, **later) == expected


EVENTS = """
# **Upcoming events**

**Birthday parties**

* 3 January: [Springfield](https://www.example.org/s)
* [Shelbyville](https://www.example.org/t) \u2013 22 August
* More parties [on the list](https://www.example.org/p)

**Days of the garden**

* 9 January | [Garden day](https://www.example.org/d) | [Photos](https://www.example.org/photos)
* July - September | [Weeks of the shed](https://www.example.org/w)

**Past parties**

* 1 January: Ogdenville

# News

* 3 January: the snow came
"""


def test_events_in_a_section_of_upcoming_ones():
    """Whatever lists them: a colon, a dash, a bar; not what has photos to show, nor past ones, nor news of a day."""
    assert said(EVENTS, "2026-02-03") == [("event-past", 14)]
    july = {"front": of("July"), "stem": "2026-07"}
    body = EVENTS.replace("3 January:", "3 July:")
    assert said(body, "2026-08-22", **july) == [("event-past", 14)]
    assert said(body, "2026-08-30", **july) == [("event-past", 14), ("event-past", 15)]
    assert said(body, "2026-10-02", **july) == [("event-past", 14), ("event-past", 15), ("event-past", 21)]


def test_a_table_of_deadlines():
    """The head of a column says what its dates are; its lines are those of the rows."""
    table = "| Grant | Deadline | Paid |\n|---|---|---|\n| Seeds | 15 January | 3 January |\n| Tools | 15 March | 3 January |\n"
    assert said(table) == [("date-past", FIRST_LINE + 2)]


@pytest.mark.parametrize(
    "body", ["`by 5 January`, register", "```\nregister by 5 January\n```", "![Register by 5 January](https://x.example/a.png)"]
)
def test_what_is_no_text_is_not_read(body):
    """Code and pictures announce nothing."""
    assert said(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "::: callout tip Register by 5 January\nNow.\n:::",
        "::: columns\nA\n\n---\n\nRegister by 5 January\n:::",
        "> Register by 5 January",
        "A[^1]\n\n[^1]: Register by 5 January",
        "[REGISTER BY 5 JANUARY](https://www.example.org/r)",
        "[Register by 5 January](https://www.example.org/r) | [More](https://www.example.org/m)",
        "# News: register by 5 January\n\nWords.",
        "## A\n\nB\n\n### Register by 5 January\n\nC",
        "1. * Register **by** [5](https://www.example.org/r) January",
    ],
)
def test_every_kind_of_block_is_read(body):
    """A deadline hides anywhere."""
    assert [code for code, _ in said(body)] == ["date-past"]


def test_weekdays_and_days_that_are_none():
    """Wrong on whichever day the letter goes out."""
    body = "We meet on Monday, 3 March 2026.\n\nSend it by 31 June.\n\nWe met on Tuesday, 3 March 2026 and Wed 4 March."
    assert said(body, "2026-01-05") == [("weekday-wrong", 9), ("date-impossible", 11)]
    assert "3 March 2026 is a Tuesday, not a Monday" in {finding.message for finding in findings(body, "2026-01-05")}


def test_the_column_of_a_date():
    """Of two deadlines in one paragraph the eye finds the right one; a date that stands there twice has its line alone."""
    found = findings("Register by 5 January or, if you must, by 9 January.\n\nApply by 5 January, by 5 January!", "2026-02-03")
    assert [str(finding.where) for finding in found] == [
        "issues/2026-01.md:9:13", "issues/2026-01.md:9:43", "issues/2026-01.md:11", "issues/2026-01.md:11",
    ]  # fmt: skip


def test_an_event_and_its_deadline_are_one_finding():
    """Whoever takes out the line has mended both."""
    assert said("* 12 January | Fair | Register by 5 January") == [("event-past", FIRST_LINE)]


def test_words_that_mean_another_day_tomorrow():
    """Only where no date stands beside them, and not in names."""
    body = "Come tomorrow.\n\nThe sheds of tomorrow.\n\nThis Friday, 6 March, we meet.\n\nSee you next week!\n\nTomorrow's garden."
    assert said(body) == [("date-relative", 9), ("date-relative", 15)]


# ---- the archive -----------------------------------------------------------------------------------------------


def test_an_old_issue_is_not_scolded_date_by_date():
    """One info names the lines; a wrong weekday stays wrong."""
    found = findings(DEADLINES + "\nOn Monday, 3 March 2026 we met.\n", "2026-11-23")
    assert [(finding.code, finding.severity) for finding in found] == [("weekday-wrong", "warning"), ("issue-archived", "info")]
    assert found[1].message.endswith("on lines 12, 15, 17")
    assert found[1].hint.endswith("--on 2026-02-02.")


def test_an_old_issue_without_dates_is_silent():
    """There is nothing to say of it."""
    assert said("Words.", "2026-11-23") == []


def test_a_file_copied_for_this_month_is_no_archive():
    """Whose stem is new has all its old dates reported, whatever its title says."""
    body = "Register by 2 February 2026.\n\nSend a talk by 12 November."
    assert said(body, "2026-11-23", stem="2026-11") == [("months-differ", 2), ("date-past", 9), ("date-past", 11)]


# ---- handles and sites -----------------------------------------------------------------------------------------


def before(handle="@gardenletter", body="Words.", stem="2025-12"):
    """Read an earlier issue with that handle."""
    month = FRONT.replace("January 2026", "December 2025").replace("january-2026", f"letter-{stem}")
    return an_issue(body, month.replace("2026-02-02", "2025-12-30").replace("@gardenletter", handle), stem)[1]


@pytest.mark.parametrize(
    ("handle", "codes"),
    [
        ("@gardenletter", []),
        ("@GardenLetter", []),
        ("@gardenleter", ["handle-misspelt"]),
        ("@gradenletter", ["handle-misspelt"]),
        ("@shedletter", ["handle-differs"]),
        ("gardenletter", ["handle-form"]),
        ("https://twitter.com/gardenletter", ["handle-form"]),
        ("@garden letter", ["handle-form", "handle-differs"]),
    ],
)
def test_the_handle_of_the_front_matter(handle, codes):
    """It is that of the issues before: letter for letter, but for capitals."""
    found = said(front=FRONT.replace("@gardenletter", handle), earlier=[before(), before()])
    assert found == [(code, 7) for code in codes]


def test_a_handle_misspelt_alone():
    """The letter's own links bear witness, though no earlier issue is there."""
    body = "[Home](https://garden-letter.org/news)"
    assert said(body, front=FRONT.replace("@gardenletter", "@gadenletter")) == [("handle-misspelt", 7)]


def test_a_handle_that_links_confirm_is_right():
    """Where the issues before were wrong, the one that is right is not scolded."""
    assert said("[Home](https://garden-letter.org/news)", earlier=[before("@gadenletter")]) == []


@pytest.mark.parametrize(
    ("known", "link", "code"),
    [
        ("https://x.com/gardenletter", "https://x.com/gardenleter", "handle-misspelt"),
        ("https://twitter.com/gardenletter", "https://x.com/gardenlettr?s=20", "handle-misspelt"),
        ("https://bsky.app/profile/garden.example.org", "https://bsky.app/profile/gardn.example.org", "handle-misspelt"),
        ("https://social.example/@gardenletter", "https://social.example/@gardenlettre", "handle-misspelt"),
        ("https://www.linkedin.com/company/garden-letter/", "https://www.linkedin.com/company/gardenletter/", "handle-misspelt"),
        ("https://docs.springfield.example/a", "https://docs.sprigfield.example/b", "site-misspelt"),
        ("mailto:a@springfield.example", "mailto:a@springfeild.example", "site-misspelt"),
    ],
)
def test_links_that_are_almost_the_known_ones(known, link, code):
    """A letter or two off, and nobody notices until readers do."""
    earlier = [before(body=f"[a]({known})")]
    assert said(f"Words.\n\n[a]({link})", earlier=earlier) == [(code, FIRST_LINE + 2)]


@pytest.mark.parametrize(
    ("known", "link"),
    [
        ("https://summit2025.example.org", "https://summit2026.example.org"),
        ("https://en.wikipedia.example", "https://de.wikipedia.example"),
        ("https://springfield.example", "https://springfield.example.org"),
        ("https://x.com/gardenletter", "https://x.com/shedletter"),
        ("https://x.com/gardenletter", "https://bsky.app/profile/gardenleter"),
        ("https://x.com/intent/post", "https://x.com/intents/post"),
        ("https://springfield.example/a", "[a](b)"),
    ],
)
def test_links_that_are_others(known, link):
    """Another year, another language, another person."""
    assert said(f"[a]({link})", earlier=[before(body=f"[a]({known})")]) == []


def test_a_new_home_is_mentioned():
    """Sites move; a word of it is enough."""
    front = FRONT.replace("www.example.org", "www.springfield.example")
    (finding,) = findings(front=front, earlier=[before()])
    assert (finding.code, finding.severity, finding.where.line) == ("site-differs", Severity.INFO, 5)


# ---- repeats ---------------------------------------------------------------------------------------------------

SURVEY = "Running a shed? Tell us what grows there in the yearly survey of gardens; it is open until 28 March, and takes five minutes."


@pytest.mark.parametrize(
    ("now", "then", "found"),
    [
        (SURVEY, SURVEY, True),
        (SURVEY.replace("Tell us", "Please tell us"), SURVEY, True),
        (SURVEY, SURVEY.replace("28 March", "28 February"), False),
        (SURVEY.replace("open until 28 March", "open"), SURVEY.replace("open until 28 March", "open"), False),
        (SURVEY.replace("open until 28 March", "open until spring"), SURVEY.replace("open until 28 March", "open until spring"), True),
        ("Open until 28 March.", "Open until 28 March.", False),
        (f"23-26 March | {SURVEY}", f"23-26 March | {SURVEY}", False),
    ],
)
def test_what_stood_in_the_issue_before(now, then, found):
    """Word for word or nearly, with the same date; not what is short, was given a new date, or is an event to come."""
    assert said(f"A.\n\n* {now}", earlier=[before(body=f"B.\n\nC.\n\n* {then}")]) == ([("date-repeated", FIRST_LINE + 2)] if found else [])


def test_a_repeat_that_is_past_is_said_once():
    """The date is what matters then."""
    assert said(SURVEY, "2026-04-02", earlier=[before(body=SURVEY)]) == [("date-past", FIRST_LINE)]


# ---- real ones -------------------------------------------------------------------------------------------------


def real(path, on, earlier=()):
    """Check a real issue on a day."""
    text = path.read_text(encoding="utf-8")
    nothing = {"local": lambda src: Found(), "embedded": lambda src: Found()}
    issue = parse_issue(text, path=f"issues/{path.name}", stem=path.stem, site_url="", **nothing)
    now = datetime.fromisoformat(on).replace(tzinfo=UTC)
    found = check(Letter(issue, text, an_edition(), "", "", Config(), ListSettings(), (), tuple(earlier), now))
    return issue, [(finding.code, finding.where.line) for finding in found]


def test_the_real_issues(shared_issues):
    """Every leftover in them is found at its line, and nothing else."""
    january, july = shared_issues
    of_july = [("months-differ", 3), ("handle-misspelt", 15)]
    issue, found = real(july, "2025-07-01")
    assert found == of_july
    assert real(july, "2025-07-20")[1] == [
        *of_july[:1], ("date-past", 31), ("date-past", 46), ("date-past", 47), ("event-past", 115), *of_july[1:]
    ]  # fmt: skip
    assert real(july, "2026-11-23")[1] == [*of_july[:1], ("issue-archived", 3), *of_july[1:]]
    assert real(january, "2026-02-03", [issue])[1] == [("site-differs", 11)]
    assert real(january, "2026-02-20", [issue])[1] == [("date-past", 41), ("site-differs", 11)]
    assert real(january, "2026-11-23", [issue])[1] == [("issue-archived", 3), ("site-differs", 11)]


@pytest.mark.parametrize("name", ["2026-01.md", "showcase.md"])
@pytest.mark.parametrize("on", ["2026-01-20", "2026-02-02", "2026-11-23"])
def test_the_sample_issues_have_nothing_above_info(pytestconfig, name, on):
    """What people see first is in order, in its month and long after."""
    path = pytestconfig.rootpath / "issues" / name
    assert {code for code, _ in real(path, on)[1]} <= {"issue-archived"}
