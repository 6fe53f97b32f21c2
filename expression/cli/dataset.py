"""The commands for the user's own dataset: `expression label` and those of `dataset`.

All work on labelList.csv, faceLabels.csv and Images in the current folder;
`personalise.py` has the command that learns from these pictures.

Notebook: 08_your_face
"""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import BadInputError, MissingFileError, user_path
from ..sanitize import counted, printable, say

if TYPE_CHECKING:
    from ..labelbook.book import LabelBook
    from ..labelbook.rows import Row
    from ..labeler.import_page import ImportPage
    from ..labels import Labels
    from .stored import StoredReadings

WITHOUT_SCREEN = "Run it on the desktop, or use LabelWidget in a notebook."
"""What to do without a screen."""

dataset_app = typer.Typer(
    help="Your own labelled pictures, in the current folder.", epilog="Example: expression dataset check"
)


def label(
    source: Annotated[
        str | None, typer.Option(help="As for live. Default: the camera.", metavar="SOURCE")
    ] = None,
    detector: Annotated[str, typer.Option(help="auto, haar, lbp, yunet ...", metavar="NAME")] = "auto",
    target: Annotated[int, typer.Option(help="Pictures to take for each label.", metavar="N", min=1)] = 20,
    colour: Annotated[bool, typer.Option("--colour", help="Save in colour instead of grey.")] = False,
    whole: Annotated[bool, typer.Option("--whole", help="Save the whole frame, not only the face.")] = False,
) -> None:
    """Take labelled pictures of faces, in a window."""
    from ..displays.screen import check_screen
    from ..labelbook.book import LabelBook
    from ..labeler.capturer import Capturer
    from ..labeler.labeler import Labeler
    from ..labeler.window import LabelWindow
    from ..sources import fallback_notice, open_source
    from ..vision.detectors import make_detector

    check_screen(WITHOUT_SCREEN)
    opened, found = open_source(source), make_detector(detector)
    with LabelBook() as book:
        note = fallback_notice(source, opened)
        print(note, end="\n" if note else "", flush=True)
        page = Labeler(Capturer(book, found, target, colour, whole), opened.mirror, note)
        LabelWindow(page, opened).run()
        for name, count in book.counts.items():
            print(f"{name}: {count}")


@dataset_app.command(epilog="Example: expression dataset check --repair")
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Offer to repair each problem.")] = False,
) -> None:
    """Report problems with your pictures and rows. The exit code is 1 if there are any."""
    from ..labelbook.findings import NOTED
    from ..labelbook.integrity import examine
    from ..labelbook.repairs import repair as repair_finding

    with own_book() as book:
        everything, asked, done = examine(book), set(), False
        findings = list(everything)
        while findings:
            finding = findings.pop(0)
            say(f"{finding.told} {finding.advice}".rstrip())
            if repair and finding.remedy and typer.confirm(f"{finding.remedy}?"):
                repair_finding(book, finding)
                everything, done = examine(book), True
                asked |= {finding.kind} if finding in everything else set()
                findings = [other for other in everything if other.kind not in asked]
            else:
                asked.add(finding.kind)
                if repair and finding.otherwise:
                    findings.insert(0, finding.otherwise)
                elif finding.remedy and not repair:
                    say(f"  {finding.remedy}? Run: expression dataset check --repair")
        if done:
            say(f"The previous version is saved in {book.trash}.")
            say("To delete it, run: expression dataset wipe --trash")
        wrong = {finding.kind for finding in everything} - NOTED
        if not wrong:
            say(f"{counted(len(book.rows), 'picture')}, no problems found.")
    raise typer.Exit(1 if wrong else 0)


