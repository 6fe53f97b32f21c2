"""Faces from elsewhere for a user's own set: found in files, cropped, yielded one at a time.

It reads photos, videos, folders of both, a folder of pictures for each label, CK+, KDEF, FER2013, and the set
of another user or an older labeler. `import_page.py` shows each face for review.

Notebook: 08_your_face
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..datasets.archives import is_archive
from ..datasets.dataset import SPLITS
from ..datasets.fer2013 import in_folder, read_fer2013
from ..datasets.folder_tree import scan
from ..datasets.folders import list_folder
from ..datasets.listing import Entry
from ..datasets.matching import Matcher
from ..datasets.own_set import OwnSet, list_own, tables_folder
from ..datasets.synonyms import label_meant
from ..errors import BadInputError, ExpressionError, MissingFileError, user_path
from ..files import natural
from ..labelbook.book import LabelBook
from ..labels import Labels, listed_labels
from ..pictures.decoding import KINDS
from ..pictures.hashes import content_hashes
from ..pictures.image import face_pixels, fit, grey, is_picture, read_picture, standardise
from ..pictures.kinds import is_still, neither
from ..pictures.skipped import NAMES, Skipped
from ..sanitize import some
from ..sources.folder import LONGEST
from ..sources.video import Video
from ..vision.detectors import Detector, is_photo
from .capturer import SAME, cut_face

VIDEOS = {".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".3gp"}
"""Extensions of videos, which are ignored in the folders of labels."""

TABLES = {".csv", ".npz"}
"""Extensions of FER2013's files."""

CUT = 100
"""Pixels; a picture that is no larger is taken as a face, such as those of FER2013 with 48."""

REMEMBERED = 8
"""The number of earlier faces in a video that a new one is compared with."""


class Candidate(NamedTuple):
    """A face that may be saved.

    Attributes:
        picture: The picture to save: (height, width, 3) uint8 RGB or (height, width) uint8 grey levels.
        label: Its label in its set, or None.
        session: The group that is never split: its video, its person, its capture session.
        origin: Its origin, for people.
    """

    picture: np.ndarray
    label: str | None
    session: str
    origin: str


