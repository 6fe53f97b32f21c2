"""Web: the live view as a page, for browsers of this computer or of the network.

`displays.make_display` imports this for the display web. The page itself is in the room `server`.

Notebook: 16_records
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from ..control import Control
from ..errors import RunError
from ..labels import NOT_SURE
from ..lights.settings import LightSettings
from ..sanitize import clean, say
from ..server.app import Server, listen, make_app, sentence
from ..server.live import Hub
from ..server.security import key_for
from ..types import Box, Reading
from ..vision.drawing import colour, css
from ._base import Display


class Web(Display):
    """A page with the live picture, the readings and the switches, for any number of viewers.

    The run ends with Ctrl-C; a page that is closed only ends its own connections.

    Args:
        host: The address to listen on.
        port: The port; if it is in use, the next free one.

    Attributes:
        hub: What the viewers watch; None before `open`.
        server: The thread that serves them; None before `open`.

    Raises:
        BadInputError: The address demands EXPRESSION_API_KEY, and it is not set.
    """

    name = "web"

    def __init__(self, host: str, port: int):
        self.hub: Hub | None = None
        self.server: Server | None = None
        self._host, self._port, self._key = host, port, key_for(host)

    def open(self) -> None:
        """Starts the server, and prints its address."""
        control = self.control or Control()
        colours = _colours(control.labels)
        listening = listen(self._host, self._port)
        self.hub = Hub(control, lambda: {**asdict(self.about()), **colours})
        self.server = Server(make_app(self.hub, key=self._key, host=self._host), listening)
        self.hub.open()
        self.server.start()
        say(sentence(self.server.address, self._key))

    def show(self, image: np.ndarray, readings: Sequence[Reading] | None = None, status: str = "") -> bool:
        """Hands a picture to whoever watches."""
        self.hub.show(image, readings, status)
        return self.is_open()

    def is_open(self) -> bool:
        """Returns True: the run does not end with its pages.

        Raises:
            RunError: The server has failed.
        """
        if not self.server.alive:
            raise RunError(
                f"The server of the live page stopped ({clean(self.server.error) or 'without an error'}).",
                "Expected it to serve until the end of the run.",
                "Start the run again.",
            )
        return True

    def close(self) -> None:
        """Tells the pages that the run has ended, and stops the server."""
        if self.hub is not None:
            self.hub.close()
        if self.server is not None:
            self.server.stop()


def _colours(labels: Sequence[str]) -> dict:
    """Returns the labels of a run, with their colours in pictures and in lamps, as the page takes them."""
    settings, nowhere = LightSettings.load(), Box(0, 0, 1, 1)
    lights = {label: settings.light_of(Reading(0, nowhere, label, 1.0, {label: 1.0})) for label in labels}
    return {
        "labels": list(labels),
        "colours": {label: css(colour(label)) for label in labels},
        "unsure": css(colour(NOT_SURE)),
        "lights": {label: css(light.rgb) for label, light in lights.items()},
        "nobody": css(settings.light_of_nobody().rgb),
    }
