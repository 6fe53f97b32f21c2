"""Files of older Keras are read; Python code in a file is never run; what cannot be read has a way out."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import strangers
from strangers import FACE, SEVEN, STRANGERS, save

from expression.errors import BadInputError
from expression.models import load
from expression.models.architectures import keras, layers
from expression.models.external_keras import converted, examined, tidied
from expression.models.metadata import read_card
from expression.models.runtime import KerasRuntime

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5"),
]

OLD_LAYERS = {
    "DepthwiseConv2D": {"groups": 1},
    "SeparableConv2D": {
        "groups": 1,
        "kernel_initializer": {"class_name": "VarianceScaling", "config": {"scale": 1.0}},
        "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.01}},
        "kernel_constraint": None,
    },
}
"""What Keras 2 writes in addition to Keras 3.

Source: https://github.com/oarriaga/face_classification/issues/165
"""


def aged(path):
    """Makes an .h5 file look as Keras 2 would have written it."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            layer["config"] |= OLD_LAYERS.get(layer["class_name"], {})
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.4.0"
    return path


def adopt(path, folder, text="0..1", labels=SEVEN):
    """Reads a network in this process, and opens the result."""
    tidied(str(path), labels, text, "mine.keras", str(folder / "mine.keras"), "none", "")
    return KerasRuntime(folder / "mine.keras", read_card(folder / "mine.keras"))


def separable():
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            keras.Input((64, 64, 1)),
            layers.SeparableConv2D(8, 3, strides=3),
            layers.DepthwiseConv2D(3, strides=3),
            layers.Flatten(),
            layers.Dense(7, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("build", [separable, lambda: STRANGERS["mini_XCEPTION, 64 grey -1..1"].build(keras)])
def test_a_network_of_keras_2_is_read_as_it_was(tmp_path, build):
    network = build()
    path = aged(save(network, tmp_path / "old.h5"))
    with pytest.raises((TypeError, ValueError), match="Unrecognized keyword arguments"):
        keras.models.load_model(path, compile=False)
    before = path.read_bytes()
    runtime = adopt(path, tmp_path)
    expected = np.asarray(network(strangers.grey(64)(FACE)[None] / 255))
    np.testing.assert_allclose(runtime.scores_of([FACE]), expected, atol=1e-5)
    assert path.read_bytes() == before


def rewritten(path, old: str, new: str):
    """Changes a word in the layers of a .keras file."""
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    parts["config.json"] = parts["config.json"].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


def way_out(told) -> list[str]:
    """The command in an error that writes a network in another way, as words."""
    return shlex.split(re.search(r"(python -c '.*')\. Then use", str(told.value))[1])


def test_a_layer_that_keras_does_not_have_is_told_with_a_way_out(tmp_path):
    path = rewritten(save(separable(), tmp_path / "own layer.keras"), '"DepthwiseConv2D"', '"TheirOwn"')
    with pytest.raises(
        BadInputError, match=r"own layer\.keras cannot be read by Keras 3\..*TheirOwn"
    ) as told:
        adopt(path, tmp_path)
    assert "Expected only built-in Keras layers, and no Python code" in str(told.value)
    assert "in the program that has its layers or with: python -c" in str(told.value)
    assert len(str(told.value)) < 1200


def test_a_layer_that_only_keras_2_had_is_told_with_the_package_that_reads_it(tmp_path):
    path = save(separable(), tmp_path / "old.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace("DepthwiseConv2D", "TFOpLambda")
        file.attrs["keras_version"] = b"2.12.0"
    with pytest.raises(
        BadInputError, match=r"TFOpLambda.*: pip install \"tf_keras~=2\.\d+\.0\", then python"
    ) as told:
        adopt(path, tmp_path)
    assert way_out(told)[2] == (
        f'import tf_keras; tf_keras.models.load_model("{path}", compile=False).export("old-saved")'
    )


@pytest.mark.parametrize("ending", [pytest.param(".keras"), ".h5"])
def test_python_code_in_a_file_is_not_run_and_the_way_out_works(tmp_path, monkeypatch, ending):
    monkeypatch.chdir(tmp_path)
    network = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Lambda(lambda x: [open("run", "w").close(), x / 255][1], output_shape=(8, 8, 1)),
            layers.Flatten(),
            layers.Dense(7),
        ]
    )
    path = save(network, tmp_path / f"code{ending}")
    (tmp_path / "run").unlink(missing_ok=True)
    with pytest.raises(BadInputError, match=r"cannot be read by Keras 3\..*Lambda.* If you trust") as told:
        adopt(path, tmp_path, "0..255")
    assert not (tmp_path / "run").exists()
    if ending == ".keras":
        command = way_out(told)
        done = subprocess.run([sys.executable, *command[1:]], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "run").exists(), "who trusts a file lets it run"
        converted("code-saved", SEVEN, "0..255", "x", str(tmp_path / "mine.tflite"), "none", _none(tmp_path))
        expected = strangers.softmax(np.asarray(network(strangers.grey(8)(FACE)[None])))
        np.testing.assert_allclose(load(tmp_path / "mine.tflite").scores_of([FACE]), expected, atol=1e-5)


