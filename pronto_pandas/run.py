"""Executes a preview: the only place where pandas and the network meet."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

import pandas as pd
import platformdirs

from . import run_messages
from .account import Account, KeyCheck
from .api.spec import EnrichmentType
from .arrays import Ints
from .config.settings import APP
from .errors import PhoneWithoutLinkedInWarning, ProntoError, warn
from .frame.results import verdict
from .notebook import event_loop, signals
from .notebook.progress import Counter, Progress, Watcher
from .notebook.progress_bar import watching
from .preview import Preview
from .wording import counted

if TYPE_CHECKING:  # what speaks HTTP is imported when something is sent
    from .api.client import Client
    from .sending.budget import Budget
    from .sending.context import Context
    from .sending.dispatcher import Dispatcher
    from .sending.modes import Mode
    from .sending.recorder import BatchNotes, Recorder
    from .sending.request import Outcome, Request
    from .storage.store import Ledger


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
    """

    def __init__(
        self,
        preview: Preview,
        requests: Sequence[Request],
        progress: bool | Watcher = False,
        *,
        mode: Callable[[Client], Mode] | None = None,
        notes: BatchNotes | None = None,
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
        self._dispatcher: Dispatcher | None = None
        self._recorder: Recorder | None = None
        self._budget: Budget | None = None
        self._context: Context | None = None
        self._key_check = KeyCheck()
        self._interrupted = False
        self._last: Progress | None = None
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
        if self.requests:
            with (
                signals.held(),
                self._interrupt_reported(),
                watching(self._progress, self._rows) as view,
            ):
                event_loop.run(self, view.show, view.tick, nest=self._settings.loop == "nest")

    async def in_loop(self) -> None:
        """Send everything while the caller's event loop continues."""
        if self.requests:
            with (
                signals.held(asyncio.CancelledError),
                self._interrupt_reported(),
                watching(self._progress, self._rows) as view,
            ):
                await event_loop.awaited(self, view.show, view.tick)

    @contextmanager
    def _interrupt_reported(self) -> Iterator[None]:
        """After an interrupt, print how many people are finished, and how to continue."""
        try:
            yield
        finally:
            if self._interrupted:
                results = (self.results[number] for number in self._people)
                types = [len(self._preview.lookup.types(number)) for number in self._people]
                with suppress(OSError, ValueError):  # nobody reads it
                    print(run_messages.interrupted(results, types), file=sys.stderr)  # noqa: T201  for the person who stopped the run

    async def start(self, emit: Watcher) -> None:
        """Check the key, then make all requests."""
        from .api.client import Client
        from .sending.budget import Budget
        from .sending.context import Context
        from .sending.dispatcher import Dispatcher
        from .sending.rate_limit import rate_limit_for
        from .sending.recorder import Recorder
        from .sending.worker import MOST_TIMEOUTS

        service, key = cast("Account", self._account).credentials()
        settings, ledger = self._settings, cast("Ledger", self._ledger)
        shared = not settings.is_sandbox
        rate_limit = rate_limit_for(
            settings.service,
            key.get_secret_value(),
            settings.rate,
            platformdirs.user_state_path(APP) / "pace" if shared else None,
            ledger.database.server if shared else None,
        )
        counter = Counter(self._rows, time.monotonic)
        self._emit = emit
        async with (
            Client(key, service=service, timeout=MOST_TIMEOUTS * settings.timeout) as client,
            Recorder(ledger, self._preview.lookup.renewal, self._notes) as recorder,
        ):
            self._recorder = recorder
            self._budget = Budget(settings.prices, self._options.most_credits)
            context = Context(
                self._mode(client), rate_limit, recorder, settings.timeout, settings.retry_budget
            )
            self._context, context.retry.on_retry = context, self._refresh
            self._dispatcher = Dispatcher(context, self._budget)
            if self._interrupted:  # before there was anything to stop
                self._dispatcher.interrupt(None)
            else:
                await self._key_check.run(client, rate_limit)
            await self._dispatcher.run(self.requests, self._listener(counter))

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
        if self._dispatcher is not None:
            self._dispatcher.interrupt(grace)
            self._refresh()
        self._key_check.cancel()

    def abandon(self) -> None:
        """Stop waiting for answers."""
        self.interrupt()
        if self._dispatcher is not None:
            self._dispatcher.abandon()
        if self._recorder is not None:
            self._recorder.writer.hurry()

    def _listener(self, counter: Counter) -> Callable[[Request, Outcome], Sequence[Request]]:
        lookup = self._preview.lookup

        def record(request: Request, outcome: Outcome) -> Sequence[Request]:
            further: list[Request] = []
            for number, type_ in lookup.recipients(request):
                result, asks = self.results[number], lookup.types(number)
                complete = len(result) == len(asks)
                result[type_] = outcome
                if not complete and len(result) == len(asks):
                    count = int(self._rows_per_contact[number])
                    further += self._replacements(number, counter)
                    self._last = counter.add(_counted_as(result, asks), count, self._cost)
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
        people = {who for one in requests for who, _ in lookup.recipients(one)} - self._people
        self._people.update(people)
        counter.add_total(int(sum(self._rows_per_contact[who] for who in people)))
        return requests

    def _show(self, now: Progress) -> None:
        if self._interrupted and self._dispatcher is not None:
            now = replace(now, awaited=self._dispatcher.awaited)
        elif self._context is not None:
            now = _with_outlook(now, self._context, self._options.most_credits)
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
        run_messages.warn_if_incomplete(
            out[f"{self._options.prefix}pronto_status"],
            self.stopped_by,
            max_credits=self._options.max_credits if self.over_budget else None,
        )
        return out

    @property
    def any_done(self) -> bool:
        """Whether any contact is done: answered, refused or lost."""
        return any(
            bool(outcomes) and all(outcome.state != "pending" for outcome in outcomes)
            for outcomes in (self.results[number].values() for number in self._people)
        )

    @property
    def spent(self) -> float:
        """The maximum cost of the run so far, at the configured prices."""
        return self._budget.spent if self._budget else 0.0

    @property
    def _cost(self) -> tuple[float, float]:
        return (self._budget.least, self._budget.spent) if self._budget else (0.0, 0.0)

    @property
    def ended_early(self) -> bool:
        """Whether the run stopped before everything was sent."""
        return self.over_budget or self.stopped_by is not None

    @property
    def over_budget(self) -> bool:
        """Whether ``max_credits`` ended the run."""
        return self._dispatcher is not None and self._dispatcher.over_budget

    @property
    def stopped_by(self) -> ProntoError | None:
        """The error that ended the run early, or None."""
        return self._dispatcher.stopped_by if self._dispatcher else None


def _counted_as(result: Mapping[EnrichmentType, Outcome], asks: Iterable[EnrichmentType]) -> str:
    """Return the status that the rows of a contact count as in the progress."""
    if any(outcome.delivered_later for outcome in result.values()):
        return "submitted"
    return verdict(result, asks)


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
