"""Sinks: their names and options."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from readings import Recorder, feed, seen

from expression.errors import BadInputError
from expression.sinks import make_sink, names, sink_class
from expression.sinks._base import Sink
from expression.sinks._options import options_of
from expression.sinks.console import Console
from expression.sinks.csvfile import Csvfile
from expression.sinks.memory import Memory


def test_the_sinks_of_the_folder_are_listed():
    assert {"console", "csvfile", "memory"} <= set(names())
    assert not any(name.startswith("_") for name in names())


class Stray:
    """Has the method, but is not a sink."""

    def send(self, reading):
        pass


@pytest.mark.parametrize(
    ("text", "kind", "name", "value"),
    [
        pytest.param("memory", Memory, "limit", 10_000, id="name"),
        pytest.param(" memory:7 ", Memory, "limit", 7, id="value, brought into its type"),
        pytest.param("memory:", Memory, "limit", 10_000, id="colon and nothing"),
        pytest.param("memory:limit=7", Memory, "limit", 7, id="keyword"),
        pytest.param("csvfile:a.csv", Csvfile, "path", Path("a.csv"), id="path"),
        pytest.param("csvfile:path=a.csv", Csvfile, "path", Path("a.csv"), id="path as keyword"),
        pytest.param("csvfile:path=a,b=.csv", None, "no option 'b'", None, id="comma and a word"),
        pytest.param("csvfile:path=a, b.csv", Csvfile, "path", Path("a, b.csv"), id="comma in a value"),
        pytest.param(r"csvfile:C:\a b\c.csv", Csvfile, "path", Path(r"C:\a b\c.csv"), id="drive letter"),
        pytest.param("csvfile:/a/b=c.csv", Csvfile, "path", Path("/a/b=c.csv"), id="= in a path"),
        pytest.param("csvfile:path=b=c.csv", Csvfile, "path", Path("b=c.csv"), id="= in a value"),
        pytest.param("console", Console, "finished", False, id="no options"),
    ],
)
def test_a_sink_is_made_from_words(text, kind, name, value):
    if kind is None:
        with pytest.raises(BadInputError, match=name):
            make_sink(text)
        return
    sink = make_sink(text)
    assert type(sink) is kind
    assert getattr(sink, name, None) == value or sink.readings.maxlen == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("consol", r"There is no sink 'consol'\. Expected one of .*console.*\. Did you mean console\?"),
        ("Console", r"Did you mean console\?"),
        ("qqq", r"There is no sink 'qqq'\. .* Choose one of these\."),
        ("", r"There is no sink ''"),
        ("_options", r"There is no sink '_options'"),
        ("../check", r"There is no sink '\.\./check'"),
        ("csvfile", r"csvfile was given no path\. Expected csvfile:PATH\. Write it after the colon\."),
        ("csvfile:", r"csvfile was given no path"),
        ("csvfile:paht=a.csv", r"csvfile has no option 'paht'\. Expected path\. Did you mean path\?"),
        ("csvfile:colour=red", r"has no option 'colour'\. Expected path\. Check the spelling"),
        ("console:x", r"console takes no value, found 'x'\. Expected console\. Remove everything"),
        ("console:x=1", r"console has no option 'x'\. Expected no options"),
        ("memory:many", r"limit of the sink memory is 'many'\. Expected a whole number\. Give one, or"),
        ("memory:limit=2.5", r"limit of the sink memory is '2\.5'"),
        ("memory:0", r"limit of the sink memory is 0\. Expected 1 or more"),
        (Console, r"Console'> is not a sink\. .* Create an instance: Console\(\)\."),
        (Stray, r"is not a sink\. .* Write: class Stray\(Sink\)\. Create an instance: Stray\(\)\."),
        pytest.param(Stray(), r"is not a sink\. .* Write: class Stray\(Sink\)\.$", id="an instance"),
        (3, r"3 is not a sink\. .* Choose one of .*console.*, or write a subclass of Sink\."),
    ],
    ids=str,
)
def test_a_sink_that_cannot_be_made_is_told(text, said):
    with pytest.raises(BadInputError, match=said):
        make_sink(text)


@pytest.mark.parametrize("name", [name for name in names() if sink_class(name).option])
def test_no_misspelt_option_becomes_part_of_a_value(name):
    with pytest.raises(
        BadInputError, match=rf"The sink {name} was given kep=\.\.\. after a value without a name"
    ):
        make_sink(f"{name}:value,kep=3")


def test_an_instance_is_taken_as_it_is():
    sink = Recorder()
    assert make_sink(sink) is sink
    assert sink.name == "Recorder"
    assert make_sink("memory").name == "memory"


class Lamp(Sink):
    option = "address"

    def __init__(
        self, address: str, port: int = 80, bright: float | None = None, on: bool = True, note: Path = Path()
    ):
        pass


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("host", {"address": "host"}),
        ("host:80", {"address": "host:80"}),
        ("mysql://u:p@h/x?a=b", {"address": "mysql://u:p@h/x?a=b"}),
        ("address=h,port=8,bright=0.5", {"address": "h", "port": 8, "bright": 0.5}),
        ("address=h,on=no,note=x", {"address": "h", "on": False, "note": "x"}),
        ("address=h,on=TRUE", {"address": "h", "on": True}),
        ("address=", {"address": ""}),
        ("a,b", {"address": "a,b"}),
        ("a, b = c", {"address": "a, b = c"}),
    ],
)
def test_options_are_brought_into_the_types_of_the_class(text, options):
    got = options_of("lamp", Lamp, text)
    assert got == options
    assert [type(v) for v in got.values()] == [type(v) for v in options.values()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port=8", r"lamp was given no address\. Expected lamp:ADDRESS or lamp:address=\.\.\.,port=\.\.\.,"),
        ("address=h,on=perhaps", r"on of the sink lamp is 'perhaps'\. Expected true or false"),
        ("address=h,bright=x", r"bright of the sink lamp is 'x'\. Expected a number"),
        ("address=h,port=1,port=2", r"lamp was given port twice\. Expected each option once\. Leave one out"),
        (
            "me:secret@h,port=1",
            r"port=\.\.\. after a value without .* Write: lamp:address=\.\.\.,port=\.\.\.",
        ),
        (
            "h,prot=1",
            r"was given prot=\.\.\. after a value without a name\. Expected a single value, or every option "
            r"by name: address, port, .*\. Did you mean port\? Write: lamp:address=\.\.\.,port=\.\.\.$",
        ),
        ("h,adress=1", r"Did you mean address\? Write: lamp:address=\.\.\.$"),
        ("h,colour=red", r"colour=\.\.\. after .* Check the spelling, or leave it out; a value cannot"),
    ],
)
def test_options_that_do_not_fit_are_told(text, said):
    with pytest.raises(BadInputError, match=said):
        options_of("lamp", Lamp, text)


def test_only_the_sink_that_is_asked_for_is_imported():
    code = (
        "import sys; from expression.sinks import make_sink, names; names(); make_sink('memory');"
        "print([n for n in names() if f'expression.sinks.{n}' in sys.modules], 'cv2' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert out.strip() == "['memory'] False"


def test_memory_keeps_the_last_readings():
    memory = Memory(limit=3)
    feed(memory, *(seen(t, p1="Sad") for t in range(5)))
    assert [reading.time for reading in memory.readings] == [2, 3, 4]
