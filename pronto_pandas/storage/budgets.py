"""The budget of an account: over all runs that share the ledger, and reserved by active ones."""

# Why: docs/decisions/043-bill.md

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

import sqlalchemy as sa

from ..config.validation import BudgetSetting
from ..prices import Prices
from .database import Transaction
from .history import active, charges_of
from .lease import RunRecord
from .schema import history, insert, meta
from .spending import spent_since

_LOCK: Final = 0x50524F42  # arbitrary; no other program locks it


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget as the ledger stores it.

    Parameters
    ----------
    credits : float, optional
        What may be spent; None: the budget has ended.
    began : float
        Since when spending counts, in seconds since 1970.
    set_at : float
        When it was set: an earlier setting of another session does not replace it.
    """

    credits: float | None
    began: float
    set_at: float


@dataclass(frozen=True, slots=True)
class Remaining:
    """What remains of a budget.

    Parameters
    ----------
    credits, began
        See `Budget`.
    spent : float
        The most that can have been spent, requests in flight included.
    reserved : float
        What active runs may still spend.
    """

    credits: float
    began: float
    spent: float
    reserved: float = 0.0

    @property
    def left(self) -> float:
        """What a new run may spend."""
        return max(0.0, self.credits - self.spent - self.reserved)


def remaining(
    t: Transaction, account: str, setting: BudgetSetting | None, prices: Prices
) -> Remaining | None:
    """Return what remains of an account's budget; None if there is no budget."""
    budget = _applied(_read(t, account), setting, t.date)
    if budget is None or budget.credits is None:
        return None
    return _remaining(t, RunRecord(account, ""), budget, budget.credits, prices)


def reserve(
    t: Transaction,
    record: RunRecord,
    setting: BudgetSetting | None,
    wanted: float,
    prices: Prices,
) -> tuple[float, Remaining | None]:
    """Reserve credits of the budget for a run.

    Write transactions do this one after another, so two runs never reserve the same credits. The
    reservation counts until `release`, or until the run's lease expires.

    Parameters
    ----------
    t : Transaction
        A write transaction.
    record : RunRecord
        The run.
    setting : BudgetSetting, optional
        The setting of this session. It is stored unless a later one of another session is.
    wanted : float
        The most that the run could spend.
    prices : Prices
        The configured prices.

    Returns
    -------
    tuple of float and Remaining
        The most that the run may spend; what remains for it, or None if there is no budget.
    """
    if t.one_clock:  # SQLite has one writer at a time anyway
        t.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    stored = _read(t, record.account)
    budget = _applied(stored, setting, t.date)
    if budget is not None and budget != stored:
        _write(t, _budget_name(record.account), json.dumps(asdict(budget)))
    if budget is None or budget.credits is None:
        return wanted, None
    _delete_dead_reservations(t, record.account)
    rest = _remaining(t, record, budget, budget.credits, prices)
    most = min(wanted, rest.left)
    _write(t, _reservation(record), json.dumps(most))
    return most, rest


def release(t: Transaction, record: RunRecord) -> None:
    """Return what a run has reserved and not spent."""
    t.execute(sa.delete(meta).where(meta.c.name == _reservation(record)))


def shared(t: Transaction, record: RunRecord, since: float) -> bool:
    """Return whether another run of the account was active since a date."""
    ended = sa.select(sa.func.count()).where(
        history.c.account == record.account, history.c.id != record.id, history.c.ended > since
    )
    return bool(t.scalar(ended)) or bool(active(t, record.account) - {record.id})


def _applied(stored: Budget | None, setting: BudgetSetting | None, now: float) -> Budget | None:
    """Return the budget that applies: the stored one, unless the setting is newer.

    What was spent before a change of the amount still counts.
    """
    if setting is None or (stored is not None and stored.set_at >= setting.at):
        return stored
    goes_on = stored is not None and stored.credits is not None and stored.began > setting.ended
    # If this machine's clock is ahead of the ledger's, nothing that was spent may be missed.
    began = stored.began if stored is not None and goes_on else min(setting.at, now)
    return Budget(setting.credits, began, setting.at)


def _remaining(
    t: Transaction, record: RunRecord, budget: Budget, amount: float, prices: Prices
) -> Remaining:
    """Return what remains for a run, without what other active runs have reserved.

    What these have spent is part of both numbers, so it is subtracted once, at the lowest prices:
    rather too little is left than too much.
    """
    reserved = 0.0
    for other in active(t, record.account) - {record.id}:
        one = RunRecord(record.account, other)
        text = t.scalar(sa.select(meta.c.value).where(meta.c.name == _reservation(one)))
        if text is not None:
            counts = charges_of(t, one)
            values = {
                type_: sum((number or 0) * people for number, people in numbers.items())
                for type_, numbers in counts.items()
                if type_ in prices.ranges
            }
            reserved += max(0.0, float(text) - prices.found(values)[0])
    spent = spent_since(t, record.account, budget.began, prices)[1]
    return Remaining(amount, budget.began, spent, reserved)


def _delete_dead_reservations(t: Transaction, account: str) -> None:
    alive = [_reservation(RunRecord(account, run)) for run in active(t, account)]
    dead = meta.c.name.startswith(f"reserved/{account}/") & meta.c.name.not_in(alive)
    t.execute(sa.delete(meta).where(dead))


def _read(t: Transaction, account: str) -> Budget | None:
    text = t.scalar(sa.select(meta.c.value).where(meta.c.name == _budget_name(account)))
    return None if text is None else Budget(**json.loads(text))


def _write(t: Transaction, name: str, value: str) -> None:
    row = insert(t.dialect, meta).values(name=name, value=value)
    t.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def _budget_name(account: str) -> str:
    return f"budget/{account}"


def _reservation(record: RunRecord) -> str:
    return f"reserved/{record.account}/{record.id}"
