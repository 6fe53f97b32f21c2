"""Says a word: a small separate program, so that it can be stopped at any moment.

    python _speak.py PLAYER FILE TEXT VOICE RATE

`speech.py` starts it. It writes TEXT as sound to FILE, unless that exists, and then becomes the player.
Without a TEXT it only checks whether the machine can speak, and plays FILE; without a PLAYER it plays
nothing. pyttsx3 gets its own process because macOS lets it speak only in a main thread, and because it
cannot be stopped on Linux.

Source: https://pyttsx3.readthedocs.io/en/latest/engine.html

Notebook: 09_reactions
"""

from __future__ import annotations

import difflib
import os
import sys
import threading

NO_ENGINE, NO_VOICE = 3, 4
"""Exit codes: the system has no speech engine, or no such voice."""

WRITE_SECONDS = 30.0
"""How long writing a sound may take."""


def main(player: str, file: str, text: str, voice: str, rate: str) -> None:
    """Creates the sound if necessary, and plays it; does not return if a program plays it."""
    if not (text and os.path.exists(file)):
        engine = _engine(voice, int(rate))
        if text:
            part = os.path.join(os.path.dirname(file), f"part-{os.path.basename(file)}")
            _write(engine, text, part)
            os.replace(part, file)
    if not player:
        return
    if player == "winsound":
        import winsound

        winsound.PlaySound(file, winsound.SND_FILENAME)
    else:
        os.execlp(player, player, file)


def _write(engine, text: str, file: str) -> None:
    """Writes the spoken text to a file; exits if that does not finish.

    With espeak, runAndWait returns while a thread of espeak is still writing (pyttsx3 2.99,
    drivers/espeak.py: startLoop ends after its first round).
    """
    finished = threading.Event()
    engine.connect("finished-utterance", lambda **_: finished.set())
    engine.save_to_file(text, file)
    engine.runAndWait()
    if sys.platform == "linux" and not finished.wait(WRITE_SECONDS):
        _end(1, f"the voice did not finish within {WRITE_SECONDS:g} s")


def _engine(voice: str, rate: int):
    """Returns pyttsx3's engine with the voice; exits if there is none."""
    import pyttsx3

    try:
        engine = pyttsx3.init()
        voices = engine.getProperty("voices")
    except Exception as error:  # noqa: BLE001  each system's engine raises its own
        _end(NO_ENGINE, " ".join(str(error).split()))
    if voice:
        engine.setProperty("voice", _find(voice, voices).id)
    # After the voice: espeak changes voices at once but rates in its own thread, which on a busy machine
    # may lose a rate that was set before the voice.
    engine.setProperty("rate", rate)
    return engine


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
