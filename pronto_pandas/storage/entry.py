"""One entry of the ledger, and what it means to a run that did not write it.

One entry for each person, type and service, so that no answer is paid for twice and none that was
paid for is lost::

    claimed ─► sent ─► answered
                 ├───► submitted ─► answered
                 ├───► enqueued ──► answered
                 └───► unknown

``claimed``: a run is about to send it, and no other run does. ``sent``: written before the request
leaves. ``submitted``: the service has taken the work under a name, and its answer can be fetched as
often as it takes. ``enqueued``: the service has taken it in a batch and delivers the answer; until
then nobody can fetch it. ``answered``: written before anything else sees the answer.

Of what a dead run left behind, ``claimed`` counts for nothing, ``sent`` is ``unknown``, and
``submitted`` is fetched by the next run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["held", "submitted", "enqueued", "answered", "unknown"]
"""What an entry is to other runs; see `Entry`."""

Key = tuple[str, str]
"""The key of a person, and a type."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked up: one person and type.

    Parameters
    ----------
    type : str
        An enrichment type.
    keys : tuple of str
        The key under which a new entry is made, then the others under which one may be found.
    """

    type: str
    keys: tuple[str, ...]

    @property
    def key(self) -> Key:
        """The key of a new entry."""
        return self.keys[0], self.type


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger has of one person and type.

    Parameters
    ----------
    contact : str
        The key of the person under which it stands.
    state : str
        ``held``: a living run has it. ``submitted``: its run is gone, and the answer can be
        fetched. ``enqueued``: its answer is delivered when it is there. ``answered``. ``unknown``:
        its run is gone, and so is the answer.
    at : float
        When the state was reached, in seconds since 1970.
    body : str, optional
        The answer as it came, where there is one and it was read; where the state is another one,
        it is an earlier answer, which was to be asked for again.
    enrichment_id : str, optional
        The service's name of what was submitted.
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
        Answers that came before this moment, in seconds since 1970, are asked for again.
    unknown_before : float
        Requests without an answer that were sent before this moment are sent again.
    """

    answered_before: float = 0.0
    unknown_before: float = 0.0

    def allows(self, entry: Entry) -> bool:
        """Return whether an entry may be sent again; never what a living run has."""
        if entry.state == "answered":
            return entry.at < self.answered_before
        return entry.state in {"unknown", "enqueued"} and entry.at < self.unknown_before