def _none(folder) -> str:
    """A file without faces."""
    np.save(folder / "none.npy", np.empty(0))
    return str(folder / "none.npy")


def test_weights_without_layers_are_told(tmp_path):
    network = separable()
    network.save_weights(tmp_path / "net.weights.h5")
    with pytest.raises(BadInputError, match=r"net\.weights\.h5 has weights but no layers\. .*model\.save"):
        adopt(tmp_path / "net.weights.h5", tmp_path)


def test_a_network_of_two_inputs_is_told(tmp_path):
    faces = [keras.Input((8, 8, 1)) for _ in range(2)]
    flat = layers.Concatenate()([layers.Flatten()(face) for face in faces])
    path = save(keras.Model(faces, layers.Dense(7)(flat)), tmp_path / "two.keras")
    with pytest.raises(BadInputError, match=r"two\.keras cannot read faces \(it takes 2 inputs\)"):
        adopt(path, tmp_path)


@pytest.mark.parametrize("shape", [(8, 10, 1), (8, 8, 4), (5, 8, 8, 1)], ids=str)
def test_a_network_for_something_else_is_told(tmp_path, shape):
    face = keras.Input(shape)
    path = save(keras.Model(face, layers.Dense(7)(layers.Flatten()(face))), tmp_path / "other.keras")
    with pytest.raises(
        BadInputError, match=r"other\.keras cannot read faces \(its input is .*not a square picture"
    ):
        examined(str(path), None, None, "x")


def test_a_network_that_gives_no_numbers_is_told(tmp_path):
    network = strangers.simple(keras, (16, 16, 1), 7)
    network.set_weights([np.full_like(weights, np.nan) for weights in network.get_weights()])
    with pytest.raises(BadInputError, match=r"does not run \(it gives numbers that are not finite"):
        adopt(save(network, tmp_path / "nan.keras"), tmp_path)


def test_two_answers_over_the_same_labels_are_two_heads_in_every_form(tmp_path):
    keras.utils.set_random_seed(1)
    face = keras.Input((48, 48, 1))
    flat = layers.Flatten()(face)
    names = ("votes", "labels", "third")
    network = keras.Model(face, [layers.Dense(7, activation="softmax", name=name)(flat) for name in names])
    path = save(network, tmp_path / "heads.keras")
    for ending in ("keras", "tflite"):
        made = tmp_path / f"mine.{ending}"
        tidied(str(path), SEVEN, "0..1", "x", str(made), "none", "")
        runtime = load(made)
        assert runtime.heads == names
        for answer, name in zip(network(strangers.grey(48)(FACE)[None] / 255), names, strict=True):
            np.testing.assert_allclose(runtime.scores_of([FACE], name), np.asarray(answer), atol=1e-5)


def test_a_network_in_half_precision_is_read_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = STRANGERS["224 rgb, wrapped, with its own preparation"].build(keras)
    finally:
        keras.config.set_dtype_policy("float32")
    runtime = adopt(save(network, tmp_path / "half.keras"), tmp_path, "0..255")
    assert {layer.compute_dtype for layer in runtime.network.layers} == {"float32"}
    assert runtime.scores_of([FACE]).dtype == np.float32


def test_a_saved_model_that_would_write_a_file_is_refused_before_it_is_loaded(tmp_path):
    import tensorflow

    class Trap(tensorflow.Module):
        @tensorflow.function(input_signature=[tensorflow.TensorSpec((None, 8, 8, 1))])
        def read(self, face):
            tensorflow.io.write_file(str(tmp_path / "written"), "x")
            return tensorflow.reshape(face, (-1, 64))[:, :7]

    trap = Trap()
    tensorflow.saved_model.save(trap, tmp_path / "trap", signatures=trap.read)
    with pytest.raises(BadInputError, match=r"trap cannot be read \(it would run WriteFile\)"):
        converted(
            str(tmp_path / "trap"), SEVEN, "0..1", "x", str(tmp_path / "x.tflite"), "none", _none(tmp_path)
        )
    assert not (tmp_path / "written").exists()


def test_layers_that_litert_does_not_have_are_told(tmp_path):
    import tensorflow

    class Strange(tensorflow.Module):
        @tensorflow.function(input_signature=[tensorflow.TensorSpec((None, 8, 8, 1))])
        def read(self, face):
            return tensorflow.math.igamma(tensorflow.reshape(face, (-1, 64))[:, :7] + 1, 2.0)

    strange = Strange()
    tensorflow.saved_model.save(strange, tmp_path / "strange", signatures=strange.read)
    with pytest.raises(
        BadInputError, match=r"cannot be converted to \.tflite: Igamma\. Expected layers that LiteRT"
    ):
        converted(str(tmp_path / "strange"), SEVEN, "0..1", "x", str(tmp_path / "x"), "none", _none(tmp_path))
