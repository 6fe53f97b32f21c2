"""What lamps show for a reading: colours of labels, blend, brightness and speed.

Every light sink uses the same `LightSettings`, so a drawn lamp shows what real ones would. The values come
from the table `[lights]` of expression.toml, first the user's own file and then the one in the current
folder, then from the environment (EXPRESSION_LIGHTS_BLEND=true), then from a sink's own options.

Notebook: 09_lights
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import DAMAGE, BadInputError, did_you_mean
from ..labels import NOT_SURE, folded_label
from ..settings.files import CONVERTERS, WORDS, described, settings_files, to_text, variables
from ..types import POLICIES, Reading
from .colours import COLOURS, Light, any_colour, light, mix

DIMMEST = 0.3
"""The share of its brightness that a colour keeps at a score of 0: a lamp that follows stays lit."""

VARIABLE = "EXPRESSION_LIGHTS_"
OTHERS = {"key", "folder"}
"""Names after VARIABLE that are not settings; `credentials.py` reads them."""


@dataclass(frozen=True)
class LightSettings:
    """How lamps follow readings.

    Attributes:
        bridge: The address or id of the bridge; empty for the last one paired.
        lights: Names or numbers of lamps; empty for all.
        group: The name of a room, zone or group, in place of lamps.
        follow: Follow the "largest" face, or the "mean" of everybody's scores.
        colours: The light of each label: its colour and, if it is not full, its brightness.
        neutral: The light when nobody is there. The label Neutral has its own light in `colours`.
        blend: Mix the lights of all labels by their scores; `by_score` and `dwell` then have no effect.
        by_score: Dim the light when the score is low.
        brightness: Factor for all brightnesses, 0 to 1.
        transition: Seconds to fade from one light to the next.
        dwell: Seconds that a label must stay the same before it is shown.
        found_in: The expression.toml in the current folder, if that file names the bridge.

    Example:
        >>> settings = LightSettings.load(environ={}, folder="/nowhere", colours="Happy:pink 50%")
        >>> settings.colours["happy"]
        Light(rgb=(255, 90, 170), brightness=0.5)
    """

    bridge: str = ""
    lights: tuple[str, ...] = ()
    group: str = ""
    follow: str = "largest"
    colours: Mapping[str, Light] = field(default_factory=lambda: _colours({}))
    neutral: Light = field(default_factory=lambda: light("warm white 40%"))
    blend: bool = False
    by_score: bool = True
    brightness: float = 1.0
    transition: float = 0.4
    dwell: float = 0.5
    found_in: str = field(default="", compare=False)

    def __post_init__(self):
        for name, high in (("brightness", 1), ("transition", 60), ("dwell", 60)):
            value = getattr(self, name)
            if not 0 <= value <= high:
                raise _bad(name, value, f"0 to {high}", "Choose a value in that range.")
        if self.follow not in POLICIES:
            raise _bad("follow", self.follow, " or ".join(POLICIES), did_you_mean(self.follow, POLICIES))
        if self.lights and self.group:
            raise BadInputError(
                f"Both lights ({', '.join(self.lights)}) and a group ({self.group}) were chosen.",
                "Expected one or the other.",
                "Leave one out.",
            )

    @classmethod
    def load(
        cls, folder: str = ".", environ: Mapping[str, str] | None = None, **options: Any
    ) -> LightSettings:
        """Collects the settings from all places; an option that is None counts as not set.

        Raises:
            BadInputError: A name or colour is unknown, or a value is of the wrong type or out of range.
        """
        environ = os.environ if environ is None else environ
        files = [(file, file.table("lights")) for file in settings_files(folder)]
        found_in = next(
            (str(f.path.absolute()) for f, table in files if table.get("bridge") and not f.own), ""
        )
        values: dict[str, Any] = {}
        places: dict[str, str] = {}
        for place, found in (
            *((file.place, table) for file, table in files),
            ("the environment", _from_environment(environ)),
            ("", {n: v for n, v in options.items() if v is not None}),
        ):
            if found.get("lights") or found.get("group"):  # the later choice replaces the earlier one
                values = {n: v for n, v in values.items() if n not in ("lights", "group")}
            values |= found
            places |= dict.fromkeys(found, place)
            found_in = "" if "bridge" in found and place in ("", "the environment") else found_in
        values = {name: _convert(name, value, places[name]) for name, value in values.items()}
        return cls(**values, found_in=found_in)

    def light_of(self, reading: Reading) -> Light | None:
        """Returns what a lamp shows for a reading; None to leave it unchanged.

        A "not sure" reading changes nothing, unless "not sure" has a colour.

        Example:
            >>> from expression.types import Box
            >>> sad = Reading(1, Box(0, 0, 9, 9), "Sad", 0.5, {"Happy": 0.5, "Sad": 0.5})
            >>> LightSettings().light_of(sad)
            Light(rgb=(0, 0, 255), brightness=0.65)
        """
        if self.blend:
            mixed = mix([(self._of(label), max(0.0, score)) for label, score in reading.scores.items()])
            return mixed.dimmed(self.brightness)
        if reading.label == NOT_SURE and NOT_SURE not in self.colours:
            return None
        factor = DIMMEST + (1 - DIMMEST) * reading.score if self.by_score else 1.0
        return self._of(reading.label).dimmed(factor * self.brightness)

    @property
    def chosen(self) -> list[str]:
        """The labels whose light is not the default, in lower case.

        Example:
            >>> LightSettings.load(environ={}, folder="/nowhere", colours="Happy:pink+Calm:green").chosen
            ['happy', 'calm']
        """
        usual = _colours({})
        return [label for label, light in self.colours.items() if usual.get(label) != light]

    def light_of_nobody(self) -> Light:
        """Returns what a lamp shows when nobody is there."""
        return self.neutral.dimmed(self.brightness)

    def _of(self, label: str) -> Light:
        return self.colours.get(folded_label(label)) or Light(any_colour(label))


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the EXPRESSION_LIGHTS_* variables by the names of the settings.

    Raises:
        BadInputError: One has almost the name of a setting.
    """
    others = {VARIABLE + name.upper() for name in OTHERS}
    return variables({n: v for n, v in environ.items() if n.upper() not in others}, VARIABLE, _KINDS)


