"""The blueprint for Home Assistant is complete, and its colours are those of the lamps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from expression.labels import FER2013, NOBODY, NOT_SURE
from expression.lights.colours import COLOURS, NAMES
from expression.sinks._homeassistant import discovery

yaml = pytest.importorskip("yaml", reason="needs PyYAML")

PATH = Path(__file__).parent.parent / "docs" / "blueprints" / "expression_lamps.yaml"


class Input(str):
    """The name of an input."""


class Loader(yaml.SafeLoader):
    """Reads Home Assistant's tag !input."""


Loader.add_constructor("!input", lambda loader, node: Input(loader.construct_scalar(node)))


@pytest.fixture(scope="module")
def content() -> dict:
    return yaml.load(PATH.read_text(encoding="utf-8"), Loader)


def inputs_in(part) -> set[str]:
    if isinstance(part, Input):
        return {str(part)}
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return set().union(*map(inputs_in, parts))


def test_every_input_is_declared_and_used(content):
    declared = content["blueprint"]["input"]
    assert set(declared) == inputs_in({key: part for key, part in content.items() if key != "blueprint"})
    for name, each in declared.items():
        assert each["name"]
        assert list(each["selector"]), name
        assert "default" in each or name in ("mood", "lamps")


def test_it_has_what_home_assistant_requires(content):
    """Source: https://www.home-assistant.io/docs/blueprint/schema/"""
    assert content["blueprint"]["name"]
    assert content["blueprint"]["domain"] == "automation"
    assert content["mode"] in {"single", "restart", "queued", "parallel"}
    assert [trigger["trigger"] for trigger in content["triggers"]] == ["state"]


def test_the_colours_are_those_of_the_lamps(content):
    declared, colours = content["blueprint"]["input"], content["variables"]["colours"]
    assert list(colours) == list(FER2013)
    for label, name in colours.items():
        assert tuple(declared[name]["default"]) == NAMES[COLOURS[label]]


def test_it_uses_the_states_that_a_run_sends(content):
    _, text = discovery("expression", tuple(FER2013))
    options = set(re.search(r'"options": (\[[^]]+\])', text)[1].strip("[]").replace('"', "").split(", "))
    ignored = set(content["triggers"][0]["not_to"]) - {"unavailable", "unknown"}
    assert ignored == {NOT_SURE}
    chosen = content["actions"][0]["choose"][0]["conditions"]
    assert f"'{NOBODY}'" in chosen
    assert {*content["variables"]["colours"], NOBODY, NOT_SURE} == options
