"""The face in each picture of a user's own set: the picture itself, or the face detected in a photo.

A small picture is taken for a face as it is. The detector is created when the first large one is read.

Notebook: 08_your_face
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import BadInputError
from ..pictures.image import face_pixels
from ..types import largest
from ..vision.detectors import CUT, Detector, is_photo


class OwnFaces:
    """Turns pictures into faces.

    Args:
        make_detector: Creates the face detector; called when the first large picture is read.
        cut: Crops a face from a picture, like `image.face_pixels`.

    Attributes:
        looked: The number of pictures in which a face was searched for.
    """

    def __init__(self, make_detector: Callable[[], Detector], cut: Callable[..., np.ndarray] = face_pixels):
        self._make, self._detector, self._cut = make_detector, None, cut
        self.looked = 0

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Returns the largest face of a picture, (height, width, 3) uint8 RGB, like `cut`.

        If no face is found in a square picture, the whole picture is used: it may be a tightly cropped face.

        Raises:
            BadInputError: It is a photo without a detectable face.
        """
        if max(image.shape[:2]) <= CUT:
            return self._cut(image)
        self._detector = self._detector or self._make()
        self.looked += 1
        face = largest(self._detector.detect(image))
        if face is None and is_photo(image):
            raise BadInputError(
                "No face was found in a picture.",
                "Expected a large, well-lit face.",
                "Crop the face yourself, or take another picture.",
            )
        return self._cut(image, face and face.box)
