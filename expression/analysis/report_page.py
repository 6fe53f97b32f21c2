"""The page of a report: one HTML file that needs nothing but a browser, and the video beside it.

`report.py` calls `page`. What the page does is in `report_page.js` and the two scripts that it names. Names
and labels come from anywhere, so all of them are escaped, and the page's own policy lets it load nothing but
the video.

Notebook: 13_video
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from urllib.parse import quote

import numpy as np

from ..sanitize import counted, printable
from ..vision.drawing import colour, css
from ..vision.layers import ink
from .segments import Person, Story

TICK = 0.0001
"""Seconds in which the times of frames are counted."""

READING_BYTES, THUMBNAIL_BYTES = 2_300_000, 1_900_000
"""Most bytes of the readings as text, and of the thumbnails before they become text, which adds a third.

Together with everything else a page stays below 5 MB.
"""

MANY = 8
"""More people than this are shown only when the reader asks for them, as in `report_page.js`."""

SCRIPTS = ("report_page.js", "report_readings.js", "report_pictures.js")
"""What becomes the script of a page, in this order."""

LONGEST_NAME = 200
"""Most letters of the name of a file."""


@dataclass(frozen=True)
class Facts:
    """What a page says about a recording.

    Attributes:
        name: The name of its file.
        width: Of its frames, in pixels.
        height: The same.
        url: Where the page finds it; "" for a picture, which a browser shows as well from a thumbnail.
    """

    name: str
    width: int
    height: int
    url: str


def page(story: Story, facts: Facts, thumbnails: Sequence[tuple[int, bytes]]) -> str:
    """Returns the page.

    Args:
        story: What happens in the recording.
        facts: What else is known of it.
        thumbnails: Small pictures as JPEG, each with the number of its frame, in order.
    """
    style, script = _text("report_page.css"), "".join(map(_text, SCRIPTS))
    policy = "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            "media-src 'self' file:" if facts.url else "media-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return Template(_text("report_page.html")).substitute(
        policy=policy,
        name=_escaped(facts.name),
        summary=summary(story),
        style=style,
        script=script,
        totals=_totals(story),
        data=_json(_data(story, facts, thumbnails)),
    )


def relative_url(video: Path, folder: Path) -> str:
    """Returns where a page in a folder finds a video, with every special character escaped.

    Example:
        >>> relative_url(Path("films/50 % #1?.mp4"), Path("reports"))
        '../films/50%20%25%20%231%3F.mp4'
    """
    try:
        way = Path(os.path.relpath(video, folder))
    except ValueError:  # on another drive of Windows
        return video.absolute().as_uri()
    return quote(os.fsencode(way.as_posix()))


def summary(story: Story) -> str:
    """Returns how long a recording is and how many people are in it, in a few words."""
    return " · ".join([duration(story.end), counted(len(story.times), "frame"), people(story)])


def people(story: Story) -> str:
    """Returns how many people are in a recording, in words."""
    return counted(len(story.people), "person", "people")


def duration(seconds: float) -> str:
    """Returns a duration in words.

    Example:
        >>> duration(12.04), duration(3725)
        ('12.0 s', '1 h 2 min 5 s')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min {rest} s" if minutes >= 60 else f"{minutes} min {rest} s"


def _text(name: str) -> str:
    """Returns one of the files beside this module."""
    return Path(__file__).with_name(name).read_text("utf-8")


