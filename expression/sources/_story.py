"""The story of the demo: where each person is, what they show, and how bright it is, over time.

`demo.py` draws it. Every table becomes a track, an array with one row per frame, and every
track ends where it starts, so that the video can loop.

Notebook: 03_threads
"""

from __future__ import annotations

import numpy as np

WIDTH, HEIGHT, FPS, SECONDS = 640, 480, 25, 30
FRAMES = FPS * SECONDS

NEUTRAL = {"close": 1, "calm": 1.3, "down": 0.35, "round": 0.5, "press": 0.3, "wide": -0.3, "glad": -0.5}
FEELINGS = {
    "laugh": {},
    "neutral": NEUTRAL,
    "surprise": {"close": 1, "calm": 1.1, "open": 1, "brows": 0.9, "wide": 0.3, "round": 0.9},
    "sad": {
        **{"close": 1, "calm": 1.4, "down": 1.3, "open": 0.2, "press": -0.5, "glad": -0.7},
        **{"inner": 1.05, "brows": -0.4, "wide": -0.6, "blink": 0.25, "brow": 0.8, "crease": 0.5},
    },
    "angry": {
        **{"close": 1, "calm": 1.5, "down": 1.65, "press": -0.8},
        **{"frown": 1.25, "brows": -0.4, "wide": -0.4, "crease": 0.95},
    },
}
"""The face of each feeling, as weights of the portrait's actions, tuned to what the shipped
network reads."""

LABEL_OF = {"angry": "Angry", "laugh": "Happy", "sad": "Sad", "surprise": "Surprise", "neutral": "Neutral"}
"""The FER2013 labels of the feelings; disgust and fear are not part of the story."""

PLACES = {
    "first": [
        *[(0, 320, 205, 1.15, 0), (2.5, 320, 205, 1.2, 0), (4.2, 325, 225, 1.6, 0), (6.4, 325, 225, 1.6, 2)],
        *[(7.2, 310, 215, 1.5, 8), (8.4, 310, 215, 1.45, -2), (11.5, 320, 210, 1.3, -6)],
        *[(13.8, 185, 205, 1.05, 0), (17.6, 185, 205, 1.05, 0), (20.2, 455, 210, 1.15, 0)],
        *[(24.4, 455, 210, 1.15, 2), (26.2, 900, 205, 1.15, 0), (27.1, 900, 205, 1.15, 0)],
        *[(29.1, 320, 205, 1.15, 0), (30, 320, 205, 1.15, 0)],
    ],
    "second": [
        *[(0, 900, 200, 0.98, 0), (12.2, 900, 200, 0.98, 0), (14.2, 465, 200, 0.98, 0)],
        *[(17.6, 465, 200, 0.98, -4), (20.2, 175, 195, 0.92, 3), (22.6, 175, 195, 0.92, 0)],
        *[(24.4, -270, 195, 0.92, 0), (25, -270, 1100, 0.92, 0), (26, 900, 1100, 0.98, 0)],
        *[(27, 900, 200, 0.98, 0), (30, 900, 200, 0.98, 0)],
    ],
}
"""The place of each person: second, x and y of the face in pixels, size, tilt in degrees. The second
person returns to the right below the frame."""

MOODS = {
    "first": [
        *[(0, "laugh"), (2.4, "neutral"), (4.4, "surprise"), (6.4, "laugh"), (8.6, "sad"), (11.6, "laugh")],
        *[(14.6, "neutral"), (15.4, "angry"), (17.6, "neutral"), (20.2, "surprise"), (22, "laugh")],
    ],
    "second": [
        *[(0, "laugh"), (14.6, "surprise"), (16.4, "neutral"), (18.4, "laugh"), (20.4, "sad")],
        *[(22.4, "neutral"), (24, "laugh")],
    ],
}
"""The feeling of each person, with the second from which it is shown."""

BLINKS = {"first": (1.4, 3.4, 7.9, 10.6, 13.0, 18.4, 23.2, 28.9), "second": (13.6, 16.8, 19.8, 22.1)}
"""The times at which each person blinks, in seconds."""

LIGHT = [
    *[(0, 1, 1, 1), (8, 1, 1, 1), (9, 0.46, 0.42, 0.4), (11.4, 0.46, 0.42, 0.4), (12.2, 1.06, 0.98, 0.84)],
    *[(15, 1.06, 0.98, 0.84), (16, 0.84, 0.94, 1.04), (21, 0.84, 0.94, 1.04), (22.5, 1, 1, 1), (30, 1, 1, 1)],
]
"""The brightness of the light: second, red, green, blue; 1 leaves the colours unchanged."""

CAMERA = [(0, 0), (2, 0), (6, -30), (12, 30), (18, 40), (21, -20), (26, 0), (30, 0)]
"""The pan of the camera: second, pixels."""


def track(keys: list[tuple]) -> np.ndarray:
    """Returns (750, n) values, one row per frame, interpolated between keys (second, values...)."""
    keys = np.array(keys, float)
    seconds = np.arange(FRAMES) / FPS
    return np.stack([np.interp(seconds, keys[:, 0], column) for column in keys[:, 1:].T], 1)


def smooth(track: np.ndarray, frames: float) -> np.ndarray:
    """Returns a smoothed track; its end continues at its start."""
    reach = round(3 * frames)
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * frames**2))
    around = np.concatenate([track[-reach:], track, track[:reach]])
    return np.stack([np.convolve(c, weights / weights.sum(), "valid") for c in around.T], 1)


def place(name: str) -> np.ndarray:
    """Returns a person's x, y, size and tilt in each frame, with small movements added."""
    rows = smooth(track(PLACES[name]), 7)
    phase = 2 * np.pi * np.arange(FRAMES) / FRAMES + (name == "second")
    walk = np.minimum(1, np.abs(np.gradient(rows[:, 0])) / 4)
    rows[:, 0] += 4 * np.sin(7 * phase)
    rows[:, 1] += 2 * np.sin(11 * phase) - 5 * walk * np.abs(np.sin(45 * phase))
    rows[:, 3] += 1.5 * np.sin(9 * phase)
    return rows


def actions(name: str) -> list[dict[str, float]]:
    """Returns the weights of a person's actions in each frame."""
    names = sorted({action for feeling in FEELINGS.values() for action in feeling})
    seconds = np.arange(FRAMES) / FPS
    which = np.searchsorted([begin for begin, _ in MOODS[name]], seconds, "right") - 1
    weights = [[FEELINGS[MOODS[name][i][1]].get(action, 0.0) for action in names] for i in which]
    rows = smooth(np.array(weights), 4).round(3)
    lids = np.max([np.clip(1.8 - np.abs(seconds - at) * FPS / 1.5, 0, 1) for at in BLINKS[name]], 0)
    blink = names.index("blink")
    rows[:, blink] = np.maximum(rows[:, blink], lids)
    return [dict(zip(names, row.tolist(), strict=True)) for row in rows]
