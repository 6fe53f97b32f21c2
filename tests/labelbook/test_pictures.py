"""Pictures are found by path, whatever its case and Unicode normalisation; links are rejected."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from expression.errors import BadInputError
from expression.labelbook.pictures import Finder, Pictures
from expression.labelbook.rows import Row, paths_meant


def made(folder: Path, *names: str) -> Pictures:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return Pictures(folder)


@pytest.mark.parametrize(
    ("image", "file"),
    [
        pytest.param("happy/1.jpg", "happy/1.jpg", id="its path"),
        pytest.param("./happy//1.jpg", "happy/1.jpg", id="dots and slashes"),
        pytest.param(r"happy\1.jpg", "happy/1.jpg", id="of Windows"),
        pytest.param("HAPPY/1.JPG", "happy/1.jpg", id="capitals"),
        pytest.param("happy/1", "happy/1.jpg", id="without its ending"),
        pytest.param("Images/happy/1.jpg", "happy/1.jpg", id="with the folder"),
        pytest.param(r"data\Images\happy\1.jpg", "happy/1.jpg", id="with two folders"),
        pytest.param("/home/me/set/images/happy/1.jpg", "happy/1.jpg", id="absolute, on another machine"),
        pytest.param(r"C:\Users\me\Images\happy\1.jpg", "happy/1.jpg", id="absolute, on Windows"),
        pytest.param("../Images/happy/1.jpg", "happy/1.jpg", id="from a folder beside"),
        pytest.param("../../face1.png", "face1.png", id="from far below"),
        pytest.param("cafe\u0301.png", "caf\u00e9.png", id="another Unicode form"),
        pytest.param("CAFE\u0301.PNG", "caf\u00e9.png", id="and capitals"),
        pytest.param("1.jpg", None, id="the name alone is another picture"),
        pytest.param("sad/1.jpg", None, id="another folder"),
        pytest.param("../other/Images/face1.png", None, id="another set's"),
        pytest.param("face1.jpg", None, id="another ending"),
        pytest.param("twin", None, id="one of two"),
        pytest.param("happy", None, id="a folder"),
        pytest.param("..", None, id="nothing"),
        pytest.param("", None, id="empty"),
        pytest.param("../../../etc/passwd", None, id="far outside"),
    ],
)
def test_a_row_finds_the_file_that_it_means_and_no_other(tmp_path, image, file):
    names = ["happy/1.jpg", "face1.png", unicodedata.normalize("NFC", "café.png"), "twin.png", "twin.jpg"]
    assert made(tmp_path, *names).find(image) == file


def test_an_absolute_path_into_the_folder_is_found(tmp_path):
    pictures = made(tmp_path / "Images", "happy/1.jpg")
    assert pictures.find(str(tmp_path / "Images" / "happy" / "1.jpg")) == "happy/1.jpg"


def test_files_that_differ_in_case_only_are_told_apart_by_the_exact_name(tmp_path):
    pictures = made(tmp_path, "Face1.png", "face1.png")
    if len(pictures.files) == 1:
        pytest.skip("the disk has no case")
    assert [pictures.find(name) for name in ("Face1.png", "face1.png", "FACE1.png")] == [
        "Face1.png",
        "face1.png",
        None,
    ]


def test_book_and_trash_are_no_pictures(tmp_path):
    pictures = made(tmp_path, "a.png", ".trash/old/a.png", ".book/new/b.png", "sub/.trash/c.png")
    assert pictures.files == ["a.png", "sub/.trash/c.png"]


def test_a_folder_that_is_not_there_has_no_pictures(tmp_path):
    assert Pictures(tmp_path / "none").files == []


@pytest.mark.parametrize("target", ["outside", "outside/x.png", "nowhere"], ids=["folder", "file", "broken"])
def test_a_link_is_an_error_that_names_it(tmp_path, target):
    made(tmp_path / "outside", "x.png")
    made(tmp_path / "Images", "sub/a.png")
    (tmp_path / "Images" / "sub" / "link").symlink_to(tmp_path / target)
    with pytest.raises(
        BadInputError, match=rf"sub.link is a link to .*{target}\. Expected a set without links, .* Remove"
    ):
        Pictures(tmp_path / "Images")
    assert Pictures(tmp_path / "Images", links=False).files == ["sub/a.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_what_is_no_file_is_passed_over(tmp_path):
    os.mkfifo(tmp_path / "face1.png")
    assert Pictures(tmp_path).files == []


def test_the_path_of_a_row_never_leaves_the_folder():
    for image in (
        "../../x.png",
        "/etc/passwd",
        "a/../../x.png",
        r"..\..\x.png",
        "C:/x.png",
        "//host/share/x.png",
    ):
        for path in (*paths_meant(image), Row(image, "").file):
            assert ".." not in path.split("/")
            assert not path.startswith("/")
            assert ":" not in path


def test_a_file_that_comes_or_goes_meanwhile_is_noticed(tmp_path, monkeypatch):
    from expression.labelbook import pictures

    monkeypatch.setattr(pictures, "STALE", -1.0)
    made(tmp_path, "a.png")
    finder = Finder(tmp_path)
    assert finder.path("a.png") == tmp_path / "a.png"
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    assert finder.path("a.png") is None
    assert finder.path("b.png") == tmp_path / "b.png"
