"""A folder is searched to its bottom, within limits; files listed in tables are found by name."""

from __future__ import annotations

import os

import pytest

from expression.datasets import folder_tree
from expression.datasets.folder_tree import scan
from expression.errors import BadInputError


@pytest.fixture
def tree(tmp_path):
    """Some files in folders."""
    for name in (
        "a/1.png",
        "a/2.png",
        "b/1.png",
        "b/c/1.png",
        "readme.txt",
        "b/Caf\u00e9.JPG",
        "b/KA.AN1.39.tif",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return scan(tmp_path)


def test_files_are_listed_by_their_folders_in_order(tree):
    assert tree.files == {
        (): ["readme.txt"],
        ("a",): ["1.png", "2.png"],
        ("b",): ["1.png", "Caf\u00e9.JPG", "KA.AN1.39.tif"],
        ("b", "c"): ["1.png"],
    }
    assert tree.folders == {(): {"a", "b"}, ("b",): {"c"}}


FOUND = {
    "2.png": "a/2.png",
    "a/1.png": "a/1.png",
    "A\\1.PNG": "a/1.png",
    "/data/set/b/c/1.png": "b/c/1.png",
    "C:\\faces\\b\\1.png": "b/1.png",
    "2": "a/2.png",
    "caf\u00e9.jpg": "b/Caf\u00e9.JPG",
    "KA.AN1.39": "b/KA.AN1.39.tif",
    "2.jpg": "a/2.png",
    "ka.an1.39.png": "b/KA.AN1.39.tif",
    "2.txt": None,
    "notes.png": None,
    "1.png": None,
    "1.jpg": None,
    "3.png": None,
    "": None,
    ".": None,
    "/": None,
    "../../etc/passwd": None,
}


@pytest.mark.parametrize(("written", "name"), FOUND.items(), ids=lambda name: repr(name))
def test_a_file_is_found_by_what_a_table_writes(tree, written, name):
    found = tree.find(written)
    assert (found and found.relative_to(tree.root).as_posix()) == name


def test_of_equal_names_the_one_near_the_table_is_found(tree):
    assert tree.find("1.png", ("a",)) == tree.root / "a" / "1.png"


def test_a_tree_that_is_too_deep_or_too_large_is_refused(tmp_path, monkeypatch):
    deep = tmp_path.joinpath(*["x"] * 20)
    deep.mkdir(parents=True)
    with pytest.raises(BadInputError, match=r"17 folders below .*Choose the folder of the dataset itself"):
        scan(tmp_path)
    monkeypatch.setattr(folder_tree, "MOST", 2)
    (tmp_path / "y").mkdir()
    for name in "abc":
        (tmp_path / "y" / name).touch()
    with pytest.raises(BadInputError, match="3 files were found so far"):
        scan(tmp_path / "y")


def test_a_locked_folder_is_noted_and_the_root_of_a_set_must_be_open(tmp_path, monkeypatch):
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "a.png").touch()
    (tmp_path / "locked").mkdir()
    listed, closed = os.scandir, {str(tmp_path / "locked")}

    def scandir(place):
        if os.fspath(place) in closed:
            raise PermissionError(13, "Permission denied", os.fspath(place))
        return listed(place)

    monkeypatch.setattr(os, "scandir", scandir)
    tree = scan(tmp_path)
    assert (tree.locked, tree.files) == (["locked"], {("open",): ["a.png"]})
    closed.add(str(tmp_path))
    with pytest.raises(BadInputError, match=r"cannot be read \(Permission denied\)"):
        scan(tmp_path)
