"""One entry of the ledger, and its meaning to other runs.

The ledger has one entry per person, type and service, so that no answer is paid for twice or lost::

    claimed ─► sent ─► answered
                 ├───► submitted ─► answered
                 ├───► enqueued ──► answered
                 └───► unknown

``claimed``: a run is about to send the request; no other run will. ``sent``: written before the
request is sent. ``submitted``: Pronto has accepted the request and returned an enrichment ID, by
which the answer can be fetched repeatedly. ``enqueued``: Pronto has accepted the request in a batch
and will deliver the answer; it cannot be fetched. ``answered``: written before any other code sees
the answer.

After a run has died, its ``claimed`` entries are void, its ``sent`` entries are ``unknown``, and
the next run fetches its ``submitted`` entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["held", "submitted", "enqueued", "answered", "unknown"]
"""The state of an entry as other runs see it; see `Entry`."""

Key = tuple[str, str]
"""A person's key and an enrichment type."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A person and type to look up.

    Parameters
    ----------
    type : str
        An enrichment type.
    keys : tuple of str
        The key for a new entry, then further keys under which an entry may exist.
    """

    type: str
    keys: tuple[str, ...]

    @property
    def key(self) -> Key:
        """The key of a new entry."""
        return self.keys[0], self.type


@dataclass(frozen=True, slots=True)
class Entry:
    """The ledger's entry for one person and type.

    Parameters
    ----------
    contact : str
        The person's key in the ledger.
    state : str
        ``held``: an active run has claimed it. ``submitted``: its run has ended; the answer can be
        fetched. ``enqueued``: Pronto will deliver the answer. ``answered``. ``unknown``: its run
        has ended and the answer is lost.
    at : float
        When the state was reached, in seconds since 1970.
    body : str, optional
        The unmodified answer, if there is one and it was read. In any state other than
        ``answered``, an earlier answer that was to be refreshed.
    enrichment_id : str, optional
        Pronto's ID of a submitted request.
    """

    contact: str
    state: State
    at: float = 0.0
    body: str | None = None
    enrichment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Renewal:
    """Which entries a run may send again.

    Parameters
    ----------
    answered_before : float
        Answers older than this time (seconds since 1970) are requested again.
    unknown_before : float
        Requests without an answer, sent before this time, are sent again.
    """

    answered_before: float = 0.0
    unknown_before: float = 0.0

    def allows(self, entry: Entry) -> bool:
        """Return whether an entry may be sent again; never if an active run holds it."""
        if entry.state == "answered":
            return entry.at < self.answered_before
        return entry.state in {"unknown", "enqueued"} and entry.at < self.unknown_before
