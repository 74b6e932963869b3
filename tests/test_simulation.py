"""Two thousand simulations of runs that are stopped, killed, and cut off from what they need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .conftest import others_slow
from .simulation.planted import BUGS, plant
from .simulation.simulation import play

SEEDS = int(os.environ.get("PRONTO_SEEDS", "2000"))
BLOCKS = 20


@pytest.mark.parametrize("block", others_slow(*range(BLOCKS)))
def test_whatever_happens_nobody_is_paid_for_twice_and_nothing_is_lost(block: int) -> None:
    """A failure's note has its seed and what happened; see `tests.simulation`."""
    for seed in range(block, SEEDS, BLOCKS):
        play(seed)


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(26, id="two jobs of one run claimed one entry"),
        pytest.param(915, id="two runs waited for what neither of them fetched any more"),
        pytest.param(641, id="a slower pace had a larger tolerance"),
        pytest.param(1064, id="an adoption of which the commit was in doubt was held for ever"),
        pytest.param(374, id="a lost answer cost nothing"),
    ],
)
def test_a_simulation_plays_the_same_again(seed: int) -> None:
    """A seed decides everything, so that a failure can be looked at."""
    assert play(seed).world.trace == play(seed).world.trace


def test_bugs_can_still_be_planted(tmp_path: Path) -> None:
    """Their texts are there; `python -m tests.simulation.planted` sees that each is found."""
    for number, bug in enumerate(BUGS):
        plant(bug, tmp_path / str(number))
