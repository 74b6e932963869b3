"""The ledger of one service: reads, claims and writes its entries in transactions."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, cast

import sqlalchemy as sa

from ..api.body import storable
from . import charges, schema, statements
from .database import Database, Transaction, open_database
from .entry import Entry, Key, Renewal, State, Wanted
from .lease import LEASE, Lease, Run, RunRecord, is_alive
from .schema import aliases, entries, runs

CHUNK: Final = 400
"""Keys per statement; SQLite limits the number of values."""

PIECE: Final = 20 * CHUNK
"""Keys per transaction of a large read."""

SCAN: Final = 10_000
"""With more keys than this, it is faster to read first which keys the ledger has."""


class Ledger:
    """The entries of one service.

    Parameters
    ----------
    database : Database
        The database with the entries.
    service : str
        The service that gave the answers; the sandbox's never mix with Pronto's.
    """

    def __init__(self, database: Database, service: str) -> None:
        self.database, self.service = database, service
        self.read, self.write = database.read, database.write

    @property
    def place(self) -> str:
        """Path or URL for messages, without a password."""
        return self.database.place

    def date(self) -> float:
        """Return the seconds since 1970, by the clock that dates entries."""
        with self.read() as t:
            return t.date

    def find(self, wanted: Sequence[Wanted], *, bodies: bool = True) -> dict[Key, Entry]:
        """Return the entries of these people, read in several short transactions.

        With ``bodies=False``, entries come without their answers, which take longest to read.
        """
        if len(wanted) > SCAN:
            wanted = self._there(wanted)
        found: dict[Key, Entry] = {}
        for start in range(0, len(wanted), PIECE):
            with self.read() as t:
                found |= self.find_in(t, wanted[start : start + PIECE], bodies=bodies)
        return found

    def held_elsewhere(self, t: Transaction, wanted: Sequence[Wanted], run: Run) -> set[Key]:
        """Return the keys that another active run holds."""
        alive = self._alive(t) - {run.id}
        found = self._find(t, wanted, alive, bodies=False)
        return {key for key, entry in found.items() if entry.state == "held"}

    def find_in(
        self, t: Transaction, wanted: Sequence[Wanted], *, bodies: bool = True
    ) -> dict[Key, Entry]:
        """Return the entries of these people, read within a transaction.

        A dead run's claims are ignored. If a person has several entries, an answered one is
        preferred.
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
        """Claim for a run the entries that may be sent, and return those that may not.

        The run also takes over entries that a dead run has submitted, and returns them. It returns
        the entries that it has submitted itself, too, as no other run fetches them.

        ``busy`` contains the entries that the run has already claimed for another request; they are
        returned as held.
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
        alive = {lease.run.id for lease in _leases(t)}
        known = self._entries(t, [p for p in left if p in busy], alive, bodies=True)
        # An earlier attempt at this claim may have adopted entries: they are this run's, not held.
        others = [p for p in left if p not in busy]
        known |= self._entries(t, others, alive - {run.id}, bodies=True)
        known |= self._adopted(t, known, run)
        claims = Claims({}, {})
        for key, place in at.items():
            if place in taken and first[place] == key:
                claims.taken[key] = place[0]
            else:  # freed since, or a duplicate within this claim
                held = Entry(place[0], "held")
                entry = known.get(place, held)
                # If two share one submitted entry, one fetches it and the other waits.
                waits = entry.state == "submitted" and first.get(place) != key
                claims.kept[key] = held if waits else entry
        return claims

    def send(
        self, t: Transaction, keys: Sequence[Key], run: Run, *, again: bool = False
    ) -> set[Key]:
        """Record that a run's requests are sent after this commit; return those that may be.

        A request may not be sent if another run has taken over its entry, or if the run's lease
        has expired. ``again``: the transaction is a retry, and the first attempt may have been
        committed.
        """
        statement = statements.SEND_AGAIN if again else statements.SEND
        return set(self._change(t, statement, keys, me=run.id, now=t.now, date=t.date))

    def unsend(self, t: Transaction, keys: Sequence[Key], run: Run) -> None:
        """Record that requests were certainly not processed; their entries stay claimed."""
        self._change(t, statements.UNSEND, keys, me=run.id)

    def submit(self, t: Transaction, keys: Sequence[Key], run: Run, enrichment_id: str) -> None:
        """Record that Pronto has accepted a request, with its enrichment ID."""
        self._change(
            t, statements.SUBMIT, keys, me=run.id, name=storable(enrichment_id), date=t.date
        )

    def enqueue(self, t: Transaction, keys: Sequence[Key], run: Run, enrichment_id: str) -> None:
        """Record that Pronto has accepted a batch and will deliver its answers."""
        self._change(
            t, statements.ENQUEUE, keys, me=run.id, name=storable(enrichment_id), date=t.date
        )

    def answer(self, t: Transaction, bodies: Mapping[Key, str]) -> None:
        """Store unmodified answers."""
        rows = [
            {"service": self.service, "contact": contact, "type": type_, "state": "answered",
             "body": body, "at": t.date}
            for (contact, type_), body in sorted(bodies.items())
        ]  # fmt: skip
        if rows:
            t.execute(statements.answer(t.dialect), rows)

    def leave(self, t: Transaction, keys: Sequence[Key], run: Run) -> None:
        """Let any run fetch the answers that this run has requested and no longer waits for."""
        self._change(t, statements.LEAVE, keys, me=run.id)

    def lose(self, t: Transaction, keys: Sequence[Key], run: Run) -> None:
        """Record that requests were sent and their outcome is unknown."""
        self._change(t, statements.LOSE, keys, me=run.id, date=t.date)

    def release(self, t: Transaction, keys: Sequence[Key], run: Run) -> None:
        """Release a run's claims; their entries return to their previous state."""
        self._change(t, statements.RESTORE, keys, me=run.id)
        self._change(t, statements.REMOVE, keys, me=run.id)

    def renew(self, t: Transaction, run: Run) -> None:
        """Give a run a new lease."""
        row = {"id": run.id, "machine": run.machine, "process": run.process,
               "lease": t.now + LEASE, "renewed": t.date,
               "account": run.record and run.record.account,
               "record": run.record and run.record.id}  # fmt: skip
        t.execute(statements.lease(t.dialect), row)

    def end(self, t: Transaction, run: Run) -> None:
        """End a run; the next run can fetch the answers that it submitted and did not fetch."""
        t.execute(statements.LEAVE_ALL, {"me": run.id})
        t.execute(statements.END, {"me": run.id})

    def forget(self, t: Transaction, people: Sequence[Collection[str]]) -> Forgotten:
        """Delete the entries of people at every service.

        An entry that an active run holds is emptied, not deleted, so that it is not sent twice.

        Parameters
        ----------
        t : Transaction
            A write transaction.
        people : sequence
            For each person, all keys under which an entry may exist.
        """
        self._delete_dead_runs(t)  # records what they may have been charged for
        held = sa.and_(
            entries.c.state.in_(("claimed", "sent", "submitted")),
            entries.c.run.is_not(None),  # otherwise NOT held would be NULL
            entries.c.run.in_(self._alive(t)),
        )
        found: set[str] = set()
        in_use: set[str] = set()
        deleted = 0
        for chunk in _chunks(list(dict.fromkeys(key for keys in people for key in keys))):
            named = sa.select(aliases.c.alias, aliases.c.contact).where(aliases.c.alias.in_(chunk))
            pairs = t.execute(named).all()
            contacts = [*chunk, *(contact for _, contact in pairs)]
            these = entries.c.contact.in_(contacts)
            found.update(alias for alias, _ in pairs)
            found.update(t.connection.scalars(sa.select(entries.c.contact).where(these)))
            kept = set(t.connection.scalars(sa.select(entries.c.contact).where(these, held)))
            in_use |= kept | {alias for alias, contact in pairs if contact in kept}
            t.execute(sa.update(entries).where(these, held).values(body=None, before=None))
            unused = sa.delete(entries).where(these, sa.not_(held))
            deleted += t.execute(unused).rowcount
            self._forget_references(t, contacts, kept)
        return Forgotten(
            people=sum(not found.isdisjoint(keys) for keys in people),
            entries=deleted,
            in_use=sum(not in_use.isdisjoint(keys) for keys in people),
        )

    @staticmethod
    def _forget_references(t: Transaction, contacts: Sequence[str], in_use: set[str]) -> None:
        """Delete people from bulk jobs and payloads, and the aliases of entries not in use."""
        charges.unlink(t, contacts)
        for table in (aliases, schema.members, schema.aside):
            rows: sa.ColumnElement[bool] = table.c.contact.in_(contacts)
            if table is aliases:
                rows &= table.c.contact.not_in(in_use)
            t.execute(sa.delete(table).where(rows))

    def purge(self, t: Transaction, before: float) -> int:
        """Delete the answers of every service from before a date; return how many.

        Requests without an answer are kept, whatever their age: they may have been charged.
        """
        self._delete_dead_runs(t)
        deleted = t.execute(statements.PURGE, {"before_date": before}).rowcount
        t.execute(statements.PURGE_BODIES, {"before_date": before})
        named = sa.select(entries.c.contact).where(
            entries.c.service == aliases.c.service,
            entries.c.contact == aliases.c.contact,
            entries.c.type == aliases.c.type,
        )
        t.execute(sa.delete(aliases).where(sa.not_(named.exists())))
        t.execute(sa.delete(schema.aside).where(schema.aside.c.at < before))
        self._purge_jobs(t, before)
        return deleted

    @staticmethod
    def _purge_jobs(t: Transaction, before: float) -> None:
        """Delete bulk jobs created before a date that no longer wait for an answer."""
        waiting = (
            sa.select(schema.members.c.job)
            .join(entries, entries.c.contact == schema.members.c.contact)
            .where(entries.c.state.in_(("sent", "enqueued", "submitted")))
        )
        old = sa.select(schema.jobs.c.id).where(
            schema.jobs.c.created < before, schema.jobs.c.id.not_in(waiting)
        )
        ids = list(t.connection.scalars(old))
        for table, column in (
            (schema.members, "job"), (schema.batches, "job"), (schema.jobs, "id"),
        ):  # fmt: skip
            for chunk in _chunks(ids):
                t.execute(sa.delete(table).where(table.c[column].in_(chunk)))

    def count(self, t: Transaction) -> list[tuple[str, str, int, float, float]]:
        """Return the number of entries and their oldest and newest dates, per service and state.

        A claim counts as the state before it, if there was one.
        """
        at, claimed = entries.c.at, entries.c.state == "claimed"
        state = sa.case((claimed, entries.c.before), else_=entries.c.state)
        columns = (entries.c.service, state, sa.func.count(), sa.func.min(at), sa.func.max(at))
        rows = sa.select(*columns).where(state.is_not(None)).group_by(entries.c.service, state)
        return [tuple(row) for row in t.execute(rows.order_by(entries.c.service, state))]

    @staticmethod
    def count_payloads(t: Transaction) -> int:
        """Return the number of webhook payloads that belong to no bulk job."""
        return int(t.scalar(sa.select(sa.func.count()).select_from(schema.aside)) or 0)

    def _there(self, wanted: Sequence[Wanted]) -> Sequence[Wanted]:
        """Reduce a list to what the ledger may contain, if the ledger is smaller than the list."""
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
        """Return the entries with exactly these keys."""
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
        """Return for each person the other keys of possible entries, best first."""
        named = self._aliases(t, wanted)
        return {
            one.key: [
                *((key, one.type) for key in one.keys[1:]),
                *((named[key, one.type], one.type) for key in one.keys if (key, one.type) in named),
            ]
            for one in wanted
        }

    def _places(self, t: Transaction, wanted: Sequence[Wanted]) -> dict[Key, Key]:
        """Return for each person the key of the existing or new entry.

        The person's other keys are stored as aliases, so that each of them finds the entry.
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
        """Return the state of each entry with these keys; a claim as the state before it."""
        found: dict[Key, str | None] = {}
        state = sa.case((entries.c.state == "claimed", entries.c.before), else_=entries.c.state)
        for chunk in _chunks(list(dict.fromkeys(contacts))):
            these = sa.select(entries.c.contact, entries.c.type, state).where(
                entries.c.service == self.service, entries.c.contact.in_(chunk)
            )
            found |= {(contact, type_): is_ for contact, type_, is_ in t.execute(these)}
        return found

    def _aliases(self, t: Transaction, wanted: Sequence[Wanted]) -> dict[Key, str]:
        """Return the entry's key for each key that is an alias."""
        found: dict[Key, str] = {}
        for chunk in _chunks(list(dict.fromkeys(key for one in wanted for key in one.keys))):
            these = sa.select(aliases.c.alias, aliases.c.type, aliases.c.contact).where(
                aliases.c.service == self.service, aliases.c.alias.in_(chunk)
            )
            found |= {(row.alias, row.type): row.contact for row in t.execute(these)}
        return found

    def _adopted(self, t: Transaction, known: Mapping[Key, Entry], run: Run) -> dict[Key, Entry]:
        """Take over what dead runs have submitted; return as held what another run took first."""
        submitted = [key for key, entry in known.items() if entry.state == "submitted"]
        mine = set(self._change(t, statements.ADOPT, submitted, me=run.id))
        return {key: Entry(key[0], "held") for key in submitted if key not in mine}

    def _change(
        self, t: Transaction, statement: Any, keys: Sequence[Key], **values: Any
    ) -> Iterable[Key]:
        """Run a statement on these entries; return the keys that it returns."""
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
        return {run.id for run in active_runs(t)}

    def _delete_dead_runs(self, t: Transaction) -> None:
        dead = dead_runs(t)
        if dead:
            charges.add(t, charges.lost_by(t, dead))
            t.execute(sa.delete(runs).where(runs.c.id.in_([run.id for run in dead])))


