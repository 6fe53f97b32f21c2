"""The commands of a reader's own set: what they print, ask and delete."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest

from expression.cli import app
from expression.labelbook.book import LabelBook
from expression.pictures.image import read_picture, write_picture


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 48), np.uint8)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The current folder, with three pictures of two sessions."""
    monkeypatch.chdir(tmp_path)
    with LabelBook() as book:
        for seed, (label, session) in enumerate(
            (("Happy", "monday"), ("Happy", "tuesday"), ("Sad", "monday"))
        ):
            book.add(picture(seed), label, session)
    return tmp_path


def run(capsys, monkeypatch, *words: str, answers: str = "") -> tuple[int, str, str]:
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    code = app.main(["dataset", *words])
    return code, *capsys.readouterr()


def everything(folder: Path) -> dict[Path, bytes | None]:
    """What is below a folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_a_good_set_is_well(capsys, monkeypatch, mine):
    assert run(capsys, monkeypatch, "check") == (0, "3 pictures, no problems found.\n", "")


def test_what_is_wrong_is_told_with_the_remedy(capsys, monkeypatch, mine):
    (mine / "Images" / "face2.png").unlink()
    write_picture(mine / "Images" / "IMG_7.jpg", picture(9))
    code, out, err = run(capsys, monkeypatch, "check")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "1 row has no picture: face2.png. Images, data and nearby folders were searched. "
        "Put missing pictures into Images if you have them.",
        "  Move from faceLabels.csv to Images/.trash? Run: expression dataset check --repair",
        "1 picture has no row: IMG_7.jpg. Not used. "
        "Add a row for each to faceLabels.csv, or delete the picture.",
    ]


@pytest.mark.parametrize(("answer", "code", "rows"), [("y\n", 0, 2), ("n\n", 1, 3), ("\n", 1, 3)])
def test_a_repair_asks(capsys, monkeypatch, mine, answer, code, rows):
    (mine / "Images" / "face2.png").unlink()
    found, out, _ = run(capsys, monkeypatch, "check", "--repair", answers=answer)
    assert found == code
    assert "Move from faceLabels.csv to Images/.trash? [y/N]:" in out
    with LabelBook() as book:
        assert len(book.rows) == rows
    kept = [path.read_text() for path in mine.glob("Images/.trash/*/faceLabels.csv")]
    assert kept == (["face2.png,Happy,tuesday\n"] if rows == 2 else [])
    assert ("The previous version is saved in Images/.trash/" in out.replace("\\", "/")) == (rows == 2)


def test_what_was_repaired_is_not_asked_again_and_the_rest_is(capsys, monkeypatch, mine):
    (mine / "Images" / "old").mkdir()
    (mine / "Images" / "face2.png").rename(mine / "Images" / "old" / "face2.png")
    (mine / "Images" / "face3.png").write_bytes(b"")
    code, out, _ = run(capsys, monkeypatch, "check", "--repair", answers="y\ny\n")
    assert code == 0
    assert out.count("? [y/N]") == 2
    assert out.index("Update faceLabels.csv to match?") < out.index("Move to Images/.trash?")
    assert out.splitlines()[-1] == "2 pictures, no problems found."
    assert (mine / "faceLabels.csv").read_text() == "face1.png,Happy,monday\nold/face2.png,Happy,tuesday\n"


@pytest.mark.parametrize(
    ("answers", "code", "label", "listed"),
    [
        pytest.param("y\n", 0, "Happy", False, id="it was meant"),
        pytest.param("n\ny\n", 0, "Hapy", True, id="it is a label of its own"),
        pytest.param("n\nn\n", 1, "Hapy", False, id="neither"),
    ],
)
def test_a_label_that_is_much_like_a_listed_one_is_corrected_or_else_listed(
    capsys, monkeypatch, mine, answers, code, label, listed
):
    table = mine / "faceLabels.csv"
    before = table.read_text().replace("face2.png,Happy", "face2.png,Hapy")
    table.write_text(before)
    found, out, _ = run(capsys, monkeypatch, "check", "--repair", answers=answers)
    assert found == code
    assert out.count("Did you mean Happy? [y/N]") == 1
    assert out.count("Add to labelList.csv? [y/N]") == len(answers) // 2 - 1
    with LabelBook() as book:
        assert [row.label for row in book.rows] == ["Happy", label, "Sad"]
        assert ("Hapy" in book.labels) is listed
    kept = [path.read_text() for path in mine.glob("Images/.trash/*/faceLabels.before.csv")]
    assert kept == [before] * (code == 0)


def test_pictures_are_counted_by_label_and_session(capsys, monkeypatch, mine):
    code, out, err = run(capsys, monkeypatch, "stats")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["pictures", "sessions"]
    assert ["Happy", "2", "2", "█" * 30] in lines
    assert ["Sad", "1", "1", "█" * 15] in lines
    assert ["Fear", "0", "0"] in lines
    assert lines[-1] == ["all", "3", "2"]


def test_the_counts_are_drawn_too(capsys, monkeypatch, mine):
    code, out, _ = run(capsys, monkeypatch, "stats", "--out", "stats.png")
    assert (code, out.splitlines()[-1]) == (0, "stats.png")
    assert read_picture("stats.png").shape[1] > 900
    code, _, err = run(capsys, monkeypatch, "stats", "--out", "stats.jpg")
    assert (code, err) == (2, "--out is stats.jpg. Expected a file name that ends in .png. Choose one.\n")
    code, _, err = run(capsys, monkeypatch, "stats", "--out", "nowhere/stats.png")
    assert code == 2
    assert "cannot be written" in err


@pytest.mark.parametrize(
    ("words", "answers", "left"), [((), "y\n", 0), ((), "\n", 3), ((), "n\n", 3), (("--yes",), "", 0)]
)
def test_a_wipe_asks_and_deletes_everything(capsys, monkeypatch, mine, words, answers, left):
    code, out, err = run(capsys, monkeypatch, "wipe", *words, answers=answers)
    assert (code, err) == (0, "")
    assert len(list(mine.rglob("*.png"))) == left
    assert out.splitlines()[-1].endswith("trained on the pictures." if left == 0 else "Nothing was deleted.")


def test_a_question_that_nobody_answers_deletes_nothing(capsys, monkeypatch, mine):
    code, _, err = run(capsys, monkeypatch, "wipe", answers="")
    assert (code, err) == (1, "No answer was given. Expected y or n. Run it in a terminal, or see --help.\n")
    assert len(list(mine.rglob("*.png"))) == 3


def test_without_a_picture_nothing_is_personalised(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faceLabels.csv").write_text("")
    assert app.main(["personalise"]) == 2
    assert "There are no labelled pictures in " in capsys.readouterr().err
    assert not (tmp_path / "mine.keras").exists()


@pytest.mark.parametrize("command", ["check", "stats", "wipe"])
def test_where_there_is_no_set_that_is_told_and_none_is_made(capsys, monkeypatch, tmp_path, command):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, monkeypatch, command)
    assert code == 2
    assert err.startswith("There is no faceLabels.csv in ")
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_is_damaged_is_told_in_a_line(capsys, monkeypatch, mine):
    (mine / "faceLabels.csv").write_text("face1.png\n")
    code, _, err = run(capsys, monkeypatch, "check")
    assert (code, err.count("\n")) == (2, 1)
    assert "has the row 'face1.png'. Expected image,label. Add a label after each picture." in err


def test_faces_are_imported_without_a_look_and_what_is_left_out_is_told(capsys, monkeypatch, mine):
    for name in ("happiness/a.png", "contempt/b.png"):
        path = mine / "set" / name
        path.parent.mkdir(parents=True)
        write_picture(path, picture(len(name)))
    code, out, err = run(capsys, monkeypatch, "import", "set", "--unseen", "--detector", "whole")
    assert (code, err) == (0, "")
    terms, *rest = out.splitlines()
    assert str(mine / "Images") in terms
    assert rest == [
        "1 saved.",
        "Left out 1 without a label: add --label LABEL, or leave out --unseen.",
        "Folder names matched: happiness → Happy.",
    ]
    with LabelBook() as book:
        assert [row.label for row in book.rows] == ["Happy", "Happy", "Sad", "Happy"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        pytest.param(["nix"], "There is no file or folder nix. Expected photos", id="nothing there"),
        pytest.param(
            ["Images", "--label", "Glad"], "There is no label 'Glad'. Expected one of Angry", id="label"
        ),
        pytest.param(["Images", "--detector", "x"], "x", id="detector"),
        pytest.param(["Images/face1.png"], "A window cannot be shown: ", id="no screen"),
    ],
)
def test_an_import_that_cannot_be_is_told_in_a_line(capsys, monkeypatch, mine, words, text):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    seen = [] if text.startswith("A window") else ["--unseen"]
    code, out, err = run(capsys, monkeypatch, "import", *words, *seen)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert text in err


def test_where_an_older_labeler_was_run_its_folder_is_named(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "faceLabels.csv").write_text("face0.png,Happy\n")
    code, _, err = run(capsys, monkeypatch, "stats")
    assert code == 2
    assert err.endswith("Change to it first: cd data. Pictures in this folder are found from there.\n")


def test_a_folder_of_pictures_that_is_no_set_is_never_wiped(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Images").mkdir()
    write_picture(tmp_path / "Images" / "holiday.jpg", picture(1))
    code, _, err = run(capsys, monkeypatch, "wipe", "--yes")
    assert code == 2
    assert err.startswith("There is no faceLabels.csv in ")
    assert (tmp_path / "Images" / "holiday.jpg").is_file()


def test_a_wipe_of_nothing_asks_nothing(capsys, monkeypatch, mine):
    code, out, _ = run(capsys, monkeypatch, "wipe", "--trash")
    assert code == 0
    assert out == f"There is nothing to delete in {Path('Images').resolve()}.\n"


def test_a_wipe_says_where_and_how_many_have_no_row(capsys, monkeypatch, mine):
    write_picture(mine / "Images" / "holiday.jpg", picture(1))
    _, out, _ = run(capsys, monkeypatch, "wipe", answers="n\n")
    told = "Delete 4 pictures (1 of them without a row) and 3 rows of faceLabels.csv in "
    assert f"{told}{mine / 'Images'} for good?" in out


def test_a_wipe_deletes_subfolders_trash_and_book_and_names_what_it_leaves(capsys, monkeypatch, mine):
    images = mine / "Images"
    with LabelBook() as book:
        book.delete(["face2.png"])
    for name in ("happy/1.jpg", "sad/deep/1.JPG", "no ending"):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        write_picture(mine / "x.png", picture(len(name)))
        (mine / "x.png").rename(images / name)
    (images / "happy" / "broken.png").write_text("no picture")
    (images / "happy" / "notes.txt").write_text("mine")
    (images / ".gitkeep").touch()
    code, out, err = run(capsys, monkeypatch, "wipe", "--yes")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "Deleted 6 pictures (4 of them without a row), 2 rows of faceLabels.csv "
        f"and 1 picture removed earlier in {images}.",
        "Left in Images because they are not pictures: happy/notes.txt.",
        "labelList.csv stays, and so do networks trained on the pictures.",
    ]
    left = {path.relative_to(images).as_posix() for path in images.rglob("*") if path.is_file()}
    assert left == {"happy/notes.txt", ".gitkeep", ".book/lock", ".book/highest"}
    assert not (images / "sad").exists()
    assert (mine / "faceLabels.csv").read_text() == ""
    with LabelBook() as book:
        assert book.add(picture(1), "Sad").image == "face4.png"


def test_the_trash_alone_can_be_emptied(capsys, monkeypatch, mine):
    with LabelBook() as book:
        book.delete(["face2.png"])
    code, out, _ = run(capsys, monkeypatch, "wipe", "--trash", "--yes")
    assert (code, out) == (0, f"Deleted 1 picture removed earlier in {mine / 'Images'}.\n")
    assert not (mine / "Images" / ".trash").exists()
    with LabelBook() as book:
        assert [row.image for row in book.rows] == ["face1.png", "face3.png"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("faceLabels.csv", b"\x00\x01\x02"),
        ("faceLabels.csv", b"face1.png\n"),
        ("labelList.csv", b'0,"Hap\rpy"\n1,Sad\n'),
        ("Images/.book/faceLabels.csv", b"PK\x03\x04"),
    ],
    ids=["no text", "one column", "a label that is refused", "a change that was cut off"],
)
def test_damaged_tables_do_not_keep_pictures_from_being_wiped(capsys, monkeypatch, mine, name, content):
    (mine / name).write_bytes(content)
    code, _, err = run(capsys, monkeypatch, "check")
    assert (code, err.count("\n")) == (2, 1)
    code, _, err = run(capsys, monkeypatch, "wipe", "--yes")
    assert (code, err) == (0, "")
    assert list(mine.rglob("*.png")) == []
    assert (mine / "faceLabels.csv").read_text() == ""


def test_a_picture_that_cannot_be_deleted_is_named_and_the_others_are_deleted(capsys, monkeypatch, mine):
    unlink = Path.unlink

    def refused(path, *words, **options):
        if path.name == "face2.png":
            raise PermissionError(13, "Permission denied")
        unlink(path, *words, **options)

    monkeypatch.setattr(Path, "unlink", refused)
    code, out, _ = run(capsys, monkeypatch, "wipe", "--yes")
    assert code == 1
    assert "Could not be deleted: face2.png (Permission denied)." in out.splitlines()
    assert [path.name for path in mine.rglob("*.png")] == ["face2.png"]


@pytest.mark.parametrize(
    "link",
    [
        *("Images/.book/gone", "Images/.book/new", "Images/.book/highest", "Images/.book/lock"),
        *("Images/.book/faceLabels.csv", "Images/.book", "Images/.trash", "Images/.trash/old"),
        *("Images/face2.png", "Images/happy", "Images/happy/1.jpg", "Images"),
        *("faceLabels.csv", "labelList.csv"),
    ],
)
@pytest.mark.parametrize(
    "words", [["check"], ["check", "--repair"], ["stats"], ["wipe", "--yes"]], ids=" ".join
)
def test_a_link_in_a_set_is_refused_and_what_it_leads_to_stays(capsys, monkeypatch, mine, link, words):
    """A set that somebody sent emptied the folder to which a link in it led."""
    outside = mine.parent / "outside"
    (outside / "new").mkdir(parents=True, exist_ok=True)
    (outside / "precious.png").write_bytes(b"precious")
    (outside / "faceLabels.csv").write_text("")
    before = everything(outside)
    place = mine / link
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside if "." not in place.name[1:] else outside / "precious.png")
    code, out, err = run(capsys, monkeypatch, *words, answers="y\n" * 9)
    assert (code, out) == (2, "")
    assert f"{Path(link)} is a link to " in err
    assert everything(outside) == before


def test_what_cannot_be_imported_is_told_beside_what_could(capsys, monkeypatch, mine):
    (mine / "notes.txt").write_text("x")
    write_picture(mine / "face.png", picture(77))
    code, out, err = run(capsys, monkeypatch, "import", "notes.txt", "face.png", "--label", "Sad", "--unseen")
    assert code == 2
    assert out.splitlines()[1:] == ["1 saved."]
    assert err.startswith("notes.txt is neither a picture nor a video that can be read. Expected ")
    assert err.count("\n") == 1


def test_rows_of_labels_that_are_not_listed_are_not_hidden(capsys, monkeypatch, mine):
    with (mine / "faceLabels.csv").open("a") as file:
        file.write("face9.png,Wink\n")
    _, out, _ = run(capsys, monkeypatch, "stats")
    assert out.splitlines()[-2:] == [
        "Not counted, because the picture was not found: 1 of 4 rows. Run: expression dataset check",
        "Not counted, because these labels are not listed: Wink. Run: expression dataset check",
    ]
