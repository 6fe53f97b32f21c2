"""Passwords: a marker goes into every place that may hold one, and must come out of none."""

from __future__ import annotations

import json
import logging
import traceback

import pytest
from media import motion_jpeg, picture, web_server
from parts import Pictures

from expression import sanitize as shown
from expression.checks import guard, report
from expression.cli import app, check
from expression.cli.check import run_checks
from expression.errors import ExpressionError, RunError
from expression.files import own_folder
from expression.lights import credentials
from expression.live.session import Session
from expression.sanitize import clean, hide_secrets, say
from expression.settings import Settings
from expression.settings.files import own_file
from expression.sinks import describe_sink, make_sink, names, sink_class
from expression.sinks._options import _options
from expression.sinks._secrets import secret

MARKER = "Tr0ub4dor"
DEAD = "127.0.0.1:9"
SOURCES = [
    f"rtsp://me:{MARKER}@{DEAD}/camera",
    f"http://{MARKER}@{DEAD}/camera",
    f"http://{DEAD}/{MARKER}/camera?token={MARKER}",
    f"rtsp://me:a/b?{MARKER}#@{DEAD}/camera",
    f"rtsp://me:{MARKER} with blanks@{DEAD}/camera",
    f"rtsp://me:'{MARKER}\"@{DEAD}/camera",
    f"ftp://me:{MARKER}@{DEAD}/film.mp4",
    f"me:{MARKER}@camera/1",
    f"rtsp:/me:{MARKER}@camera/1.mp4",
    f"rtsp://{DEAD}/user=admin_password={MARKER}_channel=1_stream=0.sdp",
    f"http://{DEAD}/snapshot.cgi;pwd={MARKER}",
    f"http://{DEAD}/#access_token={MARKER}",
    f"rtsp://me:{MARKER}",
]
SINKS = [
    f"mqtt:me:{MARKER}@127.0.0.1",
    f"mqtt:mqtt://me:{MARKER}@127.0.0.1:1883",
    f"mqtt:host=mqtt://me:{MARKER}@127.0.0.1,port=1883",
    f"mqtt:127.0.0.1,password={MARKER}",
    f"mqtt:host=127.0.0.1,password={MARKER}",
    f"mqtt:host=127.0.0.1,secrets={MARKER}",
    f"blynk:{MARKER}",
    f"blynk:token={MARKER}",
    f"blynk:server=https://me:{MARKER}@blynk.cloud",
    f"blynk:server=https://blynk.cloud/?token={MARKER}",
    f"firebase:{{PRIVATE KEY {MARKER}}}",
    f"firebase:bucket=my-bucket,credentials={{PRIVATE KEY {MARKER}}}",
    f"hue:bridge=http://me:{MARKER}@127.0.0.1:9",
    f"hue:key={MARKER}",
    f"csvfile:http://me:{MARKER}@127.0.0.1/a.csv",
    f"database:mysql://me:{MARKER}@127.0.0.1:9/home",
    f"database:url=postgresql://me:{MARKER}@127.0.0.1:9/home?password={MARKER},keep=2",
    f"database:mysql://me:{MARKER}@127.0.0.1:9",
    f"database:oracle://me:{MARKER}@127.0.0.1:9/home",
    f"database:url=a.sqlite,secrets={MARKER}",
    f"database:a.sqlite,password={MARKER}",
]


@pytest.fixture
def silent(capfd, caplog):
    """Fails a test after which the marker was printed or logged."""
    yield lambda: capfd.readouterr()
    said = capfd.readouterr()
    assert MARKER not in said.out + said.err + caplog.text


def run(*words: str) -> int:
    return app.main(list(words))


def where(way: str, name: str, value, monkeypatch) -> list[str]:
    """Puts a setting into one of the four places; returns the words for the command line."""
    text = f"{name} = {json.dumps(value)}\n"
    if way == "environment":
        monkeypatch.setenv(f"EXPRESSION_{name.upper()}", value if isinstance(value, str) else value[0])
    elif way == "file":
        with open("expression.toml", "w", encoding="utf-8") as file:
            file.write(text)
    elif way == "own file":
        own_file().parent.mkdir(parents=True, exist_ok=True)
        own_file().write_text(text, "utf-8")
    else:
        return [f"--{name.removesuffix('s')}", value if isinstance(value, str) else value[0]]
    return []