def active_runs(t: Transaction) -> list[Run]:
    """Return the runs that are alive."""
    return [lease.run for lease in _leases(t) if _is_alive(lease, t)]


def dead_runs(t: Transaction) -> list[Run]:
    """Return the runs that have died and are not deleted yet."""
    return [lease.run for lease in _leases(t) if not _is_alive(lease, t)]


def _leases(t: Transaction) -> list[Lease]:
    return [
        Lease(Run(row.id, row.machine, row.process, _record(row)), row.lease, row.renewed)
        for row in t.execute(_RUNS)
    ]


def _record(row: Any) -> RunRecord | None:
    return None if row.account is None else RunRecord(row.account, row.record)


@dataclass(frozen=True, slots=True)
class Claims:
    """Result of a claim.

    Parameters
    ----------
    taken : dict
        For each claimed key, the person's key in the ledger.
    kept : dict
        The entries that were not claimed.
    """

    taken: dict[Key, str]
    kept: dict[Key, Entry]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Counts of deleted people and entries.

    Parameters
    ----------
    people : int
        People who were in the ledger.
    entries : int
        One per person, type and service.
    in_use : int
        People whom an active run is looking up; their emptied entries are kept until it ends.
    """

    people: int
    entries: int
    in_use: int


_RUNS: Final = sa.select(runs)
_CLAIM_LOCK: Final = 0x50524F43  # arbitrary; no other program locks it


def connect(where: str | None, service: str) -> Ledger:
    """Open the ledger of a service.

    Parameters
    ----------
    where : str, optional
        A path, a URL, or None for a ledger in memory.
    service : str
        The service that gives the answers.

    Raises
    ------
    LedgerError
        The ledger cannot be used.
    """
    return Ledger(open_database(where), service)


def _seen(row: Any, alive: Container[str]) -> State | None:
    """Return an entry's state as other runs see it; None if it is void."""
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
