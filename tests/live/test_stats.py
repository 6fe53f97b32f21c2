"""Percentiles in constant memory, and the age of the process."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expression.errors import OutputError
from expression.live.stats import Milliseconds, StatisticsFile


def test_nothing_counted_gives_no_figures():
    assert Milliseconds().summary() == {"p50": None, "p95": None, "max": None}


@given(st.lists(st.integers(0, 4998), min_size=1))
def test_percentiles_are_those_of_the_values(values):
    ages = Milliseconds()
    for value in values:
        ages.add(value / 1000)
    wanted = np.percentile(values, [50, 95], method="inverted_cdf")
    assert [ages.summary()["p50"], ages.summary()["p95"]] == list(wanted)


def test_what_is_longer_than_five_seconds_is_counted_and_its_maximum_exact():
    ages = Milliseconds()
    ages.add(7.25)
    assert ages.summary()["max"] == pytest.approx(7250)
    assert ages.summary()["p50"] == 4999


def test_a_film_is_not_read_as_a_whole_to_see_that_it_holds_no_statistics(tmp_path):
    film = tmp_path / "film.mp4"
    with film.open("wb") as file:
        file.truncate(50_000_000)
    tracemalloc.start()
    with pytest.raises(OutputError, match="already exists and does not contain statistics"):
        StatisticsFile(str(film)).check()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5_000_000


@pytest.mark.slow
def test_the_age_of_a_process_counts_from_before_its_imports():
    code = (
        "import time; time.sleep(0.3); from expression.live.stats import process_seconds;"
        "print(process_seconds())"
    )
    seconds = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
    least = 0.3 if sys.platform.startswith("linux") else 0.0
    assert least <= seconds < 30
