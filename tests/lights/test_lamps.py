"""Which lamps are chosen: names as people write them, a + in a name, and groups that are hidden."""

from __future__ import annotations

import pytest
from lighting import quick
from strictbridge import lamp
from ways import ANSWERS

from expression.cli.app import main
from expression.errors import BadInputError
from expression.lights.colours import Light
from expression.lights.lamps import BridgeLamp, choose, read_groups
from expression.lights.settings import LightSettings
from expression.sinks.hue import Hue


def chosen(names: list[str], **options) -> list[str]:
    """Returns the numbers of the lamps chosen from those with these names."""
    lamps = [BridgeLamp(str(number), lamp(name)) for number, name in enumerate(names, 1)]
    return [each.number for each in choose(lamps, {}, LightSettings.load("/nowhere", {}, **options))[0]]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        pytest.param("Sofa ", "Sofa", id="a blank behind"),
        pytest.param("  Sofa", "Sofa", id="blanks before"),
        pytest.param("Sofa\u00a0", "Sofa", id="a blank that does not break"),
        pytest.param("Sofa", " sofa ", id="blanks in what was written"),
        pytest.param("Sofa\n", "Sofa", id="a line break"),
        pytest.param("Big  sofa", "big sofa", id="two blanks between"),
        pytest.param("K\u00fcche", "Ku\u0308che", id="another form of Unicode"),
        pytest.param("STRASSE", "stra\u00dfe", id="letters without capitals"),
        pytest.param("Sofa + Desk", "Sofa+Desk", id="a plus with blanks around"),
        pytest.param("Sofa+Desk", "Sofa + Desk", id="a plus written with blanks"),
        pytest.param("Lamp+", "Lamp+", id="a plus at the end"),
        pytest.param("+Lamp", "+lamp", id="a plus at the beginning"),
        pytest.param("A+B+C", "A+B+C", id="two pluses"),
        pytest.param("1+1", "1+1", id="numbers"),
    ],
)
def test_a_lamp_is_found_by_its_name_as_people_write_it(name, wanted):
    assert chosen(["Other", name, "Another"], lights=wanted) == ["2"]
    assert chosen(["Other", name, "Another"], lights=f"{wanted}+Another") == ["2", "3"]
    assert chosen(["Other", name, "Another"], lights=f"Other+{wanted}") == ["1", "2"]
    assert chosen(["Other", name, "Another"], lights=[wanted, "Other"]) == ["1", "2"]


def test_a_name_with_a_plus_comes_before_its_parts_and_the_parts_can_be_told_the_other_way_round():
    names = ["Sofa", "Desk", "Sofa+Desk"]
    assert chosen(names, lights="Sofa+Desk") == ["3"]
    assert chosen(names, lights="Desk+Sofa") == ["1", "2"]
    assert chosen(names[:2], lights="Sofa+Desk") == ["1", "2"]


def test_a_lamp_without_a_name_is_known_by_its_number():
    assert chosen([" ", "2", ""], lights="1+3") == ["1", "3"]


def test_a_name_comes_before_a_number():
    assert chosen(["2", "Sofa"], lights="2") == ["1"]


def test_the_part_that_is_not_there_is_named():
    with pytest.raises(BadInputError, match=r"There is no light 'Dusk' on the bridge\. .* mean Desk\?"):
        chosen(["Sofa", "Desk", "A+B"], lights="A+B+Dusk+Sofa")


def test_a_name_that_several_lamps_have_chooses_all_of_them():
    names = ["Sofa", "Desk", "sofa "]
    assert chosen(names, lights="Sofa") == ["1", "3"]
    assert chosen(names, lights="3+Desk") == ["2", "3"]


