"""Record: one row for the database, as it waits in memory and in the spool.

`Moments` decides what is worth a row, the sink makes a record of it, and `Database.add` stores it. Its id is
made here and not by the database, so a row that is sent twice is stored once.

Notebook: 16_records
"""

from __future__ import annotations

import base64
import itertools
import json
import math
import secrets
import time
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from typing import Literal, get_args

from ..types import Reading

LONGEST_NAME, LONGEST_FILE = 100, 255
"""Most characters of a device or label, and of the name of a file; the rest is cut off."""

Kind = Literal["change", "present", "left"]
"""What a row says: a person's label has changed, a person is still there, or a person has left."""

CHANGE, PRESENT, LEFT = get_args(Kind)


_counter = itertools.count()


def new_id() -> str:
    """Returns a unique id of 32 characters; those of one device sort in the order in which they were made.

    As in version 7 of UUIDs it begins with the time, so that databases add new rows at the end of an index.

    Source: https://www.rfc-editor.org/rfc/rfc9562#section-5.7
    """
    milliseconds = time.time_ns() // 1_000_000
    return f"{milliseconds:012x}{next(_counter) & 0xFFFF:04x}{secrets.token_hex(8)}"


@dataclass(frozen=True)
class Record:
    """One row.

    Attributes:
        time: When it was so, in UTC.
        device: The name of the machine.
        run: The id of the run, 32 characters; people are numbered from 1 in each.
        kind: change, present or left.
        person: The number of the person, from 1.
        label: The label of the person.
        previous: The label before, for a change; None if there was none.
        score: The score of the label, 0 to 1.
        scores: Every label with its score.
        box: x, y, width and height of the face, in pixels.
        seconds: How long the person had been seen since their last row, with the label `previous` or, if
            that is None, with `label`.
        file: The name of the picture that was read, if the source is a folder of pictures.
        picture: The face as JPEG; None unless pictures were asked for.
        id: The unique id, 32 characters.
    """

    time: datetime
    device: str
    run: str
    kind: str
    person: int
    label: str
    previous: str | None
    score: float
    scores: dict[str, float]
    box: tuple[int, int, int, int]
    seconds: float
    file: str = ""
    picture: bytes | None = field(default=None, repr=False)
    id: str = field(default_factory=new_id)

    @classmethod
    def of(
        cls,
        reading: Reading,
        time: datetime,
        device: str,
        run: str,
        kind: str,
        label: str,
        previous: str | None,
        seconds: float,
        picture: bytes | None = None,
    ) -> Record:
        """Returns the row for a reading; texts that no database takes are made acceptable."""
        box, scores = reading.box, {text(k): number(v) for k, v in reading.scores.items()}
        score = scores.get(text(label), number(reading.score))
        return cls(
            time.astimezone(timezone.utc),
            text(device),
            run,
            kind,
            reading.person,
            text(label),
            None if previous is None else text(previous),
            score,
            scores,
            (box.x, box.y, box.width, box.height),
            round(max(0.0, seconds), 3),
            text(reading.file, LONGEST_FILE),
            picture,
        )

    def to_json(self) -> str:
        """Returns the row as a line of text."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        values["time"] = self.time.isoformat()
        values["picture"] = base64.b64encode(self.picture).decode() if self.picture else None
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> Record:
        """Returns the row that `to_json` wrote.

        Raises:
            ValueError, TypeError, KeyError: It is damaged.
        """
        values = json.loads(line)
        values["time"] = datetime.fromisoformat(values["time"])
        values["box"] = tuple(values["box"])
        values["picture"] = base64.b64decode(values["picture"]) if values["picture"] else None
        return cls(**values)


def text(value: str, longest: int = LONGEST_NAME) -> str:
    """Returns a text that every database takes: without null characters, valid UTF-8, not too long.

    Example:
        >>> text("Happy\\0"), text("caf\\udce9")
        ('Happy', 'caf\\\\udce9')
    """
    return value.replace("\0", "").encode("utf-8", "backslashreplace").decode()[:longest]


def number(value: float) -> float:
    """Returns a score with four decimals; 0 for one that is not a number."""
    return round(float(value), 4) if math.isfinite(value) else 0.0
