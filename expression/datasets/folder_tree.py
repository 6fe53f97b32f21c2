"""The files of a folder and all its subfolders, as needed by the readers of datasets.

`folders.py`, `known_sets.py` and `file_lists.py` use a Tree; hidden and housekeeping files
are not in it, but are counted.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from ..errors import BadInputError
from ..files import is_housekeeping
from ..labelbook.columns import PICTURE
from ..pictures.skipped import Skipped

DEEPEST = 16
"""Levels of folders, at most; a deeper tree is a loop of links, or not a dataset."""

MOST = 5_000_000
"""Number of files, at most; the largest datasets of faces have about a million."""

Parts = tuple[str, ...]
"""The names of the folders from the root to a folder; empty for the root."""


@dataclass
class Tree:
    """The contents of a folder.

    Attributes:
        root: The folder.
        files: The names of the files in each folder that has any, in order.
        ignored: Hidden and housekeeping files and folders, which are not in it.
        locked: Folders without read permission.
    """

    root: Path
    files: dict[Parts, list[str]] = field(default_factory=dict)
    ignored: Skipped = field(default_factory=Skipped)
    locked: list[str] = field(default_factory=list)

    def path(self, parts: Parts, name: str = "") -> Path:
        """Returns the path of a folder, or of a file in it."""
        return self.root.joinpath(*parts, name) if name else self.root.joinpath(*parts)

    def paths(self) -> list[Path]:
        """Returns all files, in order."""
        return [self.path(parts, name) for parts, names in self.files.items() for name in names]

    @cached_property
    def folders(self) -> dict[Parts, set[str]]:
        """The names of the subfolders of each folder that has any, if there are files below them."""
        below: dict[Parts, set[str]] = defaultdict(set)
        for parts in self.files:
            for depth, name in enumerate(parts):
                below[parts[:depth]].add(name)
        return dict(below)

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[Parts, str]]]:
        """Where the files with each name are, ignoring case."""
        places = defaultdict(list)
        for parts, names in self.files.items():
            for name in names:
                places[name.casefold()].append((parts, name))
        return dict(places)

    @cached_property
    def _by_stem(self) -> dict[str, list[tuple[Parts, str]]]:
        """The same, by names without their extensions."""
        places = defaultdict(list)
        for name, found in self._by_name.items():
            places[PurePosixPath(name).stem].extend(found)
        return dict(places)

    def find(self, written: str, near: Parts = ()) -> Path | None:
        """Returns the file that an entry of a table refers to, or None.

        Only files of this tree can be found. Of several with the same name, the one is chosen whose
        folders agree best with the entry and with the folder of the table; None if two tie.
        A picture may have a different extension from the entry.

        Args:
            written: A name, with or without folders, from this or another machine.
            near: The folder of the table.
        """
        wanted = PurePosixPath(written.strip().replace("\\", "/")).parts
        if not wanted:
            return None
        name = wanted[-1].casefold()
        found = self._by_name.get(name) or self._by_stem.get(name) or self._converted(name)
        if len(found) > 1:
            found = _closest(found, [part.casefold() for part in wanted[:-1]], near)
        return self.path(*found[0]) if len(found) == 1 else None

    def _converted(self, name: str) -> list[tuple[Parts, str]]:
        """Returns where pictures of a name are whose extension has changed, as after conversion."""
        same = self._by_stem.get(PurePosixPath(name).stem, []) if PICTURE.search(name) else []
        return [place for place in same if PICTURE.search(place[1])]


def scan(root: Path) -> Tree:
    """Lists a folder and its subfolders.

    Raises:
        BadInputError: It is too deep or too large, or cannot be read itself.
    """
    tree, seen = Tree(root), set()
    told = f"Expected a dataset of pictures with at most {DEEPEST} levels of folders."

    def note_locked(error: OSError) -> None:
        if error.filename and Path(error.filename) != root:
            tree.locked.append(Path(error.filename).relative_to(root).as_posix())
            return
        raise BadInputError(
            f"{error.filename or root} cannot be read ({error.strerror}).",
            "Expected a folder that you have permission to read.",
            "Check its permissions.",
        ) from error

    count = 0
    for place, folders, names in os.walk(root, followlinks=True, onerror=note_locked):
        parts = Path(place).relative_to(root).parts
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:  # a link to a folder that was already visited
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        count += len(names)
        if len(parts) > DEEPEST or count > MOST:
            raise BadInputError(
                f"{place} is {len(parts)} folders below {root}, and {count:,} files were found so far.",
                told,
                "Choose the folder of the dataset itself.",
            )
        folders[:] = sorted(_kept(folders, parts, tree.ignored))
        kept = sorted(_kept(names, parts, tree.ignored))
        if kept:
            tree.files[parts] = kept
    return tree


def _kept(names: list[str], parts: Parts, ignored: Skipped) -> list[str]:
    """Returns the names that are not housekeeping files, and counts the others."""
    kept = []
    for name in names:
        if is_housekeeping(name):
            ignored.add("/".join((*parts, name)), "hidden")
        else:
            kept.append(name)
    return kept


def _closest(found: list[tuple[Parts, str]], wanted: list[str], near: Parts) -> list[tuple[Parts, str]]:
    """Returns the places whose folders agree best with the entry, then with those of the table."""

    def likeness(place: tuple[Parts, str]) -> tuple[int, int]:
        parts = [part.casefold() for part in place[0]]
        ends = zip(reversed(parts), reversed(wanted), strict=False)
        begins = zip(parts, (part.casefold() for part in near), strict=False)
        return _run(ends), _run(begins)

    best = max(map(likeness, found))
    return [place for place in found if likeness(place) == best]


def _run(pairs) -> int:
    """Returns the number of equal pairs before the first unequal one."""
    count = 0
    for first, second in pairs:
        if first != second:
            break
        count += 1
    return count
