"""The entries of one service: read, claimed, and written in transactions."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, cast

import sqlalchemy as sa

from ..api.body import storable
from . import schema, statements
from .database import Database, Transaction, open_database
from .entry import Entry, Key, Renewal, State, Wanted
from .lease import LEASE, Lease, Run, is_alive
from .schema import aliases, entries, runs

CHUNK: Final = 400
"""Keys that a statement asks for; SQLite takes a bounded number of values."""

PIECE: Final = 20 * CHUNK
"""Keys that one transaction of a large read asks for."""

SCAN: Final = 10_000
"""From so many keys on, it is worth to read first which ones the ledger has at all."""


class Ledger:
    """The entries of one service.

    Parameters
    ----------
    database : Database
        Where they are.
    service : str
        Whose answers they are; made-up people never mix with real ones.
    """

    def __init__(self, database: Database, service: str) -> None:
        self.database, self.service = database, service
        self.read, self.write = database.read, database.write

    @property
    def place(self) -> str:
        """What the place is called."""
        return self.database.place

    def date(self) -> float:
        """Return the seconds since 1970, on the clock that entries are dated by."""
        with self.read() as t:
            return t.date

    def find(self, wanted: Sequence[Wanted], *, bodies: bool = True) -> dict[Key, Entry]:
        """Return what is known, in several short transactions.

        Parameters
        ----------
        wanted : sequence of Wanted
            Whom and what to look for.
        bodies : bool
            If False, entries come without their answers, which take longest to read.
        """
        if len(wanted) > SCAN:
            wanted = self._there(wanted)
        found: dict[Key, Entry] = {}
        for start in range(0, len(wanted), PIECE):
            with self.read() as t:
                found |= self.find_in(t, wanted[start : start + PIECE], bodies=bodies)
        return found

    def held_elsewhere(self, t: Transaction, wanted: Sequence[Wanted], run: Run) -> set[Key]:
        """Return what another living run has."""
        alive = self._alive(t) - {run.id}
        found = self._find(t, wanted, alive, bodies=False)
        return {key for key, entry in found.items() if entry.state == "held"}

    def find_in(
        self, t: Transaction, wanted: Sequence[Wanted], *, bodies: bool = True
    ) -> dict[Key, Entry]:
        """Return what is known, within a transaction; a dead run's claims count for nothing.

        Of several entries of one person, an answer is what is known.
        """
        return self._find(t, wanted, self._alive(t), bodies=bodies)

    def _find(
        self, t: Transaction, wanted: Sequence[Wanted], alive: set[str], *, bodies: bool
    ) -> dict[Key, Entry]:
        found = self._entries(t, [one.key for one in wanted], alive, bodies=bodies)
        rest = [one for one in wanted if len(one.keys) > 1 and not _answered(found.get(one.key))]
        others = self._other_keys(t, rest)
        keys = [key for other in others.values() for key in other]
        more = self._entries(t, keys, alive, bodies=bodies)
        for key, other in others.items():
            there = [found[key]] if key in found else []
            there += [more[place] for place in other if place in more]
            if there:
                found[key] = next(filter(_answered, there), there[0])
        return found

    def claim(
        self,
        t: Transaction,
        wanted: Sequence[Wanted],
        run: Run,
        renewal: Renewal,
        busy: Container[Key] = (),
    ) -> Claims:
        """Take for a run what may be sent, and return the entries of what may not.

        What a dead run has submitted is this run's now, too, and among what is returned; so is
        what this run has submitted itself, which it may have left, and nobody else fetches.

        Parameters
        ----------
        t : Transaction
            One that writes.
        wanted : sequence of Wanted
            What to send.
        run : Run
            Who sends.
        renewal : Renewal
            Which entries may be sent again.
        busy : container of Key, optional
            Entries that the run has claimed already, for another request; they are held.
        """
        if t.one_clock:  # SQLite has one writer at a time anyway
            t.execute(sa.select(sa.func.pg_advisory_xact_lock(_CLAIM_LOCK)))
        self.renew(t, run)
        self._delete_dead_runs(t)
        at = self._places(t, wanted)
        first = {place: key for key, place in reversed(at.items()) if place not in busy}
        rows = [
            {"service": self.service, "contact": contact, "type": type_, "state": "claimed",
             "run": run.id, "at": t.date, "me": run.id,
             "answered_before": renewal.answered_before,
             "unknown_before": renewal.unknown_before}
            for contact, type_ in sorted(first)
        ]  # fmt: skip
        taken = set(map(tuple, t.execute(statements.claim(t.dialect), rows))) if rows else set()
        left = [place for place in dict.fromkeys(at.values()) if place not in taken]
        alive = {lease.run.id for lease in self._leases(t)}
        known = self._entries(t, [p for p in left if p in busy], alive, bodies=True)
        # What is this run's, and not busy, an earlier try of this claim has adopted.
        others = [p for p in left if p not in busy]
        known |= self._entries(t, others, alive - {run.id}, bodies=True)
        known |= self._adopted(t, known, run)
        claims = Claims({}, {})
        for key, place in at.items():
            if place in taken and first[place] == key:
                claims.taken[key] = place[0]
            else:  # free again meanwhile, or another of this very claim
                held = Entry(place[0], "held")
                entry = known.get(place, held)
                # Of two that share what was submitted, one fetches it, and the other one waits.
                waits = entry.state == "submitted" and first.get(place) != key
                claims.kept[key] = held if waits else entry
        return claims

    def send(
        self, t: Transaction, keys: Sequence[Key], run: Run, *, again: bool = False
    ) -> set[Key]:
        """Note that a run's requests leave as soon as this is on disk; return those that may.

        What another run has taken over, or is claimed under a lease that has run out, may not.

        Parameters
        ----------
        t : Transaction
            One that writes.
        keys : sequence of Key
            What is to be sent.
        run : Run
            Who has claimed it.
        again : bool
            The transaction is repeated, and nobody knows whether the first one was committed.
        """
        statement = statements.SEND_AGAIN if again else statements.SEND
        return set(self._change(t, statement, keys, me=run.id, now=t.now, date=t.date))

    def unsend(self, t: Transaction, keys: Sequence[Key], run: Run) -> None:
        """Note that requests were surely not worked on, and that their entries stay claimed."""
        self._change(t, statements.UNSEND, keys, me=run.id)

    def submit(self, t: Transaction, keys: Sequence[Key], run: Run, enrichment_id: str) -> None:
        """Store the name under which the service works on a request."""
        self._change(
            t, statements.SUBMIT, keys, me=run.id, name=storable(enrichment_id), date=t.date
        )

    def enqueue(self, t: Transaction, keys: Sequence[Key], run: Run, enrichment_id: str) -> None:
        """Note that the service has taken a batch, and will deliver its answers."""
        self._change(
            t, statements.ENQUEUE, keys, me=run.id, name=storable(enrichment_id), date=t.date
        )

    def answer(self, t: Transaction, bodies: Mapping[Key, str]) -> None:
        """Store answers as they came."""
        rows = [
            {"service": self.service, "contact": contact, "type": type_, "state": "answered",
             "body": body, "at": t.date}
            for (contact, type_), body in sorted(bodies.items())
        ]  # fmt: skip
        if rows:
            t.execute(statements.answer(t.dialect), rows)

    def leave(self, t: Transaction, keys: Sequence[Key], run: Run) -> None:
        """Let any run fetch what this one has submitted and does not wait for any more."""
        self._change(t, statements.LEAVE, keys, me=run.id)

    def lose(self, t: Transaction, keys: Sequence[Key], run: Run) -> None:
        """Note that requests were sent and that nobody knows what became of them."""
        self._change(t, statements.LOSE, keys, me=run.id, date=t.date)

    def release(self, t: Transaction, keys: Sequence[Key], run: Run) -> None:
        """Give up a run's claims; what was known before is known again."""
        self._change(t, statements.RESTORE, keys, me=run.id)
        self._change(t, statements.REMOVE, keys, me=run.id)

    def renew(self, t: Transaction, run: Run) -> None:
        """Give a run a new lease."""
        row = {"id": run.id, "machine": run.machine, "process": run.process,
               "lease": t.now + LEASE, "renewed": t.date}  # fmt: skip
        t.execute(statements.lease(t.dialect), row)

    def end(self, t: Transaction, run: Run) -> None:
        """End a run; what it has submitted and not fetched is left for the next one to fetch."""
        t.execute(statements.LEAVE_ALL, {"me": run.id})
        t.execute(statements.END, {"me": run.id})

    def forget(self, t: Transaction, people: Sequence[Collection[str]]) -> Forgotten:
        """Delete all that is known of people, at every service.

        What a living run is asking for keeps an empty entry, so that it is not asked for twice.

        Parameters
        ----------
        t : Transaction
            One that writes.
        people : sequence
            For each person all keys under which an entry may stand.
        """
        alive = self._alive(t)
        there: set[str] = set()
        in_use: set[str] = set()
        gone = 0
        for chunk in _chunks(list(dict.fromkeys(key for keys in people for key in keys))):
            named = sa.select(aliases.c.alias, aliases.c.contact).where(aliases.c.alias.in_(chunk))
            pairs = t.execute(named).all()
            there.update(alias for alias, _ in pairs)
            chunk = [*chunk, *(contact for _, contact in pairs)]
            these = entries.c.contact.in_(chunk)
            there.update(t.connection.scalars(sa.select(entries.c.contact).where(these)))
            held = sa.and_(
                these,
                entries.c.state.in_(("claimed", "sent", "submitted")),
                entries.c.run.in_(alive),
            )
            kept = set(t.connection.scalars(sa.select(entries.c.contact).where(held)))
            in_use |= kept | {alias for alias, contact in pairs if contact in kept}
            t.execute(sa.update(entries).where(held).values(body=None, before=None))
            gone += t.execute(sa.delete(entries).where(these, sa.not_(held))).rowcount
            for table in (aliases, schema.members, schema.aside):
                rows: sa.ColumnElement[bool] = table.c.contact.in_(chunk)
                if table is aliases:  # whoever has another key of a person in use finds it
                    rows &= table.c.contact.not_in(kept)
                t.execute(sa.delete(table).where(rows))
        known = sum(not there.isdisjoint(keys) for keys in people)
        return Forgotten(known, gone, sum(not in_use.isdisjoint(keys) for keys in people))

    def purge(self, t: Transaction, before: float) -> int:
        """Delete answers that came before a moment, at every service; return how many.

        What was sent and not answered is spared, whenever that was: it may be charged.
        """
        self._delete_dead_runs(t)
        gone = t.execute(statements.PURGE, {"before_date": before}).rowcount
        t.execute(statements.PURGE_BODIES, {"before_date": before})
        nobody = sa.select(entries.c.contact).where(
            entries.c.service == aliases.c.service,
            entries.c.contact == aliases.c.contact,
            entries.c.type == aliases.c.type,
        )
        t.execute(sa.delete(aliases).where(sa.not_(nobody.exists())))
        t.execute(sa.delete(schema.aside).where(schema.aside.c.at < before))
        waits = (
            sa.select(schema.members.c.job)
            .join(entries, entries.c.contact == schema.members.c.contact)
            .where(entries.c.state.in_(("sent", "enqueued", "submitted")))
        )
        old = sa.select(schema.jobs.c.id).where(
            schema.jobs.c.created < before, schema.jobs.c.id.not_in(waits)
        )
        ids = list(t.connection.scalars(old))
        for table, column in (
            (schema.members, "job"), (schema.batches, "job"), (schema.jobs, "id"),
        ):  # fmt: skip
            for chunk in _chunks(ids):
                t.execute(sa.delete(table).where(table.c[column].in_(chunk)))
        return gone

    def count(self, t: Transaction) -> list[tuple[str, str, int, float, float]]:
        """Return service, state, number of entries, and the first and last moment of each.

        A claim is no state of its own: it shows what was there before, if anything.
        """
        at, claimed = entries.c.at, entries.c.state == "claimed"
        state = sa.case((claimed, entries.c.before), else_=entries.c.state)
        columns = (entries.c.service, state, sa.func.count(), sa.func.min(at), sa.func.max(at))
        rows = sa.select(*columns).where(state.is_not(None)).group_by(entries.c.service, state)
        return [tuple(row) for row in t.execute(rows.order_by(entries.c.service, state))]

    @staticmethod
    def count_payloads(t: Transaction) -> int:
        """Return how many webhook payloads were set aside."""
        return int(t.scalar(sa.select(sa.func.count()).select_from(schema.aside)) or 0)

    def _there(self, wanted: Sequence[Wanted]) -> Sequence[Wanted]:
        """Return those of a large list that the ledger may know, where it holds fewer people."""
        known: set[str] = set()
        with self.read() as t:
            mine = sa.select(sa.func.count()).where(entries.c.service == self.service)
            if (t.scalar(mine) or 0) > len(wanted):
                return wanted
        for table, column in ((entries, "contact"), (aliases, "alias")):
            known.update(self._scan(table, table.c[column]))
        return [one for one in wanted if not known.isdisjoint(one.keys)]

    def _scan(self, table: sa.Table, column: sa.ColumnElement[str]) -> Iterator[str]:
        last = ""
        while True:
            these = (
                sa.select(column)
                .where(table.c.service == self.service, column > last)
                .order_by(column)
                .limit(PIECE)
            )
            with self.read() as t:
                found = t.connection.scalars(these).all()
            yield from found
            if len(found) < PIECE:
                return
            last = found[-1]

    def _entries(
        self, t: Transaction, keys: Sequence[Key], alive: set[str], *, bodies: bool
    ) -> dict[Key, Entry]:
        """Return the entries under just these keys."""
        columns = [c for c in entries.columns if bodies or c is not entries.c.body]
        found: dict[Key, Entry] = {}
        types = sorted({type_ for _, type_ in keys})
        for chunk in _chunks(list(dict.fromkeys(contact for contact, _ in keys))):
            these = sa.select(*columns).where(
                entries.c.service == self.service,
                entries.c.contact.in_(chunk),
                entries.c.type.in_(types),
            )
            for row in t.execute(these).all():
                state = _seen(row, alive)
                if state is not None:
                    body = row.body if bodies else None
                    entry = Entry(row.contact, state, row.at, body, row.enrichment_id)
                    found[row.contact, row.type] = entry
        return found

    def _other_keys(self, t: Transaction, wanted: Sequence[Wanted]) -> dict[Key, list[Key]]:
        """Return for each the other keys under which an entry may stand, the best one first."""
        named = self._aliases(t, wanted)
        return {
            one.key: [
                *((key, one.type) for key in one.keys[1:]),
                *((named[key, one.type], one.type) for key in one.keys if (key, one.type) in named),
            ]
            for one in wanted
        }

    def _places(self, t: Transaction, wanted: Sequence[Wanted]) -> dict[Key, Key]:
        """Return for each the key under which its entry stands or is to be made.

        Its other keys are written down, so that whoever has one of them finds it.
        """
        at = {one.key: one.key for one in wanted}
        several = [one for one in wanted if len(one.keys) > 1]
        if not several:
            return at
        named = self._aliases(t, several)
        there = self._standing(t, [*(key for one in several for key in one.keys), *named.values()])
        rows: dict[Key, str] = {}
        for one in several:
            own = [(key, one.type) for key in one.keys]
            other = [(named[key], one.type) for key in own if key in named]
            standing = [key for key in (*own, *other) if key in there]
            answered = [key for key in standing if there[key] == "answered"]
            contact, _ = next(iter((*answered, *standing, *other, *own)))
            at[one.key] = contact, one.type
            for key in own:
                named.setdefault(key, contact)
                if key[0] != contact:
                    rows[key] = contact
        t.execute(
            statements.alias(t.dialect),
            [
                {"service": self.service, "alias": alias, "type": type_, "contact": contact}
                for (alias, type_), contact in sorted(rows.items())
            ],
        )
        return at

    def _standing(self, t: Transaction, contacts: Sequence[str]) -> dict[Key, str | None]:
        """Return the entries under these keys, in whatever state; a claim as what it covers."""
        found: dict[Key, str | None] = {}
        state = sa.case((entries.c.state == "claimed", entries.c.before), else_=entries.c.state)
        for chunk in _chunks(list(dict.fromkeys(contacts))):
            these = sa.select(entries.c.contact, entries.c.type, state).where(
                entries.c.service == self.service, entries.c.contact.in_(chunk)
            )
            found |= {(contact, type_): is_ for contact, type_, is_ in t.execute(these)}
        return found

    def _aliases(self, t: Transaction, wanted: Sequence[Wanted]) -> dict[Key, str]:
        """Return for each key that is an alias the key of its entry."""
        found: dict[Key, str] = {}
        for chunk in _chunks(list(dict.fromkeys(key for one in wanted for key in one.keys))):
            these = sa.select(aliases.c.alias, aliases.c.type, aliases.c.contact).where(
                aliases.c.service == self.service, aliases.c.alias.in_(chunk)
            )
            found |= {(row.alias, row.type): row.contact for row in t.execute(these)}
        return found

    def _adopted(self, t: Transaction, known: Mapping[Key, Entry], run: Run) -> dict[Key, Entry]:
        """Take over what dead runs have submitted; what another run was quicker to take is held."""
        submitted = [key for key, entry in known.items() if entry.state == "submitted"]
        mine = set(self._change(t, statements.ADOPT, submitted, me=run.id))
        return {key: Entry(key[0], "held") for key in submitted if key not in mine}

    def _change(
        self, t: Transaction, statement: Any, keys: Sequence[Key], **values: Any
    ) -> Iterable[Key]:
        """Run a statement on these entries; return those that it returns."""
        changed: list[Key] = []
        for type_, group in groupby(sorted(keys, key=_by_type), key=_by_type):
            for chunk in _chunks([contact for contact, _ in group]):
                result = t.execute(
                    statement,
                    {"of_service": self.service, "of_type": type_, "contacts": chunk, **values},
                )
                if result.returns_rows:
                    changed += [(contact, type_) for contact in result.scalars()]
        return changed

    def _alive(self, t: Transaction) -> set[str]:
        return {lease.run.id for lease in self._leases(t) if _is_alive(lease, t)}

    @staticmethod
    def _leases(t: Transaction) -> list[Lease]:
        return [
            Lease(Run(row.id, row.machine, row.process), row.lease, row.renewed)
            for row in t.execute(_RUNS)
        ]

    def _delete_dead_runs(self, t: Transaction) -> None:
        dead = [lease.run.id for lease in self._leases(t) if not _is_alive(lease, t)]
        if dead:
            t.execute(sa.delete(runs).where(runs.c.id.in_(dead)))


