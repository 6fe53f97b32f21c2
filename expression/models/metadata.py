"""The card of a saved network: its labels, input and outputs, stored in its own file.

A .keras file is a zip. A .tflite file may have a zip appended to it, which interpreters
do not read; TensorFlow's own "associated files" are stored this way. The card is `expression.json`
in that zip, so it travels with the network. `training/trainer.py` and `external.py` write it,
`loading.py` reads it.

Notebook: 06_train
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..errors import DAMAGE, BadInputError, as_bad_input
from ..files import replacing
from ..labels import Labels
from ..pictures.image import SIZE
from ..pictures.scaling import COLOURS, LARGEST, STANDARDISE, is_scaling
from ..sanitize import is_printable
from .formats import KERAS, TFLITE, WHOLE, network_format, opened_zip

ENTRY = "expression.json"
FORMAT = 1
ONE_HEAD = ("labels",)
"""The heads of a network with a single output."""

LIVE_HEAD = "ferplus"
"""The head trained on the votes of ten people per picture, used for faces from a camera."""

ANSWERS = ("scores", "logits", "shares", "chance", "odds")
"""Kinds of network output; see `shapes.as_scores`."""

FIXED_DATE = (1980, 1, 1, 0, 0, 0)
"""The first date that a zip can store; with it, equal networks give equal files."""

QUICK = 1
"""How hard weights are compressed: the usual 6 takes seven times as long and saves a sixteenth."""

LARGEST_CARD = 2**20
"""Largest size of a card in bytes; one with all facts of a long training has a few thousand."""

LONGEST_NAME = 100
"""Longest name of a label or head, in characters."""


@dataclass(frozen=True)
class Card:
    """What is needed to use a saved network.

    Attributes:
        labels: What its scores stand for, in order.
        size: Pixels on a side of its input.
        preprocessing: How pixels are scaled: `standardise`, or another scaling of `pictures/scaling.py`.
        heads: The names of its outputs, in order. All have the same labels: a network that
            learned FER2013 with FER+'s votes has "fer2013" and "ferplus", any other "labels".
        facts: Other facts worth keeping, such as its accuracy; plain JSON values.
        colour: The colour format of its input, one of `scaling.COLOURS`.
        answers: The kind of its output, one of ANSWERS.
        priors: The share of each label in what each head learned; empty if unknown. See `sensitivity.py`.
        temperatures: The divisors that keep live scores calibrated at sensitivities from 0 to 1, evenly
            spaced.
        resting: The scores of each head for an average neutral face; empty if unknown. See
            `vision/resting.py`.
        sha256: That of a .tflite network without its card, to detect damage; `write_card` sets it.
    """

    labels: Labels
    size: int = SIZE
    preprocessing: str = STANDARDISE
    heads: tuple[str, ...] = ONE_HEAD
    facts: Mapping[str, Any] = field(default_factory=dict)
    colour: str = "grey"
    answers: str = "scores"
    priors: tuple[tuple[float, ...], ...] = ()
    temperatures: tuple[float, ...] = ()
    resting: tuple[tuple[float, ...], ...] = ()
    sha256: str = field(default="", compare=False)

    @property
    def input(self) -> str:
        """A description of its input: "48 x 48 grey standardise"."""
        return f"{self.size} x {self.size} {self.colour.removesuffix('3')} {self.preprocessing}"

    @property
    def live_head(self) -> int:
        """The index of the head used for faces from a camera."""
        return self.heads.index(LIVE_HEAD) if LIVE_HEAD in self.heads else 0

    def to_json(self) -> str:
        """Returns the card as text; equal cards give equal text."""
        own = {
            "format": FORMAT,
            "labels": list(self.labels),
            "size": self.size,
            "preprocessing": self.preprocessing,
            "heads": list(self.heads),
            "colour": self.colour,
            "answers": self.answers,
            "priors": [list(shares) for shares in self.priors],
            "temperatures": list(self.temperatures),
            "resting": [list(scores) for scores in self.resting],
            "sha256": self.sha256,
        }
        # No fact may override the network's own properties.
        content = {**own, **self.facts, **own}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Reads what `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError and other errors of json: It is not a card.

        Example:
            >>> Card.from_json(Card(Labels(["Happy", "Sad"]), 48).to_json()).labels
            Labels(['Happy', 'Sad'])
        """
        content = json.loads(text)
        if content.pop("format") != FORMAT:
            raise ValueError("format")
        labels, size = _labels(content.pop("labels")), content.pop("size")
        if type(size) is not int or not 1 <= size <= LARGEST:
            raise ValueError("size")
        heads = tuple(_names(content.pop("heads", list(ONE_HEAD))))  # older cards do not have them
        if not heads or len(set(heads)) < len(heads):
            raise ValueError("heads")
        priors, resting = (_table(content.pop(name, []), heads, labels) for name in ("priors", "resting"))
        temperatures = _shares(content.pop("temperatures", []))
        if priors and not temperatures:
            raise ValueError("temperatures")
        words = {"preprocessing": content.pop("preprocessing")}
        words |= {name: content.pop(name, default) for name, default in _LATER.items()}
        _names([word for word in words.values() if word != ""])
        return cls(
            labels,
            size,
            heads=heads,
            facts=content,
            priors=priors,
            temperatures=temperatures,
            resting=resting,
            **words,
        )


