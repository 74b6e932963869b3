"""``estimate``: how many people a run would send, and the cost."""

# Why: docs/decisions/042-expected-cost.md

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import account
from .arguments import arguments, arguments_of, signed_like
from .config.settings import current
from .costs import FOUND, Costs, Observed
from .preview import Preview
from .prices import Range
from .wording import counted, credits_between, span


@signed_like(arguments)
def estimate(*args: Any, **kwargs: Any) -> Estimate:
    """Estimate what `enrich` would send and cost. Sends no data about people, costs nothing.

    If an API key is set, one free request reads your balance. Takes the same parameters as
    `enrich`. With ``max_credits``, the estimate shows whether they are enough; ``progress`` and
    ``stop_below`` have no effect. Set the prices with `pronto_pandas.configure`.

    Returns
    -------
    Estimate
        Number of rows per outcome, the expected cost in credits, the range that contains the cost
        with a chance of 90%, the highest possible cost, and your balance if available.

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
        Distinct people in those rows. Each is one request; with ``via="async"``, one per type.
    duplicates : int
        How many of the rows to send contain the same person as an earlier row.
    answered : int
        Rows filled from the ledger at no cost.
    submitted : int
        Rows submitted by an earlier run. Fetching their answers is free.
    unknown : int
        Rows sent by an earlier run and not answered. They are not sent again.
    skipped : int
        Rows not sent because they are already filled or excluded by an argument.
    invalid : int
        Rows not sent because a required value is missing or not valid.
    cost_low, cost_high : float
        The range in credits that contains the cost with a chance of 90%. If Pronto's price is not
        known, it reaches from the lowest to the highest price. It is not a minimum or a maximum:
        one run in ten costs less or more.
    cost_expected : float
        The expected cost in credits.
    cost_most : float
        The cost in credits if everyone is found, with five phone numbers each.
    answers : int
        The number of answers of your account that the estimate is based on; if there are several
        types, for the type with the fewest.
    balance : float, optional
        Credits left in your account, if Pronto reports it.
    max_credits : float, optional
        The limit that was passed.
    chance : float, optional
        The chance, from 0 to 1, that ``max_credits`` is enough to send everyone.
    prices : dict
        The lowest and highest price of each type that the estimate uses.
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
    cost_expected: float
    cost_high: float
    cost_most: float
    answers: int
    balance: float | None = None
    max_credits: float | None = None
    chance: float | None = None
    prices: Mapping[str, Range] = field(default_factory=dict)

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
            f"{self.unknown:>8,} unknown (sent earlier, not answered)",
            f"{self.skipped:>8,} skipped (already filled, or excluded by your arguments)",
            f"{self.invalid:>8,} invalid (a required value is missing or not valid)",
            *self._cost,
            f" balance {balance}",
        ]
        return "\n".join(lines)

    @property
    def _cost(self) -> list[str]:
        if not self.people:
            return ["    cost nothing: no new requests"]
        about = credits_between(self.cost_expected, self.cost_expected)
        between = span(self.cost_low, self.cost_high)
        basis = f"{counted(self.answers, 'answer')} of this account"
        if not self.answers:
            basis = f"no answers of this account yet: assumes that {FOUND:.0%} are found"
        prices = ", ".join(f"{t} {_price(*price)}" for t, price in self.prices.items())
        return [
            f"    cost about {about}, at most {self.cost_most:,.0f}",
            f"         {between} with a chance of 90%",
            f"   basis {basis}",
            f"         prices in credits: {prices}",
            *([f"  budget {self._budget}"] if self.chance is not None else []),
        ]

    @property
    def _budget(self) -> str:
        budget = f"max_credits={self.max_credits:,g}"
        chance = self.chance or 0.0
        if chance == 1:
            return f"{budget} is enough"
        if chance >= 0.5:
            percent = "more than 99%" if chance > 0.99 else f"{chance:.0%}"
            return f"{budget} is enough with a chance of {percent}"
        reached = int(self.people * min((self.max_credits or 0.0) / self.cost_expected, 1))
        return f"{budget} is enough for about {reached:,} of {self.people:,} people"


def observed_for(preview: Preview) -> Observed:
    """Return what the ledger has seen of the account; nothing, if there is no key."""
    from .storage import spending

    settings, ledger = preview.settings, preview.ledger
    if ledger is None or not account.has_key(settings):
        return Observed()
    name = account.Account(settings).name
    with ledger.read() as t:
        return spending.observed(t, name, settings.prices)


def _estimated(preview: Preview, balance: float | None) -> Estimate:
    plan, lookup, observed = preview.plan, preview.lookup, observed_for(preview)
    statuses = Counter(status for status in plan.row_status if status is not None)
    states, rows = lookup.states(), Counter[str]()
    for state, count in zip(states, plan.rows_per_contact.tolist(), strict=True):
        rows[state] += count
    sent = {one for one, state in zip(lookup.sent_as(), states, strict=True) if state == "ready"}
    costs, limit = Costs(preview.settings.prices, observed), preview.options.max_credits
    people = Counter[str](type_ for request in lookup.to_send for type_ in request.types)
    low, high = costs.interval(people)
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
        cost_low=low,
        cost_expected=costs.expected(people),
        cost_high=high,
        cost_most=costs.most(people),
        answers=min(map(observed.answers, people), default=0),
        balance=balance,
        max_credits=limit,
        chance=None if limit is None else costs.chance(people, limit),
        prices={type_: costs.price(type_) for type_ in people},
    )


def _price(low: float, high: float) -> str:
    return f"{low:,g}" if low == high else f"{low:,g} to {high:,g}"
