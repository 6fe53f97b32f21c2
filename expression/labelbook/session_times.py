"""The times of capture sessions as written in a table, and their order.

The labeler writes ISO times. Spreadsheets rewrite them in their local format, and people write words.
`columns.py` uses this to recognise a column of sessions; `training/personalise.py` and the commands to order
them.

Notebook: 08_your_face
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

CLOCK = (
    r"(?:[T ,_]+(?P<hour>\d{1,2})[:.]?(?P<minute>\d\d)(?:[:.]?(?P<second>\d\d))?(?:[.,]\d+)?"
    r"\s*(?P<half>[ap]\.?m\b\.?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)
"""A time of day after a date."""

YEAR = r"(?P<year>(?:19|20)?\d\d)(?!\d)"

FORMS = (
    r"(?P<year>(?:19|20)\d\d)(?P<mark>[-/.]?)(?P<month>\d\d?)(?P=mark)(?P<day>\d\d?)(?!\d)",
    rf"(?P<one>\d\d?)(?P<mark>[-/.] ?)(?P<two>\d\d?)(?P=mark){YEAR}",
    rf"(?P<day>\d\d?)[- .]+(?P<name>[a-z]{{3}})[a-z]*[- .,]+{YEAR}",
)
DATES = [re.compile(form + CLOCK, re.IGNORECASE) for form in FORMS]
"""Dates in the formats of programs and people: 2026-10-01, 1.10.2026 or 10/1/26, 1 October 2026."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

HALF_DAY = re.compile(r"\d\s*[ap]\.?m\b", re.IGNORECASE)
"""A time that ends in am or pm; its date has the month first."""

SERIAL = re.compile(r"[45]\d{4}(?:[.,]\d+)?")
"""A date as spreadsheets count days, from 2009 to 2064. Source: the OpenFormula standard, "Date"."""

SERIAL_ORIGIN = datetime(1899, 12, 30)

SECONDS = re.compile(r"1\d{9}(?:[.,]\d+)?")
"""Seconds since 1970, from 2001 to 2033."""


APART = timedelta(hours=1)
"""Pictures that are further apart in time belong to different sessions."""


class Times(NamedTuple):
    """The sessions of a table as times.

    Attributes:
        found: The time of each session that is a time.
        ambiguous: Whether dates such as 3/4/2026 are ambiguous and the order depends on it.
    """

    found: dict[str, datetime]
    ambiguous: bool = False


def times_of(sessions: Iterable[str]) -> Times:
    """Returns the times of sessions.

    All of them together decide whether the day or the month comes first: no month is above 12, and sessions
    are expected to be in chronological order.

    Args:
        sessions: The sessions of a table, in its order.

    Example:
        >>> times_of(["31/1/2026 10:00", "1/2/2026 9:30"]).found["1/2/2026 9:30"].isoformat()
        '2026-02-01T09:30:00'
    """
    sessions = list(dict.fromkeys(sessions))
    day_first = {text: time for text in sessions if (time := as_time(text, True))}
    month_first = {text: time for text in sessions if (time := as_time(text, False))}
    if len(day_first) != len(month_first):
        return Times(max(day_first, month_first, key=len))
    orders = [sorted(times, key=times.get) for times in (day_first, month_first)]
    if orders[0] == orders[1] or any(HALF_DAY.search(text) for text in month_first):
        return Times(month_first)
    written = [list(times) for times in (day_first, month_first)]
    rising = [order == times for order, times in zip(orders, written, strict=True)]
    return Times(day_first if rising[0] else month_first, ambiguous=rising[0] == rising[1])


def as_time(session: str, day_first: bool = False) -> datetime | None:
    """Returns the time that a session starts with, or None.

    Args:
        session: Its text.
        day_first: Whether 3/4/2026 is the third of April or the fourth of March. With dots it is April.

    Example:
        >>> print(as_time("01.10.26 18:30"), as_time("monday"))
        2026-10-01 18:30:00 None
    """
    text = session.strip()
    if SERIAL.fullmatch(text):
        return SERIAL_ORIGIN + timedelta(days=round(float(text.replace(",", ".")), 5))
    if SECONDS.fullmatch(text):
        return datetime(1970, 1, 1) + timedelta(seconds=float(text.replace(",", ".")))
    found = _date(text)
    return _built(found.groupdict(), day_first) if found else None


def in_order(sessions: Iterable[str]) -> list[str]:
    """Returns sessions, each once, the earliest first.

    Times are sorted, and so are words with a number, such as "day 2" and "day 10". Other words keep their
    order and come before times.

    Example:
        >>> in_order(["2026-10-03T18:30:00", "2026-10-01T10:00:00"]), in_order(["day 10", "day 2"])
        (['2026-10-01T10:00:00', '2026-10-03T18:30:00'], ['day 2', 'day 10'])
    """
    sessions = list(dict.fromkeys(sessions))
    found = times_of(sessions).found
    words = [text for text in sessions if text not in found]
    if len({re.sub(r"\d+", "#", text) for text in words}) == 1:
        words.sort(key=lambda text: [int(number) for number in re.findall(r"\d{1,18}", text)])
    return words + sorted(found, key=found.get)


def sessions_by_time(sessions: Sequence[str]) -> list[str]:
    """Returns the session of each row; if each picture has its own time, a gap of an hour separates sessions.

    Args:
        sessions: The sessions of the rows, "" if one has none.

    Example:
        >>> sessions_by_time(["2026-10-01T10:00:00", "2026-10-01T10:00:07", "2026-10-02T10:00:00"])
        ['2026-10-01T10:00:00', '2026-10-01T10:00:00', '2026-10-02T10:00:00']
    """
    said = [text for text in sessions if text]
    found = times_of(said).found
    if not found or 2 * len(set(said)) <= len(said):
        return list(sessions)
    first: dict[str, str] = {}
    before = None
    for text in sorted(found, key=found.get):
        near = before and found[text] - found[before] < APART
        first[text] = first[before] if near else text
        before = text
    return [first.get(text, text) for text in sessions]


def plain_time(session: str, time: datetime) -> str:
    """Returns a session in the labeler's format, which sorts chronologically.

    Args:
        session: As written; text after the time, such as the name of a video, is preserved.
        time: Its time.
    """
    text = session.strip()
    found = _date(text)
    rest = text[found.end() :].strip() if found else ""
    return f"{time.isoformat(timespec='seconds')} {rest}".rstrip()


def _date(text: str) -> re.Match[str] | None:
    """Returns the date at the start of a text, or None."""
    return next((found for form in DATES if (found := form.match(text))), None)


def _built(parts: dict[str, str | None], day_first: bool) -> datetime | None:
    """Returns the time made of the parts of a match, or None if there is no such day."""
    if "one" in parts:
        first = day_first or "." in parts["mark"]
        parts["day"], parts["month"] = (parts["one"], parts["two"])[:: 1 if first else -1]
    named = (parts.get("name") or "").casefold()
    month = MONTHS.index(named) + 1 if named in MONTHS else parts.get("month") or 0
    year, hour = int(parts["year"]), int(parts["hour"] or 0)
    if parts["half"]:
        hour = hour % 12 + 12 * (parts["half"].casefold()[0] == "p")
    clock = hour, int(parts["minute"] or 0), int(parts["second"] or 0)
    try:
        return datetime(year + 2000 * (year < 100), int(month), int(parts["day"]), *clock)
    except ValueError:
        return None
