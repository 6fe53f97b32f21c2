"""A network keeps its card and its scores when it becomes a .tflite file, in each of four forms."""

from __future__ import annotations

import errno
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from expression.errors import BadInputError, MissingFileError, MissingPackageError, OutputError, RunError
from expression.labels import Labels
from expression.models import Runtime, load
from expression.models.architectures import keras, layers, save
from expression.models.export import QUANTIZE, common_faces, export
from expression.models.metadata import Card, network_bytes, read_card
from expression.models.registry import SHIPPED
from expression.pictures.image import standardise

# Keras 3.12 copies variables in a way that numpy 2 finds old-fashioned.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

LABELS = Labels(["Happy", "Sad", "Dull"])
HEADS = ("fer2013", "ferplus")
SIZE = 16
FILTERS = 48


def agreement(first: Runtime, second: Runtime, pictures: np.ndarray, head: str | None = None) -> float:
    """The share of pictures for which two networks have the same label."""
    labels = [runtime.scores(pictures, head).argmax(1) for runtime in (first, second)]
    return float((labels[0] == labels[1]).mean())


def faces(count: int) -> np.ndarray:
    """Blurred noise in a network's input format."""
    noise = np.random.default_rng(0).normal(size=(count, SIZE // 2, SIZE // 2))
    return standardise(128 + 50 * noise.repeat(2, 1).repeat(2, 2))


def tiny(size: int | None = SIZE) -> keras.Model:
    """A network with the layers of the shipped one, few filters and random weights that distinguish faces."""
    keras.utils.set_random_seed(4)
    face = keras.Input((size, size, 1), name="face")
    x = layers.Conv2D(FILTERS, 3, padding="same", use_bias=False)(face)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0)(layers.MaxPooling2D()(x)))
    y = layers.Conv2D(FILTERS, 3, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization(momentum=0)(y)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([x, y])))
    # Without it, random weights would find all faces much the same.
    x = layers.BatchNormalization(momentum=0)(x)
    x = layers.Reshape((2, 3))(layers.Dense(6)(x))
    network = keras.Model(face, layers.Softmax()(x))
    network(faces(500), training=True)
    return network


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network for pictures of any size and its card, as a file."""
    path = tmp_path_factory.mktemp("network") / "random.keras"
    save(tiny(None), path, Card(LABELS, SIZE, heads=HEADS, facts={"accuracy_validation": 0.25}))
    return path


@pytest.fixture(scope="module")
def exported(network):
    """The same network in every form, and its card."""
    return {
        form: (path := network.with_name(f"{form}.tflite"), export(network, path, form, faces(100)))
        for form in QUANTIZE
    }


def interpreter(path: Path):
    """The file in LiteRT without its optimisations, which hide the layers."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    return Interpreter(
        model_content=path.read_bytes(),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )


def kinds(path: Path, above: int = 0) -> set[str]:
    """The kinds of numbers in a .tflite file, of tensors with more values than `above`."""
    details = interpreter(path).get_tensor_details()
    return {np.dtype(tensor["dtype"]).name for tensor in details if np.prod(tensor["shape"]) > above}


@pytest.mark.parametrize(
    ("form", "largest", "mean", "same"),
    [
        ("none", 1e-5, 1e-6, 1),
        ("float16", 0.01, 3e-3, 0.98),
        ("dynamic", 0.1, 0.01, 0.97),
        ("int8", 0.3, 0.06, 0.8),
    ],
)
def test_scores_stay_what_they_were(network, exported, form, largest, mean, same):
    before, after = load(network), load(exported[form][0])
    expected = before.all_scores(faces(200))
    assert (np.bincount(expected[:, 1].argmax(1)) > 20).all()  # Faces differ, so agreement means something.
    difference = np.abs(after.all_scores(faces(200)) - expected)
    assert difference.max() < largest
    assert difference.mean() < mean
    assert min(agreement(before, after, faces(200), head) for head in HEADS) >= same


def test_the_card_goes_along_and_tells_how_weights_are_kept(exported):
    for form, (path, card) in exported.items():
        assert read_card(path) == card
        assert (card.labels, card.size, card.heads) == (LABELS, SIZE, HEADS)
        assert card.facts == {"accuracy_validation": 0.25, "weights": form}


def test_dynamic_is_what_one_gets_and_the_same_file_each_time(network, exported, tmp_path):
    export(network, tmp_path / "again.tflite")
    assert (tmp_path / "again.tflite").read_bytes() == exported["dynamic"][0].read_bytes()


