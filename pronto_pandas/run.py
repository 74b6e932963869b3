"""One run from start to end: the only place where pandas and the network meet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pandas as pd

from .errors import (
    AuthenticationError,
    ConnectionFailedError,
    ConsentRequiredError,
    CreditsExhaustedError,
    CreditsExhaustedWarning,
    PhoneWithoutLinkedInWarning,
    ProntoError,
    ServiceUnreachableWarning,
    warn,
)
from .frame.assemble import already_filled, assemble
from .frame.options import Options
from .frame.plan import Plan, make
from .notebook import loop
from .notebook.progress import Counter, Watcher, watching
from .settings import SANDBOX, Settings

if TYPE_CHECKING:  # what speaks HTTP is imported when something is sent
    from pydantic import SecretStr

    from .api.client import Client
    from .engine.dispatch import Dispatch
    from .engine.jobs import Job, Outcome

KEY_CHECK_TIMEOUT = 20.0
"""Seconds that the check of the key may take before the run goes on without it."""


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
    """

    def __init__(
        self, df: pd.DataFrame, options: Options, settings: Settings, progress: bool | Watcher
    ) -> None:
        self._df, self._options, self._settings = df, options, settings
        self._progress = progress
        self.plan: Plan = make(df, options, already_filled(df, options))
        self._key: SecretStr | None = None
        if self.plan.contacts and settings.address != SANDBOX:
            self._key = settings.key()
        if self.plan.phones_without_linkedin:  # said before anything is spent
            warn(
                f"Phones are asked for {self.plan.phones_without_linkedin} people without "
                "linkedin_url, where few are found. Add their LinkedIn addresses to find more.",
                PhoneWithoutLinkedInWarning,
            )
        self._outcomes: list[Outcome | None] = [None] * len(self.plan.contacts)
        self._dispatch: Dispatch | None = None
        self._checking: asyncio.Task[dict[str, Any]] | None = None

    def in_thread(self) -> None:
        """Send everything and return when it is done, with or without a running loop around."""
        if self.plan.contacts:
            with self._watching() as watcher:
                loop.run(self, watcher, nest=self._settings.loop == "nest")

    async def in_loop(self) -> None:
        """Send everything on the loop that runs."""
        if self.plan.contacts:
            with self._watching() as watcher:
                await self.start(watcher)

    def _watching(self) -> AbstractContextManager[Watcher]:
        return watching(self._progress, int(self.plan.rows_per_contact.sum()))

    async def start(self, emit: Watcher) -> None:
        """Check the key, then send every contact of the plan."""
        from .api.client import Client
        from .engine.dispatch import Dispatch
        from .engine.limits import in_flight_at_most, pace_for

        address, key = self._target()
        limits = self._settings
        pace = pace_for(address or "", key.get_secret_value(), limits.rate)
        counter = Counter(int(self.plan.rows_per_contact.sum()), time.monotonic)
        async with Client(key, base_url=address, timeout=limits.timeout) as client:

            async def send(job: Job) -> Any:
                return await client.sync_single_enrich(job.contact, job.types, custom=job.custom)

            self._dispatch = Dispatch(
                send,
                pace,
                in_flight=in_flight_at_most(limits.rate, limits.timeout),
                retry_budget=limits.retry_budget,
                clock=time.monotonic,
            )
            await pace.turn()
            await self._check_key(client)
            await self._dispatch.run(self._jobs(), self._recorder(counter, emit))

    def interrupt(self, grace: float) -> None:
        """Send nothing more; what is in flight gets ``grace`` seconds."""
        if self._dispatch is not None:
            self._dispatch.interrupt(grace)
        if self._checking is not None:
            self._checking.cancel()

    def abandon(self) -> None:
        """Let go of everything at once."""
        self.interrupt(0.0)
        if self._dispatch is not None:
            self._dispatch.abandon()

    def frame(self) -> pd.DataFrame:
        """Return the caller's frame with what came back; raise or warn where the run stopped.

        Raises
        ------
        AuthenticationError, ConsentRequiredError, ConnectionFailedError
            Where the service stopped the run.
        """
        stopped_by = self._dispatch.stopped_by if self._dispatch else None
        self._raise_for(stopped_by)
        out = assemble(
            self._df,
            self.plan,
            self._options,
            [outcome.state if outcome else "pending" for outcome in self._outcomes],
            [outcome.message if outcome else None for outcome in self._outcomes],
            [outcome.answer if outcome else None for outcome in self._outcomes],
        )
        statuses = out[f"{self._options.prefix}pronto_status"]
        self._warn_for(stopped_by, int((statuses == "pending").sum()))
        return out

    def _target(self) -> tuple[str | None, SecretStr]:
        if self._key is not None:
            return self._settings.address, self._key
        from .sandbox import in_process

        # The sandbox has a key of its own; the caller's stays where it is.
        sandbox = in_process()
        return sandbox.url, sandbox.api_key

    async def _check_key(self, client: Client) -> None:
        """Find out that a key is wrong before a contact leaves; asking for the balance is free."""
        self._checking = asyncio.create_task(client.credits())
        try:
            await asyncio.wait_for(self._checking, KEY_CHECK_TIMEOUT)
        except AuthenticationError as error:
            if error.status == 401:  # 403 may mean this call alone
                raise
        except (ProntoError, TimeoutError):
            pass  # the page of the balance proves nothing about the one that is needed
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
        finally:
            self._checking = None

    def _jobs(self) -> Iterator[Job]:
        from .engine.jobs import Job

        plan = self.plan
        for number, (contact, asks) in enumerate(zip(plan.contacts, plan.asks, strict=True)):
            yield Job(number, contact, asks, plan.customs[number])

    def _recorder(self, counter: Counter, emit: Watcher) -> Callable[[Job, Outcome], None]:
        rows = self.plan.rows_per_contact

        def record(job: Job, outcome: Outcome) -> None:
            self._outcomes[job.number] = outcome
            state: str = outcome.state
            if outcome.answer is not None:
                state = "found" if any(map(outcome.answer.has, job.types)) else "not_found"
            emit(counter.add(state, int(rows[job.number])))

        return record

    def _raise_for(self, stopped_by: ProntoError | None) -> None:
        match stopped_by:
            case AuthenticationError() | ConsentRequiredError():
                raise stopped_by
            case ConnectionFailedError() if not self._anything_answered():
                raise stopped_by

    def _anything_answered(self) -> bool:
        return any(o is not None and o.state != "pending" for o in self._outcomes)

    def _warn_for(self, stopped_by: ProntoError | None, pending: int) -> None:
        if stopped_by is None:
            return
        go_on = f"{pending} rows are pending; enrich them again to go on."
        if isinstance(stopped_by, CreditsExhaustedError):
            warn(f"The credits are used up. {stopped_by} {go_on}", CreditsExhaustedWarning)
        else:
            warn(f"The run was stopped. {stopped_by} {go_on}", ServiceUnreachableWarning)
