"""How a request leaves: its entry on disk, then its start, and little time between the two."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence

from ..errors import LedgerError
from .cancellation import Halt
from .rate_limit import Clock, Pace
from .request import Books, Request

MOST_AT_ONCE = 64
"""At most so many requests are entered in one commit; on a disk that keeps up it is one."""

LONGEST_LEAD = 0.5
"""Seconds before a start at which its entry is written, at most."""


class Starts:
    """Gives requests their start, one after the other.

    The entry that says "sent" must be on disk before the request leaves, and a run that is killed
    between the two leaves a contact ``unknown`` that nobody was asked about. So the entry is
    written just before the start is due, by as much as the disk has lately taken. Where that is
    longer than the pace gives a request, several are written together, so that the disk does not
    set the pace.

    Parameters
    ----------
    pace : Pace
        Says when the next request may start.
    book : Books
        Has an entry of each request before it leaves.
    halt : Halt
        Ends the waiting.
    clock : callable
        Seconds.
    """

    def __init__(self, pace: Pace, book: Books, halt: Halt, clock: Clock) -> None:
        self._pace, self._book, self._halt, self._clock = pace, book, halt, clock
        self._in_line = asyncio.Lock()
        self._commit = 0.0

    @property
    def at_once(self) -> int:
        """How many requests to enter in one commit."""
        return max(1, min(MOST_AT_ONCE, math.ceil(self._commit * self._pace.rate)))

    async def give(
        self, jobs: Sequence[Request], leave: Callable[[Request, float], object]
    ) -> list[Request]:
        """Enter jobs and call ``leave`` with each at the moment of its start; not after a stop.

        Returns those that did not leave because another run has them now.
        """
        async with self._in_line:
            await self._halt.wait(self._pace.near(min(1.5 * self._commit, LONGEST_LEAD)))
            if self._halt.stopped():
                return []
            entered = await self._entered(jobs)
            if entered is None:
                return []
            may_leave, not_ours = entered
            for job in may_leave:
                moment = await self._halt.wait(self._pace.turn())
                if moment is None:
                    break
                leave(job, moment)
            return not_ours

    async def _entered(self, jobs: Sequence[Request]) -> tuple[list[Request], list[Request]] | None:
        began = self._clock()
        try:
            entered = await self._book.about_to_send(jobs)
        except LedgerError as error:
            self._halt.stop(error)
            return None
        self._commit += (self._clock() - began - self._commit) / 4
        return entered
