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
    from .sinks.hue import Hue

lights_app = typer.Typer(
    help="Lamps of a Philips Hue bridge, which follow what is read.", epilog="Example: expression lights pair"
)
At = Annotated[
    str | None,
    typer.Option("--bridge", help="Its address or id; the one paired last if left out.", metavar="ADDRESS"),
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
    from .interrupts import interrupting_signals
    from .sinks.hue import Hue

    sink = Hue(lights=lights, group=group, bridge=bridge, by_score=False)
    try:
        with interrupting_signals():
            sink.open()
            try:
                _show_colours(sink, seconds)
            finally:
                sink.close()
    except KeyboardInterrupt:
        print("Stopped.")
    if not sink.left:
        print("All is as it was.")


def _show_colours(sink: Hue, seconds: float) -> None:
    """Shows the light of each label for so many seconds."""
    import time

    from .labels import FER2013
    from .lightsettings import COLOURS

    known = {label.casefold(): label for label in (*FER2013, *COLOURS)}
    followers = ", ".join(lamp.name for lamp in sink.crew.following)
    print(f"Following: {followers or 'none'}.", flush=True)
    for label, light in sink.settings.colours.items() if followers else ():
        shown = f"#{bytes(light.rgb).hex()} at {light.brightness:.0%}"
        print(f"{known.get(label, label)}: {shown}", flush=True)
        sink.crew.show(light.dimmed(sink.settings.brightness), patience=10.0)
        time.sleep(seconds)


@lights_app.command(epilog="Example: expression lights restore")
def restore() -> None:
    """Put the lamps back as they were before a run that was cut off."""
    from .before import Before, before_path, read_before

    left = read_before(before_path())
    if not left:
        print("Nothing to put back.")
    failed = None
    for name, lamps in left.items():
        url = next((str(lamp["url"]) for lamp in lamps.values() if lamp.get("url")), "")
        since = min((lamp.get("time", "") for lamp in lamps.values()), default="")
        try:
            with _kept_bridge(name, url) as opened, Before(opened.identity(), opened.url) as before:
                outcome = before.put_back(
                    opened, tell=lambda: print("Putting the lights back ...", flush=True)
                )
        except ExpressionError as error:  # the other bridges first
            failed = failed or error
            names = ", ".join(lamp["name"] for lamp in lamps.values())
            print(f"Not put back, and kept for later: {names}.")
            continue
        for said, which in (
            (f"Put back as on {since or 'that day'}", outcome.done),
            ("Switched off, and kept for later", outcome.off),
            ("Cannot be reached, and kept for later", outcome.far),
            ("Told so, but not as before (once more: expression lights restore)", outcome.deaf),
            ("Gone from the bridge, and forgotten", outcome.gone),
        ):
            if which:
                print(f"{said}: {', '.join(which)}.")
    if failed:
        raise failed


@contextlib.contextmanager
def _kept_bridge(name: str, url: str) -> Iterator[Bridge]:
    """The bridge of an id, at whichever address it was paired last, or else at the one that was noted."""
    from .keys import read

    known = any(one.is_at(name) for one in read())
    with _bridge(name if known else url or name, named=False) as opened:
        yield opened


@contextlib.contextmanager
def _bridge(address: str, named: bool = True) -> Iterator[Bridge]:
    """A paired bridge, given back at the end."""
    from .bridge import Bridge
    from .keys import find

    opened = Bridge(find(address, named=named))
    try:
        yield opened
    finally:
        opened.close()
