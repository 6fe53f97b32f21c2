"""A network learns a user's own labels from few pictures, and is tested with others."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import strangers
import tiny
from strangers import STRANGERS, softmax

from expression.cli import app
from expression.datasets.dataset import Split
from expression.errors import BadInputError, MissingFileError, OutputError
from expression.labelbook.book import LabelBook
from expression.labels import Labels
from expression.models import external_keras, load
from expression.models.architectures import keras
from expression.models.export import export
from expression.models.metadata import read_card
from expression.models.registry import SHIPPED
from expression.pictures.image import standardise
from expression.teaching.drawn_faces import LABELS, practice
from expression.training.held_back import held_back, parts_of
from expression.training.personalise import _parted, _places, live_layer, personalise

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5"),
]


@pytest.fixture(scope="module")
def drawn():
    return practice(600)


def few(split: Split, count: int, session: str) -> Split:
    """The first pictures of each label, all of one session."""
    chosen = np.concatenate([np.flatnonzero(split.indexes == index)[:count] for index in range(len(LABELS))])
    return Split(split.pictures[chosen], split.indexes[chosen], groups=np.full(len(chosen), session))


def joined(*splits: Split) -> Split:
    return Split(
        *(np.concatenate([getattr(s, name) for s in splits]) for name in ("pictures", "indexes")),
        groups=np.concatenate([s.groups for s in splits]),
    )


@pytest.fixture(scope="module")
def mine(drawn):
    """Twelve pictures of each label on monday, and others on tuesday."""
    return joined(few(drawn.training, 12, "monday"), few(drawn.test, 12, "tuesday"))


@pytest.fixture(scope="module")
def shipped():
    """The shipped network, opened once."""
    return load(SHIPPED.with_suffix(".keras"))


@pytest.fixture
def brief(monkeypatch):
    """One distorted copy of each picture and two strengths, where only the way counts."""
    monkeypatch.setattr("expression.training.personalise.VIEWS", 1)
    monkeypatch.setattr("expression.training.last_layer.STRENGTHS", (0.1, 1.0))


@pytest.fixture
def ready(brief, shipped, monkeypatch):
    """The same, beginning with the shipped network that is open already."""
    monkeypatch.setattr("expression.training.personalise._start", lambda path: shipped)


@pytest.fixture(scope="module")
def made(mine, tmp_path_factory):
    return personalise(mine, LABELS, tmp_path_factory.mktemp("mine") / "mine.keras")


def test_it_is_better_on_the_session_that_was_held_back(made):
    assert (made.sessions, made.learned, made.tested) == (("tuesday",), 60, (12,) * 5)
    assert made.strange == ()
    assert made.change == "weights"
    assert made.after.balanced > made.before.balanced + 0.05
    assert made.every == made.after
    low, high = made.interval
    assert low <= made.after.balanced - made.before.balanced <= high


def test_the_network_is_a_normal_one(made, mine):
    card = read_card(made.path)
    assert (list(card.labels), card.heads) == (list(LABELS), ("labels",))
    assert card.facts == {"began_with": "expression.keras", "learned_from": 60}
    assert load(made.path).scores(np.zeros((2, 48, 48, 1), np.float32)).shape == (2, 5)
    assert keras.models.load_model(made.path).get_layer("logits").units == 5


def test_labels_that_the_network_never_heard_of_are_learned(ready, mine, tmp_path):
    labels = Labels(["Grumpy", "Beaming", "Gloomy", "Startled", "Blank"])
    result = personalise(mine, labels, tmp_path / "mine.keras")
    assert (result.before, result.after, result.interval, result.strange) == (None, None, None, tuple(labels))
    assert result.every.plain > 0.5


def test_labels_without_pictures_are_left_out(ready, mine, tmp_path):
    two = mine.take(mine.indexes < 2)
    result = personalise(two, LABELS, tmp_path / "mine.keras")
    assert list(result.labels) == list(LABELS)[:2]


def test_the_last_session_is_held_back_and_of_one_a_quarter_without_twins(mine):
    learned, tested, sessions = held_back(mine)
    assert (sessions, set(learned.groups), set(tested.groups)) == (("tuesday",), {"monday"}, {"tuesday"})
    learned, tested, sessions = held_back(mine.take(mine.groups == "monday"))
    assert sessions == ()
    assert 0.15 < len(tested) / 60 < 0.45


def noise(sizes: dict[str, int]) -> Split:
    """A number of pictures of each session that are unlike any other."""
    groups = np.repeat(list(sizes), list(sizes.values()))
    pictures = np.random.default_rng(0).integers(0, 256, (len(groups), 48, 48), np.uint8)
    return Split(pictures, np.arange(len(groups)) % 2, groups=groups)


@pytest.mark.parametrize(
    ("sizes", "held"),
    [
        pytest.param({"z": 30, "a": 30, "m": 40}, ("m",), id="a large one alone, the last in the file"),
        pytest.param(
            {f"S{number}": 5 for number in range(20)}, ("S15", "S16", "S17", "S18", "S19"), id="people"
        ),
        pytest.param({"a": 75, "b": 15, "c": 10}, ("b", "c"), id="a quarter"),
        pytest.param({"a": 74, "b": 16, "c": 10}, ("c",), id="more than a quarter"),
        pytest.param({"a": 10, "b": 90}, ("b",), id="two"),
        pytest.param({"": 60, "a": 20, "b": 20}, ("b",), id="some without a session"),
    ],
)
def test_sessions_are_held_back_from_the_last_one_up_to_a_quarter(sizes, held):
    pictures = noise(sizes)
    learned, tested, sessions = held_back(pictures)
    assert sessions == held
    assert set(tested.groups) == set(held)
    assert len(learned) + len(tested) == len(pictures)


def test_what_is_near_equal_to_a_picture_that_is_held_back_is_not_learned_from():
    pictures = noise({"monday": 40, "tuesday": 20})
    pictures.pictures[[3, 7]] = pictures.pictures[[41, 42]]
    pictures.pictures[11] = pictures.pictures[43] // 2  # the same in less light
    learned, tested, _ = held_back(pictures)
    assert (len(learned), len(tested)) == (37, 20)
    gone = pictures.pictures[[3, 7, 11]]
    assert not any((picture == learned.pictures).all((1, 2)).any() for picture in gone)


def test_twins_that_leave_too_little_to_learn_from_are_told(ready, tmp_path):
    pictures = noise({"monday": 18, "tuesday": 20})
    pictures.pictures[[0, 2]] = pictures.pictures[[30, 32]]
    said = r"without near-duplicates of test pictures \(2\)\. .* Take another session"
    with pytest.raises(BadInputError, match=said):
        personalise(pictures, Labels(["Happy", "Sad"]), tmp_path / "mine.keras")


def test_labels_that_are_new_are_told_from_those_that_it_knew(ready, mine, tmp_path):
    labels = Labels(["Angry", "Happy", "Gloomy", "Startled", "Neutral"])
    result = personalise(mine, labels, tmp_path / "mine.keras")
    assert result.strange == ("Gloomy", "Startled")
    assert result.every.balanced > 0.5
    assert result.after.balanced >= result.before.balanced - 0.1


def test_scores_are_not_much_surer_than_they_are_right(made, mine):
    tested = mine.take(mine.groups == "tuesday")
    scores = load(made.path).scores(standardise(tested.pictures))
    assert scores.max(1).mean() < made.after.plain + 0.1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda mine: mine.take(mine.indexes == 1),
            r"There are only pictures of Happy\. Expected two or more labels\. Take pictures of another",
        ),
        (
            lambda mine: mine.take((mine.indexes != 2) | (np.arange(len(mine)) % 2 > 0)),
            r"too few training pictures: 6 of Sad\. Expected 8 .* Take another session with 8 of each",
        ),
        (
            lambda mine: mine.take(mine.groups == "monday").take(np.arange(60) % 12 < 6),
            r"too few training pictures: \d of Angry, .*\. Expected 8 .* Take two more sessions with 8 of",
        ),
    ],
    ids=["one label", "a label with few", "one session with few"],
)
def test_too_little_is_told_with_what_to_capture(ready, mine, tmp_path, change, said):
    with pytest.raises(BadInputError, match=said):
        personalise(change(mine), LABELS, tmp_path / "mine.keras")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("start", "error", "said"),
    [
        ("none.keras", MissingFileError, r"The network .*none\.keras was not found"),
        ("text.keras", BadInputError, r"text\.keras is not a network"),
        ("cut.keras", BadInputError, r"cut\.keras cannot be read|cut\.keras is not a network"),
        (str(SHIPPED), BadInputError, r"--start is .*expression\.tflite\. Expected a \.keras file"),
    ],
)
def test_a_network_to_begin_with_that_cannot_be_is_told(mine, tmp_path, start, error, said):
    (tmp_path / "text.keras").write_text("no network")
    (tmp_path / "cut.keras").write_bytes(SHIPPED.with_suffix(".keras").read_bytes()[:100_000])
    with pytest.raises(error, match=said):
        personalise(mine, LABELS, tmp_path / "mine.keras", start=tmp_path / start)
    assert not (tmp_path / "mine.keras").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine.tflite", r"Expected a file name that ends in \.keras"),
        ("nowhere/mine.keras", r"There is no folder .*nowhere\. Expected one for --out"),
    ],
)
def test_a_place_that_cannot_be_is_told_at_once(mine, tmp_path, name, said):
    with pytest.raises(OutputError, match=said):
        personalise(mine, LABELS, tmp_path / name)


POOLED = ("224 rgb, wrapped, with its own preparation", "any size")
"""Networks that do not see where something is."""


@pytest.fixture(scope="module")
def halves():
    """Pictures that are bright above or below, of two days."""
    days = [tiny.split(40, seed) for seed in (1, 2)]
    return joined(*(Split(d.pictures, d.indexes, groups=np.full(40, str(n))) for n, d in enumerate(days)))


def adopted(name: str, folder: Path) -> Path:
    """Somebody else's network with its card, as `foreign_keras` writes it."""
    stranger = STRANGERS[name]
    theirs = strangers.save(stranger.build(keras), folder / "theirs.keras")
    words = (stranger.labels, stranger.input, "", str(folder / "begun.keras"), "none", "")
    external_keras.tidied(str(theirs), *words)
    return folder / "begun.keras"


