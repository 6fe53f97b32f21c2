"""Datasets with their own way of labelling: CK+, KDEF, JAFFE, RaFD, AffectNet, YOLO exports.

`folders.py` tries each of these functions; one that does not recognise the dataset returns None.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np

from ..errors import as_bad_input
from ..files import read_start
from .folder_tree import Tree
from .listing import Entry, Listing
from .numbering import Wanted
from .synonyms import CODES, label_meant, meaning, numbers_of, split_meant

CK_NAME = re.compile(r"(?P<person>S\d{3})_\d{3}_\d{8}")
"""Person, sequence and frame.

Source: Lucey et al., The Extended Cohn-Kanade Dataset (CK+), 2010, https://doi.org/10.1109/CVPRW.2010.5543262
"""

KDEF_NAME = re.compile(r"[AB](?P<person>[FM]\d\d)(?P<label>AF|AN|DI|HA|NE|SA|SU)(?P<angle>S|H[LR]|F[LR])")
"""Session, sex and number of the person, expression and angle. Two of its 4,900 files lack the expression.

Source: Lundqvist, Flykt and Öhman, The Karolinska Directed Emotional Faces, 1998, https://kdef.se
"""

KDEF_ANGLES = ("S", "HL", "HR")
"""Straight and half profile. In full profile half of the face is hidden; those are left out."""

JAFFE_NAME = re.compile(r"(?P<person>[A-Z]{2})[.\-_](?P<label>AN|DI|FE|HA|NE|SA|SU)\d[.\-_]\d+")
"""Person, expression and number.

Source: Lyons et al., The Japanese Female Facial Expression (JAFFE) Dataset, 1998, https://doi.org/10.5281/zenodo.3451524
"""

RAFD_NAME = re.compile(r"RAFD(?P<angle>\d+)_(?P<person>\d+)_[A-Z]+_[A-Z]+_(?P<label>[A-Z]+)_[A-Z]+")
"""Angle of the camera, person, origin, sex, expression and gaze.

