"""What a run would do with each row, before it does."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import pronto_pandas as pronto
from pronto_pandas import Check

from .conftest import Serve, people
from .seams.frame import text_dtype

MESSY = pd.DataFrame(
    {
        "Full Name": ["Dr. Ana Lark", "LARK, ana", "Bo Moor, MBA", "4711", "Cy Vane", None],
        "Company": ["Acme"] * 5 + [None],
        "Website": ["www.acme.example", "acme.example", "soon", "acme.example", None, None],
        "Mobile": [None, None, None, None, "+33639980001", None],
    }
)


def test_each_row_is_told(serve: Serve) -> None:
    """Ready, a repeat, filled, or invalid with all reasons; what is sent stands beside."""
    serve()
    check = MESSY.pronto.check("phone")
    assert check["check"].tolist() == [
        "ready",
        "duplicate of row 0",
        "ready",
        "invalid: Full Name is a number, not a name",
        "already filled",
        "invalid: Full Name is missing",
    ]
    assert check.loc[0, ["firstname", "lastname", "domain"]].tolist() == [
        "Ana", "Lark", "acme.example",
    ]  # fmt: skip
    assert check.loc[2, "note"].startswith("Ignored: Website is ")
    assert check["note"].notna().tolist() == [False, False, True, False, False, False]


def test_what_the_ledger_knows_is_told(serve: Serve) -> None:
    """Answered costs nothing; an answer that was lost is not asked for again by itself."""
    server = serve(fault_kinds=("reset after",), faults=0.5, seed=3)
    df = people(30)
    with pytest.warns(pronto.UnknownRowsWarning):
        out = df.pronto.enrich("email", progress=False)
    spent = len(server.sandbox.charges)
    said = df.pronto.check("email")["check"]
    lost = out["pronto_status"] == "unknown"
    assert set(lost) == {True, False}
    assert set(said[lost]) == {"unknown: sent earlier, not answered"}
    assert set(said[~lost]) == {"already answered"}
    assert (df.pronto.check("email", resend_unknown=True)["check"][lost] == "ready").all()
    assert (df.pronto.check("email", refresh=True)["check"][~lost] == "ready").all()
    assert len(server.sandbox.charges) == spent


def test_the_check_is_what_the_run_does(serve: Serve) -> None:
    """Rows that are ready, and their repeats, are the rows that get an answer."""
    server = serve()
    df = pd.concat([MESSY, people(20).rename(columns=str.title), people(3)], ignore_index=True)
    check = df.pronto.check("email", limit=12)
    counts = check.counts
    out = df.pronto.enrich("email", limit=12, progress=False)
    answered = out["pronto_status"].isin(["found", "not_found"])
    assert (check["check"].str.startswith(("ready", "duplicate")) == answered).all()
    assert counts["ready"] == len(server.sandbox.charges) == 12
    assert counts["invalid"] == (out["pronto_status"] == "invalid").sum()
    assert (check["check"] == "over limit").sum() == (out["pronto_status"] == "skipped").sum()
    assert sum(counts.values()) == len(df)


def test_rows_are_named_as_the_frame_names_them() -> None:
    """By the index; by their place where its labels repeat."""
    df = MESSY.iloc[:2]
    assert df.set_axis(["x", "y"]).pronto.check("email")["check"]["y"] == "duplicate of row x"
    assert df.set_axis([5, 5]).pronto.check("email")["check"].tolist()[1] == "duplicate of row 0"


def test_a_check_is_a_frame_with_sums_on_top() -> None:
    """For a notebook and for a terminal; a part of it is a plain frame."""
    check = MESSY.pronto.check("phone")
    assert isinstance(check, Check)
    assert (check.dtypes == text_dtype()).all()
    assert check.index.equals(MESSY.index)
    assert check.counts == {"ready": 2, "invalid": 2, "duplicate": 1, "already filled": 1}
    assert "Pronto check: 6 rows; nothing was sent" in repr(check)
    assert "duplicate       1\n" in repr(check)
    shown = check._repr_html_()
    assert shown.index("already filled") < shown.index("<table", shown.index("</table>"))
    assert "Dr." not in shown
    assert type(check[check["check"] == "ready"]) is pd.DataFrame


def test_a_frame_without_rows_is_checked() -> None:
    """Nothing to say of nobody."""
    check = MESSY.iloc[:0].pronto.check("email")
    assert check.counts == {}
    assert "0 rows" in repr(check)
    assert "0 rows" in check._repr_html_()


def test_a_check_reads_the_columns_that_the_run_would_fill() -> None:
    """As every parameter of the run, those that name its columns count."""
    df = MESSY.assign(crm_email=pd.Series(["ana@acme.example"]))
    arguments: dict[str, Any] = {"prefix": "crm_", "max_credits": 5, "progress": False}
    assert df.pronto.check("email", **arguments)["check"][0] == "already filled"
    assert df.pronto.estimate("email", **arguments).skipped == 1
    with pytest.raises(pronto.ConfigurationError, match="prefix"):
        df.pronto.check("email", prefix=1)


def test_a_check_needs_what_a_run_needs() -> None:
    """The same arguments are refused with the same words."""
    with pytest.raises(pronto.ColumnsError, match="No column found for"):
        MESSY[["Company"]].pronto.check("email")
    with pytest.raises(pronto.ConfigurationError, match="Unknown type 'fax'"):
        MESSY.pronto.check("fax")


def test_cleaned_columns() -> None:
    """As they would be sent, in the order of the frame; the frame itself stays as it is."""
    before = MESSY.copy()
    cleaned = MESSY.pronto.clean()
    assert list(cleaned) == ["firstname", "lastname", "company_name", "domain", "linkedin_url"]
    assert cleaned["firstname"].fillna("-").tolist() == ["Ana", "ana", "Bo", "-", "Cy", "-"]
    assert cleaned["lastname"].fillna("-").tolist() == ["Lark", "LARK", "Moor", "-", "Vane", "-"]
    assert (cleaned.dtypes == text_dtype()).all()
    pd.testing.assert_frame_equal(MESSY, before)
    assert cleaned.pronto.clean().equals(cleaned)


def test_a_whole_name_helps_out_where_a_part_is_missing() -> None:
    """Both names are then taken from it; else the parts count."""
    df = pd.DataFrame(
        {
            "First name": ["Ana", "Bo", "7", None],
            "Last name": ["Lark", None, "Vane", None],
            "Full name": ["Anabel Larkmoor", "Boris Moor", "Cy Vane", "Di"],
            "Company": ["Acme"] * 4,
        }
    )
    cleaned = df.pronto.clean().fillna("-")
    assert cleaned["firstname"].tolist() == ["Ana", "Boris", "Cy", "-"]
    assert cleaned["lastname"].tolist() == ["Lark", "Moor", "Vane", "-"]
    assert df.pronto.check("email")["check"].tolist()[3] == (
        "invalid: First name is missing; Last name is missing; "
        "Full name is a single word; a last name is missing"
    )


def test_one_profile_under_two_names_is_said(serve: Serve) -> None:
    """They are asked for one by one, so the price of it is seen before."""
    serve()
    df = pd.DataFrame(
        {
            "firstname": ["Ana"] * 4,
            "lastname": ["Lark"] * 4,
            "company": ["Acme", "Acme Inc.", "ACME", None],
            "linkedin": ["linkedin.com/in/ana-example"] * 3 + [None],
        }
    )
    check = df.pronto.check("phone")  # which belongs to the profile and the name
    assert check["check"].tolist()[:3] == ["ready", "duplicate of row 0", "duplicate of row 0"]
    check = df.pronto.check("email")
    assert check["check"].tolist()[:3] == ["ready", "ready", "duplicate of row 0"]
    note = (
        "Same linkedin_url as row 0, but a different name or company: sent as a different person."
    )
    assert check["note"].fillna("").tolist() == ["", note, "", ""]
