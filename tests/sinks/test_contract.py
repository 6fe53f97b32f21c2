"""What every sink guarantees, checked for each file of `expression/sinks/`.

A new sink needs a line in `OPENED`: how the test can open one. One with a package of its own needs a line
in `PACKAGES`, one with secrets a line in `SECRETS`. Where this machine lacks a part, its tests are skipped.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import typing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bucket import BUCKET
from parts import PATIENCE, Pictures
from readings import IMAGE, reading

from expression import sinks
from expression.control import Control
from expression.errors import BadInputError, MissingPackageError
from expression.labels import NOT_SURE
from expression.live.aggregation import ROOM
from expression.live.data import Data
from expression.live.session import Session
from expression.live.sink_loop import SinkLoop
from expression.sinks import make_sink, names
from expression.sinks._base import Sink
from expression.sinks.memory import Memory
from expression.types import Frame

FOLDER = Path(sinks.__file__).parent
FILES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))

OPENED: dict[str, Callable[[Callable], str]] = {
    "blynk": lambda fixture: f"blynk:server={fixture('cloud').address}",
    "console": lambda _fixture: "console",
    "csvfile": lambda fixture: f"csvfile:{fixture('tmp_path') / 'a.csv'}",
    "database": lambda fixture: f"database:{fixture('tmp_path') / 'a.sqlite'}",
    "firebase": lambda fixture: f"firebase:{fixture('bucket')}",
    "hue": lambda fixture: fixture("bridge") and "hue",
    "images": lambda fixture: f"images:{fixture('tmp_path') / 'guesses'}",
    "lamp": lambda _fixture: "lamp",
    "memory": lambda _fixture: "memory",
    "mqtt": lambda fixture: f"mqtt:host=127.0.0.1,port={fixture('broker').port}",
    "speech": lambda fixture: f"speech:words=Happy={fixture('heard').stem}",
}
"""How each sink is written so that it opens here; `fixture(NAME)` gives a fixture of pytest."""

PACKAGES = {
    "database": ("sqlalchemy", "SQLAlchemy"),
    "firebase": ("firebase_admin", "firebase-admin"),
    "hue": ("phue", "phue"),
    "mqtt": ("paho", "paho-mqtt"),
    "speech": ("pyttsx3", "pyttsx3"),
}
"""What a sink imports in `open`, and its name for pip; the extra is the sink's own."""

SECRETS = {
    "blynk": ["EXPRESSION_BLYNK_TOKEN"],
    "database": ["EXPRESSION_DATABASE_PASSWORD"],
    "firebase": ["GOOGLE_APPLICATION_CREDENTIALS"],
    "mqtt": ["EXPRESSION_MQTT_USER", "EXPRESSION_MQTT_PASSWORD"],
}
"""The variables that hold a sink's secrets, or name the key with them."""

SECRET = "Tr0ub4dor-and-3"

BASIC = {"numpy", "cv2", "filelock", "platformdirs", "pooch", "PIL", "tqdm", "tomli", "defusedxml"}
"""What is installed with the package itself; Pillow imports the last if it is installed."""

each = pytest.mark.parametrize("name", FILES)


def kind_of(name: str) -> type[Sink]:
    """The sink of a file."""
    return sinks.sink_class(name)


