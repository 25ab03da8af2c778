"""Dates as people write them: in front matter, in titles, and at the start of an event line."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

# Words of a date, in English in full and short, then in German, French, Spanish, Italian, Portuguese, Dutch, Arabic and Hebrew. Each is
# replaced by one character, so that the patterns below stay small: a cell is looked up word by word.
_MONTH, _WEEKDAY, _AND = "\ue000", "\ue001", "\ue002"
_WORDS = {
    _MONTH: """
        january jan february feb march mar april apr may june jun july jul august aug september sep sept october oct
        november nov december dec
        januar februar märz maerz mär mai juni juli oktober okt dezember dez
        janvier janv février fevrier fév févr fevr mars avril avr juin juillet juil août aout septembre octobre
        novembre décembre decembre déc
        enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
        gennaio gen febbraio aprile maggio giugno luglio settembre ottobre dicembre
        janeiro fevereiro março marco maio junho julho setembro outubro novembro dezembro
        januari februari maart mrt mei augustus
        يناير فبراير مارس أبريل ابريل مايو يونيو يوليو أغسطس اغسطس سبتمبر أكتوبر اكتوبر نوفمبر ديسمبر
        ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר""",
    _WEEKDAY: """
        monday mon tuesday tue tues wednesday wed wednes thursday thu thur thurs friday fri saturday sat sunday sun""",
    _AND: "to until and und bis et au y al e",
}
_KINDS = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_WORD = re.compile(r"[^\W\d_]+")
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|\.|º)?(?!\d)"
_JOIN = rf"\s{{0,3}}[{_AND}/&+,−–—-]\s{{0,3}}"  # noqa: RUF001 - dashes as editors type them
_DAYS = rf"{_DAY}(?:{_JOIN}{_DAY}){{0,6}}"
_YEAR = r"(?:,?\s{0,3}(?:de\s{1,3})?(?:19|20)\d\d(?!\d))?"
_DATE_START = re.compile(
    rf"(?:{_WEEKDAY}\.?,?(?:{_JOIN}{_WEEKDAY}\.?,?)?\s{{1,3}})?"
    rf"(?:{_DAYS}\s{{0,3}}(?:(?:of|de)\s{{1,3}})?{_MONTH}\.?{_YEAR}"
    rf"|{_MONTH}\.?\s{{0,3}}{_DAYS}{_YEAR}"
    r"|(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)"
    r"|\d{1,2}[/.]\d{1,2}[/.](?:20)?\d\d(?!\d)"
    r"|(?:(?:19|20)\d\d年)?\d{1,2}月(?:\d{1,2}日)?)(?!\w)",
    re.IGNORECASE,
)
_MONTH_ONLY = re.compile(rf"(?:(?:early|mid|late|end of)[\s-])?{_MONTH}\.?{_YEAR}(?:{_JOIN}{_MONTH}\.?{_YEAR}){{0,3}}", re.IGNORECASE)
_MONTH_YEAR = re.compile(rf"\b({'|'.join(MONTHS)})\s{{1,3}}((?:19|20)\d\d)\b", re.IGNORECASE)
_STEM_MONTH = re.compile(r"(?<!\d)((?:19|20)\d\d)-(0[1-9]|1[0-2])(?!\d)")
_STEM_NAME = re.compile(rf"({'|'.join(MONTHS)})[-_]((?:19|20)\d\d)(?!\d)", re.IGNORECASE)
_MOMENT = re.compile(
    r"(?P<date>\d{4}-\d{1,2}-\d{1,2})"
    r"(?:[Tt \t]{1,4}(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s{0,3}(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
)
_DAY_FIRST = re.compile(r"(\d{1,2})([-./])(\d{1,2})\2((?:19|20)\d\d)(.*)", re.DOTALL)
LONGEST_DATE = 60


def starts_with_date(cell: str) -> bool:
    """Tell whether an event line's first cell starts with a date, such as ``17-19 October`` or ``July - September``."""
    text = _WORD.sub(lambda word: _KINDS.get(word[0].lower(), word[0]), " ".join(cell[:LONGEST_DATE].split()))
    return bool(_DATE_START.match(text) or _MONTH_ONLY.fullmatch(text))


def month_of(title: str, stem: str, moment: datetime | None) -> str:
    """Say which month an issue speaks of, ``January 2026``: by its title, else its stem, else its date; or nothing."""
    if match := _MONTH_YEAR.search(title):
        return f"{match[1].capitalize()} {match[2]}"
    if match := _STEM_MONTH.search(stem):
        return f"{MONTHS[int(match[2]) - 1]} {match[1]}"
    if match := _STEM_NAME.search(stem):
        return f"{match[1].capitalize()} {match[2]}"
    return f"{MONTHS[moment.month - 1]} {moment.year}" if moment else ""


def read_moment(text: str) -> datetime:
    """Read a front matter date: ISO 8601 as YAML allows it, with or without time and zone (then UTC).

    Raises ValueError whose text says what to write instead.
    """
    text = text.strip()
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(_instead(text))
    try:
        year, month, day = (int(part) for part in match["date"].split("-"))
        if match["hour"] is None:
            return datetime(year, month, day, tzinfo=UTC)
        micro = int((match["fraction"] or "0")[:6].ljust(6, "0"))
        clock = (int(match["hour"]), int(match["minute"]), int(match["second"] or 0))
        return datetime(year, month, day, *clock, micro, tzinfo=_zone(match["zone"]))
    except ValueError as err:
        raise ValueError(f"there is no such moment ({err}); write for example 2026-02-02 or 2026-02-02T17:58:00Z") from err


def _zone(text: str | None) -> timezone:
    if not text or text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _instead(text: str) -> str:
    if match := _DAY_FIRST.fullmatch(text):
        day, month, year = int(match[1]), int(match[3]), int(match[4])
        options = []
        for month_, day_ in dict.fromkeys(((month, day), (day, month))):
            try:
                options.append(date(year, month_, day_).isoformat())
            except ValueError:
                continue
        if options:
            return f"write year first: {' or '.join(options)}"
    return "write for example 2026-02-02 or 2026-02-02T17:58:00Z"
