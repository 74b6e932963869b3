"""Records a run in the ledger: its claims, requests and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, Self, cast

from ..api.answer import Answer
from ..api.spec import EnrichmentType
from ..errors import LedgerError
from ..storage import charges
from ..storage.charges import Charge
from ..storage.database import Transaction
from ..storage.entry import Key, Renewal
from ..storage.lease import Run, RunRecord, new_run
from ..storage.store import Claims, Ledger
from ..storage.writer import Operation, Writer
from .request import Batch, Request, keys_of, wanted_by

BatchState = Literal["sent", "enqueued", "unknown", "refused", "pending"]


class BatchNotes(Protocol):
    """Records the batches of a bulk job, in the transactions that write their entries."""

    def sent(self, t: Transaction, batch: Batch, run: Run) -> None:
        """Record that a run is about to send a batch, and who is in it."""

    def note(self, t: Transaction, batch: Batch, state: BatchState, **more: str | None) -> None:
        """Record the state of a batch, its ``enrichment_id`` and Pronto's ``message``."""


class Recorder:
    """One run's access to the ledger; an async context manager.

    Each method that is awaited has committed when it returns.

    Parameters
    ----------
    ledger : Ledger
        Contains the entries.
    renewal : Renewal
        Which entries the run may send again.
    notes : BatchNotes, optional
        Records the batches, for a bulk job.
    writer : Writer, optional
        Injected, so that a simulation can write in virtual time.
    record : RunRecord, optional
        The run in the account's history for which charges are recorded. Default: none are.
    """

    def __init__(
        self,
        ledger: Ledger,
        renewal: Renewal,
        notes: BatchNotes | None = None,
        writer: Writer | None = None,
        record: RunRecord | None = None,
    ) -> None:
        self._ledger, self._renewal, self._notes = ledger, renewal, notes
        self.writer = writer or Writer(ledger, new_run(record))
        self._run = self.writer.run
        self._claimed: set[Key] = set()
        self._in_flight: set[Key] = set()
        self._fetched_by: dict[Key, str] = {}
        self._not_started: dict[int, Batch] = {}

    async def __aenter__(self) -> Self:
        await self.writer.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close open entries: what was sent is unknown, the rest is free again."""
        lost, free = list(self._in_flight), list(self._claimed - self._in_flight)
        not_started = list(self._not_started.values())

        def end(t: Transaction, again: bool) -> None:
            self._lose(t, lost)
            self._ledger.release(t, free, self._run)
            for batch in not_started:
                self._note(t, batch, "pending")
            self._ledger.end(t, self._run)

        try:
            await self.writer.write(end)
        except LedgerError:
            pass  # what stays ``sent`` is ``unknown`` to the next run, which is the safe side
        finally:
            await self.writer.__aexit__()

    async def claim(self, requests: Sequence[Request]) -> Claims:
        """Claim requests that may be sent; the result has the entries of those that may not."""
        wanted = [one for request in requests for one in wanted_by(request)]
        busy = frozenset(self._claimed)
        new = {one.key for one in wanted} - busy
        # Before the commit: a run that is stopped meanwhile must free them.
        self._claimed |= new
        claims = await self.writer.write(
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

    async def held_elsewhere(self, requests: Sequence[Request]) -> list[Request]:
        """Return the requests whose entries other runs hold, all of them; cheaper than a claim."""
        wanted = {id(request): wanted_by(request) for request in requests}
        every = [one for mine in wanted.values() for one in mine]
        held = await self.writer.write(
            lambda t, _: self._ledger.held_elsewhere(t, every, self._run)
        )
        return [one for one in requests if held.issuperset(w.key for w in wanted[id(one)])]

    async def release(self, requests: Sequence[Request]) -> None:
        """Release the claims on requests that are in no batch."""
        keys = [key for request in requests for key in keys_of(request)]
        await self._close(keys, lambda t, _: self._ledger.release(t, keys, self._run))

    async def about_to_send(self, batches: Sequence[Batch]) -> tuple[list[Batch], list[Batch]]:
        """Record batches as sent; return those that may be sent now, and the others.

        The run no longer holds the others: it was paused, and another run has taken them over.
        """

        def write(t: Transaction, again: bool) -> tuple[list[Batch], list[Batch]]:
            may, not_ours = list[Batch](), list[Batch]()
            for batch in batches:
                (may if self._send(t, batch, again=again) else not_ours).append(batch)
            return may, not_ours

        may, not_ours = await self.writer.write(write)
        for batch in not_ours:
            self._claimed.difference_update(batch.keys)
        if self._notes is not None:
            self._not_started |= {batch.number: batch for batch in may}
        return may, not_ours

    def _send(self, t: Transaction, batch: Batch, *, again: bool) -> bool:
        """Record a batch as sent; return False if it may not be sent and is given up."""
        keys = batch.keys
        mine = self._ledger.send(t, keys, self._run, again=again)
        if mine.issuperset(keys):
            if self._notes is not None:
                self._notes.sent(t, batch, self._run)
            return True
        self._ledger.release(t, keys, self._run)
        return False

    def may_send(self, batch: Batch) -> bool:
        """Return whether a recorded batch may be sent now: False if the lease has expired since."""
        if not self.writer.leased():
            return False
        self._in_flight.update(batch.keys)
        self._not_started.pop(batch.number, None)
        return True

    async def not_processed(self, batch: Batch) -> None:
        """Record that a batch was certainly not processed; the claims are kept."""
        keys = batch.keys

        def write(t: Transaction, _: bool) -> None:
            self._ledger.unsend(t, keys, self._run)
            self._note(t, batch, "pending")

        await self.writer.write(write)
        self._in_flight.difference_update(keys)

    async def submitted(self, batch: Batch, enrichment_id: str) -> None:
        """Store the ID with which the answer can be fetched; the claims are kept until it is."""
        keys = batch.keys
        self._fetched_by |= dict.fromkeys(keys, enrichment_id)

        def write(t: Transaction, _: bool) -> None:
            self._ledger.submit(t, keys, self._run, enrichment_id)
            charges.add(t, self._charges(keys))

        await self.writer.write(write)
        self._in_flight.difference_update(keys)

    async def enqueued(self, batch: Batch, enrichment_id: str) -> None:
        """Store the ID of a batch whose answers are delivered to a webhook."""
        keys = batch.keys

        def write(t: Transaction, _: bool) -> None:
            self._ledger.enqueue(t, keys, self._run, enrichment_id)
            charges.add(t, self._charges(keys))
            self._note(t, batch, "enqueued", enrichment_id=enrichment_id)

        await self._close(keys, write)

    async def not_fetched(self, batch: Batch) -> None:
        """Let any run fetch an answer that this one is no longer waiting for."""
        keys = batch.keys
        await self._close(keys, lambda t, _: self._ledger.leave(t, keys, self._run))

    async def answered(self, batch: Batch, answer: Answer) -> None:
        """Store a complete answer, and what it was charged."""
        keys = batch.keys
        self._submitted_before(batch)
        bodies = dict.fromkeys(keys, text_of(answer))
        paid = self._charges(keys, answer, late=batch.enrichment_id is not None)

        def write(t: Transaction, _: bool) -> None:
            self._ledger.answer(t, bodies)
            charges.add(t, paid)

        await self._close(keys, write)

    async def lost(self, batch: Batch) -> None:
        """Record that a batch was sent and its answer was lost."""
        keys = batch.keys
        self._submitted_before(batch)

        def write(t: Transaction, _: bool) -> None:
            self._lose(t, keys)
            self._note(t, batch, "unknown")

        await self._close(keys, write)

    async def free(self, batch: Batch, message: str | None = None) -> None:
        """Release the claims on a batch: Pronto rejected it, or another run has taken it over."""
        keys = batch.keys

        def write(t: Transaction, _: bool) -> None:
            self._ledger.release(t, keys, self._run)
            self._note(t, batch, "refused", message=message)

        self._not_started.pop(batch.number, None)
        await self._close(keys, write)

    def _lose(self, t: Transaction, keys: Sequence[Key]) -> None:
        self._ledger.lose(t, keys, self._run)
        charges.add(t, self._charges(keys))

    def _submitted_before(self, batch: Batch) -> None:
        """Note the ID under which the charges of a batch are that an earlier run submitted."""
        if batch.enrichment_id is not None:
            self._fetched_by |= dict.fromkeys(batch.keys, batch.enrichment_id)

    def _charges(
        self, keys: Sequence[Key], answer: Answer | None = None, *, late: bool = False
    ) -> list[Charge]:
        """Return the charges of requests; without an answer, it is not known what they cost."""
        record = self._run.record
        if record is None:
            return []
        return [
            Charge(
                charges.charge_id(self._fetched_by.get(key, self._run.id), key),
                record,
                key[1],
                None if answer is None else answer.count(cast("EnrichmentType", key[1])),
                late,
            )
            for key in keys
        ]

    def _note(self, t: Transaction, batch: Batch, state: BatchState, **more: str | None) -> None:
        if self._notes is not None:
            self._notes.note(t, batch, state, **more)

    async def _close(self, keys: Sequence[Key], operation: Operation[None]) -> None:
        await self.writer.write(operation)
        self._claimed.difference_update(keys)
        self._in_flight.difference_update(keys)


def text_of(answer: Answer) -> str:
    """Return the text of an answer: as received, or serialized if there is none."""
    return answer.body or answer.model_dump_json(exclude={"body", "custom"}, exclude_none=True)
