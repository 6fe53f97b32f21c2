"""Light settings: their four places, and the light of a reading."""

from __future__ import annotations

import pytest
from readings import reading

from expression.errors import BadInputError
from expression.lights.colours import Light, light
from expression.lights.settings import LightSettings
from expression.settings import Settings
from expression.sinks import make_sink

TOML = """
people = 3

[lights]
lights = ["Sofa", "Desk"]
transition = 2
neutral = "#1122ff 10%"

[lights.colours]
Happy = "pink"
"not sure" = "white 5%"
Bored = "#0f0"
"""


def test_the_later_place_wins_and_a_run_still_reads_its_own(tmp_path):
    (tmp_path / "expression.toml").write_text(TOML, "utf-8")
    environ = {"EXPRESSION_LIGHTS_TRANSITION": "3", "EXPRESSION_LIGHTS_BLEND": "yes"}
    environ |= {"EXPRESSION_LIGHTS_KEY": "secret", "EXPRESSION_PEOPLE": "4"}
    found = LightSettings.load(tmp_path, environ, blend=None, brightness=0.5)
    assert (found.lights, found.transition, found.blend, found.brightness) == (
        ("Sofa", "Desk"),
        3.0,
        True,
        0.5,
    )
    assert found.neutral == Light((17, 34, 255), 0.1)
    assert found.colours["happy"] == light("pink")
    assert found.colours["sad"] == light("blue"), "what was not chosen stays"
    assert Settings.load(tmp_path, environ).people == 4


def test_the_lights_of_an_option_replace_the_group_of_the_file(tmp_path):
    (tmp_path / "expression.toml").write_text('[lights]\ngroup = "Kitchen"\n', "utf-8")
    assert LightSettings.load(tmp_path, {}, lights="Sofa").group == ""
    assert LightSettings.load(tmp_path, {}).group == "Kitchen"


@pytest.mark.parametrize(
    ("file", "variables", "options", "expected"),
    [
        ('lights = ["Sofa"]', {"GROUP": "Kitchen"}, {}, ((), "Kitchen")),
        ('group = "Kitchen"', {"LIGHTS": "Sofa+Desk"}, {}, (("Sofa", "Desk"), "")),
        ('lights = ["Sofa"]', {"GROUP": "Kitchen"}, {"lights": "Desk"}, (("Desk",), "")),
        ('group = "Kitchen"', {"LIGHTS": "Sofa"}, {"group": "Hall"}, ((), "Hall")),
        ('group = "Kitchen"', {"LIGHTS": ""}, {}, ((), "Kitchen")),
    ],
)
def test_lights_and_a_group_replace_each_other_in_a_later_place(file, variables, options, expected, tmp_path):
    (tmp_path / "expression.toml").write_text(f"[lights]\n{file}\n", "utf-8")
    environ = {f"EXPRESSION_LIGHTS_{name}": value for name, value in variables.items()}
    found = LightSettings.load(tmp_path, environ, **options)
    assert (found.lights, found.group) == expected


@pytest.mark.parametrize("written", ["Gl\u00fccklich", "GLU\u0308CKLICH", " gl\u00fccklich"])
def test_the_colour_of_a_label_is_found_however_that_is_written(written):
    settings = LightSettings.load("/nowhere", {}, colours={written: "pink"}, by_score=False)
    shown = settings.light_of(reading(label="Gl\u00fccklich"))
    assert shown.rgb == light("pink").rgb


