"""Matches the words in a dataset with the labels to be learned or measured.

A Matcher is asked about each word of a dataset, and records which words meant which label, and which pictures
are left out because their label is not among them.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

from ..labels import Labels, folded_label
from ..pictures.skipped import Skipped
from ..sanitize import printable, some
from .synonyms import NO_LABELS, label_meant, meaning

SHOWN = 24
"""Number of pairs of a word and its label in a note."""


class Matcher:
    """Finds the label of each picture.

    Args:
        labels: The labels to use.
        only: Whether the user chose them; then pictures of anything else are left out.
        own: Whether the words are a user's own labels, which mean only themselves.

    Attributes:
        skipped: The pictures that were left out because their label is not one of these.
        unused: The labels of these pictures that are expressions, such as contempt.
    """

    def __init__(self, labels: Labels, only: bool = False, own: bool = False):
        self.labels, self.only, self.own = labels, only, own
        self.skipped = Skipped()
        self._pairs: dict[tuple[str, str], None] = {}
        self.unused: dict[str, None] = {}

    def index(self, word: str, name: object, count: int = 1, written: str = "") -> int | None:
        """Returns the index of the label that a word means; None if its pictures are left out.

        Args:
            word: The word in the dataset.
            name: The picture, for the report on pictures that are left out.
            count: The number of pictures it stands for.
            written: What is written in the dataset if it is not the word itself, such as a number.

        Raises:
            KeyError: The word does not mean any label.

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
        """Returns whether a word means a label, or may be left out."""
        return self.only or bool(label_meant(word, self.labels) or meaning(word))

    def notes(self, what: str = "Folder names") -> list[str]:
        """Returns a sentence that lists which words were matched with which labels, if they differ."""
        differ = [pair for pair in self._pairs if folded_label(pair[0]) != folded_label(pair[1])]
        told = [f"{printable(word, 40)} → {label}" for word, label in differ]
        return [f"{what} matched: {some(told, SHOWN)}."] if told else []
