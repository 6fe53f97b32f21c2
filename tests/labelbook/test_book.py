"""Pictures and rows stay in step whatever is done, undone, cut off or done by hand."""

from __future__ import annotations

import itertools
import os
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

from expression import labelstore
from expression.errors import BadInputError, OutputError, RunError
from expression.labelbook import LabelBook
from expression.labelrows import read_table
from expression.labels import FER2013, Labels

GREY = np.full((48, 48), 90, np.uint8)


@pytest.fixture
def book(tmp_path):
    with LabelBook(tmp_path) as book:
        yield book


def shade(level: int) -> np.ndarray:
    """A picture that is told from others by its grey level."""
    return np.full((48, 48), level % 256, np.uint8)


def on_disk(folder: Path) -> dict[str, tuple[str, int]]:
    """What a stranger reads: the label and grey level of each picture. Rows and pictures are in step."""
    rows = read_table(folder / "faceLabels.csv", Labels.read(folder / "labelList.csv")).rows
    files = {path.name for path in (folder / "Images").glob("*.png")}
    assert {row.file for row in rows} == files
    assert len(rows) == len(files)
    with LabelBook(folder) as book:
        return {row.image: (row.label, int(book.picture(row)[0, 0, 0])) for row in book.rows}


# What can be done.


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
    told = ["the list of labels", "Happy renamed to Glad", "the list of labels", "face1.png as Happy", None]
    assert [book.undo() for _ in range(5)] == told
    assert Labels.read(book.folder / "labelList.csv") == FER2013
    assert book.rows == []


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
        (lambda book: book.relabel(["face9.png"], "Sad"), r"There is no row for face9\.png\. Expected names"),
        (lambda book: book.delete(["face1.png", "face9.png"]), r"There is no row for face9\.png"),
        (lambda book: book.set_labels([*FER2013, " sad "]), r"none of them twice"),
        (lambda book: book.rename_label("Sad", "Happy"), r"none of them twice"),
        (
            lambda book: book.set_labels(["Sad", "Angry"]),
            r"There are pictures of Happy\. Expected a label in",
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

    monkeypatch.setattr(labelstore, "read_table", read_and_edited)
    assert not book.rows
    book.add(GREY, "Angry")
    assert table.read_text() == "image,label\nface1.png,Sad\nface2.png,Angry\n"


def test_what_was_deleted_is_gone_for_good_once_the_book_is_closed(tmp_path):
    with LabelBook(tmp_path) as book:
        book.add(shade(7), "Sad")
        book.delete(["face1.png"])
        assert not (tmp_path / "Images" / "face1.png").exists()
        book.undo()
        assert book.picture(book.rows[0])[0, 0, 0] == 7
        book.delete(["face1.png"])
    assert list(tmp_path.rglob("*.png")) == []


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


# One at a time.


def test_a_closed_book_takes_nothing_and_says_so(tmp_path):
    old = LabelBook(tmp_path)
    new = LabelBook(tmp_path)  # as when a cell is run again
    with pytest.raises(RunError, match=r"The label book is closed\. Expected an open one"):
        old.add(GREY, "Sad")
    new.add(GREY, "Sad")
    new.close()
    new.close()


HOLD = """
import sys
from expression.labelbook import LabelBook

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
        with pytest.raises(BadInputError, match=r"are open in another program\. Expected one labeler"):
            LabelBook(tmp_path)
        other.kill()
    LabelBook(tmp_path).close()  # whoever was killed holds it no longer


# Cut off.


KILLED = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    import numpy as np
    from expression.labelbook import LabelBook

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

    for place, names in ((os, ("replace", "fsync")), (Path, ("write_bytes", "write_text", "open"))):
        for name in names:
            setattr(place, name, die(getattr(place, name)))
    picture = np.full((48, 48), 200, np.uint8)
    {
        "add": lambda: book.add(picture, "Happy"),
        "relabel": lambda: book.relabel(["face1.png"], "Sad"),
        "delete": lambda: book.delete(["face1.png"]),
        "rename": lambda: book.rename_label("Angry", "Cross"),
    }[change]()
    os._exit(0)
    """
)
AFTER = {
    "add": {"face1.png": ("Angry", 1), "face2.png": ("Angry", 2), "face3.png": ("Happy", 200)},
    "relabel": {"face1.png": ("Sad", 1), "face2.png": ("Angry", 2)},
    "delete": {"face2.png": ("Angry", 2)},
    "rename": {"face1.png": ("Cross", 1), "face2.png": ("Cross", 2)},
}


@pytest.mark.slow
@pytest.mark.parametrize("change", list(AFTER))
def test_killed_at_any_moment_a_change_is_whole_or_has_not_happened(tmp_path, change):
    done = 1
    for calls in range(30):
        folder = tmp_path / str(calls)
        with LabelBook(folder) as book:
            for level in (1, 2):
                book.add(shade(level), "Angry")
        done = subprocess.run([sys.executable, "-c", KILLED, str(folder), change, str(calls)]).returncode
        with LabelBook(folder):
            pass  # finishes the change, or forgets it
        found = on_disk(folder)
        assert found in ({"face1.png": ("Angry", 1), "face2.png": ("Angry", 2)}, AFTER[change])
        if done == 0:
            break
    assert done == 0
    assert calls > 3, "it was cut off in several places"
    assert found == AFTER[change]


def test_a_full_disk_costs_the_picture_that_has_no_room_and_nothing_else(tmp_path):
    with disk(tmp_path / "small", "size=1m"):
        folder = tmp_path / "small" / "mine"
        book = LabelBook(folder)
        book.add(shade(1), "Angry")
        noise = np.random.default_rng(0).integers(0, 256, (600, 600), np.uint8)
        with pytest.raises(OutputError, match=r"cannot be written \(No space left.*\)\. Expected .* room"):
            for _ in range(9):
                book.add(noise, "Sad")
        kept = len(book.rows)
        book.relabel(["face1.png"], "Happy")
        book.delete([row.image for row in book.rows if row.label == "Sad"])
        book.close()
        assert kept >= 2
        assert on_disk(folder) == {"face1.png": ("Happy", 1)}


@pytest.mark.parametrize("change", list(AFTER))
def test_a_file_that_cannot_be_moved_stops_a_change_and_leaves_all_as_it_was(tmp_path, monkeypatch, change):
    """On Windows another program that has a file open is enough."""
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
        assert book.undo() == "face2.png as Sad"
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
    with pytest.raises(OutputError, match=r"Images cannot be written \(.*\)\. Expected a folder"):
        LabelBook(tmp_path)


# Anything in any order.


class AnyOrder(RuleBasedStateMachine):
    """Does what people do, and holds the files against a list kept in memory."""

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
            if self.known[image][0] != label:  # else nothing changes, and there is nothing to undo
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
