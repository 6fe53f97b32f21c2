"""Sessions of requests that keep to one deadline, from name lookup to the last answer; for `firebase.py`.

Notebook: 10_reactions
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..deadline import Deadline, Plain, Secure

if TYPE_CHECKING:
    from requests import Session


def deadline_session(now: Callable[[], Deadline]) -> Session:
    """Returns a new session; `now` returns the current deadline."""
    import requests

    session = requests.Session()
    keep_time(session, now)
    return session


def keep_time(session: Any, now: Callable[[], Deadline]) -> None:
    """Makes a session keep to a deadline, including the inner session with which Google's renews its login.

    Args:
        session: A requests.Session, or an AuthorizedSession of google-auth.
        now: Returns the current deadline.
    """
    for one in (session, getattr(session, "_auth_request_session", None)):
        if one is not None:
            one.mount("http://", _adapter(now))
            one.mount("https://", _adapter(now))


def _adapter(now: Callable[[], Deadline]) -> Any:
    """Returns a session's adapter for sending requests."""
    import requests

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *words: Any, **options: Any) -> None:
            super().init_poolmanager(*words, **options)
            self.poolmanager.pool_classes_by_scheme = _pools(now)

        def send(self, request: Any, **options: Any) -> Any:
            try:
                options["timeout"] = now().left_or_raise()
            except TimeoutError as error:
                raise requests.Timeout(error) from error
            return super().send(request, **options)

    return Adapter()


def _pools(now: Callable[[], Deadline]) -> dict[str, type]:
    """Returns urllib3's connection pools, with connections that keep to the deadline."""
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

    return {"http": _pool(HTTPConnectionPool, now), "https": _pool(HTTPSConnectionPool, now)}


def _pool(pool: type, now: Callable[[], Deadline]) -> type:
    """Returns a pool whose connections give up at the current deadline."""
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    class Connection(pool.ConnectionCls):
        def _new_conn(self) -> socket.socket:
            try:
                one = now().connect(self._dns_host, self.port, Plain)
            except TimeoutError as error:
                raise ConnectTimeoutError(self, "timed out") from error
            except OSError as error:
                raise NewConnectionError(self, str(error)) from error
            one.deadline = now()
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return one

        def connect(self) -> None:
            if hasattr(self, "ssl_context"):
                self.ssl_context = self.ssl_context or _context(self.cert_reqs)
            super().connect()
            self.sock.deadline = now()

        def request(self, *words: Any, **options: Any) -> None:
            if self.sock is not None:  # kept alive from another request
                self.sock.deadline = now()
            super().request(*words, **options)

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def _context(verifying: Any) -> ssl.SSLContext:
    """Returns urllib3's own TLS context, for sockets that keep to a deadline."""
    from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

    context = create_urllib3_context(cert_reqs=resolve_cert_reqs(verifying))
    context.sslsocket_class = Secure
    return context
