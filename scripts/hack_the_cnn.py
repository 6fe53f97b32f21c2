"""Changes a happy face by a hair, so that the network calls it Sad.

python scripts/hack_the_cnn.py
python scripts/hack_the_cnn.py photo.jpg --to Angry

Without arguments it takes the first picture of the test set in the folder data that the network calls Happy
with over 90%, or else the first of the demo, and the network that scripts/train.py saved in results/model, or
else the shipped one. It writes input_image.png, hacked_image.png, their difference and the scores to
results/hack_cnn. `expression hack` does the same.

Notebook: 14_fool_it
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from expression.assignment.layout import HACK, trained
from expression.datasets.dataset import read
from expression.datasets.fer2013 import assignment_data
from expression.errors import BadInputError, ExpressionError, MissingFileError
from expression.labelbook.faces import OwnFaces
from expression.models import Runtime
from expression.pictures.image import read_picture
from expression.settings import Settings
from expression.sources.demo import Demo
from expression.training.adversarial import hack
from expression.training.picture_gradient import LiveNetwork
from expression.vision.detectors import make_detector

SURE = 0.9
"""The network's score for Happy exceeds this in the picture that is chosen."""


def main() -> int:
    """Reads the arguments, changes a face, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", nargs="?", help="a photo, or a face of 48 x 48 pixels")
    parser.add_argument("--to", default="Sad", help="the label to change it to (default: Sad)")
    parser.add_argument("--out", type=Path, default=HACK, help=f"folder to write to (default: {HACK})")
    arguments = parser.parse_args()
    try:
        network = LiveNetwork(Settings(model=str(trained() or "")))
        runtime = network.runtime
        face = face_of(arguments.image, runtime) if arguments.image else happy_face(runtime)
        made = hack(network, face, arguments.to)
        made.write(arguments.out)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"Network: {runtime.path.name}", made.text, made.summary, f"Written to {arguments.out}", sep="\n")
    return 0


def face_of(image: str, runtime: Runtime) -> np.ndarray:
    """Returns the largest face of a picture, as the network sees it."""
    return OwnFaces(make_detector, runtime.cut)(read_picture(image))


def happy_face(runtime: Runtime) -> np.ndarray:
    """Returns a face that the network calls Happy with over 90%."""
    happy = runtime.labels.index("Happy")
    try:
        pictures = read(assignment_data(), also=runtime.labels).test.pictures
    except MissingFileError:
        pictures = [demo_face(runtime)]
    for picture in pictures:
        face = runtime.cut(picture)
        if runtime.scores_of([face])[0, happy] > SURE:
            return face
    raise BadInputError(
        f"{runtime.path.name} calls no picture Happy with over {SURE:.0%}.",
        "Expected one, to begin with.",
        "Choose a picture: python scripts/hack_the_cnn.py photo.jpg",
    )


def demo_face(runtime: Runtime) -> np.ndarray:
    """Returns the face in the first picture of the demo, which smiles."""
    demo = Demo()
    demo.open()
    face = OwnFaces(make_detector, runtime.cut)(demo.picture(0))
    demo.close()
    return face


if __name__ == "__main__":
    sys.exit(main())
