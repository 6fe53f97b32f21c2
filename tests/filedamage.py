"""Random damage to files, the same for the same number."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WORDS = (b"\xff" * 4, bytes(4), b"\xff\xff\xff\x7f", b"\1\0\0\0", b"\0\0\0\x80")


def damaged(content: bytes, number: int) -> bytes:
    """Changes some bytes or a word, copies a piece, cuts one out, puts it in twice, or cuts off the end."""
    import random

    chance, changed = random.Random(number), bytearray(content)
    place, other = (chance.randrange(len(content)) for _ in range(2))
    kind = number % 6
    if kind == 0:
        for _ in range(chance.randint(1, 6)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    elif kind == 1:
        place -= place % 4
        changed[place : place + 4] = chance.choice(WORDS)
    elif kind == 2:
        changed[place : place + 32] = content[other : other + 32]
    elif kind == 3:
        del changed[place : place + chance.randint(1, 64)]
    elif kind == 4:
        changed[place:place] = content[place : place + chance.randint(1, 64)]
    else:
        del changed[place:]
    return bytes(changed)


LOOP = r"""
import sys, json, importlib, faulthandler, os
sys.path.insert(0, {tests!r})
from pathlib import Path
from filedamage import damaged
from expression.models import isolation as guarded
guarded.READING_SECONDS = 20
module, _, name = {function!r}.partition(":")
call = getattr(importlib.import_module(module), name)
content, target, log = Path({source!r}).read_bytes(), Path({target!r}), open({log!r}, "a")
given = Path({given!r})
target.write_bytes(content)
call(given)  # what it imports takes long on a busy machine, and is not what is timed
def note(kind, error, trace):
    log.write(f"{{number}} raised {{kind.__name__}}: {{str(error)[:200]!r}}\n"); log.flush()
sys.excepthook = note
for number in range({first}, {last}):
    log.write(f"{{number}} begins\n"); log.flush()
    faulthandler.dump_traceback_later(20, exit=True)
    target.write_bytes(damaged(content, number))
    log.write(f"{{number}} {{call(given)}}\n"); log.flush()
    faulthandler.cancel_dump_traceback_later()
"""


def outcomes(
    function: str, source: Path, first: int, last: int, within: Path | None = None
) -> dict[int, str]:
    """Lets a function read damaged copies of a file in a process of its own, again after each that ends it.

    Args:
        function: Its module and name; it is given a path and returns a word.
        source: The file that is whole.
        first: The first number of `damaged`.
        last: The number after the last one.
        within: The folder that the file is a part of; the function is given a copy of it.

    Returns:
        The word for each number; "ended" where the process did not survive or took 20 seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        log, target = Path(folder) / "log", Path(folder) / f"damaged{source.suffix}"
        given = target
        if within:
            given = Path(shutil.copytree(within, Path(folder) / "damaged"))
            target = given / source.relative_to(within)
        log.touch()
        found: dict[int, str] = {}
        while first < last:
            code = LOOP.format(
                tests=str(Path(__file__).parent),
                function=function,
                source=str(source),
                target=str(target),
                given=str(given),
                log=str(log),
                first=first,
                last=last,
            )
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, errors="replace"
            )
            lines = [line.split(" ", 1) for line in log.read_text().splitlines()]
            found = {int(number): "ended" if word == "begins" else word for number, word in lines}
            if not found:
                raise AssertionError(done.stderr[-3000:])
            first = max(found, default=first - 1) + 1
    return found


def told(call, path: Path) -> str:
    """Returns "read", or "told" where an error of ours says in one line what is wrong with a file."""
    from expression.errors import ExpressionError

    try:
        call(path)
    except ExpressionError as error:
        str(error).encode()
        return "told" if "\n" not in str(error) and len(str(error)) < 3000 else f"told at length: {error!r}"
    return "read"


def load_ours(path: Path) -> str:
    """Opens a network that has a card."""
    from expression.models import load

    return told(load, path)


def adopt_lite(path: Path) -> str:
    """What `external.adopt` does to a .tflite file in the other process."""
    from expression.models.external import lite_card

    return told(lambda path: lite_card(str(path), "a,b,c,d,e,f,g", "0..1", "x.tflite"), path)


def adopt_keras(path: Path) -> str:
    """What `external.adopt` does to a .keras or .h5 file in the other process."""
    from expression.models.external_keras import tidied

    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "made.keras")
        return told(
            lambda path: tidied(str(path), "a,b,c,d,e,f,g", "0..1", "x.keras", made, "none", ""), path
        )


def adopt_saved(path: Path) -> str:
    """What `external.adopt` does to a SavedModel in the other process."""
    import numpy as np

    from expression.models.external_keras import converted

    with tempfile.TemporaryDirectory() as folder:
        made, faces = os.path.join(folder, "made.tflite"), os.path.join(folder, "faces.npy")
        np.save(faces, np.empty(0))
        words = ("a,b,c,d,e,f,g", "0..1", "x.tflite", made, "none", faces)
        with contextlib.suppress(Exception):  # `isolation.call` tells those of TensorFlow too
            return told(lambda path: converted(str(path), *words), path)
    return "told"


def read_json(path: Path) -> str:
    """Reads a card from a file that holds nothing else."""
    import zipfile

    from expression.models.metadata import ENTRY, check_card, read_card

    zipped = path.with_suffix(".keras")
    with zipfile.ZipFile(zipped, "w") as file:
        file.writestr("config.json", "{}")
        file.writestr(ENTRY, path.read_bytes())

    def read(_):
        card = read_card(zipped)
        check_card(zipped, card)
        json.dumps(card.to_json()).encode()

    return told(read, path)
