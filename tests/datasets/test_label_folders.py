"""A folder for each label is found wherever it is, whatever it is called, and a user's own split is kept."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sets import by_file, counted, labels_of, writer

from expression.datasets.dataset import read
from expression.errors import BadInputError
from expression.labels import FER2013, Labels


@pytest.fixture
def put(tmp_path):
    return writer(tmp_path)


LAYOUTS = {
    "as unpacked, in a folder archive": "archive/{split}/{label}/{n}.png",
    "in folders of the same name": "{split}/{split}/{label}/{n}.png",
    "as face-expression-recognition-dataset": "images/images/{split}/{label}/{n}.png",
    "in the folder of a project": "project/data/raw/fer/{split}/{label}/{n}.png",
    "with a folder images in between": "dataset/{split}/images/{label}/{n}.png",
    "split below the labels": "{label}/{split}/{n}.png",
    "split and label in one name": "{split}_{label}/{n}.png",
    "persons below the labels": "{split}/{label}/S00{n}/1.png",
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_set_is_found_in_any_folders(tmp_path, put, layout):
    for split in ("train", "val", "test"):
        for label in ("angry", "happy", "sad"):
            for n in range(2):
                put(layout.format(split=split, label=label, n=n))
    dataset = read(tmp_path)
    assert dataset.sizes == {"training": 6, "validation": 6, "test": 6}
    assert dataset.has_splits
    assert Counter(labels_of(dataset.test)) == {"Angry": 2, "Happy": 2, "Sad": 2}
    assert all("matched" in line for line in dataset.remarks())


SPLITS = [
    ("Training", "PublicTest", "PrivateTest"),
    ("TRAIN", "VALID", "TEST"),
    ("train_set", "val_set", "test_set"),
    ("training", "dev", "testing"),
    ("FER2013Train", "FER2013Valid", "FER2013Test"),
    ("Train Images", "Validation Images", "Test Images"),
]


@pytest.mark.parametrize("names", SPLITS, ids=lambda names: names[0])
def test_splits_are_known_by_any_usual_name(tmp_path, put, names):
    for name in names:
        for label in ("anger", "joy"):
            put(f"{name}/{label}/1.png")
    assert read(tmp_path).sizes == {"training": 2, "validation": 2, "test": 2}


def test_a_users_own_split_is_kept_where_file_names_say_something_else(tmp_path, put):
    """Somebody divided FER2013's files again; their folders count, and nothing is divided again."""
    for split in ("train", "val", "test"):
        for label in ("happy", "sad"):
            for name in ("Training_1", "PublicTest_2", "PrivateTest_3"):
                put(f"{split}/{label}/{name}{split}.png")
    dataset = read(tmp_path)
    assert dataset.sizes == {"training": 6, "validation": 6, "test": 6}
    assert dataset.divided(3) is dataset
    assert all(file.startswith("test/") for file in dataset.test.files)


def test_a_users_own_split_into_train_and_test_is_kept_too(tmp_path, put):
    for split in ("train", "test"):
        for n in range(20):
            put(f"{split}/{'happy' if n % 2 else 'sad'}/{'Training' if n % 3 else 'PrivateTest'}_{n}.png")
    dataset = read(tmp_path)
    assert dataset.sizes["test"] == 20
    assert dataset.sizes["training"] + dataset.sizes["validation"] == 20


def test_a_set_with_a_test_split_alone_is_not_learned_from(tmp_path, put):
    put("test/happy/1.png")
    put("test/sad/1.png")
    dataset = read(tmp_path)
    assert dataset.divided() is dataset
    assert dataset.sizes == {"training": 0, "validation": 0, "test": 2}


def test_raf_db_in_one_folder_is_split_by_its_file_names(tmp_path, put):
    for n in range(3):
        put(f"happy/train_0000{n}_aligned.png")
        put(f"sad/test_000{n}_aligned.png")
    dataset = read(tmp_path)
    assert dataset.sizes["test"] == 3
    assert set(labels_of(dataset.test)) == {"Sad"}


