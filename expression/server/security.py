"""Security of the server: who may ask, from where, and what a browser may do with the answers.

`app.py` puts a `Guard` around the whole application. On loopback, which only this computer can reach, no key
is needed; every other address demands one. Other pages that are open in the same browser are refused too:
by the name that a request asks for (DNS rebinding), by its origin, and by what the browser says about it.

Source: https://fetch.spec.whatwg.org/#origin-header, https://w3c.github.io/webappsec-fetch-metadata/ and
https://www.w3.org/TR/CSP3/

Notebook: 16_records
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import os
import re
import socket
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from ..errors import BadInputError
from .page import login
from .problems import problem

KEY_VARIABLE = "EXPRESSION_API_KEY"

COOKIE, COOKIE_SECONDS = "expression_page", 30 * 24 * 3600
"""The cookie of a page that has given the key, and how long it is valid."""

OPEN = {"/login", "/page.css", "/icon.svg"}
"""Paths that need no key: the form for it, and what it looks like."""

SAFE = {"GET", "HEAD", "OPTIONS"}
"""Methods that change nothing."""

MOST_BYTES = 64 * 1024
"""Longest body of a request."""

WRONG_SECONDS = 0.5
"""Pause after a wrong key. Others are refused meanwhile, so there are two guesses a second at most."""

SHORTEST_KEY = 12
"""Fewest characters of a key: too many to guess at two guesses a second."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""Headers of every answer: nothing is loaded from elsewhere, shown elsewhere, or kept by the browser."""


def is_loopback(host: str) -> bool:
    """Returns whether only programs on this computer can reach an address.

    Example:
        >>> [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "0.0.0.0", "192.168.0.7")]
        [True, True, True, False, False]
    """
    address = _address(host)
    return host.casefold() == "localhost" if address is None else address.is_loopback


def key_for(host: str, key: str | None = None) -> str | None:
    """Returns the key that an address demands; None for loopback, which needs none.

    Args:
        host: The address to listen on.
        key: The key; None for the one in EXPRESSION_API_KEY.

    Raises:
        BadInputError: The address can be reached from elsewhere, and there is no key.
    """
    if is_loopback(host):
        return None
    key = (os.environ.get(KEY_VARIABLE, "") if key is None else key).strip()
    if len(key) >= SHORTEST_KEY:
        return key
    if key:
        raise BadInputError(
            f"{KEY_VARIABLE} has {len(key)} characters.",
            f"Expected {SHORTEST_KEY} or more, since the address {host} can be reached from other devices.",
            'Make one with: python -c "import secrets; print(secrets.token_urlsafe())"',
        )
    raise BadInputError(
        f"The address {host} can be reached from other devices, but {KEY_VARIABLE} is not set.",
        f"Expected a long secret in {KEY_VARIABLE}, without which anybody on the network could watch.",
        'Make one with: python -c "import secrets; print(secrets.token_urlsafe())", or use 127.0.0.1.',
    )


def host_names(host: str, further: Sequence[str] = ()) -> frozenset[str]:
    """Returns the names by which a browser may ask for this server, besides addresses in digits.

    Args:
        host: The address that is listened on.
        further: More names, such as that of a proxy before it.
    """
    names = {"localhost", host, *further}
    if not is_loopback(host):
        own = socket.gethostname()
        names |= {own, f"{own}.local"}
    return frozenset(name.casefold() for name in names)


