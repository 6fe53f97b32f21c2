"""FER2013 is read from its csv file and from sheets, and damage is told."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest

from expression.dataset import SHEET_COLUMNS, USAGES, Dataset, Split, read_fer2013
from expression.errors import BadInputError, MissingFileError
from expression.labels import FER2013

COUNT = 100  # Three rows on a sheet, the last one half empty.


@pytest.fixture(scope="module")
def rows():
    """Made-up pictures with their indexes and usages."""
    generator = np.random.default_rng(1)
    pictures = generator.integers(0, 256, (COUNT, 48, 48), np.uint8)
    pictures[0], pictures[1] = 0, 255
    return pictures, generator.integers(0, 7, COUNT), np.arange(COUNT) % 3


def csv_text(pictures, indexes, usages, head="emotion,pixels,Usage") -> str:
    lines = [
        f"{index},{' '.join(map(str, picture.ravel()))},{USAGES[usage]}"
        for picture, index, usage in zip(pictures, indexes, usages, strict=True)
    ]
    return "\n".join([head, *lines]) + "\n"


@pytest.fixture
def csv_file(tmp_path, rows):
    path = tmp_path / "fer2013.csv"
    path.write_text(csv_text(*rows), encoding="utf-8")
    return path


@pytest.fixture
def sheets(tmp_path, rows):
    """A folder of two sheets: one full row of 40 and two rows with 60 faces."""
    pictures, indexes, usages = rows
    for number, part in enumerate((pictures[:SHEET_COLUMNS], pictures[SHEET_COLUMNS:])):
        full = -(-len(part) // SHEET_COLUMNS) * SHEET_COLUMNS
        padded = np.concatenate([part, np.zeros((full - len(part), 48, 48), np.uint8)])
        grid = padded.reshape(-1, SHEET_COLUMNS, 48, 48).swapaxes(1, 2).reshape(-1, SHEET_COLUMNS * 48)
        cv2.imwrite(str(tmp_path / f"faces_{number:02d}.png"), grid)
    np.savez(tmp_path / "fer2013_labels.npz", emotion=indexes.astype(np.uint8), usage=usages.astype(np.uint8))
    return tmp_path


def check(dataset: Dataset, rows) -> None:
    pictures, indexes, usages = rows
    assert dataset.labels == FER2013
    assert dataset.sizes == {"training": 34, "validation": 33, "test": 33}
    for number, split in enumerate((dataset.training, dataset.validation, dataset.test)):
        np.testing.assert_array_equal(split.pictures, pictures[usages == number])
        np.testing.assert_array_equal(split.indexes, indexes[usages == number])
        assert split.pictures.dtype == np.uint8
        assert split.indexes.dtype == np.int64


def test_the_csv_file_is_read_by_name_and_by_folder(csv_file, rows):
    check(read_fer2013(csv_file), rows)
    check(read_fer2013(str(csv_file.parent)), rows)


def test_sheets_give_the_same_as_the_csv_file(sheets, rows):
    check(read_fer2013(sheets), rows)


@pytest.mark.parametrize(
    "head",
    ["emotion, Usage, pixels", "\ufeffemotion,Usage,pixels", "Emotion,usage,PIXELS"],
    ids=["blanks", "byte order mark", "case"],
)
def test_columns_are_found_by_name_in_any_order(tmp_path, rows, head):
    pictures, indexes, usages = (part[:30] for part in rows)
    lines = [line.split(",") for line in csv_text(pictures, indexes, usages).splitlines()[1:]]
    path = tmp_path / "icml_face_data.csv"
    text = "\r\n".join([head] + [f"{a}, {c}, {b}" for a, b, c in lines])
    path.write_text(text, encoding="utf-8", newline="")
    dataset = read_fer2013(tmp_path)
    np.testing.assert_array_equal(dataset.validation.pictures, pictures[usages == 1])


@pytest.mark.parametrize("name", ["nowhere", "nowhere/fer2013.csv", "."])
def test_where_nothing_is_the_error_says_what_was_looked_for(tmp_path, name):
    with pytest.raises(MissingFileError, match=r"There is no FER2013 at .*Expected fer2013\.csv, a folder"):
        read_fer2013(tmp_path / name)


PIXELS = " ".join(["7"] * 2304)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("index,label\n0,Angry\n", "at line 1.*Expected the columns emotion, pixels and Usage"),
        ("", "not readable as FER2013"),
        ("emotion,pixels,Usage\n", "has no pictures"),
        ("emotion,pixels,Usage\n0,1 2 3,Training\n", "at line 2.*2304 grey levels"),
        (f"emotion,pixels,Usage\n0,{PIXELS},Training\n0,{PIXELS[:-1]}x,Training\n", "at line 3"),
        (f"emotion,pixels,Usage\n0,{PIXELS[:-1]}256,Training\n", "at line 2"),
        (f"emotion,pixels,Usage\n0,{PIXELS[:-2]} -1,Training\n", "at line 2"),
        (f"emotion,pixels,Usage\n0,{PIXELS},Holiday\n", "at line 2"),
        (f"emotion,pixels,Usage\n0,{PIXELS}\n", "at line 2"),
        (f"emotion,pixels,Usage\nsad,{PIXELS},Training\n", "at line 2"),
        (f"emotion,pixels,Usage\n7,{PIXELS},Training\n", "emotions from 7 to 7.*Expected 0 to 6"),
        (f"emotion,pixels,Usage\n-1,{PIXELS},Training\n", "emotions from -1 to -1"),
    ],
    ids=[
        "another csv",
        "empty",
        "no rows",
        "few pixels",
        "a letter",
        "256",
        "-1",
        "usage",
        "short row",
        "word for emotion",
        "emotion 7",
        "emotion -1",
    ],
)
def test_a_file_that_is_not_fer2013_is_refused_with_the_line(tmp_path, text, message):
    path = tmp_path / "fer2013.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=message):
        read_fer2013(path)


def test_a_picture_in_place_of_the_csv_file_is_refused(sheets):
    with pytest.raises(BadInputError, match=r"faces_00\.png is not readable as FER2013"):
        read_fer2013(sheets / "faces_00.png")


def test_a_missing_sheet_is_told(sheets):
    (sheets / "faces_01.png").unlink()
    with pytest.raises(MissingFileError, match="has 40 pictures for 100 labels"):
        read_fer2013(sheets)


def saved(**arrays) -> bytes:
    """The bytes of an npz file."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


