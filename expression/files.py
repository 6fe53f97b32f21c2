"""Files that are whole or not there, cells that no spreadsheet runs, and one writer at a time.

Whatever writes a file for a reader does so with it.

Notebook: 07_your_face
"""

from __future__ import annotations

import codecs
import contextlib
import functools
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import BadInputError, ExpressionError, MissingFileError, OutputError

if TYPE_CHECKING:
    from filelock import FileLock

MOST_BYTES = 1_000_000
"""Bytes of a file of settings, keys or labels that are read at most; none that people write is as large."""

REMEDY = "Make the folder, or room, or choose another."

PRIVATE, PRIVATE_FOLDER = 0o600, 0o700
"""Modes of what is about people, such as faces, readings and keys: nobody but their owner reads them."""

HOUSEKEEPING = {
    *(
        "__macosx",
        "@eadir",
        "#recycle",
        "$recycle.bin",
        "@recycle",
        "lost+found",
        "system volume information",
    ),
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"),
}
"""Names, in small letters, of what systems, NAS boxes and archives leave beside a user's files."""


def is_housekeeping(name: str) -> bool:
    """Returns whether a file or folder is hidden or left by a system, and so not the user's data.

    Args:
        name: Its name, without the folder it is in.

    Example:
        >>> [is_housekeeping(name) for name in ("._face1.png", "Thumbs.db", "face1.png")]
        [True, True, False]
    """
    return name.startswith(".") or name.casefold() in HOUSEKEEPING


def natural(name: str) -> list[tuple[int, str]]:
    """Returns what sorts names as people do.

    Example:
        >>> sorted(["face10.png", "face2.png"], key=natural)
        ['face2.png', 'face10.png']
    """
    parts = re.split(r"([0-9]{1,18})", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def own_folder(kind: str) -> Path:
    """Returns the folder that the system has for this user's settings, state or cache; it may not exist yet.

    State and cache are to be written, so where that is not possible they go into a folder of the user's own
    below that for temporary files. So do all where the user has no home.

    Args:
        kind: config, state or cache.
    """
    import platformdirs

    try:
        folder: Path = getattr(platformdirs, f"user_{kind}_path")("expression", appauthor=False)
    except RuntimeError:  # there is no home
        return _temporary_folder() / kind
    there = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), folder)
    usable = kind == "config" or (there.is_dir() and os.access(there, os.W_OK | os.X_OK))
    return folder if folder.is_absolute() and usable else _temporary_folder() / kind


def _temporary_folder() -> Path:
    """Returns a folder for temporary files that belongs to this user alone."""
    user = str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    try:
        folder = Path(tempfile.gettempdir()) / f"expression-{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        about = folder.lstat()
    except OSError:  # no room for temporary files either
        return _unlikely_folder()
    mine = not hasattr(os, "getuid") or about.st_uid == os.getuid()
    safe = stat.S_ISDIR(about.st_mode) and mine and not about.st_mode & 0o022
    return folder if safe else _unlikely_folder()


@functools.cache
def _unlikely_folder() -> Path:
    """Returns a folder whose name nobody could foresee, the same for the length of the process."""
    return Path(os.path.abspath(os.sep), "tmp", f"expression-{os.urandom(8).hex()}")


def read_small(path: Path, expected: str, remedy: str, most: int = MOST_BYTES) -> str:
    """Returns the text of a small file, in UTF-8 or, as some editors save it, in UTF-16.

    Args:
        path: The file.
        expected: What should be in it, a sentence.
        remedy: What the user can do where it is something else.
        most: Bytes that it may have.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: It is a folder or a device, too large, not text, or locked.
    """
    try:
        if path.exists() and not path.is_file():
            raise BadInputError(f"{path} is not a file.", expected, remedy)
        with path.open("rb") as file:
            content = file.read(most + 1)
    except BadInputError:  # which is a ValueError
        raise
    except FileNotFoundError as error:
        happened = f"{path} is a link to nothing." if path.is_symlink() else f"There is no file {path}."
        raise MissingFileError(happened, expected, remedy) from error
    except PermissionError as error:
        raise BadInputError(f"{path} cannot be read by you.", expected, "Check its permissions.") from error
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise BadInputError(f"{path} cannot be read ({said}).", expected, remedy) from error
    if len(content) > most:
        raise BadInputError(f"{path} has more than {most:,} bytes.", expected, remedy)
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} is not text in UTF-8 ({error.reason}).", expected, remedy) from error


