"""Speech: says a label once it has settled, one word at a time.

    expression live --sink speech
    expression live --sink "speech:voice=de,words=Happy=froh; Sad=seufzer.wav"

It uses the system's sound output, so a Bluetooth speaker works too. pyttsx3 finds the engine: espeak-ng on
Linux, the built-in one on Windows and macOS. `_speak.py` does the speaking.

Notebook: 10_reactions
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

from ..errors import (
    BadInputError,
    ExpressionError,
    MissingPackageError,
    RunError,
    did_you_mean,
    missing_package,
    user_path,
)
from ..files import as_output_error
from ..labels import NOT_SURE
from ..types import POLICIES, Reading
from . import _speak
from ._base import Sink
from ._options import warn_of_labels
from ._phrases import words_of

PLAYERS = {"darwin": ("afplay",), "win32": ("winsound",)}
"""The players for sound files on each system; Linux has several, tried in this order."""
LINUX = ("pw-play", "paplay", "aplay")

INSTALL = "On Debian and Ubuntu run: sudo apt-get install espeak-ng libespeak1 alsa-utils"
"""How to install everything that speech needs on Linux."""

ANSWER_SECONDS = 3.0
"""How long the first sound may take; stopping a run waits for 5."""

SLOWEST, FASTEST = 50, 500
"""Words per minute."""

RECORD_SECONDS = 30.0
"""How long making a recording may take."""

ENDED = {-getattr(signal, name, 0) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL")} | {0, 0xC000013A}
"""Exit codes of a word that was heard or was stopped on purpose; the last is Windows' code for Ctrl-C.

