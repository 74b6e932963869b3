"""Who of a list is left out on purpose: suppressed, not chosen, too many of a company, filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pronto_pandas as pronto

from .conftest import Serve

PEOPLE = pd.DataFrame(
    {
        "First Name": ["Ana", "Bo", "Cy", "Di", "Ed", "Flo"],
        "Last Name": ["Lark", "Moor", "Vane", "Reed", "Tarn", "Wold"],
        "Company": ["Acme", "Acme", "Beta", "Beta", "Gamma", None],
        "Website": ["acme.example", None, "www.shop.beta.example", None, "gamma.example", None],
        "LinkedIn": [f"linkedin.com/in/{n}-example" for n in "abédef"],
        "Email": ["ana@acme.example", None, None, "di@gmail.com", "n/a", "soon"],
    },
    index=[10, 20, 30, 40, 50, 60],
)


def said(df: pd.DataFrame = PEOPLE, type_: Any = "phone", **options: Any) -> dict[object, str]:
    """Return what the check says of each row."""
    return dict(df.pronto.check(type_, **options)["check"])


def never(**options: Any) -> list[object]:
    """Return the rows that are suppressed."""
    return [row for row, words in said(**options).items() if words == "suppressed"]


@pytest.mark.parametrize(
    ("given_", "rows"),
    [
        ("ana@acme.example", [10]),
        ("ANA@Acme.Example", [10]),
        ("acme.example", [10, 20]),
        ("https://www.acme.example/about", [10, 20]),
        ("beta.example", [30, 40]),
        ("eta.example", []),
        ("gmail.com", [40]),
        ("https://fr.linkedin.com/in/%C3%89-Example?trk=x", [30]),
        (["ana@acme.example", None, "", "linkedin.com/in/f-example"], [10, 60]),
        (["eta.example; gamma.example, bo@acme.example"], [50]),
        (pd.DataFrame({"Email": ["x@eta.example; ana@acme.example"], "City": ["Ur"]}), [10]),
        (pd.Series(["gamma.example", pd.NA]), [50]),
        (pd.DataFrame({"gone": ["gamma.example"]}), [50]),
        (pd.DataFrame({"Email": ["ana@acme.example"], "Domain": ["gamma.example"]}), [10]),
        (pd.DataFrame({"Email": [None], "Domain": ["gamma.example"]}), [50]),
        (pd.DataFrame({"Email": ["gamma.example"], "City": ["Ur"]}), [50]),
        (pd.DataFrame({"Email": ["linkedin.com/in/e-example"], "City": ["Ur"]}), [50]),
        (pd.DataFrame({"Email": ["*@gamma.example"], "City": ["Ur"]}), [50]),
        (pd.DataFrame({"Email": ["x@eta.example; gamma.example"], "City": ["Ur"]}), [50]),
        (pd.DataFrame({"Email": ["gamma.example"], "Domain": ["beta.example"]}), [50]),
        (pd.DataFrame({"LinkedIn": ["linkedin.com/in/e-example"], "Company": ["Acme"]}), [50]),
        (pd.DataFrame({"Full name": ["BO MOOR"], "Company": ["ACME"]}), [20]),
        (pd.DataFrame({"Full name": ["Bo Moor"], "Company": ["Acme, Inc."]}), [20]),
        ([], []),
    ],
)
def test_who_is_suppressed(given_: Any, rows: list[int]) -> None:
    """By email, by domain with all below it, by profile, by name and company."""
    assert never(suppress=given_) == rows


@pytest.mark.parametrize("name", ["gone.csv", "gone.xlsx", "gone.txt"])
@pytest.mark.parametrize("headed", [True, False])
def test_a_file_of_addresses(tmp_path: Path, name: str, headed: bool) -> None:
    """One column, with a header or without."""
    path = tmp_path / name
    column = pd.Series(["ana@acme.example", "gamma.example"])
    if path.suffix == ".xlsx":
        column.to_excel(path, index=False, header=["Gone"] if headed else False)
    else:
        column.to_csv(path, index=False, header=["Gone"] if headed else False)
    assert never(suppress=path) == [10, 50]
    assert never(suppress=str(path)) == [10, 50]


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        (["ana@acme.example", "Acme Corporation"], r"not valid \(1 of 2; the first is entry 2\)"),
        (["https://www.linkedin.com/sales/lead/ACwA-example"], "not valid"),
        (["https://www.facebook.com/ana.lark.example"], "not valid"),
        ([7], r"not valid \(1 of 1; the first is entry 1\)"),
        (7, "must be a list, Series or DataFrame of emails"),
        ("gone.csv", r"File not found: gone\.csv\. Nothing was sent\."),
        (pd.DataFrame({"Company": ["Acme"], "City": ["Ur"]}), "suppress= has no usable column"),
        (
            pd.DataFrame({"Email": ["ana@acme.example", "gone"], "City": ["Ur", "Ur"]}),
            r"identify nobody \(1 of 2; the first is \.iloc\[1\]\)",
        ),
    ],
)
def test_what_cannot_be_understood_is_not_sent_past(given_: Any, says: str) -> None:
    """An entry that is passed over in silence would be a person sent who asked not to be."""
    with pytest.raises(pronto.ConfigurationError, match=says) as caught:
        PEOPLE.pronto.enrich("phone", suppress=given_)
    assert "Acme Corporation" not in str(caught.value)


OPT_OUTS = 'Email,Name\n{},"Zoe\nHill"\n\nana@acme.example,\nZoe,\nblue@,\nN/A,\n?,\n+33 6 12 34,\n'


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_opt_out_that_cannot_be_read_is_shown_with_its_line(tmp_path: Path, kind: str) -> None:
    """With its value if that is nobody's data. The domain above it is understood."""
    path = tmp_path / f"gone.{kind}"
    if kind == "csv":
        path.write_text(OPT_OUTS.format("blue-systems.example"))
        where = [f"line {number} of gone.csv" for number in (6, 7, 8, 9, 10)]
    else:
        column = [
            "blue-systems.example",
            None,
            "ana@acme.example",
            "Zoe",
            "blue@",
            "N/A",
            "?",
            "+33",
        ]
        df = pd.DataFrame({"Email": column, "Name": None})
        df.to_excel(path, index=False, startrow=2)
        where = [f"row {number} of gone.xlsx" for number in (7, 8, 9, 10)]
    shown = ", ".join([*where[:2], f"{where[2]}: 'N/A'", f"{where[3]}: '?'", *where[4:]])
    with pytest.raises(pronto.ConfigurationError) as caught:
        PEOPLE.pronto.enrich("phone", suppress=path)
    assert shown in str(caught.value)
    assert not {"Zoe", "blue@", "612"} & set(str(caught.value).split())


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_entry_that_cannot_be_read_is_shown_with_its_line(tmp_path: Path, kind: str) -> None:
    """Also in a file of one column, without a header, with several entries in a cell."""
    path = tmp_path / f"gone.{kind}"
    df = pd.DataFrame(["a@x.example", "c@x.example; www.", "Zoe"])
    (df.to_csv if kind == "csv" else df.to_excel)(path, index=False, header=False)
    unit = "line" if kind == "csv" else "row"
    shown = rf"2 of 4; {unit} 2 of gone.{kind}: 'www\.', {unit} 3 of gone.{kind}\)"
    with pytest.raises(pronto.ConfigurationError, match=shown):
        PEOPLE.pronto.enrich("phone", suppress=path)