EXPORTED = ("two answers", "channels first", "one long row", "one face at a time", "whole numbers in")
"""Networks whose input or output is unlike that of ours, so that exporting what was made of them may fail."""


@pytest.mark.parametrize(
    "name",
    [
        *(
            "48 grey 0..255, logits, eight labels",
            "64 rgb 0..1",
            "224 rgb, wrapped, with its own preparation",
        ),
        *("one sigmoid", "grey three times, ImageNet's scaling", "any size", "a sigmoid for each label"),
        *EXPORTED,
    ],
)
def test_a_network_from_elsewhere_learns_ones_own_labels(brief, halves, tmp_path, name):
    begun = adopted(name, tmp_path)
    before = load(begun)
    made = personalise(halves, Labels(["Beaming", "Gloomy"]), tmp_path / "mine.keras", begun)
    after = load(made.path)
    assert (list(after.labels), made.before) == (["Beaming", "Gloomy"], None)
    assert (after.card.input, after.card.colour) == (before.card.input, before.card.colour)
    if name not in POOLED:
        assert made.every.plain > 0.8  # random weights see as much
    if name in EXPORTED:
        export(made.path, tmp_path / "mine.tflite", "none")
        scores = [
            runtime.scores_of(halves.pictures[:9]) for runtime in (after, load(tmp_path / "mine.tflite"))
        ]
        np.testing.assert_allclose(*scores, atol=1e-4)


