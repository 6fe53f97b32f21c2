"""Database: stores who is there, with which label, in an SQLite file or on a database server.

    expression live --sink database
    expression live --sink database:url=postgresql://board@10.0.0.2/home,keep=30

`records/moments.py` decides what is worth a row, and `records/writer.py` stores it in a thread of its own, so
a slow or unreachable server delays nothing. `expression serve` shows what is stored.

Notebook: 16_records
"""

from __future__ import annotations

import logging
import platform
import time
import uuid
from datetime import datetime, timezone

from ..errors import BadInputError
from ..pictures.image import encode_jpeg
from ..records.address import PASSWORD, Address
from ..records.database import Database as Store
from ..records.moments import Moment, Moments
from ..records.places import remember
from ..records.record import CHANGE, LONGEST_NAME, Record
from ..records.spool import Spool
from ..records.writer import Writer
from ..sanitize import counted, say
from ..types import Reading
from ._base import GONE_SECONDS, Sink
from ._face_crop import face_of
from ._secrets import secret

logger = logging.getLogger("expression")

FLUSH_SECONDS = 4.0
"""How long the end of a run waits for the last rows; the rest is stored by the next run."""

JPEG_QUALITY = 85

CLOCK_SECONDS = 0.1
"""A clock that is off by more was set, as after a start without internet."""


class Database(Sink):
    """Stores each settled change of a label, who is in view every few seconds, and who has left.

    Without a URL, EXPRESSION_DATABASE_URL counts, or else the file `expression.sqlite` in your own folder for
    such data, which is printed at the start. A password may be in the URL or in EXPRESSION_DATABASE_PASSWORD.
    Readings wait on disk while a server cannot be reached.

    Args:
        url: An SQLite file, or `mysql://USER@HOST/NAME`, `mariadb://...` or `postgresql://...`.
        every: Seconds between two rows for a person who stays in view.
        settle: Seconds that a label must stay the same before it counts as a change.
        keep: Delete rows after this many days, in the whole database; 0 keeps them.
        device: The name of this machine in the rows; by default its host name.
        pictures: Store a picture of the face with each change, too.
        secrets: A file of mode 600 with the line `EXPRESSION_DATABASE_PASSWORD=...`, in place of the
            variable.

    Raises:
        BadInputError: An option is out of range, or the URL is invalid.
    """

    option = place = "url"
    extra = "database"
    secrets = (PASSWORD,)
    later = "expression live with the same --sink"
    keeps = "labels and scores over time, in a database"

    def __init__(
        self,
        url: str = "",
        every: float = 5.0,
        settle: float = 1.0,
        keep: float = 0.0,
        device: str = "",
        pictures: bool = False,
        secrets: str = "",
    ):
        _check("every", every, 1 <= every <= 3600, "1 to 3600 seconds")
        _check("settle", settle, 0 <= settle <= 3600, "0 to 3600 seconds")
        _check(
            "keep", keep, keep == 0 or 0.001 <= keep <= 36_500, "0 to keep everything, or up to 36500 days"
        )
        _check("device", device, len(device) <= LONGEST_NAME, f"at most {LONGEST_NAME} characters")
        self._address, self._secrets = Address(url), secrets
        self._every, self._settle, self._keep, self._pictures = every, settle, keep, pictures
        self._device = device.strip() or platform.node() or "unknown"
        self._writer: Writer | None = None
        self._refused = False  # whether the run knows that the server refuses the connection
        self._moments, self._run = Moments(every, settle, GONE_SECONDS), ""
        self._offset = 0.0  # from time.monotonic() to the clock, in seconds

    @property
    def close_seconds(self) -> float:
        """Seconds that the last rows may need."""
        return FLUSH_SECONDS if self._writer else 0.0

    @property
    def unfinished(self) -> str:
        """What is not stored yet."""
        waiting = self._writer.waiting if self._writer else 0
        rows = counted(waiting, "row is", "rows are")
        return f"{rows} still to be stored in {self._address.shown}" if waiting else ""

    def open(self) -> None:
        """Creates the file, or starts to look for the server, and prints what is stored where.

        Raises:
            MissingPackageError: SQLAlchemy, Alembic or the driver of the database is not installed.
            BadInputError: The file is something else, or the password cannot be read.
            OutputError: The file cannot be created.
        """
        store = Store(self._address, secret(PASSWORD, self._secrets))
        store.check_installed()
        if self._address.path:
            store.prepare()
        remember(self._address)
        pictures = ", with a picture of the face" if self._pictures else ""
        say(
            f"Readings are stored in {self._address.shown}: each change{pictures}, and who is there every "
            f"{self._every:g} s. {_kept(self._keep)}"
        )
        self._moments, self._run = Moments(self._every, self._settle, GONE_SECONDS), uuid.uuid4().hex
        self._writer = Writer(store, Spool.of(self._address.identity), self._keep)
        self._writer.start()

    def send(self, reading: Reading) -> None:
        """Receives a reading; passes on what is worth a row.

        Raises:
            BadInputError: The server refuses user, password or database.
        """
        self._put(self._moments.see(reading))

    def empty(self) -> None:
        """Stores that everybody has left; raises as `send` does."""
        self._put(self._moments.everybody_left())

    def close(self) -> None:
        """Stores the last rows, and prints how many there were, and how many wait on disk."""
        if self._writer is None:
            return
        writer, spool = self._writer, Spool.of(self._address.identity)
        writer.put([self._record(moment) for moment in self._moments.everybody_left()])
        left = writer.finish(FLUSH_SECONDS)
        self._writer = None
        if writer.refusal:
            if not self._refused:
                logger.warning("%s", writer.refusal)
            return
        parts = [f"{counted(writer.stored, 'row')} stored"]
        parts += [f"{left:,} wait in {spool.path} for the next run with this database"] if left else []
        parts += [f"{writer.lost:,} lost"] if writer.lost else []
        say(f"{self._address.shown}: {', '.join(parts)}.")

    def _put(self, moments: list[Moment]) -> None:
        if self._writer.refusal:
            self._refused = True
            raise self._writer.refusal
        self._writer.put([self._record(moment) for moment in moments])

    def _record(self, moment: Moment) -> Record:
        """Returns the row for a moment, with a picture if it is a change and pictures were asked for."""
        reading, picture = moment.reading, None
        if self._pictures and moment.kind == CHANGE:
            picture = encode_jpeg(face_of(self.frame, reading), JPEG_QUALITY)
        what = (moment.kind, moment.label, moment.previous, moment.seconds, picture)
        return Record.of(reading, self._time_of(reading), self._device, self._run, *what)

    def _time_of(self, reading: Reading) -> datetime:
        """Returns when a reading was taken, always the same unless the clock was set meanwhile."""
        offset = time.time() - time.monotonic()
        if abs(offset - self._offset) > CLOCK_SECONDS:
            self._offset = offset
        return datetime.fromtimestamp(self._offset + reading.time, timezone.utc)


def _check(name: str, value: object, fits: bool, expected: str) -> None:
    if not fits:
        raise BadInputError(
            f"The option {name} of the sink database is {value!r}.",
            f"Expected {expected}.",
            "Choose another.",
        )


def _kept(days: float) -> str:
    """Returns what is said about how long rows stay."""
    return (
        f"Rows are deleted after {days:g} {'day' if days == 1 else 'days'}."
        if days
        else "Rows stay until you delete them."
    )
