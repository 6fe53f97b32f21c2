"""FER2013 is read from all its tables and from sheets, and damage is reported."""

from __future__ import annotations

import io
import os
import stat

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expression.datasets import fer2013, pixel_tables
from expression.datasets import sheets as sheets_module
from expression.datasets.dataset import Dataset, read
from expression.datasets.fer2013 import assignment_data, find_fer2013
from expression.datasets.ferplus import COLUMNS
from expression.datasets.sheets import SHEET_COLUMNS, USAGES
from expression.errors import BadInputError, MissingFileError
from expression.labels import FER2013
from expression.pictures.hashes import content_hashes, difference_hashes

COUNT = 100  # Three rows on a sheet, the last one half empty.


@pytest.fixture(scope="module")
def rows():
    """Made-up pictures with their indexes and usages."""
    generator = np.random.default_rng(1)
    pictures = generator.integers(0, 256, (COUNT, 48, 48), np.uint8)
    pictures[0], pictures[1] = 0, 255
    return pictures, generator.integers(0, 7, COUNT), np.arange(COUNT) % 3


def pixels_of(picture) -> str:
    return " ".join(map(str, picture.ravel()))


def csv_text(pictures, indexes, usages) -> str:
    lines = [
        f"{index},{pixels_of(picture)},{USAGES[usage]}"
        for picture, index, usage in zip(pictures, indexes, usages, strict=True)
    ]
    return "\n".join(["emotion,pixels,Usage", *lines]) + "\n"


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
    check(read(csv_file), rows)
    check(read(str(csv_file.parent)), rows)


def test_sheets_give_the_same_as_the_csv_file(sheets, rows):
    check(read(sheets), rows)


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
    dataset = read(tmp_path)
    np.testing.assert_array_equal(dataset.validation.pictures, pictures[usages == 1])


PIXELS = " ".join(["7"] * 2304)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("index,label\n0,Angry\n", "neither a table of pixels nor a list", id="another csv"),
        pytest.param("", "is an empty file", id="empty"),
        pytest.param("emotion,pixels,Usage\n", "has no rows", id="no rows"),
        pytest.param(
            "emotion,pixels,Usage\n0,1 2 3,Training\n",
            r"without 2,304 grey levels \(line 2 with 3\)",
            id="few pixels",
        ),
        pytest.param(
            f"emotion,pixels,Usage\n0,{PIXELS[:-1]}x,Training\n",
            r"with a grey level that is not a number \(line 2\)",
            id="a letter",
        ),
        pytest.param(
            f"emotion,pixels,Usage\n0,{PIXELS[:-1]}256,Training\n",
            r"a grey level that is not from 0 to 255 \(line 2\)",
            id="256",
        ),
        pytest.param(f"emotion,pixels,Usage\n0,{PIXELS[:-2]} -1,Training\n", "not from 0 to 255", id="-1"),
        pytest.param(
            f"emotion,pixels,Usage\n0,{' '.join(['7'] * 1000)} ... 7,Training\n",
            r"pixels cut off by '\.\.\.', as in a printed array",
            id="a printed array",
        ),
        pytest.param(
            f"pixels,Usage\n{PIXELS},Training\n", "no column with labels, only pixels, usage", id="no labels"
        ),
        pytest.param(
            f"happy,sad,pixels,Usage\n1,0,{PIXELS},Training\n",
            r"has a column for each label: happy, sad, pixels, usage\. .*idxmax",
            id="a column for each label",
        ),
        pytest.param(
            f"emotion,pixels,Usage\n0,{PIXELS},Holiday\n", "not train, validation or test", id="usage"
        ),
        pytest.param(f"emotion,pixels,Usage\n0,{PIXELS}\n", "with an empty label or usage", id="short row"),
        pytest.param(
            f"emotion,pixels,Usage\nbored,{PIXELS},Training\n",
            r"with an unknown label \('bored'\)",
            id="a strange word",
        ),
        pytest.param(
            f"emotion,pixels,Usage\n7,{PIXELS},Training\n",
            "1 of contempt, which is not one of",
            id="contempt only",
        ),
        pytest.param(
            f"emotion,pixels,Usage\n-1,{PIXELS},Training\n",
            r"with an unknown label \('-1'\)",
            id="-1 for emotion",
        ),
        pytest.param(
            "emotion,pixels\n" + "".join(f"{n},{PIXELS}\n" for n in range(1, 8)),
            "has labels from 1 to 7. Expected 0 to 6",
            id="counted from 1",
        ),
    ],
)
def test_a_file_that_is_not_fer2013_is_refused_for_what_is_wrong_with_it(tmp_path, text, message):
    path = tmp_path / "fer2013.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=message):
        read(path)


