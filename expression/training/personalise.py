"""Makes the shipped network a reader's own: the same eyes, another judgement, taught in seconds.

The layers that look at a face stay as they are; what they find in each picture, distorted in
many ways, is written down once. Then only the last layer learns, from the reader's own labels,
and stays near what it knew before: ten pictures say less than the thousands it learned from.
Ten pictures of each are enough to begin with. `expression personalise` calls it.

Sources: Yosinski et al., How transferable are features in deep neural networks?, 2014, https://arxiv.org/abs/1411.1792;
Li et al., Explicit Inductive Bias for Transfer Learning with Convolutional Networks, 2018, https://arxiv.org/abs/1802.01483

Notebook: 07_your_face
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..datasets.dataset import Split, split_by_group
from ..datasets.synonyms import label_meant
from ..errors import BadInputError, OutputError, as_bad_input
from ..labelbook.session_times import in_order
from ..labels import Labels
from ..models.architectures import LOGITS, headed, keras, save
from ..models.engines import KerasRuntime
from ..models.external import inspect
from ..models.formats import KERAS, SAVED_MODEL, TFLITE, kind_of
from ..models.heads import eyes_of
from ..models.metadata import ONE_HEAD, has_card
from ..models.registry import SHIPPED
from ..models.runtime import Runtime, load
from ..pictures.hashes import difference_hashes
from .augmentation import distort

FEWEST = 10
"""Pictures of a label that can be learned from."""

VIEWS = 8
"""Times that each picture is seen, each time distorted in another way."""

EPOCHS, RATE = 60, 3e-3
"""How the last layer is taught: rounds over all views, and Adam's rate."""

PULL, PULL_NEW = 0.3, 0.01
"""How strongly weights are held to those they begin with: of labels that the network knew, and of new ones,
which begin with nothing. benchmarks/README.md tells how they were chosen."""

SHARE = 0.25
"""Share of the pictures that is kept to test with: about so many of one session; of several, the last one and
those before it as long as they are no more together."""

FEWEST_TESTED = 5
"""Pictures of a label below which its figure is chance."""


@dataclass(frozen=True)
class Personalised:
    """What came of it.

    Attributes:
        path: The new network, a .keras file with its card.
        labels: What it tells apart.
        learned: Pictures that it learned from.
        tested: Pictures of each label that it was tested with, in the order of the labels.
        twins: Pictures that were left out, since one of those it was tested with is near-equal.
        sessions: The sessions that were held back to test with, in order; none where there is one only.
        strange: Labels that the network did not know before.
        before: Share of all tested pictures that it read right before, 0 to 1.
        after: The same now.
        known_before: Share of the tested pictures whose labels it knew; None where there are none.
        known_after: The same now.
    """

    path: Path
    labels: Labels
    learned: int
    tested: tuple[int, ...]
    twins: int
    sessions: tuple[str, ...]
    strange: tuple[str, ...]
    before: float
    after: float
    known_before: float | None
    known_after: float | None


