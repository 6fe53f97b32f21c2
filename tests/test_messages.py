"""Every phrase that a user may meet, room by room: a change of wording shows in the snapshot's diff.

After such a change, read the new words aloud, then run:

    python -m pytest tests/test_messages.py --snapshot-update
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "expression"
ROOMS = ["beside the rooms", *sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))]
PHRASE = re.compile(r"[A-Za-zé]{2,}.*\s.*[A-Za-z]{2,}", re.DOTALL)
CODE = re.compile(r"[\\^$|]|\?[:=!]|^[\w.]+ [\w.]+,|://\S+$")


def text_of(node: ast.expr) -> str:
    """A string as it is written, its values as {name} or {...}."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        plain = isinstance(node.value, (ast.Name, ast.Attribute))
        return f"{{{ast.unparse(node.value) if plain else '...'}}}"
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def phrases(path: Path) -> list[str]:
    """The strings of a module that have two words or more, in order; no docstrings, no patterns."""
    tree = ast.parse(path.read_text("utf-8"))
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            inside.update(set(ast.walk(node)) - {node})
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("compile", "match", "search"):
            inside.update(node.args)
    strings = [n for n in ast.walk(tree) if isinstance(n, (ast.Constant, ast.JoinedStr)) and n not in inside]
    texts = [text_of(n) for n in sorted(strings, key=lambda n: (n.lineno, n.col_offset))]
    return [text for text in texts if PHRASE.search(text) and not CODE.search(text)]


@pytest.mark.parametrize("room", ROOMS)
def test_the_words_of_the_package_are_those_that_were_read_aloud(room, snapshot):
    folder = PACKAGE if room == "beside the rooms" else PACKAGE / room
    found = {path.stem: phrases(path) for path in sorted(folder.glob("*.py"))}
    assert {name: texts for name, texts in found.items() if texts} == snapshot
