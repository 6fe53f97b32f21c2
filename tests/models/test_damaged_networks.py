"""Whatever happens to a network's file, it is read or an error says that it is damaged."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
import strangers
from filedamage import damaged, load_ours, outcomes, read_json, told
from strangers import SEVEN

from expression.errors import BadInputError
from expression.labels import FER2013
from expression.models import external_keras, load
from expression.models.architectures import keras
from expression.models.export import export
from expression.models.external import adopt
from expression.models.metadata import Card, network_bytes, read_card, write_card
from expression.models.registry import SHIPPED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Small networks, called theirs without a card and ours with one, and a card alone."""
    folder = tmp_path_factory.mktemp("networks")
    network = strangers.simple(keras, (16, 16, 1), 7)
    for ending in ("h5", "keras", "tflite"):
        strangers.save(network, folder / f"theirs.{ending}")
    strangers.save(network, folder / "theirs")
    words = (SEVEN, "0..1", "", str(folder / "ours.keras"), "none", "")
    external_keras.tidied(str(folder / "theirs.keras"), *words)
    export(folder / "ours.keras", folder / "ours.tflite", "none")
    (folder / "card.json").write_text(Card(FER2013, heads=("fer2013", "ferplus")).to_json(), encoding="utf-8")
    return folder


def counted(function: str, path: Path, last: int, within: Path | None = None) -> Counter:
    """How often each outcome resulted from the first few kinds of damage."""
    found = outcomes(f"filedamage:{function}", path, 0, last, within)
    assert set(found) == set(range(last))
    strange = {number: word for number, word in found.items() if word not in ("read", "told", "ended")}
    assert not strange
    return Counter(found.values())


def test_damage_to_our_own_tflite_files_never_reaches_litert(networks, tmp_path):
    content, found = (networks / "ours.tflite").read_bytes(), Counter()
    for number in range(60):
        path = tmp_path / "damaged.tflite"
        path.write_bytes(damaged(content, number))
        found[load_ours(path)] += 1
    assert found["told"] > 50
    assert set(found) <= {"told", "read"}


def test_damage_to_the_text_of_a_card_is_read_or_told(networks, tmp_path):
    content = (networks / "card.json").read_bytes()
    found = Counter()
    for number in range(300):
        (tmp_path / "card.json").write_bytes(damaged(content, number))
        found[read_json(tmp_path / "card.json")] += 1
    assert found["told"] > 100
    assert set(found) <= {"told", "read"}


def test_what_ends_the_process_that_reads_it_is_told(networks, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "expression.models.isolation.BEGIN", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    with pytest.raises(
        BadInputError, match=r"theirs\.tflite cannot be read: the process that reads it crashed \(SIGKILL\)"
    ):
        load(networks / "theirs.tflite")
    old = Path(shutil.copy(networks / "ours.tflite", tmp_path))
    content, card = network_bytes(old), read_card(old)
    write_card(old, card)
    monkeypatch.setattr("expression.models.loading.read_card", lambda _: Card(card.labels, card.size, "0..1"))
    with pytest.raises(BadInputError, match=r"ours\.tflite does not run: the process that reads it crashed"):
        load(old)  # a card without a fingerprint, as earlier versions wrote it
    assert network_bytes(old) == content


@pytest.mark.parametrize(
    ("function", "name", "last"),
    [
        ("load_ours", "ours.keras", 60),
        ("adopt_lite", "theirs.tflite", 600),
        ("adopt_keras", "theirs.h5", 9),
        ("adopt_keras", "theirs.keras", 60),
        ("read_json", "card.json", 1200),
    ],
)
def test_many_kinds_of_damage_are_read_or_told(networks, function, name, last):
    found = counted(function, networks / name, last)
    assert found["told"] > last / 10
    if function == "read_json":
        assert not found["ended"], "no card may end the process"


def test_damage_to_the_shipped_network_is_read_or_told():
    assert counted("load_ours", SHIPPED, 30).keys() <= {"read", "told"}


@pytest.mark.parametrize("part", ["saved_model.pb", "variables/variables.index"])
def test_damage_to_a_saved_model_is_read_or_told(networks, part):
    folder = networks / "theirs"
    assert counted("adopt_saved", folder / part, 3, folder)["told"]


def test_a_damaged_saved_model_is_told_by_the_process_that_asked_for_it(networks, tmp_path):
    folder = Path(shutil.copytree(networks / "theirs", tmp_path / "theirs"))
    (folder / "saved_model.pb").write_bytes(damaged((folder / "saved_model.pb").read_bytes(), 5))
    assert told(lambda path: adopt(path, tmp_path / "x.tflite", SEVEN, "0..1"), folder) == "told"
