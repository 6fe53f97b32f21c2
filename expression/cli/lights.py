"""The commands for lamps: `expression lights pair`, `list`, `test` and `restore`.

Notebook: 09_lights
"""

from __future__ import annotations

import contextlib
import math
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import BadInputError, ExpressionError, RunError

if TYPE_CHECKING:
    from ..lights.bridge import Bridge
    from ..lights.restore import Outcome
    from ..lights.settings import LightSettings
    from ..sinks.hue import Hue

lights_app = typer.Typer(
    help="Philips Hue lamps that follow the readings.", epilog="Example: expression lights pair"
)
At = Annotated[
    str | None,
    typer.Option(
        "--bridge", help="Address or id of the bridge; by default, the one paired last.", metavar="ADDRESS"
    ),
]


@lights_app.command(epilog="Example: expression lights pair 192.168.1.20")
def pair(
    address: Annotated[
        str, typer.Argument(help="Address of the bridge; searched for by default.", metavar="ADDRESS")
    ] = "",
    wait: Annotated[
        int, typer.Option(help="How long to wait for the button.", metavar="SECONDS", min=1, max=600)
    ] = 30,
) -> None:
    """Find a bridge, wait for its button, and save its key."""
    from ..lights.pairing import pair

    pair(address, wait, _say, _count)
    print("Next: expression lights list, and then: expression live --sink hue")


def _say(line: str) -> None:
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    print(line, flush=True)


def _count(left: int) -> None:
    """Counts down on one line in a terminal, elsewhere every ten seconds."""
    if sys.stdout.isatty():
        print(f"\r\033[K{left} s ", end="\n" if left == 1 else "", flush=True)
    elif left % 10 == 0:
        print(f"{left} s left", flush=True)


@lights_app.command("list", epilog="Example: expression lights list")
def list_(bridge: At = None) -> None:
    """List the lamps, rooms and groups of the bridge. Lamps that would follow are marked."""
    from ..lights.lamps import ROOMS, choose, read_groups, read_lamps
    from ..lights.settings import LightSettings

    settings = LightSettings.load(bridge=bridge)
    with _bridge(settings) as opened:
        lamps, groups = read_lamps(opened), read_groups(opened)
        chosen = {lamp.number for lamp in choose(lamps, groups, settings)[0]}
        names = {lamp.number: lamp.name for lamp in lamps}
        if not lamps:
            print("The bridge has no lights. Add some in the Hue app.")
        for lamp in lamps:
            reason = lamp.skip_reason or ("" if lamp.number in chosen else "not chosen in the settings")
            print(f"{lamp.number:>3}  {lamp.name:24} {f'left alone: {reason}' if reason else 'follows'}")
        for group in groups.values():
            members = ", ".join(names.get(each, each) for each in group["lights"])
            kind = group["type"].casefold() if group["type"] in ROOMS else "group"
            print(f"{kind} {group['name']}: {members or 'no lights'}")


@lights_app.command("test", epilog='Example: expression lights test --lights "Sofa+Desk"')
def try_out(
    lights: Annotated[str | None, typer.Option(help="Names of lamps, joined by +.", metavar="NAMES")] = None,
    group: Annotated[str | None, typer.Option(help="Name of a room, zone or group.", metavar="NAME")] = None,
    bridge: At = None,
    seconds: Annotated[
        float, typer.Option(help="How long to show each colour.", metavar="SECONDS", min=0.0, max=60)
    ] = 1.5,
) -> None:
    """Show the colour of each label on the lamps, one by one. The lamps are restored at the end."""
    from ..live.signals import interrupting_signals
    from ..sinks.hue import Hue

    if math.isnan(seconds):
        raise BadInputError("--seconds is nan.", "Expected 0 to 60.", "Try --seconds 1.5.")
    sink = Hue(lights=lights, group=group, bridge=bridge, by_score=False)
    try:
        with interrupting_signals():
            sink.open()
            try:
                _show_colours(sink, seconds)
            finally:
                _close(sink)
    except KeyboardInterrupt:
        print("Stopped.")
    if sink.restored:
        print("The lamps were restored.")


def _close(sink: Hue) -> None:
    """Restores the lamps; pressing Ctrl-C twice interrupts it.

    Raises:
        RunError: It was interrupted.
    """
    from ..live.signals import patient

    def insist() -> None:
        raise KeyboardInterrupt

    try:
        with patient(lambda: sink.unfinished or "almost done", insist):
            sink.close()
    except KeyboardInterrupt:
        raise _broken_off(sink.left) from None


def _broken_off(names: list[str]) -> RunError:
    return RunError(
        f"These lights were not restored before Ctrl-C was pressed: {', '.join(names)}.",
        "Expected them to be restored; their previous state is saved.",
        "Run: expression lights restore",
    )