@pytest.mark.parametrize("way", ["argument", "environment", "file", "own file"])
@pytest.mark.parametrize("source", SOURCES, ids=range(len(SOURCES)))
def test_a_source_with_a_password_is_in_no_output_of_a_run_that_fails(source, way, monkeypatch, silent):
    words = where(way, "source", source, monkeypatch)
    assert run("live", "--display", "none", *words) == 2
    said = silent().err
    assert MARKER not in said
    assert said.count("\n") == 1
    shown = report(guard("Settings", check._settings))
    assert MARKER not in shown
    assert words or "source" in shown


@pytest.mark.parametrize("way", ["environment", "file", "own file"])
def test_check_shows_no_password(way, monkeypatch, silent):
    where(way, "source", SOURCES[0], monkeypatch)
    assert run("check") in (0, 1)
    assert "source = 'rtsp://127.0.0.1:9'" in silent().out


@pytest.mark.parametrize("source", SOURCES[:3], ids=range(3))
def test_the_traceback_that_debugging_brings_has_no_password(source, monkeypatch, silent, caplog):
    monkeypatch.setenv("EXPRESSION_DEBUG", "1")
    assert run("live", "--display", "none", "--source", source) == 2
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("source", SOURCES, ids=range(len(SOURCES)))
def test_a_source_with_a_password_is_not_in_what_python_shows(source):
    with pytest.raises(ExpressionError) as caught, Session(source, display="none") as session:
        session.run()
    shown = [*traceback.format_exception(caught.value), repr(caught.value)]
    assert MARKER not in "".join(shown)
    assert MARKER not in repr(Settings.load(source=source)) + repr(Settings.load(source=source).shown())


@pytest.mark.slow
def test_a_run_from_a_camera_with_a_password_writes_it_nowhere(tmp_path, monkeypatch, silent):
    monkeypatch.chdir(tmp_path)
    with web_server(motion_jpeg(lambda: map(picture, range(30)), pause=0.02)) as address:  # and hangs up
        source = address.replace("://", f"://me:{MARKER}@") + f"/camera?password={MARKER}"
        sinks = ["csvfile:a.csv"]
        Session(source, display="none", detector="whole", sinks=sinks, stats="a.json", duration=4).run()
    statistics = (tmp_path / "a.json").read_text("utf-8")
    assert json.loads(statistics)["frames_read"] >= 30
    assert MARKER not in statistics + (tmp_path / "a.csv").read_text("utf-8")


def test_what_a_library_says_of_an_address_is_logged_and_counted_without_its_password(silent, caplog):
    trouble = OSError(f"cannot open rtsp://me:{MARKER}@camera/1?key={MARKER}")
    session = Session(Pictures(3, raises=trouble), display="none")
    session.start()
    session.data.wait_done(10)
    session.stop()
    assert session.statistics()["error"] == "capture: cannot open rtsp://...@camera/1?..."
    assert MARKER not in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("way", ["argument", "environment", "file", "own file"])
@pytest.mark.parametrize("sink", SINKS, ids=range(len(SINKS)))
def test_a_sink_with_a_password_in_its_options_is_in_no_output(sink, way, monkeypatch, silent):
    words = where(way, "sinks", [sink], monkeypatch)
    run("live", "--source", "demo", "--display", "none", "--duration", "0.1", *words)
    assert MARKER not in report(guard("Settings", check._settings))
    assert MARKER not in silent().err
    assert MARKER not in describe_sink(sink) or sink.startswith("csvfile")
    assert MARKER not in repr(Settings(sinks=(sink,)))


