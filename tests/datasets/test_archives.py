"""Archives are recognised by their content; a table in one is read, and nothing is unpacked to disk."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zipfile

import numpy as np
import pytest
from sets import row_of

from expression.datasets import archives
from expression.datasets.archives import archive_kind, tables_in
from expression.datasets.dataset import read
from expression.datasets.fer2013 import find_fer2013
from expression.errors import BadInputError

PICTURES = np.random.default_rng(3).integers(0, 256, (9, 48, 48), np.uint8)
USAGES = ["Training", "PublicTest", "PrivateTest"]
ROWS = [f"{n % 7},{row_of(picture)},{USAGES[n % 3]}" for n, picture in enumerate(PICTURES)]
TABLE = "\n".join(["emotion,pixels,Usage", *ROWS]).encode()


def in_tar(members: dict[str, bytes], mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def in_zip(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


MEMBERS = {"fer2013/README": b"about it", "fer2013/fer2013.csv": TABLE, "fer2013/fer2013.bib": b"@article{}"}
FORMS = {
    "fer2013.csv.gz": gzip.compress(TABLE),
    "fer2013.csv.bz2": bz2.compress(TABLE),
    "fer2013.csv.xz": lzma.compress(TABLE),
    "fer2013.tar": in_tar(MEMBERS),
    "fer2013.tar.gz": in_tar(MEMBERS, "w:gz"),
    "fer2013.tgz": in_tar(MEMBERS, "w:gz"),
    "fer2013.tar.xz": in_tar(MEMBERS, "w:xz"),
    "archive.zip": in_zip(MEMBERS),
    "a tar called fer2013.csv": in_tar(MEMBERS),
    "a gz called fer2013.csv": gzip.compress(TABLE),
    "a zip called fer2013.csv": in_zip(MEMBERS),
    "a zip with what macOS adds": in_zip({"__MACOSX/fer2013/._fer2013.csv": b"x", **MEMBERS}),
}


@pytest.mark.parametrize(("name", "content"), FORMS.items(), ids=FORMS)
def test_a_table_is_read_from_any_archive(tmp_path, name, content):
    name = {"a zip with what macOS adds": "data.zip"}.get(name, name.rpartition(" ")[2])
    (tmp_path / name).write_bytes(content)
    for place in (tmp_path / name, tmp_path):
        dataset = read(place)
        for number, split in enumerate((dataset.training, dataset.validation, dataset.test)):
            np.testing.assert_array_equal(split.pictures, PICTURES[number::3])
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing was unpacked"


@pytest.mark.parametrize(("ending", "module"), [("xz", "lzma"), ("bz2", "bz2")])
def test_a_python_without_the_module_of_an_archive_says_so(tmp_path, monkeypatch, ending, module):
    path = tmp_path / f"fer2013.csv.{ending}"
    path.write_bytes(FORMS[path.name])
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BadInputError, match=rf"{ending} is an? \w+ archive, .* was built without {module}\."):
        read(path)


def test_the_competitions_two_tables_are_read_from_one_zip_archive(tmp_path):
    train = "\n".join(["emotion,pixels", *(f'{n % 7},"{row_of(p)}"' for n, p in enumerate(PICTURES))])
    test = "\n".join(["emotion,pixels", *(f'{n % 7},"{row_of(p)}"' for n, p in enumerate(PICTURES[:4]))])
    members = {
        "train.csv": train.encode(),
        "test_with_emotions.csv": test.encode(),
        "test.csv": b"pixels\n1 2",
    }
    (tmp_path / "emotions-detector.zip").write_bytes(in_zip(members))
    dataset = read(tmp_path)
    np.testing.assert_array_equal(dataset.test.pictures, PICTURES[:4])
    assert dataset.sizes["training"] + dataset.sizes["validation"] == 9


def test_folders_of_pictures_come_before_an_archive_beside_them(tmp_path):
    from sets import writer

    put = writer(tmp_path)
    put("train/happy/1.png")
    put("test/sad/1.png")
    (tmp_path / "fer2013.csv.gz").write_bytes(gzip.compress(TABLE))
    assert read(tmp_path).sizes["test"] == 1


def encrypted(members) -> bytes:
    """A zip archive whose entries are marked as encrypted."""
    data = bytearray(in_zip(members))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


REFUSED = {
    "pictures in a zip": (in_zip({"train/happy/1.png": b"x"}), "is a zip archive without a table.*Unpack it"),
    "pictures in a tar": (in_tar({"train/happy/1.png": b"x"}), "is a tar archive without a table.*Unpack it"),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c" + bytes(90), "is a 7-Zip archive.*Unpack it"),
    "RAR": (b"Rar!\x1a\x07\x01\x00" + bytes(90), "is a RAR archive.*Unpack it"),
    "Excel": (
        in_zip({"xl/workbook.xml": b"<x/>", "[Content_Types].xml": b""}),
        "is an Excel workbook.*export",
    ),
    "NumPy": (in_zip({"x.npy": b"", "y.npy": b""}), "is a file of NumPy arrays.*export"),
    "a cut zip": (in_zip(MEMBERS)[:-300], "cannot be opened"),
    "a cut gz": (gzip.compress(TABLE)[:-900], "cannot be read"),
    "a cut tar.gz": (in_tar(MEMBERS, "w:gz")[:2000], "cannot be"),
    "an encrypted zip": (encrypted(MEMBERS), "is an encrypted zip archive.*Unpack it and choose the folder"),
    "a web page": (b"<!DOCTYPE html>\n<html><body>Log in</body></html>", "is a web page.*Download"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
    "an empty zip": (in_zip({}), "is an empty zip archive"),
    "nothing": (b"", "is an empty file"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_other_archives_are_called_by_their_name(tmp_path, content, message):
    (tmp_path / "faces.data").write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        read(tmp_path / "faces.data")


def test_an_archive_that_becomes_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 100_000)
    (tmp_path / "fer2013.csv.gz").write_bytes(gzip.compress(TABLE + b"\n" * 200_000))
    with pytest.raises(BadInputError, match=r"is larger than .* when unpacked"):
        read(tmp_path / "fer2013.csv.gz")


def test_a_gigabyte_of_nothing_is_refused_at_once(tmp_path):
    zeros = gzip.compress(bytes(1 << 24), 9)
    (tmp_path / "fer2013.csv.gz").write_bytes(zeros * 64)
    with pytest.raises(BadInputError, match="is not text"):
        read(tmp_path / "fer2013.csv.gz")


def test_links_and_paths_out_of_an_archive_are_never_followed(tmp_path):
    outside = tmp_path / "secret.csv"
    outside.write_bytes(TABLE)
    place = tmp_path / "in"
    place.mkdir()
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        link = tarfile.TarInfo("fer2013.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "../secret.csv"
        archive.addfile(link)
    (place / "links.tar").write_bytes(file.getvalue())
    assert tables_in(place / "links.tar") == []
    (place / "up.zip").write_bytes(in_zip({"../../up.csv": TABLE}))
    with pytest.raises(BadInputError, match="without a table"):
        read(place / "up.zip")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in", "links.tar", "secret.csv", "up.zip"]


def test_an_archive_in_the_current_folder_is_not_opened_to_look_for_fer2013(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "backup.tar.gz").write_bytes(in_tar(MEMBERS, "w:gz"))
    monkeypatch.setattr("expression.datasets.fer2013.ROOT", tmp_path / "a" / "b")
    monkeypatch.setattr(archives, "archive_kind", lambda path: pytest.fail("it was opened"))
    assert find_fer2013() is None


def test_kinds_are_told_by_the_first_bytes(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("emotion,pixels\n")
    assert archive_kind(path) is None
    path.write_bytes(in_tar(MEMBERS))
    assert archive_kind(path) == "a tar archive"


def test_a_file_of_arrays_in_a_folder_is_not_to_be_unpacked(tmp_path):
    np.savez(tmp_path / "fer.npz", X=np.zeros(3), y=np.zeros(3))
    with pytest.raises(BadInputError, match=r"fer\.npz, a file of NumPy arrays\..*Export it"):
        read(tmp_path)
