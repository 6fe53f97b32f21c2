"""The notebook's live view, without a front end, and once in a real kernel."""

from __future__ import annotations

import base64
import sys

import cv2
import numpy as np
import pytest
from parts import PATIENCE, ROOT

from expression.control import Control
from expression.displays import accessibility
from expression.displays.widget import KEPT_BYTES, Widget, _small_jpeg
from expression.errors import MissingPackageError
from expression.live.data import Data
from expression.live.display_loop import DisplayLoop
from expression.types import Box, Frame, Reading

ipywidgets = pytest.importorskip("ipywidgets")

HAPPY = Reading(1, Box(90, 60, 90, 90), "Happy", 0.7, {})
SAD = Reading(1, Box(90, 60, 90, 90), "Sad", 0.6, {})


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
        assert widget.show(picture(shade), [HAPPY]) is True
        np.testing.assert_allclose(decoded(widget.picture.value)[120, 160], (shade, 30, 20), atol=4)


def test_what_is_shown_is_told_in_words_at_most_twice_a_second(widget):
    widget.show(picture(), [HAPPY])
    widget.show(picture(), [SAD])
    assert widget.status.value == "Happy 70%"
    assert widget.button.description == "Stop"


def test_who_hears_the_page_is_told_in_words_without_figures_and_not_too_often(widget, monkeypatch):
    pytest.importorskip("anywidget")
    widget.control = Control()
    widget.control.paused = True
    widget.show(picture(), [HAPPY], "24 fps · 40 ms · paused")
    assert widget.aid.words == "The live view: Happy 70% (24 fps · 40 ms · paused)"
    assert widget.aid.said == "Happy, paused"
    widget.aid.tell("Sad 60%", "Sad")
    assert widget.aid.said == "Happy, paused", "it was said a moment ago"
    monkeypatch.setattr("expression.displays.accessibility.PAUSE", 0.0)
    widget.aid.tell("Sad 60%", "Sad")
    assert widget.aid.said == "Sad"


@pytest.mark.parametrize("what", ["page", "output"])
def test_a_run_that_nobody_sees_any_more_ends_unless_somebody_comes_back(widget, monkeypatch, what):
    monkeypatch.setitem(accessibility.GONE, what, 0.0)
    widget.aid._handle_custom_msg({"left": what}, [])
    assert not widget.is_open()
    widget.aid._handle_custom_msg({"here": True}, [])
    assert widget.is_open()


def test_a_page_has_time_to_be_loaded_anew(widget):
    widget.aid._handle_custom_msg({"left": "page"}, [])
    assert widget.is_open()


def test_without_anywidget_the_picture_is_shown_all_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "expression.displays.accessibility", raising=False)
    widget = Widget()
    widget.open()
    assert widget.show(picture(), [HAPPY]) is True
    assert widget.aid is None
    widget.close()


def test_a_page_without_widgets_shows_what_to_do(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, **_: shown.append(bundle))
    widget = Widget()
    widget.open()
    (bundle,) = shown
    assert bundle["text/plain"].startswith("The live view is not shown here.\nExpected a page that supports")
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == widget._box.model_id
    widget.close()


def test_a_large_frame_is_sent_smaller(widget):
    widget.show(picture(width=1920, height=1080))
    assert decoded(widget.picture.value).shape == (540, 960, 3)


def test_the_stop_button_ends_the_run():
    data, widget = Data(), Widget()
    loop = DisplayLoop(data, widget)
    loop.start()
    data.frame.publish(Frame(picture()))
    widget.button.click()
    assert data.wait_done(5)
    loop.join(PATIENCE)
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
    widget.show(picture(200), [SAD])
    widget.close()
    words = "The last frame of the live run: Sad 60%"
    assert handle.output["text/plain"] == words
    assert handle.options == {"metadata": {"image/jpeg": {"alt": words}}, "raw": True}
    jpeg = base64.b64decode(handle.output["image/jpeg"])
    np.testing.assert_allclose(decoded(jpeg)[120, 160], (200, 30, 20), atol=4)


def test_a_run_without_a_picture_says_so():
    widget, handle = Widget(), Handle()
    widget.open()
    widget._handle = handle
    widget.close()
    assert handle.output == {"text/plain": "The live run ended before its first frame."}


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
from expression.live.data import Data; from expression.types import Frame
from expression.live.display_loop import DisplayLoop; from expression.displays.__init__ import make_display
data = Data()
loop = DisplayLoop(data, make_display())
assert loop.display.name == "widget"
loop.start()
for number in range(20):
    data.frame.publish(Frame(np.full((240, 320, 3), 100 + number, np.uint8), number))
    data.wait_done(0.03)
data.frame.close(); data.readings.close()
loop.join(90)
assert data.done and data.error is None and loop.frames > 1, (data.error, loop.frames)
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_that_is_saved_keeps_the_last_picture():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert len(outputs) == 1
    shown = decoded(base64.b64decode(outputs[0].data["image/jpeg"]))
    np.testing.assert_allclose(shown[60, 160], 119, atol=3)
    assert outputs[0].data["text/plain"].startswith("The last frame of the live run: no face")
    assert "application/vnd.jupyter.widget-view+json" not in outputs[0].data


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("display", "kept"), [("auto", True), ("none", False)])
def test_a_notebook_that_nbconvert_executes_keeps_the_last_picture_only_where_the_readme_says_so(
    display, kept
):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    code = f"from expression import Session\nSession('demo', display={display!r}, duration=1.5).run()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    pictures = [out for out in notebook.cells[0].outputs if "image/jpeg" in out.get("data", {})]
    assert bool(pictures) == kept
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    said = "In a notebook, the last picture of a run stays below its cell, even when nbconvert executes"
    assert f'{said} the notebook (`display="none"` prevents this)' in readme
