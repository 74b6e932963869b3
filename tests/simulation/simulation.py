"""One simulation: what is drawn for it, how it is run, and what is checked at its end."""

from __future__ import annotations

import functools
import math
import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

from pronto_pandas import LedgerError

from ..seams.api import Answer, EnrichmentType, ledger_name
from ..seams.api import Client as HttpClient
from ..seams.bulk import BulkCall, JobNotes, JobRow, webhook_mode
from ..seams.root import Lookup, Prices, look_up, renewal_of
from ..seams.sending import (
    MODES,
    Batch,
    Budget,
    Context,
    Dispatcher,
    Gcra,
    Mode,
    Outcome,
    RateLimit,
    Recorder,
    Request,
    Timing,
    wanted_by,
)
from ..seams.storage import LEASE, Claims, Ledger, Run, lease
from .ledgers import Faults, SimulatedDatabase, SimulatedWriter, emptied
from .network import Client, SimulatedService
from .oracle import Oracle, RunState
from .people import contact, who
from .world import EPOCH, Machine, Process, ViolationError, World, dice

ADDRESSES = ("pronto", "pipecorn", "https://api.prontohq.com/v2", "https://app.pipecorn.com/api/v2")
"""Names and addresses of one service."""

TYPES: tuple[tuple[EnrichmentType, ...], ...] = (
    ("email",), ("email",), ("phone",), ("email", "phone"), ("personal_email",)
)  # fmt: skip


@dataclass
class Disturbance:
    """What is done to a run, and when.

    Parameters
    ----------
    kind : str
        ``kill``, ``stop``, ``sleep``, ``interrupt``, ``abandon`` or ``cancel``.
    seconds : float
        How long.
    at : float
        Seconds after the run's start; or else
    write : int
        at so many writes, ``when`` "before", "after" or "acknowledged", and
    rounds : int
        so many rounds of the event loop later.
    """

    kind: str
    seconds: float = 0.0
    at: float | None = None
    write: int = 0
    when: str = "after"
    rounds: int = 1


@dataclass
class Plan:
    """What one run is to do."""

    start: float
    machine: int
    mode: str
    types: tuple[EnrichmentType, ...]
    people: list[tuple[int, int]]
    address: str = "pronto"
    refresh: bool = False
    resend: bool = False
    most: float = math.inf
    in_flight: int = 100
    timeout: float = 60.0
    retry_budget: float = 60.0
    slow: float = 0.01
    faults: Faults = field(default_factory=Faults)
    disturbances: list[Disturbance] = field(default_factory=list)


class Watched(Recorder):
    """A recorder whose calls are watched."""

    sim: Simulation
    state: RunState

    async def claim(self, requests: Sequence[Request]) -> Claims:
        claims = await super().claim(requests)
        wanted = {one.key for request in requests for one in wanted_by(request)}
        if claims.taken.keys() | claims.kept.keys() != wanted or (
            claims.taken.keys() & claims.kept.keys()
        ):
            self.sim.oracle.fail("a claim says nothing of some, or two things")
        return claims

    async def about_to_send(self, batches: Sequence[Batch]) -> tuple[list[Batch], list[Batch]]:
        keys = [key for batch in batches for key in batch.keys]
        self.state.entered.update(keys)
        self.state.entered_at |= dict.fromkeys(keys, self.sim.world.now)
        try:
            may, not_ours = await super().about_to_send(batches)
        except LedgerError:
            self.sim.oracle.explained.update(keys)
            raise
        if not_ours and self.sim.undisturbed():
            self.sim.oracle.fail("what nobody else has is given up")
        return may, not_ours

    def may_send(self, batch: Batch) -> bool:
        may = super().may_send(batch)
        if may and not self.state.process.dead:
            self.sim.oracle.leaves(self.state, batch.keys)
            self.state.process.leaving = batch.keys
        return may

    async def answered(self, batch: Batch, answer: Answer) -> None:
        await self._watched(batch, super().answered(batch, answer), answer.body)
        self.sim.oracle.stored(answer.body, batch.keys)

    async def enqueued(self, batch: Batch, enrichment_id: str) -> None:
        await self._watched(batch, super().enqueued(batch, enrichment_id))

    async def submitted(self, batch: Batch, enrichment_id: str) -> None:
        await self._watched(batch, super().submitted(batch, enrichment_id))

    async def not_processed(self, batch: Batch) -> None:
        await self._watched(batch, super().not_processed(batch))

    async def free(self, batch: Batch, message: str | None = None) -> None:
        await self._watched(batch, super().free(batch, message))

    async def __aexit__(self, *error: object) -> None:
        left = self.state.entered | self.state.flying
        try:
            await super().__aexit__(*error)
        finally:
            self.sim.oracle.ended(self.state, left)

    async def _watched(self, batch: Batch, call: Any, body: str = "") -> None:
        try:
            await call
        except LedgerError:
            self.state.unstored.add(body)
            self.sim.oracle.explained.update(batch.keys)
            raise
        self.state.entered.difference_update(batch.keys)


