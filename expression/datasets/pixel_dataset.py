"""Turns tables of pixels into a Dataset: matches labels, assigns rows to splits and adds FER+'s votes.

`fer2013.py` finds the tables and calls a PixelDatasetReader.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import BadInputError
from ..labels import FER2013, Labels
from ..pictures.skipped import Skipped
from .archives import TableFile
from .dataset import SPLITS, Dataset, Split
from .ferplus import VOTES_FILE, match_votes
from .matching import Matcher
from .pixel_tables import Columns, Pixels, read_pixels
from .sheets import USAGES
from .synonyms import label_meant, number_meant, numbers_of, numeral, split_meant
from .text_tables import Form


class PixelDatasetReader:
    """Turns tables of pixels into a Dataset, and collects notes about them.

    Args:
        source: Their location, for messages.
        labels: The labels to use; None for FER2013's.
    """

    def __init__(self, source: Path, labels: Labels | None):
        self.source = source
        self.matcher = Matcher(labels or FER2013, only=labels is not None)
        self.skipped = Skipped()
        self.notes: list[str] = []

    def pixels(self, table: TableFile, form: Form, columns: Columns) -> Pixels:
        """Reads a table."""
        pixels = read_pixels(table, form, columns)
        self.skipped.extend(pixels.skipped)
        return pixels

    def split(self, pixels: Pixels, table: TableFile, split: str) -> Split:
        """Returns all pictures of a table as one split."""
        indexes = self._indexes(pixels, table)
        votes = self._votes(pixels, table.path, indexes, None, split)
        return Split(pixels.pictures, indexes, votes).take(indexes >= 0)

    def by_usage(self, pixels: Pixels, table: TableFile | Path) -> Dataset:
        """Assigns the pictures of a table to the splits that its usages name."""
        unknown = Skipped()
        named = [split_meant(use) for use in pixels.uses]
        for use, split, count in zip(pixels.uses, named, _counts(pixels.usages, pixels.uses), strict=True):
            if split is None:
                unknown.add(repr(use), "with a usage that is not train, validation or test", count)
        unknown.check(pixels.count, table, "rows")
        self.skipped.extend(unknown)
        places = np.array([SPLITS.index(split) if split else -1 for split in named])[pixels.usages]
        pixels, places = pixels.take(places >= 0), places[places >= 0]
        indexes = self._indexes(pixels, table)
        # Words other than FER2013's own are less specific: "test" may contain both of its tests.
        official = [use if use in USAGES else "" for use in pixels.uses]
        path = table if isinstance(table, Path) else table.path
        votes = self._votes(pixels, path, indexes, [official[use] for use in pixels.usages])
        whole = Split(pixels.pictures, indexes, votes)
        splits = {name: whole.take((places == n) & (indexes >= 0)) for n, name in enumerate(SPLITS)}
        return self.dataset(splits, True)

    def dataset(self, splits: dict[str, Split], has_splits: bool) -> Dataset:
        """Returns the Dataset, with the notes about it."""
        nobody = next(iter(splits.values())).first(0)
        self.skipped.extend(self.matcher.skipped)
        if not any(map(len, splits.values())):
            told = self.skipped.summary(len(self.skipped), "pictures")
            raise BadInputError(
                f"{self.source} has no usable pictures. {told}".rstrip(),
                f"Expected pictures of {', '.join(self.matcher.labels)}.",
                "Choose other data, or other labels.",
            )
        notes = (*self.notes, *self.matcher.notes("Labels"))
        parts = [splits.get(name, nobody) for name in SPLITS]
        unused = tuple(self.matcher.unused)
        found = Dataset(self.matcher.labels, *parts, self.skipped, notes, has_splits, unused)
        return found.with_validation()

    def _indexes(self, pixels: Pixels, table: TableFile | Path) -> np.ndarray:
        """Returns the index of each picture's label; -1 for those that are left out and counted."""
        named = self.matcher.labels
        numbers = [None if label_meant(word, named) else _number(word) for word in pixels.words]
        used = [number for number in numbers if number is not None]
        if used and (min(used), max(used)) == (1, 7):
            raise BadInputError(
                f"{table} has labels from 1 to 7.",
                "Expected 0 to 6, as in FER2013 from Angry to Neutral, or words.",
                "Replace the numbers with words, such as happy.",
            )
        known, found, unknown = numbers_of("FER2013"), [], Skipped()
        for word, number, count in zip(
            pixels.words, numbers, _counts(pixels.labels, pixels.words), strict=True
        ):
            meant = word if number is None else known.get(number, word)
            try:
                found.append(self.matcher.index(meant, f"label {word}", count))
            except KeyError:
                found.append(None)
                unknown.add(repr(word), "with an unknown label", count)
        unknown.check(pixels.count, table, "rows")
        self.skipped.extend(unknown)
        return np.array([-1 if index is None else index for index in found], np.int64)[pixels.labels]

    def _votes(
        self, pixels: Pixels, path: Path, indexes: np.ndarray, usages: list[str] | None, split: str = ""
    ) -> np.ndarray | None:
        """Returns FER+'s votes if they are next to FER2013, or in a folder `ferplus` next to its folder."""
        folder = path.resolve().parent
        places = (folder / VOTES_FILE, folder.parent / "ferplus" / VOTES_FILE)
        place = next((place for place in places if place.is_file()), None)
        if place is None:
            return None
        prefer = dict(zip(SPLITS, USAGES, strict=True)).get(split, "Training")
        names = [None if index < 0 else self.matcher.labels[index] for index in indexes]
        votes, reason = match_votes(place, pixels.pictures, names, pixels.rows, pixels.count, usages, prefer)
        self.notes += [reason] if reason else []
        return votes


def _counts(values: np.ndarray, kinds: tuple[str, ...]) -> list[int]:
    """Returns how often each kind occurs."""
    return np.bincount(values, minlength=len(kinds)).tolist()


def _number(word: str) -> int | None:
    """Returns a label that is a number, such as 3, 3.0 or class_3."""
    number = numeral(word)
    return number_meant(word) if number is None else number
