"""Datasets with their own way of labelling: file names, a file for each picture, YOLO's form."""

from __future__ import annotations

import numpy as np
import pytest
from sets import by_file, counted, labels_of, writer

from expression.datasets.dataset import read
from expression.errors import BadInputError


@pytest.fixture
def put(tmp_path):
    return writer(tmp_path)


@pytest.mark.parametrize("form", ["KA.AN1.39", "KA-AN1-39", "KA_AN1_39"])
def test_jaffe_in_one_folder_is_read_by_its_file_names(tmp_path, put, form):
    codes = {
        "AN": "Angry",
        "DI": "Disgust",
        "FE": "Fear",
        "HA": "Happy",
        "NE": "Neutral",
        "SA": "Sad",
        "SU": "Surprise",
    }
    for person in ("KA", "KL"):
        for n, code in enumerate(codes):
            put(
                f"jaffe/{form.replace('KA', person).replace('AN', code).replace('39', str(n))}.tiff", (60, 60)
            )
    (tmp_path / "jaffe" / "README_FIRST.txt").write_text("about it")
    split = read(tmp_path).test
    assert set(labels_of(split)) == set(codes.values())
    assert set(split.groups) == {"KA", "KL"}
    assert len(split) == 2 * len(codes)


def test_rafd_is_read_by_its_file_names_without_full_profiles(tmp_path, put):
    for angle in ("000", "045", "090", "180"):
        for label in ("angry", "contemptuous", "fearful", "happy"):
            put(f"Rafd{angle}_01_Caucasian_female_{label}_frontal.jpg")
    dataset = read(tmp_path)
    assert sorted(labels_of(dataset.test)) == ["Angry", "Angry", "Fear", "Fear", "Happy", "Happy"]
    assert set(dataset.test.groups) == {"01"}
    assert dataset.skipped.reasons == {
        "in full profile": 8,
        "of contempt, which is not one of the labels": 2,
    }


def test_kdef_in_any_folders_is_read_by_its_file_names(tmp_path, put):
    for name in ("AF01ANS", "AF01HAS", "BM07SUHL", "BM07SUFL"):
        put(f"KDEF_and_AKDEF/KDEF/{name[:4]}/{name}.JPG")
    dataset = read(tmp_path)
    assert labels_of(dataset.test) == ["Angry", "Happy", "Surprise"]
    assert counted(dataset) == 4


def test_words_in_file_names_are_labels_where_nearly_all_have_one(tmp_path, put):
    for n in range(10):
        put(f"faces/{'happy' if n % 2 else 'Sad'}_{n:03}.png")
    dataset = read(tmp_path)
    assert by_file(dataset)["faces/happy_001.png"] == "Happy"
    assert "Labels are taken from the file names." in dataset.notes
    for n in range(5):
        put(f"faces/dog_{n}.png")
    with pytest.raises(BadInputError, match="has pictures, but no labels for them"):
        read(tmp_path)


def test_affectnet_with_a_file_for_each_label_is_read(tmp_path, put):
    for place, numbers in (("train_set", (0, 1, 6, 7)), ("val_set", (2, 3))):
        for n, number in enumerate(numbers):
            put(f"{place}/images/{n}.jpg")
            folder = tmp_path / place / "annotations"
            folder.mkdir(exist_ok=True)
            np.save(folder / f"{n}_exp.npy", np.array(str(number)))
            np.save(folder / f"{n}_aro.npy", np.array("0.5"))
    dataset = read(tmp_path)
    assert labels_of(dataset.validation) == ["Sad", "Surprise"]
    assert sorted(labels_of(dataset.training)) == ["Angry", "Happy", "Neutral"]
    assert dataset.unused == ("Contempt",)


@pytest.mark.parametrize("content", [b"", b"x", np.lib.format.MAGIC_PREFIX + b"\x01\x00"])
def test_a_damaged_label_of_affectnet_is_refused_with_its_name(tmp_path, put, content):
    put("train_set/images/0.jpg")
    (tmp_path / "train_set" / "annotations").mkdir()
    (tmp_path / "train_set" / "annotations" / "0_exp.npy").write_bytes(content)
    with pytest.raises(BadInputError, match=r"0_exp\.npy is not a label of AffectNet"):
        read(tmp_path)


NAMES = {
    "in one line": "nc: 3\nnames: ['Anger', 'happy', 'No Face']\n",
    "in a line each": "path: x\nnames:\n  - Anger\n  - happy\n  - No Face\nnc: 3\n",
    "by number": "names:\n  0: Anger\n  1: happy\n  2: No Face\n",
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_an_export_for_yolo_is_read_with_the_largest_face_of_each_picture(tmp_path, put, names):
    (tmp_path / "data.yaml").write_text(names)
    two = "0 0.5 0.5 0.5 0.5\n1 0.1 0.1 0.1 0.1\n"
    texts = [two, "1 0.5 0.5 0.48 0.48", "2 0.5 0.5 1 1", "", "9 0.5 0.5 1 1", "1 nan 0.5 1 1"]
    for n, text in enumerate(texts):
        put(f"train/images/{n}.png", (100, 100))
        (tmp_path / "train" / "labels").mkdir(exist_ok=True)
        (tmp_path / "train" / "labels" / f"{n}.txt").write_text(text)
    sizes = []

    def cut(image):
        sizes.append(image.shape[:2])
        return image[:48, :48, 0]

    dataset = read(tmp_path, crop=cut)
    assert by_file(dataset) == {"train/images/0.png": "Angry", "train/images/1.png": "Happy"}
    assert sizes == [(50, 50), (48, 48)]
    assert dataset.skipped.reasons == {
        "without a label or a picture": 3,
        "of no face, which is not one of the labels": 1,
    }
