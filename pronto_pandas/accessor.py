"""``df.pronto``: thin, delegates, holds no state."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Concatenate, NoReturn, ParamSpec, TypeVar

import pandas as pd

from .bulk.enrich import bulk_enrich
from .check import check, clean
from .enrich import aenrich, collect, enrich
from .estimate import estimate
from .frame import columns as headers
from .report import report
from .tables.write import save
from .wording import counted

P = ParamSpec("P")
R = TypeVar("R")


def _method(
    function: Callable[Concatenate[pd.DataFrame, P], R],
) -> Callable[Concatenate[Pronto, P], R]:
    """Make a method of a function whose first parameter is the DataFrame."""

    @functools.wraps(function)
    def method(self: Pronto, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return function(self._df, *args, **kwargs)

    signature = inspect.signature(function, eval_str=True)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    rest = list(signature.parameters.values())[1:]
    method.__signature__ = signature.replace(parameters=[own, *rest])  # type: ignore[attr-defined]  # read by inspect
    return method


@pd.api.extensions.register_dataframe_accessor("pronto")
class Pronto:
    """Enrich a DataFrame of people with Pronto.

    Parameters
    ----------
    df : DataFrame
        One row per person.
    """

    def __init__(self, df: pd.DataFrame) -> None:
        self._df = df

    enrich = _method(enrich)
    aenrich = _method(aenrich)
    collect = _method(collect)
    check = _method(check)
    clean = _method(clean)
    estimate = _method(estimate)
    bulk_enrich = _method(bulk_enrich)
    report = _method(report)
    save = _method(save)

    @property
    def columns(self) -> pd.DataFrame:
        """Show which column is used for which Pronto field. Sends nothing.

        Returns
        -------
        DataFrame
            One row per field, with the columns ``header``, ``example``, ``filled %`` and ``why``.
        """
        return headers.find(self._df).table(self._df)

    def __repr__(self) -> str:
        calls = ("check", "estimate", "enrich", "aenrich", "bulk_enrich", "collect")
        named = ", ".join(f".{call}(type=…)" for call in calls)
        return (
            f"<df.pronto, {counted(len(self._df), 'row')}: .columns, .clean(), {named}, "
            ".report(), .save(…)>"
        )


@pd.api.extensions.register_series_accessor("pronto")
class _SeriesAccessor:
    """Explains what to use instead."""

    def __init__(self, series: object) -> NoReturn:
        raise AttributeError(
            "A Series has no .pronto accessor: looking up a person requires a name and a company "
            "or LinkedIn URL. Use the DataFrame: df.pronto."
        )
