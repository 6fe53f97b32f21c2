"""Networks and detectors as files: those that are shipped, and those fetched once.

`runtime.py` and `faces.py` ask `find`; `expression models list|get` calls the rest. A
file is looked for in the folder that EXPRESSION_MODELS names, then in the user's cache
folder, then in this folder.

Notebook: 14_small_and_fast
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

FOLDER = Path(__file__).parent
"""Where the files lie that come with the package."""

SHIPPED = FOLDER / "expression.tflite"
"""The network that live runs use unless another is named."""


def folders() -> list[Path]:
    """Returns the folders that are looked in, in order."""
    named = os.environ.get("EXPRESSION_MODELS")
    return ([Path(named).expanduser()] if named else []) + [cache_folder(), FOLDER]


def cache_folder() -> Path:
    """Returns the folder that fetched files are kept in; it may not exist yet."""
    return user_cache_path("expression", appauthor=False) / "models"


def find(file_name: str) -> Path | None:
    """Returns where a file lies, or None."""
    return next((f / file_name for f in folders() if (f / file_name).is_file()), None)
