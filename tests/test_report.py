"""The counts of a report, what it shows and what it never shows; against a real server."""

from __future__ import annotations

import copy
import io
import pickle
import re
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pronto_pandas as pronto
from pronto_pandas import Report

from .conftest import Serve, people
from .seams.notebook import notebook
from .seams.sandbox import truth

report: Any = pronto.report  # for calls that a type checker refuses

FIELDS = ["firstname", "lastname", "domain", "linkedin_url"]


def messy() -> pd.DataFrame:
    """Return duplicate people under a duplicate index; some without a name, some over a limit."""
    df = people(120).sample(200, replace=True, random_state=3)
    assert not df.index.is_unique
    df["domain"] = [f"WWW.Company{len(name) + len(last)}.example" for name, last in
                    zip(df["firstname"], df["lastname"], strict=True)]  # fmt: skip
    df.iloc[:12, 0] = None
    return df


def truths(df: pd.DataFrame, *types: str) -> list[dict[str, Any]]:
    """Return what the sandbox knows of each row, by the address that the package sends."""
    rows: Any = df[FIELDS].to_dict("records")
    return [truth(row | {"domain": row["domain"].lower()[4:]}, types) for row in rows]


def known(df: pd.DataFrame, *types: str) -> list[dict[str, Any]]:
    """Return what the sandbox knows of each row."""
    rows: Any = df.to_dict("records")
    return [truth(row, types) for row in rows]


def shares(rates: Any) -> dict[str, tuple[int, int]]:
    """Return found and answered of each name."""
    return {name: (rate.found, rate.answered) for name, rate in rates.items()}


def content(made: Report) -> dict[str, Any]:
    """Return the fields of a report except the times, which a CSV file loses."""
    return {n: v for n, v in vars(made).items() if n not in {"seconds", "rows_sent", "new"}}


def test_numbers_are_those_of_the_sandbox(serve: Serve) -> None:
    """Statuses, rates by type and company, email statuses, phones and cost, counted separately."""
    server = serve()
    df = messy()
    before = df.copy(deep=True)
    out = pronto.enrich(df, ["email", "phone"], limit=80, progress=False)
    kept = out.copy(deep=True)
    made = out.pronto.report()
    pd.testing.assert_frame_equal(df, before)
    pd.testing.assert_frame_equal(out, kept)

    named = df.iloc[12:]
    first = named.drop_duplicates("linkedin_url")["linkedin_url"][:80]
    sent = named[named["linkedin_url"].isin(first)]
    told = truths(sent, "email", "phone")
    found = sum(t["status"] == "success" for t in told)
    assert made.rows == 200
    assert {s: n for s, n in made.statuses.items() if n} == {
        "found": found,
        "not_found": len(told) - found,
        "skipped": len(named) - len(sent),
        "invalid": 12,
    }
    assert shares(made.types) == {
        "email": (sum(t["email"] is not None for t in told), len(told)),
        "phone": (sum(bool(t["phones"]) for t in told), len(told)),
    }
    assert made.types["email"].share == made.types["email"].found / len(told)
    assert made.email_statuses == Counter(t["email_status"] for t in told if t["email"])
    assert made.phones == Counter(len(t["phones"]) for t in told if t["phones"])
    assert made.people == 80 == len(server.sandbox.charges)
    assert made.cost_low == sum(charge["credits"] for charge in server.sandbox.charges)
    assert made.cost_high == 3 * made.cost_low
    with pronto.configure(prices={"email": 2, "phone": 0}):
        emails = {t["email"] for t in told if t["email"]}
        assert out.pronto.report().cost_low == out.pronto.report().cost_high == 2 * len(emails)


