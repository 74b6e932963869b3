"""Executes a preview: the only place where pandas and the network meet."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, cast

import pandas as pd
import platformdirs

from . import run_messages
from .account import TIMEOUT, Account, KeyCheck
from .arrays import Ints
from .bill import Bill, state_of, was_sent
from .config.settings import APP
from .errors import (
    AuthenticationError,
    CreditsExhaustedError,
    PhoneWithoutLinkedInWarning,
    ProntoError,
    warn,
)
from .notebook import event_loop, signals
from .notebook.progress import Counter, Progress, Watcher
from .notebook.progress_bar import watching
from .preview import Preview
from .wording import counted

if TYPE_CHECKING:  # what speaks HTTP is imported when something is sent
    from pydantic import SecretStr

    from .api.client import Client
    from .recorded_run import RecordedRun
    from .sending.budget import Budget
    from .sending.context import Context
    from .sending.dispatcher import Dispatcher
    from .sending.found_rate import FoundRate
    from .sending.modes import Mode
    from .sending.rate_limit import RateLimit
    from .sending.recorder import BatchNotes, Recorder
    from .sending.request import Outcome, Request
    from .storage.store import Ledger


CLOSING: Final = 5.0
"""Seconds to wait for the balance when a run has ended."""


class Run:
    """Makes the requests of a preview and fills its DataFrame with the answers.

    The constructor checks prices and key, and warns before anything is spent. Then `in_thread` or
    `in_loop` makes the requests, and `frame` returns the DataFrame.

    Parameters
    ----------
    preview : Preview
        The plan, and what the ledger has already answered.
    requests : sequence of Request
        Which requests of the preview to make.
    progress : bool or callable
        How to show progress.
    mode : callable, optional
        Returns the way in which a client sends requests. Default: that of ``via=``.
    notes : BatchNotes, optional
        Records batches in the ledger, in the same transactions as their requests.
    bill : Bill, optional
        The bill of a call of several runs, which closes it. Default: one for this run.
    """

    def __init__(
        self,
        preview: Preview,
        requests: Sequence[Request],
        progress: bool | Watcher = False,
        *,
        mode: Callable[[Client], Mode] | None = None,
        notes: BatchNotes | None = None,
        bill: Bill | None = None,
    ) -> None:
        self._preview, self.requests, self._progress = preview, list(requests), progress
        self._options, self._settings = preview.options, preview.settings
        self._ledger, self._mode, self._notes = preview.ledger, mode or self._single, notes
        self.results = preview.lookup.results_without(requests)
        to_send = [request for request in requests if request.enrichment_id is None]
        if to_send or preview.lookup.may_follow:
            self._settings.prices.require(self._options.types)
        self._account = Account(self._settings) if requests else None
        _warn_of_phones(to_send)
        self._own_bill = bill is None
        self._bill = bill or Bill(self._settings, self._options, shown=progress is True)
        self._bill.may_follow = preview.lookup.may_follow
        self._bill.tally.add_list(preview, requests, self.results)
        self._dispatcher: Dispatcher | None = None
        self._recorder: Recorder | None = None
        self._budget: Budget | None = None
        self._context: Context | None = None
        self._key_check = KeyCheck()
        self._interrupted = self._abandoned = self._key_checked = False
        self._last: Progress | None = None
        self._before: float | None = None
        self._spent: float | None = None
        self._most = self._options.most_credits
        self._emit: Watcher

    @cached_property
    def _people(self) -> set[int]:
        """The contacts that wait for an answer; one contact may wait for several requests."""
        recipients = self._preview.lookup.recipients
        return {number for request in self.requests for number, _ in recipients(request)}

    @property
    def _rows(self) -> int:
        """The number of rows that wait for an answer."""
        return int(sum(self._rows_per_contact[number] for number in self._people))

    @cached_property
    def _rows_per_contact(self) -> Ints:
        return self._preview.lookup.plan.rows_per_contact

    def in_thread(self) -> None:
        """Send everything and return when it is done, even if an event loop is already running."""
        if not self.requests:
            self._close_bill()
            return
        nest = self._settings.loop == "nest"
        if self._bill.opens:
            with signals.held(), self._reported():
                event_loop.run(_Opening(self), _ignore, _ignore, nest=nest)
            self._bill.open(self.requests)
        with signals.held(), self._reported(), watching(self._progress, self._rows) as view:
            event_loop.run(self, view.show, view.tick, nest=nest)

    async def in_loop(self) -> None:
        """Send everything while the caller's event loop continues."""
        if not self.requests:
            self._close_bill()
            return
        if self._bill.opens:
            with signals.held(asyncio.CancelledError), self._reported():
                await event_loop.awaited(_Opening(self), _ignore, _ignore)
            self._bill.open(self.requests)
        with (
            signals.held(asyncio.CancelledError),
            self._reported(),
            watching(self._progress, self._rows) as view,
        ):
            await event_loop.awaited(self, view.show, view.tick)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """After an interrupt, print how many people are finished; then show the bill."""
        try:
            yield
        finally:
            if self._interrupted:
                results = (self.results[number] for number in self._people)
                types = [len(self._preview.lookup.types(number)) for number in self._people]
                with suppress(OSError, ValueError):  # nobody reads it
                    print(run_messages.interrupted(results, types), file=sys.stderr)  # noqa: T201  for the person who stopped the run
            if self._dispatcher is not None:
                self._close_bill()

    def _close_bill(self) -> None:
        """Show what the run did cost, unless an error says that nothing was sent."""
        if self.stopped_by is not None and not self.any_done:
            return
        self._bill.tally.add_left_out(self._preview)
        if not self.requests and self._own_bill and self._ledger is not None:
            self._bill.learn_prices(self._ledger)
        if self._own_bill:
            self._bill.close()

    async def open(self) -> None:
        """Check the key, and read what the price line needs."""
        from .api.client import Client

        service, key = cast("Account", self._account).credentials()
        async with Client(key, service=service, timeout=TIMEOUT) as client:
            await self._check_key(client, key, self._rate_limit(key))
        self._recorded.look_up()

    async def _check_key(self, client: Client, key: SecretStr, rate_limit: RateLimit) -> None:
        if not self._key_checked:
            self._recorded.identify(cast("Account", self._account).name)
            date = self._recorded.date()
            if not self._interrupted:
                self._before = await self._key_check.run(client, rate_limit)
            self._bill.opened(self._before, date)
            self._key_checked = True

    @cached_property
    def _recorded(self) -> RecordedRun:
        from .recorded_run import RecordedRun

        ledger = cast("Ledger", self._ledger)
        return RecordedRun(self._bill, self._preview, self.requests, ledger)

    async def start(self, emit: Watcher) -> None:
        """Check the key, then make all requests."""
        from .api.client import Client
        from .sending.recorder import Recorder
        from .sending.worker import MOST_TIMEOUTS

        service, key = cast("Account", self._account).credentials()
        settings, renewal = self._settings, self._preview.lookup.renewal
        rate_limit = self._rate_limit(key)
        self._emit = emit
        async with Client(key, service=service, timeout=MOST_TIMEOUTS * settings.timeout) as client:
            await self._check_key(client, key, rate_limit)
            recorder = Recorder(
                cast("Ledger", self._ledger), renewal, self._notes, record=self._recorded.record
            )
            async with recorder:
                await self._send(client, rate_limit, recorder)
            await self._settle(client, rate_limit)

    async def _send(self, client: Client, rate_limit: RateLimit, recorder: Recorder) -> None:
        """Make all requests."""
        from .sending.budget import Budget
        from .sending.context import Context
        from .sending.dispatcher import Dispatcher

        self._recorder, settings = recorder, self._settings
        counter = Counter(self._rows, time.monotonic)
        self._most = most = await recorder.writer.write(self._recorded.begin)
        self._budget = Budget(
            settings.prices,
            most,
            self._bill.observed,
            None if self._before is None else partial(self._read_spent, client, rate_limit),
        )
        mode = self._mode(client)
        context = Context(mode, rate_limit, recorder, settings.timeout, settings.retry_budget)
        self._context, context.retry.on_retry = context, self._refresh
        self._dispatcher = Dispatcher(context, self._budget)
        if self._interrupted:  # before there was anything to stop
            self._dispatcher.interrupt(None)
        try:
            # A copy, because replacements are added to the requests while they are made.
            await self._dispatcher.run(list(self.requests), self._listener(counter))
        finally:
            self._bill.tally.add_people(self._preview, self.requests, self.results)

    def _rate_limit(self, key: SecretStr) -> RateLimit:
        from .sending.rate_limit import rate_limit_for

        settings, ledger = self._settings, cast("Ledger", self._ledger)
        shared = not settings.is_sandbox
        return rate_limit_for(
            settings.service,
            key.get_secret_value(),
            settings.rate,
            platformdirs.user_state_path(APP) / "pace" if shared else None,
            ledger.database.server if shared else None,
        )

    async def _read_spent(self, client: Client, rate_limit: RateLimit) -> float | None:
        """Return the credits by which the balance has fallen since the run began, if it is known.

        What other programs spend meanwhile is included.
        """
        balance = None
        with suppress(AuthenticationError, TimeoutError):
            async with asyncio.timeout(CLOSING):
                balance = await self._key_check.run(client, rate_limit)
        return None if balance is None or self._before is None else self._before - balance

    async def _settle(self, client: Client, rate_limit: RateLimit) -> None:
        """Read the balance at the end; if that fails, the bill is calculated from the prices."""
        date, spent = self._recorded.date(), None
        if not self._any_sent:
            spent = 0.0
        elif not self._abandoned:
            spent = await self._read_spent(client, rate_limit)
        known = None if self._before is None or spent is None else self._before - spent
        self._bill.settle(self._cost, known)
        self._recorded.end(self._why, date)
        if spent is None:
            return
        self._spent = min(max(spent, self._cost[0]), self._cost[1])
        if self._last is not None and self._spent == spent and self._bill.shown:
            self._show(replace(self._last, credits_low=spent, credits_high=spent))

    @property
    def _why(self) -> str:
        """Why the run ended, for the account's history."""
        if self._interrupted:
            return "interrupted"
        if self.over_budget:
            return self._bill.limited_by
        if self._stopped_below:
            return "stop_below"
        if self.stopped_by is None:
            return "finished"
        out = isinstance(self.stopped_by, CreditsExhaustedError)
        return "out of credits" if out else type(self.stopped_by).__name__

    def _single(self, client: Client) -> Mode:
        """Return the mode of the options: one person per request."""
        from .sending.modes import MODES
        from .sending.rate_limit import in_flight_at_most

        in_flight = in_flight_at_most(self._settings.rate, self._settings.timeout)
        options = self._options
        return MODES[options.endpoint](client, in_flight, options.phone_country_codes)

    def interrupt(self, grace: float | None = None) -> None:
        """Send nothing more; wait for what is in flight, for at most ``grace`` seconds."""
        self._interrupted = True
        self._abandoned = self._abandoned or grace is not None
        if self._dispatcher is not None:
            self._dispatcher.interrupt(grace)
            self._refresh()
        self._key_check.cancel()

    def abandon(self) -> None:
        """Stop waiting for answers."""
        self._abandoned = True
        self.interrupt()
        if self._dispatcher is not None:
            self._dispatcher.abandon()
        if self._recorder is not None:
            self._recorder.writer.hurry()

    def _listener(self, counter: Counter) -> Callable[[Request, Outcome], Sequence[Request]]:
        lookup = self._preview.lookup

        def record(request: Request, outcome: Outcome) -> Sequence[Request]:
            outcome = self._watched(request, outcome)
            further: list[Request] = []
            for number, type_ in lookup.recipients(request):
                result, asks = self.results[number], lookup.types(number)
                complete = len(result) == len(asks)
                result[type_] = outcome
                if not complete and len(result) == len(asks):
                    count = int(self._rows_per_contact[number])
                    further += self._replacements(number, counter)
                    self._last = counter.add(state_of(result, asks), count, self._cost)
                    self._show(self._last)
            return further

        return record

    def _refresh(self) -> None:
        """Show the progress although no further row is finished."""
        self._show(self._last or Progress(total=self._rows))

    def _replacements(self, number: int, counter: Counter) -> list[Request]:
        """Return the requests for people who are sent because a contact was not found."""
        if self._options.endpoint == "bulk":  # its batches are sent at once
            return []
        lookup = self._preview.lookup
        requests = lookup.replacements(number, self.results)
        self.requests += requests
        self._bill.tally.to_send += len({one.number for one in requests})
        people = {who for one in requests for who, _ in lookup.recipients(one)} - self._people
        self._people.update(people)
        counter.add_total(int(sum(self._rows_per_contact[who] for who in people)))
        return requests

    def _watched(self, request: Request, outcome: Outcome) -> Outcome:
        """Stop the run if it finds too few people; return the outcome with its reason."""
        rate = self._bill.found_rate
        if rate is None:
            return outcome
        answer = outcome.answer if outcome.state == "answered" else None
        if answer is not None and not rate.too_low:
            rate.add(found=any(map(answer.has, request.types)))
            if rate.too_low:
                cast("Dispatcher", self._dispatcher).interrupt(None)
        stopped = rate.too_low and not outcome.sent
        return replace(outcome, message=run_messages.NOT_WORTH_IT) if stopped else outcome

    def _show(self, now: Progress) -> None:
        if self._interrupted and self._dispatcher is not None:
            now = replace(now, awaited=self._dispatcher.awaited)
        elif self._context is not None:
            now = _with_outlook(now, self._context, self._most)
        self._emit(now)

    def frame(self) -> pd.DataFrame:
        """Return the DataFrame with the answers; raise or warn if the run stopped early.

        Raises
        ------
        AuthenticationError, ConsentRequiredError, ConnectionFailedError
            Pronto stopped the run.
        """
        run_messages.raise_if_useless(self.stopped_by, any_done=self.any_done)
        out = self._preview.filled(self.results)
        out.attrs["pronto"] = {"began": self._preview.began}
        if self._last and self._last.done:
            out.attrs["pronto"] |= {"seconds": self._last.seconds, "rows": self._last.done}
        statuses = out[f"{self._options.prefix}pronto_status"]
        run_messages.warn_if_incomplete(
            statuses,
            self.stopped_by,
            limit=self.limit,
        )
        if self._stopped_below:
            rate = cast("FoundRate", self._bill.found_rate)
            run_messages.warn_of_found_rate(rate, int((statuses == "pending").sum()))
        return out

    @property
    def _any_sent(self) -> bool:
        """Whether any request may have reached Pronto, or its answer was fetched."""
        sent = (was_sent(self.results[one.number], one.types) for one in self.requests)
        return any(map(any, sent))

    @property
    def any_done(self) -> bool:
        """Whether any contact is done: answered, refused or lost."""
        return any(
            bool(outcomes) and all(outcome.state != "pending" for outcome in outcomes)
            for outcomes in (self.results[number].values() for number in self._people)
        )

    @property
    def spent(self) -> float:
        """What the run did cost: by the balance, and at most by the prices."""
        return self._cost[1] if self._spent is None else self._spent

    @property
    def _cost(self) -> tuple[float, float]:
        return (self._budget.least, self._budget.spent) if self._budget else (0.0, 0.0)

    @property
    def ended_early(self) -> bool:
        """Whether the run stopped before everything was sent."""
        return self.over_budget or self._stopped_below or self.stopped_by is not None

    @property
    def _stopped_below(self) -> bool:
        """Whether ``stop_below`` ended the run."""
        return self._bill.found_rate is not None and self._bill.found_rate.too_low

    @property
    def limit(self) -> str | None:
        """The limit of credits that ended the run, in words."""
        return self._bill.limit if self.over_budget else None

    @property
    def over_budget(self) -> bool:
        """Whether ``max_credits`` or the budget ended the run."""
        return self._dispatcher is not None and self._dispatcher.over_budget

    @property
    def stopped_by(self) -> ProntoError | None:
        """The error that ended the run early, or None."""
        return self._dispatcher.stopped_by if self._dispatcher else None


