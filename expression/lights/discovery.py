"""Finds Hue bridges on the local network by multicast; nothing is sent to the internet.

Newer bridges answer mDNS, older ones SSDP. A bridge's address is the one that its answer comes from, so
little of the answer has to be parsed. `pairing.py` calls it.

Notebook: 09_lights
"""

from __future__ import annotations

import contextlib
import select
import socket
import time

MDNS, SSDP = ("224.0.0.251", 5353), ("239.255.255.250", 1900)
"""The multicast addresses. Source: RFC 6762, 3; UPnP Device Architecture 1.1, 1.3"""

SECONDS = 4.0
"""How long to wait for answers."""

QUESTION = (
    b"\0\0\0\0\0\1\0\0\0\0\0\0"  # one question
    b"\4_hue\4_tcp\5local\0"
    b"\0\x0c\x80\1"  # PTR, with a unicast response
)
"""Who offers the service _hue._tcp? Source: RFC 6762, 5.4; https://developers.meethue.com/develop/application-design-guidance/hue-bridge-discovery/"""

SEARCH = (
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
    b'MAN: "ssdp:discover"\r\nMX: 2\r\nST: urn:schemas-upnp-org:device:basic:1\r\n\r\n'
)
"""Who is a bridge? Source: UPnP Device Architecture 1.1, 1.3.2"""


def find_bridges(seconds: float = SECONDS) -> list[str]:
    """Returns the addresses of the bridges that answer; stops a second after the first answer."""
    found: list[str] = []
    with contextlib.ExitStack() as stack:
        asked = {}
        for question, where, word in ((QUESTION, MDNS, b"_hue"), (SEARCH, SSDP, b"hue-bridgeid")):
            asker = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            with contextlib.suppress(OSError):  # no network, or one without multicast
                asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
                asker.sendto(question, where)
                asked[asker] = word
        ends = time.monotonic() + seconds
        while asked and (left := ends - time.monotonic()) > 0:
            for asker in select.select(list(asked), [], [], left)[0]:
                answer, (host, *_) = _received(asker)
                if asked[asker] in answer.lower() and host not in found:
                    found.append(host)
                    ends = min(ends, time.monotonic() + 1)
    return found


def _received(asker: socket.socket) -> tuple[bytes, tuple]:
    """Returns an answer and its sender; empty if the other side refused."""
    try:
        return asker.recvfrom(9000)
    except OSError:
        return b"", ("",)