def test_companies_are_the_ten_with_most_rows_then_the_others(serve: Serve) -> None:
    """By the domain as it is sent; rows without one last; they add up."""
    serve()
    df = people(150)
    df["Website"] = [f"https://www.Firm{min(n % 17, 13)}.example/x" for n in range(150)]
    df.loc[140:, "Website"] = ["no website"] * 5 + [None] * 5
    out = df.drop(columns="domain").pronto.enrich("email", progress=False)
    made = out.pronto.report()
    assert made.domains_by == "domain"
    by = Counter(f"firm{min(n % 17, 13)}.example" for n in range(140))
    top = sorted(by, key=lambda name: (-by[name], name))[:10]
    assert list(made.domains) == [*top, "others", "not given"]
    assert {name: made.domains[name].rows for name in top} == {name: by[name] for name in top}
    assert made.domains["not given"].rows == 10
    assert sum(rate.rows for rate in made.domains.values()) == 150
    for name in top:
        rows = out[out["Website"].str.lower().str.contains(name, na=False)]
        assert made.domains[name].found == (rows["pronto_status"] == "found").sum()
        assert made.domains[name].answered == made.domains[name].rows == len(rows)


def test_without_a_domain_it_is_the_name_of_the_company(serve: Serve) -> None:
    """Case does not tell two companies apart, and a company named "others" is among the others."""
    serve()
    df = people(30).drop(columns=["domain"])
    df["Company"] = ["Acme", "ACME", "others"] * 10
    made = df.pronto.enrich("email", progress=False).pronto.report()
    assert made.domains_by == "company_name"
    assert {name: rate.rows for name, rate in made.domains.items()} == {"ACME": 20, "others": 10}
    lost = df.pronto.enrich("email", progress=False).drop(columns="Company").pronto.report()
    assert (lost.domains, lost.domains_by) == ({}, None)
    assert "by company" not in lost._repr_html_()


def test_all_shapes_of_phones_have_the_same_report(serve: Serve) -> None:
    """phones="rows" repeats rows; rates, phones and cost do not count them again."""
    serve()
    made = {}
    for shape in ("columns", "rows", "list"):
        out = pronto.enrich(messy(), ["email", "phone"], phones=shape, progress=False)
        made[shape] = out.sample(frac=1, random_state=1).pronto.report()
        assert made[shape].rows == len(out) == sum(made[shape].statuses.values())
    assert made["rows"].rows > made["list"].rows == 200
    assert "one row per phone number" in repr(made["rows"])
    for name in ("types", "domains", "email_statuses", "phones", "values", "people", "cost_low"):
        first, *others = (getattr(one, name) for one in made.values())
        assert others == [first, first], name


def _csv(df: pd.DataFrame, **how: Any) -> pd.DataFrame:
    back: pd.DataFrame = pd.read_csv(io.StringIO(df.to_csv(index=False)), **how)
    return back


def _parquet(df: pd.DataFrame) -> pd.DataFrame:
    file = io.BytesIO()
    df.reset_index(drop=True).to_parquet(file)
    return pd.read_parquet(io.BytesIO(file.getvalue()))


def _excel(df: pd.DataFrame) -> pd.DataFrame:
    """Make of a frame what Excel keeps: texts, numbers and empty cells; N/A is read as empty."""
    texts = df.astype(object).map(lambda cell: str(cell) if isinstance(cell, list) else cell)
    return texts.mask(texts.isin(["N/A", ""]) | texts.isna(), np.nan).reset_index(drop=True)


JOURNEYS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "csv": _csv,
    "csv of text": lambda df: _csv(df, dtype=str, keep_default_na=False),
    "csv with phones as numbers": lambda df: _csv(df).convert_dtypes(),
    "excel": _excel,
    "parquet": _parquet,
    "arrow": lambda df: _parquet(df).convert_dtypes(dtype_backend="pyarrow"),
    "categories": lambda df: df.astype({"pronto_status": "category", "domain": "category"}),
    "texts": lambda df: df.astype(object).map(str),
}


