"""What users call: many people in one request, their answers to a webhook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from ..arguments import Suppress, check_consent, check_frame, check_progress, make_options
from ..config.settings import current
from ..errors import ConfigurationError
from ..frame.options import Phones, Types
from ..notebook.progress import Watcher
from ..preview import Preview
from .job import BulkJob
from .webhook import checked


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
    """Ask Pronto for the people in a frame, up to 100 a request; the answers come to a webhook.

    Charged by the service for what it finds; it looks at the balance for a whole request before it
    takes it. Whoever the ledger has an answer for, or was sent before, is not sent again. Each
    request is in the ledger before it leaves.

    Parameters
    ----------
    df : DataFrame
        One person a row, with both names, and a company for emails, a LinkedIn address for phones
        and personal emails. It is not changed.
    type : str
        ``"email"``, ``"phone"`` or ``"personal_email"``; one.
    webhook_url : str
        Where the service posts each answer: the ``url`` of `pronto_pandas.webhook`, or the address
        of a tool that collects them, whose export `BulkJob.load` takes.
    phone_country_codes : sequence of str, optional
        Take phone numbers of these countries alone, as ISO 3166-1 alpha-2: ``["FR", "GB"]``.
        Without it the account's own setting holds.
    custom : list of str, optional
        Columns to pass through to the service; none of them is called ``pronto_pandas``.
    columns, limit, max_credits, overwrite, refresh, resend_unknown, phones, prefix, progress, \
    suppress, only, per_company
        As for `pronto_pandas.enrich`.

    Returns
    -------
    BulkJob
        Says how far it is; waits; and has the frame.

    Raises
    ------
    ConfigurationError
        Where an argument is wrong, a column is missing, or one person alone is left. Nothing was
        sent.
    AuthenticationError, ConsentRequiredError, ConnectionFailedError, LedgerError
        As for `pronto_pandas.enrich`.

    Warns
    -----
    CreditsExhaustedWarning, ServiceUnreachableWarning, LedgerWarning, MaxCreditsWarning
        Where the run stopped early; who was not sent is sent by running it again.
    RefusedWarning
        Where the service refused some of the requests.
    UnknownRowsWarning
        Where nobody knows whether the service has a request.
    """
    from .payload import TAG
    from .run import BulkRun

    check_frame(df)
    check_progress(progress)
    options, settings = make_options({**locals(), "endpoint": "bulk"}, df), current()
    types = options.types
    if len(types) != 1:
        raise ConfigurationError(
            "A bulk job asks for one type. Make one for each. Nothing was sent."
        )
    check_consent(types, settings)
    if TAG in map(str, options.custom):
        raise ConfigurationError(
            f"custom names the column {TAG!r}, which the package needs for itself. Rename it. "
            "Nothing was sent."
        )
    run = BulkRun(
        Preview(df, options, settings),
        progress,
        webhook_url=checked(webhook_url, settings),
        phone_country_codes=_codes(phone_country_codes, types[0]),
    )
    run.in_thread()
    return BulkJob(run.told(), settings, df, options)


def _codes(codes: Sequence[str] | None, type_: str) -> list[str] | None:
    if codes is None:
        return None
    if type_ != "phone":
        raise ConfigurationError("phone_country_codes is for phones. Nothing was sent.")
    found = [] if isinstance(codes, str) else [str(code).strip().upper() for code in codes]
    if not found or not all(re.fullmatch("[A-Z]{2}", code) for code in found):
        raise ConfigurationError(
            'phone_country_codes must be a list of two-letter codes: ["FR", "GB"]. '
            "Nothing was sent."
        )
    return found
