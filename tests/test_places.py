"""Where a ledger may be, who may read it, what its errors say, and how it is backed up."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

import pronto_pandas as pronto
from pronto_pandas.sandbox import Server

from .conftest import Serve, people
from .postgres import Postgres
from .seams.storage import Ledger, connect, database

SECRET = "not-for-messages"  # noqa: S105  made up

posix = pytest.mark.skipif(os.name != "posix", reason="files have no modes and owners there")
root = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root can make files of others"
)


@contextmanager
def refused(server: Server, says: str) -> Iterator[None]:
    """Expect an error that says what to do and holds no password; nothing is sent."""
    with pytest.raises(pronto.LedgerError, match=says) as caught:
        yield
    text = str(caught.value)
    assert SECRET not in text
    assert "Ana" not in text
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert server.sandbox.arrivals == []


def enrich(count: int = 1, start: int = 0, **more: Any) -> pd.DataFrame:
    """Enrich some people in silence."""
    return pronto.enrich(people(count, start), "email", **({"progress": False} | more))


def mode(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


NO_URL = "ledger= must be a path, a PostgreSQL URL"


@pytest.mark.parametrize(
    ("where", "says"),
    [
        # Another driver's name is as good as none: psycopg is the one that is used.
        (f"postgresql+asyncpg://u:{SECRET}@127.0.0.1:1/db", "cannot be reached. Check"),
        (f"postgresql+pg8000://u:{SECRET}@127.0.0.1:1/db", "cannot be reached. Check"),
        (f"postgres://u:{SECRET}@127.0.0.1:1/db", "cannot be reached. Check"),
        (f"mysql://u:{SECRET}@127.0.0.1/db", NO_URL),
        (f"http://u:{SECRET}@127.0.0.1/db", NO_URL),
        ("file:///tmp/ledger.sqlite3", NO_URL),
        (f"postgresql://u:{SECRET}@127.0.0.1:port/db", NO_URL),
        (f"postgresql://u:{SECRET}@[::1:1/db", NO_URL),
        (f"postgresql://u:{SECRET}@127.0.0.1:1/db?plugin={SECRET}", NO_URL),
        (f"postgresql://u:{SECRET}@127.0.0.1:99999/db", "invalid options or an invalid port"),
        (f"postgresql://u@127.0.0.1:1/db?nonsense={SECRET}", "invalid options or an invalid port"),
        (f"postgresql://u@127.0.0.1:1/db?password={SECRET}", "cannot be reached. Check"),
        (f"postgresql://u:a@{SECRET}@127.0.0.1:1/db", 'Write it as "%40"'),
        ("sqlite://host/ledger.sqlite3", "only the path"),
        ("sqlite:////tmp/what?x=1", "only the path"),
        ("~nosuchuser/ledger.sqlite3", r"home directory\). Choose another location"),
        ("sqlite:///~nosuchuser/ledger.sqlite3", r"home directory\). Choose another location"),
        ("nul\0.sqlite3", "Choose another location"),
    ],
)
def test_a_place_that_cannot_be_is_refused(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, says: str
) -> None:
    """Before anything is sent, and without the password that may be in it."""
    monkeypatch.chdir(tmp_path)
    server = serve()
    pronto.configure(ledger=where)
    with refused(server, says):
        enrich()
    assert list(tmp_path.iterdir()) == []


NAMES = ["what?x=1", "100%20.db", "a # b&c=d.db", " sp ace .db", "Büchér 漢字.db", "+.db"]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_the_file_that_it_names(tmp_path: Path, name: str) -> None:
    """Whatever characters it has; and there is no other file."""
    path = tmp_path / name
    pronto.configure(ledger=path)
    assert pronto.ledger.info().attrs["place"] == str(path)
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("written", "name"),
    [("100%2520.db", "100%20.db"), ("what%3Fx=1", "what?x=1"), *((n, n) for n in NAMES[2:])],
)
def test_a_url_of_sqlite_names_a_file(tmp_path: Path, written: str, name: str) -> None:
    """What stands for another character in it is decoded, with every version of SQLAlchemy."""
    pronto.configure(ledger=f"sqlite:///{tmp_path}/{written}")
    assert pronto.ledger.info().attrs["place"] == str(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("where", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_url_of_sqlite_without_a_path_is_memory(where: str) -> None:
    """As for SQLAlchemy."""
    pronto.configure(ledger=where)
    assert pronto.ledger.info().attrs["place"] == "memory"


def test_a_relative_path_stays_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the working directory is another one before all is written."""
    monkeypatch.chdir(tmp_path)
    ledger = connect("ledger.sqlite3", "x")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    answer(ledger, "a")
    assert answered(tmp_path / "ledger.sqlite3") == {"a"}
    assert list((tmp_path / "elsewhere").iterdir()) == []


