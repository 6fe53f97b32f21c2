"""Faces are described by what is installed; damaged or missing parts are named."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from expression.errors import BadInputError, MissingFileError, MissingPackageError
from expression.types import Box
from expression.vision import descriptors
from expression.vision.descriptors import FaceNetwork, Texture, make_describer, packaged


@pytest.fixture
def dlib(monkeypatch):
    """A dlib that reads any file."""
    fake = SimpleNamespace(rectangle=Box, shape_predictor=str, face_recognition_model_v1=str)
    monkeypatch.setitem(sys.modules, "dlib", fake)
    return fake


def without_files(monkeypatch):
    def missing(name):
        raise descriptors.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(descriptors.importlib.metadata, "distribution", missing)


def test_without_dlib_texture_is_used_and_says_so(monkeypatch):
    pytest.importorskip("skimage")
    monkeypatch.setitem(sys.modules, "dlib", None)
    describer = make_describer()
    assert isinstance(describer, Texture)
    assert describer.notice.endswith('Run in the project\'s folder: pip install -e ".[people]"')


def test_without_its_files_dlib_is_not_used(dlib, monkeypatch):
    pytest.importorskip("skimage")
    without_files(monkeypatch)
    assert isinstance(make_describer(), Texture)


def test_without_any_of_the_packages_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    with pytest.raises(
        MissingPackageError, match=r"Recognising people needs the package dlib-bin.*\.\[people\]"
    ):
        make_describer()


def test_a_damaged_file_of_dlib_is_an_error(dlib, monkeypatch, tmp_path):
    monkeypatch.setenv("EXPRESSION_MODELS", str(tmp_path))
    (tmp_path / FaceNetwork.points).write_bytes(b"not dlib's")
    with pytest.raises(
        BadInputError, match=r"landmarks\.dat cannot be read \(its SHA-256 is different\)\. .* Delete it"
    ):
        make_describer()


def test_a_damaged_file_of_the_package_is_an_error_that_says_how_to_get_another(dlib, monkeypatch, tmp_path):
    folder = tmp_path / descriptors.FILES / "models"
    folder.mkdir(parents=True)
    (folder / FaceNetwork.points).write_bytes(b"")
    there = SimpleNamespace(locate_file=lambda name: tmp_path / name)
    monkeypatch.setattr(descriptors.importlib.metadata, "distribution", lambda name: there)
    with pytest.raises(
        BadInputError, match=r"is different\). .* Run: pip install --force-reinstall --no-deps"
    ):
        make_describer()


def test_a_package_without_its_files_is_an_error(monkeypatch, tmp_path):
    there = SimpleNamespace(locate_file=lambda name: tmp_path / name)
    monkeypatch.setattr(descriptors.importlib.metadata, "distribution", lambda name: there)
    with pytest.raises(MissingFileError, match=r"Expected it in the package .* --force-reinstall"):
        packaged("x.dat")


def test_texture_does_not_depend_on_brightness():
    pytest.importorskip("skimage")
    noise = np.random.default_rng(0).integers(0, 100, (2, 96, 96, 1), np.uint8).repeat(3, 3)
    texture, box = Texture(), Box(0, 0, 96, 96)
    one, brighter, other = (texture.describe(image, box) for image in (noise[0], noise[0] * 2 + 20, noise[1]))
    known = np.stack([one, other])
    assert one.shape == (3776,)
    near, far = texture.distances(known, brighter)
    assert near < 0.02
    assert far > 0.1
    assert texture.distances(known[:0], one).shape == (0,)


@pytest.mark.slow
def test_dlib_takes_two_photos_of_one_woman_for_one_person(shared_data, yunet):
    pytest.importorskip("dlib")
    from expression.pictures.image import read_picture
    from expression.vision.detectors import make_detector

    describer, detector, found = FaceNetwork(), make_detector(), {}
    for path in (shared_data / "portraits").glob("*.jpg"):
        image = read_picture(path)
        found[path.stem] = describer.describe(image, detector.detect(image)[0].box)
    known = np.stack(list(found.values()))
    near = {
        name
        for name, far in zip(found, describer.distances(known, found["woman_b"]), strict=True)
        if far < 0.5
    }
    assert near == {"woman_b", "woman_b_hat"}
