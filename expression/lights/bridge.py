"""The only module that talks to a Hue bridge: through phue, with its transport replaced.

phue 1.1 uses plain HTTP only, waits 10 s, logs the key, and logs a bridge's errors instead of raising them.
Here its `request` goes through a `Transport`: HTTP, or HTTPS with the certificate seen at pairing, a timeout
of 3 s, and errors that say what to do. `controller.py`, `snapshot.py` and `pairing.py` call it.

Notebook: 09_lights
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from typing import Any

from ..errors import missing_package
from ..sanitize import printable
from .credentials import VARIABLE, Paired, id_of
from .rate_limiter import GROUP_RATE, LAMP_RATE, RateLimiter
from .transport import AGAIN, NEARBY, BridgeError, RefusedError, Transport

UNAUTHORIZED, NO_BUTTON, IS_OFF = 1, 101, 201
"""Error types in a bridge's answer.

Source: https://developers.meethue.com/develop/hue-api/error-messages/
"""

NUMBER = re.compile(r"[0-9]{1,18}")
"""The number by which a bridge identifies a lamp, a group or a sensor."""

MOST, MOST_ASKED = 1000, 250
"""The most lamps or groups accepted from a bridge, and the most requested one by one if it lists only names;
a Hue bridge holds at most 150 lamps."""


class Bridge:
    """A bridge with its lamps and groups.

    Args:
        paired: Its address, key and certificate.
        pace: Limits the rate of commands.
    """

    def __init__(self, paired: Paired, pace: RateLimiter | None = None):
        self.url, self.pace = paired.url, pace or RateLimiter()
        self.transport = Transport(paired.url, paired.certificate)
        self._key, self._id = paired.key, paired.id
        self._phue = _phue(self._request, paired)

    def lights(self) -> dict[str, dict]:
        """Returns all lamps by number; one that is not described as documented is an empty dict.

        If the bridge lists only names, each lamp is requested separately.
        """
        return self._whole(self._phue.get_light, "lamps")

    def groups(self) -> dict[str, dict]:
        """Returns all rooms, zones and groups by number, as `lights` does."""
        return self._whole(self._phue.get_group, "groups")

    def config(self) -> dict:
        """Returns the bridge's name, id and clock; empty if it does not report them."""
        found = self.ask("GET", "config")
        return found if isinstance(found, dict) else {}

    def identity(self) -> str:
        """Returns what identifies the bridge whatever its address: its id, or its address if it has no id.

        A bridge that was paired before ids were saved is asked for its id.
        """
        self._id = self._id or id_of(self.config()) or self.url
        return self._id

    def set_light(self, number: str, command: dict) -> None:
        """Sends a command to a lamp, no sooner than the bridge's rate allows."""
        self._send(LAMP_RATE, lambda: self._phue.set_light(int(number), dict(command)))

    def set_group(self, number: str, command: dict) -> None:
        """Sends a command to a group, no sooner than the bridge's rate allows."""
        self._send(GROUP_RATE, lambda: self._phue.set_group(int(number), dict(command)))

    def ask(self, mode: str, path: str, data: Any = None) -> Any:
        """Returns the answer to a request for anything else, such as "sensors"."""
        return self._request(mode, f"/api/{self._key}/{path}", data)

    def close(self) -> None:
        """Closes the connection."""
        self.transport.close()

    def _send(self, rate: int, call: Callable[[], Any]) -> None:
        self.pace.take(rate)
        call()

    def _whole(self, get: Callable, what: str) -> dict[str, dict]:
        """Returns the entries with all available details."""
        found = get()
        listed = {n: entry for n, entry in found.items() if NUMBER.fullmatch(n)} if _is_dict(found) else None
        if listed is None or (found and not listed) or len(listed) > MOST:
            raise BridgeError(f"The bridge at {self.url} did not return a list of {what}.", NEARBY, AGAIN)
        whole = {n: entry if _is_dict(entry) else {} for n, entry in listed.items()}
        names_only = [n for n, entry in listed.items() if _is_dict(entry) and len(entry) < 2]
        return whole | {n: self._one(get, n) or whole[n] for n in names_only[:MOST_ASKED]}

    def _one(self, get: Callable, number: str) -> dict:
        """Returns what the bridge reports about one lamp; empty if it reports nothing."""
        try:
            found = get(int(number))
        except (BridgeError, RefusedError) as error:
            if not error.answered:
                raise
            return {}
        return found if _is_dict(found) else {}

    def _request(self, mode: str = "GET", address: str = "", data: Any = None) -> Any:
        """Replaces phue's own `request`."""
        answer = self.transport.call(mode, address, data)
        raise_errors(answer, self.url, self._key)
        if mode != "GET" and not (isinstance(answer, list) and answer and all(map(_is_dict, answer))):
            raise BridgeError(
                f"The bridge at {self.url} did not confirm the command.",
                "Expected a list of the changes.",
                "Wait a moment; if this continues, unplug the bridge and plug it in again.",
                "no clear answer",
            )
        return answer


def _is_dict(found: Any) -> bool:
    return isinstance(found, dict)


def raise_errors(answer: Any, url: str, key: str = "") -> None:
    """Raises the first error in an answer.

    Raises:
        RefusedError: The bridge does not recognise the key; pair again.
        BridgeError: Anything else, with its `kind`.
    """
    parts = answer if isinstance(answer, list) else [answer]
    errors = [part["error"] for part in parts if _is_dict(part) and "error" in part]
    if not errors:
        return
    error = errors[0] if _is_dict(errors[0]) else {}
    kind = int(error["type"]) if re.fullmatch("[0-9]{1,5}", str(error.get("type"))) else 0
    if kind == UNAUTHORIZED:
        set_by_hand = key and os.environ.get(VARIABLE, "").strip() == key
        again = f"expression lights pair {url}"
        raise RefusedError(
            f"The bridge at {url} does not recognise the key{f' in {VARIABLE}' if set_by_hand else ''}.",
            "Expected the key that it issued when it was paired.",
            f"Correct it, or unset it and run: {again}" if set_by_hand else f"Run: {again}",
        )
    words = str(error.get("description", "no reason given"))
    words = printable(words.replace(key, "...") if key else words).rstrip(".")
    raise BridgeError(
        f"The bridge at {url} answered with error {kind}: {words}.",
        "Expected it to accept the command.",
        "Wait a moment; if this continues, unplug the bridge and plug it in again.",
        f"error {kind}: {words}",
        kind,
    )


def import_phue() -> Any:
    """Imports and returns the package phue.

    Raises:
        MissingPackageError: It is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns about a comparison in phue 1.1
            import phue
    except ImportError as error:
        raise missing_package("Talking to a Hue bridge", "phue", "lights") from error
    return phue


def _phue(request: Callable, paired: Paired) -> Any:
    """Returns phue's bridge with the transport replaced; it neither reads nor writes its own files."""
    phue = import_phue()

    class QuietBridge(phue.Bridge):
        def connect(self) -> None:  # phue's own method would log the key
            pass

        def request(self, mode="GET", address=None, data=None):
            return request(mode, address, data)

    return QuietBridge(paired.url, paired.key)
