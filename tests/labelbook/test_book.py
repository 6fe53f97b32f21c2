"""Pictures and rows stay consistent whatever is done, undone, interrupted or edited manually."""

from __future__ import annotations

import itertools
import os
import re
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from parts import disk

from expression.errors import BadInputError, MissingFileError, OutputError, RunError
from expression.labelbook import store
from expression.labelbook.book import LabelBook
from expression.labelbook.rows import Row, read_table
from expression.labels import FER2013, Labels
from expression.pictures.image import read_picture, write_picture

GREY = np.full((48, 48), 90, np.uint8)


@pytest.fixture
def book(tmp_path):
    with LabelBook(tmp_path) as book:
        yield book


def shade(level: int) -> np.ndarray:
    """A picture that is identified by its grey level."""
    return np.full((48, 48), level % 256, np.uint8)


def on_disk(folder: Path) -> dict[str, tuple[str, int]]:
    """The label and grey level of each picture, read independently; checks that rows and pictures match."""
    rows = read_table(folder / "faceLabels.csv", Labels.read(folder / "labelList.csv")).rows
    images = folder / "Images"
    files = {path.relative_to(images).as_posix() for path in images.rglob("*.png")}
    files = {name for name in files if not name.startswith(".")}
    assert {row.file for row in rows} == files
    assert len(rows) == len(files)
    with LabelBook(folder) as book:
        return {row.image: (row.label, int(book.picture(row)[0, 0, 0])) for row in book.rows}


# Changes.


def test_pictures_are_numbered_from_one_and_their_rows_say_label_and_session(book):
    names = [book.add(shade(level), "happy", "monday").image for level in (1, 2, 3)]
    assert names == ["face1.png", "face2.png", "face3.png"]
    assert (book.folder / "faceLabels.csv").read_text() == "".join(f"{name},Happy,monday\n" for name in names)
    assert (book.folder / "labelList.csv").read_text().startswith("0,Angry\n")
    assert book.counts == {**dict.fromkeys(FER2013, 0), "Happy": 3}


def test_a_number_is_never_used_again(tmp_path):
    with LabelBook(tmp_path) as book:
        for _ in range(3):
            book.add(GREY, "Sad")
        book.delete(["face3.png"])
        assert book.add(GREY, "Sad").image == "face4.png"
        book.undo()
        book.delete(["face1.png", "face2.png"])
    with LabelBook(tmp_path) as book:
        assert book.rows == []
        assert book.add(GREY, "Sad").image == "face5.png"


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("Images/face7.png", id="a picture without a row"),
        pytest.param("faceLabels.csv", id="a row without a picture"),
    ],
)
def test_a_number_that_somebody_else_used_is_not_used_again(tmp_path, place):
    (tmp_path / "Images").mkdir()
    (tmp_path / place).write_text("face7.png,Sad\n" if place.endswith("csv") else "x")
    with LabelBook(tmp_path) as book:
        assert book.add(GREY, "Sad").image == "face8.png"


def test_labels_are_added_renamed_and_reordered(book):
    book.add(GREY, "Happy")
    book.set_labels([*FER2013, "Wink"])
    book.rename_label("happy", "Glad")
    assert [row.label for row in book.rows] == ["Glad"]
    book.set_labels(["Wink", "Glad"])
    assert Labels.read(book.folder / "labelList.csv") == Labels(["Wink", "Glad"])
    labels = "the change to the list of labels"
    told = [labels, "Happy renamed to Glad", labels, "face1.png saved as Happy", None]
    assert [book.undo() for _ in range(5)] == told
    assert Labels.read(book.folder / "labelList.csv") == FER2013
    assert book.rows == []


def test_renaming_a_label_changes_no_other_label_of_a_picture_with_two_rows(tmp_path):
    (tmp_path / "faceLabels.csv").write_text("face1.png,Happy\nface1.png,Sad\n")
    with LabelBook(tmp_path) as book:
        book.rename_label("Happy", "Glad")
        assert [row.label for row in book.rows] == ["Glad", "Sad"]
        book.undo()
        assert [row.label for row in book.rows] == ["Happy", "Sad"]


def test_an_edit_of_an_older_list_of_labels_is_noticed(tmp_path):
    (tmp_path / "labelConfig.csv").write_text("0,Happy\n1,Sad\n")
    with LabelBook(tmp_path) as book:
        assert list(book.labels) == ["Happy", "Sad"]
        (tmp_path / "labelConfig.csv").write_text("0,Happy\n1,Sad\n2,Sleepy\n")
        assert list(book.labels) == ["Happy", "Sad", "Sleepy"]


