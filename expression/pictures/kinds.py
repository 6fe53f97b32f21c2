"""The kind of a file, recognised by its first bytes and not its name: a picture, or a stream of pictures.

`decoding.py` and the sources use it.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

import io
import re
from pathlib import Path

SNIFFED = 512
"""Bytes at the start of a file that identify its format."""

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
"""The possible lengths of the second header of a BMP; many texts start with BM, too."""

AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
"""The brands of ISO media files; mp4 files have such brands, too.

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
"""The starts, in lower case, of files downloaded in place of others; what each is, and what to do."""

ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
}
"""The starts of archives, in which whole folders of pictures come; `datasets/archives.py` knows more."""

STOOD_IN = {what for what, _ in STAND_INS.values()}

OTHERS = {
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000 file",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL file",
    b"\xff\x0a": "a JPEG XL file",
    b"8BPS": "a Photoshop file",
    b"FUJIFILMCCD-RAW": "a camera raw file",
    b"IIRO": "a camera raw file",
    b"IIRS": "a camera raw file",
    b"IIU\x00": "a camera raw file",
    b"\x00\x00\x00\x18ftypcrx": "a camera raw file",
    b"II\xbc\x01": "a JPEG XR file",
    b"v/1\x01": "an OpenEXR file",
    b"<svg": "an SVG drawing",
    b"%PDF": "a PDF file",
    bytes(128) + b"DICM": "a DICOM file",
}
"""The starts of picture formats that cannot be read, and their names."""

STREAM = 16_000_000
"""Bytes at the start of a stream of JPEGs within which the third picture starts."""


def is_picture(path: str | Path) -> bool:
    """Returns whether a file starts like a picture, whatever its name.

    HEIC files count as pictures even if the package that reads them is not installed.
    """
    path = Path(path)
    try:
        with path.open("rb") if path.is_file() else io.BytesIO() as file:
            return picture_format(file.read(SNIFFED)) is not None
    except OSError:
        return False


def picture_format(start: bytes) -> str | None:
    """Returns the format of a picture from its first bytes, None for anything else.

    Example:
        >>> picture_format(b"GIF89a..."), picture_format(b"GIF, which is an animal")
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
    """Returns what was downloaded in place of a file, from its first bytes, and what to do; else None.

    Example:
        >>> stand_in(b"<!DOCTYPE html>")
        ('a web page', 'Download the file itself.')
    """
    folded = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((told for magic, told in STAND_INS.items() if folded.startswith(magic)), None)


def no_picture(start: bytes) -> tuple[str, str]:
    """Returns what an unreadable picture file really is, from its first bytes, and what to do.

    Example:
        >>> no_picture(b"8BPS...")
        ('a Photoshop file', 'Open it in a viewer and save it again as PNG.')
    """
    for magic, kind in ARCHIVES.items():
        if start.startswith(magic):
            return kind, "Unpack it."
    kind = next((kind for magic, kind in OTHERS.items() if start.startswith(magic)), NO_PICTURE)
    return stand_in(start) or (kind if start else "empty", SAVE_IT)


def neither(path: Path) -> tuple[str, str]:
    """Returns what a file is that is neither a picture nor a video, and what to do about it."""
    try:
        with path.open("rb") as file:
            what, remedy = no_picture(file.read(SNIFFED))
    except OSError:
        return "not accessible", "Check its permissions."
    known = what != NO_PICTURE
    return (what, remedy) if known else ("neither a picture nor a video that can be read", CONVERT_IT)


def is_still(path: Path) -> bool:
    """Returns whether a file is a picture or an animation, not a video made of JPEGs."""
    return is_picture(path) and not is_jpeg_stream(path)


def is_jpeg_stream(path: str | Path) -> bool:
    """Returns whether a file is a video made of JPEGs: three or more, one after the other.

    Phones append further pictures of the same scene to a photo, and most declare that in its header.
    """
    try:
        with Path(path).open("rb") as file:
            start = file.read(SNIFFED)
            if picture_format(start) != "JPEG":
                return False
            start += file.read(STREAM - len(start))
    except OSError:
        return False
    if b"MPF\0" in start[:65_536]:
        return False
    return start.count(b"\xff\xd9\xff\xd8\xff") >= 2
