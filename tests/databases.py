"""A real MariaDB and a real PostgreSQL on free ports of this machine; they can be killed and restarted."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path

import processes
import pytest
from parts import PATIENCE, wait_for

from expression.teaching.local_broker import free_port

PASSWORD = "Tr0ub4dor-and-3"
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


class Server(ABC):
    """A database server with a database `home` and a user `board`, whose password is PASSWORD.

    Attributes:
        port: Its port.
        url: Its address, with user and password.
        address: The same without the password.
    """

    scheme = ""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self.address = f"{self.scheme}://board@127.0.0.1:{self.port}/home"
        self.url = self.address.replace("board@", f"board:{PASSWORD}@")
        self._process: subprocess.Popen | None = None
        self.create()
        self.start()
        self.set_up()

    @abstractmethod
    def create(self) -> None:
        """Makes the folder of its data."""

    @abstractmethod
    def words(self) -> list[object]:
        """What starts it."""

    @abstractmethod
    def set_up(self) -> None:
        """Creates user and database."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it can be used."""

    def start(self) -> None:
        """Starts it, and waits until it answers; what a killed one left may be in the way for a moment."""

        def ready() -> bool:
            if self._process is None or self._process.poll() is not None:
                log = (self.folder / "log").open("ab")
                with log:
                    self._process = processes.start(self.words(), stdout=log, stderr=log, cwd=self.folder)
            return self.answers()

        try:
            wait_for(ready)
        except BaseException:
            print((self.folder / "log").read_text(errors="replace")[-3000:])
            self.kill()
            raise

    @contextlib.contextmanager
    def hung(self):
        """It and its children accept connections, as the system does, and answer nothing during the block."""
        import psutil

        program = psutil.Process(self._process.pid)
        everybody = [program, *program.children(recursive=True)]
        for each in everybody:
            each.suspend()
        try:
            yield
        finally:
            for each in everybody:
                each.resume()

    def kill(self) -> None:
        """Ends it with SIGKILL."""
        if self._process is not None:
            processes.end(self._process)
            self._process = None


class MariaDb(Server):
    """MariaDB with a folder of its own."""

    scheme = "mariadb"

    def create(self) -> None:
        install = find("mariadb-install-db", "mysql_install_db")
        self.program = find("mariadbd", "mysqld")
        user = ["--user=root"] if ROOT else []
        method = "--auth-root-authentication-method=normal"
        subprocess.run(
            [install, "--no-defaults", *user, f"--datadir={self.folder / 'data'}", method, "--skip-test-db"],
            check=True,
            capture_output=True,
            timeout=PATIENCE,
        )

    def words(self) -> list[object]:
        user = ["--user=root"] if ROOT else []
        place = [f"--datadir={self.folder / 'data'}", f"--socket={self._socket}", f"--port={self.port}"]
        small = ["--innodb-buffer-pool-size=16M", "--key-buffer-size=8M", "--performance-schema=OFF"]
        names = [f"--pid-file={self.folder / 'pid'}", "--bind-address=127.0.0.1"]
        return [self.program, "--no-defaults", *user, *place, *small, *names]

    @property
    def _socket(self) -> str:
        return os.path.join(tempfile.gettempdir(), f"expression-{self.port}.sock")  # a short name

    def _administrator(self):
        import pymysql

        return contextlib.closing(
            pymysql.connect(unix_socket=self._socket, user="root", connect_timeout=2, autocommit=True)
        )

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as one:
                return bool(one.recv(1))  # its greeting
        except OSError:
            return False

    def set_up(self) -> None:
        with self._administrator() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE home")
            cursor.execute(f"CREATE USER board@'%' IDENTIFIED BY '{PASSWORD}'")
            cursor.execute("GRANT ALL ON home.* TO board@'%'")

    def kill(self) -> None:
        super().kill()
        with contextlib.suppress(OSError):
            os.unlink(self._socket)


class PostgreSql(Server):
    """PostgreSQL with a folder of its own; as root it runs as the user that Debian's package made for it."""

    scheme = "postgresql"

    def create(self) -> None:
        places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        path = os.pathsep.join([*map(str, places), os.environ.get("PATH", "")])
        initdb, self.program = find("initdb", path=path), find("postgres", path=path)
        self._as_user = []
        if ROOT:
            shutil.chown(self.folder, "postgres", "postgres")
            who = ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL"]
            self._as_user = [find("setpriv"), *who]
        password = self.folder / "password"
        password.write_text(PASSWORD)
        words = [
            *self._as_user,
            initdb,
            "-D",
            self.folder / "data",
            "-U",
            "administrator",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(
            [*words, "--auth=scram-sha-256", f"--pwfile={password}", "--no-sync"],
            check=True,
            capture_output=True,
            timeout=PATIENCE,
            cwd=self.folder,
        )

    def words(self) -> list[object]:
        small = ["-c", "shared_buffers=16MB", "-c", "unix_socket_directories="]
        place = ["-D", self.folder / "data", "-p", self.port, "-h", "127.0.0.1"]
        return [*self._as_user, self.program, *place, *small]

    def _administrator(self, database: str = "postgres"):
        import psycopg

        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="administrator",
            password=PASSWORD,
            dbname=database,
            connect_timeout=2,
            autocommit=True,
        )

    def answers(self) -> bool:
        import psycopg

        try:
            with self._administrator():
                return True
        except psycopg.Error:
            return False

    def set_up(self) -> None:
        with self._administrator() as connection:
            connection.execute(f"CREATE USER board PASSWORD '{PASSWORD}'")
            connection.execute("CREATE DATABASE home OWNER board")


def find(*names: str, path: str | None = None) -> str:
    """A program under one of its names; the test is skipped where it is missing."""
    sbin = os.pathsep.join([path or os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    for name in names:
        if found := shutil.which(name, path=sbin):
            return found
    package = "postgresql" if names[0] in ("initdb", "postgres") else "mariadb-server"
    pytest.skip(f"needs {names[0]} (Debian: apt install {package})")


KINDS = {"MariaDB": MariaDb, "PostgreSQL": PostgreSql}


@contextlib.contextmanager
def running(kind: str):
    """A server of that kind, in a folder that its user can reach; it is removed with the block."""
    if sys.platform != "linux":
        pytest.skip("the servers are started as on Linux")
    pytest.importorskip("pymysql", reason="needs the extra database")
    pytest.importorskip("psycopg", reason="needs the extra database")
    with tempfile.TemporaryDirectory(prefix="expression-database-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        server = KINDS[kind](Path(folder))
        try:
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="module", params=sorted(KINDS))
def database_server(request):
    """Each of the servers in turn; one for all tests of a module, which use devices of their own."""
    with running(request.param) as one:
        yield one
