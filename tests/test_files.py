"""Files larger than memory: the same answers, piece by piece, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pronto_pandas as pronto

from .conftest import Serve, people
from .seams.sandbox import truth

enrich_file: Any = pronto.enrich_file  # for calls that a type checker refuses

KINDS = [".csv", ".tsv", ".parquet"]


def put(df: pd.DataFrame, path: Path) -> Path:
    """Write a frame as another program would."""
    if path.suffix == ".parquet":
        df.to_parquet(path)
    else:
        df.to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False)
    return path


def got(path: Path) -> pd.DataFrame:
    """Read a file as texts; no value and the empty text are the same in it.

    Programs write the same date with more or fewer zeros.
    """
    if path.suffix == ".parquet":
        df = pd.read_parquet(path)
    else:
        sep = "\t" if path.suffix == ".tsv" else ","
        df = pd.read_csv(path, sep=sep, dtype="str", keep_default_na=False)
    if "pronto_answered_at" in df:
        df["pronto_answered_at"] = pd.to_datetime(df["pronto_answered_at"], format="ISO8601")
    return df.astype(object).where(df.notna(), "").astype(str)


def listed() -> pd.DataFrame:
    """Return 60 people, some twice and far apart, with a phone that must keep its zero."""
    df = pd.concat([people(50), people(10)], ignore_index=True)
    df["Office phone"] = "0044 20"
    return df


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_a_file_in_pieces_is_the_frame_in_one(
    serve: Serve, tmp_path: Path, source: str, target: str
) -> None:
    """Whatever the pieces have of phones; and each person is asked once."""
    server = serve()
    whole = pronto.enrich(listed(), ["email", "phone"], progress=False)
    expected = got(put(whole, tmp_path / "expected.csv"))
    there = tmp_path / f"out{target}"
    counts = pronto.enrich_file(
        put(listed(), tmp_path / f"in{source}"), there, ["email", "phone"], chunksize=7,
        progress=False,
    )  # fmt: skip
    pd.testing.assert_frame_equal(got(there)[expected.columns.tolist()], expected)
    assert got(there).columns.tolist() == expected.columns.tolist()
    assert counts.to_dict() == whole["pronto_status"].value_counts().to_dict()
    assert len(server.sandbox.charges) == 50
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["expected.csv", f"in{source}", f"out{target}"]
    )


def test_a_file_of_any_program_is_found_out(serve: Serve, tmp_path: Path) -> None:
    """Semicolons, Windows-1252 and a title above the header; and Excel opens what comes back."""
    server = serve()
    df = people(20)
    df.loc[19, "lastname"] = "Müller"
    df["note"] = "=1+1; plain"
    df.loc[7, "note"] = "line\r\nline"
    df.loc[8, "note"] = ""
    text = df.to_csv(sep=";", index=False, lineterminator="\r\n")
    source = tmp_path / "in.csv"
    source.write_bytes(f"Export of November;;;;\r\n\r\n{text}".encode("cp1252"))
    for target in ("out.csv", "out.parquet"):
        pronto.enrich_file(source, tmp_path / target, "email", chunksize=6, progress=False)
    raw = (tmp_path / "out.csv").read_bytes()
    assert raw.startswith(b'\xef\xbb\xbf"firstname",')
    assert raw.count(b'"\'=1+1; plain"') == 18
    csv = pronto.read(tmp_path / "out.csv").fillna({"note": ""})
    parquet = pd.read_parquet(tmp_path / "out.parquet")
    assert parquet["note"].isna().tolist() == [row == 8 for row in range(20)]
    for out in (csv, parquet.fillna({"note": ""})):
        assert out[df.columns.tolist()].to_numpy().tolist() == df.to_numpy().tolist()
        assert out["email"].notna().any()
    assert len(server.sandbox.charges) == 20


def test_a_row_that_is_broken_is_found_before_anything_is_sent(
    serve: Serve, tmp_path: Path
) -> None:
    """However far down it is."""
    server = serve()
    source = put(people(30), tmp_path / "in.csv")
    source.write_text(source.read_text() + "Ana,Lovelace,company1.example,,aside\n")
    with pytest.raises(pronto.ConfigurationError, match="line 32: 5 cells"):
        pronto.enrich_file(source, tmp_path / "out.csv", "email", chunksize=5, progress=False)
    assert server.sandbox.arrivals == []
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_numbers_and_dates_of_parquet_stay_what_they_are(serve: Serve, tmp_path: Path) -> None:
    """Also where a piece has none of them."""
    serve()
    df = people(20)
    df["size"] = pd.Series([pd.NA] * 10 + [1] * 10, dtype="Int64")
    df["met"] = pd.Timestamp("2026-01-02").as_unit("ms")
    df.loc[15:, "met"] = pd.NaT
    put(df, tmp_path / "in.parquet")
    pronto.enrich_file(
        tmp_path / "in.parquet", tmp_path / "out.parquet", "email", chunksize=5, progress=False
    )
    out = pd.read_parquet(tmp_path / "out.parquet")
    assert out["size"].sum() == 10
    assert pd.api.types.is_numeric_dtype(out["size"])
    pd.testing.assert_series_equal(out["met"], df["met"], check_dtype=False)


def test_a_file_that_was_stopped_goes_on(serve: Serve, tmp_path: Path) -> None:
    """Nothing half-written is left behind, and nothing is paid for twice."""
    server = serve()
    source, target = put(people(60), tmp_path / "in.csv"), tmp_path / "out.csv"
    target.write_text("what was there before")

    def impatient(now: pronto.Progress) -> None:
        if len(server.sandbox.charges) > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pronto.enrich_file(source, target, "email", chunksize=10, progress=impatient)
    assert target.read_text() == "what was there before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    pronto.enrich_file(source, target, "email", chunksize=10, progress=False, resend_unknown=False)
    assert len(got(target)) == 60
    assert max(server.sandbox.asked.values()) == 1


def test_credits_that_end_leave_the_rest_pending(serve: Serve, tmp_path: Path) -> None:
    """In a file that is whole all the same."""
    server = serve(credits=12)
    source = put(people(60), tmp_path / "in.csv")
    with pytest.warns(pronto.CreditsExhaustedWarning):
        counts = pronto.enrich_file(
            source, tmp_path / "out.csv", "email", chunksize=10, progress=False
        )
    assert counts["pending"] >= 30
    assert counts.sum() == len(got(tmp_path / "out.csv")) == 60
    assert sum(charge["credits"] for charge in server.sandbox.charges) <= 12


def test_max_credits_are_those_of_the_whole_file(serve: Serve, tmp_path: Path) -> None:
    """Not of each piece."""
    server = serve()
    pronto.configure(prices={"email": 1})
    source = put(people(60), tmp_path / "in.csv")
    with pytest.warns(pronto.MaxCreditsWarning):
        counts = pronto.enrich_file(
            source, tmp_path / "o.csv", "email", chunksize=10, max_credits=15, progress=False
        )
    assert sum(charge["credits"] for charge in server.sandbox.charges) == 15
    assert counts["found"] == 15


def a_page_is_damaged(path: Path) -> None:
    """Write a file whose beginning and end, where a reader begins, are as they should be."""
    people(300).to_parquet(path, row_group_size=100)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 500] = b"\xff" * 500
    path.write_bytes(content)


def a_text_is_none(path: Path) -> None:
    """Write bytes that are not UTF-8 as a text, as some programs do."""
    table = pa.Table.from_pandas(people(3), preserve_index=False)
    note = pa.array([b"ok", b"ok", b"\xff\xfe"]).view(pa.string())
    pq.write_table(table.append_column("note", note), path)


def a_date_is_too_far(path: Path) -> None:
    """Write a year of five digits, which Python has not."""
    table = pa.Table.from_pandas(people(3), preserve_index=False)
    when = pa.array([0, None, 10**13], pa.int64()).cast(pa.timestamp("s"))
    pq.write_table(table.append_column("when", when), path)


def a_header_is_there_twice(path: Path) -> None:
    """Write what Parquet allows and pandas does not."""
    table = pa.Table.from_pandas(people(3), preserve_index=False)
    for _ in range(2):
        table = table.append_column("x", pa.array(["a", "b", "c"]))
    pq.write_table(table, path)


BROKEN: dict[str, Callable[[Path], object]] = {
    "text.parquet": lambda path: path.write_text("firstname,lastname"),
    "cut.parquet": lambda path: path.write_bytes(people(3).to_parquet()[:-9]),
    "page.parquet": a_page_is_damaged,
    "twice.parquet": a_header_is_there_twice,
    "year.parquet": a_date_is_too_far,
    "bytes.parquet": a_text_is_none,
}


@pytest.mark.parametrize(
    ("source", "target", "more", "says"),
    [
        ("in.xlsx", "out.csv", {}, "must be a .csv, .tsv or .parquet file"),
        ("in.csv", "out.json", {}, "must be a .csv, .tsv or .parquet file"),
        ("no.csv", "out.csv", {}, "File not found"),
        ("in.csv", "nowhere/out.csv", {}, "Folder not found"),
        ("in.csv", "in.csv", {}, "different files"),
        ("in.csv", "folder.csv", {}, "is a folder"),
        ("in.csv", f"{'x' * 300}.csv", {}, "File name too long"),
        (f"{'x' * 300}.csv", "out.csv", {}, "File name too long"),
        ("in.csv", "out.csv", {"progress": 1}, "progress"),
        ("in.csv", "out.csv", {"type": "personal_email"}, "consent"),
        ("text.parquet", "out.csv", {}, "text.parquet cannot be read"),
        ("cut.parquet", "out.csv", {}, "cut.parquet cannot be read"),
        ("page.parquet", "out.csv", {"chunksize": 100}, "page.parquet cannot be read"),
        ("twice.parquet", "out.csv", {}, "duplicate columns: 'x'"),
        ("year.parquet", "out.csv", {}, "out.csv cannot store some values"),
        ("bytes.parquet", "out.parquet", {}, "bytes.parquet cannot be read"),
        ("in.csv", "out.csv", {"chunksize": 0}, "chunksize"),
        ("in.csv", "out.csv", {"via": "mail"}, "via"),
        ("in.csv", "out.csv", {"columns": {"firstname": "x"}}, "'x'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(
    serve: Serve, tmp_path: Path, source: str, target: str, more: dict[str, Any], says: str
) -> None:
    """And no file is touched, and no value is in the error."""
    server = serve()
    put(people(3), tmp_path / "in.csv")
    (tmp_path / "folder.csv").mkdir()
    if source.endswith(".parquet"):
        BROKEN[source](tmp_path / source)
    before = sorted(tmp_path.iterdir())
    arguments = {"type": "email", "progress": False, **more}
    with pytest.raises(pronto.ProntoError, match=says) as caught:
        enrich_file(tmp_path / source, tmp_path / target, **{"chunksize": 2, **arguments})
    assert "Lovelace" not in str(caught.value)
    assert str(caught.value).count("Nothing was sent.") == 1
    assert server.sandbox.arrivals == []
    assert sorted(tmp_path.iterdir()) == before


def test_the_suppressed_are_not_sent_from_a_file_either(serve: Serve, tmp_path: Path) -> None:
    """In every piece of it."""
    server = serve()
    source = tmp_path / "in.csv"
    people(100).to_csv(source, index=False)
    counts = pronto.enrich_file(
        source, tmp_path / "out.csv", "email", chunksize=30, progress=False,
        suppress=["company7.example"],
    )  # fmt: skip
    assert counts["skipped"] == 2
    assert len(server.sandbox.charges) == 98


def test_phones_of_some_countries_are_found_for_a_file(serve: Serve, tmp_path: Path) -> None:
    """In each chunk."""
    serve()
    people(60).to_csv(tmp_path / "in.csv", index=False)
    pronto.enrich_file(
        tmp_path / "in.csv", tmp_path / "out.csv", "phone", chunksize=30, progress=False,
        phone_country_codes=["GB"],
    )  # fmt: skip
    out = pronto.read(tmp_path / "out.csv")
    numbers = out["phone_1"].dropna()
    assert {row >= 30 for row in numbers.index} == {True, False}
    assert numbers.str.startswith("+44").all()


def test_a_column_is_the_same_field_in_the_whole_file(serve: Serve, tmp_path: Path) -> None:
    """Also where the cells of a later piece would say otherwise."""
    server = serve()
    df = people(40).rename(columns={"linkedin_url": "URL"})
    df.loc[20:, "URL"] = "ask"
    df.to_csv(tmp_path / "in.csv", index=False)
    pronto.enrich_file(
        tmp_path / "in.csv", tmp_path / "out.csv", "email", chunksize=20, progress=False
    )
    out = pronto.read(tmp_path / "out.csv")
    assert len(server.sandbox.charges) == 40
    assert out["pronto_message"].iloc[20:].str.contains("Ignored: URL is ").all()


@pytest.mark.parametrize("more", [{"refresh": True}, {"resend_unknown": True}])
@pytest.mark.parametrize("kind", KINDS)
def test_who_is_in_several_pieces_is_asked_once_more(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, more: dict[str, bool]
) -> None:
    """A file is one run: what it has just got, or just lost, it does not send again."""
    server = serve()
    source = put(pd.concat([people(5)] * 4, ignore_index=True), tmp_path / f"in{kind}")

    def again(**more: bool) -> Any:
        return enrich_file(
            source, tmp_path / "out.csv", "email", chunksize=5, progress=False, **more
        )

    def failing(body: dict[str, Any]) -> Any:
        answer = work(body)  # which is charged, and then lost
        return answer if "refresh" in more else answer | {"email": 5.5}

    work = server.sandbox.work
    monkeypatch.setattr(server.sandbox, "work", failing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pronto.UnknownRowsWarning)
        before = again()
        asked = len(server.sandbox.charges)
        counts = again(**more)
    assert asked == 5
    assert len(server.sandbox.charges) == 10
    assert counts.to_dict() == before.to_dict()
    assert ("unknown" in counts) == ("refresh" not in more)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("email", [np.nan] * 8),
        ("email", pd.array([None] * 8, dtype="Int64")),
        ("email", [None] * 8),
        ("email_status", [np.nan] * 8),
        ("phone_1", pd.array([None, 33612345678, *[None] * 6], dtype="Int64")),
        ("phone_1", pd.array([None] * 8, dtype="datetime64[ns]")),
        ("phone_2_type", [np.nan] * 8),
        ("enrichment_id", [np.nan] * 8),
        ("pronto_status", [np.nan] * 8),
        ("phones", [np.nan] * 8),
        ("phones", [None, None, "[]", *[None] * 5]),
    ],
)
@pytest.mark.parametrize("target", [".csv", ".parquet"])
def test_a_column_of_another_type_is_filled_in_a_file(
    serve: Serve, tmp_path: Path, name: str, cells: Any, target: str
) -> None:
    """What a run fills is text in the whole of the target, whatever each piece has found."""
    serve()
    df = people(60)
    found = [bool(truth(dict(row), ["email"])["email"]) for _, row in df.iterrows()]
    # The last piece finds nothing.
    df = pd.concat([df[found][:6], df[np.logical_not(found)][:2]], ignore_index=True)
    df[name] = cells
    df.to_parquet(tmp_path / "in.parquet", index=False)
    shape: Any = "list" if name == "phones" else "columns"
    options: dict[str, Any] = {"type": ["email", "phone"], "phones": shape, "progress": False}
    pronto.enrich_file(tmp_path / "in.parquet", tmp_path / f"out{target}", chunksize=3, **options)
    path = df.pronto.collect(["email", "phone"], phones=shape).pronto.save(
        tmp_path / "expected.csv"
    )
    expected, out = got(path), got(tmp_path / f"out{target}")
    assert sorted(out.columns) == sorted(expected.columns)
    if shape == "columns":
        pd.testing.assert_frame_equal(out[expected.columns], expected)
    if target == ".parquet":
        types = pq.read_schema(tmp_path / "out.parquet")
        assert str(types.field("email").type) == "string"
        assert name == "phones" or str(types.field(name).type) == "string"


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_a_file_without_rows_has_all_columns(
    serve: Serve, tmp_path: Path, source: str, target: str
) -> None:
    """And one without names is refused, as a frame is."""
    serve()
    put(people(3).iloc[:0].reset_index(drop=True), tmp_path / f"in{source}")
    counts = pronto.enrich_file(tmp_path / f"in{source}", tmp_path / f"out{target}", "email")
    assert counts.empty
    expected = [*people(1).pronto.collect("email").columns]
    assert got(tmp_path / f"out{target}").columns.tolist() == expected
    put(people(3)[["domain"]].iloc[:0], tmp_path / f"in{source}")
    with pytest.raises(pronto.ColumnsError, match="firstname"):
        pronto.enrich_file(tmp_path / f"in{source}", tmp_path / f"out{target}", "email")


@pytest.mark.parametrize("target", KINDS)
def test_a_folder_that_goes_away_costs_no_answer(serve: Serve, tmp_path: Path, target: str) -> None:
    """The error says where the answers are; and that is where they are."""
    server = serve()
    source = put(people(20), tmp_path / "in.csv")
    folder = tmp_path / "results"
    folder.mkdir()

    def removing(now: pronto.Progress) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    with pytest.raises(
        pronto.ResultError, match=r"could not be written .*saved in the ledger"
    ) as caught:
        pronto.enrich_file(source, folder / f"o{target}", "email", chunksize=5, progress=removing)
    assert caught.value.__suppress_context__
    folder.mkdir()
    pronto.enrich_file(source, folder / f"o{target}", "email", chunksize=5, progress=False)
    assert len(server.sandbox.charges) == 20
    assert len(got(folder / f"o{target}")) == 20


@pytest.mark.parametrize("kind", KINDS[:2])  # of Parquet, Arrow reads ahead
def test_a_source_that_changes_costs_no_answer(serve: Serve, tmp_path: Path, kind: str) -> None:
    """It was read whole before anything was sent, so what is missing now is missed."""
    server = serve()
    source = put(people(300).assign(note="x" * 200), tmp_path / f"in{kind}")
    size = source.stat().st_size

    def cutting(now: pronto.Progress) -> None:
        os.truncate(source, size // 2)

    with pytest.raises(pronto.ResultError, match="was changed during the run"):
        pronto.enrich_file(source, tmp_path / "out.csv", "email", chunksize=50, progress=cutting)
    assert server.sandbox.charges
    assert [path.name for path in tmp_path.iterdir()] == [f"in{kind}"]


def test_the_users_folder_may_be_a_tilde(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in pandas."""
    serve()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    people(3).pronto.save("~/in.csv")
    pronto.enrich_file("~/in.csv", "~/out.csv", "email", progress=False)
    assert len(pronto.read("~/out.csv")) == 3