def test_labels_as_numbers_follow_the_list(tmp_path):
    (tmp_path / "faceLabels.csv").write_text("face1.png,3\nface2.png,4\n")
    with LabelBook(tmp_path) as book:
        book.set_labels(["Sad", "Happy"])
        assert (tmp_path / "faceLabels.csv").read_text() == "face1.png,1\nface2.png,0\n"
        assert book.counts == {"Sad": 1, "Happy": 1}


@pytest.mark.parametrize(
    ("do", "said"),
    [
        (lambda book: book.add(GREY, "Wink"), r"There is no label 'Wink'\. Expected one of Angry"),
        (lambda book: book.relabel(["face1.png"], "Wink"), r"There is no label 'Wink'"),
        (lambda book: book.relabel(["face9.png"], "Sad"), r"has no row for face9\.png\. Expected names"),
        (lambda book: book.delete(["face1.png", "face9.png"]), r"faceLabels\.csv has no row for face9\.png"),
        (lambda book: book.set_labels([*FER2013, " sad "]), r"all different"),
        (lambda book: book.rename_label("Sad", "Happy"), r"all different"),
        (
            lambda book: book.set_labels(["Sad", "Angry"]),
            r"still has pictures labelled Happy\. Expected a label to",
        ),
        (lambda book: book.add(np.zeros((0, 0), np.uint8), "Sad"), r"cannot be written as \.png"),
    ],
)
def test_what_cannot_be_done_changes_nothing(book, do, said):
    book.add(GREY, "Happy")
    before = on_disk(book.folder)
    book = LabelBook(book.folder)
    with pytest.raises(BadInputError, match=said):
        do(book)
    assert book.undo() is None
    assert on_disk(book.folder) == before


def test_an_edit_by_hand_meanwhile_is_kept(book):
    book.add(GREY, "Happy")
    table = book.folder / "faceLabels.csv"
    table.write_text("image,label,session,remark\nface1.png,Sad,,mine\n")
    book.add(GREY, "Angry")
    assert table.read_text() == "image,label,session,remark\nface1.png,Sad,,mine\nface2.png,Angry\n"


def test_an_edit_by_hand_while_the_table_is_read_is_kept(book, monkeypatch):
    table = book.folder / "faceLabels.csv"
    table.write_text("image,label\n")

    def read_and_edited(*given):
        monkeypatch.undo()
        found = read_table(*given)
        table.write_text("image,label\nface1.png,Sad\n")
        return found

    monkeypatch.setattr(store, "read_table", read_and_edited)
    assert not book.rows
    book.add(GREY, "Angry")
    assert table.read_text() == "image,label\nface1.png,Sad\nface2.png,Angry\n"


def test_what_was_deleted_is_kept_with_its_row_until_a_wipe(tmp_path):
    with LabelBook(tmp_path) as book:
        book.add(shade(7), "Sad", "monday")
        book.delete(["face1.png"])
        assert not (tmp_path / "Images" / "face1.png").exists()
        book.undo()
        assert book.picture(book.rows[0])[0, 0, 0] == 7
        assert not list((tmp_path / "Images" / ".trash").rglob("*.*"))
        book.delete(["face1.png"])
    (place,) = (tmp_path / "Images" / ".trash").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}", place.name)
    assert (place / "faceLabels.csv").read_text() == "face1.png,Sad,monday\n"
    assert read_picture(place / "face1.png")[0, 0, 0] == 7
    with LabelBook(tmp_path) as book:
        assert book.rows == []
        assert book.add(shade(8), "Sad").image == "face2.png"
        book.wipe()
    assert list(tmp_path.rglob("*.png")) == []
    assert list(tmp_path.rglob("faceLabels.csv")) == [tmp_path / "faceLabels.csv"]


def test_what_an_earlier_version_had_put_aside_is_kept(tmp_path):
    gone = tmp_path / "Images" / ".book" / "gone"
    gone.mkdir(parents=True)
    (gone / "face3.png").write_bytes(b"x")
    with LabelBook(tmp_path) as book:
        assert book.add(GREY, "Sad").image == "face4.png"
    assert [path.name for path in (tmp_path / "Images" / ".trash").rglob("*.png")] == ["face3.png"]


