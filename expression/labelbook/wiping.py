"""What `expression dataset wipe` deletes, and what it leaves and why; damaged tables do not stop it.

Notebook: 08_your_face
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BadInputError
from ..files import PRIVATE, as_output_error, write_text
from ..pictures.image import is_picture
from ..sanitize import some
from .columns import PICTURE
from .folder import checked, highest_number, private_folder, remove_empty
from .pictures import BOOK, TRASH, Pictures
from .relinking import look_for
from .rows import FILE, IMAGES, read_table

LOCK, HIGHEST = f"{BOOK}/lock", f"{BOOK}/highest"
"""The files of `.book` that stay: the lock, and the highest number that a picture ever had."""

SHOWN = 10
"""Names listed in a sentence before the rest is only counted."""


@dataclass
class Survey:
    """The contents of a set.

    Attributes:
        folder: The folder of the set.
        whole: Whether the whole set is meant; otherwise only the trash.
        rows: The number of rows in faceLabels.csv; None if it cannot be read.
        pictures: Pictures in Images that rows name, as paths relative to it.
        strays: Pictures in Images that no row names.
        trash: What was removed earlier, and the remains of interrupted changes.
        left: Other files in Images.
        elsewhere: Pictures named in rows that are not in Images.
    """

    folder: Path
    whole: bool = True
    rows: int | None = 0
    pictures: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    trash: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    elsewhere: list[Path] = field(default_factory=list)

    @property
    def images(self) -> Path:
        """The folder of pictures."""
        return self.folder / IMAGES

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to delete."""
        return not (self.pictures or self.strays or self.trash or self.rows or self.rows is None)

    def told(self) -> str:
        """Returns a description of what is deleted."""
        alone = f" ({len(self.strays)} of them without a row)" if self.strays else ""
        pictures = len(self.pictures) + len(self.strays)
        removed = sum(bool(PICTURE.search(path)) for path in self.trash)
        tables = any(path.startswith(f"{TRASH}/") for path in self.trash)
        parts = [
            f"{_counted(pictures, 'picture')}{alone}" if pictures or self.rows else "",
            "the rows of faceLabels.csv" if self.rows is None else "",
            f"{_counted(self.rows, 'row')} of {FILE}" if self.rows else "",
            f"{_counted(removed, 'picture')} removed earlier" if removed else "",
            "the tables in the trash" if tables and not removed else "",
        ]
        *most, last = [part for part in parts if part]
        what = f"{', '.join(most)} and {last}" if most else last
        return f"{what} in {self.images.resolve()}"

    def left_over(self, failed: dict[str, str]) -> list[str]:
        """Returns sentences about what is left, and why.

        Args:
            failed: What `delete` returned.
        """
        left = some([path for path in self.left if not _is_marker(self.images / path)], SHOWN)
        places = some(sorted({str(path.parent.resolve()) for path in self.elsewhere}), SHOWN)
        beside = f"{_counted(len(self.elsewhere), 'picture')} named in rows, in {places}"
        reasons = [f"{path} ({why})" for path, why in failed.items()]
        lines = {
            f"Could not be deleted: {some(reasons, SHOWN)}.": failed,
            f"Left in Images because they are not pictures: {left}.": left,
            f"Left because they are not in Images: {beside}.": places,
            "labelList.csv stays, and so do networks trained on the pictures.": self.whole,
        }
        return [line for line, there in lines.items() if there]


def survey(folder: Path, whole: bool = True) -> Survey:
    """Lists the contents of a set.

    Args:
        folder: The folder of the set.
        whole: Whether to include rows and pictures; otherwise only the trash.

    Raises:
        BadInputError: There is a link in Images, or a folder that cannot be read.
    """
    found = Survey(folder, whole)
    files = checked(folder)
    found.trash = [path for path in files if path.split("/")[0] in (BOOK, TRASH)]
    found.trash = [path for path in found.trash if path not in (LOCK, HIGHEST)]
    if not whole:
        return found
    pictures = Pictures(found.images)
    try:
        table = read_table(folder / FILE)
        named = {path for row in table.rows if (path := pictures.find(row.image))}
        found.rows, found.elsewhere = len(table.rows), list(look_for(table.rows, pictures).elsewhere.values())
    except BadInputError:
        found.rows, named = None, set()
    for path in pictures.files:
        ours = path in named or PICTURE.search(path) or is_picture(found.images / path)
        (found.pictures if path in named else found.strays if ours else found.left).append(path)
    return found


def delete(found: Survey) -> dict[str, str]:
    """Permanently deletes what a survey found, and the rows; the list of labels stays.

    Returns:
        What could not be deleted, and why.

    Raises:
        OutputError: faceLabels.csv cannot be written.
    """
    images, failed = found.images, {}
    files = [*found.pictures, *found.strays, *found.trash]
    with as_output_error(images):
        private_folder(images / BOOK)
        highest = highest_number(images, checked(found.folder))
        write_text(images / HIGHEST, str(highest), PRIVATE)
    if found.whole and (found.folder / FILE).is_file():
        write_text(found.folder / FILE, "", PRIVATE)
    for path in files:
        try:
            (images / path).unlink(missing_ok=True)
        except OSError as error:
            failed[path] = error.strerror or str(error)
    for place in sorted({TRASH, *(path.split("/")[0] for path in files if "/" in path)}):
        remove_empty(images / place)
    return failed


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _is_marker(path: Path) -> bool:
    """Whether a file is empty and hidden, such as .gitkeep."""
    return path.name.startswith(".") and path.is_file() and not path.stat().st_size
