"""``enrich``, ``aenrich`` and ``collect``: a DataFrame in, a DataFrame out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from .arguments import arguments, check_consent, check_frame, make_options, signed_like
from .config.settings import current
from .frame.options import Phones, Types
from .preview import Preview
from .run import Run


def prepare(*args: Any, **kwargs: Any) -> Run:
    """Check everything that can be checked offline; takes the arguments of `enrich`."""
    given, settings = arguments(*args, **kwargs), current()
    check_consent(given.options.types, settings)
    preview = Preview(given.df, given.options, settings)
    return Run(preview, preview.lookup.requests, given.progress)


@signed_like(arguments)
def enrich(*args: Any, **kwargs: Any) -> pd.DataFrame:
    """Find work emails, phone numbers or personal emails for the people in a DataFrame.

    Pronto charges only for what it finds. Each distinct person is looked up once, and their
    answer is filled into every row of that person. Answers are saved in the ledger and reused for
    free for 90 days (see ``max_age_days`` of `pronto_pandas.configure`). All arguments and rows are
    checked before the first request. Requests are sent as fast as Pronto's rate limit allows.

    Use `estimate` to see the cost first, and `check` to see what would be done with each row.

    Parameters
    ----------
    df : DataFrame
        One row per person: first and last name, plus a company domain, a company name or a
        LinkedIn URL. Not modified.
    type : str or list of str
        ``"email"``, ``"phone"``, ``"personal_email"``, or a list of these.
    columns : mapping, optional
        Maps Pronto fields to your column names, for columns that are not recognized:
        ``{"firstname": "Prénom"}``. Use None to ignore a field. The fields are ``firstname`` and
        ``lastname`` (or ``fullname``), ``company_name``, ``domain`` and ``linkedin_url``, and, for
        values you already have, ``email``, ``personal_email`` and ``phone``.
    limit : int, optional
        Send only people among the first ``limit`` people, so the same line again sends nobody new.
        Use it for a trial run.
    max_credits : float, optional
        Stop before the run could cost more than this many credits. For people whose answers are
        pending, credits are reserved: at first for five phone numbers per person, then, as answers
        arrive, for as many as are likely enough.
    overwrite : bool
        Request values you already have, and replace them. By default, existing values are kept and
        not requested.
    refresh : bool
        Request values again even if they are in the ledger, and pay for them again.
    resend_unknown : bool
        Resend people whose answers were lost in an earlier run. You may be charged twice for them.
    phones : str
        ``"columns"``: ``phone_1``, ``phone_1_type``, ``phone_2`` and so on. ``"rows"``: one row per
        phone number, in ``phone`` and ``phone_type``. ``"list"``: one column ``phones`` with lists
        of ``{"number": …, "type": …}``.
    phone_country_codes : list of str, optional
        Only find phone numbers of these countries, as ISO two-letter codes: ``["FR", "GB"]``.
        Default: the setting of your Pronto account. Pronto documents it for bulk requests; its own
        integrations also send it for single people. A saved answer is used whatever the countries
        it was requested for; ``refresh=True`` requests it again.
    prefix : str
        Prefix for the names of the added columns.
    custom : list of str, optional
        Columns to send to Pronto with each person, in the ``custom`` field of the request.
    progress : bool or callable
        False hides the progress bar and the lines about the cost. A callable is called with a
        `Progress` after each person, when the run is interrupted, and while requests fail and are
        tried again.
    via : str
        ``"sync"``: one request per person, which waits for the answer. ``"async"``: one request per
        person and type; the run then fetches the answers. This is slower, but an answer lost in
        transit can be fetched again. With ``"async"``, emails need a company and phones need a
        LinkedIn URL.
    suppress : str, list of str, Series, DataFrame or path, optional
        People who are never looked up: emails, domains (including subdomains) or LinkedIn URLs, as
        a list, DataFrame or file. A DataFrame or file may also name people by first name, last name
        and company.
    only : Series or list of bool, optional
        Boolean mask of the rows to send, such as ``df["Country"] == "FR"``.
    per_company : int, optional
        Send people of each company, from the top, until this many are found. People who already
        have the value count. Together with ``limit``, at most ``limit`` people are sent.
    stop_below : float, optional
        Stop if the list's found rate is certainly below this, for example 0.1. The run is never
        stopped before 50 answers, and a list with this found rate is stopped with a chance of at
        most 1 in 1,000.

    Returns
    -------
    DataFrame
        A copy of ``df`` with the requested columns plus ``pronto_status``, ``pronto_message``,
        ``enrichment_id`` and ``pronto_answered_at``, the time of the answer in UTC. Row order and
        index are unchanged, and so are dtypes, except that a column of yours that is filled may
        become text. New columns have pandas' string dtype, and ``pronto_answered_at`` has
        ``datetime64[ns]``. With ``phones="list"``, column ``phones`` has the dtype object.
        With ``phones="rows"``, a person's row is repeated for each additional phone number.

    Raises
    ------
    ConfigurationError
        An argument is invalid or a column is missing. Nothing was sent.
    AuthenticationError
        There is no API key, or Pronto does not accept it.
    ConsentRequiredError
        Personal emails were requested, but consent is missing in `configure` or in your Pronto
        account.
    NotConfirmedError
        In a notebook or terminal: the expected cost is high (see ``confirm_above`` of
        `pronto_pandas.configure`), and the question about it was not answered with yes. Nothing
        was sent.
    ConnectionFailedError
        Pronto could not be reached at all. Nothing was sent.
    LedgerError
        The ledger cannot be read or written. Nothing was sent.
    ResultError
        The answers are saved in the ledger, but could not be written into the DataFrame.

    Warns
    -----
    CreditsExhaustedWarning, ServiceUnreachableWarning, LedgerWarning
        The run stopped early. Rows not sent are ``pending``.
    MaxCreditsWarning
        The run stopped because ``max_credits`` or the budget could have been exceeded.
    LowFoundRateWarning
        The run stopped because of ``stop_below``.
    UnknownRowsWarning
        Some rows were sent but not answered. They are ``unknown`` and may have been charged.
    PhoneWithoutLinkedInWarning
        Phones are requested for people without a LinkedIn URL, for whom few are found.

    Notes
    -----
    ``limit``, ``only``, ``per_company`` and ``max_credits`` decide only who is sent. Answers in the
    ledger are filled in every row, except for people on the ``suppress`` list.

    With ``progress=True``, one line before the run shows the expected and the highest cost and
    your balance, and one line after it shows what it did cost. The cost is the difference between
    the two balances, which are read with free requests.

    After an interrupt (Ctrl-C, or "Interrupt" in a notebook) or SIGTERM, nothing more is sent. The
    run waits for the requests in flight and raises ``KeyboardInterrupt``. After a second
    interrupt, the run stops waiting: the rows of those requests become ``unknown``. Run the same
    line again to continue.

    Examples
    --------
    >>> out = df.pronto.enrich("email")
    >>> out = df.pronto.enrich(["email", "phone"], limit=20)
    """
    run = prepare(*args, **kwargs)
    run.in_thread()
    return run.frame()


@signed_like(arguments)
async def aenrich(*args: Any, **kwargs: Any) -> pd.DataFrame:
    """Async version of `enrich`: ``out = await aenrich(df, "email")``.

    Parameters, return value, errors and cost are the same as for `enrich`. If its task is
    cancelled, answers that arrive within one second are saved; the rows of other requests in flight
    become ``unknown``. After an interrupt, it waits for all requests in flight and then raises
    ``CancelledError``.
    """
    run = prepare(*args, **kwargs)
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
    """Fill a DataFrame with the answers already in the ledger. Sends nothing, costs nothing.

    Needs no API key.

    Parameters
    ----------
    df, type, columns, overwrite, phones, prefix
        As for `enrich`.

    Returns
    -------
    DataFrame
        The same columns as from `enrich`. Rows not in the ledger are ``pending``; rows whose answer
        was lost are ``unknown``.

    Raises
    ------
    ConfigurationError
        An argument is invalid or a column is missing.
    LedgerError
        The ledger cannot be read.

    Warns
    -----
    UnknownRowsWarning
        Some rows were sent but not answered.
    """
    check_frame(df)
    return Preview(df, make_options(locals()), current()).frame()
