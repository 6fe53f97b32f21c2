"""A loudspeaker that writes what it is given to a file, so that a test can hear what was said."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from expression.sinks import speech

PARTS = find_spec("pyttsx3"), shutil.which("espeak-ng"), shutil.which("aplay")
SPEAKS = sys.platform == "linux" and all(PARTS)
NEEDS = "needs Linux with pyttsx3, espeak-ng, libespeak1 and alsa-utils"

FILE_DEVICE = """
pcm.!default {{ type plug slave.pcm "kept" }}
pcm.kept {{ type file slave.pcm "nothing" file "{path}" format "wav" }}
pcm.nothing {{ type null }}
"""
"""A loudspeaker that writes what it is given to a file.

Source: https://www.alsa-project.org/alsa-doc/alsa-lib/pcm_plugins.html
"""


@pytest.fixture
def heard(tmp_path, monkeypatch) -> Path:
    """A loudspeaker that writes to this file."""
    if not SPEAKS:
        pytest.skip(NEEDS)
    path, config = tmp_path / "heard.wav", tmp_path / "asound.conf"
    config.write_text(FILE_DEVICE.format(path=path))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    monkeypatch.setattr(speech, "LINUX", ("aplay",))
    return path