class _Opening:
    """Opens a run, before its price is shown; a task of `event_loop`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.interrupt, self.abandon = run.interrupt, run.abandon

    def start(self, _emit: object) -> Coroutine[Any, Any, None]:
        return self._run.open()


def _ignore(*_: object) -> None:
    """Show nothing."""


def _with_outlook(now: Progress, context: Context, most_credits: float) -> Progress:
    """Add how long the run will still take, and whether its requests fail and are tried again."""
    left = context.time_left.seconds(now.done, now.total, now.credits_high, most_credits)
    now = replace(now, left=left)
    failing = context.retry.retrying
    if failing is not None:
        now = replace(
            now,
            retrying=failing.reason,
            retrying_seconds=failing.seconds,
            next_attempt=failing.wait,
        )
    return now


def _warn_of_phones(to_send: Iterable[Request]) -> None:
    """Warn, before anything is spent, that phones are rarely found without a LinkedIn URL."""
    people = {
        request.number
        for request in to_send
        if "phone" in request.types and request.contact.linkedin_url is None
    }
    if people:
        who = counted(len(people), "person has", "people have")
        warn(
            f"{who} no LinkedIn URL; Pronto finds few phone numbers without one. Add a LinkedIn "
            "column to find more. df.pronto.columns shows which columns were recognized.",
            PhoneWithoutLinkedInWarning,
        )