def answer(ledger: Ledger, contact: str, kept: Any = None) -> None:
    """Write an answer to a ledger."""
    with ledger.write(kept) as t:
        ledger.answer(t, {(contact, "email"): "{}"})


def answered(path: Path) -> set[str]:
    """Return whose answers another process finds in a file."""
    code = (
        "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1]);"
        "print(*(row[0] for row in connection.execute('SELECT contact FROM pronto_entries')));"
        "connection.close()"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


@pytest.mark.parametrize("url", [False, True])
def test_opening_a_ledger_again_does_not_unlock_it_for_other_processes(
    tmp_path: Path, url: bool
) -> None:
    """POSIX drops a process's locks on a file when it closes any descriptor of it.

    Another process would then take the ledger for unused, and delete SQLite's log of it, with the
    answers that a run goes on to write there.
    """
    path = tmp_path / "ledger.sqlite3"
    where = f"sqlite:///{path}" if url else str(path)
    ledger = connect(where, "x")
    kept = ledger.database.keep()
    assert kept is not None
    with closing(kept):
        answer(ledger, "a", kept)
        connect(where, "x")
        assert answered(path) == {"a"}  # and closes it
        answer(ledger, "b", kept)
        assert answered(path) == {"a", "b"}


@posix
@pytest.mark.parametrize("kind", ["directory", "fifo", "device", "loop"])
def test_what_is_not_a_file_is_refused(serve: Serve, tmp_path: Path, kind: str) -> None:
    """At once: a fifo would be waited for."""
    path = tmp_path / "ledger.sqlite3"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/full")
    else:
        path.symlink_to(tmp_path / "other")
        (tmp_path / "other").symlink_to(path)
    pronto.configure(ledger=path)
    with refused(serve(), "Choose another location"):
        enrich()


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_a_symlink_to_a_file_of_the_users_is_followed(tmp_path: Path, exists: bool) -> None:
    """And the file that it names is the user's alone."""
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "it.db", tmp_path / "ledger.sqlite3"
    if exists:
        connect(str(real), "x")
        real.chmod(0o644)
    link.symlink_to(real)
    answer(connect(str(link), "x"), "a")
    assert mode(real) == 0o600
    assert link.is_symlink()
    assert answered(real) == {"a"}


@posix
@pytest.mark.parametrize("before", [0o644, 0o666, 0o604])
def test_a_file_that_others_can_read_is_so_no_more(tmp_path: Path, before: int) -> None:
    """Nor are those that SQLite keeps beside it, as after `cp` or `sqlite3 .backup`."""
    made, path = tmp_path / "made.db", tmp_path / "ledger.sqlite3"
    mask = os.umask(0)
    try:
        with closing(sqlite3.connect(path)) as other:  # as it is open, the files beside it stay
            other.execute("PRAGMA journal_mode = WAL")
            connect(str(made), "x")
            with closing(sqlite3.connect(made)) as source:
                source.backup(other)
            files = [path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))]
            for file in files:
                file.chmod(before)
            connect(str(path), "x")
            assert [mode(file) for file in files] == [0o600] * 3
    finally:
        os.umask(mask)


