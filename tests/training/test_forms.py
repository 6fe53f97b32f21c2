"""The forms of a network are compared on the same pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny

from expression.cli import app
from expression.labels import FER2013, Labels
from expression.models import load
from expression.models.architectures import save
from expression.models.export import QUANTIZE
from expression.models.metadata import Card
from expression.models.registry import SHIPPED
from expression.training.evaluation import Evaluation, evaluate
from expression.training.forms import Form, compare, table

# Keras 3.12 copies variables in a way that numpy 2 finds old-fashioned.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])
EVALUATION = Evaluation(("Happy", "Sad"), SCORES, np.array([0, 1, 1, 1]))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network of random weights for the labels of FER2013."""
    path = tmp_path_factory.mktemp("network") / "tiny.keras"
    labels = Labels(FER2013)
    save(tiny.network(labels), path, Card(labels))
    return path


def test_the_table_has_a_line_for_each_form():
    forms = [Form(".keras", 12.907, EVALUATION, 1.0, 16.571), Form("int8", 5.5, EVALUATION, 0.98, 0.54)]
    assert table(forms) == (
        "--quantize      MB  accuracy  same label  ms per face\n"
        ".keras       12.91     75.0%      100.0%        16.57\n"
        "int8          5.50     75.0%       98.0%         0.54"
    )


@pytest.mark.slow
def test_every_form_is_measured_on_the_same_pictures(network):
    original, split = load(network), tiny.split(8, 1)
    forms = compare(original, split.pictures, lambda runtime: evaluate(runtime, split))
    assert [form.name for form in forms] == [".keras", *QUANTIZE]
    assert [form.same for form in forms[:2]] == [1.0, 1.0]
    assert all(form.milliseconds > 0 and 0 <= form.same <= 1 for form in forms)
    sizes = {form.name: form.megabytes for form in forms}
    assert sizes["float16"] < sizes["none"]
    assert all(len(form.evaluation.indexes) == 8 for form in forms)


@pytest.mark.slow
def test_the_command_prints_the_table_and_writes_the_figures(network, tmp_path, capsys):
    data, results = tiny.table(tmp_path / "fer2013.csv"), tmp_path / "forms.json"
    words = ["--model", str(network), "--data", str(data), "--compare", "--json", str(results)]
    assert app.main(["evaluate", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "tiny.keras, 14 pictures of the test set" in lines
    assert [line.split()[0] for line in lines[-7:-2]] == [".keras", *QUANTIZE]
    found = json.loads(results.read_text(encoding="utf-8"))
    assert list(found) == [".keras", *QUANTIZE]
    assert {"accuracy", "same", "megabytes", "milliseconds_per_face"} <= set(found["int8"])


def test_a_network_that_is_exported_already_cannot_be_compared(capsys):
    assert app.main(["evaluate", "--compare", "--model", str(SHIPPED)]) == 2
    assert capsys.readouterr().err == (
        f"--model is {SHIPPED}. Expected a .keras file. Name the one that the training wrote.\n"
    )
