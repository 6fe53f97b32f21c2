"""A folder of pictures for each label, wherever it is and whichever common word names it.

`folders.py` calls `by_folder` for folders named by words, and `by_number` for folders named by numbers.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import itertools
import re

from ..errors import BadInputError
from ..labels import is_label_list
from ..pictures.image import is_picture
from .class_lists import is_class_list
from .folder_tree import Parts, Tree
from .known_sets import person_of
from .listing import Entry, Listing
from .numbering import Wanted, numbering
from .synonyms import label_meant, meaning, misspelt, number_meant, split_meant

PERSON = re.compile(
    r"(p|s|sub|subj|subject|person|id|user|actor|participant|[fm])?[ _-]?\d{1,5}", re.IGNORECASE
)
"""Names of folders with the pictures of one person, such as S005 or person 3."""

OUTSIDE = "outside the label folders"
"""Why a file that is not in the folder of a label is left out."""


def by_folder(tree: Tree, wanted: Wanted) -> Listing | None:
    """Lists the pictures in folders whose names mean labels; None if there are no such folders.

    A folder next to those with another name is listed under that name, so that the caller can reject it.

    Raises:
        BadInputError: A folder of one label is in the folder of another.
    """
    words = _words(tree, wanted)
    if not words:
        return None
    beside = {parts[:-1] for parts in words}
    listing = Listing()
    for parts, names in tree.files.items():
        found = [end for end in range(1, len(parts) + 1) if parts[:end] in words]
        meant = {_label(words[parts[:end]], wanted) for end in found}
        if len(meant) > 1:
            raise BadInputError(
                f"{tree.path(parts)} is in the folders of several labels: {' and '.join(sorted(meant))}.",
                "Expected each picture in the folder of one label.",
                "Move it out of one of them, or choose the right folder.",
            )
        if found:
            _add(listing, tree, parts, names, found[0], words[parts[: found[0]]])
        elif (end := _unknown(parts, beside)) and any(is_picture(tree.path(parts, name)) for name in names):
            _add(listing, tree, parts, names, end, parts[end - 1])
        else:
            _leave(listing, parts, names)
    return listing


def by_number(tree: Tree, wanted: Wanted) -> Listing | None:
    """Lists the pictures in folders named by numbers; None if there are no such folders.

    Raises:
        BadInputError: The meaning of the numbers is uncertain.
    """
    ends = {}
    for parts in tree.files:
        numbers = [end for end in range(1, len(parts) + 1) if number_meant(parts[end - 1]) is not None]
        if numbers:
            ends[parts] = numbers[-1]
    numbers = {number_meant(parts[end - 1]) for parts, end in ends.items()}
    if len(numbers) < 2 or max(numbers) > 10:
        return None
    names = itertools.chain.from_iterable(tree.files[parts] for parts in ends)
    places = " ".join({part: None for parts in ends for part in (tree.root.resolve().name, *parts)})
    sample = next(tree.path(parts, tree.files[parts][0]) for parts in ends)
    meant = numbering(numbers, wanted, names, places, sample, tree.root, tree)
    listing = Listing()
    for parts, files in tree.files.items():
        if parts in ends:
            word = meant.words[number_meant(parts[ends[parts] - 1])]
            _add(listing, tree, parts, files, ends[parts], word)
        else:
            _leave(listing, parts, files)
    listing.notes.append(f"Numeric labels follow the order of {meant.source}.")
    return listing


def _leave(listing: Listing, parts: Parts, names: list[str]) -> None:
    """Leaves out files that are not in the folder of a label."""
    for name in names:
        if not is_label_list(name) and not is_class_list(name):
            listing.skipped.add("/".join((*parts, name)), OUTSIDE)


def _words(tree: Tree, wanted: Wanted) -> dict[Parts, str]:
    """Returns the folders whose names mean a label, and the word that does."""
    found = {}
    for parent, names in tree.folders.items():
        known = {name: name for name in names if label_meant(name, wanted.labels) or meaning(name)}
        if known:  # next to folders of labels, one letter may be wrong
            others = {name: misspelt(name) for name in names - known.keys() if not split_meant(name)}
            known |= {name: word for name, word in others.items() if word}
        found |= {(*parent, name): word for name, word in known.items()}
    return {parts: word for parts, word in found.items() if not _holds_several(parts, found, wanted)}


def _holds_several(parts: Parts, words: dict[Parts, str], wanted: Wanted) -> bool:
    """Whether a folder contains folders of several labels, and so is not a label itself: Joy's faces."""
    depth = len(parts)
    below = {_label(word, wanted) for other, word in words.items() if other[:depth] == parts != other}
    return len(below) > 1


def _label(word: str, wanted: Wanted) -> str:
    return label_meant(word, wanted.labels) or meaning(word) or word


def _unknown(parts: Parts, beside: set[Parts]) -> int:
    """Returns the position of the name in the place of a label, counted from 1; 0 if there is not one."""
    ends = (end for end in range(1, len(parts) + 1) if parts[: end - 1] in beside)
    return next((end for end in ends if not split_meant(parts[end - 1])), 0)


def _add(listing: Listing, tree: Tree, parts: Parts, names: list[str], end: int, word: str) -> None:
    """Adds the files of a folder whose label is given by its part before `end`."""
    place, written = tree.path(parts[:end]), parts[end - 1]
    splits = [split for part in parts if (split := split_meant(part))]
    split = splits[-1] if splits else ""
    person = parts[end - 2] if end > 1 and PERSON.fullmatch(parts[end - 2]) else ""
    for name in names:
        path = tree.path(parts, name)
        listing.entries.append(Entry(path, word, place, person_of(path) or person, split, written))
