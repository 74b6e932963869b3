"""The bill of a run: its price before anything is sent, and what it cost after it."""

# Why: docs/decisions/043-bill.md

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, cast

from .api.spec import EnrichmentType
from .config import settings
from .config.settings import Settings
from .costs import Costs, Observed
from .errors import LedgerError, NotConfirmedError
from .frame.options import Options
from .frame.results import verdict
from .lookup import Results, open_ledger
from .notebook.progress_bar import write_line
from .notebook.question import answerable, confirmed
from .preview import Preview
from .prices import Prices
from .sending.found_rate import FoundRate
from .storage.lease import RunRecord
from .wording import amount, counted, credits_between, estimated

if TYPE_CHECKING:  # imported when something is sent
    from .sending.request import Outcome, Request
    from .storage.budgets import Remaining
    from .storage.store import Ledger

CONFIRM_ABOVE: Final = 1_000.0
"""Expected credits above which a run asks first, unless `configure` sets another number."""

CONFIRM_SHARE: Final = 0.25
"""The share of the balance above which a run asks first."""


@dataclass
class Tally:
    """What became of the rows of a call.

    Parameters
    ----------
    rows : int
        Rows of the list.
    to_send : int
        People to send.
    rows_saved : int
        Rows that were filled from saved answers only.
    values_saved : Counter
        Per type, the values in saved answers, each once.
    people : Counter
        People in the requests of the call, per outcome.
    left_out : Counter
        Rows that were not sent, per reason in words.
    """

    rows: int = 0
    to_send: int = 0
    rows_saved: int = 0
    values_saved: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def add_list(self, preview: Preview, requests: Sequence[Request], results: Results) -> None:
        """Count the rows of a list before its requests are made."""
        plan, lookup = preview.plan, preview.lookup
        self.rows += len(plan.row_left)
        self.to_send += len({one.number for one in requests if one.enrichment_id is None})
        waited = {number for one in requests for number, _ in lookup.recipients(one)}
        for number, rows in enumerate(plan.rows_per_contact.tolist()):
            if number not in waited and any(map(_is_answer, results[number].values())):
                self.rows_saved += rows
        for (_, name), numbers in lookup.sharing.items():
            type_ = cast("EnrichmentType", name)
            outcome = results[numbers[0]].get(type_)  # those of the requests are not there yet
            shown = numbers[0] not in lookup.suppressed
            if shown and outcome is not None and outcome.answer is not None:
                self.values_saved[type_] += outcome.answer.count(type_)

    def add_left_out(self, preview: Preview) -> None:
        """Count the rows that were not sent."""
        self.left_out.update(
            _left_out(preview.lookup.plan_shown.row_left.tolist(), preview.options)
        )

    def add_people(self, preview: Preview, requests: Sequence[Request], results: Results) -> None:
        """Count the people in requests when the run is over; ``to_send`` then has those sent."""
        for number in {one.number for one in requests}:
            self.people[state_of(results[number], preview.lookup.types(number))] += 1
        new = [one for one in requests if one.enrichment_id is None]
        sent = {one.number for one in new if any(was_sent(results[one.number], one.types))}
        self.to_send -= len({one.number for one in new} - sent)


def state_of(result: Mapping[EnrichmentType, Outcome], asks: Iterable[EnrichmentType]) -> str:
    """Return the state that a contact counts as: a status, or ``submitted``."""
    if any(outcome.submitted for outcome in result.values()):
        return "submitted"
    return verdict(result, asks)


def was_sent(
    result: Mapping[EnrichmentType, Outcome], types: Iterable[EnrichmentType]
) -> Iterator[bool]:
    """Return for each type with an outcome whether it was sent."""
    return (result[type_].sent for type_ in types if type_ in result)


def _is_answer(outcome: Outcome) -> bool:
    return outcome.state == "answered"


def _left_out(reasons: Iterable[str | None], options: Options) -> dict[str, int]:
    """Count the rows that are not sent per reason, in words."""
    words = {
        "invalid": "invalid",
        "filled": "already filled",
        "suppressed": "on the suppress= list",
        "hidden": "on the suppress= list",
        "excluded by only": "excluded by only=",
        "over per_company": f"over per_company={options.per_company}",
        "over limit": f"over limit={options.limit}",
    }
    counts = Counter(words[reason] for reason in reasons if reason is not None)
    return dict(counts)


@dataclass(frozen=True)
class Price:
    """What requests are expected to cost, and at most, in credits."""

    expected: float
    most: float

    def times(self, scale: float) -> Price:
        """Return the price of several times as many requests."""
        return Price(self.expected * scale, self.most * scale)

    @classmethod
    def of(cls, requests: Iterable[Request], costs: Costs) -> Price:
        """Return the price of requests; fetching an answer is free."""
        sent = (one for one in requests if one.enrichment_id is None)
        people: Counter[str] = Counter(type_ for one in sent for type_ in one.types)
        return cls(costs.expected(people), costs.most(people))


def _different(requests: Iterable[Request]) -> Iterable[Request]:
    """Return one new request for each combination of types."""
    return {one.types: one for one in requests if one.enrichment_id is None}.values()


