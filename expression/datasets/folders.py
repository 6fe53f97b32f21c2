"""Datasets of faces that are folders of picture files.

`dataset.read` calls `read_folder` for a folder without a table of pixels. It reads a user's own
set, datasets with their own way of labelling (`known_sets.py`), a folder of pictures for each
label (`label_folders.py`), and pictures that are listed in a table (`file_lists.py`). If a dataset
names its people or capture sessions, each picture keeps that as its group, so that no person's
face is used both for training and for testing.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..errors import BadInputError
from ..labels import FER2013, LIST, OLDER_LIST, Labels, is_label_list, listed_labels
from ..pictures.decoding import PictureError
from ..pictures.image import SIZE, crop, is_picture, read_picture, square
from ..pictures.skipped import Skipped
from ..sanitize import printable, some
from ..types import Box
from .archives import archive_kind
from .dataset import SPLITS, Dataset, Split
from .fer2013 import in_folder, read_fer2013
from .file_lists import listed_in, read_list
from .folder_tree import Parts, Tree, scan
from .known_sets import BEFORE, by_name, by_word_in_name
from .label_folders import by_folder, by_number
from .listing import Entry, Listing
from .matching import Matcher
from .numbering import UncertainNumbersError, Wanted
from .own_set import list_own, tables_folder
from .synonyms import canonical, says_nothing

Cut = Callable[[np.ndarray], np.ndarray]
"""Turns a picture, (height, width, 3) uint8 RGB, into a face, (48, 48) uint8."""

DESCRIPTIONS = (".json", ".jsonl", ".ndjson", ".xml")
"""Extensions of files with the labels of pictures, as COCO, Pascal VOC and Hugging Face write them."""

UNFINISHED = (".crdownload", ".part", ".partial", ".download", ".opdownload", ".aria2", ".!ut")
"""Extensions that browsers and other programs give to a file while they download it."""

READERS = (*BEFORE, by_folder, by_name, listed_in, by_number, by_word_in_name)
"""The readers that are tried in turn; the first that recognises the dataset is used."""


def read_folder(folder: Path, labels: Labels | None, cut: Cut, also: Sequence[str] = ()) -> Dataset:
    """Reads a folder; see `dataset.read` for the supported forms and the arguments.

    Raises:
        MissingFileError: A part of a table of pixels is missing.
        BadInputError: A name is not a label, most pictures cannot be read, or there are no pictures.
    """
    if tables := tables_folder(folder):
        known = labels or listed_labels(tables)
        return _read(_own(tables, known), Matcher(known, own=True), cut, tables)
    tree = scan(folder)
    wanted = _wanted(tree, labels, also)
    listing = _listed(tree, wanted)
    if not listing.entries:
        return _elsewhere(tree, labels, wanted)
    return _read(listing, Matcher(wanted.labels, only=wanted.named), cut, folder)


def read_listed(path: Path, labels: Labels | None, cut: Cut, also: Sequence[str] = ()) -> Dataset:
    """Reads a table that lists pictures, which are in its folder or below it.

    Raises:
        BadInputError: It is something else, or most of it is unusable.
    """
    if kind := archive_kind(path):
        raise BadInputError(
            f"{path} is {kind} without a table of pictures.",
            "Expected a folder, or an archive with a table such as fer2013.csv.",
            "Unpack it and choose the folder.",
        )
    tree = scan(path.parent)
    wanted = _wanted(tree, labels, also)
    listing = read_list(path, tree, wanted)
    if listing is None:
        raise BadInputError(
            f"{path} is neither a table of pixels nor a list of pictures in its folder.",
            "Expected a column of pixels or file names and one of labels: pixels,emotion or image,label.",
            "Check its columns, or choose the folder that contains the pictures.",
        )
    return _read(listing, Matcher(wanted.labels, only=wanted.named), cut, path.parent)


def list_folder(folder: Path, labels: Labels) -> Listing:
    """Lists the pictures of a folder in any form that `read_folder` supports, except tables of pixels.

    Args:
        folder: Where they are.
        labels: What numbers in a user's own set stand for.

    Raises:
        BadInputError: A table is damaged, or the meaning of a label is uncertain.
    """
    if tables := tables_folder(folder):
        return _own(tables, labels)
    try:
        return _listed(scan(folder), Wanted(labels))
    except UncertainNumbersError:  # quite possibly a photo album
        return Listing()


def _wanted(tree: Tree, labels: Labels | None, also: Sequence[str]) -> Wanted:
    """Returns the labels to use: those given, those in the dataset's list, or the default ones."""
    if labels:
        return Wanted(labels, named=True)
    found = [parts for parts, names in tree.files.items() if LIST in names or OLDER_LIST in names]
    if found:
        return Wanted(listed_labels(tree.path(min(found, key=len))), listed=True)
    return Wanted(canonical([*FER2013, *(label for label in also if FER2013.find(label) is None)]))