def personalise(
    pictures: Split, labels: Labels, out: str | Path, start: str | Path | None = None, seed: int = 0
) -> Personalised:
    """Teaches a network the labels of a reader's own pictures, and tests it with pictures held back.

    Args:
        pictures: All of them; `groups` are the sessions; `held_back` says which are tested with.
        labels: What their indexes mean; those that no picture has are left out.
        out: The .keras file to write.
        start: The network to begin with; None for the shipped one.
        seed: Decides the distortions.

    Raises:
        BadInputError: There are too few pictures, or of one label only, and the message says what to capture;
            or `start` is no such network.
        MissingFileError: `start` is not there.
        OutputError: The file cannot be written.
    """
    out, start = Path(out), Path(start or SHIPPED.with_suffix(".keras"))
    if out.suffix != ".keras" or not out.parent.is_dir():
        raise OutputError(
            f"--out is {out}.",
            "Expected a file name that ends in .keras, in an existing folder.",
            "Choose one.",
        )
    begun = _start(start)
    pictures, labels = _used(pictures, labels)
    learned, tested, sessions = held_back(pictures)
    twins = len(pictures) - len(learned) - len(tested)
    _check(learned, tested, labels, twins)
    eyes, judge = _parted(begun)
    places = _places(labels, begun.labels)
    strange = tuple(label for label, place in zip(labels, places, strict=True) if place < 0)
    known = (places >= 0)[tested.indexes]
    before = _right(begun, tested, places)
    made = headed(eyes, labels)
    made.get_layer(LOGITS).set_weights(_taught(begun, eyes, judge, learned, places, seed))
    facts = {"began_with": start.name, "learned_from": len(learned)}
    save(made, out, replace(begun.card, labels=labels, heads=ONE_HEAD, facts=facts, answers="scores"))
    after = _right(load(out), tested, np.arange(len(labels)))
    counts = tuple(np.bincount(tested.indexes, minlength=len(labels)).tolist())
    of_known = [float(right[known].mean()) if known.any() else None for right in (before, after)]
    return Personalised(
        out, labels, len(learned), counts, twins, sessions, strange, before.mean(), after.mean(), *of_known
    )


def _start(path: Path) -> KerasRuntime:
    """Opens the network to begin with."""
    if kind_of(path) in (TFLITE, SAVED_MODEL):
        raise BadInputError(
            f"--start is {path}.", "Expected a .keras file; other kinds cannot be trained.", "Choose one."
        )
    if not has_card(path):
        inspect(path, KERAS)  # tells how it becomes a file that says what it knows
    return load(path)


def _parted(begun: KerasRuntime) -> tuple[keras.Model, keras.layers.Dense]:
    """Returns what a network finds in a face, and the layer that is taught again."""
    with as_bad_input(
        f"{begun.path} cannot be personalised",
        "Expected a network whose last layer with weights is dense.",
        "Choose another --start, or leave it out for the shipped network.",
    ):
        return eyes_of(begun.network, begun.outputs[min(begun.live_head, len(begun.outputs) - 1)])


def held_back(pictures: Split) -> tuple[Split, Split, tuple[str, ...]]:
    """Returns pictures to learn from, others to test with, and the sessions of the latter.

    The last session is held back, and those before it as long as all of them are a quarter of the pictures
    at most. Which is the last, their times say, or else the order of the pictures. What has a near-equal
    picture there is on neither side. Where there is one session only, a quarter of each label is held back,
    and no picture has a twin on the other side.
    """
    groups = pictures.groups
    # One that was taken up again counts as late as its last picture.
    backwards = [] if groups is None else dict.fromkeys(groups[::-1].tolist())
    sessions = in_order(name for name in reversed(backwards) if name)
    if len(sessions) < 2:
        alone = Split(pictures.pictures, pictures.indexes)
        return (*split_by_group(alone, [SHARE]), ())
    first = len(sessions) - 1
    while first > 1 and np.isin(groups, sessions[first - 1 :]).sum() <= SHARE * len(pictures):
        first -= 1
    last = np.isin(groups, sessions[first:])
    sketched = difference_hashes(pictures.pictures)
    twins = ~last & np.isin(sketched, sketched[last])
    return pictures.take(~last & ~twins), pictures.take(last), tuple(sessions[first:])


def _used(pictures: Split, labels: Labels) -> tuple[Split, Labels]:
    """Returns the pictures with the labels that are in use alone."""
    used = np.unique(pictures.indexes)
    if len(used) < 2:
        names = " and ".join(labels[index] for index in used) or "no label"
        raise BadInputError(
            f"There are only pictures of {names}.",
            "Expected two or more labels.",
            "Take pictures of another label with: expression label.",
        )
    indexes = np.searchsorted(used, pictures.indexes)
    split = Split(pictures.pictures, indexes, groups=pictures.groups)
    return split, Labels([labels[index] for index in used])