def test_a_picture_that_two_rows_name_comes_back_with_both(book):
    book.add(shade(7), "Sad")
    with (book.folder / "faceLabels.csv").open("a") as file:
        file.write("FACE1.PNG,Happy\n")
    book.delete(["face1.png"])
    assert book.picture(book.rows[0])[0, 0, 0] == 7, "the other row has it still"
    book.delete(["FACE1.PNG"])
    assert not book.rows
    assert (book.undo(), book.undo()) == ("FACE1.PNG deleted", "face1.png deleted")
    assert {book.picture(row)[0, 0, 0] for row in book.rows} == {7}


def test_nothing_is_left_of_a_trash_in_which_nothing_is(tmp_path):
    with LabelBook(tmp_path) as book:
        book.add(GREY, "Sad")
        book.delete(["face1.png"])
        book.undo()
    assert not (tmp_path / "Images" / ".trash").exists()


def test_a_wipe_leaves_no_picture_and_no_row(tmp_path):
    with LabelBook(tmp_path) as book:
        for _ in range(3):
            book.add(GREY, "Sad")
        book.delete(["face3.png"])
        (tmp_path / "Images" / "stray.jpg").write_text("x")
        book.wipe()
        assert (list(tmp_path.rglob("*.png")), list(tmp_path.rglob("*.jpg")), book.rows) == ([], [], [])
        assert (tmp_path / "faceLabels.csv").read_text() == ""
        assert book.undo() is None
        assert book.add(GREY, "Sad").image == "face4.png"


# Locking.


def test_a_closed_book_takes_nothing_and_says_so(tmp_path):
    old = LabelBook(tmp_path)
    new = LabelBook(tmp_path)  # as when a cell is run again
    with pytest.raises(RunError, match=r"The label book is closed\. Expected an open label book"):
        old.add(GREY, "Sad")
    new.add(GREY, "Sad")
    new.close()
    new.close()


HOLD = """
import sys
from expression.pictures.image import read_picture, write_picture
from expression.labelbook.book import LabelBook

book = LabelBook(sys.argv[1])
print("open", flush=True)
input()
"""


def test_several_threads_may_change_a_set(book):
    def add():
        for _ in range(5):
            book.add(GREY, "Sad")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert book.counts["Sad"] == 20
    assert len(on_disk(book.folder)) == 20


def test_a_set_that_another_program_has_open_is_left_alone(tmp_path):
    words = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(BadInputError, match=r"are open in another program\. Expected one .* Close the"):
            LabelBook(tmp_path)
        other.kill()
    LabelBook(tmp_path).close()  # a killed program no longer holds it


# Interruptions.


