"""Measures `extract --who`: how often a known person is found, and how often others are taken for them.

    python benchmarks/people.py --people PEOPLE --strangers PHOTOS

PEOPLE has a folder of photos for each person, PHOTOS has photos of others, both with any subfolders; a table
`people.csv` (image,person) in PHOTOS says which of them show the same stranger. In each draw, three photos of
everybody are known and the others are tested: one by one, as tracks of five, and as a video with a photo a
second. The latest figures are in benchmarks/README.md.

Notebook: 07_live
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from tqdm import tqdm

from expression.analysis.extraction import Wanted, extract
from expression.analysis.known_people import FACES, SHARE, recognise
from expression.analysis.known_pictures import Person, read_person
from expression.analysis.recordings import find
from expression.analysis.run import analyze
from expression.errors import ExpressionError
from expression.pictures.image import is_picture, read_picture
from expression.pictures.skipped import Skipped
from expression.records.rows import read_rows
from expression.settings import Settings
from expression.vision.descriptors import Describer, FaceNetwork, Texture
from expression.vision.detectors import make_detector

WAYS = {"dlib": FaceNetwork, "texture": Texture}
KNOWN, SHOTS, PHOTOS, FPS, CANVAS = 3, 6, 4, 25, (480, 640)
"""Known photos of each person; shots of the video, photos in each; frames a second; pixels of a frame."""

Described = dict[str, list[tuple[Path, np.ndarray]]]
"""The photos of each person with a face, and its descriptor."""


def main() -> int:
    """Reads the arguments and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", required=True, type=Path, help="a folder of photos for each person")
    parser.add_argument("--strangers", required=True, type=Path, help="photos of other people")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="what compares faces")
    parser.add_argument(
        "--limits", nargs="+", type=float, help="distances to try; the shipped one if left out"
    )
    parser.add_argument("--draws", type=int, default=5, help="how often the known photos are drawn")
    parser.add_argument(
        "--videos", type=int, default=3, help="how many videos are made, of three people each"
    )
    arguments = parser.parse_args()
    try:
        for way in arguments.ways:
            describer = WAYS[way]()
            people = described(people_in(arguments.people), describer)
            strangers = described(strangers_in(arguments.strangers), describer)
            print(f"\n{way}: {told(people)} of {len(people)} people, {told(strangers)} of strangers\n")
            print(f"{HEAD}", flush=True)
            for limit in arguments.limits or [describer.limit]:
                describer.limit = limit
                for line in photo_rows(people, strangers, describer, arguments.draws):
                    print(line, flush=True)
            print(f"\n{VIDEO_HEAD}", flush=True)
            for seed in range(arguments.videos):
                print(video_row(people, describer, seed), flush=True)
    except ExpressionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def people_in(folder: Path) -> dict[str, list[Path]]:
    """Returns the photos of each person."""
    return {each.name: find([each]) for each in sorted(folder.iterdir()) if each.is_dir()}


def strangers_in(folder: Path) -> dict[str, list[Path]]:
    """Returns the photos of each stranger; without a table, each photo shows another one."""
    table = folder / "people.csv"
    same = {}
    if table.is_file():
        with table.open(encoding="utf-8", newline="") as file:
            same = {line["image"]: line["person"] for line in csv.DictReader(file)}
    found: dict[str, list[Path]] = {}
    for path in filter(is_picture, find([folder])):
        name = path.relative_to(folder).as_posix()
        found.setdefault(same.get(name, name), []).append(path)
    return found


def described(people: dict[str, list[Path]], describer: Describer) -> Described:
    """Returns the descriptors of the largest face in each photo; photos without one are left out."""
    detector, found = make_detector(), {}
    for name, paths in tqdm(people.items(), desc=describer.name, disable=None):
        images = [(path, read_picture(path)) for path in paths]
        faces = [(path, image, detector.detect(image)) for path, image in images]
        found[name] = [(path, describer.describe(image, of[0].box)) for path, image, of in faces if of]
    return {name: photos for name, photos in found.items() if photos}


def told(people: Described) -> str:
    """Returns how many photos there are."""
    return f"{sum(map(len, people.values()))} photos"


HEAD = (
    "| limit | others known | person found | others taken for them | strangers taken for them "
    f"| person, tracks of {FACES} | others, tracks | strangers, tracks |\n|---|---|---|---|---|---|---|---|"
)


def photo_rows(people: Described, strangers: Described, describer: Describer, draws: int) -> Iterator[str]:
    """Yields a row with only the person known, and one with all the people."""
    for others_known in (False, True):
        counts = np.zeros((6, 2), int)  # right or wrong hits, and of how many
        for seed in range(draws):
            for name in people:
                known, tested = drawn(people, seed)
                own = known.pop(name)
                others = np.concatenate(list(known.values())) if others_known else own[:0]
                person = Person(name, own, others, describer)
                sets = [[tested.pop(name)], list(tested.values())]
                sets.append([[descriptor for _, descriptor in photos] for photos in strangers.values()])
                counts += counted(person, sets, np.random.default_rng(seed))
        cells = [f"{hits / max(1, of):.2%} of {of:,}" for hits, of in counts]
        yield f"| {describer.limit:g} | {'yes' if others_known else 'no'} | {' | '.join(cells)} |"


