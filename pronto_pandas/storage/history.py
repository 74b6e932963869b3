"""The history of an account in the ledger: its runs, charges and balances."""

# Why: docs/decisions/041-history.md

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import sqlalchemy as sa

from . import charges as paid
from .database import Transaction
from .lease import RunRecord
from .schema import balances, charges, history, insert
from .store import active_runs, dead_runs

LATEST: Final = 3600.0
"""Seconds after which a request without an answer is no longer expected to change the balance."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is known of a run before its first request.

    Parameters
    ----------
    service : str
        The service that is asked.
    types : tuple of str
        The enrichment types.
    mode : str
        ``sync``, ``async`` or ``bulk``.
    rows : int
        Rows of the list.
    people : int
        People to send.
    from_ledger : int
        Rows filled from saved answers.
    saved : float
        Credits that these would have cost, about.
    balance : float, optional
        The account's balance, if it is known.
    at : float, optional
        When the balance was requested, by the ledger's clock; None: now.
    """

    service: str
    types: tuple[str, ...]
    mode: str
    rows: int
    people: int
    from_ledger: int = 0
    saved: float = 0.0
    balance: float | None = None
    at: float | None = None


@dataclass(frozen=True, slots=True)
class End:
    """What is known of a run after its last answer.

    Parameters
    ----------
    why : str
        Why it ended, such as ``finished`` or ``interrupted``.
    found, not_found, unknown : int
        Numbers of people.
    balance : float, optional
        The account's balance, if it is known.
    at : float, optional
        When the balance was requested, by the ledger's clock; None: now.
    """

    why: str
    found: int = 0
    not_found: int = 0
    unknown: int = 0
    balance: float | None = None
    at: float | None = None


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run in the history, and its charges.

    Parameters
    ----------
    id, account, service : str
        The run, the account and the service.
    began, ended : float
        In seconds since 1970; ``ended`` is None for a run that is active or was killed.
    types, mode : str
        The enrichment types, separated by commas; ``sync``, ``async`` or ``bulk``.
    rows, people, from_ledger, saved
        See `Beginning`.
    balance_before, balance_after : float, optional
        The account's balance.
    found, not_found, unknown : int, optional
        Numbers of people, by the run itself; None for a run that has not ended.
    why : str, optional
        Why it ended.
    """

    id: str
    account: str
    service: str
    began: float
    types: str
    mode: str
    rows: int
    people: int
    from_ledger: int
    saved: float
    balance_before: float | None
    ended: float | None
    found: int | None
    not_found: int | None
    unknown: int | None
    balance_after: float | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many charges are alike.

    Parameters
    ----------
    run, type : str
        The run that sent the requests, and their type.
    late : bool
        Whether they were answered after the run had ended.
    charged : int, optional
        Number of values of each; None if it is not known.
    number : int
        How many there are.
    first, last : float
        The dates of the first and the last.
    """

    run: str
    type: str
    late: bool
    charged: int | None
    number: int
    first: float
    last: float


def begin_run(t: Transaction, record: RunRecord, beginning: Beginning) -> None:
    """Record a run that begins, and the balance before it."""
    at = t.date if beginning.at is None else beginning.at
    row = {
        "id": record.id, "account": record.account, "service": beginning.service, "began": at,
        "types": ",".join(beginning.types), "mode": beginning.mode, "rows": beginning.rows,
        "people": beginning.people, "from_ledger": beginning.from_ledger,
        "saved": beginning.saved, "balance_before": beginning.balance,
    }  # fmt: skip
    t.execute(insert(t.dialect, history).on_conflict_do_nothing(), row)
    if beginning.balance is not None:
        add_balance(t, record.account, beginning.balance, run=record.id, at=at)


def amend_run(t: Transaction, record: RunRecord, beginning: Beginning) -> None:
    """Correct the numbers of a run that is a file, of which its beginning knew one chunk only."""
    this = sa.update(history).where(history.c.id == record.id)
    t.execute(
        this.values(
            rows=beginning.rows,
            people=beginning.people,
            from_ledger=beginning.from_ledger,
            saved=beginning.saved,
        )
    )


def end_run(t: Transaction, record: RunRecord, end: End) -> None:
    """Record the end of a run, and the balance after it."""
    at = t.date if end.at is None else end.at
    this = sa.update(history).where(history.c.id == record.id)
    t.execute(
        this.values(
            ended=at,
            found=end.found,
            not_found=end.not_found,
            unknown=end.unknown,
            balance_after=end.balance,
            why=end.why,
        )
    )
    if end.balance is not None:
        add_balance(t, record.account, end.balance, run=record.id, at=at)


