"""Other people's networks are accepted once their numbers are explained, and give the same scores."""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import zipfile

import numpy as np
import pytest
import strangers
from strangers import EIGHT, FACE, SEVEN, STRANGERS, save, softmax

from expression.cli import app
from expression.errors import BadInputError, MissingPackageError, OutputError
from expression.models import Runtime, external, load
from expression.models.architectures import keras
from expression.models.external import adopt
from expression.models.metadata import read_card
from expression.models.registry import SHIPPED
from expression.pictures.image import write_picture
from expression.types import Box

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated"),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5"),
]


LAST = "net/saved_model.pb"
DEMO = ["--source", "demo", "--display", "none", "--duration", "1"]


def here(function, *arguments, happened):
    """Calls a function in this process, which has loaded TensorFlow already, instead of a separate one."""
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(f"expression.{module}"), name)(*arguments)


@pytest.fixture
def nearby(monkeypatch):
    """Reads networks in this process."""
    monkeypatch.setattr(external, "call", here)


def expected(stranger, network, picture=FACE) -> np.ndarray:
    """A network's output for a picture, from its maker's own program."""
    answer = network(stranger.by_hand(picture)[None], training=False)
    return stranger.scores(keras.tree.map_structure(np.asarray, answer))[0]


@pytest.mark.parametrize("name", STRANGERS)
def test_a_network_from_elsewhere_reads_a_face_as_in_the_program_that_made_it(nearby, tmp_path, name):
    stranger = STRANGERS[name]
    network = stranger.build(keras)
    theirs = save(network, tmp_path / "theirs.keras")
    around = np.pad(FACE, ((9, 11), (7, 13), (0, 0)))
    wanted = expected(stranger, network), expected(stranger, network, around[9:59, 2:52])
    for ending in (".tflite", ".keras"):
        card = adopt(theirs, tmp_path / f"mine{ending}", stranger.labels, stranger.input)
        runtime = load(tmp_path / f"mine{ending}")
        assert list(card.labels) == list(runtime.labels) == stranger.labels.split(",")
        whole = runtime.preprocess(FACE)
        inside = runtime.preprocess(around, Box(7 - 5, 9, 50, 50))  # as a detector finds it: square
        scores = runtime.scores(np.stack([whole, inside]))
        np.testing.assert_allclose(scores, wanted, atol=1e-5)
        assert np.abs(scores[0] - scores[1]).max() > 1e-4


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        pytest.param("64 rgb 0..1", ".h5", id="h5"),
        pytest.param("channels first", ".tflite", id="tflite, channels first"),
        pytest.param("48 grey 0..255, logits, eight labels", ".tflite", id="tflite, eight labels"),
        pytest.param("channels first", "", id="SavedModel, channels first"),
        pytest.param("48 grey 0..255, logits, eight labels", "", id="SavedModel, eight labels"),
    ],
)
def test_a_network_is_accepted_in_every_form(nearby, tmp_path, name, ending):
    stranger = STRANGERS[name]
    network = stranger.build(keras)
    theirs = save(network, tmp_path / f"their network, été{ending}")
    adopt(theirs, tmp_path / "mine.tflite", stranger.labels, stranger.input)
    runtime = load(tmp_path / "mine.tflite")
    scores = runtime.scores_of([FACE])[0]
    np.testing.assert_allclose(scores, expected(stranger, network), atol=1e-5)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """A folder with the same network in every form: net.h5, net.keras, net.tflite and net."""
    folder = tmp_path_factory.mktemp("their networks")
    network = STRANGERS["64 rgb 0..1"].build(keras)
    for ending in (".h5", ".keras", ".tflite", ""):
        save(network, folder / f"net{ending}")
    return folder


