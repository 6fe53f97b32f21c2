"""In a run, a switch asks everybody to look neutral, the picture says so, and a file keeps the result."""

from __future__ import annotations

import numpy as np
import pytest
from parts import Pictures, wait_for

from expression.cli.app import main
from expression.control import Control
from expression.errors import BadInputError
from expression.live.resting_switch import RestingSwitch
from expression.live.session import Session
from expression.models import load


@pytest.fixture(scope="module")
def runtime():
    return load()


@pytest.fixture
def control(runtime):
    return Control(runtime.labels)


SAD = np.array([0.05, 0.01, 0.04, 0.02, 0.45, 0.01, 0.42], np.float32)


def sit(resting: RestingSwitch, seconds: float = 4.0) -> None:
    """Somebody sits before the camera with the face that reads a little sad."""
    for number in range(round(seconds * 10)):
        resting.tick(number / 10)
        resting.update(1, SAD, number / 10)


def test_the_switch_learns_and_the_picture_says_so(control, runtime):
    resting = RestingSwitch(control, runtime)
    assert control.press("n")
    resting.tick(0.0)
    resting.update(1, SAD, 0.0)
    resting.tick(0.1)
    assert control.told() == "look neutral ..."
    sit(resting)
    assert control.told() == "resting face learned"
    assert runtime.labels[resting.update(1, SAD, 5.0).argmax()] == "Neutral"
    control.press("n")
    resting.tick(6.0)
    assert control.told() == ""
    assert resting.update(1, SAD, 6.0) is SAD


def test_nobody_in_view_is_reported_and_turns_the_switch_off(control, runtime, caplog):
    resting = RestingSwitch(control, runtime)
    control.neutral = True
    for second in range(5):
        resting.tick(float(second))
    assert not control.neutral
    assert caplog.messages == [
        "No face was in view long enough to learn its resting face. Expected one that looks into the camera "
        "for three seconds. Sit closer or turn on a light, and press n again."
    ]


def test_a_network_that_has_no_resting_face_is_reported_once(runtime, caplog):
    class Other:
        name, resting = "other.tflite", None

    control = Control(runtime.labels)
    resting = RestingSwitch(control, Other)
    control.neutral = True
    resting.tick(0.0)
    resting.tick(1.0)
    assert not control.neutral
    assert resting.update(1, SAD, 1.0) is SAD
    assert len(caplog.messages) == 1
    assert "other.tflite does not say how it reads an average neutral face." in caplog.text


def test_a_file_keeps_it_for_the_next_run(runtime, tmp_path):
    path = tmp_path / "me.json"
    first = Control(runtime.labels)
    resting = RestingSwitch(first, runtime, path)
    first.neutral = True
    sit(resting)
    assert path.is_file()
    second = Control(runtime.labels)
    later = RestingSwitch(second, runtime, path)
    assert second.neutral
    later.tick(0.0)
    assert second.told() == "resting face learned"
    assert runtime.labels[later.update(5, SAD, 0.0).argmax()] == "Neutral"


def test_a_file_of_another_network_is_reported_and_not_used(runtime, tmp_path, caplog):
    path = tmp_path / "me.json"
    labels = ", ".join(f'"{label}"' for label in runtime.labels)
    path.write_text(f'{{"network": "older", "labels": [{labels}], "face": [0, 0, 0, 0, 1, 0, 0]}}')
    control = Control(runtime.labels)
    assert RestingSwitch(control, runtime, path).update(1, SAD, 0.0) is SAD
    assert not control.neutral
    assert "me.json was learned with another network." in caplog.text


def test_a_disk_that_is_full_is_reported_and_the_run_goes_on(runtime, tmp_path, caplog):
    control = Control(runtime.labels)
    resting = RestingSwitch(control, runtime, tmp_path / "nowhere" / "me.json")
    control.neutral = True
    sit(resting)
    assert control.neutral
    assert "nowhere" in caplog.text


def test_a_session_reads_the_file_it_is_given(tmp_path):
    path = tmp_path / "me.json"
    path.write_text("no face")
    session = Session(Pictures(), display="none", detector="whole", neutral=str(path))
    with pytest.raises(BadInputError, match=r"me\.json is not a resting face"):
        session.start()


def test_a_session_learns_when_its_switch_is_set():
    with Session("demo", display="none", detector="haar") as session:
        session.control.neutral = True
        wait_for(lambda: session.control.told() == "resting face learned")


def test_a_damaged_file_of_a_resting_face_is_one_error_on_the_command_line(tmp_path, capsys):
    path = tmp_path / "me.json"
    path.write_text("[1, 2]")
    statistics = tmp_path / "run.json"
    words = "--source", "demo", "--display", "none", "--neutral", str(path), "--stats", str(statistics)
    assert main(["live", *words]) == 2
    assert "me.json is not a resting face" in capsys.readouterr().err