@dataclass(frozen=True, slots=True)
class Claims:
    """What became of an attempt to claim.

    Parameters
    ----------
    taken : dict
        For each key that is the run's now, the key of the person under which its entry stands.
    kept : dict
        The entries that were not taken.
    """

    taken: dict[Key, str]
    kept: dict[Key, Entry]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was deleted.

    Parameters
    ----------
    people : int
        Of whom something was known.
    entries : int
        One a person, type and service.
    in_use : int
        People whom a run was asking for; their entries are empty, and stay until it ends.
    """

    people: int
    entries: int
    in_use: int


_RUNS: Final = sa.select(runs)
_CLAIM_LOCK: Final = 0x50524F43  # any number that nobody else locks


def connect(where: str | None, service: str) -> Ledger:
    """Open the ledger of a service, ready for use.

    Parameters
    ----------
    where : str, optional
        A path, a URL, or None for the memory of this process.
    service : str
        Whose answers.

    Raises
    ------
    LedgerError
        Where it cannot be used; nothing was sent.
    """
    return Ledger(open_database(where), service)


def _seen(row: Any, alive: Container[str]) -> State | None:
    """Return what an entry is to other runs; None where it counts for nothing."""
    if row.state in {"claimed", "sent", "submitted"}:
        if row.run in alive:
            return "held"
        left = {"claimed": row.before, "sent": "unknown", "submitted": "submitted"}
        return cast("State | None", left[row.state])
    return cast("State", row.state)


def _answered(entry: Entry | None) -> bool:
    return entry is not None and entry.state == "answered"


def _is_alive(lease: Lease, t: Transaction) -> bool:
    return is_alive(lease, t.now, t.date, one_clock=t.one_clock)


def _by_type(key: Key) -> str:
    return key[1]


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