@pytest.fixture
def bucket(store, key, monkeypatch) -> str:
    """The name of a bucket; its key is in the environment."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", key(store.address))
    return BUCKET


@pytest.fixture
def written(name, request, monkeypatch) -> str:
    """A sink as a user writes it, with what it needs at hand and its secrets set."""
    text = OPENED[name](request.getfixturevalue)
    for variable in SECRETS.get(name, ()):
        if variable not in os.environ:  # no part has a better one
            monkeypatch.setenv(variable, SECRET)
    return text


def secrets(name: str) -> set[str]:
    """What must never be shown: each secret, or each line of a key."""
    found = {os.environ[variable] for variable in SECRETS.get(name, ())}
    keys = [json.loads(Path(value).read_text())["private_key"] for value in found if Path(value).is_file()]
    return {line for key in keys for line in key.splitlines()[1:-1]} or found


def made(written: str) -> Sink:
    """A sink that is not open yet, with its own switches."""
    sink = make_sink(written)
    sink.control, sink.frame = Control(("Happy", "Sad")), Frame(IMAGE, 0, 0.0, 0.0)
    return sink


def test_every_sink_stands_in_the_table():
    assert sorted(OPENED) == FILES == names(), "add a new sink to OPENED"
    with_extra = {name for name in FILES if kind_of(name).extra}
    assert with_extra == set(PACKAGES), "add what a sink imports in open to PACKAGES"


@each
def test_a_file_defines_one_sink_which_has_its_name(name):
    module = importlib.import_module(f"expression.sinks.{name}")
    kinds = [value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, Sink)]
    own = [kind for kind in kinds if kind.__module__ == module.__name__]
    assert len(own) == 1
    assert own[0].__name__.lower() == name
    assert own[0].__dict__.get("__doc__"), "it says what it does"
    assert own[0].__new__(own[0]).name == name
    assert own[0].send is not Sink.send


@each
def test_its_options_say_what_they_are(name):
    kind = kind_of(name)
    if kind.__init__ is object.__init__:
        assert kind.option is None
        return
    hints = typing.get_type_hints(kind.__init__)
    options = list(inspect.signature(kind.__init__).parameters)[1:]
    for option in options:
        kinds = set(typing.get_args(hints[option]) or (hints[option],)) - {type(None)}
        assert kinds <= {int, float, bool, str}, f"{option} cannot be given in words"
        assert f"{option}:" in kind.__doc__, f"the docstring explains {option}"
    assert kind.option in (None, *options)


@each
def test_it_stands_in_the_guide(name):
    guide = (FOLDER.parents[1] / "docs" / "reactions.md").read_text(encoding="utf-8")
    assert re.search(rf"\n\|[^|]*`{name}\b", guide)


@each
def test_a_wrong_option_is_told_in_three_parts(name):
    with pytest.raises(BadInputError, match=rf"The sink {name} has no option 'nosuchthing'") as caught:
        make_sink(f"{name}:nosuchthing=1")
    error = caught.value
    assert all(part.endswith((".", "?")) for part in (error.happened, error.expected, error.remedy))


def test_importing_a_sink_imports_no_package_that_may_be_missing():
    code = f"""if True:
        import importlib, json, sys
        import expression.sinks
        found = {{}}
        for name in {FILES}:
            before = set(sys.modules)
            importlib.import_module("expression.sinks." + name)
            found[name] = sorted({{module.split(".")[0] for module in set(sys.modules) - before}})
        print(json.dumps(found))
        """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name, packages in json.loads(done.stdout).items():
        foreign = {p.lstrip("_") for p in packages} - sys.stdlib_module_names - BASIC - {"expression"}
        foreign -= {p.lstrip("_") for p in sys.stdlib_module_names}
        assert not foreign, f"{name} imports {foreign} outside open"


@each
def test_its_packages_are_imported_in_open_alone(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    words = {alias.name for node in top for alias in node.names} | {
        node.module or "" for node in top if isinstance(node, ast.ImportFrom) and not node.level
    }
    assert not {word.split(".")[0] for word in words} & {module for module, _ in PACKAGES.values()}


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_where_its_package_is_missing_it_says_what_to_run(name, written, monkeypatch):
    module, package = PACKAGES[name]
    for other in [other for other in sys.modules if other.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, other)
    monkeypatch.setitem(sys.modules, module, None)
    loop = SinkLoop(Data(), make_sink(written))
    loop.start()
    loop.join(PATIENCE)
    error = loop.data.error[1]
    assert isinstance(error, MissingPackageError)
    assert f" needs the package {package}, which is not installed." in str(error)
    assert f'pip install -e ".[{kind_of(name).extra}]"' in str(error)


@each
def test_it_takes_every_reading_and_is_closed_twice_without_harm(name, written, capfd, caplog):
    needs = PACKAGES.get(name)
    if needs:
        pytest.importorskip(needs[0], reason=f"needs {needs[1]}")
    sink = made(written)
    sink.open()
    readings = [
        reading(),
        replace(reading(2, time=1.0), label=NOT_SURE),
        reading(ROOM, "Sad", time=1.0, score=0.25),
        reading(time=5.0),
    ]
    assert sink.wants(readings[0])
    for one in filter(sink.wants, readings):
        sink.send(one)
    sink.empty()
    for one in filter(sink.wants, [reading(3, time=9.0)]):
        sink.send(one)
    sink.empty()
    shown = repr(sink)
    sink.close()
    sink.close()
    out = capfd.readouterr()
    told = shown + repr(sink) + out.out + out.err + caplog.text
    assert not [secret for secret in secrets(name) if secret in told]
    assert not caplog.messages


@each
def test_one_that_is_used_in_two_runs_starts_again(name, written, capfd, caplog):
    """As in a notebook, where a cell that is run again passes the same instance."""
    needs = PACKAGES.get(name)
    if needs:
        pytest.importorskip(needs[0], reason=f"needs {needs[1]}")
    sink, said = made(written), []
    for _ in range(2):
        sink.open()
        sink.send(reading())
        if process := getattr(sink, "_process", None):
            process.wait(PATIENCE)
        sink.close()
        said.append(capfd.readouterr().out.splitlines()[-1:])
    if name in ("csvfile", "images"):
        assert "1 row" in said[1][0] or "1 picture" in said[1][0], said
    assert not caplog.messages


@each
def test_one_that_was_never_opened_closes_without_harm(name, written):
    made(written).close()


CELL = """
class Applause(Sink):
    def __init__(self):
        self.heard = []

    def send(self, reading):
        self.heard.append(reading.label)


class Broken(Sink):
    def open(self): raise OSError("open")
    def send(self, reading): raise OSError("send")
    def empty(self): raise OSError("empty")
    def close(self): raise OSError("close")


class Dropping(Broken):
    def open(self): pass
"""


def test_one_from_a_notebook_cell_works_and_ones_that_raise_at_everything_harm_nobody(caplog):
    cell = {"Sink": Sink, "__name__": "__main__"}
    exec(CELL, cell)
    good, memory = cell["Applause"](), Memory()
    bad = (cell["Broken"](), good, cell["Dropping"](), memory)
    session = Session(Pictures(60), display="none", detector="whole", sinks=bad)
    session.run()
    assert good.name == "Applause"
    assert good.heard  # how many depends on the machine: each skips what comes too quickly
    assert memory.readings[-1].frame == 59, "the last one arrives"
    assert session.error is None
    assert session.statistics()["threads_left"] == 0
    failed = [message for message in caplog.messages if " failed. " in message]
    assert sorted(message.split(" failed. ")[0] for message in failed) == [
        "The sink Broken",
        "The sink Dropping",
    ]
