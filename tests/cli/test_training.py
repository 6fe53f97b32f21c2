"""The commands `train` and `evaluate` say what they read and how they ended."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import tiny

from expression.cli import app, training
from expression.labels import FER2013
from expression.models.architectures import NETWORKS
from expression.pictures.image import write_picture
from expression.sources.sitter import Sitter
from expression.training.trainer import train

pytestmark = pytest.mark.slow


@pytest.fixture
def tiny_network(monkeypatch):
    """Lets recipes name the tiny network."""
    monkeypatch.setitem(NETWORKS, "tiny", tiny.network)


@pytest.mark.parametrize(
    ("patience", "said"),
    [
        pytest.param(1, ["Stopped early: no improvement for 1 epoch."], id="one"),
        pytest.param(2, ["Stopped early: no improvement for 2 epochs."], id="two"),
        pytest.param(0, [], id="no patience asked for"),
    ],
)
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_training_that_stops_early_says_so(tiny_network, capsys, tmp_path, patience, said):
    recipe = replace(tiny.RECIPE, epochs=patience + 2, patience=patience, rate=1e-9)  # nothing is learned
    run = partial(train, tiny.data(), tmp_path / "out", recipe)
    for again in (False, True):
        training._trained(run, recipe)
        lines = capsys.readouterr().out.splitlines()
        assert [line for line in lines if "early" in line] == said
        assert ("The training was already finished." in lines) is again


@pytest.mark.parametrize(
    ("variable", "words", "told"),
    [
        pytest.param("fer2013.csv", [], ["fer2013.csv"], id="by the environment"),
        pytest.param("", [], [""], id="in the current folder"),
        pytest.param("", ["--data", "fer2013.csv"], [], id="it was named"),
    ],
)
def test_data_that_was_found_is_told_with_its_place(capsys, monkeypatch, tmp_path, variable, words, told):
    monkeypatch.setenv("EXPRESSION_DATA", variable)
    monkeypatch.chdir(tmp_path)
    tiny.table(tmp_path / "fer2013.csv")
    assert app.main(["evaluate", *words]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Data: ")]
    assert lines == [f"Data: {tmp_path / name}" for name in told]


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        pytest.param(["--labels", "Joy,Sad"], {"Joy": "3", "Sad": "3"}, id="as they were asked for"),
        pytest.param(["--labels", "sad,happy"], {"Sad": "3", "Happy": "3"}, id="other letters"),
        pytest.param([], {label: str(3 * (label in ("Happy", "Sad"))) for label in FER2013}, id="all"),
    ],
)
def test_the_labels_that_were_asked_for_have_a_row_each(capsys, tmp_path, asked, rows):
    generator = np.random.default_rng(0)
    for name in ("Joy", "Sad"):
        (tmp_path / "faces" / name).mkdir(parents=True)
        for number in range(3):
            face = tiny.picture(number, generator)
            write_picture(tmp_path / "faces" / name / f"{number}.png", face)
    assert app.main(["evaluate", "--data", str(tmp_path / "faces"), *asked]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = next(number for number, line in enumerate(lines) if "recall" in line)
    table = lines[start + 1 : lines.index("", start)]
    assert dict(line.split()[:2] for line in table) == rows


@pytest.fixture
def photos(tmp_path):
    """Photos of a drawn person, in a folder for each label."""
    for number, (label, shows) in enumerate((("Happy", "happy"), ("Neutral", "neutral"))):
        sitter = Sitter(day=number)
        sitter.shows = shows
        (tmp_path / "photos" / label).mkdir(parents=True)
        for name in ("1.png", "2.png"):
            write_picture(tmp_path / "photos" / label / name, sitter.read())
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("words", "head"),
    [
        pytest.param(["--detector", "haar"], "live", id="photos"),
        pytest.param([], "fer2013", id="cropped faces"),
        pytest.param(["--detector", "haar", "--head", "ferplus"], "ferplus", id="asked for"),
        pytest.param(["--head", "live"], "live", id="live asked for"),
    ],
)
def test_photos_are_counted_as_a_live_run_reads_them(photos, tmp_path, capsys, words, head):
    results = tmp_path / "results.json"
    assert app.main(["evaluate", "--data", str(photos), "--json", str(results), *words]) == 0
    found = json.loads(results.read_text())
    assert (found["head"], found["pictures"]) == (head, 4)
    assert found["balanced_accuracy"] == found["accuracy"]  # as many of each label
    assert f"head {head}." in capsys.readouterr().out


def test_the_sensitivity_of_the_settings_counts(photos, tmp_path, monkeypatch, capsys):
    def scores(*words: str) -> str:
        assert app.main(["evaluate", "--data", str(photos), "--head", "live", *words]) == 0
        return re.search(r"calibration error [\d.]+%", capsys.readouterr().out)[0]

    monkeypatch.setenv("EXPRESSION_SENSITIVITY", "1")
    assert scores() == scores("--sensitivity", "1") != scores("--sensitivity", "0")


def test_a_head_that_the_network_does_not_have_is_refused(photos, capsys):
    assert app.main(["evaluate", "--data", str(photos), "--head", "votes"]) == 2
    assert "has no head 'votes'. Expected fer2013, ferplus or live." in capsys.readouterr().err
