"""One entry of the ledger, and what it means to others.

One entry for each contact, type and address, so that no answer is paid for twice and none that was
paid for is lost::

    claimed ─► sent ─► answered
                 ├───► submitted ─► answered
                 ├───► enqueued ──► answered
                 └───► unknown

``claimed``: a run is about to send it, and nobody else does. ``sent``: written before the request
leaves. ``submitted``: the service has taken the work and named it, and its answer can be fetched as
often as it takes. ``enqueued``: the service has taken it in a batch, and delivers the answer by
itself; until then nobody can ask for it. ``answered``: written before anything else sees the
answer. A run renews the lease on what it has; of what a dead run left behind, ``claimed`` counts
for nothing, ``sent`` is ``unknown``, and ``submitted`` is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import sqlalchemy as sa

from .owner import process_gone

State = Literal["sent", "submitted", "enqueued", "answered", "unknown"]
"""What an entry is to other runs; see `Entry`."""

Key = tuple[str, str]
"""A contact's key and a type."""

LEASE: Final = 30.0
"""Seconds for which a run that does not renew its lease counts as living."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger holds of one contact and type.

    Parameters
    ----------
    state : str
        ``sent``: a run that lives has it. ``submitted``: its run is gone, and the answer can be
        fetched. ``enqueued``: its answer is delivered when it is there. ``answered``. ``unknown``:
        its run is gone, and so is the answer.
    answer : dict, optional
        The fields of the answer, where there is one.
    at : float
        When the state was reached, in seconds since 1970.
    enrichment_id : str, optional
        The service's name of what was submitted.
    """

    state: State
    answer: dict[str, Any] | None
    at: float
    enrichment_id: str | None = None


Replaceable = Callable[[Entry], bool]
"""Says of an answered or unknown entry whether it may be sent anew."""


def seen_as(row: sa.Row[Any], now: float) -> State | None:
    """Return what an entry is to other runs; None where it counts for nothing."""
    state: str = row.state
    if state in {"claimed", "sent", "submitted"}:
        left = {"claimed": row.before, "sent": "unknown", "submitted": "submitted"}
        return left[state] if _dead(row, now) else "sent"
    return cast("State", state)


def _dead(row: sa.Row[Any], now: float) -> bool:
    """Say whether the run that has an entry has ended without settling it."""
    return row.lease is None or row.lease <= now or process_gone(row.owner or "")


def fields_of(answer: Any, types: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return for each type what of an answer belongs to it."""
    whole = answer.model_dump(mode="json")
    shared = {name: whole[name] for name in ("enrichment_id", "status", "message")}
    value = {"phone": "phones"}
    return {
        t: shared | {name: whole[name] for name in (value.get(t, t), f"{t}_status")} for t in types
    }
