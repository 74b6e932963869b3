"""The key and people's values stay out of logs, warnings, reprs and tracebacks."""

from __future__ import annotations

import logging
import traceback
import warnings
from typing import Any

import pytest

import pronto_pandas as pronto

from .conftest import Serve, people

KEY = "sk-live-0123456789"
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
        except pronto.ProntoError as error:
            said += traceback.format_exception(error)
            local += traceback.TracebackException.from_exception(
                error, capture_locals=True
            ).format()
    said += [str(warning.message) for warning in caught]
    said += [record.getMessage() + str(record.__dict__) for record in caplog.records]
    return "".join(said), "".join(local)


@pytest.mark.parametrize(
    ("sandbox", "key"),
    [
        ({"faults": 0.6, "fault_kinds": KINDS}, None),
        ({"credits": 5}, None),
        ({}, "sk-wrong-987654321"),
        ({"faults": 1.0, "fault_kinds": ("500",)}, None),
    ],
)
def test_nothing_of_the_key_or_a_person_is_said(
    serve: Serve, caplog: pytest.LogCaptureFixture, sandbox: dict[str, Any], key: str | None
) -> None:
    """In whatever way a run goes wrong; and the key not even among a traceback's locals."""
    serve(api_key=KEY, rate=300, **sandbox)
    if key is not None:
        pronto.configure(api_key=key)
    df = people(60).assign(lastname="Quillfeather")
    said, local = everything_said(lambda: pronto.enrich(df, "email", progress=False), caplog)
    assert said
    for value in ("Quillfeather", "Anab", "company1.example", "ana-example-1"):
        assert value not in said
    for secret in (KEY, "sk-wrong-987654321"):
        assert secret not in said
        assert secret not in local.replace(f"key = {secret!r}", "")  # the test's own variable


def test_messages_about_a_frame_name_headers_and_no_values() -> None:
    """Errors and messages may be pasted anywhere."""
    df = people(3).rename(columns={"firstname": "x"})
    with pytest.raises(pronto.ColumnsError) as caught:
        pronto.enrich(df, "email")
    assert "Lovelace" not in str(caught.value)
