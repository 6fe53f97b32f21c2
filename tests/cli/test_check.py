"""The check: true, quick, never raising, and readable where nothing works."""

from __future__ import annotations

import ctypes.util
import importlib.metadata
import os
import subprocess
import sys
import time

import pytest
from parts import ROOT

from expression.checks import Check, all_good, report
from expression.cli import check
from expression.cli.check import run_checks
from expression.errors import BadInputError, install_line, missing_package
from expression.models.metadata import network_bytes
from expression.models.registry import SHIPPED
from expression.settings import Settings
from expression.sinks import speech
from expression.sources import camera
from expression.sources.camera import Camera


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {each.name: each for each in checks}


@pytest.fixture(autouse=True)
def wide(monkeypatch) -> None:
    """A terminal that is wide enough, whoever runs the tests."""
    monkeypatch.setenv("COLUMNS", "100")


def run_check(tmp_path, **environ: str) -> subprocess.CompletedProcess:
    """Runs the command in a folder of its own, so that no expression.toml is found."""
    return subprocess.run(
        [sys.executable, "-m", "expression", "check"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environ},
    )


def test_what_a_live_run_needs_works_here():
    checks = by_name(run_checks(Settings()))
    for name in ("Python", "Packages", "OpenCV", "Detector", "Network"):
        assert checks[name].ok is True, checks[name]
    assert f"{importlib.metadata.version('numpy')}" in checks["Packages"].found
    assert "expression.tflite" in checks["Network"].found
    assert "ms per face: Angry, Disgust, Fear, Happy, Sad, Surprise, Neutral" in checks["Network"].found


