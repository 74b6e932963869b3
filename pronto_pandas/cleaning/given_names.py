"""Given names that go together, and given names of people who have two surnames."""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

from .languages import by_name, pattern, plain
from .text import bare

_MOHAMMAD: Final = frozenset({"md", "mohd"})
"""Short forms that stand before the name by which a person is called (Bangladesh, Malaysia)."""


class _GivenNames(NamedTuple):
    pairs: tuple[tuple[frozenset[str], frozenset[str]], ...]  # first and second, per language
    with_two_surnames: frozenset[str]
    iberian: frozenset[str]
    with_particle: re.Pattern[str]


@functools.cache
def _given_names() -> _GivenNames:
    pairs, iberian = [], set[str]()
    for language in by_name().values():
        words = {part: frozenset(map(bare, e)) for part, e in language.get("names", {}).items()}
        if second := words.get("given_second"):
            two_surnames = words.get("two_surnames", frozenset())
            pairs.append((words["given_first"] | two_surnames, second))
            iberian |= two_surnames | second if two_surnames else set()
    return _GivenNames(
        tuple(pairs),
        plain("two_surnames"),
        frozenset(iberian - plain("given_cities")),
        re.compile(rf"(?:{pattern('names', 'given_patterns')})(?= \w)", re.IGNORECASE),
    )


def is_mohammad(word: str) -> bool:
    """Return whether a word is short for Mohammad."""
    return bare(word) in _MOHAMMAD


def are_one(first: str, second: str) -> bool:
    """Return whether two given names form one compound name: "María José", "Hans Peter"."""
    one, other = bare(first), bare(second)
    return one in _MOHAMMAD or any(one in f and other in s for f, s in _given_names().pairs)


def has_two_surnames(first: str) -> bool:
    """Return whether people of this given name usually have two surnames.

    "Maria" without the accent does not count, because it is used in many countries.
    """
    return bare(first) in _given_names().with_two_surnames or first.casefold() == "maría"


def is_iberian(given: str) -> bool:
    """Return whether a word is a Spanish or Portuguese given name, and not a city's name."""
    return bare(given) in _given_names().iberian


def with_particle(text: str) -> str:
    """Return the given name with a particle that begins a string, or "": "María del Carmen"."""
    found = _given_names().with_particle.match(text)
    return found[0] if found else ""
