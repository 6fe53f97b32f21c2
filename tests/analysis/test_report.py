"""What a report contains, how large it becomes, and what is said when there can be none."""

from __future__ import annotations

import html
import json
import os
import re
import stat
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from media import write_clip

from expression.analysis.recording_rows import recording_name
from expression.analysis.report import report
from expression.analysis.report_page import READING_BYTES, THUMBNAIL_BYTES, Facts, page, relative_url
from expression.analysis.ribbon import ribbon
from expression.analysis.segments import story
from expression.analysis.thumbnails import MOST_HELD, MOST_REGULAR, Thumbnails, middles
from expression.cli import app
from expression.errors import BadInputError, MissingFileError, OutputError
from expression.pictures.image import read_picture
from expression.pictures.skipped import Skipped
from expression.records.rows import columns, row
from expression.tables import write_cells
from expression.types import Box, Frame, Reading

MOST_BYTES = 5_000_000


def reading(frame: int, label: str = "Happy", person: int = 1, file: str = "", fps: float = 24) -> Reading:
    scores = {"Happy": 0.25, "Sad": 0.25} | ({label: 0.75} if label in ("Happy", "Sad") else {})
    return Reading(person, Box(10, 8, 30, 30), label, 0.75, scores, frame, 0.0, frame / fps, file)


def table(path, readings):
    files = any(each.file for each in readings)
    path.write_text(write_cells([columns(["Happy", "Sad"], files), *(row(each, files) for each in readings)]))
    return path


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", 48)


@pytest.fixture
def rows(tmp_path):
    """A person who is Happy for a second and, after a gap of half a second, Sad for half a second."""
    readings = [reading(n, "Happy" if n < 24 else "Sad") for n in range(48) if not 24 <= n < 36]
    return table(tmp_path / "rows.csv", readings)


