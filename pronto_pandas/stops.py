"""How a run that ended early is told: an error where nothing came of it, else a warning."""

from __future__ import annotations

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
