"""What the tests change in the lessons, so that they take less time: fewer seconds, epochs and pictures."""

from __future__ import annotations

import copy

SHORTER: dict[str, dict[str, str]] = {
    "01": {
        "duration=22": "duration=4",
        'none") as session:\n    readings =': 'none", duration=10) as session:\n    readings =',
    },
    "02": {
        "for name in photos.PORTRAITS:\n        harder": "for name in photos.PORTRAITS[:3]:\n        harder"
    },
    "03": {"SECONDS = 4": "SECONDS = 1.5"},
    "05": {"epochs=60": "epochs=6"},
    "06": {
        "FEW, EPOCHS, CHECKED = 1500, 8, 1000": "FEW, EPOCHS, CHECKED = 500, 2, 300",
        "practice(2500)": "practice(800)",
        "seconds = 6": "seconds = 3",
    },
    "07": {
        "range(750)": "range(500)",
        "range(650)": "range(400)",
        "range(380, 410)": "range(380, 390)",
        "for _ in range(5)": "for _ in range(2)",
        "seconds = 16": "seconds = 3",
    },
    "08": {"((1, 40), (2, 20))": "((1, 24), (2, 12))"},
    "10": {
        "seconds = 20\nwith": "seconds = 7\nwith",
        "seconds = 20\nSession": "seconds = 4\nSession",
        "seconds = 6": "seconds = 3",
        "SECONDS = 4": "SECONDS = 2",
        "duration=6": "duration=3",
        "for name in chosen:": "for name in chosen[:3]:",
        "step = {}, 1.5": "step = {}, 0.8",
    },
    "11": {"SECONDS = 12": "SECONDS = 7", "practice(1600)": "practice(800)", "epochs=12": "epochs=8"},
    "12": {
        "rounds=15": "rounds=2",
        "epochs=10": "epochs=1",
        "[12, 24, 48, 96, LEARNED]": "[48, LEARNED]",
        "rounds=3": "rounds=1",
        "[:160]": "[:60]",
        "LEARNED = 192": "LEARNED = 96",
    },
    "14": {
        "in DEFENCES.items()": "in [*DEFENCES.items()][:2]",
        "for label in live.labels:\n    if": "for label in live.labels[:3]:\n    if",
    },
    "15": {
        "COUNT = 400": "COUNT = 100",
        "faces[:100]": "faces[:30]",
        "[:12]": "[:3]",
        "duration=11": "duration=3",
        "in sets.items()": "in [*sets.items()][:1]",
    },
    "16": {"duration=20": "duration=8", "duration=12": "duration=5"},
}
"""For each lesson, texts of its code that stand there once, and what is put in their place."""


def shortened(notebook, number: str):
    """A copy of a notebook that takes less time; a text that is not there once is an error."""
    notebook = copy.deepcopy(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for old, new in SHORTER.get(number, {}).items():
        (cell,) = [cell for cell in code if old in cell.source]
        assert cell.source.count(old) == 1, f"{old} stands twice in a cell of lesson {number}"
        cell.source = cell.source.replace(old, new)
    return notebook