def test_lights_and_a_group_in_one_place_are_refused():
    environ = {"EXPRESSION_LIGHTS_LIGHTS": "Sofa", "EXPRESSION_LIGHTS_GROUP": "Kitchen"}
    with pytest.raises(BadInputError, match=r"Both lights \(Sofa\) and a group \(Kitchen\)"):
        LightSettings.load("/nowhere", environ)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"blnd": "yes"}, r"no lights setting 'blnd'\. .* Did you mean blend\?"),
        ({"blend": "perhaps"}, r"The lights setting blend is 'perhaps'\. Expected true or false"),
        ({"transition": "x"}, r"The lights setting transition is 'x'\. Expected a number"),
        ({"transition": -1}, r"The lights setting transition is -1\.0\. Expected 0 to 60"),
        ({"brightness": 2}, r"The lights setting brightness is 2\.0\. Expected 0 to 1"),
        ({"brightness": float("nan")}, r"The lights setting brightness is nan"),
        ({"dwell": True}, r"The lights setting dwell is True"),
        (
            {"follow": "first"},
            r"The lights setting follow is 'first'\. Expected largest or mean\. Choose one",
        ),
        ({"follow": "larger"}, r"The lights setting follow is 'larger'.* Did you mean largest\?"),
        ({"lights": "A", "group": "B"}, r"Both lights \(A\) and a group \(B\)"),
        ({"colours": "red"}, r"The lights setting colours is 'red'\. Expected labels with their colours"),
        ({"colours": {"Happy": "rde"}}, r"There is no colour 'rde'\. .* Did you mean red\?"),
        ({"colours": 3}, r"The lights setting colours is 3"),
        ({"neutral": "rde"}, r"There is no colour 'rde'"),
        ({"lights": 3}, r"The lights setting lights is 3\. Expected a list of names, such as Sofa\+Desk\. "),
        ({"bridge": 3}, r"The lights setting bridge is 3\. Expected text"),
    ],
)
def test_what_does_not_fit_is_told(options, said):
    with pytest.raises(BadInputError, match=said):
        LightSettings.load(environ={}, **options)


@pytest.mark.parametrize(
    ("line", "environ", "said"),
    [
        ("blnd = true", {}, r"no lights setting 'blnd', found in expression\.toml\. .* you mean blend"),
        (
            "blend = 3",
            {},
            r"The lights setting blend is 3, found in expression\.toml\. Expected true or false",
        ),
        ("", {"BLND": "1"}, r"no setting EXPRESSION_LIGHTS_BLND \(found in .*mean EXPRESSION_LIGHTS_BLEND\?"),
        (
            "",
            {"DWELL": "x"},
            r"The lights setting dwell is 'x', found in the environment\. Expected a number",
        ),
        ("dwell = 'x'", {"DWELL": "y"}, r"The lights setting dwell is 'y', found in the environment\. "),
    ],
)
def test_where_a_wrong_setting_was_found_is_told(line, environ, said, tmp_path):
    (tmp_path / "expression.toml").write_text(f"[lights]\n{line}\n", "utf-8")
    environ = {f"EXPRESSION_LIGHTS_{name}": value for name, value in environ.items()}
    with pytest.raises(BadInputError, match=said):
        LightSettings.load(tmp_path, environ)


def test_a_key_in_the_file_of_settings_is_told_without_it(tmp_path):
    (tmp_path / "expression.toml").write_text('[lights]\nkey = "secret"\n', "utf-8")
    said = r"contains a key, found in expression\.toml\. .* Remove it, and set EXPRESSION_LIGHTS_KEY instead"
    with pytest.raises(BadInputError, match=said) as error:
        LightSettings.load(tmp_path, {})
    assert "secret" not in str(error.value)


def test_a_table_that_is_none_is_told(tmp_path):
    (tmp_path / "expression.toml").write_text("lights = 3\n", "utf-8")
    with pytest.raises(BadInputError, match=r"lights is 3 in expression\.toml\. Expected a table \[lights\]"):
        LightSettings.load(tmp_path, {})


@pytest.mark.parametrize(
    ("options", "label", "score", "expected"),
    [
        ({}, "Happy", 1.0, light("gold")),
        ({}, "Happy", 0.0, light("gold 30%")),
        ({"by_score": False}, "Happy", 0.1, light("gold")),
        ({"brightness": 0.5}, "Happy", 1.0, light("gold 50%")),
        ({}, "not sure", 0.3, None),
        ({"colours": "Not  sure:white 50%", "by_score": False}, "not sure", 0.3, light("white 50%")),
        ({"blend": True}, "Happy", 1.0, light("gold")),
        ({"blend": True}, "Happy", 0.0, light("blue")),
    ],
)
def test_the_light_of_a_reading(options, label, score, expected):
    settings = LightSettings.load(environ={}, **options)
    assert settings.light_of(reading(label=label, score=score)) == expected


def test_the_winner_is_held_for_the_dwell_and_a_blend_flows():
    assert make_sink("hue:dwell=2").dwell == 2.0
    assert make_sink("hue:blend=true,dwell=2").dwell == 0.0
    sink = make_sink("hue:follow=mean")
    assert (sink.room, sink.reacts, sink.extra) == ("mean", True, "lights")
    assert make_sink("hue:Sofa+Desk").settings.lights == ("Sofa", "Desk")
