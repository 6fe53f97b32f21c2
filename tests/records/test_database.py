"""Stored readings: what is worth a row, that none is lost or doubled, and that nothing is left of them."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from databases import PASSWORD
from parts import wait_for
from readings import reading

from expression.cli import app
from expression.errors import BadInputError, MissingPackageError, OutputError
from expression.records import places, wiping
from expression.records.address import Address, default_file
from expression.records.moments import Moments
from expression.records.record import Record, text
from expression.records.spool import ENDINGS, Spool, spools
from expression.records.writer import Writer
from expression.sinks import make_sink

pytest.importorskip("sqlalchemy", reason="needs the extra database")

from expression.records import queries, schema_version
from expression.records.database import Database
from expression.records.queries import Selection
from expression.records.schema import VERSION_TABLE, metadata

MARKER = "Xq7Marker9zW"
NOW = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)


def record(number: int = 0, device: str = "hall", **more) -> Record:
    """A row, some seconds after noon."""
    values = {"kind": "present", "label": "Happy", "scores": {"Happy": 0.75, "Sad": 0.25}, **more}
    time = values.pop("time", NOW + timedelta(seconds=number))
    return Record(
        time=time, device=device, run="0" * 32, person=1, previous=None, score=0.75, box=(1, 2, 3, 4),
        seconds=5.0, **values,
    )  # fmt: skip


def ids(database: Database, **chosen) -> list[str]:
    return [one["id"] for one in queries.page(database, Selection(**chosen), False, 1000, None)]


@pytest.fixture
def database(tmp_path):
    one = Database(Address(str(tmp_path / "a.sqlite")))
    yield one
    one.close()


def bytes_of(path: Path) -> bytes:
    """All bytes of an SQLite file, its log, its index and its journal."""
    files = [Path(f"{path}{ending}") for ending in ENDINGS]
    return b"".join(file.read_bytes() for file in files if file.exists())


def follow(moments: Moments, *views: tuple[float, str]) -> list[tuple]:
    found = []
    for position, label in views:
        seen = moments.see(reading(1, label, time=position))
        found += [(one.kind, one.previous, one.label, round(one.seconds, 3)) for one in seen]
    left = moments.everybody_left()
    return found + [(one.kind, one.previous, one.label, round(one.seconds, 3)) for one in left]


@pytest.mark.parametrize(
    ("views", "rows"),
    [
        pytest.param(
            [(0, "Happy"), (0.5, "Happy")], [("left", None, "Happy", 0.5)], id="somebody who soon leaves"
        ),
        pytest.param(
            [(t / 2, "Happy") for t in range(14)],
            [("change", None, "Happy", 1), ("present", None, "Happy", 5), ("left", None, "Happy", 0.5)],
            id="somebody who stays",
        ),
        pytest.param(
            [(0, "Happy"), (1, "Happy"), (2, "Sad"), (2.5, "Happy"), (3, "Happy")],
            [("change", None, "Happy", 1), ("left", None, "Happy", 2)],
            id="a flicker",
        ),
        pytest.param(
            [(0, "Happy"), (1, "Happy"), (2, "Sad"), (3, "Sad")],
            [("change", None, "Happy", 1), ("change", "Happy", "Sad", 2), ("left", None, "Sad", 0)],
            id="a change",
        ),
        pytest.param(
            [(0, "Happy"), (1, "Happy"), (9, "Happy"), (10, "Happy")],
            [
                *(("change", None, "Happy", 1), ("left", None, "Happy", 0)),
                *(("change", None, "Happy", 1), ("left", None, "Happy", 0)),
            ],
            id="somebody who comes back",
        ),
    ],
)
def test_changes_presence_and_leaving_are_worth_a_row(views, rows):
    assert follow(Moments(every=5, settle=1), *views) == rows


def test_somebody_leaves_while_others_stay():
    moments = Moments()
    moments.see(reading(1, time=0.0))
    found = [one for time in (0, 1, 2, 3) for one in moments.see(reading(2, time=time))]
    assert [(one.kind, one.reading.person) for one in found] == [("change", 2), ("left", 1)]


def test_a_record_survives_the_way_through_a_file():
    whole = record(label="悲しい", picture=b"\xff\xd8\0", file="a\udcff.png")
    assert Record.from_json(record(picture=b"\xff\xd8\0", id=whole.id).to_json()) == replace(
        whole, label="Happy", file=""
    )


def test_what_no_database_takes_is_made_acceptable():
    strange = reading(1, "Happy\0" + "a" * 200)
    strange = replace(strange, scores={"Happy": float("nan"), "b\udcff": 0.5}, file="c\udcff.png")
    one = Record.of(strange, NOW, "hall\0", "0" * 32, "change", strange.label, None, -1.0)
    assert (one.device, len(one.label), one.seconds) == ("hall", 100, 0.0)
    assert one.scores == {"Happy": 0.0, "b\\udcff": 0.5}
    assert one.file == "c\\udcff.png"
    assert text("é😀") == "é😀"


def test_a_file_is_made_for_its_owner_alone_and_holds_what_was_added(database):
    database.add([record(1, label="悲しい"), record(2, picture=b"jpeg")])
    path = database.address.path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(Path(f"{path}{e}").stat().st_mode) for e in ("-wal", "-shm")} == {0o600}
    first, second = queries.page(database, Selection(), False, 10, None)
    assert (first["label"], first["time"], first["scores"]) == (
        "悲しい",
        NOW + timedelta(seconds=1),
        {"Happy": 0.75, "Sad": 0.25},
    )
    assert queries.picture(database, second["id"]) == b"jpeg"
    assert queries.picture(database, first["id"]) is None


def test_rows_that_are_added_twice_are_stored_once(database):
    rows = [record(number, picture=b"jpeg") for number in range(5)]
    database.add(rows[:3])
    database.add(rows)
    database.add(rows)
    assert ids(database) == [one.id for one in rows]


def test_the_tables_are_those_that_migrations_make(database):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.begin() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        assert schema_version.version(connection) == schema_version.NEWEST
    newest = max(int(p.stem.rpartition("_")[2]) for p in schema_version.FOLDER.glob("version_*.py"))
    assert str(newest) == schema_version.NEWEST


def test_a_schema_that_was_made_by_half_is_completed(database):
    database.prepare()
    with sqlite3.connect(database.address.path) as file:
        file.execute("DROP TABLE pictures")
        file.execute(f"DROP TABLE {VERSION_TABLE}")
    file.close()
    database.close()
    database.add([record(picture=b"jpeg")])
    assert len(ids(database)) == 1


def test_a_database_of_a_newer_program_is_left_alone(database):
    database.prepare()
    with sqlite3.connect(database.address.path) as file:
        file.execute(f"UPDATE {VERSION_TABLE} SET version_num = '99'")
    file.close()
    database.close()
    with pytest.raises(BadInputError, match=r"has version 99 of the tables\. .* Update this program"):
        database.prepare()


def test_several_that_start_at_once_make_the_tables_once(tmp_path):
    made = [Database(Address(str(tmp_path / "a.sqlite"))) for _ in range(4)]
    failed = []

    def begin(one: Database) -> None:
        writer = Writer(one, Spool(tmp_path / "spool" / f"{id(one)}.sqlite"))
        writer.start()
        writer.put([record(device=str(id(one)))])
        failed.append(writer.finish(60))

    threads = [threading.Thread(target=begin, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Database(Address(str(tmp_path / "a.sqlite"))).begin() as connection:
        assert schema_version.version(connection) == "1"
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("oracle://me:Tr0ub4dor@host/x", r"begins with oracle://, which is not supported"),
        ("Tr0ub4dor!://host/x", r"begins with \.\.\.://"),
        ("mysql://me:Tr0ub4dor@host", r"mysql://host has no host, or no name"),
        ("mysql://me:Tr0ub4dor@host:port/x", r"has no host, or no name"),
        ("mysql://me:Tr0ub4dor/1@host/x", r"has no host, or no name|cannot be read"),
        ("sqlite://Tr0ub4dor", r"an sqlite:// address without a plain file"),
        (".", r"is a folder"),
    ],
)
def test_an_address_that_is_none_is_told_in_three_parts_without_its_password(address, said):
    with pytest.raises(BadInputError, match=said) as caught:
        Database(Address(address)).prepare()
    assert "Tr0ub4dor" not in str(caught.value)
    assert all(part.endswith(".") for part in (caught.value.happened, caught.value.remedy))


@pytest.mark.parametrize("address", ["sqlite:///a.sqlite", "a.sqlite", "./a.sqlite"])
def test_a_file_is_named_in_several_ways(address):
    assert Address(address).path == Path.cwd() / "a.sqlite"
    assert Address("").path == default_file()


def test_the_environment_names_the_database_where_nothing_else_does(monkeypatch):
    monkeypatch.setenv("EXPRESSION_DATABASE_URL", "postgresql://me:Tr0ub4dor@host/x")
    assert Address().shown == "postgresql://host"
    assert Address("a.sqlite").path == Path.cwd() / "a.sqlite"


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"x" * 200])
def test_a_file_with_something_else_in_it_is_left_as_it_is(database, content):
    database.address.path.write_bytes(content)
    with pytest.raises(
        BadInputError, match=r"is not an SQLite database, or is damaged\. .*Choose another file"
    ):
        database.prepare()
    assert database.address.path.read_bytes() == content


def test_a_file_in_a_folder_that_is_missing_is_told(tmp_path):
    with pytest.raises(
        OutputError, match=r"cannot be written to .* Create the folder, or choose another file"
    ):
        Database(Address(str(tmp_path / "missing" / "a.sqlite"))).prepare()


@pytest.mark.parametrize(
    ("address", "module", "package"),
    [
        ("a.sqlite", "alembic", "alembic"),
        ("a.sqlite", "sqlalchemy", "SQLAlchemy"),
        ("mysql://a@b/c", "pymysql", "PyMySQL"),
        ("postgresql://a@b/c", "psycopg", r"psycopg\[binary\]"),
    ],
)
def test_a_driver_that_is_missing_is_told_with_what_to_run(address, module, package, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackageError, match=rf"needs the package {package}.*-e \"\.\[database\]\""):
        Database(Address(address)).check_installed()


def marked(number: int) -> Record:
    """A row with the marker in every text, and in the picture."""
    scores = {MARKER: 0.5, f"{MARKER}{number}": 0.5}
    words = {"label": f"{MARKER}{number}", "file": f"{MARKER}.png", "picture": MARKER.encode() * 500}
    return record(number, device=f"{MARKER}-board", scores=scores, **words)


def test_of_rows_that_are_too_old_no_byte_is_left(database):
    for start in range(0, 300, 50):  # in between, so that pages are split and joined
        database.add([marked(number) for number in range(start, start + 50)])
        database.add([record(3600 + number) for number in range(start, start + 50)])
    assert MARKER.encode() in bytes_of(database.address.path)
    assert database.delete_before(NOW + timedelta(hours=1)) == 300
    assert MARKER.encode() not in bytes_of(database.address.path)
    assert len(ids(database)) == 300
    assert [one["name"] for one in queries.all_devices(database)] == ["hall"]


def test_many_rows_are_deleted_in_parts(database, monkeypatch):
    monkeypatch.setattr("expression.records.database.DELETED_TOGETHER", 7)
    database.add([record(number, picture=b"jpeg") for number in range(30)])
    assert database.delete_before(NOW + timedelta(seconds=25)) == 25
    assert len(ids(database)) == 5


def test_what_could_not_be_cleaned_is_cleaned_by_the_next_deletion(database, monkeypatch):
    database.add([marked(number) for number in range(30)])
    reader = sqlite3.connect(database.address.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM readings").fetchone()  # holds the log
    monkeypatch.setattr("expression.records.engine.BUSY_SECONDS", 0.1)
    database = Database(database.address)  # with less patience
    assert database.delete_before(NOW + timedelta(hours=1)) == 30
    assert MARKER.encode() in bytes_of(database.address.path)
    reader.close()
    assert database.delete_before(NOW) == 0
    assert MARKER.encode() not in bytes_of(database.address.path)
    database.close()


def test_of_rows_that_wait_and_are_too_old_no_byte_is_left(tmp_path):
    spool = Spool(tmp_path / "a.sqlite")
    spool.add([marked(number) for number in range(100)])
    spool.add([record(7200)])
    assert spool.delete_before(NOW + timedelta(hours=1)) == 100
    assert MARKER.encode() not in bytes_of(spool.path)
    assert spool.count == 1
    spool.close()


@pytest.mark.parametrize("killed", [False, True], ids=["closed", "killed"])
def test_after_wipe_no_byte_is_left(tmp_path, monkeypatch, killed, capsys):
    """In the user's own file, in one that the settings name, and in what waits for a server."""
    named = tmp_path / "named.sqlite"
    monkeypatch.setenv("EXPRESSION_SINKS", f"database:url={named},every=9 console")
    files = [Database(Address(str(default_file()))), Database(Address(str(named)))]
    for each in files:
        each.add([marked(number) for number in range(40)])
    spool = Spool.of("0123")
    spool.add([marked(number) for number in range(20)])
    paths = [*(each.address.path for each in files), spool.path]
    if not killed:  # otherwise all are still open, with a log
        for each in (*files, spool):
            each.close()
    assert all(MARKER.encode() in bytes_of(path) for path in paths)
    assert app.main(["dataset", "wipe", "--yes"]) == 0
    for path in paths:
        assert MARKER.encode() not in bytes_of(path), path
    told = capsys.readouterr().out
    assert all(f"stored reading{'s'} in {path}" in told for path in paths), told
    for each in (*files, spool):
        each.close()
    assert app.main(["dataset", "wipe", "--yes", "--readings"]) == 0
    assert "There is nothing to delete in " in capsys.readouterr().out


