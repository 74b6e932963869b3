"""Cells to values that can be sent."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronto_pandas.api.contact import same
from pronto_pandas.frame import clean


def one(cell: object, field: str) -> tuple[object, object]:
    """Clean one cell."""
    column = pd.Series([None], dtype=object)
    column[0] = cell
    values, problems = clean.cleaned(column, clean.CLEANERS[field])
    return values[0], problems[0]


@pytest.mark.parametrize(
    "cell",
    [
        None, np.nan, pd.NA, pd.NaT, "", "  ", "\t\n", "\u200b", "\ufeff", "nan", "NaN", "None",
        "<NA>", "NaT", "null", "NULL", "N/A", "n/a", "#N/A", "-", "--", "?", "…",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", list(clean.CLEANERS))
def test_nothing_is_nothing_however_it_is_written(cell: object, field: str) -> None:
    """Missing values of every kind are neither sent nor a problem of their own."""
    assert one(cell, field) == (None, None)


@pytest.mark.parametrize(
    "cell", [7, 7.5, True, np.int64(3), b"Ana", dt.date(2020, 1, 1), ["Ana"], {"a": 1}, ("Ana",)]
)
@pytest.mark.parametrize("field", list(clean.CLEANERS))
def test_what_is_no_text_is_refused(cell: object, field: str) -> None:
    """A number in a name's column is a mistake somewhere, not a name."""
    assert one(cell, field) == (None, "is not text")


@pytest.mark.parametrize(
    ("cell", "field", "value"),
    [
        ("  Zoë ", "firstname", "Zoë"),
        ("Zoe\u0308", "firstname", "Zoë"),
        ("Anna\u00a0 Maria", "firstname", "Anna Maria"),
        ("An\u00adna\u200b", "firstname", "Anna"),
        ("O’Brien", "lastname", "O’Brien"),
        ("van der Berg", "lastname", "van der Berg"),
        ("みらい", "firstname", "みらい"),
        ("Nan", "firstname", "Nan"),
        ("Null", "lastname", "Null"),
        ("مهر\u200cداد", "firstname", "مهر\u200cداد"),
        ("1664", "company_name", "1664"),
        ("  Blaue  Welle GmbH", "company_name", "Blaue Welle GmbH"),
        ("acme.example", "domain", "acme.example"),
        ("https://www.acme.example/", "domain", "acme.example"),
        ("http://Acme.Example/about?utm=x#y", "domain", "acme.example"),
        ("WWW.Acme.Example", "domain", "acme.example"),
        ("acme.example:443/path", "domain", "acme.example"),
        ("ana@acme.example", "domain", "acme.example"),
        ("mail.acme.example.", "domain", "mail.acme.example"),
        ("bücher.example", "domain", "bücher.example"),
        ("https://www.linkedin.com/in/ana-x/", "linkedin_url", "https://www.linkedin.com/in/ana-x/"),
        ("linkedin.com/in/ana-x", "linkedin_url", "https://www.linkedin.com/in/ana-x/"),
        ("http://fr.linkedin.com/in/ana-x?trk=a", "linkedin_url", "https://www.linkedin.com/in/ana-x/"),
        ("https://LinkedIn.com/pub/ana-x/1/2", "linkedin_url", "https://www.linkedin.com/in/ana-x/"),
    ],
)  # fmt: skip
def test_values_are_cleaned(cell: str, field: str, value: str) -> None:
    """Trimmed, composed, and in one form."""
    assert one(cell, field) == (value, None)


@pytest.mark.parametrize(
    ("cell", "field", "problem"),
    [
        ("4711", "firstname", "is a number, not a name"),
        ("12-34", "lastname", "is a number, not a name"),
        ("ana@acme.example", "firstname", "is an address, not a name"),
        ("https://acme.example", "lastname", "is an address, not a name"),
        ("x" * 301, "lastname", "is longer than 300 characters"),
        ("coming soon", "domain", "is no internet domain"),
        ("acme", "domain", "is no internet domain"),
        ("http:/acme", "domain", "is no internet domain"),
        ("http://[::1", "domain", "is no internet domain"),
        ("192.168.0.1", "domain", "is no internet domain"),
        ("a..example", "domain", "is no internet domain"),
        ("https://www.linkedin.com/company/acme/", "linkedin_url",
         "is no address of a person's LinkedIn profile"),
        ("@ana", "linkedin_url", "is no address of a person's LinkedIn profile"),
        ("https://notlinkedin.com/in/ana", "linkedin_url",
         "is no address of a person's LinkedIn profile"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_has_a_reason_without_the_value(
    cell: str, field: str, problem: str
) -> None:
    """The reason is for the frame and for logs."""
    assert one(cell, field) == (None, problem)
    assert cell not in problem


@pytest.mark.parametrize(
    "dtype", ["object", "string", "category", pd.ArrowDtype(__import__("pyarrow").string())]
)
def test_every_text_dtype_reads_the_same(dtype: str) -> None:
    """Plain, string, categorical and Arrow-backed columns."""
    column = pd.Series(["Ana ", None, "Ana", "7"], dtype=dtype)
    values, problems = clean.cleaned(column, clean.name)
    assert values.tolist() == ["Ana", None, "Ana", None]
    assert problems.tolist() == [None, None, None, "is a number, not a name"]


def test_a_column_of_numbers_or_nothing() -> None:
    """Numeric and empty columns do not break anything."""
    assert clean.cleaned(pd.Series([1.5, np.nan]), clean.name)[1].tolist() == ["is not text", None]
    assert clean.cleaned(pd.Series([], dtype=object), clean.name)[0].tolist() == []


cells = st.text(max_size=30) | st.none() | st.integers() | st.floats() | st.just(pd.NA)
texts = st.text() | st.from_regex(r"(https?://)?(www\.)?\w+\.\w+(/\w*)?", fullmatch=True)


@given(st.lists(cells, max_size=8), st.sampled_from(sorted(clean.CLEANERS)))
def test_nothing_raises_and_everything_sent_is_clean(column: list[object], field: str) -> None:
    """Whatever a cell holds: a value that JSON can carry, or none; never the text of nothing."""
    values, problems = clean.cleaned(pd.Series(column, dtype=object), clean.CLEANERS[field])
    for value, problem in zip(values, problems, strict=True):
        assert value is None or problem is None
        if value is not None:
            assert value == value.strip() != ""
            assert value not in {"nan", "NaN", "None", "<NA>", "NaT", "null"}
            json.dumps(value, ensure_ascii=False).encode()


@given(texts, st.sampled_from(sorted(clean.CLEANERS)))
def test_cleaning_twice_is_cleaning_once(text: str, field: str) -> None:
    """A cleaned value is its own cleaned value."""
    value, _ = one(text, field)
    if value is not None:
        assert one(value, field) == (value, None)


@given(st.text())
def test_what_is_the_same_stays_the_same(text: str) -> None:
    """Comparing is stable."""
    assert same(same(text)) == same(text)
    assert same(text.upper().lower()) == same(text.upper())
