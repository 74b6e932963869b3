"""What must always hold, checked against the service's own account of what it was asked."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..seams.api import Contact, parse
from ..seams.bulk import Payload
from ..seams.sending import Outcome, Request
from ..seams.storage import LEASE, Key
from .ledgers import raw
from .people import are_same, who
from .world import Process, World

ROUNDS = 0.0005
"""Seconds that may pass between a turn and the start, in which a loop goes round."""


class Row(NamedTuple):
    """An entry as the database has it."""

    state: str
    run: str | None
    before: str | None
    body: str | None


@dataclass(eq=False)
class Work:
    """One person and type that the service worked on; what it answered, and who got it."""

    run: RunState
    contact: Contact
    type: str
    at: float
    key: Key
    charged: float = 0.0
    values: int = 0
    body: str | None = None
    name: str | None = None
    awaited: bool = True
    stored: float = math.inf
    forgotten: bool = False


@dataclass(eq=False)
class RunState:
    """What is noted of a run.

    Parameters
    ----------
    process : Process
        Where it runs.
    refresh, resend : bool
        Whether answers, and requests of unknown fate, may be sent again.
    most : float
        Credits that it may cost.
    """

    process: Process
    refresh: bool
    resend: bool
    most: float
    began: float = 0.0
    mode: str = "sync"
    flying: set[Key] = field(default_factory=set)
    entered: set[Key] = field(default_factory=set)
    entered_at: dict[Key, float] = field(default_factory=dict)
    lapsed: bool = False
    unstored: set[str] = field(default_factory=set)
    outcomes: dict[tuple[int, str], Outcome] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its name in the ledger."""
        return self.process.run.id


