"""What to say where an address gives no picture: each cause has its own remedy.

`stream.py` asks it. No message shows more of an address than its host.

Notebook: 03_threads
"""

from __future__ import annotations

import errno
import socket

import av

from ..errors import SourceError
from ..sanitize import printable
from ._streams import NoVideoError

PLAYS = "Expected an rtsp or http address that plays in a viewer such as VLC."

ESCAPES = "Check them in a viewer such as VLC; in the address an @ is written %40, a colon %3A, a slash %2F."

UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN}


def trouble(shown: str, error: BaseException | None, user: bool, seconds: float) -> SourceError:
    """Returns the error for an address that gives no picture.

    Args:
        shown: The address without its secrets.
        error: What was raised; a TimeoutError where it answered and no picture came, None where it ended
            before the first picture.
        user: Whether the address has a user and password.
        seconds: How long was waited.
    """
    why, expected, remedy = _refused(error, user) or _absent(error) or _silent(error, seconds)
    return SourceError(f"No pictures come from {shown}: {why}.", expected, remedy)


def _refused(error: BaseException | None, user: bool) -> tuple[str, str, str] | None:
    """Returns why, what was expected and what to do, for an answer that is a refusal."""
    if isinstance(error, av.error.HTTPUnauthorizedError):
        why = "it refuses this user and password" if user else "it asks for a user and a password"
        expected = "Expected those of the camera in the address: SCHEME://USER:PASSWORD@HOST/PATH."
        return f"{why} (401)", expected, ESCAPES
    if isinstance(error, av.error.HTTPForbiddenError):
        expected = "Expected an address that this user may see."
        return "it forbids this (403)", expected, "Allow it in the settings of the camera or server."
    if isinstance(error, av.error.HTTPNotFoundError):
        remedy = "Look up the path of its stream in the manual of the camera."
        return "there is nothing under this path (404)", PLAYS, remedy
    if isinstance(error, (av.error.HTTPError, av.error.HTTPClientError)):
        said = printable(str(error.strerror)).rstrip(". ")
        return f"it answers with an error ({said})", PLAYS, "Restart the camera or server, or try later."
    return None


def _absent(error: BaseException | None) -> tuple[str, str, str] | None:
    """Returns the same where nobody answers."""
    if isinstance(error, socket.gaierror):
        remedy = "Check the name, or write the number of the camera, such as 192.168.0.7."
        return "no host has this name", "Expected the name or number of a host.", remedy
    if isinstance(error, ConnectionRefusedError):
        remedy = "Check the port, and that the camera is switched on."
        return "it refuses the connection, nothing listens there", PLAYS, remedy
    if getattr(error, "errno", None) in UNREACHABLE:
        remedy = "Check the address, and whether this computer is in the same network."
        return "it cannot be reached", PLAYS, remedy
    return None


def _silent(error: BaseException | None, seconds: float) -> tuple[str, str, str]:
    """Returns the same for an answer that does not come, or is not a video."""
    if isinstance(error, av.error.TimeoutError):
        remedy = "Check the address and port, and that the camera is switched on."
        return "it does not answer", PLAYS, remedy
    if isinstance(error, (TimeoutError, av.error.ExitError)):
        remedy = "Let the camera send key frames more often, every second or two, or choose its other stream."
        return f"it answers, but sent no picture within {seconds:.0f} s", PLAYS, remedy
    why = "it answers, but not with a video"
    if isinstance(error, NoVideoError):
        why = f"it {error}"
    elif isinstance(error, OSError):
        why = "it answers, but hangs up and has sent no video"
    remedy = "Look up the path of its stream in the manual of the camera; a web page is not one."
    return why, PLAYS, remedy
