"""What a file is, whatever its name: a picture, by its first bytes, or a stream of pictures.

`decoding.py` and the sources ask it.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

import io
import re
from pathlib import Path

SNIFFED = 512
"""Bytes at the beginning of a file that say what it is."""

STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",  # BigTIFF
    b"MM\x00+": "TIFF",
}
BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}
"""How long the second header of a BMP can be; BM alone begins many texts."""

AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
"""What an ISO media file says of itself, as mp4 files do.

Source: ISO/IEC 23008-12, Annex B; https://aomediacodec.github.io/av1-avif
"""

NO_PICTURE = "not a picture"
CONVERT_IT = "Convert it to JPEG or MP4."
SAVE_IT = "Open it in a viewer and save it again as PNG."

STAND_INS = {
    b"version https://git-lfs": (
        "a Git LFS pointer, not the file itself",
        "Download the files: git lfs pull.",
    ),
    b"<!doctype html": ("a web page", "Download the file itself."),
    b"<html": ("a web page", "Download the file itself."),
}
"""How files begin, in small letters, that came in the place of others; what each is, and what to do."""

STOOD_IN = {what for what, _ in STAND_INS.values()}

OTHERS = {
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000 file",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL file",
    b"\xff\x0a": "a JPEG XL file",
    b"8BPS": "a Photoshop file",
}
"""How pictures begin that are not read here, and what they are."""

STREAM = 16_000_000
"""Bytes in which the third picture of a stream of JPEGs begins."""


def is_picture(path: str | Path) -> bool:
    """Returns whether a file begins as a picture does, whatever its name is.

    HEIC files are pictures also where the package that reads them is not installed.
    """
    path = Path(path)
    try:
        with path.open("rb") if path.is_file() else io.BytesIO() as file:
            return kind_of(file.read(SNIFFED)) is not None
    except OSError:
        return False


def kind_of(start: bytes) -> str | None:
    """Returns the format of a picture by its first bytes, None for anything else.

    Example:
        >>> kind_of(b"GIF89a..."), kind_of(b"GIF, which is an animal")
        ('GIF', None)
    """
    for magic, kind in STARTS.items():
        if start.startswith(magic):
            return kind
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start[:2] == b"BM" and int.from_bytes(start[14:18], "little") in BMP_HEADERS:
        return "BMP"
    if re.match(rb"P[1-6]\s+(#[^\n]*\n\s*)*\d", start):
        return "PGM"
    if start[4:8] == b"ftyp":
        end = int.from_bytes(start[:4], "big")
        brands = {start[at : at + 4] for at in (8, *range(16, min(end, len(start)), 4))}
        return "AVIF" if brands & AVIF_BRANDS else "HEIC" if brands & HEIC_BRANDS else None
    return None


def stand_in(start: bytes) -> tuple[str, str] | None:
    """Returns what came in the place of a file, by its first bytes, and what to do; None for anything else.

    Example:
        >>> stand_in(b"<!DOCTYPE html>")
        ('a web page', 'Download the file itself.')
    """
    folded = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((told for magic, told in STAND_INS.items() if folded.startswith(magic)), None)


def no_picture(start: bytes) -> tuple[str, str]:
    """Returns what a file is that cannot be read as a picture, by its first bytes, and what to do.

    Example:
        >>> no_picture(b"8BPS...")
        ('a Photoshop file', 'Open it in a viewer and save it again as PNG.')
    """
    kind = next((kind for magic, kind in OTHERS.items() if start.startswith(magic)), NO_PICTURE)
    return stand_in(start) or (kind if start else "empty", SAVE_IT)


def neither(path: Path) -> tuple[str, str]:
    """Returns what a file is in which there is neither a picture nor a film, and what to do about it."""
    try:
        with path.open("rb") as file:
            what, remedy = no_picture(file.read(SNIFFED))
    except OSError:
        return "not accessible", "Check its permissions."
    known = what != NO_PICTURE
    return (what, remedy) if known else ("neither a picture nor a video that can be read", CONVERT_IT)


def is_still(path: Path) -> bool:
    """Returns whether a file is a picture, or an animation, and not a video of JPEGs."""
    return is_picture(path) and not is_jpeg_stream(path)


def is_jpeg_stream(path: str | Path) -> bool:
    """Returns whether a file is a video that begins as a JPEG: three or more, one after the other.

    Phones put further pictures of the same scene behind a photo, and most say so in its header.
    """
    try:
        with Path(path).open("rb") as file:
            start = file.read(STREAM)
    except OSError:
        return False
    if kind_of(start) != "JPEG" or b"MPF\0" in start[:65_536]:
        return False
    return start.count(b"\xff\xd9\xff\xd8\xff") >= 2
