"""The sink database: rows in a file and on real servers, which are killed half-way, and so are runs."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from databases import PASSWORD
from parts import PATIENCE, Pictures, expression_process, wait_for
from readings import IMAGE, feed, reading, seen

from expression.errors import BadInputError
from expression.live.data import Data
from expression.live.session import Session
from expression.live.sink_loop import SinkLoop
from expression.records.address import Address, default_file
from expression.records.spool import spools
from expression.sinks import describe_sink, make_sink
from expression.types import Frame

pytest.importorskip("sqlalchemy", reason="needs the extra database")

from expression.records import queries
from expression.records.database import Database
from expression.records.queries import Selection


def rows(address: str, password: str | None = None, **chosen) -> list[dict]:
    """Everything that is stored, the oldest first."""
    database = Database(Address(address), password)
    try:
        return queries.page(database, Selection(**chosen), False, 10_000, None)
    finally:
        database.close()


def settled(label: str, start: float) -> list:
    return [seen(start, p1=label), seen(start + 1, p1=label)]


def test_changes_presence_and_leaving_are_stored_with_their_scores(capfd):
    feed(make_sink("database:url=a.sqlite,device=hall"), *settled("Happy", 0), *settled("Sad", 1.5))
    found = rows("a.sqlite")
    assert [(one["kind"], one["previous"], one["label"], one["seconds"]) for one in found] == [
        ("change", None, "Happy", 1.0),
        ("change", "Happy", "Sad", 1.5),
        ("left", None, "Sad", 0.0),
    ]
    assert found[0]["scores"] == {"Happy": 0.75, "Sad": 0.25}
    assert {one["device"] for one in found} == {"hall"}
    assert len({one["run"] for one in found}) == 1
    place = Path("a.sqlite").absolute()
    assert capfd.readouterr().out.splitlines() == [
        f"Readings are stored in {place}: each change, and who is there every 5 s. "
        "Rows stay until you delete them.",
        f"{place}: 3 rows stored.",
    ]


def test_without_a_url_it_is_a_file_in_the_own_folder_for_the_owner_alone():
    feed(make_sink("database"), *settled("Happy", 0))
    assert len(rows("")) == 2
    assert stat.S_IMODE(default_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(default_file().parent.stat().st_mode) == 0o700
    assert rows("")[0]["device"]


def test_pictures_are_stored_only_if_they_are_asked_for(capfd):
    for number, option in enumerate(("", ",pictures=yes")):
        feed(make_sink(f"database:url={number}.sqlite{option}"), *settled("Happy", 0))
    assert [[one["picture"] for one in rows(f"{number}.sqlite")] for number in range(2)] == [
        [False, False],
        [True, False],
    ]
    assert "each change, with a picture of the face, and" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("every=0", r"The option every of the sink database is 0\.0\. Expected 1 to 3600 seconds\."),
        ("keep=-1", r"The option keep of the sink database is -1\.0\. Expected 0 to keep everything"),
        ("settle=-1", r"The option settle of the sink database is -1\.0\."),
        (f"device={'a' * 101}", r"The option device of the sink database is"),
        ("url=oracle://a/b", r"begins with oracle://, which is not supported\."),
    ],
)
def test_options_out_of_range_are_told(options, said):
    with pytest.raises(BadInputError, match=said):
        make_sink(f"database:{options}")


def test_its_description_has_no_user_and_no_password():
    assert describe_sink("database:mysql://me:Tr0ub4dor@10.0.0.2/home") == "database:mysql://10.0.0.2"
    assert (
        describe_sink("database:url=postgresql://me:Tr0ub4dor@db/home,keep=9") == "database:postgresql://db"
    )


def test_a_server_that_is_away_costs_nothing_and_what_waits_is_told(capfd, caplog):
    sink = make_sink("database:mysql://me:Tr0ub4dor@127.0.0.1:9/home")
    sink.open()
    sink.frame = Frame(IMAGE, 0, 0.0, 0.0)
    began = time.monotonic()
    for number in range(2000):
        sink.send(reading(number, time=float(number)))
    assert time.monotonic() - began < PATIENCE / 10
    wait_for(lambda: caplog.messages)
    assert "rows are still to be stored in mysql://127.0.0.1:9" in sink.unfinished
    assert sink.close_seconds > 0
    sink.close()
    assert sink.close_seconds == 0
    (spool,) = spools()
    out = capfd.readouterr().out
    assert f"mysql://127.0.0.1:9: 0 rows stored, 2,000 wait in {spool} for the next run" in out
    assert stat.S_IMODE(spool.stat().st_mode) == 0o600
    (said,) = caplog.messages
    assert "cannot store readings in mysql://127.0.0.1:9 (" in said
    assert "Tr0ub4dor" not in out + said + repr(vars(sink))


def test_a_password_comes_from_a_file_that_only_the_owner_reads():
    Path("secrets.env").write_text("EXPRESSION_DATABASE_PASSWORD=Tr0ub4dor\n")
    os.chmod("secrets.env", 0o644)
    sink = make_sink("database:url=mysql://me@127.0.0.1:9/home,secrets=secrets.env")
    with pytest.raises(BadInputError, match=r"can be read by other users \(mode 644\)"):
        sink.open()
    os.chmod("secrets.env", 0o600)
    sink.open()
    sink.close()


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_a_file_with_its_rows(tmp_path):
    process = expression_process(
        *("live", "--source", "demo", "--display", "none", "--sink", "database:url=a.sqlite,every=1"),
        cwd=tmp_path,
    )
    address = str(tmp_path / "a.sqlite")

    def stored() -> int:
        if not (tmp_path / "a.sqlite").exists():
            return 0
        with sqlite3.connect(address) as file:
            there = file.execute("SELECT name FROM sqlite_master WHERE name = 'readings'").fetchone()
            count = file.execute("SELECT count(*) FROM readings").fetchone()[0] if there else 0
        file.close()
        return count

    try:
        wait_for(lambda: stored() >= 4)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    before = stored()
    with sqlite3.connect(address) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    file.close()
    assert before >= 4
    again = expression_process(
        *("live", "--source", "demo", "--display", "none", "--duration", "4", "--sink", "database:a.sqlite"),
        cwd=tmp_path,
    )
    out, err = again.communicate(timeout=PATIENCE)
    assert again.returncode == 0, err
    assert "rows stored." in out
    found = rows(address)
    assert len(found) > before
    assert len({one["id"] for one in found}) == len(found)
    assert len({one["run"] for one in found}) == 2


@pytest.mark.slow
def test_a_run_that_is_killed_while_the_server_is_away_loses_no_row_on_disk(tmp_path):
    process = expression_process(
        *("live", "--source", "demo", "--display", "none"),
        *("--sink", "database:url=mysql://a@127.0.0.1:9/home,every=1"),
        cwd=tmp_path,
        XDG_STATE_HOME=str(tmp_path / "state"),
    )
    folder = tmp_path / "state" / "expression" / "waiting"

    def waiting() -> int:
        files = list(folder.glob("*.sqlite"))
        if not files:
            return 0
        with sqlite3.connect(files[0]) as file:
            there = file.execute("SELECT name FROM sqlite_master WHERE name = 'waiting'").fetchone()
            count = file.execute("SELECT count(*) FROM waiting").fetchone()[0] if there else 0
        file.close()
        return count

    try:
        wait_for(lambda: waiting() >= 3)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert waiting() >= 3


def push(sink, count: int, start: int) -> None:
    """Sends changes of many people, each worth one row, over two seconds."""
    for number in range(count):
        one = reading(start + number, time=float(start + number))
        sink.send(replace(one, label=f"L{start + number}"))
        time.sleep(2 / count)


@pytest.mark.slow
def test_a_server_that_is_killed_and_started_again_has_every_row_once(
    database_server,
    monkeypatch,
    caplog,
):
    """It is killed in the middle of batches, twice, while rows keep coming."""
    monkeypatch.setenv("EXPRESSION_DATABASE_PASSWORD", PASSWORD)
    monkeypatch.setattr("expression.records.writer.BATCH_SECONDS", 0.02)
    sink = make_sink(f"database:url={database_server.address},settle=0,device=killed")
    sink.frame = Frame(IMAGE, 0, 0.0, 0.0)
    sink.open()
    push(sink, 150, 0)
    database_server.kill()
    push(sink, 150, 150)
    database_server.start()
    push(sink, 150, 300)
    database_server.kill()
    push(sink, 150, 450)
    database_server.start()
    push(sink, 150, 600)
    wait_for(lambda: not sink._writer.waiting)
    sink.close()
    found = rows(database_server.address, PASSWORD, device="killed")
    changes = Counter(one["label"] for one in found if one["kind"] == "change")
    assert changes == Counter(f"L{number}" for number in range(750)), "nothing lost, and nothing twice"
    assert len({one["id"] for one in found}) == len(found)
    told = [message for message in caplog.messages if "cannot store" in message]
    assert 1 <= len(told) <= 4
    assert PASSWORD not in caplog.text


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs a signal that stops a process")
def test_a_server_that_hangs_ends_no_run_late_and_loses_no_row(database_server, monkeypatch):
    monkeypatch.setenv("EXPRESSION_DATABASE_PASSWORD", PASSWORD)
    written = f"database:url={database_server.address},settle=0,device=hung"
    sink = make_sink(written)
    sink.frame = Frame(IMAGE, 0, 0.0, 0.0)
    sink.open()
    push(sink, 20, 0)
    wait_for(lambda: not sink._writer.waiting)
    with database_server.hung():
        push(sink, 20, 20)
        began = time.monotonic()
        writer = sink._writer
        sink.close()
        assert time.monotonic() - began < 9, "5 s, and the seconds that it asks for"
    writer.join(PATIENCE)
    again = make_sink(written)
    again.open()
    wait_for(lambda: not again._writer.waiting)
    again.close()
    changes = Counter(
        one["label"]
        for one in rows(database_server.address, PASSWORD, device="hung")
        if one["kind"] == "change"
    )
    assert changes == Counter(f"L{number}" for number in range(40))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # PyMySQL's socket
def test_a_password_that_is_wrong_ends_the_run(database_server, monkeypatch):
    monkeypatch.setenv("EXPRESSION_DATABASE_PASSWORD", "wrong")
    sinks = [f"database:url={database_server.address},settle=0"]
    with pytest.raises(BadInputError, match=r"refuses the connection \(.*The password may also come from"):
        Session(Pictures(), display="none", detector="whole", sinks=sinks).run()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_password_that_is_wrong_is_told_also_if_nobody_comes(database_server, monkeypatch, caplog):
    monkeypatch.setenv("EXPRESSION_DATABASE_PASSWORD", "wrong")
    sink = make_sink(f"database:{database_server.address}")
    sink.open()
    wait_for(lambda: sink._writer.refusal)
    sink.close()
    (said,) = caplog.messages
    assert "refuses the connection" in said
    assert "wrong" not in said


def test_a_server_that_is_away_is_told_before_the_first_row(caplog):
    sink = make_sink("database:postgresql://me@127.0.0.1:9/home")
    sink.open()
    wait_for(lambda: caplog.messages)
    sink.close()
    (said,) = caplog.messages
    assert "cannot store readings in postgresql://127.0.0.1:9 (" in said


def test_it_is_asked_for_no_row_after_the_end():
    loop = SinkLoop(Data(), make_sink("database:a.sqlite"))
    loop.start()
    loop.data.done = True
    loop.data.readings.close()
    loop.join(PATIENCE)
    assert not loop.is_alive()
    assert rows("a.sqlite") == []
