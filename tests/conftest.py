"""Shared fixtures: a sandbox on a real socket, and DataFrames of invented people."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import keyring
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from keyring.backends import fail

import pronto_pandas as pronto
from pronto_pandas.sandbox import Sandbox, Server

from .canned import Canned
from .postgres import LACKING as LACKING_POSTGRES
from .postgres import postgres as postgres  # fixtures
from .postgres import postgres_url as postgres_url

# Tests check behaviour, not speed: the machine may be slow.
settings.register_profile(
    "tests", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("tests")

Serve = Callable[..., Server]

slow = pytest.mark.slow
"""Marks tests that take long while quick tests cover the same promise; see ``make test-all``."""


def others_slow(*values: Any, quick: int = 1) -> list[Any]:
    """Return the parameters, all but the first ones marked slow."""
    rest = (value if isinstance(value, tuple) else (value,) for value in values[quick:])
    return [*values[:quick], *(pytest.param(*value, marks=slow) for value in rest)]


LACKING = [
    *(name for name in ("playwright", "jupyterlab") if importlib.util.find_spec(name) is None),
    *(["chromium"] if shutil.which("chromium") is None else []),
]
"""Requirements of the browser tests that this machine lacks."""

# Not even imported, as what they import may be missing.
collect_ignore_glob = ["test_browser*.py"] if LACKING else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report what was not run: a test left out must not look like a test passed."""
    if LACKING:
        lacking = " and ".join(f"{name} is not installed" for name in LACKING)
        terminalreporter.write_line(f"browser tests were not run: {lacking}", yellow=True)
    if LACKING_POSTGRES:
        lacking = " and ".join(f"{name} is not installed" for name in LACKING_POSTGRES)
        terminalreporter.write_line(f"PostgreSQL tests were not run: {lacking}", yellow=True)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Isolate tests from the keys, URLs, ledger and keyring of the developer's machine."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")  # subprocesses
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]  # keyring's own
    ledger = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
    monkeypatch.setenv("PRONTO_LEDGER", str(ledger))
    monkeypatch.setenv("XDG_STATE_HOME", str(ledger.parent / "state"))
    for name in ("PRONTO_API_KEY", "PIPECORN_API_KEY", "PRONTO_BASE_URL", "PRONTO_SERVICE"):
        monkeypatch.delenv(name, raising=False)
    with pronto.configure():
        yield


@pytest.fixture
def kernels() -> Iterator[None]:
    """Close what a kernel client leaves open, without its ResourceWarnings.

    Otherwise a later test would raise them.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # earlier clients take the thread's own and leave it open
    yield
    asyncio.set_event_loop(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        loop.close()
        gc.collect()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start sandboxes and configure the package for the last one.

    The default rate is far above Pronto's rate limit, so that tests are quick.
    """
    with ExitStack() as stack:

        def start(*, rate: float = 5_000, timeout: float = 20, **sandbox: Any) -> Server:
            sandbox.setdefault("rate", 100_000)
            server = stack.enter_context(Server(Sandbox(**sandbox)))
            pronto.configure(
                base_url=server.url,
                api_key=server.sandbox.api_key,
                rate=rate,
                timeout=timeout,
                retry_budget=30,
            )
            return server

        yield start


@pytest.fixture
def canned() -> Iterator[Canned]:
    """Serve canned answers."""
    server = Canned()
    thread = threading.Thread(target=server.server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.server.shutdown()
    thread.join()
    server.server.server_close()


def people(count: int, start: int = 0) -> pd.DataFrame:
    """Return distinct invented people."""
    numbers = range(start, start + count)
    return pd.DataFrame(
        {
            "firstname": [f"Ana{_letters(n)}" for n in numbers],
            "lastname": [f"Lovelace{_letters(n // 7)}" for n in numbers],
            "domain": [f"company{n % 50}.example" for n in numbers],
            "linkedin_url": [f"https://www.linkedin.com/in/ana-example-{n}/" for n in numbers],
        }
    )


def _letters(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number))
