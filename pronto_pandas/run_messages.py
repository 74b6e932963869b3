"""Messages of a run that ended early: an error if there is no answer, otherwise a warning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from .errors import (
    AuthenticationError,
    ConnectionFailedError,
    ConsentRequiredError,
    CreditsExhaustedError,
    CreditsExhaustedWarning,
    LedgerError,
    LedgerWarning,
    LowFoundRateWarning,
    MaxCreditsWarning,
    ProntoError,
    ServiceUnreachableWarning,
    UnknownRowsWarning,
    warn,
)
from .wording import counted

if TYPE_CHECKING:  # imported when something is sent
    from .api.spec import EnrichmentType
    from .sending.found_rate import FoundRate
    from .sending.request import Outcome

NOT_WORTH_IT = (
    "Not sent: the run stopped because it found fewer people than stop_below. To look up this "
    "person, run the same line without stop_below."
)

_PARTS = {
    "finished": "finished and saved",
    "submitted": "submitted (their answers can be fetched later)",
    "unknown": "sent, answer lost (you may have been charged; resend_unknown=True sends them "
    "again)",
    "not sent": "not sent",
}


def interrupted(results: Iterable[Mapping[EnrichmentType, Outcome]], types: Iterable[int]) -> str:
    """Return the message after an interrupt.

    ``results`` and ``types`` are, per person, the outcomes and the number of types requested.
    """
    counts = Counter(_state(result, wanted) for result, wanted in zip(results, types, strict=True))
    first, *others = [state for state in _PARTS if counts[state]] or ["finished"]
    parts = [
        f"{counted(counts[first], 'person', 'people')} {_PARTS[first]}",
        *(f"{counts[state]:,} {_PARTS[state]}" for state in others),
    ]
    return f"Stopped. {', '.join(parts)}. Run the same line again to continue."


def _state(result: Mapping[EnrichmentType, Outcome], wanted: int) -> str:
    outcomes = list(result.values())
    if any(outcome.submitted for outcome in outcomes):
        return "submitted"
    states = {outcome.state for outcome in outcomes}
    if "unknown" in states:
        return "unknown"
    return "not sent" if "pending" in states or len(outcomes) < wanted else "finished"


def raise_if_useless(stopped_by: ProntoError | None, *, any_done: bool) -> None:
    """Raise the error that stopped a run: if nobody is done, or if it is about key or consent."""
    match stopped_by:
        case AuthenticationError() | ConsentRequiredError():
            raise stopped_by
        case LedgerError() if not any_done:
            raise stopped_by
        case ConnectionFailedError() if not any_done:
            raise ConnectionFailedError(f"{stopped_by} Nothing was sent.")


def warn_if_incomplete(
    statuses: pd.Series,
    stopped_by: ProntoError | None = None,
    *,
    limit: str | None = None,
) -> None:
    """Warn about ``unknown`` rows, and about what stopped the run: an error or a limit."""
    pending, unknown = (int((statuses == state).sum()) for state in ("pending", "unknown"))
    warn_of(stopped_by, pending=pending, unknown=unknown, over=limit)


def warn_of(
    stopped_by: ProntoError | None, *, pending: int, unknown: int, over: str | None
) -> None:
    """Warn about rows that are not done, and say why; ``over`` is the limit of credits reached."""
    if unknown:
        warn(
            f"{_rows(unknown)} unknown: sent but not answered. Either the answer was lost, or "
            "a bulk job is still waiting for it (see pronto.jobs()). You may have been charged for "
            "unknown rows; they are not sent again unless you pass resend_unknown=True.",
            UnknownRowsWarning,
        )
    resume = f"{_rows(pending)} pending. Run the same line again to continue."
    if over is not None:
        warn(
            f"Stopped: the next request could have exceeded {over}. "
            f"{_rows(pending)} pending. Raise the limit and run the same line again to continue.",
            MaxCreditsWarning,
        )
    match stopped_by:
        case None:
            pass
        case CreditsExhaustedError():
            warn(f"{stopped_by} {resume}", CreditsExhaustedWarning)
        case LedgerError():
            warn(
                f"The run stopped. {stopped_by} Save the returned DataFrame: its latest answers "
                f"may not be in the ledger. {resume}",
                LedgerWarning,
            )
        case _:
            warn(f"The run stopped. {stopped_by} {resume}", ServiceUnreachableWarning)


def warn_of_found_rate(rate: FoundRate, pending: int) -> None:
    """Warn that a run stopped because it found too few people."""
    warn(
        f"Stopped: {rate.found:,} found in {counted(rate.answers, 'answer')} "
        f"({rate.found / rate.answers:.1%}), which is below stop_below={rate.least:g}. "
        f"{_rows(pending)} pending. To look them up anyway, run the same line without stop_below.",
        LowFoundRateWarning,
    )


def _rows(count: int) -> str:
    return counted(count, "row is", "rows are")
