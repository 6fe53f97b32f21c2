"""Picture files, recognised by their content: JPEG, PNG, WebP, TIFF, GIF, AVIF, BMP, PGM and HEIC.

All code that reads pictures, from a folder, a dataset or the network, calls `read_picture`, `picture_frames`
or `decode_picture`, which `image.py` re-exports.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import logging
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from ..errors import DAMAGE, BadInputError, MissingFileError, install_line
from ..sanitize import printable
from .kinds import SNIFFED, no_picture, picture_format

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

logger = logging.getLogger("expression")

LARGEST = 120
"""The most pixels of a picture, in millions, so that no small file fills the memory; phones take photos of up
to 108. EXPRESSION_LARGEST_PICTURE overrides it."""

BYTES_A_PIXEL = 8
"""Bytes of a pixel with four channels of 16 bits; a file larger than the most pixels allow is rejected."""

READERS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WebP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "PGM": ("PIL.PpmImagePlugin", "PpmImageFile"),
    "HEIC": ("pillow_heif", "HeifImageFile"),
}
"""The reader of each format. Image.open is not used: it looks at names too and has its own limit."""

KINDS = "a JPEG, PNG, WebP, TIFF, GIF, AVIF, BMP, PGM or HEIC file"

ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that turns a photo upright, by the orientation in its Exif data.

Source: Exif 2.32, tag 274, https://www.cipa.jp/std/documents/e/DC-X008-Translation-2019-E.pdf
"""

TURNED = "turned"
"""Key in the `info` of a picture whose reader already turns it, so that its Exif orientation is ignored."""

SUBFILE, DNG_VERSION = 254, 50706
"""TIFF tags: the kind of a page (1: a small preview, 4: a mask), and the mark of a camera raw file."""

SHORTEST, USUAL = 0.011, 0.1
"""Seconds: a frame with a duration below the first is shown for the second, as in browsers."""


class PictureError(BadInputError):
    """A file cannot be read as a picture.

    Args:
        happened: See `ExpressionError`.
        expected: See `ExpressionError`.
        remedy: See `ExpressionError`.
        reason: A short form of it for `Skipped`, such as "damaged".
    """

    def __init__(self, happened: str, expected: str, remedy: str, reason: str = "not readable"):
        super().__init__(happened, expected, remedy)
        self.reason = reason

    def __reduce__(self):
        return type(self), (self.happened, self.expected, self.remedy, self.reason)


def read_picture(path: str | Path) -> np.ndarray:
    """Reads a picture file, upright.

    Grey levels and palettes become RGB, 16 bits become 8, and transparent areas white. If a file has several
    pictures, the first is read and a line is logged.

    Returns:
        (height, width, 3) uint8, RGB.

    Raises:
        MissingFileError: There is no such file.
        PictureError: A BadInputError: it is not a picture, damaged, too large or not accessible, or the
            package for its format is not installed.
    """
    with _opened(Path(path)) as file:
        return _first(file, _shown(Path(path)))


def decode_picture(data: bytes, name: str = "The picture") -> np.ndarray:
    """Returns the picture in the bytes of a file, as `read_picture` does.

    Args:
        data: The bytes.
        name: Its name in messages.

    Raises:
        PictureError: See `read_picture`.
    """
    return _first(io.BytesIO(data), name)


def picture_frames(path: str | Path) -> Iterator[tuple[np.ndarray, float | None]]:
    """Yields every picture of a file: one of a photo, all of an animation or of a TIFF with pages.

    Yields:
        The picture, as `read_picture` returns it, and its duration in seconds in an animation, else None.

    Raises:
        MissingFileError: There is no such file.
        PictureError: See `read_picture`; also after some pictures, if a later one is damaged.
    """
    with _opened(Path(path)) as file:
        yield from _frames(file, _shown(Path(path)))


