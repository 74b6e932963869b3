"""The state of a rate limit, in memory or in a file that the processes of one machine share."""

# Why: docs/decisions/003-rate-limit.md

from __future__ import annotations

import contextlib
import logging
import math
import os
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import portalocker

log = logging.getLogger(__name__)

_FORMAT = struct.Struct("<4d")

_FLAGS = os.O_CREAT | os.O_RDWR
_LOCK = portalocker.LOCK_EX | portalocker.LOCK_NB

_STALE = 7 * 24 * 3600
"""Seconds after which an unused file is deleted: it is usually from an earlier boot."""

_BUSY = 1.0
"""Seconds for which another process may lock the file; usually it takes microseconds."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(slots=True)
class State:
    """The state that the processes of a rate limit share; times are on the monotonic clock."""

    next_start: float = -math.inf
    """When the next regular start is due."""

    next_place: float = -math.inf
    """When the queue for starts ends."""

    rate: float = 0.0
    """The highest rate in use."""

    rate_until: float = -math.inf
    """When that rate expires, unless it is used again."""

    def values(self) -> tuple[float, float, float, float]:
        """Return the values in the order of the file."""
        return self.next_start, self.next_place, self.rate, self.rate_until


class Shared:
    """The state of a rate limit, in the memory of this process."""

    def __init__(self) -> None:
        self.state = State()

    @contextlib.contextmanager
    def held(self) -> Iterator[State | None]:
        """Yield the state; nothing else reads or changes it in the block."""
        yield self.state


class SharedFile(Shared):
    """The state of a rate limit that the processes on this machine share, in a small file.

    The monotonic clock is the same for all of them and restarts with the machine. So the name of
    the file contains the ID of the boot, and another machine with the same home directory uses
    another file. The file may contain anything, so the state is corrected before it is used.

    While the file cannot be used, this process continues with the state that it read last.

    Parameters
    ----------
    folder : Path
        Created for this user only, like the file.
    name : str
        The account.
    """

    def __init__(
        self, folder: Path, name: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._path = folder / f"{name}.{boot_id()}"
        self._name = str(self._path)
        self._clock = clock
        self._usable = True
        self._empty = False
        self._busy_since: float | None = None
        with contextlib.suppress(OSError):
            self._delete_stale(name)

    @contextlib.contextmanager
    def held(self) -> Iterator[State | None]:
        """Yield the state, then write it; yield None while another process holds the lock."""
        file = self._locked()
        if file is None:
            yield None if self._busy() else self.state
            return
        try:
            before = self.state.values()
            yield self.state
            if self.state.values() != before:
                self._write(file)
        finally:
            os.close(file)  # which unlocks it

    def _locked(self) -> int | None:
        """Return the file, locked and read, or None if it cannot be used now."""
        file = None
        try:
            file = self._open()
            # Without waiting: the process that has the lock may be stopped, and a wait would block
            # the event loop.
            portalocker.lock(file, _LOCK)
            self._read(file)
        except portalocker.exceptions.AlreadyLocked as error:
            if self._busy_since is None:
                self._busy_since = self._clock()
            if not self._busy():
                self._failed(error)
        except (OSError, portalocker.exceptions.LockException) as error:
            self._busy_since = None
            self._failed(error)
        else:
            self._busy_since = None
            return file
        if file is not None:
            os.close(file)
        return None

    def _busy(self) -> bool:
        since = self._busy_since
        return since is not None and self._clock() - since < _BUSY

    def _open(self) -> int:
        # Opened each time: a file that a forked child inherits would be locked for both.
        try:
            return os.open(self._name, _FLAGS, 0o600)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return os.open(self._name, _FLAGS, 0o600)

    def _read(self, file: int) -> None:
        data = os.read(file, _FORMAT.size)
        if len(data) == _FORMAT.size:
            state = self.state
            state.next_start, state.next_place, state.rate, state.rate_until = _FORMAT.unpack(data)
            self._empty = False
        elif not self._empty:  # new; other processes may have used starts in the one before
            self.state.next_start = math.inf
            self._empty = True  # once only: if nothing can be written, it stays empty

    def _write(self, file: int) -> None:
        try:
            os.lseek(file, 0, os.SEEK_SET)
            os.write(file, _FORMAT.pack(*self.state.values()))
        except OSError as error:
            self._failed(error)
        else:
            self._works()

    def _failed(self, error: Exception) -> None:
        if self._usable:
            log.warning(
                "Cannot coordinate the rate limit with other processes that use this key: the file "
                "%s cannot be used (%s). Together they may exceed the limit.",
                self._path,
                type(error).__name__,
            )
        self._usable = False

    def _works(self) -> None:
        if not self._usable:
            log.info("The file that coordinates the rate limit can be used again: %s", self._path)
        self._usable = True

    def _delete_stale(self, name: str) -> None:
        """Delete files of earlier boots and of earlier versions of this package."""
        for path in self._path.parent.glob(f"{name}*"):
            if path != self._path and time.time() - path.stat().st_mtime > _STALE:
                path.unlink()


@cache
def boot_id() -> str:
    """Return an id of this boot of this machine, if the system has one."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:  # not Linux: correcting the state must do
        return "boot"