def test_pictures_called_test_alone_do_not_make_a_split(tmp_path, put):
    for n in range(3):
        put(f"happy/test_{n}.png")
        put(f"sad/test_{n}.png")
    dataset = read(tmp_path)
    assert (dataset.has_splits, dataset.sizes["test"]) == (False, 6)


def test_the_match_of_folder_names_is_reported_in_one_line(tmp_path, put):
    for name in ("anger", "suprise", "Happy", "3_fearful", "Neutrall"):
        put(f"{name}/1.png")
    dataset = read(tmp_path)
    assert dataset.remarks() == [
        "Folder names matched: 3_fearful → Fear, Neutrall → Neutral, anger → Angry, suprise → Surprise."
    ]
    assert by_file(dataset)["Neutrall/1.png"] == "Neutral"


def test_contempt_is_left_out_and_counted_or_learned_on_request(tmp_path, put):
    for split in ("train", "test"):
        for label in ("happy", "contempt", "sad"):
            put(f"{split}/{label}/1.png")
    dataset = read(tmp_path)
    assert dataset.unused == ("Contempt",)
    assert counted(dataset) == 6
    assert dataset.remarks() == [
        "Skipped 2 of 6 pictures: 2 of contempt, which is not one of the labels "
        "(test/contempt/1.png, train/contempt/1.png)."
    ]
    eight = Labels([*FER2013, "Contempt"])
    assert set(by_file(read(tmp_path, eight)).values()) == {"Happy", "Contempt", "Sad"}


def test_only_the_labels_that_a_user_names_are_read(tmp_path, put):
    for label in ("happy", "sad", "fear", "ahegao"):
        put(f"{label}/1.png")
    dataset = read(tmp_path, Labels(["Sad", "Happy"]))
    assert by_file(dataset) == {"happy/1.png": "Happy", "sad/1.png": "Sad"}
    assert counted(dataset) == 4
    assert dataset.skipped.reasons["of ahegao, which is not one of the labels"] == 1


def test_a_folder_beside_labels_that_is_not_known_is_refused_with_a_remedy_that_works(tmp_path, put):
    for label in ("happy", "sad", "ahegao"):
        put(f"set/{label}/1.png")
    with pytest.raises(
        BadInputError, match=r"ahegao would mean the label 'ahegao', which is not known\..*--labels"
    ):
        read(tmp_path)
    named = Labels(["Happy", "Sad", "Ahegao"])
    assert set(by_file(read(tmp_path, named)).values()) == {"Happy", "Sad", "Ahegao"}


def test_folders_in_another_language_are_all_named_at_once_with_a_remedy_that_works(tmp_path, put):
    names = ["joie", "tristesse", "surprise"]
    for name in names:
        put(f"set/{name}/1.png")
    with pytest.raises(
        BadInputError,
        match=r"would mean the label 'joie', which is not known; the same applies to tristesse\..*--labels",
    ):
        read(tmp_path)
    assert set(by_file(read(tmp_path, Labels(names))).values()) == set(names)


def test_folders_of_which_none_is_a_label_are_refused_with_their_names(tmp_path, put):
    for name in ("glasses", "wink"):
        put(f"{name}/1.png")
    with pytest.raises(
        BadInputError, match=r"not known labels: glasses, wink\..*list the labels: --labels glasses,wink"
    ):
        read(tmp_path)
    own = Labels(["glasses", "wink"])
    assert by_file(read(tmp_path, own)) == {"glasses/1.png": "glasses", "wink/1.png": "wink"}


def test_a_label_in_the_folder_of_another_is_refused(tmp_path, put):
    put("happy/1.png")
    put("happy/sad/1.png")
    with pytest.raises(BadInputError, match=r"happy.sad is in the folders of several labels: Happy and Sad"):
        read(tmp_path)


