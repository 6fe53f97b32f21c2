"""The keys of paired bridges, in a file that only its owner may read, or in the environment.

`pairing.py` writes the file; everything that talks to a bridge calls `find`. Nothing here prints a key.

Notebook: 09_lights
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ..errors import DAMAGE, BadInputError, OutputError
from ..files import as_output_error, check_private, hold, own_folder, read_small, write_text
from ..settings.files import not_sent_to

VARIABLE = "EXPRESSION_LIGHTS_KEY"
FOLDER = "EXPRESSION_LIGHTS_FOLDER"
"""Names a folder for the keys and the lamps' previous states, in place of the default ones."""

BRIDGE = "EXPRESSION_LIGHTS_BRIDGE"
"""Names a bridge; `settings.py` reads it too."""

FILE = "bridges.json"
ROOM = f"Free some space, make the folder writable, or name another folder in {FOLDER}."
LOCK_SECONDS = 5.0
"""How long to wait while another process uses one of the files; that takes milliseconds."""

KEY = re.compile(r"[!-~]*")
"""The form of a key. Any other character would make requests fail, with an error that shows the key."""

ID = re.compile(r"[0-9a-fA-F]{16}")
"""The form of a bridge's id: the number printed on its back, with FFFE in the middle."""


@dataclass(frozen=True)
class Paired:
    """A paired bridge.

    Attributes:
        url: http://host or https://host.
        key: The key that it issued; like a password, so it is not shown.
        certificate: SHA-256 of its certificate in hex, for https.
        name: Its name.
        id: Identifies the bridge whatever its address; empty if it was paired before ids were saved.
    """

    url: str
    key: str = field(default="", repr=False)
    certificate: str = ""
    name: str = ""
    id: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """The address without http:// or https://."""
        return self.url.rpartition("://")[2].rstrip("/")

    def is_at(self, address: str) -> bool:
        """Whether it has that address or that id."""
        return self.place == Paired(address).place or (bool(self.id) and self.id == address.upper())


def id_of(config: object) -> str:
    """Returns the id in a bridge's configuration; empty if it is missing.

    Example:
        >>> id_of({"bridgeid": "001788fffe123456"})
        '001788FFFE123456'
    """
    found = str(config.get("bridgeid", "")) if isinstance(config, dict) else ""
    return found.upper() if ID.fullmatch(found) else ""


def split(url: str) -> tuple[str, str, int | None]:
    """Returns the scheme ("" if missing), the host and the port of an address.

    Raises:
        BadInputError: It is not an address.

    Example:
        >>> split("https://10.0.0.2:8443"), split("hue.local")
        (('https', '10.0.0.2', 8443), ('', 'hue.local', None))
    """
    form = r"(?:(https?)://)?([\w.-]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?/?"
    found = re.fullmatch(form, url.strip())
    if not found or int(found.group(3) or 1) not in range(1, 65536):
        raise BadInputError(
            f"{url!r} is not the address of a bridge.",
            "Expected an address such as 192.168.1.20, optionally with http:// or https:// before it.",
            "Look it up in the Hue app, or search for the bridge: expression lights pair",
        )
    port = int(found.group(3)) if found.group(3) else None
    return found.group(1) or "", found.group(2).strip("[]"), port


def path() -> Path:
    """Returns the path of the keys, in the system's folder for settings."""
    return Path(os.environ.get(FOLDER) or own_folder("config")) / FILE


