"""The files of a training run are found again, or an error in three parts is raised."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
import tiny
from parts import disk
from tiny import LABELS, RECIPE

from expression.errors import BadInputError, OutputError
from expression.models.architectures import keras
from expression.models.metadata import Card
from expression.training.checkpoints import Checkpoints
from expression.training.optimizer import prepare

# Keras 3.12 copies variables in a way that numpy 2 finds old-fashioned.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ABOUT = {"recipe": asdict(RECIPE), "labels": list(LABELS), "pictures": {"training": 64}, "start": None}
ROW = {"epoch": 1, "loss": 0.7, "validation": 0.5}


def network() -> keras.Model:
    found = tiny.network(LABELS)
    prepare(found, RECIPE, 4)
    return found


@pytest.fixture
def kept(tmp_path) -> Checkpoints:
    """The folder of a training run of one epoch, whose weights are all 0.5."""
    checkpoints, model = Checkpoints(tmp_path / "run", ABOUT), network()
    assert checkpoints.restore_weights(model) == []
    model.set_weights([np.full_like(values, 0.5) for values in model.get_weights()])
    checkpoints.keep_weights(model, 1)
    checkpoints.keep_best(model, Card(LABELS))
    checkpoints.keep_history([ROW])
    checkpoints.release()
    return checkpoints


def test_what_was_kept_is_taken_up(kept):
    model = network()
    assert Checkpoints(kept.folder, ABOUT).restore_weights(model) == [ROW]
    assert all((values == 0.5).all() for values in model.get_weights())


def test_only_the_last_checkpoint_is_kept(kept):
    kept.keep_weights(network(), 2)
    assert len(list(kept.folder.glob("checkpoint-*"))) == 2  # until the epoch is known to be done
    kept.keep_history([ROW, {**ROW, "epoch": 2}])
    assert [path.name for path in kept.folder.glob("checkpoint-*")] == ["checkpoint-2.weights.h5"]


def test_a_training_of_another_version_is_another_training(kept):
    path = kept.folder / "training.json"
    state = json.loads(path.read_text())
    del state["recipe"]["share"]
    state["recipe"]["growing"] = True
    path.write_text(json.dumps(state))
    said = (
        r"contains a training run with no share, growing True, not share 0\.7, no growing\. Expected the same"
    )
    with pytest.raises(BadInputError, match=said):
        kept.restore_weights(network())


def test_a_network_that_no_training_wrote_is_not_written_over(tmp_path):
    (tmp_path / "expression.keras").write_text("mine")
    with pytest.raises(
        BadInputError, match=r"expression\.keras exists, but not the training run that wrote it\."
    ):
        Checkpoints(tmp_path, ABOUT).restore_weights(network())
    assert (tmp_path / "expression.keras").read_text() == "mine"


def test_a_stop_in_the_first_epoch_costs_that_epoch_alone(kept):
    (kept.folder / "training.json").unlink()
    assert kept.restore_weights(network()) == []


HOLD = """
import sys
from filelock import FileLock

with FileLock(sys.argv[1]):
    print("held", flush=True)
    input()
