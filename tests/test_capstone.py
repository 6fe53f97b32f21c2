"""The program of the lesson "From an empty file" runs without the package, with four others."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import cv2
import processes
import pytest
import requests
from lessons import FOLDER, code, read
from parts import ROOT

from expression.sources.demo import Demo
from expression.teaching.simulated_bridge import PracticeBridge

PACKAGES = ("numpy", "opencv-python", "tensorflow", "requests")
FRAMES, STEP, RATE = 225, 3, 4
"""How much of the demo is recorded: nine seconds with three expressions, of which every third frame is
played slowly, so that a busy machine sees enough of each."""

LIMIT = 240
"""Seconds for one run; TensorFlow alone takes a minute to start on a busy machine."""

ALONE = """
import runpy, sys

class Blocker:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

blocked = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Blocker)
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a file in which some modules cannot be imported."""


def program() -> str:
    """The file as the lesson puts it together."""
    (notebook,) = FOLDER.glob("*_from_an_empty_file.ipynb")
    cells = [cell.source for cell in code(read(notebook))]
    parts = sorted(cell for cell in cells if cell.startswith("# emotion_reader.py, part "))
    collecting = next(cell for cell in cells if cell.startswith("ENTRY = "))
    entry = ast.literal_eval(ast.parse(collecting).body[0].value)
    return "\n\n\n".join([*parts, entry])


def needed() -> set[str]:
    """The names of the four packages, and of all those that they require."""
    found, waiting = set(), list(PACKAGES)
    while waiting:
        name = re.match(r"[\w.-]+", waiting.pop())[0].lower().replace("_", "-")
        try:
            requires = [] if name in found else metadata.requires(name)
        except metadata.PackageNotFoundError:
            continue  # for another system, or another version of Python
        found.add(name)
        waiting += [each for each in requires or () if "extra ==" not in each]
    return found


def blocked() -> set[str]:
    """The modules that an environment with only the four packages would not have."""
    kept = needed()
    modules = {"expression"}
    # `packages_distributions` of Python 3.10 leaves out packages without a list of their modules.
    for package in metadata.distributions():
        if package.metadata["Name"].lower().replace("_", "-") not in kept:
            modules |= {first_part(file) for file in package.files or ()}
    shared = {first_part(file) for name in kept for file in metadata.files(name) or ()}
    return {name for name in modules - shared if name.isidentifier()}


def first_part(file: metadata.PackagePath) -> str:
    """The name of the module or package that a file of an installed package belongs to."""
    return file.parts[0].split(".")[0]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with the program and a clip, in place of a camera."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "emotion_reader.py").write_text(program(), encoding="utf-8")
    demo = Demo()
    demo.open()
    writer = cv2.VideoWriter(str(folder / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), RATE, (640, 480))
    for number in range(0, FRAMES, STEP):
        writer.write(cv2.cvtColor(demo.picture(number), cv2.COLOR_RGB2BGR))
    writer.release()
    return folder


@pytest.fixture
def bridge():
    bridge = PracticeBridge().start()
    yield bridge
    bridge.stop()


def start(place: Path, bridge: PracticeBridge, pictures: Path) -> subprocess.Popen:
    """Starts the program as the lesson does, with the package's network and without a window."""
    bridge.button = True
    words = {"devicetype": "test"}
    with requests.Session() as session:
        session.trust_env = False  # no proxy for this machine
        key = session.post(f"{bridge.url}/api", json=words, timeout=LIMIT).json()[0]["success"]["username"]
    lamp = f"{bridge.url}/api/{key}/lights/1"
    network = ROOT / "expression" / "models" / "expression.keras"
    command = [sys.executable, "-I", "-c", ALONE, ",".join(sorted(blocked()))]
    return processes.start(
        [*command, place / "emotion_reader.py", place / "clip.avi", network, lamp, pictures],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=pictures,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )


def test_the_program_imports_four_packages_and_what_comes_with_python():
    tree = ast.parse(program())
    imported = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name for node in imported if isinstance(node, ast.Import) for alias in node.names}
    assert len(imported) == len(names)
    # Keras comes with TensorFlow.
    assert names == {"sys", "threading", "time", "cv2", "keras", "numpy", "requests"}


@pytest.mark.slow
def test_what_the_four_packages_do_not_need_is_blocked():
    assert {"expression", "matplotlib", "ipykernel"} <= blocked()
    assert not blocked() & {"numpy", "cv2", "tensorflow", "keras", "requests", "urllib3", "h5py"}


@pytest.mark.slow
def test_the_program_alone_reads_the_clip_and_a_lamp_follows(place, bridge, tmp_path):
    before = dict(bridge.lights["1"]["state"])
    with processes.ending(start(place, bridge, tmp_path)) as running:
        said, trouble = running.communicate(timeout=LIMIT)
    assert running.returncode == 0, trouble
    labels = re.findall(r"^ *\d+\.\d s  (\w+)$", said, re.MULTILINE)
    assert len(labels) >= 2, "several labels appear"
    assert set(labels) <= {"Happy", "Neutral", "Surprise", "Sad", "Angry"}
    assert all(one != other for one, other in pairwise(labels))
    assert said.endswith("threads left: 0\n")
    assert len(list(tmp_path.glob("*.jpg"))) == len(labels)
    *told, last = bridge.commands
    colours = [tuple(body["xy"]) for _, _, body in told]
    assert len(set(colours)) >= 2, "the lamp follows"
    assert all(one != other for one, other in pairwise(colours))
    assert all(later[0] - one[0] >= 0.1 for one, later in pairwise(told))
    assert last[2] == {"bri": before["bri"], "xy": before["xy"]}
    assert bridge.lights["1"]["state"] == before


@pytest.mark.slow
def test_when_the_bridge_goes_away_all_threads_end_with_its_error(place, bridge, tmp_path):
    with processes.ending(start(place, bridge, tmp_path)) as running:
        assert " s  " in running.stdout.readline()
        bridge.stop()
        said, trouble = running.communicate(timeout=LIMIT)
    assert running.returncode == 1
    assert "requests.exceptions.ConnectionError" in trouble
    assert "threads left" not in said
