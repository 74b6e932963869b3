"""`BulkJob`: the progress and results of a bulk job, and how to open one again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
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

if TYPE_CHECKING:  # SQLAlchemy is slow to import
    from .job_store import Counts, JobRow
    from .payload import Source

POLL = 0.5
"""Seconds between two reads of the ledger."""

PER_COMMIT = 1_000
"""Maximum number of payloads saved in one transaction."""


@dataclass(frozen=True)
class Loaded:
    """Counts of the payloads that `BulkJob.load` read.

    Parameters
    ----------
    taken : int
        New answers, or ids of answers that can be fetched. Added to the ledger.
    repeated : int
        Answers that were already in the ledger.
    set_aside : int
        Payloads that were stored but not used: not an answer for this job, not final, or
        different from the saved answer.
    """

    taken: int
    repeated: int
    set_aside: int


class BulkJob:
    """A bulk job: people sent in batches, with answers delivered to a webhook.

    Jobs are stored in the ledger: `pronto_pandas.jobs` lists them, and `pronto_pandas.job` opens
    one in another session. Counts are read from the ledger on each access. `bulk_enrich` and these
    two functions create a BulkJob; do not construct one yourself.
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
        """The job's id, for `pronto_pandas.job`."""
        return self._row.id

    @property
    def type(self) -> str:
        """The requested type."""
        return self._row.type

    @property
    def created(self) -> pd.Timestamp:
        """When the job was created (UTC)."""
        return pd.Timestamp(self._row.created, unit="s", tz="UTC").round("s")

    @property
    def counts(self) -> Counts:
        """All counts, read at the same time."""
        from . import deliveries, job_store

        deliveries.save_set_aside(self._ledger, self._row)
        with self._ledger.read() as t:
            return job_store.count(t, self._row)

    @property
    def batches(self) -> int:
        """Batches that Pronto accepted or may have accepted."""
        return self.counts.batches

    @property
    def sent(self) -> int:
        """People in these batches."""
        return self.counts.sent

    @property
    def arrived(self) -> int:
        """People with an answer."""
        return self.counts.arrived

    @property
    def missing(self) -> int:
        """People still waiting for an answer."""
        return self.counts.missing

    def wait(self, timeout: float | None = None, *, progress: bool | Watcher = True) -> bool:
        """Wait for all answers. Sends nothing, costs nothing.

        Parameters
        ----------
        timeout : float, optional
            Maximum time to wait, in seconds. Default: no limit.
        progress : bool or callable, default True
            False hides the progress bar. A callable is called with a `Progress`, which counts
            people.

        Returns
        -------
        bool
            True if all answers have arrived; False on timeout.
        """
        began, counts = time.monotonic(), self.counts
        with watching(progress, counts.sent, "people") as view:
            shown = -1
            while True:
                seconds = time.monotonic() - began
                if counts.arrived != shown:
                    shown = counts.arrived
                    view.show(Progress(total=counts.sent, done=shown, seconds=seconds))
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
        """Return the DataFrame with the answers received so far. Costs nothing.

        If Pronto has posted only the id of an answer, the answer is fetched. This needs an API
        key; the requests are free.

        Parameters
        ----------
        df : DataFrame, optional
            The original DataFrame, loaded again. Required if the job was started in another
            session.
        columns, phones, prefix : optional
            As for `pronto_pandas.enrich`. Default: the values used to start the job or, in
            another session, the defaults of `enrich`.

        Returns
        -------
        DataFrame
            As returned by `pronto_pandas.enrich`. Rows without an answer yet are ``unknown``.

        Raises
        ------
        ConfigurationError
            The job was started in another session, and ``df`` was not passed.
        LedgerError
            The ledger cannot be read.
        """
        from . import deliveries

        frame = self._df if df is None else df
        if not isinstance(frame, pd.DataFrame):
            raise ConfigurationError(
                f'Pass the original DataFrame: pronto.job("{self.id}").results(df). '
                "The ledger stores answers, not your list."
            )
        given = {"columns": columns, "phones": phones, "prefix": prefix}
        changes: dict[str, Any] = {k: value for k, value in given.items() if value is not None}
        # "async" needs the same columns, and can fetch.
        fixed: dict[str, Any] = {"endpoint": "async", "refresh": False}
        if frame is not self._df:  # a mask is of the rows that it was made for
            fixed["only"] = None
        options = replace(self._options, resend_unknown=False, **(fixed | changes))
        deliveries.save_set_aside(self._ledger, self._row)
        preview = Preview(frame, options, self._settings)
        to_poll = preview.lookup.to_poll
        run = Run(preview, to_poll if to_poll and has_key(self._settings) else [])
        run.in_thread()
        return run.frame()

    def load(self, source: Source) -> Loaded:
        """Load answers collected by another tool. Costs nothing.

        Parameters
        ----------
        source : path, DataFrame or list of dict
            Webhook payloads as sent by Pronto: a JSON Lines file (``.jsonl``), a JSON array
            (``.json``), a table (``.csv``, ``.tsv``), a DataFrame or a list of dicts. Wrappers
            added by common tools are removed.

        Returns
        -------
        Loaded
            Counts of new answers, of answers already in the ledger, and of other payloads.

        Raises
        ------
        ConfigurationError
            The source cannot be read.
        LedgerError
            The ledger cannot be written.
        """
        from . import deliveries
        from .payload import read_export

        payloads = list(read_export(source))
        fates: Counter[deliveries.Fate] = Counter()
        for start in range(0, len(payloads), PER_COMMIT):
            with self._ledger.write() as t:
                some = payloads[start : start + PER_COMMIT]
                saved = deliveries.save(self._ledger, t, some, only=self.id)
            fates += saved
        return Loaded(fates["taken"], fates["repeated"], fates["set aside"])

    def _card(self) -> tuple[str, dict[str, object], str]:
        now = self.counts
        rows = {
            "people sent": f"{now.sent:,} in {now.batches:,} batch{'es' * (now.batches != 1)}",
            "answers received": f"{now.arrived:,}",
            "answers pending": f"{now.missing:,}",
            "started": self.created.strftime("%Y-%m-%d %H:%M UTC"),
        }
        if now.refused:
            reasons = f": {sentences(now.messages)}" if now.messages else ""
            rows["rejected or not sent"] = f"{now.refused:,}{reasons}"
        step = ".wait(), then .results()" if now.missing else ".results()"
        after = f'Next: {step}. In another session: pronto.job("{self.id}").results(df)'
        if not now.sent and not now.refused:
            after = "No batch was sent, so the job is not saved. .results() returns saved answers."
        return f"Bulk job {self.id}: {self.type}", dict(rows), after

    def __repr__(self) -> str:
        return card.text(*self._card())

    def _repr_html_(self) -> str:
        return card.html(*self._card())


def sentences(messages: Iterable[str]) -> str:
    """Join messages, each with a full stop; Pronto's own may have none."""
    ended = (one if one.endswith((".", "!", "?")) else f"{one}." for one in messages if one)
    return " ".join(ended)


def jobs() -> list[BulkJob]:
    """Return the bulk jobs in the ledger for the current service, newest first. Sends nothing.

    Raises
    ------
    LedgerError
        The ledger cannot be read.
    """
    from . import job_store

    settings = current()
    ledger = open_ledger(settings)
    with ledger.read() as t:
        rows = job_store.list_jobs(t, ledger.service)
    return [BulkJob(row, settings) for row in rows]


def job(id: str) -> BulkJob:  # noqa: A002  the name of the property
    """Open a bulk job by its id or the start of its id. Sends nothing.

    Raises
    ------
    ConfigurationError
        No job, or more than one, has an id that starts with this text.
    LedgerError
        The ledger cannot be read.
    """
    found = [one for one in jobs() if id and one.id.startswith(id)]
    if len(found) != 1:
        number = "More than one" if found else "No"
        raise ConfigurationError(f"{number} bulk job id starts with {id!r}. See pronto.jobs().")
    return found[0]
