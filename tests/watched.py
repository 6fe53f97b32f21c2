"""Runs a command and notes each key and click that its window has handled; `labeler/test_window.py` uses it.

    python watched.py LOG label --source demo

Of keys that come within one picture OpenCV reports the last alone, so a test waits for each before the next.
"""

from __future__ import annotations

import sys
from typing import BinaryIO

import cv2

from expression.cli.app import main


def watch(log: BinaryIO) -> None:
    """Puts functions that write to a file in place of OpenCV's."""
    look, listen = cv2.waitKeyEx, cv2.setMouseCallback
    before_last, last = [], []  # what came in the last two looks; after them its effect is seen

    def looked(delay: int) -> int:
        log.write(b"".join(before_last))
        before_last[:] = last
        last.clear()
        key = look(delay)
        if key != -1:
            last.append(b"key\n")
        return key

    def listened(title: str, hear) -> None:
        def heard(event: int, *words) -> None:
            hear(event, *words)
            if event == cv2.EVENT_LBUTTONUP:
                last.append(b"click\n")

        listen(title, heard)

    cv2.waitKeyEx, cv2.setMouseCallback = looked, listened


if __name__ == "__main__":
    with open(sys.argv.pop(1), "ab", buffering=0) as file:
        watch(file)
        sys.exit(main(sys.argv[1:]))