def test_a_folder_of_a_label_in_one_of_the_same_is_no_contradiction(tmp_path, put):
    put("Happy/happiness/1.png")
    put("sad/1.png")
    assert by_file(read(tmp_path)) == {"Happy/happiness/1.png": "Happy", "sad/1.png": "Sad"}


def test_people_in_folders_of_their_own_stay_together(tmp_path, put):
    """As Oulu-CASIA has them: NI/Strong/P001/Anger/000.jpeg."""
    for person in range(20):
        for label in ("Anger", "Happiness"):
            put(f"NI/Strong/P{person:03}/{label}/000.png")
    divided = read(tmp_path).divided(seed=1)
    people = [set(split.groups) for split in (divided.training, divided.validation, divided.test)]
    assert sum(map(len, people)) == len(set.union(*people)) == 20


def test_files_outside_the_folders_of_labels_are_counted(tmp_path, put):
    put("set/happy/1.png")
    put("set/sad/1.png")
    put("set/sample.png")
    (tmp_path / "README.txt").write_text("about it")
    dataset = read(tmp_path)
    assert dataset.remarks() == [
        "Skipped 2 of 4 pictures: 2 outside the label folders (README.txt, set/sample.png)."
    ]


def test_pictures_in_none_of_the_splits_are_counted(tmp_path, put):
    for name in ("train/happy/1", "test/happy/1", "train/sad/1", "test/sad/1", "more/sad/2"):
        put(f"{name}.png")
    dataset = read(tmp_path)
    assert dataset.skipped.reasons == {"outside the folders for test, training": 1}
    assert counted(dataset) == 5


HOUSEKEEPING = [".ipynb_checkpoints", "@eaDir", "__MACOSX"]


@pytest.mark.parametrize("place", HOUSEKEEPING)
def test_hidden_and_housekeeping_folders_are_ignored_and_reported_once(tmp_path, put, place):
    for label in ("happy", "sad"):
        put(f"train/{label}/1.png")
        put(f"test/{label}/1.png")
        put(f"train/{label}/{place}/1.png")
    put(f"{place}/train/misc/1.png")
    (tmp_path / "train" / "happy" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "train" / "happy" / "._1.png").write_bytes(b"x")
    dataset = read(tmp_path)
    assert sum(dataset.sizes.values()) == 4
    (line,) = dataset.remarks()
    assert line.startswith("Ignored hidden and system files and folders: 5 (")
    assert place in line
    assert not len(dataset.skipped)


def test_broken_empty_and_other_files_are_left_out_and_named(tmp_path, put):
    for n in range(20):
        put(f"{'happy' if n % 2 else 'sad'}/{n}.png")
    (tmp_path / "happy" / "empty.jpg").write_bytes(b"")
    (tmp_path / "sad" / "cut.png").write_bytes((tmp_path / "sad" / "0.png").read_bytes()[:40])
    (tmp_path / "sad" / "notes.txt").write_text("not a picture")
    dataset = read(tmp_path)
    assert counted(dataset) == 23
    assert dataset.sizes["test"] == 20
    named = [name for names in dataset.skipped.names.values() for name in names]
    assert sorted(named) == ["happy/empty.jpg", "sad/cut.png", "sad/notes.txt"]


def test_a_set_that_is_mostly_broken_is_refused_with_the_most_common_reason(tmp_path, put):
    put("happy/1.png")
    for n in range(3):
        (tmp_path / "happy" / f"broken{n}.png").write_bytes(b"")
    with pytest.raises(BadInputError, match=r"3 of the 4 pictures .* cannot be used: 3 empty \("):
        read(tmp_path)


