"""The speech sink: what is heard, when, and its errors if nothing can be heard."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from loudspeaker import NEEDS, SPEAKS
from parts import PATIENCE, wait_for
from processes import running
from readings import Patient, feed, reading, seen

from expression.control import Control
from expression.errors import BadInputError, MissingFileError, MissingPackageError, OutputError, RunError
from expression.live.data import Data
from expression.live.ending import JOIN_SECONDS
from expression.live.session import Session
from expression.live.sink_loop import SinkLoop
from expression.sinks import make_sink, speech
from expression.sinks._phrases import words_of
from expression.sinks.speech import Speech, record

needs_voice = pytest.mark.skipif(not SPEAKS, reason=NEEDS)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Gives a busy machine enough time for the first sound."""
    monkeypatch.setattr(speech, "ANSWER_SECONDS", PATIENCE)


SLOW_PLAYER = """#!/bin/sh
echo begin $(basename "$1") $(date +%s.%N) >> "{log}"
trap 'echo cut >> "{log}"; exit 1' TERM
sleep {seconds} & wait $!
echo end $(basename "$1") $(date +%s.%N) >> "{log}"
"""


@pytest.fixture
def player(tmp_path, monkeypatch):
    """Replaces the system's player with a slow one that writes a log."""
    if not SPEAKS:
        pytest.skip(NEEDS)

    def make(seconds: float) -> Path:
        log, program = tmp_path / "log.txt", tmp_path / "slowplay"
        program.write_text(SLOW_PLAYER.format(log=log, seconds=seconds))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr(speech, "LINUX", ("slowplay",))
        return log

    return make


def sound(path: Path) -> tuple[np.ndarray, float]:
    """The samples of a sound file that is not silent, and its length in seconds."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples, len(samples) / file.getnchannels() / file.getframerate()


def say(sink: Speech, *readings) -> None:
    """Opens it and lets it say each reading to the end."""
    sink.open()
    try:
        for each in readings:
            sink.send(each)
            sink._process.wait(PATIENCE)
    finally:
        sink.close()


def lines(log: Path) -> list[str]:
    """The words in a slow player's log, without the silence at the start."""
    return [line for line in log.read_text().splitlines() if "silence" not in line]


@pytest.mark.parametrize(
    ("options", "text", "voice"),
    [
        pytest.param({}, "Happy", "en", id="the label"),
        pytest.param(
            {"voice": "de", "words": "Happy=ich freue mich sehr"}, "ich freue mich sehr", "de", id="de"
        ),
        pytest.param({"voice": "German", "words": "Happy=schön"}, "schön", "de", id="a name, an umlaut"),
    ],
)
def test_a_word_is_heard_as_espeak_says_it(heard, tmp_path, options, text, voice):
    said = tmp_path / "said.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", "160", "-w", said, text], check=True)
    say(Speech(**options), reading())
    samples, seconds = sound(heard)
    wanted, wanted_seconds = sound(said)
    assert 0 <= seconds - wanted_seconds < 0.13, "a loudspeaker takes whole pieces of an eighth of a second"
    assert np.array_equal(samples[: len(wanted)], wanted)
    assert not samples[len(wanted) :].any()
    assert wanted.std() > 500, "not silent"


def test_a_recording_is_played_in_place_of_a_word(heard, tmp_path):
    tone = (8000 * np.sin(np.arange(16_000) / 5)).astype("<i2")
    with wave.open(str(tmp_path / "sigh.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", None))
        file.writeframes(tone.tobytes())
    say(Speech(words=f"Sad=; Happy = {tmp_path}/sigh.wav"), reading())
    samples, seconds = sound(heard)
    assert 1.0 <= seconds < 1.13
    assert np.array_equal(samples[:16_000], tone)


