"""Money in simulated worlds: nobody is asked twice, and no answer is lost, whatever happens.

``python -m tests.simulation SEED`` shows what happened in one of them.
"""

from __future__ import annotations

import os

import pytest

from .simulation.simulation import play

SEEDS = int(os.environ.get("PRONTO_SEEDS", "2000"))
BLOCK = 100


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_what_must_always_hold(first: int) -> None:
    """The failure says which seed it is, and what happened until then."""
    for seed in range(first, min(first + BLOCK, SEEDS)):
        play(seed)
