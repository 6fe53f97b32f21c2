"""A report: what happened in a recording, as one page to look at in a browser, or as a picture.

`expression report` calls `report`.

Notebook: 13_video
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BadInputError
from ..files import PRIVATE, check_folder, write_text
from ..pictures.image import write_picture
from ..pictures.kinds import is_still
from ..pictures.skipped import Skipped
from ..sanitize import printable
from .recording_rows import recording_rows
from .recordings import Advance, Recording, check_is_same
from .report_page import THUMBNAIL_BYTES, Facts, page, relative_url
from .ribbon import ribbon
from .segments import Story, story
from .thumbnails import Thumbnails, middles

ENDINGS = (".html", ".png")
"""What a report can be, by the name of its file."""


@dataclass
class Reported:
    """What a report is made of.

    Attributes:
        story: What happens in the recording.
        size: Bytes of the file.
        rows: Number of rows in the file of rows.
        skipped: Those that could not be used.
    """

    story: Story
    size: int = 0
    rows: int = 0
    skipped: Skipped = field(default_factory=Skipped)


def report(video: Path, rows: Path, out: Path, advance: Advance | None = None) -> Reported:
    """Writes a report of a recording: a page (.html) or a picture (.png).

    The page shows the video from where it is now, so keep both together. Everything else is in the page.

    Args:
        video: The recording that was analysed.
        rows: The rows of its analysis.
        out: The file to write.
        advance: Called after each frame, to show progress.

    Raises:
        MissingFileError: A file does not exist.
        BadInputError: The rows are something else or of another recording, or the name of the file has
            another ending; choose what the message says.
        OutputError: The file cannot be written.
    """
    _check(video, rows, out)
    skipped = Skipped()
    readings, total, _ = recording_rows(rows, video, skipped)
    if not readings:
        raise BadInputError(
            f"{rows} has no rows of {video.name}.",
            "Expected the rows that analyze wrote for this recording.",
            "Choose the recording that was analysed, or run analyze first.",
        )
    is_page = out.suffix.lower() == ".html"
    thumbnails = Thumbnails(middles(readings), THUMBNAIL_BYTES) if is_page else None
    times, extent = _read(video, thumbnails, advance)
    known = Skipped()
    told = story(readings, times, known)
    check_is_same(video, known, len(readings), "rows")
    skipped.extend(known)
    if thumbnails is None:
        write_picture(out, ribbon(told, printable(video.name)))
    else:
        url = "" if is_still(video) else relative_url(video, out.parent)
        write_text(out, page(told, Facts(video.name, *extent, url), thumbnails.all()), PRIVATE)
    return Reported(told, out.stat().st_size, total, skipped)


def _check(video: Path, rows: Path, out: Path) -> None:
    """Raises a BadInputError if the report has a wrong name, before anything is read."""
    if out.suffix.lower() not in ENDINGS:
        raise BadInputError(
            f"--out is {out}.", "Expected a file name that ends in .html or .png.", "Choose one."
        )
    check_folder(out, "--out")
    for path in (video, rows):
        if path.exists() and out.exists() and out.samefile(path):
            raise BadInputError(
                f"The report would replace {path}.", "Expected a new file.", "Choose another name for --out."
            )


def _read(
    video: Path, thumbnails: Thumbnails | None, advance: Advance | None
) -> tuple[list[float], tuple[int, int]]:
    """Returns the time of each frame, and the width and height of the first, in pixels."""
    times, extent = [], (0, 0)
    recording = Recording(video)
    recording.open()
    try:
        for frame in recording.frames():
            extent = extent if times else frame.image.shape[1::-1]
            times.append(frame.position)
            if thumbnails:
                thumbnails.add(frame)
            if advance:
                advance(frame.number + 1, recording.count)
    finally:
        recording.close()
    return times, extent