@pytest.fixture(scope="module")
def enriched() -> dict[str, pd.DataFrame]:
    """Frames of all shapes, from the sandbox inside the process; two in ten lack LinkedIn."""
    df = messy()
    df.iloc[20:60, 3] = None
    types: Any = ["email", "phone", "personal_email"]
    with (
        pronto.configure(base_url="sandbox", rate=1000, personal_email_consent="tests"),
        warnings.catch_warnings(action="ignore", category=pronto.PhoneWithoutLinkedInWarning),
    ):
        shapes: Any = ("columns", "rows", "list")
        return {s: pronto.enrich(df, types, phones=s, limit=80, progress=False) for s in shapes}


@pytest.mark.parametrize("journey", JOURNEYS)
@pytest.mark.parametrize("phones", ["columns", "rows", "list"])
def test_a_file_keeps_the_report(
    enriched: dict[str, pd.DataFrame], phones: str, journey: str
) -> None:
    """Whatever happens to dtypes, N/A, numbers and lists on the way."""
    out = enriched[phones]
    made = out.pronto.report()
    settled = enriched["columns"]["pronto_status"].isin(["found", "not_found"])
    linked = enriched["columns"]["linkedin_url"].notna()
    assert made.types["personal_email"].answered == (settled & linked).sum() < settled.sum()
    assert made.types["email"].answered == made.types["phone"].answered == settled.sum()
    back = JOURNEYS[journey](out)
    assert content(back.pronto.report()) == content(made)
    if journey == "csv" and phones == "columns":
        assert back["phone_1"].dtype == "float64"


def test_repeats_in_a_row_a_phone_keep_their_own_rows(serve: Serve) -> None:
    """One person in three rows, each with two phones, is three rows with two phones."""
    serve()
    df = people(40)
    told = known(df, "phone")
    one = df.iloc[[[len(t["phones"]) for t in told].index(2)] * 3]
    made = pronto.enrich(one, "phone", phones="rows", progress=False).pronto.report()
    assert (made.rows, made.phones, made.values) == (6, {2: 3}, {"phone": 2})
    assert (made.types["phone"].found, made.people) == (3, 1)


def test_existing_values_are_neither_found_nor_paid(serve: Serve) -> None:
    """Existing emails are in no rate and cost nothing, also if phones were found."""
    server = serve()
    df = people(60)
    df["email"] = [f"own{n}@mine.example" if n % 2 else None for n in range(60)]
    made = pronto.enrich(df, ["email", "phone"], progress=False).pronto.report()
    told = known(people(60), "email", "phone")
    assert shares(made.types) == {
        "email": (sum(t["email"] is not None for t in told[::2]), 30),
        "phone": (sum(bool(t["phones"]) for t in told), 60),
    }
    assert made.cost_low == sum(charge["credits"] for charge in server.sandbox.charges)


def test_types_of_several_runs_add_up(serve: Serve) -> None:
    """Emails of a first run and phones of a second are both in the report."""
    server = serve()
    out = people(60).pronto.enrich("email", progress=False).pronto.enrich("phone", progress=False)
    told = known(people(60), "email", "phone")
    made = out.pronto.report()
    assert shares(made.types) == {
        "email": (sum(t["email"] is not None for t in told), 60),
        "phone": (sum(bool(t["phones"]) for t in told), 60),
    }
    assert made.cost_low == sum(charge["credits"] for charge in server.sandbox.charges)


def test_what_was_not_answered_is_in_no_rate(serve: Serve) -> None:
    """A row with an email from the ledger and a pending phone has no phone answer."""
    server = serve()
    people(30).pronto.enrich("email", progress=False)
    server.sandbox.credits = 0
    with pytest.warns(pronto.CreditsExhaustedWarning):
        out = pronto.enrich(people(30), ["email", "phone"], progress=False)
    made = out.pronto.report()
    settled = out["pronto_status"].isin(["found", "not_found"])
    asked = out["phone_status"].notna() & settled
    assert made.types["phone"].answered == asked.sum() < settled.sum()
    assert made.statuses["pending"] > 0


