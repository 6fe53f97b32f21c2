"""Pictures as arrays: read, write, crop, resize, and the only preprocessing of a network's input.

Every picture in the package is RGB, uint8, (height, width, 3), as soon as it is read here or returned by a
source. Training, live, file and TFLite paths all call `preprocess`, so a network always gets pixels prepared
as in its training. Reading is in `decoding.py` and `kinds.py`; other folders import `read_picture`,
`decode_picture`, `picture_frames` and `is_picture` from here.

Notebook: 02_pixels_and_faces
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..errors import BadInputError, OutputError
from ..files import PRIVATE, write_bytes
from ..types import Box
from .decoding import decode_picture as decode_picture
from .decoding import picture_frames as picture_frames
from .decoding import read_picture as read_picture
from .kinds import is_picture as is_picture
from .scaling import COLOURS, DEVIATION_FLOOR, STANDARDISE, scaled

SIZE = 48
"""Pixels on a side of a network's input, as in FER2013."""

OVERSHOOT = 0.1
"""How far floats may exceed 0 to 1 and still count as that range, as after cubic scaling."""


def as_picture(pixels: object, giver: str = "The source") -> np.ndarray:
    """Returns the result of a source as a picture, converted where its meaning is unambiguous.

    Converted are grey levels, whole numbers from 0 to 255 in a wider type, and floats from 0 to 1.

    Args:
        pixels: The result of `Source.read`.
        giver: The source, for the message.

    Returns:
        (height, width, 3) uint8, RGB; the same array if it was that already.

    Raises:
        BadInputError: It is something else, such as 16 bits, four channels, or not an array.

    Example:
        >>> as_picture(np.full((2, 2), 0.5))[0, 0].tolist()
        [128, 128, 128]
    """
    shape = getattr(pixels, "shape", ())
    right = isinstance(pixels, np.ndarray) and pixels.size > 0
    if right and pixels.dtype == np.uint8 and len(shape) == 3 and shape[2] == 3:
        return np.ascontiguousarray(pixels)
    levels = _levels(pixels) if right else None
    if levels is None or len(shape) not in (2, 3) or shape[2:] not in ((), (1,), (3,)):
        raise _no_picture(pixels, giver)
    return cv2.cvtColor(levels, cv2.COLOR_GRAY2RGB) if shape[2:] != (3,) else levels


def _levels(pixels: np.ndarray) -> np.ndarray | None:
    """Returns pixels as uint8 if their range is unambiguous, else None."""
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    if pixels.dtype.kind not in "fiu":
        return None
    low, high = pixels.min(), pixels.max()
    if pixels.dtype.kind == "f" and -OVERSHOOT <= low <= high <= 1 + OVERSHOOT:
        return np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    if pixels.dtype.kind != "f" and pixels.dtype != np.uint16 and 0 <= low <= high <= 255:
        return pixels.astype(np.uint8)
    return None


def _no_picture(pixels: object, giver: str) -> BadInputError:
    """Returns the error for something that is not a picture, with the code to convert it."""
    if not isinstance(pixels, np.ndarray):
        what, remedy = f"a {type(pixels).__name__}", "Try numpy.asarray(...)."
    else:
        what = f"an array with the shape {pixels.shape} and {pixels.dtype} values"
        remedy = "Convert it in the read method."
        if pixels.ndim == 3 and pixels.shape[2] == 4:
            remedy = "Return image[..., :3] for RGBA, or cv2.cvtColor(image, cv2.COLOR_BGRA2RGB) for BGRA."
        elif pixels.dtype == np.uint16:
            remedy = "Return (image >> 8).astype(numpy.uint8) for 16 bits; for 12 bits, >> 4."
        elif pixels.size and pixels.dtype.kind in "biuf":
            what += f" from {pixels.min():g} to {pixels.max():g}"
            remedy = "Scale the values to 0 to 255, then return image.clip(0, 255).astype(numpy.uint8)."
    return BadInputError(
        f"{giver} returned {what}.", "Expected a picture: (height, width, 3) uint8, RGB, 0 to 255.", remedy
    )


