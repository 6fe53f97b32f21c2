"""The network that comes with the package does what its description says."""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256

import pytest
from parts import ROOT

from expression import Session
from expression.datasets.dataset import read
from expression.datasets.inspection import leaked
from expression.labels import FER2013
from expression.models import load
from expression.models.metadata import network_bytes, read_card
from expression.models.registry import SHIPPED
from expression.sinks.memory import Memory
from expression.training.evaluation import evaluate

FIGURES = json.loads((ROOT / "results" / "evaluation.json").read_text(encoding="utf-8"))


def test_it_answers_twice_and_live_runs_take_the_votes():
    runtime = load()
    assert runtime.path == SHIPPED
    assert tuple(runtime.labels) == tuple(FER2013)
    assert runtime.heads == ("fer2013", "ferplus")
    assert runtime.size == 48


@pytest.mark.parametrize("labels", ["fer2013", "ferplus"])
def test_the_figure_that_is_told_is_the_one_that_was_measured(labels):
    told = f"{FIGURES['test'][labels]['accuracy']:.1%}"
    assert told in (ROOT / "README.md").read_text(encoding="utf-8")
    assert told in (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    assert told in (SHIPPED.parent / "README.md").read_text(encoding="utf-8")


def test_its_card_has_its_fingerprint_so_that_no_run_has_to_try_it_in_another_process_first():
    assert read_card(SHIPPED).sha256 == sha256(network_bytes(SHIPPED)).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("labels", ["fer2013", "ferplus"])
def test_the_figure_is_found_again(shared_data, labels):
    dataset = read(shared_data / "fer2013")
    found = evaluate(load(), dataset.test, labels, leaked(dataset.test, dataset.training)).to_json()
    for name in ("accuracy", "accuracy_without_leaked", "macro_f1", "ece"):
        # Another processor may round a picture or two the other way.
        assert found[name] == pytest.approx(FIGURES["test"][labels][name], abs=0.002)


@pytest.mark.slow
@pytest.mark.parametrize("detector", ["yunet", "haar"])
def test_it_reads_five_of_six_parts_of_the_slideshow(shared_data, yunet, detector):
    clip = shared_data / "media" / "slideshow_labelled.mp4"
    memory = Memory()
    Session(str(clip), display="none", detector=detector, sinks=[memory]).run()
    right = 0
    for part in json.loads(clip.with_suffix(".json").read_text(encoding="utf-8")):
        held = Counter(r.label for r in memory.readings if part["from"] <= r.frame <= part["to"])
        right += bool(held) and held.most_common(1)[0][0].casefold() == part["label"]
    assert right >= 5