@needs_voice
def test_words_can_be_written_to_a_file_without_a_loudspeaker(tmp_path, monkeypatch):
    monkeypatch.setattr(speech, "LINUX", ())
    said, made = tmp_path / "said.wav", tmp_path / "made.wav"
    subprocess.run(["espeak-ng", "-v", "de", "-s", "120", "-w", said, "schön"], check=True)
    made.write_text("what was there before")
    record("schön", made, voice="de", rate=120)
    np.testing.assert_array_equal(sound(made)[0], sound(said)[0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.wav", "said.wav"]


@needs_voice
def test_a_long_text_is_written_to_its_end(tmp_path):
    text = "Das ist ein langer Satz. " * 40
    subprocess.run(["espeak-ng", "-v", "de", "-w", tmp_path / "said.wav", "-s", "160", text], check=True)
    record(text, tmp_path / "made.wav", voice="de")
    np.testing.assert_array_equal(sound(tmp_path / "made.wav")[0], sound(tmp_path / "said.wav")[0])


@needs_voice
@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        pytest.param({"text": " "}, BadInputError, "The text of a recording is empty.", id="no text"),
        pytest.param({"rate": 9}, BadInputError, "The option rate of the sink speech is 9.", id="rate"),
        pytest.param({"voice": "klingonish"}, BadInputError, "There is no voice 'klingonish'", id="voice"),
        pytest.param({"path": "no/where.wav"}, OutputError, "where.wav cannot be written", id="folder"),
    ],
)
def test_a_recording_that_cannot_be_made_is_told(tmp_path, options, error, words):
    wanted = {"text": "Happy", "path": "a.wav", **options}
    with pytest.raises(error) as caught:
        record(**{**wanted, "path": tmp_path / wanted["path"]})
    assert words in str(caught.value)
    assert not list(tmp_path.iterdir())


@needs_voice
def test_a_voice_that_does_not_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(speech, "RECORD_SECONDS", 0.01)
    with pytest.raises(RunError, match=r"The voice did not finish within 0\.01 s\."):
        record("Happy", tmp_path / "a.wav")
    assert not list(tmp_path.iterdir())


def test_a_recording_without_pyttsx3_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyttsx3", None)
    with pytest.raises(MissingPackageError, match=r"A recording needs the package pyttsx3, .*\[speech\]"):
        record("Happy", tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("label", "words", "wanted"),
    [
        ("Happy", "", True),
        ("Happy", "Happy=", False),
        ("not sure", "", False),
        ("not sure", "not sure=who are you", True),
    ],
)
def test_an_empty_word_is_silence_and_not_sure_is_said_only_if_asked_for(label, words, wanted):
    assert Speech(words=words).wants(reading(label=label)) == wanted


def test_a_label_is_said_once_it_has_settled_once_and_again_after_everybody_had_left(heard, monkeypatch):
    sent = []
    monkeypatch.setattr(Speech, "send", lambda self, reading: sent.append((reading.label, reading.time)))
    labels = ["Happy", "Sad", "Happy", "Happy", "Happy", "not sure", "Happy", "Happy", "Happy"]
    times = [i / 2 for i in range(len(labels))]
    frames = [seen(t, p1=label) for t, label in zip(times, labels, strict=True)]
    feed(Speech(), *frames, seen(5), seen(7), seen(10, p1="Happy"), seen(11, p1="Happy"))
    assert sent == [("Happy", 2.0), ("Happy", 11.0)]


def test_words_keep_the_cooldown_also_between_people():
    sink = Speech(cooldown=5)
    sink._spoke = 10.0
    assert [sink.wants(reading(2, time=t)) for t in (10.5, 14.9, 15.0)] == [False, False, True]


@pytest.mark.slow
def test_it_never_speaks_over_itself_and_says_then_what_is_read_then(player):
    log = player(0.4)
    data, sink = Patient(), Speech(cooldown=0, settle=0)
    loop = SinkLoop(data, sink)
    loop.setup()

    def says_second(label: str) -> bool:
        data.readings.publish(seen(time.monotonic(), p1=label))
        loop.step()
        return "begin 1.wav" in log.read_text()

    assert not says_second("Happy")
    wait_for(lambda: says_second("Sad"))
    loop.teardown()
    words = [line.split() for line in lines(log)]
    assert [(word, file) for word, file, _ in words[:3]] == [
        ("begin", "0.wav"),
        ("end", "0.wav"),
        ("begin", "1.wav"),
    ]
    assert float(words[2][2]) >= float(words[1][2])


