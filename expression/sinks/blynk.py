"""Blynk: a phone turns reading off and on, and shows the label as a number and as an emoji.

    export EXPRESSION_BLYNK_TOKEN=...
    expression live --sink blynk
    expression live --sink blynk:switch=v5,index=,emoji=v7,every=30

The token of the device is a secret, EXPRESSION_BLYNK_TOKEN. The HTTP API carries it in the address, so
addresses are never shown, and redirects are not followed.

Source: https://docs.blynk.io/en/blynk.cloud/device-https-api/get-datastream-value,
https://docs.blynk.io/en/blynk.cloud/device-https-api/update-multiple-datastreams-api

Notebook: 10_reactions
"""

from __future__ import annotations

import http.client
import json
import logging
import math
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable

from ..errors import DAMAGE, BadInputError, ExpressionError, RunError
from ..labels import NOT_SURE
from ..types import POLICIES, Reading
from ._base import Sink
from ._deadline_urllib import TIMELY, NoRedirect
from ._secrets import secret

logger = logging.getLogger("expression")

VARIABLE = "EXPRESSION_BLYNK_TOKEN"

TIMEOUT = 3.0
"""Seconds that a whole request may take; stopping a run waits for 5."""

LAST_SECONDS = 1.5
"""Seconds that the last request may take."""

EMOJI = {
    "Angry": "😠",
    "Disgust": "🤢",
    "Fear": "😨",
    "Happy": "😀",
    "Sad": "😢",
    "Surprise": "😮",
    "Neutral": "😐",
}
"""The emoji of each label; other labels are shown as text."""

NOBODY = "💤"

REFUSED = {400, 401, 403}
"""Status codes for a wrong token or pin."""


