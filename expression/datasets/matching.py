"""What a set writes, matched with the labels that are to be learned or measured.

`fer2013.py` and `folders.py` hand each word of a set to a Matcher; it counts which words meant
which label, and which pictures are left out since their label is not among them.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

from ..labels import Labels, folded_label
from ..pictures.skipped import Skipped
from ..sanitize import printable, some
from .synonyms import NO_LABELS, label_meant, meaning

SHOWN = 24
"""Pairs of a word and its label that a note names."""


class Matcher:
    """Finds the label of each picture.

    Args:
        labels: Those that count.
        only: Whether a user named them; then pictures of anything else are left out.
        own: Whether words are a reader's own labels, which mean themselves and nothing else.

    Attributes:
        skipped: The pictures that were left out since their label is not one of these.
        unused: What these show, as far as it is an expression, such as contempt.
    """

    def __init__(self, labels: Labels, only: bool = False, own: bool = False):
        self.labels, self.only, self.own = labels, only, own
        self.skipped = Skipped()
        self._pairs: dict[tuple[str, str], None] = {}
        self.unused: dict[str, None] = {}

    def index(self, word: str, name: object, count: int = 1, written: str = "") -> int | None:
        """Returns the index of the label that a word means; None where its pictures are left out.

        Args:
            word: What the set says.
            name: The picture, for the report of those that are left out.
            count: How many pictures it stands for.
            written: What stands in the set, if that is not the word itself, such as a number.

        Raises:
            KeyError: The word means no label at all.

        Example:
            >>> matcher = Matcher(Labels(["Happy", "Sad"]))
            >>> matcher.index("joy", "1.png"), matcher.index("contempt", "2.png"), len(matcher.skipped)
            (0, None, 1)
            >>> print(*matcher.notes(), *matcher.unused)
            Folder names matched: joy → Happy. Contempt
        """
        label = self.labels.find(word) if self.own else label_meant(word, self.labels)
        if label is not None:
            self._pairs[written or word, label] = None
            return self.labels.index(label)
        meant = None if self.own else meaning(word)
        if meant is None and not self.only:
            raise KeyError(word)
        if not self.only and meant not in NO_LABELS:
            self.unused[meant.capitalize()] = None
        self.skipped.add(name, f"of {printable(meant or word, 40)}, which is not one of the labels", count)
        return None

    def knows(self, word: str) -> bool:
        """Returns whether a word means a label, or is left out without a question."""
        return self.only or bool(label_meant(word, self.labels) or meaning(word))

    def notes(self, what: str = "Folder names") -> list[str]:
        """Returns a sentence that says which words were taken for which labels, where they differ."""
        differ = [pair for pair in self._pairs if folded_label(pair[0]) != folded_label(pair[1])]
        told = [f"{printable(word, 40)} → {label}" for word, label in differ]
        return [f"{what} matched: {some(told, SHOWN)}."] if told else []
