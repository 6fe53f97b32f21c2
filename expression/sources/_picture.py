"""A decoded frame as people would see it: upright, in RGB, without the comb of interlaced video.

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
"""Pixels whose width and height differ by less are taken for squares."""

WIDEST = 4
"""No pixel is so many times as wide as high, or as high as wide; a damaged file may say so."""


class Converter:
    """Turns frames into pictures.

    Args:
        pixel: Width of a pixel over its height, as DV and DVD have it; None for squares.
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
    """Returns where a frame is to be shown: the a, b, c and d of x' = ax + cy, y' = bx + dy.

    PyAV tells a mirrored matrix as a rotation, so the matrix itself is read.

    Source: https://ffmpeg.org/doxygen/trunk/group__lavu__video__display.html
    """
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # there is other side data, of a kind that PyAV does not know
        return _ROTATIONS[round(frame.rotation / 90) % 4]
    if data is None:
        return _ROTATIONS[0]
    a, b, _, c, d = np.frombuffer(data, np.int32)[:5].tolist()
    return a, b, c, d


_ROTATIONS = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
"""The matrices of rotations by 0, 90, 180 and 270 degrees against the clock."""


def turned(image: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Returns a picture as a display matrix wants it, which has eight ways: four turns, mirrored or not.

    Args:
        image: (height, width, 3) uint8.
        matrix: See `display_matrix`. One of another angle counts as the nearest of the eight.

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

    In YUV zeros are a dark green that no camera gives: black has grey chroma. In RGB and in grey they
    are black, so nobody can tell.
    """
    parts = frame.format.components
    chroma = sorted({part.plane for part in parts if part.is_chroma})
    if frame.format.is_rgb or not chroma:
        return False
    planes = [*chroma, *sorted({part.plane for part in parts if not part.is_alpha} - set(chroma))]
    return not any(_pixels(frame.planes[plane]).any() for plane in planes)


def _pixels(plane) -> np.ndarray:
    """Returns the bytes of a plane without what pads its rows."""
    rows = np.frombuffer(plane, np.uint8)[: plane.height * plane.line_size]
    return rows.reshape(plane.height, plane.line_size)[:, : plane.width]


class Deinterlacer:
    """Makes whole pictures of frames that hold two moments in alternating rows; all others pass.

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
        """Yields frames; the filter needs the next one of an interlaced video for each."""
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
        """Makes a filter for frames like this one, where there is one for such frames."""
        try:
            self._graph, self._kind = _graph(frame), kind
        except (av.FFmpegError, ValueError):
            self._works = False

    def _through(self, frame: VideoFrame | None) -> Iterator[VideoFrame]:
        """Yields what the filter has done once it has a frame, or None at the end."""
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
