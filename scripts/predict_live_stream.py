"""Prints, once a second, what expression the largest face of a live stream shows.

    python scripts/predict_live_stream.py             the camera; without one, the demo
    python scripts/predict_live_stream.py film.mp4    a video, a folder, an address
"""

import sys
import time

from expression import ExpressionError, Session, Sink


class OncePerSecond(Sink):
    """Prints the latest reading of the first person, at most once a second."""

    def open(self):
        self._last = 0.0

    def send(self, reading):
        now = time.monotonic()
        if now - self._last >= 1.0:
            self._last = now
            clock = time.strftime("%H:%M:%S")
            print(f"\nPreprocessing ...\n{clock}s : {reading.label} , {reading.score:.0%}", flush=True)


def main() -> int:
    """Runs until the source ends or Ctrl-C; returns the exit code."""
    print("Reading video stream ...", flush=True)
    source = sys.argv[1] if len(sys.argv) > 1 else None
    try:
        Session(source, display="none", people=1, sinks=(OncePerSecond(),)).run()
    except KeyboardInterrupt:
        print("\nStopped.")
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
