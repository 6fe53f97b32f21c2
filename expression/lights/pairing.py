"""Pairing with a bridge, step by step: find it, wait for its button, save its key.

`expression lights pair` calls it.

Notebook: 09_lights
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..errors import BadInputError, ExpressionError
from ..sanitize import printable
from .bridge import NO_BUTTON, Bridge, import_phue, raise_errors
from .credentials import KEY, Paired, check_room, id_of, remember, split
from .discovery import find_bridges
from .transport import BridgeError, Transport

SECONDS = 30
"""How long to wait for the button; a bridge remembers a press for as long."""

LONGEST_KEY = 200
"""Maximum characters of a key; a bridge issues 40."""


class ButtonError(ExpressionError, TimeoutError):
    """The bridge's button was not pressed."""


def pair(
    address: str = "",
    seconds: int = SECONDS,
    tell: Callable[[str], None] = print,
    count: Callable[[int], None] = lambda left: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Paired:
    """Pairs with a bridge and saves its key.

    Args:
        address: The address of the bridge; empty to search for it.
        seconds: How long to wait for the button.
        tell: Called with a line for each step.
        count: Called every second with the seconds left.
        sleep: Waits for a number of seconds.

    Raises:
        BadInputError: No bridge or several were found, the address is malformed, or others may read the keys.
        BridgeError: No bridge answers there.
        ButtonError: The button was not pressed in time.
        MissingPackageError: phue is not installed.
        OutputError: The key could not be saved.
    """
    import_phue()  # before the user walks to the bridge
    check_room()
    if not address:
        tell("Looking for a bridge on this network ...")
        address = _only(find_bridges())
    transport, key = _first_answer(address)
    try:
        how = (
            "HTTPS; its certificate is saved, and no other is accepted"
            if transport.certificate
            else "plain HTTP"
        )
        tell(f"Found a bridge at {transport.url} ({how}).")
        if not key:
            tell(f"Press the button on the bridge within {seconds} s.")
            key = _wait_for_button(transport, seconds, count, sleep)
        paired = Paired(transport.url, key, transport.certificate)
        config = _config(paired)
    finally:
        transport.close()
    name = printable(str(config.get("name") or "the bridge"))
    paired = replace(paired, name=name, id=id_of(config))
    file = remember(paired)
    tell(f"Paired with {name}. Its key is saved in {file}, which only you can read.")
    return paired


def _only(found: list[str]) -> str:
    """Returns the only bridge that was found."""
    if len(found) == 1:
        return found[0]
    if not found:
        raise BadInputError(
            "No bridge was found on this network.",
            "Expected a Hue bridge that is switched on and connected by cable to the same network.",
            "Look up its address in the Hue app, and run: expression lights pair ADDRESS",
        )
    raise BadInputError(
        f"{len(found)} bridges were found: {', '.join(found)}.",
        "Expected one.",
        f"Choose one, for example: expression lights pair {found[0]}",
    )


def _first_answer(address: str) -> tuple[Transport, str]:
    """Returns the transport that a bridge answers, trying HTTPS first, and its key if it sent one at once."""
    scheme, _, _ = split(address)
    place = address.strip().rpartition("://")[2].rstrip("/")
    failures = []
    for way in [scheme] if scheme else ["https", "http"]:
        transport = Transport(f"{way}://{place}")
        try:
            return transport, _ask(transport)
        except BridgeError as error:
            transport.close()
            failures.append(error)
    raise failures[-1]


def _ask(transport: Transport) -> str:
    """Asks for a key once; returns "" if the button has not been pressed.

    Source: https://developers.meethue.com/develop/hue-api/7-configuration-api/ (create user)
    """
    who = f"expression#{(platform.node() or 'computer')[:19]}"
    answer = transport.call("POST", "/api", {"devicetype": who})
    try:
        raise_errors(answer, transport.url)
        return _key_in(answer)
    except BridgeError as error:
        if error.kind == NO_BUTTON:
            return ""
        raise
    except (LookupError, TypeError, ValueError):  # whose text may contain a key
        raise BridgeError(
            f"The device at {transport.url} is not a Hue bridge.",
            "Expected a bridge that issues a key.",
            "Look up the address in the Hue app, or search for the bridge: expression lights pair",
        ) from None


def _key_in(answer: Any) -> str:
    """Returns the key in an answer.

    Raises:
        LookupError, TypeError, ValueError: The answer does not contain one.
    """
    key = answer[0]["success"]["username"]
    if not (key and len(key) <= LONGEST_KEY and KEY.fullmatch(key)):
        raise ValueError("not a key")
    return key


def _wait_for_button(transport: Transport, seconds: int, count: Callable, sleep: Callable) -> str:
    """Asks every second until the button is pressed; a single missed answer does no harm."""
    failure = None
    for left in range(seconds, 0, -1):
        count(left)
        sleep(1.0)
        try:
            if key := _ask(transport):
                return key
            failure = None
        except BridgeError as error:
            failure = error
    if failure is not None:
        raise failure
    raise ButtonError(
        f"The button on the bridge at {transport.url} was not pressed within {seconds} s.",
        "Expected one press on the round button on top of it.",
        "Run the command again, and press it during the countdown.",
    )


def _config(paired: Paired) -> dict:
    """Returns the bridge's configuration; proves that the key works."""
    bridge = Bridge(paired)
    try:
        return bridge.config()
    finally:
        bridge.close()