@root
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_a_file_that_another_user_has_put_there_is_refused(
    serve: Serve, tmp_path: Path, suffix: str
) -> None:
    """It would be theirs to read, whatever its mode; in a folder that anybody can write."""
    server = serve()
    tmp_path.chmod(0o777)
    planted = tmp_path / f"ledger.sqlite3{suffix}"
    planted.touch(0o666)
    os.chown(planted, 65_534, 65_534)
    pronto.configure(ledger=tmp_path / "ledger.sqlite3")
    with refused(server, "belongs to another user.*chown.*Choose another location"):
        enrich()
    assert planted.stat().st_size == 0


@posix
def test_a_folder_that_anybody_can_write_holds_a_file_of_the_users_alone(
    serve: Serve, tmp_path: Path
) -> None:
    """With any umask."""
    serve()
    tmp_path.chmod(0o777)
    pronto.configure(ledger=tmp_path / "ledger.sqlite3")
    mask = os.umask(0)
    try:
        enrich(2)
    finally:
        os.umask(mask)
    assert [mode(file) for file in tmp_path.iterdir()] == [0o600]


@contextmanager
def unprivileged() -> Iterator[Path]:
    """Run as a user whom modes hold up, who has a folder."""
    folder = Path(tempfile.mkdtemp(prefix="pronto-places-"))
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65_534, 65_534)
        os.seteuid(65_534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


@posix
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_may_only_be_read_is_refused(serve: Serve, kind: str) -> None:
    """Before anything is sent."""
    server = serve()
    with unprivileged() as folder:
        path = folder / "ledger.sqlite3"
        if kind == "file":
            connect(str(path), "x")
            path.chmod(0o400)
        else:
            folder.chmod(0o500)
        with refused(server, r"\(Permission denied\). Choose another location"):
            connect(str(path), "x")


@posix
def test_a_file_system_that_keeps_no_modes_is_refused(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of FAT: everybody could read the answers."""
    path = tmp_path / "ledger.sqlite3"
    connect(str(path), "x")
    path.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", lambda *_, **__: None)
    pronto.configure(ledger=path)
    with refused(serve(), "Other users can read.*its file system.*Choose another location"):
        enrich()


@pytest.mark.parametrize("version", ["abc", "0", "-5", "", "4.0", "9" * 5_000, None])
def test_a_version_that_cannot_be_is_refused(
    serve: Serve, tmp_path: Path, version: str | None
) -> None:
    """Rather than guessed; also where there is none beside the tables."""
    path = tmp_path / "ledger.sqlite3"
    connect(str(path), "x")
    with closing(sqlite3.connect(path)) as connection:
        if version is None:
            connection.execute("DELETE FROM pronto_meta WHERE name = 'version'")
        else:
            connection.execute("UPDATE pronto_meta SET value = ?", (version,))
        connection.commit()
    pronto.configure(ledger=path)
    with refused(serve(), r"is damaged.*pronto\.ledger\.backup.*move the ledger away"):
        enrich()


@pytest.mark.parametrize("table", ["meta", "entries", "aliases", "runs", "jobs"])
def test_tables_of_another_program_are_left_alone(serve: Serve, tmp_path: Path, table: str) -> None:
    """Where they have a name of ours; none is added to them."""
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE pronto_{table} (something)")
    pronto.configure(ledger=path)
    with refused(serve(), r"is damaged.*move the ledger away"):
        enrich()
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [(f"pronto_{table}",)]


def test_a_ledger_may_be_among_tables_of_the_users(serve: Serve, tmp_path: Path) -> None:
    """In a database that holds others."""
    path = tmp_path / "mine.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (something)")
    serve()
    pronto.configure(ledger=path)
    assert enrich(2)["pronto_status"].isin(["found", "not_found"]).all()


def ready(url: str) -> Any:
    """Return an HTTP client that posts an answer of nobody to a webhook, and gets the status."""
    return lambda: httpx.post(url, json={"email": "a@b.example"}, timeout=20).status_code


def set_aside(path: Path) -> int:
    """Return how many payloads belong to no job."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM pronto_aside").fetchone()[0])


