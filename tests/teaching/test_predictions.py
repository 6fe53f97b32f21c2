"""What a reader predicts is kept, compared once, and added up; a damaged file is one error."""

from __future__ import annotations

import numpy as np
import pytest

from expression.errors import BadInputError
from expression.teaching.predictions import (
    calibration,
    compare,
    predict,
    predictions_path,
    read_predictions,
)

CHOICES = ["Happy", "Neutral", "Sad"]


def ask(choice: str, sure: float = 0.8):
    _, buttons, slider, said = predict("04 commonest", "Which label is the most common?", CHOICES).children
    slider.value = sure
    buttons.value = choice
    return said.value


def test_nothing_is_kept_until_something_is_chosen(capsys):
    predict("04 commonest", "Which?", CHOICES)
    assert not predictions_path().exists()
    compare("04 commonest", "Happy")
    assert capsys.readouterr().out == "The answer: Happy.\n"


def test_a_prediction_is_kept_and_compared(capsys):
    assert "Saved. You can change it" in ask("Sad")
    assert read_predictions() == {"04 commonest": {"choice": "Sad", "sure": 0.8}}
    compare("04 commonest", "Happy")
    assert capsys.readouterr().out == (
        "The answer: Happy. You predicted Sad and were 80% sure: not this time.\n"
    )


def test_it_can_be_changed_until_it_was_compared():
    ask("Sad")
    ask("Happy", 0.6)
    compare("04 commonest", "Happy")
    assert "first prediction counts" in ask("Neutral", 0.99)
    assert read_predictions()["04 commonest"] == {"choice": "Happy", "sure": 0.6, "answer": "Happy"}


def test_what_was_chosen_is_shown_again():
    ask("Sad", 0.9)
    _, buttons, slider, _ = predict("04 commonest", "Which?", CHOICES).children
    assert (buttons.value, slider.value) == ("Sad", 0.9)


def test_the_chart_shows_the_network_and_the_reader():
    scores = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    assert not calibration(scores, np.array([0, 1, 1])).axes[0].collections
    ask("Happy")
    compare("04 commonest", "Happy")
    (points,) = calibration(scores, np.array([0, 1, 1])).axes[0].collections
    assert points.get_offsets().tolist() == [[0.8, 1.0]]
    assert points.get_label() == "you (predictions: 1)"


@pytest.mark.parametrize("choices", [[], ["Happy"], ["Happy", "Happy"]])
def test_choices_that_leave_no_choice_are_one_error(choices):
    with pytest.raises(ValueError, match=r"Expected two or more"):
        predict("04 commonest", "Which?", choices)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": {"choice": "x"}}', "[" * 9999, "\0"])
def test_a_damaged_file_is_one_error_and_stays(text):
    predictions_path().parent.mkdir(parents=True, exist_ok=True)
    predictions_path().write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match="Delete it to start again"):
        ask("Sad")
    assert predictions_path().read_text(encoding="utf-8") == text