def test_a_set_without_some_labels_learns_those_that_are_there(tmp_path, put):
    for split in ("train", "test"):
        for label in ("happy", "sad", "neutral"):
            for n in range(4):
                put(f"{split}/{label}/{n}.png")
    put("test/fear/1.png")
    narrowed = read(tmp_path).divided().narrowed()
    assert list(narrowed.labels) == ["Happy", "Sad", "Neutral"]
    assert set(labels_of(narrowed.test, narrowed.labels)) == {"Happy", "Sad", "Neutral"}
    assert narrowed.remarks() == [
        "Trains on Happy, Sad, Neutral; there are no training pictures of Angry, Disgust, Fear, Surprise.",
        "Skipped 1 of 25 pictures: 1 of Fear, which has no training pictures (in test).",
    ]


def test_a_set_of_one_label_cannot_be_learned(tmp_path, put):
    for n in range(20):
        put(f"happy/{n}.png")
    with pytest.raises(BadInputError, match=r"training pictures of Happy only\..*two or more labels"):
        read(tmp_path).divided().narrowed()


NUMBERS = {
    "RAF-DB": (
        range(1, 8),
        "DATASET/{split}/{n}/{split}_0000{n}_aligned.png",
        {"1": "Surprise", "7": "Neutral"},
    ),
    "AffectNet": (range(8), "Data/AffectNet/{split}/{n}/{n}{split}.png", {"0": "Neutral", "6": "Angry"}),
    "FER2013": (range(7), "{split}/{n}/Training_{n}{split}.png", {"0": "Angry", "6": "Neutral"}),
}


@pytest.mark.parametrize(("numbers", "layout", "some"), NUMBERS.values(), ids=NUMBERS)
def test_folders_called_by_the_numbers_of_a_known_set_are_read(tmp_path, put, numbers, layout, some):
    for split in ("train", "test"):
        for n in numbers:
            put(layout.format(split=split, n=n), shape=(50, 50))
    dataset = read(tmp_path)
    assert counted(dataset) == 2 * len(numbers)
    found = {file.split("/")[-2]: label for file, label in by_file(dataset).items()}
    assert some.items() <= found.items()
    assert dataset.notes[0].startswith("Numeric labels follow the order of ")
    assert "→" in dataset.notes[1]


def test_numbers_that_may_mean_several_things_are_refused_until_somebody_says(tmp_path, put):
    for n in range(7):
        put(f"train/{n}/{n}.png", shape=(100, 100))
    with pytest.raises(
        BadInputError, match=r"has the labels 0, 1, .*, 6, but datasets number them differently"
    ):
        read(tmp_path)
    order = Labels(["Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Angry"])
    assert by_file(read(tmp_path, order))["train/1/1.png"] == "Happy"
    order.write(tmp_path / "labelList.csv")
    dataset = read(tmp_path)
    assert by_file(dataset)["train/6/6.png"] == "Angry"
    assert "Numeric labels follow the order of labelList.csv." in dataset.notes


def test_an_albums_months_are_not_taken_for_labels(tmp_path, put):
    for month in range(1, 8):
        put(f"2024/{month:02}/1.png")
    with pytest.raises(BadInputError, match="not known labels: 01, 02"):
        read(tmp_path)


def test_a_list_of_labels_in_a_folder_further_down_counts(tmp_path, put):
    put("archive/wink/1.png")
    put("archive/happy/1.png")
    Labels(["Happy", "Wink"]).write(tmp_path / "archive" / "labelList.csv")
    assert by_file(read(tmp_path)) == {"archive/happy/1.png": "Happy", "archive/wink/1.png": "Wink"}


def test_labels_that_a_network_knows_count_beside_the_usual_seven(tmp_path, put):
    put("contempt/1.png")
    put("happy/1.png")
    dataset = read(tmp_path, also=["Contempt", "happy"])
    assert list(dataset.labels) == [*FER2013, "Contempt"]
    assert set(by_file(dataset).values()) == {"Happy", "Contempt"}