@pytest.mark.parametrize(
    ("name", "asking", "making"),
    [
        pytest.param("net.tflite", external.call, external.call, id="net.tflite"),
        pytest.param(LAST, here, external.call, id="a part of a SavedModel"),
        *(pytest.param(name, here, here, id=name) for name in ("net.h5", "net.keras", "net")),
    ],
)
def test_the_command_that_an_error_tells_makes_the_network_usable(
    theirs, tmp_path, capfd, monkeypatch, until_read, name, asking, making
):
    """A file for LiteRT and one for TensorFlow are converted in a process of their own, as for users."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(external, "call", asking)
    assert app.main(["live", "--model", str(theirs / name), *DEMO]) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "does not say which labels its numbers stand for and how its pixels are scaled. Expected" in err
    assert "64 x 64 pixels, in colour, with 7 numbers" in err
    command = shlex.split(err.rpartition(": ")[2])
    assert command[:2] == ["expression", "export"]
    monkeypatch.setattr(external, "call", making)
    assert app.main(command[1:]) == 0
    out = capfd.readouterr().out
    assert f"It knows {SEVEN.replace(',', ', ')}, and takes pictures of 64 x 64 rgb 0..1." in out
    made = next(tmp_path.iterdir())
    assert (made.name, str(made.name)) == (command[-1], out.splitlines()[-1].partition(":")[0])
    assert app.main(["live", "--model", made.name, *DEMO]) == 0
    out, err = capfd.readouterr()
    assert (err, f"{made.name} (LiteRT, 7 labels, 64 x 64 pixels rgb)" in out) == ("", True)


@pytest.mark.parametrize("name", ["64 rgb 0..1", "one sigmoid"])
def test_a_live_run_writes_the_labels_of_the_network(nearby, portrait, tmp_path, name):
    stranger = STRANGERS[name]
    save(stranger.build(keras), tmp_path / "theirs.tflite")
    adopt(tmp_path / "theirs.tflite", tmp_path / "mine.tflite", stranger.labels, stranger.input)
    (tmp_path / "photos").mkdir()
    write_picture(tmp_path / "photos" / "1.png", portrait)
    rows = tmp_path / "rows.csv"
    words = ["--source", str(tmp_path / "photos"), "--display", "none", "--sink", f"csvfile:{rows}"]
    assert app.main(["live", "--model", str(tmp_path / "mine.tflite"), *words]) == 0
    header, *lines = rows.read_text(encoding="utf-8").splitlines()
    assert stranger.labels in header
    assert lines


@pytest.mark.parametrize("name", ["64 rgb 0..1", "48 grey 0..255, logits, eight labels"])
def test_a_network_from_elsewhere_is_evaluated(nearby, tmp_path, capfd, name):
    stranger = STRANGERS[name]
    network = stranger.build(keras)
    adopt(save(network, tmp_path / "net.keras"), tmp_path / "net.tflite", stranger.labels, stranger.input)
    faces = np.random.default_rng(1).integers(0, 256, (4, 48, 48), np.uint8)
    right = 0
    for number, face in enumerate(faces):
        label = stranger.labels.split(",")[number]
        (tmp_path / "faces" / label).mkdir(parents=True)
        write_picture(tmp_path / "faces" / label / "1.png", face)
        right += expected(stranger, network, np.repeat(face[..., None], 3, 2)).argmax() == number
    words = ["evaluate", "--model", str(tmp_path / "net.tflite"), "--data", str(tmp_path / "faces")]
    assert app.main(words) == 0
    assert capfd.readouterr().out.splitlines()[-1] == f"Accuracy on test set: {right / 4:.1%}"


def test_photos_are_evaluated_as_large_and_colourful_as_the_network_sees_them(nearby, tmp_path, capfd):
    stranger = STRANGERS["64 rgb 0..1"]
    network = stranger.build(keras)
    adopt(save(network, tmp_path / "net.keras"), tmp_path / "net.tflite", SEVEN, "0..1")
    for label, photo in zip(("Happy", "Sad"), (FACE, np.ascontiguousarray(FACE[:, ::-1])), strict=True):
        (tmp_path / "photos" / label).mkdir(parents=True)
        write_picture(tmp_path / "photos" / label / "1.png", photo)
    asked = []
    scores = Runtime.scores
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runtime, "scores", lambda *given: [asked.append(given[1]), scores(*given)][1])
        words = ["evaluate", "--model", str(tmp_path / "net.tflite"), "--data", str(tmp_path / "photos")]
        assert app.main(words) == 0
    np.testing.assert_allclose(
        asked[0], [rgb / 255 for rgb in map(strangers.rgb(64), (FACE, FACE[:, ::-1]))], atol=1e-6
    )


@pytest.mark.parametrize(
    ("form", "quantize"),
    [
        (".h5", "float16"),
        (".h5", "dynamic"),
        (".h5", "int8"),
        pytest.param("", "none", id="SavedModel-none"),
        pytest.param("", "int8", id="SavedModel-int8"),
    ],
)
def test_a_network_from_elsewhere_is_exported_in_four_forms(nearby, theirs, tmp_path, form, quantize):
    pytest.importorskip("skimage")
    out = tmp_path / "mine.tflite"
    card = adopt(theirs / f"net{form}", out, SEVEN, "0..1", quantize)
    assert card == read_card(out)
    assert card.facts == {"imported_from": f"net{form}", "weights": quantize}
    whole = expected(STRANGERS["64 rgb 0..1"], keras.models.load_model(theirs / "net.keras"))
    off = load(out).scores_of([FACE])[0] - whole
    assert np.abs(off).max() < {"none": 1e-5, "float16": 0.01}.get(quantize, 0.1)


def test_int8_takes_its_ranges_from_faces_that_are_given(nearby, theirs, tmp_path):
    faces = np.random.default_rng(0).integers(80, 180, (40, 48, 48), np.uint8)
    for name, pictures in (("given", faces), ("usual", None)):
        adopt(theirs / "net.h5", tmp_path / f"{name}.tflite", SEVEN, "0..1", "int8", pictures)
    first = [load(tmp_path / f"{name}.tflite").scores_of([FACE]) for name in ("given", "usual")]
    assert np.abs(first[0] - first[1]).max() > 0.01


def as_whole_numbers(network, path, kind):
    """Somebody's network with integer pictures as input and integer scores as output."""
    from tensorflow import dtypes, lite

    converter = lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [lite.Optimize.DEFAULT]
    generator = np.random.default_rng(0)
    faces = [generator.random((1, *network.input_shape[1:]), np.float32) for _ in range(30)]
    converter.representative_dataset = lambda: (
        [np.round(face)] if not i else [face] for i, face in enumerate(faces)
    )
    converter.target_spec.supported_ops = [lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = dtypes.as_dtype(kind)
    path.write_bytes(converter.convert())
    return path


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected")
@pytest.mark.parametrize(
    ("kind", "activation"),
    [pytest.param("uint8", "softmax", id="uint8, scores"), pytest.param("int8", None, id="int8, logits")],
)
def test_a_tflite_file_in_whole_numbers_is_read_by_its_scales(nearby, tmp_path, kind, activation):
    network = strangers.simple(keras, (48, 48, 1), 7, activation)
    path = as_whole_numbers(network, tmp_path / "theirs.tflite", kind)
    card = adopt(path, tmp_path / "mine.tflite", SEVEN, "0..1")
    assert card.answers == ("scores" if activation else "logits")
    scores = load(tmp_path / "mine.tflite").scores_of([FACE])[0]
    answer = np.asarray(network(strangers.grey(48)(FACE)[None] / 255))[0]
    np.testing.assert_allclose(scores, answer if activation else softmax(answer), atol=0.05)
    with pytest.raises(
        BadInputError, match=r"--labels a,b,c --input 0\.\.1 --out mine\.tflite|--input 0\.\.1 "
    ):
        adopt(path, tmp_path / "mine.tflite")


def test_labels_that_lie_in_a_tflite_file_are_proposed(nearby, theirs, tmp_path):
    path = shutil.copy(theirs / "net.tflite", tmp_path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("labels.txt", "wink\nfrown\nsmile\nyawn\nstare\npout\nnone\n")
    with pytest.raises(BadInputError, match="--labels wink,frown,smile,yawn,stare,pout,none "):
        adopt(path, tmp_path / "mine.tflite")


@pytest.mark.parametrize(
    ("labels", "text", "said"),
    [
        (
            SEVEN,
            None,
            r"does not say how its pixels are scaled\. .*--labels Angry,Disgust,.* --input rgb,0\.\.1 ",
        ),
        (None, "-1..1", r"does not say which labels its numbers stand for\. .* --input rgb,-1\.\.1 "),
        (SEVEN, "rgb", r"does not say how its pixels are scaled\. "),
        (
            EIGHT,
            "0..1",
            r"--labels has 8 names, but .*net\.keras returns 7 numbers\. Expected what the network takes",
        ),
        ("Happy,Sad", "0..1", r"--labels has 2 names, but .*net\.keras returns 7 numbers"),
        ("Happy", "0..1", r"--labels: The labels are \['Happy'\]\. Expected 2 to 1,000"),
        ("Happy,,Sad", "0..1", r"--labels: The label '' is empty\. Expected 1 to 100"),
        ("Happy,HAPPY,Sad", "0..1", r"Expected .* all different"),
        (
            "Happy,\x1b[31mSad",
            "0..1",
            r"--labels: The label '\\x1b\[31mSad' has characters",
        ),
        ("Happy,not sure", "0..1", r"--labels: The label 'not sure' is a reserved word\."),
        ("Happy,\udcc3", "0..1", r"--labels: The label '\\udcc3' has characters that cannot be printed\."),
        (
            SEVEN,
            "48,0..1",
            r"--input says 48 pixels on a side, .*net\.keras has 64\. Expected .* 64 x 64 pixels",
        ),
        (SEVEN, "48x64,0..1", r"has the size 48x64, but inputs are square"),
        (
            SEVEN,
            "0..1,purple",
            r"--input '0\.\.1,purple' contains 'purple'\. Expected a scaling .*For example: --input",
        ),
        (SEVEN, "1..0", r"contains '1\.\.0'"),
        (SEVEN, "0..1,-1..1", r"gives the scaling twice, as 0\.\.1 and -1\.\.1"),
        (SEVEN, "0..1,,", r"has an empty item"),
        (SEVEN, "1:2/3", r"contains '1:2/3'"),
    ],
)
def test_what_is_missing_or_contradicts_the_file_is_told(nearby, theirs, tmp_path, labels, text, said):
    with pytest.raises(BadInputError, match=said) as told:
        adopt(theirs / "net.keras", tmp_path / "mine.tflite", labels, text)
    assert "\n" not in str(told.value)
    assert not list(tmp_path.iterdir())


def test_colours_for_a_network_that_is_grey_are_told(nearby, tmp_path):
    path = save(STRANGERS["each picture by its own mean"].build(keras), tmp_path / "grey.keras")
    with pytest.raises(BadInputError, match=r"--input says rgb, but .*grey\.keras takes grey pictures"):
        adopt(path, tmp_path / "mine.tflite", SEVEN, "rgb,0..1")
    with pytest.raises(BadInputError, match=r"scales three colours, but the pictures are grey"):
        adopt(path, tmp_path / "mine.tflite", SEVEN, "imagenet")


def test_a_network_for_any_size_needs_one(nearby, tmp_path):
    path = save(STRANGERS["any size"].build(keras), tmp_path / "any.keras")
    with pytest.raises(
        BadInputError, match=r"does not say how many pixels it takes\. .* --input 48,0\.\.1 --out"
    ):
        adopt(path, tmp_path / "mine.tflite", SEVEN, "0..1")


@pytest.mark.parametrize(
    ("name", "out", "quantize", "error", "said"),
    [
        ("net.tflite", "net.tflite", None, OutputError, r"net\.tflite is the network itself"),
        (
            "net.tflite",
            "mine.keras",
            None,
            BadInputError,
            r"cannot be converted to mine\.keras\. .*ends in \.tflite",
        ),
        ("net", "mine.keras", None, BadInputError, r"cannot be converted to mine\.keras"),
        ("net.tflite", "mine.tflite", "int8", BadInputError, r"--quantize is int8, .*Leave it out"),
        ("net.h5", "mine.keras", "int8", BadInputError, r"--quantize is int8, .*Leave it out"),
        ("net.h5", "mine.bin", None, OutputError, r"mine\.bin does not end in \.tflite or \.keras"),
        ("net.h5", "mine.tflite", "int4", BadInputError, r"--quantize is 'int4'. .* Did you mean int8"),
        ("net.tflite", "none/mine.tflite", None, OutputError, r"mine\.tflite cannot be written"),
    ],
)
def test_a_file_that_cannot_come_out_is_told(nearby, theirs, monkeypatch, name, out, quantize, error, said):
    monkeypatch.chdir(theirs)
    before = {path: path.stat().st_mtime_ns for path in theirs.rglob("*")}
    with pytest.raises(error, match=said):
        adopt(name, out, SEVEN, "0..1", quantize)
    assert {path: path.stat().st_mtime_ns for path in theirs.rglob("*")} == before


def test_options_for_a_network_that_is_ours_already_are_refused(tmp_path, capfd):
    shipped = str(SHIPPED.with_suffix(".keras"))
    words = ["export", "--model", shipped, "--labels", SEVEN, "--out", str(tmp_path / "mine.tflite")]
    assert app.main(words) == 2
    assert "already says that it knows Angry, Disgust" in capfd.readouterr().err


def test_without_tensorflow_a_tflite_file_is_accepted_and_others_ask_for_it(theirs, tmp_path, monkeypatch):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('no tensorflow here')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]]))
    card = adopt(theirs / "net.tflite", tmp_path / "mine.tflite", SEVEN, "0..1")
    assert list(card.labels) == SEVEN.split(",")
    with pytest.raises(
        MissingPackageError, match=r"Reading net\.h5 needs the package tensorflow.*pip install"
    ):
        adopt(theirs / "net.h5", tmp_path / "mine.tflite", SEVEN, "0..1")
