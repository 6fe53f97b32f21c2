"""A crash or hang of the process that reads a file becomes an error message in the calling one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from expression import errors
from expression.errors import BadInputError
from expression.models import isolation

pytestmark = pytest.mark.slow

TRAPS = r"""
import ctypes, os, time
from expression.errors import MissingFileError
from expression.models.isolation import watched

def fine(*words): return ["was given", *words]
def missing(): raise MissingFileError("There is none.", "Expected one.", "Find it.")
def crash(): ctypes.string_at(0)
def leave(): os._exit(7)
def hang():
    with watched(0.5):
        time.sleep(600)
def in_time():
    with watched(60):
        return "done"
def break_down():
    raise KeyError("a thing of a library.\nAnd more")
def cut_off():
    import sys
    with open(sys.argv[1], "w") as file:
        file.write('{"resul')
    os.kill(os.getpid(), 9)
def much():
    return len(bytearray(2**46))
"""
"""A module of traps, which the other process finds next to the package."""


@pytest.fixture
def traps(monkeypatch, tmp_path):
    """Lets the other process find the traps as a module of the package."""
    (tmp_path / "traps.py").write_text(TRAPS)
    begin = isolation.BEGIN.replace(
        "from expression", f"import expression; expression.__path__ += [{str(tmp_path)!r}]; from expression"
    )
    monkeypatch.setattr(isolation, "BEGIN", begin)


def test_what_comes_back_is_what_was_returned(traps):
    assert isolation.call("traps:fine", "a b", "é\udcff", None, happened="x") == [
        "was given",
        "a b",
        "é\udcff",
        None,
    ]
    assert isolation.call("traps:in_time", happened="x") == "done"


@pytest.mark.skipif(os.name != "posix", reason="has no such signal")
def test_an_answer_that_was_cut_off_is_none(traps):
    with pytest.raises(BadInputError, match=r"^It ended: the process that reads it crashed \(SIGKILL\)\."):
        isolation.call("traps:cut_off", happened="It ended")


def test_an_error_of_ours_is_raised_again(traps):
    with pytest.raises(errors.MissingFileError, match=r"^There is none\. Expected one\. Find it\.$"):
        isolation.call("traps:missing", happened="x")


@pytest.mark.parametrize(
    ("function", "end"),
    [
        pytest.param(
            "crash", r"crashed \(SIGSEGV\)", marks=pytest.mark.skipif(os.name != "posix", reason="signals")
        ),
        ("leave", r"stopped \(exit code 7\)"),
        ("hang", r"stopped \(exit code 1\)"),
    ],
)
def test_an_end_before_the_answer_is_told_in_one_line(traps, function, end):
    with pytest.raises(
        BadInputError,
        match=rf"^net\.h5 cannot be read: the process that reads it {end}\. Expected .* Download it",
    ):
        isolation.call(f"traps:{function}", happened="net.h5 cannot be read")


@pytest.mark.parametrize(
    ("function", "said"), [("break_down", r"KeyError: 'a thing of a library"), ("much", "MemoryError")]
)
def test_what_a_library_raised_is_told_in_one_line(traps, function, said):
    with pytest.raises(
        BadInputError, match=rf"^net\.h5 cannot be read \({said}.*\)\. Expected .* Download it"
    ) as told:
        isolation.call(f"traps:{function}", happened="net.h5 cannot be read")
    assert "\n" not in str(told.value)


def test_a_file_in_the_current_folder_is_never_imported(traps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("json", "expression", "numpy"):
        Path(f"{name}.py").write_text("raise SystemExit(9)")
    assert isolation.call("traps:in_time", happened="x") == "done"
