"""The command serve: which database it opens, and what it says where a package is missing."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra database")

from expression.cli import app
from expression.records.address import default_file


@pytest.fixture
def served(monkeypatch) -> list:
    """What the server was started with."""
    found = []
    module = types.ModuleType("expression.server.app")
    module.serve = lambda *given: found.extend(given)
    monkeypatch.setitem(sys.modules, "expression.server.app", module)
    return found


def test_it_serves_what_the_sink_stores_by_default(served):
    assert app.main(["serve"]) == 0
    database, host, port = served
    assert (database.address.path, host, port) == (default_file(), "127.0.0.1", 8000)


def test_host_port_and_database_are_passed_on(served):
    assert app.main(["serve", "--host", "0.0.0.0", "--port", "8080", "--database", "a.sqlite"]) == 0
    database, host, port = served
    assert (database.address.path, host, port) == (Path("a.sqlite").absolute(), "0.0.0.0", 8080)


@pytest.mark.slow
def test_a_password_comes_from_the_environment_and_is_not_shown(served, monkeypatch):
    monkeypatch.setenv("EXPRESSION_DATABASE_PASSWORD", "Tr0ub4dor")
    assert app.main(["serve", "--database", "postgresql://me@127.0.0.1/home"]) == 0
    assert served[0].engine.url.password == "Tr0ub4dor"
    assert "Tr0ub4dor" not in repr(served[0])


def test_a_file_that_does_not_exist_is_created_and_that_is_told_once(served, capsys):
    assert app.main(["serve", "--database", "new.sqlite"]) == 0
    told = capsys.readouterr().out
    path = Path("new.sqlite").absolute()
    assert f"{path} did not exist and was created, without readings. To store some: " in told
    assert told.rstrip().endswith(f"expression live --sink database:{path}")
    assert app.main(["serve", "--database", "new.sqlite"]) == 0
    assert capsys.readouterr().out == ""
    assert app.main(["serve"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("expression live --sink database")


def test_a_file_that_cannot_be_created_is_an_error_at_the_start(served, capsys):
    assert app.main(["serve", "--database", "no/new.sqlite"]) == 2
    told = capsys.readouterr()
    assert "new.sqlite (No such file or directory). Expected a file in an existing, writable" in told.err
    assert (told.out, served) == ("", [])


@pytest.mark.parametrize("scheme", ["mysql", "postgresql"])
def test_a_server_that_cannot_be_reached_is_told_at_the_start_and_waited_for(served, scheme, caplog):
    pytest.importorskip("pymysql", reason="needs the extra database")
    pytest.importorskip("psycopg", reason="needs the extra database")
    assert app.main(["serve", "--database", f"{scheme}://me:Tr0ub4dor@127.0.0.1:9/home"]) == 0
    assert f"The database {scheme}://127.0.0.1:9 cannot be reached (" in caplog.text
    assert "Expected one that answers. Requests fail until it does; check its address" in caplog.text
    assert "Tr0ub4dor" not in caplog.text
    assert served


def test_a_database_that_is_none_is_told(served, capfd):
    assert app.main(["serve", "--database", "oracle://me:Tr0ub4dor@host/x"]) == 2
    said = capfd.readouterr().err
    assert "begins with oracle://, which is not supported. Expected a file, or a URL such as" in said
    assert "Tr0ub4dor" not in said
    assert served == []


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (
            "sqlalchemy",
            r'The database needs the package SQLAlchemy, which is not installed.*"\.\[database\]"',
        ),
        ("fastapi", r'The server needs the package fastapi, which is not installed.*"\.\[server\]"'),
    ],
)
def test_a_package_that_is_missing_is_told_with_what_to_run(module, said, monkeypatch, capfd):
    for name in [n for n in sys.modules if n.split(".")[0] == module or n.startswith("expression.server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "expression.server.app", raising=False)
    assert app.main(["serve"]) == 1
    assert re.search(said, capfd.readouterr().err)
