"""Transfer learning ends with a network like any other, whichever base it began with."""

from __future__ import annotations

import numpy as np
import pytest
import tiny

from expression.cli import app
from expression.errors import BadInputError
from expression.models import load
from expression.models.bases import BASES
from expression.models.metadata import read_card
from expression.pictures.image import standardise, write_picture
from expression.training import transfer as stages_of
from expression.training.checkpoints import Row
from expression.training.recipe import stages
from expression.training.transfer import LABELS_FILE, transfer

# Keras 3.12 copies variables in a way that numpy 2 finds old-fashioned.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


COST = "Distorted pictures cannot come from the cache: each epoch takes 0 seconds or more."


@pytest.fixture
def tiny_base(monkeypatch):
    """A base of two layers, whatever its name and weights."""
    monkeypatch.setattr(stages_of, "read_base", lambda name, side, weights: tiny.base())


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    """A cache folder for one test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def retrained(out, changes=(), epochs=2, votes=False, on_epoch=None) -> tuple:
    said = []
    recipes = stages("mobilenet", epochs, changes=changes)
    return transfer(tiny.data(votes), out, recipes, on_epoch=on_epoch, tell=said.append), said


def straight(folder, changes=()) -> tuple:
    """A training that nothing interrupts, on the tiny base and with a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages_of, "read_base", lambda name, side, weights: tiny.base())
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        return retrained(folder / "out", changes)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What a training of both stages returned and said."""
    return straight(tmp_path_factory.mktemp("both"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What a training of the head alone returned and said."""
    return straight(tmp_path_factory.mktemp("alone"), ["tuned=0"])


def test_the_head_learns_from_the_cache_and_then_the_base_from_distorted_pictures(both):
    trained, said = both
    out = trained.path.parent
    assert (out.name, trained.path.name) == ("out", "expression.keras")
    assert len(trained.history) == 2
    assert said[:2] == [
        "Features of 20 different pictures: 0 from the cache, 20 computed.",
        "Features of 64 different pictures: 0 from the cache, 64 computed.",
    ]
    assert "correct in validation with the head alone. Now 33% of the base learns too." in said[2]
    assert said[2].endswith(
        "Distorted pictures cannot come from the cache: each epoch takes 0 seconds or more."
    )
    assert (out / LABELS_FILE).read_text() == "Happy\nSad\n"
    head = load(out / "head" / "expression.keras")
    assert head.scores(standardise(tiny.data().validation.pictures)).shape == (20, 2)


