"""The command `expression check`: what works on this machine, with a remedy for what does not.

It must work where nothing else does, so every module is imported inside its own check, and a check that
crashes becomes a line of its own.

Notebook: 01_start_here
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable
from typing import Annotated

import typer

from ..checks import Check, all_good, guard, report
from ..errors import ExpressionError, MissingFileError, install_line, user_path
from ..settings import Settings

OLDEST, TOO_NEW = (3, 10), (3, 14)
LIBRARIES = "sudo apt-get install libgl1 libglib2.0-0 libxcb1 libx11-6"
"""Installs what opencv-python needs on Debian, Ubuntu or Raspberry Pi OS without a desktop."""


def check(
    camera: Annotated[
        bool, typer.Option("--camera", help="Look through the camera, and say what makes faces hard to read.")
    ] = False,
    source: Annotated[
        str | None,
        typer.Option(help="A source to check instead of the camera, as for live.", metavar="SOURCE"),
    ] = None,
) -> None:
    """Report what works on this machine, and how to fix the rest."""
    if camera or source:
        from .check_camera import GOOD, check_camera

        checks = check_camera(source)
        print(report(checks, GOOD))
    else:
        checks = run_checks()
        print(report(checks))
    raise typer.Exit(0 if all_good(checks) else 1)


def run_checks(settings: Settings | None = None) -> list[Check]:
    """Checks everything within a few seconds; does not load TensorFlow and never raises.

    Args:
        settings: Settings whose detector and network are tested; None collects them as a run does.
    """
    checks = guard("Python", _python) + guard("Packages", _packages) + guard("OpenCV", _opencv)
    if settings is None:
        checks += guard("Settings", _settings)
        settings = Settings() if checks[-1].ok is False else Settings.load()
    seen = {check.name: check.ok for check in checks}
    for name, call in _NEED_OPENCV.items():
        if seen["OpenCV"]:
            checks += guard(name, lambda call=call: call(settings))
        else:
            checks.append(Check(name, False, "not tested, because OpenCV does not work", "Fix OpenCV first."))
    return checks + guard("Bridge", _bridge) + guard("Extras", _extras) + guard("Plug-ins", _plugins)


def _python() -> list[Check]:
    """Whether the package supports this version of Python."""
    here = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if OLDEST <= sys.version_info[:2] < TOO_NEW:
        return [Check("Python", True, here)]
    return [Check("Python", False, here, "Install Python 3.10 to 3.13, and create the environment again.")]


def _packages() -> list[Check]:
    """Whether the packages of a live run are installed; OpenCV has its own check."""
    needed = [name for name in _requirements().get("", []) if not name.startswith("opencv")]
    missing = [name for name in needed if not _version(name)]
    if missing:
        line = f"Run: pip install {' '.join(missing)}"
        return [Check("Packages", False, f"{', '.join(missing)} missing", line)]
    return [Check("Packages", True, _with_versions(needed))]


def _requirements() -> dict[str, list[str]]:
    """Returns the names of the packages that each extra needs; "" has those that are always needed."""
    found: dict[str, list[str]] = {}
    for text in importlib.metadata.requires("expression") or []:
        extra = re.search(r"""extra == ["']([\w-]+)""", text)
        if "python_version" not in text:
            name = re.match(r"[\w.-]+", text).group()
            found.setdefault(extra.group(1) if extra else "", []).append(name)
    return found


