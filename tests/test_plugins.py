"""A sink and a source of another package, as CONTRIBUTING.md says how to write one."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from parts import ROOT, expression_process

from expression import sinks, sources
from expression.errors import BadInputError, RunError
from expression.plugins import installed

PAGES = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("package of your own")[2]
PATIENCE = 60
"""Seconds that a command may take on a busy machine."""


class FakePoint:
    """An entry point that loads what it is given, or raises it."""

    dist, value = None, "strange:Thing"

    def __init__(self, name: str, thing: object):
        self.name, self._thing = name, thing

    def load(self):
        if isinstance(self._thing, Exception):
            raise self._thing
        return self._thing


@pytest.fixture
def declared(monkeypatch):
    """Declares entry points, as a package would."""

    def declare(group: str, **things: object) -> None:
        points = {name: FakePoint(name, thing) for name, thing in things.items()}
        monkeypatch.setattr(f"{group}.installed", lambda _: points)

    return declare


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> str:
    """A folder with the package of CONTRIBUTING.md, installed by pip."""
    code, site = tmp_path_factory.mktemp("code"), tmp_path_factory.mktemp("site")
    for kind, name in (("toml", "pyproject.toml"), ("python", "expression_pager.py")):
        (code / name).write_text(re.search(rf"```{kind}\n(.*?)```", PAGES, re.DOTALL)[1], "utf-8")
    words = [
        "install",
        "-q",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "--target",
        str(site),
        str(code),
    ]
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return str(site)


@pytest.fixture
def command(packages, monkeypatch):
    """Runs a command beside the installed package; returns its exit code, output and errors."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([packages, os.environ["PYTHONPATH"]]))

    def run(*words: str) -> tuple[int, str, str]:
        process = expression_process(*words)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    return run


@pytest.mark.slow
def test_the_package_of_the_contributing_guide_is_in_help_check_and_errors(command):
    _, out, _ = command("live", "--help")
    assert "mqtt, pager, speech" in " ".join(out.split())
    assert "demo, browser, picamera, stripes" in out
    _, out, _ = command("check")
    assert re.search(r"✓ Sink pager +from expression-pager 1.0", out)
    assert re.search(r"✓ Source stripes +from expression-pager 1.0", out)
    for words, said in (
        (("--sink", "pagr"), "There is no sink 'pagr'. Expected one of blynk, console,"),
        (("--sink", "pagr"), "Did you mean pager?"),
        (("--sink", "pager:colour=red"), "The sink pager has no option 'colour'. Expected number."),
        (("--sink", "pager:first"), "number of the sink pager is 'first'."),
        (("--source", "stripe"), "demo, stripes, or, in a notebook, browser. Did you mean stripes?"),
        (("--source", "stripes:9"), "The source 'stripes:9' cannot be created: "),
    ):
        code, _, err = command("live", "--display", "none", *words)
        assert code == 2
        assert said in err


@pytest.mark.slow
def test_the_package_of_the_contributing_guide_runs(command):
    _, out, err = command(
        "live", "--source", "demo", "--display", "none", "--duration", "12", "--sink", "pager:7"
    )
    assert "pager 7: person 1 looks " in out
    assert not err
    code, out, err = command("live", "--source", "stripes", "--display", "none")
    assert (code, err) == (0, "")
    assert "100 frames, 0 with a face" in out


def test_a_sink_of_another_package_is_called_what_it_is_declared_as(declared):
    class Pager(sinks.Sink):
        secrets = ("EXPRESSION_PAGER_TOKEN",)

    declared("expression.sinks", pager=Pager, memory=Pager)
    assert sinks.make_sink("pager").name == "pager"
    assert sinks.describe_sink("pager:token") == "pager"
    assert not isinstance(sinks.make_sink("memory"), Pager), "the names of this package come first"


def test_a_source_of_another_package_takes_one_value(declared):
    class Thermal(sources.Source):
        def __init__(self, device: str = "first"):
            self.device = device

    declared("expression.sources", thermal=Thermal)
    assert sources.open_source("thermal").device == "first"
    assert sources.open_source("thermal:/dev/i2c-1").device == "/dev/i2c-1"


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (
            ImportError("no smbus"),
            "cannot be loaded: ImportError: no smbus. Expected strange:Thing to name",
        ),
        (SyntaxError("\x1b[31m"), "cannot be loaded: SyntaxError: "),
        (print, "is not a Sink. Expected strange:Thing to name a subclass of expression.Sink. Correct it"),
        (sources.Source, "is not a Sink."),
    ],
)
def test_a_class_of_another_package_that_cannot_be_used_is_one_error(declared, thing, said):
    declared("expression.sinks", pager=thing)
    with pytest.raises(RunError) as caught:
        sinks.make_sink("pager")
    assert said in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_run_that_needs_none_does_not_look_for_other_packages():
    code = (
        "import sys; from expression.sinks import make_sink; from expression.sources import open_source;"
        "make_sink('console'); open_source('demo'); print('importlib.metadata' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def test_nothing_of_another_package_is_installed_here():
    assert not installed("expression.sinks")
    assert not installed("expression.sources")
    with pytest.raises(BadInputError, match="There is no sink 'pager'"):
        sinks.make_sink("pager")
