"""The picture of the pipeline shows every step and marks the one that is asked for."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from expression.teaching.pipeline import STEPS, pipeline
from expression.training.chart_style import BLUE


def _words(figure) -> dict[str, str]:
    """The texts of a figure, each with its colour."""
    return {text.get_text(): text.get_color() for text in figure.axes[0].texts}


def test_every_step_is_named_and_the_photo_is_read():
    words = _words(pipeline())
    assert set(STEPS) < set(words)
    assert "Happy" in words
    assert BLUE not in words.values()


@pytest.mark.parametrize("step", ["camera", "screen and lamp"])
def test_the_step_that_is_asked_for_is_marked(step):
    words = _words(pipeline(step))
    assert [word for word, colour in words.items() if colour == BLUE] == [step]


def test_an_unknown_step_is_one_error():
    with pytest.raises(ValueError, match=r'no step "lens".*camera'):
        pipeline("lens")
