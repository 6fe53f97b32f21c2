"""Of the people in a recording, one is found by pictures: which pictures count, and how faces vote."""

from __future__ import annotations

import importlib.util
import os
import sys

import cv2
import numpy as np
import pytest
from media import write_clip

from expression.analysis.extraction import Wanted, extract
from expression.analysis.known_people import FACES, Stretch, recognise
from expression.analysis.known_pictures import MOST, Person, read_person
from expression.analysis.run import analyze
from expression.cli import app
from expression.errors import BadInputError, MissingFileError
from expression.pictures.image import read_picture, write_picture
from expression.pictures.skipped import Skipped
from expression.records.rows import columns, read_rows, row
from expression.settings import Settings
from expression.tables import write_cells
from expression.types import Box, Face, Reading
from expression.vision.descriptors import Describer, FaceNetwork
from expression.vision.detectors import Detector, WholeFrame, make_detector

RED, GREEN, BLUE = (200, 40, 40), (40, 200, 40), (40, 40, 200)


class Colour(Describer):
    """Takes people of one colour for one person."""

    name, limit, smallest = "colour", 0.2, 20

    def describe(self, image, box):
        return np.float32(image[box.y : box.bottom, box.x : box.right].mean((0, 1)) / 255)

    def distances(self, known, descriptor):
        return np.abs(known - descriptor).max(1)


class Boxes(Detector):
    """Finds the same faces in every picture."""

    def __init__(self, *boxes: Box):
        self.boxes = boxes

    def detect(self, image, near=(), everywhere=True):
        return [Face(box) for box in self.boxes]


def plain(colour, width=64, height=48) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def ada(*own, others=()) -> Person:
    own, others = (np.float32(each).reshape(-1, 3) / 255 for each in (own, others))
    return Person("Ada", own, others, Colour())


def reading(
    frame: int, person: int = 1, box=(10, 8, 30, 30), score: float = 0.8, label: str = "Happy", fps=24
):
    scores = {"Happy": score, "Sad": 1 - score}
    return Reading(person, Box(*box), label, score, scores, frame, 0.0, frame / fps)


def table(path, readings):
    path.write_text(write_cells([columns(["Happy", "Sad"]), *map(row, readings)]))
    return path


@pytest.fixture
def clip(tmp_path):
    """Two seconds of red, then two of green, then two of blue."""
    pictures = [plain(colour) for colour in (RED, GREEN, BLUE) for _ in range(48)]
    return write_clip(tmp_path / "clip.mp4", len(pictures), pictures=pictures, bit_rate=4_000_000)


@pytest.fixture
def known(tmp_path):
    """Ada is red, in a folder; Bob is green, a single picture."""
    folder = tmp_path / "known"
    (folder / "Ada").mkdir(parents=True)
    for name in ("1.png", "2.png"):
        write_picture(folder / "Ada" / name, plain(RED))
    write_picture(folder / "Bob.png", plain(GREEN))
    return folder


def read(folder, name="Ada", detector=None) -> Person:
    return read_person(folder, name, Colour(), detector or WholeFrame())


@pytest.mark.parametrize("name", ["Ada", "ada", " ADA "])
def test_a_folder_is_a_person_and_the_case_of_the_name_does_not_matter(known, name):
    person = read(known, name)
    assert (person.name, len(person.own), len(person.others), person.files) == ("Ada", 2, 1, 3)


def test_a_picture_with_the_name_of_a_person_is_enough(known):
    person = read(known, "bob")
    assert (person.name, len(person.own), len(person.others)) == ("Bob", 1, 2)


def test_a_folder_and_a_picture_of_one_name_are_one_person(known):
    write_picture(known / "ada.png", plain(RED))
    assert len(read(known).own) == 3


