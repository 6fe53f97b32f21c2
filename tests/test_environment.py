"""Where a program may have to run: without a home or /proc, on odd consoles, in a folder that is gone."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from parts import ROOT, expression_process

from expression import files
from expression.cli import app
from expression.errors import BadInputError, MissingFileError, OutputError
from expression.files import own_folder, read_small
from expression.lights.credentials import Paired, read, remember
from expression.lights.snapshot import before_path
from expression.live import stats
from expression.live.session import Session
from expression.models import registry
from expression.settings import Settings

LIVE = ("live", "--source", "PICTURE", "--detector", "whole", "--display", "none")
posix = pytest.mark.skipif(os.name != "posix", reason="has homes and modes of its own")
ordinary = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    """No home, not even one that the system knows of, and a folder for temporary files."""
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", str)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    return tmp_path / "tmp"


@pytest.fixture(scope="session", autouse=True)
def picture(tmp_path_factory) -> str:
    """A grey picture, which a run reads for a second and a half; PICTURE stands for it in words."""
    path = tmp_path_factory.mktemp("picture") / "grey.png"
    path.write_bytes(cv2.imencode(".png", np.full((60, 60, 3), 128, np.uint8))[1].tobytes())
    _paths.append(str(path))
    return str(path)


_paths: list[str] = []


def with_picture(words) -> list[str]:
    return [_paths[0] if word == "PICTURE" else word for word in words]


def run(capfd, *words: str) -> tuple[int, str]:
    code = app.main(with_picture(words))
    said = capfd.readouterr()
    return code, said.out + said.err


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    "words",
    [
        LIVE,
        ("check",),
        ("models", "list"),
        ("lights", "list"),
        ("lights", "restore"),
        (*LIVE, "--sink", "hue"),
    ],
    ids=lambda words: " ".join(words[:2] + words[7:]),
)
def test_a_command_works_without_a_home(homeless, capfd, words):
    code, said = run(capfd, *words)
    assert code == (2 if words == ("lights", "list") or "hue" in words else 0), said
    assert "Traceback" not in said


@posix
def test_without_a_home_keys_and_lamps_are_kept_in_a_folder_that_only_the_user_may_read(homeless):
    place = homeless / f"expression-{os.getuid()}"
    file = remember(Paired("http://10.0.0.9", "abc"))
    assert file == place / "config" / "bridges.json"
    assert place.stat().st_mode & 0o777 == 0o700
    assert read()[0].key == "abc"
    assert before_path() == place / "state" / "lights.json"
    assert registry.cache_folder() == place / "cache" / "models"
    assert Settings.load() == Settings()


@posix
@pytest.mark.parametrize("harm", ["a link", "writable by others", "a file"])
def test_a_folder_for_temporary_files_that_somebody_else_prepared_is_not_used(homeless, harm, tmp_path):
    place = homeless / f"expression-{os.getuid()}"
    if harm == "a link":
        (tmp_path / "elsewhere" / "config").mkdir(parents=True)
        place.symlink_to(tmp_path / "elsewhere")
    elif harm == "a file":
        place.write_text("")
    else:
        (place / "config").mkdir(parents=True)
        place.chmod(0o777)
        (place / "config" / "expression.toml").write_text("people = 7")
    assert place not in own_folder("config").parents
    assert own_folder("config") == own_folder("config")
    assert Settings.load().people == 5


@posix
@ordinary
def test_on_a_read_only_home_what_has_to_be_written_goes_elsewhere(homeless, monkeypatch, tmp_path, capfd):
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    monkeypatch.undo()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert home not in before_path().parents
    assert home in own_folder("config").parents
    assert run(capfd, *LIVE)[0] == 0
    with pytest.raises(OutputError, match=r"cannot be written .* another one in EXPRESSION_LIGHTS_FOLDER"):
        remember(Paired("http://10.0.0.9", "abc"))


@posix
def test_a_home_that_cannot_be_written_is_seen_before_anything_is_lost(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert before_path().parent == tmp_path / "state" / "expression"
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    assert tmp_path / "state" not in before_path().parents


@pytest.mark.parametrize("content", [None, "", "1 (python) S 1", "1 (a b) " + "x " * 30])
def test_without_proc_the_time_is_counted_from_the_import(monkeypatch, content):
    if content is None:
        monkeypatch.setattr("builtins.open", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError()))
    else:
        monkeypatch.setattr("builtins.open", lambda *_, **__: io.StringIO(content))
    seconds = stats.process_seconds()
    monkeypatch.undo()
    assert 0 < seconds < 100_000


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="has no /proc to take away")
def test_a_run_works_without_proc(tmp_path):
    words = " ".join(with_picture(LIVE))
    command = f"mount -t tmpfs none /proc && exec {sys.executable} -m expression {words} --stats a.json"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("only an administrator can take /proc away")
    assert done.returncode == 0, done.stderr
    assert '"error": null' in (tmp_path / "a.json").read_text()


CONSOLES = {
    "C": {"LC_ALL": "C", "PYTHONIOENCODING": ""},
    "C without UTF-8": {"LC_ALL": "C", "PYTHONIOENCODING": "", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "cp1252": {"PYTHONIOENCODING": "cp1252:strict"},
    "no such locale": {"LC_ALL": "xx_XX.UTF-9", "PYTHONIOENCODING": ""},
}


@pytest.mark.slow
@pytest.mark.parametrize("console", CONSOLES)
def test_on_an_odd_console_names_are_escaped_and_nothing_fails(tmp_path, console):
    name = os.fsdecode(b"caf\xe9\x1b[31m") + "☃.mp4"
    with expression_process("live", "--source", name, cwd=tmp_path, **CONSOLES[console]) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.startswith(r"There is no file or folder caf\udce9\x1b[31m")
    assert out == ""
    with expression_process("models", "list", cwd=tmp_path, **CONSOLES[console]) as process:
        assert process.wait(60) == 0
        process.communicate()


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    "redirection",
    [
        pytest.param(">&-", id="no standard output"),
        pytest.param(">&- 2>&- <&-", id="no streams at all"),
        pytest.param("| sleep 0", id="nobody reads"),
        pytest.param("| head -1", id="somebody reads a line"),
        pytest.param("> /dev/full", id="a full disk"),
        pytest.param("2> /dev/full", id="errors to a full disk"),
    ],
)
def test_a_run_whose_words_go_nowhere_does_its_work(tmp_path, redirection):
    if "/dev/full" in redirection and not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    words = f"{' '.join(with_picture(LIVE))} --sink csvfile:a.csv"
    command = f"set -o pipefail; {sys.executable} -m expression {words} {redirection}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "a.csv").read_text().startswith("frame,time,person")
    assert "Source:" not in (tmp_path / "a.csv").read_text()


@posix
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_command_whose_words_are_all_that_it_makes_says_that_the_disk_is_full(tmp_path):
    command = f"{sys.executable} -m expression models list > /dev/full"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 2
    assert done.stderr.startswith("A file or device cannot be used (No space left on device).")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(LIVE, 0, "with a face", id="live"),
        pytest.param((*LIVE, "--sink", "images"), 2, "The current folder was deleted", id="images"),
        pytest.param(("dataset", "stats"), 2, "The current folder was deleted", id="dataset"),
        pytest.param(("personalise",), 2, "The current folder was deleted", id="personalise"),
        pytest.param(("live", "--source", "film.mp4"), 2, "There is no file or folder film.mp4", id="a file"),
    ],
)
def test_in_a_folder_that_was_deleted_a_command_works_or_says_so(tmp_path, words, code, said):
    command = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"'
    environ = {name: value for name, value in os.environ.items() if name != "PWD"} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", command, "bash", sys.executable, "-m", "expression", *with_picture(words)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        env=environ,
    )
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_session_in_a_script_prints_on_a_console_that_knows_no_umlauts(monkeypatch, tmp_path):
    plain = io.TextIOWrapper(io.BytesIO(), "ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", plain)
    (tmp_path / "käse").mkdir()
    with Session(
        "demo", display="none", duration=0.3, sinks=[f"csvfile:{tmp_path}/käse/a.csv", "console"]
    ) as one:
        one.run()
    said = plain.buffer.getvalue().decode()
    monkeypatch.undo()
    assert r"k\xe4se/a.csv: " in said


FOREIGN_VARIABLES = [
    *("EXPRESSION_SERVICE_HOST", "EXPRESSION_SERVICE_PORT", "EXPRESSION_SERVICE_PORT_HTTP"),
    *("EXPRESSION_PORT", "EXPRESSION_PORT_80_TCP", "EXPRESSION_PORT_80_TCP_ADDR"),
    *("EXPRESSION_MODEL_SERVICE_HOST", "EXPRESSION_LIGHTS_SERVICE_HOST", "EXPRESSION_LIGHTS_PORT_80_TCP"),
    *("EXPRESSION_X_TOKEN", "EXPRESSION_SOURCE_TOKEN", "EXPRESSION_DISPLAY_PASSWORD", "EXPRESSION_"),
    *("EXPRESSION_BLYNK_TOKEN", "EXPRESSION_MQTT_USER", "EXPRESSION_LIGHTS_TOKEN", "EXPRESSION_FOUND_IN"),
]


@pytest.mark.parametrize("name", FOREIGN_VARIABLES)
def test_a_variable_of_a_cluster_or_of_a_sink_of_ones_own_is_no_setting(name, monkeypatch):
    monkeypatch.setenv(name, "tcp://10.0.0.1:80")
    assert Settings.load() == Settings()


@pytest.mark.slow
def test_a_run_passes_over_variables_of_a_cluster_or_of_a_sink_of_ones_own(capfd, monkeypatch):
    for name in FOREIGN_VARIABLES:
        monkeypatch.setenv(name, "tcp://10.0.0.1:80")
    assert run(capfd, *LIVE, "--sink", "lamp")[0] == 0


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("DETEKTOR", "detector"), ("SINK", "sinks"), ("PEPLE", "people"), ("STAT", "stats")),
        *(("MIROR", "mirror"), ("THRESHHOLD", "threshold"), ("SOURCES", "source"), ("DURATIONS", "duration")),
    ],
)
def test_a_variable_that_is_like_a_setting_is_taken_for_a_slip(name, meant):
    with pytest.raises(
        BadInputError, match=rf"There is no setting .* Did you mean EXPRESSION_{meant.upper()}\?"
    ):
        Settings.load(environ={f"EXPRESSION_{name}": "1"})


def test_a_small_file_may_be_in_utf_16_and_not_larger_than_it_should(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("käse", "utf-16")
    assert read_small(file, "", "") == "käse"
    file.write_bytes(b"x" * 11)
    with pytest.raises(BadInputError, match="more than 10 bytes"):
        read_small(file, "", "", 10)
    with pytest.raises(BadInputError, match="is not a file"):
        read_small(tmp_path, "", "")
    with pytest.raises(MissingFileError):
        read_small(tmp_path / "none", "", "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no named pipes")
def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "expression.toml")
    with pytest.raises(BadInputError, match=r"expression\.toml is not a file"):
        Settings.load(tmp_path)


def test_a_command_works_where_python_was_built_without_what_is_optional():
    lacking = ["_lzma", "_bz2", "_sqlite3", "_ssl", "_curses", "readline"]
    code = f"import sys; sys.modules.update(dict.fromkeys({lacking})); from expression.cli.app import main; "
    words = [sys.executable, "-c", f"{code} sys.exit(main(['models', 'list']))"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
