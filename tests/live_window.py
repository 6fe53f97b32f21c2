"""A live run in a real window, for `test_window.py`: a process of its own, since a window
outlives the test that opened it and a second one in another thread hangs.

python live_window.py MODE, with MODE one of
    moving   pictures and readings until somebody closes the window
    frozen   one picture, then nothing
    ending   30 pictures, then the end of the source
    red      the same red picture again and again, nobody on it
    thread   as moving, with the window wrongly opened in a second thread
"""

from __future__ import annotations

import json
import sys
import threading
import time

import numpy as np

from expression.displays import make_display
from expression.live.data import Data
from expression.live.display_loop import DisplayLoop
from expression.live.worker import Worker
from expression.types import Box, Frame, Reading, Seen


class Feed(Worker):
    """Stands for capture, faces and prediction."""

    def __init__(self, data: Data, mode: str, loop: DisplayLoop):
        super().__init__(data, "feed")
        self.mode, self.loop, self.number = mode, loop, 0

    def step(self) -> None:
        frame = Frame(np.full((240, 320, 3), (200, 30, 20), np.uint8), self.number)
        if self.mode != "frozen" or self.number == 0:
            self.data.frame.publish(frame)
            self.data.readings.publish(Seen(frame, () if self.mode == "red" else (self.reading(frame),)))
            self.number += 1
        if self.mode == "ending" and self.number == 30:
            return self.finish()
        self.data.wait_done(0.02)
        print("shown", self.loop.frames, flush=True)

    def reading(self, frame: Frame) -> Reading:
        box = Box(80 + frame.number % 60, 60, 100, 110)
        return Reading(1, box, "Happy", 0.7, {"Happy": 0.7, "Sad": 0.3}, frame.number, frame.time)

    def teardown(self) -> None:
        self.data.frame.close()
        self.data.readings.close()


def main(mode: str) -> None:
    data = Data()
    loop = DisplayLoop(data, make_display("window", "A live test"))
    feed = Feed(data, mode, loop)
    feed.start()
    ended = "closed"
    try:
        if mode == "thread":
            thread = threading.Thread(target=loop.run)
            thread.start()
            thread.join()
        else:
            loop.run()
    except KeyboardInterrupt:
        ended = "interrupted"
    feed.join(60)
    error = str(data.error[1]) if data.error else None
    report = {"ended": ended, "done": data.done, "error": error, "frames": loop.frames, "fps": loop.fps}
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    watchdog = threading.Timer(240, lambda: (time.sleep(0), __import__("os")._exit(9)))
    watchdog.daemon = True
    watchdog.start()
    main(sys.argv[1])
    watchdog.cancel()
