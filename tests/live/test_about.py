"""What guests are told of a run."""

from __future__ import annotations

import pytest
from parts import Pictures

from expression.live.about import UNKNOWN, about_run
from expression.settings import Settings
from expression.sinks import make_sink, names, sink_class
from expression.sinks._base import Sink


@pytest.mark.parametrize("name", names())
def test_every_sink_of_the_package_says_what_it_keeps(name):
    assert isinstance(sink_class(name).keeps, str)


def test_what_is_kept_is_told_and_what_only_reacts_is_told_apart():
    sinks = [make_sink("csvfile:a.csv"), make_sink("lamp"), type("Diary", (Sink,), {})()]
    about = about_run(Settings(stats="a.json", neutral="me.npz", people=2), Pictures(), sinks)
    assert about.reacts == ("lamp",)
    assert [name for name, _ in about.keeps] == ["csvfile", "Diary", "statistics", "resting face"]
    assert about.keeps[1][1] == UNKNOWN
    assert (about.source, about.people, about.camera, about.closes) == ("pictures", 2, False, False)


def test_a_live_source_is_a_camera():
    source = Pictures()
    source.fps = None
    assert about_run(Settings(), source, []).camera
    source.rests = True
    assert about_run(Settings(), source, []).closes