def test_a_service_without_statuses_has_a_report() -> None:
    """A value counts as found if it is the only one of its row."""
    row = dict.fromkeys(["email_status", "phone_status", "phone_1"])
    made = pd.DataFrame(
        [
            {"firstname": "A", "email": "a@x.example", "pronto_status": "found"} | row,
            {"firstname": "B", "email": None, "pronto_status": "not_found"} | row,
        ]
    ).pronto.report()
    assert shares(made.types) == {"email": (1, 2), "phone": (0, 2)}
    assert made.email_statuses == {"no status": 1}
    assert made.values == {"email": 1, "phone": 0}


def test_prefix_headers_of_ones_own_and_lost_names(serve: Serve) -> None:
    """Columns are found by prefix; people without names are identified by their requests' ids."""
    serve()
    df = messy()
    plain = pronto.enrich(df, ["email", "phone"], progress=False).pronto.report()
    out = pronto.enrich(df, ["email", "phone"], prefix="new_", progress=False)
    assert content(report(out, prefix="new_")) == content(plain)
    with pytest.raises(pronto.ConfigurationError, match=r"report\(prefix='new_'\)"):
        out.pronto.report()
    own = dict(zip(FIELDS, ["Rufname", "Zuname", "Netz", "Profil"], strict=True))
    odd = pronto.enrich(df, ["email", "phone"], progress=False).rename(columns=own)
    assert content(report(odd, columns=own)) == content(plain)
    lost = odd.pronto.report()
    assert (lost.people, lost.values) == (plain.people, plain.values)
    lost = odd.drop(columns="enrichment_id").pronto.report()
    assert lost.people == plain.types["email"].answered


def test_the_duration_is_in_the_attrs(serve: Serve) -> None:
    """Parquet and pickle keep it, CSV does not."""
    serve(latency=0.1)
    df = people(20).sample(30, replace=True, random_state=1)
    df.attrs = {"mine": {"deep": [1]}, "pronto": {"seconds": 99.0, "rows": 1}}
    before = copy.deepcopy(df.attrs)
    out = df.pronto.enrich("email", progress=False)
    assert df.attrs == before
    assert out.attrs["mine"] == before["mine"]
    assert out.attrs["pronto"]["rows"] == 30
    for frame in (out, _parquet(out), _pickled(out)):
        made = frame.pronto.report()
        assert (made.seconds, made.rows_sent) == (out.attrs["pronto"]["seconds"], 30)
        assert made.seconds is not None
        assert 0.1 <= made.seconds < 20
        assert made.rows_per_second == 30 / made.seconds
        assert "rows/s" in repr(made)
    lost = _csv(out).pronto.report()
    assert lost.seconds is None
    assert "time" not in repr(lost)
    again = out.drop(columns="email").pronto.enrich("email", progress=False)  # sends nothing
    assert again.attrs.keys() == before.keys()
    assert again.attrs["pronto"].keys() == {"began"}
    assert again.pronto.report().seconds is None


def _pickled(df: pd.DataFrame) -> pd.DataFrame:
    back: pd.DataFrame = pickle.loads(pickle.dumps(df))  # noqa: S301  our own, just written
    return back


@pytest.mark.parametrize("said", ["fast", {"seconds": "1", "rows": 2}, {"seconds": 0, "rows": 2}])
def test_attrs_of_other_programs_are_ignored(said: object) -> None:
    """Whatever they are."""
    df = pd.DataFrame({"pronto_status": ["found"]})
    df.attrs["pronto"] = said
    assert df.pronto.report().seconds is None


