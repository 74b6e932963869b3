"""Counts and amounts in words, for messages, cards and progress bars."""

from __future__ import annotations

import math


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: "1 row", "2,000 rows"; ``many`` is for irregular plurals."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def span(low: float, high: float) -> str:
    """Return a range: "1 to 3", or one number if both are the same."""
    first, last = f"{low:,.0f}", f"{high:,.0f}"
    return first if first == last else f"{first} to {last}"


def credits_between(low: float, high: float) -> str:
    """Return a range of credits: "1 to 3 credits"."""
    amount = span(low, high)
    return "1 credit" if amount == "1" else f"{amount} credits"


def amount(number: float, unit: str = "") -> str:
    """Return an amount: "1,620", "0.25"; with a unit: "1 credit", "1,620 credits"."""
    text = f"{number:,.2f}".removesuffix(".00")
    return text if not unit else f"{text} {unit}{'' if text == '1' else 's'}"


def estimated(number: float) -> str:
    """Return an estimate in credits with three digits, as more would look exact."""
    if number < 1:
        return amount(number, "credit")
    digits = max(0, math.floor(math.log10(number)) - 2)
    return amount(round(number, -digits), "credit")