def largest_picture() -> int:
    """Returns the most pixels that a picture may have.

    Raises:
        BadInputError: EXPRESSION_LARGEST_PICTURE is not a valid number of million pixels.
    """
    text = os.environ.get("EXPRESSION_LARGEST_PICTURE", "").strip() or str(LARGEST)
    try:
        millions = float(text)
    except ValueError:
        millions = math.nan
    if not 0 < millions <= 100_000:
        raise BadInputError(
            f"EXPRESSION_LARGEST_PICTURE is {text!r}.",
            "Expected millions of pixels, above 0 and at most 100000.",
            f"Set it to a number such as {LARGEST}, or unset it.",
        )
    return int(millions * 1_000_000)


def _opened(path: Path) -> IO[bytes]:
    """Opens a file for reading."""
    try:
        if path.is_file():
            return path.open("rb")
    except OSError as error:
        raise PictureError(
            f"{_shown(path)} cannot be read ({error.strerror}).",
            "Expected a file that you may read.",
            "Check its permissions.",
            "not accessible",
        ) from error
    raise MissingFileError(
        f"There is no picture {_shown(path)}.", "Expected a file.", "Check the name and the folder."
    )


def _shown(path: Path) -> str:
    """Returns a path for messages, escaped because it may contain any byte."""
    return printable(str(path), 500)


def _first(file: IO[bytes], name: str) -> np.ndarray:
    """Returns the first picture of a file, and logs a line if there are more."""
    image = _image(file, name)
    picture = _rgb(image, name)
    if _has_more(image):
        logger.warning("%s contains several pictures, as animations do. Only the first is read.", name)
    return picture


def _frames(file: IO[bytes], name: str) -> Iterator[tuple[np.ndarray, float | None]]:
    """Yields all pictures of a file, with their durations in an animation."""
    image = _image(file, name)
    first = image.tell()  # the main one of several HEIC photos
    if not image.info.get("default_image"):  # it is for programs without support for animated PNG
        picture = _rgb(image, name)
        yield picture, _seconds(image)
    if not _has_more(image):
        return
    for number in itertools.count():
        if number == first:
            continue
        with _as_picture_error(name):
            try:
                image.seek(number)
            except EOFError:
                return
        if not _is_preview(image):
            yield _rgb(image, name), _seconds(image)


def _image(file: IO[bytes], name: str) -> ImageFile:
    """Returns the reader of a file's pictures, after checking its first bytes and its size."""
    start, size = file.read(SNIFFED), file.seek(0, os.SEEK_END)
    kind = picture_format(start)
    file.seek(0)
    if kind is None:
        what, remedy = no_picture(start)
        raise PictureError(f"{name} is {what}.", f"Expected {KINDS}.", remedy, what)
    if size > BYTES_A_PIXEL * largest_picture():
        raise _too_large(name, f"{size:,} bytes", size / BYTES_A_PIXEL)
    reader = _reader(kind, name)
    with _as_picture_error(name):
        image = reader(file, name)
        image.info[TURNED] = kind == "HEIC" and _has_turn(file)
        raw = kind == "TIFF" and (DNG_VERSION in image.tag_v2 or _is_preview(image))
    if raw:
        raise PictureError(
            f"{name} is a camera raw file, of which only a small preview can be read.",
            f"Expected {KINDS}.",
            "Export it as JPEG.",
            "a camera raw file",
        )
    return image


def _reader(kind: str, name: str) -> type[ImageFile]:
    """Imports the reader of a format."""
    module, reader = READERS[kind]
    try:
        return getattr(importlib.import_module(module), reader)
    except ImportError as error:
        raise PictureError(
            f"{name} is a {kind} file, and the package {module.replace('_', '-')} is not installed.",
            "Expected the package in this Python environment, or a JPEG.",
            f"{install_line('heic')} Or export the picture as JPEG.",
            f"{kind} without the package {module.replace('_', '-')}",
        ) from error


