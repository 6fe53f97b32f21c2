"""The errors of the package: what happened, what was expected, what to do.

Every error that a user can meet is an `ExpressionError` and also the built-in error that
fits it, so `except FileNotFoundError` works as it does elsewhere. Every module raises
them; `cli/app.py` prints them as one line and exits with their `exit_code`.

Notebook: 03_threads
"""

from __future__ import annotations

import contextlib
import csv
import difflib
import os
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from .sanitize import clean

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it
    LZMAError = EOFError

DAMAGE = (
    *(OSError, ValueError, TypeError, AttributeError, LookupError, RuntimeError, EOFError, AssertionError),
    *(ArithmeticError, BufferError, MemoryError, SyntaxError, Warning),
    *(zipfile.BadZipFile, tarfile.TarError, LZMAError, zlib.error, csv.Error, struct.error),
)
"""What csv, json, zipfile, numpy, h5py, Pillow, Keras and LiteRT raise for a damaged file.

RecursionError is a RuntimeError, UnicodeError a ValueError, OverflowError an ArithmeticError. Warning is
there for programs that turn warnings into errors, as our tests do.
"""


LONGEST = 300
"""Most characters of a library's message that an error quotes; some messages quote the whole file."""


class ExpressionError(Exception):
    """An error in three sentences, without control characters or passwords in addresses.

    Args:
        happened: What happened, with the value that caused it.
        expected: What would have been right.
        remedy: What the user can do now.

    Example:
        >>> print(BadInputError("--people is -1.", "Expected 1 or more.", "Try --people 5."))
        --people is -1. Expected 1 or more. Try --people 5.
    """

    exit_code = 1

    def __init__(self, happened: str, expected: str, remedy: str):
        self.happened, self.expected, self.remedy = clean(happened), clean(expected), clean(remedy)
        super().__init__(" ".join((self.happened, self.expected, self.remedy)))

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self):
        return type(self), (self.happened, self.expected, self.remedy)

    @property
    def _render_traceback_(self) -> Callable[[], list[str]]:
        """What IPython, and so a notebook, shows instead of a traceback, unless EXPRESSION_DEBUG=1."""
        if os.environ.get("EXPRESSION_DEBUG"):
            raise AttributeError
        return lambda: [f"\x1b[31m{type(self).__name__}\x1b[0m: {self.happened}", self.expected, self.remedy]


class BadInputError(ExpressionError, ValueError):
    """A value, an option or the content of a file cannot be used."""

    exit_code = 2


class MissingFileError(ExpressionError, FileNotFoundError):
    """A file or folder that was named does not exist."""

    exit_code = 2


class OutputError(ExpressionError, OSError):
    """A file or folder cannot be written."""

    exit_code = 2


class SourceError(ExpressionError, OSError):
    """A camera, video or stream cannot be opened."""

    exit_code = 2


class SourceLostError(ExpressionError, ConnectionError):
    """A camera or stream that was open sends no more frames."""


class DisplayError(ExpressionError, RuntimeError):
    """A display was requested that cannot work here."""

    exit_code = 2


class MissingPackageError(ExpressionError, ImportError):
    """A feature needs a package that is not installed."""


class RunError(ExpressionError, RuntimeError):
    """Something failed during a run that no other error describes."""


@contextlib.contextmanager
def as_bad_input(
    happened: str, expected: str, remedy: str, kind: type[ExpressionError] = BadInputError
) -> Iterator[None]:
    """Turns what libraries raise for damaged input into an error of ours.

    A PermissionError is passed on: the file may be intact. So is an ExpressionError, which says more already.

    Args:
        happened: What happened, without a full stop; the library's message follows in brackets.
        expected: What would have been right.
        remedy: What the user can do now.
        kind: The error; a RunError for a response that may be right the next time.

    Example:
        >>> with as_bad_input("a.json is not a card", "Expected JSON.", "Fetch it again."):
        ...     raise ValueError
        Traceback (most recent call last):
        expression.errors.BadInputError: a.json is not a card (ValueError). Expected JSON. Fetch it again.
    """
    try:
        yield
    except (PermissionError, ExpressionError):
        raise
    except DAMAGE as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(". ")
        said = said if len(said) <= LONGEST else f"{said[:LONGEST]} ..."
        raise kind(f"{happened} ({said}).", expected, remedy) from error


def missing_package(feature: str, package: str, extra: str | None = None) -> MissingPackageError:
    """Returns the error for an optional package that is not installed.

    Args:
        feature: What the user asked for, as a noun: "The speech sink".
        package: The name under which pip knows the package.
        extra: The name of the extra that installs it, if there is one.
    """
    return MissingPackageError(
        f"{feature} needs the package {package}, which is not installed.",
        "Expected it in this Python environment.",
        install_line(extra) if extra else f"Run: pip install {package}",
    )


def install_line(extra: str) -> str:
    """Returns how to install an extra; the name alone belongs to another project on PyPI.

    Example:
        >>> print(install_line("speech"))
        Run in the project's folder: pip install -e ".[speech]"
    """
    return f'Run in the project\'s folder: pip install -e ".[{extra}]"'


def did_you_mean(
    word: object, names: Iterable[str], otherwise: str = "Choose one of these.", cutoff: float = 0.6
) -> str:
    """Returns the remedy for a word that is not one of some names: the closest name, if one is close.

    Args:
        word: What the user wrote; case does not matter.
        names: What would have been right; the error lists them as expected.
        otherwise: The remedy if no name is similar.
        cutoff: How similar the two must be, from 0 to 1, as in difflib.

    Example:
        >>> did_you_mean("yunnet", ["haar", "yunet"]), did_you_mean("camera", ["haar", "yunet"])
        ('Did you mean yunet?', 'Choose one of these.')
    """
    near = nearest(word, names, cutoff)
    return otherwise if near is None else f"Did you mean {near}?"


def nearest(word: object, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Returns which of some names is most similar to a word, as `did_you_mean` finds it, or None.

    Example:
        >>> nearest("hapy", ["Sad", "Happy"])
        'Happy'
    """
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(str(word).casefold(), folded, 1, cutoff)
    return folded[near[0]] if near else None


def user_path(text: str | Path) -> Path:
    """Returns a path that a user wrote, with ~ expanded; it need not exist.

    Raises:
        MissingFileError: Nothing can exist there: it is an address, too long, or in a locked folder.

    Example:
        >>> user_path("~nobody-of-this-name/video.mp4").name
        'video.mp4'
    """
    if isinstance(text, str) and re.match(r"[a-z][a-z0-9+.-]+://", text, re.IGNORECASE):
        fetch = "Download it and give its path; `live` and `preprocess` read addresses as well."
        raise MissingFileError(  # as a path it would lose a slash, and look like something else
            f"{text} is an address.",
            "Expected the path of a file or folder on this computer.",
            "Give its path, without file://." if text.casefold().startswith("file:") else fetch,
        )
    path = Path(os.path.expanduser(text))  # Path.expanduser raises where there is no such user
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        raise MissingFileError(
            f"{path} cannot be reached ({getattr(error, 'strerror', None) or error}).",
            "Expected a file or folder that can be opened.",
            "Check the name and the folder.",
        ) from error
    return path
