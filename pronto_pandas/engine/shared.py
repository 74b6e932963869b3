"""One number that the threads or the processes of a machine share."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import portalocker

_DOUBLE = struct.Struct("<d")


class Moment:
    """A moment of the monotonic clock, in the memory of this process."""

    def __init__(self) -> None:
        self.value = -math.inf

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nobody else read or change the value meanwhile."""
        yield


class SharedMoment(Moment):
    """A moment that all processes of this machine share, in a file of eight bytes.

    The monotonic clock is the same for all of them, and starts anew with the machine: who uses the
    value must not trust one that lies far ahead.

    Parameters
    ----------
    path : Path
        The file; it and its folder are created for the user alone.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Read the value, and write it when the block ends; other processes wait."""
        # Opened each time: a file that a forked child inherits would be locked for both.
        file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            portalocker.lock(file, portalocker.LOCK_EX)
            data = os.read(file, _DOUBLE.size)
            stored = _DOUBLE.unpack(data)[0] if len(data) == _DOUBLE.size else -math.inf
            self.value = before = -math.inf if math.isnan(stored) else stored
            yield
            if self.value != before:
                os.lseek(file, 0, os.SEEK_SET)
                os.write(file, _DOUBLE.pack(self.value))
        finally:
            os.close(file)  # which unlocks it