@dataset_app.command("import", epilog="Example: expression dataset import holiday/ party.mp4")
def import_(
    paths: Annotated[
        list[str], typer.Argument(help="Photos, videos, folders of them, face datasets.", metavar="PATH")
    ],
    label: Annotated[
        str | None,
        typer.Option(help="The label of all faces; by default, from their dataset.", metavar="LABEL"),
    ] = None,
    every: Annotated[
        float, typer.Option(help="Seconds between two frames of a video.", metavar="SECONDS", min=0.04)
    ] = 1.0,
    detector: Annotated[str, typer.Option(help="auto, haar, lbp, yunet ...", metavar="NAME")] = "auto",
    colour: Annotated[bool, typer.Option("--colour", help="Save in colour instead of grey.")] = False,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Save every labelled face without showing it first.")
    ] = False,
) -> None:
    """Find faces in photos, videos and datasets. The faces that you confirm in a window are saved."""
    from ..displays.screen import check_screen
    from ..labelbook.book import LabelBook
    from ..labeler.import_page import ImportPage
    from ..labeler.importer import Importer
    from ..labeler.window import LabelWindow
    from ..vision.detectors import make_detector

    if not unseen:
        check_screen(f"{WITHOUT_SCREEN.rstrip('.')}, or add --unseen.")
    found = make_detector(detector)
    with LabelBook() as book:
        importer = Importer(book, found, colour, label, every)
        page = ImportPage(book, importer, paths)
        if unseen:
            _keep_unseen(page)
        else:
            LabelWindow(page).run()
    print(f"{page.kept} saved{f', {page.passed} left out by you' if page.passed else ''}.")
    if page.unlabelled:
        print(f"Left out {page.unlabelled} without a label: add --label LABEL, or leave out --unseen.")
    for sentence in importer.told():
        say(sentence)
    for error in importer.failed:
        print(error, file=sys.stderr)
    raise typer.Exit(2 if importer.failed else 0)


def _keep_unseen(page: ImportPage) -> None:
    """Saves all faces with a label, after saying where; those saved before an interruption stay."""
    from tqdm import tqdm

    from ..labeler.capturer import consent

    print(consent(page.book))
    page.agreed = True
    with tqdm(desc="faces saved", unit="", disable=None, leave=False) as bar:
        while not page.ended:
            page.keep_rest(0.5)
            page.leave_unlabelled()
            bar.update(page.kept - bar.n)


@dataset_app.command(epilog="Example: expression dataset stats --out stats.png")
def stats(
    out: Annotated[
        str | None, typer.Option(help="Also write a chart to this file.", metavar="FILE.png")
    ] = None,
) -> None:
    """Count your pictures by label and session."""
    path = user_path(out) if out else None
    if path and path.suffix.casefold() != ".png":
        raise BadInputError(f"--out is {out}.", "Expected a file name that ends in .png.", "Choose one.")
    with own_book() as book:
        rows, labels, pictures = book.rows, book.labels, book.pictures
    found = [row for row in rows if pictures.find(row.image)]
    counts, sessions = _counts(found, labels)
    _print_counts(counts, len(sessions))
    look = "Run: expression dataset check"
    if lost := len(rows) - len(found):
        say(f"Not counted, because the picture was not found: {lost} of {len(rows)} rows. {look}")
    others = {row.label for row in rows if row.label and labels.find(row.label) is None}
    if others:
        say(f"Not counted, because these labels are not listed: {', '.join(sorted(others))}. {look}")
    if path:
        from ..files import replacing
        from ..training.charts import own_set

        with replacing(path) as part:
            own_set(counts, sessions).savefig(part, format="png")
        say(path)


def _counts(rows: list[Row], labels: Labels) -> tuple[dict[str, list[int]], list[str]]:
    """Returns how many pictures each label has in each session, and the sessions."""
    from ..labelbook.session_times import in_order, sessions_by_time
    from ..labels import folded_label

    said = sessions_by_time([row.session for row in rows])
    found = Counter((folded_label(row.label), session) for row, session in zip(rows, said, strict=True))
    sessions = in_order(said)
    return {
        label: [found[folded_label(label), session] for session in sessions] for label in labels
    }, sessions