def _labels(names: Any) -> Labels:
    """Returns the labels of a card; if they are not valid, neither is the card."""
    try:
        return Labels(_names(names))
    except BadInputError as error:  # its remedy would be for a list of labels
        raise ValueError(error.happened.rstrip(".")) from error


def _table(rows: Any, heads: tuple[str, ...], labels: Labels) -> tuple[tuple[float, ...], ...]:
    """Returns a number above 0 for each head and label, or nothing."""
    table = tuple(map(_shares, rows))
    if table and [len(row) for row in table] != [len(labels)] * len(heads):
        raise ValueError("shares")
    return table


def _shares(values: Any) -> tuple[float, ...]:
    """Returns a list of finite numbers above 0."""
    if type(values) is not list or not all(type(value) is float and 0 < value < math.inf for value in values):
        raise ValueError("shares")
    return tuple(values)


_LATER = {"colour": "grey", "answers": "scores", "sha256": ""}
"""Fields that cards of earlier versions leave out, and their defaults."""


def is_name(text: str) -> bool:
    """Returns whether a name is valid for a label or head: it can be displayed."""
    return is_printable(text) and 0 < len(text) <= LONGEST_NAME


def _names(values: Any) -> list[str]:
    """Returns a list of names unchanged, unless it is something else or one cannot be displayed."""
    if type(values) is not list or not all(type(value) is str and is_name(value) for value in values):
        raise ValueError("names that cannot be displayed")
    return values


def check_card(path: Path, card: Card) -> None:
    """Raises a BadInputError unless this package supports the input and the output of a network."""
    known = {
        "picture scaling": (card.preprocessing, is_scaling(card.preprocessing, COLOURS.get(card.colour, 1))),
        "colour": (card.colour, card.colour in COLOURS),
        "kind of output": (card.answers, card.answers in ANSWERS),
    }
    for what, (word, fits) in known.items():
        if not fits:
            raise BadInputError(
                f"{path} uses the {what} {word!r}.",
                "Expected standardise, 0..1, grey, rgb or another value that this version supports.",
                "Update this package, or export the network again.",
            )


def write_card(path: str | Path, card: Card) -> None:
    """Writes a card into a .keras or .tflite file, replacing any existing one.

    Raises:
        BadInputError: The file is not a network.
        OutputError: It cannot be written and is left unchanged.
    """
    path = Path(path)
    if check_network(path) == TFLITE:
        begins, entries = network_bytes(path), []
        card = replace(card, sha256=sha256(begins).hexdigest())
    else:
        begins, entries = b"", _entries(path)
    with replacing(path) as part:
        part.write_bytes(begins)
        with zipfile.ZipFile(part, "a") as file:
            for name, content in [*entries, (ENTRY, card.to_json().encode())]:
                file.writestr(_entry(name), content, compresslevel=QUICK)


def read_card(path: str | Path) -> Card:
    """Reads the card of a .keras or .tflite file.

    Raises:
        MissingFileError: The file does not exist.
        BadInputError: It is not a network, has no card, or is incomplete.
    """
    path = Path(path)
    check_network(path)
    with (
        as_bad_input(
            f"{path} does not say which labels it knows",
            f"Expected a network file that contains {ENTRY}, as training and export write it.",
            "Export it again with this package (with --labels and --input if somebody else made it), "
            "or download the whole file again.",
        ),
        zipfile.ZipFile(path) as file,
        file.open(ENTRY) as entry,
    ):
        content = entry.read(LARGEST_CARD + 1)
        if len(content) > LARGEST_CARD:
            raise ValueError(f"{ENTRY} has more than {LARGEST_CARD:,} bytes")
        return Card.from_json(content.decode())


def has_card(path: Path) -> bool:
    """Returns whether a file has a card, valid or not."""
    try:
        with zipfile.ZipFile(path) as file:
            return ENTRY in file.namelist()
    except DAMAGE:
        return False


def network_bytes(path: Path) -> bytes:
    """Returns a .tflite file without the zip appended to it."""
    content = path.read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content
    with as_bad_input(f"{path} is not a network", *WHOLE), zipfile.ZipFile(io.BytesIO(content)) as file:
        return content[: min((info.header_offset for info in file.infolist()), default=file.start_dir)]


def check_network(path: Path) -> str:
    """Returns the kind of a network that can contain a card: .tflite or .keras.

    Raises:
        MissingFileError: The file does not exist.
        BadInputError: It is something else.
    """
    kind = network_format(path)
    if kind not in (TFLITE, KERAS):
        raise BadInputError(f"{path} is not a network file that can store its labels.", *WHOLE)
    return kind


def _entries(path: Path) -> list[tuple[str, bytes]]:
    """Returns the names and contents in a .keras file, without the card."""
    with opened_zip(path) as file:
        return [(name, file.read(name)) for name in file.namelist() if name != ENTRY]


def _entry(name: str) -> zipfile.ZipInfo:
    """Returns a header for an entry that is the same on every system and every day."""
    entry = zipfile.ZipInfo(name, FIXED_DATE)
    entry.create_system = 3
    # Weights are compressed; the card is not, so that any viewer shows it.
    entry.compress_type = zipfile.ZIP_STORED if name == ENTRY else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