def drawn(people: Described, seed: int) -> tuple[dict[str, np.ndarray], dict[str, list[np.ndarray]]]:
    """Returns the descriptors of a few known photos of each person, and those of the others."""
    known, tested = {}, {}
    for name, photos in people.items():
        order = np.random.default_rng([seed, len(photos)]).permutation(len(photos))
        known[name] = np.stack([photos[index][1] for index in order[:KNOWN]])
        tested[name] = [photos[index][1] for index in order[KNOWN:]]
    return known, tested


def counted(
    person: Person, sets: Sequence[Sequence[Sequence[np.ndarray]]], generator: np.random.Generator
) -> np.ndarray:
    """Returns hits and tries, (6, 2): single photos of each set of people, then tracks of them."""
    single, tracks = [], []
    for people in sets:
        votes = [np.array([person.is_like(each) for each in photos]) for photos in people]
        single.append((sum(map(sum, votes)), sum(map(len, votes))))
        groups = []
        for cast in votes:
            order = generator.permutation(len(cast))
            groups += [cast[part] for part in np.array_split(order, max(1, len(cast) // FACES))]
        tracks.append((sum(group.mean() >= SHARE for group in groups), len(groups)))
    return np.array(single + tracks, int)


VIDEO_HEAD = (
    "| video | limit | rows of the person found | rows of others taken for them | pictures of Happy, right "
    "| wrong |\n|---|---|---|---|---|---|"
)


def video_row(people: Described, describer: Describer, seed: int) -> str:
    """Returns a row about a video of three people, each of whom is looked for."""
    names = sorted(np.random.default_rng(seed).permutation(list(people))[:3].tolist())
    counts = np.zeros((2, 2), int)
    right = wrong = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shown = write_video(folder / "people.mp4", people, names, seed)
        for name in names:
            (folder / "known" / name).mkdir(parents=True)
            for path in known_paths(people[name], seed):
                (folder / "known" / name / path.name).write_bytes(path.read_bytes())
        analyze([folder / "people.mp4"], folder / "rows.csv", Settings())
        readings = list(read_rows(folder / "rows.csv", Skipped()))
        truth = np.array([shown[reading.frame] for reading in readings])
        for name in names:
            person = read_person(folder / "known", name, describer, make_detector())
            mine = recognise(folder / "people.mp4", readings, person, 8).rows
            for row, of in enumerate((truth == name, truth != name)):
                counts[row] += (mine & of).sum(), of.sum()
            made = pictures(folder, person)
            right += sum(shown[number] == name for number in made)
            wrong += sum(shown[number] != name for number in made)
    cells = [f"{hits / of:.1%} of {of:,}" for hits, of in counts]
    return f"| {', '.join(names)} | {describer.limit:g} | {' | '.join(cells)} | {right} | {wrong} |"


def pictures(folder: Path, person: Person) -> list[int]:
    """Returns the frames of the pictures that `extract` makes."""
    wanted, out = Wanted("Happy"), folder / person.name
    try:
        made = extract(folder / "people.mp4", folder / "rows.csv", wanted, out, person)
    except ExpressionError:  # nobody was recognised, or nobody who is happy for long enough
        return []
    return [int(path.name[5:11]) for path in made.pictures]


def known_paths(photos: list[tuple[Path, np.ndarray]], seed: int) -> list[Path]:
    """Returns the known photos of a person, those that `drawn` takes."""
    order = np.random.default_rng([seed, len(photos)]).permutation(len(photos))
    return [photos[index][0] for index in order[:KNOWN]]


def write_video(path: Path, people: Described, names: Sequence[str], seed: int) -> list[str]:
    """Writes shots of one person after the other, a photo a second; returns who is in each frame.

    Each shot has its own framing.
    """
    generator = np.random.default_rng(seed)
    left = {
        name: [each for each, _ in people[name] if each not in known_paths(people[name], seed)]
        for name in names
    }
    shown = []
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=Fraction(FPS))
        stream.height, stream.width = CANVAS
        stream.bit_rate = 4_000_000
        for shot in range(SHOTS):
            name = names[shot % len(names)]
            side = int(generator.integers(280, CANVAS[0]))
            corner = generator.integers(0, (CANVAS[0] - side, CANVAS[1] - side))
            for photo in generator.choice(len(left[name]), PHOTOS, replace=False):
                image = framed(read_picture(left[name][photo]), side, corner)
                for _ in range(FPS):
                    file.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
                    shown.append(name)
        file.mux(stream.encode(None))
    return shown


def framed(image: np.ndarray, side: int, corner: np.ndarray) -> np.ndarray:
    """Returns a photo as a part of a frame."""
    frame = np.full((*CANVAS, 3), 96, np.uint8)
    factor = side / max(image.shape[:2])
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    frame[corner[0] : corner[0] + small.shape[0], corner[1] : corner[1] + small.shape[1]] = small
    return frame


if __name__ == "__main__":
    sys.exit(main())
