"""What is found out about the screen before a window is opened."""

from __future__ import annotations

import sys
import types

import cv2
import pytest
from screen import virtual_screen

from expression.displays import screen
from expression.displays.screen import check_screen, screen_is_there, window_kind
from expression.errors import DisplayError
from expression.jupyter import in_notebook

INFO = "OpenCV\n  GUI:                           {}\n    QT:                          YES\n"


@pytest.fixture
def linux(monkeypatch):
    """A machine with Linux, OpenCV with Qt, and no screen."""
    monkeypatch.setattr(screen.sys, "platform", "linux")
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: INFO.format("QT5"))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X is asked on Linux only")
def test_a_screen_that_answers_is_there(monkeypatch):
    with virtual_screen() as virtual:
        name = virtual.environment["DISPLAY"]
        monkeypatch.setenv("DISPLAY", name)
        assert screen_is_there() == (True, f"the X display {name}, through {window_kind()}")
    assert screen_is_there() == (False, f"no X server answers at DISPLAY={name}")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X is asked on Linux only")
def test_asking_often_does_not_disturb_a_server_that_starts_anew_without_clients(monkeypatch):
    with virtual_screen(reset=True) as virtual:
        monkeypatch.setenv("DISPLAY", virtual.environment["DISPLAY"])
        assert all(screen_is_there()[0] for _ in range(50))


@pytest.mark.parametrize(
    ("kind", "variables", "expected"),
    [
        ("QT5", {}, (False, "neither DISPLAY nor WAYLAND_DISPLAY is set")),
        ("QT5", {"DISPLAY": ":987"}, (False, "no X server answers at DISPLAY=:987")),
        (
            "QT5",
            {"WAYLAND_DISPLAY": "wayland-0"},
            (False, "OpenCV's QT5 windows need X (XWayland), and DISPLAY is not set"),
        ),
        ("GTK3", {"WAYLAND_DISPLAY": "wayland-0"}, (True, "the Wayland display wayland-0, through GTK3")),
        (
            "NONE",
            {"DISPLAY": ":0"},
            (False, "this OpenCV cannot open windows (opencv-python-headless is installed)"),
        ),
    ],
    ids=["nothing", "dead X", "Qt on Wayland", "GTK on Wayland", "headless OpenCV"],
)
def test_why_a_screen_is_there_or_not_is_told(linux, kind, variables, expected):
    linux.setattr(cv2, "getBuildInformation", lambda: INFO.format(kind))
    for name, value in variables.items():
        linux.setenv(name, value)
    assert screen_is_there() == expected


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_windows_and_macos_have_a_screen(linux, platform):
    linux.setattr(screen.sys, "platform", platform)
    assert screen_is_there()[0] is True


def test_a_missing_screen_is_an_error_in_three_sentences(linux):
    with pytest.raises(DisplayError, match=r"^A window cannot be shown: neither .* Expected .* Run it on"):
        check_screen()


def test_this_process_is_no_notebook():
    assert in_notebook() is False


def test_a_kernel_and_what_is_built_on_it_are_notebooks(monkeypatch):
    class ZMQInteractiveShell:
        pass

    class Shell(ZMQInteractiveShell):
        """As Colab's."""

    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=Shell))
    assert in_notebook() is True


def test_an_ipython_terminal_is_no_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=object))
    assert in_notebook() is False
