"""What users call: a frame in, a frame out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar, cast

import pandas as pd

from .errors import ConfigurationError, ConsentRequiredError
from .estimate import Estimate, balance_of
from .estimate import of as estimate_of
from .frame.options import Options, Phones, Types, Via, customs_of, types_of
from .notebook.progress import Watcher
from .run import Run
from .settings import Settings, current

P = ParamSpec("P")
R = TypeVar("R")


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
) -> Run:
    """Check everything that can be checked without the network; see `enrich`."""
    check_frame(df)
    if not isinstance(progress, bool) and not callable(progress):
        raise ConfigurationError("progress must be True, False or a function. Nothing was sent.")
    settings = current()
    types = types_of(type)
    check_consent(types, settings)
    options = Options(
        types=types,
        endpoint=via,
        columns=columns,
        limit=limit,
        max_credits=max_credits,
        overwrite=overwrite,
        refresh=refresh,
        resend_unknown=resend_unknown,
        phones=phones,
        prefix=prefix,
        custom=customs_of(custom),
    )
    return Run(df, options, settings, progress)


request.__qualname__ = "enrich"  # what the caller typed, in Python's own errors


def _signed_like(
    template: Callable[P, object],
) -> Callable[[Callable[..., R]], Callable[P, R]]:
    """Give a function the parameters of another, for editors, type checkers and ``help``."""

    def sign(function: Callable[..., R]) -> Callable[P, R]:
        parameters = inspect.signature(template, eval_str=True).parameters.values()
        returns = inspect.signature(function).return_annotation
        function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # read by inspect
            list(parameters), return_annotation=returns
        )
        return cast("Callable[P, R]", function)

    return sign


@_signed_like(request)
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
        header leaves a field out. The fields are ``firstname``, ``lastname``, ``company_name``,
        ``domain`` and ``linkedin_url``.
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
        False shows no bar. A callable gets a `Progress` for each person that is settled.
    via : str
        ``"sync"``: one request a person, which waits for the answer. ``"async"``: each type is
        submitted by itself, and the answer fetched when it is there; slower, and an answer that is
        lost on the way is fetched again. Emails then need a company, phones a LinkedIn address.

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
    """
    run = request(*args, **kwargs)
    run.in_thread()
    return run.frame()


@_signed_like(request)
async def aenrich(*args: Any, **kwargs: Any) -> pd.DataFrame:
    """Do what `enrich` does, on the event loop of the caller: ``out = await aenrich(df, …)``.

    Parameters, result, errors and cost are those of `enrich`.
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


def estimate(
    df: pd.DataFrame,
    type: Types,  # noqa: A002  the name of the public interface
    *,
    columns: Mapping[str, object] | None = None,
    limit: int | None = None,
    overwrite: bool = False,
    refresh: bool = False,
    resend_unknown: bool = False,
    via: Via = "sync",
) -> Estimate:
    """Say what `enrich` would send and what it would cost. Sends no contact, costs nothing.

    One request, for the balance, where a key is set; nothing else leaves. The parameters are those
    of `enrich`; prices are those of `pronto_pandas.configure`.

    Returns
    -------
    Estimate
        Rows to send, people, duplicates, answered, submitted, unknown, skipped, invalid; the cost
        from lowest to highest in credits, and the balance where the service's answer can be
        understood.

    Raises
    ------
    ConfigurationError
        Where an argument is wrong or a column is missing.
    LedgerError
        Where the ledger cannot be read.
    """
    check_frame(df)
    options = Options(
        types=types_of(type),
        endpoint=via,
        columns=columns,
        limit=limit,
        overwrite=overwrite,
        refresh=refresh,
        resend_unknown=resend_unknown,
    )
    run = Run(df, options, current(), looks=True)
    return estimate_of(run, current().prices, balance_of(run))


def check_consent(types: Iterable[str], settings: Settings) -> None:
    """Refuse to ask for personal emails before their purpose was said."""
    if "personal_email" in types and settings.personal_email_consent is None:
        from .api.failures import CONSENT_STEPS

        raise ConsentRequiredError(f"{CONSENT_STEPS} Nothing was sent.")


def check_frame(df: object) -> None:
    """Refuse what is no frame."""
    if not isinstance(df, pd.DataFrame):
        raise ConfigurationError(
            f"A DataFrame is needed, not a {df.__class__.__name__}: one row a person, with names "
            "and a company in columns. Nothing was sent."
        )