def _hash(text: str) -> str:
    """Returns how a policy names the only script or style that it allows."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _escaped(text: str) -> str:
    """Returns a name as HTML."""
    return html.escape(printable(text, LONGEST_NAME))


def _json(data: object) -> str:
    """Returns values as JSON that can be in a script element: without <, > and &, and in ASCII."""
    text = json.dumps(data, separators=(",", ":"))
    return text.translate({ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&"})


# ---- the data


def _data(story: Story, facts: Facts, thumbnails: Iterable[tuple[int, bytes]]) -> dict:
    """Returns what the script draws."""
    packed, every = _packed(story)
    return {
        "name": printable(facts.name, LONGEST_NAME),
        "video": facts.url,
        "width": facts.width,
        "height": facts.height,
        "end": round(story.end, 4),
        "tick": TICK,
        "frames": len(story.times),
        "labels": [
            {"name": printable(label), "colour": css(colour(label)), "ink": css(ink(colour(label)))}
            for label in story.labels
        ],
        "scored": len(story.people[0].readings[0].scores),
        "every": every,
        "people": [
            [person.number, len(person.readings), len(person.segments), round(person.seconds, 2)]
            for person in story.people
        ],
        "packed": packed,
        "thumbnails": [[number, base64.b64encode(picture).decode()] for number, picture in thumbnails],
    }


def _packed(story: Story) -> tuple[str, int]:
    """Returns the readings as text, and how many share one box and its scores, so that it is not too long."""
    every = 1
    while True:
        columns = [np.rint(np.array(story.times) / TICK).astype("<i4")]
        for person in story.people:
            columns += _columns(person, story.labels, every)
        content = zlib.compress(b"".join(map(_differences, columns)), 9)
        if len(content) * 4 / 3 <= READING_BYTES or every > len(story.times):
            return base64.b64encode(content).decode(), every
        every *= 2


def _columns(person: Person, labels: Sequence[str], every: int) -> list[np.ndarray]:
    """Returns what is known of a person, column by column: frames, segments, boxes and percentages."""
    kept, segments = person.readings[::every], person.segments
    index = {label: number for number, label in enumerate(labels)}
    boxes = np.array([(b.x, b.y, b.width, b.height) for b in (each.box for each in kept)])
    scores = np.array([list(each.scores.values()) for each in kept])
    percent = np.array([round(100 * score) for score in scores.ravel()]).reshape(scores.shape)
    return [
        np.array([each.frame for each in person.readings], "<i4"),
        np.array([each.first for each in segments], "<i4"),
        np.array([each.last for each in segments], "<i4"),
        np.array([index[each.label] for each in segments], "<i2"),
        *boxes.clip(-(2**15), 2**15 - 1).astype("<i2").T,
        *percent.astype("i1").T,
    ]


def _differences(column: np.ndarray) -> bytes:
    """Returns the first value of a column and the differences after it, which are easy to compress."""
    return np.diff(column, prepend=column.dtype.type(0)).astype(column.dtype).tobytes()


# ---- the totals


def _totals(story: Story) -> str:
    """Returns how long each label was held: bars of all people together, and a table of each."""
    totals = story.totals()
    everybody = {label: sum(held[label] for held in totals.values()) for label in story.labels}
    shown = [label for label in story.labels if everybody[label] > 0]
    bars = _bars([(label, {label: everybody[label]}) for label in shown])
    each = _bars([(f"Person {number}", held) for number, held in totals.items()]) * (len(totals) > 1)
    head = "".join(f'<th scope="col" class="number">{_escaped(label)}</th>' for label in shown)
    rows = "".join(_row(f"Person {number}", held, shown) for number, held in totals.items())
    if len(totals) > 1:
        rows += _row("Everybody", everybody, shown)
    table = (
        '<div class="table" role="region" aria-label="Seconds for each label" tabindex="0"><table>\n'
        '<caption class="unseen">Seconds for which each person had each label</caption>\n'
        f'<thead><tr><th scope="col">Seconds</th>{head}'
        '<th scope="col" class="number">Total</th></tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div>"
    )
    if len(totals) > MANY:
        return f"{bars}\n<details><summary>Each person</summary>{each}\n{table}</details>"
    return f"{bars}\n{each}\n{table}"


def _bars(lines: Sequence[tuple[str, dict[str, float]]]) -> str:
    """Returns a bar for each name, made of the seconds of each label; a table says the same in words."""
    longest = max((sum(held.values()) for _, held in lines), default=0) or 1
    parts = []
    for name, held in lines:
        at, pieces = 0.0, ""
        for label, seconds in held.items():
            if seconds:
                share = 100 * seconds / longest
                pieces += (
                    f'<rect x="{at:.2f}%" width="{share:.2f}%" height="100%" fill="{css(colour(label))}">'
                )
                pieces += f"<title>{_escaped(label)}: {seconds:.1f} s</title></rect>"
                at += share
        parts.append(f'<span class="name">{_escaped(name)}</span><svg>{pieces}</svg>')
        parts.append(f'<span class="number">{sum(held.values()):.1f} s</span>')
    return f'<div class="bars" aria-hidden="true">{"".join(parts)}</div>'


def _row(name: str, held: dict[str, float], shown: Sequence[str]) -> str:
    """Returns a row of the table, whose cells name their columns for narrow screens."""
    cells = [*((label, held[label]) for label in shown), ("Total", sum(held.values()))]
    numbers = "".join(
        f'<td class="number" data-label="{_escaped(label)}">{seconds:.1f}</td>' for label, seconds in cells
    )
    return f'<tr><th scope="row">{_escaped(name)}</th>{numbers}</tr>\n'
