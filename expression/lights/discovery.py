"""Finds Hue bridges in the network, by asking all who are there; nothing leaves the house.

Newer bridges answer to mDNS, older ones to SSDP. Whoever answers is at the address that the answer came
from, so little of it has to be understood. `pairing.py` calls it.

Notebook: 08_lights
"""

from __future__ import annotations

import contextlib
import select
import socket
import time

MDNS, SSDP = ("224.0.0.251", 5353), ("239.255.255.250", 1900)
"""Where all listen. Source: RFC 6762, 3; UPnP Device Architecture 1.1, 1.3"""

SECONDS = 4.0
"""How long answers are waited for."""

QUESTION = (
    b"\0\0\0\0\0\1\0\0\0\0\0\0"  # one question
    b"\4_hue\4_tcp\5local\0"
    b"\0\x0c\x80\1"  # PTR, to be answered to the asker alone
)
"""Who offers the service _hue._tcp? Source: RFC 6762, 5.4; https://developers.meethue.com/develop/application-design-guidance/hue-bridge-discovery/"""

SEARCH = (
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
    b'MAN: "ssdp:discover"\r\nMX: 2\r\nST: urn:schemas-upnp-org:device:basic:1\r\n\r\n'
)
"""Who is a bridge? Source: UPnP Device Architecture 1.1, 1.3.2"""


def find_bridges(seconds: float = SECONDS) -> list[str]:
    """Returns the addresses of the bridges that answer; ends a second after the first."""
    found: list[str] = []
    with contextlib.ExitStack() as stack:
        asked = {}
        for question, where, word in ((QUESTION, MDNS, b"_hue"), (SEARCH, SSDP, b"hue-bridgeid")):
            asker = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            with contextlib.suppress(OSError):  # no network, or one without such questions
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
    """Returns an answer and from where; nothing where somebody refused to give one."""
    try:
        return asker.recvfrom(9000)
    except OSError:
        return b"", ("",)
