"""Tables that list picture files are read in any form, and only pictures of the folder are ever opened."""

from __future__ import annotations

import pytest
from sets import by_file, counted, labels_of, writer

from expression.datasets.dataset import read
from expression.errors import BadInputError
from expression.labels import FER2013, Labels


@pytest.fixture
def put(tmp_path):
    return writer(tmp_path)


WORDS = ["happy", "sad", "fear", "angry"]


def lay(
    put,
    tmp_path,
    text: str,
    name: str = "labels.csv",
    encoding: str = "utf-8",
    layout: str = "images/{n}.png",
):
    """Four pictures, and a table."""
    for n in range(4):
        put(layout.format(n=n))
    (tmp_path / name).write_text(text, encoding=encoding)


EXPECTED = {"images/0.png": "Happy", "images/1.png": "Sad", "images/2.png": "Fear", "images/3.png": "Angry"}


def rows(form: str) -> str:
    return "".join(form.format(n=n, word=word, WORD=word.upper()) + "\n" for n, word in enumerate(WORDS))


FORMS = {
    "image,label": "image,label\n" + rows("{n}.png,{word}"),
    "path|emotion": "path|emotion\n" + rows("images/{n}.png|{word}"),
    "label;file": "label;file\n" + rows("{word};images/{n}.png"),
    "tabs": "filename\texpression\n" + rows("{n}.png\t{word}"),
    "no header": rows("{n}.png,{word}"),
    "no header, label first": rows("{word},{n}.png"),
    "blanks": rows("{n}.png {word}"),
    "as legend.csv": "user.id,image,emotion\n" + rows("628,{n}.png,{WORD}"),
    "as labels.csv of AffectNet": ",pth,label,relFCs\n" + rows("{n},images/{n}.png,{word},0.87"),
    "paths of another machine": "path,label\n" + rows("C:\\Users\\ann\\faces\\images\\{n}.png,{word}"),
    "paths of Colab": "path,label\n" + rows("/content/drive/MyDrive/faces/images/{n}.png,{word}"),
    "without ending": "image_id,class\n" + rows("{n},{word}"),
    "names of other case": "image,label\n" + rows("IMAGES/{n}.PNG,{word}"),
    "one column for each label": "filename,angry,happy,sad,fear\n"
    "0.png,0,1,0,0\n1.png,0,0,1,0\n2.png,0,0,0,1\n3.png,1,0,0,0\n",
    "further columns": "id,age,image,label,source\n" + rows("9,31,{n}.png,{word},web"),
    "a header in another language": "Bild,Ausdruck\n" + rows("{n}.png,{word}"),
    "pictures that were converted since": "image,label\n" + rows("images/{n}.jpg,{word}"),
    "quoted": '"image","label"\n' + rows('"{n}.png","{word}"'),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_a_table_that_lists_pictures_is_read_in_any_form(tmp_path, put, text):
    lay(put, tmp_path, text)
    for place in (tmp_path, tmp_path / "labels.csv"):
        dataset = read(place)
        assert by_file(dataset) == EXPECTED
        assert counted(dataset) == 4
        assert dataset.notes[0] == "Labels are taken from labels.csv."


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_any_encoding_of_a_list_is_read(tmp_path, put, encoding):
    text = "image,label,who\n" + rows("caf\u00e9{n}.png,{word},Andr\u00e9")
    lay(put, tmp_path, text, encoding=encoding, layout="caf\u00e9{n}.png")
    assert set(by_file(read(tmp_path)).values()) == {"Happy", "Sad", "Fear", "Angry"}


def test_the_splits_of_a_list_are_those_of_its_column_its_name_or_the_folders(tmp_path, put):
    for n in range(3):
        put(f"pictures/{n}.png")
    (tmp_path / "all.csv").write_text(
        "image,label,split\n0.png,happy,train\n1.png,sad,val\n2.png,fear,test\n"
    )
    assert read(tmp_path).sizes == {"training": 1, "validation": 1, "test": 1}
    (tmp_path / "all.csv").unlink()
    for n, name in enumerate(("train", "val", "test")):
        (tmp_path / f"{name}.csv").write_text(f"image,label\n{n}.png,happy\n")
    dataset = read(tmp_path)
    assert [list(getattr(dataset, name).files) for name in ("training", "validation", "test")] == [
        ["pictures/0.png"],
        ["pictures/1.png"],
        ["pictures/2.png"],
    ]


def test_raf_dbs_list_names_the_pictures_that_were_cut_out(tmp_path, put):
    lines = []
    for n in range(1, 8):
        put(f"basic/Image/aligned/train_0000{n}_aligned.png")
        put(f"basic/Image/original/train_0000{n}.png")
        put(f"basic/Image/aligned/test_000{n}_aligned.png")
        lines += [f"train_0000{n}.jpg {n}", f"test_000{n}.jpg {8 - n}"]
    place = tmp_path / "basic" / "EmoLabel"
    place.mkdir()
    (place / "list_patition_label.txt").write_text("\n".join(lines))
    dataset = read(tmp_path)
    words = ["Surprise", "Fear", "Disgust", "Happy", "Sad", "Angry", "Neutral"]
    assert labels_of(dataset.test) == words[::-1]
    assert all("_aligned" in file for file in by_file(dataset))
    assert dataset.skipped.reasons == {"not listed in any table": 7}
    assert "7 → Neutral" in dataset.notes[-1]


def test_affectnets_table_is_read_with_the_box_of_each_face(tmp_path, put):
    box = "face_x,face_y,face_width,face_height"
    head = f"subDirectory_filePath,{box},facial_landmarks,expression,valence,arousal"
    landmarks = ";".join("12.5" for _ in range(136))
    numbers = (0, 1, 6, 9)
    for n in range(4):
        put(f"Manually_Annotated_Images/{n}/picture{n}.png", shape=(100, 100))
    whole = [
        f"{n}/picture{n}.png,20,30,48,48,{landmarks},{number},0.1,0.2" for n, number in enumerate(numbers)
    ]
    (tmp_path / "training.csv").write_text("\n".join([head, *whole]))
    sizes = []

    def cut(image):
        sizes.append(image.shape[:2])
        return image[:48, :48, 0]

    dataset = read(tmp_path, crop=cut)
    assert sorted(by_file(dataset).values()) == ["Angry", "Happy", "Neutral"]
    assert set(sizes) == {(48, 48)}
    assert dataset.skipped.reasons == {"of uncertain, which is not one of the labels": 1}


def test_ferplus_with_its_pictures_is_read_by_majority(tmp_path, put):
    """As its own script leaves it, and as the votes beside the pictures."""
    votes = ["0,9,0,0,1,0,0,0,0,0", "0,0,0,8,0,0,0,0,2,0", "2,2,2,2,2,0,0,0,0,0", "0,0,0,0,0,0,0,9,0,1"]
    for n in range(4):
        put(f"images/FER2013Train/fer000000{n}.png")
    text = "".join(f'fer000000{n}.png,"(0, 0, 48, 48)",{said}\n' for n, said in enumerate(votes))
    (tmp_path / "images" / "FER2013Train" / "label.csv").write_text(text)
    dataset = read(tmp_path)
    expected = {"images/FER2013Train/fer0000000.png": "Happy", "images/FER2013Train/fer0000001.png": "Sad"}
    assert by_file(dataset) == expected
    assert dataset.skipped.reasons == {
        "without a clear label": 1,
        "of contempt, which is not one of the labels": 1,
    }
    (tmp_path / "images" / "FER2013Train" / "label.csv").unlink()
    head = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    text = head + "".join(f"Training,fer000000{n}.png,{said}\n" for n, said in enumerate(votes))
    (tmp_path / "fer2013new.csv").write_text(text + "Training,,0,0,0,0,0,0,0,0,0,10\n")
    assert by_file(read(tmp_path)) == expected


def test_words_win_over_folders_only_where_folders_say_nothing(tmp_path, put):
    """AffectNet for Kaggle has folders and a table that says something else."""
    put("anger/0.png")
    put("happy/1.png")
    (tmp_path / "labels.csv").write_text("pth,label\nanger/0.png,surprise\nhappy/1.png,sad\n")
    assert by_file(read(tmp_path)) == {"anger/0.png": "Angry", "happy/1.png": "Happy"}


def test_pictures_that_are_listed_and_not_there_are_counted_and_named_by_their_line(tmp_path, put):
    lay(put, tmp_path, "image,label\n" + rows("{n}.png,{word}") + "9.png,happy\n")
    dataset = read(tmp_path)
    assert dataset.skipped.names == {"whose picture was not found": ["line 6 of labels.csv"]}
    assert counted(dataset) == 5


def test_a_list_whose_labels_are_in_another_language_is_named_with_a_remedy_that_works(tmp_path, put):
    lay(put, tmp_path, "Bild,Ausdruck\n" + "".join(f"{n}.png,froh{n}\n" for n in range(4)))
    said = (
        r"not known labels: images, and labels\.csv does not list them with known labels.*use English words"
    )
    with pytest.raises(BadInputError, match=said):
        read(tmp_path)
    (tmp_path / "labels.csv").write_text("Bild,Ausdruck\n" + rows("{n}.png,{word}"))
    assert by_file(read(tmp_path)) == EXPECTED


@pytest.mark.parametrize("name", ["labelList.csv", "LabelList.csv"])
def test_a_list_of_labels_is_neither_a_picture_nor_a_list_of_pictures(tmp_path, put, name):
    (tmp_path / name).write_text("0,Happy\n1,Sad\n2,Fear\n3,Angry\n")
    lay(put, tmp_path, "image,label\n" + rows("{n}.png,{word}"))
    assert counted(read(tmp_path)) == 4
    (tmp_path / "labels.csv").unlink()
    with pytest.raises(BadInputError, match="has pictures, but no labels for them") as caught:
        read(tmp_path)
    assert name not in str(caught.value)


def test_a_list_whose_pictures_are_elsewhere_is_refused(tmp_path, put):
    put("other.png")
    (tmp_path / "labels.csv").write_text("image,label\n" + rows("face{n}.png,{word}"))
    with pytest.raises(BadInputError, match=r"4 of the 4 rows in .*: 4 whose picture was not found"):
        read(tmp_path)


def test_pictures_that_are_listed_under_two_labels_are_counted(tmp_path, put):
    lay(put, tmp_path, "image,label\n" + rows("{n}.png,{word}") + "0.png,sad\n1.png,sad\n")
    dataset = read(tmp_path)
    assert by_file(dataset) == EXPECTED
    assert dataset.skipped.reasons == {"listed again with a different label": 1}


def test_a_name_that_is_there_twice_is_found_by_its_folders(tmp_path, put):
    for n in range(2):
        put(f"a/{n}.png")
        put(f"b/{n}.png")
    (tmp_path / "labels.csv").write_text(
        "image,label\na/0.png,happy\nb/0.png,sad\na/1.png,fear\nb/1.png,angry\n"
    )
    assert by_file(read(tmp_path)) == {
        "a/0.png": "Happy",
        "b/0.png": "Sad",
        "a/1.png": "Fear",
        "b/1.png": "Angry",
    }
    (tmp_path / "labels.csv").write_text("image,label\na/0.png,happy\n0.png,sad\na/1.png,fear\n")
    assert read(tmp_path).skipped.reasons["whose picture was not found"] == 1


def test_a_list_never_leads_out_of_its_folder(tmp_path):
    put = writer(tmp_path)
    put("secret/0.png")
    put("set/1.png")
    put("set/2.png")
    text = f"image,label\n../secret/0.png,happy\n{tmp_path}/secret/0.png,sad\n1.png,fear\n2.png,sad\n"
    (tmp_path / "set" / "labels.csv").write_text(text)
    dataset = read(tmp_path / "set")
    assert set(by_file(dataset)) == {"1.png", "2.png"}
    assert dataset.skipped.reasons == {"whose picture was not found": 2}


def test_numbers_of_a_list_that_may_mean_several_things_are_refused_until_somebody_says(tmp_path, put):
    for n in range(3):
        put(f"{n}.png", shape=(90, 90))
    (tmp_path / "labels.csv").write_text("image,label\n0.png,0\n1.png,1.0\n2.png,3\n")
    with pytest.raises(BadInputError, match=r"labels\.csv has the labels 0, 1, 3, but datasets number"):
        read(tmp_path)
    FER2013.write(tmp_path / "labelList.csv")
    assert list(by_file(read(tmp_path)).values()) == ["Angry", "Disgust", "Happy"]
    (tmp_path / "labelList.csv").unlink()
    order = Labels(["Neutral", "Happy", "Sad", "Surprise"])
    assert list(by_file(read(tmp_path, order)).values()) == ["Neutral", "Happy", "Surprise"]


def test_landmarks_of_each_picture_are_not_taken_for_lists(tmp_path, put):
    for n in range(30):
        put(f"happy_{n}.png" if n % 2 else f"sad_{n}.png")
        (tmp_path / f"{n}.txt").write_text("1.5 2.5\n3 4\n")
    with pytest.raises(BadInputError, match="no"):
        read(tmp_path)


def test_a_word_of_a_list_that_is_not_known_is_left_out_and_named(tmp_path, put):
    lay(put, tmp_path, "image,label\n" + rows("{n}.png,{word}").replace("fear", "ahegao"))
    dataset = read(tmp_path)
    assert dataset.skipped.names == {"with an unknown label": ["images/2.png: 'ahegao'"]}
    assert counted(dataset) == 4


@pytest.mark.parametrize(
    "box", ["nan,1,1,1", "inf,0,9,9", "0,0,1e300,1e300", "-50,-50,20,20", "x,,,", "0,0,0,0"]
)
def test_a_box_that_cannot_be_is_not_cut_out(tmp_path, put, box):
    lay(put, tmp_path, "image,label,face_x,face_y,face_width,face_height\n" + rows("{n}.png,{word}," + box))
    assert by_file(read(tmp_path)) == EXPECTED


def test_expw_is_read_by_its_list_and_not_by_what_was_searched_for(tmp_path, put):
    """File, number of the face, top, left, right, bottom, confidence, label; several faces in a photo."""
    for n in range(3):
        put(f"image/origin/angry_actor_{n}.png", shape=(100, 120))
    lines = ["0 0 10 20 70 60 60.9 3", "0 1 10 62 110 58 55.1 4", "1 0 0 0 48 48 9.5 6", "2 0 1 1 9 9 2 0"]
    (tmp_path / "label.lst").write_text("".join(f"angry_actor_{line[0]}.png {line[2:]}\n" for line in lines))
    sizes = []

    def cut(image):
        sizes.append(image.shape[:2])
        return image[:48, :48, 0] if min(image.shape[:2]) >= 48 else image[:1, :1, 0]

    dataset = read(tmp_path, crop=cut)
    assert labels_of(dataset.test) == ["Happy", "Sad", "Neutral", "Angry"]
    assert sizes == [(50, 50), (48, 48), (48, 48), (8, 8)]


def test_a_number_or_word_that_does_not_belong_is_left_out_and_the_others_are_read(tmp_path, put):
    for n in range(8):
        put(f"train_0000{n}_aligned.png")
    lines = [f"train_0000{n}_aligned.png {n}" for n in range(1, 8)]
    (tmp_path / "list.txt").write_text("\n".join([*lines[:5], "train_00006_aligned.png 77", lines[6]]))
    dataset = read(tmp_path)
    assert dataset.skipped.names["with an unknown label"] == ["train_00006_aligned.png: '77'"]
    assert "Numeric labels follow the order of RAF-DB." in dataset.notes
    assert counted(dataset) == 8


def test_numbers_of_labels_are_not_taken_for_names_of_pictures(tmp_path, put):
    """A list without a header, whose pictures are called by numbers, too."""
    for number in range(6):
        put(f"imgs/{number}.png")
    for split, numbers in (("train", range(4)), ("test", range(4, 6))):
        (tmp_path / f"{split}.txt").write_text("".join(f"imgs/{n}.png,{n % 3}\n" for n in numbers))
    dataset = read(tmp_path)
    assert by_file(dataset)["imgs/4.png"] == "Disgust"
    assert len(dataset.test) == 2


@pytest.mark.parametrize("name", ["train/_annotations.coco.json", "train/1.xml", "train/metadata.jsonl"])
def test_labels_in_a_form_that_is_not_read_are_called_by_their_file(tmp_path, put, name):
    put("train/1.png")
    (tmp_path / name).write_text("{}")
    with pytest.raises(BadInputError) as caught:
        read(tmp_path)
    assert f"has no labels except in {name.split('/')[1]}, a format that cannot be read" in str(caught.value)
    assert "Rename the folders" not in str(caught.value)
