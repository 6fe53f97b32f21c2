"""Turns a video into pictures of a face: one a second, 48 x 48 grey levels, the face in the middle.

python scripts/preprocess.py
python scripts/preprocess.py video.mp4 --out pictures

Without arguments it reads results/preprocessing_test/input_video.mp4, or else 21 seconds of the camera,
or else of the demo, and writes image0.png to image20.png to results/preprocessing_test.
`expression preprocess` does the same and more.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from expression.analysis.preprocessing import preprocess
from expression.assignment.layout import PREPROCESSED, VIDEO
from expression.errors import ExpressionError
from expression.sanitize import counted
from expression.sources import fallback_notice, open_source
from expression.vision.detectors import make_detector

SECONDS = 21
"""How many seconds of a video are looked at by default: from 0 to 20."""


def main() -> int:
    """Reads the arguments, writes the pictures, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", help="a video, folder of photos, camera number or address")
    parser.add_argument(
        "--out", type=Path, default=PREPROCESSED, help=f"folder for the pictures (default: {PREPROCESSED})"
    )
    parser.add_argument(
        "--count", type=int, help="seconds or photos to look at (default: 21 seconds, or all photos)"
    )
    arguments = parser.parse_args()
    if arguments.count is not None and arguments.count < 1:
        parser.error(f"--count is {arguments.count}. Expected 1 or more. Leave it out for 21 seconds.")
    source = arguments.source or (str(VIDEO) if VIDEO.is_file() else None)
    print("Reading video stream ...", flush=True)
    try:
        opened = open_source(source, repeat=False)
        print(fallback_notice(source, opened) or f"Source: {opened.description}", flush=True)
        count = arguments.count or (None if source and Path(source).is_dir() else SECONDS)
        made = preprocess(opened, make_detector(), arguments.out, count)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{counted(len(made.pictures), 'picture')} of 48 x 48 pixels in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
