"""Plays simulations: ``python -m tests.simulation SEED``, or ``--seeds 100000``."""

from __future__ import annotations

import argparse
import sys
import time

from .simulation import play, told
from .world import ViolationError


def main() -> int:
    """Play the seeds that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, help="the one to play, with its events")
    parser.add_argument("--seeds", type=int, default=2000, help="how many to play")
    parser.add_argument("--first", type=int, default=0, help="the first one of them")
    parser.add_argument("--go-on", action="store_true", help="do not end at the first failure")
    given = parser.parse_args()
    if given.seed is not None:
        return _one(given.seed)
    failed, began = 0, time.process_time()
    for seed in range(given.first, given.first + given.seeds):
        try:
            play(seed)
        except ViolationError as error:
            failed += 1
            print(f"seed {seed}: {error}", flush=True)
            if not given.go_on:
                print("\n".join(error.__notes__))
                return 1
    seconds = time.process_time() - began
    print(f"{given.seeds} simulations, {failed} failed, {seconds / given.seeds * 1000:.0f} ms each")
    return int(failed > 0)


def _one(seed: int) -> int:
    try:
        simulation = play(seed)
    except ViolationError as error:
        print(f"{error}\n" + "\n".join(error.__notes__))
        return 1
    print(told(simulation, last=10_000))
    return 0


if __name__ == "__main__":
    sys.exit(main())