def test_the_head_alone_leaves_the_base_as_it_was(alone):
    trained, said = alone
    assert len(said) == 2
    inner = next(layer for layer in load(trained.path).network.layers if layer.weights)
    expected = tiny.base().get_weights()
    for one, other in zip(inner.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_accuracy_told_is_that_of_the_saved_network(alone, both):
    for trained, _ in (alone, both):
        checked = tiny.data().validation
        scores = load(trained.path).scores(standardise(checked.pictures))
        assert (scores.argmax(1) == checked.indexes).mean() == pytest.approx(trained.accuracy, abs=0.051)


def test_a_head_that_learns_from_distorted_pictures_tells_its_cost(tiny_base, own_cache, tmp_path):
    _, said = retrained(tmp_path / "out", ["tuned=0", "cached=false"], epochs=1)
    assert said == [
        f"The head learns from distorted pictures. {COST}",
    ]
    assert not (tmp_path / "cache" / "expression" / "bottlenecks").exists()


def test_votes_are_learned_too(tiny_base, own_cache, tmp_path):
    trained, _ = retrained(tmp_path, epochs=1, votes=True)
    assert read_card(trained.path).heads == ("fer2013", "ferplus")
    assert "validation_votes" in trained.history[0]


def test_a_training_that_was_stopped_in_each_stage_ends_as_if_it_had_not_been(
    tiny_base, own_cache, both, tmp_path
):
    rows: list[Row] = []

    def stopping(row: Row) -> None:
        rows.append(row)
        if len(rows) in (1, 3):  # in the first stage, and in the second
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            retrained(tmp_path, on_epoch=stopping)
    continued, said = retrained(tmp_path, on_epoch=stopping)
    assert len(rows) == 4
    assert said[0] == "Features of 20 different pictures: 20 from the cache, 0 computed."
    figures = [[row["loss"], row["validation"]] for row in continued.history]
    expected = [[row["loss"], row["validation"]] for row in both[0].history]
    np.testing.assert_allclose(figures, expected, atol=2e-4)


def test_a_folder_with_another_base_is_not_continued(alone, own_cache, monkeypatch):
    monkeypatch.setattr(stages_of, "read_base", lambda name, side, weights: tiny.base(seed=1))
    with pytest.raises(BadInputError, match="contains a training run with base tiny_32_"):
        retrained(alone[0].path.parent, ["tuned=0"])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", BASES)
def test_each_base_becomes_a_network_for_any_labels_that_runs_live(name, own_cache, capsys, tmp_path):
    generator, side = np.random.default_rng(0), BASES[name].fewest
    for number in range(12):
        folder = tmp_path / "faces" / ("Wink" if number % 2 else "Yawn")
        folder.mkdir(parents=True, exist_ok=True)
        write_picture(folder / f"{number}.png", tiny.picture(number, generator))
    weights = tmp_path / "random.weights.h5"
    BASES[name].build(include_top=False, weights=None, input_shape=(side, side, 3)).save_weights(weights)
    out, data = tmp_path / "out", ["--data", str(tmp_path / "faces"), "--labels", "Wink,Yawn"]
    words = ["--transfer", name, "--weights", str(weights), "--epochs", "1", "--set", f"side={side}"]
    # Fine-tuning a large base takes long to set up, so only VGG16's few layers are tuned here.
    words += ["--set", "tuned=0.1" if name == "vgg16" else "tuned=0"]
    assert app.main(["train", *data, "--out", str(out), *words]) == 0
    assert "Features of 8 different pictures: 0 from the cache, 8 computed." in capsys.readouterr().out
    assert (out / LABELS_FILE).read_text() == "Wink\nYawn\n"
    model = ["--model", str(out / "expression.tflite")]
    assert app.main(["evaluate", *data, *model]) == 0
    live = ["--source", "demo", "--display", "none", "--duration", "1"]
    assert app.main(["live", *live, *model]) == 0
    assert any(label in capsys.readouterr().out for label in ("Wink", "Yawn", "not sure"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(
            ["--transfer", "resnet"],
            "--transfer is 'resnet'. Expected one of mobilenet, inception, vgg16. Try --transfer mobilenet.",
            id="another name",
        ),
        pytest.param(
            ["--transfer", "vgg16", "--network", "quick", "--mixed"],
            "--transfer is given with --network and --mixed. Expected only one way to choose a network and "
            "the weights that it starts from. Leave out --network and --mixed, or --transfer.",
            id="two ways at once",
        ),
        pytest.param(
            ["--weights", "some.h5"],
            "--weights is some.h5, but --transfer is not given. Expected the name of the network that they "
            "belong to. Add --transfer mobilenet, or use --start for a .keras file.",
            id="weights of nothing",
        ),
        pytest.param(
            ["--transfer", "mobilenet", "--set", "tuned=2"],
            "The recipe has side=96, tuned=2. Expected side 1 to 512, tuned 0 to 1. Leave it out to use the "
            "default.",
            id="more than all layers",
        ),
        pytest.param(
            ["--transfer", "mobilenet", "--weights", "none.h5"],
            "There is no file none.h5. Expected the weights of keras.applications.MobileNetV2 without its "
            "top.",
            id="no such file",
        ),
    ],
)
def test_what_cannot_be_transferred_is_refused(words, told, capsys, tmp_path):
    table = tiny.table(tmp_path / "fer2013.csv")
    assert app.main(["train", "--data", str(table), "--out", str(tmp_path / "out"), *words]) == 2
    assert told in capsys.readouterr().err