def test_wipe_asks_and_leaves_everything_without_an_answer(monkeypatch, capsys):
    database = Database(Address())
    database.add([record()])
    monkeypatch.setattr("typer.confirm", lambda _text: False)
    assert app.main(["dataset", "wipe"]) == 0
    assert "Nothing was deleted." in capsys.readouterr().out
    assert len(ids(database)) == 1
    database.close()


def test_wipe_leaves_other_databases_alone_and_names_servers(tmp_path, monkeypatch, capsys):
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as file:
        file.execute("CREATE TABLE readings (meter INTEGER)")
        file.execute("INSERT INTO readings VALUES (42)")
    file.close()
    before = other.read_bytes()
    sinks = f"database:{other} database:mysql://me:Tr0ub4dor@10.0.0.9/home"
    monkeypatch.setenv("EXPRESSION_SINKS", sinks)
    database = Database(Address(str(default_file())))
    database.add([record()])
    database.close()
    assert app.main(["dataset", "wipe", "--yes"]) == 0
    assert other.read_bytes() == before
    told = capsys.readouterr().out
    assert "not a database of this program: /" in told
    assert f"/{other.name}." in told
    assert "Readings on a server stay: mysql://10.0.0.9. To delete them, run expression serve" in told
    assert "Tr0ub4dor" not in told