def _check(learned: Split, tested: Split, labels: Labels, twins: int) -> None:
    """Raises a BadInputError that says what to capture, where there is too little."""
    counts, more = (np.bincount(part.indexes, minlength=len(labels)) for part in (learned, tested))
    few = [f"{count} of {label}" for label, count in zip(labels, counts, strict=True) if count < FEWEST]
    if few:
        # The next session is held back in its turn, and the one that is held back now is learned from.
        enough = (counts + more).min() >= FEWEST
        without = f", without near-duplicates of test pictures ({twins})" if twins else ""
        raise BadInputError(
            f"There are too few training pictures: {', '.join(few)}{without}.",
            f"Expected {FEWEST} pictures of each label, besides those for testing.",
            f"Take {'another session' if enough else 'two more sessions'} with {FEWEST} of each label, since "
            "the last session is used only for testing: expression label.",
        )
    if not len(tested):
        raise BadInputError(
            "There are no pictures left for testing.",
            "Expected some that differ from the training pictures.",
            "Take a second session on another day: expression label.",
        )


def _taught(
    begun: KerasRuntime,
    eyes: keras.Model,
    judge: keras.layers.Dense,
    learned: Split,
    places: np.ndarray,
    seed: int,
) -> list[np.ndarray]:
    """Returns the weights of a last layer that was taught with views of the pictures."""
    generator = np.random.default_rng(seed)
    found = []
    for view in range(VIEWS):
        faces = [distort(picture, generator, mirrored=bool(view % 2)) for picture in learned.pictures]
        for part in range(0, len(faces), begun.batch):
            taken = np.stack([begun.preprocess(face) for face in faces[part : part + begun.batch]])
            found.append(eyes.predict(begun.taken(taken), batch_size=begun.batch, verbose=0))
    found = np.concatenate(found)
    keras.utils.set_random_seed(seed)
    kernel, bias, new = _begun(begun, judge, places)
    layer = keras.layers.Dense(len(places), kernel_regularizer=_Pull(kernel, np.where(new, PULL_NEW, PULL)))
    judge = keras.Sequential([keras.Input(found.shape[1:]), layer])
    layer.set_weights([kernel, bias])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    judge.compile(keras.optimizers.Adam(RATE), loss, jit_compile=False)
    indexes = np.tile(learned.indexes, VIEWS)
    counts = np.bincount(learned.indexes)
    judge.fit(found, indexes, 128, EPOCHS, verbose=0, sample_weight=(counts.mean() / counts)[indexes])
    return layer.get_weights()


class _Pull(keras.regularizers.Regularizer):
    """Holds weights to those they began with, each label's as strongly as it is told."""

    def __init__(self, begun: np.ndarray, strengths: np.ndarray):
        self.begun, self.strengths = np.float32(begun), np.float32(strengths)

    def __call__(self, weights):
        return keras.ops.sum(self.strengths * keras.ops.square(weights - self.begun))


def _begun(
    begun: KerasRuntime, judge: keras.layers.Dense, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns weights and offsets to begin with, nothing for labels that are new, and which these are."""
    kernel, bias = (*judge.get_weights(), np.zeros(judge.units, np.float32))[:2]
    if judge.units == 1:  # one number that speaks for the second of two labels
        kernel, bias = (np.concatenate([np.zeros_like(part), part], -1) for part in (kernel, bias))
    first = len(begun.labels) * begun.live_head if len(begun.outputs) == 1 else 0
    new = places < 0
    return np.where(new, 0, kernel[:, first + places]), np.where(new, 0, bias[first + places]), new


def _places(labels: Labels, known: Labels) -> np.ndarray:
    """Returns (n,) where each label stands among those that a network knows, maybe by another word, or -1."""
    places = [known.index(label) if known.find(label) else -1 for label in labels]
    for number, label in enumerate(labels):
        meant = label_meant(label, known) if places[number] < 0 else None
        if meant and known.index(meant) not in places:
            places[number] = known.index(meant)
    return np.array(places)


def _right(runtime: Runtime, tested: Split, places: np.ndarray) -> np.ndarray:
    """Returns (n,) bool: of which pictures a network gives the right one of its own labels."""
    return runtime.scores_of(tested.pictures).argmax(1) == places[tested.indexes]
