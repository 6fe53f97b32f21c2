"""Conversion of decoded frames for display: upright, in RGB, deinterlaced.

`_decoder.py` calls it for every frame.

Notebook: 03_threads
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

ROUND = Fraction(1, 50)
"""Pixels whose width and height differ by less are treated as square."""

WIDEST = 4
"""Largest credible ratio of the sides of a pixel; a damaged file may specify a larger one."""


class Converter:
    """Converts frames to pictures.

    Args:
        pixel: Width of a pixel over its height, for formats such as DV and DVD; None for square pixels.
    """

    def __init__(self, pixel: Fraction | None = None):
        odd = pixel and abs(pixel - 1) > ROUND and Fraction(1, WIDEST) < pixel < WIDEST
        self._pixel = pixel if odd else 1
        self._reformatter = VideoReformatter()  # one for all frames, since it takes a while to set up

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        """Returns a frame of any pixel format as (height, width, 3) uint8 RGB, upright."""
        width = max(1, round(frame.width * self._pixel))
        rgb = self._reformatter.reformat(frame, format="rgb24", width=width, height=frame.height, threads=1)
        return turned(rgb.to_ndarray(), display_matrix(frame))


def display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """Returns the transformation for display of a frame: the a, b, c and d of x' = ax + cy, y' = bx + dy.

    PyAV reports a mirrored matrix as a rotation, so the matrix itself is read.

    Source: https://ffmpeg.org/doxygen/trunk/group__lavu__video__display.html
    """
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # there is side data of a kind that PyAV does not know
        return _ROTATIONS[round(frame.rotation / 90) % 4]
    if data is None:
        return _ROTATIONS[0]
    a, b, _, c, d = np.frombuffer(data, np.int32)[:5].tolist()
    return a, b, c, d


_ROTATIONS = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
"""The matrices of rotations by 0, 90, 180 and 270 degrees anticlockwise."""


def turned(image: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Returns a picture transformed by a display matrix: one of four rotations, mirrored or not.

    Args:
        image: (height, width, 3) uint8.
        matrix: See `display_matrix`. Other angles are rounded to the nearest of these eight.

    Example:
        >>> row = np.arange(9, dtype=np.uint8).reshape(1, 3, 3)
        >>> turned(row, (-1, 0, 0, 1)).tolist(), turned(row, (0, 1, 1, 0)).shape
        ([[[6, 7, 8], [3, 4, 5], [0, 1, 2]]], (3, 1, 3))
    """
    a, b, c, d = matrix
    if abs(a) + abs(d) < abs(b) + abs(c):  # what was a column becomes a row
        image, a, d = cv2.transpose(image), c, b
    if a < 0 or d < 0:
        both = a < 0 and d < 0
        image = cv2.flip(image, -1 if both else int(a < 0))
    return image


def is_undecoded(frame: VideoFrame) -> bool:
    """Returns whether a decoder has left a frame as empty memory.

    In YUV zeros are a dark green that no camera produces: black has grey chroma. In RGB and in grey they
    are black, so it cannot be detected.
    """
    parts = frame.format.components
    chroma = sorted({part.plane for part in parts if part.is_chroma})
    if frame.format.is_rgb or not chroma:
        return False
    planes = [*chroma, *sorted({part.plane for part in parts if not part.is_alpha} - set(chroma))]
    return not any(_pixels(frame.planes[plane]).any() for plane in planes)


def _pixels(plane) -> np.ndarray:
    """Returns the bytes of a plane without the padding of its rows."""
    rows = np.frombuffer(plane, np.uint8)[: plane.height * plane.line_size]
    return rows.reshape(plane.height, plane.line_size)[:, : plane.width]


class Deinterlacer:
    """Deinterlaces frames, which show two moments in alternating rows; all other frames pass unchanged.

    Example:
        >>> deinterlace = Deinterlacer()
        >>> list(deinterlace([])), list(deinterlace.flush())
        ([], [])
    """

    def __init__(self):
        self._graph: av.filter.Graph | None = None
        self._kind: tuple | None = None
        self._works = True

    def __call__(self, frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
        """Yields frames; in an interlaced video the filter needs the next frame for each."""
        for frame in frames:
            kind = (frame.width, frame.height, frame.format.name)
            if self._graph is not None and kind != self._kind:
                yield from self.flush()
            if self._graph is None and frame.interlaced_frame and self._works:
                self._begin(frame, kind)
            if self._graph is None:
                yield frame
            else:
                yield from self._through(frame)

    def flush(self) -> Iterator[VideoFrame]:
        """Yields what the filter still holds."""
        if self._graph is not None:
            yield from self._through(None)
            self._graph = None

    def _begin(self, frame: VideoFrame, kind: tuple) -> None:
        """Creates a filter for frames like this one, if their format is supported."""
        try:
            self._graph, self._kind = _graph(frame), kind
        except (av.FFmpegError, ValueError):
            self._works = False

    def _through(self, frame: VideoFrame | None) -> Iterator[VideoFrame]:
        """Passes a frame to the filter, or None at the end, and yields its output."""
        try:
            self._graph.vpush(frame)
            while True:
                yield self._graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return
        except av.FFmpegError:
            self._graph, self._works = None, False
            if frame is not None:
                yield frame


def _graph(frame: VideoFrame) -> av.filter.Graph:
    """Returns a filter for frames like this one.

    Source: https://ffmpeg.org/ffmpeg-filters.html#bwdif
    """
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink"))
    graph.configure()
    return graph
