"""A bulk job as its owner sees it: how far it is, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..account import has_key
from ..config.settings import Settings, current
from ..errors import ConfigurationError
from ..frame.options import Options, Phones
from ..lookup import open_ledger
from ..notebook import card
from ..notebook.progress import Progress, Watcher
from ..notebook.progress_bar import watching
from ..preview import Preview
from ..run import Run
from .rows import Counts, JobRow

if TYPE_CHECKING:  # what reads payloads is loaded with the first
    from .load import Source

POLL = 0.5
"""Seconds between looks at the ledger."""

AT_ONCE = 1_000
"""Payloads that are stored in one commit."""


@dataclass(frozen=True)
class Loaded:
    """What became of payloads that were loaded.

    Parameters
    ----------
    taken : int
        New answers.
    repeated : int
        Answers that were here already.
    set_aside : int
        What is no answer of this job; it is kept, and changes nothing.
    """

    taken: int
    repeated: int
    set_aside: int


class BulkJob:
    """People who were asked for in batches, and whose answers come to a webhook.

    It is kept in the ledger: `pronto_pandas.jobs` lists all, and `pronto_pandas.job` picks one up
    in another kernel. The counts are read from there each time.

    Parameters
    ----------
    row : JobRow
        As the ledger has it.
    settings : Settings
        Which ledger.
    df : DataFrame, optional
        Whose people they are.
    options : Options, optional
        What was asked for.
    """

    def __init__(
        self,
        row: JobRow,
        settings: Settings,
        df: pd.DataFrame | None = None,
        options: Options | None = None,
    ) -> None:
        self._row, self._settings = row, settings
        self._df, self._options = df, options or Options(types=(row.type,), endpoint="bulk")
        self._ledger = open_ledger(settings)

    @property
    def id(self) -> str:
        """The job's name in the ledger."""
        return self._row.id

    @property
    def type(self) -> str:
        """What was asked for."""
        return self._row.type

    @property
    def created(self) -> pd.Timestamp:
        """When it was made (UTC)."""
        return pd.Timestamp(self._row.created, unit="s", tz="UTC").round("s")

    @property
    def counts(self) -> Counts:
        """All counts, at one moment."""
        from . import store

        store.take_aside(self._ledger, self._row)
        with self._ledger.read() as t:
            return store.count(t, self._row)

    @property
    def batches(self) -> int:
        """Requests that the service has taken, or may have."""
        return self.counts.batches

    @property
    def sent(self) -> int:
        """People in those requests."""
        return self.counts.sent

    @property
    def arrived(self) -> int:
        """People whose answer is there."""
        return self.counts.arrived

    @property
    def missing(self) -> int:
        """People whose answer is not there yet."""
        return self.counts.missing

    def wait(self, timeout: float | None = None, *, progress: bool | Watcher = True) -> bool:
        """Wait until every answer is there. Sends nothing, costs nothing.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; without, as long as it takes.
        progress : bool or callable
            False shows no bar. A callable gets a `Progress` now and then, in people.

        Returns
        -------
        bool
            Whether every answer is there.
        """
        began, counts = time.monotonic(), self.counts
        with watching(progress, counts.sent, "people") as view:
            told = -1
            while True:
                seconds = time.monotonic() - began
                if counts.arrived != told:
                    told = counts.arrived
                    view.show(Progress(total=counts.sent, done=told, seconds=seconds))
                view.tick()
                if not counts.missing:
                    return True
                left = POLL if timeout is None else min(POLL, timeout - seconds)
                if left <= 0:
                    return False
                time.sleep(left)
                counts = self.counts

    def results(
        self,
        df: pd.DataFrame | None = None,
        *,
        columns: Mapping[str, object] | None = None,
        phones: Phones | None = None,
        prefix: str | None = None,
    ) -> pd.DataFrame:
        """Return the frame with the answers that are there. Sends nobody, costs nothing.

        An answer that the service has promised under a name of its own is fetched; that takes a
        request and a key.

        Parameters
        ----------
        df : DataFrame, optional
            The frame that the job was made of, read again. Needed in another kernel than the one
            that made the job.
        columns, phones, prefix : optional
            As for `pronto_pandas.enrich`; without, as the job was made.

        Returns
        -------
        DataFrame
            As `pronto_pandas.enrich` returns it. Rows whose answer is not there are ``unknown``.

        Raises
        ------
        ConfigurationError
            Where the frame is needed.
        LedgerError
            Where the ledger cannot be read.
        """
        from . import store

        frame = self._df if df is None else df
        if not isinstance(frame, pd.DataFrame):
            raise ConfigurationError(
                "The ledger holds the answers, not your list. Read the list again and pass it: "
                f'pronto.job("{self.id}").results(df).'
            )
        given = {"columns": columns, "phones": phones, "prefix": prefix}
        changes: dict[str, Any] = {k: value for k, value in given.items() if value is not None}
        # "async" needs the same columns, and can fetch.
        fixed: dict[str, Any] = {"endpoint": "async", "refresh": False}
        if frame is not self._df:  # a mask is of the rows that it was made for
            fixed["only"] = None
        options = replace(self._options, resend_unknown=False, **(fixed | changes))
        store.take_aside(self._ledger, self._row)
        preview = Preview(frame, options, self._settings)
        to_poll = preview.lookup.to_poll
        run = Run(preview, to_poll if to_poll and has_key(self._settings) else [])
        run.in_thread()
        return run.frame()

    def load(self, source: Source) -> Loaded:
        """Take answers that another receiver or tool has collected. Costs nothing.

        Parameters
        ----------
        source : path, DataFrame or list of dict
            The payloads as the service sent them: a file of JSON lines (``.jsonl``), of a JSON list
            (``.json``) or a table (``.csv``); what tools wrap around a payload is taken off.

        Returns
        -------
        Loaded
            How many were taken, were here already, or are set aside.

        Raises
        ------
        ConfigurationError
            Where it cannot be read.
        LedgerError
            Where the ledger cannot be written.
        """
        from . import store
        from .load import payloads

        found = list(payloads(source))
        fates = {"taken": 0, "repeated": 0, "set aside": 0}
        for start in range(0, len(found), AT_ONCE):
            with self._ledger.write() as t:
                some = found[start : start + AT_ONCE]
                fates_of = store.deliver(self._ledger, t, some, only=self.id)
            for fate, count in fates_of.items():
                fates[fate] += count
        return Loaded(*fates.values())

    def _card(self) -> tuple[str, dict[str, object], str]:
        now = self.counts
        rows = {
            "people sent": f"{now.sent:,} in {now.batches:,} batches",
            "answers arrived": f"{now.arrived:,}",
            "answers missing": f"{now.missing:,}",
            "made": self.created.strftime("%Y-%m-%d %H:%M UTC"),
        }
        if now.refused:
            rows["not taken"] = f"{now.refused:,}. {' '.join(now.messages)}".strip()
        after = f'.wait(), .results(); in another kernel pronto.job("{self.id}").results(df)'
        return f"Bulk job {self.id}: {self.type}", dict(rows), after

    def __repr__(self) -> str:
        return card.text(*self._card())

    def _repr_html_(self) -> str:
        return card.html(*self._card())


def jobs() -> list[BulkJob]:
    """Return the bulk jobs that the ledger has for this address, the newest first. Sends nothing.

    Raises
    ------
    LedgerError
        Where the ledger cannot be read.
    """
    from . import store

    settings = current()
    ledger = open_ledger(settings)
    with ledger.read() as t:
        rows = store.list_jobs(t, ledger.service)
    return [BulkJob(row, settings) for row in rows]


def job(id: str) -> BulkJob:  # noqa: A002  the name of the property
    """Pick up a bulk job by its id, or by the beginning of it. Sends nothing.

    Raises
    ------
    ConfigurationError
        Where there is none, or several begin so.
    LedgerError
        Where the ledger cannot be read.
    """
    found = [one for one in jobs() if id and one.id.startswith(id)]
    if len(found) != 1:
        many = "Several bulk jobs begin" if found else "No bulk job begins"
        raise ConfigurationError(f"{many} with {id!r}. pronto.jobs() lists them.")
    return found[0]