def test_a_row_that_cannot_be_used_is_left_out_and_named_by_its_line(tmp_path, rows):
    lines = csv_text(*rows).splitlines()
    lines[5] = f"0,{PIXELS[:-2]},Training"
    lines[8] = f"0,{PIXELS[:-1]}x,Training"
    (tmp_path / "fer2013.csv").write_text("\n".join(lines), encoding="utf-8")
    dataset = read(tmp_path)
    assert sum(dataset.sizes.values()) == COUNT - 2
    assert dataset.remarks() == [
        "Skipped 2 of 100 pictures: 1 without 2,304 grey levels (line 6 with 2,303); "
        "1 with a grey level that is not a number (line 9)."
    ]
    assert read(tmp_path).remarks() == dataset.remarks(), "the copy remembers it"


def test_a_picture_in_place_of_the_csv_file_is_refused(sheets):
    with pytest.raises(BadInputError, match=r"faces_00\.png is not text"):
        read(sheets / "faces_00.png")


def test_a_missing_sheet_is_told(sheets):
    (sheets / "faces_01.png").unlink()
    with pytest.raises(MissingFileError, match="has 40 pictures for 100 labels"):
        read(sheets)


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
        pytest.param(b"not a table", r"fer2013_labels\.npz cannot be read", id="text"),
        pytest.param(b"", r"fer2013_labels\.npz cannot be read \(No data", id="empty"),
        pytest.param(WHOLE[:-20], r"cannot be read \(File is not a zip file\)", id="cut"),
        pytest.param(WHOLE[:80] + bytes(30) + WHOLE[110:], "cannot be read", id="damaged inside"),
        pytest.param(array_alone(), "cannot be read", id="one array"),
        pytest.param(saved(emotion=np.arange(7)), "cannot be read.*usage", id="no usages"),
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
        read(sheets)


def test_a_sheet_that_is_too_narrow_is_told(sheets):
    cv2.imwrite(str(sheets / "faces_01.png"), np.zeros((96, 96), np.uint8))
    with pytest.raises(BadInputError, match=r"faces_01\.png is 96 pixels wide\. Expected 1920"):
        read(sheets)


@pytest.mark.slow
def test_the_sheets_hold_the_whole_of_fer2013(shared_data):
    dataset = read(shared_data / "fer2013")
    assert dataset.sizes == {"training": 28709, "validation": 3589, "test": 3589}
    assert dataset.test.votes.shape == (3589, 10)
    assert dataset.training.votes[0].tolist() == [4, 0, 0, 1, 3, 2, 0, 0, 0, 0]
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


def train_text(pictures, indexes) -> str:
    """The competition's train.csv: no column Usage, the pixels in quotation marks."""
    rows = zip(pictures, indexes, strict=True)
    return "emotion,pixels\n" + "".join(f'{index},"{pixels_of(picture)}"\n' for picture, index in rows)


