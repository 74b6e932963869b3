"""What the ledger says of a bulk job."""

from __future__ import annotations

from dataclasses import dataclass

from ..api.spec import EnrichmentType


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as the ledger has it; times are seconds since 1970."""

    id: str
    service: str
    type: EnrichmentType
    created: float


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a job is. Counts are people, but for ``batches``.

    Parameters
    ----------
    batches : int
        Requests that the service has taken, or may have.
    sent : int
        People in them.
    arrived : int
        Those whose answer is there.
    refused : int
        People in requests that the service refused, or that were not sent after all.
    messages : tuple of str
        The service's words about those.
    """

    batches: int = 0
    sent: int = 0
    arrived: int = 0
    refused: int = 0
    messages: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """People whose answer is not there yet."""
        return self.sent - self.arrived
