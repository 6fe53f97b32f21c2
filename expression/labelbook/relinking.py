"""The search for pictures that are not where their rows say: in other folders or beside the set.

`integrity.py` and `datasets/own_set.py` search before they report a picture as missing; nothing is changed
here.

Notebook: 08_your_face
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..errors import BadInputError
from ..labels import folded_label
from .pictures import Pictures
from .rows import FILE, IMAGES, Row, paths_meant

SIBLINGS = 200
"""The most folders beside a set that are searched."""


@dataclass
class Search:
    """The result of a search.

    Attributes:
        moved: Files in Images, by the pictures of rows that name another folder or extension for them.
        elsewhere: Files outside Images, by the pictures of their rows.
        several: Files in Images that all match a row, by the row's picture.
        gone: Pictures that were not found.
    """

    moved: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, Path] = field(default_factory=dict)
    several: dict[str, list[str]] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)


def look_for(rows: Iterable[Row], pictures: Pictures) -> Search:
    """Searches for the pictures of rows that are not where the rows say.

    No picture is proposed twice, nor one that another row has.

    Args:
        rows: All rows of a set.
        pictures: The files in its Images.
    """
    rows = list(rows)
    places = {row.image: pictures.find(row.image) for row in rows}
    missing = {row.image: row for row in rows if not places[row.image]}
    search = Search(elsewhere=_elsewhere(missing, pictures.folder.absolute().parent))
    taken = {place for place in places.values() if place}
    labels = {folded_label(row.label) for row in rows}
    found = {}
    for image, row in missing.items():
        if image not in search.elsewhere:
            others = [path for path in pictures.of_name(image) if path not in taken]
            found[image] = _by_label(others, row, labels)
    claims = Counter(path for paths in found.values() for path in paths)
    for image, paths in found.items():
        if len(paths) == 1 and claims[paths[0]] == 1:
            search.moved[image] = paths[0]
        elif paths:
            search.several[image] = paths
        else:
            search.gone.append(image)
    return search


def _by_label(paths: list[str], row: Row, labels: set[str]) -> list[str]:
    """Returns the path in the folder of the row's label, or else those not in another label's folder."""
    folders = {path: folded_label(PurePosixPath(path).parent.name) for path in paths}
    named = [path for path in paths if folders[path] == folded_label(row.label)]
    return (
        named if len(named) == 1 else [path for path in paths if path in named or folders[path] not in labels]
    )


def _elsewhere(missing: Iterable[str], folder: Path) -> dict[str, Path]:
    """Returns the files outside Images that rows mean, preferably from the folders with most of them."""
    missing = list(missing)
    finds = []
    for root in _roots(folder) if missing else ():
        try:
            other = Pictures(root, links=False) if root.name.casefold() == IMAGES.casefold() else None
        except BadInputError:
            continue
        found = {image: root / path for image in missing if (path := _found(image, root, other))}
        finds.append(found)
    finds.sort(key=len, reverse=True)
    return {image: path for found in reversed(finds) for image, path in found.items()}


def _found(image: str, root: Path, pictures: Pictures | None) -> str | None:
    """Returns the path of a row's picture in a folder, or None; nothing outside the folder is searched."""
    if pictures:
        return pictures.find(image)
    for path in paths_meant(image):
        file = root / path
        if os.path.isfile(file) and file.resolve().is_relative_to(root.resolve()):  # not through a link
            return path
    return None


def _roots(folder: Path) -> Iterator[Path]:
    """Yields folders outside Images that may have pictures of a set, but not those of other sets."""
    data, parent = folder / "data", folder.parent
    for place in dict.fromkeys((folder, data, parent, *_folders(parent))):
        if place != folder and os.path.lexists(place / FILE):
            continue
        for below in _folders(place):
            if below.name.casefold() == IMAGES.casefold() and below != folder / IMAGES:
                yield below
        if place in (folder, data):
            yield place


def _folders(folder: Path) -> list[Path]:
    """Returns the folders in a folder, as far as they can be read."""
    try:
        found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return []
    return [path for path in found if not path.name.startswith(".")][:SIBLINGS]
