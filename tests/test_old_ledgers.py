"""What earlier versions of the package have paid for is not paid for again."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import pronto_pandas as pronto
from pronto_pandas.sandbox import Server

from .conftest import Serve
from .seams.api import Contact

LEDGERS = Path(__file__).parent / "ledgers"
VERSIONS = [1, 2, 3, 4]
OTHER = "https://people.example/v2"
"""The address in these ledgers that is none of Pronto's."""

TAKES_ANY_AGE = 36_500
"""Days; the answers in the files grow older."""


def opened(version: int, folder: Path) -> dict[str, Any]:
    """Take a copy of an earlier version's ledger, and return what that version showed of it."""
    path = shutil.copy(LEDGERS / f"version_{version}.sqlite3", folder)
    pronto.configure(ledger=path, max_age_days=TAKES_ANY_AGE)
    record: dict[str, Any] = json.loads((LEDGERS / f"version_{version}.json").read_text("utf-8"))
    return record


def of_pronto(server: Server) -> None:
    """Have a sandbox stand for the service whose answers the ledgers hold."""
    pronto.configure(base_url=server.url, service="pronto", api_key=server.sandbox.api_key)


def lists_of(record: dict[str, Any], *, other: bool) -> list[dict[str, Any]]:
    """Return the lists that were asked of Pronto, by whichever name, or of another service."""
    return [one for one in record["lists"] if (one["service"] == OTHER) is other]