def test_smaller_weights_make_a_smaller_file(exported):
    none, *smaller = (exported[form][0].stat().st_size for form in QUANTIZE)
    assert [size / none for size in smaller] == pytest.approx([0.55, 0.3, 0.3], abs=0.05)


@pytest.mark.parametrize(
    ("form", "weights", "between"),
    [
        ("none", "float32", "float32"),
        ("float16", "float16", "float32"),
        ("dynamic", "int8", "float32"),
        ("int8", "int8", "int8"),
    ],
)
def test_numbers_are_kept_as_they_are_called(exported, form, weights, between):
    runs = interpreter(exported[form][0])
    tensors = {tensor["index"]: np.dtype(tensor["dtype"]).name for tensor in runs.get_tensor_details()}
    steps = {step["op_name"]: step for step in runs._get_ops_details()}
    assert tensors[steps["CONV_2D"]["outputs"][0]] == between
    assert weights in kinds(exported[form][0], FILTERS * FILTERS * 9 - 1)
    # All take and return float32, so that a runtime needs only one way.
    assert tensors[runs.get_input_details()[0]["index"]] == "float32"
    assert tensors[runs.get_output_details()[0]["index"]] == "float32"


def test_int8_is_whole_numbers_from_the_first_layer_to_the_last(exported):
    runs = interpreter(exported["int8"][0])
    steps = runs._get_ops_details()
    assert [steps[0]["op_name"], steps[-1]["op_name"]] == ["QUANTIZE", "DEQUANTIZE"]
    tensors = {tensor["index"]: np.dtype(tensor["dtype"]).name for tensor in runs.get_tensor_details()}
    within = {
        tensors[index] for step in steps[1:-1] for index in (*step["inputs"], *step["outputs"]) if index >= 0
    }
    assert within == {"int8", "int32"}  # int32: sums, and the shape of the scores


def test_no_file_computes_its_shapes_at_every_face(exported):
    for path, _ in exported.values():
        assert not {"SHAPE", "PACK"} & {step["op_name"] for step in interpreter(path)._get_ops_details()}


def test_ranges_of_int8_come_from_the_faces_given(network, exported, tmp_path):
    export(network, tmp_path / "x.tflite", "int8", 0.5 * faces(100))
    assert step(tmp_path / "x.tflite") == pytest.approx(0.5 * step(exported["int8"][0]), rel=0.02)


def step(path: Path) -> float:
    """The step between the grey levels of an int8 network's input."""
    runs = interpreter(path)
    first = runs._get_ops_details()[0]["outputs"][0]
    return next(t for t in runs.get_tensor_details() if t["index"] == first)["quantization"][0]


def test_int8_without_faces_takes_those_that_everybody_has(network, exported, tmp_path):
    pytest.importorskip("skimage")
    export(network, tmp_path / "x.tflite", "int8")
    assert agreement(load(exported["none"][0]), load(tmp_path / "x.tflite"), common_faces(SIZE)) > 0.8


def test_the_faces_that_everybody_has_are_those_of_people_and_their_mirror_images():
    pytest.importorskip("skimage")
    pictures = common_faces(24)
    assert (pictures.shape, pictures.dtype) == ((200, 24, 24, 1), np.float32)
    assert np.abs(pictures.mean((1, 2))).max() < 1e-5
    np.testing.assert_allclose(pictures[1::2], pictures[::2, :, ::-1], atol=0.02)


