"""A report in a real browser without a network: the frame that is shown is the one that was chosen."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest
from jupyterpage import IN_A_BROWSER
from media import write_clip
from reportpage import browser, number_in, numbered, reading, write_rows

from expression.analysis.recordings import Recording
from expression.analysis.report import report
from expression.types import Box

pytestmark = IN_A_BROWSER

COUNT = 60
CONSTANT = [number / 25 for number in range(COUNT)]
VARIABLE = [0.0, *accumulate([0.02, 0.013, 0.11, 0.04, 0.3, 0.05] * 10)][:COUNT]
H264 = {"codec": "libx264", "pixels": "yuv420p", "gop_size": 20}
# It does not say how long a frame lasts. Chromium guesses, and cannot show each of those that last less.
VP8 = {"codec": "libvpx", "pixels": "yuv420p", "gop_size": 20}
QUARTER = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]
"""The display matrix of a phone that was held upright."""
MIRRORED = [-(1 << 16), 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30]


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


def middle(found: list[float], number: int) -> float:
    """Where the middle of a frame is on the ribbon, as a share of its width."""
    steps = sorted(after - before for before, after in pairwise(found))
    ends = [*found[1:], found[-1] + steps[len(steps) // 2]]
    return (found[number] + ends[number]) / 2 / ends[-1]


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
    with browser() as opened:
        shown = opened(path)
        for number in (0, 1, 7, 8, 19, 20, 33, 42, 58, 59, 5):
            shown.click(middle(found, number))
            chosen = shown.chosen()
            assert abs(chosen - number) <= 1, "a pixel is longer than a short frame"
            number = shown.settled(chosen)
            assert number == chosen or (how is VP8 and abs(number - chosen) == 1)
            assert number_in(shown.picture()) == number
            assert f"frame {chosen} " in shown.page.inner_text("figcaption")
    assert shown.trouble == []
    assert {Path(each).name for each in shown.requests} == {"report.html", name}
    assert all(each.startswith("file://") for each in shown.requests)


@pytest.mark.parametrize(("times", "how"), [(CONSTANT, H264), (VARIABLE, VP8)], ids=["constant", "variable"])
def test_keys_choose_frames_segments_and_ends(tmp_path, times, how):
    name = "clip.webm" if how is VP8 else "clip.mp4"
    path, _ = made(tmp_path, name, times, **how)
    with browser() as opened:
        shown = opened(path)
        shown.page.get_by_role("slider", name="Person 1").focus()
        for key, number, says in (
            ("End", 59, "Happy 75%"),
            ("Home", 0, "Happy 75%"),
            ("ArrowRight", 1, "Happy 75%"),
            ("ArrowRight", 2, "Happy 75%"),
            ("ArrowLeft", 1, "Happy 75%"),
            ("PageDown", 20, "Sad 75%"),
            ("Shift+ArrowRight", 30, "Happy 75%"),
            ("PageDown", 45, "Happy 75%"),
            ("ArrowLeft", 44, "not there"),
            ("PageUp", 30, "Happy 75%"),
            ("PageUp", 20, "Sad 75%"),
            ("Enter", 20, "Sad 75%"),
        ):
            shown.page.keyboard.press(key)
            assert shown.chosen() == number, key
            assert shown.settled(number) == number
            assert number_in(shown.picture()) == number
            value = shown.page.get_by_role("slider").get_attribute("aria-valuetext")
            assert value.startswith(f"{says}, 0:0"), key
        shown.page.get_by_role("img", name="The picture at 0:0").wait_for()
        status = shown.page.get_by_role("status")
        status.filter(has_text="frame 20. Person 1: Sad 75%.").wait_for(state="attached")
    assert shown.trouble == []


def test_keys_held_down_end_at_the_last_frame_that_was_chosen(tmp_path):
    path, _ = made(tmp_path, "clip.mp4", CONSTANT, **H264)
    with browser() as opened:
        shown = opened(path)
        shown.page.get_by_role("slider").focus()
        for _ in range(37):
            shown.page.keyboard.press("ArrowRight")
        shown.settled(37)
        assert number_in(shown.picture()) == 37


def green(image: np.ndarray) -> tuple[float, ...]:
    """Where the green face is: left, top, right and bottom, as shares of the picture."""
    red, tint, blue = (image[..., channel].astype(int) for channel in range(3))
    rows, columns = np.nonzero((tint - red > 60) & (tint - blue > 60))
    high, wide = image.shape[:2]
    return columns.min() / wide, rows.min() / high, (columns.max() + 1) / wide, (rows.max() + 1) / high


@pytest.mark.parametrize("matrix", [None, QUARTER, MIRRORED], ids=["as it is", "held upright", "mirrored"])
def test_a_box_is_around_its_face(tmp_path, matrix):
    video = write_clip(
        tmp_path / "clip.mp4", 30, 25, pictures=map(numbered, range(30)), matrix=matrix, **H264
    )
    recording = Recording(video)
    recording.open()
    upright = next(recording.frames()).image
    recording.close()
    left, top, right, bottom = green(upright)
    high, wide = upright.shape[:2]
    assert (high > wide) == (matrix is QUARTER)
    box = Box(
        *(round(each) for each in (left * wide, top * high, (right - left) * wide, (bottom - top) * high))
    )
    readings = [replace(reading(number, number / 25), box=box) for number in range(30)]
    report(video, write_rows(tmp_path / "rows.csv", readings), tmp_path / "report.html")
    with browser() as opened:
        shown = opened(tmp_path / "report.html")
        place, face = (shown.page.locator(each).bounding_box() for each in ("#picture", ".face"))
        shown.page.evaluate("() => document.querySelector('.face').remove()")
        found = green(shown.picture())
    said = [(face["x"] - place["x"]) / place["width"], (face["y"] - place["y"]) / place["height"]]
    said += [said[0] + face["width"] / place["width"], said[1] + face["height"] / place["height"]]
    assert found == pytest.approx(said, abs=0.02)


@pytest.mark.parametrize("lost", ["moved", "of a kind that browsers do not play"])
def test_without_the_video_small_pictures_stand_in_and_say_of_when_they_are(tmp_path, lost):
    how = H264 if lost == "moved" else {"codec": "mpeg4"}
    path, _ = made(tmp_path, "clip.mp4", CONSTANT, **how)
    if lost == "moved":
        (tmp_path / "clip.mp4").unlink()
    with browser() as opened:
        shown = opened(path)
        shown.page.get_by_text("This browser cannot play clip.mp4, or it is no longer there.").wait_for()
        shown.page.get_by_role("slider").focus()
        seen = set()
        for number in range(1, 30):
            shown.page.keyboard.press("ArrowRight")
            assert shown.chosen() == number
            of = shown.settled(number)
            assert number_in(shown.picture()) == of
            assert abs(of - number) <= 3
            said = shown.page.inner_text("#source")
            assert ("of this frame is shown instead" if of == number else f", frame {of}.") in said
            seen.add(of)
    assert 25 in seen, "the middle of the segment that is Sad"
    assert [each for each in shown.trouble if "ERR_FILE_NOT_FOUND" not in each] == []


def test_hostile_names_are_shown_and_found_and_do_nothing(tmp_path):
    folder = tmp_path / "50 % #1? & ü"
    folder.mkdir()
    name = "</script><img src=x onerror=alert(1)> &amp; \u2028 #?%41 ä.mp4".replace("/", "\u2215")
    label = "</script><script>alert(1)</script>\u2028<!--"
    video = write_clip(folder / name, 30, 25, pictures=map(numbered, range(30)), **H264)
    labels = (label, "Sad")
    readings = [
        replace(reading(n, n / 25), label=label, scores={label: 0.75, "Sad": 0.25}) for n in range(30)
    ]
    rows = write_rows(tmp_path / "rows.csv", readings, labels)
    report(video, rows, tmp_path / "report.html")
    with browser() as opened:
        shown = opened(tmp_path / "report.html")
        shown.page.on("dialog", lambda dialog: shown.trouble.append(dialog.message))
        shown.click(0.55)
        chosen = shown.chosen()
        shown.settled(chosen)
        assert number_in(shown.picture()) == chosen, "the video was found"
        assert shown.page.inner_text("h1").startswith("<∕script><img src=x")
        assert "</script><script>alert(1)</script>" in shown.page.inner_text("figcaption")
        assert shown.page.locator("main script, img[src=x]").count() == 0
    assert shown.trouble == []


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)], ids=["phone", "desktop"])
def test_nothing_is_cut_off_and_every_control_has_a_name(tmp_path, width, height):
    path, _ = made(tmp_path, "clip.mp4", CONSTANT, **H264)
    with browser(width, height) as opened:
        page = opened(path).page
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        for name in (
            "Previous segment",
            "Previous frame",
            "Next frame",
            "Next segment",
            "Zoom in",
            "Zoom out",
        ):
            page.get_by_role("button", name=name, exact=True).wait_for()
        page.get_by_role("button", name="Next segment").click()
        assert "frame 20" in page.inner_text("figcaption")
        page.get_by_role("button", name="Zoom in").click()
        page.get_by_role("button", name="Zoom in").click()
        page.get_by_role("slider").click(position={"x": 3, "y": 9})
        assert 5 < int(page.get_by_role("slider").get_attribute("aria-valuenow")) < 20
        heads = page.get_by_role("table").get_by_role("columnheader").all_inner_texts()
        assert heads == ["Seconds", "Happy", "Sad", "Total"]


@pytest.mark.parametrize(("width", "height"), [(375, 800), (1600, 800)], ids=["phone", "wide and low"])
def test_the_table_fits_and_no_gap_is_beside_the_picture(tmp_path, width, height):
    labels = ["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"]
    video = write_clip(tmp_path / "clip.mp4", 28, 25, pictures=map(numbered, range(28)), **H264)
    readings = [
        replace(reading(n, n / 25, labels[n // 4], person), scores=dict.fromkeys(labels, 0.1))
        for person in (1, 2)
        for n in range(28)
    ]
    report(video, write_rows(tmp_path / "rows.csv", readings, labels), tmp_path / "report.html")
    with browser(width, height) as opened:
        page = opened(tmp_path / "report.html").page
        table = page.locator(".table")
        assert table.evaluate("each => each.scrollWidth - each.clientWidth") <= 0
        picture, scores = (page.locator(name).bounding_box() for name in ("#picture", "#reading"))
        beside = scores["x"] - picture["x"] - picture["width"]
        assert beside < 40


def test_of_many_people_those_who_are_there_longest_come_first(tmp_path):
    video = write_clip(tmp_path / "clip.mp4", 30, 25, pictures=map(numbered, range(30)), **H264)
    readings = [reading(n, n / 25, person=person) for person in range(1, 12) for n in range(person, 30)]
    report(video, write_rows(tmp_path / "rows.csv", readings), tmp_path / "report.html")
    with browser() as opened:
        shown = opened(tmp_path / "report.html")
        sliders = shown.page.get_by_role("slider")
        assert [each.get_attribute("aria-label") for each in sliders.all()] == [
            f"Person {n}" for n in range(1, 9)
        ]
        shown.page.keyboard.press("Tab")
        shown.page.get_by_role("button", name="Show 3 more people").click()
        assert sliders.count() == 11
        shown.page.keyboard.press("ArrowDown")
        shown.page.keyboard.press("End")
        assert shown.page.inner_text("#whose") == "Scores of person 10"
        shown.page.keyboard.press("ArrowUp")
        assert shown.page.inner_text("#whose") == "Scores of person 9"
        assert shown.chosen(8) == 29
    assert shown.trouble == []
