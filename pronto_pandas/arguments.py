"""What the public functions have in common: arguments checked, signatures taken over."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import pandas as pd

from .config.settings import Settings
from .errors import ConfigurationError, ConsentRequiredError
from .frame.suppress import Suppressed
from .tables.read import TEXTS, WORKBOOK, read

P = ParamSpec("P")
R = TypeVar("R")

Suppress = str | os.PathLike[str] | Iterable[object] | pd.DataFrame | Suppressed
"""Emails, domains and LinkedIn addresses: one, several, a frame that has them, or a file."""


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
    """Refuse to ask for personal emails before their purpose was said."""
    if "personal_email" in types and settings.personal_email_consent is None:
        from .api.status import CONSENT_STEPS

        raise ConsentRequiredError(f"{CONSENT_STEPS} Nothing was sent.")


def check_frame(df: object) -> None:
    """Refuse what is no frame."""
    if not isinstance(df, pd.DataFrame):
        raise ConfigurationError(
            f"A DataFrame is needed, not a {df.__class__.__name__}: one person a row, with names "
            "and a company in columns. Nothing was sent."
        )


def check_progress(progress: object) -> None:
    """Refuse what cannot show progress."""
    if not isinstance(progress, bool) and not callable(progress):
        raise ConfigurationError("progress must be True, False or a function. Nothing was sent.")


def suppressed(given: Suppress | None) -> Suppressed | None:
    """Return who is never sent; a file is read.

    Raises
    ------
    ConfigurationError
        Where it cannot be read or understood.
    """
    if given is None or isinstance(given, Suppressed):
        return given
    if isinstance(given, os.PathLike) or (
        isinstance(given, str) and Path(given).suffix.lower() in TEXTS | {WORKBOOK}
    ):
        with nothing_sent():
            given = read(given)
    if not isinstance(given, Iterable):
        raise ConfigurationError(
            "suppress= takes emails, domains and LinkedIn addresses, in a list, a Series, a frame "
            "or a file. Nothing was sent."
        )
    return Suppressed.of(given)


@contextmanager
def nothing_sent() -> Iterator[None]:
    """End errors about a file with the sentence that matters before a run: nothing was sent."""
    try:
        yield
    except ConfigurationError as error:
        message = str(error).removesuffix(" Nothing was written.")
        if message.endswith("Nothing was sent."):
            raise
        raise ConfigurationError(f"{message} Nothing was sent.") from None