def _listed(tree: Tree, wanted: Wanted) -> Listing:
    """Lists the pictures of a tree; an empty list if nothing gives their labels."""
    found = (reader(tree, wanted) for reader in READERS)
    listing = next((listing for listing in found if listing and listing.entries), Listing())
    for name in tree.locked:
        listing.skipped.add(name, "without read permission")
    if tree.ignored:
        names = tree.ignored.names["hidden"]
        more = ", ..." if len(tree.ignored) > len(names) else ""
        told = f"{len(tree.ignored):,} ({', '.join(names)}{more})"
        listing.notes.append(f"Ignored hidden and system files and folders: {told}.")
    return listing


def _own(folder: Path, labels: Labels) -> Listing:
    """Lists the rows of a user's own set."""
    own = list_own(folder, labels)
    entries = [Entry(picture.path, picture.label, own.table, picture.session) for picture in own.pictures]
    return Listing(entries, own.skipped, own.notes)


def _elsewhere(tree: Tree, labels: Labels | None, wanted: Wanted) -> Dataset:
    """Reads a table of pixels in a subfolder or an archive; raises an error if there is not one."""
    for packed in (False, True):
        places = sorted(tree.files, key=lambda parts: (len(parts), parts))
        found = [file for parts in places if (file := in_folder(tree.path(parts), packed, labelled=False))]
        if len(found) > 1:
            raise BadInputError(
                f"{tree.root} has several tables of pictures: {', '.join(map(str, found))}.",
                "Expected one.",
                f"Choose one of them: --data {found[0]}",
            )
        if found:
            return read_fer2013(found[0], labels)
    raise _nothing(tree, wanted)


def _nothing(tree: Tree, wanted: Wanted) -> BadInputError:
    """Returns the error for a folder in which nothing gives a label."""
    expected = f"Expected a folder of pictures for each label: {', '.join(wanted.labels)}."
    with_pictures = [
        parts
        for parts, names in tree.files.items()
        if any(is_picture(tree.path(parts, name)) for name in names)
    ]
    if described := [path for path in tree.paths() if path.suffix.casefold() in DESCRIPTIONS]:
        happened = f"has no labels except in {printable(described[0].name)}, a format that cannot be read."
        remedy = (
            "Write the labels to a CSV file with the columns image,label, or use a folder for each label."
        )
    elif strange := _strange_names(tree, with_pictures):
        happened, remedy = strange
    elif with_pictures:
        happened = "has pictures, but no labels for them."
        remedy = "Choose its parent folder if this one holds a single label, or add a table with image,label."
    else:
        happened, remedy = _other_files(tree)
    return BadInputError(f"{tree.root} {happened}", expected, remedy)


def _strange_names(tree: Tree, with_pictures: list[Parts]) -> tuple[str, str] | None:
    """Returns what is wrong with the names of folders of pictures, and a remedy; None if they say nothing."""
    names = list(dict.fromkeys(printable(parts[-1], 40) for parts in with_pictures if parts))
    tables = (path.name for path in tree.paths() if path.suffix.casefold() in (".csv", ".tsv"))
    table = next((name for name in tables if not is_label_list(name)), "")
    if not names or (not table and all(map(says_nothing, names))):
        return None
    shown = ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")
    few = f", or list the labels: --labels {shlex.quote(','.join(names))}" if 1 < len(names) <= 20 else ""
    lists = f", and {printable(table)} does not list them with known labels" if table else ""
    write = f", or use English words for the labels in {printable(table)}" if table else ""
    happened = f"has pictures in folders whose names are not known labels: {shown}{lists}."
    return happened, f"Rename the folders{few}{write}."


def _other_files(tree: Tree) -> tuple[str, str]:
    """Returns what a folder without pictures has in their place, and a remedy."""
    paths = tree.paths()
    kinds = {path: archive_kind(path) for path in paths[:100]}
    packed = next((path for path, kind in kinds.items() if kind), None)
    if packed:
        unpack = kinds[packed].endswith("archive")
        happened = f"has no labelled pictures, but contains {printable(packed.name)}, {kinds[packed]}."
        return happened, "Unpack it in that folder." if unpack else "Export it as pictures or as CSV."
    files = [path.name for path in paths]
    if partial := [name for name in files if name.casefold().endswith(UNFINISHED)]:
        happened = f"has no labelled pictures, but {printable(partial[0])}, an unfinished download."
        return happened, "Wait until it is complete, or download it again."
    holds = f", only {some(files, 3)}" if files else " or other files"
    if tree.ignored and not files:
        ignored = some(tree.ignored.names["hidden"], 3, len(tree.ignored))
        holds = f", only hidden and system files: {ignored}"
    return f"has no labelled pictures{holds}.", "Choose another folder, or add pictures to it."


