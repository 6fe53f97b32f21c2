"""The notebook's live view, without a front end, and once in a real kernel."""

from __future__ import annotations

import base64
import sys

import cv2
import numpy as np
import pytest

from expression import aid
from expression.control import Control
from expression.data import Data, Frame
from expression.display import DisplayLoop
from expression.errors import MissingPackageError
from expression.widget import KEPT_BYTES, Widget, _small_jpeg

ipywidgets = pytest.importorskip("ipywidgets")


@pytest.fixture
def widget():
    widget = Widget()
    widget.open()
    yield widget
    widget.close()


def picture(shade: int = 128, width: int = 320, height: int = 240) -> np.ndarray:
    return np.full((height, width, 3), (shade, 30, 20), np.uint8)


def decoded(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)


def test_a_picture_is_replaced_in_place(widget):
    for shade in (200, 100):
        assert widget.show(picture(shade), "Happy 70%") is True
        np.testing.assert_allclose(decoded(widget.picture.value)[120, 160], (shade, 30, 20), atol=4)


def test_what_is_shown_is_told_in_words_at_most_twice_a_second(widget):
    widget.show(picture(), "Happy 70%")
    widget.show(picture(), "Sad 60%")
    assert widget.status.value == "Happy 70%"
    assert widget.button.description == "Stop"


def test_who_hears_the_page_is_told_in_words_without_figures_and_not_too_often(widget, monkeypatch):
    pytest.importorskip("anywidget")
    widget.control = Control()
    widget.control.paused = True
    widget.show(picture(), "Happy 70% (24 fps · 40 ms · paused)")
    assert widget.aid.words == "The live view: Happy 70% (24 fps · 40 ms · paused)"
    assert widget.aid.said == "Happy, paused"
    widget.aid.tell("Sad 60%")
    assert widget.aid.said == "Happy, paused", "it was said a moment ago"
    monkeypatch.setattr("expression.aid.PAUSE", 0.0)
    widget.aid.tell("Sad 60%")
    assert widget.aid.said == "Sad"


@pytest.mark.parametrize("what", ["page", "output"])
def test_a_run_that_nobody_sees_any_more_ends_unless_somebody_comes_back(widget, monkeypatch, what):
    monkeypatch.setitem(aid.GONE, what, 0.0)
    widget.aid._handle_custom_msg({"left": what}, [])
    assert not widget.is_open()
    widget.aid._handle_custom_msg({"here": True}, [])
    assert widget.is_open()


def test_a_page_has_time_to_be_loaded_anew(widget):
    widget.aid._handle_custom_msg({"left": "page"}, [])
    assert widget.is_open()


def test_without_anywidget_the_picture_is_shown_all_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "expression.aid", raising=False)
    widget = Widget()
    widget.open()
    assert widget.show(picture(), "Happy 70%") is True
    assert widget.aid is None
    widget.close()


def test_a_page_without_widgets_shows_what_to_do(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, **_: shown.append(bundle))
    widget = Widget()
    widget.open()
    (bundle,) = shown
    assert bundle["text/plain"].startswith("The live view is not shown here.\nExpected a page that shows")
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == widget._box.model_id
    widget.close()


def test_a_large_frame_is_sent_smaller(widget):
    widget.show(picture(width=1920, height=1080), "")
    assert decoded(widget.picture.value).shape == (540, 960, 3)


def test_the_stop_button_ends_the_run():
    data, widget = Data(), Widget()
    loop = DisplayLoop(data, widget)
    loop.start()
    data.frame.publish(Frame(picture()))
    widget.button.click()
    assert data.wait_done(5)
    loop.join(5)
    assert not loop.is_alive()
    assert data.error is None


def test_the_stop_button_is_heard_while_no_frame_comes(widget):
    assert widget.is_open()
    widget.button.click()
    assert not widget.is_open()


class Handle:
    """Takes the place of the output below a cell."""

    def update(self, output: dict, **options) -> None:
        self.output, self.options = output, options


def test_the_last_picture_takes_the_widget_s_place_with_words_to_it():
    widget, handle = Widget(), Handle()
    widget.open()
    widget._handle = handle
    widget.show(picture(200), "Sad 60%")
    widget.close()
    words = "The last picture of the live run: Sad 60%"
    assert handle.output["text/plain"] == words
    assert handle.options == {"metadata": {"image/jpeg": {"alt": words}}, "raw": True}
    jpeg = base64.b64decode(handle.output["image/jpeg"])
    np.testing.assert_allclose(decoded(jpeg)[120, 160], (200, 30, 20), atol=4)


def test_a_run_without_a_picture_says_so():
    widget, handle = Widget(), Handle()
    widget.open()
    widget._handle = handle
    widget.close()
    assert handle.output == {"text/plain": "The live run ended before its first picture."}


def test_closing_twice_or_before_opening_does_nothing():
    widget = Widget()
    widget.close()
    widget.open()
    widget.close()
    widget.close()


@pytest.mark.parametrize("kind", ["noise", "plain"])
def test_the_picture_that_stays_is_small(kind):
    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    jpeg = _small_jpeg(noise if kind == "noise" else picture(width=1920, height=1080))
    assert len(jpeg) <= KEPT_BYTES
    assert decoded(jpeg).shape[1] == (640 if kind == "noise" else 800)


def test_without_ipywidgets_the_error_names_the_line_to_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(MissingPackageError) as error:
        Widget().open()
    assert str(error.value) == (
        "The notebook's live view needs the package ipywidgets, which is not installed. "
        'Expected it in this Python environment. Run in the project\'s folder: pip install -e ".[lessons]"'
    )


CELL = """
import numpy as np
from expression.data import Data, Frame
from expression.display import DisplayLoop, make_display
data = Data()
loop = DisplayLoop(data, make_display())
assert loop.display.name == "widget"
loop.start()
for number in range(20):
    data.frame.publish(Frame(np.full((240, 320, 3), 100 + number, np.uint8), number))
    data.wait_done(0.03)
data.frame.close(); data.readings.close()
loop.join(5)
assert data.done and data.error is None and loop.frames > 10, (data.error, loop.frames)
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_that_is_saved_keeps_the_last_picture():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert len(outputs) == 1
    shown = decoded(base64.b64decode(outputs[0].data["image/jpeg"]))
    np.testing.assert_allclose(shown[60, 160], 119, atol=3)
    assert outputs[0].data["text/plain"].startswith("The last picture of the live run: no face")
    assert "application/vnd.jupyter.widget-view+json" not in outputs[0].data