def test_each_of_several_emails_in_a_cell_counts() -> None:
    """The second one may be the one that opted out."""
    df = PEOPLE.assign(Email="x@eta.example; Ana <ana@acme.example>")
    assert set(said(df, suppress="ana@acme.example").values()) == {"suppressed"}
    assert set(said(df, suppress="acme.example").values()) == {"suppressed"}
    odd = PEOPLE.assign(Email=pd.Series([["ana@acme.example"], 7, None], index=[10, 20, 30]))
    assert "suppressed" not in said(odd, suppress="ana@acme.example").values()


def test_the_suppressed_are_skipped_and_never_sent(serve: Serve) -> None:
    """In every way of asking; what the service saw is the proof."""
    server = serve()
    out = PEOPLE.pronto.enrich("phone", suppress=["acme.example"], progress=False)
    assert out["pronto_status"].tolist()[:2] == ["skipped", "skipped"]
    assert out["pronto_message"].tolist()[0] == "Not sent: on the suppress= list."
    assert out["pronto_status"].isin(["found", "not_found"]).tolist() == [False] * 2 + [True] * 4
    assert len(server.sandbox.charges) == 4
    estimate = PEOPLE.pronto.estimate("phone", suppress=["acme.example"], refresh=True)
    assert (estimate.skipped, estimate.people) == (2, 4)


