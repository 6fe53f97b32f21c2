"""The keys of paired bridges: a file that only its owner may read, or the environment.

`pairing.py` writes it; whatever talks to a bridge asks `find`. Nothing here prints a key.

Notebook: 08_lights
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .errors import BadInputError
from .files import writing_told

VARIABLE = "EXPRESSION_LIGHTS_KEY"
FOLDER = "EXPRESSION_LIGHTS_FOLDER"
"""Names a folder for the keys, and for how lamps were, in place of the usual ones."""

FILE = "bridges.json"

KEY = re.compile(r"[!-~]*")
"""What a key can be. With anything else in it no request can be made, and the reason would show the key."""


@dataclass(frozen=True)
class Paired:
    """A bridge that was paired.

    Attributes:
        url: http://host or https://host.
        key: What it gave; like a password, so it is not shown.
        certificate: SHA-256 of its certificate in hex, for https.
        name: What it is called.
    """

    url: str
    key: str = field(default="", repr=False)
    certificate: str = ""
    name: str = ""

    @property
    def place(self) -> str:
        """The address without http:// or https://."""
        return self.url.rpartition("://")[2].rstrip("/")


def split(url: str) -> tuple[str, str, int | None]:
    """Returns the scheme ("" if there is none), the host and the port of an address.

    Raises:
        BadInputError: It is no address.

    Example:
        >>> split("https://10.0.0.2:8443"), split("hue.local")
        (('https', '10.0.0.2', 8443), ('', 'hue.local', None))
    """
    form = r"(?:(https?)://)?([\w.-]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?/?"
    found = re.fullmatch(form, url.strip())
    if not found or int(found.group(3) or 1) not in range(1, 65536):
        raise BadInputError(
            f"{url!r} is no address of a bridge.",
            "Expected something like 192.168.1.20, or http:// or https:// before it.",
            "Look it up in the Hue app, or let it be found: expression lights pair",
        )
    port = int(found.group(3)) if found.group(3) else None
    return found.group(1) or "", found.group(2).strip("[]"), port


def path() -> Path:
    """Returns where the keys lie, in the folder that the system has for settings."""
    import platformdirs

    return Path(os.environ.get(FOLDER) or platformdirs.user_config_path("expression", False)) / FILE


def find(address: str = "", environ: Mapping[str, str] | None = None) -> Paired:
    """Returns the bridge at an address; the one that was paired last where none is given.

    EXPRESSION_LIGHTS_KEY replaces the key of the file.

    Raises:
        BadInputError: No bridge was paired there, others may read the file, or address or key cannot be one.
    """
    key = (os.environ if environ is None else environ).get(VARIABLE, "").strip()
    if not KEY.fullmatch(key):
        raise BadInputError(
            f"{VARIABLE} is no key of a bridge.",
            "Expected letters and digits without blanks.",
            "Copy it again, or unset it and run: expression lights pair",
        )
    if address:
        split(address)
    known = read()
    place = Paired(address).place
    found = [one for one in known if not address or one.place == place]
    if found and "://" in address and found[-1].url != address.rstrip("/"):
        found = []
    if found:
        return Paired(**{**asdict(found[-1]), "key": key or found[-1].key})
    if key and address and not address.startswith("https://"):
        return Paired(address if "://" in address else f"http://{address}", key)
    raise BadInputError(
        f"No bridge was paired{f' at {address}' if address else ''}.",
        f"Expected a key in {path()}"
        + (f", with the bridge's certificate{' beside it' if key else ''}." if "https" in address else "."),
        "Run: expression lights pair" + (f" {address}" if address else ""),
    )


def read() -> list[Paired]:
    """Returns the bridges of the file, the last one paired at the end; none where there is no file.

    Raises:
        BadInputError: It is damaged, or others may read it.
    """
    file = path()
    if not file.is_file():
        return []
    mode = stat.S_IMODE(file.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise BadInputError(
            f"{file} may be read by others (mode {mode:o}).",
            "Expected mode 600, since keys are in it.",
            f"Run: chmod 600 {file}",
        )
    try:
        entries = json.loads(file.read_text("utf-8"))
        found = [Paired(**{n: str(v) for n, v in entry.items()}) for entry in entries]
        if not all(split(one.url)[0] and KEY.fullmatch(one.key) for one in found):
            raise ValueError(FILE)
        return found
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInputError(
            f"{file} is damaged.",
            "Expected what pairing wrote.",
            "Remove it, and run: expression lights pair",
        ) from error


def remember(paired: Paired) -> Path:
    """Writes a bridge into the file, in place of the one at the same address, and returns its path.

    Raises:
        OutputError: It cannot be written.
    """
    file = path()
    with writing_told(file, "Make room, or the folder writable."):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    others = [one for one in read() if one.place != paired.place]
    write_secret(file, json.dumps([asdict(one) for one in [*others, paired]], indent=2) + "\n")
    return file


def write_secret(file: Path, text: str) -> None:
    """Writes a file that is mode 600 from its first moment, whole or as it was.

    Raises:
        OutputError: It cannot be written.
    """
    part = file.with_name(f"{file.name}.part")
    with writing_told(file, "Make room, or the folder writable."):
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(part, file)
