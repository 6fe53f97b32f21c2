"""The photos for lessons are whole, named, licensed, and show the faces that they should."""

from __future__ import annotations

import pytest

from expression.teaching import photos
from expression.vision.detectors import YuNet


def test_every_photo_is_read_and_its_source_is_named():
    licences = (photos.FOLDER / "LICENCES.md").read_text("utf-8")
    for name in photos.names():
        assert max(photos.photo(name).shape) <= 640
        assert f"`{name}`" in licences
    assert {*photos.PORTRAITS, *photos.EXPRESSIONS, "group"} <= set(photos.names())


@pytest.mark.parametrize("name", [*photos.PORTRAITS, *photos.EXPRESSIONS])
def test_a_portrait_shows_one_face(name, yunet):
    assert len(YuNet(yunet).detect(photos.photo(name))) == 1


def test_an_unknown_name_is_one_error():
    with pytest.raises(ValueError, match=r'no photo called "cat".*man_d'):
        photos.path("cat")