class WatchedRateLimit(RateLimit):
    """A rate limit whose starts are noted."""

    process: Process

    async def acquire(self) -> float:
        moment = await super().acquire()
        self.process.turns[:] = [*self.process.turns[-3:], self.process.world.now]
        return moment


class Simulation:
    """Some runs, what disturbs them, and what must hold.

    Parameters
    ----------
    seed : int
        Decides everything.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = chance = random.Random(seed)
        self.world = World(seed)
        self.machines = [
            Machine(self.world, f"machine-{n}", booted=chance.uniform(100, 1e6))
            for n in range(1 if chance.random() < 0.75 else 2)
        ]
        self.world.here = self.machines[0]
        for machine in self.machines[1:]:
            machine.date_offset = chance.choice([0.0, 0.0, -2.0, 2.0])
        coarse = chance.random() < 0.25
        for machine in self.machines:
            machine.coarse = coarse
        self.rate = chance.choice([4, 5, 10, 50, 50])
        several = len(self.machines) > 1
        tolerance = (1.0 if coarse and several else 0.0) + max(
            abs(machine.date_offset) for machine in self.machines
        )
        self.oracle = Oracle(self.world, self.rate, tolerance)
        self.service = SimulatedService(self.world, self.oracle, chance, self.rate)
        self.world.killed = self._killed
        self.plans = self._plans()
        self._number = 0
        receiver = self._process(self.machines[0])
        self.service.receiver = receiver
        self.service.webhook = Ledger(
            SimulatedDatabase(receiver, Faults(), lambda: self.oracle.committed(None)),
            ledger_name(ADDRESSES[0]),
        )
        self._finals: dict[int, RunState] = {}

    # What is drawn

    def _plans(self) -> list[Plan]:
        chance = self.chance
        crowd = chance.randint(3, 14)
        variants = chance.random() < 0.5
        people = [
            (person, form)
            for person in range(crowd)
            for form in (chance.sample(range(5), chance.choice([1, 2])) if variants else [0])
        ]
        self.dates = len(self.machines) == 1 and chance.random() < 0.25
        again = not self.dates and chance.random() < 0.5
        mode = chance.choice(["sync", "sync", "async", "bulk", "mixed"])
        types = chance.choice(TYPES)
        calm = chance.random() < 0.1
        plans = []
        for _ in range(chance.randint(1, 4)):
            plan = Plan(
                start=chance.choice([0.0, chance.uniform(0, 3), chance.uniform(0, 90)]),
                machine=chance.randrange(len(self.machines)),
                mode=mode if mode != "mixed" else chance.choice(["sync", "async", "bulk"]),
                types=types if chance.random() < 0.8 else chance.choice(TYPES),
                people=chance.sample(people, chance.randint(max(1, len(people) // 2), len(people))),
                address=chance.choice(ADDRESSES),
                refresh=again and chance.random() < 0.3,
                resend=again and chance.random() < 0.5,
                most=chance.choice([math.inf] * 4 + [10.0, 200.0, 500.0]),
                in_flight=chance.choice([1, 4, 100, 100]),
                timeout=chance.choice([20.0, 60.0, 120.0]),
                retry_budget=chance.choice([20.0, 120.0]),
                slow=chance.choice([0.003, 0.01, 0.05, 0.5]),
            )
            if plan.mode == "bulk":
                plan.types = plan.types[:1]
            if self.service.lossy:  # a small budget, and much that is charged and not seen
                plan.most = 200.0 if "phone" in plan.types else 8.0
            if not calm:
                self._disturb(plan)
            plans.append(plan)
        return plans

    def _disturb(self, plan: Plan) -> None:
        """Draw what goes wrong with a run."""
        chance = self.chance
        for _ in range(chance.choice([0, 0, 1, 1, 2, 3])):
            kind = chance.choice(
                ["kill", "kill", "stop", "stop", "stop", "sleep", "interrupt", "abandon", "cancel"]
            )
            seconds = chance.choice([chance.uniform(5, 29), chance.uniform(31, 120)])
            if kind == "interrupt" and chance.random() < 0.3:
                seconds = 0.0  # no second one
            one = Disturbance(kind, seconds)
            if chance.random() < 0.35:
                one.at = chance.choice([chance.uniform(0, 5), chance.uniform(0, 60)])
            else:
                one.write = chance.choice([chance.randint(1, 6), chance.randint(1, 40)])
                one.when = chance.choice(["before", "after", "acknowledged"])
                one.rounds = chance.randint(1, 5)
            plan.disturbances.append(one)
        if chance.random() < 0.15:
            begins = chance.uniform(0, 20) + plan.start
            plan.faults.busy = (begins, begins + chance.choice([1.0, 20.0, 60.0]))
        if chance.random() < 0.07:
            begins = chance.uniform(0, 10) + plan.start
            plan.faults.full = (begins, begins + chance.choice([0.5, 20.0]))
        if chance.random() < 0.25:
            for _ in range(chance.randint(1, 3)):
                plan.faults.lost[chance.randint(1, 30)] = chance.choice(["before", "after"])

    # How it is run

    def play(self) -> None:
        """Let everything happen, and check what must hold.

        Raises
        ------
        ViolationError
            Where it does not.
        """
        emptied()
        state = random.getstate()
        random.seed(self.seed)
        try:
            with self._simulated_machines():
                self._play()
        finally:
            random.setstate(state)
            for process in list(self.world.running):
                process.dead = True
                process.dispose()

    def _play(self) -> None:
        for plan in self.plans:
            self._schedule(plan)
        if self.dates:
            for _ in range(self.chance.randint(1, 3)):
                self.world.at(self.chance.uniform(0, 60), self._change_date)
        if self.chance.random() < 0.1:
            self.world.at(self.chance.uniform(1, 60), self._purge)
        self.world.run()
        self._finish()

    def _schedule(self, plan: Plan) -> None:
        self.world.at(plan.start, lambda: self._begin(plan))

    def _process(self, machine: Machine) -> Process:
        self._number += 1
        return Process(self.world, machine, self._number)

    def _begin(self, plan: Plan, *, final: bool = False) -> None:
        machine = self.machines[plan.machine]
        if machine.awake_at > self.world.now:
            self.world.at(machine.awake_at, lambda: self._begin(plan, final=final))
            return
        process = self._process(machine)
        state = RunState(process, plan.refresh, plan.resend, plan.most, self.world.now, plan.mode)
        self.oracle.runs[state.id] = state
        if final:
            self._finals[process.number] = state
        again = "+refresh" * plan.refresh + "+resend" * plan.resend
        self.world.log(
            process,
            f"starts on {machine.name}: {plan.mode}{again} {'+'.join(plan.types)} of "
            + " ".join("{}.{}".format(*one) for one in plan.people),
        )
        process.start(_One(self, plan, state).main())

    def _follow(self, plan: Plan) -> None:
        """Start the same again after a run was killed, perhaps."""
        chance = dice(self.seed, "follow", self._number)
        if self._number < 8 and chance.random() < 0.6:
            resend = not self.dates and chance.random() < 0.4
            again = Plan(
                self.world.now + chance.choice([0.1, chance.uniform(0, 60)]),
                chance.randrange(len(self.machines)),
                plan.mode,
                plan.types,
                plan.people,
                chance.choice(ADDRESSES),
                resend=resend,
            )
            self._schedule(again)

    def _killed(self, process: Process) -> None:
        self.oracle.killed(process)
        if self.world.current is not process:
            self.world.reap(process)

    def _change_date(self) -> None:
        machine = self.machines[0]
        machine.date_offset += self.chance.choice([-3600.0, 3600.0])
        self.world.log(None, "the clock is set")

    def _purge(self) -> None:
        """Delete all that is settled."""
        ledger, oracle = self.service.webhook, self.oracle
        self.world.here = self.machines[0]
        self.world.log(None, "the ledger is purged")
        before = oracle.rows()
        oracle.purging = True
        with ledger.write() as t:
            ledger.purge(t, EPOCH + 1e9)
        oracle.purging = False
        after = oracle.rows()  # each change was checked
        oracle.forget(
            {
                key
                for key, row in before.items()
                if key not in after or (row.body is not None and after[key].body is None)
            }
        )

    @contextmanager
    def _simulated_machines(self) -> Iterator[None]:
        world = self.world

        def here() -> str:
            return world.here.name

        def gone(run: Run) -> bool:
            return run.machine == world.here.name and run.process in world.gone

        with (
            mock.patch.object(lease, "_machine", here),
            mock.patch.object(lease, "process_gone", gone),
        ):
            yield

    def undisturbed(self) -> bool:
        """Return whether there was one run only, which was never stopped."""
        kinds = {one.kind for plan in self.plans for one in plan.disturbances}
        return len(self.oracle.runs) == 1 and kinds.isdisjoint({"stop", "sleep"})

    # What is checked at the end

    def _finish(self) -> None:
        self.oracle.bill()
        self.oracle.charged()
        self.oracle.kept()
        self._unknown_are_explained()
        self._raise()
        self.service.calm()
        people = sorted({one for plan in self.plans for one in plan.people})
        self.world.now += 200.0
        for types in sorted({plan.types for plan in self.plans}):
            plan = Plan(self.world.now, 0, "sync", types, people)
            self._begin(plan, final=True)
            self.world.run()
        for state in self._finals.values():
            for place, outcome in state.outcomes.items():
                if outcome.state == "pending":
                    self.oracle.fail(f"{place} is pending after all: {outcome.message}")
        self.oracle.kept()
        self._raise()

    def _unknown_are_explained(self) -> None:
        for key, row in self.oracle.rows().items():
            if row.state in {"unknown", "sent"} and key not in self.oracle.explained:
                self.oracle.fail(f"{key[0][:6]}/{key[1]} is unknown for no reason: {row}")

    def _raise(self) -> None:
        if self.world.violation is not None:
            raise ViolationError(self.world.violation)


class _One:
    """One run of a simulation."""

    def __init__(self, sim: Simulation, plan: Plan, state: RunState) -> None:
        self.sim, self.plan, self.state = sim, plan, state
        self.process, self.world = state.process, sim.world
        self._writes: dict[str, int] = {"before": 0, "after": 0, "acknowledged": 0}
        self._sender: Dispatcher | None = None

    async def main(self) -> None:
        """Run as the `Run` of the package does."""
        sim, plan, process = self.sim, self.plan, self.process
        committed = functools.partial(sim.oracle.committed, process)
        database = SimulatedDatabase(process, plan.faults, committed)
        self.ledger = Ledger(database, ledger_name(plan.address))
        jobs, known = self._looked_up()
        if not jobs or (plan.mode == "bulk" and len(jobs) < 2):
            self.world.log(process, "has nothing to do")
            return
        chance = dice(sim.seed, "writer", process.number)
        writer = SimulatedWriter(process, self.ledger, chance, plan.slow, self._at_write)
        client = Client(sim.service, self.state)
        rate_limit = WatchedRateLimit(
            sim.rate,
            Gcra(sim.rate, process.machine.limit),
            clock=process.machine.monotonic,
            jitter=dice(sim.seed, "pace", process.number).uniform,
        )
        rate_limit.process = process
        budget = Budget(Prices(), plan.most)
        for disturbance in plan.disturbances:
            if disturbance.at is not None:
                self.world.at(
                    self.world.now + disturbance.at, functools.partial(self._disturb, disturbance)
                )
        notes = None
        if plan.mode == "bulk":
            row = JobRow(
                f"job-{process.number}", self.ledger.service, plan.types[0], process.machine.date()
            )
            notes = JobNotes(row)
        recorder = Watched(self.ledger, known.renewal, notes, writer)
        recorder.sim, recorder.state = sim, self.state
        async with recorder:
            self._sender = self._made(recorder, client, rate_limit, budget)
            await self._sender.run(jobs, self._told)
        self._complete(jobs)
        if budget.spent > plan.most:
            sim.oracle.fail("a budget is passed")
        by = self._sender.stopped_by
        self.world.log(process, f"ends{f', stopped by {type(by).__name__}' if by else ''}")

    def _looked_up(self) -> tuple[list[Request], Lookup]:
        plan = self.plan
        contacts = [contact(*one) for one in plan.people]
        made = SimpleNamespace(
            contacts=contacts,
            asks=[plan.types for _ in contacts],
            customs=[None for _ in contacts],
        )
        options: Any = SimpleNamespace(
            refresh=plan.refresh, resend_unknown=plan.resend, endpoint=plan.mode, suppress=None
        )
        renewal = renewal_of(options, 1e5, self.ledger.date())
        known = look_up(self.ledger, cast("Any", made), options, renewal)
        jobs = known.to_send if plan.mode == "bulk" else known.requests
        results = known.results_without(jobs)
        for number, result in enumerate(results):
            for type_, outcome in result.items():
                job = Request(number, contacts[number], (type_,))
                self.sim.oracle.told(self.state, job, outcome)
        return jobs, known

    def _made(
        self, recorder: Watched, client: Client, rate_limit: RateLimit, budget: Budget
    ) -> Dispatcher:
        plan = self.plan
        jitter = dice(self.sim.seed, "jitter", self.process.number).uniform
        timing = Timing(self.process.machine.monotonic, jitter=jitter)
        mode = self._mode(cast("HttpClient", client))
        limits = plan.timeout, plan.retry_budget
        return Dispatcher(Context(mode, rate_limit, recorder, *limits, timing), budget)

    def _mode(self, client: HttpClient) -> Mode:
        if self.plan.mode == "bulk":
            job = f"job-{self.process.number}"
            return webhook_mode(BulkCall(client, job, "https://hook.example"))
        return MODES[self.plan.mode](client, self.plan.in_flight)

    def _told(self, job: Request, outcome: Outcome) -> None:
        if not self.process.dead:
            self.sim.oracle.told(self.state, job, outcome)
            text = f"job {'{}.{}'.format(*who(job.contact))} {'+'.join(job.types)}: {outcome.state}"
            self.world.log(self.process, text)

    def _complete(self, jobs: Sequence[Request]) -> None:
        for job in jobs:
            for type_ in job.types:
                if (job.number, type_) not in self.state.outcomes:
                    self.sim.oracle.fail(f"run {self.process.number} tells nothing of {job.number}")

    def _at_write(self, when: str) -> bool:
        """Count the writes; return whether the process goes on."""
        if self.process.dead:
            return False
        self._writes[when] += 1
        for one in self.plan.disturbances:
            if one.at is None and one.when == when and one.write == self._writes[when]:
                if one.kind in {"stop", "sleep"} or when == "acknowledged":
                    act = functools.partial(self._disturb, one)
                    self.process.pause_after(one.rounds, act)
                else:
                    self._disturb(one)
        return not self.process.dead

    def _disturb(self, one: Disturbance) -> None:
        process, sender = self.process, self._sender
        if process.dead or process not in self.world.running:
            return
        if one.kind == "kill":
            process.kill()
            self.sim._follow(self.plan)
        elif one.kind == "stop":
            self._slept(one.seconds)
            process.stop(one.seconds)
        elif one.kind == "sleep":
            self.world.log(process, f"{process.machine.name} sleeps for {one.seconds:.1f} s")
            self._slept(one.seconds)
            process.machine.sleep(one.seconds)
        elif sender is not None:
            self.world.log(process, f"{one.kind} for {one.seconds:.1f} s")
            self._interrupted(one, sender)

    def _slept(self, seconds: float) -> None:
        """Note that what was sent may be taken for unknown, where a lease runs out meanwhile."""
        world = self.world
        for run in self.sim.oracle.runs.values():
            until = max(run.process.resume_at, run.process.machine.awake_at)
            if max(until, world.now + seconds) - world.now > LEASE / 2:
                self.sim.oracle.silent(run)

    def _interrupted(self, one: Disturbance, sender: Dispatcher) -> None:
        process = self.process
        if one.kind == "cancel" and process.task is not None:
            process.deliver(process.task.cancel)
            return
        process.deliver(sender.interrupt, None)
        if one.kind == "abandon" or one.seconds:
            wait = 0.0 if one.kind == "abandon" else one.seconds
            self.world.at(self.world.now + wait, lambda: process.deliver(sender.abandon))


def play(seed: int) -> Simulation:
    """Play one simulation to its end.

    Raises
    ------
    ViolationError
        Where something happened that must not; its note has the last events.
    """
    simulation = Simulation(seed)
    try:
        with warnings.catch_warnings():
            # A process that is killed leaves calls that were made and not begun.
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            simulation.play()
    except ViolationError as error:
        error.add_note(told(simulation))
        raise
    return simulation


def told(simulation: Simulation, last: int = 400) -> str:
    """Return the last events of a simulation."""
    lines = [f"Seed {simulation.seed}. Play it again: python -m tests.simulation {simulation.seed}"]
    for at, number, text in simulation.world.trace[-last:]:
        lines.append(f"{at:10.3f}  {'' if number < 0 else f'run {number}':8} {text}")
    return "\n".join(lines)