def test_the_check_takes_less_than_three_seconds_of_the_processor_and_loads_no_tensorflow():
    code = (
        "import sys, time; began = time.process_time(); from expression.cli.check import *; run_checks();"
        "print({'tensorflow', 'keras', 'matplotlib', 'jupyterlab'} & set(sys.modules) or None,"
        " time.process_time() - began)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    heavy, seconds = done.stdout.split()
    assert heavy == "None"
    assert float(seconds) < 3
    assert done.stderr == ""


def test_every_line_begins_with_its_mark_and_fits_a_hundred_columns(monkeypatch):
    monkeypatch.setattr(camera, "cameras", lambda: [Camera(0, "Cam")])  # a locked one would be a ✗
    lines = report(run_checks(Settings())).splitlines()
    assert all(line[:2] in ("✓ ", "✗ ", "– ", "  ") for line in lines[:-1])
    assert max(map(len, lines)) <= 100
    assert lines[-1] == "Everything needed for a live run works."


def test_a_report_is_aligned_and_wraps_under_itself():
    checks = [
        Check("Python", True, "3.11"),
        Check("Camera", None, "none", "Plug one in."),
        Check("Network", False, "word " * 30, "Run: this"),
    ]
    lines = report(checks).splitlines()
    assert lines[0] == "✓ Python    3.11"
    assert lines[1] == "– Camera    optional: none"
    assert lines[2] == "            Plug one in."
    assert lines[3].startswith("✗ Network   word word")
    assert lines[4].startswith("            word")
    assert lines[5] == "            Run: this"
    assert lines[6] == "Fix the lines marked ✗ from the top, then check again."


@pytest.mark.parametrize(
    ("marks", "good"),
    [((True, True), True), ((True, None), True), ((None,), True), ((True, False), False)],
    ids=str,
)
def test_only_what_has_to_be_mended_is_a_failure(marks, good):
    assert all_good([Check("a", mark, "") for mark in marks]) is good


CRASHES = ["_python", "_packages", "_opencv", "_settings", "_extras"]


@pytest.mark.parametrize("name", CRASHES)
def test_a_check_that_crashes_is_a_line_and_the_others_go_on(monkeypatch, tmp_path, name):
    def crash():
        raise ZeroDivisionError("no\nluck")

    monkeypatch.chdir(tmp_path)
    whole = run_checks()
    monkeypatch.setattr(check, name, crash)
    checks = run_checks()
    (line,) = [each for each in checks if "ZeroDivisionError" in each.found]
    assert line.ok is False
    assert line.found == "the check failed with ZeroDivisionError: no luck"
    assert line.remedy
    if name != "_extras":
        assert [each.name for each in checks if each.name != "YuNet"] == [
            each.name for each in whole if each.name != "YuNet"
        ]


@pytest.mark.parametrize("name", ["Screen", "Detector", "Network", "Camera"])
def test_a_part_that_crashes_is_a_line_and_the_others_go_on(monkeypatch, name):
    def crash(settings):
        raise missing_package("The network", "ai-edge-litert")

    monkeypatch.setitem(check._NEED_OPENCV, name, crash)
    line = by_name(run_checks(Settings()))[name]
    assert (line.ok, line.found) == (
        False,
        "The network needs the package ai-edge-litert, which is not installed.",
    )
    assert line.remedy.endswith("Run: pip install ai-edge-litert")


def test_a_python_that_is_too_old_is_told(monkeypatch):
    monkeypatch.setattr(check, "OLDEST", (3, 99))
    line = by_name(run_checks(Settings()))["Python"]
    assert line.ok is False
    assert line.remedy.startswith("Install Python 3.10 to 3.13")


def test_missing_packages_are_told_with_the_line_that_installs_them(monkeypatch):
    version = check._version
    gone = {"typer", "numpy", "jupyterlab"}
    monkeypatch.setattr(check, "_version", lambda name: "" if name in gone else version(name))
    checks = by_name(run_checks(Settings()))
    assert checks["Packages"] == Check(
        "Packages", False, "numpy, typer missing", "Run: pip install numpy typer"
    )
    assert checks["Lessons"] == Check("Lessons", None, "jupyterlab missing", install_line("lessons"))


def test_a_checkout_that_was_not_installed_is_told(monkeypatch):
    def unknown(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", unknown)
    line = by_name(run_checks(Settings()))["Packages"]
    assert (line.ok, line.remedy) == (False, "Run: pip install -e .")


def test_packages_of_tests_and_of_development_are_nobodys_concern():
    assert {"Test", "Lint"}.isdisjoint(by_name(run_checks(Settings())))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "found", "remedy"),
    [
        pytest.param(
            "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')",
            "the system library libGL.so.1 is missing",
            "Run: sudo apt-get install libgl1 libglib2.0-0 libxcb1 libx11-6",
            id="system library",
        ),
        pytest.param(
            "raise ImportError('libgthread-2.0.so.0: cannot open shared object file')",
            "the system library libgthread-2.0.so.0 is missing",
            "Run: sudo apt-get install libgl1 libglib2.0-0 libxcb1 libx11-6",
            id="glib",
        ),
        pytest.param(
            "raise ModuleNotFoundError('No module named cv2')",
            "No module named cv2",
            'Run: pip install "opencv-python>=4.13,<5"',
            id="not installed",
        ),
        pytest.param(
            "__version__ = '5.0.0'",
            "5.0.0 has no cascades, which the Haar detector needs",
            'Run: pip install "opencv-python>=4.13,<5"',
            id="OpenCV 5",
        ),
    ],
)
def test_where_opencv_does_not_work_the_check_says_how_to_mend_it(tmp_path, module, found, remedy):
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text(module)
    done = run_check(tmp_path, PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert done.stderr == ""
    assert lines[lines.index(f"✗ OpenCV {found}") + 1] == remedy
    for name in ("Screen", "Detector", "Network", "Camera"):
        line = f"✗ {name} not tested, because OpenCV does not work"
        assert lines[lines.index(line) + 1] == "Fix OpenCV first."


@pytest.mark.slow
def test_bad_settings_are_told_and_the_rest_is_checked_with_the_defaults(tmp_path):
    (tmp_path / "expression.toml").write_text("people = 'many'\n")
    done = run_check(tmp_path)
    assert done.returncode == 1
    assert "✗ Settings   people is 'many' in expression.toml.\n" in done.stdout
    assert "Expected a whole number. Correct it, or leave people out.\n" in done.stdout
    assert "✓ Network" in done.stdout


def test_settings_that_differ_from_the_defaults_are_shown(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert by_name(run_checks())["Settings"].found == "the defaults"
    monkeypatch.setenv("EXPRESSION_PEOPLE", "2")
    assert by_name(run_checks())["Settings"].found == "people = 2"


def test_without_yunet_its_line_names_the_command_that_fetches_it():
    line = by_name(run_checks(Settings()))["YuNet"]
    assert line.ok is None
    assert line.remedy == "Run: expression models get yunet"


def test_with_yunet_it_is_the_detector(yunet):
    checks = by_name(run_checks(Settings()))
    assert checks["Detector"].found == "YuNet"
    assert "YuNet" not in checks


def test_a_network_that_is_not_there_has_to_be_mended(tmp_path):
    line = by_name(run_checks(Settings(model=str(tmp_path / "no.tflite"))))["Network"]
    assert line.ok is False
    assert "no.tflite" in line.found


def test_a_network_of_keras_is_not_loaded():
    path = str(SHIPPED.with_suffix(".keras"))
    line = by_name(run_checks(Settings(model=path)))["Network"]
    assert (line.ok, line.found) == (None, f"{path} runs in Keras and was not tested")


def test_a_network_of_keras_that_is_not_there_is_told():
    line = by_name(run_checks(Settings(model="my.keras")))["Network"]
    assert (line.ok, line.found) == (False, "The network my.keras was not found.")


@pytest.mark.slow
def test_a_network_from_elsewhere_is_told_with_the_command_that_makes_it_ours(tmp_path):
    path = tmp_path / "theirs.tflite"
    path.write_bytes(network_bytes(SHIPPED))
    line = by_name(run_checks(Settings(model=str(path))))["Network"]
    assert not line.ok
    assert "does not say which labels" in line.found
    assert "expression export --model" in line.remedy


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        pytest.param([Camera(0, "Cam")], Check("Camera", True, "0 (Cam)"), id="there"),
        pytest.param([Camera(0), Camera(2)], Check("Camera", True, "0, 2"), id="two without names"),
        pytest.param(
            [],
            Check(
                "Camera",
                None,
                "none found",
                "Connect a camera and allow this program to use it; without one, the demo runs.",
            ),
            id="none",
        ),
        pytest.param(
            [Camera(0, "Cam", usable=False)],
            Check(
                "Camera",
                False,
                f"no permission to read {camera.DEVICES}/video0",
                "Run: sudo usermod -aG video $USER and log in again.",
            ),
            id="locked",
        ),
    ],
)
def test_a_camera_that_may_not_be_read_has_to_be_mended_and_one_that_is_not_there_has_not(
    monkeypatch, answer, line
):
    monkeypatch.setattr(camera, "cameras", lambda: answer)
    assert by_name(run_checks(Settings()))["Camera"] == line


