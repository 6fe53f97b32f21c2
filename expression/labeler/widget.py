"""The labeler in a notebook: the same picture, keys and clicks as in the window.

    labeler = LabelWidget()
    labeler

`ImportWidget("photos/")` shows faces from files. One thread reads the source, another draws; keys
and clicks come back from the browser.

Notebook: 08_your_face
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..errors import missing_package
from ..jupyter import in_place, route_messages
from ..labelbook.book import LabelBook
from ..live.capture import CaptureLoop
from ..live.data import Data
from ..live.worker import Worker
from ..pictures.image import encode_jpeg
from ..sources import fallback_notice, open_source
from ..sources._base import Source
from ..vision.detectors import make_detector
from .canvas import HEIGHT, WIDTH, plain
from .capturer import Capturer
from .import_page import ImportPage
from .importer import Importer
from .labeler import Labeler
from .window import PAUSE, Content

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise missing_package("The labeler in a notebook", "anywidget", "lessons") from error

SCRIPT = """
function render({ model, el }) {
  const view = document.createElement("img");
  view.className = "expression-labeler";
  view.tabIndex = 0;
  view.alt = "The labeler. Click it to use its keys.";
  // As large as fits the page, but never too small to read.
  const size = "max-width:min(100%,WIDTHpx);max-height:max(440px,calc(100vh - 300px))";
  view.style.cssText = `${size};cursor:pointer;user-select:none`;
  view.draggable = false;
  view.dataset.lmSuppressShortcuts = "true";  // JupyterLab has its own shortcuts for single keys
  let shown = null;
  const show = () => {
    const bytes = model.get("picture");
    if (!bytes || !bytes.byteLength) return;
    const next = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    view.src = next;
    if (shown) URL.revokeObjectURL(shown);
    shown = next;
  };
  const told = document.createElement("p");
  told.setAttribute("role", "alert");
  const send = (message) => {
    try {
      model.send(message);
    } catch {  // its kernel was restarted or shut down
      view.style.opacity = 0.4;
      told.textContent = "The labeler stopped: its kernel was restarted or shut down. Run the cell again.";
    }
  };
  const point = (event, down) => {
    const place = view.getBoundingClientRect();
    send({
      x: ((event.clientX - place.left) / place.width) * WIDTH,
      y: ((event.clientY - place.top) / place.height) * HEIGHT,
      down,
    });
  };
  view.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    view.setPointerCapture(event.pointerId);  // so that a release elsewhere is reported, too
    point(event, true);
  });
  view.addEventListener("mousedown", (event) => {  // JupyterLab would move the focus to its cell
    view.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    view.addEventListener(end, (event) => point(event, false));
  }
  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    send({ key: event.key });
    event.preventDefault();
    event.stopPropagation();
  });
  model.on("change:picture", show);
  show();
  el.append(told, view);
}
export default { render };
""".replace("WIDTH", str(WIDTH)).replace("HEIGHT", str(HEIGHT))
"""The part in the browser: it shows the picture, and reports keys and the pointer."""

CLOSING = ("q", "escape")
"""Keys that close it, as in the window, unless the content consumes them."""


class PageWidget(anywidget.AnyWidget):
    """Shows a labeler or an import in a notebook until it is stopped, or another one is created.

    Args:
        book: The set in which pictures are saved; closed at the end.
        content: The content, which handles keys and clicks.
        source: The source of frames, not yet open; None if the content needs none.

    Attributes:
        book: The set.
        content: As given; a lesson controls it from code: `content.press("enter")`.
    """

    _esm = SCRIPT
    picture = traitlets.Bytes().tag(sync=True)
    _running: ClassVar[weakref.ref[PageWidget] | None] = None

    def __init__(self, book: LabelBook, content: Content, source: Source | None = None):
        super().__init__()
        PageWidget._running = weakref.ref(self)
        self.book, self.content = book, content
        self.picture = encode_jpeg(content.draw(None))
        self._data = Data()
        self._loop = _Loop(self._data, source, self)
        self.on_msg(self._hear)
        route_messages(self)
        self._loop.start()

    def _repr_mimebundle_(self, **kwargs):
        return in_place(super()._repr_mimebundle_(**kwargs), "The labeler")

    @staticmethod
    def stop_running() -> None:
        """Stops the running one: otherwise a cell that is run again would find the camera in use."""
        former = PageWidget._running and PageWidget._running()
        if former:
            former.stop()

    def stop(self) -> None:
        """Stops it: the camera is turned off, and deletions can no longer be undone."""
        self._data.done = True
        self._loop.join()
        self.book.close()

    def _hear(self, _widget, message: dict, _buffers) -> None:
        """Handles input from the browser; runs where a cell would, so it may wait for the loop."""
        if self._data.done:
            return
        if "key" in message:
            key = message["key"]
            if not self.content.press(key) and key.lower() in CLOSING:
                self.stop()
        else:
            self.content.point(round(message["x"]), round(message["y"]), bool(message["down"]))


class LabelWidget(PageWidget):
    """A labeler in a notebook.

    Args:
        folder: The folder that has, or will have, labelList.csv, faceLabels.csv and Images.
        source: As for `Session`; None for the camera, or the demo if there is none.
        detector: A name for `detectors.make_detector`.
        settings: Options of the Capturer: target, colour, whole.

    Raises:
        BadInputError: The folder is open in another program, or there is no such source or detector.
        MissingPackageError: anywidget is not installed; install what it names.
    """

    def __init__(self, folder: str | Path = ".", source: Any = None, detector: str = "auto", **settings: Any):
        self.stop_running()
        found = make_detector(detector)
        with _closed_at_error(LabelBook(folder)) as book:
            opened = open_source(source)
            note = fallback_notice(source, opened)
            content = Labeler(Capturer(book, found, **settings), opened.mirror, note)
        super().__init__(book, content, opened)


class ImportWidget(PageWidget):
    """Faces from files, shown one by one in a notebook.

    Args:
        paths: Photos, videos, folders of them, or sets of faces.
        folder: The folder that has, or will have, labelList.csv, faceLabels.csv and Images.
        detector: A name for `detectors.make_detector`.
        settings: Options of the Importer: colour, label, every.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: The folder is open in another program, or there is no such detector or label.
        MissingPackageError: anywidget is not installed; install what it names.
    """

    def __init__(self, *paths: str | Path, folder: str | Path = ".", detector: str = "auto", **settings: Any):
        self.stop_running()
        found = make_detector(detector)
        with _closed_at_error(LabelBook(folder)) as book:
            content = ImportPage(book, Importer(book, found, **settings), paths)
        super().__init__(book, content)


@contextlib.contextmanager
def _closed_at_error(book: LabelBook) -> Iterator[LabelBook]:
    """Closes a book if its widget cannot be created, so that the next attempt can open it."""
    try:
        yield book
    except BaseException:
        book.close()
        raise


class _Loop(Worker):
    """Shows what the content draws in the notebook; frames are read once consent has been given."""

    def __init__(self, data: Data, source: Source | None, widget: PageWidget):
        super().__init__(data, "labeler")
        self._widget, self._source, self._frames = widget, source, data.frame.follow()
        self._capture: CaptureLoop | None = None
        self._image: np.ndarray | None = None

    def step(self) -> None:
        if self._source and not self._capture and self._widget.content.agreed:
            self._capture = CaptureLoop(self.data, self._source)
            self._capture.start()
        frame = self._frames.next(PAUSE)
        self._image = frame.image if frame else self._image
        self._show(self._widget.content.draw(self._image))
        if self._frames.ended:
            self.data.done = True

    def teardown(self) -> None:
        if self._capture:
            self._capture.join(10)  # a camera that hangs does not block the notebook
        self._show(plain(str(self.data.error[1]) if self.data.error else "Stopped. Run the cell again."))

    def _show(self, picture: np.ndarray) -> None:
        self._widget.picture = encode_jpeg(picture)  # sent if it has changed
