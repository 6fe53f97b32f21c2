"""The day of a run: minutes with their labels, and no more than a day of them."""

from __future__ import annotations

from expression.server.day import Day


def fill(day: Day, start: float, seconds: float, label: str | None) -> float:
    """Adds a label ten times a second, and returns the time after it."""
    for tenth in range(round(seconds * 10)):
        day.add(label, start + tenth / 10)
    return start + seconds


def test_a_minute_has_the_label_that_was_read_for_most_of_it():
    day = Day()
    now = fill(day, 600, 20, "Sad")
    fill(day, fill(day, now, 30, "Happy"), 20, None)
    assert day.since(0) == [(10, "Happy"), (11, None)]
    assert day.since(11) == [(11, None)]


def test_a_day_is_kept_and_no_more():
    day = Day(most=5)
    for minute in range(9):
        day.add("Happy", 60.0 * minute)
    assert [minute for minute, _ in day.since(0)] == [4, 5, 6, 7, 8]


def test_a_computer_that_slept_has_read_nothing_meanwhile():
    day = Day()
    now = fill(day, 600, 5, "Sad")
    day.add("Happy", now + 40)
    assert day.since(0) == [(10, "Sad")]


def test_a_clock_that_is_set_back_adds_to_the_minute_that_it_left():
    day = Day()
    fill(day, 600, 5, "Sad")
    fill(day, 300, 5, "Sad")
    assert day.since(0) == [(10, "Sad")]
