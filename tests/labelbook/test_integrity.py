"""What is wrong with a set is found and told, and mended where somebody agrees."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from expression.errors import BadInputError
from expression.image import write_picture
from expression.integrity import KINDS, REMEDIES, Finding, examine, mend
from expression.labelbook import LabelBook
from expression.labels import FER2013


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 48), np.uint8)


@pytest.fixture
def book(tmp_path):
    """Four good pictures."""
    with LabelBook(tmp_path) as book:
        for seed, label in enumerate(("Happy", "Happy", "Sad", "Sad")):
            book.add(picture(seed), label)
        yield book


def write_row(book, row: str) -> None:
    with (book.folder / "faceLabels.csv").open("a") as file:
        file.write(row + "\n")


def refused(path: Path, kind) -> np.ndarray:
    """What the system does where a file may not be read."""
    if Path(path).name == "face2.png":
        raise PermissionError(13, "Permission denied")
    return np.frombuffer(Path(path).read_bytes(), kind)


def spoil(book, kind: str, monkeypatch) -> None:
    """Makes one thing wrong."""
    if kind == "gone":
        (book.images / "face2.png").unlink()
    elif kind == "unreadable":
        (book.images / "face2.png").write_text("no picture")
    elif kind == "locked":
        monkeypatch.setattr(np, "fromfile", refused)
    elif kind == "blank":
        book.add(np.full((60, 50, 3), 7, np.uint8), "Sad")
    elif kind in ("copies", "torn"):
        book.add(picture(1), "Happy" if kind == "copies" else "Sad")
    elif kind in ("unlisted", "unlabelled"):
        write_picture(book.images / "face5.png", picture(9))
        write_row(book, "face5.png,Wink" if kind == "unlisted" else "face5.png,")
    elif kind == "twice":
        write_row(book, "face2.png,Happy")
    elif kind == "strays":
        shutil.copy(book.images / "face2.png", book.images / "IMG_1.png")
    else:
        book.add(np.clip(picture(1).astype(int) * 0.9 + 10, 0, 255).astype(np.uint8), "Happy")


TOLD = {
    "gone": "1 row has no picture: face2.png.",
    "unreadable": "1 file is no picture: face2.png.",
    "locked": "1 picture cannot be opened: face2.png.",
    "unlabelled": "1 picture has a row without a label: face5.png.",
    "blank": "1 picture is blank: face5.png.",
    "copies": "1 picture is a copy of an earlier one: face5.png.",
    "torn": "2 pictures have copies with another label: face2.png, face5.png.",
    "unlisted": "1 label is not in labelList.csv: Wink.",
    "twice": "1 picture has two rows: face2.png.",
    "strays": "1 picture has no row: IMG_1.png.",
    "alike": "1 picture nearly equals an earlier one: face5.png.",
}


def test_a_good_set_has_nothing_wrong(book):
    assert examine(book) == []
    assert set(TOLD) == set(KINDS)


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_wrong_is_found_told_and_mended_or_somebody_is_told_what_to_do(book, kind, monkeypatch):
    spoil(book, kind, monkeypatch)
    (finding,) = examine(book)
    assert (finding.kind, finding.told) == (kind, TOLD[kind])
    if kind in REMEDIES:
        mend(book, finding)
        assert examine(book) == []
        assert book.undo()
        assert [found.kind for found in examine(book)] == [kind]
    else:
        assert finding.advice.endswith(".")
        with pytest.raises(BadInputError, match=f"What is {kind} is not for the program to decide"):
            mend(book, finding)


def test_many_names_are_not_all_told(book):
    for _ in range(7):
        book.add(np.zeros((48, 48), np.uint8), "Sad")
    said = "7 pictures are blank: face5.png, face6.png, face7.png, face8.png, face9.png and 2 more."
    assert examine(book) == [Finding("blank", tuple(f"face{n}.png" for n in range(5, 12)), said)]


def test_labels_are_compared_without_regard_to_case(book):
    table = book.folder / "faceLabels.csv"
    table.write_text(table.read_text().replace("Happy", "happy"))
    assert examine(book) == []
    assert book.counts == {**dict.fromkeys(FER2013, 0), "Happy": 2, "Sad": 2}


def test_an_empty_set_has_nothing_wrong(tmp_path):
    with LabelBook(tmp_path) as book:
        assert examine(book) == []