def test_wipe_finds_every_file_that_a_sink_or_a_server_was_told_to_use(tmp_path, monkeypatch, capsys):
    paths = [tmp_path / "sink ü.sqlite", tmp_path / "served.sqlite"]
    sink = make_sink(f"database:{paths[0]}")
    sink.open()
    sink.close()
    pytest.importorskip("fastapi", reason="needs the extra server")
    from expression.server import app as server_app

    monkeypatch.setattr(server_app, "serve", lambda *_: None)
    assert app.main(["serve", "--database", str(paths[1])]) == 0
    for path in paths:
        database = Database(Address(str(path)))
        database.add([marked(number) for number in range(3)])
        database.close()
    assert stat.S_IMODE(next(places.folder().iterdir()).stat().st_mode) == 0o600 or os.name == "nt"
    capsys.readouterr()
    assert app.main(["dataset", "wipe", "--readings", "--yes"]) == 0
    told = capsys.readouterr().out
    for path in paths:
        assert f"3 stored readings in {path}" in told
        assert MARKER.encode() not in bytes_of(path)
    assert app.main(["dataset", "wipe", "--readings", "--yes"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("There is nothing to delete in ")
    assert all(str(path) in told for path in paths)


def test_wipe_names_servers_and_files_that_were_used_and_that_it_cannot_reach(tmp_path, monkeypatch, capsys):
    for place in (str(tmp_path / "moved.sqlite"), "mysql://me:Tr0ub4dor@10.0.0.9/home"):
        places.remember(Address(place))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    assert app.main(["dataset", "wipe", "--readings", "--yes"]) == 0
    told = capsys.readouterr().out
    assert f"There is nothing to delete in {default_file()}." in told
    assert "files that are no longer there: " in told
    assert "moved.sqlite. If you moved them, delete them where they are." in told
    assert "Readings on a server stay: mysql://10.0.0.9." in told
    assert b"Tr0ub4dor" not in b"".join(note.read_bytes() for note in places.folder().iterdir())


def test_a_file_that_is_gone_from_the_folder_for_temporary_files_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    places.remember(Address(str(tmp_path / "gone.sqlite")))
    assert places.remembered() == ([], [])
    assert list(places.folder().iterdir()) == []


def test_a_file_that_became_something_else_is_never_emptied(tmp_path):
    path = tmp_path / "a.sqlite"
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE readings (meter INTEGER)")
        file.execute("INSERT INTO readings VALUES (42)")
    file.close()
    failed = wiping.delete(wiping.Stored({path: 3}))
    assert failed == {str(path): "it is not a database of this program"}


def test_wipe_removes_own_files_that_are_damaged(capsys):
    default_file().parent.mkdir(parents=True)
    default_file().write_bytes(MARKER.encode() * 999)
    assert wiping.survey().rows == {default_file(): None}
    assert app.main(["dataset", "wipe", "--yes"]) == 0
    assert f"Deleted the damaged readings in {default_file()}." in capsys.readouterr().out
    assert not default_file().exists()


def test_pictures_and_trash_are_not_wiped_with_readings_and_the_other_way_round(capsys):
    assert app.main(["dataset", "wipe", "--trash", "--readings"]) == 2
    assert "--trash and --readings exclude each other" in capsys.readouterr().err
    database = Database(Address())
    database.add([record()])
    Path("Images", ".trash", "a").mkdir(parents=True)
    Path("Images", ".trash", "a", "face1.png").write_bytes(b"png")
    Path("faceLabels.csv").write_text("")
    assert app.main(["dataset", "wipe", "--trash", "--yes"]) == 0
    assert len(ids(database)) == 1
    Path("Images", "face2.png").write_bytes(b"png")
    assert app.main(["dataset", "wipe", "--readings", "--yes"]) == 0
    assert Path("Images", "face2.png").exists()
    assert ids(database) == []
    database.close()


def test_at_the_limit_the_oldest_are_dropped_and_counted(tmp_path):
    size = len(record().to_json())
    spool = Spool(tmp_path / "a.sqlite", most=10 * size + size // 2)
    rows = [record(number % 10) for number in range(14)]
    spool.add(rows[:7])
    spool.add(rows[7:])
    assert (spool.count, spool.dropped) == (10, 4)
    assert [Record.from_json(line).id for _, line in spool.first()] == [one.id for one in rows[4:]]
    assert stat.S_IMODE(spool.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.path.parent.stat().st_mode) & 0o077 == 0 or spool.path.parent == tmp_path
    spool.close()


def test_a_spool_that_is_damaged_is_replaced_and_told(tmp_path, caplog):
    (tmp_path / "a.sqlite").write_bytes(b"damaged" * 999)
    spool = Spool(tmp_path / "a.sqlite")
    spool.add([record()])
    assert spool.count == 1
    assert [m for m in caplog.messages if "are lost, because the file is damaged" in m]
    spool.close()


class Fragile(Database):
    """Fails as often as it is told."""

    def __init__(self, address, failures):
        super().__init__(address)
        self.failures = list(failures)

    def add(self, records):
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None and failure != "after":
            raise failure
        super().add(records)
        if failure == "after":  # it has arrived, but nobody said so
            raise ConnectionResetError("broken")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("expression.records.writer.BATCH_SECONDS", 0.02)
    monkeypatch.setattr("expression.records.writer.FIRST_PAUSE", 0.02)


@pytest.mark.parametrize("failures", [["after"], [ConnectionError("away")] * 3, ["after", "after"]])
def test_rows_of_a_connection_that_breaks_are_stored_once(tmp_path, failures, quick, caplog):
    database = Fragile(Address(str(tmp_path / "a.sqlite")), failures)
    writer = Writer(database, Spool(tmp_path / "spool.sqlite"))
    writer.start()
    rows = [record(number) for number in range(20)]
    for one in rows:
        writer.put([one])
    wait_for(lambda: not writer.waiting)
    assert writer.finish(60) == 0
    assert ids(database) == [one.id for one in rows]
    assert [m.split(" (")[0] for m in caplog.messages if "cannot store" in m] == [
        f"The sink database cannot store readings in {database.address.shown}"
    ]
    assert [m for m in caplog.messages if "reaches" in m]
    database.close()


def test_a_row_that_no_database_takes_does_not_hold_up_the_others(tmp_path, quick, caplog):
    database = Database(Address(str(tmp_path / "a.sqlite")))
    writer = Writer(database, Spool(tmp_path / "spool.sqlite"))
    writer.put([record(1), replace(record(2), run=None), record(3)])
    writer.start()
    assert writer.finish(60) == 0
    assert (writer.stored, writer.lost) == (2, 1)
    assert len(ids(database)) == 2
    assert [m for m in caplog.messages if "the database does not accept them" in m]
    database.close()


def test_what_a_run_left_on_disk_is_stored_by_the_next(tmp_path, quick):
    path = tmp_path / "spool.sqlite"
    away = Fragile(Address(str(tmp_path / "a.sqlite")), [ConnectionError("away")] * 99)
    first = Writer(away, Spool(path))
    first.put([record(1), record(2)])
    first.start()
    assert first.finish(60) == 2
    again = Database(away.address)
    second = Writer(again, Spool(path))
    second.put([record(3)])
    second.start()
    assert second.finish(60) == 0
    assert len(ids(again)) == 3
    again.close()


def test_a_database_that_hangs_keeps_nobody_waiting_and_its_rows_are_kept(tmp_path, quick):
    gate, inside = threading.Event(), threading.Event()

    class Hanging(Database):
        def add(self, records):
            inside.set()
            gate.wait()
            super().add(records)

    database = Hanging(Address(str(tmp_path / "a.sqlite")))
    spool = tmp_path / "spool.sqlite"
    writer = Writer(database, Spool(spool))
    writer.put([record(1)])
    writer.start()
    inside.wait()
    writer.put([record(2)])
    assert writer.finish(0.1) == 2, "also the one that may arrive after all"
    gate.set()
    writer.join()
    again = Writer(Database(database.address), Spool(spool))
    again.start()
    assert again.finish(60) == 0
    assert len(ids(database)) == 2
    database.close()


def test_rows_are_deleted_after_the_days_that_they_are_kept(tmp_path, quick):
    database = Database(Address(str(tmp_path / "a.sqlite")))
    now = datetime.now(timezone.utc)
    database.add([record(time=now - timedelta(days=3), device=MARKER), record(time=now - timedelta(days=1))])
    writer = Writer(database, Spool(tmp_path / "spool.sqlite"), keep=2)
    writer.start()
    wait_for(lambda: len(ids(database)) == 1)
    writer.finish(60)
    assert MARKER.encode() not in bytes_of(database.address.path)
    database.close()


def test_no_spool_is_made_where_nothing_waits(database):
    writer = Writer(database, Spool.of(database.address.identity))
    writer.put([record()])
    writer.start()
    assert writer.finish(60) == 0
    assert spools() == []
    assert os.listdir(database.address.path.parent) == ["a.sqlite"]


@pytest.mark.slow
class TestServer:
    """The same on a real MariaDB and a real PostgreSQL."""

    @pytest.fixture
    def database(self, database_server):
        one = Database(Address(database_server.address), PASSWORD)
        one.prepare()
        one.delete()
        yield one
        one.close()

    def test_rows_come_back_as_they_were_and_are_stored_once(self, database):
        rows = [record(1, "hallé 😀", label="悲しい", picture=b"\xff" * 90_000), record(2, label="happy")]
        database.add(rows)
        database.add(rows)
        found = queries.page(database, Selection(), False, 10, None)
        assert [(one["id"], one["label"], one["time"]) for one in found] == [
            (one.id, one.label, one.time) for one in rows
        ]
        assert found[0]["device"] == "hallé 😀"
        assert found[0]["scores"] == rows[0].scores
        assert queries.picture(database, rows[0].id) == rows[0].picture
        assert ids(database, labels=["Happy"]) == [], "labels are compared exactly"

    def test_totals_days_and_deletion(self, database):
        database.add([record(1), record(2, "kitchen", label="Sad"), record(90_000)])
        assert [(t["name"], t["seconds"]) for t in queries.totals(database, Selection(), "label")] == [
            ("Happy", 10.0),
            ("Sad", 5.0),
        ]
        days = list(queries.days(database, NOW.date(), NOW.date(), timezone.utc, None))
        assert (days[0]["people"], days[0]["seconds"]) == (1, 10.0)
        assert queries.all_labels(database) == ["Happy", "Sad"]
        assert database.delete(*Selection(device="kitchen").conditions()) == 1
        assert [one["name"] for one in queries.all_devices(database)] == ["hall"]
        assert database.delete_before(NOW + timedelta(hours=1)) == 1
        assert database.delete() == 1

    def test_the_tables_are_those_that_migrations_make(self, database):
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        with database.begin() as connection:
            options = {"version_table": VERSION_TABLE, "compare_type": True}
            different = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        assert not [one for one in different if "jpeg" not in str(one)]  # a MEDIUMBLOB is a BLOB(1 MB)

    def test_several_devices_write_while_everything_is_deleted(self, database, tmp_path, quick, caplog):
        """Each row is stored and deleted once, though transactions get in each other's way."""
        others = [Database(database.address, PASSWORD) for _ in range(4)]
        writers = [Writer(one, Spool(tmp_path / f"{n}.sqlite")) for n, one in enumerate(others)]
        for writer in writers:
            writer.start()
        deleted = 0
        for turn in range(200):
            for number, writer in enumerate(writers):
                writer.put([record(turn, device=f"board {number}")])
            time.sleep(0.01)
            deleted += database.delete() if turn % 10 == 9 else 0
        assert [writer.finish(60) for writer in writers] == [0] * 4
        assert sum(writer.lost for writer in writers) == 0
        assert deleted + database.delete() == 800
        assert [one.message for one in caplog.records if one.name == "expression"] == []

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # PyMySQL's socket
    @pytest.mark.parametrize("change", [("board", "nobody"), (PASSWORD, "Tr0ub4dor"), ("/home", "/nothing")])
    def test_a_login_that_is_refused_is_told_without_the_password(self, database_server, change):
        database = Database(Address(database_server.url.replace(*change)))
        with pytest.raises(BadInputError, match=r"refuses the connection \(.*Check the URL\.") as caught:
            database.prepare()
        assert "Tr0ub4dor" not in str(caught.value)
        database.close()
