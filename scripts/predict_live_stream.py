"""Prints the expression of the largest face in a live stream once a second.

python scripts/predict_live_stream.py              the camera, or the demo if there is none
python scripts/predict_live_stream.py video.mp4    a video, a folder or an address
"""

import argparse
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", help="a camera number, video, folder, address or demo")
    source = parser.parse_args().source
    print("Reading video stream ...", flush=True)
    try:
        with Session(source, display="none", people=1, sinks=(OncePerSecond(),)) as session:
            if session.settings.source is None and session.source.description == "the demo":
                print("No camera was found, so the bundled demo runs.", flush=True)
            session.run()
    except KeyboardInterrupt:
        print("\nStopped.")
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