def find(
    address: str = "", environ: Mapping[str, str] | None = None, named: bool = True, found_in: str = ""
) -> Paired:
    """Returns the bridge with an address or an id; the last one paired if neither is given.

    EXPRESSION_LIGHTS_KEY replaces the key in the file for the bridge that EXPRESSION_LIGHTS_BRIDGE or the
    address names, or for the only paired bridge.

    Args:
        address: The address or id.
        environ: The environment, if not the process's own.
        named: Whether the user gave the address.
        found_in: The expression.toml in the current folder, if it gave the address: then the key in the
            environment is not used for it.

    Raises:
        BadInputError: No bridge has been paired there, others may read the file, the address or key is
            malformed, or the key would be sent to a place that only a file in the current folder names.
    """
    environ = os.environ if environ is None else environ
    key = _key_of(environ)
    if address:
        split(address)
    known = read()
    found = [one for one in known if not address or one.is_at(address)]
    if found and address.startswith("https://") and not found[-1].url.startswith("https://"):
        found = []
    if found:
        chosen = environ.get(BRIDGE, "").strip() or (address if named and not found_in else "")
        its_own = len(known) == 1 or (chosen and found[-1].is_at(chosen))
        return replace(found[-1], key=(key if its_own else "") or found[-1].key)
    if key and address and not address.startswith("https://") and not ID.fullmatch(address):
        if found_in:
            raise not_sent_to(f"The bridge {address}", found_in, VARIABLE, f"{BRIDGE}={address}")
        return Paired(address if "://" in address else f"http://{address}", key)
    raise BadInputError(
        f"No bridge has been paired{f' at {address}' if address else ''}.",
        f"Expected a key in {path()}"
        + (f", with the bridge's certificate{' beside it' if key else ''}." if "https" in address else "."),
        "Run: expression lights pair" + (f" {address}" if address and not ID.fullmatch(address) else ""),
    )


def _key_of(environ: Mapping[str, str]) -> str:
    """Returns the key in the environment; empty if it is not set."""
    key = environ.get(VARIABLE, "").strip()
    if not KEY.fullmatch(key):
        raise BadInputError(
            f"{VARIABLE} is not a valid bridge key.",
            "Expected letters and digits without spaces.",
            "Copy it again, or unset it and run: expression lights pair",
        )
    return key


def read() -> list[Paired]:
    """Returns the bridges in the file, the last one paired at the end; empty if there is no file.

    Raises:
        BadInputError: It is damaged, or others may read it.
    """
    file = path()
    if not file.is_file():
        return []
    check_private(file, str(file), "since it contains keys")
    expected, remedy = "Expected the file as pairing wrote it.", "Remove it, and run: expression lights pair"
    text = read_small(file, expected, remedy)
    try:
        found = [Paired(**{n: str(v) for n, v in entry.items()}) for entry in json.loads(text)]
        usable = all(split(one.url)[0] and KEY.fullmatch(one.key) for one in found)
    except DAMAGE:  # the reason may quote a key
        usable = False
    if not usable:
        raise BadInputError(f"{file} is damaged.", expected, remedy)
    return found


def check_room() -> None:
    """Makes sure that a key can be saved, before the user walks to the bridge.

    Raises:
        BadInputError: The file is damaged, or others may read it.
        OutputError: It cannot be written.
    """
    file = path()
    with locked(file), as_output_error(file, ROOM):
        read()
        tempfile.TemporaryFile(dir=file.parent).close()


def remember(paired: Paired) -> Path:
    """Saves a bridge in the file, replacing an earlier entry or one at the same address; returns the path.

    Raises:
        OutputError: It cannot be written.
    """
    file = path()
    with locked(file):
        others = [one for one in read() if not one.is_at(paired.place) and not one.is_at(paired.id)]
        text = json.dumps([asdict(one) for one in [*others, paired]], indent=2) + "\n"
        write_text(file, text, 0o600, ROOM)
    return file


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Locks a file against other runs and threads between reading and writing; creates its folder.

    Raises:
        OutputError: Another process does not release it, or the folder cannot be written.
    """
    with as_output_error(file, ROOM):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    busy = OutputError(
        f"{file} is in use by another program.",
        f"Expected it to be free within {LOCK_SECONDS:.0f} s.",
        "Stop the other program, and try again.",
    )
    lock = hold(file.with_name(f"{file.name}.lock"), busy, LOCK_SECONDS, ROOM)
    try:
        yield
    finally:
        lock.release()