KILLED = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    import numpy as np
    from expression.labelbook.book import LabelBook
    from expression.labelbook.rows import Row

    folder, change, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
    book = LabelBook(folder)

    def die(function):
        def counted(*words, **options):
            global calls
            calls -= 1
            if calls < 0:
                os._exit(9)
            return function(*words, **options)
        return counted

    calling = (os, ("replace", "fsync", "open", "mkdir", "unlink", "rmdir")), (Path, ("write_bytes", "open"))
    for place, names in calling:
        for name in names:
            setattr(place, name, die(getattr(place, name)))
    picture = np.full((48, 48), 200, np.uint8)
    {
        "add": lambda: book.add(picture, "Happy"),
        "relabel": lambda: book.relabel(["face1.png"], "Sad"),
        "delete": lambda: book.delete(["face1.png"]),
        "rename": lambda: book.rename_label("Angry", "Cross"),
        "undo": lambda: (book.delete(["face1.png"]), book.undo()),
        "copy": lambda: book.set_rows(
            [*book.rows, Row("sub/x.png", "Sad")], {"sub/x.png": Path(folder) / "x.png"}
        ),
    }[change]()
    os._exit(0)
    """
)
AFTER = {
    "add": {"face1.png": ("Angry", 1), "face2.png": ("Angry", 2), "face3.png": ("Happy", 200)},
    "relabel": {"face1.png": ("Sad", 1), "face2.png": ("Angry", 2)},
    "delete": {"face2.png": ("Angry", 2)},
    "rename": {"face1.png": ("Cross", 1), "face2.png": ("Cross", 2)},
    "undo": {"face1.png": ("Angry", 1), "face2.png": ("Angry", 2)},
    "copy": {"face1.png": ("Angry", 1), "face2.png": ("Angry", 2), "sub/x.png": ("Sad", 9)},
}


@pytest.mark.slow
@pytest.mark.parametrize("change", list(AFTER))
def test_killed_at_any_moment_a_change_is_whole_or_has_not_happened(tmp_path, change):
    done, before = 1, {"face1.png": ("Angry", 1), "face2.png": ("Angry", 2)}
    for calls in range(80):
        folder = tmp_path / str(calls)
        with LabelBook(folder) as book:
            for level in (1, 2):
                book.add(shade(level), "Angry")
        write_picture(folder / "x.png", shade(9))
        done = subprocess.run([sys.executable, "-c", KILLED, str(folder), change, str(calls)]).returncode
        with LabelBook(folder):
            pass  # completes the change, or discards it
        found = on_disk(folder)
        assert found in (before, AFTER[change], *([AFTER["delete"]] if change == "undo" else []))
        shades = {int(read_picture(path)[0, 0, 0]) for path in (folder / "Images").rglob("*.png")}
        assert {1, 2} <= shades, "what was taken out lies in the trash"
        if done == 0:
            break
    assert done == 0
    assert calls > 10, "it was cut off in several places"
    assert found == AFTER[change]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_faces_and_rows_are_for_their_owner_alone(tmp_path):
    (tmp_path / "Images").mkdir(mode=0o755)
    umask = os.umask(0)
    try:
        with LabelBook(tmp_path) as book:
            book.add(GREY, "Sad")
            book.add(GREY, "Happy")
            book.delete(["face2.png"])
            write_picture(tmp_path / "x.png", GREY)
            book.set_rows([*book.rows, Row("sub/x.png", "Sad")], {"sub/x.png": tmp_path / "x.png"})
            places = [tmp_path / "faceLabels.csv", tmp_path / "Images", *(tmp_path / "Images").rglob("*")]
            modes = {path: stat.S_IMODE(path.stat().st_mode) for path in places}
    finally:
        os.umask(umask)
    assert len(modes) > 9
    assert {path: mode for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)} == {}


@pytest.mark.skipif(not hasattr(os, "link"), reason="needs hard links")
def test_what_else_has_the_contents_of_a_file_of_ours_is_not_written_to(tmp_path):
    """A set that somebody sent may share files with others of this disk."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "set" / "Images" / ".book").mkdir(parents=True)
    for name in ("Images/.book/highest", "Images/.book/lock", "faceLabels.csv", "labelList.csv"):
        (tmp_path / "set" / name).unlink(missing_ok=True)
        os.link(tmp_path / "precious", tmp_path / "set" / name)
    for name in ("faceLabels.csv", "labelList.csv"):
        (tmp_path / "set" / name).unlink()
    with LabelBook(tmp_path / "set") as book:
        book.add(GREY, "Sad")
        book.wipe()
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_full_disk_costs_the_picture_that_has_no_room_and_nothing_else(tmp_path):
    with disk(tmp_path / "small", "size=1m"):
        folder = tmp_path / "small" / "mine"
        book = LabelBook(folder)
        book.add(shade(1), "Angry")
        noise = np.random.default_rng(0).integers(0, 256, (600, 600), np.uint8)
        with pytest.raises(OutputError, match=r"cannot be written \(No space left.*\)\. Expected .* space"):
            for _ in range(9):
                book.add(noise, "Sad")
        kept = len(book.rows)
        book.relabel(["face1.png"], "Happy")
        book.delete([row.image for row in book.rows if row.label == "Sad"])
        book.close()
        assert kept >= 2
        assert on_disk(folder) == {"face1.png": ("Happy", 1)}


