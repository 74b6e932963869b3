"""Leases: which run holds an entry, and whether that run is still alive.

A run renews its lease while it works. A clock that is set, or a machine that sleeps, must not make
a lease look valid or expired. On PostgreSQL, leases use the database's clock. In a file, they use
the machine's time since boot, which nobody can set and which includes sleep; only a run of another
machine, or from before a restart, is judged by the time of day.
"""

# Why: docs/decisions/011-fence-and-lease.md

from __future__ import annotations

import functools
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LEASE: Final = float(os.environ.get("PRONTO_LEASE_SECONDS", "30"))
"""Seconds after which a run that has not renewed its lease counts as dead; tests shorten it."""


def machine_clock() -> float:
    """Return the seconds since this machine started, including sleep."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":  # pragma: no cover  time.monotonic() stops in sleep there
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()  # pragma: no cover


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The run in the account's history for which requests are recorded.

    Parameters
    ----------
    account : str
        The account's name in the ledger; see `spending.account_name`.
    id : str
        The run's ID in the history. It outlives the lease, so it is another one.
    """

    account: str
    id: str = field(default_factory=lambda: os.urandom(9).hex())


@dataclass(frozen=True, slots=True)
class Run:
    """One run, its machine and its process.

    Parameters
    ----------
    id : str
        The run's ID in the ledger.
    machine : str
        ID of the machine's current boot; clocks are comparable only if it is the same.
    process : str
        PID namespace and process ID.
    record : RunRecord, optional
        For what its charges are recorded; None records no charges.
    """

    id: str
    machine: str
    process: str
    record: RunRecord | None = None


def new_run(record: RunRecord | None = None) -> Run:
    """Return a new run of this process."""
    return Run(os.urandom(9).hex(), _machine(), f"{_namespace()}:{os.getpid()}", record)


@dataclass(frozen=True, slots=True)
class Lease:
    """A run's lease in the ledger.

    Parameters
    ----------
    run : Run
        The run.
    until : float
        When it expires, by the database's or the machine's clock.
    renewed : float
        When it was renewed, in seconds since 1970.
    """

    run: Run
    until: float
    renewed: float


def is_alive(lease: Lease, now: float, date: float, *, one_clock: bool) -> bool:
    """Return whether a run may still be working.

    Parameters
    ----------
    lease : Lease
        The run's lease.
    now : float
        The ledger's clock.
    date : float
        Seconds since 1970.
    one_clock : bool
        Whether all machines share the clock of ``now``.
    """
    if process_gone(lease.run):
        return False
    if one_clock or lease.run.machine == _machine():
        return lease.until > now
    return lease.renewed + LEASE > date


def process_gone(run: Run) -> bool:
    """Return whether a run's process has certainly ended; False if this process cannot tell."""
    namespace, _, number = run.process.rpartition(":")
    same_place = run.machine == _machine() and namespace == _namespace()
    if not same_place or not number.isdigit() or os.name != "posix":
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:  # another user's
        return False
    return False


@functools.cache
def _machine() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"process-{os.urandom(8).hex()}"


@functools.cache
def _namespace() -> str:
    """Return the PID namespace: each container on a machine has a different one."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