def test_without_scikit_image_int8_asks_for_it_or_for_faces(network, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    with pytest.raises(MissingPackageError, match=r"int8 without your own faces needs .*scikit-image"):
        export(network, tmp_path / "x.tflite", "int8")


@pytest.mark.parametrize(
    "change",
    [lambda f: f * 50 + 128, lambda f: f / 5 + 0.5, lambda f: f / 10, lambda f: f * 0, lambda f: f * np.nan],
    ids=["0 to 255", "0 to 1", "faint", "blank", "no numbers"],
)
def test_faces_that_are_not_standardised_are_told_before_the_work(network, tmp_path, no_work, change):
    with pytest.raises(
        BadInputError, match=r"have mean \S+, standard deviation \S+\. Expected a mean of about 0"
    ):
        export(network, tmp_path / "x.tflite", "int8", change(faces(20)))


@pytest.mark.parametrize("shape", [(0, SIZE, SIZE, 1), (5, 48, 48, 1), (SIZE, SIZE, 1)], ids=str)
def test_faces_of_another_shape_are_told_before_the_work(network, tmp_path, no_work, shape):
    with pytest.raises(BadInputError, match=r"faces have shape \(.*Expected \(n, 16, 16, 1\).*standardise"):
        export(network, tmp_path / "x.tflite", "int8", np.zeros(shape, np.float32))


def test_a_network_of_one_head_may_give_its_scores_without_one(tmp_path):
    face = keras.Input((SIZE, SIZE, 1))
    flat = layers.Dense(3, activation="softmax")(layers.Flatten()(face))
    save(keras.Model(face, flat), tmp_path / "flat.keras", Card(LABELS, SIZE))
    export(tmp_path / "flat.keras", tmp_path / "flat.tflite")
    for ending in ("keras", "tflite"):
        assert load(tmp_path / f"flat.{ending}").all_scores(faces(2)).shape == (2, 1, 3)


def test_a_network_taught_in_half_precision_is_exported_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = tiny()
    finally:
        keras.config.set_dtype_policy("float32")
    save(model, tmp_path / "half.keras", Card(LABELS, SIZE, heads=HEADS))
    export(tmp_path / "half.keras", tmp_path / "whole.tflite", "none")
    assert kinds(tmp_path / "whole.tflite") == {"float32", "int32"}


def test_another_word_for_quantize_is_refused(network):
    with pytest.raises(
        BadInputError, match=r"'int4'. Expected none, float16, dynamic, int8. Did you mean int8\?"
    ):
        export(network, network.with_name("x.tflite"), "int4")
    with pytest.raises(BadInputError, match=r"'small'. .* Try --quantize dynamic\."):
        export(network, network.with_name("x.tflite"), "small")


def test_a_missing_network_is_told(tmp_path):
    with pytest.raises(MissingFileError, match=r"The network .* was not found"):
        export(tmp_path / "none.keras", tmp_path / "x.tflite")


def test_another_backend_is_told_with_the_way_out(network, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RunError, match=r"Keras runs on jax\. Expected tensorflow.*KERAS_BACKEND=tensorflow"):
        export(network, tmp_path / "x.tflite")


@pytest.fixture
def no_work(monkeypatch):
    """Fails the test if anything is converted."""
    monkeypatch.setattr("expression.models.export._convert", lambda *_: pytest.fail("converted all the same"))


@pytest.mark.parametrize("folder", ["none", "random.keras"], ids=["missing", "a file"])
def test_what_is_no_folder_is_told_before_the_work(network, no_work, folder):
    with pytest.raises(OutputError, match=r"x\.tflite cannot be written"):
        export(network, network.parent / folder / "x.tflite")


@pytest.mark.parametrize("name", ["net.bin", "net", "x.keras"])
def test_another_ending_is_told_before_the_work(network, tmp_path, no_work, name):
    with pytest.raises(OutputError, match=rf"{name} does not end in \.tflite\. .* Try (net|x)\.tflite"):
        export(network, tmp_path / name)


def test_nothing_half_written_is_left_where_the_target_is_a_folder(network, tmp_path, monkeypatch):
    monkeypatch.setattr("expression.models.export._convert", lambda *_: network_bytes(SHIPPED))
    (tmp_path / "x.tflite").mkdir()
    with pytest.raises(OutputError, match=r"x\.tflite cannot be written"):
        export(network, tmp_path / "x.tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["x.tflite"]


def test_a_full_disk_is_told_and_leaves_the_file_before_it(network, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "x.tflite").write_text("the one before")
    monkeypatch.setattr("expression.models.export._convert", lambda *_: b"")
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(
        OutputError, match=r"\(No space left on device\).* space on the disk\. .*free some space"
    ):
        export(network, tmp_path / "x.tflite")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("x.tflite", "the one before")]


def test_a_full_folder_for_temporary_files_is_told(network, tmp_path, monkeypatch):
    from tensorflow import errors

    def full(*_, **__):
        raise errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(keras.export.ExportArchive, "write_out", full)
    with pytest.raises(OutputError, match=r"x\.tflite cannot be written \(no space left in .*\)\. Expected"):
        export(network, tmp_path / "x.tflite")
    assert not list(tmp_path.iterdir())


def test_damaged_weights_are_told(network, tmp_path):
    path = tmp_path / "cut.keras"
    with zipfile.ZipFile(network) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name)[: 5_000 if name.endswith(".h5") else None])
    with pytest.raises(BadInputError, match=r"cut\.keras cannot be read \(.*Train it again"):
        export(path, tmp_path / "x.tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["cut.keras"]


def test_the_converter_is_quiet(network, tmp_path):
    code = f"""
from expression.models.export import export
for form in ("dynamic", "int8"):
    export({str(network)!r}, form + ".tflite", form)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dynamic.tflite", "int8.tflite"]
