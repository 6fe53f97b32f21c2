"""A network keeps its card and its scores when it becomes a .tflite file."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import numpy as np
import pytest

from expression.card import Card, network_bytes, read_card
from expression.errors import BadInputError, MissingFileError, OutputError
from expression.export import QUANTIZE, export
from expression.labels import Labels
from expression.models import SHIPPED
from expression.network import keras, shipped
from expression.runtime import load
from expression.training import save

# Keras 3.12 copies variables in a way that numpy 2 finds old-fashioned.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LABELS = Labels(["Happy", "Sad", "Dull"])


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network with random weights and its card, as a file."""
    keras.utils.set_random_seed(4)
    path = tmp_path_factory.mktemp("network") / "random.keras"
    save(shipped(LABELS, 32), path, Card(LABELS, 32, facts={"accuracy_validation": 0.25}))
    return path


@pytest.fixture(scope="module")
def exported(network):
    """The same network in every way that it can be exported, and what that printed."""
    return {way: (path := network.with_name(f"{way}.tflite"), export(network, path, way)) for way in QUANTIZE}


def faces(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 32, 32, 1)).astype(np.float32)


@pytest.mark.parametrize(("way", "tolerance"), [("none", 1e-5), ("float16", 2e-3), ("int8", 3e-2)])
def test_scores_stay_what_they_were(network, exported, way, tolerance):
    before, after = load(network).scores(faces(20)), load(exported[way][0]).scores(faces(20))
    assert before.std() > 0.01  # Faces differ, so that agreement means something.
    np.testing.assert_allclose(after, before, atol=tolerance)


def test_the_card_goes_along_and_tells_how_weights_are_kept(exported):
    for way, (path, card) in exported.items():
        assert read_card(path) == card
        assert (card.labels, card.size) == (LABELS, 32)
        assert card.facts == {"accuracy_validation": 0.25, "weights": way}


def test_smaller_weights_make_a_smaller_file(exported):
    none, half, byte = (exported[way][0].stat().st_size for way in QUANTIZE)
    assert half < 0.6 * none
    assert byte < 0.3 * none


def test_the_same_network_gives_the_same_file_again(network, exported):
    again = network.with_name("again.tflite")
    export(network, again, "int8")
    assert again.read_bytes() == exported["int8"][0].read_bytes()


def test_no_half_written_file_is_left(network, exported):
    assert not [path.name for path in network.parent.iterdir() if "part" in path.name]


def test_another_word_for_quantize_is_refused(network):
    with pytest.raises(BadInputError, match=r"--quantize is 'int4'. Expected none, float16, int8"):
        export(network, network.with_name("x.tflite"), "int4")


def test_a_missing_network_is_told(tmp_path):
    with pytest.raises(MissingFileError, match="There is no network"):
        export(tmp_path / "none.keras", tmp_path / "x.tflite")


@pytest.fixture
def no_work(monkeypatch):
    """Fails the test if anything is converted."""
    monkeypatch.setattr("expression.export._convert", lambda *_: pytest.fail("converted all the same"))


@pytest.mark.parametrize("folder", ["none", "random.keras"], ids=["missing", "a file"])
def test_what_is_no_folder_is_told_before_the_work(network, no_work, folder):
    with pytest.raises(OutputError, match=r"x\.tflite cannot be written \("):
        export(network, network.parent / folder / "x.tflite")


@pytest.mark.parametrize("name", ["net.bin", "net", "x.keras"])
def test_another_ending_is_told_before_the_work(network, tmp_path, no_work, name):
    with pytest.raises(OutputError, match=rf"{name} does not end in \.tflite\. .* Try (net|x)\.tflite"):
        export(network, tmp_path / name)


def test_nothing_half_written_is_left_where_the_target_is_a_folder(network, tmp_path, monkeypatch):
    monkeypatch.setattr("expression.export._convert", lambda *_: network_bytes(SHIPPED))
    (tmp_path / "x.tflite").mkdir()
    with pytest.raises(OutputError, match=r"x\.tflite cannot be written"):
        export(network, tmp_path / "x.tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["x.tflite"]


def test_damaged_weights_are_told(network, tmp_path):
    path = tmp_path / "cut.keras"
    with zipfile.ZipFile(network) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name)[: 20_000 if name.endswith(".h5") else None])
    with pytest.raises(BadInputError, match=r"cut\.keras cannot be read \(.*Train it again"):
        export(path, tmp_path / "x.tflite")


def test_the_converter_is_quiet(network, tmp_path):
    code = f"from expression.export import export; export({str(network)!r}, 'x.tflite')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
