"""Whatever happens to the files of a set: it is read, or an error says why, and no picture is lost.

Each case starts with a good set, damages its tables, its Images or what a change left in `.book`, and then
does what the commands do. Beside it lies a folder in which nothing may change.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from expression.datasets.own_set import list_own, read_own
from expression.errors import BadInputError, ExpressionError, MissingFileError
from expression.labelbook import wiping
from expression.labelbook.book import LabelBook
from expression.labelbook.folder import held
from expression.labelbook.integrity import examine
from expression.labelbook.repairs import repair
from expression.labels import Labels
from expression.pictures.image import face_pixels

TABLES = ("faceLabels.csv", "labelList.csv")
PENDING = ("Images/.book/faceLabels.csv", "Images/.book/labelList.csv", "Images/.book/former.csv")
STRANGE = [
    "\r",
    "\n",
    '"',
    ";",
    "\t",
    ",",
    "|",
    "\x00",
    "\x1b[2J",
    "=1+1",
    "é",
    "\u202e",
    "../",
    "\\",
    "/",
    "9" * 30,
]
WORDS = [
    "Happy",
    "Sad",
    "not sure",
    "0",
    "1",
    "2.0",
    "face1.png",
    "FACE2.PNG",
    "sub/face3.png",
    "label",
    "image",
    "",
]


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """A set of eight pictures, two of them in a subfolder, and one without a row."""
    folder = tmp_path_factory.mktemp("good") / "set"
    with LabelBook(folder) as book:
        book.set_labels(["Happy", "Sad", "Angry"])
        for number in range(8):
            shade = np.random.default_rng(number).integers(0, 256, (12, 12), np.uint8)
            book.add(shade, ("Happy", "Sad")[number % 2], f"2026-10-0{1 + number // 4}T10:00:00")
        book.delete(["face8.png"])
    (folder / "Images" / "sub").mkdir()
    for name in ("face3.png", "face4.png"):
        os.replace(folder / "Images" / name, folder / "Images" / "sub" / name)
    text = (folder / "faceLabels.csv").read_text()
    (folder / "faceLabels.csv").write_text(text.replace("face3", "sub/face3").replace("face4", "sub/face4"))
    return folder


def outside(folder: Path) -> dict[str, bytes | None]:
    """The contents of the folder beside a set."""
    place = folder.parent / "outside"
    return {path.name: path.read_bytes() if path.is_file() else None for path in sorted(place.rglob("*"))}


def pictures(folder: Path) -> Counter[bytes]:
    """The pictures of a set, wherever they are in Images."""
    files = (path for path in (folder / "Images").rglob("*") if path.is_file() and not path.is_symlink())
    files = (path for path in files if ".book" not in path.relative_to(folder / "Images").parts[:1])
    return Counter(content for path in files if (content := path.read_bytes()).startswith(b"\x89PNG"))


def damage_table(folder: Path, chance: random.Random) -> None:
    """Changes some bytes, cells, lines or the whole format of a table."""
    path = folder / chance.choice(TABLES)
    data = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        kind = chance.randrange(7)
        if kind == 0 and data:
            data[place % len(data)] = chance.randrange(256)
        elif kind == 1:
            data[place:place] = chance.choice(STRANGE).encode("utf-8", "surrogatepass")
        elif kind == 2:
            del data[place : place + chance.randint(1, 40)]
        elif kind == 3:
            lines = bytes(data).split(b"\n")
            chance.shuffle(lines)
            data = bytearray(b"\n".join(lines))
        elif kind == 4:
            lines = bytes(data).decode("utf-8", "replace").splitlines()
            cells = [[chance.choice([cell] * 5 + WORDS) for cell in line.split(",")] for line in lines]
            data = bytearray("\n".join(",".join(row) for row in cells).encode())
        elif kind == 5:
            encoding = chance.choice(["utf-16", "utf-16-be", "utf-8-sig", "cp1252"])
            data = bytearray(bytes(data).decode("utf-8", "replace").encode(encoding, "replace"))
        else:
            separator = chance.choice([b";", b"\t", b"|"])
            data = data.replace(b",", separator)
    path.write_bytes(data)


def damage_images(folder: Path, chance: random.Random) -> None:
    """Renames, moves, copies, damages or replaces a file in Images."""
    images = folder / "Images"
    files = (path for path in images.rglob("face*.png") if ".trash" not in path.parts)
    path = chance.choice(sorted(filter(Path.is_file, files)))
    kind = chance.randrange(8)
    target = (
        images
        / chance.choice(["", "sub", "new", "new/deep"])
        / chance.choice(
            [
                path.name,
                path.name.upper(),
                path.stem,
                f"{path.stem}.jpg",
                "face99.png",
                "ca\u0301fe.png",
                "=x.png",
            ]
        )
    )
    if kind < 4 and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
    elif kind == 4:
        shutil.copy(path, images / f"copy of {path.name}")
    elif kind == 5:
        (images / "face50.png").mkdir(exist_ok=True)
    elif kind == 6:
        (images / "sub" / "face51.png").write_bytes(chance.randbytes(chance.choice([0, 4, 40])))
    else:
        link = images / chance.choice(["link.png", "sub/link", ".book/gone", ".book/new", ".trash/link"])
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)
        link.unlink(missing_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder.parent / "outside")


def damage_book(folder: Path, chance: random.Random) -> None:
    """Leaves the remains of an interrupted change, or something similar."""
    path = folder / chance.choice(PENDING)
    lines = (folder / "faceLabels.csv").read_bytes().splitlines(keepends=True)
    chance.shuffle(lines)
    kept = lines[: chance.randint(0, len(lines))]
    content = b"".join(kept) if "face" in path.name else b"0,Sad\n1,Happy\n2,Angry\n"
    if chance.random() < 0.3:
        content = content[: chance.randint(0, len(content))] + chance.randbytes(3)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (chance.choice([1, 2**31]),) * 2)
    new = folder / "Images" / ".book" / "new" / chance.choice(["face9.png", "sub/face1.png", "face1.png"])
    if chance.random() < 0.5:
        new.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(b"GIF89a, which is new")
    if chance.random() < 0.3:
        (folder / "Images" / ".book" / "highest").write_bytes(
            chance.choice([b"", b"9" * 5000, b"-3", b"\xff"])
        )


def check(folder: Path) -> None:
    with LabelBook(folder) as book:
        examine(book)


def repair_all(folder: Path) -> None:
    with LabelBook(folder) as book:
        for _ in range(12):
            finding = next((finding for finding in examine(book) if finding.remedy), None)
            if not finding:
                break
            repair(book, finding)


def label(folder: Path) -> None:
    with LabelBook(folder) as book:
        row = book.add(np.full((12, 12), 77, np.uint8), book.labels[0], "2026-11-01T10:00:00")
        assert sum(other.image == row.image for other in book.rows) == 1
        book.relabel([row.image], book.labels[1])
        book.delete([book.rows[0].image])
        book.undo()
        book.delete([row.image])


def relabel(folder: Path) -> None:
    with LabelBook(folder) as book:
        book.set_labels([*reversed(book.labels), "Wink"])
        book.rename_label("Wink", "Blink")


def learn(folder: Path) -> None:
    split, own = read_own(folder, face_pixels)
    assert len(split) + len(own.skipped) <= own.rows
    assert all(picture.path.is_relative_to(folder) for picture in list_own(folder).pictures)


def wipe(folder: Path) -> None:
    with held(folder):
        assert not wiping.delete(wiping.survey(folder))
    assert not pictures(folder)
    assert not (folder / "faceLabels.csv").read_bytes()


ACTS: list[Callable[[Path], None]] = [check, repair_all, label, relabel, learn, wipe]
DAMAGES: list[Callable[[Path, random.Random], None]] = [damage_table, damage_images, damage_book]


def spoil_and_use(good: Path, place: Path, seed: int) -> None:
    """Damages a copy of a set in one or two ways, and does two things with it."""
    chance = random.Random(seed)
    folder = place / "set"
    shutil.copytree(good, folder, symlinks=True)
    (place / "outside" / "sub").mkdir(parents=True)
    (place / "outside" / "face1.png").write_bytes(b"\x89PNG somebody's own")
    for _ in range(chance.randint(1, 2)):
        chance.choice(DAMAGES)(folder, chance)
    before, beside = pictures(folder), outside(folder)
    for act in chance.sample(ACTS, 2):
        try:
            act(folder)
            before = Counter() if act is wipe else before
        except (BadInputError, MissingFileError) as error:
            if not (error.happened and error.expected and error.remedy):
                pytest.fail(f"not three sentences: {error}")
        assert outside(folder) == beside, f"{act.__name__} changed something outside"
        lost = before - pictures(folder)
        assert not lost or act is wipe, f"{act.__name__} lost a picture with seed {seed}"
        before = pictures(folder)


@pytest.mark.parametrize("first", range(0, 60, 15))
def test_a_damaged_set_is_read_or_refused_and_no_picture_is_lost(good, tmp_path, first):
    for seed in range(first, first + 15):
        spoil_and_use(good, tmp_path / str(seed), seed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("first", range(1000, 3000, 500))
def test_thousands_of_damaged_sets_are_read_or_refused_and_no_picture_is_lost(good, tmp_path, first):
    for seed in range(first, first + 500):
        place = tmp_path / str(seed)
        spoil_and_use(good, place, seed)
        shutil.rmtree(place)


@pytest.mark.slow
def test_what_is_written_is_read_again_as_it_was(good, tmp_path):
    """A change of one row leaves all others as they were, whatever format the table had."""
    for seed in itertools.islice(itertools.count(), 120):
        chance = random.Random(seed)
        folder = tmp_path / str(seed)
        shutil.copytree(good, folder)
        damage_table(folder, chance)
        try:
            with LabelBook(folder) as book:
                before = book.rows
                row = book.add(np.full((12, 12), 77, np.uint8), book.labels[0], "2026-11-01T10:00:00")
                after = book.rows
        except ExpressionError:
            continue
        assert after == [*before, row], seed
        assert Labels.read(folder / "labelList.csv") == book.labels
