"""Handlers for urllib that do not follow redirects and keep to one deadline; `blynk.py` uses them.

Notebook: 10_reactions
"""

from __future__ import annotations

import http.client
import urllib.request
from typing import Any

from ..deadline import Deadline, Plain, Secure


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Does not follow redirects, which would send the secret in an address somewhere else."""

    def redirect_request(self, *_: Any) -> None:
        """Returns nothing to follow, so that the answer becomes an HTTPError."""
        return None


class _Timely:
    """A connection whose timeout covers everything it does, however slowly the other side sends."""

    def __init__(self, host: str, timeout: float, **options: Any):
        super().__init__(host, timeout=timeout, **options)
        self._deadline = Deadline(timeout)
        self._create_connection = self._call

    def _call(self, address: tuple[str, int], *_: Any) -> Plain:
        made = self._deadline.connect(*address, Plain)
        made.deadline = self._deadline
        return made


class _Plain(_Timely, http.client.HTTPConnection):
    pass


class _Safe(_Timely, http.client.HTTPSConnection):
    def connect(self) -> None:
        self._context.sslsocket_class = Secure
        super().connect()
        self.sock.deadline = self._deadline


class _PlainHandler(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(_Plain, request)


class _SafeHandler(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(_Safe, request)


TIMELY = _PlainHandler, _SafeHandler
"""For http and https: a request takes no longer than its timeout, from name lookup to the answer."""
