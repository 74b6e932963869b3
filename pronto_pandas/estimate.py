"""``estimate``: how many people a run would send, and the cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from . import account
from .arguments import arguments, arguments_of, signed_like
from .config.settings import current
from .preview import Preview
from .wording import counted, credits_between


@signed_like(arguments)
def estimate(*args: Any, **kwargs: Any) -> Estimate:
    """Estimate what `enrich` would send and cost. Sends no data about people, costs nothing.

    If an API key is set, one free request reads your balance. Takes the same parameters as
    `enrich`; ``max_credits`` and ``progress`` have no effect. Set the prices with
    `pronto_pandas.configure`.

    Returns
    -------
    Estimate
        Number of rows per outcome, the lowest and highest cost in credits if everything is found,
        and your balance if available.

    Raises
    ------
    ConfigurationError
        An argument is invalid or a column is missing.
    LedgerError
        The ledger cannot be read.
    """
    given, settings = arguments_of("estimate", *args, **kwargs), current()
    preview = Preview(given.df, given.options, settings, bodies=False)
    return _estimated(preview, account.balance(settings))


@dataclass(frozen=True)
class Estimate:
    """Result of `estimate`. All counts are rows, except ``people``.

    Parameters
    ----------
    rows : int
        All rows.
    to_send : int
        Rows that would be sent.
    people : int
        Distinct people in those rows. Each is sent once, or with ``via="async"`` once per type.
    duplicates : int
        How many of the rows to send contain the same person as an earlier row.
    answered : int
        Rows filled from the ledger at no cost.
    submitted : int
        Rows submitted by an earlier run. Fetching their answers is free.
    unknown : int
        Rows sent by an earlier run whose answer was lost. They are not sent again.
    skipped, invalid : int
        Rows not sent: on purpose, or because a required value is missing or not valid.
    cost_low, cost_high : float
        Cost in credits if everything is found: ``cost_low`` at the lowest prices, with one phone
        number per person; ``cost_high`` at the highest prices, with five each. You pay only for
        what is found.
    balance : float, optional
        Credits left in your account, if Pronto reports it.
    """

    rows: int
    to_send: int
    people: int
    duplicates: int
    answered: int
    submitted: int
    unknown: int
    skipped: int
    invalid: int
    cost_low: float
    cost_high: float
    balance: float | None = None

    @property
    def _people(self) -> str:
        if not self.people:
            return ""
        people = counted(self.people, "person", "people")
        rows = counted(self.duplicates, "duplicate row")
        return f": {people} ({rows})" if self.duplicates else f": {people}"

    def __repr__(self) -> str:
        balance = "unavailable" if self.balance is None else f"{self.balance:,.0f} credits"
        lines = [
            f"{self.rows:>8,} {'row' if self.rows == 1 else 'rows'}",
            f"{self.to_send:>8,} to send{self._people}",
            f"{self.answered:>8,} already answered",
            *([f"{self.submitted:>8,} already submitted, answer pending"] * bool(self.submitted)),
            f"{self.unknown:>8,} unknown (sent earlier, answer lost)",
            f"{self.skipped:>8,} skipped (on purpose)",
            f"{self.invalid:>8,} invalid (a required value is missing or not valid)",
            f"    cost {credits_between(self.cost_low, self.cost_high)} if everything is found"
            " (you pay only for what is found)",
            f" balance {balance}",
        ]
        return "\n".join(lines)


def _estimated(preview: Preview, balance: float | None) -> Estimate:
    plan, lookup, prices = preview.plan, preview.lookup, preview.settings.prices
    statuses = Counter(status for status in plan.row_status if status is not None)
    states, rows = lookup.states(), Counter[str]()
    for state, count in zip(states, plan.rows_per_contact.tolist(), strict=True):
        rows[state] += count
    sent = {one for one, state in zip(lookup.sent_as(), states, strict=True) if state == "ready"}
    return Estimate(
        rows=len(plan.row_status),
        to_send=rows["ready"],
        people=len(sent),
        duplicates=rows["ready"] - len(sent),
        answered=rows["answered"],
        submitted=rows["submitted"],
        unknown=rows["unknown"],
        skipped=statuses["skipped"],
        invalid=statuses["invalid"],
        cost_low=sum(prices.least(request.types) for request in lookup.to_send),
        cost_high=sum(prices.most(request.types) for request in lookup.to_send),
        balance=balance,
    )
