"""How a run that ended early is told: an error where nothing came of it, else a warning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .errors import (
    AuthenticationError,
    ConnectionFailedError,
    ConsentRequiredError,
    CreditsExhaustedError,
    CreditsExhaustedWarning,
    LedgerError,
    LedgerWarning,
    MaxCreditsWarning,
    ProntoError,
    ServiceUnreachableWarning,
    UnknownRowsWarning,
    warn,
)

if TYPE_CHECKING:  # the engine is imported when something is sent
    from .api.spec import EnrichmentType
    from .sending.request import Outcome

PARTS = {
    "finished": "finished and saved",
    "submitted": "submitted (their answers are still to come)",
    "unknown": "sent without an answer (may be charged; resend_unknown=True asks again)",
    "not sent": "not sent",
}


def told(results: Iterable[Mapping[EnrichmentType, Outcome]], types: Iterable[int]) -> str:
    """Return what a run that was stopped says of its people.

    Parameters
    ----------
    results : iterable of mapping
        The outcomes of each person by type.
    types : iterable of int
        How many types each was asked for.
    """
    counts = Counter(_state(result, asked) for result, asked in zip(results, types, strict=True))
    parts = [f"{counts[state]:,} {words}" for state, words in PARTS.items() if counts[state]]
    if parts:
        number, _, words = parts[0].partition(" ")
        parts[0] = f"{number} {'person' if number == '1' else 'people'} {words}"
    return f"Stopped. {', '.join(parts)}. Run the same line again to continue."


def _state(result: Mapping[EnrichmentType, Outcome], asked: int) -> str:
    from .sending.request import NOT_DELIVERED, NOT_FETCHED

    outcomes = list(result.values())
    if any(outcome is NOT_FETCHED or outcome is NOT_DELIVERED for outcome in outcomes):
        return "submitted"
    states = {outcome.state for outcome in outcomes}
    if "unknown" in states:
        return "unknown"
    return "not sent" if "pending" in states or len(outcomes) < asked else "finished"


def raise_for(stopped_by: ProntoError | None, *, anything: bool) -> None:
    """Raise what stopped a run, where no frame would be of use.

    Parameters
    ----------
    stopped_by : ProntoError, optional
        What stopped it.
    anything : bool
        Whether any contact was settled.
    """
    match stopped_by:
        case AuthenticationError() | ConsentRequiredError():
            raise stopped_by
        case LedgerError() if not anything:
            raise stopped_by
        case ConnectionFailedError() if not anything:
            raise ConnectionFailedError(f"{stopped_by} Nothing was sent.")


def warn_of(
    stopped_by: ProntoError | None, *, pending: int, unknown: int, over: float | None
) -> None:
    """Warn of rows that are not settled, and why.

    Parameters
    ----------
    stopped_by : ProntoError, optional
        What stopped the run.
    pending, unknown : int
        Rows.
    over : float, optional
        The credits that could have been passed.
    """
    if unknown:
        warn(
            f"Rows unknown: {unknown}. They were sent, and no answer is here: it was lost, or a "
            "bulk job still waits for it (pronto.jobs()). They may be charged, and are left alone "
            "unless resend_unknown=True.",
            UnknownRowsWarning,
        )
    if over is not None:
        warn(
            f"The run ended before max_credits={over:g} could be passed in the worst case. "
            f"Rows pending: {pending}.",
            MaxCreditsWarning,
        )
    if stopped_by is None:
        return
    go_on = f"Rows pending: {pending}. Run the same line again to go on."
    if isinstance(stopped_by, CreditsExhaustedError):
        warn(f"{stopped_by} {go_on}", CreditsExhaustedWarning)
    elif isinstance(stopped_by, LedgerError):
        warn(f"The run was stopped. {stopped_by} Keep the frame. {go_on}", LedgerWarning)
    else:
        warn(f"The run was stopped. {stopped_by} {go_on}", ServiceUnreachableWarning)
