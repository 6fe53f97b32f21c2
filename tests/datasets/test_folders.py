"""Datasets that are folders of pictures, tested with made-up pictures under the names of the real ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from expression.datasets.dataset import read
from expression.errors import BadInputError, MissingFileError
from expression.labels import FER2013, Labels
from expression.pictures.image import face_pixels


@pytest.fixture
def put(tmp_path):
    """Writes a picture of noise under a name below a folder, which is created; returns its pixels."""
    generator = np.random.default_rng(0)

    def write(name: str, shape: tuple[int, ...] = (48, 48)) -> np.ndarray:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = generator.integers(0, 256, shape, np.uint8)
        path.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())
        return picture

    return write


def labels_of(split, labels=FER2013) -> list[str]:
    return [labels[index] for index in split.indexes]


NAMES = {
    "Angry": ["angry", "Anger", "ANGRY", "0 angry", "0_Angry"],
    "Disgust": ["disgust", "Disgusted"],
    "Fear": ["fear", "afraid", "Fearful"],
    "Happy": ["happy", "happiness", "3-happy"],
    "Sad": ["sad", "Sadness"],
    "Surprise": ["surprise", "surprised"],
    "Neutral": ["neutral", "NEUTRAL "],
}


@pytest.mark.parametrize(("label", "name"), [(label, name) for label in NAMES for name in NAMES[label]])
def test_a_folder_is_known_by_usual_words_for_its_label(tmp_path, put, label, name):
    put(f"{name}/one.png")
    dataset = read(tmp_path)
    assert labels_of(dataset.test) == [label]
    assert dataset.labels == FER2013


def test_a_folder_of_pictures_for_each_label_is_a_test_set_as_a_whole(tmp_path, put):
    happy, sad = put("happy/b.png"), put("Sad/deeper/a.bmp")
    put("happy/.hidden.png")
    put(".cache/x.png")
    (tmp_path / "happy" / "notes.txt").write_text("no picture")
    dataset = read(tmp_path)
    assert dataset.sizes == {"training": 0, "validation": 0, "test": 2}
    assert labels_of(dataset.test) == ["Sad", "Happy"]
    np.testing.assert_array_equal(dataset.test.pictures, [sad, happy])
    assert dataset.test.groups is None


def test_pictures_of_any_size_and_colour_become_small_and_grey(tmp_path, put):
    colour, wide = put("happy/1.png", (96, 96, 3)), put("happy/2.png", (60, 100))
    pictures = read(tmp_path).test.pictures
    np.testing.assert_array_equal(pictures[0], face_pixels(colour[..., ::-1]))
    np.testing.assert_array_equal(pictures[1], face_pixels(wide))


def test_the_caller_may_cut_the_face_out(tmp_path, put):
    picture = put("happy/1.png", (100, 100))
    dataset = read(tmp_path, crop=lambda image: face_pixels(image[20:68, 30:78]))
    np.testing.assert_array_equal(dataset.test.pictures[0], picture[20:68, 30:78])


def test_labels_of_ones_own_come_from_the_list_or_the_caller(tmp_path, put):
    put("wink/1.png")
    put("Tongue Out/1.png")
    own = Labels(["Wink", "tongue out"])
    assert labels_of(read(tmp_path, labels=own).test, own) == ["tongue out", "Wink"]
    own.write(tmp_path / "labelList.csv")
    assert read(tmp_path).labels == own
    reverse = Labels(["Tongue out", "Wink"])
    assert read(tmp_path, labels=reverse).test.indexes.tolist() == [0, 1]


def test_a_folder_that_is_no_label_is_refused(tmp_path, put):
    put("happy/1.png")
    put("misc/1.png")
    with pytest.raises(
        BadInputError,
        match=r"misc would mean the label 'misc', which is not known\. Expected Angry.*Rename it.*labelList",
    ):
        read(tmp_path)


def test_contempt_is_left_out_where_no_label_stands_for_it(tmp_path, put):
    put("happy/1.png")
    put("contempt/1.png")
    assert labels_of(read(tmp_path).test) == ["Happy"]
    both = Labels(["Contempt", "Happy"])
    assert read(tmp_path, labels=both).test.indexes.tolist() == [0, 1]


@pytest.mark.parametrize(
    "names",
    [
        ("train", "validation", "test"),
        ("Training", "PublicTest", "PrivateTest"),
        ("training", "val", "Testing"),
    ],
    ids=lambda names: names[0] + "-" + names[1],
)
def test_folders_named_as_splits_are_splits(tmp_path, put, names):
    pictures = [put(f"{name}/{label}/1.png") for name in names for label in ("angry", "happy")]
    dataset = read(tmp_path)
    for number, split in enumerate((dataset.training, dataset.validation, dataset.test)):
        np.testing.assert_array_equal(split.pictures, pictures[2 * number : 2 * number + 2])
        assert labels_of(split) == ["Angry", "Happy"]


def test_without_validation_a_tenth_of_training_is_kept_for_it(tmp_path, put):
    for number in range(40):
        put(f"train/{'angry' if number % 2 else 'happy'}/{number}.png")
    test = put("test/sad/1.png")
    dataset = read(tmp_path)
    assert dataset.sizes == {"training": 36, "validation": 4, "test": 1}
    np.testing.assert_array_equal(dataset.test.pictures, [test])


def test_the_names_of_fer2013s_pictures_tell_the_two_tests_apart(tmp_path, put):
    put("train/happy/Training_1.jpg")
    public, private = put("test/sad/PublicTest_2.png"), put("test/sad/PrivateTest_3.png")
    dataset = read(tmp_path)
    np.testing.assert_array_equal(dataset.validation.pictures, [public])
    np.testing.assert_array_equal(dataset.test.pictures, [private])
    assert read(tmp_path / "test").sizes == {"training": 0, "validation": 1, "test": 1}


def ck(put, tmp_path, codes: dict[str, str], below: str = "cohn-kanade-images/") -> dict[str, np.ndarray]:
    """Makes sequences of three frames, with an emotion file for those that have a code."""
    peaks = {}
    for sequence, code in codes.items():
        folder = sequence.replace("_", "/")
        for frame in (1, 2, 3):
            peaks[sequence] = put(f"{below}{folder}/{sequence}_{frame:08}.png", (49, 64))
        place = tmp_path / "Emotion" / folder
        place.mkdir(parents=True)
        if code:
            (place / f"{sequence}_00000003_emotion.txt").write_text(code)
    return peaks


@pytest.mark.parametrize("below", ["cohn-kanade-images/", ""], ids=["as distributed", "beside Emotion"])
def test_ck_gives_the_peak_of_each_sequence_with_an_emotion(tmp_path, put, below):
    codes = {
        "S005_001": "   3.0000000e+00\n",
        "S005_002": "",
        "S010_001": "2",
        "S010_002": "0",
        "S011_001": "7",
    }
    peaks = ck(put, tmp_path, codes, below)
    dataset = read(tmp_path)
    assert labels_of(dataset.test) == ["Disgust", "Neutral", "Surprise"]
    expected = [face_pixels(peaks[sequence]) for sequence in ("S005_001", "S010_002", "S011_001")]
    np.testing.assert_array_equal(dataset.test.pictures, expected)
    assert dataset.test.groups.tolist() == ["S005", "S010", "S011"]
    eight = Labels([*FER2013, "Contempt"])
    assert labels_of(read(tmp_path, labels=eight).test, eight)[1] == "Contempt"


@pytest.mark.parametrize("code", ["8", "-1", "happy", " ", "9" * 5000, "inf"])
def test_an_emotion_that_ck_does_not_have_is_left_out_and_named(tmp_path, put, code):
    ck(put, tmp_path, {"S005_001": "3", "S005_002": code})
    dataset = read(tmp_path)
    assert labels_of(dataset.test) == ["Disgust"]
    assert dataset.skipped.names == {
        "without a number from 0 to 7, as CK+ uses": ["S005_002_00000003_emotion.txt"]
    }


def test_ck_of_which_most_emotions_cannot_be_used_is_refused(tmp_path, put):
    ck(put, tmp_path, {"S005_001": "9"})
    with pytest.raises(BadInputError, match=r"The only CK\+ sequence in .* without a number from 0 to 7"):
        read(tmp_path)


def test_a_frame_of_ck_that_is_missing_is_left_out_and_named(tmp_path, put):
    ck(put, tmp_path, {"S005_001": "3", "S005_002": "5"})
    (tmp_path / "cohn-kanade-images/S005/001/S005_001_00000003.png").unlink()
    dataset = read(tmp_path)
    assert labels_of(dataset.test) == ["Happy"]
    assert "S005_001_00000003.png" in str(dataset.skipped.names)
    assert "unpack both archives" in dataset.remarks()[-1]


def test_ck_in_a_folder_a_label_keeps_its_people_together(tmp_path, put):
    for person in range(20):
        for frame in (14, 15, 16):
            put(f"CK+48/{'anger' if person % 2 else 'contempt'}/S{person:03}_004_000000{frame}.png")
            put(f"CK+48/happy/S{person:03}_006_000000{frame}.png")
    divided = read(tmp_path / "CK+48").divided(seed=2)
    assert sum(divided.sizes.values()) == 90
    people = [set(split.groups) for split in (divided.training, divided.validation, divided.test)]
    assert all(people)
    assert len(set.union(*people)) == sum(map(len, people)) == 20


@pytest.mark.parametrize("place", ["{name:.4}/", ""], ids=["a folder a session", "all in one"])
def test_kdef_is_read_by_its_names(tmp_path, put, place):
    names = ["AF01AFS", "AF01ANHL", "BF01DIHR", "AM07HAS", "BM07NES", "AM35SAS", "AM35SUS"]
    profiles = ["AF01ANFL", "AF01ANFR"]
    no_names = ["AF31V", "AM31H"]  # two files of KDEF have such names
    for name in [*names, *profiles, *no_names]:
        put(f"{place.format(name=name)}{name}.JPG", (76, 56, 3))
    split = read(tmp_path).test
    assert sorted(zip(labels_of(split), split.groups.tolist(), strict=True)) == [
        ("Angry", "F01"),
        ("Disgust", "F01"),
        ("Fear", "F01"),
        ("Happy", "M07"),
        ("Neutral", "M07"),
        ("Sad", "M35"),
        ("Surprise", "M35"),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        "face1.png,Happy,monday\nface2.png,sad,monday\nface3.png,Wink,tuesday\n",
        "image,label,session\r\nface1.png,Happy,monday\r\nface2.png,Sad,monday\r\nface3.png,Wink,tuesday",
        "\ufeffImages/face1.png, happy , monday\n\nface2.png,1,monday\nface3.png,2,tuesday",
    ],
    ids=["plain", "header, CRLF, no last newline", "byte order mark, path, blanks, indexes"],
)
def test_a_readers_own_set_is_read_by_its_table(tmp_path, put, rows):
    pictures = [put(f"Images/face{number}.png") for number in (1, 2, 3)]
    put("Images/face4.png")  # not labelled yet
    Labels(["Happy", "Sad", "Wink"]).write(tmp_path / "labelList.csv")
    (tmp_path / "faceLabels.csv").write_text(rows, encoding="utf-8", newline="")
    dataset = read(tmp_path)
    assert list(dataset.labels) == ["Happy", "Sad", "Wink"]
    assert dataset.test.indexes.tolist() == [0, 1, 2]
    assert dataset.test.groups.tolist() == ["monday", "monday", "tuesday"]
    np.testing.assert_array_equal(dataset.test.pictures, pictures)


def test_two_columns_are_enough_and_then_there_are_no_groups(tmp_path, put):
    put("Images/face1.png")
    (tmp_path / "faceLabels.csv").write_text("face1.png,Happy\n")
    split = read(tmp_path).test
    assert (labels_of(split), split.groups) == (["Happy"], None)


@pytest.mark.parametrize(
    ("rows", "kind", "message"),
    [
        pytest.param("", BadInputError, "has no labelled pictures", id="empty"),
        pytest.param("image,label\n", BadInputError, "has no labelled pictures", id="only a header"),
        pytest.param(
            "face1.png\n", BadInputError, "the row 'face1.png'. Expected image,label", id="one column"
        ),
        pytest.param("face1.png,Holiday\n", BadInputError, "has the unknown label 'Holiday'", id="no label"),
        pytest.param(
            "face1.png,7\n",
            BadInputError,
            "has the row 'face1.png,7'. Expected a label or its position in the list, from 0 to 6",
            id="no index",
        ),
        pytest.param(
            "face9.png,Happy\n", MissingFileError, r"1 of the 1 rows of .* have no picture", id="no picture"
        ),
        pytest.param("face1.png,\x81\n", BadInputError, "faceLabels.csv is not a text file", id="not text"),
    ],
)
def test_a_table_that_does_not_fit_is_told(tmp_path, put, rows, kind, message):
    put("Images/face1.png")
    (tmp_path / "faceLabels.csv").write_text(rows, encoding="latin-1")
    with pytest.raises(kind, match=message):
        read(tmp_path)


@pytest.mark.parametrize(
    "names", [[], ["happy"], ["train/happy", "test/happy"]], ids=["nothing", "a label", "splits"]
)
def test_a_folder_without_pictures_is_told(tmp_path, names):
    for name in names:
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(
        BadInputError, match=r"has no labelled pictures.*Expected a folder of pictures for each"
    ):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n broken"], ids=["empty", "damaged"])
def test_a_picture_that_cannot_be_read_is_left_out_and_named(tmp_path, put, content):
    put("happy/1.png")
    (tmp_path / "happy" / "2.png").write_bytes(content)
    dataset = read(tmp_path)
    assert labels_of(dataset.test) == ["Happy"]
    (reason,) = dataset.skipped.reasons
    assert reason == ("empty" if not content else "damaged")
    assert dataset.remarks() == [f"Skipped 1 of 2 pictures: 1 {reason} (happy/2.png)."]


def test_a_readers_own_words_are_told_apart_even_where_they_mean_the_same(tmp_path, put):
    words = ["Happy", "Happiness", "Sad 1", "Sad 2"]
    for number in range(4):
        put(f"Images/face{number}.png")
    (tmp_path / "labelList.csv").write_text("".join(f"{n},{word}\n" for n, word in enumerate(words)))
    (tmp_path / "faceLabels.csv").write_text("".join(f"face{n}.png,{word}\n" for n, word in enumerate(words)))
    assert read(tmp_path).test.indexes.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("name", "words", "remedy"),
    [
        ("fer2013.csv.crdownload", "fer2013.csv.crdownload, an unfinished download", "download it again"),
        ("notes.doc", "has no labelled pictures, only notes.doc", "Choose another folder"),
        ("._1.png", "only hidden and system files: ._1.png", "Choose another folder"),
    ],
)
def test_a_folder_without_a_label_is_told_by_what_it_holds(tmp_path, name, words, remedy):
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(BadInputError) as caught:
        read(tmp_path)
    assert words in str(caught.value)
    assert remedy in str(caught.value)


def test_an_archive_for_each_label_is_to_be_unpacked(tmp_path):
    for label in ("happy", "sad"):
        (tmp_path / f"{label}.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(BadInputError, match=r"a zip archive"):
        read(tmp_path)


def test_the_remedy_with_labels_of_several_words_is_one_argument(tmp_path, put):
    put("so so/1.png")
    put("very well/1.png")
    with pytest.raises(BadInputError, match=r"--labels 'so so,very well'\."):
        read(tmp_path)


def test_pictures_outside_the_splits_are_named_with_their_folders(tmp_path, put):
    for name in ("train/happy/1.png", "train/sad/2.png", "eval/happy/1.png"):
        put(name)
    assert any("eval/happy/1.png" in remark for remark in read(tmp_path).remarks())


def test_a_folder_that_a_file_manager_copied_keeps_its_label(tmp_path, put):
    put("happy/1.png")
    put("happy - Copy/2.png")
    put("sad/1.png")
    assert len(read(tmp_path).test) == 3
