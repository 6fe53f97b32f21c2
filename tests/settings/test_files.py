"""expression.toml, the user's own and that of the current folder, with everything in it that can be wrong."""

from __future__ import annotations

import os
import random
import re

import pytest
from damage import damaged_text

from expression import settings
from expression.errors import BadInputError, ExpressionError
from expression.lights import settings as light_settings
from expression.lights.settings import LightSettings
from expression.live.found_settings import found_settings
from expression.settings import Settings
from expression.settings.files import FILE, described, own_file, settings_files

TRUE, DATE, LIST, TABLE = "true", "1979-05-27", '[["console"]]', '{a = "b"}'
NUMBERS = ("2.5", "-1", "1e400", "nan", "9" * 50)
WRONG = {
    "int": ('"two"', TRUE, DATE, LIST, "[1]", TABLE, *NUMBERS, '""'),
    "float": ('"soon"', TRUE, DATE, LIST, "[1]", TABLE, "-1", "1e400", "nan", "9" * 400, '""'),
    "bool": ('"perhaps"', "2", DATE, LIST, TABLE, "1.5", '""'),
    "str": (TRUE, "2", "2.5", DATE, LIST, "[]", TABLE),
    "str | None": (TRUE, "2.5", DATE, LIST, "[]", TABLE, "nan"),
    "tuple[str, ...]": (TRUE, "2", "2.5", DATE, LIST, "[1]", "[{}]", "[[]]", "[true]", TABLE, "[[[[]]]]"),
    "Mapping[str, Light]": (TRUE, "2", DATE, LIST, "[1]", "{Happy = 5}", "{Happy = []}", '"Happy"', '":red"'),
    "Light": (TRUE, "2", DATE, LIST, TABLE, '"colour"', '"red 101%"', '"red -1%"', '"#12"', '""'),
}
CHOICES = {"display", "detector", "smooth", "follow"}


def cases(kinds) -> list:
    return [
        pytest.param(name, value, id=f"{name} {value}"[:40])
        for name, kind in kinds.items()
        for value in (*WRONG[kind], *(('"none of these"', '""') if name in CHOICES else ()))
    ]


def write(folder, content: str | bytes) -> None:
    (folder / FILE).write_bytes(content if isinstance(content, bytes) else content.encode())


def check_three_parts(error: ExpressionError, name: str) -> None:
    assert name in error.happened
    assert error.expected.startswith("Expected ")
    assert error.remedy
    assert len(str(error)) < 900


@pytest.mark.parametrize(("name", "value"), cases(settings._KINDS))
def test_a_setting_of_the_wrong_type_is_one_error_that_names_it(tmp_path, name, value):
    write(tmp_path, f"{name} = {value}")
    with pytest.raises(BadInputError) as caught:
        Settings.load(tmp_path, {})
    check_three_parts(caught.value, name)


@pytest.mark.parametrize(
    ("name", "value"), [case for case in cases(light_settings._KINDS) if case.id != "lights [1]"]
)
def test_a_setting_of_lights_of_the_wrong_type_is_one_error(tmp_path, name, value):
    write(tmp_path, f"[lights]\n{name} = {value}")
    with pytest.raises(BadInputError) as caught:
        LightSettings.load(tmp_path, {})
    check_three_parts(caught.value, name)
    assert Settings.load(tmp_path, {}) == Settings()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param('sinks = [["console"]]', "sinks is a list in expression.toml. Expected", id="list"),
        pytest.param("stats = true", "stats is True in expression.toml. Expected text.", id="true"),
        pytest.param("[live]\npeople = 2", "There is no setting 'live' (found in expression.t", id="a table"),
        pytest.param("[[sinks]]\nname = 1", "sinks is a list in expression.toml.", id="a list of tables"),
        pytest.param("[source]\na = 1", "source is a table in expression.toml.", id="a table for text"),
        pytest.param("a.b.c = 1", "There is no setting 'a'", id="dotted"),
        pytest.param('"" = 1', "There is no setting ''", id="no name"),
        pytest.param('"p\\u0065ople" = "x"', "people is 'x'", id="an escaped name"),
        pytest.param('"\\u001b[31m" = 1', r"There is no setting '\x1b[31m'", id="escape codes"),
        pytest.param("people = 2\npeople = 3", "Cannot overwrite a value (at", id="twice"),
        pytest.param("people = " + "9" * 10_000, "cannot be read (Exceeds the limit", id="10,000 digits"),
        pytest.param("a = " + "[" * 19_000, "cannot be read (", id="deep nesting"),
        pytest.param("a" + ".a" * 9_000 + " = 1", "expression.toml", id="deep names"),
        pytest.param('people = "' + "x" * 19_000 + '"', "people is 'xxx", id="a long value"),
        pytest.param("x" * 2_000_000, "has more than 20,000 bytes", id="huge"),
        pytest.param("people = 2\0", "cannot be read (Expected newline", id="null"),
        pytest.param("\x89PNG\r\n", "cannot be read (", id="a picture"),
        pytest.param('model = "gl\xfcck"'.encode("cp1252"), "is not UTF-8 text", id="another encoding"),
        pytest.param("model = 2".encode("utf-16"), "model is 2 in", id="UTF-16"),
        pytest.param('model = "\\ud800"', "cannot be read (", id="a lone surrogate"),
        pytest.param("lights = true", "lights is True in expression.toml. Expected a table [", id="lights"),
        pytest.param("lights = [[]]", "lights is a list in", id="lights as a list"),
        pytest.param("sinks = [\"console\"", "cannot be read (", id="cut off"),
    ],
)  # fmt: skip
def test_a_file_with_something_else_in_it_is_one_error(tmp_path, content, said):
    write(tmp_path, content)
    with pytest.raises(BadInputError) as caught:
        Settings.load(tmp_path, {})
        LightSettings.load(tmp_path, {})
    assert said in str(caught.value)
    check_three_parts(caught.value, "")


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing", "[lights]", "\ufeff# nothing", "\r\n"])
def test_a_file_with_nothing_in_it_sets_nothing(tmp_path, content):
    write(tmp_path, content)
    assert Settings.load(tmp_path, {}) == Settings()