def read_start(path: Path, most: int) -> bytes:
    """Returns the first bytes of a file, however large that is."""
    with path.open("rb") as file:
        return file.read(most)


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o666, remedy: str = REMEDY) -> Iterator[Path]:
    """Gives an empty file to write to, which takes the place of another once it is complete.

    If the body raises, the other file stays as it was. The new one lies beside it under a name that nobody
    can predict, so no link that lies there already is followed, and two programs do not meet in it. A link to
    a file stays one, and who may read a file that was there stays so. A device or pipe gets the content in
    the end.

    Args:
        path: The file to replace; it need not exist.
        mode: Who may read it at most, from its first moment; less what the system withholds from new files.
        remedy: What the user can do where it cannot be written.

    Raises:
        OutputError: The folder is missing or locked, or there is no room.
    """
    ending = "".join(path.suffixes[-2:])  # Keras wants its own: .keras, .weights.h5
    name = f".part-{secrets.token_hex(8)}{ending}"
    with as_output_error(path, remedy):
        special = path.exists() and not path.is_file()
        target = path if special else Path(os.path.realpath(path))
        kept = target.is_file() and stat.S_IMODE(target.stat().st_mode) & mode
        part = (Path(tempfile.gettempdir()) if special else target.parent) / name
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, kept or mode))
        try:
            yield part
            if special:
                target.write_bytes(part.read_bytes())
                return
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            if kept:
                part.chmod(kept)
            os.replace(part, target)
        finally:
            with contextlib.suppress(OSError):
                part.unlink()


def write_bytes(path: Path, content: bytes, mode: int = 0o666, remedy: str = REMEDY) -> None:
    """Writes a file that is there as a whole or as it was, even if the power fails; see `replacing`."""
    with replacing(path, mode, remedy) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str, mode: int = 0o666, remedy: str = REMEDY) -> None:
    """Writes a text file in UTF-8, as it is; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"), mode, remedy)


@contextlib.contextmanager
def as_output_error(path: Path, remedy: str = REMEDY) -> Iterator[None]:
    """Turns what the system raises where something cannot be written into an OutputError.

    Errors of this package pass: they say what they are about.

    Args:
        path: What is written, or the folder.
        remedy: What the user can do.
    """
    try:
        yield
    except ExpressionError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}).",
            "Expected a folder that is there and writable, and room on the disk.",
            remedy,
        ) from error


def read_by_others(path: Path) -> str:
    """Returns the mode of a file that others may read, such as "644"; empty where nobody else may.

    Windows has no such mode.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{mode:o}" if os.name == "posix" and mode & 0o077 else ""


def hold(path: Path, busy: ExpressionError, seconds: float = 0.0, remedy: str = REMEDY) -> FileLock:
    """Locks a file or folder for this program; `let_go` of what is returned lets others have it.

    Args:
        path: A lock file, beside or in what is to be locked; made where it is missing, with its folder.
        busy: What is raised where another program, or another part of this one, holds it.
        seconds: How long that is waited for.
        remedy: What the user can do where the lock file cannot be written.

    Raises:
        OutputError: The lock file cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, mode=PRIVATE, thread_local=False)
    with as_output_error(path, remedy):
        # Older releases of filelock empty the file, which may also be another one: a lock has one name.
        if os.path.lexists(path) and path.lstat().st_nlink > 1 and not path.is_dir():
            path.unlink()
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            raise busy from None
    return lock


def let_go(lock: FileLock | None) -> None:
    """Gives back what `hold` returned, and removes the lock file. Twice does no harm, nor does None."""
    if lock is not None and lock.is_locked:  # else the file is somebody else's
        with contextlib.suppress(OSError):  # Windows removes it by itself
            os.unlink(lock.lock_file)
        lock.release()


def csv_cell(value: object) -> object:
    """Returns a cell that a spreadsheet shows and does not run; numbers stay as they are.

    Text that would begin a formula gets an apostrophe first, also after a semicolon or tab, where
    spreadsheets of some countries begin a new cell.

    Source: https://owasp.org/www-community/attacks/CSV_Injection

    Example:
        >>> [csv_cell(cell) for cell in ("=1+1", "Happy", "a;-b", -0.5)]
        ["'=1+1", 'Happy', "a;'-b", -0.5]
    """
    return _FORMULA.sub("\\1'", value) if isinstance(value, str) else value


_FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@\t\r＝＋－＠])")
