"""Sessions of requests that keep to one deadline, from the names to the last answer; `firebase.py` uses them.

Notebook: 09_reactions
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..deadline import Deadline

if TYPE_CHECKING:
    from requests import Session


def timely_session(now: Callable[[], Deadline]) -> Session:
    """Returns a new session; `now` returns the deadline of the moment."""
    import requests

    session = requests.Session()
    keep_time(session, now)
    return session


def keep_time(session: Any, now: Callable[[], Deadline]) -> None:
    """Makes a session keep to a deadline, and the one by which one of Google's logs in again.

    Args:
        session: A requests.Session, or an AuthorizedSession of google-auth.
        now: Returns the deadline of the moment.
    """
    for one in (session, getattr(session, "_auth_request_session", None)):
        if one is not None:
            one.mount("http://", _adapter(now))
            one.mount("https://", _adapter(now))


def _adapter(now: Callable[[], Deadline]) -> Any:
    """Returns what a session sends requests by."""
    import requests

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *words: Any, **options: Any) -> None:
            super().init_poolmanager(*words, **options)
            self.poolmanager.pool_classes_by_scheme = _pools(now)

        def send(self, request: Any, **options: Any) -> Any:
            try:
                options["timeout"] = now().left_or_late()
            except TimeoutError as error:
                raise requests.Timeout(error) from error
            return super().send(request, **options)

    return Adapter()


def _pools(now: Callable[[], Deadline]) -> dict[str, type]:
    """Returns urllib3's pools of connections, with connections that keep to the deadline."""
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    def made(pool: type) -> type:
        class Connection(pool.ConnectionCls):
            def _new_conn(self) -> socket.socket:
                try:
                    one = now().connect(self._dns_host, self.port)
                except TimeoutError as error:
                    raise ConnectTimeoutError(self, "timed out") from error
                except OSError as error:
                    raise NewConnectionError(self, str(error)) from error
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return one

            def getresponse(self) -> Any:
                self.timeout = now().left_or_late()
                return super().getresponse()

        return type(pool.__name__, (pool,), {"ConnectionCls": Connection})

    return {"http": made(HTTPConnectionPool), "https": made(HTTPSConnectionPool)}
