"""One run from start to end: the only place where pandas and the network meet."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pandas as pd
import platformdirs

from . import stops
from .api.services import Service, find
from .api.spec import EnrichmentType
from .config.settings import APP, Settings
from .config.validation import SANDBOX
from .errors import (
    PhoneWithoutLinkedInWarning,
    warn,
)
from .frame.options import Options
from .frame.plan import Plan, make
from .frame.results import Result, already_filled, assemble, verdict
from .lookup import Known, suppressed
from .notebook import event_loop, signals
from .notebook.progress import Counter, Progress, Watcher
from .notebook.progress_bar import watching
from .sending.key_check import TIMEOUT, KeyCheck

if TYPE_CHECKING:  # what speaks HTTP is imported when something is sent
    from pydantic import SecretStr

    from .api.client import Client
    from .sending.budget import Budget
    from .sending.dispatcher import Dispatcher
    from .sending.modes import Mode
    from .sending.rate_limit import RateLimit
    from .sending.recorder import Recorder
    from .sending.request import Outcome, Request
    from .storage.store import Ledger


def open_ledger(settings: Settings) -> Ledger:
    """Return the ledger that the settings name, for the service that they name."""
    from .storage.store import connect

    return connect(settings.ledger_place, settings.service)


class Run:
    """One run: checked when it is made, sent by `start`, told by `frame`.

    Parameters
    ----------
    df : DataFrame
        The caller's frame.
    options : Options
        What was asked for.
    settings : Settings
        What held when the run was made.
    progress : bool or callable
        How the caller wants to see it.
    sends : bool
        Without, nobody is asked for who was not before.
    fetches : bool
        Without, what was submitted is not fetched either, and no key is needed.
    looks : bool
        The run is only looked at: it needs no key, and no answers.
    began : float, optional
        When the whole began that this is a part of, in seconds since 1970; see `Known`.
    """

    def __init__(
        self,
        df: pd.DataFrame,
        options: Options,
        settings: Settings,
        progress: bool | Watcher = False,
        *,
        sends: bool = True,
        fetches: bool = True,
        looks: bool = False,
        began: float | None = None,
    ) -> None:
        self.df, self._options, self._settings = df, options, settings
        self._progress = progress
        self.plan: Plan = make(df, options, already_filled(df, options))
        self._ledger = open_ledger(settings) if self.plan.contacts else None
        self._known = known = Known(
            self.plan, options, settings.max_age_days, fetches=fetches, began=began
        )
        reads = not looks or options.suppress is not None
        self._results = known.look_up(self._ledger, answers=reads)
        self._leave_out()
        self.jobs = [*(known.to_send if sends else ()), *known.to_fetch]
        self._key: SecretStr | None = None
        if sends and known.to_send and not looks:
            settings.prices.require(options.types)
        if self.jobs and not looks:
            self.take_key()
        if self.jobs and not looks and self.plan.phones_without_linkedin:
            warn(  # before anything is spent
                f"Phones are asked for {self.plan.phones_without_linkedin} people without "
                "linkedin_url, where few are found. Add their LinkedIn addresses to find more; "
                "df.pronto.columns shows which columns were understood.",
                PhoneWithoutLinkedInWarning,
            )
        self._dispatch: Dispatcher | None = None
        self._recording: Recorder | None = None
        self._budget: Budget | None = None
        self._key_check = KeyCheck()
        self._interrupted = False
        self._last: Progress | None = None
        self._emit: Watcher

    def _leave_out(self) -> None:
        """Leave out whose answer is suppressed: who they are may be known by it alone."""
        if self._options.suppress is not None:
            gone = suppressed(self._results, self._options.suppress)
            self.plan = self.plan.without(gone)
            self._known.leave_out(gone)

    def states(self) -> list[str]:
        """Say of each contact: ``ready`` to be sent, ``submitted``, ``unknown`` or ``answered``."""
        lost = (any(o.state == "unknown" for o in result.values()) for result in self._results)
        states = ["unknown" if unknown else "answered" for unknown in lost]
        for job in reversed(self.jobs):  # who is sent for one type counts as sent
            for type_ in job.types:
                for number in self._sharing(job, type_):
                    states[number] = "submitted" if job.enrichment_id else "ready"
        return states

    def askers(self) -> list[int]:
        """Return for each contact the one who is asked for in its place, often itself."""
        return self._known.askers()

    def take_key(self) -> None:
        """Read the key in the caller's thread; Colab's secrets are read in no other."""
        if self._settings.address != SANDBOX:
            self._key = self._settings.key()

    async def credits(self) -> dict[str, Any]:
        """Return what the service says of the balance."""
        from .api.client import Client

        service, key = self._target()
        async with Client(key, service=service, timeout=TIMEOUT) as client:
            return await client.credits()

    @property
    def _rows(self) -> int:
        """How many rows wait for an answer."""
        counts = self.plan.rows_per_contact
        return int(sum(counts[number] for number in self._people))

    @property
    def _people(self) -> set[int]:
        """Whose answers are asked for; two types of one may be two jobs."""
        return {
            number
            for job in self.jobs
            for type_ in job.types
            for number in self._sharing(job, type_)
        }

    def _sharing(self, job: Request, type_: EnrichmentType) -> list[int]:
        """Return the contacts that get a job's answer."""
        return self._known.sharing[job.contact.keys(type_)[0], type_]

    def in_thread(self) -> None:
        """Send everything and return when it is done, with or without a running loop around."""
        if self.jobs:
            with (
                signals.held(),
                self._told_of_a_stop(),
                watching(self._progress, self._rows) as view,
            ):
                event_loop.run(self, view.show, view.tick, nest=self._settings.loop == "nest")

    async def in_loop(self) -> None:
        """Send everything while the loop of the caller goes on."""
        if self.jobs:
            with (
                signals.held(asyncio.CancelledError),
                self._told_of_a_stop(),
                watching(self._progress, self._rows) as view,
            ):
                await event_loop.awaited(self, view.show, view.tick)

    @contextmanager
    def _told_of_a_stop(self) -> Iterator[None]:
        """Print after a stop what became of the people, and how to go on."""
        try:
            yield
        finally:
            if self._interrupted:
                asked = (self._results[number] for number in self._people)
                types = [len(self.plan.asks[number]) for number in self._people]
                with suppress(OSError, ValueError):  # nobody reads it
                    print(stops.told(asked, types), file=sys.stderr)  # noqa: T201  whoever stopped it reads it

    def _settled(self, number: int) -> bool:
        outcomes = self._results[number].values()
        return bool(outcomes) and all(outcome.state != "pending" for outcome in outcomes)

    async def start(self, emit: Watcher) -> None:
        """Check the key, then send every contact that the ledger does not know."""
        from .api.client import Client
        from .sending.budget import Budget
        from .sending.rate_limit import rate_limit_for
        from .sending.worker import MOST_TIMEOUTS

        service, key = self._target()
        limits = self._settings
        ledger, own = cast("Ledger", self._ledger), limits.address == SANDBOX
        rate_limit = rate_limit_for(
            limits.service,
            key.get_secret_value(),
            limits.rate,
            None if own else platformdirs.user_state_path(APP) / "pace",
            None if own else ledger.database.server,
        )
        counter = Counter(self._rows, time.monotonic)
        self._emit = emit
        async with (
            Client(key, service=service, timeout=MOST_TIMEOUTS * limits.timeout) as client,
            self._recorder(ledger) as recorder,
        ):
            self._recording = recorder
            self._budget = Budget(limits.prices, self._options.most_credits)
            self._dispatch = self._sender(self._mode(client), rate_limit, recorder, self._budget)
            if self._interrupted:  # before there was anything to stop
                self._dispatch.interrupt(None)
            else:
                await self._key_check.run(client, rate_limit)
            await self._dispatch.run(self.jobs, self._listener(counter))

    def _recorder(self, ledger: Ledger) -> Recorder:
        """Return the access to the ledger that the run writes with."""
        from .sending.recorder import Recorder

        return Recorder(ledger, self._known.renewal)

    def _mode(self, client: Client) -> Mode:
        """Return how the requests are sent."""
        from .sending.modes import MODES
        from .sending.rate_limit import in_flight_at_most

        limits = self._settings
        in_flight = in_flight_at_most(limits.rate, limits.timeout)
        return MODES[self._options.endpoint](client, in_flight)

    def _sender(
        self, mode: Mode, rate_limit: RateLimit, recorder: Recorder, budget: Budget
    ) -> Dispatcher:
        """Return what sends the requests."""
        from .sending.context import Context
        from .sending.dispatcher import Dispatcher

        limits = self._settings
        context = Context(mode, rate_limit, recorder, limits.timeout, limits.retry_budget)
        return Dispatcher(context, budget)

    def interrupt(self, grace: float | None = None) -> None:
        """Send nothing more; what is in flight is awaited, for ``grace`` seconds at most."""
        self._interrupted = True
        if self._dispatch is not None:
            self._dispatch.interrupt(grace)
            self._show(self._last or Progress(total=self._rows))
        self._key_check.cancel()

    def _show(self, now: Progress) -> None:
        """Hand on how far the run is."""
        if self._interrupted and self._dispatch is not None:
            now = replace(now, awaited=self._dispatch.awaited)
        self._emit(now)

    def abandon(self) -> None:
        """Let go of everything at once."""
        self.interrupt()
        if self._dispatch is not None:
            self._dispatch.abandon()
        if self._recording is not None:
            self._recording.writer.hurry()

    def frame(self) -> pd.DataFrame:
        """Return the caller's frame with what came back; raise or warn where the run stopped.

        Raises
        ------
        AuthenticationError, ConsentRequiredError, ConnectionFailedError
            Where the service stopped the run.
        """
        stopped_by = self._dispatch.stopped_by if self._dispatch else None
        stops.raise_for(stopped_by, anything=any(map(self._settled, self._people)))
        self._leave_out()
        out = assemble(self.df, self.plan, self._options, self._results)
        out.attrs.pop("pronto", None)  # of an earlier run; `out` has a copy of the caller's attrs
        if self._last and self._last.done:
            out.attrs["pronto"] = {"seconds": self._last.seconds, "rows": self._last.done}
        statuses = out[f"{self._options.prefix}pronto_status"]
        stops.warn_of(
            stopped_by,
            pending=int((statuses == "pending").sum()),
            unknown=int((statuses == "unknown").sum()),
            over=self._options.max_credits if self._over_budget else None,
        )
        return out

    @property
    def spent(self) -> float:
        """The most credits that the run can have cost, by the prices of the settings."""
        return self._budget.spent if self._budget else 0.0

    @property
    def _cost(self) -> tuple[float, float]:
        return (self._budget.least, self._budget.spent) if self._budget else (0.0, 0.0)

    @property
    def ended_early(self) -> bool:
        """Whether something stopped the run before all was sent."""
        return self._over_budget or bool(self._dispatch and self._dispatch.stopped_by)

    @property
    def _over_budget(self) -> bool:
        return self._dispatch is not None and self._dispatch.over_budget

    def _target(self) -> tuple[Service, SecretStr]:
        if self._settings.address != SANDBOX:
            return self._settings.target, self._key or self._settings.key()
        from .sandbox import in_process

        # The sandbox has a key of its own; the caller's stays where it is.
        sandbox = in_process()
        return find(sandbox.url, SANDBOX), sandbox.api_key

    def _verdict(self, result: Result, asks: Iterable[EnrichmentType]) -> str:
        """Return as what the rows of a contact count in the progress."""
        return verdict(result, asks)

    def _listener(self, counter: Counter) -> Callable[[Request, Outcome], None]:
        rows = self.plan.rows_per_contact

        def record(job: Request, outcome: Outcome) -> None:
            for type_ in job.types:
                for number in self._sharing(job, type_):
                    result, asks = self._results[number], self.plan.asks[number]
                    complete = len(result) == len(asks)
                    result[type_] = outcome
                    if not complete and len(result) == len(asks):
                        count = int(rows[number])
                        self._last = counter.add(self._verdict(result, asks), count, self._cost)
                        self._show(self._last)

        return record