@pytest.mark.slow
def test_lamps_and_groups_of_one_name_are_told_apart_by_their_numbers(bridge, capsys):
    for number, name in (("2", "sofa"), ("3", "Sofa (1)")):
        bridge.lights[number]["name"] = name
    bridge.groups["2"]["name"] = "Living room"
    assert main(["lights", "list"]) == 0
    names = [line[5:29].rstrip() for line in capsys.readouterr().out.splitlines()[:3]]
    assert names == ["Sofa (1) (1)", "sofa (2)", "Sofa (1) (3)"]
    bridge.lights["3"]["name"] = "Strip"
    assert main(["lights", "list"]) == 0
    out = capsys.readouterr().out
    assert "room Living room (1): Sofa (1), sofa (2)\nzone Living room (2): Sofa (1), sofa (2), Strip," in out
    bridge.answers["1"], bridge.answers["2"] = ANSWERS["error 7"], ANSWERS["error 8"]
    assert main(["lights", "test", "--lights", "Sofa (1)+Strip", "--seconds", "0"]) == 0
    assert "Following: Sofa (1), Strip." in capsys.readouterr().out


@pytest.mark.slow
def test_lamps_of_one_name_that_cannot_be_put_back_are_each_named(bridge, capsys):
    bridge.lights["2"]["name"] = "Sofa"
    sink = Hue(dwell=0.0)
    quick(sink)
    sink.open()
    sink.show(Light((255, 0, 0)))
    bridge.answers["1"], bridge.answers["2"] = ANSWERS["error 7"], ANSWERS["error 8"]
    sink.close()
    assert sink.left == ["Sofa (1)", "Sofa (2)"]
    capsys.readouterr()
    assert main(["lights", "restore"]) == 0
    out = capsys.readouterr().out
    assert "Sofa (1) (error 7: " in out
    assert "Sofa (2) (error 8: " in out


def test_a_name_that_would_write_into_the_terminal_is_harmless(bridge):
    bridge.groups["1"]["name"] = "\x1b[2JKitchen"
    assert BridgeLamp("1", lamp("\x1b[31mSofa\r")).name == r"\x1b[31mSofa"
    assert read_groups(bridge_of(bridge))["1"]["name"] == r"\x1b[2JKitchen"


def bridge_of(bridge):
    class Fake:
        def groups(self):
            return bridge.groups

    return Fake()


GROUPS = {
    "1": {"name": "Kitchen", "type": "LightGroup", "lights": ["1"], "recycle": True},
    "2": {"name": "Kitchen", "type": "Entertainment", "lights": ["2"]},
    "3": {"name": "Kitchen", "type": "Luminaire", "lights": ["3"]},
    "4": {"name": "Kitchen", "type": "LightGroup", "lights": ["4"]},
    "10": {"name": "kitchen ", "type": "Zone", "lights": ["5"]},
    "11": {"name": "Kitchen", "type": "Room", "lights": ["6"]},
}


@pytest.mark.parametrize(
    ("without", "number"),
    [([], "10"), (["10"], "11"), (["10", "11"], "4"), (["10", "11", "4"], "1"), (["1", "4"], "10")],
)
def test_rooms_and_zones_come_before_groups_of_apps_and_of_the_bridge(bridge, without, number):
    bridge.groups = {n: group for n, group in GROUPS.items() if n not in without}
    lamps = [BridgeLamp(str(n), lamp(f"Lamp {n}")) for n in range(1, 7)]
    groups = read_groups(bridge_of(bridge))
    found, which = choose(lamps, groups, LightSettings.load("/nowhere", {}, group="Kitchen"))
    assert which == number
    assert [each.number for each in found] == bridge.groups[number]["lights"]


@pytest.mark.parametrize(
    "group",
    [
        {},
        {"name": None, "lights": None, "type": None},
        {"name": ["a"], "lights": {"1": 2}, "type": ["Room"]},
        {"name": "\u0000", "lights": [None, 1, {}], "type": 7, "recycle": "yes"},
    ],
)
def test_a_group_of_another_shape_than_documented_costs_the_others_nothing(bridge, group):
    bridge.groups = {"1": group, "2": {"name": "Kitchen", "type": "Room", "lights": ["1"]}}
    groups = read_groups(bridge_of(bridge))
    found, number = choose(
        [BridgeLamp("1", lamp("Sofa"))], groups, LightSettings.load("/nowhere", {}, group="kitchen")
    )
    assert (number, [each.name for each in found]) == ("2", ["Sofa"])
    assert set(groups) == {"1", "2"}