def test_errors_of_a_report_are_clear() -> None:
    """No DataFrame, not enriched, duplicate columns, invalid arguments."""
    with pytest.raises(pronto.ConfigurationError, match="Enrich it first"):
        people(3).pronto.report()
    with pytest.raises(pronto.ConfigurationError, match=r"Expected a DataFrame .* got list"):
        report([])
    with pytest.raises(pronto.ConfigurationError, match="prefix must be a string"):
        report(people(1), prefix=1)
    with pytest.raises(pronto.ConfigurationError, match="columns must be a dict"):
        report(people(1).assign(pronto_status="found"), columns="Vorname")
    twice = pd.DataFrame([["found", "found"]], columns=["pronto_status"] * 2)
    with pytest.raises(pronto.ColumnsError, match="2 columns"):
        twice.pronto.report()


def test_an_empty_frame_has_a_report(serve: Serve) -> None:
    """Of nothing."""
    serve()
    made = people(0).pronto.enrich(["email", "phone"], progress=False).pronto.report()
    assert (made.rows, made.people, made.cost_high) == (0, 0, 0)
    assert sum(made.statuses.values()) == 0
    assert made.types["email"].share is None
    assert "0 rows" in repr(made)
    assert "<svg" in made._repr_html_()  # of the types
    assert made.plot()


def test_the_note_says_that_unknown_rows_may_be_charged(serve: Serve) -> None:
    """In addition to the range."""
    server = serve(faults=0.3, fault_kinds=("reset after",))
    with pytest.warns(pronto.UnknownRowsWarning):
        out = people(40).pronto.enrich("email", progress=False)
    made = out.pronto.report()
    lost = (out["pronto_status"] == "unknown").sum()
    assert made.statuses["unknown"] == lost > 0
    assert f"In addition, you may have been charged for {lost} unknown rows." in repr(made)
    assert made.people == 40 - lost
    assert made.cost_low <= sum(charge["credits"] for charge in server.sandbox.charges)


@given(data=st.data())
def test_any_rows_in_any_order_have_a_report(
    enriched: dict[str, pd.DataFrame], data: st.DataObject
) -> None:
    """It never raises; statuses and companies add up to the rows; found never exceeds answered."""
    whole = enriched[data.draw(st.sampled_from(sorted(enriched)))]
    rows = data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=80))
    columns = data.draw(st.sets(st.sampled_from([c for c in whole if c != "pronto_status"])))
    made = whole.iloc[rows].drop(columns=list(columns)).pronto.report()
    assert made.rows == len(rows) == sum(made.statuses.values())
    assert all(0 <= rate.found <= rate.answered <= rate.rows for rate in made.types.values())
    assert all(0 <= rate.found <= rate.answered <= rate.rows for rate in made.domains.values())
    if made.domains and not made.row_a_phone:
        assert sum(rate.rows for rate in made.domains.values()) == made.rows
    if "phone" in made.types:
        assert sum(made.phones.values()) == made.types["phone"].found
    assert sum(made.email_statuses.values()) == (
        made.types["email"].found if "email" in made.types else 0
    )
    assert 0 <= made.cost_low <= made.cost_high
    assert repr(made)
    back = whole.iloc[rows[::-1]].drop(columns=list(columns)).pronto.report()
    assert content(back) == content(made)
    assert repr(back) == repr(made)


