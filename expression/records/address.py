"""Address: which database is meant: a file, or a server's URL, without ever showing its password.

`Database` connects to it; the sink and `expression dataset wipe` only need to know which one it is. Nothing
here imports SQLAlchemy.

Source: https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls

Notebook: 16_records
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import BadInputError, user_path
from ..files import own_folder
from ..sanitize import without_secrets

VARIABLE, PASSWORD = "EXPRESSION_DATABASE_URL", "EXPRESSION_DATABASE_PASSWORD"
"""The environment variables for the whole URL, and for the password alone."""

FILE = "expression.sqlite"
"""The database where none is named, in the user's own folder."""

DRIVERS = {
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
"""The schemes that a user may write, and how SQLAlchemy names each with its driver."""

EXPECTED = "Expected a file, or a URL such as mysql://user@host/database or postgresql://user@host/database."


def default_file() -> Path:
    """Returns the file of readings in the user's own folder; it may not exist yet."""
    return own_folder("state") / FILE


class Address:
    """One database.

    Args:
        text: A file or a URL; empty for the one in EXPRESSION_DATABASE_URL, or else the user's own file.

    Attributes:
        path: The SQLite file; None for a server.
        url: The URL as SQLAlchemy takes it, with a password if it has one.
        shown: How messages name it: the file, or the server without user, password and name of the database.

    Raises:
        BadInputError: It is neither a file nor a URL of a kind that is supported.

    Example:
        >>> Address("mysql://me:secret@10.0.0.2/home").shown
        'mysql://10.0.0.2'
    """

    def __init__(self, text: str = ""):
        text = text.strip() or os.environ.get(VARIABLE, "").strip()
        scheme, there, rest = text.partition("://")
        self.path: Path | None = None
        if not there:
            self._set_file(user_path(text) if text else default_file())
        elif scheme.lower() == "sqlite":
            if not rest.startswith("/") or not rest[1:] or "?" in rest:
                raise BadInputError(
                    "The database is an sqlite:// address without a plain file.",
                    "Expected sqlite:/// and the name of a file, or only the name.",
                    "Write the name of the file, such as records.sqlite.",
                )
            self._set_file(user_path(unquote(rest[1:])))
        else:
            self._set_server(scheme.lower(), rest)

    @property
    def identity(self) -> str:
        """A short name that is the same for the same database, and from which nothing can be read."""
        return hashlib.sha256(self._identity.encode("utf-8", "backslashreplace")).hexdigest()[:16]

    def _set_file(self, path: Path) -> None:
        if path.is_dir():
            raise BadInputError(
                f"The database {path} is a folder.", EXPECTED, "Name a file, such as records.sqlite."
            )
        self.path = path.absolute()
        self.url = ""
        self.shown = self._identity = str(self.path)

    def _set_server(self, scheme: str, rest: str) -> None:
        if scheme not in DRIVERS:
            known = re.fullmatch(r"[a-z][a-z0-9+.-]{0,30}", scheme)
            raise BadInputError(
                f"The database begins with {scheme if known else '...'}://, which is not supported.",
                EXPECTED,
                f"Choose one of {', '.join(DRIVERS)}.",
            )
        self.url, self.shown = f"{DRIVERS[scheme]}://{rest}", without_secrets(f"{scheme}://{rest}")
        try:
            parts = urlsplit(f"{scheme}://{rest}")
            host, port, name = parts.hostname, parts.port, parts.path.strip("/")
        except ValueError:
            host, port, name = "", None, ""
        if not name or not host:
            raise BadInputError(
                f"The database {self.shown} has no host, or no name after it.",
                EXPECTED,
                "Write both. In user and password, write special characters as %XX, such as %40 for @.",
            )
        self._identity = f"{scheme}://{host}:{port}/{name}"
