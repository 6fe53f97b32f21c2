"""A recipe is checked, and every network has one."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from expression.errors import BadInputError
from expression.network import NETWORKS
from expression.recipe import USUAL, Recipe, usual


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
        ({"share": -0.1}, "share=-0.1"),
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
        (("vgg",), r"--network is 'vgg'\. Expected shipped or tutorial\. Try --network shipped\."),
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