def test_no_value_of_a_person_is_in_it(serve: Serve) -> None:
    """Neither in its fields nor in what it shows, whatever the DataFrame contains."""
    serve()
    out = pronto.enrich(messy(), ["email", "phone"], progress=False).reset_index(drop=True)
    out.loc[out.index[12], "pronto_status"] = "Ana Secret"
    got = out.index[out["email"].notna()]
    out.loc[got[-1], "email_status"] = "ana@secret.example"
    made = out.pronto.report()
    assert made.statuses["other"] == 1
    assert made.email_statuses["other"] == 1
    values: set[str] = {"Secret", "secret"}
    numbered = [name for name in map(str, out.columns) if re.fullmatch(r"phone_\d", name)]
    for name in ["firstname", "lastname", "linkedin_url", "email", "enrichment_id", *numbered]:
        values |= set(out[name].dropna())
    shown = repr(made) + made._repr_html_() + str(vars(made))
    assert not [value for value in values if value in shown]


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_card_is_for_eyes_and_for_screen_readers(enriched: dict[str, pd.DataFrame]) -> None:
    """Headers have a scope, bars have a title, and text has the colours of the page."""
    out = enriched["columns"].copy()
    out["domain"] = "<script>alert(1)</script>.example"
    out["domain"] = out["domain"].where(out.index % 2 == 0, "a&b.example")
    made = report(out.rename(columns={"domain": "Company"}))
    html = made._repr_html_()
    page = _Page(html)
    assert page.open == []
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    heads = [attrs for tag, attrs in page.tags if tag == "th"]
    assert {head["scope"] for head in heads} == {"col", "row"}
    assert sum(tag == "caption" for tag, _ in page.tags) == 5
    bars = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert {bar["role"] for bar in bars} == {"img"}
    assert sum(tag == "title" for tag, _ in page.tags) == len(bars)
    assert "<img" not in html
    for status, rows in made.statuses.items():
        assert not rows or f"<title>{status}: {rows} of 200 rows</title>" in html
    styles = " ".join(attrs.get("style") or "" for _, attrs in page.tags)
    assert "#" not in styles
    assert "color:inherit" in styles


def test_bars_show_the_numbers_next_to_them(enriched: dict[str, pd.DataFrame]) -> None:
    """In proportion; what is rare is still visible; without SVG, all of it is there as text."""
    made = enriched["columns"].pronto.report()
    html = made._repr_html_()
    found = made.statuses["found"] / 200
    assert f'width="{148 * found:.1f}" height="10" fill="#2f8f63"' in html
    for type_, rate in made.types.items():
        assert f"<title>{type_}: {rate.found} of {rate.answered} found</title>" in html
    rare = report(pd.DataFrame({"pronto_status": ["found"] + ["error"] * 999}))._repr_html_()
    assert 'width="2.0"' in rare
    untrusted = re.sub(r"<svg.*?</svg>", "", html)
    for status, rows in made.statuses.items():
        assert not rows or re.search(rf">{status}</th>.*?>{rows}</td>", untrusted)
    for kind in re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', html):
        for ground in (1.0, 0.013):
            assert _contrast(kind, ground) > 3


def test_a_terminal_shows_bars_of_characters(enriched: dict[str, pd.DataFrame]) -> None:
    """In ASCII, so that a terminal of any encoding can print them."""
    made = enriched["columns"].pronto.report()
    lines = repr(made).splitlines()
    (found,) = [line for line in lines if line.split()[0] == "found"]
    assert found.split()[1] == "#" * round(20 * made.statuses["found"] / 200)
    assert repr(made).isascii()
    rare = report(pd.DataFrame({"pronto_status": ["found"] + ["error"] * 999}))
    assert re.search(r"found +\. +1 +0 %", repr(rare))


def test_rows_that_were_not_sent_have_a_reason(serve: Serve) -> None:
    """Counted from the messages of the run, also after a file; edited messages are not shown."""
    serve()
    df = people(40)
    df["email"] = ["own@mine.example" if n < 5 else None for n in range(40)]
    df.loc[5, "lastname"], df.loc[6, "lastname"] = None, "4711"
    df.loc[7:8, ["domain", "linkedin_url"]] = None
    df["domain"] = df["domain"].where(df.index < 30, "acme.example")
    only = pd.Series(df.index != 9)
    out = df.pronto.enrich(
        "email", only=only, suppress=[df["linkedin_url"][10]], per_company=4, limit=12,
        progress=False,
    )  # fmt: skip
    made = out.pronto.report()
    assert {status: sum(reasons.values()) for status, reasons in made.reasons.items()} == {
        status: made.statuses[status] for status in ("skipped", "invalid")
    }
    assert made.reasons["skipped"] == {
        "over limit": 11, "over per_company": 6, "already filled": 5,
        "excluded by only": 1, "suppressed": 1,
    }  # fmt: skip
    assert made.reasons["invalid"] == {
        "no company or LinkedIn URL": 2, "a name is missing": 1, "not a person's name": 1,
    }  # fmt: skip
    assert re.search(r"over per_company +#+ +6 ", repr(made))
    assert "over per_company</th>" in made._repr_html_()
    assert _csv(out).pronto.report().reasons == made.reasons
    edited = out.assign(pronto_message="Ana Secret called.")
    assert edited.pronto.report().reasons["invalid"] == {"other reasons": 4}
    assert out.drop(columns="pronto_message").pronto.report().reasons == {}