@pytest.mark.parametrize("name", ["48 grey 0..255, logits, eight labels", "two answers", "one sigmoid"])
def test_what_a_network_knew_is_where_learning_begins(mine, tmp_path, name):
    begun = load(adopted(name, tmp_path))
    labels = Labels(list(begun.labels)[::-1])
    eyes, judge = _parted(begun)
    layer = live_layer(begun, judge, labels)
    faces = np.stack([begun.preprocess(picture) for picture in mine.pictures[:9]])
    sums = np.asarray(eyes(begun.taken(faces))) @ layer.kernel + layer.bias
    assert not layer.new.any()
    np.testing.assert_allclose(softmax(sums)[:, ::-1], begun.scores(faces), atol=1e-5)


@pytest.mark.parametrize("sensitivity", [0.0, 0.4, 1.0])
def test_learning_begins_with_what_a_live_run_says(mine, shipped, monkeypatch, sensitivity):
    begun = shipped
    monkeypatch.setattr(begun, "sensitivity", sensitivity)
    eyes, judge = _parted(begun)
    faces = np.stack([begun.preprocess(picture) for picture in mine.pictures[:9]])
    layer = live_layer(begun, judge, begun.labels)
    found = np.exp(layer.logits(np.asarray(eyes(begun.taken(faces)))))
    np.testing.assert_allclose(found, begun.scores(faces), atol=1e-5)


