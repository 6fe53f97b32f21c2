"""Files that are written completely or not at all, cells that no spreadsheet runs, one writer at a time.

Everything that writes a file for the user writes it with this module.

Notebook: 08_your_face
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
"""Largest file of settings, keys or labels that is read, in bytes; those that people write are smaller."""

REMEDY = "Create the folder, free some space, or choose another place."

PRIVATE, PRIVATE_FOLDER = 0o600, 0o700
"""Modes of files about people, such as faces, readings and keys: only their owner can read them."""

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
"""Names, in lower case, of what systems, NAS boxes and archives leave beside a user's files."""


def is_housekeeping(name: str) -> bool:
    """Returns whether a file or folder is hidden or left by the system, and so not the user's data.

    Args:
        name: Its name, without the folder it is in.

    Example:
        >>> [is_housekeeping(name) for name in ("._face1.png", "Thumbs.db", "face1.png")]
        [True, True, False]
    """
    return name.startswith(".") or name.casefold() in HOUSEKEEPING


def natural(name: str) -> list[tuple[int, str]]:
    """Returns a sort key that orders names as people do.

    Example:
        >>> sorted(["face10.png", "face2.png"], key=natural)
        ['face2.png', 'face10.png']
    """
    parts = re.split(r"([0-9]{1,18})", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def own_folder(kind: str) -> Path:
    """Returns the system's folder for this user's settings, state or cache; it may not exist yet.

    State and cache must be writable, so where they are not, a folder of the user's own below the one for
    temporary files is used. All three go there if the user has no home.

    Args:
        kind: config, state or cache.
    """
    import platformdirs

    try:
        folder: Path = getattr(platformdirs, f"user_{kind}_path")("expression", appauthor=False)
    except RuntimeError:  # the user has no home
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
    except OSError:  # no space for temporary files either
        return _unlikely_folder()
    mine = not hasattr(os, "getuid") or about.st_uid == os.getuid()
    safe = stat.S_ISDIR(about.st_mode) and mine and not about.st_mode & 0o022
    return folder if safe else _unlikely_folder()


@functools.cache
def _unlikely_folder() -> Path:
    """Returns a folder whose name nobody can predict, the same for as long as the process runs."""
    return Path(os.path.abspath(os.sep), "tmp", f"expression-{os.urandom(8).hex()}")


def read_small(path: Path, expected: str, remedy: str, most: int = MOST_BYTES) -> str:
    """Returns the text of a small file, in UTF-8 or, as some editors save it, in UTF-16.

    Args:
        path: The file.
        expected: What should be in it, a sentence.
        remedy: What the user can do if it contains something else.
        most: Most bytes that it may have.

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
        happened = f"{path} is a broken link." if path.is_symlink() else f"There is no file {path}."
        raise MissingFileError(happened, expected, remedy) from error
    except PermissionError as error:
        raise BadInputError(
            f"You do not have permission to read {path}.", expected, "Check its permissions."
        ) from error
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise BadInputError(f"{path} cannot be read ({said}).", expected, remedy) from error
    if len(content) > most:
        raise BadInputError(f"{path} has more than {most:,} bytes.", expected, remedy)
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} is not UTF-8 text ({error.reason}).", expected, remedy) from error


def read_start(path: Path, most: int) -> bytes:
    """Returns the first bytes of a file, however large it is."""
    with path.open("rb") as file:
        return file.read(most)


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o666, remedy: str = REMEDY) -> Iterator[Path]:
    """Provides an empty file to write to, which replaces another once it is complete.

    If the body raises, the other file stays as it was. The new one is created beside it under a name that
    nobody can predict, so no existing link is followed, and two programs never share it. A link to a file
    stays a link, and an existing file keeps its permissions. A device or pipe gets the content at the end.

    Args:
        path: The file to replace; it need not exist.
        mode: Its permissions at most, from the start; less those that the system denies to new files.
        remedy: What the user can do if it cannot be written.

    Raises:
        OutputError: The folder is missing or locked, or the disk is full.
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
    """Writes a file completely or leaves it as it was, even if the power fails; see `replacing`."""
    with replacing(path, mode, remedy) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str, mode: int = 0o666, remedy: str = REMEDY) -> None:
    """Writes a text file in UTF-8, as it is; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"), mode, remedy)


@contextlib.contextmanager
def as_output_error(path: Path, remedy: str = REMEDY) -> Iterator[None]:
    """Turns what the system raises for something that cannot be written into an OutputError.

    Errors of this package are passed on: they already say what happened.

    Args:
        path: The file that is written, or its folder.
        remedy: What the user can do.
    """
    try:
        yield
    except ExpressionError:
        raise
    except (FileExistsError, NotADirectoryError) as error:
        there = Path(error.filename or path)
        file = next((place for place in (there, *there.parents) if place.is_file()), there)
        raise OutputError(
            f"{path} cannot be written, because {file} is not a folder.",
            "Expected a folder of that name, or nothing.",
            "Rename what is there, or choose another place.",
        ) from error
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}).",
            "Expected a folder that exists and is writable, and enough space on the disk.",
            remedy,
        ) from error


def check_folder(path: Path, option: str) -> None:
    """Raises an OutputError unless the folder of a file that is to be written exists.

    Args:
        path: The file.
        option: The option that names it, such as --out.
    """
    if not path.parent.is_dir():
        is_there = os.path.lexists(path.parent)
        raise OutputError(
            f"{path.parent} is not a folder." if is_there else f"There is no folder {path.parent}.",
            f"Expected one for {option}.",
            "Choose another." if is_there else "Create it, or choose another.",
        )


def read_by_others(path: Path) -> str:
    """Returns the mode of a file that others can read, such as "644"; empty if nobody else can.

    Windows has no such modes.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{mode:o}" if os.name == "posix" and mode & 0o077 else ""


