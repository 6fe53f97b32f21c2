"""Problems of a set are found, and repaired if the user agrees; no picture is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from expression.errors import BadInputError
from expression.labelbook.book import LabelBook
from expression.labelbook.findings import KINDS, NOTED, Finding
from expression.labelbook.integrity import examine
from expression.labelbook.repairs import REPAIRS, repair
from expression.labels import FER2013
from expression.pictures.image import write_picture


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 48), np.uint8)


@pytest.fixture
def book(tmp_path):
    """Four good pictures."""
    with LabelBook(tmp_path) as book:
        for seed, label in enumerate(("Happy", "Happy", "Sad", "Sad")):
            book.add(picture(seed), label)
        yield book


def put(book, name: str, seed: int) -> None:
    path = book.images / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, picture(seed))


def write_row(book, row: str) -> None:
    with (book.folder / "faceLabels.csv").open("a") as file:
        file.write(row + "\n")


def write_table(book, text: str) -> None:
    (book.folder / "faceLabels.csv").write_text(text)


def four(*lines: str) -> str:
    """A table of the four pictures: each line is a format for its number and label."""
    labels = ("Happy", "Happy", "Sad", "Sad")
    form = lines[-1]
    rows = [form.format(n=number, label=label) for number, label in enumerate(labels, 1)]
    return "\n".join([*lines[:-1], *rows]) + "\n"


def move(book, name: str, target: str) -> None:
    path = book.images / target
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(book.images / name, path)


PLAIN = four("face{n}.png,{label}")
SPOILT = {
    "columns": lambda book: write_table(book, four("label,image", "{label},face{n}.png")),
    "dates": lambda book: write_table(book, four("face{n}.png;{label};0{n}.10.2026 10:00")),
    "dates in doubt": lambda book: write_table(
        book, "face1.png,Happy,5/3/2026\nface2.png,Happy,3/4/2026\nface3.png,Sad,4/1/2026\nface4.png,Sad,\n"
    ),
    "other column": lambda book: write_table(
        book, four("image,label,confidence", "face{n}.png,{label},0.{n}")
    ),
    "moved": lambda book: move(book, "face2.png", "old/face2.png"),
    "elsewhere": lambda book: move(book, "face2.png", "../face2.png"),
    "several": lambda book: (
        shutil.copytree(book.images, book.images / "a"),
        move(book, "face2.png", "b/face2.png"),
    ),
    "gone": lambda book: (book.images / "face2.png").unlink(),
    "unreadable": lambda book: (book.images / "face2.png").write_text("no picture"),
    "stand-ins": lambda book: (book.images / "face2.png").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    ),
    "unsupported": lambda book: (book.images / "face2.png").write_bytes(
        (book.images / "face2.png").read_bytes()[:900]
    ),
    "blank": lambda book: book.add(np.full((60, 50, 3), 7, np.uint8), "Sad"),
    "copies": lambda book: book.add(picture(1), "Happy"),
    "torn": lambda book: book.add(picture(1), "Sad"),
    "misspelt": lambda book: write_table(book, PLAIN.replace("2.png,Happy", "2.png,Hapy")),
    "unlisted": lambda book: write_table(
        book, four("face{n}.png,{label}").replace("2.png,Happy", "2.png,Wink")
    ),
    "unfit": lambda book: write_table(book, four("face{n}.png,{label}").replace("2.png,Happy", "2.png,=1+1")),
    "unlabelled": lambda book: write_table(book, four("face{n}.png,{label}").replace("2.png,Happy", "2.png")),
    "repeated": lambda book: write_row(book, "FACE2.png,Happy"),
    "twice": lambda book: write_row(book, "Images/face2.png,Sad"),
    "strays": lambda book: put(book, "new/IMG_1.JPG", 50),
    "faceless": lambda book: write_picture(
        book.images / "face2.png", np.kron(picture(1), np.ones((9, 14), np.uint8))
    ),
    "alike": lambda book: book.add(
        np.clip(picture(1).astype(int) * 0.9 + 10, 0, 255).astype(np.uint8), "Happy"
    ),
}
"""Code that causes one problem, by its kind."""

TOLD = {
    "columns": "1 unusual feature of faceLabels.csv: the columns are label,image.",
    "dates": "4 sessions are times in a different format, as from a spreadsheet: 01.10.2026 10:00, "
    "02.10.2026 10:00, 03.10.2026 10:00, 04.10.2026 10:00.",
    "dates in doubt": "3 sessions may start with the day or with the month: 5/3/2026, 3/4/2026, 4/1/2026.",
    "other column": "1 extra column of faceLabels.csv does not contain sessions: confidence.",
    "moved": "1 row names a picture that is in another folder or has another name: "
    "face2.png (now old/face2.png).",
    "elsewhere": "1 picture is in a nearby folder, not in Images: face2.png.",
    "gone": "1 row has no picture: face2.png.",
    "unreadable": "1 file is not a picture: face2.png.",
    "stand-ins": "1 file is a web page or a Git LFS pointer, not a picture: face2.png.",
    "unsupported": "1 picture is damaged, too large or in a format that cannot be read: face2.png.",
    "unlabelled": "1 picture has a row without a label: face2.png.",
    "blank": "1 picture is blank: face5.png.",
    "copies": "1 picture is a copy of an earlier one: face5.png.",
    "torn": "2 pictures have copies with a different label: face2.png, face5.png.",
    "misspelt": "1 label is not in labelList.csv but resembles one that is: Hapy.",
    "unlisted": "1 label is not in labelList.csv: Wink.",
    "unfit": "1 label cannot be used: =1+1.",
    "repeated": "1 picture has two rows: face2.png.",
    "twice": "1 picture has two rows with different labels: face2.png.",
    "strays": "1 picture has no row: new/IMG_1.JPG.",
    "faceless": "1 photo has no detectable face: face2.png.",
    "alike": "1 picture is nearly identical to an earlier one: face5.png.",
}
ELSEWHERE_TESTED = {"numbers", "several", "locked", "photos"}


def everything(folder: Path) -> list[bytes]:
    """The contents of the pictures of a set, wherever they are."""
    return sorted(path.read_bytes() for path in folder.rglob("*.png"))


def test_a_good_set_has_nothing_wrong(book):
    assert examine(book) == []
    assert set(SPOILT) | ELSEWHERE_TESTED == set(KINDS)
    assert {*REPAIRS, *NOTED} <= set(KINDS)


@pytest.mark.parametrize("kind", list(TOLD))
def test_what_is_wrong_is_found_and_repaired_or_somebody_is_told_what_to_do(book, kind):
    SPOILT[kind](book)
    before = everything(book.folder)
    (finding,) = examine(book)
    assert (finding.kind, finding.told) == (kind, TOLD[kind])
    assert bool(finding.remedy) == (kind in REPAIRS)
    if kind in REPAIRS:
        repair(book, finding)
        assert examine(book) == []
        assert set(before) == set(everything(book.folder)), "no picture is lost"
        assert (book.trash / "faceLabels.before.csv").is_file()
    else:
        assert finding.advice.endswith(".")
        with pytest.raises(BadInputError, match=f"'{kind}' cannot be repaired automatically"):
            repair(book, finding)


def test_a_picture_of_a_kind_that_is_not_read_here_is_not_proposed_for_deletion(book):
    (book.images / "face2.png").write_bytes(b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(40))
    (finding,) = examine(book)
    assert (finding.kind, finding.remedy) == ("unsupported", "")


def test_a_further_column_without_a_name_is_told_by_what_is_in_it(book):
    write_table(book, four(",image,label", "{n},face{n}.png,{label}"))
    assert [finding.told for finding in examine(book)] == [
        "1 extra column of faceLabels.csv does not contain sessions: the one with 1."
    ]


def test_a_picture_that_may_not_be_opened_is_not_proposed_for_deletion(book, monkeypatch):
    opened = Path.open

    def refused(path, *words, **options):
        if path.name == "face2.png":
            raise PermissionError(13, "Permission denied")
        return opened(path, *words, **options)

    monkeypatch.setattr(Path, "open", refused)
    (finding,) = examine(book)
    assert (finding.told, finding.remedy) == ("1 picture cannot be opened: face2.png.", "")
    assert "permissions" in finding.advice


def test_numbers_that_may_be_labels_or_places_are_ambiguous_until_somebody_decides(book):
    (book.folder / "labelList.csv").write_text("0,1\n1,2\n2,3\n")
    write_table(book, "face1.png,0\nface2.png,1\nface3.png,2\nface4.png,2\n")
    (finding,) = examine(book)
    assert finding.told == (
        "3 numbers could be labels or positions in labelList.csv; as positions: 0 is 1, 1 is 2, 2 is 3."
    )
    with pytest.raises(
        BadInputError, match=r"has numbers that could be labels or positions in labelList\.csv"
    ):
        book.counts  # noqa: B018  so does the labeler
    repair(book, finding)
    assert examine(book) == []
    assert book.counts == {"1": 1, "2": 1, "3": 2}
    assert (
        book.folder / "faceLabels.csv"
    ).read_text() == "face1.png,1\nface2.png,2\nface3.png,3\nface4.png,3\n"
    kept = book.trash / "faceLabels.before.csv"
    assert kept.read_text().startswith("face1.png,0\n")


def test_a_photo_in_which_a_face_is_found_is_noted(book, portrait):
    write_picture(book.images / "face2.png", portrait)
    (finding,) = examine(book)
    assert (finding.kind, finding.remedy) == ("photos", "")


def test_deleting_rows_is_not_proposed_while_pictures_of_others_were_found(book):
    move(book, "face2.png", "old/face2.png")
    (book.images / "face3.png").unlink()
    moved, gone = examine(book)
    assert (moved.kind, bool(moved.remedy), gone.kind, gone.remedy) == ("moved", True, "gone", "")
    repair(book, moved)
    (gone,) = examine(book)
    assert gone.remedy == "Move from faceLabels.csv to Images/.trash"
    repair(book, gone)
    assert (book.trash / "faceLabels.csv").read_text().splitlines()[-1] == "face3.png,Sad"


def test_of_several_pictures_of_a_name_that_in_the_folder_of_its_label_is_meant(book):
    for folder in ("happy", "sad", "one", "two"):
        put(book, f"{folder}/face9.png", 20 + len(folder))
    write_row(book, "face9.png,Sad")
    found = {finding.kind: finding.names for finding in examine(book)}
    assert found["moved"] == ("face9.png (now sad/face9.png)",)
    write_row(book, "other/face9.png,Angry")
    (several,) = [finding for finding in examine(book) if finding.kind == "several"]
    assert several.names == ("other/face9.png (one/face9.png, two/face9.png)",)


def test_a_picture_in_the_folder_of_another_label_is_not_proposed(book):
    put(book, "sad/face9.png", 20)
    write_row(book, "happy/face9.png,Happy")
    found = {finding.kind: finding.names for finding in examine(book)}
    assert found["gone"] == ("happy/face9.png",)
    assert found["strays"] == ("sad/face9.png",)


def test_pictures_through_a_link_beside_the_set_are_not_taken(book, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    write_picture(outside / "face9.png", picture(9))
    (book.folder / "pics").symlink_to(outside)
    write_row(book, "pics/face9.png,Happy")
    (finding,) = examine(book)
    assert finding.kind == "gone"


def test_a_file_that_two_rows_could_mean_is_proposed_to_neither(book):
    put(book, "sub/face9.png", 9)
    write_row(book, "a/face9.png,Sad")
    write_row(book, "b/face9.png,Sad")
    found = {finding.kind: finding for finding in examine(book)}
    assert "moved" not in found
    assert len(found["several"].names) == 2
    assert not found["several"].remedy


def test_many_names_are_not_all_told(book):
    for _ in range(7):
        book.add(np.zeros((48, 48), np.uint8), "Sad")
    said = "7 pictures are blank: face5.png, face6.png, face7.png, face8.png, face9.png and 2 more."
    names = tuple(f"face{n}.png" for n in range(5, 12))
    assert examine(book) == [Finding("blank", names, said, remedy="Move to Images/.trash")]


def test_names_are_shown_without_what_a_terminal_would_obey(book):
    write_row(book, "\x1b[31mred.png,Sad")
    (finding,) = examine(book)
    assert finding.told == r"1 row has no picture: \x1b[31mred.png."


@pytest.mark.parametrize("kind", ["gone", "unreadable", "blank", "copies"])
def test_what_a_repair_takes_out_lies_in_a_dated_folder_with_its_row_and_can_be_undone(book, kind):
    SPOILT[kind](book)
    before = everything(book.folder)
    (finding,) = examine(book)
    repair(book, finding)
    (name,) = finding.names
    assert name in (book.trash / "faceLabels.csv").read_text()
    assert (book.trash / name).is_file() == (kind != "gone")
    assert everything(book.folder) == before
    assert book.undo()
    assert [found.kind for found in examine(book)] == [kind]


def test_labels_are_compared_without_regard_to_case(book):
    table = book.folder / "faceLabels.csv"
    table.write_text(table.read_text().replace("Happy", "happy"))
    assert examine(book) == []
    assert book.counts == {**dict.fromkeys(FER2013, 0), "Happy": 2, "Sad": 2}


def test_an_empty_set_has_nothing_wrong(tmp_path):
    with LabelBook(tmp_path) as book:
        assert examine(book) == []
