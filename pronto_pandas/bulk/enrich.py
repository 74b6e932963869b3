"""`bulk_enrich`: check the arguments, send people in batches, return the job."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from .. import run_messages
from ..api.spec import BULK_LEAST
from ..arguments import Suppress, check_consent, check_frame, check_progress, make_options
from ..config.settings import current
from ..errors import ConfigurationError, RefusedWarning, warn
from ..frame.options import Phones, Types
from ..notebook.progress import Watcher
from ..preview import Preview
from ..run import Run
from ..wording import counted
from .job import BulkJob, sentences
from .webhook import checked

if TYPE_CHECKING:  # imported when something is sent
    from ..api.client import Client
    from ..sending.modes import Mode


def bulk_enrich(
    df: pd.DataFrame,
    type: Types,  # noqa: A002  the name of the public interface
    webhook_url: str | None = None,
    *,
    phone_country_codes: Sequence[str] | None = None,
    custom: Iterable[object] | None = None,
    columns: Mapping[str, object] | None = None,
    limit: int | None = None,
    max_credits: float | None = None,
    overwrite: bool = False,
    refresh: bool = False,
    resend_unknown: bool = False,
    phones: Phones = "columns",
    prefix: str = "",
    progress: bool | Watcher = True,
    suppress: Suppress | None = None,
    only: Iterable[bool] | None = None,
    per_company: int | None = None,
) -> BulkJob:
    """Enrich a DataFrame in batches of up to 100 people; Pronto posts the answers to a webhook.

    Pronto charges only for what it finds, and accepts a batch only if your balance covers it.
    People who have an answer in the ledger, or were sent before, are not sent again. Each batch is
    recorded in the ledger before it is sent.

    Parameters
    ----------
    df : DataFrame
        One row per person with first and last name, plus a company (for emails) or a LinkedIn URL
        (for phones and personal emails). Not modified.
    type : str
        ``"email"``, ``"phone"`` or ``"personal_email"``. One type per job.
    webhook_url : str
        URL to which Pronto posts each answer: the ``url`` of `pronto_pandas.webhook`, or the URL
        of a tool that collects webhooks, whose export you load with `BulkJob.load`.
    phone_country_codes : sequence of str, optional
        Only find phone numbers of these countries, as ISO two-letter codes: ``["FR", "GB"]``.
        Default: the setting of your Pronto account. A saved answer is used whatever the countries
        it was requested for.
    custom : list of str, optional
        Columns to send to Pronto with each person, in the ``custom`` field. The name
        ``pronto_pandas`` is reserved.
    columns, limit, max_credits, overwrite, refresh, resend_unknown, phones, prefix, progress, \
    suppress, only, per_company
        As for `pronto_pandas.enrich`. A job sends only the first ``per_company`` people of each
        company; the next job sends others in place of those who were not found.

    Returns
    -------
    BulkJob
        The job, with ``.counts``, ``.wait()`` and ``.results()``.

    Raises
    ------
    ConfigurationError
        An argument is invalid, a column is missing, or only one person is left to send. Nothing
        was sent.
    AuthenticationError, ConsentRequiredError, NotConfirmedError, ConnectionFailedError, LedgerError
        As for `pronto_pandas.enrich`.

    Warns
    -----
    CreditsExhaustedWarning, ServiceUnreachableWarning, LedgerWarning, MaxCreditsWarning
        The run stopped early. Run the same line again to send the rest.
    RefusedWarning
        Pronto did not process some of the batches. You were not charged for their rows.
    UnknownRowsWarning
        It is unknown whether Pronto received a batch; its rows may have been charged.
    """
    from .batches import BulkCall, JobNotes, webhook_mode
    from .job_store import JobRow
    from .payload import TAG

    check_frame(df)
    check_progress(progress)
    options, settings = make_options({**locals(), "endpoint": "bulk"}, df), current()
    types = options.types
    if len(types) != 1:
        raise ConfigurationError(
            "bulk_enrich accepts one type per job. Start one job per type. Nothing was sent."
        )
    check_consent(types, settings)
    if TAG in map(str, options.custom):
        raise ConfigurationError(
            f"The column name {TAG!r} is reserved and cannot be in custom. Rename the column. "
            "Nothing was sent."
        )
    url = checked(webhook_url, settings)
    preview = Preview(df, options, settings)
    to_send = preview.lookup.to_send
    if 0 < len(to_send) < BULK_LEAST:
        raise ConfigurationError(
            "Only one person is left to send, and a bulk request needs at least two. Use "
            f'df.pronto.enrich(type="{types[0]}") instead. Nothing was sent.'
        )
    job = JobRow(secrets.token_hex(6), settings.service, types[0], time.time())

    def mode(client: Client) -> Mode:
        return webhook_mode(BulkCall(client, job.id, url, options.phone_country_codes))

    run = Run(preview, to_send, progress, mode=mode, notes=JobNotes(job))
    run.in_thread()
    _report(run, preview)
    return BulkJob(job, settings, df, options)


def _report(run: Run, preview: Preview) -> None:
    """Raise or warn if the run stopped early, or Pronto did not process some of the people."""
    run_messages.raise_if_useless(run.stopped_by, any_done=run.any_done)
    rows: Counter[str] = Counter()
    refusals = set()
    for result, count in zip(run.results, preview.plan.rows_per_contact, strict=True):
        for outcome in result.values():
            if not outcome.delivered_later:
                rows[outcome.state] += int(count)
            if outcome.state == "error":
                refusals.add(outcome.message or "")
    if rows["error"]:
        warn(
            f"Pronto did not process {counted(rows['error'], 'row')}. You were not charged. "
            f"{sentences(sorted(refusals))} Run the same line again to resend them.",
            RefusedWarning,
        )
    run_messages.warn_of(
        run.stopped_by,
        pending=rows["pending"],
        unknown=rows["unknown"],
        over=run.limit,
    )
