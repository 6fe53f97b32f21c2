"""The labeler in a notebook, without a browser: its thread draws, handles input, and ends."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest
from parts import PATIENCE, Pictures

from expression.errors import MissingFileError
from expression.labelbook.book import LabelBook
from expression.labeler.canvas import HEIGHT, WIDTH

pytest.importorskip("anywidget", reason="needs anywidget (pip install anywidget)")

from expression.labeler.widget import ImportWidget, LabelWidget


def until(wanted) -> None:
    end = time.monotonic() + PATIENCE
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def source():
    return Pictures(fps=50)


@pytest.fixture
def labeler(tmp_path, source):
    labeler = LabelWidget(tmp_path, source, "whole")
    yield labeler
    labeler.stop()
    assert not {"labeler", "capture"} & {thread.name for thread in threading.enumerate()}
    assert source.closed == source.opened


def press(labeler, **message) -> None:
    """What the browser sends."""
    labeler._handle_custom_msg(message, [])


def test_it_shows_pictures_of_the_desk(labeler):
    first = labeler.picture
    press(labeler, key="Enter")
    # The first picture after the key may still say that the camera is being opened.
    until(lambda: labeler.picture != first and labeler.content.capturer.preview is not None)
    picture = cv2.imdecode(np.frombuffer(labeler.picture, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (HEIGHT, WIDTH, 3)


def test_a_page_without_widgets_shows_what_to_do(labeler):
    bundle, _ = labeler._repr_mimebundle_()
    assert bundle["text/plain"].startswith(
        "The labeler is not shown here.\nExpected a page that supports widgets"
    )
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_keys_and_clicks_come_from_the_browser_and_change_the_files(labeler, tmp_path):
    press(labeler, key="Enter")
    until(lambda: labeler.content.capturer.preview is not None)
    press(labeler, key="5")
    press(labeler, key=" ")
    assert [(row.image, row.label) for row in labeler.book.rows] == [("face1.png", "Sad")]
    press(labeler, x=900.4, y=24 + 40 * 3 + 18.2, down=True)
    press(labeler, x=900.4, y=24 + 40 * 3 + 18.2, down=False)
    assert labeler.content.capturer.label == "Happy"
    assert (tmp_path / "Images" / "face1.png").is_file()


def test_another_labeler_stops_the_one_before_and_its_camera(tmp_path):
    first, second = Pictures(fps=50), Pictures(fps=50)
    press(LabelWidget(tmp_path, first, "whole"), key="Enter")
    assert first.read_once.wait(PATIENCE)
    labeler = LabelWidget(tmp_path, second, "whole")
    assert (first.closed, second.opened) == (1, 0), "no camera before somebody agrees"
    press(labeler, key="Enter")
    assert second.read_once.wait(PATIENCE)
    labeler.stop()
    assert second.closed == 1


@pytest.mark.slow
def test_a_burst_goes_on_in_its_thread_while_the_button_is_held(labeler):
    press(labeler, key="Enter")
    until(lambda: labeler.content.capturer.preview is not None)
    press(labeler, x=1030, y=420, down=True)
    until(lambda: labeler.content.capturer.held)
    until(lambda: "Nearly the same" in labeler.content.capturer.said)  # all pictures are identical
    press(labeler, x=1030, y=420, down=False)
    assert not labeler.content.capturer.held
    assert len(labeler.book.rows) == 1


def test_a_table_that_is_damaged_meanwhile_is_told_in_the_picture(labeler, tmp_path):
    press(labeler, key="Enter")
    until(lambda: labeler.content.capturer.preview is not None)
    (tmp_path / "faceLabels.csv").write_text("face1.png\n")
    until(lambda: labeler._data.error)
    assert "has the row 'face1.png'" in str(labeler._data.error[1])


def test_faces_from_files_are_put_up_in_a_notebook_and_counted_once_kept(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(2):
        face = np.random.default_rng(number).integers(0, 256, (48, 48), np.uint8)
        cv2.imwrite(str(tmp_path / "photos" / f"{number}.png"), face)
    widget = ImportWidget(tmp_path / "photos", folder=tmp_path, detector="whole")
    press(widget, key="Enter")
    until(lambda: widget.content.shown)
    press(widget, key="4")
    until(lambda: widget.content.shown)
    press(widget, key="x")
    until(lambda: widget.content.ended)
    assert [row.label for row in widget.book.rows] == ["Happy"]
    widget.stop()
    assert "labeler" not in [thread.name for thread in threading.enumerate()]


def test_an_import_from_nowhere_is_told_and_leaves_the_set_free(tmp_path):
    with pytest.raises(MissingFileError, match="There is no file or folder"):
        ImportWidget(tmp_path / "nix", folder=tmp_path)
    LabelBook(tmp_path).close()


def test_a_widget_that_cannot_be_made_leaves_the_set_free(tmp_path):
    with pytest.raises(TypeError):
        LabelWidget(tmp_path, Pictures(), "whole", targets=3)
    LabelBook(tmp_path).close()


@pytest.mark.parametrize("key", ["q", "Q", "Escape"])
def test_a_key_closes_it_and_turns_the_camera_off(labeler, source, tmp_path, key):
    press(labeler, key="Enter")
    assert source.read_once.wait(PATIENCE)
    press(labeler, key=key)
    assert (source.opened, source.closed) == (1, 1)
    assert not {"labeler", "capture"} & {thread.name for thread in threading.enumerate()}
    LabelBook(tmp_path).close()  # the set is free
    press(labeler, key=key)


def test_a_letter_of_a_name_and_the_way_back_to_the_camera_do_not_close_it(labeler):
    press(labeler, key="Enter")
    for key in ("l", "a", "q", "Escape", "Escape", "e", "Escape"):
        press(labeler, key=key)
    assert labeler.content.page == "capture"
    assert not labeler._data.done
    for key in ("l", "q"):
        press(labeler, key=key)
    assert labeler._data.done


def test_an_import_is_closed_by_a_key(tmp_path):
    cv2.imwrite(str(tmp_path / "face.png"), np.zeros((48, 48), np.uint8))
    widget = ImportWidget(tmp_path / "face.png", folder=tmp_path, detector="whole")
    press(widget, key="q")
    assert "labeler" not in [thread.name for thread in threading.enumerate()]


def test_once_stopped_it_says_so_and_takes_no_more_keys(tmp_path):
    labeler = LabelWidget(tmp_path, Pictures(fps=50), "whole")
    before = labeler.picture
    labeler.stop()
    assert labeler.picture != before
    press(labeler, key="Enter")
    assert not labeler.content.agreed
