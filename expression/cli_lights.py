"""The commands for lamps: `expression lights pair`, `list`, `test` and `restore`. `cli.py` adds them.

Notebook: 08_lights
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import ExpressionError

if TYPE_CHECKING:
    from .bridge import Bridge

lights_app = typer.Typer(
    help="Lamps of a Philips Hue bridge, which follow what is read.", epilog="Example: expression lights pair"
)
At = Annotated[
    str | None,
    typer.Option("--bridge", help="Its address; the one paired last if left out.", metavar="ADDRESS"),
]


@lights_app.command(epilog="Example: expression lights pair 192.168.1.20")
def pair(
    address: Annotated[str, typer.Argument(help="Of the bridge; looked for if left out.")] = "",
    wait: Annotated[
        int, typer.Option(help="How long the button is waited for.", metavar="SECONDS", min=1, max=600)
    ] = 30,
) -> None:
    """Find a bridge, wait for its button, and keep its key."""
    from .pairing import pair

    pair(address, wait, _say, _count)
    print("Next: expression lights list, and then: expression live --sink hue")


def _say(line: str) -> None:
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    print(line, flush=True)


def _count(left: int) -> None:
    """Counts down on a terminal in one line, elsewhere every ten seconds."""
    if sys.stdout.isatty():
        print(f"\r\033[K{left} s ", end="\n" if left == 1 else "", flush=True)
    elif left % 10 == 0:
        print(f"{left} s left", flush=True)


@lights_app.command("list", epilog="Example: expression lights list")
def list_(bridge: At = None) -> None:
    """List the lamps, rooms and groups of the bridge, and which lamps would follow."""
    from .lamps import choose, read_lamps
    from .lightsettings import LightSettings

    settings = LightSettings.load(bridge=bridge)
    with _bridge(settings.bridge) as opened:
        lamps, groups = read_lamps(opened), opened.groups()
        chosen = {lamp.number for lamp in choose(lamps, groups, settings)[0]}
        names = {lamp.number: lamp.name for lamp in lamps}
        if not lamps:
            print("The bridge has no lights. Add some in the Hue app.")
        for lamp in lamps:
            reason = lamp.left_alone or ("" if lamp.number in chosen else "not chosen in the settings")
            print(f"{lamp.number:>3}  {lamp.name:24} {f'left alone: {reason}' if reason else 'follows'}")
        for number, group in sorted(groups.items(), key=lambda each: int(each[0])):
            members = ", ".join(names.get(str(each), str(each)) for each in group.get("lights", []))
            kind = {"Room": "room", "Zone": "zone"}.get(group.get("type"), "group")
            print(f"{kind} {group.get('name', number)}: {members or 'no lights'}")


@lights_app.command("test", epilog='Example: expression lights test --lights "Sofa+Desk"')
def try_out(
    lights: Annotated[str | None, typer.Option(help="Names with a + between.", metavar="NAMES")] = None,
    group: Annotated[str | None, typer.Option(help="A room, zone or group.", metavar="NAME")] = None,
    bridge: At = None,
    seconds: Annotated[
        float, typer.Option(help="How long each colour stays.", metavar="SECONDS", min=0.0, max=60)
    ] = 1.5,
) -> None:
    """Show the colour of each label on the lamps, one after the other, and put them back."""
    import time

    from .labels import FER2013
    from .lightsettings import COLOURS
    from .sinks.hue import Hue

    sink = Hue(lights=lights, group=group, bridge=bridge, by_score=False)
    sink.open()
    known = {label.casefold(): label for label in (*FER2013, *COLOURS)}
    try:
        followers = ", ".join(lamp.name for lamp in sink.crew.following)
        print(f"Following: {followers or 'none'}.")
        for label, light in sink.settings.colours.items() if followers else ():
            shown = f"#{bytes(light.rgb).hex()} at {light.brightness:.0%}"
            print(f"{known.get(label, label)}: {shown}", flush=True)
            sink.crew.show(light.dimmed(sink.settings.brightness), patience=10.0)
            time.sleep(seconds)
    finally:
        sink.close()
    print("All is as it was.")


@lights_app.command(epilog="Example: expression lights restore")
def restore() -> None:
    """Put the lamps back as they were before a run that was cut off."""
    from .before import Before, before_path, read_before

    left = read_before(before_path())
    if not left:
        print("Nothing to put back: the last run did it itself.")
    failed = None
    for url in left:
        before = Before(url)
        names = [lamp["name"] for lamp in before.lamps.values()]
        try:
            with _bridge(url) as opened:
                far = [lamp.name for lamp in before.put_back(opened)]
        except ExpressionError as error:  # the other bridges first
            failed = failed or error
            print(f"Not put back, and kept for later: {', '.join(names)}.")
            continue
        done = [name for name in names if name not in far + before.alone]
        for said, which in (
            (f"Put back as on {before.left or 'that day'}", done),
            ("Left alone, since switched off or gone", before.alone),
            ("Cannot be reached, and kept for later", far),
        ):
            if which:
                print(f"{said}: {', '.join(which)}.")
    if failed:
        raise failed


@contextlib.contextmanager
def _bridge(address: str) -> Iterator[Bridge]:
    """A paired bridge, given back at the end."""
    from .bridge import Bridge
    from .keys import find

    opened = Bridge(find(address))
    try:
        yield opened
    finally:
        opened.close()
