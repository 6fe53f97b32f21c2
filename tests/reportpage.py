"""Videos whose frames show their numbers, rows of an analysis of them, and a browser with their report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from jupyterpage import CHROMIUM, QUIET, playwright
from parts import PATIENCE

from expression.records.rows import columns, row
from expression.tables import write_cells
from expression.types import Box, Reading

WIDTH, HEIGHT, BITS = 320, 240, 8
BOX = Box(200, 170, 60, 50)
LABELS = ("Happy", "Sad")


def numbered(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture with its number in black and white blocks along its top; a green face is in `BOX`."""
    image = np.full((height, width, 3), 128, np.uint8)
    for bit in range(BITS):
        left, right = width * bit // BITS, width * (bit + 1) // BITS
        image[: height // 3, left:right] = 255 * (number >> bit & 1)
    image[BOX.y : BOX.bottom, BOX.x : BOX.right] = (0, 160, 0)
    return image


def number_in(image: np.ndarray) -> int | None:
    """The number in a picture of `numbered`, of whatever size; None if it is not one."""
    height, width = image.shape[:2]
    greys = [image[height // 6, int(width * (bit + 0.5) / BITS)].mean() for bit in range(BITS)]
    if any(60 < grey < 195 for grey in greys):
        return None
    return sum((grey > 128) << bit for bit, grey in enumerate(greys))


def reading(frame: int, position: float, label: str = "Happy", person: int = 1, file: str = "") -> Reading:
    """A reading of the face in `BOX`."""
    scores = dict.fromkeys(LABELS, 0.25) | ({label: 0.75} if label in LABELS else {})
    return Reading(person, BOX, label, 0.75, scores, frame, 0.0, position, file)


def write_rows(path: Path, readings: Iterable[Reading], labels: Iterable[str] = LABELS) -> Path:
    """Writes rows as `analyze` does; with the column `file` if a reading has one."""
    readings = list(readings)
    files = any(each.file for each in readings)
    path.write_text(write_cells([columns(labels, files), *(row(each, files) for each in readings)]), "utf-8")
    return path


class ReportPage:
    """A report in a browser without a network.

    Attributes:
        page: Playwright's page.
        trouble: What the page wrote to its console, and errors of its script.
        requests: The addresses that it asked for.
    """

    def __init__(self, page: playwright.Page):
        self.page, self.trouble, self.requests = page, [], []
        page.on("console", lambda message: self.trouble.append(message.text))
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def click(self, share: float, person: int = 0) -> None:
        """Clicks a ribbon at a share of its width."""
        lane = self.page.get_by_role("slider").nth(person)
        lane.scroll_into_view_if_needed()
        extent = lane.bounding_box()
        lane.click(position={"x": share * extent["width"], "y": extent["height"] / 2})

    def chosen(self, person: int = 0) -> int:
        """The frame that is chosen."""
        return int(self.page.get_by_role("slider").nth(person).get_attribute("aria-valuenow"))

    def settled(self, frame: int) -> int:
        """Waits until the page has tried to show a frame; returns the one that it says it shows."""
        self.page.wait_for_selector(f"#picture[data-wanted='{frame}']")
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
        return int(self.page.get_attribute("#picture", "data-frame"))

    def picture(self) -> np.ndarray:
        """What is on the screen in the place of the picture, (height, width, 3) uint8 RGB."""
        png = np.frombuffer(self.page.locator("#picture").screenshot(), np.uint8)
        return cv2.imdecode(png, cv2.IMREAD_COLOR_RGB)


@contextlib.contextmanager
def browser(width: int = 900, height: int = 1400) -> Iterator[Callable[[Path], ReportPage]]:
    """Gives what opens a report in a real browser that has no network."""
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        context = chromium.new_context(viewport={"width": width, "height": height}, offline=True)

        def opened(path: Path) -> ReportPage:
            shown = ReportPage(context.new_page())
            shown.page.set_default_timeout(1000 * PATIENCE)
            shown.page.goto(path.as_uri())
            shown.page.wait_for_selector("#picture[data-frame]")
            return shown

        yield opened
        chromium.close()
