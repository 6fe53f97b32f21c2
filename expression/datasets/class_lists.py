"""Lists of the names behind numbers, as other programs write them beside pictures: classes.txt and its kin.

`numbering.py` asks for the list of a folder before it recognises a dataset by other signs.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import json
import re

from ..errors import DAMAGE
from ..files import read_start
from .folder_tree import Tree
from .synonyms import meaning

NAME = re.compile(
    r"((class|label|emotion)(es|s)?([_ -]?(names?|list|map|index|indices|indexes))?|retrained_labels"
    r"|(idx|index|id)(_to|2)_?(class|label)|(class|label)(_to|2)_?(idx|index|id))\.(txt|json|names)",
    re.IGNORECASE,
)
"""Names of such files, such as classes.txt, class_indices.json of Keras and retrained_labels.txt."""

LARGEST = 1 << 14
"""Bytes that are read; the list of a few labels is far shorter."""


def is_class_list(name: str) -> bool:
    """Returns whether a file lists the names of numbered labels, by its own name.

    Example:
        >>> [is_class_list(name) for name in ("classes.txt", "class_indices.json", "notes.txt")]
        [True, True, False]
    """
    return bool(NAME.fullmatch(name))


def class_list(tree: Tree) -> tuple[dict[int, str], str] | None:
    """Returns what numbers stand for by a list in a folder, and its name; None without a readable list."""
    for parts in sorted(tree.files, key=len):
        for name in filter(is_class_list, tree.files[parts]):
            try:
                words = names_in(read_start(tree.path(parts, name), LARGEST).decode("utf-8-sig"))
            except DAMAGE:
                continue
            if words:
                return words, name
    return None


def names_in(text: str) -> dict[int, str]:
    """Returns the names of the numbers in a list: a name in each line, with or without its number, or JSON.

    A list in which a name is not a known label, or is there twice, gives nothing.

    Raises:
        ValueError: It looks like JSON, and is not.

    Example:
        >>> names_in("happy\\nsad"), names_in('{"sad": 1, "happy": 0}'), names_in("1: happy\\n2: bread")
        ({0: 'happy', 1: 'sad'}, {1: 'sad', 0: 'happy'}, {})
    """
    if text.lstrip()[:1] in ("{", "["):
        found = json.loads(text)
        pairs = list(found.items() if isinstance(found, dict) else enumerate(found))
    else:
        lines = [line.strip().strip(",") for line in text.splitlines() if line.strip()]
        numbered = [re.fullmatch(r"(\d{1,3})[\s,;:=.]+(\D+)", line) for line in lines]
        pairs = [match.groups() for match in numbered] if all(numbered) else list(enumerate(lines))
    words = {int(number): str(word) for number, word in map(_in_order, pairs) if str(number).isdecimal()}
    meant = {meaning(word) for word in words.values()}
    return words if len(meant - {None}) == len(pairs) else {}


def _in_order(pair: tuple) -> tuple:
    """Returns a number and its name, whichever comes first."""
    first, second = pair
    return (second, first) if str(second).isdecimal() else (first, second)