def test_a_sink_that_is_named_twice_is_named_without_its_password(silent):
    with pytest.raises(ExpressionError, match=r"mqtt:127\.0\.0\.1 is given twice") as caught:
        Session("demo", display="none", sinks=["mqtt:host=127.0.0.1,secrets=" + MARKER] * 2).start()
    assert MARKER not in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        ("lights", "pair", f"me:{MARKER}@127.0.0.1"),
        ("lights", "pair", f"http://me:{MARKER}@127.0.0.1:9/"),
        ("lights", "list", "--bridge", f"http://me:{MARKER}@127.0.0.1"),
        ("lights", "test", "--bridge", f"me:{MARKER}@127.0.0.1"),
        ("live", "--stats", f"https://me:{MARKER}@127.0.0.1/a.json"),
        ("live", "--model", f"https://me:{MARKER}@127.0.0.1/a.tflite"),
        ("evaluate", "--data", f"https://me:{MARKER}@127.0.0.1/a.csv"),
        ("dataset", "import", f"https://me:{MARKER}@127.0.0.1/a.mp4"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_an_address_with_a_password_where_none_belongs_is_not_repeated(words, silent):
    assert run(*words) == 2
    assert MARKER not in silent().err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["EXPRESSION_LIGHTS_BRIDGE", "STORAGE_EMULATOR_HOST"])
def test_an_address_of_the_environment_is_shown_without_its_password(name, monkeypatch, silent):
    monkeypatch.setenv(name, f"http://me:{MARKER}@{DEAD}")
    run("check")
    run("lights", "list")
    run("live", "--source", "demo", "--display", "none", "--duration", "0.2", "--sink", "firebase:my-bucket")


def test_a_key_file_that_is_damaged_is_not_quoted(silent):
    credentials.remember(credentials.Paired("http://10.0.0.9", "abc"))
    credentials.path().write_text(
        f'[{{"url": "http://10.0.0.9", "key": "{MARKER}", "{MARKER}": 1}}]', "utf-8"
    )
    with pytest.raises(ExpressionError) as caught:
        credentials.read()
    assert MARKER not in "".join(traceback.format_exception(caught.value))


def test_a_secret_of_the_environment_that_is_no_text_is_one_error_and_not_quoted(monkeypatch, silent):
    monkeypatch.setenv("EXPRESSION_MQTT_PASSWORD", f"{MARKER}\udcff")
    monkeypatch.setenv("EXPRESSION_MQTT_USER", "me")
    assert run("live", "--source", "demo", "--display", "none", "--sink", "mqtt:127.0.0.1") == 2
    assert silent().err.startswith("EXPRESSION_MQTT_PASSWORD is not UTF-8 text. Expected ")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x rtsp://me:a@b@cam:554/1?k=v.", "x rtsp://...@cam:554/1?...."),
        ("'http://u:p@[::1]:80/'", "'http://...@[::1]:80/'"),
        (
            "Expected rtsp://, rtsps://, http:// or https://.",
            "Expected rtsp://, rtsps://, http:// or https://.",
        ),
        (
            "see https://example.org/page, then me@example.org",
            "see https://example.org/page, then me@example.org",
        ),
        ("u:p@host, C:\\me@work\\film.mp4", "...@host, C:\\me@work\\film.mp4"),
        ("12:30 at home", "12:30 at home"),
        ("rtsp://cam:554/user=me_password=a_channel=1.", "rtsp://cam:554/...."),
        ("http://cam/snap;pwd=a or http://cam/#token=a", "http://cam/snap;... or http://cam/#..."),
        ("rtsp://me:secret, rtsp:/me:secret", "rtsp://..., rtsp:/..."),
        ("see http://[::1]:80/a#b; then C:/me/a=b", "see http://[::1]:80/a#b; then C:/me/a=b"),
    ],
)
def test_only_what_may_be_secret_is_taken_out_of_a_text(text, shown):
    assert hide_secrets(text) == shown


def test_of_a_long_text_no_more_is_searched_than_is_shown_twice(monkeypatch):
    searched = []
    monkeypatch.setattr(shown, "hide_secrets", lambda text: searched.append(len(text)) or text)
    assert len(shown.clean("a:" * 50_000)) == shown.LONGEST
    assert searched == [2 * shown.LONGEST]


def test_where_a_long_text_is_cut_no_half_address_is_shown():
    before = "words " * 663
    text = f"{before}rtsp://me:{MARKER}{'x' * 200}@camera and more words" + " words" * 500
    assert before[:500] in shown.clean(text)
    assert MARKER not in shown.clean(text)


