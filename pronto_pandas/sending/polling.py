"""When to look for an answer that the service is still working on."""

from __future__ import annotations

from .rate_limit import Jitter, backoff

SOONEST, LATEST = 0.5, 30.0
"""Seconds between two looks, at least and at most."""


class Polling:
    """Looks about when answers have lately come, and then less and less often.

    Parameters
    ----------
    jitter : callable
        Spreads looks that would fall together.
    """

    def __init__(self, jitter: Jitter) -> None:
        self._jitter = jitter
        self._typical = 2.0

    def wait(self, look: int) -> float:
        """Return the seconds before a look; the first one is 1."""
        first = self._typical if look == 1 else self._typical / 2
        wait = backoff(max(look - 1, 1), first=first, most=LATEST)
        return max(SOONEST, wait) * self._jitter(0.8, 1.2)

    def came(self, look: int, seconds: float) -> None:
        """Note at which look, and how long after it was submitted, an answer was there."""
        if look == 1:  # it may have been there long before
            self._typical = max(SOONEST, 0.9 * self._typical)
        else:
            self._typical += (min(seconds, LATEST) - self._typical) / 4
