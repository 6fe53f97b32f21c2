"""What a reader skipped is counted, named and limited."""

from __future__ import annotations

import pytest

from expression.errors import BadInputError
from expression.files import is_housekeeping
from expression.pictures.skipped import NAMES, Skipped


def test_nothing_skipped_says_nothing():
    assert Skipped().summary(10) == ""
    assert not Skipped()


def test_reasons_are_counted_the_most_common_first():
    skipped = Skipped()
    skipped.add("a.txt", "not a picture")
    for number in range(1200):
        skipped.add(f"{number}.jpg", "empty")
    assert skipped.summary(5000, "pictures") == (
        "Skipped 1,201 of 5,000 pictures: 1,200 empty (0.jpg, 1.jpg, 2.jpg, ...); 1 not a picture (a.txt)."
    )


def test_names_do_not_grow():
    skipped = Skipped()
    for number in range(100):
        skipped.add(number, "empty")
    other = Skipped()
    other.extend(skipped)
    other.extend(skipped)
    assert len(other.names["empty"]) == NAMES
    assert len(other) == 200


def test_a_name_with_escape_codes_is_harmless():
    skipped = Skipped()
    skipped.add("\x1b[31mred\n.jpg", "empty")
    assert skipped.summary(1, "files") == r"Skipped 1 of 1 file: 1 empty (\x1b[31mred\n.jpg)."


def test_a_set_that_is_mostly_bad_is_refused_with_the_most_common_reason():
    skipped = Skipped()
    skipped.add("a.jpg", "empty", 6)
    skipped.check(12, "faces")
    skipped.add("b.jpg", "cut off")
    with pytest.raises(BadInputError, match=r"7 of the 12 files .* most often: 6 empty \(a.jpg, \.\.\.\)"):
        skipped.check(12, "faces")


@pytest.mark.parametrize(
    "name", [".git", "._a.jpg", "__MACOSX", "@eaDir", "THUMBS.DB", ".ipynb_checkpoints", "desktop.ini"]
)
def test_what_systems_leave_is_not_the_users(name):
    assert is_housekeeping(name)


@pytest.mark.parametrize("name", ["face1.png", "happy", "_private", "icon"])
def test_what_a_user_names_is_the_users(name):
    assert not is_housekeeping(name)
