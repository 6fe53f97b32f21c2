"""The card of a saved network: its labels, input size and preprocessing, in its own file.

A .keras file is a zip. A .tflite file may have a zip behind its end, which interpreters
do not read; TensorFlow's own "associated files" are kept so. The card is `expression.json`
in that zip, so it travels with the network. `training.py` writes it, `runtime.py` reads it.

Notebook: 05_train
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import BadInputError, MissingFileError, damage_told
from .image import SIZE
from .labels import Labels

ENTRY = "expression.json"
FORMAT = 1
ONE_HEAD = ("labels",)
"""The heads of a network that gives one answer."""

WHOLE = (
    "Expected a .tflite or .keras file that is whole.",
    "Name another file, or fetch this one again.",
)
"""What is expected of a file that is no network, and what to do."""

FIXED_DATE = (1980, 1, 1, 0, 0, 0)
"""The first date a zip can hold; with it, equal networks are equal files."""


@dataclass(frozen=True)
class Card:
    """What one must know to use a saved network.

    Attributes:
        labels: What its scores stand for, in order.
        size: Pixels on a side of its input.
        preprocessing: The name of the function in `image.py` that makes its input.
        heads: The names of its answers, in order. All are over the same labels: a network that
            learned FER2013 with FER+'s votes has "fer2013" and "ferplus", any other "labels".
        facts: What else is worth keeping, such as its accuracy; plain JSON values.
    """

    labels: Labels
    size: int = SIZE
    preprocessing: str = "standardise"
    heads: tuple[str, ...] = ONE_HEAD
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Returns the card as text; equal cards give equal text."""
        own = {
            "format": FORMAT,
            "labels": list(self.labels),
            "size": self.size,
            "preprocessing": self.preprocessing,
            "heads": list(self.heads),
        }
        # No fact may stand in for what the network itself is.
        content = {**own, **self.facts, **own}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Reads what `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError: It is not a card.

        Example:
            >>> Card.from_json(Card(Labels(["Happy", "Sad"]), 48).to_json()).labels
            Labels(['Happy', 'Sad'])
        """
        content = json.loads(text)
        if content.pop("format") != FORMAT:
            raise ValueError("format")
        labels, size = Labels(content.pop("labels")), int(content.pop("size"))
        heads = tuple(map(str, content.pop("heads", ONE_HEAD)))  # older cards have none
        if not heads or len(set(heads)) < len(heads):
            raise ValueError("heads")
        return cls(labels, size, str(content.pop("preprocessing")), heads, content)


def write_card(path: str | Path, card: Card) -> None:
    """Puts a card into a .keras or .tflite file, in place of one that is there.

    Raises:
        BadInputError: The file is not a network.
    """
    path = Path(path)
    check_network(path)
    temporary = path.with_name(path.name + ".part")
    lite = path.suffix == ".tflite"
    begins, entries = (network_bytes(path), []) if lite else (b"", _entries(path))
    try:
        temporary.write_bytes(begins)
        with zipfile.ZipFile(temporary, "a") as file:
            for name, content in [*entries, (ENTRY, card.to_json().encode())]:
                file.writestr(_entry(name), content)
        shutil.copymode(path, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_card(path: str | Path) -> Card:
    """Reads the card of a .keras or .tflite file.

    Raises:
        MissingFileError: There is no such file.
        BadInputError: It is not a network, or one without a card, or cut short.
    """
    path = Path(path)
    check_network(path)
    with (
        damage_told(
            f"{path} does not say which labels it knows",
            f"Expected a network with {ENTRY} in its file, as training and export write it.",
            "Export it again with this package, or fetch the whole file again.",
        ),
        zipfile.ZipFile(path) as file,
    ):
        return Card.from_json(file.read(ENTRY).decode())


def network_bytes(path: Path) -> bytes:
    """Returns a .tflite file without the zip behind its end."""
    content = path.read_bytes()
    if not zipfile.is_zipfile(path):
        return content
    with damage_told(f"{path} is not a network", *WHOLE), zipfile.ZipFile(path) as file:
        return content[: min((info.header_offset for info in file.infolist()), default=file.start_dir)]


def check_network(path: Path) -> None:
    """Raises an error unless a file looks like a network from outside."""
    if not path.is_file():
        raise MissingFileError(
            f"There is no network {path}.",
            "Expected a .tflite or .keras file.",
            "Check the name and the folder.",
        )
    if path.suffix == ".tflite":
        with path.open("rb") as file:
            right = file.read(8)[4:] == b"TFL3"
    else:
        right = path.suffix == ".keras" and zipfile.is_zipfile(path) and _holds(path, "config.json")
    if not right:
        raise BadInputError(f"{path} is not a network.", *WHOLE)


def _holds(path: Path, name: str) -> bool:
    with damage_told(f"{path} is not a network", *WHOLE), zipfile.ZipFile(path) as file:
        return name in file.namelist()


def _entries(path: Path) -> list[tuple[str, bytes]]:
    """Returns the names and contents in a .keras file, without the card."""
    with damage_told(f"{path} is not a network", *WHOLE), zipfile.ZipFile(path) as file:
        return [(name, file.read(name)) for name in file.namelist() if name != ENTRY]


def _entry(name: str) -> zipfile.ZipInfo:
    """Returns an entry's head that is the same on every system and every day."""
    entry = zipfile.ZipInfo(name, FIXED_DATE)
    entry.create_system = 3
    # Weights are packed; the card is not, so that any viewer shows it.
    entry.compress_type = zipfile.ZIP_STORED if name == ENTRY else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