def test_of_the_competitions_training_rows_a_tenth_is_kept_for_validation(tmp_path, rows):
    pictures, indexes, _ = rows
    pictures = np.concatenate([pictures, pictures[10:40]])  # these are duplicates
    indexes = np.concatenate([indexes, indexes[10:40]])
    (tmp_path / "train.csv").write_text(train_text(pictures, indexes), encoding="utf-8")
    (tmp_path / "test.csv").write_text(f'pixels\n"{PIXELS}"\n', encoding="utf-8")
    dataset = read(tmp_path)
    assert dataset.sizes["test"] == 0
    assert dataset.sizes["training"] + dataset.sizes["validation"] == 130
    assert 13 <= dataset.sizes["validation"] <= 26
    assert not set(difference_hashes(dataset.training.pictures)) & set(
        difference_hashes(dataset.validation.pictures)
    )
    np.testing.assert_array_equal(
        read(tmp_path / "train.csv").validation.pictures, dataset.validation.pictures
    )


def test_test_rows_with_labels_are_the_test_split_and_nothing_else(tmp_path, rows):
    pictures, indexes, _ = rows
    (tmp_path / "train.csv").write_text(train_text(pictures[:60], indexes[:60]), encoding="utf-8")
    (tmp_path / "test.csv").write_text(train_text(pictures[60:], indexes[60:]), encoding="utf-8")
    for name in ("", "test.csv"):
        np.testing.assert_array_equal(read(tmp_path / name).test.pictures, pictures[60:])
    assert read(tmp_path / "test.csv").sizes == {"training": 0, "validation": 0, "test": 40}


def test_a_table_with_all_labels_is_preferred_to_the_competitions_two(csv_file, rows):
    csv_file.with_name("train.csv").write_text(train_text(rows[0][:20], rows[1][:20]), encoding="utf-8")
    csv_file.rename(csv_file.with_name("icml_face_data.csv"))
    check(read(csv_file.parent), rows)


def test_a_table_is_parsed_once_until_it_changes(csv_file, rows, monkeypatch):
    check(read(csv_file), rows)
    parsed = []
    original = pixel_tables._parsed
    monkeypatch.setattr(pixel_tables, "_parsed", lambda *words: parsed.append(words) or original(*words))
    check(read(csv_file), rows)
    assert parsed == []
    pictures, indexes, usages = (part[:30] for part in rows)
    csv_file.write_text(csv_text(pictures, indexes, usages), encoding="utf-8")
    assert sum(read(csv_file).sizes.values()) == 30
    assert len(parsed) == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="modes as Linux and macOS have them")
def test_copies_of_tables_are_for_their_owner_only_and_few(csv_file, monkeypatch, tmp_path):
    cache = tmp_path / "cache"
    monkeypatch.setattr(pixel_tables, "own_folder", lambda _: cache)
    for number in range(pixel_tables.KEPT + 2):
        another = tmp_path / f"{number}.csv"
        another.write_bytes(csv_file.read_bytes())
        read(another)
        for copy in cache.iterdir():  # one after the other, whatever the clock of the disk
            os.utime(copy, (copy.stat().st_mtime - 10,) * 2)
    copies = list(cache.iterdir())
    assert len(copies) == pixel_tables.KEPT
    assert {stat.S_IMODE(path.stat().st_mode) for path in copies} == {0o600}
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    monkeypatch.setattr(pixel_tables, "_parsed", lambda *_: pytest.fail("the newest copy is gone"))
    read(another)