@pytest.mark.slow
def test_the_stop_of_a_run_does_not_wait_for_the_end_of_a_long_sentence(player, caplog):
    log = player(0.0)
    run = Session("demo", display="none", sinks=[Speech(settle=0, words="Happy=one; Neutral=two; Sad=three")])
    with run:
        run_speech = run._workers[0]
        while not run_speech._opened:
            time.sleep(0.01)
        player(30)
        wait_for(lambda: "begin" in "".join(lines(log)))
        folder = Path(run_speech.sink._folder.name)
    assert lines(log)[-1] == "cut"
    assert run.statistics()["stop_seconds"] < JOIN_SECONDS
    assert run.statistics()["threads_left"] == 0
    assert not folder.exists()
    assert not caplog.records


@pytest.mark.slow
@needs_voice
def test_ctrl_c_cuts_a_word_short_and_complains_of_nothing(player, tmp_path):
    log = player(0)
    (tmp_path / "slowplay").rename(tmp_path / "pw-play")  # what is tried first
    words = "live", "--source", "demo", "--display", "none", "--sink", "speech:settle=0"
    with running(
        [sys.executable, "-m", "expression", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        wait_for(lambda: log.exists() and "end silence" in log.read_text())
        player(30)
        (tmp_path / "slowplay").replace(tmp_path / "pw-play")
        wait_for(lambda: "begin" in "".join(lines(log)))
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does
        _, errors = run.communicate(timeout=PATIENCE)
    assert (run.returncode, errors) == (0, "")
    assert lines(log)[-1] == "cut"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_word_that_somebody_cut_short_is_no_failure(heard, monkeypatch, tmp_path, name):
    sink = Speech()
    sink.open()
    (tmp_path / "aplay").write_text(f'#!/bin/sh\ntouch "{tmp_path}/plays"\nexec sleep 30\n')
    (tmp_path / "aplay").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    sink.send(reading())
    wait_for((tmp_path / "plays").exists)
    sink._process.send_signal(getattr(signal, name))
    sink._process.wait(PATIENCE)
    sink.send(reading(label="Sad"))
    sink.close()


def test_an_engine_that_fails_in_the_middle_of_a_run_is_tried_again(heard, monkeypatch, tmp_path, caplog):
    data, sink = Patient(), Speech(settle=0, cooldown=0)
    loop = SinkLoop(data, sink)
    loop.setup()
    (tmp_path / "pyttsx3.py").write_text("def init(): raise OSError('RPC server unavailable')")
    path = os.environ["PYTHONPATH"]
    for time_, label in enumerate(("Happy", "Sad", "Sad")):
        monkeypatch.setenv("PYTHONPATH", path if time_ else f"{tmp_path}{os.pathsep}{path}")
        data.readings.publish(seen(float(time_), p1=label))
        loop.step()
        if sink._process:
            sink._process.wait(PATIENCE)
    data.readings.close()
    loop.teardown()
    assert (data.error, loop.sent, loop.failed) == (None, 2, 1)
    (message,) = caplog.messages
    assert "not find a speech engine on this machine (RPC server unavailable)" in message


@pytest.mark.slow
@needs_voice
def test_without_a_loudspeaker_the_run_goes_on_and_says_so_once(tmp_path, monkeypatch, caplog):
    (tmp_path / "asound.conf").write_text("")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "asound.conf"))
    with Session("demo", display="none", sinks=[Speech()]) as run:
        wait_for(lambda: caplog.messages)
        since = run.data.readings.version
        wait_for(lambda: run.data.readings.version > since + 10)
    (message,) = caplog.messages
    assert message.startswith("The sink speech failed. No sound could be played (aplay:")
    assert "Expected a loudspeaker that the system recognises. Connect or choose one" in message
    assert run.statistics()["threads_left"] == 0


@pytest.mark.slow
def test_a_loudspeaker_that_is_connected_later_is_found(heard, monkeypatch, caplog):
    config = os.environ["ALSA_CONFIG_PATH"]
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/nowhere")
    data, sink = Patient(), Speech()
    loop = SinkLoop(data, sink)
    loop.setup()
    assert not loop._opened
    monkeypatch.setenv("ALSA_CONFIG_PATH", config)
    data.readings.publish(seen(0))
    loop.step()
    assert loop._opened
    loop.teardown()