def test_an_error_in_three_sentences_keeps_them(monkeypatch):
    def crash(settings):
        raise BadInputError("It is bad.", "Expected good.", "Mend it.")

    monkeypatch.setitem(check._NEED_OPENCV, "Network", crash)
    line = by_name(run_checks(Settings()))["Network"]
    assert (line.found, line.remedy) == ("It is bad.", "Expected good. Mend it.")


def test_the_times_in_the_report_are_measured():
    assert 0.01 <= check._seconds(lambda: time.sleep(0.01)) < 1


def test_a_command_in_a_long_remedy_is_not_broken_across_lines():
    remedy = f"{'Expected what a long sentence says. ' * 2}{install_line('lights')}"
    lines = report([Check("Bridge", False, "missing", remedy)]).splitlines()
    assert lines[2].strip() == install_line("lights")


@pytest.mark.parametrize(
    ("missing", "found"),
    [(("espeak-ng", "espeak"), "espeak-ng missing"), (speech.LINUX, "a player such as aplay missing")],
)
def test_what_the_system_lacks_to_speak_is_told(missing, found, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(check, "_requirements", lambda: {"speech": ["numpy"]})
    there = {"espeak-ng", "espeak", *speech.LINUX} - set(missing)
    monkeypatch.setattr(check.shutil, "which", lambda name: name if name in there else None)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: name if name in there else None)
    (line,) = check._extras()
    assert (line.name, line.ok, line.found) == ("Speech", None, found)
    assert line.remedy.endswith("sudo apt-get install espeak-ng libespeak1 alsa-utils")


def test_bad_settings_of_lights_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "expression.toml").write_text("[lights]\nbrightness = 2\n")
    line = by_name(run_checks(Settings()))["Bridge"]
    assert (line.ok, line.found) == (False, "The lights setting brightness is 2.0.")


def test_a_bridge_that_was_paired_is_asked_and_without_phue_its_extra_is_named(bridge, monkeypatch):
    line = by_name(run_checks(Settings()))["Bridge"]
    assert (line.ok, line.found) == (True, f"Strict at {bridge.url}, 7 lights")
    version = check._version
    monkeypatch.setattr(check, "_version", lambda name: "" if name == "phue" else version(name))
    line = by_name(run_checks(Settings()))["Bridge"]
    assert (line.ok, line.remedy) == (None, install_line("lights"))


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_lines_are_as_short_as_the_terminal_and_a_hundred_at_most(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = report([Check("Camera", False, "none " * 40, "Plug one in. " * 20)])
    assert max(map(len, text.splitlines())) in range(min(columns, 100) - 12, min(columns, 100) + 1)
