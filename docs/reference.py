"""Writes the tables of docs/reference from the code, so that they stay true.

    python docs/reference.py           writes them
    python docs/reference.py --check   only reports whether they are up to date (`make lint` calls it)

A page has text of its own around each table, which stands between two comments.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import typer

from expression.cli.app import app
from expression.lights.colours import Light
from expression.lights.settings import LightSettings
from expression.live.stats import MEANINGS
from expression.settings import Settings
from expression.sinks import names, sink_class
from expression.sinks._light_sink import Lighting

FOLDER = Path(__file__).parent / "reference"
Rows = Iterable[tuple[str, ...]]


def table(head: tuple[str, ...], rows: Rows) -> str:
    """Returns a table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def described(kind: type, section: str) -> dict[str, str]:
    """Returns what the docstring of a class says about each name in a section such as Args."""
    text = inspect.getdoc(kind) or ""
    found = re.search(rf"^{section}:\n(.*?)(?=^\S|\Z)", text, re.DOTALL | re.MULTILINE)
    entries = re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", found[1], re.DOTALL | re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in entries}


def default(value: object) -> str:
    """Returns a default as a user would write it in an option or a settings file, or ""."""
    if isinstance(value, Light):
        return f"`#{bytes(value.rgb).hex()} {value.brightness:.0%}`"
    if isinstance(value, Mapping) and value:
        return "see [lights](../lights.md)"
    if value in ("", inspect.Parameter.empty) or not isinstance(value, (str, int, float)):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def settings(kind: type, variable: str) -> str:
    """Returns a table of the fields of a settings class; `variable` is how their variables begin."""
    plain, meanings = kind(), described(kind, "Attributes")
    meanings.pop("found_in")
    rows = [
        (f"`{name}`", default(getattr(plain, name)), words, f"`{variable}{name.upper()}`")
        for name, words in meanings.items()
    ]
    return table(("Setting", "Default", "Meaning", "Variable"), rows)


def lamp_default(kind: type, option: str) -> str:
    """Returns the default of an option that a sink of lamps takes from the settings of lamps, or ""."""
    return default(getattr(LightSettings(), option, "")) if issubclass(kind, Lighting) else ""


def sink_options() -> str:
    """Returns a section for each sink: its options, its secrets and what it needs."""
    parts = []
    for name in names():
        kind = sink_class(name)
        summary = " ".join(inspect.getdoc(kind).split("\n\n")[0].split())
        parts.append(f"### {name}\n\n{summary}")
        words = described(kind, "Args") if "\nArgs:" in inspect.getdoc(kind) else {}
        parameters = inspect.signature(kind.__init__).parameters
        rows = [
            (
                f"`{option}`" + (", the main option" if option == kind.option else ""),
                default(parameters[option].default) or lamp_default(kind, option),
                meaning,
            )
            for option, meaning in words.items()
        ]
        if rows:
            parts.append(table(("Option", "Default", "Meaning"), rows))
        notes = []
        if kind.secrets:
            notes.append("Secrets: " + ", ".join(f"`{secret}`" for secret in kind.secrets) + ".")
        if kind.extra:
            notes.append(f'Needs `pip install -e ".[{kind.extra}]"`.')
        if notes:
            parts.append(" ".join(notes))
    return "\n\n".join(parts)


def name_of(parameter: typer.core.TyperOption | typer.core.TyperArgument) -> str:
    """Returns what a user writes for an option or an argument."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`"
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return ", ".join(f"`{form}{value}`" for form in parameter.opts)


def default_of(parameter: typer.core.TyperOption | typer.core.TyperArgument, plain: dict) -> str:
    """Returns the default of an option or an argument, or ""; `plain` has those that are settings."""
    if parameter.required:
        return "required"
    if parameter.param_type_name == "option" and parameter.is_flag:
        return ""
    return default(plain.get(parameter.name) if parameter.default is None else parameter.default)


def commands() -> str:
    """Returns a section for each command: what it does, its arguments, options and an example."""
    parts = []

    def add(command, name: str) -> None:
        if hasattr(command, "commands"):
            for below, one in command.commands.items():
                add(one, f"{name} {below}")
            return
        words = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
        parts.append(f"## {name}\n\n" + "\n\n".join(words))
        plain = vars(Settings()) if name == "expression live" else {}
        rows = [
            (name_of(parameter), default_of(parameter, plain), parameter.help or "")
            for parameter in command.params
        ]
        if rows:
            parts.append(table(("Option", "Default", "Meaning"), rows))
        if command.epilog:
            parts.append(f"```\n{command.epilog.removeprefix('Example: ')}\n```")

    add(typer.main.get_command(app), "expression")
    return "\n\n".join(parts)


TABLES = {
    "commands.md": {"commands": commands},
    "settings.md": {
        "settings": lambda: settings(Settings, "EXPRESSION_"),
        "lights": lambda: settings(LightSettings, "EXPRESSION_LIGHTS_"),
    },
    "sinks.md": {"sinks": sink_options},
    "statistics.md": {
        "statistics": lambda: table(("Key", "Meaning"), [(f"`{k}`", v) for k, v in MEANINGS.items()])
    },
}
"""For each page, what stands between the comments of each name."""


def rendered(page: str, text: str) -> str:
    """Returns a page with its tables as the code has them now."""
    for name, make in TABLES[page].items():
        begin, end = f"<!-- {name}: written by docs/reference.py -->", f"<!-- end of {name} -->"
        head, _, rest = text.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            raise SystemExit(f"{page} has no place for {name}. Expected {begin} and {end}. Add both lines.")
        text = f"{head}{begin}\n\n{make()}\n\n{end}{tail}"
    return text


def main(words: list[str]) -> int:
    """Writes the pages, or with --check names those that are out of date."""
    stale = []
    for page in TABLES:
        text = (FOLDER / page).read_text("utf-8")
        new = rendered(page, text)
        if new != text:
            stale.append(page)
            if "--check" not in words:
                (FOLDER / page).write_text(new, "utf-8")
    if stale and "--check" in words:
        print(f"Out of date in docs/reference: {', '.join(stale)}. Run: python docs/reference.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