def check_private(path: Path, what: str, expected: str) -> None:
    """Raises a BadInputError if others can read a file.

    Args:
        path: The file.
        what: What messages call it, to start a sentence.
        expected: Why they must not, such as "readable only by you".
    """
    if mode := read_by_others(path):
        raise BadInputError(
            f"{what} can be read by other users (mode {mode}).",
            f"Expected mode 600, {expected}.",
            f"Run: chmod 600 {path}",
        )


def private(path: str, flags: int) -> int:
    """Opens a file; a new one may be read only by its owner."""
    return os.open(path, flags, PRIVATE)


def hold(path: Path, busy: ExpressionError, seconds: float = 0.0, remedy: str = REMEDY) -> FileLock:
    """Locks a file or folder for this program; pass the result to `let_go` to release it.

    Args:
        path: A lock file, beside or in what is to be locked; created if missing, with its folder.
        busy: What to raise if another program, or another part of this one, holds it.
        seconds: How long to wait for it.
        remedy: What the user can do if the lock file cannot be written.

    Raises:
        OutputError: The lock file cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, mode=PRIVATE, thread_local=False)
    with as_output_error(path, remedy):
        # Older releases of filelock empty the file, which may be another one too: a lock has one name.
        if os.path.lexists(path) and path.lstat().st_nlink > 1 and not path.is_dir():
            path.unlink()
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            raise busy from None
    return lock


def hold_output(path: Path, remedy: str) -> FileLock:
    """Locks a file that a run writes, by a hidden lock file beside it; `let_go` releases it.

    Raises:
        BadInputError: Another run is writing it.
        OutputError: The lock file cannot be written.
    """
    place = path.resolve()
    busy = f"{path} is being written by another run, or by another part of this one."
    return hold(
        place.with_name(f".{place.name}.lock"), BadInputError(busy, "Expected one run at a time.", remedy)
    )


def let_go(lock: FileLock | None) -> None:
    """Releases what `hold` returned, and removes the lock file. Calling it again, or with None, is safe."""
    if lock is not None and lock.is_locked:  # otherwise the file is somebody else's
        with contextlib.suppress(OSError):  # Windows removes it by itself
            os.unlink(lock.lock_file)
        lock.release()


def csv_cell(value: object) -> object:
    """Returns a cell that a spreadsheet shows but does not run; numbers stay as they are.

    Text that would start a formula gets an apostrophe first, also after a semicolon or tab, where
    spreadsheets in some countries start a new cell.

    Source: https://owasp.org/www-community/attacks/CSV_Injection

    Example:
        >>> [csv_cell(cell) for cell in ("=1+1", "Happy", "a;-b", -0.5)]
        ["'=1+1", 'Happy', "a;'-b", -0.5]
    """
    return _FORMULA.sub("\\1'", value) if isinstance(value, str) else value


_FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@\t\r＝＋－＠])")