@pytest.mark.parametrize("harm", ["damaged", "a folder", "no room"])
def test_a_copy_that_cannot_be_kept_or_read_does_no_harm(csv_file, rows, monkeypatch, tmp_path, harm):
    monkeypatch.setattr(pixel_tables, "own_folder", lambda _: tmp_path / "cache")
    if harm == "no room":
        (tmp_path / "cache").write_bytes(b"a file in place of the folder")
    check(read(csv_file), rows)
    if harm != "no room":
        (copy,) = (tmp_path / "cache").iterdir()
        whole = copy.read_bytes()
        copy.unlink()
        if harm == "a folder":
            copy.mkdir()
        else:
            copy.write_bytes(whole[: len(whole) // 2])
    check(read(csv_file), rows)


IN_FERPLUS = [COLUMNS.index(label) for label in FER2013]


def votes_text(usages, indexes=(), blank=(0, 1)) -> str:
    """FER+'s file: eight of ten people agree with the label, and blank pictures are left out."""
    head = ",".join(["Usage", "Image name", *COLUMNS])
    rows = []
    for row, usage in enumerate(usages):
        votes = [0] * 10
        if row not in blank:
            votes[IN_FERPLUS[indexes[row]] if len(indexes) else 0] += 8
            votes[9] += 2
        rows.append(f"{USAGES[usage]},{'' if row in blank else f'fer{row}.png'},{','.join(map(str, votes))}")
    return "\n".join([head, *rows]) + "\n"


@pytest.mark.parametrize("place", ["data/fer2013new.csv", "ferplus/fer2013new.csv"])
@pytest.mark.parametrize("form", ["csv", "sheets"])
def test_votes_near_fer2013_are_read_with_it(request, tmp_path, rows, place, form):
    made = request.getfixturevalue("csv_file" if form == "csv" else "sheets")
    folder = tmp_path / "data"
    folder.mkdir()
    for file in [made] if form == "csv" else list(made.glob("*.*")):
        file.rename(folder / file.name)
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(votes_text(rows[2], rows[1]), encoding="utf-8")
    dataset = read(folder)
    said = [COLUMNS[vote] for vote in dataset.test.votes.argmax(1)]
    assert said == [FER2013[index] for index in dataset.test.indexes]
    assert dataset.test.votes.shape == (33, 10)
    assert not dataset.training.votes[0].any()


@pytest.mark.parametrize(
    ("usages", "message"),
    [
        (np.arange(99) % 3, "has 99 rows, but FER2013 next to it has 100 pictures"),
        (
            (np.arange(100) + (np.arange(100) == 7)) % 3,
            "has 'PrivateTest' in row 7, but FER2013 next to it has 'PublicTest'",
        ),
    ],
    ids=["a row less", "another usage"],
)
def test_votes_that_do_not_fit_are_refused(csv_file, usages, message):
    csv_file.with_name("fer2013new.csv").write_text(votes_text(usages), encoding="utf-8")
    with pytest.raises(BadInputError, match=message):
        read(csv_file)


def test_votes_in_another_order_than_the_pictures_are_refused(csv_file, rows):
    """Sorted, as a spreadsheet leaves them, with the usages in their old order."""
    order = np.argsort(rows[1], kind="stable")
    text = votes_text(rows[2], rows[1][order], blank=())
    csv_file.with_name("fer2013new.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=r"has votes for row 0, whose picture is blank"):
        read(csv_file)
    csv_file.with_name("fer2013new.csv").write_text(votes_text(rows[2], rows[1][order]), encoding="utf-8")
    with pytest.raises(
        BadInputError, match=r"does not match the pictures: in rows 2 to 99, only \d+% of the labels"
    ):
        read(csv_file)


def test_votes_beside_train_csv_are_those_of_its_rows(tmp_path, rows):
    """train.csv has no usages; FER+'s rows for Training are as many, and in the same order."""
    pictures, indexes, usages = rows
    chosen = usages == 0
    (tmp_path / "train.csv").write_text(train_text(pictures[chosen], indexes[chosen]), encoding="utf-8")
    (tmp_path / "fer2013new.csv").write_text(votes_text(usages, indexes), encoding="utf-8")
    dataset = read(tmp_path)
    for split in (dataset.training, dataset.validation):
        voted = split.votes.any(1)
        said = [COLUMNS[vote] for vote in split.votes[voted].argmax(1)]
        assert said == [FER2013[index] for index in split.indexes[voted]]
    assert dataset.remarks() == []


def test_votes_beside_a_train_csv_of_another_length_are_left_out_and_the_reason_is_given(tmp_path, rows):
    pictures, indexes, usages = rows
    (tmp_path / "train.csv").write_text(train_text(pictures[:20], indexes[:20]), encoding="utf-8")
    (tmp_path / "fer2013new.csv").write_text(votes_text(usages, indexes), encoding="utf-8")
    dataset = read(tmp_path)
    assert dataset.training.votes is None
    assert dataset.remarks() == [
        "Votes not used: fer2013new.csv has rows for 34 Training, 33 PublicTest, 33 PrivateTest, "
        "but the table has 20."
    ]


def test_votes_stay_with_their_pictures_where_a_row_is_left_out(csv_file, rows):
    lines = csv_file.read_text(encoding="utf-8").splitlines()
    lines[4] = lines[4].replace(",", ",x ", 1)
    csv_file.write_text("\n".join(lines), encoding="utf-8")
    csv_file.with_name("fer2013new.csv").write_text(votes_text(rows[2], rows[1]), encoding="utf-8")
    dataset = read(csv_file)
    assert len(dataset.skipped) == 1
    for split in (dataset.training, dataset.validation, dataset.test):
        voted = split.votes.any(1)
        said = [COLUMNS[vote] for vote in split.votes[voted].argmax(1)]
        assert said == [FER2013[index] for index in split.indexes[voted]]


def numbered(count: int) -> np.ndarray:
    """Pictures that carry the number of their row in their first pixels."""
    pictures = np.random.default_rng(2).integers(0, 256, (count, 48, 48), np.uint8)
    pictures[:, 0, 0], pictures[:, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
    return pictures


def numbers(split) -> set[int]:
    pictures = split.pictures.astype(int)
    return set((pictures[:, 0, 0] + 256 * pictures[:, 0, 1]).tolist())


def as_csv(folder, pictures, indexes, usages):
    (folder / "fer2013.csv").write_text(csv_text(pictures, indexes, usages), encoding="utf-8")


def as_icml(folder, pictures, indexes, usages):
    rows = zip(pictures, indexes, usages, strict=True)
    lines = [f"{index}, {USAGES[usage]}, {pixels_of(picture)}" for picture, index, usage in rows]
    text = "\n".join(["emotion, Usage, pixels", *lines])
    (folder / "icml_face_data.csv").write_text(text, encoding="utf-8")


def as_sheets(folder, pictures, indexes, usages):
    full = -(-len(pictures) // SHEET_COLUMNS) * SHEET_COLUMNS
    padded = np.concatenate([pictures, np.zeros((full - len(pictures), 48, 48), np.uint8)])
    sheet = padded.reshape(-1, SHEET_COLUMNS, 48, 48).swapaxes(1, 2).reshape(-1, SHEET_COLUMNS * 48)
    cv2.imwrite(str(folder / "faces_00.png"), sheet)
    np.savez(folder / "fer2013_labels.npz", emotion=indexes.astype(np.uint8), usage=usages.astype(np.uint8))


def as_competition(folder, pictures, indexes, usages):
    """train.csv has the training rows; test.csv here only those of PrivateTest, with labels."""
    for name, chosen in (("train.csv", usages == 0), ("test.csv", usages == 2)):
        (folder / name).write_text(train_text(pictures[chosen], indexes[chosen]), encoding="utf-8")


def as_folders(folder, pictures, indexes, usages, names=("Training", "PublicTest", "PrivateTest")):
    for number, (picture, index, usage) in enumerate(zip(pictures, indexes, usages, strict=True)):
        place = folder / names[usage] / FER2013[index].lower()
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{number:04}.png"), picture)


def as_kaggle_folders(folder, pictures, indexes, usages):
    """Two folders, train and test; the file names distinguish the two tests."""
    for number, (picture, index, usage) in enumerate(zip(pictures, indexes, usages, strict=True)):
        place = folder / ("train" if usage == 0 else "test") / FER2013[index].lower()
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{USAGES[usage]}_{number}.png"), picture)


def as_one_folder(folder, pictures, indexes, usages):
    """A folder per label with everything in it, where only the file names give the split."""
    for number, (picture, index, usage) in enumerate(zip(pictures, indexes, usages, strict=True)):
        place = folder / FER2013[index].lower()
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{USAGES[usage]}_{number}.png"), picture)


FORMS = [as_csv, as_icml, as_sheets, as_competition, as_folders, as_kaggle_folders, as_one_folder]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@settings(max_examples=10)
@given(usages=st.lists(st.integers(0, 2), min_size=1, max_size=40))
def test_no_row_marked_private_test_reaches_training_or_validation(tmp_path_factory, usages, form):
    folder = tmp_path_factory.mktemp("form")
    usages = np.array([0, 2, *usages])
    pictures = numbered(len(usages))
    form(folder, pictures, np.arange(len(usages)) % 7, usages)
    dataset = read(folder)
    private = set(np.flatnonzero(usages == 2).tolist())
    assert numbers(dataset.test) == private
    again = dataset.divided(3)  # nothing is divided if rows have a usage
    assert not private & (numbers(again.training) | numbers(again.validation))


@pytest.mark.slow
def test_in_the_sheets_the_splits_are_the_rows_that_the_usages_say(shared_data):
    """Hashes of the rows' pictures, from the table and the sheets themselves."""
    folder = shared_data / "fer2013"
    with (folder / "fer2013_labels.npz").open("rb") as file, np.load(file) as arrays:
        usages = arrays["usage"]
    sheets = [
        sheets_module._cut(cv2.imread(str(p), cv2.IMREAD_GRAYSCALE), p) for p in sorted(folder.glob("*.png"))
    ]
    pictures = np.concatenate(sheets)[: len(usages)]
    dataset = read(folder)
    for number, split in enumerate((dataset.training, dataset.validation, dataset.test)):
        np.testing.assert_array_equal(
            content_hashes(split.pictures), content_hashes(pictures[usages == number])
        )


# Where it is looked for.


@pytest.fixture
def no_usual_place(monkeypatch, tmp_path):
    checkout = tmp_path / "beside" / "checkout"
    checkout.mkdir(parents=True)
    monkeypatch.setattr(fer2013, "ROOT", checkout)
    monkeypatch.chdir(tmp_path)
    return checkout


def lay(place):
    """Puts the smallest FER2013 table somewhere."""
    place.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{usage % 7},{' '.join(['9'] * 2304)},{name}" for usage, name in enumerate(USAGES)]
    place.write_text("\n".join(["emotion,pixels,Usage", *rows]), encoding="utf-8")
    return place


PLACES = [
    pytest.param("../../fer2013.csv", "../..", id="the current folder"),
    pytest.param("fer2013.csv", ".", id="the checkout"),
    pytest.param("fer2013/fer2013.csv", "fer2013", id="a folder in it"),
]


@pytest.mark.parametrize(("file", "found"), PLACES)
def test_fer2013_is_found_in_the_usual_places(no_usual_place, file, found):
    lay(no_usual_place / file)
    place = find_fer2013()
    assert place.resolve() == (no_usual_place / found).resolve()
    assert sum(read(place).sizes.values()) == 3


def test_without_fer2013_nothing_is_found(no_usual_place):
    assert find_fer2013() is None


@pytest.mark.parametrize("name", ["elsewhere/all.csv", "elsewhere"])
def test_a_place_that_is_named_comes_before_the_usual_ones(no_usual_place, tmp_path, monkeypatch, name):
    lay(no_usual_place / "fer2013.csv")
    lay(tmp_path / "elsewhere" / ("all.csv" if name.endswith("csv") else "fer2013.csv"))
    monkeypatch.setenv("EXPRESSION_DATA", str(tmp_path / name))
    assert find_fer2013() == tmp_path / name


def test_a_name_where_nothing_is_means_to_do_without(no_usual_place, monkeypatch):
    lay(no_usual_place / "fer2013.csv")
    monkeypatch.setenv("EXPRESSION_DATA", "nowhere")
    assert find_fer2013() is None


@pytest.mark.parametrize("name", ["data", "Data", "DATA"])
def test_the_folder_of_an_assignments_data_is_found_in_any_case(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "train.csv").touch()
    monkeypatch.chdir(tmp_path)
    assert assignment_data().samefile(tmp_path / name)
