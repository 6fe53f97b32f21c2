"""The marker on a bridge that shows runs on other computers that its lamps are in use.

Two runs on one bridge would each restore what the other had changed. Within one settings folder a lock keeps
them apart (`snapshot.py`); across folders and computers only the bridge can. The marker is a sensor of the
type CLIPGenericStatus, which any program may create. The bridge records by its own clock when the marker was
renewed, so the computers' clocks need not agree. A marker not renewed for 70 s was left by a run that was
killed, and has no effect.

`controller.py` and `expression lights restore` use it.

Notebook: 09_lights
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import platform
import secrets
import threading
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import BadInputError
from ..sanitize import printable
from .bridge import NUMBER, Bridge
from .transport import BridgeError, RefusedError

KIND = {"modelid": "run-marker", "manufacturername": "expression", "type": "CLIPGenericStatus"}
"""What identifies a marker among a bridge's sensors.

Source: https://developers.meethue.com/develop/hue-api/5-sensors-api/ (create sensor)
"""

MADE = "%Y%m%dT%H%M%S"
"""The format of the creation time, stored as a marker's version."""

RENEW_SECONDS, OLD_SECONDS = 20.0, 70.0
"""How often a marker is renewed, and how long it is valid without renewal: a little over three intervals."""

logger = logging.getLogger("expression")


class HeldError(BadInputError):
    """Another run controls or restores the lamps of the bridge now."""


class Marker:
    """Marks a bridge as in use, from `take` to `release`.

    Args:
        bridge: The bridge.
        folder: The settings folder; a marker left by a run with the same folder has no effect, since the
            folder's lock shows whether that run is alive.

    Attributes:
        refused: Why the bridge does not accept a marker; empty if it does. The run continues without one.
    """

    def __init__(self, bridge: Bridge, folder: Path):
        self.bridge, self.refused = bridge, ""
        self._owner = hashlib.sha256(f"{uuid.getnode()} {folder.resolve()}".encode()).hexdigest()[:16]
        self._id = f"{self._owner}-{secrets.token_hex(4)}"
        self._number, self._count = "", 0
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self) -> None:
        """Marks the bridge, and renews the marker regularly.

        Raises:
            HeldError: A run on another computer, or with another settings folder, uses the lamps.
            BridgeError: The bridge does not answer.
            RefusedError: It is not the one that was paired.
        """
        try:
            self._mark()
        except (BridgeError, RefusedError) as error:
            if not error.answered:
                raise
            self.refused = error.said
            return
        self._thread = threading.Thread(target=self._keep, name="marker", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Removes the marker, if the bridge answers."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._number and self.bridge.transport.answers:
            with contextlib.suppress(BridgeError, RefusedError):
                self._remove(self._number, self._id)
        self._number = ""

    def __enter__(self) -> Marker:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _mark(self) -> None:
        """Creates the marker; of two created at the same moment, the first one counts."""
        now = self.bridge.config().get("UTC")
        for number, marker in markers(self.bridge).items():
            if not (self._is_own(marker) or is_old(marker, now)):
                raise self._held(marker)
            self._remove(number, marker.get("uniqueid"))
        name = f"expression on {platform.node() or 'a computer'}"[:32]
        made = {**KIND, "name": name, "swversion": _short(now), "uniqueid": self._id}
        self._number = _new_number(self.bridge.ask("POST", "sensors", made), self.bridge)
        self._renew()
        first = next(iter(markers(self.bridge).values()), made)
        if first.get("uniqueid") != self._id:
            self._remove(self._number, self._id)
            raise self._held(first)

    def _remove(self, number: str, unique: object) -> None:
        """Removes a marker, unless it is already gone: its number may belong to another one by now."""
        if self._is_there(number, unique):
            self.bridge.ask("DELETE", f"sensors/{number}")

    def _is_there(self, number: str, unique: object) -> bool:
        """Whether a marker is still on the bridge."""
        found = markers(self.bridge).get(number)
        return found is not None and found.get("uniqueid") == unique

    def _is_own(self, marker: dict[str, Any]) -> bool:
        """Whether a marker was created with this settings folder on this computer."""
        return str(marker.get("uniqueid", "")).startswith(self._owner)

    def _held(self, marker: dict[str, Any]) -> HeldError:
        """Returns the error for a bridge that another run has marked."""
        return HeldError(
            f"The lights of the bridge at {self.bridge.url} are in use by another run: {_who(marker)}.",
            "Expected one run at a time, so that each light can be restored afterwards.",
            f"Stop the other run first. If it crashed, wait {OLD_SECONDS:.0f} s, or run: "
            "expression lights free",
        )

    def _renew(self) -> None:
        self._count += 1
        self.bridge.ask("PUT", f"sensors/{self._number}/state", {"status": self._count})

    def _keep(self) -> None:
        """Renews the marker until it is released, and creates it again if it was removed."""
        while not self._done.wait(RENEW_SECONDS):
            with contextlib.suppress(BridgeError, RefusedError):  # retried next time
                try:
                    self._renew() if self._is_there(self._number, self._id) else self._mark()
                except HeldError as error:
                    logger.warning("%s", error)
                    return


def markers(bridge: Bridge) -> dict[str, dict[str, Any]]:
    """Returns the markers on a bridge by number, the lowest first."""
    found = bridge.ask("GET", "sensors")
    found = found if isinstance(found, dict) else {}
    ours = {
        number: sensor
        for number, sensor in found.items()
        if NUMBER.fullmatch(number) and isinstance(sensor, dict) and KIND.items() <= sensor.items()
    }
    return dict(sorted(ours.items(), key=lambda each: int(each[0])))


def is_old(marker: dict[str, Any], now: Any) -> bool:
    """Whether a marker has not been renewed for too long.

    Args:
        marker: The marker, with its creation time as its version.
        now: The time on the bridge's clock; if it is not known, no marker is old.
    """
    state = marker.get("state")
    renewed = state.get("lastupdated") if isinstance(state, dict) else None
    try:
        made = datetime.strptime(marker["swversion"], MADE)
        renewed = made if renewed in (None, "none") else _time(renewed)
        return abs((_time(now) - max(made, renewed)).total_seconds()) > OLD_SECONDS
    except (LookupError, TypeError, ValueError, AttributeError):
        return False


def _time(text: Any) -> datetime:
    """Parses a bridge's time, which is in UTC without a time zone marked."""
    return datetime.fromisoformat(text.removesuffix("Z"))


def _short(now: Any) -> str:
    """Returns the time on a bridge's clock within the 16 characters that a version may have."""
    try:
        return _time(now).strftime(MADE)
    except (TypeError, ValueError, AttributeError):
        return "unknown"


def free(bridge: Bridge) -> list[str]:
    """Removes all markers from a bridge, and returns their owners."""
    found = markers(bridge)
    for number in found:
        bridge.ask("DELETE", f"sensors/{number}")
    return [_who(marker) for marker in found.values()]


def _who(marker: dict[str, Any]) -> str:
    return printable(str(marker.get("name", "unnamed")))


def _new_number(answer: list[dict], bridge: Bridge) -> str:
    """Returns the number of the new sensor."""
    made = answer[0].get("success")
    number = str(made.get("id")) if isinstance(made, dict) else ""
    if not NUMBER.fullmatch(number):
        raise BridgeError(
            f"The bridge at {bridge.url} did not report the number of the new sensor.",
            "Expected a whole number.",
            "Do not use its lights from another computer during this run.",
        )
    return number
