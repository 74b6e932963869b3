"""What users call: a frame in, a frame out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from .arguments import (
    Suppress,
    check_consent,
    check_frame,
    check_progress,
    signed_like,
    suppressed,
)
from .config.settings import current
from .frame.options import Options, Phones, Types, Via, customs_of, only_of, types_of, via_of
from .notebook.progress import Watcher
from .run import Run


def request(
    df: pd.DataFrame,
    type: Types,  # noqa: A002  the name of the public interface
    *,
    columns: Mapping[str, object] | None = None,
    limit: int | None = None,
    max_credits: float | None = None,
    overwrite: bool = False,
    refresh: bool = False,
    resend_unknown: bool = False,
    phones: Phones = "columns",
    prefix: str = "",
    custom: Iterable[object] | None = None,
    progress: bool | Watcher = True,
    via: Via = "sync",
    suppress: Suppress | None = None,
    only: Iterable[bool] | None = None,
    per_company: int | None = None,
) -> Run:
    """Check everything that can be checked without the network; see `enrich`."""
    check_frame(df)
    check_progress(progress)
    settings = current()
    types = types_of(type)
    check_consent(types, settings)
    options = Options(
        types=types,
        endpoint=via_of(via),
        columns=columns,
        limit=limit,
        max_credits=max_credits,
        overwrite=overwrite,
        refresh=refresh,
        resend_unknown=resend_unknown,
        phones=phones,
        prefix=prefix,
        custom=customs_of(custom),
        suppress=suppressed(suppress),
        only=only_of(only, df),
        per_company=per_company,
    )
    return Run(df, options, settings, progress)


request.__qualname__ = "enrich"  # what the caller typed, in Python's own errors


@signed_like(request)
def enrich(*args: Any, **kwargs: Any) -> pd.DataFrame:
    """Ask Pronto for the work emails, phones or personal emails of the people in a frame.

    Every distinct person is one request, charged by the service for what it finds. An answer is
    kept in the ledger and costs nothing when it is asked for again. Everything is checked before
    the first request. Requests start as fast as the service allows and no faster.

    Parameters
    ----------
    df : DataFrame
        One person a row, with a first name, a last name, and at least one of a company's domain,
        a company's name and a LinkedIn address. It is not changed.
    type : str or list of str
        ``"email"``, ``"phone"``, ``"personal_email"``, or several in a list.
    columns : mapping, optional
        Field to header, where a header is not understood: ``{"firstname": "Prénom"}``. None as
        header leaves a field out. The fields are ``firstname`` and ``lastname`` or both in
        ``fullname``, ``company_name``, ``domain``, ``linkedin_url``, and what the list knows
        already: ``email``, ``personal_email``, ``phone``.
    limit : int, optional
        A trial: send at most so many people, the first ones that can be sent.
    max_credits : float, optional
        Stop before so many credits could be passed, by the highest prices of the settings and five
        phone numbers a person.
    overwrite : bool
        Ask for, and replace, values that the frame already holds. Else they stay, and are not
        asked for.
    refresh : bool
        Ask anew, and pay anew, for what the ledger has an answer for.
    resend_unknown : bool
        Send again what was sent by an earlier run whose answer was lost. It may be charged twice.
    phones : str
        ``"columns"``: ``phone_1``, ``phone_1_type``, ``phone_2``, …. ``"rows"``: one row a phone,
        in ``phone`` and ``phone_type``. ``"list"``: one column ``phones`` of lists of
        ``{"number": …, "type": …}``.
    prefix : str
        Put before the name of every column that is added.
    custom : list of str, optional
        Columns to pass through to the service as ``custom``.
    progress : bool or callable
        False shows no bar. A callable gets a `Progress` for each person that is settled, and one
        when the run is stopped.
    via : str
        ``"sync"``: one request a person, which waits for the answer. ``"async"``: each type is
        submitted by itself, and the answer fetched when it is there; slower, and an answer that is
        lost on the way is fetched again. Emails then need a company, phones a LinkedIn address.
    suppress : str, list of str, Series, DataFrame or path, optional
        Who is never sent: emails, domains (with all that is below them) and LinkedIn addresses; a
        frame or a file that has columns of them, where names with a company do too.
    only : Series or list of bool, optional
        The rows that may be sent, such as ``df["Country"] == "FR"``.
    per_company : int, optional
        At most so many people of a company, the first ones; who has the value already counts.

    Returns
    -------
    DataFrame
        The rows, order, index and dtypes of ``df``, with the columns asked for, and
        ``pronto_status``, ``pronto_message`` and ``enrichment_id``; all of the string dtype of
        the installed pandas.

    Raises
    ------
    ConfigurationError
        Where an argument is wrong or a column is missing. Nothing was sent.
    AuthenticationError
        Where there is no key, or the service does not accept it.
    ConsentRequiredError
        Where personal emails are asked for without consent.
    ConnectionFailedError
        Where the service could not be reached at all. Nothing was sent.
    LedgerError
        Where the ledger cannot be read or written. Nothing was sent.
    ResultError
        Where the answers are there, but a column of the frame could not be written.

    Warns
    -----
    CreditsExhaustedWarning, ServiceUnreachableWarning, LedgerWarning
        Where the run stopped early; rows that were not sent are ``pending``.
    MaxCreditsWarning
        Where the run ended because ``max_credits`` could be passed.
    UnknownRowsWarning
        Where answers were lost; their rows may be charged.
    PhoneWithoutLinkedInWarning
        Where phones are asked for people without a LinkedIn address.

    Notes
    -----
    An interrupt or SIGTERM sends nothing more, waits for the answers in flight, and raises
    ``KeyboardInterrupt``; a second one does not wait, and those who were sent are ``unknown``.
    """
    run = request(*args, **kwargs)
    run.in_thread()
    return run.frame()


@signed_like(request)
async def aenrich(*args: Any, **kwargs: Any) -> pd.DataFrame:
    """Do what `enrich` does, while the loop of the caller goes on: ``out = await aenrich(df, …)``.

    Parameters, result, errors and cost are those of `enrich`. Where its task is cancelled, what
    arrives within a second is stored, and the rest of what is in flight is ``unknown``. After an
    interrupt it waits for all of that, and ends as if cancelled.
    """
    run = request(*args, **kwargs)
    await run.in_loop()
    return run.frame()


def collect(
    df: pd.DataFrame,
    type: Types,  # noqa: A002  the name of the public interface
    *,
    columns: Mapping[str, object] | None = None,
    overwrite: bool = False,
    phones: Phones = "columns",
    prefix: str = "",
) -> pd.DataFrame:
    """Return what the ledger knows of the people in a frame. Sends nothing, costs nothing.

    Needs no key. The parameters and the result are those of `enrich`; rows that the ledger does
    not know are ``pending``, rows whose answer was lost are ``unknown``.

    Raises
    ------
    ConfigurationError
        Where an argument is wrong or a column is missing.
    LedgerError
        Where the ledger cannot be read.
    """
    check_frame(df)
    options = Options(
        types=types_of(type), columns=columns, overwrite=overwrite, phones=phones, prefix=prefix
    )
    return Run(df, options, current(), sends=False, fetches=False).frame()
