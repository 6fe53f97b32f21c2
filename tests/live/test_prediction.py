"""Readings: what the network and the smoother say of each face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from parts import PATIENCE

from expression.labels import NOT_SURE, Labels
from expression.live.data import Data
from expression.live.prediction import PredictLoop
from expression.models import Runtime
from expression.models.metadata import Card
from expression.pictures.image import preprocess
from expression.types import Box, Face, Frame, Seen
from expression.vision.smoothing import Smoother

LABELS = Labels(["Happy", "Sad", "Neutral"])
FRAME = Frame(np.zeros((60, 80, 3), np.uint8), number=7, time=2.0, position=0.5)


class Fixed:
    """A runtime that gives the rows it was told to, one a face, in turn."""

    labels, preprocess, resting = LABELS, staticmethod(preprocess), None

    def __init__(self, *rows):
        self.rows, self.shapes = list(rows), []

    def scores(self, pictures):
        self.shapes.append(pictures.shape)
        return np.array([self.rows.pop(0) for _ in pictures], np.float32)


def read(runtime, faces, smoother=None, frame=FRAME):
    """Lets one frame's faces through a PredictLoop; returns the loop and what it published."""
    data = Data()
    loop = PredictLoop(data, runtime, smoother or Smoother("none", LABELS, 0.35))
    data.faces.publish(Seen(frame, tuple(faces)))
    data.faces.close()
    loop.start()
    loop.join(PATIENCE)
    assert data.error is None
    return loop, data.readings.latest


def face(person=1, x=10):
    return Face(Box(x, 10, 20, 20), person=person)


def test_every_face_of_a_frame_is_scored_in_one_call():
    runtime = Fixed((0.7, 0.2, 0.1), (0.1, 0.8, 0.1))
    _, seen = read(runtime, [face(1), face(2, 40)])
    assert runtime.shapes == [(2, 48, 48, 1)]
    assert [(r.person, r.label, round(r.score, 2)) for r in seen.items] == [
        (1, "Happy", 0.7),
        (2, "Sad", 0.8),
    ]


def test_a_reading_tells_where_and_when_it_was_seen():
    _, seen = read(Fixed((0.7, 0.2, 0.1)), [face(3)])
    (reading,) = seen.items
    assert (reading.frame, reading.time, reading.position, reading.person) == (7, 2.0, 0.5, 3)
    assert reading.box == Box(10, 10, 20, 20)
    assert reading.scores == pytest.approx({"Happy": 0.7, "Sad": 0.2, "Neutral": 0.1})
    assert list(reading.scores) == list(LABELS)


def test_nobody_is_a_result_too_and_costs_no_call():
    runtime = Fixed()
    loop, seen = read(runtime, [])
    assert seen == Seen(FRAME, ())
    assert runtime.shapes == []
    assert (loop.predictions, loop.first_reading, loop.ages.summary()["max"]) == (0, None, None)


def test_a_label_that_is_held_comes_with_its_own_score():
    smoother = Smoother("average", LABELS, 0.35)
    smoother.update(1, np.array([0.0, 0.45, 0.55], np.float32), 0.46)
    _, seen = read(Fixed((0.0, 1.0, 0.0)), [face()], smoother)
    (reading,) = seen.items
    assert reading.label == "Neutral"
    assert reading.score == reading.scores["Neutral"] < reading.scores["Sad"]


def test_scores_are_smoothed_by_the_time_of_the_recording():
    smoother, sad = Smoother("average", LABELS, 0.35), Fixed(*[(0.0, 0.0, 1.0)] * 2)
    smoother.update(1, np.array([1.0, 0.0, 0.0], np.float32), 0.0)
    slept = replace(FRAME, time=10.0, position=0.04)  # long after, but the next picture
    assert read(sad, [face()], smoother, slept)[1].items[0].label == LABELS[0]
    later = replace(FRAME, time=10.04, position=3.0)
    assert read(sad, [face()], smoother, later)[1].items[0].label == LABELS[2]


def test_not_sure_comes_with_the_highest_score():
    _, seen = read(Fixed((0.34, 0.33, 0.33)), [face()])
    (reading,) = seen.items
    assert (reading.label, round(reading.score, 2)) == (NOT_SURE, 0.34)


def test_predictions_labels_and_ages_are_counted():
    loop, _ = read(Fixed((0.7, 0.2, 0.1), (0.9, 0.1, 0.0)), [face(1), face(2, 40)])
    assert loop.predictions == 2
    assert loop.labels == {"Happy": 2}
    assert loop.first_reading > 0


def test_the_head_of_the_votes_is_read_in_one_run_of_the_network():
    class TwoHeads(Runtime):
        runs = 0

        def _run(self, pictures):
            self.runs += 1
            return np.array([[(0.7, 0.2, 0.1), (0.1, 0.8, 0.1)]] * len(pictures), np.float32)

    runtime = TwoHeads(Path("two.tflite"), Card(LABELS, heads=("fer2013", "ferplus")))
    _, seen = read(runtime, [face(1), face(2, 40)])
    assert [reading.label for reading in seen.items] == ["Sad", "Sad"]
    assert runtime.runs == 1
