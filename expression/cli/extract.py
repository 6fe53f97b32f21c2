"""The command `expression extract`: the faces of one label from an analysed recording.

Notebook: 13_video
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import BadInputError, user_path
from ..sanitize import counted, printable, say, some

if TYPE_CHECKING:
    from ..analysis.known_people import Recognised
    from ..analysis.known_pictures import Person
    from ..vision.detectors import Detector

NAMED = 20
"""How many persons are named."""


def extract(
    video: Annotated[str, typer.Argument(help="The recording.", metavar="VIDEO")],
    rows: Annotated[str, typer.Option(help="The rows that analyze wrote for it.", metavar="FILE.csv")],
    emotion: Annotated[str, typer.Option(help="The label, such as Happy.", metavar="LABEL")],
    out: Annotated[str, typer.Option(help="The folder for the pictures.", metavar="DIR")],
    repeat: Annotated[
        int,
        typer.Option(help="How many rows a person must keep the label for one picture.", metavar="N", min=1),
    ] = 8,
    score: Annotated[
        float,
        typer.Option(help="The lowest score of the label that counts.", metavar="NUMBER", min=0.0, max=1.0),
    ] = 0.0,
    alone: Annotated[bool, typer.Option("--alone", help="Only frames with exactly one face.")] = False,
    margin: Annotated[
        float,
        typer.Option(help="Size of the pictures, as a multiple of the face.", metavar="X", min=0.5, max=5),
    ] = 1.3,
    who: Annotated[
        str | None,
        typer.Option(help="Only the faces of this person, recognised from known pictures.", metavar="NAME"),
    ] = None,
    known: Annotated[
        str | None,
        typer.Option(
            help="The folder of known pictures, NAME.jpg or NAME/*.jpg. Default: known.", metavar="DIR"
        ),
    ] = None,
) -> None:
    """Write the faces of one label as pictures.

    For every --repeat rows for which a person keeps this label, the face with the highest score is saved.
    A contact sheet shows them all. Known pictures stay on this machine, and measurements of faces are not
    saved.
    """
    from tqdm import tqdm

    from ..analysis.extraction import SHEET, Wanted, extract

    folder = user_path(out)
    wanted = Wanted(emotion, repeat, score, alone, margin)
    person = _person(who, known)
    with tqdm(unit=" frames", disable=None) as bar:

        def advance(done: int, count: int | None) -> None:
            if done <= bar.n:  # the second reading, for the pictures
                bar.reset()
            bar.total = count
            bar.update(done - bar.n)

        made = extract(user_path(video), user_path(rows), wanted, folder, person, advance, _detector())
    if made.skipped:
        say(f"{printable(rows)}: {made.skipped.summary(made.rows, 'rows')}")
    people = ", ".join(f"{count} of person {person}" for person, count in sorted(made.people.items()))
    say(f"{folder}: {counted(len(made.pictures), 'picture')}, {people}; all of them in {SHEET}.")
    if made.second_look.doubtful:
        seen = made.second_look
        say(
            f"In {seen.without} of the {seen.looked} pictures that were checked again, no face was found. "
            f"If they really show none, {printable(rows)} belongs to another recording."
        )
    if made.recognised:
        say(_told(made.recognised, printable(rows)))


def _detector() -> Detector | None:
    """Returns the detector of the settings; None if it takes every picture for a face."""
    from ..settings import Settings
    from ..vision.detectors import make_detector

    settings = Settings.load()
    if settings.detector == "whole":
        return None
    return make_detector(settings.detector, settings.smallest_face, settings.eyes)


def _person(who: str | None, known: str | None) -> Person | None:
    """Returns the person whose faces are wanted, and says which pictures could not be used."""
    if who is None:
        if known is not None:
            raise BadInputError(
                f"--known is {known}, without --who.", "Expected the name of a person.", "Add --who NAME."
            )
        return None
    from ..analysis.known_pictures import FOLDER, read_person
    from ..settings import Settings
    from ..vision.descriptors import make_describer
    from ..vision.detectors import make_detector

    settings = Settings.load()
    folder = user_path(FOLDER if known is None else known)
    detector = make_detector(settings.detector, settings.smallest_face, settings.eyes)
    person = read_person(folder, who, make_describer(), detector)
    if person.describer.notice:
        say(person.describer.notice)
    if person.skipped:
        say(f"{folder}: {person.skipped.summary(person.files)}")
    return person


def _told(recognised: Recognised, rows: str) -> str:
    """Returns which persons of the rows were recognised, in a sentence or two."""
    people = sorted(recognised.people)
    number = len(people) + len(recognised.others) + len(recognised.undecided)
    told = f"Recognised as {recognised.name}: {len(people)} of the {number} people in {rows}"
    told += f" ({some(people, NAMED)})."
    if recognised.undecided:
        told += f" {len(recognised.undecided)} could not be compared: too small or too brief."
    return told