def test_what_cannot_be_used_is_counted_and_named(known):
    (known / "Ada" / "empty.jpg").write_bytes(b"")
    (known / "Ada" / "letter.jpg").write_bytes(b"Dear Ada")
    (known / "Ada" / "Thumbs.db").write_bytes(b"x")
    (known / "Ada" / "older").mkdir()
    (known / ".DS_Store").write_bytes(b"x")
    (known / "notes.txt").write_bytes(b"Who is who")
    person = read(known)
    assert len(person.own) == 2
    assert dict(person.skipped.names) == {
        "hidden or left by the system": [".DS_Store", "Ada/Thumbs.db"],
        "folder(s), which are not searched": ["Ada/older"],
        "not a picture": ["notes.txt", "Ada/letter.jpg"],
        "empty": ["Ada/empty.jpg"],
    }
    assert person.files == 9


@pytest.mark.parametrize(
    ("boxes", "reason"),
    [
        pytest.param([], "without a face", id="none"),
        pytest.param(
            [Box(0, 0, 40, 40), Box(9, 9, 30, 30)], "with several faces of similar size", id="two alike"
        ),
        pytest.param([Box(0, 0, 19, 19)], "with a face of less than 20 pixels", id="small"),
        pytest.param([Box(0, 0, 40, 40), Box(9, 9, 20, 20)], "", id="somebody far behind"),
    ],
)
def test_a_picture_counts_if_its_largest_face_is_surely_the_person(known, boxes, reason):
    if not reason:
        assert not read(known, detector=Boxes(*boxes)).skipped
        return
    with pytest.raises(
        BadInputError, match=rf"No picture of Ada .*: 2 {reason} \(Ada/1\.png, Ada/2\.png\)\. Ex"
    ):
        read(known, detector=Boxes(*boxes))


def test_only_some_of_very_many_pictures_are_read(known):
    for number in range(3, MOST + 5):
        write_picture(known / "Ada" / f"{number}.png", plain(RED))
    person = read(known)
    assert len(person.own) == MOST
    assert person.skipped.reasons == {f"beyond the first {MOST} of a person": 4}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param(
            "Adda",
            r"has no pictures of 'Adda'\. Expected one of Ada, Bob\. Did you mean Ada\?",
            id="misspelt",
        ),
        pytest.param("known/Ada/", r"Did you mean Ada\?", id="a path"),
        pytest.param("../Bob", r"Did you mean Bob\?", id="a path upwards"),
        pytest.param("..", r"has no pictures of '\.\.'", id="dots"),
        pytest.param("", r"has no pictures of ''\. .* Choose one of these, or add", id="nothing"),
        pytest.param(
            "Zoë", r"Choose one of these, or add a folder of pictures with that name\.", id="unknown"
        ),
    ],
)
def test_a_name_that_is_not_there_is_answered_with_those_that_are(known, name, said):
    with pytest.raises(BadInputError, match=said):
        read(known, name)


def test_a_missing_folder_is_an_error_that_says_what_to_put_there(tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no folder .*known\. .* Put a few pictures .*NAME"):
        read(tmp_path / "known")


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "known").write_bytes(b"x")
    with pytest.raises(BadInputError, match=r"known is not a folder\. .* Use --known"):
        read(tmp_path / "known")


def test_an_empty_folder_is_an_error(tmp_path):
    (tmp_path / "known" / ".git").mkdir(parents=True)
    with pytest.raises(BadInputError, match=r"has no pictures of 'Ada'\. Expected a folder of .* Put a few"):
        read(tmp_path / "known")


def test_a_person_with_an_empty_folder_is_an_error(known):
    (known / "Cleo").mkdir()
    with pytest.raises(
        BadInputError, match=r"Cleo has no pictures\. Expected pictures that show .* Add a few to .*Cleo\."
    ):
        read(known, "Cleo")


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="needs links")
def test_links_that_lead_in_circles_end(known):
    (known / "self").symlink_to("self")
    (known / "up").symlink_to(known)
    (known / "Ada" / "up").symlink_to(known)
    (known / "Ada" / "gone.jpg").symlink_to("nowhere")
    person = read(known)
    assert len(person.own) == 2
    assert {"self", "Ada/gone.jpg"} <= set(person.skipped.names["not a file"])


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_locked_folder_is_an_error(known):
    (known / "Ada").chmod(0)
    try:
        with pytest.raises(BadInputError, match=r"Ada cannot be read .* Check its permissions\."):
            read(known)
    finally:
        (known / "Ada").chmod(0o700)


