"""How lamps were before they followed: kept on disk, and put back from there.

`controller.py` keeps it from the first moment of a run, so that after a run that was cut off
`expression lights restore`, or the next run, puts the lamps back.

Notebook: 08_lights
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
    """How lamps were before they followed: in memory, and in a file that outlives a crash.

    Only one at a time holds a bridge: `take` comes first, `release` last. A run that dies holds nothing.

    Args:
        bridge: By what the bridge is known; see `Bridge.identity`.
        url: Its address, by which older files knew it.
        file: Where it is kept; None for the usual place.

    Attributes:
        lamps: By number the name, the state and since when, once taken.
        left: When a run that was cut off has noted lamps; empty if none was.
        waiting: Names of lamps that an earlier run could not put back, and when it noted the first.
    """

    def __init__(self, bridge: str, url: str = "", file: Path | None = None):
        self.bridge, self.url, self.file = bridge, url or bridge, file or before_path()
        self.lamps: dict[str, dict[str, Any]] = {}
        self.left, self.waiting = "", ([], "")
        self._restoring: Restoring | None = None
        name = f"lights-{re.sub('[^0-9A-Za-z]+', '-', bridge)}.lock"
        self._lock_file, self._lock = self.file.with_name(name), None

    def take(self) -> None:
        """Holds the bridge against others, and takes over what a run has left that was cut off.

        Raises:
            HeldError: Somebody else holds it.
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
        """Lets others have the bridge."""
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> LampSnapshot:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def keep(self, lamps: Iterable[BridgeLamp]) -> None:
        """Keeps the lamps that were not kept yet; what an earlier run left stays.

        Raises:
            OutputError: They cannot be written; none of them is kept.
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
        """Names of the lamps that are still to be told how they were."""
        if self._restoring is not None:
            return list(self._restoring.pending.values())
        return [lamp["name"] for lamp in self.lamps.values()]

    def put_back(
        self, bridge: Bridge, seconds: float = math.inf, tell: Callable[[], None] = lambda: None
    ) -> Outcome:
        """Puts the lamps back, and forgets those that are as they were, or gone; see `Restoring.run`.

        Args:
            bridge: The bridge.
            seconds: How long it may take.
            tell: Called where it will take long.

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
        """Forgets the lamps that are still to be put back, and returns their names."""
        names = [lamp["name"] for lamp in self.lamps.values()]
        self._replace({})
        return names

    def _replace(self, lamps: dict[str, dict[str, Any]]) -> None:
        """Keeps these lamps and no others, in the file first."""
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
        """Whether a name in the file is that of this bridge, or the address by which older files knew it."""
        places = (bridge.rpartition("://")[2], self.url.rpartition("://")[2])
        return bridge == self.bridge or ("://" in bridge and places[0] == places[1])


def before_path() -> Path:
    """Returns where it is kept how lamps were, in the folder that the system has for such things."""
    return Path(os.environ.get(FOLDER) or own_folder("state")) / "lights.json"


def read_before(file: Path) -> dict[str, dict[str, dict]]:
    """Returns by bridge and number how lamps were before a run that has not put them back.

    A bridge is known by its id; older files know it by its address.

    Raises:
        BadInputError: The file is damaged.
    """
    found = _read_all(file)
    with _damaged(file):
        return {name: {n: _known(n, lamp) for n, lamp in lamps.items()} for name, lamps in found.items()}


def _read_all(file: Path) -> dict[str, Any]:
    """Returns what stands in the file; nothing where there is none."""
    if not file.is_file():
        return {}
    text = read_small(file, "Expected a record of how the lights were.", LOST)
    with _damaged(file):
        return dict(json.loads(text).items())


def _damaged(file: Path) -> Any:
    return as_bad_input(f"{file} is damaged", "Expected a record of how the lights were.", LOST)


def _known(number: str, kept: Any) -> dict[str, Any]:
    """Returns what is known of how a lamp was, whatever stands in its entry; of a state, only what can be."""
    kept = kept if isinstance(kept, dict) else {}
    lamp = BridgeLamp(number, kept)
    words = {name: printable(str(kept.get(name, ""))) for name in ("time", "url", "lacks")}
    if not (kept.get("name") and isinstance(kept.get("state"), dict)):
        words["lacks"] = "its entry is damaged"
    words["lacks"] = words["lacks"] or lamp.lacks
    return {"name": lamp.name, **words, "waits": kept.get("waits") is True, "state": lamp.state}
