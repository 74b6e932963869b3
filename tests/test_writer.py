"""Group commit: what cannot be written fails alone, and what can in a moment is tried again."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pronto_pandas import LedgerError

from .seams.storage import (
    LEASE,
    Commits,
    Ledger,
    Transaction,
    Writer,
    connect,
    new_run,
    schema,
    writer,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Open a ledger of its own."""
    return connect(str(tmp_path / "ledger.sqlite3"), "x")


def answer(ledger: Ledger, contact: str) -> Any:
    """Return an operation that writes an answer."""
    return lambda t, again: ledger.answer(t, {(contact, "email"): "{}"})


def answered(ledger: Ledger) -> set[str]:
    """Return who has an answer."""
    with closing(sqlite3.connect(ledger.place)) as connection:
        return {row[0] for row in connection.execute("select contact from pronto_entries")}


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end."""
    asyncio.run(main)


def test_one_bad_write_does_not_take_the_others_along(ledger: Ledger) -> None:
    """Though all are committed together."""

    def bad(t: Transaction, again: bool) -> None:
        ledger.answer(t, {("half written", "email"): "{}"})
        raise UnicodeEncodeError("utf-8", "", 0, 1, "half of a character")

    async def main() -> None:
        async with Writer(ledger, new_run()) as writes:
            results = await asyncio.gather(
                writes.write(answer(ledger, "a")),
                writes.write(bad),
                writes.write(answer(ledger, "b")),
                return_exceptions=True,
            )
        assert [type(result) for result in results] == [
            type(None),
            UnicodeEncodeError,
            type(None),
        ]

    run(main())
    assert answered(ledger) == {"a", "b"}


def test_a_ledger_that_is_locked_for_a_moment_is_waited_for(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write is tried again, and the operation knows that it is."""
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 20)
    monkeypatch.setattr(writer, "RETRY_WAIT", 0.02)
    tries: list[bool] = []
    other = sqlite3.connect(ledger.place, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")

    def write(t: Transaction, again: bool) -> None:
        tries.append(again)
        ledger.answer(t, {("a", "email"): "{}"})

    def release() -> None:
        time.sleep(0.2)
        other.execute("rollback")

    async def main() -> None:
        async with Writer(ledger, new_run()) as writes:
            thread = threading.Thread(target=release)
            thread.start()
            await writes.write(write)
            thread.join()

    run(main())
    other.close()
    assert answered(ledger) == {"a"}
    assert tries[-1] is True


def test_a_ledger_that_stays_locked_is_an_error(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while, or at once where nobody wants to wait."""
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 20)
    monkeypatch.setattr(writer, "RETRY_FOR", 0.1)

    async def main(*, hurry: bool) -> None:
        async with Writer(ledger, new_run()) as writes:
            if hurry:
                monkeypatch.setattr(writer, "RETRY_FOR", 1e6)
                writes.hurry()
            with pytest.raises(LedgerError, match="is locked by another program"):
                await writes.write(answer(ledger, "a"))

    with closing(sqlite3.connect(ledger.place, isolation_level=None)) as other:
        other.execute("begin immediate")
        run(main(hurry=False))
        run(main(hurry=True))
    assert answered(ledger) == set()


def test_a_lease_is_that_of_a_clock_that_goes_on_in_sleep(ledger: Ledger) -> None:
    """A machine that slept for longer than a lease has none when it wakes."""
    now = [1000.0]
    commits = Commits(ledger, new_run(), clock=lambda: now[0])

    def write(contact: str) -> None:
        with pytest.raises(StopIteration):  # without a wait
            next(commits.commit([answer(ledger, contact)]))

    assert not commits.leased(), "before the first write"
    write("a")
    assert commits.leased()
    now[0] += LEASE - 0.1
    assert commits.leased()
    now[0] += 0.2
    assert not commits.leased()
    write("b")
    assert commits.leased()
    commits.close()