def write_picture(path: str | Path, image: np.ndarray) -> None:
    """Writes an RGB or grey picture that only its owner can read, in the format of its extension.

    Raises:
        BadInputError: The picture is empty, or larger than the format can hold.
        OutputError: The folder is missing or not writable, or no format has that extension.
    """
    path = Path(path)
    ending = path.suffix or ".png"
    if not cv2.haveImageWriter(f"x{ending}"):
        raise OutputError(
            f"{path} cannot be written: no picture format has the extension {ending}.",
            "Expected .png, .jpg, .bmp or .webp.",
            "Use the extension .png.",
        )
    data = _encode(ending, image)
    write_bytes(path, data, PRIVATE)


def _encode(ending: str, image: np.ndarray) -> bytes:
    """Returns a picture as the bytes of a file with that extension."""
    done = image.dtype == np.uint8 and image.size > 0
    try:
        if done:
            done, data = cv2.imencode(ending, _bgr(image))
    except cv2.error:
        done = False
    if not done:
        raise BadInputError(
            f"A picture with the shape {image.shape} and {image.dtype} values cannot be written as {ending}.",
            "Expected (height, width[, 3]) uint8, not empty, and no larger than the format can hold.",
            "Make it smaller, or save it as .png.",
        )
    return data.tobytes()


