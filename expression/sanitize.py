r"""Text for people: safe to show, in words, and printed whatever happens to the terminal.

Names of files, lamps, labels and cameras come from anywhere, and addresses may contain passwords. Errors and
log lines pass through `clean` automatically; whatever prints a name uses `printable` or `say`. `some`,
`counted` and `file_size` put lists and numbers into words. `say` prints a line even to a closed pipe, and
`discard_output` lets a program end there without an error.

Notebook: 03_threads
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

LONGEST = 2000
"""Most characters of a sentence of an error or of a log line; the middle of a longer one is left out."""

JOINING = "\u200c\u200d"
"""Zero-width non-joiner and joiner, for Persian words and some emoji; Python calls them unprintable."""

HARMLESS = f"{JOINING}\u00a0\u3000"
"""Characters that Python calls unprintable but no terminal acts on: the joiners, and two kinds of spaces."""

ADDRESS = re.compile(
    r"\b([a-z][a-z0-9+.-]*://|[a-z][a-z0-9+.-]+:/)((?:[^\s/@:]+:[^\n]{0,100}?@(?=[\w\[]))?[^\s<>]*)",
    re.IGNORECASE,
)
"""An address in a text, in two groups: the scheme with ://, and the rest; a password may have spaces.

A path that was made of an address has :/ instead; C:/ is a path of Windows.
"""

SECRET_PART = re.compile(r"(\?)|([#;])(?=[^#;]*=)|(?<=/)[^/?#;]*=")
"""The start of what may be secret after the host: a query, a parameter with a value, or a part of the path
with one, as in the addresses of many cameras: /user=admin_password=..._channel=1."""

NO_HOST = re.compile(r"(?!\[)[^/?#\s:]+:(?!\d*([/?#.,;:)\]'\"]|$))")
"""A user and a password without a host: what follows the colon is no port."""

USER_AT_HOST = re.compile(
    r"(?<![\w.%+-])(?![a-z]:[\\/])[\w.%+-]+:(?!//)(?:[^\s@]+@)+(?=[\w\[])", re.IGNORECASE
)
r"""user:password@ without a scheme before it; not C:\me@work, a path of Windows."""


def printable(text: object, longest: int = 80) -> str:
    r"""Returns a text that can be printed: control characters escaped, not too long.

    Example:
        >>> print(printable("a\x1b[31m.jpg"))
        a\x1b[31m.jpg
    """
    text = str(text)
    if len(text) > longest:
        text = f"{text[: longest // 2]}...{text[-longest // 3 :]}"
    if is_printable(text):
        return text
    return "".join(
        c if is_printable(c) else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def some(names: Sequence[object], most: int, count: int = 0) -> str:
    """Returns the first names of many, and how many more there are.

    Args:
        names: The names, all or the first few.
        most: How many to name.
        count: How many there are; 0 if `names` has all.

    Example:
        >>> some(["a", "b", "c"], 2), some(["a"], 2, 9)
        ('a, b and 1 more', 'a and 8 more')
    """
    shown = names[:most]
    more = max(count, len(names)) - len(shown)
    return ", ".join(map(printable, shown)) + (f" and {more} more" if more else "")


def counted(count: int, one: str, several: str = "") -> str:
    """Returns a number of things in words.

    Args:
        count: How many.
        one: The word for one of them.
        several: The word for several; by default, with an s.

    Example:
        >>> counted(1, "frame"), counted(1200, "frame"), counted(2, "person", "people")
        ('1 frame', '1,200 frames', '2 people')
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def file_size(size: int) -> str:
    """Returns a number of bytes in words.

    Example:
        >>> file_size(85_200), file_size(1_340_000)
        ('85 KB', '1.3 MB')
    """
    return f"{size / 1e6:.1f} MB" if size >= 999_500 else f"{max(1, round(size / 1e3))} KB"


def is_printable(text: str) -> bool:
    """Returns whether no character of a text has to be escaped before it is printed."""
    return text.isprintable() or all(letter.isprintable() or letter in HARMLESS for letter in text)


def without_secrets(address: str) -> str:
    """Returns an address without user, password, path and query, any of which may be secret.

    Example:
        >>> without_secrets("rtsp://me:secret@192.168.0.7:554/cam?password=secret")
        'rtsp://192.168.0.7:554'
    """
    scheme, _, rest = address.partition("://")
    host, *path = re.split(r"[/?#]", rest, maxsplit=1)
    plain = re.fullmatch(r"([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d*)?", host.rpartition("@")[2])
    if not plain or "@" in "".join(path):  # A password with a slash would look like a host.
        return f"{scheme}://..."
    return f"{scheme}://{plain.group()}"


def hide_secrets(text: str) -> str:
    """Returns a text in which addresses have no user, password, query and other values.

    Example:
        >>> hide_secrets("401: rtsp://me:secret@cam/1?key=secret, or me:secret@cam")
        '401: rtsp://...@cam/1?..., or ...@cam'
        >>> hide_secrets("rtsp://cam:554/user=me_password=secret_channel=1")
        'rtsp://cam:554/...'
    """
    return USER_AT_HOST.sub("...@", ADDRESS.sub(_hidden, text))


def _hidden(found: re.Match[str]) -> str:
    """Returns an address that `ADDRESS` found, without what may be secret."""
    scheme, rest = found.groups()
    _, at, place = rest.rpartition("@")
    ends = re.search(r"[.,;:)\]'\"]*$", rest).group()  # the end of the sentence around it
    if not at and NO_HOST.match(place):
        return f"{scheme}...{ends}"
    secret = SECRET_PART.search(place.removesuffix(ends))
    if secret:
        place = f"{place[: secret.start()]}{secret[1] or secret[2] or ''}...{ends}"
    return f"{scheme}{'...@' if at else ''}{place}"


def clean(text: object, longest: int = LONGEST) -> str:
    """Returns a text that may be shown: no secrets in addresses, printable, not too long."""
    text = str(text)
    shown = hide_secrets(text[: 2 * longest])
    if len(text) > 2 * longest:  # an address at the cut may contain a secret
        shown = f"{shown[: longest - 3]}..."
    return printable(shown, longest)


def for_console(text: object) -> str:
    """Returns a text as `clean` does, with escapes for what the console cannot display."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return clean(text).encode(encoding, "backslashreplace").decode(encoding)


def say(text: object = "") -> None:
    """Prints a line, whatever it contains, even if the terminal or pipe was closed."""
    with contextlib.suppress(OSError, ValueError):  # a terminal or file that was closed
        print(for_console(text), flush=True)


def discard_output(stream: TextIO | None = None) -> None:
    """Discards whatever else is printed, so that the program does not fail at its end over a closed pipe.

    Args:
        stream: sys.stdout by default, or sys.stderr.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, (stream or sys.stdout).fileno())
        os.close(nowhere)


class _Clean(logging.Filter):
    """Cleans every line that the package logs, including the tracebacks of EXPRESSION_DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = clean(record.getMessage()), ()
        if record.exc_info and record.exc_info[1]:
            record.exc_text = hide_secrets("".join(traceback.format_exception(*record.exc_info))).rstrip()
        return True


logging.getLogger("expression").addFilter(_Clean())
