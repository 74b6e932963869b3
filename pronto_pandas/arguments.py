"""The arguments of the public functions: one signature, and one way to check them."""

# Why: docs/decisions/031-signatures.md

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import pandas as pd

from .config.settings import Settings
from .errors import ConfigurationError, ConsentRequiredError
from .frame.options import (
    Options,
    Phones,
    Types,
    Via,
    country_codes_of,
    customs_of,
    only_of,
    types_of,
    via_of,
)
from .frame.suppress import Suppressed
from .notebook.progress import Watcher
from .tables.read import TEXTS, WORKBOOK, lines, read

P = ParamSpec("P")
R = TypeVar("R")

Suppress = str | os.PathLike[str] | Iterable[object] | pd.DataFrame | Suppressed
"""Emails, domains and LinkedIn URLs: one, several, a DataFrame that has them, or a file."""

_OPTIONS: Final = frozenset(field.name for field in fields(Options))


@dataclass(frozen=True)
class Arguments:
    """The arguments of a public function, checked."""

    df: pd.DataFrame
    options: Options
    progress: bool | Watcher


def arguments(
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
    phone_country_codes: Sequence[str] | None = None,
    prefix: str = "",
    custom: Iterable[object] | None = None,
    progress: bool | Watcher = True,
    via: Via = "sync",
    suppress: Suppress | None = None,
    only: Iterable[bool] | None = None,
    per_company: int | None = None,
    stop_below: float | None = None,
) -> Arguments:
    """Check the arguments that `enrich`, `aenrich`, `check` and `estimate` share."""
    given = locals()  # as pandas' own read_csv() collects them: a new option cannot be forgotten
    check_frame(df)
    check_progress(progress)
    return Arguments(df, make_options(given, df), progress)


arguments.__qualname__ = "enrich"  # what the caller typed, in Python's own errors


def arguments_of(function: str, *args: Any, **kwargs: Any) -> Arguments:
    """Check the arguments of another function than `enrich`, which Python's own errors name."""
    try:
        return arguments(*args, **kwargs)
    except TypeError as error:
        named = str(error)
        if not named.startswith("enrich() "):
            raise
        raise TypeError(named.replace("enrich", function, 1)) from None


def make_options(given: Mapping[str, Any], df: pd.DataFrame | None = None) -> Options:
    """Check the arguments of a public function and return them as options.

    Raises
    ------
    ConfigurationError
        An argument is invalid.
    """
    options = {name: value for name, value in given.items() if name in _OPTIONS}
    options["types"] = types_of(given["type"])
    options["endpoint"] = given.get("endpoint") or via_of(given.get("via", "sync"))
    options["custom"] = customs_of(given.get("custom"))
    codes = given.get("phone_country_codes")
    options["phone_country_codes"] = country_codes_of(codes, options["types"])
    options["suppress"] = suppressed(given.get("suppress"))
    options["only"] = None if df is None else only_of(given.get("only"), df)
    return Options(**options)


def signed_like(
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


def check_consent(types: Iterable[str], settings: Settings) -> None:
    """Raise an error if personal emails are requested but no consent is recorded."""
    if "personal_email" in types and settings.personal_email_consent is None:
        from .api.status import CONSENT_STEPS

        raise ConsentRequiredError(f"{CONSENT_STEPS} Nothing was sent.")


def check_frame(df: object) -> None:
    """Raise an error if ``df`` is not a DataFrame."""
    if not isinstance(df, pd.DataFrame):
        raise ConfigurationError(
            "Expected a DataFrame with one row per person and columns for names and company, "
            f"got {df.__class__.__name__}. Nothing was sent."
        )


def check_progress(progress: object) -> None:
    """Raise an error if ``progress`` is neither a bool nor a callable."""
    if not isinstance(progress, bool) and not callable(progress):
        raise ConfigurationError("progress must be True, False or a callable. Nothing was sent.")


def suppressed(given: Suppress | None) -> Suppressed | None:
    """Return the people of ``suppress=``, who are never sent; read the list if it is a file.

    Raises
    ------
    ConfigurationError
        The list cannot be read, or one of its entries is not valid.
    """
    if given is None or isinstance(given, Suppressed):
        return given
    if isinstance(given, os.PathLike) or (
        isinstance(given, str) and Path(given).suffix.lower() in TEXTS | {WORKBOOK}
    ):
        path = Path(given).expanduser()
        with nothing_sent():
            return Suppressed.of(read(path), lambda rows: lines(path, rows))
    if not isinstance(given, Iterable):
        raise ConfigurationError(
            "suppress= must be a list, Series or DataFrame of emails, domains or LinkedIn URLs, or "
            "the path of a file that contains them. Nothing was sent."
        )
    return Suppressed.of(given)


@contextmanager
def nothing_sent() -> Iterator[None]:
    """Append "Nothing was sent." to errors about a file."""
    try:
        yield
    except ConfigurationError as error:
        message = str(error).removesuffix(" Nothing was written.")
        if message.endswith("Nothing was sent."):
            raise
        raise ConfigurationError(f"{message} Nothing was sent.") from None
