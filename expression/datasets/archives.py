"""Recognises kinds of files by their first bytes, and finds text tables inside archives.

`fer2013.py` and `folders.py` use it: a table is read directly from a .gz, .zip or .tar file,
whatever the file is called; the user has to unpack anything else in an archive.
Nothing is ever unpacked to disk here.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import contextlib
import gzip
import importlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from ..errors import DAMAGE, BadInputError, as_bad_input
from ..files import is_housekeeping, read_start
from ..pictures.kinds import ARCHIVES, STAND_INS, stand_in
from ..sanitize import printable

TABLES = (".csv", ".tsv", ".txt", ".lst")
"""File name extensions of tables inside archives."""

LARGEST = 4 << 30
"""Largest size of an unpacked table in an archive, in bytes; FER2013 has 300 million."""

MEMBERS = 100_000
"""Number of entries of an archive that are examined, at most."""

MAGIC = {
    **ARCHIVES,
    b"PK\x05\x06": "an empty zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"PAR1": "a Parquet table",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"\x80\x02": "a Python pickle",
    b"\x80\x03": "a Python pickle",
    b"\x80\x04\x95": "a Python pickle",
    b"\x80\x05\x95": "a Python pickle",
    b"SQLite format 3": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an Excel workbook or another Office file",
    b"MATLAB 5.0": "a MATLAB file",
    b"%PDF": "a PDF file",
}
"""Kinds of files, by their first bytes."""

ENCRYPTED = 1
"""The flag of an encrypted member of a zip archive.

Source: APPNOTE 4.4.4, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

READ = ("a zip archive", "a gzip archive", "a tar archive", "a bzip2 archive", "an xz archive")
"""Archives that Python can open."""


REMEDIES = dict(STAND_INS.values())
FETCH_IT = "Download or export it again."


class TableFile(NamedTuple):
    """A text table, in its own file or inside an archive.

    Attributes:
        path: The file.
        member: Its name in the archive; empty if it is the file itself or the whole compressed content.
    """

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path} ({printable(self.member)})" if self.member else str(self.path)

    @property
    def name(self) -> str:
        """The table's own name in lower case, without the extension of a compressed file."""
        name = PurePosixPath(self.member.replace("\\", "/") or self.path.name).name.casefold()
        return name.removesuffix(".gz").removesuffix(".bz2").removesuffix(".xz")

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Opens it for reading, decompressed."""
        with contextlib.ExitStack() as stack:
            kind = archive_kind(self.path)
            if self.member and kind == "a zip archive":
                archive = stack.enter_context(zipfile.ZipFile(self.path))
                file = stack.enter_context(archive.open(self.member))
            elif self.member:
                archive = stack.enter_context(tarfile.open(self.path))
                file = stack.enter_context(archive.extractfile(self.member))
            else:
                file = stack.enter_context(_unpacked(self.path, kind))
            yield _Limited(file, self) if self.member or kind in READ else file


class _Limited(io.RawIOBase):
    """A file that raises an error once more has been read from it than a table may hold."""

    def __init__(self, file: BinaryIO, table: TableFile):
        self._file, self._table, self._left = file, table, LARGEST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        found = self._file.read(len(buffer))
        self._left -= len(found)
        if self._left < 0:
            raise BadInputError(
                f"{self._table} is larger than {LARGEST >> 30} GB when unpacked.",
                "Expected a table of pictures.",
                "Unpack it, and choose the table itself if it is the right file.",
            )
        buffer[: len(found)] = found
        return len(found)


def archive_kind(path: Path) -> str | None:
    """Returns what kind of archive or other known file something is, such as "a zip archive"; None for text.

    Raises:
        OSError: It cannot be read.
    """
    kind = _kind(read_start(path, 512))
    if kind != "a zip archive":
        return kind
    with contextlib.suppress(*DAMAGE), zipfile.ZipFile(path) as archive:
        return _kind_of_zip(archive.namelist()[:MEMBERS]) or kind
    return kind


def is_archive(path: Path) -> bool:
    """Returns whether a file is an archive, judged by its first bytes."""
    try:
        return (archive_kind(path) or "").endswith("archive")
    except OSError:
        return False


def _kind(start: bytes) -> str | None:
    if start[257:262] == b"ustar":
        return "a tar archive"
    kind = next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), None)
    return kind or (stand_in(start) or (None,))[0]


def tables_in(path: Path) -> list[TableFile]:
    """Returns the tables in a file: the file itself, or those inside it if it is an archive.

    Raises:
        BadInputError: It is damaged, or a kind of archive that cannot be opened here.
    """
    told = as_bad_input(
        f"{path} cannot be opened", "Expected a table or a complete archive.", "Download it or pack it again."
    )
    with told:
        kind = archive_kind(path) if path.stat().st_size else "an empty file"
        if kind == "a zip archive":
            with zipfile.ZipFile(path) as archive:
                entries = [info for info in archive.infolist()[:MEMBERS] if not info.is_dir()]
            names = [info.filename for info in entries]
            locked = any(info.flag_bits & ENCRYPTED for info in entries)
            kind = "an encrypted zip archive" if locked else _kind_of_zip(names) or kind
            if kind == "a zip archive":
                return _tables(path, names)
        elif kind in READ and (kind == "a tar archive" or _holds_a_tar(path, kind)):
            return _tables(path, _members(path))
        elif kind in READ or kind is None:
            return [TableFile(path)]
    raise BadInputError(
        f"{path} is {kind}.",
        "Expected a text table, a folder of pictures, or a .zip, .tar or .gz file with a table in it.",
        "Unpack it and choose the folder." if kind.endswith("archive") else REMEDIES.get(kind, FETCH_IT),
    )


def _kind_of_zip(names: list[str]) -> str | None:
    """Returns what a zip archive really contains, judged by its names; None if it is an ordinary one."""
    if "xl/workbook.xml" in names:
        return "an Excel workbook"
    return "a file of NumPy arrays" if names and all(name.endswith(".npy") for name in names) else None


def _tables(path: Path, names: list[str]) -> list[TableFile]:
    """Returns the tables among the members of an archive."""
    places = [PurePosixPath(name.replace("\\", "/")) for name in names]
    return [
        TableFile(path, name)
        for name, place in zip(names, places, strict=True)
        if place.suffix.casefold() in TABLES and not any(map(is_housekeeping, place.parts))
    ]


def _members(path: Path) -> list[str]:
    """Returns the names of the files in a tar archive, without links and devices."""
    names, size = [], 0
    with tarfile.open(path) as archive:
        for count, member in enumerate(archive):
            size += member.size
            if count >= MEMBERS or size > LARGEST:  # skipping a compressed member means decompressing it
                break
            if member.isreg():
                names.append(member.name)
    return names


def _holds_a_tar(path: Path, kind: str) -> bool:
    """Returns whether the compressed content of a file is a tar archive."""
    with _unpacked(path, kind) as file:
        return _kind(file.read(512)) == "a tar archive"


def _unpacked(path: Path, kind: str | None) -> BinaryIO:
    """Opens a file, decompressing it if it is compressed."""
    if kind == "a gzip archive":
        return gzip.open(path)
    module = {"an xz archive": "lzma", "a bzip2 archive": "bz2"}.get(kind)
    if not module:
        return path.open("rb")
    try:
        return importlib.import_module(module).open(path)
    except ImportError as error:
        raise BadInputError(
            f"{path} is {kind}, and this Python was built without {module}.",
            "Expected a text table, or a .zip, .tar or .gz file with one in it.",
            "Unpack it and choose the unpacked file.",
        ) from error