def budget_words(rest: Remaining) -> str:
    """Return a budget in words: its amount, and what is spent, reserved and left."""
    date = datetime.fromtimestamp(rest.began).astimezone().date().isoformat()
    parts = [
        f"up to {amount(rest.spent)} spent since {date}",
        *([f"{amount(rest.reserved)} reserved by other runs"] if rest.reserved else []),
        f"{amount(rest.left)} left",
    ]
    return f"{amount(rest.credits, 'credit')} ({', '.join(parts)})"


def describe_budget(current: Settings) -> str:
    """Return what is spent and left of the budget, for the repr of `configure`; empty if none."""
    if current.budget is None or current.budget.credits is None:
        return ""
    from .storage import budgets
    from .storage.spending import account_name

    found = current.find_key()
    try:
        account = account_name(current.service, found.key.get_secret_value() if found else "")
        with open_ledger(current).read() as t:
            rest = budgets.remaining(t, account, current.budget, current.prices)
    except LedgerError:
        rest = None
    words = amount(current.budget.credits, "credit") if rest is None else budget_words(rest)
    return f"; budget: {words}"


settings.describe_budget = describe_budget


class Bill:
    """Shows the price of a call, asks whether to continue, and shows what it did cost.

    Parameters
    ----------
    settings : Settings
        Prices, and when to ask.
    options : Options
        The types, and ``max_credits``.
    shown : bool
        Whether to show lines; a question is asked in any case.
    """

    def __init__(self, settings: Settings, options: Options, *, shown: bool) -> None:
        self.settings, self.options, self.shown = settings, options, shown
        self.tally = Tally()
        self.scale = 1.0
        """If the first run is a chunk of a file: how many times its rows the rest of it has."""
        self.found_rate = None if options.stop_below is None else FoundRate(options.stop_below)
        self.record: RunRecord | None = None
        """The call in the account's history."""
        self.observed: Observed | None = None
        """What the ledger has seen of the account."""
        self.remaining: Remaining | None = None
        """What remains of the budget; None if there is none."""
        self.limited_by: Literal["max_credits", "budget"] = "max_credits"
        """Which of the two limits of credits is the lower one."""
        self.before: float | None = None
        self.after: float | None = None
        """The balance before and after the call."""
        self.began: float | None = None
        """When the first balance was requested, by the ledger's clock."""
        self.shared = False
        """Whether another run used the account at the same time."""
        self.least = self.most = 0.0
        """The lowest and highest possible cost by the prices."""
        self.may_follow = 0
        """How many people may be sent in place of others who are not found."""
        self._opened = False

    @property
    def costs(self) -> Costs:
        """The prices and found rates, as far as the account's runs have shown them."""
        return Costs(self.settings.prices, self.observed or Observed())

    @property
    def limit(self) -> str:
        """The limit of credits that applies, in words."""
        if self.remaining is None or self.limited_by == "max_credits":
            return f"max_credits={self.options.max_credits:g}"
        return f"the budget of {budget_words(self.remaining)}"

    @property
    def opens(self) -> bool:
        """Whether the balance is needed before the first request: for the line or the question."""
        return not self._opened and (self.shown or self._may_ask)

    @property
    def _may_ask(self) -> bool:
        limited = self.options.max_credits is not None or self.remaining is not None
        free = self.settings.is_sandbox
        return not limited and not free and self.settings.confirm_above is not None and answerable()

    def open(self, requests: Sequence[Request]) -> None:
        """Show the price of the requests, and ask whether to continue if it is high.

        Raises
        ------
        NotConfirmedError
            The answer is not yes.
        """
        if not self.opens:
            return
        self._opened = True
        price = Price.of(requests, self.costs).times(self.scale)
        asks = self._may_ask and price.expected > self._confirm_above
        if self.shown or asks:
            write_line(self._price_line(requests, price))
        if asks and not confirmed("Continue? [y/N] "):
            raise NotConfirmedError(
                "The cost was not confirmed. Nothing was sent. To continue, run the same line "
                "again and answer y. To run without this question, pass max_credits=… or set "
                "pronto.configure(confirm_above=None)."
            )

    @property
    def _confirm_above(self) -> float:
        chosen = self.settings.confirm_above
        if isinstance(chosen, float):
            return chosen
        balance = math.inf if self.before is None else self.before
        return min(CONFIRM_ABOVE, CONFIRM_SHARE * balance)

    def _price_line(self, requests: Sequence[Request], price: Price) -> str:
        count = round(len({one.number for one in requests}) * self.scale)
        people = f"{'about ' * (self.scale != 1)}{counted(count, 'person', 'people')}"
        people += " (more if some are not found)" * bool(self.may_follow)
        types = [t for t in self.options.types if any(t in one.types for one in requests)]
        what = " and ".join(f"{type_.replace('_', ' ')}s" for type_ in types)
        balance = "" if self.before is None else f"; balance {amount(self.before)}"
        if not price.most:
            cost = "no new requests, free"
        else:
            most = min(price.most, self.options.most_credits)
            if self.remaining is not None:
                most = min(most, self.remaining.left)
                balance += f"; {amount(self.remaining.left)} left of the budget"
            cost = f"about {estimated(min(price.expected, most))}"
            if self.scale == 1 or most < price.most:  # otherwise nobody knows
                cost += f", at most {amount(most)}"
            least = min(Price.of([one], self.costs).most for one in _different(requests))
            if most < least:
                return (
                    f"{counted(count, 'person', 'people')} to look up, but one can cost up to "
                    f"{amount(least, 'credit')}, and only {amount(most)} may be spent{balance}."
                )
        return f"Looking up the {what} of {people}: {cost}{balance}."

    def opened(self, balance: float | None, date: float | None) -> None:
        """Store the balance before the first run, and when it was requested."""
        if self.began is None:
            self.before, self.began = balance, date

    def settle(self, cost: tuple[float, float], balance: float | None) -> None:
        """Add the lowest and highest cost of a run, and store the balance after it."""
        self.least += cost[0]
        self.most += cost[1]
        self.after = balance

    @contextmanager
    def shown_at_the_end(self) -> Iterator[None]:
        """Show what a call of several runs did cost, also if it is interrupted."""
        try:
            yield
        finally:
            if self.tally.rows:
                self.close()

    def learn_prices(self, ledger: Ledger) -> None:
        """Read what runs have shown of prices, for a call that sends nothing and needs no key."""
        from .storage.spending import latest_account, observed

        with suppress(LedgerError), ledger.read() as t:
            account = latest_account(t, ledger.service)
            if account is not None:
                self.observed = observed(t, account, self.settings.prices)

    def close(self) -> None:
        """Show what the call did cost."""
        if self.shown:
            write_line(self.line)

    @property
    def line(self) -> str:
        """What was looked up, and what it cost."""
        return " ".join(filter(None, [self._rows, self._credits, self._left_out]))

    @property
    def _rows(self) -> str:
        rows, people = self.tally.rows_saved, self.tally.people
        saved = [f"{counted(rows, 'row')} from saved answers"] if rows else []
        if not people.total():
            return f"{saved[0]}; nothing was sent." if saved else "Nothing was sent."
        parts = [f"{people[state]:,} {words}" for state, words in _STATES.items() if people[state]]
        submitted, done = people["submitted"], people.total() - people["pending"]
        if submitted:
            saved.append(f"{counted(submitted, 'person', 'people')} submitted")
        if done > submitted or not submitted:
            looked_up = f"{counted(done - submitted, 'person', 'people')} looked up"
            saved.append(f"{looked_up}: {', '.join(parts)}" if parts else looked_up)
        return f"{', '.join(saved)}."

    @property
    def _credits(self) -> str:
        saved = f"the ledger saved about {credits_between(*self.saved)}"
        if not self.tally.people.total():
            return f"T{saved[1:]}." if self.tally.values_saved.total() else ""
        spent = self.spent
        cost = credits_between(self.least, self.most) if spent is None else amount(spent, "credit")
        cost += " so far" * bool(self.tally.people["submitted"])
        if spent is not None:
            cost += f" (balance {amount(self.after or 0.0)})"
        saves = f"; {saved}" if self.tally.values_saved.total() else ""
        return f"{cost}{saves}.{self._doubt}"

    @property
    def spent(self) -> float | None:
        """The credits by which the balance fell; None if it is not known, or rose."""
        if self.before is None or self.after is None or self.before < self.after:
            return None
        return self.before - self.after

    @property
    def _doubt(self) -> str:
        """A sentence if the balance does not show the cost of this call only."""
        if self.before is not None and self.after is not None and self.before < self.after:
            return " The balance rose during the run, so the cost is calculated from the prices."
        if self.shared:
            return _SHARED
        if self.spent is None or self.least - 0.01 <= self.spent <= self.most + 0.01:
            return ""
        if self.spent > self.most:
            return (
                " This is more than the prices say: other programs spent from this account at the "
                "same time, requests of an earlier run were charged now, or the prices have "
                "changed."
            )
        return (
            " This is less than the prices say: credits were added to the account at the same "
            "time, or the prices have changed."
        )

    @property
    def saved(self) -> tuple[float, float]:
        """The lowest and highest price of the values in saved answers."""
        values, known = self.tally.values_saved, self.settings.prices.ranges
        learned = Prices({type_: self.costs.price(type_) for type_ in known})
        return learned.found({t: n for t, n in values.items() if t in known})

    @property
    def _left_out(self) -> str:
        counts = self.tally.left_out
        reasons = ", ".join(f"{count:,} {words}" for words, count in counts.most_common())
        return f"{counted(counts.total(), 'row')} not sent: {reasons}." if reasons else ""


_SHARED: Final = (
    " Other programs spent from this account at the same time, so this figure is not this run's "
    "alone."
)

_STATES: Final = {
    "found": "found",
    "error": "rejected",
    "unknown": "without an answer (may have been charged)",
}
"""The outcomes that a bill shows; the others are not found, submitted or not sent."""
