"""The features of a picture are computed once, and again only if something changed."""

from __future__ import annotations

import os
import stat

import numpy as np
import pytest
import tiny

from expression.pictures.image import standardise
from expression.training import bottlenecks
from expression.training.bottlenecks import Bottlenecks

# Keras 3.12 copies variables in a way that numpy 2 finds old-fashioned.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """A cache folder for one test, and files of four pictures."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(bottlenecks, "BLOCK", 4)


@pytest.fixture(scope="module")
def base():
    return tiny.base()


@pytest.fixture
def pictures() -> np.ndarray:
    return tiny.split(10, 0).pictures


def opened(base, said: list[str] | None = None) -> Bottlenecks:
    return Bottlenecks(base, (said if said is not None else []).append)


@pytest.mark.slow
def test_features_are_those_that_the_base_finds(base, pictures):
    found = opened(base).of(pictures)
    np.testing.assert_allclose(found, base.predict(standardise(pictures), verbose=0), rtol=2e-3, atol=1e-4)
    assert found.dtype == np.float32


def test_what_was_computed_is_not_computed_again(base, pictures):
    first, said = opened(base).of(pictures), []
    again = opened(base, said)
    np.testing.assert_array_equal(again.of(pictures), first)
    np.testing.assert_array_equal(again.of(pictures[::-1]), first[::-1])
    assert again.computed == 0
    assert said[0] == "Features of 10 different pictures: 10 from the cache, 0 computed."


def test_equal_pictures_are_computed_once(base, pictures):
    cache = opened(base)
    found = cache.of(pictures[[0, 1, 0, 0]])
    assert cache.computed == 2
    np.testing.assert_array_equal(found[[0, 0]], found[[2, 3]])


def test_only_a_changed_picture_is_computed_again(base, pictures):
    opened(base).of(pictures)
    pictures[3, 5, 5] ^= 1
    cache = opened(base)
    found = cache.of(pictures)
    assert cache.computed == 1
    expected = base.predict(standardise(pictures), verbose=0)
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda: tiny.base(seed=1), id="other weights"),
        pytest.param(lambda: tiny.base(features=5), id="other features"),
    ],
)
def test_another_base_has_features_of_its_own(base, pictures, changed):
    opened(base).of(pictures)
    other = opened(changed())
    other.of(pictures)
    assert other.computed == len(pictures)
    both = opened(base)
    both.of(pictures)
    assert both.computed == 0, "those of the first are still there"


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda content: content[: len(content) // 2], id="cut off"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: content[:300] + bytes([content[300] ^ 255]) + content[301:], id="a bit"),
        pytest.param(lambda content: b"nothing of the kind", id="something else"),
    ],
)
def test_a_damaged_file_is_replaced_and_the_others_are_used(base, pictures, harm):
    first = opened(base).of(pictures)
    path = sorted(opened(base).folder.glob("*.npz"))[0]
    lost = len(opened(base)._read(path))
    path.write_bytes(harm(path.read_bytes()))
    said = []
    cache = opened(base, said)
    np.testing.assert_array_equal(cache.of(pictures), first)
    assert cache.computed == lost
    assert said[0] == f"{path} was damaged: its features are computed again."
    assert opened(base).of(pictures).shape == first.shape


def test_a_computation_that_was_stopped_continues_after_its_last_file(base, pictures, monkeypatch):
    stopped, batches = opened(base), []

    def run_out(batch):
        if len(batches) == 2:
            raise KeyboardInterrupt
        batches.append(batch)
        return type(base).predict_on_batch(base, batch)

    with monkeypatch.context() as patched:
        patched.setattr(base, "predict_on_batch", run_out)
        with pytest.raises(KeyboardInterrupt):
            stopped.of(pictures)
    assert [path.suffix for path in stopped.folder.iterdir()] == [".npz", ".npz"]
    rest = opened(base)
    rest.of(pictures)
    assert rest.computed == 2


def test_a_cache_that_cannot_be_written_is_told_and_costs_only_time(base, pictures, tmp_path):
    (tmp_path / "cache" / "expression").mkdir(parents=True)
    (tmp_path / "cache" / "expression" / "bottlenecks").write_text("in the way")
    said = []
    cache = opened(base, said)
    assert len(cache.of(pictures)) == len(pictures)
    assert "cannot be written" in said[0]
    assert said[0].endswith("So these features will be computed again next time.")


@pytest.mark.slow
def test_the_features_of_the_bases_used_last_are_kept(base, pictures, monkeypatch):
    monkeypatch.setattr(bottlenecks, "KEPT", 2)
    bases = [tiny.base(seed) for seed in range(3)]
    folders = [opened(each).folder for each in bases]
    for time, each in enumerate(bases[:2]):
        opened(each).of(pictures)
        os.utime(opened(each).folder, (time, time))
    opened(bases[0]).of(pictures)  # used again
    opened(bases[2]).of(pictures)
    assert [folder.is_dir() for folder in folders] == [True, False, True]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_only_the_user_can_read_features(base, pictures):
    cache = opened(base)
    cache.of(pictures)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in cache.folder.iterdir()}
    assert modes == {0o600}
