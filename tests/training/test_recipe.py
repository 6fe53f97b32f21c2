"""A recipe is checked, and every network has one."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from expression.errors import BadInputError
from expression.models.architectures import NETWORKS
from expression.training.recipe import TAUGHT, USUAL, Recipe, changed, usual


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"batch": 0}, "batch=0"),
        ({"rate": 0.0, "epochs": -3}, "epochs=-3, rate=0.0"),
        ({"rate": float("nan")}, "rate=nan"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 2**32}, "seed=4294967296"),
        ({"warm_up": -0.5}, "warm_up=-0.5"),
        ({"decay": -1.0}, "decay=-1.0"),
        ({"average": 1.0}, "average=1.0"),
        ({"smoothing": 1.0}, "smoothing=1.0"),
        ({"balance": 1.5}, "balance=1.5"),
        ({"erasing": 2.0}, "erasing=2.0"),
        ({"mixup": float("inf")}, "mixup=inf"),
        ({"camera": 1.1}, "camera=1.1"),
        ({"cutmix": -0.5}, "cutmix=-0.5"),
        ({"views": -1}, "views=-1"),
        ({"share": -0.1}, "share=-0.1"),
        ({"temperature": 0.0}, "temperature=0.0"),
        ({"temperature_votes": float("inf")}, "temperature_votes=inf"),
        ({"patience": -1}, "patience=-1"),
    ],
    ids=str,
)
def test_a_recipe_that_makes_no_sense_is_refused(values, said):
    with pytest.raises(
        BadInputError, match=rf"The recipe has {said}\. Expected {said.split('=')[0]} .* Leave it out"
    ):
        Recipe(**values)


def test_every_network_has_a_usual_recipe():
    assert set(USUAL) == set(NETWORKS)
    assert {name: usual(name).network for name in USUAL} == {name: name for name in USUAL}
    assert usual() == Recipe()


def test_epochs_and_seed_may_be_chosen():
    assert (usual("tutorial", 3, 7).epochs, usual("tutorial", 3, 7).seed) == (3, 7)
    assert usual("tutorial").epochs == USUAL["tutorial"].epochs


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("vgg",),
            r"--network is 'vgg'\. Expected one of shipped, whole, wide, quick, tutorial\. Try --network s",
        ),
        (("shiped",), r"--network is 'shiped'\. .* Did you mean shipped\?"),
        (("shipped", 0), r"The recipe has epochs=0\. Expected epochs"),
        (("shipped", 1, -1), r"The recipe has seed=-1\."),
    ],
    ids=["network", "network misspelt", "epochs", "seed"],
)
def test_a_usual_recipe_of_what_is_not_there_is_refused(words, said):
    with pytest.raises(BadInputError, match=said):
        usual(*words)


def test_a_recipe_survives_being_written_down():
    recipe = Recipe(seed=5, mixup=0.3)
    assert Recipe(**json.loads(json.dumps(asdict(recipe)))) == recipe


def test_who_learns_from_others_has_whole_labels_and_poor_cameras():
    taught = usual("shipped", seed=2, taught=True)
    assert {name: getattr(taught, name) for name in TAUGHT} == TAUGHT
    assert replace(taught, **{name: getattr(usual(), name) for name in TAUGHT}) == usual("shipped", seed=2)


def test_values_of_a_recipe_may_be_written():
    recipe = changed(Recipe(), ["erasing=0", "cutmix=0.5", "mixed=True", "batch=64", "network=wide"])
    assert recipe == Recipe(network="wide", batch=64, erasing=0.0, cutmix=0.5, mixed=True)
    assert changed(recipe, []) == recipe


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("erasin=0", r"--set is 'erasin=0'\. Expected NAME=VALUE, .* Did you mean erasing\?"),
        ("blueness=0", r"--set is 'blueness=0'\. .* The names are network, epochs, "),
        ("erasing", r"--set is 'erasing'\. Expected a value like erasing=0\.25\."),
        ("erasing=much", r"--set is 'erasing=much'\. Expected a value like erasing=0\.25\."),
        ("batch=1.5", r"--set is 'batch=1\.5'\. Expected a value like batch=128\."),
        ("mixed=1", r"--set is 'mixed=1'\. Expected a value like mixed=False\."),
        ("erasing=2", r"The recipe has erasing=2\.0\. Expected erasing 0 to 1"),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_read_is_refused(change, said):
    with pytest.raises(BadInputError, match=said):
        changed(Recipe(), ["mixup=0", change])
