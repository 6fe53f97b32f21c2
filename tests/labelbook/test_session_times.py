"""Sessions are ordered by time, in whatever format a spreadsheet has written it."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expression.labelbook.session_times import as_time, in_order, plain_time, sessions_by_time, times_of

MORNING = datetime(2026, 10, 1, 10, 0)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2026-10-01T10:00:00",
            "2026-10-01 10:00",
            "2026-10-01T10:00:00.123456",
            "2026-10-01T10:00:00+02:00",
        ),
        *("2026-10-01T10:00:00Z", "2026/10/1 10:00", "20261001_100000", "20261001T100000", "1.10.2026 10:00"),
        *("01.10.26 10:00", "1. 10. 2026 10:00", "10/1/2026 10:00", "10/1/26 10:00 AM", "10/1/2026 10:00:00"),
        *("1-Oct-2026 10:00", "01 October 2026 10:00 am", "1. Oct 2026 10:00", "46296.41667", "46296,416667"),
        "2026-10-01T10:00:00 party.mp4",
    ],
)
def test_a_time_is_known_however_it_is_written(text):
    assert abs((as_time(text) - MORNING).total_seconds()) < 5


@pytest.mark.parametrize(
    ("text", "hour"), [("10/1/2026 12:05 AM", 0), ("10/1/2026 12:05 PM", 12), ("10/1/2026 1:05 p.m.", 13)]
)
def test_halves_of_a_day_are_told_apart(text, hour):
    assert as_time(text).hour == hour


@pytest.mark.parametrize(
    "text",
    ["", "monday", "0.31", "12", "S15", "day 10", "2026-13-01", "31.2.2026", "1.2", "99/99/2026", "5%"],
)
def test_what_is_no_time_is_none(text):
    assert as_time(text) is None


@given(st.text(alphabet="0123456789./-: TPMapm,", max_size=30) | st.text(max_size=40))
def test_no_text_makes_it_fail(text):
    as_time(text, True)
    times_of([text, "3/4/2026"])
    assert sorted(in_order([text, "b", text])) == sorted({text, "b"})


@pytest.mark.parametrize(
    ("sessions", "ordered"),
    [
        pytest.param(["2026-10-03T18:30:00", "2026-10-01T10:00:00"], [1, 0], id="times"),
        pytest.param(["03.10.2026 18:30", "01.11.2026 10:00", "29.9.2026"], [2, 0, 1], id="dots"),
        pytest.param(["12/1/2026", "2/13/2026", "1/2/2026"], [2, 1, 0], id="the month first, as 13 shows"),
        pytest.param(["1/12/2026", "13/2/2026", "2/1/2026"], [2, 1, 0], id="the day first, as 13 shows"),
        pytest.param(["5/1/2026 9:00 AM", "4/2/2026 9:00 AM"], [1, 0], id="the month first, as AM shows"),
        pytest.param(["5/1/2026", "4/2/2026"], [0, 1], id="the day first, as their order shows"),
        pytest.param(["2026-10-02T10:00:00", "01.10.2026 10:00"], [1, 0], id="two forms"),
        pytest.param(["day 10", "day 9"], [1, 0], id="words with numbers"),
        pytest.param(["10", "9"], [1, 0], id="numbers"),
        pytest.param(["tuesday", "monday"], [0, 1], id="words keep their order"),
        pytest.param(["2026-10-01", "monday"], [1, 0], id="words come first"),
        pytest.param(["z", "a", "z"], [0, 1], id="each once"),
    ],
)
def test_sessions_are_put_in_order(sessions, ordered):
    assert in_order(sessions) == [sessions[place] for place in ordered]


def test_dates_whose_order_depends_on_the_country_are_ambiguous():
    assert times_of(["5/3/2026", "3/4/2026", "4/1/2026"]).ambiguous
    assert not times_of(["3/4/2026", "4/4/2026"]).ambiguous
    assert not times_of(["31/3/2026", "3/4/2026"]).ambiguous


def test_a_time_is_written_as_the_labeler_does_and_the_rest_is_kept():
    assert plain_time("01.10.2026 10:00", MORNING) == "2026-10-01T10:00:00"
    assert plain_time("1.10.2026 10:00 party.mp4", MORNING) == "2026-10-01T10:00:00 party.mp4"


def test_pictures_with_a_time_each_make_sittings_an_hour_apart():
    times = [f"2026-10-01T10:{minute:02}:00" for minute in range(0, 60, 10)] + ["2026-10-01T12:00:00", ""]
    assert sessions_by_time(times) == [times[0]] * 6 + ["2026-10-01T12:00:00", ""]
    assert sessions_by_time(["a", "b", "c"]) == ["a", "b", "c"]
    assert (
        sessions_by_time(["2026-10-01T10:00:00"] * 3 + ["2026-10-01T10:05:00"] * 3)[-1]
        == "2026-10-01T10:05:00"
    )
