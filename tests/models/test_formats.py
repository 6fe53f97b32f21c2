"""A network is recognised by its content, and other files are called by their kind."""

from __future__ import annotations

import io
import pickle
import zipfile

import pytest

from expression.errors import BadInputError, MissingFileError
from expression.models import load
from expression.models.formats import network_format
from expression.models.metadata import network_bytes
from expression.models.registry import SHIPPED

pytestmark = pytest.mark.slow

KERAS = SHIPPED.with_suffix(".keras")


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, b"")
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("network.bin", network_bytes(SHIPPED), ".tflite"),
        ("network.keras", network_bytes(SHIPPED), ".tflite"),
        ("network.h5", KERAS.read_bytes(), ".keras"),
        ("network", KERAS.read_bytes(), ".keras"),
        ("network.keras", b"\x89HDF\r\n\x1a\n" + bytes(100), ".h5"),
        ("network.hdf5", b"\x89HDF\r\n\x1a\n" + bytes(100), ".h5"),
    ],
)
def test_the_ending_of_its_name_decides_nothing(tmp_path, name, content, kind):
    path = tmp_path / name
    path.write_bytes(content)
    assert network_format(path) == kind


@pytest.mark.parametrize("name", ["network.h5", "network.tflite", "netz ü"])
def test_our_own_networks_run_under_any_name(tmp_path, name):
    for shipped in (SHIPPED, KERAS):
        path = tmp_path / name
        path.write_bytes(shipped.read_bytes())
        assert load(path).engine == load(shipped).engine


def test_a_saved_model_is_known_by_its_folder_and_by_its_file(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert network_format(tmp_path) == network_format(tmp_path / "saved_model.pb") == "SavedModel"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("net.onnx", b"\x08\x07", r"it is an ONNX file\. .*onnx2tf -i"),
        ("net.pt", zipped("net/data.pkl"), r"it is a PyTorch file\. .* litert-torch"),
        ("net.pth", b"\x80\x02", r"it is a PyTorch file"),
        ("net.pkl", pickle.dumps([1]), r"it is a pickle, which can run any program\. .*model\.save"),
        ("net.h5", pickle.dumps([1]), r"it is a pickle"),
        ("net.zip", zipped("model.tflite", "labels.txt"), r"it is an archive\. .* Unpack it"),
        ("model.json", b"{}", r"it is an architecture without weights"),
        ("frozen.pb", b"\n\x10", r"it is a graph without its variables"),
        (
            "net.tflite",
            b"index,label",
            r"is not a network\. Expected a complete \.tflite or \.keras file",
        ),
        ("net.keras", b"", r"is not a network: it is empty\. .*download this one again"),
        ("net.tflite", b"version https://git-lfs.github.com/spec/v1\n", r"it is a Git LFS pointer.*lfs pull"),
        ("net.h5", b"<!DOCTYPE html><html>", r"it is a web page"),
        ("net.tflite.gz", b"\x1f\x8b\x08", r"it is a gzip archive\. .*Unpack it"),
    ],
)
def test_what_is_none_is_called_by_its_name_with_a_way_out(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=said):
        network_format(path)


def test_a_folder_that_is_none_and_nothing_at_all_are_told(tmp_path):
    with pytest.raises(BadInputError, match=r"is a folder without saved_model\.pb"):
        network_format(tmp_path)
    with pytest.raises(MissingFileError, match=r"The network .* was not found"):
        network_format(tmp_path / "none")