def _version(name: str) -> str:
    """Returns the version of a package, "?" for one installed under another name, or ""."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "?" if importlib.util.find_spec(name.replace("-", "_")) else ""


def _with_versions(names: list[str]) -> str:
    """Returns the packages with their versions, if those are known."""
    return ", ".join(f"{name} {_version(name)}".removesuffix(" ?") for name in names)


def _opencv() -> list[Check]:
    """Whether OpenCV can be imported and still has its cascades, which OpenCV 5 dropped."""
    try:
        import cv2
    except ImportError as error:
        text = " ".join(str(error).split())
        library = re.search(r"lib[\w.+-]+\.so[\w.]*", text)
        if library:
            happened = f"the system library {library.group()} is missing"
            return [Check("OpenCV", False, happened, f"Run: {LIBRARIES}")]
        return [Check("OpenCV", False, text, 'Run: pip install "opencv-python>=4.13,<5"')]
    if not hasattr(cv2, "CascadeClassifier"):
        found = f"{cv2.__version__} has no cascades, which the Haar detector needs"
        return [Check("OpenCV", False, found, 'Run: pip install "opencv-python>=4.13,<5"')]
    return [Check("OpenCV", True, cv2.__version__)]


def _settings() -> list[Check]:
    """Whether the settings in expression.toml and the environment are valid."""
    from ..sinks import describe_sink

    settings = Settings.load()
    shown, usual = settings.shown(), Settings().shown()
    shown["sinks"] = usual["sinks"] if not settings.sinks else str([*map(describe_sink, settings.sinks)])
    changed = [f"{name} = {text}" for name, text in shown.items() if text != usual[name]]
    return [Check("Settings", True, ", ".join(changed) or "the defaults")]


def _screen(settings: Settings) -> list[Check]:
    """Whether a window can be shown."""
    from ..displays.screen import screen_is_there

    there, reason = screen_is_there()
    remedy = "" if there else "Runs show no window here; readings are printed. Notebooks are not affected."
    return [Check("Screen", there or None, reason, remedy)]


def _detector(settings: Settings) -> list[Check]:
    """Whether the detector of the settings finds its file and runs, and whether YuNet is available."""
    import numpy as np

    from ..models import registry
    from ..vision.detectors import make_detector

    detector = make_detector(settings.detector)
    detector.detect(np.zeros((240, 320, 3), np.uint8))
    checks = [Check("Detector", True, detector.name)]
    try:
        registry.require("yunet")
    except MissingFileError as error:
        found = f"{error.happened} It is faster and more reliable than Haar."
        checks.append(Check("YuNet", None, found, error.remedy))
    return checks


def _network(settings: Settings) -> list[Check]:
    """Whether the network of the settings runs, and how long it takes per face."""
    import numpy as np

    from ..models import load
    from ..models.formats import KERAS, network_format
    from ..models.metadata import has_card

    path = user_path(settings.model) if settings.model else None
    if path and network_format(path) == KERAS and has_card(path):
        return [Check("Network", None, f"{path} runs in Keras and was not tested")]
    network = load(path)
    face = network.preprocess(np.zeros((48, 48, 3), np.uint8))[None]
    seconds = min(_seconds(lambda: network.scores(face)) for _ in range(10))
    found = f"{network.description}, {seconds * 1000:.1f} ms per face: {', '.join(network.labels)}"
    return [Check("Network", True, found)]


def _seconds(call: Callable[[], object]) -> float:
    """Returns how long a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _cameras(settings: Settings) -> list[Check]:
    """Which cameras were found, and whether they may be used."""
    from ..sources import camera, picamera

    found = camera.cameras()
    locked = [f"{camera.DEVICES}/video{each.index}" for each in found if not each.usable]
    if locked:
        said = f"no permission to read {', '.join(locked)}"
        return [Check("Camera", False, said, "Run: sudo usermod -aG video $USER and log in again.")]
    if not found and picamera.is_there():
        return [Check("Camera", True, "the Raspberry Pi camera")]
    if not found:
        remedy = "Connect a camera and allow this program to use it; without one, the demo runs."
        return [Check("Camera", None, "none found", remedy)]
    named = [f"{each.index} ({each.name})" if each.name else str(each.index) for each in found]
    return [Check("Camera", True, ", ".join(named))]


def _bridge() -> list[Check]:
    """Whether a bridge is paired and answers, and whether the settings of the lights are valid."""
    from ..lights import credentials
    from ..lights.bridge import Bridge, BridgeError
    from ..lights.settings import LightSettings

    settings = LightSettings.load()
    address = settings.bridge
    if not _version("phue"):
        return [Check("Bridge", None, "the package phue is missing", install_line("lights"))]
    if not (address or credentials.read()):
        return [Check("Bridge", None, "no Hue bridge is paired", "To use lamps, run: expression lights pair")]
    paired = credentials.find(address, found_in=settings.found_in)
    bridge = Bridge(paired)
    bridge.transport.timeout = 1.0
    try:
        lights = bridge.lights()
    except BridgeError as error:
        return [Check("Bridge", None, error.happened, error.remedy)]
    finally:
        bridge.close()
    return [Check("Bridge", True, f"{paired.name or 'a bridge'} at {paired.url}, {len(lights)} lights")]


def _extras() -> list[Check]:
    """Which optional features have their packages."""
    checks = []
    for extra, needed in _requirements().items():
        if extra in ("", "test", "lint"):
            continue
        missing = [name for name in needed if not _version(name)]
        if missing:
            checks.append(
                Check(extra.capitalize(), None, f"{', '.join(missing)} missing", install_line(extra))
            )
        elif extra == "speech" and (lacks := _missing_for_speech()):
            from ..sinks.speech import INSTALL

            checks.append(Check("Speech", None, f"{', '.join(lacks)} missing", INSTALL))
        else:
            checks.append(Check(extra.capitalize(), True, _with_versions(needed)))
    return checks


def _plugins() -> list[Check]:
    """Which sinks and sources other packages provide, and whether they can be loaded."""
    from .. import sinks, sources
    from ..plugins import installed, load_class

    checks = []
    for what, room, base in (("Sink", sinks, sinks.Sink), ("Source", sources, sources.Source)):
        for name, point in installed(room.GROUP).items():
            try:
                load_class(point, base)
            except ExpressionError as error:
                checks.append(Check(f"{what} {name}", False, error.happened, error.remedy))
            else:
                package = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
                checks.append(Check(f"{what} {name}", True, f"from {package}"))
    return checks


def _missing_for_speech() -> list[str]:
    """Returns what Linux lacks for speech; Windows and macOS include it."""
    from ctypes.util import find_library

    from ..sinks.speech import LINUX

    if sys.platform != "linux":
        return []
    engine = shutil.which("espeak-ng") and (find_library("espeak-ng") or find_library("espeak"))
    player = any(shutil.which(name) for name in LINUX)
    return [what for what, there in (("espeak-ng", engine), ("a player such as aplay", player)) if not there]


_NEED_OPENCV = {"Screen": _screen, "Detector": _detector, "Network": _network, "Camera": _cameras}
