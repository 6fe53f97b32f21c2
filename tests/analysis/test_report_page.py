"""A report in a real browser without a network: the frame that is shown is the one that was chosen."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import pytest
from jupyterpage import IN_A_BROWSER
from media import write_clip
from reportpage import BOX, HEIGHT, WIDTH, browser, number_in, numbered, reading, write_rows

from expression.analysis.recordings import Recording
from expression.analysis.report import report

pytestmark = IN_A_BROWSER

COUNT = 60
CONSTANT = [number / 25 for number in range(COUNT)]
VARIABLE = [0.0, *accumulate([0.02, 0.013, 0.11, 0.04, 0.3, 0.05] * 10)][:COUNT]
H264 = {"codec": "libx264", "pixels": "yuv420p", "gop_size": 20}
VP8 = {"codec": "libvpx", "pixels": "yuv420p", "gop_size": 20}
QUARTER = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]
"""The display matrix of a phone that was held upright."""


def times_of(video: Path) -> list[float]:
    recording = Recording(video)
    recording.open()
    times = [frame.position for frame in recording.frames()]
    recording.close()
    return times


def made(folder: Path, name: str, times: list[float], **how) -> tuple[Path, list[float]]:
    """A video with numbered frames, its report, and the times of its frames."""
    video = write_clip(folder / name, COUNT, 25, times=times, pictures=map(numbered, range(COUNT)), **how)
    found = times_of(video)
    assert found == pytest.approx([time - times[0] for time in times], abs=0.002)
    readings = [reading(n, time, "Sad" if 20 <= n < 30 else "Happy") for n, time in enumerate(found)]
    rows = write_rows(folder / "rows.csv", [each for each in readings if not 40 <= each.frame < 45])
    report(video, rows, folder / "report.html")
    return folder / "report.html", found


@pytest.mark.parametrize(
    ("name", "times", "how"),
    [
        pytest.param("constant.mp4", CONSTANT, H264, id="H.264 at a constant rate"),
        pytest.param("variable.mp4", VARIABLE, H264, id="H.264 at a variable rate"),
        pytest.param("variable.webm", VARIABLE, VP8, id="VP8 at a variable rate"),
        pytest.param("late.webm", [time + 0.5 for time in VARIABLE], VP8, id="VP8 that begins late"),
        pytest.param("late.mp4", [time + 0.5 for time in CONSTANT], H264, id="H.264 that begins late"),
    ],
)
def test_a_click_at_a_moment_shows_the_frame_of_that_moment(tmp_path, name, times, how):
    path, found = made(tmp_path, name, times, **how)
    end = found[-1] + sorted(b - a for a, b in zip(found, found[1:], strict=False))[COUNT // 2]
    with browser() as opened:
        shown = opened(path)
        for number in (0, 1, 7, 19, 20, 33, 42, 58, 59, 5):
            until = found[number + 1] if number + 1 < COUNT else end
            shown.click((found[number] + until) / 2 / end)
            chosen = int(shown.page.get_by_role("slider").get_attribute("aria-valuenow"))
            assert abs(chosen - number) <= 1, "a pixel is longer than a short frame"
            shown.settled(chosen)
            assert number_in(shown.picture()) == chosen
            assert f"frame {chosen} " in shown.page.inner_text("figcaption") + " "
    assert shown.trouble == []
    assert {Path(each).name for each in shown.requests} == {"report.html", name}
    assert all(each.startswith("file://") for each in shown.requests)
