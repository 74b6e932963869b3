"""Where a ledger is: a file, a database of a team, or the memory of this process."""

from __future__ import annotations

import functools
import os
import threading
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from ..errors import LedgerError
from . import schema
from .ledger import Ledger


def connect(where: str | None, address: str) -> Ledger:
    """Open a ledger, ready for use.

    Parameters
    ----------
    where : str, optional
        A path, a URL of SQLAlchemy, or None for the memory of this process.
    address : str
        Whose answers.

    Raises
    ------
    LedgerError
        Where it cannot be used; nothing was sent.
    """
    lock = None
    if where is None:
        (engine, lock), place = _in_memory(), "memory"
    elif "://" in where:
        url = _url(where)
        engine = sa.create_engine(url, poolclass=NullPool, hide_parameters=True)
        place = url.render_as_string(hide_password=True)
    else:
        path = Path(where).expanduser()
        _create(path)
        place = str(path)
        engine = sa.create_engine(f"sqlite:///{path}", poolclass=NullPool, hide_parameters=True)
        sa.event.listen(engine, "connect", schema.on_connect)
        sa.event.listen(engine, "begin", schema.on_begin)
    ledger = Ledger(engine, address, place, lock=lock)
    ledger.prepare()
    return ledger


def _url(where: str) -> sa.URL:
    try:
        return sa.make_url(where)
    except sa.exc.ArgumentError:
        raise LedgerError(
            "ledger= is no address that SQLAlchemy understands, such as "
            "'postgresql://host/database'. Nothing was sent."
        ) from None


@functools.cache
def _in_memory() -> tuple[sa.Engine, threading.Lock]:
    engine = sa.create_engine(
        "sqlite://",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False},
        hide_parameters=True,
    )
    sa.event.listen(engine, "connect", schema.on_connect)
    sa.event.listen(engine, "begin", schema.on_begin)
    return engine, threading.Lock()


def _create(path: Path) -> None:
    """Create the file for the user alone, before SQLite would create it for everybody."""
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise LedgerError(
            f"The ledger at {path} cannot be written there ({error.strerror}). Choose another "
            "place with pronto.configure(ledger=…), or None for memory. Nothing was sent."
        ) from None
