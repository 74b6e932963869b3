"""Files larger than memory: the same answers, piece by piece, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import pronto_pandas as pronto

from .conftest import Serve, people

KINDS = [".csv", ".tsv", ".parquet"]


def put(df: pd.DataFrame, path: Path) -> Path:
    """Write a frame as another program would."""
    if path.suffix == ".parquet":
        df.to_parquet(path)
    else:
        df.to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False)
    return path


def got(path: Path) -> pd.DataFrame:
    """Read a file as texts; no value and the empty text are the same in it."""
    if path.suffix == ".parquet":
        df = pd.read_parquet(path)
    else:
        sep = "\t" if path.suffix == ".tsv" else ","
        df = pd.read_csv(path, sep=sep, dtype="str", keep_default_na=False)
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
    for out in (csv, pd.read_parquet(tmp_path / "out.parquet")):
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
    with pytest.raises(pronto.ConfigurationError, match="line 32 has 5 cells"):
        pronto.enrich_file(source, tmp_path / "out.csv", "email", chunksize=5, progress=False)
    assert server.sandbox.arrivals == []
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_numbers_and_dates_of_parquet_stay_what_they_are(serve: Serve, tmp_path: Path) -> None:
    """Also where a piece has none of them."""
    serve()
    df = people(20)
    df["size"] = pd.Series([pd.NA] * 10 + [1] * 10, dtype="Int64")
    df["met"] = pd.Timestamp("2026-01-02")
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


@pytest.mark.parametrize(
    ("source", "target", "more", "says"),
    [
        ("in.xlsx", "out.csv", {}, "must end in"),
        ("in.csv", "out.json", {}, "must end in"),
        ("no.csv", "out.csv", {}, "no file"),
        ("in.csv", "nowhere/out.csv", {}, "no folder"),
        ("in.csv", "in.csv", {}, "another file"),
        ("in.csv", "out.csv", {"chunksize": 0}, "chunksize"),
        ("in.csv", "out.csv", {"via": "mail"}, "via"),
        ("in.csv", "out.csv", {"columns": {"firstname": "x"}}, "'x'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(
    serve: Serve, tmp_path: Path, source: str, target: str, more: dict[str, Any], says: str
) -> None:
    """And no file is touched."""
    server = serve()
    put(people(3), tmp_path / "in.csv")
    with pytest.raises(pronto.ConfigurationError, match=says):
        pronto.enrich_file(tmp_path / source, tmp_path / target, "email", **more)
    assert server.sandbox.arrivals == []
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]


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
    assert out["pronto_message"].iloc[20:].str.contains("linkedin_url is no address").all()