WHOLE = saved(emotion=np.arange(100) % 7, usage=np.arange(100) % 3)


def array_alone() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(100))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"not a table", r"fer2013_labels\.npz is not readable", id="text"),
        pytest.param(b"", r"fer2013_labels\.npz is not readable \(No data", id="empty"),
        pytest.param(WHOLE[:-20], r"is not readable \(File is not a zip file\)", id="cut"),
        pytest.param(WHOLE[:80] + bytes(30) + WHOLE[110:], "is not readable", id="damaged inside"),
        pytest.param(array_alone(), "is not readable", id="one array"),
        pytest.param(saved(emotion=np.arange(7)), "is not readable.*usage", id="no usages"),
        pytest.param(
            saved(emotion=np.arange(7), usage=np.zeros(6)), r"shape \(7,\) and .* shape \(6,\)", id="unequal"
        ),
        pytest.param(
            saved(emotion=np.zeros((7, 1)), usage=np.zeros((7, 1))), r"shape \(7, 1\)", id="two dimensions"
        ),
        pytest.param(
            saved(emotion=np.arange(7), usage=np.arange(7) % 4), "usages from 0 to 3.*0 to 2", id="usage 3"
        ),
        pytest.param(saved(emotion=np.arange(7), usage=-np.ones(7)), "usages from -1 to -1", id="usage -1"),
        pytest.param(saved(emotion=np.arange(8), usage=np.zeros(8)), "emotions from 0 to 7.*0 to 6", id="7"),
        pytest.param(saved(emotion=np.zeros(0), usage=np.zeros(0)), "has no pictures", id="no rows"),
    ],
)
def test_a_damaged_table_of_labels_is_told(sheets, content, message):
    (sheets / "fer2013_labels.npz").write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        read_fer2013(sheets)


def test_a_sheet_that_is_too_narrow_is_told(sheets):
    cv2.imwrite(str(sheets / "faces_01.png"), np.zeros((96, 96), np.uint8))
    with pytest.raises(BadInputError, match=r"faces_01\.png is 96 pixels wide\. Expected 1920"):
        read_fer2013(sheets)


def test_the_first_pictures_of_a_split_keep_their_labels():
    split = Split(np.zeros((5, 48, 48), np.uint8), np.arange(5))
    assert split.first(2).indexes.tolist() == [0, 1]
    assert len(split.first(9)) == 5


def test_the_sheets_hold_the_whole_of_fer2013(shared_data):
    dataset = read_fer2013(shared_data / "fer2013")
    assert dataset.sizes == {"training": 28709, "validation": 3589, "test": 3589}
    counts = np.bincount(dataset.training.indexes).tolist()
    assert dict(zip(dataset.labels, counts, strict=True)) == {
        "Angry": 3995,
        "Disgust": 436,
        "Fear": 4097,
        "Happy": 7215,
        "Sad": 4830,
        "Surprise": 3171,
        "Neutral": 4965,
    }
