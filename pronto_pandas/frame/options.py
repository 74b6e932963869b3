"""The options of a run, checked before anything else happens."""

from __future__ import annotations

import math
import re
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
    """The checked options of a run. `pronto_pandas.enrich` documents each of them."""

    types: tuple[EnrichmentType, ...]
    endpoint: Endpoint = "sync"  # decides which fields a row needs
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
    phone_country_codes: tuple[str, ...] | None = None
    stop_below: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("limit", 0), ("per_company", 1)):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < least):
                raise ConfigurationError(f"{name} must be an integer >= {least}. Nothing was sent.")
        if self.phones not in get_args(Phones):
            raise ConfigurationError(
                'phones must be "columns", "rows" or "list". Nothing was sent.'
            )
        most: object = self.max_credits
        if most is not None and not (type(most) in {int, float} and self.most_credits >= 0):
            raise ConfigurationError("max_credits must be a number >= 0. Nothing was sent.")
        rate: object = self.stop_below
        if rate is not None and not (isinstance(rate, float) and 0 < rate < 1):
            raise ConfigurationError(
                "stop_below must be a found rate between 0 and 1, such as 0.1. Nothing was sent."
            )
        for name in ("overwrite", "refresh", "resend_unknown"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(f"{name} must be True or False. Nothing was sent.")
        if not isinstance(self.prefix, str):
            raise ConfigurationError("prefix must be a string. Nothing was sent.")

    @property
    def most_credits(self) -> float:
        """The most credits that the run may cost."""
        return math.inf if self.max_credits is None else self.max_credits


def via_of(via: object) -> Via:
    """Check ``via``.

    Raises
    ------
    ConfigurationError
        ``via`` is neither "sync" nor "async".
    """
    if via not in get_args(Via):
        bulk = " To send many people per request, use df.pronto.bulk_enrich(…)."
        raise ConfigurationError(
            f'via must be "sync" or "async", got {_shown(via)}.{bulk if via == "bulk" else ""} '
            "Nothing was sent."
        )
    return cast("Via", via)


def types_of(requested: Types) -> tuple[EnrichmentType, ...]:
    """Return the requested types, each once, in the package's order.

    Raises
    ------
    ConfigurationError
        No type is requested, or a type is unknown.
    """
    valid = ", ".join(map(repr, TYPES))
    if not isinstance(requested, str | list | tuple | set | frozenset):
        raise ConfigurationError(
            f"type must be one of {valid}, or a list of them; got {_shown(requested)}. "
            "Nothing was sent."
        )
    names: Sequence[object] = [requested] if isinstance(requested, str) else list(requested)
    if not names:
        raise ConfigurationError(f"type is empty. Pass one or more of {valid}. Nothing was sent.")
    for name in names:
        if name not in TYPES:
            raise ConfigurationError(
                f"Unknown type {_shown(name)}. Use one or more of {valid}. Nothing was sent."
            )
    return tuple(name for name in TYPES if name in names)


def customs_of(headers: Iterable[object] | None) -> tuple[object, ...]:
    """Return the columns to send as ``custom``."""
    if isinstance(headers, str):
        raise ConfigurationError(
            "custom must be a list of column names, for example "
            f"custom=[{headers!r}]. Nothing was sent."
        )
    return tuple(headers or ())


def country_codes_of(
    codes: Sequence[str] | None, types: Sequence[EnrichmentType]
) -> tuple[str, ...] | None:
    """Return ``phone_country_codes`` in upper case.

    Raises
    ------
    ConfigurationError
        The codes are not codes of countries, or no phones are requested.
    """
    if codes is None:
        return None
    if "phone" not in types:
        raise ConfigurationError(
            'phone_country_codes works only with type="phone". Nothing was sent.'
        )
    given: object = codes  # a caller may pass anything
    listed = given if isinstance(given, Iterable) and not isinstance(given, str) else ()
    found = [str(code).strip().upper() for code in listed]
    if not found or not all(re.fullmatch("[A-Z]{2}", code) for code in found):
        raise ConfigurationError(
            "phone_country_codes must be a list of two-letter country codes, for example "
            '["FR", "GB"]. Nothing was sent.'
        )
    import phonenumbers  # slow to import, and rarely needed

    if unknown := sorted(set(found) - phonenumbers.SUPPORTED_REGIONS):
        uk = " For the United Kingdom, use 'GB'." if "UK" in unknown else ""
        raise ConfigurationError(
            f"phone_country_codes: {unknown[0]!r} is not the ISO code of a country.{uk} "
            "Nothing was sent."
        )
    return tuple(found)


def only_of(only: Iterable[bool] | None, df: pd.DataFrame) -> Bools | None:
    """Return the mask of the rows that may be sent.

    Raises
    ------
    ConfigurationError
        The mask does not have True or False for each row.
    """
    if only is None:
        return None
    example = 'for example only=df["Country"] == "FR"'
    if isinstance(only, pd.Series) and not only.index.equals(df.index):
        raise ConfigurationError(
            "The index of only= does not match the DataFrame. Build the mask from the same "
            f"DataFrame, {example}. Nothing was sent."
        )
    given: object = only  # a caller may pass anything
    mask = pd.Series(list(given) if isinstance(given, Iterable) else [], dtype=object)
    valid = mask.map(lambda cell: isinstance(cell, bool | np.bool_))
    if len(mask) == len(df) and (valid | mask.isna()).all() and not valid.all():
        raise ConfigurationError(
            f"only= has missing values in {int((~valid).sum())} of {len(df)} rows; the first is "
            f".iloc[{int(np.argmin(valid))}]. Fill them, for example with .fillna(False). "
            "Nothing was sent."
        )
    if len(mask) != len(df) or not valid.all():
        raise ConfigurationError(
            f"only= must be a boolean mask with one value per row ({len(df)} rows), {example}. "
            "Nothing was sent."
        )
    return mask.to_numpy(dtype=np.bool_)


def _shown(value: object) -> str:
    """Return a value for a message, or its type's name: a DataFrame would show people's data."""
    return repr(value) if isinstance(value, str | int | float) else type(value).__name__
