"""Faces from elsewhere for a reader's own set: found in files, cut out, handed over one at a time.

It reads photos, videos, folders of both, a folder of pictures for each label, CK+, KDEF, FER2013, and the set
of another reader or an older labeler. `importdesk.py` puts each face up for review.

Notebook: 07_your_face
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .capturing import SAME, cut_face
from .dataset import SPLITS
from .errors import BadInputError, ExpressionError, MissingFileError, user_path
from .faces import Detector
from .fer2013 import in_folder, read_fer2013
from .folders import Entry, label_meant, list_folder
from .image import PICTURES, face_pixels, fit, grey, read_picture, standardise
from .inspection import prints
from .labelbook import LabelBook
from .labelrows import FILE
from .labels import listed_labels
from .sources.folder import LONGEST, natural
from .sources.video import Video

VIDEOS = {".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".3gp"}
"""Endings of films that are looked for in folders."""

TABLES = {".csv", ".npz"}
"""Endings of FER2013's files."""

CUT = 100
"""Pixels; a picture that is no longer is a face already, such as FER2013's with 48."""

REMEMBERED = 8
"""Faces of a film that a new one is compared with."""

SHOWN = 3
"""Names that a sentence tells before it says how many more there are."""


class Candidate(NamedTuple):
    """A face that may be kept.

    Attributes:
        picture: What would be kept: (height, width, 3) uint8 RGB or (height, width) uint8 grey levels.
        label: What its set says it shows, or None.
        session: What is never parted from it: its film, its person, its capture session.
        origin: Where it is from, for people.
    """

    picture: np.ndarray
    label: str | None
    session: str
    origin: str


