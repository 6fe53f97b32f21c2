"""The commands for a reader's own set: `expression label`, `personalise` and those of `dataset`.

All work on labelList.csv, faceLabels.csv and Images of the current folder. `cli.py` adds them.

Notebook: 07_your_face
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import BadInputError, MissingFileError, user_path

if TYPE_CHECKING:
    from .importdesk import ImportDesk
    from .labelbook import LabelBook
    from .personalising import Personalised

WITHOUT_SCREEN = "Run it on the desktop, or use LabelWidget in a notebook."
"""What to do where there is no screen."""

dataset_app = typer.Typer(
    help="Your own labelled pictures, in the current folder.", epilog="Example: expression dataset check"
)


def label(
    source: Annotated[
        str | None, typer.Option(help="As for live; the camera if left out.", metavar="S")
    ] = None,
    detector: Annotated[str, typer.Option(help="auto, haar, lbp, yunet ...", metavar="NAME")] = "auto",
    target: Annotated[int, typer.Option(help="Pictures wanted of each label.", metavar="N", min=1)] = 20,
    colour: Annotated[bool, typer.Option("--colour", help="Keep colours; grey if left out.")] = False,
    whole: Annotated[bool, typer.Option("--whole", help="Keep the whole picture.")] = False,
) -> None:
    """Take labelled pictures of faces, in a window."""
    from .capturing import Capturer
    from .faces import make_detector
    from .labelbook import LabelBook
    from .labeldesk import LabelDesk
    from .labelwindow import LabelWindow
    from .screen import check_screen
    from .sources import open_source, told_of

    check_screen(WITHOUT_SCREEN)
    opened, found = open_source(source), make_detector(detector)
    with LabelBook() as book:
        note = told_of(source, opened)
        print(note, end="\n" if note else "", flush=True)
        desk = LabelDesk(Capturer(book, found, target, colour, whole), opened.mirror, note)
        LabelWindow(desk, opened).run()
        for name, count in book.counts.items():
            print(f"{name}: {count}")


def personalise(
    out: Annotated[str, typer.Option(help="The network to write.", metavar="FILE.keras")] = "mine.keras",
    start: Annotated[
        str | None,
        typer.Option(help="Begin with this network, not the shipped one.", metavar="FILE.keras"),
    ] = None,
) -> None:
    """Teach the network your own labels, from your own pictures, and compare before and after."""
    from .folders import read_folder
    from .image import face_pixels

    path, begin = user_path(out), start and user_path(start)
    with _own() as book:  # what was cut off is finished before the rows are read
        if not book.rows:
            raise BadInputError(
                f"There are no pictures with labels in {Path.cwd()}.",
                "Expected ten of each label, and some to test with.",
                "Take some: expression label.",
            )
    dataset = read_folder(Path(), None, face_pixels)
    from .export import export
    from .personalising import personalise

    made = personalise(dataset.test, dataset.labels, path, begin)
    for line in _told(made):
        print(line)
    small = path.with_suffix(".tflite")
    export(path, small, "dynamic")
    print(f"Next: expression live --model {small}")


def _told(made: Personalised) -> Iterator[str]:
    """Yields what came of personalising, a line each."""
    from .personalising import FEWEST, FEWEST_TESTED

    yield f"Learned from {made.learned} pictures of {', '.join(made.labels)}."
    if made.twins:
        yield f"Left out {made.twins} that are near-equal to some that it is tested with."
    of = f" of the last {len(made.sessions)} sessions" if made.sessions else ""
    of = f" of session {made.sessions[0]}" if len(made.sessions) == 1 else of
    yield f"Tested with {sum(made.tested)} others{of}:"
    strange = f" (it did not know {', '.join(made.strange)})" if made.strange else ""
    if made.known_before is None:
        yield f"  before: it knew none of the labels; after {made.after:.1%} right"
    else:
        yield f"  before {made.before:.1%}{strange}, after {made.after:.1%} right"
    if made.strange and made.known_before is not None:
        yield f"  labels that it knew: before {made.known_before:.1%}, after {made.known_after:.1%} right"
    if made.known_before is not None and made.known_after < made.known_before:
        yield "It reads what it knew less well than before. Take more pictures, in the light of every day."
    few = [name for name, count in zip(made.labels, made.tested, strict=True) if count < FEWEST_TESTED]
    if few:
        counts = dict(zip(made.labels, made.tested, strict=True))
        yield f"Too little to test on: {', '.join(f'{counts[name]} of {name}' for name in few)}."
    if few and made.sessions:
        yield f"Take another session with {FEWEST} of each label: expression label"
    if not made.sessions:
        yield "All are of one session, so the figures are kinder than those of another day."
        yield f"Take a second session on another day, {FEWEST} of each label: expression label"


@dataset_app.command(epilog="Example: expression dataset check --repair")
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Ask about each remedy, and do it.")] = False,
) -> None:
    """Say what is wrong with your pictures and rows; exit code 1 if something is."""
    from .integrity import REMEDIES, examine, mend

    with _own() as book:
        left = 0
        for finding in examine(book):
            print(f"{finding.told} {finding.advice}".rstrip())
            remedy = REMEDIES.get(finding.kind)
            if repair and remedy and typer.confirm(f"{remedy}?"):
                mend(book, finding)
            else:
                left += finding.kind != "alike"
                if remedy and not repair:
                    print(f"  {remedy}: expression dataset check --repair")
        if not left:
            count = len(book.rows)
            print(f"{count} {'picture' if count == 1 else 'pictures'}, and all is well.")
    raise typer.Exit(1 if left else 0)


@dataset_app.command("import", epilog="Example: expression dataset import holiday/ party.mp4")
def import_(
    paths: Annotated[list[str], typer.Argument(help="Photos, videos, folders of them, sets of faces.")],
    label: Annotated[
        str | None, typer.Option(help="What all of them show; else what their set says.", metavar="LABEL")
    ] = None,
    every: Annotated[
        float, typer.Option(help="Seconds between two looks at a video.", metavar="SECONDS", min=0.04)
    ] = 1.0,
    detector: Annotated[str, typer.Option(help="auto, haar, lbp, yunet ...", metavar="NAME")] = "auto",
    colour: Annotated[bool, typer.Option("--colour", help="Keep colours; grey if left out.")] = False,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Keep all that have a label, without a look at each.")
    ] = False,
) -> None:
    """Find faces in photos, videos and sets, and keep those that you agree to, one by one in a window."""
    from .faces import make_detector
    from .importdesk import ImportDesk
    from .importing import Importer
    from .labelbook import LabelBook
    from .labelwindow import LabelWindow
    from .screen import check_screen

    if not unseen:
        check_screen(f"{WITHOUT_SCREEN.rstrip('.')}, or add --unseen.")
    found = make_detector(detector)
    with LabelBook() as book:
        importer = Importer(book, found, colour, label, every)
        desk = ImportDesk(book, importer, paths)
        if unseen:
            _keep_unseen(desk)
        else:
            LabelWindow(desk).run()
    print(f"{desk.kept} kept{f', {desk.passed} left out by you' if desk.passed else ''}.")
    if desk.unlabelled:
        print(f"{desk.unlabelled} have no label and are left out: add --label LABEL, or leave --unseen away.")
    for sentence in importer.told():
        print(sentence)
    for error in importer.failed:
        print(error, file=sys.stderr)
    raise typer.Exit(2 if importer.failed else 0)


def _keep_unseen(desk: ImportDesk) -> None:
    """Keeps all that have a label, after a word on where; what is kept at an interruption stays."""
    from tqdm import tqdm

    from .capturing import consent

    print(consent(desk.book))
    desk.agreed = True
    with tqdm(desc="faces kept", unit="", disable=None, leave=False) as bar:
        while not desk.ended:
            desk.keep_rest(0.5)
            desk.leave_unlabelled()
            bar.update(desk.kept - bar.n)


@dataset_app.command(epilog="Example: expression dataset stats --out stats.png")
def stats(
    out: Annotated[str | None, typer.Option(help="Draw it, too, into this file.", metavar="FILE.png")] = None,
) -> None:
    """Count your pictures of each label and session."""
    with _own() as book:
        rows, labels = book.rows, book.labels
    sessions = sorted({row.session for row in rows})
    counts = {
        label: [sum((r.label.casefold(), r.session) == (label.casefold(), s) for r in rows) for s in sessions]
        for label in labels
    }
    width, most = max(map(len, labels)), max(1, *(sum(row) for row in counts.values()))
    print(f"{'':{width}}  pictures  sessions")
    for label, row in counts.items():
        bar = "█" * round(30 * sum(row) / most)
        print(f"{label:{width}}  {sum(row):8}  {sum(map(bool, row)):8}  {bar}".rstrip())
    print(f"{'all':{width}}  {sum(map(sum, counts.values())):8}  {len(sessions):8}")
    others = {row.label for row in rows if row.label.casefold() not in {label.casefold() for label in labels}}
    if others:
        told = ", ".join(sorted(others))
        print(f"Not counted, since they are not listed: {told}. Run: expression dataset check")
    if out:
        from .charts import own_set
        from .files import writing_told

        path = user_path(out)
        with writing_told(path):
            own_set(counts, sessions).savefig(path, format="png")
        print(path)


@dataset_app.command(epilog="Example: expression dataset wipe")
def wipe(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete all your pictures and their rows, for good."""
    from .integrity import strays

    with _own() as book:
        count, alone = len(book.rows), len(strays(book))
        others = f", and {alone} that no row names," if alone else ""
        rows = "the 1 picture" if count == 1 else f"all {count} pictures"
        pictures = f"{rows} of faceLabels.csv{others} in {book.images.resolve()}"
        if not yes and not typer.confirm(f"Delete {pictures} for good?"):
            print("Nothing was deleted.")
            return
        book.wipe()
    print(f"Deleted {pictures}. labelList.csv stays, and so do networks that learned from them.")


def _own() -> LabelBook:
    """Opens the set in the current folder."""
    from .labelbook import LabelBook
    from .labelrows import FILE

    if not (Path(FILE).is_file() or Path("Images", ".book").is_dir()):
        older = (Path("data") / FILE).is_file()
        raise MissingFileError(
            f"There is no {FILE} in {Path.cwd()}.",
            "Expected the folder in which your labelled pictures are.",
            "Go there first: cd data." if older else "Go there first, or take some: expression label.",
        )
    return LabelBook()