class Blynk(Sink):
    """Reads one virtual pin and writes two.

    Args:
        switch: The pin that turns reading off (0) and on (1); empty for none.
        index: The pin that receives the index of the label, counted from 0; empty for none.
        emoji: The pin that receives the label as an emoji; empty for none.
        every: Seconds between two checks of the switch. Each check counts towards your plan's message quota,
            as do updates (https://docs.blynk.io/en/message-usage): 17,280 a day at 5 s.
        settle: Seconds that a label must stay the same before it is sent.
        room: Follow the "largest" face, or the "mean" of everybody's scores.
        secrets: A file of mode 600 with a line `EXPRESSION_BLYNK_TOKEN=...`, the token of the device, in
            place of the environment variable.
        server: The address of the Blynk server.

    Raises:
        BadInputError: An option is out of range, or the token is missing, or others can read its file.
        MissingFileError: The secrets file does not exist.
    """

    only_changes = True
    reacts = True
    min_interval = 1.0
    place = "server"
    secrets = (VARIABLE,)
    keeps = "the label, sent to a server of Blynk"

    def __init__(
        self,
        switch: str = "v0",
        index: str = "v1",
        emoji: str = "v2",
        every: float = 5.0,
        settle: float = 0.5,
        room: str = "largest",
        secrets: str = "",
        server: str = "https://blynk.cloud",
    ):
        for name, pin in (("switch", switch), ("index", index), ("emoji", emoji)):
            _check_secretly(
                name, re.fullmatch(r"([vV]\d{1,3})?", pin), "a virtual pin such as v0, or nothing"
            )
        switch, index, emoji = switch.lower(), index.lower(), emoji.lower()
        _check_pins({"switch": switch, "index": index, "emoji": emoji})
        _check("every", every, 1 <= every <= 86_400, "1 to 86400 seconds")
        _check("settle", settle, 0 <= settle <= 3600, "0 to 3600 seconds")
        _check("room", room, room in POLICIES, " or ".join(POLICIES))
        safe = re.match(r"(https://[\w.-]+|http://(localhost|127\.0\.0\.1))(:\d+)?/?$", server)
        _check_secretly("server", safe, "only https://HOST, to which the token is sent")
        self.dwell, self.room = settle, room
        self._switch, self._index, self._emoji, self._every = switch, index, emoji, every
        self._server, self._token = server.rstrip("/"), _read_token(secrets)
        self._opener = urllib.request.build_opener(NoRedirect, *TIMELY)
        self._on: bool | None = None  # the last state of the switch
        self._sending = self._warned = self._worked = False
        self._lock, self._away = threading.Lock(), False  # whether the last request failed
        self._shown: str | None = NOBODY  # what the phone shows; None if not known
        self._closed = threading.Event()
        self._watcher: threading.Thread | None = None

    def open(self) -> None:
        """Checks the switch, and starts checking it regularly.

        Raises:
            BadInputError: Blynk does not recognise the token or the pin.
            RunError: Blynk cannot be reached or has a problem; tried again.
        """
        if not self._switch:
            return
        self._look()
        self._closed.clear()
        self._watcher = threading.Thread(target=self._watch, name="blynk switch", daemon=True)
        self._watcher.start()

    def wants(self, reading: Reading) -> bool:
        """Whether there is a label to show."""
        return reading.label != NOT_SURE and bool(self._index or self._emoji)

    def send(self, reading: Reading) -> None:
        """Writes the label to both pins in one request.

        Raises:
            BadInputError: Blynk does not recognise the token or a pin, on the first update.
            RunError: Blynk cannot be reached or has a problem.
        """
        values, labels = {}, self.control.labels
        if self._index and reading.label in labels:
            values[self._index] = str(labels.index(reading.label))
        if self._emoji:
            values[self._emoji] = EMOJI.get(reading.label, reading.label)
        if values:
            self._update(values)

    def empty(self) -> None:
        """Shows that nobody is there; the index stays."""
        if self._emoji:
            self._update({self._emoji: NOBODY})

    def close(self) -> None:
        """Shows that nobody is there, unless Blynk is unreachable, and stops checking the switch.

        Raises:
            RunError: That could not be shown.
        """
        self._closed.set()
        try:
            if self._emoji and self._shown != NOBODY and not self._away:
                self._update({self._emoji: NOBODY}, LAST_SECONDS)
        finally:
            if self._watcher is not None:
                self._watcher.join(TIMEOUT + 0.5)
                self._watcher = None

    def _watch(self) -> None:
        """Checks the switch regularly; warns once while that fails.

        Not while a label is being sent: stopping a run would have to wait for two requests.
        """
        while not self._closed.wait(self._every):
            if self._sending:
                continue
            try:
                self._look()
                self._warned = False
            except (ExpressionError, *DAMAGE) as error:
                if not (self._warned or getattr(error, "told", False)):
                    logger.warning(
                        "The switch of the sink blynk cannot be read and keeps its state. %s", error
                    )
                self._warned = True

    def _look(self) -> None:
        """Sets the run's switch if the pin has changed; a pin that was never set has no effect."""
        answer = self._ask("get", {self._switch: None}).strip()
        bare = re.fullmatch(r'\[?"?([^]["]*)"?\]?', answer)  # 1, "1" or ["1"]
        if bare and not bare[1].strip():
            return
        try:
            number = float(bare[1]) if bare else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise RunError(
                f"Blynk's {self._switch} contains {answer[:40]!r}.",
                "Expected 0 or 1.",
                "Set the type of its datastream to integer, or choose another pin for switch.",
            )
        on = number != 0
        if on != self._on:
            self._on = self.control.on = on

    def _update(self, values: dict[str, str], seconds: float = TIMEOUT) -> None:
        self._sending = True
        try:
            shown = values.get(self._emoji, self._shown)
            self._shown = self._shown if shown == self._shown else None  # its answer may get lost
            self._ask("batch/update", values, seconds)
            self._worked, self._shown = True, shown
        finally:
            self._sending = False

    def _ask(self, what: str, pins: dict[str, str | None], seconds: float = TIMEOUT) -> str:
        """Asks Blynk; an error's `told` says whether the previous request failed too, and was reported."""
        try:
            answer = self._get(what, pins, seconds)
        except (BadInputError, RunError) as error:
            with self._lock:
                error.told, self._away = self._away, True
            raise
        self._away = False
        return answer

    def _get(self, what: str, pins: dict[str, str | None], seconds: float) -> str:
        """Returns Blynk's answer; no error of this contains the token."""
        words = [f"token={self._token}"]
        words += [p if v is None else f"{p}={urllib.parse.quote(v, safe='')}" for p, v in pins.items()]
        host = urllib.parse.urlsplit(self._server).netloc
        try:
            address = f"{self._server}/external/api/{what}?{'&'.join(words)}"
            with self._opener.open(address, timeout=seconds) as answer:
                return answer.read1(4096).decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            with error:
                said = self._message(error)
            kind = BadInputError if error.code in REFUSED and not self._worked else RunError
            raise kind(
                f"Blynk at {host} answered {error.code}: {said}.", *_advice(error.code, pins)
            ) from None
        except (*DAMAGE, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
            raise RunError(
                f"Blynk at {host} cannot be reached ({why}).",
                f"Expected an answer within {seconds:g} s.",
                "Check the internet connection.",
            ) from None

    def _message(self, error: urllib.error.HTTPError) -> str:
        """Returns Blynk's reason for a failure, without the token."""
        try:
            said = str(json.loads(error.read1(4096))["error"]["message"])
        except (*DAMAGE, http.client.HTTPException):
            said = http.client.responses.get(error.code, "no reason")
        return said.replace(self._token, "(the token)")[:200].rstrip(". ")


def _check(name: str, value: object, fits: object, expected: str) -> None:
    if not fits:
        raise BadInputError(
            f"The option {name} of the sink blynk is {value!r}.", f"Expected {expected}.", "Choose another."
        )


def _check_secretly(name: str, fits: object, expected: str) -> None:
    """Raises a BadInputError that does not repeat the value, which may contain the token by mistake."""
    if not fits:
        raise BadInputError(
            f"The option {name} of the sink blynk has an invalid value.",
            f"Expected {expected}.",
            f"Correct it; the token belongs in {VARIABLE} or a secrets file.",
        )


def _check_pins(pins: dict[str, str]) -> None:
    """Raises a BadInputError if a pin is used twice, or none at all."""
    used = [pin for pin in pins.values() if pin]
    if not used:
        raise BadInputError(
            "The sink blynk has no pins.",
            "Expected at least one.",
            f"Remove one of these options to use its default: {', '.join(pins)}.",
        )
    twice = [name for name, pin in pins.items() if pin and used.count(pin) > 1]
    if twice:
        raise BadInputError(
            f"The options {' and '.join(twice)} of the sink blynk share the pin {pins[twice[0]]}.",
            "Expected a separate pin for each; the defaults are v0, v1 and v2.",
            "Choose another pin for one of them, or leave it empty.",
        )


def _advice(code: int, pins: Iterable[str]) -> tuple[str, str]:
    """Returns what was expected of Blynk, and what to do."""
    if code in REFUSED:
        known = f"Expected it to recognise the token, and {', '.join(pins)}."
        return known, f"Compare {VARIABLE} with the device's token, and the pins with its datastreams."
    if code == 429:
        return "Expected fewer messages than the plan allows.", "Check less often, for example with every=60."
    if code < 400:
        return "Expected an answer, not a redirect.", "Leave out server, or use the one that it redirects to."
    return "Expected it to carry out the request.", "Wait until it works again."


def _read_token(file: str) -> str:
    """Returns the token from the environment or the file; errors do not show it."""
    token = (secret(VARIABLE, file) or "").strip()
    if not re.fullmatch(r"[A-Za-z0-9_-]+", token):
        raise BadInputError(
            f"{VARIABLE} is not a token." if token else f"The sink blynk did not find {VARIABLE}.",
            "Expected the token of the device: letters, digits, - and _.",
            "Copy it from Device Info in Blynk.Console into that variable, or into a file "
            f"as a line {VARIABLE}=..., and use blynk:secrets=FILE.",
        )
    return token