class Importer:
    """Looks for faces in files.

    Args:
        book: The set that they may come into. Faces that it has already are left out.
        detector: What finds them.
        colour: Whether colours are kept.
        label: What all of them show; None for what their set says.
        every: Seconds between two looks at a film.

    Attributes:
        left_out: What is left out, as a sentence's end and the names of what it is about.
        failed: What kept a whole path from being read.
    """

    def __init__(
        self,
        book: LabelBook,
        detector: Detector,
        colour: bool = False,
        label: str | None = None,
        every: float = 1.0,
    ):
        self.detector, self.colour, self.every = detector, colour, every
        self.labels = book.labels
        self.label = label and self.labels[self.labels.index(label)]
        self.left_out: dict[str, list[str]] = defaultdict(list)
        self.failed: list[ExpressionError] = []
        self._stamp = datetime.now().isoformat(timespec="seconds")
        self._known = _prints_of(book)

    def candidates(self, *paths: str | Path) -> Iterator[Candidate | None]:
        """Returns what yields each face once, and None now and then, so that a screen stays alive.

        A path that turns out to be nothing that is read here, or damaged, goes to `failed`.

        Raises:
            MissingFileError: Nothing is there.
        """
        places = [user_path(path) for path in paths]
        missing = [place for place in places if not place.exists()]
        if missing:
            raise MissingFileError(
                f"There is no file or folder {missing[0]}.",
                "Expected photos, a video, or a set of faces.",
                "Check the name.",
            )
        return self._all(places)

    def _all(self, places: list[Path]) -> Iterator[Candidate | None]:
        for place in places:
            try:
                for found in self._found(place):
                    yield found and self._new(found)
            except ExpressionError as error:
                self.failed.append(error)

    def told(self) -> list[str]:
        """Returns a sentence for each reason for which something was left out."""
        sentences = []
        for reason, names in self.left_out.items():
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            shown = f": {', '.join(names[:SHOWN])}{more}" if any(names) else ""
            sentences.append(f"{len(names)} left out, {reason}{shown}.")
        return sentences

    def _new(self, found: Candidate) -> Candidate | None:
        """Returns a face that was not seen before."""
        number = int(prints(face_pixels(found.picture)[None])[0])
        if number in self._known:
            return self._leave("in the set already", found.origin)
        self._known.add(number)
        return found

    def _leave(self, reason: str, name: str) -> None:
        self.left_out[reason].append(name)

    def _found(self, path: Path) -> Iterator[Candidate | None]:
        """Yields what a file or folder has."""
        if path.is_file():
            yield from self._file(path)
        elif in_folder(path):
            yield from self._fer2013(in_folder(path))
        else:
            # An older labeler keeps its set in a folder data.
            place = path if (path / FILE).is_file() or not (path / "data" / FILE).is_file() else path / "data"
            entries = list_folder(place, listed_labels(place))
            own = (place / FILE).is_file()
            if own or any(label_meant(entry.word, self.labels) for entry in entries):
                yield from self._set(entries, own)
                if any(entry.origin.is_dir() for entry in entries):
                    self._tell_others(path, {entry.path for entry in entries})
            else:
                yield from self._loose(path)

    def _file(self, path: Path) -> Iterator[Candidate | None]:
        """Yields what a photo, a table or a film has."""
        if path.suffix.lower() in PICTURES:
            yield from self._photo(path, path.name)
        elif path.suffix.lower() in TABLES:
            yield from self._fer2013(path)
        elif path.suffix.lower() in VIDEOS:
            yield from self._film(path, path.name)
        else:
            raise BadInputError(
                f"{path} is neither a picture nor a film that can be read.",
                f"Expected a name that ends in {', '.join(sorted(PICTURES | VIDEOS | TABLES))}.",
                "Convert it to JPEG or MP4.",
            )

    def _loose(self, folder: Path) -> Iterator[Candidate | None]:
        """Yields what photos and films have, in a folder and those below it."""
        files = _files(folder)
        if not files:
            raise BadInputError(f"{folder} is empty.", "Expected photos or films.", "Name another folder.")
        for path in files:
            name, ending = path.relative_to(folder).as_posix(), path.suffix.lower()
            if ending in PICTURES:
                yield from self._photo(path, name)
            elif ending in VIDEOS:
                try:
                    yield from self._film(path, name)
                except ExpressionError:
                    self._leave("not readable", name)
            else:
                self._leave("neither a picture nor a film that can be read; convert it to JPEG or MP4", name)

    def _tell_others(self, folder: Path, known: set[Path]) -> None:
        """Tells of photos and films that lie beside the folders of the labels."""
        for path in _files(folder):
            if path not in known and path.suffix.lower() in PICTURES | VIDEOS:
                self._leave("not in the folder of a label", path.relative_to(folder).as_posix())

    def _photo(self, path: Path, name: str) -> Iterator[Candidate | None]:
        """Yields the faces of a photo."""
        image = self._read(path, name)
        faces = [] if image is None else self._faces(image)
        if image is not None and not faces:
            self._leave("no face in it", name)
        for face in faces:
            yield Candidate(face, self.label, self._stamp, name)
        yield None

    def _film(self, path: Path, name: str) -> Iterator[Candidate | None]:
        """Yields the faces of a film, those that nearly equal an earlier one left out."""
        film = Video(path)
        film.open()
        try:
            step = max(1, round(film.fps * self.every))
            number, before, count = 0, deque(maxlen=REMEMBERED), 0
            while (image := film.read()) is not None:
                if number % step == 0:
                    second = number / film.fps
                    for face in self._faces(image):
                        small = standardise(face_pixels(face))
                        if any(np.abs(small - other).mean() < SAME for other in before):
                            continue
                        before.append(small)
                        count += 1
                        origin = f"{name} at {second // 60:.0f}:{second % 60:02.0f}"
                        yield Candidate(face, self.label, f"{self._stamp} {name}", origin)
                    yield None
                number += 1
            if not count:
                self._leave("no face in it", name)
        finally:
            film.close()

    def _set(self, entries: list[Entry], own: bool) -> Iterator[Candidate | None]:
        """Yields what a labelled set has; the pictures of a reader's own come as they are."""
        for entry in entries:
            label, name = self.label or label_meant(entry.word, self.labels), entry.path.name
            image = self._read(entry.path, name)
            faces = [] if image is None else [image] if own else self._faces(image)
            if image is not None and not faces:
                self._leave("no face in it", name)
            group = entry.group if own and entry.group else f"{self._stamp} {entry.group}".rstrip()
            origin = name if label else f"{name}, labelled {entry.word} there, which is not in your list"
            yield from (Candidate(face, label, group, origin) for face in faces[:1])
            yield None

    def _fer2013(self, path: Path) -> Iterator[Candidate | None]:
        """Yields the faces of FER2013."""
        dataset = read_fer2013(path)
        for name in SPLITS:
            split = getattr(dataset, name)
            for number, (picture, index) in enumerate(zip(split.pictures, split.indexes, strict=True)):
                label = self.label or label_meant(dataset.labels[index], self.labels)
                if label:
                    yield Candidate(picture, label, f"{self._stamp} {name}", f"{name} {number}")
                else:
                    self._leave(f"the label {dataset.labels[index]} is not in your list", "")
                    yield None

    def _read(self, path: Path, name: str) -> np.ndarray | None:
        """Reads a picture; one that cannot be read is left out."""
        try:
            return read_picture(path)
        except (ExpressionError, OSError):
            return self._leave("not readable", name)

    def _faces(self, image: np.ndarray) -> list[np.ndarray]:
        """Returns the faces of a picture as they would be kept, the largest first."""
        if max(image.shape) <= CUT:
            return [image if self.colour else grey(image)]
        image = fit(image, LONGEST)[0]
        boxes = sorted((face.box for face in self.detector.detect(image)), key=lambda box: -box.area)
        return [cut_face(image, box, self.colour) for box in boxes]


def _files(folder: Path) -> list[Path]:
    """Returns the files in a folder and those below it, without those that are hidden."""
    files = [path for path in sorted(folder.rglob("*"), key=natural) if path.is_file()]
    return [path for path in files if not any(p.startswith(".") for p in path.relative_to(folder).parts)]


def _prints_of(book: LabelBook) -> set[int]:
    """Returns a number for each picture of a set."""
    found = set()
    for row in book.rows:
        try:
            found.add(int(prints(face_pixels(book.picture(row))[None])[0]))
        except ExpressionError:
            continue  # `expression dataset check` tells of it
    return found