class Oracle:
    """Watches, and fails the world where something happens that must not.

    Parameters
    ----------
    world : World
        What is watched.
    rate : int
        Starts that no closed sliding second may exceed.
    tolerance : float
        Seconds by which the dates of two machines differ at most.
    """

    def __init__(self, world: World, rate: int, tolerance: float) -> None:
        self.world, self._rate, self._tolerance = world, rate, tolerance
        self.runs: dict[str, RunState] = {}
        self.works: dict[tuple[int, str], list[Work]] = defaultdict(list)
        self.bodies: dict[str, list[Work]] = defaultdict(list)
        self.named: dict[str, list[Work]] = defaultdict(list)
        self.explained: set[Key] = set()
        self.purging = False
        self._starts: dict[str, deque[float]] = defaultdict(deque)
        self._rows: dict[Key, Row] = {}
        self._losses: dict[Key, float] = {}
        self._leases: dict[str, float] = {}
        self._lease_values: dict[str, float] = {}

    def fail(self, text: str) -> None:
        """Fail the simulation."""
        self.world.fail(text)

    # Requests

    def started(self, process: Process) -> None:
        """Count a start of a request, at the moment when the client makes it."""
        turn = process.turns.pop(0) if process.turns else None
        if turn is None:
            self.fail(f"run {process.number} starts a request without a turn")
        elif turn < process.paused_until:
            return  # stopped between its turn and its start, which nobody can see
        starts, now = self._starts[process.machine.name], self.world.now
        starts.append(now)
        while starts[0] < now - 1 + ROUNDS:
            starts.popleft()
        if len(starts) > self._rate:
            self.fail(f"{len(starts)} starts in a second, {self._rate} are allowed")

    def leaves(self, run: RunState, keys: Sequence[Key]) -> None:
        """Check that the entries of a request say so when it leaves."""
        rows = self._read()
        for key in keys:
            row = rows.get(key)
            if row is None or (row.state, row.run) not in {("sent", run.id), ("answered", None)}:
                self.fail(f"{_short(key)} leaves run {run.process.number} and its entry is {row}")
        run.flying.update(keys)

    def worked(self, run: RunState, contact: Contact, type_: str, key: Key) -> Work:
        """Note that the service works on somebody, and check that it may."""
        person, form = who(contact)
        work = Work(run, contact, type_, run.entered_at[key], key)
        works = self.works[person, type_]
        last = {earlier.key: earlier for earlier in works}
        for earlier in works:
            if earlier.forgotten or not are_same(contact, earlier.contact, type_):
                continue
            if earlier.at > work.at:  # the request of a dead run was long on its way
                first, later = work, earlier
            else:
                first, later = earlier, work
            known = any(w.key == first.key and w.stored <= later.run.began for w in works)
            if known and later.run.refresh and not self._held(first):
                continue
            if not self._may_follow(later, first, last=last.get(first.key) in {first, None}):
                self.fail(
                    f"person {person}.{form} is asked for twice for {type_}: by run "
                    f"{earlier.run.process.number} at {earlier.at:.3f}, and by run "
                    f"{run.process.number}"
                )
        self.works[person, type_].append(work)
        return work

    def _may_follow(self, later: Work, earlier: Work, *, last: bool) -> bool:
        run = later.run
        latest = run.began + self._tolerance
        if self._held(earlier):
            return False
        if run.resend and self._losses.get(earlier.key, math.inf) <= latest:
            return True
        if earlier.stored < later.at:
            return not last or (run.refresh and earlier.stored <= latest)
        return not last or (run.resend and earlier.at <= latest)

    def _held(self, work: Work) -> bool:
        """Return whether a living run waits for an answer."""
        waits = work.awaited and work.name is None and math.isinf(work.stored)
        return waits and self.alive(work.run)

    def alive(self, run: RunState) -> bool:
        """Return whether a run's lease surely holds."""
        margin = self._tolerance + 0.5
        there = run.process in self.world.running
        return there and self._leases.get(run.id, 0.0) > self.world.now + margin

    def lost(self, keys: Iterable[Key], works: Iterable[Work]) -> None:
        """Note that an answer did not come."""
        self.explained.update(keys)
        self._losses |= dict.fromkeys(keys, self.world.now)
        for work in works:
            work.awaited = False

    def fetched(self, run: RunState, name: str) -> None:
        """Check that nobody else waits for what a run fetches."""
        rows = self._read()
        found = [rows.get(work.key) for work in self.named.get(name, ())]
        if any(row is not None and row.run == run.id for row in found):
            return  # two types of one request may be two runs' to fetch
        for row in found:
            if row is not None and row.state == "submitted" and row.run not in {None, run.id}:
                other = self.runs[str(row.run)]
                if self.alive(other) and self.alive(run) and not run.lapsed:
                    self.fail(f"runs {other.process.number} and {run.process.number} fetch {name}")

    # The ledger

    def ended(self, run: RunState, left: set[Key]) -> None:
        """Note that a run has ended; where it could not write so, what it left is unknown."""
        found = raw().execute("SELECT 1 FROM pronto_runs WHERE id = ?", (run.id,)).fetchone()
        if found is not None:
            self.explained |= left

    def stored(self, body: str, keys: Iterable[Key]) -> None:
        """Check that a write of an answer that returned was done."""
        for work in self.bodies[body]:
            if work.key in keys and math.isinf(work.stored):
                self.fail(f"an answer about {who(work.contact)} was not stored")

    def _stored(self, key: Key, body: str | None) -> None:
        """Note that an answer was committed."""
        for work in self.bodies.get(body or "", ()):
            if work.key == key:
                work.stored = min(work.stored, self.world.now)
                work.awaited = False

    def rows(self) -> dict[Key, Row]:
        """Return all entries as they are now."""
        return self._read()

    def forget(self, keys: set[Key]) -> None:
        """Note that these entries were purged: who stood under them may be asked for again."""
        for works in self.works.values():
            for work in works:
                work.forgotten = work.forgotten or work.key in keys

    def row(self, key: Key) -> Row | None:
        """Return an entry as it is now."""
        return self._read().get(key)

    def delivered(self, payload: Payload, work: Work, before: Row | None) -> None:
        """Check what became of a delivery that was taken."""
        after, body = self.row((payload.contact, work.type)), payload.body
        if after is None or "answered" not in after or after.body is None:
            self.fail(f"a delivery was taken, and its entry is {after}")
            return
        worse = before is not None and before.state == "answered" and _found(before.body, work)
        if worse and not _found(body, work) and after.body == body:
            self.fail("a delivery without data replaced one with data")
        if (before is None or "answered" not in before) and after.body != body:
            self.fail("a delivery was taken and not stored")

    def killed(self, process: Process) -> None:
        """Note what a dead run leaves behind."""
        run = self.runs.get(process.run.id)
        if run is not None:
            self.silent(run)

    def silent(self, run: RunState) -> None:
        """Note that what a run has sent is unknown to the others, at least for a while."""
        self.explained |= run.entered | run.flying
        for key in run.entered | run.flying:
            self._losses[key] = run.entered_at[key]

    def _read(self) -> dict[Key, Row]:
        found = raw().execute("SELECT contact, type, state, run, before, body FROM pronto_entries")
        return {(row[0], row[1]): Row(*row[2:]) for row in found}

    def committed(self, process: Process | None) -> None:
        """Check each change of an entry: whether the one who made it may."""
        new, old = self._read(), self._rows
        self._rows = new
        by = None if process is None else self.runs.get(process.run.id)
        for key in old.keys() | new.keys():
            before, after = old.get(key), new.get(key)
            if before != after:
                self._log(process, key, before, after)
                if after is not None and after.state == "answered":
                    self._stored(key, after.body)
                why = self._wrong(key, before, after, by)
                if why:
                    actor = "nobody" if by is None else by.process.number
                    self.fail(f"{why}: {_short(key)} by run {actor}: {before} -> {after}")
        for name, lease in raw().execute("SELECT id, lease FROM pronto_runs"):
            if self._lease_values.get(name) != lease:
                self._lease_values[name] = lease
                if self._leases.get(name, math.inf) < self.world.now + 1 + self._tolerance:
                    self.runs[name].lapsed = True
                self._leases[name] = self.world.now + LEASE

    def _log(
        self, process: Process | None, key: Key, before: Row | None, after: Row | None
    ) -> None:
        change = " -> ".join("none" if row is None else row.state for row in (before, after))
        self.world.log(process, f"\t{_short(key)}: {change}")

    def _wrong(
        self, key: Key, before: Row | None, after: Row | None, by: RunState | None
    ) -> str | None:
        """Return what is wrong about a change, if anything."""
        if before is None:
            return self._wrong_new(after, by)
        owner = None
        if before.state in {"claimed", "sent", "submitted"} and before.run is not None:
            owner = self.runs.get(before.run)
        mine = owner is not None and owner is by
        flies = owner is not None and key in owner.flying
        if after is None:
            return self._wrong_deleted(before, owner, mine=mine, flies=flies)
        if before.body is not None and after.body is None:
            earlier = self.purging and before.state != "answered"
            return None if earlier else "a body is deleted"
        if after.state == "answered":
            if after.body not in self.bodies:
                return "an answer that nobody gave"
            return None
        if before.state == "answered":
            fine = by is not None and by.refresh and after.state == "claimed"
            return None if fine and after.before == "answered" else "an answer is overwritten"
        if owner is not None and not mine and self.alive(owner):
            taken = before.state == "claimed" and after.state in {"submitted", "enqueued"}
            return None if taken else "an entry of a living run is taken"
        if after.state == "sent" and not (mine and before.state in {"claimed", "sent"}):
            return "sent without a claim"
        if before.state == "sent" and mine and flies and after.state == "claimed":
            return "an entry is claimed while its request is in flight"
        if after.state == "claimed" and not mine:
            return self._wrong_claim(before, after, by)
        return None

    def _wrong_new(self, after: Row | None, by: RunState | None) -> str | None:
        """Return what is wrong about a new entry."""
        assert after is not None
        if after.state == "answered":
            return None if after.body in self.bodies else "an answer that nobody gave"
        fine = by is not None and after == Row("claimed", by.id, None, None)
        return None if fine else "an entry out of nothing"

    def _wrong_deleted(
        self, before: Row, owner: RunState | None, *, mine: bool, flies: bool
    ) -> str | None:
        """Return what is wrong about an entry that is deleted."""
        if self.purging:
            state = before.state
            if state == "claimed" and (owner is None or not self.alive(owner)):
                state = before.before or state  # the claim of a dead run counts for nothing
            return None if state == "answered" else "an open entry is purged"
        gone = before.state == "claimed" and before.before is None
        if gone and owner is not None and not mine and self.alive(owner):
            return "a claim of another run is deleted"
        if not gone and not (before.state == "sent" and mine and not flies):
            return "an entry is deleted"
        return None if before.before is None else "what was known before is deleted"

    def _wrong_claim(self, before: Row, after: Row, by: RunState | None) -> str | None:
        """Return what is wrong about a claim of what another run has left."""
        if before.state == "submitted":
            return "what was submitted is claimed"
        if before.state in {"unknown", "enqueued", "sent"} and not (by and by.resend):
            return "what is unknown is claimed"
        if before.state == "sent" and after.before != "unknown":
            return "what was sent is free"
        return None

    # Outcomes

    def told(self, run: RunState, job: Request, outcome: Outcome, *, final: bool = False) -> None:
        """Check an outcome against what the service did."""
        for type_ in job.types:
            place = (job.number, type_)
            if place in run.outcomes and not final:
                self.fail(f"run {run.process.number} tells of job {place} twice")
            run.outcomes[place] = outcome
            self._true(run, job.contact, type_, outcome)

    def _true(self, run: RunState, contact: Contact, type_: str, outcome: Outcome) -> None:
        person, form = who(contact)
        name = f"person {person}.{form} {type_} of run {run.process.number}"
        mine = [w for w in self.works[person, type_] if are_same(w.contact, contact, type_)]
        if outcome.state == "answered":
            body = "" if outcome.answer is None else outcome.answer.body
            works = [w for w in self.bodies.get(body, ()) if w in mine]
            if not works:
                self.fail(f"{name}: an answer that the service did not give")
            elif all(math.isinf(w.stored) for w in works) and body not in run.unstored:
                self.fail(f"{name}: an answer is told before it is stored")
        elif outcome.state == "pending":
            asked = [w for w in mine if w.run is run and w.contact == contact]
            if any(not w.forgotten and w.name is None for w in asked):
                self.fail(f"{name}: asked for, and said to be pending ({outcome.message})")

    def bill(self) -> None:
        """Check that no run cost more than it may."""
        costs: dict[str, float] = defaultdict(float)
        for works in self.works.values():
            for work in works:
                costs[work.run.id] += work.charged
        for name, cost in costs.items():
            if cost > self.runs[name].most:
                self.fail(f"{name} cost {cost:g}, and {self.runs[name].most:g} are allowed")

    def charged(self) -> None:
        """Check that the ledger has a charge of all that the service worked on, and no more."""
        rows: dict[tuple[str, str], list[int | None]] = defaultdict(list)
        for run, type_, count in raw().execute("SELECT run, type, charged FROM pronto_charges"):
            rows[run.replace("record", "run"), type_].append(count)
        for (_, type_), row in self._read().items():
            if row.state == "sent" and row.run is not None:
                rows[row.run, type_].append(None)  # of a dead run that nobody has noticed
        every: dict[tuple[str, str], list[Work]] = defaultdict(list)
        for works in self.works.values():
            for work in works:
                every[work.run.id, work.type].append(work)
        for key in rows.keys() | every.keys():
            self._check_charges(f"{key[0]} {key[1]}", rows[key], every[key])

    def _check_charges(self, name: str, rows: list[int | None], works: list[Work]) -> None:
        if len(rows) < len(works):
            self.fail(f"{name}: {len(works)} people may be charged, and {len(rows)} are recorded")
        values = sum(count or 0 for count in rows)
        most = sum(work.values for work in works)
        # An answer of a batch may be delivered empty first.
        stored = [w for w in works if not math.isinf(w.stored) and w.run.mode != "bulk"]
        if not sum(work.values for work in stored) <= values <= most:
            self.fail(f"{name}: {values} values are recorded as charged, and {most} were")

    def kept(self) -> None:
        """Check that each answer that was stored is there."""
        rows = self._read()
        refreshes = any(run.refresh for run in self.runs.values())
        for works in self.works.values():
            for work in works:
                if math.isinf(work.stored) or work.forgotten:
                    continue
                row = rows.get(work.key)
                fine = row is not None and (row.state == "answered" or refreshes)
                if not fine or row is None or not self._of(row.body, work):
                    self.fail(
                        f"an answer about {who(work.contact)} {work.type} is lost: "
                        f"{_short(work.key)} is {row}"
                    )

    def _of(self, body: str | None, work: Work) -> bool:
        """Return whether a body is the answer of this work, or of another under the same entry."""
        return any(w.key == work.key for w in self.bodies.get(body or "", ()))


def _found(body: str | None, work: Work) -> bool:
    return parse(body or "{}").has(work.type)  # type: ignore[arg-type]  # one of the types


def _short(key: Key) -> str:
    return f"{key[0][:6]}/{key[1]}"
