"""The camera of a Raspberry Pi, read with picamera2.

`--source picamera` opens it, and so does a run without `--source` where no other camera is found. The
package comes from Raspberry Pi OS, not from PyPI: docs/raspberry_pi.md says how to install it.

Source: https://datasheets.raspberrypi.com/camera/picamera2-manual.pdf

Notebook: 03_threads
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from ..errors import BadInputError, MissingPackageError, SourceError, SourceLostError
from ..sanitize import clean
from ._base import Source

WIDTH, HEIGHT, FPS = 640, 480, 30
"""Pixels and frames per second: as for other cameras."""

FIRST_PICTURE, LOST_AFTER = 5.0, 2.0
"""Seconds to wait for the first frame, and for each later one."""

FORMAT = "BGR888"
"""The name in libcamera of bytes in the order red, green, blue. Source: the manual, appendix A."""

INSTALL = (
    "Install it with sudo apt install python3-picamera2, and run make board, whose environment includes the "
    "system's packages."
)


class PiCamera(Source):
    """The camera at the ribbon connector of a Raspberry Pi.

    Args:
        index: The number of the camera, from 0, as a board may have two.

    Raises:
        BadInputError: The index is not a number from 0.
    """

    mirror = True
    named = True

    def __init__(self, index: int | str = 0):
        if not str(index).isdecimal():
            raise BadInputError(
                f"The source is picamera:{index}.",
                "Expected picamera, or picamera: followed by a number from 0.",
                "Try picamera.",
            )
        self.index = int(index)
        self.description = (
            "the Raspberry Pi camera" if self.index == 0 else f"Raspberry Pi camera {self.index}"
        )
        self._camera: Any = None

    def open(self) -> None:
        """Starts the camera and waits for its first frame.

        Raises:
            MissingPackageError: picamera2 is not installed.
            SourceError: There is no such camera, another program uses it, or it sends no frames.
        """
        picamera2 = _package()
        found = picamera2.Picamera2.global_camera_info()
        if self.index >= len(found):
            raise SourceError(
                f"There is no Raspberry Pi camera {self.index}; {len(found)} found.",
                "Expected one at the ribbon connector.",
                "Switch the board off, check both ends of the cable, and try rpicam-hello.",
            )
        try:
            self._start(picamera2.Picamera2)
            self._captured(FIRST_PICTURE)
        except Exception as error:
            self.close()
            raise SourceError(
                f"The Raspberry Pi camera {self.index} does not start ({clean(str(error)) or 'no frame'}).",
                "Expected a camera that no other program uses.",
                "Close rpicam-hello and other programs that use it, or restart the board.",
            ) from error

    def _start(self, kind: Any) -> None:
        """Starts the camera in its video mode."""
        self._camera = kind(self.index)
        self._camera.configure(
            self._camera.create_video_configuration(
                main={"size": (WIDTH, HEIGHT), "format": FORMAT}, controls={"FrameRate": FPS}
            )
        )
        self._camera.start()

    def read(self) -> np.ndarray:
        """Waits for the next frame, (height, width, 3) uint8 RGB.

        Raises:
            SourceLostError: No frame came for two seconds; check the cable.
        """
        try:
            return self._captured(LOST_AFTER)
        except Exception as error:
            raise SourceLostError(
                f"The Raspberry Pi camera {self.index} stopped sending frames.",
                "Expected it to stay connected.",
                "Switch the board off, check both ends of the cable, and start again.",
            ) from error

    def _captured(self, seconds: float) -> np.ndarray:
        """Returns the next frame; raises a TimeoutError if none comes."""
        job = self._camera.capture_array("main", wait=False)
        image = self._camera.wait(job, timeout=seconds)
        return np.ascontiguousarray(image[:, :WIDTH])  # rows may be padded

    def close(self) -> None:
        """Releases the camera."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()


def is_there() -> bool:
    """Whether picamera2 is installed and finds a camera."""
    if importlib.util.find_spec("picamera2") is None:
        return False
    try:
        return bool(_package().Picamera2.global_camera_info())
    except Exception:  # noqa: BLE001  whatever libcamera raises on a machine without cameras
        return False


def _package() -> Any:
    """Imports picamera2."""
    try:
        import picamera2
    except ImportError as error:
        raise MissingPackageError(
            "The source picamera needs the package picamera2, which is not installed.",
            "Expected it on a Raspberry Pi with Raspberry Pi OS.",
            INSTALL,
        ) from error
    return picamera2
