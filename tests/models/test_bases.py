"""The bases are read from a file with their weights, and errors say which file is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny

from expression.errors import BadInputError, MissingFileError
from expression.labels import Labels
from expression.models.architectures import keras
from expression.models.bases import (
    BASES,
    copied,
    fingerprint,
    head_of,
    joined,
    read_base,
    unfreeze,
    with_head,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LABELS = Labels(["Happy", "Sad"])
FACES = np.random.default_rng(0).normal(size=(3, 48, 48, 1)).astype(np.float32)


def inner(name: str, side: int):
    return BASES[name].build(include_top=False, weights=None, input_shape=(side, side, 3))


def MobileNetV2(include_top, weights, input_shape):
    """Two layers in place of its hundred and fifty; errors tell the name of the function."""
    picture = keras.Input(input_shape)
    x = keras.layers.Conv2D(64, 8, strides=8)(picture)
    return keras.Model(picture, keras.layers.Conv2D(1280, 1)(x))


@pytest.fixture
def small(monkeypatch):
    """A mobilenet that is built at once."""
    monkeypatch.setitem(BASES, "mobilenet", replace(BASES["mobilenet"], build=MobileNetV2))


@pytest.fixture
def weights(small, tmp_path):
    """A file of its weights, which are random."""
    path = tmp_path / "mobilenet.weights.h5"
    inner("mobilenet", 32).save_weights(path)
    return path


@pytest.mark.slow
def test_a_head_joined_to_its_base_gives_the_same_scores():
    base, head = tiny.base(), head_of(6, LABELS, heads=2)
    network = joined(base, head, LABELS, heads=2)
    assert network.output_shape == (None, 2, 2)
    expected = head.predict(base.predict(FACES, verbose=0), verbose=0)
    np.testing.assert_allclose(network.predict(FACES, verbose=0), expected, atol=1e-6)


def test_a_network_on_a_base_has_weights_of_its_own():
    base = tiny.base()
    before = fingerprint(base)
    network = with_head(base, LABELS)
    network.set_weights([weights + 1 for weights in network.get_weights()])
    assert fingerprint(base) == before
    assert fingerprint(copied(base)) == before
    assert fingerprint(tiny.base(seed=1)) != before


@pytest.mark.parametrize(
    ("share", "variables"),
    [
        pytest.param(0, 0, id="none"),
        pytest.param(0.25, 2, id="the last convolution"),
        pytest.param(0.5, 4, id="and the normalisation"),
        pytest.param(1, 6, id="all"),
    ],
)
def test_the_upper_layers_of_a_base_learn_and_no_others(share, variables):
    base = tiny.base()
    unfreeze(base, share)
    assert len(base.trainable_variables) == variables
    assert len(with_head(base, LABELS).trainable_variables) == variables + 4, "the head's too"


@pytest.mark.slow
def test_weights_are_read_in_the_form_of_keras_3_and_in_the_one_of_its_downloads(tmp_path):
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    made = inner("mobilenet", 32)
    made.save_weights(tmp_path / "made.weights.h5")
    with h5py.File(tmp_path / "made.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, made)
    for name in ("made.weights.h5", "made.h5"):
        base = read_base("mobilenet", 64, tmp_path / name)  # another size; the weights are the same
        for one, other in zip(base.get_weights(), made.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
        assert base.output_shape == (None, 1280)
        assert base.name == "mobilenet_64"


EXPECTED = {
    "mobilenet": "Expected the weights of keras.applications.MobileNetV2 without its top.",
    "vgg16": "Expected the weights of keras.applications.VGG16 without its top.",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "harm", "words"),
    [
        pytest.param("vgg16", lambda path: path, "cannot be used for vgg16 (", id="another base"),
        pytest.param(
            "mobilenet",
            lambda path: cut(path),
            "cannot be used for mobilenet (",
            id="cut off",
        ),
        pytest.param("mobilenet", lambda path: path.parent / "none.h5", "There is no file", id="missing"),
        pytest.param("mobilenet", lambda path: path.parent, "There is no file", id="a folder"),
        pytest.param("mobilenet", lambda path: as_text(path), "does not end in .h5.", id="other ending"),
        pytest.param("mobilenet", lambda path: as_holes(path), "that are not numbers.", id="not numbers"),
    ],
)
def test_a_wrong_file_is_refused_with_the_address_of_the_right_one(weights, name, harm, words):
    with pytest.raises((BadInputError, MissingFileError)) as caught:
        read_base(name, 32, harm(weights))
    assert words in caught.value.happened
    assert caught.value.expected == EXPECTED[name]
    assert caught.value.remedy.startswith("Choose another file for --weights, or get this one: https://")
    assert caught.value.remedy.endswith(BASES[name].file_name)


def cut(path):
    half = path.with_name("half.weights.h5")
    half.write_bytes(path.read_bytes()[:100_000])
    return half


def as_text(path):
    other = path.with_name("weights.txt")
    other.write_text("weights")
    return other


def as_holes(path):
    network, other = inner("mobilenet", 32), path.with_name("holes.weights.h5")
    network.set_weights([weights * np.nan for weights in network.get_weights()])
    network.save_weights(other)
    return other


@pytest.mark.parametrize(
    ("name", "side", "told"),
    [
        pytest.param(
            "mobilnet",
            96,
            "--transfer is 'mobilnet'. Expected one of mobilenet, inception, vgg16. Did you mean mobilenet?",
            id="unknown name",
        ),
        pytest.param(
            "inception",
            74,
            "The recipe has side=74. Expected 75 or more for inception. Leave it out to use the default.",
            id="too small",
        ),
    ],
)
def test_a_base_that_there_is_not_is_refused(name, side, told):
    with pytest.raises(BadInputError) as caught:
        read_base(name, side)
    assert str(caught.value) == told


def test_without_a_connection_the_error_says_which_file_to_get(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(MissingFileError) as caught:
        read_base("vgg16", 32)
    assert caught.value.happened.startswith("The weights of vgg16 could not be downloaded (")
    assert (
        "keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5" in caught.value.expected
    )
    assert caught.value.remedy.endswith("--weights vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5")


@pytest.mark.slow
def test_a_file_in_the_folder_of_models_is_used_without_a_connection(weights, monkeypatch, tmp_path):
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(tmp_path / BASES["mobilenet"].file_name, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, inner("mobilenet", 32))
    monkeypatch.setenv("EXPRESSION_MODELS", str(tmp_path))
    assert read_base("mobilenet", 32).output_shape == (None, 1280)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        pytest.param("mobilenet", "mobilenet_v2", id="mobilenet"),
        pytest.param("inception", "inception_v3", id="inception"),
        pytest.param("vgg16", "vgg16", id="vgg16"),
    ],
)
def test_pixels_are_scaled_as_the_function_of_a_base_scales_them(name, module):
    grey = np.arange(0, 256, 5, dtype=np.float32)[None, None, :, None].repeat(3, 3)
    expected = getattr(keras.applications, module).preprocess_input(grey.copy())
    found = (grey - 127.5) / 64 * BASES[name].scale + np.float32(BASES[name].offset)
    np.testing.assert_allclose(found, expected, atol=1e-3)
