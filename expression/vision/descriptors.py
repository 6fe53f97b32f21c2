"""Descriptors of faces: numbers that are alike for two pictures of one person, and differ for two people.

`analysis/known_people.py` compares faces with them. `make_describer` returns the better way that is
available: dlib's network, or texture, which needs only the packages of the lessons. Descriptors are never
saved.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingFileError, MissingPackageError, as_bad_input, install_line, missing_package
from ..models import registry
from ..pictures.image import crop, face_pixels, square
from ..types import Box

FEATURE, EXTRA = "Recognising people", "people"
"""What errors call it, and the extra that installs what dlib's network needs."""

FILES = "face_recognition_models"
"""The package with dlib's files. It is not imported: that needs pkg_resources, which is no longer there."""

CONTEXT = 2.0
"""Side of the part of a picture that dlib gets, as a multiple of the face's; it needs less than 1.5."""


class Describer:
    """Describes faces by numbers that can be compared; each subclass implements both methods.

    Attributes:
        name: What messages call the way.
        limit: Two faces at a smaller distance are of one person.
        smallest: Side of the smallest face that it can describe, in pixels.
        notice: What users should know about it, a sentence or two; empty if nothing.
    """

    name = ""
    limit = 0.5
    smallest = 40
    notice = ""

    def describe(self, image: np.ndarray, box: Box) -> np.ndarray:
        """Returns the descriptor of a face, (n,) float32.

        Args:
            image: (height, width, 3) uint8 RGB.
            box: The face, in pixels; it may reach outside the picture.
        """
        raise RuntimeError(f"{type(self).__name__} has no describe")

    def distances(self, known: np.ndarray, descriptor: np.ndarray) -> np.ndarray:
        """Returns the distances of a descriptor, (n,), from known ones, (m, n), as (m,) float32."""
        raise RuntimeError(f"{type(self).__name__} has no distances")


class FaceNetwork(Describer):
    """Describes faces by dlib's residual network, trained on three million faces.

    Raises:
        MissingPackageError: dlib or the package with its files is not installed; the error says how.
        MissingFileError: One of the files is not in that package; install it again.
        BadInputError: One of the files is damaged; install it again.

    Source: http://blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html, with a limit of 0.6;
        that of 0.5 makes hardly a mistake (benchmarks/README.md, section Known people).
    """

    name = "dlib"
    limit = 0.5

    network = "dlib_face_recognition_resnet_model_v1.dat"
    points = "shape_predictor_5_face_landmarks.dat"
    sha256 = {  # noqa: RUF012  never changed
        network: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        points: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    }

    def __init__(self):
        try:
            import dlib
        except ImportError as error:
            raise missing_package(FEATURE, "dlib-bin", EXTRA) from error
        self._rectangle = dlib.rectangle
        self._points = self._read(dlib.shape_predictor, self.points)
        self._network = self._read(dlib.face_recognition_model_v1, self.network)

    def _read(self, kind: Any, name: str) -> Any:
        """Reads one of the files, if its checksum is correct."""
        placed = registry.find(name)
        path = placed or packaged(name)
        remedy = f"Delete it; the package {FILES} has the right one." if placed else _again()
        with as_bad_input(f"{path} cannot be read", f"Expected dlib's {name}.", remedy):
            if hashlib.sha256(path.read_bytes()).hexdigest() != self.sha256[name]:
                raise ValueError("its SHA-256 is different")
            return kind(str(path))

    def describe(self, image: np.ndarray, box: Box) -> np.ndarray:
        """Returns (128,) float32: the face is turned upright by its eyes and read in 150 x 150 pixels."""
        around = square(box, CONTEXT)
        face = self._rectangle(*_corners(box, around))
        part = np.ascontiguousarray(crop(image, around))
        return np.array(self._network.compute_face_descriptor(part, self._points(part, face)), np.float32)

    def distances(self, known: np.ndarray, descriptor: np.ndarray) -> np.ndarray:
        """Returns Euclidean distances, 0 to about 1.2."""
        return np.linalg.norm(known - descriptor, axis=1)


class Texture(Describer):
    """Describes faces by histograms of local binary patterns, each of a cell of a grid.

    A pattern says which of eight neighbours are brighter than a pixel, so more light changes nothing. But it
    also depends on pose, expression and sharpness, hence it often takes one person for another.

    Raises:
        MissingPackageError: Not even scikit-image is installed; the error names the better package.

    Source: Ahonen, Hadid, Pietikainen, Face Recognition with Local Binary Patterns, 2004,
        https://doi.org/10.1007/978-3-540-24670-1_36; the limit: benchmarks/README.md, section Known people.
    """

    name = "local binary patterns"
    limit = 0.36
    notice = (
        "Faces are compared by their texture, which is far less reliable than dlib's network: "
        f"check every picture. {install_line(EXTRA)}"
    )

    side, cells = 96, 8
    radius, neighbours, patterns = 2, 8, 59

    def __init__(self):
        try:
            from skimage.feature import local_binary_pattern
        except ImportError as error:
            raise missing_package(FEATURE, "dlib-bin", EXTRA) from error
        self._coded = local_binary_pattern

    def describe(self, image: np.ndarray, box: Box) -> np.ndarray:
        """Returns (3776,) float32: the shares of 59 patterns in each of 8 x 8 cells."""
        grey = face_pixels(image, box, self.side)
        codes = self._coded(grey, self.neighbours, self.radius, "nri_uniform").astype(np.int64)
        step = self.side // self.cells
        cells = codes.reshape(self.cells, step, self.cells, step).swapaxes(1, 2).reshape(-1, step * step)
        counts = [np.bincount(cell, minlength=self.patterns) for cell in cells]
        return np.float32(np.concatenate(counts)) / (step * step)

    def distances(self, known: np.ndarray, descriptor: np.ndarray) -> np.ndarray:
        """Returns chi-square distances, averaged over the cells: 0 for equal faces, 1 at most."""
        total = known + descriptor
        parts = np.divide((known - descriptor) ** 2, total, out=np.zeros_like(total), where=total > 0)
        return parts.sum(1) / (2 * self.cells**2)


def make_describer() -> Describer:
    """Returns dlib's network, or texture if that is not installed; its `notice` says so.

    Raises:
        MissingPackageError: The packages for neither are installed.
        BadInputError: A file of dlib's is damaged.
    """
    try:
        return FaceNetwork()
    except (MissingPackageError, MissingFileError):
        return Texture()


def packaged(name: str) -> Path:
    """Returns a file of the installed package face_recognition_models, which is not imported.

    Raises:
        MissingPackageError: The package is not installed.
        MissingFileError: It does not have the file.
    """
    try:
        package = importlib.metadata.distribution(FILES)
    except importlib.metadata.PackageNotFoundError as error:
        raise missing_package(FEATURE, FILES, EXTRA) from error
    path = Path(str(package.locate_file(f"{FILES}/models/{name}")))
    if not path.is_file():
        raise MissingFileError(f"There is no file {path}.", f"Expected it in the package {FILES}.", _again())
    return path


def _again() -> str:
    """Returns how to install the package with dlib's files again."""
    return f"Run: pip install --force-reinstall --no-deps {FILES}"


def _corners(box: Box, around: Box) -> tuple[int, int, int, int]:
    """Returns the left, top, right and bottom of a box within another."""
    left, top = box.x - around.x, box.y - around.y
    return left, top, left + box.width, top + box.height
