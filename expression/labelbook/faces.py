"""The face in each picture of a reader's own set: the picture itself, or what a detector finds in a photo.

`expression personalise` reads pictures with it, and `importer.py` those of other sets.

Notebook: 07_your_face
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import BadInputError
from ..pictures.image import face_pixels
from ..vision.detectors import CUT, Detector, is_photo


class OwnFaces:
    """Turns each picture that it is called with into a face.

    Args:
        make_detector: Makes what finds faces, once a large picture comes.

    Attributes:
        looked: In how many pictures a face was looked for.
    """

    def __init__(self, make_detector: Callable[[], Detector]):
        self._make, self._detector = make_detector, None
        self.looked = 0

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Returns the largest face of a picture, (height, width, 3) uint8 RGB, as (48, 48) uint8 grey levels.

        A square in which none is found is taken for one, as faces are that were cut out tightly.

        Raises:
            BadInputError: It is a photo, and no face is found in it.
        """
        if max(image.shape[:2]) <= CUT:
            return face_pixels(image)
        self._detector = self._detector or self._make()
        self.looked += 1
        faces = self._detector.detect(image)
        if not faces and is_photo(image):
            raise BadInputError(
                "No face was found in a picture.",
                "Expected a large, well-lit face.",
                "Crop the face yourself, or take another picture.",
            )
        return face_pixels(
            image, max((face.box for face in faces), key=lambda box: box.area) if faces else None
        )
