"""A user's own set is read by its rows; unusable rows are counted and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from expression.datasets.dataset import read
from expression.datasets.own_set import list_own, read_own, tables_folder
from expression.errors import BadInputError, MissingFileError
from expression.labelbook.book import LabelBook
from expression.labelbook.faces import OwnFaces
from expression.pictures.image import face_pixels, write_picture
from expression.training.personalise import held_back
from expression.vision.detectors import make_detector

LABELS = "0,Happy\n1,Sad\n"


def picture(seed: int, side: int = 48) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side), np.uint8)


def put(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, picture(number))


def table(folder: Path, rows: str, labels: str = LABELS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labelList.csv").write_text(labels, "utf-8")
    (folder / "faceLabels.csv").write_text(rows, "utf-8")
    return folder


def labels_of(folder: Path) -> list[tuple[str, str]]:
    return [(picture.path.name, picture.label) for picture in list_own(folder).pictures]


def test_pictures_of_one_name_in_two_folders_are_two_pictures(tmp_path):
    put(tmp_path / "Images", "happy/1.png", "sad/1.png")
    table(tmp_path, "happy/1.png,Happy\nsad/1.png,Sad\n")
    split, own = read_own(tmp_path, face_pixels)
    assert split.indexes.tolist() == [0, 1]
    np.testing.assert_array_equal(split.pictures, [picture(0), picture(1)])
    assert not own.skipped


def test_a_picture_that_two_rows_name_is_used_once_and_not_where_they_disagree(tmp_path):
    put(tmp_path / "Images", "a.png", "b.png", "c.png")
    table(tmp_path, "a.png,Happy\nA.PNG,happy\nb.png,Happy\nImages/b.png,Sad\nc.png,Sad\n")
    own = list_own(tmp_path)
    assert [(p.image, p.label) for p in own.pictures] == [("a.png", "Happy"), ("c.png", "Sad")]
    assert own.told() == ["Skipped 2 of 5 rows: 2 with two different labels (b.png, Images/b.png)."]


@pytest.mark.parametrize("written", ["Very  Happy", " very happy", "Very\u00a0Happy", "Ve\u200dry Happy"])
def test_a_label_that_looks_like_one_of_the_list_is_that_one(tmp_path, written):
    put(tmp_path / "Images", "1.png", "2.png")
    table(tmp_path, f"1.png,{written}\n2.png,Sad\n", "0,Very Happy\n1,Sad\n")
    found = read(tmp_path)
    indexes = [*found.training.indexes, *found.validation.indexes, *found.test.indexes]
    assert sorted(indexes) == [0, 1]


def test_rows_without_picture_label_or_readable_file_are_counted_and_named(tmp_path):
    put(tmp_path / "Images", *(f"{n}.png" for n in range(1, 9)))
    (tmp_path / "Images" / "2.png").write_text("no picture")
    rows = "".join(f"{n}.png,{'Happy' if n % 2 else 'Sad'}\n" for n in range(1, 9))
    table(tmp_path, rows + "9.png,Sad\n8.png,\n")
    split, own = read_own(tmp_path, face_pixels)
    assert len(split) == 7
    (told,) = own.told()
    assert told.startswith("Skipped 3 of 10 rows: ")
    assert "1 not a picture (2.png)" in told
    assert "1 without a label (8.png)" in told
    assert "1 without a picture; in its folder, run: expression dataset check --repair (9.png)" in told


def test_a_set_most_of_whose_pictures_are_missing_is_refused_with_the_remedy(tmp_path):
    put(tmp_path / "Images", "1.png")
    table(tmp_path, "1.png,Happy\n2.png,Sad\n3.png,Sad\n")
    with pytest.raises(
        MissingFileError, match=r"2 of the 3 rows .* In .*, run: expression dataset check --rep"
    ):
        list_own(tmp_path)


@pytest.mark.parametrize("ask", ["project", "project/data"])
def test_pictures_beside_the_folder_of_the_tables_are_found(tmp_path, ask):
    """Some programs keep data/faceLabels.csv and Images beside data."""
    put(tmp_path / "project" / "Images", "face1.png", "face2.png")
    table(tmp_path / "project" / "data", "face1.png,Happy\nface2.png,Sad\n")
    dataset = read(tmp_path / ask)
    assert dataset.test.indexes.tolist() == [0, 1]
    own = list_own(tables_folder(tmp_path / ask))
    assert own.told() == [
        f"2 pictures are not in Images and were read from {tmp_path / 'project' / 'Images'}."
    ]


def test_pictures_of_another_set_are_not_taken(tmp_path):
    put(tmp_path / "anna" / "Images", "face1.png", "face2.png")
    table(tmp_path / "anna", "face1.png,Happy\n")
    table(tmp_path / "ben", "face1.png,Happy\nface2.png,Sad\n")
    with pytest.raises(MissingFileError, match="2 of the 2 rows"):
        list_own(tmp_path / "ben")
    (tmp_path / "anna" / "faceLabels.csv").unlink()  # a folder of pictures now, still not next to the rows
    with pytest.raises(MissingFileError, match="2 of the 2 rows"):
        list_own(tmp_path / "ben")


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param("label,image\nHappy,a.png\nSad,b.png\n", id="swapped"),
        pytest.param("a.png;Happy\r\nb.png;Sad\r\n", id="semicolons"),
        pytest.param("Image,Label,Session\nA.PNG,happy,monday\nb,SAD,monday\n", id="other case, no ending"),
        pytest.param("image,label,confidence\na.png,Happy,0.9\nb.png,Sad,0.8\n", id="a score"),
        pytest.param("Bild\tEmotion\na.png\tHappy\nb.png\tSad\n", id="tabs, German"),
        pytest.param(
            ",path,emotion\n0,/x/Images/a.png,Happy\n1,/x/Images/b.png,Sad\n", id="a dump of pandas"
        ),
        pytest.param("a.png,0.0\nb.png,1.0\n", id="numbers with a point"),
    ],
)
def test_tables_as_people_have_them_are_read(tmp_path, rows):
    put(tmp_path / "Images", "a.png", "b.png")
    table(tmp_path, rows)
    assert [(name, label.casefold()) for name, label in labels_of(tmp_path)] == [
        ("a.png", "happy"),
        ("b.png", "sad"),
    ]


def test_numbers_that_may_be_labels_or_places_are_not_learned_from(tmp_path):
    put(tmp_path / "Images", "a.png", "b.png", "c.png")
    table(tmp_path, "a.png,0\nb.png,1\nc.png,2\n", "0,1\n1,2\n2,3\n")
    with pytest.raises(BadInputError, match=r"could be labels or positions .* expression dataset check"):
        list_own(tmp_path)
    table(tmp_path, "a.png,1\nb.png,2\nc.png,3\n", "0,1\n1,2\n2,3\n")
    assert [label for _, label in labels_of(tmp_path)] == ["1", "2", "3"]
    table(tmp_path, "a.png,0\nb.png,1\nc.png,2\n", "0,10\n1,20\n2,30\n")
    assert [label for _, label in labels_of(tmp_path)] == ["10", "20", "30"], "they can only be places"
    table(tmp_path, "a.png,0\nb.png,1\nc.png,3\n", "0,1\n1,2\n2,3\n")
    with pytest.raises(BadInputError, match=r"has the row 'a\.png,0'"):
        list_own(tmp_path)


def test_a_label_in_two_unicode_forms_is_one(tmp_path):
    composed, decomposed = "Fr\u00f6hlich", "Fro\u0308hlich"
    put(tmp_path / "Images", "a.png", "b.png", "c.png")
    rows = f"a.png,{composed}\nb.png,{decomposed}\nc.png,2\n"
    table(tmp_path, rows, f"0,{decomposed}\n1,{composed}\n2,Sad\n")
    split, own = read_own(tmp_path, face_pixels)
    assert (list(own.labels), split.indexes.tolist()) == ([composed, "Sad"], [0, 0, 1])
    with LabelBook(tmp_path) as book:
        assert book.counts == {composed: 2, "Sad": 1}
        book.relabel(["b.png"], "Sad")
    assert (tmp_path / "labelList.csv").read_text("utf-8") == f"0,{composed}\n1,Sad\n"
    assert read_own(tmp_path, face_pixels)[0].indexes.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    "sessions",
    [
        pytest.param(("2026-10-01T10:00:00", "2026-10-03T18:30:00"), id="as the labeler writes them"),
        pytest.param(("01.10.2026 10:00", "03.10.2026 18:30"), id="as a spreadsheet writes them"),
        pytest.param(("10/1/2026 10:00 AM", "10/3/2026 6:30 PM"), id="as another one writes them"),
        pytest.param(("day 9", "day 10"), id="numbered"),
        pytest.param(("zoo", "attic"), id="words, by the numbers of the pictures"),
    ],
)
@pytest.mark.parametrize("order", [sorted, reversed, list], ids=["by name", "backwards", "as taken"])
def test_the_last_session_is_held_back_whatever_the_order_of_rows(tmp_path, sessions, order):
    names = [f"face{number}.png" for number in range(1, 25)]
    put(tmp_path / "Images", *names)
    rows = [f"{name},{('Happy', 'Sad')[n % 2]},{sessions[n >= 14]}" for n, name in enumerate(names)]
    table(tmp_path, "\n".join(order(rows)))
    _, tested, held = held_back(read_own(tmp_path, face_pixels)[0])
    assert held == (sessions[1],)
    assert len(tested) == 10


def test_a_list_whose_name_has_other_capitals_is_read(tmp_path):
    put(tmp_path / "Images", "a.png", "b.png")
    table(tmp_path, "a.png,Wink\nb.png,Sad\n", "0,Wink\n1,Sad\n")
    (tmp_path / "labelList.csv").rename(tmp_path / "LabelList.CSV")
    assert list(list_own(tmp_path).labels) == ["Wink", "Sad"]


def test_a_folder_of_pictures_whose_name_has_other_capitals_is_found(tmp_path):
    put(tmp_path / "images", "a.png", "b.png")
    table(tmp_path, "a.png,Happy\nb.png,Sad\n")
    assert labels_of(tmp_path) == [("a.png", "Happy"), ("b.png", "Sad")]


def test_a_column_of_scores_is_no_session(tmp_path):
    names = [f"face{number}.png" for number in range(1, 25)]
    put(tmp_path / "Images", *names)
    rows = [f"{name},{('Happy', 'Sad')[n % 2]},0.{n:02}" for n, name in enumerate(names)]
    table(tmp_path, "\n".join(["image,label,confidence", *rows]))
    assert read_own(tmp_path, face_pixels)[0].groups is None


def test_the_face_of_a_photo_is_found_first(tmp_path, portrait):
    put(tmp_path / "Images", "a.png")
    write_picture(tmp_path / "Images" / "b.png", portrait)
    write_picture(tmp_path / "Images" / "c.png", picture(3, 190))
    write_picture(tmp_path / "Images" / "d.png", np.zeros((300, 500), np.uint8))
    write_picture(tmp_path / "Images" / "e.png", picture(5, 240))
    table(tmp_path, "a.png,Happy\nb.png,Sad\nc.png,Sad\nd.png,Sad\ne.png,Happy\n")
    faces = OwnFaces(lambda: make_detector("haar"))
    split, own = read_own(tmp_path, faces)
    (box,) = (face.box for face in make_detector("haar").detect(portrait))
    np.testing.assert_array_equal(split.pictures[1], face_pixels(portrait, box))
    np.testing.assert_array_equal(split.pictures[2], face_pixels(picture(3, 190)))
    assert own.told(faces.looked) == [
        "3 large pictures were searched for a face.",
        "Skipped 1 of 5 rows: 1 without a face (d.png).",
        "YuNet finds more faces: expression models get yunet",
    ]


def test_a_link_in_the_pictures_is_refused(tmp_path):
    put(tmp_path / "Images", "a.png")
    (tmp_path / "Images" / "b.png").symlink_to(tmp_path / "Images" / "a.png")
    table(tmp_path, "a.png,Happy\nb.png,Sad\n")
    with pytest.raises(BadInputError, match=r"b\.png is a link to"):
        read(tmp_path)
