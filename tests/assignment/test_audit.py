"""The audit of an assignment: complete for this project, and what is taken away or spoilt is named."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from media import write_clip
from packaging.requirements import Requirement
from parts import ROOT

from expression.assignment import texts
from expression.assignment.audit import COMPLETE, POINTS, audit
from expression.assignment.layout import HACKED, INPUT, MODEL, PREPROCESSED, SCRIPTS
from expression.assignment.running import accuracy, live_stream
from expression.cli.app import main
from expression.errors import ExpressionError
from expression.pictures.image import read_picture
from expression.sources.demo import Demo

LATER = {path.name for path in SCRIPTS if not (ROOT / path).is_file()}
"""Scripts that this project does not have yet."""


def missing(folder: Path) -> set[str]:
    """The points of an audit that fail."""
    return {check.name for check in audit(folder) if check.ok is False}


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of what this project has of the assignment."""
    for name in ("README.md", "environment.yml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("scripts", "results"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in LATER:
        (tmp_path / "scripts" / name).write_text("import numpy\n")
    return tmp_path


@pytest.mark.slow
def test_this_project_is_complete():
    assert missing(ROOT) == LATER


@pytest.mark.slow
def test_a_complete_project_is_called_so(project, capsys, monkeypatch):
    monkeypatch.chdir(project)
    assert main(["audit"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "✗" not in out
    assert " ".join(out.split()).endswith(COMPLETE)


TAKEN = {
    **{"README.md": "README", "environment.yml": "Environment", "results/README.md": "Accuracy"},
    **{f"scripts/{path.name}": path.name for path in SCRIPTS},
    "results/model/my_own_model_architecture.txt": "Architecture",
    "results/model/expression.tflite": "Network",
    "results/model/learning_curves.png": "Learning curves",
    "results/model/history.csv": "Overfitting",
    "results/model/tensorboard.png": "TensorBoard",
    "results/preprocessing_test/input_video.mp4": "Video",
    "results/preprocessing_test/image1*.png": "Pictures",
    "results/hack_cnn/input_image.png": "Hacked picture",
    "results/hack_cnn/hacked_image.png": "Hacked picture",
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "point"), TAKEN.items(), ids=TAKEN)
def test_what_is_taken_away_is_the_only_point_that_fails(project, name, point):
    for path in list(project.glob(name)):
        path.unlink()
    assert missing(project) == {point}


@pytest.mark.slow
def test_what_is_missing_is_told_with_its_remedy(project, capsys):
    (project / "results" / "model" / "tensorboard.png").unlink()
    assert main(["audit", str(project)]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "✗ TensorBoard There is no" in out
    assert "Run: tensorboard --logdir results/model, and save a screenshot of its page." in out
    assert out.endswith("Fix the lines marked ✗ from the top, then check again.")


def test_a_folder_that_is_not_there_is_refused(tmp_path, capsys):
    assert main(["audit", str(tmp_path / "none")]) == 2
    assert "Expected the folder of a project." in capsys.readouterr().err


def write(path: Path, content: str | np.ndarray) -> None:
    """Writes a text or a picture."""
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        cv2.imwrite(str(path), content)


NOISE = np.random.default_rng(0).integers(0, 256, (48, 48, 1), np.uint8)
SUMMARY = "Layer Output Shape Param\n" + "conv (Conv2D) (None, 48, 48, 64) 640\n" * 60
STORY = "The network has three convolutions because more overfit. "
SPOILT = [
    pytest.param(
        "README", "README.md", "# Emotions", "has only 2 words and shows no command and", id="title"
    ),
    pytest.param("README", "README.md", "python a.py " * 90, "does not explain the approach", id="commands"),
    pytest.param("Environment", "environment.yml", "name: x\n", "lists no packages", id="no packages"),
    pytest.param(
        "Environment",
        "environment.yml",
        "channels:\n  - defaults\ndependencies:\n  - numpy\n  - pip\n  - pip:\n    - keras\n",
        "gives no version for numpy, keras",
        id="no versions",
    ),
    pytest.param(
        "Environment",
        "scripts/train.py",
        "import pandas, cv2, statsmodels.api",
        "lacks pandas, statsmodels",
        id="pandas",
    ),
    pytest.param("train.py", "scripts/train.py", "x = (", r"is not valid Python \(line 1: ", id="syntax"),
    pytest.param("train.py", "scripts/train.py", "", "imports nothing", id="empty script"),
    pytest.param("preprocess.py", "scripts/preprocess.py", "import dlib", "does not import cv2", id="dlib"),
    pytest.param(
        "Architecture", "results/model/my_own_model_architecture.txt", SUMMARY, "no reason", id="layers"
    ),
    pytest.param(
        "Architecture",
        "results/model/my_own_model_architecture.txt",
        STORY * 20,
        "does not compare iterations",
        id="one iteration",
    ),
    pytest.param("Network", "results/model/expression.tflite", "text", "is not a network", id="text"),
    pytest.param(
        "Accuracy", "results/README.md", "Accuracy on test set: 58%", "is 58%. Expected more", id="58%"
    ),
    pytest.param(
        "Learning curves", "results/model/learning_curves.png", "x", "learning_curves.png", id="no picture"
    ),
    pytest.param(
        "Learning curves",
        "results/model/learning_curves.png",
        np.full((300, 400), 255, np.uint8),
        "is blank",
        id="blank",
    ),
    pytest.param(
        "TensorBoard", "results/model/tensorboard.png", NOISE, "only 48 x 48 pixels", id="thumbnail"
    ),
    pytest.param(
        "Overfitting", "results/model/history.csv", "a,b\n1,2\n", "There is no history", id="columns"
    ),
    pytest.param(
        "Overfitting",
        "results/model/history.csv",
        "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1,0.5,1\n1,0.9,0.3,0.62,1.4\n",
        r"The network overfits: epoch 2 of 2 is the best, with 90.0% in training and 62.0%",
        id="overfitted",
    ),
    pytest.param(
        "Overfitting",
        "results/model/history.csv",
        "accuracy,val_accuracy\n0.6,0.62\n" + "0.7,0.6\n" * 11,
        "The training went on for 11 epochs after the best: epoch 1 of 12",
        id="late",
    ),
    pytest.param(
        "Pictures", "results/preprocessing_test/image7.png", NOISE[:40], "image7.png does not have", id="size"
    ),
    pytest.param(
        "Pictures",
        "results/preprocessing_test/image7.png",
        np.repeat(NOISE, 3, 2) // [1, 2, 3],
        "image7.png does not contain only grey levels",
        id="colour",
    ),
    pytest.param(
        "Pictures", "results/preprocessing_test/image*.png", NOISE, "face that can be found", id="no faces"
    ),
]


@pytest.mark.parametrize(("point", "name", "content", "said"), SPOILT)
def test_contents_count_and_not_only_names(project, point, name, content, said):
    for path in list(project.glob(name)):
        write(path, content)
    with pytest.raises(ExpressionError, match=said):
        POINTS[point](project)


@pytest.mark.slow
def test_a_short_video_is_told(project):
    demo = Demo()
    demo.open()
    write_clip(project / PREPROCESSED / "input_video.mp4", 50, fps=10, pictures=map(demo.picture, range(50)))
    with pytest.raises(ExpressionError, match=r"lasts only 5\.0 seconds"):
        POINTS["Video"](project)


def test_one_picture_without_a_face_is_counted(project):
    write(project / PREPROCESSED / "image3.png", NOISE)
    assert POINTS["Pictures"](project) == "21 grey pictures of 48 x 48 pixels; a face is found in 20"


def test_the_network_is_asked_what_it_says_of_the_hacked_picture(project):
    assert "Happy" in (said := POINTS["Hacked picture"](project))
    assert "became Sad" in said
    before = read_picture(project / INPUT)
    cases = {
        "are equal": before,
        "differ by .* on average": 255 - before,
        "different sizes": before[:40],
        r"calls the pictures Happy .* and Happy": before + np.uint8(before < 255),
    }
    for words, picture in cases.items():
        write(project / HACKED, picture)
        with pytest.raises(ExpressionError, match=words):
            POINTS["Hacked picture"](project)


def test_a_pickle_counts_but_is_not_opened(project):
    (project / MODEL / "expression.tflite").rename(project / MODEL / "my_own_model.pkl")
    assert POINTS["Network"](project).startswith("my_own_model.pkl, a pickle; not opened")
    with pytest.raises(ExpressionError, match=r"is a pickle, which was not opened to test the pictures"):
        POINTS["Hacked picture"](project)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_network_of_keras_without_a_card_is_asked_too(project):
    from expression.models.architectures import keras, layers

    face = keras.Input((48, 48, 1))
    # It looks at one pixel: bright is Happy, dark is Sad.
    x = layers.Flatten()(layers.Cropping2D(((0, 47), (0, 47)))(face))
    answer = layers.Dense(7, "softmax")
    network = keras.Model(face, answer(x))
    weights = np.zeros((1, 7), np.float32)
    weights[0, 3:5] = 20, -20
    answer.set_weights([weights, np.float32([-30, -30, -30, -10, 10, -30, -30])])
    (project / MODEL / "expression.tflite").unlink()
    network.save(project / MODEL / "final_emotion_model.keras")
    picture = read_picture(project / INPUT)
    for path, level in ((INPUT, 255), (HACKED, 0)):
        picture[0, 0] = level
        write(project / path, picture)
    assert POINTS["Network"](project).startswith("final_emotion_model.tflite (LiteRT, 7 labels")
    assert POINTS["Hacked picture"](project).startswith("Happy 100% became Sad 100%; ")
    assert missing(project) == set()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.csv", "epoch,categorical_accuracy,val_categorical_accuracy\n0,0.5,0.5\n1,0.66,0.64\n"),
        ("history.json", '{"loss": [2, 1], "acc": [0.5, 0.66], "val_loss": [2, 1], "val_acc": [0.5, 0.64]}'),
    ],
)
def test_histories_of_keras_are_read(project, name, content):
    (project / MODEL / "history.csv").unlink()
    write(project / MODEL / name, content)
    said = "epoch 2 of 2 is the best, with 66.0% in training and 64.0% in validation"
    assert POINTS["Overfitting"](project) == said


def test_data_that_are_there_are_looked_at(project):
    (project / "data").mkdir()
    (project / "data" / "emotions.txt").write_text("nothing")
    assert next(audit(project)).found.startswith("No file in ")
    (project / "data" / "train.csv").write_text(f"emotion,pixels\n3,{'7 ' * 2304}\n")
    assert next(audit(project)).found == "train.csv, 2 files"


def stub(project: Path, name: str, *lines: str, code: str = "") -> None:
    """Replaces a script by one that prints these lines."""
    write(project / "scripts" / name, f"import sys\nprint({chr(10).join(lines)!r})\n{code}\n")


PREDICTIONS = {
    "62%": (("", "Accuracy on test set: 62%"), "", None),
    "58%": (("Accuracy on test set: 58.2%",), "", r"is 58\.2%\. Expected more than 60%"),
    "other words": (("62% right",), "", "ends with '62% right'"),
    "nothing": ((), "", "ends with 'nothing'"),
    "a failure": (("a",), "sys.exit('No data.')", r"predict\.py fails with exit code 1: No data\."),
}


@pytest.mark.parametrize(("lines", "code", "said"), PREDICTIONS.values(), ids=PREDICTIONS)
def test_the_accuracy_is_measured_by_the_script_if_asked(project, lines, code, said):
    stub(project, "predict.py", *lines, code=code)
    if said is None:
        assert accuracy(project) == "62%, measured by scripts/predict.py"
        return
    with pytest.raises(ExpressionError, match=said):
        accuracy(project)


STREAM = ("Reading video stream ...", "", "Preprocessing ...", "11:11:11s : Happy , 73%")


ENDLESS = """import time
while True:
    print("Preprocessing ...\\n11:11:12s : not sure , 9%")
    time.sleep(0.1)
"""


def test_the_live_stream_is_waited_for_and_stopped(project):
    stub(project, "predict_live_stream.py", *STREAM, code=ENDLESS)
    assert live_stream(project) == "prints '11:11:12s : not sure , 9%'"
    stub(project, "predict_live_stream.py", "Reading video stream ...", "Happy")
    with pytest.raises(ExpressionError, match=r"prints 'Reading video stream \.\.\. / Happy'"):
        live_stream(project)


@pytest.mark.slow
def test_an_audit_runs_the_scripts_if_asked(project):
    stub(project, "predict.py", "Accuracy on test set: 62%")
    found = {check.name: check.found for check in audit(project, run=True) if check.ok}
    assert found["Accuracy"] == "62%, measured by scripts/predict.py"
    assert found["Live stream"].startswith("prints ")


def test_the_environment_of_conda_has_the_versions_of_the_other_one():
    listed = texts.dependencies((ROOT / "environment.yml").read_text("utf-8"))
    python = listed.pop("python").removeprefix("=")
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line.partition("  #")[0]) for line in lines if "==" in line and line[0] != "#"]
    pins = [pin for pin in pins if not pin.marker or pin.marker.evaluate({"python_version": python})]
    pinned = {pin.name: str(pin.specifier) for pin in pins}
    assert listed.pop("pip") == ""
    assert listed == {name: pinned[name] for name in listed}
    assert _required() & set(pinned) <= set(listed)


def _required() -> set[str]:
    """The packages that the package and its lessons need, by pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    lists = re.findall(r"(?ms)^(?:dependencies|lessons) = (\[.*?^\])", text)
    lines = [line for each in lists for line in ast.literal_eval(each)]
    return {re.match(r"[\w.-]+", line)[0] for line in lines}