@pytest.mark.parametrize("way", ["enrich", "collect again"])
def test_an_answer_that_is_suppressed_is_not_handed_out(serve: Serve, way: str) -> None:
    """Who it is about is known by the answer alone; once it is known, nothing is sent."""
    server = serve()
    found = PEOPLE.pronto.enrich(["email", "phone"], progress=False)["email"].dropna().iloc[0]
    if way == "enrich":
        pronto.ledger.purge(0)
    out = PEOPLE.pronto.enrich("email", suppress=[found], progress=False)
    assert found not in out["email"].dropna().tolist()
    hidden = "Hidden: the email that was found is on the suppress= list."
    assert (out["pronto_message"] == hidden).sum() == 1
    assert said(type_="email", suppress=[found])[10] == "already filled"
    spent = len(server.sandbox.charges)
    assert list(said(type_="email", suppress=[found]).values()).count("suppressed") == 1
    assert len(server.sandbox.charges) == spent


def test_an_answer_to_be_renewed_keeps_its_person_suppressed(serve: Serve) -> None:
    """The old answer names them, so that there is no need to send them to find out."""
    server = serve()
    df = PEOPLE.drop(columns="Email")
    found = df.pronto.enrich(["email", "phone"], progress=False)["email"].dropna()
    spent = len(server.sandbox.charges)
    out = df.loc[found.index[:1]].pronto.enrich(
        "phone", suppress=[found.iloc[0]], refresh=True, progress=False
    )
    assert out["pronto_status"].tolist() == ["skipped"]
    assert len(server.sandbox.charges) == spent


@pytest.mark.parametrize(
    "mask",
    [
        [True, False, True, False, False, False],
        np.array([True, False, True, False, False, False]),
        pd.Series([True, False, True, False, False, False], index=PEOPLE.index),
        pd.Series([True, False, True, False, False, False], index=PEOPLE.index, dtype="boolean"),
        PEOPLE["First Name"].isin(["Ana", "Cy"]),
    ],
)
def test_only_the_chosen_rows(mask: Any) -> None:
    """A mask, as pandas makes it."""
    assert [row for row, words in said(only=mask).items() if words == "ready"] == [10, 30]
    assert said(only=mask)[20] == "excluded by only"


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        ([True], r"one value per row \(6 rows\)"),
        ([1, 0, 1, 0, 0, 0], "boolean mask"),
        ([True, None, True, True, True, True], r"missing values in 1 of 6 rows.*iloc\[1\]"),
        (lambda df: df["Country"] == "FR", "boolean mask"),
        ("Ana", "boolean mask"),
        (pd.Series([True] * 6), "index of only= does not match"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(mask: Any, says: str) -> None:
    """Rather than sending the wrong rows."""
    with pytest.raises(pronto.ConfigurationError, match=says):
        PEOPLE.pronto.enrich("phone", only=mask)


def test_so_many_of_a_company() -> None:
    """A company's name stands for its domain; who has none is not counted."""
    assert said(per_company=1) == {
        10: "ready", 20: "over per_company", 30: "ready", 40: "over per_company",
        50: "ready", 60: "ready",
    }  # fmt: skip


def test_companies_known_by_name_and_by_domain_are_told_apart() -> None:
    """Whatever the order that they come in."""
    df = pd.DataFrame(
        {
            "firstname": list("abcd"),
            "lastname": ["Lark"] * 4,
            "domain": ["x.example", None, "y.example", None],
            "company_name": [None, "Beta", None, "BETA GmbH"],
        }
    )
    check = df.pronto.check("email", per_company=1)["check"].tolist()
    assert check == ["ready", "ready", "ready", "over per_company"]


def test_repeats_are_one_of_a_company_and_the_filled_count() -> None:
    """So that running on what a run has returned does not go on to the next people."""
    twice = pd.concat([PEOPLE, PEOPLE.iloc[[0]]], ignore_index=True)
    assert said(twice, per_company=2)[6] == "duplicate of row 0"
    filled = PEOPLE.assign(phone_1=pd.Series(["+33639980001"], index=[20]))
    assert said(filled, per_company=1)[10] == "over per_company"
    assert said(filled, per_company=1)[20] == "already filled"


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "2"])
def test_a_wrong_number_a_company_is_refused(most: Any) -> None:
    """From 1 on."""
    with pytest.raises(pronto.ConfigurationError, match="per_company must be an integer >= 1"):
        PEOPLE.pronto.check("phone", per_company=most)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["x", "y", "z", None])), max_size=20
    ),
    most=st.integers(1, 4),
)
def test_never_more_than_asked_of_a_company(rows: list[tuple[str, str | None]], most: int) -> None:
    """Whatever the list; and nobody is left out while there is room."""
    df = pd.DataFrame(
        {
            "firstname": [n for n, _ in rows],
            "lastname": ["Lark"] * len(rows),
            "domain": [d and f"{d}.example" for _, d in rows],
            "linkedin_url": [f"linkedin.com/in/{n}-{d}-example" for n, d in rows],
        },
        dtype=object,
    )
    check = df.pronto.check("phone", per_company=most)["check"].tolist()
    for company in "xyz":
        people = {n for n, d in rows if d == company}
        sent = {
            n
            for (n, d), w in zip(rows, check, strict=True)
            if d == company and w.startswith(("ready", "duplicate"))
        }
        assert len(sent) == min(most, len(people))
    assert all(w != "over per_company" for (_, d), w in zip(rows, check, strict=True) if d is None)


