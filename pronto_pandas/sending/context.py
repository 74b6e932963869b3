"""The context that the parts of a run share."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

from .cancellation import Cancellation
from .modes import Mode
from .rate_limit import Clock, Jitter, RateLimit, Sleep
from .recorder import Recorder
from .retry import RetryPolicy
from .time_left import TimeLeft


@dataclass(frozen=True, slots=True)
class Timing:
    """Clock, sleep and jitter; injected, so that tests need no real time."""

    clock: Clock = time.monotonic
    sleep: Sleep = asyncio.sleep
    jitter: Jitter = random.uniform


@dataclass(slots=True)
class Context:
    """Settings and objects that the parts of one run share.

    Parameters
    ----------
    mode : Mode
        How requests are sent and answered.
    rate_limit : RateLimit
        Decides when each request may start.
    recorder : Recorder
        Writes each request to the ledger before it is sent, and each answer before it is used.
    timeout : float
        Seconds without any answer after which the requests in flight count as lost or, if their
        answers can be fetched later, are left to another run.
    retry_budget : float
        Seconds after which the run stops if no answer arrives and requests fail before they are
        processed.
    timing : Timing, optional
        Clock, sleep and jitter.
    """

    mode: Mode
    rate_limit: RateLimit
    recorder: Recorder
    timeout: float
    retry_budget: float
    timing: Timing = field(default_factory=Timing)
    cancellation: Cancellation = field(init=False, default_factory=Cancellation)
    retry: RetryPolicy = field(init=False)
    time_left: TimeLeft = field(init=False)

    def __post_init__(self) -> None:
        timing = self.timing
        self.retry = RetryPolicy(self.rate_limit, self.retry_budget, timing.clock, timing.jitter)
        self.time_left = TimeLeft(timing.clock)