def test_every_reason_of_an_invalid_row_has_a_name() -> None:
    """No message of the package is counted among the other reasons."""
    names: list[Any] = [
        "Ana", None, "4711", "https://x.example/ana", "CEO", "Dr.", "a@b.example", "A\ufffdna",
        "Ana and Bo Lark", "-",
    ]  # fmt: skip
    df = pd.DataFrame(
        [{"firstname": a, "lastname": b, "domain": "c.example"} for a in names for b in names]
    )
    full = pd.DataFrame({"name": ["Ana", *names], "domain": "c.example"})
    lacking = people(3).assign(linkedin_url=None)
    lacking["domain"] = ["soon", None, "c.example"]
    with pronto.configure(base_url="sandbox"):
        for frame in (df, full, lacking):
            for via in ("sync", "async"):
                out = pronto.enrich(frame, "email", via=via, limit=1, progress=False)
                reasons = out.pronto.report().reasons
                assert reasons["invalid"]
                assert "other reasons" not in reasons["invalid"], out["pronto_message"].unique()


def test_companies_are_shown_if_they_have_several_people(serve: Serve) -> None:
    """Most people first, however many rows they have; the others are added up."""
    serve()
    df = pd.concat([people(12), people(1), people(1), people(1)], ignore_index=True)
    single = df.pronto.enrich("email", progress=False).pronto.report()
    assert "by company domain" not in repr(single)
    df["domain"] = ["a.example", "b.example", "b.example", "b.example", *df["domain"][4:]]
    df.loc[12:, "domain"] = "a.example"  # the first person again
    made = df.pronto.enrich("email", progress=False).pronto.report()
    assert list(made.domains)[:2] == ["b.example", "a.example"]
    assert (made.domains["a.example"].rows, made.domains["a.example"].people) == (4, 1)
    lines = repr(made).split("Found by company domain\n")[1].splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["b.example", "others"]
    assert re.search(r"b\.example +[#.]* +3 ", lines[1])
    assert sum(int(re.findall(r"\d+", line.split("example")[-1])[0]) for line in lines[1:3]) == 12


def test_credits_of_the_run_are_shown_if_they_are_recorded() -> None:
    """Numbers only, and none is made up."""
    df = pd.DataFrame({"pronto_status": ["found"]})
    made = df.pronto.report()
    assert (made.credits_spent, made.credits_saved) == (None, None)
    assert "last run" not in repr(made)
    df.attrs["pronto"] = {"credits_spent": 1620.0, "credits_saved": 0}
    made = df.pronto.report()
    assert re.search(r"spent in the last run +1,620 credits", repr(made))
    assert re.search(r"saved by the ledger +0 credits", repr(made))
    df.attrs["pronto"] = {"credits_spent": "many", "credits_saved": float("nan")}
    assert df.pronto.report().credits_spent is df.pronto.report().credits_saved is None


