"""Settings: four places, the later wins, and each bad value is told."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from expression.displays import make_display
from expression.errors import BadInputError, ExpressionError, MissingFileError
from expression.labels import FER2013
from expression.models import registry
from expression.settings import CHOICES, COMMAND_LINE, ELSEWHERE, Settings
from expression.settings.files import FILE
from expression.vision.detectors import make_detector
from expression.vision.smoothing import Smoother


def load(folder, toml: str | bytes = "", environ=None, **arguments) -> Settings:
    """Loads settings from a folder with this expression.toml."""
    if toml:
        (folder / FILE).write_bytes(toml if isinstance(toml, bytes) else toml.encode())
    return Settings.load(folder, environ or {}, **arguments)


def test_without_anything_the_defaults_hold(tmp_path):
    assert load(tmp_path) == Settings()


@pytest.mark.parametrize(
    ("toml", "environ", "arguments", "people"),
    [
        pytest.param("", {}, {}, 5, id="default"),
        pytest.param("people = 2", {}, {}, 2, id="file over default"),
        pytest.param("people = 2", {"EXPRESSION_PEOPLE": "3"}, {}, 3, id="environment over file"),
        pytest.param("people = 2", {"EXPRESSION_PEOPLE": "3"}, {"people": 4}, 4, id="argument over all"),
        pytest.param("people = 2", {}, {"people": None}, 2, id="an argument of None is not set"),
        pytest.param("", {"EXPRESSION_PEOPLE": "3"}, {"people": "4"}, 4, id="an argument in words"),
    ],
)
def test_the_later_place_wins(tmp_path, toml, environ, arguments, people):
    assert load(tmp_path, toml, environ, **arguments).people == people


def test_the_settings_of_whoever_runs_the_tests_do_not_reach_them():
    assert not list(Path().iterdir())
    assert Settings.load() == Settings()


def test_each_place_sets_only_what_it_names(tmp_path):
    settings = load(tmp_path, 'detector = "haar"', {"EXPRESSION_MIRROR": "no"}, threshold=0.5)
    assert settings == Settings(detector="haar", mirror=False, threshold=0.5)


def test_the_environment_of_the_process_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPRESSION_SMOOTH", "streak")
    assert Settings.load(tmp_path).smooth == "streak"


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_names_that_are_read_elsewhere_are_passed_over(tmp_path, name):
    assert load(tmp_path, environ={f"EXPRESSION_{name}": "x"}) == Settings()


VALUES = [
    ("eyes", "yes", True),
    ("eyes", "OFF", False),
    ("eyes", "1", True),
    ("people", np.int64(7), 7),
    ("stale", "0.5", 0.5),
    ("stale", 1, 1.0),
    ("sinks", "console csvfile:a.csv", ("console", "csvfile:a.csv")),
    ("sinks", ["console"], ("console",)),
    ("sinks", ["csvfile:my own a.csv"], ("csvfile:my own a.csv",)),
    ("sinks", "csvfile:/tmp/my file.csv", ("csvfile:/tmp/my file.csv",)),
    ("sinks", r"csvfile:C:\Users\Jane Doe\a.csv memory", (r"csvfile:C:\Users\Jane Doe\a.csv", "memory")),
    ("sinks", " console  csvfile:a b.csv  memory:5 ", ("console", "csvfile:a b.csv", "memory:5")),
    ("sinks", "", ()),
    ("sinks", "csvfile:a.csv consol", ("csvfile:a.csv", "consol")),
    ("duration", "4000000", 4_000_000.0),
    ("source", 0, 0),
    ("model", "my.tflite", "my.tflite"),
]


@pytest.mark.parametrize(("name", "value", "wanted"), VALUES, ids=[f"{n} {v}" for n, v, _ in VALUES])
def test_a_value_is_brought_into_its_type(tmp_path, name, value, wanted):
    got = getattr(load(tmp_path, **{name: value}), name)
    assert (got, type(got)) == (wanted, type(wanted))


BAD = [
    ("people", "two", r"people is 'two'\. Expected a whole number\. Correct it, or leave"),
    ("people", 2.7, r"people is 2\.7\. Expected a whole number"),
    ("people", True, r"people is True\. Expected a whole number"),
    ("people", float("inf"), r"people is inf"),
    ("people", 0, r"people is 0\. Expected 1 to 50\. Choose a value in that range"),
    ("people", 51, r"people is 51\. Expected 1 to 50"),
    ("threshold", 1.01, r"threshold is 1\.01\. Expected 0 to 1"),
    ("threshold", "nan", r"threshold is nan"),
    ("threshold", True, r"threshold is True\. Expected a number"),
    ("stale", 10**400, r"stale is 10{39}\.\.\.0+\. Expected a number"),
    ("smallest_face", 9, r"smallest_face is 9\. Expected 10 to 1,000 pixels\."),
    ("stale", 0, r"stale is 0\. Expected 0\.05 to 60"),
    ("stale", "soon", r"stale is 'soon'\. Expected a number"),
    ("duration", -1, r"duration is -1\. Expected 0 to"),
    ("duration", "inf", r"duration is inf"),
    ("duration", 4_294_967, r"duration is 4,294,967\. Expected 0 to 4,000,000 seconds\."),
    ("eyes", "perhaps", r"eyes is 'perhaps'\. Expected true or false"),
    ("mirror", 2, r"mirror is 2\. Expected true or false"),
    ("sinks", 5, r"sinks is 5\. Expected a list of names"),
    ("display", "wall", r"display is 'wall'\. Expected one of auto, window"),
    ("detector", "yolo", r"detector is 'yolo'\. Expected one of auto, haar"),
    ("smooth", "silk", r"smooth is 'silk'\. Expected one of average, streak, none\. Choose one of these"),
    ("smooth", "strek", r"smooth is 'strek'\. Expected one of .* Did you mean streak\?"),
    ("display", "widgit", r"display is 'widgit'\. .* Did you mean widget\?"),
    ("detector", "yunnet", r"detector is 'yunnet'\. .* Did you mean yunet\?"),
]


@pytest.mark.parametrize(("name", "value", "said"), BAD, ids=[f"{n} {v}"[:40] for n, v, _ in BAD])
def test_a_bad_value_is_told_with_what_was_expected(tmp_path, name, value, said):
    with pytest.raises(BadInputError, match=f"^{said}"):
        load(tmp_path, **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "people",
            "two",
            r"--people is 'two'\. Expected a whole number\. Correct it, or leave --people out\.",
        ),
        ("people", "99", r"--people is 99\. Expected 1 to 50\."),
        ("detector", "har", r"--detector is 'har'\..* Did you mean haar\?"),
        ("sinks", 5, r"--sink is 5\."),
    ],
)
def test_an_option_of_the_command_line_is_named_as_it_was_typed(tmp_path, name, value, said):
    with pytest.raises(BadInputError, match=f"^{said}"):
        load(tmp_path, place=COMMAND_LINE, **{name: value})


@pytest.mark.parametrize(
    ("toml", "environ", "said"),
    [
        ("threshold = nan", {}, r"^threshold is nan in expression\.toml\. Expected 0 to 1"),
        ("people = 99", {}, r"^people is 99 in expression\.toml\. Expected 1 to 50"),
        (
            "people = 99",
            {"EXPRESSION_PEOPLE": "0"},
            r"^EXPRESSION_PEOPLE is 0 in the environment\. Expected 1 to 50",
        ),
        ("smooth = 'silk'", {}, r"^smooth is 'silk' in expression\.toml\. Expected one of average"),
    ],
)
def test_a_value_out_of_range_is_told_with_its_place(tmp_path, toml, environ, said):
    with pytest.raises(BadInputError, match=said):
        load(tmp_path, toml, environ)


def test_a_value_out_of_range_that_a_later_place_replaces_does_no_harm(tmp_path):
    assert load(tmp_path, "people = 99", people=3).people == 3


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "is not a file"),
        (lambda path: path.symlink_to("nowhere"), "is a broken link"),
    ],
)
def test_what_is_no_file_of_settings_is_told_once(tmp_path, make, said):
    make(tmp_path / "expression.toml")
    with pytest.raises(ExpressionError) as error:
        load(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / 'expression.toml'} {said}. Expected settings in TOML, such as people = 2, in UTF-8. "
        "Correct it, or remove the file."
    )


@pytest.mark.parametrize(
    ("toml", "environ", "arguments", "said"),
    [
        pytest.param(
            "peple = 2", {}, {}, r"'peple' \(found in expression\.toml\)\. .*mean people\?", id="file"
        ),
        pytest.param(
            "",
            {"EXPRESSION_DETEKTOR": "x"},
            {},
            r"There is no setting EXPRESSION_DETEKTOR \(found in the environment\)\. Expected one of .*"
            r"EXPRESSION_PEOPLE.* Did you mean EXPRESSION_DETECTOR\?",
            id="env",
        ),
        pytest.param(
            "[light]\nx = 2", {}, {}, r"'light'.* stats, \[lights\]\..*mean \[lights\]\?", id="lights"
        ),
        pytest.param(
            "", {}, {"xyz": 1}, r"'xyz' \(found in the arguments\)\..*Check the spelling", id="argument"
        ),
        pytest.param("[live]\npeople = 2", {}, {}, r"no setting 'live'", id="a table"),
    ],
)
def test_an_unknown_name_is_told_with_its_place_and_the_nearest(tmp_path, toml, environ, arguments, said):
    with pytest.raises(BadInputError, match=said):
        load(tmp_path, toml, environ, **arguments)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        pytest.param("people = = 2", r"expression\.toml cannot be read \(.*line 1", id="no TOML"),
        pytest.param(
            b"\xff\xfep\x00", r"expression\.toml cannot be read .*Expected settings in TOML", id="UTF-16"
        ),
    ],
)
def test_a_file_that_is_no_toml_is_told(tmp_path, toml, said):
    with pytest.raises(BadInputError, match=said):
        load(tmp_path, toml)


def test_a_file_saved_with_a_byte_order_mark_is_read(tmp_path):
    assert load(tmp_path, b"\xef\xbb\xbfpeople = 2\r\n").people == 2


def test_every_setting_is_described():
    described = Settings.__doc__.split("Attributes:")[1]
    assert [f.name for f in fields(Settings) if not re.search(rf"(?m)^ +{f.name}: ", described)] == []


@pytest.mark.parametrize("name", CHOICES["detector"])
def test_each_detector_to_choose_can_be_made(name):
    if name == "yunet" and not registry.find(registry.CATALOGUE["yunet"].file_name):
        with pytest.raises(MissingFileError, match="expression models get yunet"):
            make_detector(name)
    else:
        assert make_detector(name).name


@pytest.mark.parametrize("kind", CHOICES["smooth"])
def test_each_smoothing_to_choose_can_be_made(kind):
    assert Smoother(kind, FER2013).kind == kind


def test_what_cannot_be_chosen_is_not_made_and_the_choices_are_told():
    for make in (make_detector, lambda name: Smoother(name, FER2013), make_display):
        with pytest.raises(BadInputError, match="Expected one of "):
            make("nothing")
