"""Keys on disk: nothing of them is left if they cannot be written."""

from __future__ import annotations

import os

import pytest

from expression.errors import OutputError
from expression.files import write_text


@pytest.mark.parametrize("part", ["fsync", "replace"])
def test_keys_that_cannot_be_written_leave_no_file_beside(part, tmp_path, monkeypatch):
    file = tmp_path / "bridges.json"
    write_text(file, "before", 0o600)

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, part, fail)
        with pytest.raises(OutputError, match="No space left on device"):
            write_text(file, "a key", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["bridges.json"]
    assert file.read_text("utf-8") == "before"