def _print_counts(counts: dict[str, list[int]], sessions: int) -> None:
    """Prints a line for each label, with a bar."""
    width, most = max(map(len, counts)), max(1, *(sum(row) for row in counts.values()))
    say(f"{'':{width}}  pictures  sessions")
    for label, row in counts.items():
        bar = "█" * round(30 * sum(row) / most)
        say(f"{label:{width}}  {sum(row):8}  {sum(map(bool, row)):8}  {bar}".rstrip())
    say(f"{'all':{width}}  {sum(map(sum, counts.values())):8}  {sessions:8}")


@dataset_app.command(epilog="Example: expression dataset wipe")
def wipe(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    trash: Annotated[
        bool, typer.Option("--trash", help="Delete only what was removed earlier, in Images/.trash.")
    ] = False,
    readings: Annotated[
        bool, typer.Option("--readings", help="Delete only the readings that --sink database has stored.")
    ] = False,
) -> None:
    """Delete all your pictures and their rows for good. This includes those that were removed earlier.

    Readings that your runs have stored with --sink database on this machine are deleted, too.
    """
    from ..labelbook.folder import held
    from .stored import StoredReadings

    if trash and readings:
        raise BadInputError(
            "The options --trash and --readings exclude each other.", "Expected one.", "Leave one out."
        )
    stored = None if trash else StoredReadings()
    alone = stored and (readings or not (stored.is_empty or _is_own_folder()))
    folder = None if alone else _own_folder()
    with held(folder) if folder else contextlib.nullcontext():
        failed = _wipe(folder, stored, yes, whole=not trash)
    raise typer.Exit(1 if failed else 0)


def _wipe(folder: Path | None, stored: StoredReadings | None, yes: bool, whole: bool) -> bool:
    """Deletes a dataset and stored readings, after a question; returns whether something was left."""
    from ..labelbook import wiping

    found = wiping.survey(folder, whole=whole) if folder else None
    parts = [each for each in (found, stored) if each and not each.is_empty]
    if not parts:
        say(f"There is nothing to delete in {found.images.resolve() if found else stored.place}.")
        for line in stored.left_over() if stored else ():
            say(line)
        return False
    what = ", and ".join(each.told() for each in parts)
    if not yes and not typer.confirm(f"Delete {what} for good?"):
        say("Nothing was deleted.")
        return False
    lines, failed = [], {}
    if found in parts:
        failed = wiping.delete(found)
        lines += found.left_over(failed)
    if stored in parts:
        failed |= stored.delete()
    lines += stored.left_over() if stored else []
    say(f"Deleted {what}.")
    for line in lines:
        say(line)
    return bool(failed)


def own_book() -> LabelBook:
    """Opens the dataset in the current folder."""
    from ..labelbook.book import LabelBook

    return LabelBook(_own_folder())


def _own_folder() -> Path:
    """Returns the current folder, if it contains a dataset.

    Raises:
        MissingFileError: It does not.
    """
    from ..datasets.own_set import tables_folder
    from ..labelbook.rows import FILE

    if _is_own_folder():
        return Path()
    below = tables_folder(Path())
    files = sorted(path.name for path in Path().iterdir() if path.is_file())
    others = [name for name in files if name.casefold().startswith("facelabels")]
    remedy = "Change to that folder first, or take some pictures: expression label."
    if below:
        remedy = f"Change to it first: cd {below}. Pictures in this folder are found from there."
    elif others:
        remedy = f"If it is {printable(others[0])}, save it as CSV under the name {FILE}."
    raise MissingFileError(
        f"There is no {FILE} in {Path.cwd()}.",
        "Expected the folder with your labelled pictures.",
        remedy,
    )


def _is_own_folder() -> bool:
    """Whether the current folder contains a dataset."""
    from ..labelbook.rows import FILE

    return Path(FILE).is_file() or Path("Images", ".book").is_dir()