def data_of(text: str) -> dict:
    """The data in a page."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text)[1])


def told(readings, count: int = 48, fps: float = 24):
    return story(readings, [number / fps for number in range(count)], Skipped())


# ---- segments


def spans(person) -> list[tuple[str, int, int]]:
    return [(each.label, each.first, each.last) for each in person.segments]


def test_a_segment_ends_with_its_label_or_with_a_gap():
    found = told([reading(n, "Sad" if n == 5 else "Happy") for n in range(20) if n not in (9, 10)])
    assert spans(found.people[0]) == [("Happy", 0, 5), ("Sad", 5, 6), ("Happy", 6, 9), ("Happy", 11, 20)]
    assert found.totals()[1] == pytest.approx({"Happy": 17 / 24, "Sad": 1 / 24})


def test_a_reading_of_every_third_frame_stands_for_three():
    found = told([reading(n) for n in range(0, 48, 3) if n != 12])
    assert spans(found.people[0]) == [("Happy", 0, 12), ("Happy", 15, 48)]


def test_a_reading_stands_for_a_second_at_most():
    assert spans(told([reading(30)], 200).people[0]) == [("Happy", 30, 54)]


def test_the_time_of_frames_counts_where_their_rate_varies():
    times = [0.0, 0.1, 1.1, 1.2, 4.0]
    readings = [replace(reading(n, "Sad" if n == 1 else "Happy"), position=times[n]) for n in range(5)]
    found = story(readings, times, Skipped())
    assert found.totals()[1] == pytest.approx({"Happy": 0.1 + 0.1 + 2.8 + 1.0, "Sad": 1.0})


def test_rows_may_come_in_any_order_and_people_with_any_number():
    readings = [reading(n, person=person) for person in (70_000, -3) for n in reversed(range(5))]
    assert [person.number for person in told(readings).people] == [-3, 70_000]


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        pytest.param(reading(48), "after the end of the recording", id="too late"),
        pytest.param(reading(10**15), "after the end of the recording", id="far too late"),
        pytest.param(reading(7, fps=25), "duplicates of earlier rows", id="twice"),
        pytest.param(reading(40, fps=12), "of a frame at a different time", id="another time"),
        pytest.param(
            replace(reading(40), position=float("nan")), "of a frame at a different time", id="no time"
        ),
    ],
)
def test_rows_that_cannot_be_of_this_recording_are_counted(extra, reason):
    skipped = Skipped()
    found = story([*(reading(n) for n in range(20)), extra], [n / 24 for n in range(48)], skipped)
    assert dict(skipped.reasons) == {reason: 1}
    assert spans(found.people[0]) == [("Happy", 0, 20)]


# ---- the page


def test_a_page_has_a_title_totals_and_a_way_to_its_video(clip, rows, tmp_path):
    made = report(clip, rows, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text("utf-8")
    assert "<h1>clip.mp4</h1>\n<p>2.0 s · 48 frames · 1 person</p>" in text
    row = '<th scope="row">Person 1</th><td class="number" data-label="Happy">1.0</td>'
    assert f'{row}<td class="number" data-label="Sad">0.5</td>' in text
    data = data_of(text)
    assert (data["video"], data["width"], data["height"], data["frames"]) == ("clip.mp4", 64, 48, 48)
    assert data["people"] == [[1, 36, 2, 1.5]]
    assert made.size == len(text.encode()) < 200_000
    assert made.rows == 36


def test_a_page_loads_nothing_but_its_video(clip, rows, tmp_path):
    report(clip, rows, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text("utf-8")
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
    rules = dict(each.split(" ", 1) for each in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["media-src"] == "'self' file:"
    assert all(re.fullmatch(r"'sha256-[\w+/]+=*'", rules[kind]) for kind in ("script-src", "style-src"))
    assert "://" not in re.sub(r'<script type="application/json".*?</script>', "", text)
    assert " src=" not in text
    assert " style=" not in text


def test_only_its_owner_reads_a_page_and_the_one_before_is_replaced(clip, rows, tmp_path):
    out = tmp_path / "a.html"
    out.write_text("before")
    os.chmod(out, 0o600)
    report(clip, rows, out)
    assert out.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert os.name != "posix" or stat.S_IMODE(out.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"a.html", "clip.mp4", "rows.csv"}


EVIL = "</script><script>alert(1)</script> \u2028 & <!-- '\" "


class Tags(HTMLParser):
    """Collects the tags of a page, and the text of its headings."""

    def __init__(self):
        super().__init__()
        self.tags, self.words = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def test_names_and_labels_are_only_text(tmp_path):
    readings = [replace(reading(n, EVIL), scores={EVIL: 0.75, "Sad": 0.25}) for n in range(9)]
    text = page(told(readings), Facts(f"{EVIL}.mp4", 64, 48, "x.mp4"), [])
    tags = Tags()
    tags.feed(text)
    assert tags.tags.count("script") == 2
    assert any("</script><script>alert(1)</script> \\u2028 &" in words for words in tags.words)
    assert "\u2028" not in text
    data = data_of(text)
    assert data["labels"][0]["name"] == "</script><script>alert(1)</script> \\u2028 & <!-- '\" "
    assert data["name"].startswith("</script><script>")


@pytest.mark.parametrize(
    ("video", "folder", "url"),
    [
        pytest.param("a b#1?%41ä.mp4", ".", "a%20b%231%3F%2541%C3%A4.mp4", id="special letters"),
        pytest.param("films/a.mp4", "reports/today", "../../films/a.mp4", id="another folder"),
        pytest.param("x:y.mp4", ".", "x%3Ay.mp4", id="like an address"),
        pytest.param(
            "a\udcff.mp4",
            ".",
            "a%FF.mp4",
            id="not UTF-8",
            marks=pytest.mark.skipif(os.name == "nt", reason="names of Windows are Unicode"),
        ),
    ],
)
def test_the_address_of_the_video_is_relative_and_escaped(tmp_path, video, folder, url):
    assert relative_url(tmp_path / video, tmp_path / folder) == url


def test_a_photo_is_in_the_page_itself(tmp_path):
    photo = tmp_path / "me.png"
    cv2.imwrite(str(photo), np.full((48, 64, 3), 200, np.uint8))
    report(photo, table(tmp_path / "rows.csv", [reading(0)]), tmp_path / "a.html")
    data = data_of((tmp_path / "a.html").read_text("utf-8"))
    assert (data["video"], data["frames"], len(data["thumbnails"])) == ("", 1, 1)


def many_readings(count: int, people: int, fps: int) -> list[Reading]:
    """Readings whose labels flicker, whose boxes shake and whose scores are noise: nothing to compress."""
    random = np.random.default_rng(1)
    labels = ["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"]
    scores = random.dirichlet(np.ones(7), (people, count))
    boxes = random.integers(1, 900, (people, count, 4)).tolist()
    highest, scores = scores.argmax(-1).tolist(), scores.tolist()
    return [
        Reading(
            person + 1,
            Box(*boxes[person][number]),
            labels[highest[person][number]],
            max(scores[person][number]),
            dict(zip(labels, scores[person][number], strict=True)),
            number,
            0.0,
            number / fps,
        )
        for person in range(people)
        for number in range(count)
    ]


def test_rows_without_scores_have_labels(tmp_path):
    readings = [replace(reading(n), scores={}) for n in range(9)]
    data = data_of(page(told(readings), Facts("a.mp4", 64, 48, "a.mp4"), []))
    assert (data["scored"], [each["name"] for each in data["labels"]]) == (0, ["Happy"])


@pytest.mark.slow
@pytest.mark.parametrize("fps", [30, 60])
def test_twenty_minutes_of_three_people_fit_into_five_megabytes(fps):
    count = 20 * 60 * fps
    readings = many_readings(count, 3, fps)
    thumbnails = Thumbnails(middles(readings), THUMBNAIL_BYTES)
    noise = np.random.default_rng(2).integers(0, 256, (120, 160, 3), np.uint8)
    for number in range(0, count, 30):
        thumbnails.add(Frame(noise, number, position=number / fps))
    found = story(readings, [number / fps for number in range(count)], Skipped())
    text = page(found, Facts("a.mp4", 1280, 720, "a.mp4"), thumbnails.all())
    data = data_of(text)
    assert len(text) < MOST_BYTES
    assert len(data["packed"]) <= READING_BYTES
    assert len(data["thumbnails"]) > 70


# ---- thumbnails


def kept(times, wanted=(), most=1_000_000) -> list[int]:
    thumbnails = Thumbnails(wanted, most)
    for number, position in enumerate(times):
        thumbnails.add(Frame(np.zeros((48, 64, 3), np.uint8), number, position=position))
    return [number for number, _ in thumbnails.all()]


def test_thumbnails_are_spread_over_the_recording_however_long_it_is():
    assert kept([n / 25 for n in range(100)]) == list(range(0, 100, 5))
    for count in (1_000, 10_000, 20_000):
        found = kept([n / 25 for n in range(count)])
        assert MOST_REGULAR // 2 <= len(found) <= MOST_REGULAR
        assert np.diff([*found, count]).max() <= 2 * count / (MOST_REGULAR // 2)


def test_what_is_held_has_a_thumbnail_the_longest_first():
    assert set(kept([n / 25 for n in range(10_000)], {333, 7777})) >= {333, 7777}
    readings = [reading(n, "Sad" if n % 10 < 3 else "Happy") for n in range(20 * MOST_HELD)]
    found = middles(readings)
    assert len(found) == MOST_HELD
    assert all(n % 10 >= 3 for n in found)


@pytest.mark.slow
def test_thumbnails_stay_within_their_bytes():
    noise = np.random.default_rng(1).integers(0, 256, (270, 480, 3), np.uint8)
    thumbnails = Thumbnails(range(100), 500_000)
    for number in range(300):
        thumbnails.add(Frame(noise, number, position=number))
    assert 0 < sum(len(picture) for _, picture in thumbnails.all()) <= 500_000


# ---- the picture


def test_the_ribbon_shows_labels_and_gaps_in_their_place(clip, rows, tmp_path):
    report(clip, rows, tmp_path / "a.png")
    image = read_picture(tmp_path / "a.png")
    colours = [tuple(image[150, x].tolist()) for x in (700, 1200, 1700)]
    assert colours == [(240, 228, 66), (233, 236, 241), (0, 114, 178)]


@pytest.mark.slow
def test_a_ribbon_of_many_people_and_labels_has_room_for_them():
    labels = [f"label {number} with a long name" for number in range(40)]
    readings = [
        replace(reading(n, person=person), label=labels[n % 40], scores=dict.fromkeys(labels, 0.0))
        for person in range(1, 41)
        for n in range(48)
    ]
    image = ribbon(told(readings), "x" * 500)
    assert image.shape[1] == 1800
    assert 2000 < image.shape[0] < 4000
    assert (image[:, -30:] == 255).all(), "nothing is cut off at the right"


# ---- whose rows, and what is said


@pytest.mark.parametrize(
    ("names", "video", "own"),
    [
        pytest.param({"", "b.mp4"}, "clip.mp4", "", id="none"),
        pytest.param({"x/clip.mp4"}, "clip.mp4", "x/clip.mp4", id="moved"),
        pytest.param({"C:\\films\\clip.mp4"}, "clip.mp4", "C:\\films\\clip.mp4", id="from Windows"),
        pytest.param({"a/clip.mp4", "b/clip.mp4"}, "x/b/clip.mp4", "b/clip.mp4", id="the same name twice"),
        pytest.param({"'=1.mp4"}, "=1.mp4", "'=1.mp4", id="like a formula"),
    ],
)
def test_the_rows_of_a_recording_are_found_by_its_name(tmp_path, names, video, own):
    assert recording_name(names, tmp_path / video) == own


def test_rows_of_other_recordings_are_left_alone(clip, tmp_path):
    readings = [reading(n, file="films/clip.mp4") for n in range(48)]
    readings += [reading(n, "Sad", 2, file="b.mp4") for n in range(900)]
    made = report(clip, table(tmp_path / "rows.csv", readings), tmp_path / "a.html")
    assert spans(made.story.people[0]) == [("Happy", 0, 48)]
    assert len(made.story.people) == 1
    assert (made.rows, len(made.skipped)) == (948, 0)


@pytest.mark.parametrize(
    ("readings", "out", "said"),
    [
        pytest.param([], "a.html", r"has no rows of clip\.mp4\. .* run analyze first", id="no rows"),
        pytest.param(
            [reading(3, file="b.mp4")],
            "a.html",
            r"has no rows of clip\.mp4\.",
            id="rows of another recording",
        ),
        pytest.param(
            [reading(n, fps=5) for n in range(48)],
            "a.html",
            r"clip\.mp4 is not the recording of these rows\. Skipped 47 of 48 rows: 47 of a frame at a diff",
            id="rows of another version",
        ),
        pytest.param([reading(3)], "a.pdf", r"--out is .*a\.pdf\. .* \.html or \.png", id="another ending"),
        pytest.param([reading(3)], "no/a.html", r"There is no folder .*no\. Expected one", id="no folder"),
        pytest.param([reading(3)], "clip.mp4/a.png", r"clip\.mp4 is not a folder\.", id="a file"),
        pytest.param([reading(3)], "rows.html", r"would replace .*rows\.html\.", id="its own rows"),
    ],
)
def test_what_cannot_be_reported_is_said_and_nothing_is_written(clip, tmp_path, readings, out, said):
    rows = table(tmp_path / "rows.html", readings)
    before = rows.read_bytes()
    with pytest.raises((BadInputError, OutputError), match=said):
        report(clip, rows, tmp_path / out)
    assert rows.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", "rows.html"}


def test_without_a_recording_there_is_no_report(rows, tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no video .*gone\.mp4"):
        report(tmp_path / "gone.mp4", rows, tmp_path / "a.html")


def test_damaged_rows_are_counted_by_the_command(clip, rows, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows.write_text(rows.read_text() + "nonsense,0,1\n" + "900,37.5,1,1,1,9,9,Sad,0.5,0.5,0.5\n")
    assert app.main(["report", "clip.mp4", "--rows", "rows.csv", "--out", "a.html"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == (
        "rows.csv: Skipped 2 of 38 rows: 1 not a reading (line 38); "
        "1 after the end of the recording (frame 900, person 1)."
    )
    assert re.fullmatch(r"a\.html: 1 person in 48 frames; \d+ KB\.", said[1])


def test_rows_of_a_part_are_told_by_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clip.mp4", 120)
    for count, told in ((48, True), (110, False)):
        table(tmp_path / "rows.csv", [reading(n) for n in range(count)])
        assert app.main(["report", "clip.mp4", "--rows", "rows.csv", "--out", "a.png"]) == 0
        said = capsys.readouterr().out
        assert ("rows.csv has nobody after 2.0 s; the recording ends at 5.0 s. If it shows" in said) == told


@pytest.mark.parametrize("command", ["report", "extract"])
def test_a_folder_that_was_analysed_is_answered_with_a_recording_of_it(
    clip, tmp_path, monkeypatch, capsys, command
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "films").mkdir()
    clip.rename(tmp_path / "films" / "clip.mp4")
    names = "films/a.mp4", "films/clip.mp4"
    table(tmp_path / "rows.csv", [reading(n, file=name) for name in names for n in (1, 2)])
    further = ["--emotion", "Happy"] if command == "extract" else []
    assert app.main([command, "films", "--rows", "rows.csv", "--out", "a.html", *further]) == 2
    assert (
        capsys.readouterr()
        .err.strip()
        .endswith(
            f"films is a folder. Expected one recording, even if the rows cover several. Choose one, such as "
            f"{Path('films', 'clip.mp4')}."
        )
    )


def test_the_command_says_what_is_wrong(clip, rows, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert app.main(["report", "clip.mp4", "--rows", "rows.csv", "--out", "a.doc"]) == 2
    assert capsys.readouterr().err.startswith(
        "--out is a.doc. Expected a file name that ends in .html or .png"
    )


def test_an_interrupted_report_leaves_the_one_before(clip, rows, tmp_path):
    out = tmp_path / "a.html"
    out.write_text("before")

    def stop(done, count):
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        report(clip, rows, out, stop)
    assert out.read_text() == "before"