"""


def test_a_folder_in_which_another_training_runs_is_left_alone(kept):
    kept.release()
    words = [sys.executable, "-c", HOLD, str(kept.folder / "lock")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, **pipes) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(
            BadInputError, match=r"Another training run is using .*\. Expected one training run at a time"
        ):
            kept.restore_weights(network())
        other.kill()
    assert kept.restore_weights(network()) == [ROW]
    kept.release()


def test_another_training_of_the_same_program_is_another_one(kept):
    kept.restore_weights(network())
    with pytest.raises(BadInputError, match="Another training run is using"):
        Checkpoints(kept.folder, ABOUT).restore_weights(network())
    kept.release()


def test_files_that_are_not_its_own_stay(kept):
    other = kept.folder / "checkpoint-best.pt"
    other.write_text("mine")
    kept.keep_history([ROW])
    assert other.read_text() == "mine"


def test_what_differs_is_named_and_nothing_else(kept):
    about = {**ABOUT, "recipe": asdict(replace(RECIPE, seed=9)), "start": "a.keras 12"}
    with pytest.raises(BadInputError) as caught:
        Checkpoints(kept.folder, about).restore_weights(network())
    assert str(caught.value) == (
        f"{kept.folder} contains a training run with seed 3, start None, not seed 9, start a.keras 12. "
        "Expected the same settings and data to continue it. "
        f"Use the same again, or choose another --out, with --start {kept.best} to start from its weights."
    )


def test_more_epochs_for_a_training_that_has_ended_are_refused_with_the_reason_and_a_way(kept):
    about = {**ABOUT, "recipe": asdict(replace(RECIPE, epochs=9))}
    with pytest.raises(BadInputError) as caught:
        Checkpoints(kept.folder, about).restore_weights(network())
    assert str(caught.value) == (
        f"{kept.folder} contains a training run with epochs 4, not epochs 9. "
        "Expected the same settings and data to continue it: "
        "the learning rate depends on the number of epochs. "
        f"Use the same again, or choose another --out, with --start {kept.best} to start from its weights."
    )


@pytest.mark.parametrize("best", [None, b"half"], ids=["gone", "cut short"])
def test_a_network_that_cannot_be_begun_with_is_not_proposed(kept, best):
    kept.best.unlink()
    if best:
        kept.best.write_bytes(best)
    about = {**ABOUT, "recipe": asdict(replace(RECIPE, epochs=9))}
    with pytest.raises(BadInputError, match=r"Use the same again, or choose another --out\.$"):
        Checkpoints(kept.folder, about).restore_weights(network())


def test_a_network_with_other_labels_is_not_proposed_to_begin_with(kept):
    about = {**ABOUT, "labels": ["Happy", "Angry"]}
    with pytest.raises(BadInputError, match=r"Use the same again, or choose another --out\.$"):
        Checkpoints(kept.folder, about).restore_weights(network())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("expression.keras", None, "expression.keras is missing or incomplete"),
        ("expression.keras", b"half", "expression.keras is missing or incomplete"),
        ("checkpoint-1.weights.h5", None, "checkpoint-1"),
        ("checkpoint-1.weights.h5", b"half", "signature not found"),
        ("training.json", b'{"recipe": ', "Expecting value"),
        ("training.json", b"\xff\xfe", "codec can't decode"),
        ("training.json", b"[]", "as an integer"),
        ("training.json", b"{}", "history"),
        ("training.json", b'{"history": [{"epoch": 1}], "recipe": {}}', "validation"),
        ("training.json", b'{"history": []}', "recipe"),
    ],
)
def test_a_training_that_is_damaged_is_told(kept, name, content, said):
    path = kept.folder / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=rf"cannot be continued \(.*{said}.*\)\. Expected .* Delete"):
        kept.restore_weights(network())


@pytest.mark.slow
def test_a_disk_that_is_nearly_full_is_told_before_anything_is_written(kept, tmp_path):
    with disk(tmp_path / "small", "size=2m"):
        other = Checkpoints(tmp_path / "small" / "run", ABOUT)
        other.restore_weights(network())
        filling = tmp_path / "small" / "film"
        filling.write_bytes(bytes(1_500_000))
        with pytest.raises(
            OutputError,
            match=r"Only \d MB are free for .*small.run\. Expected at least 1 MB\. Free some space",
        ):
            other.keep_weights(network(), 1)
        assert [path.name for path in other.folder.iterdir()] == ["lock"]
        filling.unlink()
        other.keep_weights(network(), 1)
        other.keep_best(network(), Card(LABELS))
        other.keep_history([ROW])
        assert other.restore_weights(network()) == [ROW]


def test_a_disk_that_fills_up_while_figures_are_written_costs_no_more_than_the_epoch(tmp_path):
    with disk(tmp_path / "small", "size=2m"):
        kept = Checkpoints(tmp_path / "small" / "run", ABOUT)
        kept.restore_weights(network())
        kept.keep_weights(network(), 1)
        kept.keep_best(network(), Card(LABELS))
        kept.keep_history([ROW])
        filling = tmp_path / "small" / "film"
        with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        long = [{**ROW, "epoch": epoch} for epoch in range(1, 3000)]
        with pytest.raises(
            OutputError, match=r"cannot be written \(No space left .*\)\. Exp.* Free some space"
        ):
            kept.keep_history(long)
        filling.unlink()
        assert kept.restore_weights(network()) == [ROW]


def test_a_locked_folder_is_told(tmp_path):
    with disk(tmp_path / "locked", "ro"):
        kept = Checkpoints(tmp_path / "locked" / "run", ABOUT)
        with pytest.raises(OutputError, match=r"locked.run cannot be written \(Read-only file system\)"):
            kept.restore_weights(network())


def test_a_network_that_outgrows_the_disk_leaves_the_one_before(kept, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "expression.keras")

    before = kept.best.read_bytes()
    monkeypatch.setattr("expression.models.architectures.write_card", full)
    with pytest.raises(OutputError, match=r"expression\.keras cannot be written \(No space left"):
        kept.keep_best(network(), Card(LABELS))
    assert kept.best.read_bytes() == before
    assert not list(kept.folder.glob("part-*"))
