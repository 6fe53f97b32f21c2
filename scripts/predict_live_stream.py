"""Prints the expression of the largest face in a live stream once a second.

python scripts/predict_live_stream.py              the camera
python scripts/predict_live_stream.py video.mp4    a video, a folder or an address

Without a camera it reads results/preprocessing_test/input_video.mp4, or else the demo. The network is the one
that scripts/train.py saved in results/model, or else the shipped one.
"""

import argparse
import sys
import time

from expression import ExpressionError, Session, Settings, Sink
from expression.assignment.layout import VIDEO, trained
from expression.sources import fallback_notice, open_source


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
    given = parser.parse_args().source
    print("Reading video stream ...", flush=True)
    try:
        options = {"display": "none", "people": 1, "sinks": (OncePerSecond(),), "model": trained()}
        with Session(chosen(given), **options) as session:
            session.run()
    except KeyboardInterrupt:
        print("\nStopped.")
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def chosen(given: str | None) -> str | None:
    """Returns what to read; if that was to be the camera and there is none, says what takes its place."""
    if given or Settings.load().source is not None:
        return given
    notice = fallback_notice(None, open_source(None))
    if notice and VIDEO.is_file():
        print(f"No camera was found, so {VIDEO} is read.", flush=True)
        return str(VIDEO)
    if notice:
        print(notice, flush=True)
    return given


if __name__ == "__main__":
    sys.exit(main())
