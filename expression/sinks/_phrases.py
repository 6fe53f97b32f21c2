"""The option words of the sink speech: what is said or played in place of a label.

Notebook: 10_reactions
"""

from __future__ import annotations

import re

from ..errors import BadInputError, MissingFileError, user_path

OTHERS = "mp3|ogg|oga|opus|m4a|aac|flac|wma|aiff?"
"""Extensions of recordings that not every player supports; they are reported instead of spoken."""


def words_of(words: str) -> dict[str, str]:
    """Returns what is said for each label.

    Example:
        >>> words_of("Happy=glad to see you; Sad = oh no;")
        {'Happy': 'glad to see you', 'Sad': 'oh no'}
    """
    found = {}
    for pair in filter(str.strip, words.split(";")):
        label, equals, text = (part.strip() for part in pair.partition("="))
        if not (label and equals):
            raise BadInputError(
                f"The option words of the sink speech contains {pair.strip()!r}.",
                "Expected LABEL=WORDS, separated by semicolons.",
                'Write: --sink "speech:words=Happy=glad to see you; Sad=sigh.wav"',
            )
        if re.search(rf"\.(wav|{OTHERS})$", text.lower()):
            _check_recording(text, label)
        found[label] = text
    return found


def _check_recording(text: str, label: str) -> None:
    """Raises an error for a recording that does not exist or cannot be played."""
    path = user_path(text)
    if not path.is_file():
        raise MissingFileError(
            f"The recording {text} for {label} does not exist.", "Expected a .wav file.", "Check its name."
        )
    with path.open("rb") as file:
        start = file.read(12)
    if path.suffix.lower() != ".wav" or start[:3] != b"RIF" or start[8:] != b"WAVE":
        raise BadInputError(
            f"The recording {text} for {label} cannot be played: it is not a WAV file.",
            "Expected a WAV file whose name ends in .wav.",
            "Convert it with an audio program; renaming it is not enough.",
        )
