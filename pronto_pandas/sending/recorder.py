"""What a run does, written to the ledger: claims, requests, answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self, TypeVar

from ..api.answer import Answer
from ..errors import LedgerError
from ..storage.database import Transaction
from ..storage.entry import Key, Renewal
from ..storage.lease import new_run
from ..storage.store import Claims, Ledger
from ..storage.writer import Operation, Writer
from .request import Request, keys_of, wanted_by

T = TypeVar("T")


class Recorder:
    """One run's access to the ledger; an async context manager.

    Parameters
    ----------
    ledger : Ledger
        Where entries are kept.
    renewal : Renewal
        Which entries the run may send again.
    writer : Writer, optional
        Writes; injected, so that a simulation can write in virtual time.
    """

    def __init__(self, ledger: Ledger, renewal: Renewal, writer: Writer | None = None) -> None:
        self._ledger, self._renewal = ledger, renewal
        self.writer = writer or Writer(ledger, new_run())
        self._run = self.writer.run
        self._claimed: set[Key] = set()
        self._in_flight: set[Key] = set()

    async def __aenter__(self) -> Self:
        await self.writer.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what the run leaves open: what left is unknown, what did not is free again."""
        lost, free = list(self._in_flight), list(self._claimed - self._in_flight)

        def end(t: Transaction, again: bool) -> None:
            self._ledger.lose(t, lost, self._run)
            self._ledger.release(t, free, self._run)
            self._ledger.end(t, self._run)

        try:
            await self._write(end)
        except LedgerError:
            pass  # what stays ``sent`` is ``unknown`` to the next run, which is the safe side
        finally:
            await self.writer.__aexit__()

    async def claim(self, jobs: Sequence[Request]) -> Claims:
        """Claim what may be sent; the claims have the entries of what may not."""
        wanted = [one for job in jobs for one in wanted_by(job)]
        busy = frozenset(self._claimed)
        new = {one.key for one in wanted} - busy
        # Before the commit: a run that is stopped meanwhile must free them.
        self._claimed |= new
        claims = await self._write(
            lambda t, _: self._ledger.claim(t, wanted, self._run, self._renewal, busy)
        )
        self._claimed -= new
        self._claimed.update(
            (entry.contact, key[1])
            for key, entry in claims.kept.items()
            if entry.state == "submitted"
        )
        self._claimed.update((contact, key[1]) for key, contact in claims.taken.items())
        return claims

    async def held_elsewhere(self, jobs: Sequence[Request]) -> list[Request]:
        """Return those of which another run has everything; to ask so is cheaper than to claim."""
        wanted = {id(job): wanted_by(job) for job in jobs}
        every = [one for mine in wanted.values() for one in mine]
        held = await self._write(lambda t, _: self._ledger.held_elsewhere(t, every, self._run))
        return [job for job in jobs if held.issuperset(one.key for one in wanted[id(job)])]

    async def about_to_send(self, jobs: Sequence[Request]) -> tuple[list[Request], list[Request]]:
        """Write that these are sent; return those that may leave now, and the others.

        The others are not this run's any more: it was stopped or slept, and another run has them.
        """

        def write(t: Transaction, again: bool) -> tuple[list[Request], list[Request]]:
            may, not_ours = list[Request](), list[Request]()
            for job in jobs:
                (may if self._send(t, job, again=again) else not_ours).append(job)
            return may, not_ours

        may, not_ours = await self.writer.write(write)
        for job in not_ours:
            self._claimed.difference_update(keys_of(job))
        return may, not_ours

    def _send(self, t: Transaction, job: Request, *, again: bool) -> bool:
        """Write that a request is sent; False where it may not leave, and is given up."""
        keys = keys_of(job)
        mine = self._ledger.send(t, keys, self._run, again=again)
        if mine.issuperset(keys):
            return True
        self._ledger.release(t, keys, self._run)
        return False

    def may_leave(self, job: Request) -> bool:
        """Note that a request goes out now; False where the lease has run out since."""
        if not self.writer.leased():
            return False
        self._in_flight.update(keys_of(job))
        return True

    async def not_worked_on(self, job: Request) -> None:
        """Write that the request was surely not worked on; the claim stays."""
        keys = keys_of(job)
        await self._write(lambda t, _: self._ledger.unsend(t, keys, self._run))
        self._in_flight.difference_update(keys)

    async def submitted(self, job: Request, enrichment_id: str) -> None:
        """Store the name under which the service works on it."""
        keys = keys_of(job)
        await self._write(lambda t, _: self._ledger.submit(t, keys, self._run, enrichment_id))
        self._in_flight.difference_update(keys)  # and stays claimed until it is fetched

    async def left(self, job: Request) -> None:
        """Let any run fetch an answer that this one does not wait for any more."""
        await self._close(job, lambda t, _: self._ledger.leave(t, keys_of(job), self._run))

    async def answered(self, job: Request, answer: Answer) -> None:
        """Store an answer, whole."""
        bodies = dict.fromkeys(keys_of(job), text_of(answer))
        await self._close(job, lambda t, _: self._ledger.answer(t, bodies))

    async def lost(self, job: Request) -> None:
        """Note that nobody knows what became of a request."""
        await self._close(job, lambda t, _: self._ledger.lose(t, keys_of(job), self._run))

    async def free(self, job: Request) -> None:
        """Give up the claim: the request was refused, or another run has it."""
        await self._close(job, lambda t, _: self._ledger.release(t, keys_of(job), self._run))

    async def _close(self, job: Request, operation: Operation[None]) -> None:
        await self._write(operation)
        self._claimed.difference_update(keys_of(job))
        self._in_flight.difference_update(keys_of(job))

    async def _write(self, operation: Operation[T]) -> T:
        return await self.writer.write(operation)


def text_of(answer: Answer) -> str:
    """Return an answer as it came, or as it was made."""
    return answer.body or answer.model_dump_json(exclude={"body", "custom"}, exclude_none=True)
