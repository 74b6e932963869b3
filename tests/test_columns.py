"""Headers to fields."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pronto_pandas as pronto
from pronto_pandas.frame import columns


def frame(*headers: object) -> pd.DataFrame:
    """Return one row below these headers."""
    return pd.DataFrame([["x"] * len(headers)], columns=pd.Index(headers, dtype=object))


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("firstname", "firstname"),
        ("first_name", "firstname"),
        ("First Name", "firstname"),
        ("FirstName", "firstname"),
        ("FIRST-NAME", "firstname"),
        (" first  name ", "firstname"),
        ("Prénom", "firstname"),
        ("prenom", "firstname"),
        ("Given Name", "firstname"),
        ("lastname", "lastname"),
        ("Last Name", "lastname"),
        ("Surname", "lastname"),
        ("Nom", "lastname"),
        ("company_name", "company_name"),
        ("Company", "company_name"),
        ("Société", "company_name"),
        ("Organisation", "company_name"),
        ("Website", "domain"),
        ("Company Domain", "domain"),
        ("LinkedIn URL", "linkedin_url"),
        ("linkedinProfileUrl", "linkedin_url"),
    ],
)
def test_common_spellings_are_understood(header: str, field: str) -> None:
    """Any case, spaces, underscores, hyphens and accents."""
    assert columns.find(frame("other", header)).positions == {field: 1}


@pytest.mark.parametrize("header", ["Email", "Name", "Company LinkedIn URL", "Phone", "", 7, None])
def test_other_headers_are_left_alone(header: object) -> None:
    """A company's LinkedIn address is not the person's."""
    assert columns.find(frame(header)).positions == {}


def test_of_two_candidates_the_better_filled_is_taken_and_said() -> None:
    """With the other one named."""
    df = pd.DataFrame({"First Name": ["", None, " "], "firstname": ["Ana", "Bo", None]})
    found = columns.find(df)
    assert found.positions == {"firstname": 1}
    assert "First Name" in found.reasons["firstname"]


def test_equally_filled_candidates_go_by_the_better_spelling() -> None:
    """``company`` is a company's name sooner than ``account``."""
    assert columns.find(frame("Account", "Company")).positions == {"company_name": 1}


def test_columns_override() -> None:
    """What the caller says holds, None leaves a field out."""
    df = frame("firstname", "Rufname", "domain")
    found = columns.find(df, {"firstname": "Rufname", "domain": None})
    assert found.positions == {"firstname": 1}
    assert found.reasons["firstname"] == "said with columns="


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"name": "firstname"}, "no field. The fields are firstname, lastname"),
        ({"firstname": "Vorname"}, "which the frame does not have. It has firstname, twice, twice"),
        ({"firstname": "twice"}, "2 columns of that name"),
        ({"firstname": "firstname", "lastname": "firstname"}, "for firstname and for lastname"),
    ],
)
def test_a_wrong_override_is_said(overrides: dict[str, object], says: str) -> None:
    """With what there is instead."""
    with pytest.raises(pronto.ConfigurationError, match=says):
        columns.find(frame("firstname", "twice", "twice"), overrides)


def test_missing_columns_are_one_error() -> None:
    """What is missing, what was found, and how to say it."""
    df = frame("Vorname", "Company")
    with pytest.raises(pronto.ColumnsError) as caught:
        pronto.enrich(df, "email")
    message = str(caught.value)
    for part in (
        "no column for: firstname; lastname.",
        "company_name in column 'Company'",
        "columns are Vorname, Company",
        'columns={"firstname": "your header", "lastname": "your header"}',
        "Nothing was sent",
    ):
        assert part in message


def test_one_of_a_group_is_enough_and_all_are_named_where_none_is_there() -> None:
    """A domain, a company's name or a LinkedIn address."""
    with pytest.raises(pronto.ColumnsError, match="one of domain, company_name, linkedin_url"):
        pronto.enrich(frame("firstname", "lastname"), "email")


def test_headers_of_several_levels_are_said_to_be_too_many() -> None:
    """With the line that flattens them."""
    df = pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")]))
    with pytest.raises(pronto.ColumnsError, match="Flatten"):
        columns.find(df)


def test_the_table_of_columns() -> None:
    """``df.pronto.columns``: field, header, example, share, why."""
    df = pd.DataFrame({"First Name": [None, "Ana"], "Company": ["", None], "x": [1, 2]})
    table = df.pronto.columns
    assert list(table.index) == list(columns.FIELDS)
    assert table.loc["firstname"].tolist() == ["First Name", "Ana", 50.0, "its header"]
    assert table.loc["company_name", "filled %"] == 0
    assert table.loc["lastname", "why"] == "not found"
    assert len(pd.DataFrame({"firstname": []}).pronto.columns) == 5


@given(st.lists(st.text(max_size=12) | st.integers() | st.none(), max_size=6))
def test_no_header_raises(headers: list[object]) -> None:
    """Whatever a header is."""
    columns.find(frame(*headers)).table(frame(*headers))