class _Pictures:
    """Reads the pictures of a listing one by one; unusable ones are left out and counted."""

    def __init__(self, listing: Listing, matcher: Matcher, cut: Cut, folder: Path):
        self._matcher, self._cut, self._below = matcher, cut, f"{folder}{os.sep}"
        self._entries = listing.entries
        self._pixels, self._count = np.empty((0, SIZE, SIZE), np.uint8), len(listing.entries)
        self.kept: list[Entry] = []
        self.names: list[str] = []
        self.indexes: list[int] = []
        self.damaged = Skipped()
        for entry in listing.entries:
            self._add(entry)

    def split(self) -> Split:
        """Returns all pictures that were read."""
        groups = np.array([entry.group for entry in self.kept], str)
        return Split(
            self._pixels[: len(self.kept)],
            np.array(self.indexes, np.int64),
            groups=groups if groups.astype(bool).any() else None,
            files=np.array(self.names, object),
        )

    def _add(self, entry: Entry) -> None:
        """Reads one picture."""
        name = str(entry.path).removeprefix(self._below).replace(os.sep, "/")
        try:
            index = self._matcher.index(entry.word, name, written=entry.written)
        except KeyError:
            self.damaged.add(f"{name}: {printable(entry.word, 40)!r}", self._unknown(entry))
            return
        if index is None:
            return
        try:
            face = self._cut(_face(entry))
        except PictureError as error:
            self.damaged.add(name, error.reason)
            return
        except FileNotFoundError:  # a MissingFileError is one
            self.damaged.add(name, "not found")
            return
        if not self.kept:  # the first one determines the size of all
            self._pixels = np.empty((self._count, *face.shape), np.uint8)
        self._pixels[len(self.kept)] = face
        self.kept.append(entry)
        self.names.append(name)
        self.indexes.append(index)

    def _unknown(self, entry: Entry) -> str:
        """Returns why a picture with an unknown label is left out; for such a folder it raises an error."""
        own, word = self._matcher.own, printable(entry.word, 40)
        if not own and entry.origin.is_file():
            return "with an unknown label"
        expected = f"Expected {', '.join(self._matcher.labels)}, or a common synonym of one."
        if own:
            remedy = "In its folder, run: expression dataset check --repair."
            raise BadInputError(f"{entry.origin} has the unknown label {word!r}.", expected, remedy)
        words = dict.fromkeys(printable(e.word, 40) for e in self._entries if not self._matcher.knows(e.word))
        others = [other for other in words if other != word]
        more = (
            f"; the same applies to {', '.join(others[:8])}{' ...' if len(others) > 8 else ''}"
            if others
            else ""
        )
        raise BadInputError(
            f"{entry.origin} would mean the label {word!r}, which is not known{more}.",
            expected,
            "Rename {0}, move {0} elsewhere, choose the labels with --labels, or list your own labels in a "
            "labelList.csv in the dataset.".format("them" if others else "it"),
        )


def _read(listing: Listing, matcher: Matcher, cut: Cut, folder: Path) -> Dataset:
    """Reads the pictures of a listing."""
    has_splits = listing.settle_splits()
    pictures, skipped = _Pictures(listing, matcher, cut, folder), Skipped()
    pictures.damaged.check(len(pictures.kept) + len(pictures.damaged), folder, "pictures")
    for part in (listing.skipped, matcher.skipped, pictures.damaged):
        skipped.extend(part)
    if not pictures.kept:
        raise BadInputError(
            f"{folder} has no labelled pictures. {skipped.summary(len(skipped))}".rstrip(),
            f"Expected a folder of pictures for each label: {', '.join(matcher.labels)}.",
            "Choose another folder, or add pictures to it.",
        )
    whole = pictures.split()
    places = np.array([SPLITS.index(entry.split) for entry in pictures.kept])
    parts = [whole.take(places == number) for number in range(len(SPLITS))]
    what = "Folder names" if pictures.kept[0].origin.is_dir() else "Labels"
    notes, unused = (*listing.notes, *matcher.notes(what)), tuple(matcher.unused)
    return Dataset(matcher.labels, *parts, skipped, notes, has_splits, unused).with_validation()


def _face(entry: Entry) -> np.ndarray:
    """Reads the picture of an entry, cropped to the box given in its dataset."""
    image = read_picture(entry.path)
    if entry.box is None:
        return image
    high, wide = image.shape[:2]
    scale = (wide, high, wide, high) if max(entry.box) <= 1 else (1, 1, 1, 1)
    box = Box(*(round(part * whole) for part, whole in zip(entry.box, scale, strict=True)))
    inside = box.x < wide and box.y < high and box.right > 0 and box.bottom > 0
    return crop(image, square(box)) if inside and max(box.width, box.height) <= 2 * max(high, wide) else image