def test_the_chart_says_its_numbers(enriched: dict[str, pd.DataFrame]) -> None:
    """Each bar has its number as a label, on a transparent background."""
    from matplotlib.figure import Figure

    made = enriched["columns"].pronto.report()
    figure: Any = made.plot()
    assert issubclass(type(figure), Figure)  # and stays Any: our own class and its bars
    left, right = figure.axes
    occurring = {status: rows for status, rows in made.statuses.items() if rows}
    assert [tick.get_text() for tick in left.get_yticklabels()] == list(occurring)
    assert [text.get_text() for text in left.texts] == [str(n) for n in occurring.values()]
    assert [bar.get_width() for bar in left.patches] == list(occurring.values())
    assert [tick.get_text() for tick in right.get_yticklabels()] == list(made.domains)
    for text, rate in zip(right.texts, made.domains.values(), strict=True):
        told = f"({rate.found} of {rate.answered})" if rate.answered else "no answers"
        assert told in text.get_text()
    assert figure.get_facecolor()[3] == left.get_facecolor()[3] == right.get_facecolor()[3] == 0
    assert figure._repr_png_().startswith(b"\x89PNG")
    for text in figure.findobj(lambda one: hasattr(one, "get_text") and one.get_text()):
        for ground in (1.0, 0.013):  # white, and the dark grey of editors, #1e1e1e
            assert _contrast(text.get_color(), ground) > 3.9


def _contrast(colour: str, ground: float) -> float:
    """Return the contrast of a colour with a ground of this luminance, as WCAG has it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    light = sum(map(float.__mul__, [0.2126, 0.7152, 0.0722], linear))
    low, high = sorted([light, ground])
    return (high + 0.05) / (low + 0.05)


def test_names_that_are_hard_to_draw(enriched: dict[str, pd.DataFrame]) -> None:
    """Formulas, scripts without a font, very long names, and any style of the caller."""
    import matplotlib as mpl

    out = enriched["columns"].drop(columns="domain")
    names = ["$\\frac{", "株式会社テスト", "Ж" * 200, "$\\nope$", "مثال", "a_b^c"]
    out["Company"] = [names[n % len(names)] for n in range(len(out))]
    made = out.pronto.report()
    assert set(names) == set(made.domains)
    before = dict(mpl.rcParams)
    with mpl.rc_context({"text.usetex": True, "font.family": "none", "figure.facecolor": "red"}):
        assert made.plot()._repr_png_().startswith(b"\x89PNG")
    assert dict(mpl.rcParams) == before
    assert all(len(tick.get_text()) <= 30 for tick in made.plot().axes[1].get_yticklabels())


def test_without_matplotlib_there_is_a_card_and_a_clear_error(
    enriched: dict[str, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chart is an extra; the report is not."""
    made = enriched["columns"].pronto.report()
    assert made.plot()
    before = made._repr_html_()
    monkeypatch.delitem(sys.modules, f"{notebook.__name__}.chart")
    monkeypatch.delattr(notebook, "chart")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    with pytest.raises(pronto.ConfigurationError, match="pip install matplotlib"):
        made.plot()
    assert made._repr_html_() == before


def test_a_report_leaves_pyplot_alone_and_loads_matplotlib_only_to_draw() -> None:
    """Nothing global is opened, kept or chosen."""
    code = """
import sys, pandas as pd, pronto_pandas as pronto
made = pd.DataFrame({"domain": ["a.example"], "pronto_status": ["found"]}).pronto.report()
repr(made), made._repr_html_()
print("matplotlib" in sys.modules)
made.plot()
print("matplotlib" in sys.modules, "matplotlib.pyplot" in sys.modules)
"""
    root = Path(__file__).parent.parent
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert out.stdout.split() == ["False", "True", "False"]


def test_a_report_is_frozen() -> None:
    """A changed setting or DataFrame needs another report."""
    made = pd.DataFrame({"pronto_status": ["found", "not_found", None]}).pronto.report()
    assert made.statuses["found"] == made.statuses["not_found"] == made.statuses["other"] == 1
    with pytest.raises(AttributeError):
        made.rows = 3
    assert copy.deepcopy(made) == made