class Guard:
    """Refuses requests from elsewhere and requests without the key, and adds `HEADERS` to all answers.

    Args:
        key: The key; None if everybody who can reach the server may use it.
        names: See `host_names`.
        only_loopback: Whether digits must be those of loopback.

    Attributes:
        app: The application behind it.
    """

    app = None

    def __init__(self, key: str | None, names: Collection[str], only_loopback: bool):
        self._key, self._names, self._only_loopback = key, names, only_loopback
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, scope, receive, send) -> None:
        """Answers a request, or passes it on."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        head = _headers(scope)
        answer = self._refusal(scope, head) or await self._without_key(scope, head)

        async def adding(message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                extra = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(each for each in extra if each[0] not in given)]
            await send(message)

        await (answer or self.app)(scope, receive, adding)

    def _refusal(self, scope, head: dict[str, list[str]]):
        """Returns the answer to a request from elsewhere; None for one that is allowed."""
        host = head.get("host", [])
        if len(host) != 1 or not self._knows(host[0]):
            return problem(
                421,
                f"The request asks for {', '.join(host) or 'no host'}, which is not a name of this server.",
                "Expected localhost, or its numeric address.",
                "Open the address that it printed when it started.",
            )
        unsafe = scope["method"] not in SAFE
        if unsafe and ("transfer-encoding" in head or _length(head) > MOST_BYTES):
            return problem(
                413,
                "The body of the request is too long, or its length is unknown.",
                f"Expected at most {MOST_BYTES} bytes.",
                "Send a shorter one, with its length.",
            )
        if self._is_foreign(scope, head, host[0], unsafe):
            return problem(
                403,
                "The request comes from a page at another address.",
                "Expected one from the live page itself.",
                "Open the live page and use it there.",
            )
        return None

    def _knows(self, host: str) -> bool:
        """Whether a Host header names this server."""
        name = _name_of(host)
        address = _address(name)
        if address is None:
            return name in self._names
        return address.is_loopback or name in self._names or not self._only_loopback

    def _is_foreign(self, scope, head: dict[str, list[str]], host: str, unsafe: bool) -> bool:
        """Whether a browser sent a request for a page of another address.

        Following a link from elsewhere to the page is allowed, but nothing that changes something.
        """
        origins = head.get("origin", [])
        if any(_place(origin) != host.casefold() for origin in origins):
            return True
        site = head.get("sec-fetch-site", ["none"])[0]
        if site in ("none", "same-origin"):
            return False
        return unsafe or head.get("sec-fetch-mode", [""])[0] != "navigate"

    async def _without_key(self, scope, head: dict[str, list[str]]):
        """Returns the answer to a request without the right key; None if it has it or needs none."""
        if self._key is None or (scope["path"] in OPEN and scope["method"] in SAFE):
            return None
        bearer = [word for word in head.get("authorization", []) if word[:7].casefold() == "bearer "]
        given = [same(word[7:].strip(), self._key) for word in bearer]
        given += [same(cookie, token(self._key)) for cookie in _cookies(head)]
        if any(given) or scope["path"] in OPEN:
            return None
        if given and not await self.pause():
            return self.busy()
        if scope["method"] == "GET" and "text/html" in ",".join(head.get("accept", [])):
            return login(401)
        return problem(
            401,
            "The key is wrong." if bearer else "The request has no key.",
            f"Expected the value of {KEY_VARIABLE} in the header Authorization, as: Bearer KEY.",
            "Ask whoever started the server for it, or open /login in a browser.",
            headers={"WWW-Authenticate": "Bearer"},
        )

    async def pause(self) -> bool:
        """Waits after a wrong key; returns False at once if another one is being waited for."""
        if self._one_at_a_time.locked():
            return False
        async with self._one_at_a_time:
            await asyncio.sleep(WRONG_SECONDS)
        return True

    @staticmethod
    def busy():
        """Returns the answer to a wrong key that comes too soon after another one."""
        return problem(
            429,
            "A wrong key was given just now.",
            "Expected one key at a time.",
            "Wait a second, and try again.",
            headers={"Retry-After": "1"},
        )

    def accepts(self, word: str) -> bool:
        """Whether a word is the key."""
        return self._key is not None and same(word, self._key)

    def cookie(self, secure: bool) -> str:
        """Returns the Set-Cookie header for a page that has given the key."""
        parts = f"{COOKIE}={token(self._key)}; Max-Age={COOKIE_SECONDS}; Path=/; HttpOnly; SameSite=Strict"
        return f"{parts}; Secure" if secure else parts


def same(one: str, other: str) -> bool:
    """Compares two secrets in a time that tells nothing about either, not even the length."""
    digests = (hashlib.sha256(word.encode("utf-8", "surrogateescape")).digest() for word in (one, other))
    return hmac.compare_digest(*digests)


def token(key: str) -> str:
    """Returns what the cookie holds in place of the key, which it does not reveal."""
    return hmac.new(key.encode(), b"expression live page", hashlib.sha256).hexdigest()


def _headers(scope) -> dict[str, list[str]]:
    """Returns the headers of a request, each with all its values."""
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(_text(value))
    return found


def _text(value: bytes) -> str:
    """Returns the value of a header; a key may have any letters."""
    return value.decode("utf-8", "surrogateescape")


def _cookies(head: dict[str, list[str]]) -> list[str]:
    """Returns the values of our cookie."""
    pairs = [pair.strip().partition("=") for line in head.get("cookie", []) for pair in line.split(";")]
    return [value for name, _, value in pairs if name == COOKIE]


def _length(head: dict[str, list[str]]) -> int:
    """Returns the length of a body; the longest of several, and too long if it is no number."""
    lengths = head.get("content-length", ["0"])
    numbers = [value.isascii() and value.isdecimal() and len(value) < 10 for value in lengths]
    return max(
        int(value) if number else MOST_BYTES + 1 for value, number in zip(lengths, numbers, strict=True)
    )


def _place(origin: str) -> str | None:
    """Returns the host and port of an Origin header; None if it is malformed."""
    try:
        return urlsplit(origin).netloc.casefold()
    except ValueError:
        return None


def _name_of(host: str) -> str:
    """Returns the name or the digits in a Host header, without the port; empty if it is malformed.

    Example:
        >>> _name_of("Localhost:8000"), _name_of("[::1]:8000"), _name_of("a@localhost:1")
        ('localhost', '::1', '')
    """
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::\d{1,5})?", host)
    return (found[1] or found[2]).casefold() if found else ""


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Returns a name in digits as an address, or None."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