def test_log_lines_of_the_package_are_cleaned_whoever_handles_them(caplog):
    logging.getLogger("expression").warning("The lamp %s at %s", "a\x1b[2Jb\r", f"http://me:{MARKER}@x")
    assert caplog.messages == [r"The lamp a\x1b[2Jb\r at http://...@x"]


def test_a_line_is_said_on_any_console(capsys, monkeypatch):
    import io
    import sys

    say("käse \udcff \x1b[31m")
    assert capsys.readouterr().out == "käse \\udcff \\x1b[31m\n"
    plain = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", plain)
    say("käse 😀")
    assert plain.buffer.getvalue() == b"k\\xe4se \\U0001f600\n"
    plain.close()
    say("nobody reads this")
    monkeypatch.setattr(sys, "stdout", None)
    say("nor this")


def test_a_sentence_of_an_error_is_clean_and_of_bounded_length():
    error = RunError("a\x1b[31m" + "x" * 10**6, f"http://me:{MARKER}@x", "\u202e\udcff")
    assert error.happened.startswith(r"a\x1b[31mxxx")
    assert len(error.happened) < 3000
    assert (error.expected, error.remedy) == ("http://...@x", r"\u202e\udcff")
    assert clean("") == ""


# Secrets go only to places that the user named.

HIS = {
    "mqtt": "mqtt:203.0.113.7",
    "blynk": "blynk:server=https://203.0.113.7",
    "firebase": "firebase:his-bucket",
}
HELD = {
    "mqtt": ("EXPRESSION_MQTT_PASSWORD", MARKER),
    "blynk": ("EXPRESSION_BLYNK_TOKEN", MARKER),
    "firebase": ("GOOGLE_APPLICATION_CREDENTIALS", "key.json"),
    "hue": ("EXPRESSION_LIGHTS_KEY", MARKER),
}
HIS["hue"] = "hue:bridge=203.0.113.7"


@pytest.mark.parametrize("name", names())
def test_a_sink_that_takes_secrets_says_which_and_where_readings_go(name):
    kind = sink_class(name)
    asks = {"secrets", "credentials"} & _options(kind).keys() or name in HIS
    assert bool(kind.secrets) == bool(asks)
    assert kind.place is None or kind.place in _options(kind)
    assert kind.place or not kind.secrets


@pytest.mark.parametrize("name", HIS)
def test_a_file_in_the_current_folder_gets_no_secret_of_the_environment(name, monkeypatch, silent):
    variable, value = HELD[name]
    monkeypatch.setenv(variable, value)
    where("file", "sinks", ["console", HIS[name]], monkeypatch)
    assert run("live", "--source", "demo", "--display", "none", "--duration", "0.2") == 2
    said = silent().err
    assert (
        f"expression.toml, and {variable} would be sent there. Expected secrets to go only to a place" in said
    )
    assert f"move that line to {own_file()}, or pass it as --sink {name}:" in said


@pytest.mark.parametrize("name", HIS)
@pytest.mark.parametrize("way", ["argument", "environment", "own file"])
def test_the_same_sink_is_made_where_the_user_named_it(name, way, monkeypatch):
    monkeypatch.setenv(*HELD[name])
    words = where(way, "sinks", [HIS[name]], monkeypatch)
    settings = Settings.load(sinks=words[1:] or None)
    assert settings.found_in == {}
    assert make_sink(settings.sinks[0], settings.found_in.get("sinks", "")).name == name


def test_an_argument_takes_the_place_of_what_a_file_in_the_folder_says(monkeypatch):
    monkeypatch.setenv(*HELD["mqtt"])
    where("file", "sinks", [HIS["mqtt"]], monkeypatch)
    assert Settings.load().found_in.keys() == {"sinks"}
    assert Settings.load(sinks=["mqtt:mine.local"]).found_in == {}


@pytest.mark.parametrize("text", ["mqtt:203.0.113.7", "blynk", "hue:bridge=203.0.113.7"])
def test_a_file_in_the_folder_may_name_a_sink_that_gets_no_secret(text, monkeypatch):
    if text == "blynk":
        monkeypatch.setenv(*HELD["blynk"])  # it goes to Blynk, whatever the file says
    assert make_sink(text, "/tmp/expression.toml").name == text.partition(":")[0]


