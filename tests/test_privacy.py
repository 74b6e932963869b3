"""The key and people's values stay out of logs, warnings, reprs and tracebacks."""

from __future__ import annotations

import logging
import sqlite3
import traceback
import warnings
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

import pronto_pandas as pronto

from .conftest import Serve, people, slow
from .seams.storage import connect, schema, statements, writer
from .test_calling import script, wait_for
from .test_ledger import fills_up, ledger_file

KEY = "sk-live-0123456789"
WRONG = "sk-wrong-987654321"
KINDS = ("429", "503", "500", "502 page", "html", "cut json", "cut stream", "reset after")


def everything_said(run: Any, caplog: pytest.LogCaptureFixture) -> tuple[str, str]:
    """Run something; return all that it logged, warned and raised, and its traceback's locals."""
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    local: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            run()
        except Exception as error:  # noqa: BLE001  whatever it is, it must not tell
            said += traceback.format_exception(error)
            local += traceback.TracebackException.from_exception(
                error, capture_locals=True
            ).format()
    said += [str(warning.message) for warning in caught]
    said += [record.getMessage() + str(record.__dict__) for record in caplog.records]
    return "".join(said), "".join(local)


VALUES = ("Quillfeather", "Anab", "company1.example", "ana-example-1", "+44770", "@company")


def invented(count: int) -> pd.DataFrame:
    """Return people with a name that stands nowhere else."""
    return people(count).assign(lastname="Quillfeather")


def assert_silent(said: str, local: str = "") -> None:
    """Expect no value of a person, and of the key nothing even among a traceback's locals."""
    assert said
    for value in VALUES:
        assert value not in said
    for secret in (KEY, WRONG):
        assert secret not in said
        assert secret not in local.replace(f"key = {secret!r}", "")  # the test's own variable


@pytest.mark.parametrize("via", ["sync", "async", "bulk"])
@pytest.mark.parametrize(
    ("sandbox", "key"),
    [
        ({"faults": 0.5, "fault_kinds": KINDS}, None),
        ({"credits": 5}, None),
        ({}, WRONG),
        ({"faults": 1.0, "fault_kinds": ("500",)}, None),
    ],
)
def test_nothing_of_the_key_or_a_person_is_said(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    sandbox: dict[str, Any],
    key: str | None,
    via: Any,
) -> None:
    """In whatever way a run goes wrong."""
    serve(api_key=KEY, rate=300, **sandbox)
    if key is not None:
        pronto.configure(api_key=key)

    def run() -> None:
        if via != "bulk":
            pronto.enrich(invented(25), ["email", "phone"], progress=False, via=via)
            return
        with pronto.webhook(port=0) as hook:
            for type_ in ("email", "phone"):
                job = pronto.bulk_enrich(invented(25), type_, hook.url, progress=False)
                job.wait(2, progress=False)
                job.load([{"status": "success", "email": "a@company1.example"}])
                job.results()
                logging.getLogger("test").info("%r %r %s", job, hook, job._repr_html_())

    assert_silent(*everything_said(run, caplog))


def damaged(patch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    """Write what is no database."""
    ledger_file().write_bytes(b"this is no database at all" * 400)


def full_from_the_start(patch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    """Leave no room for the tables."""
    fills_up(patch, 2)


def full_mid_run(patch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    """Leave room for some answers."""
    fills_up(patch, 40)


def locked(patch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    """Let another program hold it."""
    patch.setattr(schema, "BUSY_TIMEOUT", 50)
    patch.setattr(writer, "RETRY_FOR", 0.5)
    connect(str(ledger_file()), "x")
    other = stack.enter_context(closing(sqlite3.connect(ledger_file(), isolation_level=None)))
    other.execute("begin exclusive")


def nowhere(patch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    """Choose a folder that nobody can write."""
    patch.setenv("PRONTO_LEDGER", "/proc/pronto/ledger.sqlite3")


def wrong_statement(patch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    """Make a mistake of our own, where an answer is written."""
    patch.setattr(statements, "answer", lambda dialect: sa.insert(schema.entries))


@pytest.mark.parametrize(
    "ledger", [damaged, full_from_the_start, full_mid_run, locked, nowhere, wrong_statement]
)
def test_a_ledger_that_fails_says_nothing_of_a_person(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    ledger: Callable[[pytest.MonkeyPatch, ExitStack], None],
) -> None:
    """Its statements carry people's answers; its errors must not."""
    serve(api_key=KEY)

    def run() -> None:
        pronto.enrich(invented(1500), ["email", "phone"], progress=False)

    with ExitStack() as stack:
        ledger(monkeypatch, stack)
        assert_silent(*everything_said(run, caplog))


@slow
@pytest.mark.parametrize("via", ["sync", "async"])
def test_a_killed_process_has_said_nothing(serve: Serve, via: str) -> None:
    """Nor has one of two over the same list, with every log switched on."""
    server = serve(api_key=KEY, latency=0.2, faults=0.1, fault_kinds=KINDS)
    code = f"""
        import logging
        logging.basicConfig(level=logging.DEBUG)
        df = people(150).assign(lastname="Quillfeather")
        print("begin", flush=True)
        df.pronto.enrich("email", via={via!r})
        sys.exit(0)
    """
    processes = [script(server, code, warnings="default") for _ in range(2)]
    wait_for(lambda: len(server.sandbox.charges) > 40)
    processes[0].kill()
    for process in processes:
        stdout, stderr = process.communicate(timeout=60)
        assert_silent(stdout + stderr)


def test_messages_about_a_frame_name_headers_and_no_values() -> None:
    """Errors and messages may be pasted anywhere."""
    df = people(3).rename(columns={"firstname": "x"})
    with pytest.raises(pronto.ColumnsError) as caught:
        pronto.enrich(df, "email")
    assert "Lovelace" not in str(caught.value)
