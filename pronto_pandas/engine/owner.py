"""Names of runs, and whether the process of one is still there."""

from __future__ import annotations

import functools
import os
from pathlib import Path


def new_owner() -> str:
    """Return a name for a run, which says where it lives."""
    return f"{_host()}:{os.getpid()}:{os.urandom(6).hex()}"


def process_gone(owner: str) -> bool:
    """Say whether a run's process has surely ended; False where that cannot be known from here."""
    host, _, rest = owner.partition(":")
    number = rest.partition(":")[0]
    if host != _host() or not number.isdigit() or os.name != "posix":
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:  # another user's
        return False
    return False


@functools.cache
def _host() -> str:
    """Name this machine since it was started; a process number means something only there."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"run-{os.urandom(8).hex()}"
