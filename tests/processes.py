"""Runs in separate processes that share a ledger, as on several machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pronto_pandas.sandbox import Server

LEASE = 2.0
"""Seconds after which a run that has not renewed its lease counts as dead, in these tests."""

ENDS = 120.0
"""Seconds in which a run must end, on a machine under load."""

_HEAD = """
    import time
    OFFSET = {clock}
    if OFFSET:
        time.time = lambda true=time.time: true() + OFFSET
    import json, sys, warnings
    import pronto_pandas as pronto
    from tests.conftest import people

    pronto.configure(base_url={url!r}, api_key={key!r}, ledger={ledger!r}, rate={rate})
    caught = []
    warnings.showwarning = lambda message, category, *_: caught.append(category.__name__)
    warnings.simplefilter("always")

    def show(out):
        statuses = out["pronto_status"].value_counts().to_dict()
        print(json.dumps({{"statuses": statuses, "warnings": caught}}), flush=True)

    def line_up():
        print("ready", flush=True)
        sys.stdin.readline()
"""


class Process:
    """A running script with its own home folder, so that runs share only the ledger.

    Parameters
    ----------
    server : Server
        The sandbox.
    ledger : str
        A path or a URL.
    code : str
        The script; it can use ``people``, ``pronto``, ``show`` and ``line_up``.
    home : Path
        Its home folder.
    rate : float
        Requests per second.
    clock : float
        Seconds by which its clock is ahead.
    lease : float
        Seconds of a lease.
    """

    def __init__(
        self,
        server: Server,
        ledger: str,
        code: str,
        home: Path,
        *,
        rate: float = 500,
        clock: float = 0.0,
        lease: float = LEASE,
    ) -> None:
        head = _HEAD.format(
            url=server.url, key=server.sandbox.api_key, ledger=ledger, rate=rate, clock=clock
        )
        home.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                # Without coverage, which makes a process a third slower.
                **{k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")},
                "HOME": str(home),
                "XDG_STATE_HOME": str(home / "state"),
                "PRONTO_LEASE_SECONDS": str(lease),
                "PYTHONUNBUFFERED": "1",
            },
        )

    def ready(self) -> None:
        """Wait until the script has called ``line_up``."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", self._process.communicate()[1]

    def go(self) -> None:
        """Let the script continue after ``line_up``."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    @property
    def running(self) -> bool:
        """Whether the script is running."""
        return self._process.poll() is None

    def result(self) -> Result:
        """Wait for the end and return the result; fail if the script failed."""
        stdout, stderr = self._process.communicate(timeout=ENDS)
        assert self._process.returncode == 0, (self._process.returncode, stderr[-3_000:])
        return Result(json.loads(stdout.splitlines()[-1]), stderr)

    def end(self) -> None:
        """Kill the script."""
        self._process.kill()
        self._process.communicate()


class Result:
    """Statuses of a run's rows, categories of its warnings, and its stderr."""

    def __init__(self, shown: dict[str, Any], stderr: str) -> None:
        self.statuses: Counter[str] = Counter(shown["statuses"])
        self.warnings: list[str] = shown["warnings"]
        self.stderr = stderr


@contextmanager
def ended(*processes: Process) -> Iterator[None]:
    """Kill processes at the end of the block, also if a test fails."""
    try:
        yield
    finally:
        for process in processes:
            process.end()


def lined_up(processes: list[Process]) -> None:
    """Let processes continue at the same time."""
    for process in processes:
        process.ready()
    for process in processes:
        process.go()


def asked_twice(server: Server) -> int:
    """Return how many people were requested more than once."""
    return sum(count > 1 for count in server.sandbox.asked.values())


def charged_twice(server: Server) -> int:
    """Return how many people were charged more than once; free answers do not count."""
    charged = Counter(c["contact"] for c in server.sandbox.charges if c["credits"])
    return sum(count > 1 for count in charged.values())