def test_a_file_of_secrets_is_not_for_a_place_that_the_folder_names(tmp_path):
    file = tmp_path / "secrets.env"
    file.write_text(f"EXPRESSION_MQTT_PASSWORD={MARKER}\n")
    file.chmod(0o600)
    with pytest.raises(
        ExpressionError, match=r"host of the sink mqtt is named by .*the secret in secrets= would"
    ):
        make_sink(f"mqtt:host=203.0.113.7,secrets={file}", "/tmp/expression.toml")


@pytest.mark.slow
def test_a_bridge_that_the_folder_names_does_not_get_the_key_of_the_environment(monkeypatch, silent):
    monkeypatch.setenv("EXPRESSION_LIGHTS_KEY", MARKER)
    with open("expression.toml", "w", encoding="utf-8") as file:
        file.write('[lights]\nbridge = "203.0.113.7"\n')
    refusal = "The bridge 203.0.113.7 is named by"
    for command in ("list", "test", "free"):
        assert run("lights", command) == 2
        assert refusal in silent().err
    assert run("live", "--source", "demo", "--display", "none", "--duration", "5", "--sink", "hue") == 2
    said = silent()
    assert refusal in said.err
    assert "expression.toml names the bridge 203.0.113.7." in said.out
    assert refusal in " ".join(report(run_checks()).split())
    assert run("live", "--source", "demo", "--display", "none", "--duration", "0.2", "--sink", "lamp") == 0


def test_a_bridge_that_was_paired_may_be_named_by_the_folder(monkeypatch):
    monkeypatch.setenv("EXPRESSION_LIGHTS_KEY", MARKER)
    credentials.remember(credentials.Paired("http://10.0.0.9", "abc"))
    credentials.remember(credentials.Paired("http://10.0.0.8", "def"))
    assert credentials.find("10.0.0.9", found_in="/tmp/expression.toml").key == "abc"
    assert credentials.find("10.0.0.9").key == MARKER


def test_a_file_that_was_found_says_at_the_start_what_it_sets(capsys):
    with open("expression.toml", "w", encoding="utf-8") as file:
        file.write(f'source = "demo"\npeople = 2\nsinks = ["mqtt:host=127.0.0.1,port=9,prefix={MARKER}"]\n')
    with Session(display="none", duration=0.1) as session:
        session.run()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "expression.toml" in line]
    assert line.endswith("/expression.toml sets source = 'demo'; people = 2; sinks = mqtt:127.0.0.1.")


def test_nothing_is_said_of_ones_own_settings(capsys, monkeypatch):
    where("own file", "people", 3, monkeypatch)
    with Session("demo", display="none", duration=0.1) as session:
        session.run()
    assert session.settings.people == 3
    assert "expression.toml" not in capsys.readouterr().out


def test_the_file_of_the_folder_of_settings_is_ones_own_also_where_it_is_the_current_folder(monkeypatch):
    where("own file", "people", 3, monkeypatch)
    monkeypatch.chdir(own_folder("config"))
    assert (Settings.load().people, Settings.load().found_in) == (3, {})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"\0" * 100, "Line 1 of .* has no = between", id="null characters"),
        pytest.param(b"\xff\xd8\xff\xe0" * 100, "not UTF-8 text", id="a picture"),
        pytest.param(b"A" * 2_000_000, "more than 1,000,000 bytes", id="huge"),
        pytest.param(b"x" * 500_000 + b"=1\n", None, id="a very long name"),
        pytest.param("EXPRESSION_MQTT_USER=ädä\n".encode("utf-16"), "ädä", id="UTF-16"),
    ],
)
def test_a_file_of_secrets_with_something_else_in_it_is_one_error(tmp_path, content, said):
    file = tmp_path / "secrets.env"
    file.write_bytes(content)
    file.chmod(0o600)
    if said in (None, "ädä"):
        assert secret("EXPRESSION_MQTT_USER", str(file)) == said
    else:
        with pytest.raises(ExpressionError, match=said):
            secret("EXPRESSION_MQTT_USER", str(file))
