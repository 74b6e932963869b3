"""What the caller asked for, checked before anything else happens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

import numpy as np
import pandas as pd

from ..api.spec import TYPES, EnrichmentType
from ..arrays import Bools
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from .suppress import Suppressed

Endpoint = Literal["sync", "async", "bulk"]
Via = Literal["sync", "async"]
Phones = Literal["columns", "rows", "list"]
Types = EnrichmentType | Sequence[EnrichmentType]


@dataclass(frozen=True)
class Options:
    """What the caller asked for, checked.

    Parameters
    ----------
    types : tuple of str
        What to ask for.
    endpoint : str
        Where; it decides what a row needs.
    columns : mapping, optional
        Field to header.
    limit : int, optional
        At most so many contacts.
    max_credits : float, optional
        Credits that the run must not pass, on the worst case.
    overwrite : bool
        Ask also for what the frame already holds.
    phones : str
        ``columns``, ``rows`` or ``list``.
    prefix : str
        Put before every column that is added.
    refresh : bool
        Send anew what the ledger has an answer for.
    resend_unknown : bool
        Send anew what was sent and whose answer was lost.
    custom : tuple of str
        Columns to pass through to the service.
    suppress : Suppressed, optional
        Who is never sent.
    only : ndarray of bool, optional
        The rows that may be sent.
    per_company : int, optional
        At most so many people of a company.
    """

    types: tuple[EnrichmentType, ...]
    endpoint: Endpoint = "sync"
    columns: Mapping[str, object] | None = None
    limit: int | None = None
    max_credits: float | None = None
    overwrite: bool = False
    phones: Phones = "columns"
    prefix: str = ""
    refresh: bool = False
    resend_unknown: bool = False
    custom: tuple[object, ...] = ()
    suppress: Suppressed | None = None
    only: Bools | None = None
    per_company: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("limit", 0), ("per_company", 1)):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < least):
                raise ConfigurationError(
                    f"{name} must be a whole number from {least} on. Nothing was sent."
                )
        if self.phones not in get_args(Phones):
            raise ConfigurationError(
                'phones must be "columns", "rows" or "list". Nothing was sent.'
            )
        most: object = self.max_credits
        if most is not None and not (type(most) in {int, float} and self.most_credits >= 0):
            raise ConfigurationError("max_credits must be a number from 0 on. Nothing was sent.")
        for name in ("overwrite", "refresh", "resend_unknown"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(f"{name} must be True or False. Nothing was sent.")
        if not isinstance(self.prefix, str):
            raise ConfigurationError("prefix must be a text. Nothing was sent.")

    @property
    def most_credits(self) -> float:
        """The credits that the run must not pass."""
        return math.inf if self.max_credits is None else self.max_credits


def via_of(via: object) -> Via:
    """Return how each person is asked for.

    Raises
    ------
    ConfigurationError
        Where there is no such way.
    """
    if via not in get_args(Via):
        more = " For many people a request: df.pronto.bulk_enrich(…)." if via == "bulk" else ""
        raise ConfigurationError(f'via must be "sync" or "async".{more} Nothing was sent.')
    return cast("Via", via)


def types_of(asked: Types) -> tuple[EnrichmentType, ...]:
    """Return the types that were asked for, each once, in the package's order.

    Raises
    ------
    ConfigurationError
        Where there is none, or one is unknown.
    """
    known = ", ".join(map(repr, TYPES))
    if not isinstance(asked, str | list | tuple | set | frozenset):
        raise ConfigurationError(f"type must be one of {known}, or a list. Nothing was sent.")
    names: Sequence[object] = [asked] if isinstance(asked, str) else list(asked)
    if not names:
        raise ConfigurationError(f"type is empty. Ask for {known}, or several. Nothing was sent.")
    for name in names:
        if name not in TYPES:
            raise ConfigurationError(
                f"type {name!r} is unknown. The types are {known}. Nothing was sent."
            )
    return tuple(name for name in TYPES if name in names)


def customs_of(headers: Iterable[object] | None) -> tuple[object, ...]:
    """Return the headers of the columns to pass through."""
    if isinstance(headers, str):
        raise ConfigurationError(f"custom must be a list: custom=[{headers!r}]. Nothing was sent.")
    return tuple(headers or ())


def only_of(only: Iterable[bool] | None, df: pd.DataFrame) -> Bools | None:
    """Return the mask of the rows that may be sent.

    Raises
    ------
    ConfigurationError
        Where it does not say True or False of each row.
    """
    if only is None:
        return None
    how = 'such as only=df["Country"] == "FR"'
    if isinstance(only, pd.Series) and not only.index.equals(df.index):
        raise ConfigurationError(
            f"only= has another index than the frame. Make it from the frame itself, {how}. "
            "Nothing was sent."
        )
    given: object = only  # a caller may pass anything
    mask = pd.Series(list(given) if isinstance(given, Iterable) else [], dtype=object)
    told = mask.map(lambda cell: isinstance(cell, bool | np.bool_))
    if len(mask) == len(df) and (told | mask.isna()).all() and not told.all():
        raise ConfigurationError(
            f"only= says nothing of {int((~told).sum())} of the {len(df)} rows; the first is "
            f".iloc[{int(np.argmin(told))}]. Say what becomes of them, such as with "
            ".fillna(False). Nothing was sent."
        )
    if len(mask) != len(df) or not told.all():
        raise ConfigurationError(
            f"only= must say True or False of each of the {len(df)} rows, {how}. Nothing was sent."
        )
    return mask.to_numpy(dtype=np.bool_)
