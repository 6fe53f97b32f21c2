"""Says a word: a small separate program, so that it can be stopped at any moment.

    python _speak.py PLAYER FILE TEXT VOICE RATE

`speech.py` starts it. It writes TEXT as sound to FILE, unless that exists, and then becomes the player.
Without a TEXT it only checks whether the machine can speak, and plays FILE; without a PLAYER it plays
nothing. pyttsx3 gets its own process because macOS lets it speak only in a main thread, and because it
cannot be stopped on Linux.

Source: https://pyttsx3.readthedocs.io/en/latest/engine.html

Notebook: 10_reactions
"""

from __future__ import annotations

import difflib
import os
import subprocess
import sys

NO_ENGINE, NO_VOICE = 3, 4
"""Exit codes: the system has no speech engine, or no such voice."""

WRITE_SECONDS = 30.0
"""How long writing a sound may take."""


def main(player: str, file: str, text: str, voice: str, rate: str) -> None:
    """Creates the sound if necessary, and plays it; does not return if a program plays it."""
    if not (text and os.path.exists(file)):
        engine, spoken = _engine(voice)
        if text:
            part = os.path.join(os.path.dirname(file), f"part-{os.path.basename(file)}")
            _write(engine, spoken, text, int(rate), part)
            os.replace(part, file)
    if not player:
        return
    if player == "winsound":
        import winsound

        winsound.PlaySound(file, winsound.SND_FILENAME)
    else:
        os.execlp(player, player, file)


def _write(engine, voice: str, text: str, rate: int, file: str) -> None:
    """Writes the spoken text to a file; exits if that fails or does not finish.

    On Linux the program espeak-ng writes it: with pyttsx3 2.99, espeak sets its rate in a thread of its own,
    and on a busy machine sometimes speaks at its default rate.
    """
    if sys.platform == "linux":
        return _write_with_espeak(["-v", voice] if voice else [], text, rate, file)
    if voice:
        engine.setProperty("voice", voice)
    engine.setProperty("rate", rate)
    engine.save_to_file(text, file)
    engine.runAndWait()


def _write_with_espeak(voice: list[str], text: str, rate: int, file: str) -> None:
    """Runs espeak-ng; exits if that fails or does not finish."""
    words = ["espeak-ng", *voice, "-s", str(rate), "-w", file, "--", text]
    try:
        done = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, timeout=WRITE_SECONDS)
    except FileNotFoundError:
        _end(NO_ENGINE, "the program espeak-ng is missing")
    except subprocess.TimeoutExpired:
        _end(1, f"the voice did not finish within {WRITE_SECONDS:g} s")
    if done.returncode:
        _end(1, " ".join(done.stderr.decode("utf-8", "replace").split()) or "espeak-ng failed")


def _engine(voice: str) -> tuple:
    """Returns pyttsx3's engine and the id of the voice, "" for the default; exits if there is none."""
    import pyttsx3

    try:
        engine = pyttsx3.init()
        voices = engine.getProperty("voices")
    except Exception as error:  # noqa: BLE001  each system's engine raises its own
        _end(NO_ENGINE, " ".join(str(error).split()))
    return engine, _find(voice, voices).id if voice else ""


def _find(wanted: str, voices: list):
    """Returns the voice with that name or language."""
    wanted = wanted.lower()
    table = [(_words(voice), voice) for voice in voices]
    for fits in (str.__eq__, lambda word, w: word.startswith(f"{w}-"), lambda word, w: w in word.split()):
        for words, voice in table:
            if any(fits(word, wanted) for word in words):
                return voice
    known = sorted({word for words, _ in table for word in words[2:]})
    near = difflib.get_close_matches(wanted, known, 8)
    _end(NO_VOICE, ", ".join(near or sorted(known, key=len)[:8]))


def _words(voice) -> list[str]:
    """Returns the words that select a voice: its id, the last part of the id, its name, its languages."""
    languages = [str(language).replace("_", "-") for language in voice.languages or ()]
    return [word.lower() for word in (voice.id, voice.id.split("/")[-1], voice.name, *languages)]


def _end(code: int, words: str):
    sys.stderr.write(words)
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
