"""A DataFrame that was enriched, saved and read again: its rows keep what they had."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

import pronto_pandas as pronto

from .conftest import Serve, others_slow, people

BOTH: list[Any] = ["email", "phone"]
RUN = ["pronto_status", "pronto_message", "enrichment_id", "pronto_answered_at"]
DATES = "datetime64[ns]"
TWICE: Any = [*2 * ["2026-11-20 08:00:00.5"], None, None]


def by_pandas(out: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Save and read with pandas, which loses "N/A" and the lists."""
    out.to_csv(path, index=False)
    return pd.read_csv(path, dtype=str)


def by_read(out: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Save and read with the package."""
    out.pronto.save(path)
    return pd.read_parquet(path) if path.suffix == ".parquet" else pronto.read(path)


WAYS = {
    "csv": (by_read, "w.csv"), "xlsx": (by_read, "w.xlsx"), "parquet": (by_read, "w.parquet"),
    "pandas": (by_pandas, "w.csv"),
}  # fmt: skip


@pytest.fixture
def elsewhere(tmp_path: Path) -> Any:
    """Return a function after which the ledger is an empty one, as on another machine."""
    return lambda: pronto.configure(ledger=str(tmp_path / "elsewhere.sqlite3"))


def same_rows(new: pd.DataFrame, old: pd.DataFrame) -> None:
    """Compare the rows of an earlier run with what they were, in every column of that run."""
    frames = (new[old.columns].head(len(old)), old)
    ones = [
        one.reset_index(drop=True).astype(object).where(one.notna().values, "-") for one in frames
    ]
    pd.testing.assert_frame_equal(ones[0], ones[1])


def agrees(out: pd.DataFrame) -> None:
    """Check that a report's parts count the same rows."""
    made = out.pronto.report()
    has = {t: out[f"{t}_1" if t == "phone" else t].notna() for t in made.types}
    assert {t: rate.found for t, rate in made.types.items()} == {t: h.sum() for t, h in has.items()}
    found = made.statuses["found"]
    assert found == (has["email"] | has["phone"]).sum()
    assert sum(rate.found for rate in made.domains.values()) == found
    assert (
        sum(rate.answered for rate in made.domains.values()) == found + made.statuses["not_found"]
    )


@pytest.mark.parametrize("way", others_slow(*WAYS, quick=4))
def test_a_saved_list_with_new_rows_keeps_its_old_ones(
    serve: Serve, tmp_path: Path, way: str
) -> None:
    """With the same ledger, every old row is as it was, and only new people are sent."""
    server = serve()
    first = people(60).pronto.enrich(BOTH, progress=False)
    assert {"found", "not_found"} == set(first["pronto_status"])
    save_and_read, name = WAYS[way]
    week2 = pd.concat([save_and_read(first, tmp_path / name), people(10, 60)], ignore_index=True)
    sent = len(server.sandbox.charges)
    second = week2.pronto.enrich(BOTH, progress=False)
    same_rows(second, first)
    assert second["pronto_answered_at"].dtype == DATES
    assert len(server.sandbox.charges) == sent + 10
    assert second.pronto.report().new == 10
    agrees(second)


@pytest.mark.parametrize("way", others_slow(*WAYS, quick=2))
def test_a_saved_list_keeps_what_it_has_on_another_machine(
    serve: Serve, tmp_path: Path, elsewhere: Any, way: str
) -> None:
    """Without the ledger, rows keep their statuses; only values that they lack are requested."""
    server = serve()
    first = people(40).pronto.enrich(BOTH, progress=False)
    save_and_read, name = WAYS[way]
    again = save_and_read(first, tmp_path / name)
    elsewhere()
    server.sandbox.charges.clear()
    second = again.pronto.enrich(BOTH, progress=False)
    values = [c for c in first if c not in people(1).columns and c not in RUN]
    same_rows(second[values], first[values])
    assert second["pronto_status"].tolist() == first["pronto_status"].tolist()
    complete = (first["email"].notna() & first["phone_1"].notna()).to_numpy()
    assert complete.any()
    same_rows(second[complete], first[complete])
    assert len(server.sandbox.charges) == (~complete).sum()
    agrees(second)


def test_a_row_is_found_if_any_requested_value_is_there(serve: Serve) -> None:
    """An email of last week counts if emails are requested again, and not if only phones are."""
    serve()
    emails = people(60).pronto.enrich("email", progress=False)
    both = emails.pronto.enrich(BOTH, progress=False)
    has = both["email"].notna() | both["phone_1"].notna()
    assert both["pronto_status"].tolist() == ["found" if one else "not_found" for one in has]
    agrees(both)
    phones = emails.pronto.enrich("phone", progress=False)
    rows = phones["phone_1"].notna()
    assert phones["pronto_status"].tolist() == ["found" if one else "not_found" for one in rows]
    assert (rows != has).any()
    by_company = phones.pronto.report().domains.values()
    assert sum(rate.found for rate in by_company) == has.sum()
    stopped = phones.assign(pronto_status="pending").pronto.enrich("email", progress=False)
    assert set(stopped["pronto_status"][stopped["email"].notna()]) == {"found"}


def test_phones_that_fail_leave_the_emails_found(serve: Serve, elsewhere: Any) -> None:
    """The message says what became of the phone."""
    serve()
    emails = people(30).pronto.enrich("email", progress=False)
    elsewhere()
    out = emails.pronto.enrich(BOTH, limit=2, progress=False)
    left = out.iloc[2:]
    has = left["email"].notna()
    assert set(left["pronto_status"][has]) == {"found"}
    assert set(left["pronto_status"][~has]) == {"skipped"}
    assert left["pronto_message"].str.contains("limit=2").all()


@pytest.mark.parametrize("via", others_slow("sync", "async"))
def test_an_unknown_row_is_not_sent_again_on_another_machine(
    serve: Serve, tmp_path: Path, elsewhere: Any, via: Any
) -> None:
    """It may be charged already; only ``resend_unknown=True`` sends it."""
    server = serve()
    first = people(12).pronto.enrich("email", limit=10, progress=False)
    lost = first.assign(
        pronto_status=["unknown", *first["pronto_status"][1:]],
        email=[None, *first["email"][1:]],
        email_status=[None, *first["email_status"][1:]],
    )
    again = pd.concat([by_read(lost, tmp_path / "w.csv"), people(1)], ignore_index=True)
    nothing = np.flatnonzero(again["pronto_status"] == "not_found")
    again.loc[nothing[0], "pronto_status"] = "unknown"  # of a phone: the email has its status
    elsewhere()
    server.sandbox.charges.clear()
    assert again.pronto.check("email", via=via).counts["unknown"] == 2
    with pytest.warns(pronto.UnknownRowsWarning):
        second = again.pronto.enrich("email", via=via, progress=False)
    assert second["pronto_status"][[0, 12]].tolist() == ["unknown", "unknown"]
    assert second["pronto_message"].str.contains("resend_unknown=True")[[0, 12]].all()
    sent = len(server.sandbox.charges)
    assert sent == 2 + len(nothing)
    third = second.pronto.enrich("email", via=via, resend_unknown=True, progress=False)
    assert len(server.sandbox.charges) == sent + 1
    assert third["pronto_status"][0] == third["pronto_status"][12] == first["pronto_status"][0]


def test_the_ledger_decides_about_an_unknown_row_that_it_has(serve: Serve) -> None:
    """Its answer may have come since."""
    serve()
    first = people(3).pronto.enrich("email", progress=False)
    lost = first.assign(pronto_status="unknown", email=None, email_status=None)
    second = lost.pronto.enrich("email", progress=False)
    assert second["pronto_status"].tolist() == first["pronto_status"].tolist()


def test_values_of_ones_own_are_not_called_found(serve: Serve) -> None:
    """A value is Pronto's only if a run has written its status beside it."""
    serve()
    own = people(8).assign(email=pd.Series({n: f"ana{n}@own.example" for n in range(4)}))
    once = own.pronto.enrich("email", progress=False)
    twice = once.pronto.enrich("email", progress=False)
    assert twice["pronto_status"].tolist() == once["pronto_status"].tolist()
    assert set(twice["pronto_status"][:4]) == {"skipped"}
    phones = people(12).assign(email="ana@own.example").pronto.enrich(BOTH, progress=False)
    assert set(phones["pronto_status"]) == {"found", "not_found"}
    again = phones.pronto.enrich(BOTH, progress=False)
    assert again["pronto_status"].tolist() == phones["pronto_status"].tolist()
    assert twice["pronto_answered_at"].isna().tolist() == [*4 * [True], *4 * [False]]


def test_a_column_of_ones_own_named_like_a_status_means_nothing(serve: Serve) -> None:
    """Only the statuses that a run writes do."""
    serve()
    own = people(4).assign(
        email="ana@own.example",
        email_status="verified",
        enrichment_id="CRM-7",
        pronto_status=pd.Series(["VIP", None, 3, "Found it"], dtype=object),
    )
    out = own.pronto.enrich("email", progress=False)
    assert out["pronto_status"].tolist() == 4 * ["skipped"]


@pytest.mark.parametrize("shape", ["rows", "list"])
def test_other_shapes_of_phones_come_back(serve: Serve, tmp_path: Path, shape: Any) -> None:
    """Repeated rows stay as many; lists that were saved as text are lists again."""
    server = serve()
    first = people(40).pronto.enrich("phone", phones=shape, progress=False)
    sent = len(server.sandbox.charges)
    second = by_read(first, tmp_path / "w.csv").pronto.enrich("phone", phones=shape, progress=False)
    assert len(second) == len(first)
    same_rows(second, first)
    assert len(server.sandbox.charges) == sent
    assert second.pronto.report().types == first.pronto.report().types


def test_an_empty_list_in_a_file_is_no_phone(serve: Serve, tmp_path: Path, elsewhere: Any) -> None:
    """On another machine, the row is looked up again."""
    server = serve()
    first = people(20).pronto.enrich("phone", phones="list", progress=False)
    none = first["phones"].map(len) == 0
    elsewhere()
    server.sandbox.charges.clear()
    by_read(first, tmp_path / "w.csv").pronto.enrich("phone", phones="list", progress=False)
    assert len(server.sandbox.charges) == none.sum() > 0


def test_a_prefix_is_no_obstacle(serve: Serve, tmp_path: Path) -> None:
    """The columns of the same prefix count, and no domain is taken from them."""
    server = serve()
    some = people(30).drop(columns="domain")
    first = some.pronto.enrich(BOTH, prefix="new_", progress=False)
    sent = len(server.sandbox.charges)
    again = by_read(first, tmp_path / "w.xlsx")
    second = again.pronto.enrich(BOTH, prefix="new_", progress=False)
    same_rows(second, first)
    assert len(server.sandbox.charges) == sent
    other = again.pronto.enrich("email", prefix="x_", progress=False)
    assert other["x_pronto_answered_at"].isna().tolist() == other["x_email_status"].isna().tolist()


def test_overwriting_replaces_an_earlier_answer_as_a_whole(serve: Serve) -> None:
    """Fewer phones than before leave none of the earlier ones; dates and ids are new."""
    serve()
    first = people(20).pronto.enrich("phone", progress=False)
    most = first.assign(phone_7="+33600000007", phone_7_type="mobile", phone_8=7)
    second = most.pronto.enrich("phone", overwrite=True, refresh=True, progress=False)
    found = second["phone_1"].notna()
    assert second["phone_7"][found].isna().all()
    assert second["phone_7_type"][found].isna().all()
    assert second["phone_8"][found].isna().all()
    assert (second["phone_7"][~found] == "+33600000007").all()
    assert (second["pronto_answered_at"] > first["pronto_answered_at"]).all()
    assert (second["enrichment_id"] != first["enrichment_id"]).all()


def test_duplicates_and_new_rows_of_a_known_person(serve: Serve, tmp_path: Path) -> None:
    """Each row is complete, and nobody is sent twice."""
    server = serve()
    twice = pd.concat([people(12), people(12)], ignore_index=True)
    first = twice.pronto.enrich(BOTH, progress=False)
    week2 = pd.concat([by_read(first, tmp_path / "w.csv"), people(12)], ignore_index=True)
    second = week2.pronto.enrich(BOTH, progress=False)
    same_rows(second, first)
    same_rows(second.tail(12), first.head(12))
    assert len(server.sandbox.charges) == 12


@pytest.mark.parametrize("via", ["sync", "async"])
def test_dates_are_those_of_the_ledger(serve: Serve, via: Any) -> None:
    """A new answer has the date of its commit; later runs and ``collect`` show the same one."""
    serve()
    first = people(10).pronto.enrich(BOTH, via=via, progress=False)
    with sqlite3.connect(os.environ["PRONTO_LEDGER"]) as ledger:
        rows = ledger.execute("SELECT DISTINCT at FROM pronto_entries").fetchall()
    stored = {pd.Timestamp(round(at * 1000), unit="ms") for (at,) in rows}
    assert stored >= set(first["pronto_answered_at"])
    assert first["pronto_answered_at"].dtype == DATES
    again = people(10).pronto.collect(BOTH)
    pd.testing.assert_series_equal(again["pronto_answered_at"], first["pronto_answered_at"])
    each = [people(10).pronto.collect(type_)["pronto_answered_at"] for type_ in BOTH]
    assert first["pronto_answered_at"].tolist() == list(map(max, *each))
    assert set(pd.concat(each)) == stored


def test_rows_without_an_answer_have_no_date(serve: Serve) -> None:
    """Skipped, invalid and pending rows; and a row keeps its date if it is skipped later."""
    serve()
    some = people(6)
    some.loc[5, "firstname"] = None
    out = some.pronto.enrich("email", limit=3, progress=False)
    assert out["pronto_answered_at"].notna().tolist() == [*3 * [True], *3 * [False]]
    assert some.pronto.collect("phone")["pronto_answered_at"].isna().all()
    later = out.pronto.enrich("email", suppress=["company0.example"], progress=False)
    assert later["pronto_status"][0] == "skipped"
    assert later["pronto_answered_at"][0] == out["pronto_answered_at"][0]


def test_excel_shows_a_date(serve: Serve, tmp_path: Path) -> None:
    """Also as pandas itself writes it, which accepts no time zone."""
    serve()
    out = people(3).pronto.enrich("email", limit=2, progress=False)
    out.to_excel(tmp_path / "pandas.xlsx")
    out.pronto.save(tmp_path / "w.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "w.xlsx").active
    assert sheet is not None
    *_, last = sheet.columns
    assert last[0].value == "pronto_answered_at"
    assert [cell.is_date for cell in last[1:3]] == [True, True]
    assert [pd.Timestamp(cell.value) for cell in last[1:3]] == [*out["pronto_answered_at"][:2]]
    assert last[3].value is None


@pytest.mark.parametrize(
    "cells",
    [
        ["2026-11-20T08:00:00.5Z", "2026-11-20 08:00:00.500", None, " "],
        ["2026-11-20T09:00:00.500000+01:00", pd.Timestamp("2026-11-20 08:00:00.5"), pd.NaT, None],
        pd.Series(TWICE, dtype="datetime64[ms]"),
        pd.Series(TWICE, dtype="datetime64[us]").dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
    ],
)
def test_dates_in_any_form_become_dates_again(serve: Serve, cells: Any) -> None:
    """Text, with or without a zone, and other dtypes."""
    serve()
    filled = people(4).pronto.enrich("email", progress=False).assign(pronto_answered_at=cells)
    filled["email"], filled["email_status"] = "ana@acme.example", "valid"
    out = filled.pronto.enrich("email", progress=False)
    dates = out["pronto_answered_at"]
    assert dates.dtype == DATES
    assert dates.tolist() == [*2 * [pd.Timestamp("2026-11-20 08:00:00.5")], *2 * [pd.NaT]]


@pytest.mark.parametrize("other", ["20.11.2026 08:00", "9999-12-31", 46346.5])
def test_cells_that_are_no_dates_are_not_lost(serve: Serve, other: Any) -> None:
    """The column stays text, with the new dates as text."""
    serve()
    some = people(3).assign(pronto_answered_at=pd.Series([other, None, None], dtype=object))
    some.loc[0, "firstname"] = None
    out = some.pronto.enrich("email", limit=1, progress=False)
    cells = out["pronto_answered_at"]
    assert cells[0] == other
    assert pd.Timestamp(cells[1]) == people(3).pronto.collect("email")["pronto_answered_at"][1]
    assert pd.isna(cells[2])
    assert out.pronto.report().new == 1


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_enrich_file_writes_the_dates(serve: Serve, tmp_path: Path, kind: str) -> None:
    """Its chunks agree, and its own target can be its source."""
    serve()
    source, target, again = (tmp_path / f"{name}.{kind}" for name in ("source", "target", "again"))
    people(10).pronto.save(source)
    pronto.enrich_file(source, target, BOTH, chunksize=3, progress=False)
    shown = people(10).pronto.collect(BOTH)["pronto_answered_at"]
    pronto.enrich_file(target, again, BOTH, chunksize=4, progress=False)
    for path in (target, again):
        read = pd.read_parquet(path) if kind == "parquet" else pronto.read(path)
        if kind == "parquet":
            assert read["pronto_answered_at"].dtype == "datetime64[ms]"
        assert pd.to_datetime(read["pronto_answered_at"]).tolist() == shown.tolist()


def test_a_report_counts_new_answers(serve: Serve, tmp_path: Path) -> None:
    """Those of the last run; a file does not say when that began."""
    serve()
    first = people(8).pronto.enrich("email", progress=False)
    assert first.pronto.report().new == 8
    assert people(8).pronto.enrich("email", progress=False).pronto.report().new == 0
    more = people(12).pronto.enrich("email", progress=False)
    assert more.pronto.report().new == 4
    assert "rows with a new answer" in repr(more.pronto.report())
    assert more.head(9).pronto.report().new == 1
    assert by_read(more, tmp_path / "w.csv").pronto.report().new is None
    assert more.pronto.collect("email").pronto.report().new is None


def test_a_list_without_anybody_to_look_up_has_no_new_answers(serve: Serve) -> None:
    """All its values are there."""
    serve()
    first = people(30).pronto.enrich("email", progress=False)
    found = first[first["email"].notna()]
    again = found.pronto.enrich("email", progress=False)
    assert again.pronto.report().new == 0
    assert set(again["pronto_status"]) == {"found"}


def test_a_bulk_job_has_the_dates_of_its_deliveries(serve: Serve) -> None:
    """And ``collect`` shows the same ones."""
    serve()
    before = pd.Timestamp.now("UTC").tz_localize(None).floor("ms")
    with pronto.webhook(port=0) as hook:
        job = people(4).pronto.bulk_enrich("email", hook.url, progress=False)
        assert job.wait(30, progress=False)
    out = job.results()
    assert (out["pronto_answered_at"] >= before).all()
    shown = people(4).pronto.collect("email")["pronto_answered_at"]
    pd.testing.assert_series_equal(out["pronto_answered_at"], shown)


def test_rows_that_are_left_out_keep_what_was_found(serve: Serve, elsewhere: Any) -> None:
    """``only`` decides who is sent, and nothing else; suppressed people are ``skipped``."""
    serve()
    first = people(20).pronto.enrich(BOTH, progress=False)
    full = first[first["email"].notna() & first["phone_1"].notna()]
    elsewhere()
    same_rows(full.pronto.enrich(BOTH, only=[False] * len(full), progress=False), full)
    hidden = full.pronto.enrich(BOTH, suppress=full["email"].tolist(), progress=False)
    assert set(hidden["pronto_status"]) == {"skipped"}
