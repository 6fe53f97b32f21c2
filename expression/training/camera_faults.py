"""Camera faults: too little light, light from one side, blur, noise, low resolution, JPEG.

Most pictures of FER2013 are by photographers; a webcam in the evening gives worse ones. `augmentation.py`
adds these faults to some of the training pictures.

Notebook: 06_train
"""

from __future__ import annotations

import cv2
import numpy as np

Face = np.ndarray
"""(size, size) float32 grey levels, 0 to 255."""


def degraded(face: Face, generator: np.random.Generator, chance: float) -> Face:
    """Returns a face as a poor camera might have taken it.

    Args:
        face: (size, size) float32 grey levels, 0 to 255; not changed.
        generator: Where the chance comes from.
        chance: The probability of each fault, 0 to 1; a picture may have several.

    Returns:
        (size, size) float32 grey levels, 0 to 255.

    Example:
        >>> degraded(np.full((48, 48), 90, np.float32), np.random.default_rng(0), chance=1.0).shape
        (48, 48)
    """
    drawn = generator.random(len(FAULTS)) < chance
    for fault, happens in zip(FAULTS, drawn, strict=True):
        if happens:
            face = np.clip(fault(face, generator), 0, 255).astype(np.float32)
    return face


def side_light(face: Face, generator: np.random.Generator) -> Face:
    """Makes one side of a face up to three times as bright as the other."""
    size = len(face)
    angle, depth = generator.uniform(0, 2 * np.pi), generator.uniform(0.2, 0.5)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    return face * (1 + depth * (x * np.cos(angle) + y * np.sin(angle)))


def low_light(face: Face, generator: np.random.Generator) -> Face:
    """Reduces the light to between a sixth and a half, in whole grey levels and with sensor noise."""
    light = generator.uniform(0.15, 0.5)
    return np.round(face * light + generator.normal(0, 2, face.shape))


def blur(face: Face, generator: np.random.Generator) -> Face:
    """Puts a face out of focus."""
    return cv2.GaussianBlur(face, (0, 0), generator.uniform(0.5, 1.3))


def low_resolution(face: Face, generator: np.random.Generator) -> Face:
    """Shows a face that was far away: 20 to 40 of 48 pixels wide, then enlarged."""
    size = len(face)
    small = round(size * generator.uniform(20, 40) / 48)
    return cv2.resize(cv2.resize(face, (small, small), interpolation=cv2.INTER_AREA), (size, size))


def noise(face: Face, generator: np.random.Generator) -> Face:
    """Adds the noise of a small sensor."""
    return face + generator.normal(0, generator.uniform(3, 12), face.shape)


def jpeg(face: Face, generator: np.random.Generator) -> Face:
    """Compresses a face as webcams do, so that blocks are visible."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(25, 80))]
    return cv2.imdecode(cv2.imencode(".jpg", face.astype(np.uint8), quality)[1], cv2.IMREAD_GRAYSCALE)


FAULTS = (side_light, low_light, blur, low_resolution, noise, jpeg)
"""Functions from (size, size) grey levels and a generator to grey levels, in the order of the light path."""