def encode_jpeg(image: np.ndarray, quality: int = 80) -> bytes:
    """Returns an RGB or grey picture as JPEG bytes; quality 1 to 100."""
    return cv2.imencode(".jpg", _bgr(image), [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def grey(image: np.ndarray) -> np.ndarray:
    """Returns (height, width) uint8 grey levels of an RGB picture; grey pictures are returned unchanged."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resizes a picture, averaging pixels if it shrinks."""
    shrinks = width * height < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method)


def fit(image: np.ndarray, longest: int) -> tuple[np.ndarray, float]:
    """Shrinks a picture until its longer side is at most `longest` pixels.

    Returns:
        The picture, and the factor that converts its coordinates to those of the original.
    """
    height, width = image.shape[:2]
    factor = max(height, width) / longest
    if factor <= 1:
        return image, 1.0
    return resize(image, max(1, round(width / factor)), max(1, round(height / factor))), factor


def square(box: Box, scale: float = 1.0) -> Box:
    """Returns the square around the centre of a box.

    Args:
        box: The box, in pixels.
        scale: The square's side as a multiple of the box's longer side.

    Example:
        >>> square(Box(10, 0, 20, 40))
        Box(x=0, y=0, width=40, height=40)
    """
    side = max(1, round(max(box.width, box.height) * scale))
    x, y = box.centre
    return Box(round(x - side / 2), round(y - side / 2), side, side)


def crop(image: np.ndarray, box: Box) -> np.ndarray:
    """Crops a picture to a box; pixels outside the picture repeat its edge.

    Returns:
        (box.height, box.width[, 3]) uint8, a view if the box lies inside.
    """
    height, width = image.shape[:2]
    left, top = max(0, -box.x), max(0, -box.y)
    right, bottom = max(0, box.right - width), max(0, box.bottom - height)
    if not (left or top or right or bottom):
        return image[box.y : box.bottom, box.x : box.right]
    columns = np.clip(np.arange(box.x, box.right), 0, width - 1)
    rows = np.clip(np.arange(box.y, box.bottom), 0, height - 1)
    return image[np.ix_(rows, columns)]


def face_pixels(image: np.ndarray, box: Box | None = None, size: int = SIZE) -> np.ndarray:
    """Returns a face in the format of FER2013: square, grey, small.

    Args:
        image: (height, width, 3) uint8 RGB or (height, width) uint8 grey.
        box: The place of the face, in pixels; None for the whole picture.
        size: Pixels on a side of the result.

    Returns:
        (size, size) uint8 grey levels.
    """
    if box is not None:
        image = crop(image, square(box))
    return resize(grey(image), size, size)


def face_colours(image: np.ndarray, box: Box | None = None, size: int = SIZE) -> np.ndarray:
    """Returns a face as `face_pixels` does, in colour: (size, size, 3) uint8 RGB."""
    if image.ndim == 2:
        return cv2.cvtColor(face_pixels(image, box, size), cv2.COLOR_GRAY2RGB)
    return resize(image if box is None else crop(image, square(box)), size, size)


def standardise(pixels: np.ndarray) -> np.ndarray:
    """Removes brightness and contrast from pictures, each by its own mean and deviation.

    Args:
        pixels: (..., size, size) grey levels, 0 to 255.

    Returns:
        (..., size, size, 1) float32, mean 0, deviation just under 1.

    Example:
        >>> standardise(np.full((2, 48, 48), 200, np.uint8)).max()
        np.float32(0.0)
    """
    pixels = np.asarray(pixels, np.float32)
    mean = pixels.mean((-2, -1), keepdims=True)
    deviation = pixels.std((-2, -1), keepdims=True)
    return ((pixels - mean) / (deviation + DEVIATION_FLOOR))[..., None]


def preprocess(
    image: np.ndarray,
    box: Box | None = None,
    size: int = SIZE,
    colour: str = "grey",
    scaling: str = STANDARDISE,
) -> np.ndarray:
    """Turns a face into network input; every part of the package uses it.

    Args:
        image: (height, width, 3) uint8 RGB or (height, width) uint8 grey.
        box: The place of the face, in pixels; None if the picture is the face.
        size: Pixels on a side of the network's input.
        colour: grey; or for a network from elsewhere: rgb, bgr, or grey3, the same grey three times.
        scaling: How pixels are scaled; see `scaling.py`. `Runtime.preprocess` knows all three.

    Returns:
        (size, size, 1 or 3) float32; by default of mean 0 and a deviation just under 1.

    Example:
        >>> preprocess(np.zeros((480, 640, 3), np.uint8), Box(10, 10, 100, 120)).shape
        (48, 48, 1)
    """
    if colour in ("rgb", "bgr"):
        pixels = face_colours(image, box, size)
        return scaled(pixels if colour == "rgb" else pixels[..., ::-1], scaling)
    pixels = face_pixels(image, box, size)
    if colour == "grey" and scaling == STANDARDISE:
        return standardise(pixels)
    return scaled(np.repeat(pixels[..., None], COLOURS[colour], 2), scaling)


def jittered(
    pictures: np.ndarray, shift: tuple[float, float] = (0, 0), scale: float = 1, tilt: float = 0
) -> np.ndarray:
    """Crops faces again, as with a detector whose boxes are displaced.

    Pixels outside a picture repeat its edge, as in `crop`.

    Args:
        pictures: (n, size, size) uint8, faces cropped correctly.
        shift: How far the box moves right and down, as a fraction of its side.
        scale: The side of the box as a multiple of the correct one; above 1 the face becomes smaller.
        tilt: Degrees by which the head leans to the right, seen from the camera.

    Returns:
        (n, size, size) uint8.

    Example:
        >>> ramp = np.arange(8, dtype=np.uint8)[None, None].repeat(8, 1)
        >>> jittered(ramp, shift=(0.25, 0))[0, 0].tolist()
        [2, 3, 4, 5, 6, 7, 7, 7]
    """
    size = pictures.shape[-1]
    middle = (size - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), tilt, scale)
    matrix[:, 2] += np.multiply(shift, size)
    # Cubic, since linear blurs, which costs accuracy by itself. The matrix maps to the source pixels.
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = [
        cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        for picture in pictures
    ]
    return np.stack(moved) if moved else pictures


def _bgr(image: np.ndarray) -> np.ndarray:
    """Returns the picture in the channel order of OpenCV's encoders."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
