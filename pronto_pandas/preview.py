"""What users call to look before they pay: nothing of it sends a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from . import check as checks
from .arguments import Suppress, check_frame, signed_like, suppressed
from .check import Check
from .config.settings import current
from .estimate import Estimate, balance_of
from .estimate import of as estimate_of
from .frame.options import Options, Types, Via, only_of, types_of, via_of
from .frame.people import Cells
from .frame.results import texts
from .run import Run


def look(
    df: pd.DataFrame,
    type: Types,  # noqa: A002  the name of the public interface
    *,
    columns: Mapping[str, object] | None = None,
    limit: int | None = None,
    overwrite: bool = False,
    refresh: bool = False,
    resend_unknown: bool = False,
    via: Via = "sync",
    suppress: Suppress | None = None,
    only: Iterable[bool] | None = None,
    per_company: int | None = None,
) -> Run:
    """Make a run that is only looked at; see `estimate` and `check`."""
    check_frame(df)
    options = Options(
        types=types_of(type),
        endpoint=via_of(via),
        columns=columns,
        limit=limit,
        overwrite=overwrite,
        refresh=refresh,
        resend_unknown=resend_unknown,
        suppress=suppressed(suppress),
        only=only_of(only, df),
        per_company=per_company,
    )
    return Run(df, options, current(), looks=True)


@signed_like(look)
def estimate(*args: Any, **kwargs: Any) -> Estimate:
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
    run = look(*args, **kwargs)
    return estimate_of(run, current().prices, balance_of(run))


@signed_like(look)
def check(*args: Any, **kwargs: Any) -> Check:
    """Say of each row what `enrich` would do with it. Sends nothing, costs nothing.

    Needs no key and no network. The parameters are those of `enrich`.

    Returns
    -------
    DataFrame
        One row a row of ``df``, with its index, of the string dtype of the installed pandas:
        ``check``, which says ``ready``, ``duplicate of row …`` (asked once, answered for both),
        ``already answered`` (in the ledger), ``already submitted``, ``already filled``,
        ``suppressed``, ``not chosen``, ``over per_company``, ``over limit``, ``unknown: …`` or
        ``invalid: …``; the values that would be sent, in ``firstname``, ``lastname``,
        ``company_name``, ``domain`` and ``linkedin_url``; and in ``note`` what was left out of a
        row. ``.counts`` adds them up.

    Raises
    ------
    ConfigurationError
        Where an argument is wrong or a column is missing.
    LedgerError
        Where the ledger cannot be read.
    """
    return checks.of(look(*args, **kwargs))


def clean(df: pd.DataFrame, *, columns: Mapping[str, object] | None = None) -> pd.DataFrame:
    """Return the values of a list as they would be sent. Sends nothing, costs nothing.

    Parameters
    ----------
    df : DataFrame
        As for `enrich`. It is not changed.
    columns : mapping, optional
        Field to header, as for `enrich`.

    Returns
    -------
    DataFrame
        With the index of ``df`` and the columns ``firstname``, ``lastname``, ``company_name``,
        ``domain`` and ``linkedin_url``, of the string dtype of the installed pandas; missing where
        there is nothing that could be sent.

    Raises
    ------
    ConfigurationError
        Where an argument is wrong.
    """
    check_frame(df)
    return texts(Cells(df, columns).values, df.index)