def test_a_webhook_whose_ledger_is_moved_away_waits_for_it(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers 503, makes no file, leaves a line in the log, and goes on when it is back."""
    serve()
    path = tmp_path / "ledger.sqlite3"
    pronto.configure(ledger=path)
    with pronto.webhook(port=0) as hook:
        post = ready(hook.url)
        assert post() == 200
        path.rename(tmp_path / "away")
        assert [post(), post()] == [503, 503]
        assert [file.name for file in tmp_path.iterdir()] == ["away"]
        lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert len(lines) == 2
        assert f"{path} was deleted or replaced while it was in use. Put it back" in lines[0]
        assert "a@b.example" not in "".join(lines)
        (tmp_path / "away").rename(path)
        assert post() == 200
    assert set_aside(path) == 2


@posix
@pytest.mark.parametrize("how", ["a run", "a webhook", "touch", "cp"])
def test_a_webhook_writes_to_the_ledger_that_has_taken_the_place_of_its_own(
    serve: Serve, tmp_path: Path, how: str
) -> None:
    """Without a restart, at the address that jobs know; and the file is the user's alone."""
    serve(hold_deliveries=True)
    path = tmp_path / "ledger.sqlite3"
    pronto.configure(ledger=path)
    with pronto.webhook(port=0) as hook:
        post = ready(hook.url)
        assert post() == 200
        path.rename(tmp_path / "away")
        if how == "a run":
            enrich(3)
        elif how == "a webhook":
            pronto.webhook(port=0)  # which draws another token
        elif how == "touch":
            path.touch(0o644)
        else:
            shutil.copy(tmp_path / "away", path)
            path.chmod(0o644)
        before = 1 if how == "cp" else 0
        assert post() == 200
        assert (mode(path), set_aside(path)) == (0o600, before + 1)
        assert set_aside(tmp_path / "away") == 1
        job = pronto.bulk_enrich(people(2, 10), "email", hook.url, progress=False)
        other = pronto.webhook(port=0)._tokens | {hook.url.rpartition("/")[2]}
        base = hook.url.rpartition("/")[0]
        assert {ready(f"{base}/{token}")() for token in other} == {200}
    assert job.sent == 2


def test_a_file_that_is_no_ledger_is_not_written_to_by_a_webhook(
    serve: Serve, tmp_path: Path
) -> None:
    """Where it has taken the place of the ledger; and the webhook goes on after that."""
    serve()
    path = tmp_path / "ledger.sqlite3"
    pronto.configure(ledger=path)
    with pronto.webhook(port=0) as hook:
        path.rename(tmp_path / "away")
        path.write_text("half of a copy" * 100)
        assert ready(hook.url)() == 503
        assert path.read_text() == "half of a copy" * 100
        (tmp_path / "away").replace(path)
        assert ready(hook.url)() == 200


@pytest.mark.parametrize("how", ["moved", "replaced"])
def test_a_run_whose_ledger_is_taken_away_stops_and_keeps_what_it_has(
    serve: Serve, tmp_path: Path, how: str
) -> None:
    """In its frame; and it makes no file in the place of the other."""
    server = serve(latency=0.02)
    path = tmp_path / "ledger.sqlite3"
    pronto.configure(ledger=path, rate=200)

    def take_away(event: Any) -> None:
        if event.done >= 20 and not (tmp_path / "away").exists():
            path.rename(tmp_path / "away")
            if how == "replaced":
                path.touch()

    with pytest.warns(pronto.LedgerWarning, match="was deleted or replaced"):
        out = enrich(300, progress=take_away)
    counts = out["pronto_status"].value_counts()
    answered = int(counts.reindex(["found", "not_found"]).sum())
    assert 20 <= answered <= len(server.sandbox.charges) < 300
    assert counts["pending"] > 0
    assert path.exists() is (how == "replaced")
    assert how == "moved" or path.stat().st_size == 0
    (tmp_path / "away").replace(path)
    kept = pronto.collect(people(300), "email")
    settled = kept["pronto_status"].isin(["found", "not_found"])
    assert settled.sum() >= 1
    pd.testing.assert_frame_equal(out[settled], kept[settled])


def test_a_backup_is_whole_while_the_ledger_is_used(serve: Serve, tmp_path: Path) -> None:
    """A copy of the file alone would lack what SQLite keeps beside it; nobody else may read it."""
    server = serve()
    path, target = tmp_path / "ledger.sqlite3", tmp_path / "backups" / "ledger.db"
    pronto.configure(ledger=path)
    first = enrich(20)
    with closing(sqlite3.connect(path)) as other:  # as it reads, what is new stays beside the file
        other.execute("BEGIN")
        other.execute("SELECT * FROM pronto_entries").fetchone()
        out = pd.concat([first, enrich(5, start=20)])
        mask = os.umask(0)
        try:
            assert pronto.ledger.backup(target) == target
        finally:
            os.umask(mask)
    assert [file.name for file in target.parent.iterdir()] == ["ledger.db"]
    assert (mode(target), mode(target.parent)) == (0o600, 0o700)
    path.unlink()
    target.rename(path)
    again = enrich(25)
    assert again["email"].tolist() == out["email"].tolist()
    assert len(server.sandbox.charges) == 25


@pytest.mark.parametrize("in_file", [True, False])
def test_the_next_backup_replaces_the_last_one(serve: Serve, tmp_path: Path, in_file: bool) -> None:
    """Under the same name; also one of a ledger in memory."""
    serve()
    pronto.configure(ledger=tmp_path / "ledger.sqlite3" if in_file else None)
    counts = []
    for start in (0, 3):
        enrich(3, start=start)
        backup = pronto.ledger.backup(str(tmp_path / "backup.db"))
        with closing(sqlite3.connect(backup)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM pronto_entries").fetchone()
        assert count == pronto.ledger.info()["entries"].sum()
        counts.append(count)
    assert counts[1] == counts[0] + 3


@posix
@pytest.mark.parametrize("kind", ["text", "ledger", "itself", "restored", "folder", "fifo"])
def test_a_backup_replaces_nothing_but_a_backup(tmp_path: Path, kind: str) -> None:
    """Not the ledger itself, nor another one, which may be the only copy of what it holds."""
    path, target = tmp_path / "ledger.sqlite3", tmp_path / "target"
    pronto.configure(ledger=path)
    pronto.ledger.info()
    if kind == "text":
        target.write_text("a list of mine")
    elif kind == "ledger":
        connect(str(target), "x")
    elif kind == "folder":
        target.mkdir()
    elif kind == "fifo":
        os.mkfifo(target)
    else:
        target = path
    if kind == "restored":
        pronto.ledger.backup(tmp_path / "backup").replace(path)
    before = target.lstat()
    with pytest.raises(pronto.LedgerError, match=r"is not a backup.*Choose another name"):
        pronto.ledger.backup(target)
    assert (target.lstat().st_ino, target.lstat().st_size) == (before.st_ino, before.st_size)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("name", ["file/backup.db", "nul\0", "x" * 300])
def test_a_backup_that_cannot_be_written_is_an_error(tmp_path: Path, name: str) -> None:
    """And leaves nothing."""
    (tmp_path / "file").touch()
    pronto.configure(ledger=None)
    with pytest.raises(pronto.LedgerError, match="Could not write a backup"):
        pronto.ledger.backup(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_ledger_on_postgresql_is_backed_up_by_postgresql(
    postgres_url: str, tmp_path: Path
) -> None:
    """The error says by what."""
    pronto.configure(ledger=postgres_url)
    with pytest.raises(pronto.LedgerError, match="pg_dump"):
        pronto.ledger.backup(tmp_path / "backup.db")
    assert list(tmp_path.iterdir()) == []


def url_of(postgres: Postgres, user: str, name: str) -> str:
    """Return the URL of a database for a user."""
    return f"postgresql://{user}@127.0.0.1:{postgres.port}/{name}"


@pytest.fixture
def role(postgres: Postgres) -> Iterator[Callable[[str], str]]:
    """Return what creates a role of PostgreSQL's for the test."""
    made: list[str] = []

    def create(options: str) -> str:
        name = f"role_{secrets.token_hex(6)}"
        postgres.execute(f"CREATE ROLE {name} {options}")
        made.append(name)
        return name

    yield create
    for name in made:
        postgres.execute(f"DROP ROLE {name}")


REFUSED = "does not accept this user, password or database. Correct the URL"
MAY_NOT = "does not let this user write. Grant the user CREATE"


@pytest.mark.parametrize("how", ["wrong password", "no password", "no login", "no role"])
def test_a_server_that_does_not_take_the_user_is_named(
    serve: Serve, postgres: Postgres, postgres_url: str, role: Callable[[str], str], how: str
) -> None:
    """As such: it can be reached."""
    server = serve()
    user = role("NOLOGIN" if how == "no login" else f"LOGIN PASSWORD '{secrets.token_hex(6)}'")
    rules = postgres.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    if "password" in how:
        rules.write_text(f"host all {user} 127.0.0.1/32 scram-sha-256\n{before}")
        postgres.execute("SELECT pg_reload_conf()")
    with ExitStack() as at_last:
        at_last.callback(postgres.execute, "SELECT pg_reload_conf()")
        at_last.callback(rules.write_text, before)
        login = {"wrong password": f"{user}:{SECRET}", "no role": "nobody"}.get(how, user)
        pronto.configure(ledger=url_of(postgres, login, postgres_url.rpartition("/")[2]))
        with refused(server, REFUSED):
            enrich()


def test_a_database_that_is_not_there_is_named(serve: Serve, postgres: Postgres) -> None:
    """It is not created either."""
    server = serve()
    pronto.configure(ledger=url_of(postgres, "pronto", "nosuch"))
    with refused(server, REFUSED):
        enrich()


def test_a_user_without_the_rights_is_told_which_are_missing(
    serve: Serve, postgres: Postgres, postgres_url: str, role: Callable[[str], str]
) -> None:
    """To make tables, to read, to write; who may only read can read."""
    import psycopg

    server = serve()
    user = role("LOGIN")
    mine = url_of(postgres, user, postgres_url.rpartition("/")[2])
    pronto.configure(ledger=mine)
    with refused(server, MAY_NOT):
        enrich()
    connect(postgres_url, "x")  # makes the tables
    with refused(server, MAY_NOT):
        enrich()
    with (
        psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as owner,
        ExitStack() as at_last,
    ):
        at_last.callback(owner.execute, f"DROP OWNED BY {user}")
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")
        assert set(people(2).pronto.collect("email")["pronto_status"]) == {"pending"}
        with refused(server, "allow this database user to create tables"):
            enrich()
        with refused(server, MAY_NOT):
            pronto.webhook(port=0)


def test_a_server_without_a_free_connection_is_named(
    serve: Serve, postgres: Postgres, postgres_url: str, role: Callable[[str], str]
) -> None:
    """It can be reached, and may have one in a moment."""
    server = serve()
    user = role("LOGIN CONNECTION LIMIT 0")
    pronto.configure(ledger=url_of(postgres, user, postgres_url.rpartition("/")[2]))
    with refused(server, "has no free connection. Close other connections or try again later"):
        enrich()


def test_a_server_that_takes_connections_and_says_nothing_is_not_waited_for(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For longer than a connection may take to open."""
    server = serve()
    monkeypatch.setattr(database, "CONNECT_TIMEOUT", 1)  # psycopg takes at least 2
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        pronto.configure(ledger=f"postgresql://u:{SECRET}@127.0.0.1:{port}/db")
        with refused(server, "cannot be reached. Check the server and the network"):
            enrich()