def test_a_word_that_could_not_be_heard_is_told_with_the_next(heard, monkeypatch):
    sink = Speech()
    sink.open()
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/nowhere")
    sink.send(reading())
    sink._process.wait(PATIENCE)
    with pytest.raises(RunError, match="No sound could be played"):
        sink.send(reading())
    sink.close()


@pytest.mark.parametrize(
    ("voice", "words"),
    [
        (
            "klingonisch",
            "There is no voice 'klingonisch' on this machine. Expected a language or name such as",
        ),
        ("germann", "such as german"),
    ],
)
def test_a_voice_that_is_not_there_ends_the_run(heard, voice, words):
    loop = SinkLoop(Data(), Speech(voice))
    loop.start()
    loop.join(PATIENCE)
    name, error = loop.data.error
    assert (name, type(error)) == ("speech", BadInputError)
    assert words in str(error)


def test_without_an_engine_it_names_the_package_of_the_system(heard, monkeypatch, tmp_path):
    (tmp_path / "pyttsx3.py").write_text("def init(): raise OSError('libespeak.so.1: not found')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MissingPackageError) as caught:
        Speech().open()
    assert "not find a speech engine on this machine (libespeak.so.1: not found)" in caught.value.happened
    assert "espeak-ng libespeak1" in caught.value.remedy


@needs_voice
def test_without_a_player_it_names_the_package_of_the_system(monkeypatch):
    monkeypatch.setattr(speech.shutil, "which", lambda name: None)
    with pytest.raises(MissingPackageError, match="apt-get install espeak-ng libespeak1 alsa-utils"):
        Speech().open()


def test_without_pyttsx3_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyttsx3", None)
    loop = SinkLoop(Data(), Speech())
    loop.start()
    loop.join(PATIENCE)
    error = loop.data.error[1]
    assert error.happened == "The sink speech needs the package pyttsx3, which is not installed."
    assert '".[speech]"' in error.remedy


@pytest.mark.slow
def test_a_player_that_hangs_does_not_hang_the_sink(player, monkeypatch):
    player(30)
    monkeypatch.setattr(speech, "ANSWER_SECONDS", 0.6)
    began = time.monotonic()
    with pytest.raises(RunError, match="No sound could be played"):
        Speech().open()
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("speech:cooldown=-1", BadInputError, "cooldown of the sink speech is -1.0. Expected 0 to"),
        (
            "speech:rate=9",
            BadInputError,
            "The option rate of the sink speech is 9. Expected 50 to 500 words per minute.",
        ),
        ("speech:room=all", BadInputError, "room of the sink speech is 'all'. Expected largest or mean."),
        ("speech:room=meen", BadInputError, "Expected largest or mean. Did you mean mean?"),
        (
            "speech:words=Happy",
            BadInputError,
            "The option words of the sink speech contains 'Happy'. Expected LABEL=WORDS",
        ),
        ("speech:words=Sad=no.wav", MissingFileError, "The recording no.wav for Sad does not exist."),
    ],
)
def test_options_out_of_range_are_told(text, error, words):
    with pytest.raises(error) as caught:
        make_sink(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"), [("a.wav", b"RIFF"), ("a.WAV", b"no wave at all"), ("a.mp3", b"")]
)
def test_a_recording_that_is_no_wav_is_told(name, content):
    Path(name).write_bytes(content)
    said = f"The recording {name} for Sad cannot be played: it is not a WAV file. Expected a WAV file"
    with pytest.raises(BadInputError, match=said):
        Speech(words=f"Sad={name}")


def test_words_for_a_label_that_the_network_does_not_have_are_warned_of(heard, caplog):
    sink = Speech(words="happy=glad; Joy=hurray; Sad=oh; not sure=hm")
    sink.control = Control(("Happy", "Sad"))
    sink.open()
    sink.close()
    assert caplog.messages == [
        "Words of the sink speech are set for happy, Joy, which the network does not have. "
        "Expected its labels: Happy, Sad. happy may be a misspelling of Happy."
    ]


def test_words_have_semicolons_between_them_and_keep_commas():
    sink = make_sink("speech:voice=de,words=Happy=na, so was; Sad = oh,cooldown=3")
    assert sink._words == {"Happy": "na, so was", "Sad": "oh"}
    assert (sink._voice, sink._cooldown) == ("de", 3.0)
    assert words_of("") == {}
