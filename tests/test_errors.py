"""Errors: three sentences, the builtin error that fits, and an exit code."""

from __future__ import annotations

import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from expression import errors
from expression.errors import (
    BadInputError,
    ExpressionError,
    as_bad_input,
    did_you_mean,
    missing_package,
    user_path,
)

ROOT = Path(__file__).parents[1]
SENTENCES = ("It broke at 3.", "Expected 2.", "Try 2.")

KINDS = [
    pytest.param(errors.BadInputError, ValueError, 2, id="bad input"),
    pytest.param(errors.MissingFileError, FileNotFoundError, 2, id="missing file"),
    pytest.param(errors.OutputError, OSError, 2, id="output"),
    pytest.param(errors.SourceError, OSError, 2, id="source"),
    pytest.param(errors.SourceLostError, ConnectionError, 1, id="source lost"),
    pytest.param(errors.DisplayError, RuntimeError, 2, id="display"),
    pytest.param(errors.MissingPackageError, ImportError, 1, id="missing package"),
    pytest.param(errors.RunError, RuntimeError, 1, id="run"),
]


@pytest.mark.parametrize(("kind", "builtin", "code"), KINDS)
def test_an_error_is_caught_as_the_builtin_error_it_is(kind, builtin, code):
    with pytest.raises(builtin, match=r"^It broke at 3\. Expected 2\. Try 2\.$"):
        raise kind(*SENTENCES)
    assert issubclass(kind, ExpressionError)
    assert kind.exit_code == code


def test_every_error_is_in_the_table():
    kinds = (kind for kind in vars(errors).values() if isinstance(kind, type))
    made = {kind for kind in kinds if issubclass(kind, ExpressionError)} - {ExpressionError}
    assert made == {case.values[0] for case in KINDS}


@pytest.mark.parametrize(("kind", "builtin", "code"), KINDS)
def test_an_error_survives_the_way_between_processes(kind, builtin, code):
    copy = pickle.loads(pickle.dumps(kind(*SENTENCES)))
    assert type(copy) is kind
    assert (str(copy), copy.happened, copy.expected, copy.remedy) == (" ".join(SENTENCES), *SENTENCES)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(
            ("The speech sink", "pyttsx3", "speech"),
            'Run in the project\'s folder: pip install -e ".[speech]"',
            id="x",
        ),
        pytest.param(("The network", "ai-edge-litert"), "Run: pip install ai-edge-litert", id="no extra"),
    ],
)
def test_a_missing_package_names_feature_package_and_the_line_that_installs_it(arguments, line):
    error = missing_package(*arguments)
    assert error.happened == f"{arguments[0]} needs the package {arguments[1]}, which is not installed."
    assert error.remedy == line


@pytest.mark.parametrize(
    ("word", "otherwise", "remedy"),
    [
        pytest.param("yunnet", (), "Did you mean yunet?", id="a letter too many"),
        pytest.param("SOFA", (), "Did you mean Sofa?", id="large letters"),
        pytest.param("hog", (), "Choose one of these.", id="nothing like it"),
        pytest.param("hog", ("See: list",), "See: list", id="nothing like it, and another remedy"),
        pytest.param(3, (), "Choose one of these.", id="no text"),
        pytest.param("", (), "Choose one of these.", id="empty"),
    ],
)
def test_a_word_is_answered_with_the_name_that_was_meant(word, otherwise, remedy):
    assert did_you_mean(word, ("haar", "yunet", "Sofa"), *otherwise) == remedy


def test_a_path_of_a_user_is_taken_though_nothing_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert user_path("~/a.csv") == tmp_path / "a.csv"
    assert user_path(tmp_path / "no" / "a.csv") == tmp_path / "no" / "a.csv"


@pytest.mark.parametrize("name", ["a" * 300, "nul\0"], ids=["too long", "a zero"])
def test_a_path_that_cannot_be_is_told(name):
    with pytest.raises(
        errors.MissingFileError, match=r"cannot be reached \(.+\)\. Expected .* Check the name"
    ):
        user_path(name)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        pytest.param(ValueError(), "ValueError", id="no words"),
        pytest.param(OSError("No signature.\nerrno = 0"), "No signature", id="several lines"),
        pytest.param(zipfile.BadZipFile("cut"), "cut", id="no child of ours"),
    ],
)
def test_what_a_library_says_of_damage_becomes_one_line(cause, said):
    with pytest.raises(BadInputError) as told, as_bad_input("a is no b", "Expected b.", "Fetch it."):
        raise cause
    assert str(told.value) == f"a is no b ({said}). Expected b. Fetch it."


def test_a_file_that_may_not_be_read_is_no_damage():
    with pytest.raises(PermissionError), as_bad_input("a is no b", "Expected b.", "Fetch it."):
        raise PermissionError


@pytest.mark.slow
@pytest.mark.parametrize(("debug", "traceback"), [("", False), ("1", True)], ids=["plain", "debug"])
def test_a_notebook_shows_the_sentences_in_place_of_a_traceback(debug, traceback, tmp_path, monkeypatch):
    pytest.importorskip("IPython")
    monkeypatch.setenv("EXPRESSION_DEBUG", debug)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    code = "from expression.sources import open_source; open_source('no.mp4')"
    words = [sys.executable, "-m", "IPython", "--no-banner", "-c", code]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout
    assert ("Traceback" in said) == traceback
    assert all(sentence in said for sentence in ("MissingFileError", "no.mp4.", "Expected a video", "Check"))
    assert len(said.splitlines()) == 3 or traceback
