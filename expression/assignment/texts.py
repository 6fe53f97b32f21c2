"""The texts of an assignment: README, the environment, why the architecture was chosen, the scripts.

`audit.py` calls these functions. Each returns what it found, and raises an error for what is missing.

Notebook: 06_train
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from pathlib import Path

from ..errors import BadInputError
from ..files import read_small
from .layout import ARCHITECTURE, found

LEAST_WORDS = 100
"""Words of a README, or of a text about an architecture, that says more than names."""

COMMAND = re.compile(r"(?m)(?:^|`)[\s$]*(?:python3?|make|conda|pip|jupyter|expression) \S+")
REASON = re.compile(r"(?i)\b(?:because|since|so that|reasons?|why|therefore|in order to|chose|chosen)\b")
ITERATION = re.compile(
    r"(?i)\b(?:iterations?|tried|attempts?|versions?|experiments?|first|previous(?:ly)?)\b"
)
FIGURE = re.compile(r"\b\d{1,3}(?:[.,]\d+)? ?%|\b0[.,]\d{2,}\b")
"""An accuracy or a loss, such as 62%, 62.1 % or 0.62."""

DEPENDENCY = re.compile(r"\s*-\s*['\"]?(?:[\w-]+::)?([A-Za-z][\w.-]*)(?:\[[^]]*\])?\s*([=<>~!].*)?")
"""A line of environment.yml: the name of a package, and its version."""

PACKAGES = {"cv2": "opencv", "PIL": "pillow", "sklearn": "scikit-learn", "skimage": "scikit-image"}
"""What a module's package is called, where the names differ."""

UNLISTED = {"expression"}
"""The package that is running this audit."""


def readme(folder: Path) -> str:
    """Whether README.md says how to run the project, and how it works."""
    expected = (
        "Expected an explanation of how to run the code, and how it finds a face and reads it with a network."
    )
    remedy = "Write one: what it is, how it works, how to run it."
    path = found(folder / "README.md", "readme.md", expected, remedy)
    text = read_small(path, expected, "Save it as text.")
    missing = []
    if (count := len(text.split())) < LEAST_WORDS:
        missing.append(f"has only {count} words")
    if not COMMAND.search(text):
        missing.append("shows no command")
    if not re.search(r"(?i)\b(?:CNNs?|networks?|convolution\w*)\b", text) or "face" not in text.casefold():
        missing.append("does not explain the approach")
    _complain(path, missing, expected, "Add what is missing.")
    return f"{count:,} words, with the commands and the approach"


def architecture(folder: Path) -> str:
    """Whether a text says why the architecture was chosen, and what was tried before."""
    expected = "Expected the layers, why they were chosen, and the previous iterations with their accuracy."
    path = found(folder / ARCHITECTURE, "*arch*.txt", expected, "Write what you tried, and what came of it.")
    text = read_small(path, expected, "Save it as text.")
    missing = []
    if (count := len(re.findall(r"[^\W\d_]{2,}", text))) < LEAST_WORDS:
        missing.append(f"has only {count} words")
    if not REASON.search(text):
        missing.append("gives no reason")
    if not ITERATION.search(text) or (figures := len(set(FIGURE.findall(text)))) < 2:
        missing.append("does not compare iterations")
    _complain(path, missing, expected, "Add what is missing; print the layers with model.summary().")
    return f"{path.name}: {count:,} words, with reasons and {figures} figures"


def _complain(path: Path, missing: list[str], expected: str, remedy: str) -> None:
    """Raises an error if anything is missing."""
    if missing:
        raise BadInputError(f"{path} {' and '.join(missing)}.", expected, remedy)


def environment(folder: Path) -> str:
    """Whether environment.yml has a version for each package, and the packages that the scripts import."""
    expected = "Expected every library that is used, with its version, such as numpy=2.1."
    remedy = "Write it with: conda env export --no-builds > environment.yml"
    path = found(folder / "environment.yml", "environment.y*ml", expected, remedy)
    listed = dependencies(read_small(path, expected, remedy))
    bare = [name for name, version in listed.items() if not version and name != "pip"]
    used = {PACKAGES.get(module, module) for module in imported(folder)}
    absent = sorted(name for name in used if not _is_listed(name, listed))
    missing = [f"gives no version for {', '.join(bare)}"] if bare else []
    missing += [f"lacks {', '.join(absent)}"] if absent else []
    _complain(path, missing if listed else ["lists no packages"], expected, remedy)
    return f"{len(listed)} packages with their versions"


def dependencies(text: str) -> dict[str, str]:
    """Returns the packages of an environment.yml, in lower case, and the version of each.

    Example:
        >>> dependencies("channels:\\n  - x\\ndependencies:\\n  - python=3.12\\n  - pip:\\n    - Keras==3\\n")
        {'python': '=3.12', 'keras': '==3'}
    """
    section = re.search(r"(?ms)^dependencies:\s*$(.*?)(?=^\w|\Z)", text)
    lines = section[1].splitlines() if section else []
    matches = [DEPENDENCY.fullmatch(line.partition(" #")[0].rstrip(" '\"")) for line in lines]
    return {match[1].casefold(): match[2] or "" for match in matches if match}


def _is_listed(name: str, listed: dict[str, str]) -> bool:
    """Whether a package is listed, maybe as a variant such as opencv-python-headless or tensorflow-cpu."""
    names = {"keras": ("keras", "tensorflow")}.get(name, (name.replace("_", "-").casefold(),))
    return any(each in other.replace("_", "-") for each in names for other in listed)


def imported(folder: Path) -> set[str]:
    """Returns the modules that the scripts import, other than Python's and the project's own."""
    modules = set()
    for path in sorted((folder / "scripts").glob("*.py")):
        try:
            modules |= _imports(parsed(path))
        except BadInputError:  # which the point of that script reports
            continue
    own = {path.stem for path in (*folder.iterdir(), *(folder / "scripts").glob("*"))}
    return modules - own - UNLISTED - set(sys.stdlib_module_names)


def _imports(tree: ast.Module) -> set[str]:
    """Returns the first part of the names of the modules that a file imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def parsed(path: Path) -> ast.Module:
    """Returns a script as a tree.

    Raises:
        MissingFileError: It does not exist.
        BadInputError: It is not Python.
    """
    expected = "Expected a Python script that runs without arguments."
    text = read_small(path, expected, "Add it, with this name.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of "\d", say
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        place = f" (line {error.lineno}: {error.msg})" if isinstance(error, SyntaxError) else ""
        raise BadInputError(f"{path} is not valid Python{place}.", expected, "Correct that line.") from error


def script(name: Path, folder: Path) -> str:
    """Whether a script is Python and does something."""
    path = folder / name
    if not _imports(parsed(path)):
        raise BadInputError(
            f"{path} imports nothing.",
            "Expected a Python script that does its part of the work.",
            "Write it.",
        )
    return "there, and valid Python"


def detector(name: Path, folder: Path) -> str:
    """Whether the script that finds faces imports cv2, itself or in a script beside it; see `script`."""
    said, path = script(name, folder), folder / name
    modules = _imports(parsed(path))
    beside = [path.with_name(f"{module}.py") for module in modules]
    modules = modules.union(*(_imports(parsed(other)) for other in beside if other.is_file()))
    if not modules & {"cv2", *UNLISTED}:
        raise BadInputError(
            f"{path} does not import cv2.",
            "Expected a face detector that comes from OpenCV.",
            "Use cv2.CascadeClassifier, or cv2.FaceDetectorYN.",
        )
    return said
