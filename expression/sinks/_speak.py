"""Says a word: a small program of its own, so that it can be cut short at any moment.

    python _speak.py PLAYER FILE TEXT VOICE RATE

`speech.py` starts it. It writes TEXT as a sound to FILE, unless that is there, and then becomes the
player. Without a TEXT it only looks whether the machine can speak, and plays FILE; without a PLAYER
it plays nothing. pyttsx3 gets a process since macOS lets it speak in a main thread only, and since
it cannot be stopped on Linux.

Source: https://pyttsx3.readthedocs.io/en/latest/engine.html

Notebook: 09_reactions
"""

from __future__ import annotations

import difflib
import os
import sys
import threading

NO_ENGINE, NO_VOICE = 3, 4
"""Exit codes: the system has nothing that speaks, or no such voice."""

WRITE_SECONDS = 30.0
"""How long a sound may take to be written."""


def main(player: str, file: str, text: str, voice: str, rate: str) -> None:
    """Makes the sound, if need be, and plays it; does not return where a program plays it."""
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
    """Writes what is said to a file; ends the program where that does not come to an end.

    With espeak runAndWait returns while a thread of espeak's still writes (pyttsx3 2.99, drivers/espeak.py:
    startLoop ends after its first round).
    """
    finished = threading.Event()
    engine.connect("finished-utterance", lambda **_: finished.set())
    engine.save_to_file(text, file)
    engine.runAndWait()
    if sys.platform == "linux" and not finished.wait(WRITE_SECONDS):
        _end(1, f"the voice did not finish within {WRITE_SECONDS:g} s")


def _engine(voice: str, rate: int):
    """Returns pyttsx3's engine with the voice; ends the program where there is none."""
    import pyttsx3

    try:
        engine = pyttsx3.init()
        voices = engine.getProperty("voices")
    except Exception as error:  # noqa: BLE001  each system's engine raises its own
        _end(NO_ENGINE, " ".join(str(error).split()))
    if voice:
        engine.setProperty("voice", _find(voice, voices).id)
    # Only now: espeak changes voices at once, and rates in a thread of its own, which on a busy machine
    # may lose a rate that was set before the voice.
    engine.setProperty("rate", rate)
    return engine


def _find(wanted: str, voices: list):
    """Returns the voice of that name or language."""
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
    """Returns what a voice can be called: its id, the end of it, its name, its languages."""
    languages = [str(language).replace("_", "-") for language in voice.languages or ()]
    return [word.lower() for word in (voice.id, voice.id.split("/")[-1], voice.name, *languages)]


def _end(code: int, words: str):
    sys.stderr.write(words)
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
