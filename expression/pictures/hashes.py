"""Hashes: numbers shared by identical pictures, and numbers shared by nearly identical ones.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import hashlib

import numpy as np

from .image import grey, resize


def difference_hashes(pictures: np.ndarray) -> np.ndarray:
    """Returns a hash of each picture that most near-duplicates share, such as in other light or format.

    Each picture is shrunk to 9 x 8 pixels; each bit tells whether a pixel is brighter than its left
    neighbour. In FER2013 it finds all groups of identical pictures and 130 more, most of them correct.

    Args:
        pictures: (n, 48, 48) uint8 grey levels.

    Returns:
        (n,) uint64.

    Source: N. Krawetz, Kind of Like That, 2013,
    http://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
    """
    small = np.array([resize(grey(picture), 9, 8) for picture in pictures], np.uint8).reshape(-1, 8, 9)
    brighter = small[:, :, 1:] > small[:, :, :-1]
    return np.packbits(brighter.reshape(-1, 64), axis=1).view(np.uint64).ravel()


def content_hashes(pictures: np.ndarray) -> np.ndarray:
    """Returns a hash of each picture that only identical pictures share.

    Args:
        pictures: (n, 48, 48) uint8 grey levels.

    Returns:
        (n,) uint64; the chance of a collision among 36,000 different pictures is one in 28 billion.
    """
    digests = [hashlib.blake2b(picture.tobytes(), digest_size=8).digest() for picture in pictures]
    return np.frombuffer(b"".join(digests), np.uint64)