def add_balance(
    t: Transaction,
    account: str,
    balance: float,
    *,
    run: str | None = None,
    at: float | None = None,
) -> None:
    """Record a balance.

    Parameters
    ----------
    t : Transaction
        A write transaction.
    account : str
        The account's name in the ledger.
    balance : float
        Credits.
    run : str, optional
        The ID of the run that has read it.
    at : float, optional
        When it was *requested*, by the ledger's clock, so that a charge that is recorded after
        that time may be in the balance already, but none is missing; None: now.
    """
    row = {
        "account": account, "at": t.date if at is None else at, "balance": balance, "run": run
    }  # fmt: skip
    t.execute(insert(t.dialect, balances).on_conflict_do_nothing(), row)


def read_balances(t: Transaction, account: str) -> list[tuple[float, float]]:
    """Return the dates and amounts of an account's known balances, oldest first."""
    these = sa.select(balances.c.at, balances.c.balance).where(balances.c.account == account)
    return [(row.at, row.balance) for row in t.execute(these.order_by(balances.c.at))]


def read_history(t: Transaction, account: str | None = None) -> list[PastRun]:
    """Return the runs of an account, or of all, oldest first."""
    these = sa.select(*(history.c[name] for name in PastRun.__slots__))
    if account is not None:
        these = these.where(history.c.account == account)
    return [PastRun(*row) for row in t.execute(these.order_by(history.c.began, history.c.id))]


def latest_account(t: Transaction, service: str) -> str | None:
    """Return the account of the latest run at a service."""
    these = sa.select(history.c.account).where(history.c.service == service)
    return t.scalar(these.order_by(history.c.began.desc()).limit(1))


def count_charges(t: Transaction, *which: sa.ColumnElement[bool]) -> list[Count]:
    """Count charges that are alike."""
    c = charges.c
    alike = (c.run, c.type, c.late, c.charged)
    columns = (*alike, sa.func.count(), sa.func.min(c.at), sa.func.max(c.at))
    found = t.execute(sa.select(*columns).where(*which).group_by(*alike))
    return [Count(row[0], row[1], bool(row[2]), *row[3:]) for row in found]


def all_charges(t: Transaction, account: str) -> list[Count]:
    """Count an account's charges that are alike."""
    return count_charges(t, charges.c.account == account)


def charges_of(t: Transaction, record: RunRecord) -> dict[str, dict[int | None, int]]:
    """Return per type how many people have each number of values; None: not known (yet)."""
    found: dict[str, dict[int | None, int]] = defaultdict(lambda: defaultdict(int))
    c = charges.c
    for one in count_charges(t, c.account == record.account, c.run == record.id):
        found[one.type][one.charged] += one.number
    return {type_: dict(numbers) for type_, numbers in found.items()}


def active(t: Transaction, account: str) -> set[str]:
    """Return the IDs of the account's runs that are active now."""
    records = (run.record for run in active_runs(t))
    return {one.id for one in records if one is not None and one.account == account}


def alone(t: Transaction, record: RunRecord) -> bool:
    """Return whether no other run of the account in this ledger was active during a run."""
    runs = read_history(t, record.account)
    counts = all_charges(t, record.account)
    return record.id in alone_among(runs, ends(runs, counts, active(t, record.account)))


def ends(
    runs: Iterable[PastRun], counts: Iterable[Count], alive: Container[str] = ()
) -> Mapping[str, float]:
    """Return when each run had certainly ended; a killed one may spend for another hour."""
    last: dict[str, float] = defaultdict(float)
    for one in counts:
        last[one.run] = max(last[one.run], one.last)

    def end(run: PastRun) -> float:
        if run.ended is not None:
            return run.ended
        return math.inf if run.id in alive else max(run.began, last[run.id]) + LATEST

    return {run.id: end(run) for run in runs}


def alone_among(runs: Sequence[PastRun], until: Mapping[str, float]) -> set[str]:
    """Return the IDs of the runs that overlap no other, given when each had ended."""
    runs = sorted(runs, key=lambda run: run.began)
    before = [-math.inf, *accumulate((until[run.id] for run in runs), max)]
    after = [*(run.began for run in runs[1:]), math.inf]
    return {
        run.id
        for run, earlier, later in zip(runs, before, after, strict=False)
        if earlier <= run.began and later >= until[run.id]
    }


def open_requests(t: Transaction, account: str) -> list[Count]:
    """Return the requests in flight, and those that dead runs had; they have no charges yet."""
    lost = paid.lost_by(t, [*active_runs(t), *dead_runs(t)])
    return [
        Count(one.record.id, one.type, False, None, 1, one.at or 0.0, one.at or 0.0)
        for one in lost
        if one.record.account == account
    ]