class Importer:
    """Finds faces in files.

    Args:
        book: The set to import into. Faces that it already has are skipped.
        detector: Finds the faces.
        colour: Whether to keep colours.
        label: The label of all faces; None for the labels of their sets.
        every: Seconds between two frames that are searched in a video.

    Attributes:
        skipped: What was skipped, and why.
        notes: How sets were read, as sentences.
        failed: The errors of paths that could not be read at all.
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
        self.skipped = Skipped()
        self.failed: list[ExpressionError] = []
        self.notes: list[str] = []
        self._stamp = datetime.now().isoformat(timespec="seconds")
        self._known = _hashes_of(book)
        self._seen: dict[int, dict[str | None, str]] = defaultdict(dict)  # origins, by label

    def candidates(self, *paths: str | Path) -> Iterator[Candidate | None]:
        """Returns an iterator over new faces, with None now and then so that a screen stays responsive.

        The error for a path that is damaged or of an unknown kind goes to `failed`.

        Raises:
            MissingFileError: A path does not exist.
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
        """Returns sentences about how sets were read, and about what was skipped for each reason."""
        sentences = list(self.notes)
        for reason, count in self.skipped.reasons.items():
            names = self.skipped.names[reason]
            shown = f": {some(names, NAMES, count)}" if any(names) else ""
            sentences.append(f"{count} skipped, {reason}{shown}.")
        return sentences

    def _new(self, found: Candidate) -> Candidate | None:
        """Returns a face if it is new, or if it has a label and its earlier copy had none."""
        number = _hash_of(found.picture)
        if number in self._known:
            return self._leave("already in the set", found.origin)
        seen = self._seen[number]
        other = next((label for label in seen if label), None)
        if found.label in seen or (other and not found.label):
            return self._leave("already seen in this import", found.origin)
        if other:
            told = f"{found.origin} is {found.label} here and {other} in {seen[other]}"
            return self._leave("the same picture as one with a different label", told)
        seen[found.label] = found.origin
        return found

    def keep(self, found: Candidate, label: str) -> None:
        """Notes the label under which a face was saved; its copies cannot get another one."""
        self._seen[_hash_of(found.picture)].setdefault(label, found.origin)

    def _leave(self, reason: str, name: str) -> None:
        self.skipped.add(name, reason)

    def _found(self, path: Path) -> Iterator[Candidate | None]:
        """Yields the faces of a file or folder."""
        if path.is_file():
            yield from self._file(path)
        elif table := in_folder(path):
            yield from self._fer2013(table)
        elif tables := tables_folder(path):
            yield from self._own(list_own(tables))
        else:
            listing = list_folder(path, listed_labels(path))
            entries = [entry for entry in listing.entries if entry.path.suffix.lower() not in VIDEOS]
            if any(label_meant(entry.word, self.labels) for entry in entries):
                self.notes += [*listing.notes, *_matches(entries, self.labels)]
                yield from self._set(entries)
                if any(entry.origin.is_dir() for entry in entries):
                    self._report_others(path, {entry.path for entry in entries})
            else:
                yield from self._loose(path)

    def _file(self, path: Path) -> Iterator[Candidate | None]:
        """Yields the faces of a photo, a table or a video."""
        if is_still(path):
            yield from self._photo(path, path.name)
        elif path.suffix.lower() in TABLES or is_archive(path):
            yield from self._fer2013(path)
        else:
            try:
                yield from self._video(path, path.name)
            except BadInputError as error:
                if path.suffix.lower() in VIDEOS:
                    raise
                what, remedy = neither(path)
                expected = f"Expected {KINDS}, a video such as mp4, or a table such as fer2013.csv."
                raise BadInputError(f"{path} is {what}.", expected, remedy) from error

    def _loose(self, folder: Path) -> Iterator[Candidate | None]:
        """Yields the faces of photos and videos in a folder and its subfolders."""
        tree = scan(folder)
        for name in tree.locked:
            self._leave("a folder that cannot be read", name)
        files = sorted(tree.paths(), key=lambda path: natural(path.name))
        if not files and not tree.locked:
            raise BadInputError(f"{folder} is empty.", "Expected photos or videos.", "Choose another folder.")
        for path in files:
            yield from self._any(path, path.relative_to(folder).as_posix())

    def _any(self, path: Path, name: str) -> Iterator[Candidate | None]:
        """Yields the faces of a file in a folder, whatever its extension."""
        if not path.is_file():
            self._leave("missing, or not a file", name)
        elif is_still(path):
            yield from self._photo(path, name)
        elif path.suffix.lower() in TABLES:
            self._leave("a table, which must be given by itself", name)
        elif is_archive(path):
            self._leave("an archive, which must be unpacked first", name)
        else:
            try:
                yield from self._video(path, name)
            except ExpressionError:
                self._leave(neither(path)[0], name)

    def _report_others(self, folder: Path, known: set[Path]) -> None:
        """Reports photos and videos that are not in the folders of the labels."""
        for path in sorted(scan(folder).paths(), key=lambda path: natural(path.name)):
            if path not in known and (path.suffix.lower() in VIDEOS or is_picture(path)):
                self._leave("not in a label's folder", path.relative_to(folder).as_posix())

    def _photo(self, path: Path, name: str) -> Iterator[Candidate | None]:
        """Yields the faces of a photo."""
        image = self._read(path, name)
        faces = [] if image is None else self._faces(image)
        if image is not None and not faces:
            self._leave("no face found", name)
        for face in faces:
            yield Candidate(face, self.label, self._stamp, name)
        yield None

    def _video(self, path: Path, name: str) -> Iterator[Candidate | None]:
        """Yields the faces of a video, except those nearly identical to an earlier one."""
        film = Video(path)
        film.open()
        try:
            due, before, count = 0.0, deque(maxlen=REMEMBERED), 0
            while (image := film.read()) is not None:
                second = film.position
                if second >= due - 0.5 / film.fps:
                    due = second + self.every
                    for face in self._faces(image):
                        small = standardise(face_pixels(face))
                        if any(np.abs(small - other).mean() < SAME for other in before):
                            continue
                        before.append(small)
                        count += 1
                        minutes, seconds = divmod(round(second), 60)
                        origin = f"{name} at {minutes}:{seconds:02}"
                        yield Candidate(face, self.label, f"{self._stamp} {name}", origin)
                    yield None
            if not count:
                self._leave("no face found", name)
        finally:
            film.close()

    def _own(self, own: OwnSet) -> Iterator[Candidate | None]:
        """Yields the pictures of a user's own set: faces as they are, and the largest face of each photo."""
        self.skipped.extend(own.skipped)
        self.notes += own.notes
        for picture in own.pictures:
            image = self._read(picture.path, picture.image)
            faces = [] if image is None else self._faces(image)[:1] if is_photo(image) else [image]
            if image is not None and not faces:
                self._leave("no face found", picture.image)
            session = picture.session or self._stamp
            yield from (self._candidate(face, picture.label, session, picture.image) for face in faces)
            yield None

    def _set(self, entries: list[Entry]) -> Iterator[Candidate | None]:
        """Yields the largest face of each picture of a labelled set."""
        for entry in entries:
            name = entry.path.name
            image = self._read(entry.path, name)
            faces = [] if image is None else self._faces(image)
            if image is not None and not faces:
                self._leave("no face found", name)
            group = f"{self._stamp} {entry.group}".rstrip()
            yield from (self._candidate(face, entry.word, group, name) for face in faces[:1])
            yield None

    def _candidate(self, face: np.ndarray, word: str, group: str, name: str) -> Candidate:
        """Returns a face with its label in its set."""
        label = self.label or label_meant(word, self.labels)
        origin = name if label else f"{name}, labelled {word}, which is not in your list"
        return Candidate(face, label, group, origin)

    def _fer2013(self, path: Path) -> Iterator[Candidate | None]:
        """Yields the faces of FER2013."""
        dataset = read_fer2013(path)
        self.notes += dataset.remarks()
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
        """Reads a picture; an unreadable one is skipped."""
        try:
            return read_picture(path)
        except (ExpressionError, OSError) as error:
            return self._leave(getattr(error, "reason", "not readable"), name)

    def _faces(self, image: np.ndarray) -> list[np.ndarray]:
        """Returns the faces of a picture as they would be saved, the largest first."""
        if max(image.shape) <= CUT:
            return [image if self.colour else grey(image)]
        image = fit(image, LONGEST)[0]
        boxes = sorted((face.box for face in self.detector.detect(image)), key=lambda box: -box.area)
        return [cut_face(image, box, self.colour) for box in boxes]


def _hash_of(picture: np.ndarray) -> int:
    """Returns a hash that only identical pictures share."""
    return int(content_hashes(face_pixels(picture)[None])[0])


def _matches(entries: list[Entry], labels: Labels) -> list[str]:
    """Returns sentences about which words were read as which labels."""
    matcher = Matcher(labels, only=True)
    for word, written in {(entry.word, entry.written): None for entry in entries}:
        matcher.index(word, "", written=written)
    return matcher.notes()


def _hashes_of(book: LabelBook) -> set[int]:
    """Returns the hashes of the pictures of a set."""
    found = set()
    for row in book.rows:
        try:
            found.add(_hash_of(book.picture(row)))
        except ExpressionError:
            continue  # `expression dataset check` reports it
    return found
