"""A PostgreSQL server for the tests, on loopback, in one folder; one database per test."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    import pwd

WAIT = 60.0
"""Seconds in which a server must start or stop, on a machine under load."""

USER = "pronto"
"""The databases' owner. No password: only this machine can connect."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # what the tests stop is the server, not the machine
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "16MB",
    "log_min_messages": "warning",
}


PROGRAMS = ("initdb", "postgres", "pg_isready", "psql")


def _binaries() -> Path | None:
    """Return the folder with the newest server of this machine."""
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    versions = sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    folders = [*map(Path, os.environ.get("PATH", "").split(os.pathsep)), *versions]
    whole = (f for f in folders if all((f / program).exists() for program in PROGRAMS))
    return next(whole, None)


BINARIES = _binaries()

LACKING = [
    *(["PostgreSQL"] if BINARIES is None else []),
    *(["psycopg"] if importlib.util.find_spec("psycopg") is None else []),
]
"""Requirements of the PostgreSQL tests that this machine lacks."""


class Postgres:
    """A server; a context manager. It ends when the process that started it ends or is killed.

    PostgreSQL refuses to run as root: then it runs as Debian's user for it, or as ``nobody``.

    Parameters
    ----------
    folder : Path
        For its data, log and sockets; the user who runs the server becomes its owner.
    """

    def __init__(self, folder: Path) -> None:
        assert BINARIES is not None, "PostgreSQL is not installed"
        self.folder, self._binaries, self.port = folder, BINARIES, _free_port()
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = _unprivileged()
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        # The kernel ends the server where the tests are killed and cannot.
        setpriv = shutil.which("setpriv")
        self._with_the_tests = [setpriv, "--pdeathsig", "INT"] if setpriv else []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._run("initdb", "-D", "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C",
                  "--no-sync")  # fmt: skip
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._binaries / "postgres"), "-D", "data", "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._with_the_tests, *command, "-k", str(self.folder), *settings],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,  # an interrupt of the tests stops it in order, at the end
                **self._as,
            )  # fmt: skip
        until = time.monotonic() + WAIT
        while not self._takes_connections():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop(hard=True)
                pytest.fail((self.folder / "log").read_text(errors="replace"))
            time.sleep(0.02)

    def stop(self, *, hard: bool = False) -> None:
        """End every session and stop; commits stay.

        Parameters
        ----------
        hard : bool
            As in a crash: write nothing more.
        """
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if hard else signal.SIGINT)
            self._process.wait(WAIT)
            self._process = None

    def restart(self, *, hard: bool = False, down: float = 0.0) -> None:
        """Stop the server, wait ``down`` seconds, and start it on the same port."""
        self.stop(hard=hard)
        time.sleep(down)
        self.start()

    def create_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"ledger_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{name}"

    def drop_database(self, url: str) -> None:
        """Drop a database, even if it is in use."""
        self.execute(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def terminate(self, url: str) -> int:
        """End every session with a database, as an administrator does; return how many."""
        ended = self.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "  # noqa: S608  a name of ours
            f"WHERE datname = '{_name(url)}'"
        )
        return int(ended)

    def execute(self, statement: str) -> str:
        """Run a statement as the server's owner and return its output."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", "postgres"]
        return self._run("psql", *where, "-XAtqc", statement).strip()

    def _takes_connections(self) -> bool:
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            cwd=self.folder, capture_output=True, text=True, check=False, **self._as,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return str(done.stdout)


def _unprivileged() -> pwd.struct_passwd:
    import pwd  # which Windows has not

    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def _name(url: str) -> str:
    return url.rpartition("/")[2]


@contextmanager
def serving() -> Iterator[Postgres]:
    """Run a server in a new folder; delete both at the end."""
    # Not in pytest's folder: only root may enter it if root runs the tests, and the path of a
    # socket must be short.
    with (
        tempfile.TemporaryDirectory(prefix="pronto-postgres-") as folder,
        Postgres(Path(folder)) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run one server for the tests of this process."""
    if LACKING:
        pytest.skip(f"not installed: {', '.join(LACKING)}")
    with serving() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """Return the URL of a new database for one test."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)