@pytest.mark.parametrize(
    ("times", "time", "continues"),
    [
        pytest.param([0, 0.04], 0.08, True, id="the next frame"),
        pytest.param([5], 8, True, id="away for three seconds"),
        pytest.param([5], 8.1, False, id="away for longer"),
        pytest.param([3 * n for n in range(4)], 10.1, False, id="long enough"),
        pytest.param([5], 4, False, id="a time that goes back"),
    ],
)
def test_a_stretch_ends_where_a_number_may_be_somebody_elses(times, time, continues):
    stretch = Stretch(1, times[0], 20)
    for number, each in enumerate(times):
        stretch.add(number, reading(round(24 * each)), plain(RED))
    assert stretch.continues(time) == continues


def test_the_faces_that_vote_are_spread_large_and_sure():
    stretch = Stretch(1, 0.0, 20)
    best = {3: (10, 8, 34, 34), 100: (10, 8, 36, 36)}
    for n in range(240):
        face = reading(n, box=best.get(n, (10, 8, 30, 30)), score=0.9 if n == 70 else 0.8)
        stretch.add(n, face, plain((n, 0, 0)))
    shades = [int(image[0, 0, 0]) for image, _ in stretch.voters()]
    assert len(shades) == FACES
    assert {3, 70, 100} <= set(shades)
    assert [shade // 48 for shade in shades] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_of_a_short_stretch_all_half_seconds_vote(count):
    stretch = Stretch(1, 0.0, 20)
    for n in range(12 * count):
        stretch.add(n, reading(n), plain(RED))
    assert len(stretch.voters()) == count


def test_what_is_kept_of_a_large_frame_is_small_and_has_the_face():
    image = np.zeros((3000, 4000, 3), np.uint8)
    image[500:2000, 1000:2500] = RED
    stretch = Stretch(1, 0.0, 20)
    stretch.add(0, reading(0, box=(1000, 500, 1500, 1500)), image)
    ((kept, box),) = stretch.voters()
    assert kept.shape == (400, 400, 3)
    assert Colour().describe(kept, box) == pytest.approx(np.array(RED) / 255, abs=0.01)


def faces(*colours) -> list[np.ndarray]:
    """Grey frames with a small face of each colour, too small to look like a cut."""
    frames = []
    for colour in colours:
        frames.append(plain((128, 128, 128), 128, 96))
        frames[-1][8:28, 10:30] = colour
    return frames


def test_two_of_five_votes_decide(tmp_path):
    colours = [RED, GREEN, GREEN, GREEN, RED, GREEN, GREEN, GREEN, GREEN, RED]
    clip = write_clip(tmp_path / "c.mp4", 10, 2, pictures=faces(*colours), bit_rate=4_000_000)
    box = (10, 8, 20, 20)
    readings = [reading(n, 1 if n < 5 else 2, box, fps=2) for n in range(10)]
    found = recognise(clip, readings, ada(RED))
    assert (found.people, found.others, found.undecided) == ({1}, {2}, set())
    assert found.rows.tolist() == [True] * 5 + [False] * 5


def test_a_number_that_goes_on_after_a_cut_is_decided_anew(clip):
    readings = [reading(number) for number in range(30, 110)]
    found = recognise(clip, readings, ada(GREEN))
    assert (found.people, found.others) == ({1}, set())
    assert np.flatnonzero(found.rows).tolist() == list(range(18, 66))


def test_rows_in_any_order_are_decided_alike(clip):
    readings = [reading(number) for number in range(30, 110)]
    found = recognise(clip, readings[::-1], ada(GREEN))
    assert np.flatnonzero(found.rows[::-1]).tolist() == list(range(18, 66))


def test_a_number_that_someone_else_gets_later_is_decided_anew(clip):
    readings = [reading(number) for number in (*range(20, 40), *range(115, 140))]
    found = recognise(clip, readings, ada(RED))
    assert found.people == {1}
    assert found.rows.tolist() == [True] * 20 + [False] * 25


def test_a_face_that_is_closer_to_another_known_person_is_theirs(clip):
    readings = [reading(number) for number in range(40)]
    orange = (170, 60, 40)
    assert recognise(clip, readings, ada(orange)).people == {1}
    assert recognise(clip, readings, ada(orange, others=[RED])).others == {1}


@pytest.mark.parametrize(
    ("box", "fewest"),
    [
        pytest.param((10, 8, 19, 19), 1, id="too small"),
        pytest.param((10, 8, 30, 30), 41, id="too brief"),
        pytest.param((500, 8, 30, 30), 1, id="beside the picture"),
        pytest.param((-(10**9), -(10**9), 2 * 10**9, 2 * 10**9), 1, id="far larger than the picture"),
    ],
)
def test_who_cannot_be_compared_is_undecided(clip, box, fewest):
    found = recognise(clip, [reading(number, box=box) for number in range(40)], ada(RED), fewest)
    assert (found.people, found.others, found.undecided) == (set(), set(), {1})


def test_only_the_persons_pictures_are_extracted(clip, tmp_path):
    rows = table(tmp_path / "rows.csv", [reading(number, 1 + number // 48) for number in range(144)])
    made = extract(clip, rows, Wanted("happy"), tmp_path / "out", ada(GREEN))
    assert made.people == {2: 6}
    assert made.recognised.people == {2}
    assert made.recognised.others == {1, 3}
    assert all(read_picture(path).mean((0, 1)).argmax() == 1 for path in made.pictures)


def test_a_single_frame_can_be_a_person(clip, tmp_path):
    rows = table(tmp_path / "rows.csv", [reading(10), reading(60, 2)])
    made = extract(clip, rows, Wanted("Happy", repeat=1), tmp_path / "out", ada(GREEN))
    assert [path.name for path in made.pictures] == ["frame000060-person2.png"]


def test_others_in_the_frame_still_count_if_the_person_is_to_be_alone(clip, tmp_path):
    readings = [each for n in range(40) for each in (reading(n), reading(n, 2, (34, 8, 30, 30), label="Sad"))]
    rows = table(tmp_path / "rows.csv", readings)
    with pytest.raises(BadInputError, match=r"no face of Ada with Happy .* and nobody else in the frame"):
        extract(clip, rows, Wanted("Happy", alone=True), tmp_path / "out", ada(RED))


@pytest.mark.parametrize(
    ("person", "first", "said"),
    [
        pytest.param(
            ada(BLUE),
            0,
            r"Nobody in .* was recognised as Ada, of 1 who were compared\. .* in different light",
            id="nobody",
        ),
        pytest.param(
            ada(RED),
            9000,
            r"clip\.mp4 is not the recording of these rows\. Expected the rec",
            id="another recording",
        ),
        pytest.param(
            None,
            9000,
            r"clip\.mp4 is not the recording of these rows\. Skipped 5 of 5 chosen rows: 5 after the end",
            id="without a name",
        ),
    ],
)
def test_what_is_not_there_is_said_and_no_folder_is_made(clip, tmp_path, person, first, said):
    rows = table(tmp_path / "rows.csv", [reading(first + number) for number in range(40)])
    with pytest.raises(BadInputError, match=said):
        extract(clip, rows, Wanted("Happy"), tmp_path / "out", person)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def without_dlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)


def written(folder, images, name="film.mp4"):
    """A film of some pictures, each shown for a second and a half, and its rows with Haar's boxes."""
    shown = [image for image in images for _ in range(36)]
    clip = write_clip(folder / name, len(shown), pictures=shown, bit_rate=4_000_000)
    detector, readings = make_detector(), []
    for part, image in enumerate(images):
        box = detector.detect(image)[0].box
        sides = (box.x, box.y, box.width, box.height)
        readings += [reading(number, part + 1, sides) for number in range(36 * part, 36 * part + 36)]
    table(folder / "film.csv", readings)
    return clip


@pytest.mark.slow
def test_without_dlib_texture_is_compared_and_the_user_is_told(
    without_dlib, portrait, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("skimage")
    monkeypatch.chdir(tmp_path)
    mirrored = cv2.GaussianBlur(portrait[:, ::-1], (0, 0), 3)
    written(tmp_path, [portrait, np.ascontiguousarray(mirrored)])
    (tmp_path / "known").mkdir()
    write_picture(tmp_path / "known" / "Eileen.jpg", cv2.convertScaleAbs(portrait, alpha=0.8, beta=10))
    (tmp_path / "known" / "Nobody.jpg").write_bytes(b"")
    words = [
        "extract",
        "film.mp4",
        "--rows",
        "film.csv",
        "--emotion",
        "happy",
        "--out",
        "out",
        "--who",
        "eileen",
    ]
    assert app.main(words) == 0
    said = capsys.readouterr().out
    assert "far less reliable than dlib's network" in said
    assert 'Run in the project\'s folder: pip install -e ".[people]"' in said
    assert "known: Skipped 1 of 2 files: 1 empty (Nobody.jpg)." in said
    assert "out: 4 pictures, 4 of person 1; all of them in sheet.jpg." in said
    assert "Recognised as Eileen: 1 of the 2 people in film.csv (1)." in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.csv", "film.mp4", "known", "out"]


def test_a_folder_of_known_people_without_a_name_is_an_error(tmp_path, capsys):
    words = ["extract", "film.mp4", "--rows", "f.csv", "--emotion", "happy", "--out", "out", "--known", "k"]
    assert app.main(words) == 2
    assert (
        capsys.readouterr().err
        == "--known is k, without --who. Expected the name of a person. Add --who NAME.\n"
    )


@pytest.mark.slow
def test_with_dlib_a_woman_is_found_although_she_wears_a_hat_and_others_stand_where_she_does(
    shared_data, yunet, tmp_path
):
    if not importlib.util.find_spec("dlib"):
        pytest.skip('needs dlib: pip install -e ".[people]"')
    photos = {path.stem: read_picture(path) for path in (shared_data / "portraits").glob("*.jpg")}
    height = min(image.shape[0] for image in photos.values()) // 2 * 2
    names = ["man_a", "woman_a", "woman_b_hat", "man_c"]
    shown = [cv2.resize(photos[name], (height, height)) for name in names for _ in range(36)]
    clip = write_clip(tmp_path / "film.mp4", len(shown), pictures=shown, bit_rate=8_000_000)
    analyze([clip], tmp_path / "film.csv", Settings())
    (tmp_path / "known").mkdir()
    write_picture(tmp_path / "known" / "Beth.jpg", photos["woman_b"])
    person = read_person(tmp_path / "known", "Beth", FaceNetwork(), make_detector())
    found = recognise(clip, list(read_rows(tmp_path / "film.csv", Skipped())), person)
    frames = [line.split(",")[0] for line in (tmp_path / "film.csv").read_text().splitlines()[1:]]
    mine = {int(number) for number, of_her in zip(frames, found.rows, strict=True) if of_her}
    assert len(mine) >= 30
    assert mine <= set(range(72, 108))


def test_a_recording_of_small_faces_is_an_error_that_says_what_is_too_small(clip, tmp_path):
    rows = table(tmp_path / "rows.csv", [reading(number, box=(10, 8, 15, 15)) for number in range(40)])
    said = r"Nobody in .* can be compared with Ada\. Expected faces of 20 pixels .* in 8 rows\. Choose a low"
    with pytest.raises(BadInputError, match=said):
        extract(clip, rows, Wanted("Happy"), tmp_path / "out", ada(RED))


@pytest.mark.parametrize("person", [pytest.param(None, id="anybody"), pytest.param(ada(RED), id="Ada")])
def test_rows_that_cannot_be_right_cost_only_themselves(clip, tmp_path, person):
    huge = (-(10**9), -(10**9), 2 * 10**9, 2 * 10**9)
    rows = table(
        tmp_path / "rows.csv", [reading(n, box=huge if n == 12 else (10, 8, 30, 30)) for n in range(40)]
    )
    rows.write_text(rows.read_text().replace("\n20,0.833,", "\n20,nan,"))
    made = extract(clip, rows, Wanted("Happy", repeat=1), tmp_path / "out", person)
    assert len(made.pictures) == 38
    assert made.skipped.reasons == {"not a reading": 1, "outside the picture": 1}