@pytest.mark.parametrize("change", ["add", "relabel", "delete", "rename"])
def test_a_file_that_cannot_be_moved_stops_a_change_and_leaves_all_as_it_was(tmp_path, monkeypatch, change):
    """On Windows it is enough that another program has a file open."""
    changes = {
        "add": lambda: book.add(shade(200), "Happy"),
        "relabel": lambda: book.relabel(["face1.png"], "Sad"),
        "delete": lambda: book.delete(["face1.png"]),
        "rename": lambda: book.rename_label("Angry", "Cross"),
    }
    replace, failed = os.replace, True
    for fails in range(20):
        folder = tmp_path / str(fails)
        book = LabelBook(folder)
        for level in (1, 2):
            book.add(shade(level), "Angry")
        before = on_disk(folder)
        book = LabelBook(folder)
        calls = itertools.count()

        def refused(source, target, calls=calls, fails=fails):
            if next(calls) == fails:
                raise PermissionError(13, "in use")
            return replace(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", refused)
            try:
                changes[change]()
                failed = False
            except OutputError:
                failed = True
        assert book.undo() is None or not failed
        book.close()
        if not failed:
            break
        assert on_disk(folder) == before
    assert not failed
    assert fails >= 2, "it was refused in several places"


def test_after_a_file_that_could_not_be_moved_the_set_goes_on(tmp_path, monkeypatch):
    replace = os.replace

    def refused(source, target):
        if Path(target).name == "faceLabels.csv" and ".book" not in str(target):
            raise PermissionError(13, "in use")
        return replace(source, target)

    with LabelBook(tmp_path) as book:
        book.add(shade(1), "Angry")
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", refused)
            with pytest.raises(OutputError, match="in use"):
                book.delete(["face1.png"])
        assert book.picture(book.rows[0])[0, 0, 0] == 1
        book.add(shade(2), "Sad")
        assert book.undo() == "face2.png saved as Sad"
    assert on_disk(tmp_path) == {"face1.png": ("Angry", 1)}


def test_a_table_that_was_edited_after_a_change_was_cut_off_stays_as_it_was_edited(tmp_path):
    with LabelBook(tmp_path) as book:
        book.add(shade(1), "Angry")
    pending = tmp_path / "Images" / ".book" / "faceLabels.csv"
    pending.write_text("face1.png,Sad\n")
    os.utime(pending, (1, 1))
    (tmp_path / "faceLabels.csv").write_text("face1.png,Fear\n")
    LabelBook(tmp_path).close()
    assert on_disk(tmp_path) == {"face1.png": ("Fear", 1)}


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "Images").write_text("no folder")
    with pytest.raises(OutputError, match=r"Images is not a folder\. Expected a folder"):
        LabelBook(tmp_path)


# Random sequences.


class AnyOrder(RuleBasedStateMachine):
    """Makes random changes, and compares the files with a list in memory."""

    images = Bundle("images")

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.book = LabelBook(self.folder.name)
        self.known: dict[str, tuple[str, int]] = {}
        self.past: list[dict[str, tuple[str, int]]] = []
        self.used: set[str] = set()

    def remember(self):
        self.past.append(dict(self.known))

    @rule(target=images, label=st.sampled_from(list(FER2013)))
    def capture(self, label):
        self.remember()
        level = len(self.used)
        image = self.book.add(shade(level), label, "now").image
        assert image not in self.used, "a picture would be written over"
        self.used.add(image)
        self.known[image] = (label, level % 256)
        return image

    @rule(image=images, label=st.sampled_from(list(FER2013)))
    def relabel(self, image, label):
        if image in self.known:
            if self.known[image][0] != label:  # otherwise nothing changes, and there is nothing to undo
                self.remember()
            self.book.relabel([image], label)
            self.known[image] = (label, self.known[image][1])

    @rule(image=images)
    def delete(self, image):
        if image in self.known:
            self.remember()
            self.book.delete([image])
            del self.known[image]

    @rule()
    def undo(self):
        assert (self.book.undo() is None) == (not self.past)
        if self.past:
            self.known = self.past.pop()

    @rule()
    def restart(self):
        self.book.close()
        self.book = LabelBook(self.folder.name)
        self.past.clear()

    @invariant()
    def files_are_in_step(self):
        folder = Path(self.folder.name)
        files = {path.name for path in (folder / "Images").glob("*.png")}
        rows = {row.image: (row.label, int(self.book.picture(row)[0, 0, 0])) for row in self.book.rows}
        assert rows == self.known
        assert files == set(self.known)

    def teardown(self):
        self.book.close()
        self.folder.cleanup()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


def test_a_picture_that_is_added_is_not_looked_for_in_the_trash(book, monkeypatch):
    book.delete([book.add(GREY, "Happy").image])
    monkeypatch.setattr(store, "Pictures", lambda folder: pytest.fail(f"{folder} was looked through"))
    assert book.add(GREY, "Sad").image == "face2.png"


def test_a_picture_that_vanishes_before_it_is_copied_is_what_the_error_is_about(book, tmp_path):
    book.add(GREY, "Happy")
    with pytest.raises(MissingFileError, match=r"gone\.png cannot be read .* Expected the picture to stay"):
        book.set_rows([*book.rows, Row("gone.png", "Sad")], {"gone.png": tmp_path / "gone.png"})
    assert [row.image for row in book.rows] == ["face1.png"]