def _rgb(image: ImageFile, name: str) -> np.ndarray:
    """Decodes a picture and returns it upright, (height, width, 3) uint8 RGB."""
    width, height = image.size
    if width * height > largest_picture():
        raise _too_large(name, f"{width:,} x {height:,} pixels", width * height)
    with _as_picture_error(name):
        image.load()  # which turns a TIFF upright by itself
        turn = UPRIGHT.get(_orientation(image))
        upright = image if turn is None else image.transpose(turn)
        if upright.mode.startswith(("I", "F")):
            return cv2.cvtColor(_eight_bits(np.asarray(upright)), cv2.COLOR_GRAY2RGB)
        if upright.has_transparency_data:
            layer = upright.convert("RGBA")
            upright = Image.new("RGBA", layer.size, "white")
            upright.alpha_composite(layer)
        return np.array(upright.convert("RGB"))


def _orientation(image: ImageFile) -> int:
    """Returns the Exif orientation; 1, upright, if it is damaged."""
    with contextlib.suppress(*DAMAGE):
        # A HEIC photo is turned by its own boxes, so its Exif orientation is ignored; if it has no such
        # boxes, as when Pillow wrote it, only Exif has the orientation.
        noted = None if image.info.get(TURNED) else image.info.get("original_orientation")
        return noted or image.getexif().get(ORIENTATION, 1)
    return 1


def _has_turn(file: IO[bytes]) -> bool:
    """Whether a HEIC file has a box that turns or mirrors it, among those at its start."""
    file.seek(0)
    boxes = file.read(1_000_000)
    return b"irot" in boxes or b"imir" in boxes


def _eight_bits(levels: np.ndarray) -> np.ndarray:
    """Returns grey levels of 16 or 32 bits, or from 0 to 1, as (height, width) uint8."""
    low, high = float(levels.min()), float(levels.max())
    if levels.dtype.kind == "f" and 0 <= low <= high <= 1:
        return np.round(levels * 255).astype(np.uint8)
    if levels.dtype.itemsize > 2 and 0 <= low <= high <= 255:
        return levels.astype(np.uint8)
    if 0 <= low <= high < 65536 and levels.dtype.kind != "f":
        return (levels >> 8).astype(np.uint8)
    raise ValueError(f"its grey levels go from {low:g} to {high:g}")


def _seconds(image: ImageFile) -> float | None:
    """Returns the duration of the current picture in an animation; None for a photo or a page."""
    if image.format in ("TIFF", "HEIF") or not _has_more(image):
        return None
    seconds = image.info.get("duration", 0) / 1000
    return seconds if seconds >= SHORTEST else USUAL


def _has_more(image: ImageFile) -> bool:
    """Whether a file has several pictures; also true if the part after the first is damaged."""
    with contextlib.suppress(*DAMAGE):
        return getattr(image, "is_animated", False)
    return True


def _is_preview(image: ImageFile) -> bool:
    """Whether a page of a TIFF is a small copy or a mask of another page."""
    return image.format == "TIFF" and bool(image.tag_v2.get(SUBFILE, 0) & 5)


def _too_large(name: str, size: str, pixels: float) -> PictureError:
    """Returns the error for a picture that could fill the memory."""
    limit = largest_picture() / 1_000_000
    return PictureError(
        f"{name} has {size}.",
        f"Expected a picture of at most {limit:g} million pixels.",
        f"Make it smaller, or set EXPRESSION_LARGEST_PICTURE={math.ceil(pixels / 1_000_000)}.",
        "too large",
    )


@contextlib.contextmanager
def _as_picture_error(name: str) -> Iterator[None]:
    """Converts any error that a library raises for a damaged picture to a PictureError."""
    try:
        yield
    except (*DAMAGE, Image.DecompressionBombError) as error:
        said = printable(str(error).strip() or type(error).__name__, 200)
        raise PictureError(
            f"{name} is damaged, incomplete or in an unusual format ({said.rstrip('.')}).",
            f"Expected {KINDS} that is complete.",
            "Open it in a viewer and save it again as PNG, or download it again.",
            "damaged",
        ) from error
