"""The error for an address that sends no frames: each cause has its own remedy.

`stream.py` uses it. No message shows more of an address than its host.

Notebook: 03_threads
"""

from __future__ import annotations

import errno
import socket

import av

from ..errors import SourceError
from ..sanitize import printable
from ._video_track import NoVideoError

PLAYS = "Expected an rtsp or http address that plays in a player such as VLC."

ESCAPES = "Check them in a player such as VLC. In the address, write @ as %40, : as %3A and / as %2F."

UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN}


def stream_error(shown: str, error: BaseException | None, user: bool, seconds: float) -> SourceError:
    """Returns the error for an address that sends no frames.

    Args:
        shown: The address without its secrets.
        error: The error raised; a TimeoutError if it responded but no frame came, None if it ended before
            the first frame.
        user: Whether the address has a user and password.
        seconds: The seconds waited.
    """
    why, expected, remedy = _refused(error, user) or _absent(error) or _silent(error, seconds)
    return SourceError(f"No frames were received from {shown}: {why}.", expected, remedy)


def _refused(error: BaseException | None, user: bool) -> tuple[str, str, str] | None:
    """Returns the cause, what was expected and what to do, if the response is a refusal."""
    if isinstance(error, av.error.HTTPUnauthorizedError):
        why = "it rejects this user and password" if user else "it requires a user and a password"
        expected = "Expected those of the camera in the address: SCHEME://USER:PASSWORD@HOST/PATH."
        return f"{why} (401)", expected, ESCAPES
    if isinstance(error, av.error.HTTPForbiddenError):
        expected = "Expected an address that this user may access."
        return "it denies access (403)", expected, "Allow access in the settings of the camera or server."
    if isinstance(error, av.error.HTTPNotFoundError):
        remedy = "Look up the path of the stream in the camera's manual."
        return "there is nothing at this path (404)", PLAYS, remedy
    if isinstance(error, (av.error.HTTPError, av.error.HTTPClientError)):
        said = printable(str(error.strerror)).rstrip(". ")
        remedy = "Restart the camera or server, or try again later."
        return f"it responds with an error ({said})", PLAYS, remedy
    return None


def _absent(error: BaseException | None) -> tuple[str, str, str] | None:
    """Returns the same if nothing responds."""
    if isinstance(error, socket.gaierror):
        remedy = "Check the name, or use the camera's IP address, such as 192.168.0.7."
        return "the host name was not found", "Expected the name or IP address of a host.", remedy
    if isinstance(error, ConnectionRefusedError):
        remedy = "Check the port, and that the camera is switched on."
        return "it refuses the connection; nothing is listening there", PLAYS, remedy
    if getattr(error, "errno", None) in UNREACHABLE:
        remedy = "Check the address, and whether this computer is on the same network."
        return "it cannot be reached", PLAYS, remedy
    return None


def _silent(error: BaseException | None, seconds: float) -> tuple[str, str, str]:
    """Returns the same for a response that does not come, or is not a video."""
    if isinstance(error, av.error.TimeoutError):
        remedy = "Check the address and port, and that the camera is switched on."
        return "it does not respond", PLAYS, remedy
    if isinstance(error, (TimeoutError, av.error.ExitError)):
        remedy = "Set the camera to send key frames every second or two, or choose its other stream."
        return f"it responds, but sent no frame within {seconds:.0f} s", PLAYS, remedy
    why = "it responds, but not with a video"
    if isinstance(error, NoVideoError):
        why = f"it {error}"
    elif isinstance(error, OSError):
        why = "it responds, but closed the connection without sending video"
    remedy = "Look up the path of the stream in the camera's manual; a web page is not a stream."
    return why, PLAYS, remedy