def test_links_are_followed_and_loops_end(tmp_path, put):
    for label in ("happy", "sad"):
        put(f"elsewhere/{label}/1.png")
    data = tmp_path / "data"
    data.mkdir()
    (data / "train").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "happy" / "again").symlink_to(data)
    dataset = read(data)
    assert counted(dataset) == 2


def test_a_folder_that_holds_only_an_archive_says_to_unpack_it(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("train/happy/1.png", b"x")
    with pytest.raises(
        BadInputError, match=r"but contains faces\.zip, a zip archive\..*Unpack it in that folder"
    ):
        read(tmp_path)


def test_a_table_of_pixels_is_found_in_folders_below(tmp_path, put):
    pixels = " ".join(["7"] * 2304)
    place = tmp_path / "archive" / "fer2013"
    place.mkdir(parents=True)
    rows = [f"{n % 7},{pixels},{use}" for n, use in enumerate(["Training", "PublicTest", "PrivateTest"])]
    (place / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    assert read(tmp_path).sizes == {"training": 1, "validation": 1, "test": 1}
    (tmp_path / "archive" / "more").mkdir()
    (tmp_path / "archive" / "more" / "ck.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    with pytest.raises(BadInputError, match=r"has several tables of pictures: .*fer2013\.csv.*ck\.csv"):
        read(tmp_path)


def test_reading_changes_nothing(tmp_path, put):
    for label in ("happy", "sad"):
        put(f"{label}/1.png")
    (tmp_path / "happy" / "broken.png").write_bytes(b"")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    read(tmp_path).divided()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_the_pictures_of_a_split_keep_their_files(tmp_path, put):
    picture = put("train/happy/a.png")
    put("test/sad/b.png")
    dataset = read(tmp_path)
    np.testing.assert_array_equal(
        dataset.training.pictures[dataset.training.files == "train/happy/a.png"], [picture]
    )


def test_the_folder_of_one_label_alone_says_what_to_name(tmp_path, put):
    put("happy/1.png")
    with pytest.raises(BadInputError, match=r"but no labels for them.*Choose its parent folder"):
        read(tmp_path / "happy")


def test_a_set_of_one_label_and_contempt_can_be_learned_with_it(tmp_path, put):
    for n in range(20):
        put(f"{'happy' if n % 2 else 'contempt'}/{n}.png")
    with pytest.raises(BadInputError, match=r"Include Contempt as well: --labels Happy,Contempt"):
        read(tmp_path).divided().narrowed()
    both = read(tmp_path, Labels(["Happy", "Contempt"])).divided().narrowed()
    assert list(both.labels) == ["Happy", "Contempt"]


@pytest.mark.parametrize("name", ["natural images", "Joy", "neutral"])
def test_a_folder_around_those_of_several_labels_is_not_one_of_a_label(tmp_path, put, name):
    for label in ("happy", "sad", "fear"):
        put(f"{name}/{label}/1.png")
    put(f"{name}/cover.png")
    dataset = read(tmp_path)
    assert sorted(by_file(dataset).values()) == ["Fear", "Happy", "Sad"]
    assert dataset.skipped.names == {"outside the label folders": [f"{name}/cover.png"]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.txt", "happy\nsad\nneutral\n"),
        ("labels.txt", "0 happy\n1 sad\n2 neutral\n"),
        ("class_indices.json", '{"sad": 1, "happy": 0, "neutral": 2}'),
        ("idx_to_class.json", '{"0": "happy", "1": "sad", "2": "neutral"}'),
    ],
)
def test_a_list_of_classes_beside_numbered_folders_says_what_the_numbers_mean(tmp_path, put, name, text):
    for number in range(3):
        put(f"{number}/1.png")
    (tmp_path / name).write_text(text)
    dataset = read(tmp_path)
    assert by_file(dataset) == {"0/1.png": "Happy", "1/1.png": "Sad", "2/1.png": "Neutral"}
    assert any(f"the order of {name}" in note for note in dataset.notes)
    assert not dataset.skipped
