"""The card of a saved network travels in its file."""

from __future__ import annotations

import json
import mmap
import re
import shutil
import zipfile
from dataclasses import replace

import pytest

from expression.card import ENTRY, Card, network_bytes, read_card, write_card
from expression.errors import BadInputError, MissingFileError
from expression.labels import Labels
from expression.models import SHIPPED

FACTS = {"accuracy_validation": 0.5, "where": "café"}
CARD = Card(Labels(["Happy", "Sad"]), 32, "standardise", ("fer2013", "ferplus"), FACTS)


@pytest.fixture(params=[".tflite", ".keras"])
def network(request, tmp_path):
    """A file that looks like a network from outside, without a card."""
    path = tmp_path / f"network{request.param}"
    if request.param == ".tflite":
        path.write_bytes(network_bytes(SHIPPED))
    else:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("config.json", "{}")
            file.writestr("model.weights.h5", b"\0" * 1000)
    return path


def test_a_card_comes_back_as_it_was_written(network):
    write_card(network, CARD)
    assert read_card(network) == CARD


def test_heads_stand_in_the_card_by_name():
    assert json.loads(CARD.to_json())["heads"] == ["fer2013", "ferplus"]
    assert Card(CARD.labels).heads == ("labels",)


def test_a_card_from_before_there_were_heads_is_that_of_one():
    old = '{"format": 1, "labels": ["Happy", "Sad"], "size": 48, "preprocessing": "standardise", "of": "a"}'
    assert Card.from_json(old) == Card(CARD.labels, 48, heads=("labels",), facts={"of": "a"})


def test_a_new_card_takes_the_place_of_the_old_one(network):
    write_card(network, CARD)
    size = network.stat().st_size
    write_card(network, replace(CARD, labels=Labels(["Happy", "Dull"])))
    assert read_card(network).labels == Labels(["Happy", "Dull"])
    assert network.stat().st_size == size + 1
    assert zipfile.ZipFile(network).namelist().count(ENTRY) == 1


def test_equal_networks_with_equal_cards_are_equal_files(network):
    other = network.with_name("other" + network.suffix)
    shutil.copy(network, other)
    write_card(network, CARD)
    write_card(other, CARD)
    write_card(other, CARD)
    assert network.read_bytes() == other.read_bytes()


def test_weights_are_packed_and_the_card_can_be_read_in_any_viewer(network):
    write_card(network, CARD)
    with zipfile.ZipFile(network) as file:
        packed = {info.filename: info.compress_size < info.file_size for info in file.infolist()}
    assert packed.pop(ENTRY) is False
    assert packed.get("model.weights.h5", network.suffix == ".tflite")
    assert CARD.to_json().encode() in network.read_bytes()


def test_no_file_is_left_beside_the_network(network):
    write_card(network, CARD)
    assert [path.name for path in network.parent.iterdir()] == [network.name]


def test_a_tflite_file_with_a_card_begins_as_it_did_without_and_can_be_mapped(tmp_path):
    path = tmp_path / "network.tflite"
    bare = network_bytes(SHIPPED)
    path.write_bytes(bare)
    write_card(path, CARD)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert mapped[: len(bare)] == bare
        assert mapped[4:8] == b"TFL3"
        # Uncompressed, so that the card can be read in any hex viewer.
        assert mapped.find(b'"labels"', len(bare)) > 0
    assert network_bytes(path) == bare


@pytest.mark.parametrize("name", ["a.tflite", "a.keras"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(MissingFileError, match=rf"There is no network .*{name}\. Expected a \.tflite"):
        read_card(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.tflite", b"index,label\n0,Angry\n"),
        ("empty.tflite", b""),
        ("text.keras", b"hello"),
        ("empty.keras", b""),
        ("right.h5", b"\x89HDF\r\n\x1a\n"),
    ],
)
def test_what_is_no_network_is_refused_with_its_name(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    for act in (read_card, lambda p: write_card(p, CARD)):
        with pytest.raises(BadInputError, match=f"{name} is not a network"):
            act(path)
    assert path.read_bytes() == content


def test_a_zip_that_is_no_keras_file_is_no_network(tmp_path):
    path = tmp_path / "pictures.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("cat.png", b"")
    with pytest.raises(BadInputError, match="is not a network"):
        read_card(path)


def test_a_keras_file_with_a_damaged_list_of_contents_is_refused_and_left(tmp_path):
    path = tmp_path / "copy.keras"
    content = SHIPPED.with_suffix(".keras").read_bytes()
    path.write_bytes(content.replace(b"PK\x01\x02", b"PK\xff\xff"))
    with pytest.raises(BadInputError, match=r"copy\.keras is not a network \(Bad magic number"):
        read_card(path)
    path.write_bytes(content.replace(b"PK\x03\x04", b"PK\xff\xff"))
    with pytest.raises(BadInputError, match=r"copy\.keras is not a network \(Bad magic number"):
        write_card(path, CARD)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.keras"]


def test_a_tflite_file_with_a_damaged_card_is_refused(tmp_path):
    path = tmp_path / "copy.tflite"
    path.write_bytes(SHIPPED.read_bytes().replace(b"PK\x01\x02", b"PK\xff\xff"))
    with pytest.raises(BadInputError, match=r"does not say which labels it knows \(Bad magic number"):
        read_card(path)
    with pytest.raises(BadInputError, match=r"copy\.tflite is not a network \(Bad magic number"):
        write_card(path, CARD)


def test_a_network_without_a_card_is_refused(network):
    with pytest.raises(BadInputError, match=r"does not say which labels it knows.*Export it again"):
        read_card(network)


def test_a_network_that_was_cut_short_has_lost_its_card(network):
    write_card(network, CARD)
    network.write_bytes(network.read_bytes()[:-30])
    with pytest.raises(BadInputError):
        read_card(network)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 2, "labels": ["a", "b"], "size": 48, "preprocessing": "standardise"}',
        '{"format": 1, "labels": ["a"], "size": 48, "preprocessing": "standardise"}',
        '{"format": 1, "labels": ["a", "b"], "size": "large", "preprocessing": "standardise"}',
        '{"format": 1, "labels": ["a", "b"], "size": 48}',
        '{"format": 1, "labels": ["a", "b"], "size": 48, "preprocessing": "standardise", "heads": []}',
        '{"format": 1, "labels": ["a", "b"], "size": 48, "preprocessing": "standardise", "heads": ["x","x"]}',
    ],
    ids=[
        *("empty", "list", "later format", "one label", "size in words", "no preprocessing"),
        *("no head", "one head twice"),
    ],
)
def test_a_card_that_does_not_make_sense_is_refused(tmp_path, text):
    path = tmp_path / "network.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", "{}")
        file.writestr(ENTRY, text)
    with pytest.raises(BadInputError, match=re.escape(str(path)) + " does not say which labels"):
        read_card(path)


def test_no_fact_stands_in_for_what_the_network_is():
    card = Card(Labels(["Happy", "Sad"]), 48, facts={"size": 32, "epoch": 3})
    assert Card.from_json(card.to_json()) == Card(card.labels, 48, facts={"epoch": 3})