def shown(df: pd.DataFrame, like: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the columns of a frame that an earlier version showed, missing values as None."""
    columns = df.reindex(columns=list(like[0])).astype(object)
    return [
        {str(name): value for name, value in row.items()}
        for row in columns.where(columns.notna(), None).to_dict("records")
    ]


def quietly(function: Any, one: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Run a function on a list's people, and return what it shows; unknown rows are expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
        return shown(function(pd.DataFrame(one["people"]), one["types"], **more), one["shown"])


@pytest.mark.parametrize("version", VERSIONS)
def test_every_answer_is_shown_and_nobody_is_asked_again(
    serve: Serve, tmp_path: Path, version: int
) -> None:
    """Under each name that the service has had; of two answers, the later one."""
    record = opened(version, tmp_path)
    server = serve()
    of_pronto(server)
    lists = lists_of(record, other=False)
    assert {one["service"] for one in lists} >= {"pronto", "https://api.prontohq.com/v2"}
    for one in lists:
        assert quietly(pronto.collect, one) == one["shown"], one["name"]
        if "submitted" not in one:
            assert quietly(pronto.enrich, one, progress=False) == one["shown"], one["name"]
    assert server.sandbox.arrivals == []


@pytest.mark.parametrize("version", VERSIONS)
def test_answers_of_another_service_stay_its_own(
    serve: Serve, tmp_path: Path, version: int
) -> None:
    """They are shown under its address, and under no other."""
    record = opened(version, tmp_path)
    server = serve()
    (one,) = lists_of(record, other=True)
    pronto.configure(base_url=OTHER, api_key="invented")
    assert quietly(pronto.collect, one) == one["shown"]
    assert quietly(pronto.enrich, one, progress=False) == one["shown"]  # else it has no network
    of_pronto(server)
    assert {row["pronto_status"] for row in quietly(pronto.collect, one)} == {"pending"}


@pytest.mark.parametrize("version", VERSIONS)
def test_unknown_people_are_sent_when_the_caller_says_so(
    serve: Serve, tmp_path: Path, version: int
) -> None:
    """And not before."""
    record = opened(version, tmp_path)
    server = serve()
    of_pronto(server)
    (one,) = (one for one in record["lists"] if one["name"] == "unknown")
    assert {row["pronto_status"] for row in one["shown"]} == {"unknown"}
    out = quietly(pronto.enrich, one, progress=False, resend_unknown=True)
    assert {row["pronto_status"] for row in out} <= {"found", "not_found"}
    assert len(server.sandbox.charges) == len(one["people"])


@pytest.mark.parametrize("version", [2, 3, 4])
def test_what_was_submitted_is_fetched(serve: Serve, tmp_path: Path, version: int) -> None:
    """By the name that the service gave it; nothing is submitted twice."""
    record = opened(version, tmp_path)
    server = serve()
    of_pronto(server)
    (one,) = (one for one in record["lists"] if "submitted" in one)
    assert {row["pronto_status"] for row in one["shown"]} == {"pending"}
    for name, answer in one["submitted"].items():
        server.sandbox.submitted[name] = (0.0, answer)
    out = quietly(pronto.enrich, one, progress=False, via="async")
    by_name = {answer["enrichment_id"]: answer for answer in one["submitted"].values()}
    assert {row["enrichment_id"] for row in out} == by_name.keys()
    assert all(row["email"] == by_name[row["enrichment_id"]]["email"] for row in out)
    assert server.sandbox.charges == []
    assert not server.sandbox.asked


@pytest.mark.parametrize("version", [3, 4])
def test_a_bulk_job_goes_on(serve: Serve, tmp_path: Path, version: int) -> None:
    """With the answer that a webhook of another service had set aside, and with those to come."""
    saved = opened(version, tmp_path)["job"]
    server = serve()
    of_pronto(server)
    (job,) = pronto.jobs()
    assert (job.id, job.sent, job.arrived) == (saved["id"], 5, saved["set_aside"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
        again = pronto.enrich(pd.DataFrame(saved["people"]), "email", progress=False)
    assert (again["pronto_status"] == "unknown").sum() == 4  # on their way, so not sent
    loaded = job.load(saved["payloads"])
    assert (loaded.taken, loaded.repeated, loaded.set_aside) == (4, 1, 0)
    out = job.results(pd.DataFrame(saved["people"]))
    emails = [payload["email"] for payload in saved["payloads"]]
    assert out["email"].astype(object).where(out["email"].notna(), None).tolist() == emails
    assert server.sandbox.arrivals == []


@pytest.mark.parametrize("version", VERSIONS)
def test_forgotten_people_are_gone(serve: Serve, tmp_path: Path, version: int) -> None:
    """Whatever name the service had when they were asked for."""
    record = opened(version, tmp_path)
    of_pronto(serve())
    for one in lists_of(record, other=False):
        df = pd.DataFrame(one["people"])
        gone = pronto.ledger.forget(df)
        assert (gone.people, gone.entries) == (len(df), len(df) * len(one["types"]))
        assert set(df.pronto.collect(one["types"])["pronto_status"]) == {"pending"}
    counts = pronto.ledger.info().groupby("service")["entries"].sum()
    assert counts[OTHER] == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_the_history_begins_now(serve: Serve, tmp_path: Path, version: int) -> None:
    """Earlier versions recorded no runs; balances are recorded from now on."""
    opened(version, tmp_path)
    of_pronto(serve())
    assert pronto.runs().empty
    assert pronto.balance() == 100_000.0
    statement = pronto.statement()
    assert statement["line"].tolist()[-2:] == ["unexplained", "total"]
    assert (statement["change"] == 0.0).all()


KEYS: list[dict[str, Any]] = json.loads((LEDGERS / "keys.json").read_text("utf-8"))
"""Contacts, and the names under which ledgers have them."""


@pytest.mark.parametrize("known", KEYS)
def test_the_name_of_a_contact_in_the_ledger_never_changes(known: dict[str, Any]) -> None:
    """Or each answer that was paid for would be paid for again."""
    assert Contact(*known["contact"]).key == known["key"]


def test_other_people_have_other_names() -> None:
    """Else one would get another's answer; case, width and composed letters do not count."""
    repeats = 7
    assert len({known["key"] for known in KEYS}) == len(KEYS) - repeats
