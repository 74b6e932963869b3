"""Prices learned from runs: what one value cost, by the balance before and after."""

# Why: docs/decisions/041-history.md

from __future__ import annotations

import bisect
import itertools
import math
import operator
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..api.spec import MOST_PHONES
from ..prices import Prices, Range
from .history import LATEST, Count, PastRun, alone_among, ends

_SMALLEST: Final = 0.01
"""Prices are whole multiples of this; other quotients come from more than one price."""


_SURE: Final = 10
"""How many times more totals than prices must be possible to tell prices apart by one total."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A price that a run has shown.

    Parameters
    ----------
    run : str
        The run.
    at : float
        When it ended.
    price : float, optional
        Credits per value; None: the price has changed, and is not known.
    """

    run: str
    at: float
    price: float | None


class PriceHistory:
    """What the values of an account have cost, over time.

    A price is learned from a run with a balance before and after, of which nothing was lost, and
    during which nothing else of the account's requests was charged.

    Parameters
    ----------
    runs : sequence of PastRun
        All runs of the account.
    counts : sequence of Count
        All its charges.
    prices : Prices
        The configured prices. A learned price outside their range is not believed.
    times : int
        How many runs must have shown a price before it is believed.
    """

    def __init__(
        self,
        runs: Sequence[PastRun],
        counts: Sequence[Count],
        prices: Prices,
        *,
        times: int = 1,
    ) -> None:
        self._prices = prices
        self._seen = _learned(runs, counts, prices)
        self._believed = {
            type_: [one for one in seen if one.price is None or often[one.price] >= times]
            for type_, seen in self._seen.items()
            for often in [Counter(one.price for one in seen)]
        }
        self._sure = {
            type_: {one.price for one in believed} for type_, believed in self._believed.items()
        }
        self._own = {
            (type_, one.run): one.price for type_, seen in self._seen.items() for one in seen
        }

    def latest(self) -> dict[str, tuple[float, float]]:
        """Return each type's last price and its date, unless that is not known any more."""
        last = {type_: seen[-1] for type_, seen in self._seen.items() if seen}
        return {type_: (one.price, one.at) for type_, one in last.items() if one.price is not None}

    def at(self, type_: str, run: str, date: float) -> Range:
        """Return the lowest and highest price of a value that a run received at a date."""
        low, high = self._prices.ranges.get(type_, (0.0, 0.0))
        if low == high:
            return low, high
        believed = self._believed.get(type_, [])
        own = self._own.get((type_, run))
        if own is not None and own in self._sure[type_]:
            return own, own
        place = bisect.bisect_left(believed, date, key=lambda one: one.at)
        around = believed[max(place - 1, 0) : place + 1]
        prices = {one.price for one in around}
        if not prices or None in prices:
            return low, high
        if own is not None and (len(around) == 1 or len(prices) > 1):
            prices.add(own)
        known = [price for price in prices if price is not None]
        return min(known), max(known)

    def cost(self, one: Count) -> Range:
        """Return the lowest and highest cost of charges; at worst if what they cost is unknown."""
        low, high = self.at(one.type, one.run, one.last)
        if one.charged is None:
            return 0.0, high * one.number * (MOST_PHONES if one.type == "phone" else 1)
        return low * one.charged * one.number, high * one.charged * one.number


def _learned(
    runs: Sequence[PastRun], counts: Sequence[Count], prices: Prices
) -> dict[str, list[Seen]]:
    """Return the prices of each type that runs have shown, in the order of time."""
    numbers: dict[str, Counter[str]] = defaultdict(Counter)
    for one in counts:
        numbers[one.run][one.type] += (one.charged or 0) * one.number
    known = {type_: low for type_, (low, high) in prices.ranges.items() if low == high}
    configured = frozenset(known)
    seen: dict[str, list[Seen]] = defaultdict(list)
    for run, spent, ended in _clean(runs, counts):
        values = {type_: number for type_, number in numbers[run.id].items() if number}
        solved = _solved(values, spent, known, configured)
        if not solved or any(price is None for _, price in solved):
            solved = _whole(values, spent, prices) or solved
        for type_, price in solved:
            if price is not None and not _credible(price, type_, prices):
                continue
            seen[type_].append(Seen(run.id, ended, price))
            known.pop(type_, None)
            if price is not None:
                known[type_] = price
    return seen


def _solved(
    values: Mapping[str, int],
    spent: float,
    known: Mapping[str, float],
    configured: frozenset[str],
) -> list[tuple[str, float | None]]:
    """Return the price that a run shows; None for prices that it contradicts."""
    free = [type_ for type_ in values if type_ not in configured]
    unknown = free if len(values) == 1 else [type_ for type_ in free if type_ not in known]
    if len(unknown) > 1:
        return []
    rest = spent - sum(known[type_] * n for type_, n in values.items() if type_ not in unknown)
    if unknown:
        return [(unknown[0], rest / values[unknown[0]])]
    return [(type_, None) for type_ in free if not math.isclose(rest, 0.0, abs_tol=1e-6)]


def _whole(
    values: Mapping[str, int], spent: float, prices: Prices
) -> list[tuple[str, float | None]]:
    """Return the prices of several types, if they are whole credits and only one choice fits.

    There must be so many values that a difference of which others spent a part rarely fits.
    """
    ranges = [prices.ranges.get(type_, (0.0, 0.0)) for type_ in values]
    choices = [range(math.ceil(low), math.floor(high) + 1) for low, high in ranges]
    spread = sum((high - low) * n for (low, high), n in zip(ranges, values.values(), strict=True))
    if spread < _SURE * math.prod(map(len, choices)):
        return []
    numbers = tuple(values.values())
    fits = [
        one for one in itertools.product(*choices) if sum(map(operator.mul, one, numbers)) == spent
    ]
    if len(fits) != 1:
        return []
    return [(type_, float(price)) for type_, price in zip(values, fits[0], strict=True)]


def _credible(price: float, type_: str, prices: Prices) -> bool:
    low, high = prices.ranges.get(type_, (0.0, math.inf))
    steps = price / _SMALLEST
    return low <= price <= high and math.isclose(steps, round(steps), abs_tol=1e-6)


def _clean(
    runs: Sequence[PastRun], counts: Sequence[Count]
) -> Iterable[tuple[PastRun, float, float]]:
    """Yield the runs whose balances show nothing but their own charges, what was spent, and when.

    They are ordered by time, as runs at the same time are left out.
    """
    alone = alone_among(runs, ends(runs, counts))
    began = {run.id: run.began for run in runs}
    unclear = _merged(
        (one.first, one.last + LATEST) if one.charged is None else (began.get(one.run, 0), one.last)
        for one in counts
        if one.charged is None or one.late
    )
    for run in sorted(runs, key=lambda run: run.began):
        if run.ended is None or run.balance_before is None or run.balance_after is None:
            continue
        if run.id in alone and not _meets(unclear, run):
            yield run, run.balance_before - run.balance_after, run.ended


def _merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return spans of time in order, with those that overlap joined."""
    merged: list[tuple[float, float]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged


def _meets(spans: Sequence[tuple[float, float]], run: PastRun) -> bool:
    """Return whether one of these spans overlaps a run."""
    place = bisect.bisect_left(spans, run.began, key=lambda span: span[1])
    return place < len(spans) and spans[place][0] <= (run.ended or run.began)
