"""Bottlenecks: what a frozen base finds in each picture, computed once and kept on the disk.

A base that does not learn gives the same features for a picture in every epoch. They are the narrow place
between base and head, hence the name. `transfer.py` trains heads on them, which takes seconds.

Notebook: 12_transfer
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np

from ..errors import DAMAGE, OutputError
from ..files import PRIVATE, PRIVATE_FOLDER, as_output_error, own_folder, replacing
from ..models.architectures import keras
from ..models.bases import fingerprint
from ..pictures.hashes import content_hashes
from ..pictures.image import standardise

BLOCK = 1024
"""Pictures in a file: whoever stops a computation loses this much at most."""

BATCH = 32
"""Pictures that go through the base at once; more need more memory and are no faster."""

KEPT = 4
"""Number of bases whose features are kept: those used last."""


class Bottlenecks:
    """The features of pictures, from the disk if they are there.

    Each base has a folder, whose name tells its side and its weights; a picture is known by its content. So
    a changed picture, base, side or file of weights is noticed, and only what changed is computed. The files
    of a folder, of `BLOCK` pictures each, are complete or not there, and a damaged one is replaced: a
    computation may be stopped at any moment, and several may run at once.

    Args:
        base: From faces to features, as from `bases.read_base`. It must not learn meanwhile.
        tell: Called with a sentence about what was computed, or could not be kept.

    Attributes:
        folder: The folder of this base, in the user's cache folder.
        computed: Number of pictures that went through the base so far.
    """

    def __init__(self, base: keras.Model, tell: Callable[[str], None] = print):
        self.base, self.tell, self.computed = base, tell, 0
        self.folder = own_folder("cache") / "bottlenecks" / fingerprint(base)

    def of(self, pictures: np.ndarray) -> np.ndarray:
        """Returns the features of pictures.

        Args:
            pictures: (n, 48, 48) uint8 grey levels.

        Returns:
            (n, features) float32, rounded to float16, which halves the files.
        """
        hashes, places = np.unique(content_hashes(pictures), return_index=True)
        found = self._kept()
        missing = places[[digest not in found for digest in hashes.tolist()]]
        if len(missing):
            self._compute(pictures[missing], found)
        self.tell(
            f"Features of {len(hashes):,} different pictures: {len(hashes) - len(missing):,} from the cache, "
            f"{len(missing):,} computed."
        )
        return np.stack([found[digest] for digest in content_hashes(pictures).tolist()]).astype(np.float32)

    def _compute(self, pictures: np.ndarray, found: dict[int, np.ndarray]) -> None:
        """Computes the features of pictures, and keeps them after each block."""
        from tqdm import tqdm

        with tqdm(total=len(pictures), desc="features", leave=False, disable=None) as bar:
            for first in range(0, len(pictures), BLOCK):
                block = pictures[first : first + BLOCK]
                features = self._features(block, bar.update)
                hashes = content_hashes(block)
                self._keep(hashes, features)
                found.update(zip(hashes.tolist(), features, strict=True))
                self.computed += len(block)

    def _features(self, pictures: np.ndarray, done: Callable[[int], object]) -> np.ndarray:
        """Returns (n, features) float16 of pictures, a batch at a time."""
        features = []
        for first in range(0, len(pictures), BATCH):
            batch = pictures[first : first + BATCH]
            features.append(self.base.predict_on_batch(standardise(batch)))
            done(len(batch))
        return np.concatenate(features).astype(np.float16)

    def _kept(self) -> dict[int, np.ndarray]:
        """Returns the features on the disk by the hash of their picture; damaged files are removed."""
        found: dict[int, np.ndarray] = {}
        with contextlib.suppress(OSError):
            os.utime(self.folder)  # used last
        for path in sorted(self.folder.glob("*.npz")):
            try:
                found.update(self._read(path))
            except DAMAGE:
                self.tell(f"{path} was damaged: its features are computed again.")
                with contextlib.suppress(OSError):
                    path.unlink()
        return found

    def _read(self, path: Path) -> dict[int, np.ndarray]:
        """Returns the features of a file."""
        # Opened here: np.load given a name leaves the file open when it is damaged.
        with path.open("rb") as file, np.load(file) as saved:  # a zip, whose checksums reveal damage
            hashes, features = saved["hashes"], saved["features"]
        if features.shape != (len(hashes), self.base.output_shape[1]) or not np.isfinite(features).all():
            raise ValueError("not such features")
        return dict(zip(hashes.tolist(), features, strict=True))

    def _keep(self, hashes: np.ndarray, features: np.ndarray) -> None:
        """Writes a block; without it, the next training just takes longer."""
        path = self.folder / f"{sha256(hashes.tobytes()).hexdigest()[:16]}.npz"
        try:
            with as_output_error(self.folder):
                self.folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
            with replacing(path, PRIVATE) as part:
                np.savez(part, hashes=hashes, features=features)
        except OutputError as error:
            self.tell(f"{error.happened} So these features will be computed again next time.")
            return
        folders = sorted(self.folder.parent.iterdir(), key=lambda folder: folder.stat().st_mtime)
        for old in folders[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