def test_a_work_email_of_the_list_is_not_asked_for_again() -> None:
    """A personal one is no work email; a text that is none fills nothing."""
    assert [row for row, w in said(type_="email").items() if w == "already filled"] == [10]
    note = PEOPLE.pronto.enrich("email", progress=False, limit=0)["pronto_message"][10]
    assert note == "Not sent: Email is already filled. Use overwrite=True to look it up again."
    assert said(type_="email", overwrite=True)[10] == "ready"
    assert said(type_="email", columns={"email": None})[10] == "ready"


def test_a_personal_email_of_the_list_is_not_asked_for_again() -> None:
    """The other way round."""
    with pronto.configure(personal_email_consent="testing"):
        rows = said(type_="personal_email")
    assert [row for row, w in rows.items() if w == "already filled"] == [40]


def test_a_phone_of_the_list_is_not_asked_for_again() -> None:
    """In any of its columns of phones; an enriched frame keeps its own rule."""
    df = PEOPLE.assign(Mobile=pd.Series(["+33639980001", "ask"], index=[10, 30]))
    df["Work Phone"] = pd.Series(["01 99 00 12 34"], index=[20])
    assert [row for row, w in said(df).items() if w == "already filled"] == [10, 20]


def test_a_personal_email_is_no_work_email_and_names_no_company() -> None:
    """By its column, where its host does not tell."""
    df = (
        PEOPLE[["First Name", "Last Name", "Company"]]
        .iloc[:1]
        .assign(**{"E-Mail privat": "ana@familie-lark.example"})
    )
    assert said(df, "email") == {10: "ready"}
    assert df.pronto.clean()["domain"].isna().all()
    with pronto.configure(personal_email_consent="testing"):
        full = df.assign(LinkedIn="linkedin.com/in/ana-example")
        assert said(full, "personal_email") == {10: "already filled"}
    assert never(suppress="ana@familie-lark.example") == []
    assert said(df, "email", suppress="ana@familie-lark.example") == {10: "suppressed"}


def test_what_stands_in_a_column_of_a_run_stays(serve: Serve) -> None:
    """What is written for nothing is nothing; what is no email is said, and not paid for."""
    serve()
    df = (
        PEOPLE[["First Name", "Last Name", "Company"]]
        .iloc[:4]
        .assign(email=["ana@acme.example", "n/a", "-", "not an email"])
    )
    assert list(said(df, "email").values()) == [
        "already filled", "ready", "ready", "already filled",
    ]  # fmt: skip
    out = df.pronto.enrich("email", progress=False)
    assert out["email"].iloc[[0, 3]].tolist() == ["ana@acme.example", "not an email"]
    assert out["pronto_message"].iloc[3] == (
        "Not sent: email contains something that is not an email address; it is kept. "
        "Use overwrite=True to look up an email address."
    )
    phones = df.assign(phone_1=["+33639980001", "n/a", "0033 6 39 98 00 02", "-"])
    assert list(said(phones).values()) == ["already filled", "ready", "already filled", "ready"]


def test_where_a_domain_comes_from_is_said() -> None:
    """In the note of its row, and where columns are shown."""
    df = PEOPLE.drop(columns="Website")
    assert df.pronto.check("phone")["note"][10] == "Domain taken from the email in Email."
    assert df.pronto.columns.loc["domain", "why"] == "from work emails"
    assert df.rename(columns={"Email": "email"}).pronto.columns.loc["domain", "why"] == "not found"


def test_the_domain_of_a_work_email_stands_for_a_missing_one(serve: Serve) -> None:
    """Never that of a personal mail host, and never of an email that a run has found."""
    df = pd.DataFrame(
        {
            "Full name": ["Ana Lark", "Bo Moor"],
            "Company": ["Acme", "Beta"],
            "Email": ["ana@acme.example", "bo@gmail.com"],
        }
    )
    assert df.pronto.clean()["domain"].fillna("").tolist() == ["acme.example", ""]
    assert df.pronto.clean(columns={"domain": None})["domain"].isna().all()
    server = serve()
    bare = df.drop(columns="Email")
    out = bare.pronto.enrich("email", progress=False)
    assert out["email"].notna().any()
    out.pronto.enrich("email", overwrite=True, progress=False)
    assert len(server.sandbox.charges) == 2