@pytest.mark.parametrize("thing", ["a folder", "a link to nowhere", "a link to itself", "locked", "a device"])
def test_something_else_than_a_file_is_one_error(tmp_path, thing):
    path = tmp_path / FILE
    if thing == "a folder":
        path.mkdir()
    elif thing == "locked":
        path.write_text("people = 2")
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("root may read everything")
    elif thing == "a device":
        if not os.path.exists("/dev/zero"):
            pytest.skip("needs /dev/zero")
        path.symlink_to("/dev/zero")
    else:
        path.symlink_to("nowhere" if "nowhere" in thing else FILE)
    with pytest.raises(ExpressionError, match=r"expression\.toml"):
        Settings.load(tmp_path, {})


def test_the_users_own_file_comes_before_that_of_the_folder(tmp_path):
    own_file().parent.mkdir(parents=True)
    own_file().write_text('people = 2\nsmooth = "none"\n[lights]\nblend = true\nbrightness = 0.5', "utf-8")
    write(tmp_path, "people = 3\n[lights]\nbrightness = 0.2")
    found = Settings.load(tmp_path, {})
    assert (found.people, found.smooth, found.found_in) == (3, "none", {"people": str(tmp_path / FILE)})
    lights = LightSettings.load(tmp_path, {})
    assert (lights.blend, lights.brightness) == (True, 0.2)
    assert [file.own for file in settings_files(tmp_path)] == [True, False]


def test_an_error_in_the_users_own_file_names_its_path(tmp_path):
    own_file().parent.mkdir(parents=True)
    own_file().write_text("people = 0.5", "utf-8")
    with pytest.raises(BadInputError, match=re.escape(f"people is 0.5 in {own_file()}. Expected a whole")):
        Settings.load(tmp_path, {})


def test_a_bridge_of_ones_own_file_is_not_that_of_the_folder(tmp_path):
    own_file().parent.mkdir(parents=True)
    own_file().write_text('[lights]\nbridge = "10.0.0.9"', "utf-8")
    assert LightSettings.load(tmp_path, {}).found_in == ""
    write(tmp_path, '[lights]\nbridge = "10.0.0.8"')
    assert LightSettings.load(tmp_path, {}).found_in == str(tmp_path / FILE)
    environ = {"EXPRESSION_LIGHTS_BRIDGE": "10.0.0.7"}
    assert LightSettings.load(tmp_path, environ).found_in == ""
    assert LightSettings.load(tmp_path, {}, bridge="10.0.0.7").found_in == ""
    assert found_settings(Settings(), tmp_path) == [f"{tmp_path / FILE} names the bridge 10.0.0.8."]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(2, "2"), ("x" * 200, "'" + "x" * 39 + "..." + "x" * 26 + "'"), ({}, "a table")],
)
def test_a_value_is_described_shortly(value, shown):
    assert described(value) == shown
    assert len(described(10**5000)) < 100


WHOLE = """source = "demo"
people = 5            # faces
threshold = 0.35
mirror = true
sinks = ["console", "mqtt:host=10.0.0.9,port=1883"]
stats = "run.json"
[lights]
bridge = "10.0.0.8"
lights = ["Sofa", "Desk"]
brightness = 1.0
neutral = "warm white 40%"
[lights.colours]
Happy = "gold"
"not sure" = "white 10%"
"""


def load(folder) -> None:
    found = Settings.load(folder, {})
    LightSettings.load(folder, {})
    assert len(found_settings(found, folder)) <= 2
    assert isinstance(found.stats, str)
    assert all(isinstance(sink, str) for sink in found.sinks)


def load_damaged(tmp_path, numbers) -> None:
    """Loads damaged files: each is read, or is one error; both happen."""
    errors = []
    for number in numbers:
        write(tmp_path, damaged_text(WHOLE.encode(), random.Random(number)))
        try:
            load(tmp_path)
        except ExpressionError as error:
            errors.append(error)
    for error in errors:
        check_three_parts(error, "")
    assert 0.05 < len(errors) / len(numbers) < 0.95


def test_a_damaged_file_is_read_or_is_one_error(tmp_path):
    load_damaged(tmp_path, range(300))


@pytest.mark.slow
def test_thousands_of_damaged_files_are_read_or_are_one_error(tmp_path):
    load_damaged(tmp_path, range(300, 4000))