Source: Langner et al., Presentation and validation of the Radboud Faces Database, 2010, https://rafd.nl
"""

RAFD_ANGLES = ("045", "090", "135")
"""Straight and half profile, as for KDEF."""

PEOPLE = (CK_NAME, KDEF_NAME, JAFFE_NAME, RAFD_NAME)
"""File names that identify the person, even after the files were sorted into other folders."""


def person_of(path: Path) -> str:
    """Returns the person in a picture of one of these datasets, or an empty string."""
    found = next((match for name in PEOPLE if (match := name.match(path.stem.upper()))), None)
    return found["person"] if found else ""


def ck(tree: Tree, wanted: Wanted) -> Listing | None:
    """Lists the peak frames of CK+, the last of each sequence, for which there is an emotion file."""
    paths = tree.paths()
    emotions = [path for path in paths if path.name.endswith("_emotion.txt") and CK_NAME.match(path.name)]
    if not emotions:
        return None
    frames = {path.stem: path for path in paths if CK_NAME.fullmatch(path.stem)}
    listing, words = Listing(), numbers_of("CK+")
    for file in emotions:
        name = file.stem.removesuffix("_emotion")
        frame = frames.get(name)
        number = _number_in(file)
        if number not in words:
            listing.skipped.add(file.name, "without a number from 0 to 7, as CK+ uses")
        elif frame is None:
            listing.skipped.add(f"{name}.png", "missing, although CK+ has its emotion; unpack both archives")
        else:
            listing.entries.append(Entry(frame, words[number], file, person_of(frame), written=str(number)))
    listing.skipped.check(len(emotions), tree.root, "CK+ sequences")
    return listing


def affectnet(tree: Tree, wanted: Wanted) -> Listing | None:
    """Lists AffectNet in its current form: images/7.jpg and annotations/7_exp.npy in train_set, val_set."""
    found = [
        (parts, name) for parts, names in tree.files.items() for name in names if name.endswith("_exp.npy")
    ]
    if not found:
        return None
    listing, words = Listing(), numbers_of("AffectNet")
    for parts, name in found:
        picture = tree.find(name.removesuffix("_exp.npy"), parts)
        path = tree.path(parts, name)
        with as_bad_input(f"{path} is not a label of AffectNet", "Expected a number.", "Download it again."):
            with path.open("rb") as file:
                number = int(str(np.load(file)))
            if number not in words:
                raise ValueError(f"{number} is not from 0 to 10")
        splits = [split for part in parts if (split := split_meant(part))]
        if picture is None:
            listing.skipped.add(name, "without a picture")
        else:
            split = splits[-1] if splits else ""
            listing.entries.append(Entry(picture, words[number], path, "", split, str(number)))
    return listing


def by_name(tree: Tree, wanted: Wanted) -> Listing | None:
    """Lists KDEF, JAFFE and RaFD, whose file names contain the label, in any folders."""
    for form, angles in ((KDEF_NAME, KDEF_ANGLES), (JAFFE_NAME, ()), (RAFD_NAME, RAFD_ANGLES)):
        listing = Listing()
        for path in tree.paths():
            found = form.fullmatch(path.stem.upper())
            if not found:
                listing.skipped.add(path.name, "named differently from the others")
            elif angles and found["angle"] not in angles:
                listing.skipped.add(path.name, "in full profile")
            else:
                code = found["label"].casefold()
                listing.entries.append(
                    Entry(path, CODES.get(code, code), path, found["person"], _split(tree, path))
                )
        if listing.entries and listing.skipped.reasons["named differently from the others"] < len(
            listing.entries
        ):
            return listing
    return None


def by_word_in_name(tree: Tree, wanted: Wanted) -> Listing | None:
    """Lists pictures whose file names contain a word for a label, such as happy_001.jpg, if nearly all do."""
    listing, words = Listing(), Counter()
    for path in tree.paths():
        found = _words_in(path.stem, wanted)
        if len(found) == 1:
            words[found[0]] += 1
            listing.entries.append(Entry(path, found[0], path, person_of(path), _split(tree, path)))
        else:
            listing.skipped.add(path.name, "without exactly one label in the file name")
    if len(words) < 2 or len(listing.entries) < 9 * len(listing.skipped):
        return None
    listing.notes.append("Labels are taken from the file names.")
    return listing


def yolo(tree: Tree, wanted: Wanted) -> Listing | None:
    """Lists a YOLO export: images/7.png, labels/7.txt, and the names of the labels in data.yaml."""
    about = next(
        ((p, n) for p, names in tree.files.items() for n in names if n in ("data.yaml", "data.yml")), None
    )
    texts = [
        (p, n)
        for p, names in tree.files.items()
        if p and p[-1] == "labels"
        for n in names
        if n.endswith(".txt")
    ]
    if not about or not texts:
        return None
    names, listing = _names_in(tree.path(*about)), Listing()
    for parts, name in texts:
        picture, path = tree.find(name.removesuffix(".txt"), (*parts[:-1], "images")), tree.path(parts, name)
        number, box = _largest(path, names)
        splits = [split for part in parts if (split := split_meant(part))]
        if number is None or picture is None or picture == path:
            listing.skipped.add(name, "without a label or a picture")
        else:
            split = splits[-1] if splits else ""
            listing.entries.append(Entry(picture, names[number], path, "", split, "", box))
    return listing


BEFORE = (ck, affectnet, yolo)
"""The readers that are tried before the names of folders are considered."""


def _split(tree: Tree, path: Path) -> str:
    """Returns the split named by the folders of a picture, or an empty string."""
    splits = [split for part in path.relative_to(tree.root).parts[:-1] if (split := split_meant(part))]
    return splits[-1] if splits else ""


def _words_in(stem: str, wanted: Wanted) -> list[str]:
    """Returns the words for labels in a file name, one for each meaning."""
    found = {}
    for word in re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)):
        meant = label_meant(word, wanted.labels) or (meaning(word) if len(word) > 2 else None)
        if meant:
            found.setdefault(meant, word)
    return list(found.values())


def _number_in(file: Path) -> int | None:
    """Returns the number in an emotion file of CK+, such as "   3.0000000e+00", or None."""
    try:
        return int(float(read_start(file, 64)))
    except (ValueError, OverflowError):
        return None


def _names_in(path: Path) -> list[str]:
    """Returns the names of the labels in a data.yaml, written on one line or on one line each."""
    told = as_bad_input(f"{path} cannot be read", "Expected the names of the labels.", "Export it again.")
    with told:
        text = read_start(path, 1 << 16).decode("utf-8", "replace")
        block = re.search(r"^names:\s*(.*(?:\n[ \-].*)*)", text, re.MULTILINE)
        words = re.findall(r"[^\W\d_][\w \-]*", block[1]) if block else []
        if not words:
            raise ValueError("no names")
    return [word.strip() for word in words]


def _largest(path: Path, names: list[str]) -> tuple[int | None, tuple[float, float, float, float] | None]:
    """Returns the label and the box of the largest face in a YOLO file; None if there is no face."""
    best = (None, None)
    for line in read_start(path, 1 << 16).decode("utf-8", "replace").splitlines():
        try:
            number, x, y, width, height = (float(cell) for cell in line.split()[:5])
        except ValueError:
            continue
        inside = all(0 <= part <= 1 for part in (x, y, width, height)) and width * height > 0
        sound = inside and number.is_integer() and 0 <= number < len(names)
        if sound and (best[1] is None or width * height > best[1][2] * best[1][3]):
            best = int(number), (x - width / 2, y - height / 2, width, height)
    return best