def test_a_network_that_nothing_makes_better_is_kept(ready, drawn, tmp_path):
    guessed = few(drawn.training, 12, "monday")
    guessed.indexes[:] = np.random.default_rng(0).permutation(guessed.indexes)  # nothing can be learned
    kept = personalise(joined(guessed, few(drawn.test, 12, "tuesday")), LABELS, tmp_path / "mine.keras")
    assert (kept.path, kept.change, kept.before) == (None, "nothing", kept.after)
    assert list(tmp_path.iterdir()) == []


def test_twelve_pictures_of_each_label_from_one_sitting_are_enough_to_try(ready, mine, tmp_path):
    made = personalise(mine.take(mine.groups == "monday"), LABELS, tmp_path / "mine.keras")
    assert made.sessions == ()
    assert made.learned + sum(made.tested) == 60


def test_a_part_that_is_left_out_has_no_near_duplicate_among_the_rest_and_whole_sessions():
    pictures = noise({"a": 20, "b": 20, "c": 20, "d": 20, "e": 20})
    parts = parts_of(pictures)
    assert len(set(parts)) > 1
    assert all(len(set(parts[pictures.groups == name])) == 1 for name in "abcde")
    alone = noise({"a": 40})
    alone.pictures[[30, 31, 32]] = alone.pictures[[0, 1, 2]]
    parts = parts_of(alone)
    assert len(set(parts)) > 1
    assert (parts[[30, 31, 32]] == parts[[0, 1, 2]]).all()


def test_a_label_that_looks_like_one_of_a_network_is_that_one():
    assert _places(Labels(["Sad", "very  happy"]), Labels(["Very Happy", "Sad"])).tolist() == [1, 0]


def test_labels_that_a_network_calls_otherwise_are_known(brief, mine, tmp_path):
    begun = adopted("48 grey 0..255, logits, eight labels", tmp_path)
    made = personalise(mine, LABELS, tmp_path / "mine.keras", begun)
    assert list(LABELS) == ["Angry", "Happy", "Sad", "Surprise", "Neutral"]
    assert made.strange == ()


def test_a_network_without_a_dense_layer_at_its_end_is_told(mine, tmp_path):
    begun = adopted("mini_XCEPTION, 64 grey -1..1", tmp_path)
    said = r"begun\.keras cannot be personalised \(it ends with the layer .*, a GlobalAveragePooling2D\)\."
    with pytest.raises(
        BadInputError, match=said + r" Expected .*dense.* Choose another --start, or leave it out"
    ):
        personalise(mine, LABELS, tmp_path / "mine.keras", begun)
    assert not (tmp_path / "mine.keras").exists()


def test_a_network_that_says_nothing_of_itself_is_told_with_the_command_that_makes_it_usable(
    mine, tmp_path, monkeypatch
):
    monkeypatch.setattr(  # without a process of its own
        "expression.models.external.call",
        lambda function, *words, happened: getattr(external_keras, function.partition(":")[2])(*words),
    )
    theirs = strangers.save(STRANGERS["64 rgb 0..1"].build(keras), tmp_path / "theirs.h5")
    with pytest.raises(BadInputError, match=r"export --model .*theirs\.h5 .* --out theirs-labelled\.keras$"):
        personalise(mine, LABELS, tmp_path / "mine.keras", theirs)


def test_the_command_compares_and_its_network_runs_live(
    brief, mine, tmp_path, monkeypatch, capfd, until_read
):
    monkeypatch.chdir(tmp_path)
    LABELS.write(tmp_path / "labelList.csv")
    with LabelBook() as book:
        for picture, index, session in zip(mine.pictures, mine.indexes, mine.groups, strict=True):
            book.add(picture, LABELS[index], session)
    assert app.main(["personalise"]) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[0] == "Trained on 60 pictures of Angry, Happy, Sad, Surprise, Neutral."
    assert out[1] == "Tested on 60 others of session tuesday:"
    assert re.fullmatch(
        r"  before \d+\.\d% correct \(balanced .*\), after \d+\.\d% correct \(balanced .*\)", out[2]
    )
    assert re.fullmatch(r"  gain in balanced accuracy: \+\d+\.\d points \(95% interval .* to .*\)", out[3])
    assert out[4] == "Changed: the weights of the last layer."
    assert len(out) == 6
    assert out[-1] == "Next: expression live --model mine.tflite"
    assert os.path.getsize("mine.tflite") > 10**6
    words = ["live", "--source", "demo", "--duration", "0.5", "--display", "none", "--model", "mine.tflite"]
    assert app.main(words) == 0
    assert re.search(r"\d frames?, ", capfd.readouterr().out)
