"""The lamps' previous states, saved to disk and restored from there.

`controller.py` saves them at the start of a run, so that `expression lights restore`, or the next run, can
restore the lamps after an interrupted run.

Notebook: 09_lights
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..errors import as_bad_input
from ..files import as_output_error, hold, own_folder, read_small, write_text
from ..sanitize import printable
from .bridge import Bridge
from .credentials import FOLDER, ROOM, locked
from .lamps import BridgeLamp
from .marker import HeldError
from .restore import Outcome, Restoring

LOST = "Remove it; the lights stay as they are now."


class LampSnapshot:
    """The lamps' previous states: in memory, and in a file that survives a crash.

    A bridge has one holder at a time: call `take` first and `release` last. A run that dies holds nothing.

    Args:
        bridge: What identifies the bridge; see `Bridge.identity`.
        url: Its address, which identifies it in older files.
        file: Where the states are saved; None for the default place.

    Attributes:
        lamps: By number, the name, the state and the time it was saved, after `take`.
        left: When an interrupted run saved lamps; empty if there was no such run.
        waiting: Names of lamps that an earlier run could not restore, and when it saved the first.
    """

    def __init__(self, bridge: str, url: str = "", file: Path | None = None):
        self.bridge, self.url, self.file = bridge, url or bridge, file or before_path()
        self.lamps: dict[str, dict[str, Any]] = {}
        self.left, self.waiting = "", ([], "")
        self._restoring: Restoring | None = None
        name = f"lights-{re.sub('[^0-9A-Za-z]+', '-', bridge)}.lock"
        self._lock_file, self._lock = self.file.with_name(name), None

    def take(self) -> None:
        """Locks the bridge against other runs, and takes over what an interrupted run has left.

        Raises:
            HeldError: Another run holds it.
            BadInputError: The file is damaged.
            OutputError: The folder cannot be written.
        """
        with as_output_error(self.file, ROOM):
            self.file.parent.mkdir(parents=True, exist_ok=True)
        busy = HeldError(
            f"The lights of the bridge at {self.url} are in use by another run, or are being restored.",
            "Expected one run at a time, so that each light can be restored afterwards.",
            "Stop the other run first; one sink can control several lights, as in hue:Sofa+Desk.",
        )
        self._lock = hold(self._lock_file, busy, remedy=ROOM)
        try:
            for bridge, lamps in read_before(self.file).items():
                self.lamps |= lamps if self._is_mine(bridge) else {}
        except BaseException:
            self.release()
            raise
        waiting = [lamp for lamp in self.lamps.values() if lamp["waits"]]
        self.left = min((lamp["time"] for lamp in self.lamps.values() if not lamp["waits"]), default="")
        self.waiting = [lamp["name"] for lamp in waiting], min((w["time"] for w in waiting), default="")

    def release(self) -> None:
        """Releases the bridge for other runs."""
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> LampSnapshot:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def keep(self, lamps: Iterable[BridgeLamp]) -> None:
        """Saves the lamps that have not been saved yet; what an earlier run left stays.

        Raises:
            OutputError: They cannot be written; none of them is saved.
        """
        since = {"time": time.strftime("%Y-%m-%d %H:%M"), "url": self.url, "waits": False}
        new = {
            lamp.number: {"name": lamp.name, **since, "state": dict(lamp.state), "lacks": lamp.lacks}
            for lamp in lamps
            if lamp.number not in self.lamps
        }
        if new:
            self._replace({**self.lamps, **new})

    @property
    def pending(self) -> list[str]:
        """Names of the lamps that still have to be restored."""
        if self._restoring is not None:
            return list(self._restoring.pending.values())
        return [lamp["name"] for lamp in self.lamps.values()]

    def put_back(
        self, bridge: Bridge, seconds: float = math.inf, tell: Callable[[], None] = lambda: None
    ) -> Outcome:
        """Restores the lamps, and forgets those that are restored or gone; see `Restoring.run`.

        Args:
            bridge: The bridge.
            seconds: How long it may take.
            tell: Called if it will take long.

        Raises:
            BridgeError: The bridge does not answer; what is left stays in the file.
        """
        if not self.lamps:
            return Outcome()
        self._restoring = Restoring(bridge, self.lamps)
        self._restoring.run(seconds, tell)
        waits = self._restoring.waits
        self._replace({n: {**kept, "waits": waits[n]} for n, kept in self.lamps.items() if n in waits})
        return self._restoring.outcome

    def forget(self) -> list[str]:
        """Forgets the lamps that still have to be restored, and returns their names."""
        names = [lamp["name"] for lamp in self.lamps.values()]
        self._replace({})
        return names

    def _replace(self, lamps: dict[str, dict[str, Any]]) -> None:
        """Saves these lamps and no others, in the file first."""
        with locked(self.file), as_output_error(self.file, ROOM):
            kept = {name: found for name, found in _read_all(self.file).items() if not self._is_mine(name)}
            if lamps:
                kept[self.bridge] = lamps
            if kept:
                write_text(self.file, json.dumps(kept, indent=2) + "\n", remedy=ROOM)
            else:
                self.file.unlink(missing_ok=True)
        self.lamps = lamps

    def _is_mine(self, bridge: str) -> bool:
        """Whether a name in the file is this bridge's, or the address that identifies it in older files."""
        places = (bridge.rpartition("://")[2], self.url.rpartition("://")[2])
        return bridge == self.bridge or ("://" in bridge and places[0] == places[1])


def before_path() -> Path:
    """Returns the path of the saved states, in the system's folder for application state."""
    return Path(os.environ.get(FOLDER) or own_folder("state")) / "lights.json"


def read_before(file: Path) -> dict[str, dict[str, dict]]:
    """Returns, by bridge and number, the previous states of lamps that a run has not restored.

    A bridge is identified by its id, in older files by its address.

    Raises:
        BadInputError: The file is damaged.
    """
    found = _read_all(file)
    with _damaged(file):
        return {name: {n: _known(n, lamp) for n, lamp in lamps.items()} for name, lamps in found.items()}


def _read_all(file: Path) -> dict[str, Any]:
    """Returns the contents of the file; empty if it does not exist."""
    if not file.is_file():
        return {}
    text = read_small(file, "Expected a record of how the lights were.", LOST)
    with _damaged(file):
        return dict(json.loads(text).items())


def _damaged(file: Path) -> Any:
    return as_bad_input(f"{file} is damaged", "Expected a record of how the lights were.", LOST)


def _known(number: str, kept: Any) -> dict[str, Any]:
    """Returns a lamp's saved entry with only the valid values, however damaged it is."""
    kept = kept if isinstance(kept, dict) else {}
    lamp = BridgeLamp(number, kept)
    words = {name: printable(str(kept.get(name, ""))) for name in ("time", "url", "lacks")}
    if not (kept.get("name") and isinstance(kept.get("state"), dict)):
        words["lacks"] = "its entry is damaged"
    words["lacks"] = words["lacks"] or lamp.lacks
    return {"name": lamp.name, **words, "waits": kept.get("waits") is True, "state": lamp.state}