def _show_colours(sink: Hue, seconds: float) -> None:
    """Shows the light of each label for some seconds."""
    import time

    from ..labels import FER2013, Labels
    from ..lights.colours import COLOURS

    known = Labels(dict.fromkeys((*FER2013, *COLOURS)))
    followers = ", ".join(lamp.name for lamp in sink.controller.following)
    print(f"Following: {followers or 'none'}.", flush=True)
    for label, light in sink.settings.colours.items() if followers else ():
        shown = f"#{bytes(light.rgb).hex()} at {light.brightness:.0%}"
        print(f"{known.find(label) or label}: {shown}", flush=True)
        sink.controller.show(light.dimmed(sink.settings.brightness), patience=10.0)
        time.sleep(seconds)


@lights_app.command(epilog="Example: expression lights restore")
def restore(
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget lamps that still cannot be restored.")
    ] = False,
) -> None:
    """Restore the lamps after a run was cut off. Each is restored as far as possible."""
    from ..lights.snapshot import before_path, read_before
    from ..live.signals import interrupting_signals

    left = read_before(before_path())
    if not left:
        print("Nothing to restore.")
    failed = None
    for name, lamps in left.items():
        try:
            with interrupting_signals():
                _restore(name, lamps, forget)
        except KeyboardInterrupt:
            raise _broken_off([lamp["name"] for lamp in lamps.values()]) from None
        except ExpressionError as error:  # restore the other bridges first
            failed = failed or error
    if failed:
        raise failed


def _restore(name: str, lamps: dict[str, dict], forget: bool) -> None:
    """Restores the lamps of a bridge, and reports the result for each."""
    from ..lights.marker import HeldError, Marker
    from ..lights.snapshot import LampSnapshot

    url = next((lamp["url"] for lamp in lamps.values() if lamp["url"]), "")
    since = min(lamp["time"] for lamp in lamps.values())
    try:
        with _kept_bridge(name, url) as opened, LampSnapshot(opened.identity(), opened.url) as before:
            with Marker(opened, before.file.parent):
                tell = lambda: print("Restoring the lights ...", flush=True)  # noqa: E731
                outcome = before.put_back(opened, tell=tell)
            _print_outcome(outcome, since)
            if forget and outcome.kept:
                print(f"Forgotten: {', '.join(before.forget())}.")
    except ExpressionError as error:
        if forget and not isinstance(error, HeldError):
            with LampSnapshot(name, url) as before:
                print(f"Not restored, and forgotten: {', '.join(before.forget())}. ({error.happened})")
            return
        print(f"Not restored, and saved for later: {', '.join(lamp['name'] for lamp in lamps.values())}.")
        raise


def _print_outcome(outcome: Outcome, since: str) -> None:
    """Prints the results for the lamps, one line for each kind of result."""
    for said, which in (
        (f"Restored to the state of {since or 'that day'}", outcome.done),
        ("Restored as far as known", _with_reasons(outcome.partly)),
        ("Switched off, and saved for later", outcome.off),
        ("Unreachable, and saved for later", outcome.far),
        ("Did not return to the previous state (try again: expression lights restore)", outcome.deaf),
        ("Not restored, and saved for later", _with_reasons(outcome.refused)),
        ("No longer on the bridge, and forgotten", outcome.gone),
    ):
        if which:
            print(f"{said}: {', '.join(which)}.")


def _with_reasons(reasons: dict[str, str]) -> list[str]:
    return [f"{name} ({why})" for name, why in reasons.items()]


@lights_app.command(epilog="Example: expression lights free")
def free(bridge: At = None) -> None:
    """Free a bridge that another computer has marked as in use."""
    from ..lights.marker import free
    from ..lights.settings import LightSettings

    with _bridge(LightSettings.load(bridge=bridge)) as opened:
        owners = free(opened)
    if owners:
        print(f"The bridge is free again. It was marked by: {', '.join(owners)}.")
        print("A run that is still active will mark it again.")
    else:
        print("The bridge was not marked.")


def _kept_bridge(name: str, url: str) -> contextlib.closing[Bridge]:
    """Returns the bridge with an id, at the address where it was paired last, or else at the one noted."""
    from ..lights.bridge import Bridge
    from ..lights.credentials import find, read

    known = any(one.is_at(name) for one in read())
    return contextlib.closing(Bridge(find(name if known else url or name, named=False)))


def _bridge(settings: LightSettings) -> contextlib.closing[Bridge]:
    """Returns the paired bridge of the settings, closed at the end of the `with` block."""
    from ..lights.bridge import Bridge
    from ..lights.credentials import find

    return contextlib.closing(Bridge(find(settings.bridge, found_in=settings.found_in)))
