"""Names of labels and splits are recognised in every common form, and nothing else is."""

from __future__ import annotations

import pytest

from expression.datasets.numbering import Wanted, numbering
from expression.datasets.synonyms import canonical, label_meant, meaning, misspelt, number_meant, split_meant
from expression.labels import FER2013, Labels

NAMES = {
    "Angry": "angry Anger ANGRY 0_Angry 0-angry 00angry 1.Anger angry_faces AngryFaces train_angry mad",
    "Disgust": "disgust Disgusted disgusting digust disguist DISGUST_2",
    "Fear": "fear afraid Fearful scared fearfull frightened terrified 02_fear",
    "Happy": "happy happiness hapiness joy Joyful 3-happy happy(2) happy.images Happy-People",
    "Sad": "sad Sadness sadnes SADNESS unhappy sorrow",
    "Surprise": "surprise surprised suprise Suprised surprize surpise shocked",
    "Neutral": "neutral Neutrality nuetral netural natural calm NEUTRAL_ no_emotion no-expression",
}


@pytest.mark.parametrize(("label", "name"), [(label, n) for label in NAMES for n in NAMES[label].split()])
def test_a_label_is_known_by_synonyms_misspellings_and_numbers_around_it(label, name):
    assert label_meant(name, FER2013) == label


@pytest.mark.parametrize(
    "name",
    [
        "misc",
        "not happy",
        "non-happy",
        "happy_sad",
        "danger",
        "neural",
        "3",
        "people",
        "gl\u00fccklich",
        "",
        "smile",
        "ahegao",
    ],
)
def test_other_names_are_not_guessed(name):
    assert label_meant(name, FER2013) is None


def test_what_is_not_an_expression_is_known_as_such():
    assert [meaning(name) for name in ("No-Face", "none", "Unknown")] == ["no face", "none", "uncertain"]
    assert label_meant("none", FER2013) is None


def test_labels_of_ones_own_come_before_synonyms():
    own = Labels(["joy", "Happy", "Tongue out", "Sad 1", "Sad 2"])
    names = ("joy", "happiness", "tongue_out", "SAD 2", "Happy")
    assert [label_meant(name, own) for name in names] == ["joy", "joy", "Tongue out", "Sad 2", "Happy"]


SPLITS = {
    "training": ["train", "Training", "TRAIN", "train_set", "trainset", "Train Images", "FER2013Train"],
    "validation": ["val", "valid", "Validation", "dev", "PublicTest", "public_test", "FER2013Valid"],
    "test": ["test", "Testing", "PrivateTest", "private test", "test_with_emotions", "FER2013Test"],
    None: ["train_test", "trainval", "misc", "latest", "2024", "happy", "images"],
}


@pytest.mark.parametrize(("name", "split"), [(name, split) for split in SPLITS for name in SPLITS[split]])
def test_splits_are_known_in_any_usual_form(name, split):
    assert split_meant(name) == split


def test_a_word_with_one_wrong_letter_is_known_only_where_it_is_asked_for():
    assert [misspelt(name) for name in ("angery2", "hapyp", "sadnesss", "neutrall", "surprixe")] == [
        "angry",
        "happy",
        "sad",
        "neutral",
        "surprise",
    ]
    assert [misspelt(name) for name in ("danger", "hungry", "sand", "nature")] == [None] * 4


def test_numbers_are_labels_only_where_they_stand_alone():
    assert [number_meant(name) for name in ("0", "7", "10", "class 3", "label_02", "emotion-5")] == [
        0,
        7,
        10,
        3,
        2,
        5,
    ]
    assert [number_meant(name) for name in ("01", "person 3", "2024", "part1", "3 happy", "")] == [None] * 6


def test_named_labels_get_the_usual_spelling():
    assert list(canonical(["happy", " SAD", "contempt", "wink"])) == ["Happy", "Sad", "Contempt", "wink"]


SURE = {
    "RAF-DB by its numbers": ({1, 2, 3, 4, 5, 6, 7}, [], "", "RAF-DB", {1: "surprise", 7: "neutral"}),
    "AffectNet by its numbers": ({0, 3, 7}, [], "", "AffectNet", {0: "neutral", 6: "angry", 7: "contempt"}),
    "AffectNet by its name": ({0, 1, 6}, [], "data AffectNet-7", "AffectNet", {0: "neutral", 6: "angry"}),
    "FER2013 by its name": ({0, 1, 6}, [], "fer2013", "FER2013", {0: "angry", 6: "neutral"}),
    "FER2013 by its files": (
        {0, 6},
        ["Training_1.jpg", "PrivateTest_2.jpg"],
        "affectnet",
        "FER2013",
        {0: "angry"},
    ),
    "RAF-DB by its files": ({1, 2}, ["train_00001_aligned.jpg"], "", "RAF-DB", {1: "surprise"}),
    "RAF-DB counted from 0": (
        {0, 1, 6},
        ["test_0001_aligned.jpg"],
        "",
        "RAF-DB",
        {0: "surprise", 6: "neutral"},
    ),
    "CK+ by its files": ({1, 7}, ["S005_001_00000011.png"], "", "CK+", {1: "angry", 2: "contempt"}),
}


@pytest.mark.parametrize(("numbers", "names", "places", "source", "words"), SURE.values(), ids=SURE)
def test_numbers_are_those_of_a_set_that_can_be_known(tmp_path, numbers, names, places, source, words):
    found = numbering(numbers, Wanted(FER2013), names, places, tmp_path / "none.png", "here")
    assert found.source == source
    assert words.items() <= found.words.items()


UNSURE = {
    "seven numbers": ({0, 1, 2, 3, 4, 5, 6}, [], ""),
    "two sets by name": ({0, 1, 6}, [], "fer2013 and affectnet"),
    "counted from 1, without the last": ({1, 2, 3}, [], ""),
    "CK+ counted again": ({0, 1, 6}, ["S005_001_00000011.png"], "ck+"),
    "out of range": ({0, 12}, [], "affectnet"),
}


@pytest.mark.parametrize(("numbers", "names", "places"), UNSURE.values(), ids=UNSURE)
def test_numbers_that_several_sets_count_differently_are_refused(tmp_path, numbers, names, places):
    with pytest.raises(
        ValueError, match=r"here has the labels .*datasets number them differently.*labelList\.csv"
    ):
        numbering(numbers, Wanted(FER2013), names, places, tmp_path / "none.png", "here")


def test_a_list_of_labels_says_what_numbers_are_and_named_labels_do_where_nothing_else_does(tmp_path):
    own = Labels(["Sad", "Happy"])
    listed = numbering({0, 1}, Wanted(own, listed=True), [], "affectnet", tmp_path / "x", "here")
    assert listed.words == {0: "Sad", 1: "Happy"}
    named = numbering({0, 1}, Wanted(own, named=True), [], "", tmp_path / "x", "here")
    assert (named.words, named.source) == ({0: "Sad", 1: "Happy"}, "--labels")