Source: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55
"""


class Speech(Sink):
    """Says each label, or other words instead of it, or plays a recording.

    Args:
        voice: A language such as "de", or the name of a voice; empty for the system's default.
        words: Text to say or recordings to play for labels, such as "Happy=froh; Sad=seufzer.wav". Other
            labels are said as they are; "not sure" is not said.
        cooldown: Minimum seconds between the start of one word and the next.
        settle: Seconds that a label must stay the same before it is said.
        rate: Words per minute.
        room: Follow the "largest" face, or the "mean" of everybody's scores.

    Raises:
        BadInputError: An option is out of its range, or `words` is malformed.
        MissingFileError: A recording does not exist.
    """

    only_changes = True
    reacts = True
    extra = "speech"
    option = "voice"
    keeps = ""

    def __init__(
        self,
        voice: str = "",
        words: str = "",
        cooldown: float = 5.0,
        settle: float = 1.0,
        rate: int = 160,
        room: str = "largest",
    ):
        for name, value, low, high in (
            ("cooldown", cooldown, 0, 86_400),
            ("settle", settle, 0, 3600),
            ("rate", rate, SLOWEST, FASTEST),
        ):
            if not low <= value <= high:
                unit = "words per minute" if name == "rate" else "seconds"
                raise BadInputError(
                    f"The option {name} of the sink speech is {value}.",
                    f"Expected {low} to {high} {unit}.",
                    "Choose another.",
                )
        if room not in POLICIES:
            raise BadInputError(
                f"The option room of the sink speech is {room!r}.",
                f"Expected {' or '.join(POLICIES)}.",
                did_you_mean(room, POLICIES),
            )
        self.dwell, self.room = settle, room
        self._voice, self._rate, self._cooldown = voice, rate, cooldown
        self._words = words_of(words)
        self._spoke: float | None = None  # time of the reading that was last said
        self._files: dict[str, Path] = {}
        self._process: subprocess.Popen | None = None
        self._player = ""
        self._folder: tempfile.TemporaryDirectory | None = None

    def open(self) -> None:
        """Checks for an engine, the voice and a loudspeaker, by playing a moment of silence.

        Raises:
            MissingPackageError: The system has no engine, or no program that plays sound.
            BadInputError: There is no such voice.
            RunError: There is no loudspeaker; tried again.
        """
        import pyttsx3  # noqa: F401  reports here that it is missing

        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="expression-speech-")
            self._files.clear()
            self._spoke = None
        silence, self._player = Path(self._folder.name, "silence.wav"), ""
        _write_silence(silence)
        try:
            self._find_player(silence)
        except Exception:
            self.close()
            raise
        warn_of_labels("Words of the sink speech", self._words, self.control.labels)

    def wants(self, reading: Reading) -> bool:
        """Whether there is something to say for this label, and nothing is being said."""
        if not self._text(reading.label) or (self._process and self._process.poll() is None):
            return False
        return self._spoke is None or reading.time - self._spoke >= self._cooldown

    def send(self, reading: Reading) -> None:
        """Starts to say a label, without waiting for its end.

        Raises:
            RunError: The previous word could not be played.
        """
        self._check_heard()
        text = self._text(reading.label)
        if text.lower().endswith(".wav"):
            file = user_path(text)
        else:
            ending = "aiff" if sys.platform == "darwin" else "wav"  # the format of its engine
            file = self._files.setdefault(text, Path(self._folder.name, f"{len(self._files)}.{ending}"))
        self._process = self._start(self._player, file, text)
        self._spoke = reading.time

    def close(self) -> None:
        """Stops speaking, if necessary in the middle of a word."""
        process, folder = self._process, self._folder
        try:
            if process is not None and process.poll() is None:
                self._process = None
                _end(process)
            self._check_heard()
        finally:
            self._folder = None
            if folder is not None:
                with contextlib.suppress(OSError):  # Windows may still hold a file
                    folder.cleanup()

    def _text(self, label: str) -> str:
        """Returns what is said for a label; empty for nothing."""
        return self._words.get(label, "" if label == NOT_SURE else label)

    def _start(self, player: str, file: Path, text: str) -> subprocess.Popen:
        """Starts a process that makes a sound; its errors are written to a file.

        It runs in its own process group, since a terminal sends Ctrl-C to a whole group.
        """
        words = [player, str(file), text, self._voice, str(self._rate)]
        with open(self._complaints, "wb") as errors:
            return subprocess.Popen(
                [sys.executable, _speak.__file__, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )

    @property
    def _complaints(self) -> Path:
        return Path(self._folder.name, "errors.txt")

    def _find_player(self, silence: Path) -> None:
        """Remembers the first player that works, or raises the error of the last one."""
        players = PLAYERS.get(sys.platform) or [name for name in LINUX if shutil.which(name)]
        if not players:
            raise MissingPackageError(
                "The sink speech did not find a program that plays sound.",
                f"Expected one of {', '.join(LINUX)}.",
                INSTALL,
            )
        for number, player in enumerate(players):
            self._process = self._start(player, silence, "")
            try:
                self._process.wait(ANSWER_SECONDS / len(players))
            except subprocess.TimeoutExpired:
                _end(self._process)
            if self._process.returncode == 0:
                self._player = player
                return
            if number == len(players) - 1 or self._process.returncode in (_speak.NO_ENGINE, _speak.NO_VOICE):
                code, self._process = self._process.returncode, None
                raise self._failure(code)

    def _check_heard(self) -> None:
        """Raises the error of the last word, once; a word stopped on purpose has none."""
        process, self._process = self._process, None
        if process is not None and process.poll() is not None and process.returncode not in ENDED:
            raise self._failure(process.returncode)

    def _failure(self, code: int) -> ExpressionError:
        """Returns the error for an exit code; once speech has worked, one after which it is tried again."""
        said = self._complaints.read_text("utf-8", "replace").strip().splitlines()
        last = said[-1] if said else f"exit code {code}"
        if code == _speak.NO_ENGINE:
            kind = RunError if self._player else MissingPackageError
            return kind(
                f"The sink speech did not find a speech engine on this machine ({last.rstrip('.! ')}).",
                "Expected espeak-ng, or the engine built into Windows or macOS.",
                INSTALL,
            )
        if code == _speak.NO_VOICE:
            kind = RunError if self._player else BadInputError
            return kind(
                f"There is no voice {self._voice!r} on this machine.",
                f"Expected a language or name such as {last}.",
                "Choose another, or leave voice out.",
            )
        return RunError(
            f"No sound could be played ({last}).",
            "Expected a loudspeaker that the system recognises.",
            "Connect or choose one in the system's sound settings.",
        )


def record(text: str, path: str | Path, voice: str = "", rate: int = 160) -> None:
    """Writes words to a sound file without playing it: a recording for a machine without a voice.

    Args:
        text: The words.
        path: The file, replaced if it exists; its format is that of the system's voice, WAV on Linux and
            Windows, AIFF on macOS.
        voice: As in `Speech`.
        rate: Words per minute.

    Raises:
        BadInputError: The text is empty, there is no such voice, or the rate is out of its range.
        MissingPackageError: pyttsx3 is not installed, or the system has no engine.
        OutputError: The file cannot be written.
        RunError: The voice does not finish, or fails.
    """
    if not text.strip():
        raise BadInputError("The text of a recording is empty.", "Expected at least one word.", "Enter one.")
    try:
        import pyttsx3  # noqa: F401
    except ImportError as error:
        raise missing_package("A recording", "pyttsx3", Speech.extra) from error
    speech = Speech(voice=voice, rate=rate)
    speech._folder = tempfile.TemporaryDirectory(prefix="expression-speech-")
    try:
        made = Path(speech._folder.name, "word.wav")
        speech._process = speech._start("", made, text)
        speech._process.wait(RECORD_SECONDS)
        speech._check_heard()
        with as_output_error(user_path(path)):
            shutil.copyfile(made, user_path(path))
    except subprocess.TimeoutExpired as error:
        _end(speech._process)
        speech._process = None
        raise RunError(
            f"The voice did not finish within {RECORD_SECONDS:g} s.",
            "Expected a word or a sentence.",
            "Shorten the text.",
        ) from error
    finally:
        speech.close()


def _write_silence(path: Path) -> None:
    """Writes a tenth of a second of silence."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 22_050, 0, "NONE", None))
        file.writeframes(bytes(4_410))


def _end(process: subprocess.Popen) -> None:
    """Ends a process and its children, and waits until it has ended."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):  # it has just ended, along with its group
            os.killpg(process.pid, signal.SIGTERM)
    else:
        process.terminate()
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
