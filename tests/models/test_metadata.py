"""The card of a saved network travels in its file."""

from __future__ import annotations

import json
import mmap
import re
import shutil
import tracemalloc
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from expression.errors import BadInputError, MissingFileError
from expression.labels import Labels
from expression.models.metadata import ENTRY, Card, check_card, network_bytes, read_card, write_card
from expression.models.registry import SHIPPED

FACTS = {"accuracy_validation": 0.5, "where": "café"}
CARD = Card(
    Labels(["Happy", "Sad"]),
    32,
    "standardise",
    ("fer2013", "ferplus"),
    FACTS,
    priors=((0.5, 0.5), (0.75, 0.25)),
    temperatures=(1.0, 0.9),
)


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


def test_every_label_that_may_be_listed_may_stand_in_a_card(network):
    labels = Labels(["می\u200cخندد", "un\u00a0peu", "👩\u200d💻", "x" * 100])
    write_card(network, Card(labels))
    assert read_card(network).labels == labels


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
    assert read_card(network).to_json().encode() in network.read_bytes()


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
    with pytest.raises(MissingFileError, match=rf"The network .*{name} was not found\. Expected a \.tflite"):
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
        *(
            f'{{"format": 1, "labels": ["a", "b"], "size": 48, "preprocessing": "standardise", {priors}}}'
            for priors in (
                '"priors": [[0.5, 0.5]]',
                '"priors": [[0.5, 0.5], [0.5, 0.5]], "temperatures": [1.0]',
                '"priors": [[0.5]], "temperatures": [1.0]',
                '"priors": [[1.5, -0.5]], "temperatures": [1.0]',
                '"priors": [[0.5, 0.5]], "temperatures": [Infinity]',
                '"priors": "half"',
            )
        ),
    ],
    ids=[
        *("empty", "list", "later format", "one label", "size in words", "no preprocessing"),
        *("no head", "one head twice", "no temperatures", "two priors", "short", "negative", "infinite"),
        "priors in words",
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


GOOD = {"format": 1, "labels": ["a", "b"], "size": 48, "preprocessing": "standardise"}


def with_card(path, text: str | bytes):
    """Writes a zip that looks like a network, with this as its card."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", "{}")
        file.writestr(ENTRY, text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({**GOOD, "size": float("inf")}),
        json.dumps(GOOD).replace("48", "9" * 5000),
        json.dumps({**GOOD, "size": 48.7}),
        json.dumps({**GOOD, "size": True}),
        json.dumps({**GOOD, "size": 0}),
        json.dumps({**GOOD, "size": 10**6}),
        json.dumps({**GOOD, "labels": "happy"}),
        json.dumps({**GOOD, "labels": {"a": 1, "b": 2}}),
        json.dumps({**GOOD, "labels": ["a", ["b"]]}),
        json.dumps({**GOOD, "labels": ["a", None]}),
        json.dumps({**GOOD, "labels": ["a", "A"]}),
        json.dumps({**GOOD, "labels": ["a", "\ud800"]}),
        json.dumps({**GOOD, "labels": ["a", "b\x1b[31m"]}),
        json.dumps({**GOOD, "labels": ["a", "b" * 1000]}),
        json.dumps({**GOOD, "heads": "labels"}),
        json.dumps({**GOOD, "preprocessing": 7}),
        json.dumps({**GOOD, "colour": ["grey"]}),
        json.dumps({**GOOD, "sha256": None}),
        "[" * 100_000,
        '{"format": 1, "labels": ' + "[" * 50_000 + "]" * 50_000 + "}",
        json.dumps({**GOOD, "facts": "x" * 2**20}),
        b"\xff\xfe{}",
    ],
    ids=[
        *("endless size", "digits by the thousand", "half a pixel", "size true", "no pixel", "giant size"),
        *("labels in one word", "labels as keys", "a list as label", "a label of nothing", "a label twice"),
        *("half a character", "escape codes", "a long label", "heads in one word", "a number for a word"),
        *("a list for a word", "no fingerprint", "deep", "deep labels", "a megabyte", "no UTF-8"),
    ],
)
def test_a_card_that_was_made_to_break_something_is_refused_in_one_line(tmp_path, text):
    path = with_card(tmp_path / "network.keras", text)
    with pytest.raises(BadInputError, match="does not say which labels it knows") as told:
        read_card(path)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 1000
    str(told.value).encode()  # can be printed


@pytest.mark.slow
def test_a_card_that_unpacks_to_gigabytes_is_refused_with_little_memory(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", "{}")
        with file.open(ENTRY, "w", force_zip64=True) as entry:
            for _ in range(256):
                entry.write(bytes(2**20))
    assert path.stat().st_size < 2**19
    tracemalloc.start()
    with pytest.raises(BadInputError, match=r"\(expression\.json has more than 1,048,576 bytes\)"):
        read_card(path)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_network_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path, name):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for entry in {"config.json", name}:
            with file.open(entry, "w") as part:
                for _ in range(300 if entry == name else 1):
                    part.write(bytes(2**20))
    with pytest.raises(BadInputError, match=r"it would unpack to 31\d,\d{3},\d{3} bytes\)"):
        write_card(path, CARD)
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.keras"]


def test_a_card_says_how_colours_and_answers_are(network):
    card = replace(CARD, colour="bgr", answers="logits", preprocessing="-1..1")
    write_card(network, card)
    assert read_card(network) == card != CARD
    assert read_card(network).input == "32 x 32 bgr -1..1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"preprocessing": "divide"}, "picture scaling 'divide'"),
        ({"preprocessing": "1:2:3/4"}, "picture scaling '1:2:3/4'"),
        ({"colour": "cmyk"}, "colour 'cmyk'"),
        ({"answers": "words"}, "kind of output 'words'"),
    ],
    ids=str,
)
def test_what_only_a_later_version_can_do_is_told(tmp_path, change, said):
    with pytest.raises(BadInputError, match=rf"uses the {said}\. Expected .* Update this package"):
        check_card(tmp_path / "x.tflite", replace(CARD, **change))
    check_card(tmp_path / "x.tflite", CARD)


def test_a_tflite_file_has_its_fingerprint_in_its_card(tmp_path):
    path = Path(shutil.copy(SHIPPED, tmp_path))
    write_card(path, CARD)
    assert read_card(path).sha256 == sha256(network_bytes(path)).hexdigest()


def test_no_link_that_lies_beside_a_network_is_followed(network):
    victim = network.parent / "victim"
    victim.write_text("mine")
    for name in (f"{network.name}.part", f"part-{network.name}"):
        (network.parent / name).symlink_to(victim)
    write_card(network, CARD)
    assert victim.read_text() == "mine"