def _convert(name: str, value: Any, place: str) -> Any:
    """Returns a setting converted to its type."""
    found = f", found in {place}" if place else ""
    if name in OTHERS:
        raise BadInputError(
            f"[lights] contains a {name}{found}.",
            "Expected it in the environment, where nobody else can read it.",
            f"Remove it, and set {VARIABLE}{name.upper()} instead.",
        )
    if name not in _KINDS:
        raise BadInputError(
            f"There is no lights setting {name!r}{found}.",
            f"Expected one of {', '.join(_KINDS)}.",
            did_you_mean(name, _KINDS, "Check the spelling, or remove it."),
        )
    kind = _KINDS[name]
    try:
        return _CONVERTERS[kind](value)
    except BadInputError as error:  # about a colour
        happened = f"The lights setting {name}{found}: {error.happened}"
        raise BadInputError(happened, error.expected, error.remedy) from error
    except DAMAGE as error:
        raise _bad(name, value, _WORDS[kind], f"Give one, or leave {name} out.", found) from error


def _bad(name: str, value: Any, expected: str, remedy: str, found: str = "") -> BadInputError:
    return BadInputError(
        f"The lights setting {name} is {described(value)}{found}.", f"Expected {expected}.", remedy
    )


def _names(value: Any) -> tuple[str, ...]:
    """Returns names given as a list or separated by +: "Sofa+Desk".

    A name may contain a +, even at its end, so empty parts are kept; `lamps.choose` joins them again.
    """
    if isinstance(value, Mapping):
        raise ValueError(value)
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split("+")) if value.strip(" +") else ()
    return tuple(name for each in value if (name := _name(each).strip()))


def _name(value: Any) -> str:
    """Returns one name, which may be a number; a list or a table is not one."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(value)
    return str(value)


def _light(value: Any) -> Light:
    return value if isinstance(value, Light) else light(value)


def _colours(value: Any) -> dict[str, Light]:
    """Returns the lights of labels, given as a table or as text: "Happy:gold+Sad:blue 40%"."""
    if isinstance(value, str):
        pairs = [part.rpartition(":") for part in value.split("+") if part.strip()]
        if not all(label.strip() for label, _, _ in pairs):
            raise ValueError(value)
        value = {label.strip(): text for label, _, text in pairs}
    chosen = {folded_label(label): _light(text) for label, text in value.items()}
    return {**{folded_label(label): light(text) for label, text in COLOURS.items()}, **chosen}


_KINDS = {each.name: each.type for each in fields(LightSettings) if each.compare}
_CONVERTERS = CONVERTERS | {
    "str": lambda value: to_text(value).strip(),
    "tuple[str, ...]": _names,
    "Mapping[str, Light]": _colours,
    "Light": _light,
}
_WORDS = WORDS | {
    "tuple[str, ...]": "a list of names, such as Sofa+Desk",
    "Mapping[str, Light]": "labels with their colours, such as Happy:gold+Sad:blue",
    "Light": "a colour",
}
