"""Cells to values that can be sent."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable, Hashable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .seams.api import same
from .seams.cleaning import company_key, domains, emails_phones, fields, names

FORMS = (
    "GmbH", "GmbH & Co. KG", "AG", "Inc.", "Ltd.", "LLC", "LLP", "S.A.", "SAS", "SARL", "S.à r.l.",
    "S.r.l.", "S.p.A.", "B.V.", "N.V.", "Oy", "AB", "AS", "A/S", "S.L.", "Lda", "Ltda", "Pty Ltd",
    "Co.", "Corp.", "Corporation", "Company", "plc", "SE", "KG", "e.V.", "Sp. z o.o.",
)  # fmt: skip
GARBLED = "has garbled characters: the file was read with the wrong encoding"


def one(cell: object, field: str) -> tuple[object, object]:
    """Clean one cell."""
    column = pd.Series([None], dtype=object)
    column[0] = cell
    values, problems = fields.cleaned(column, fields.CLEANERS[field])
    return values[0], problems[0]


@pytest.mark.parametrize(
    "cell",
    [
        None, np.nan, pd.NA, pd.NaT, "", "  ", "\t\n", "\u200b", "\ufeff", "nan", "NaN", "None",
        "<NA>", "NaT", "null", "NULL", "N/A", "n/a", "#N/A", "undefined", "(null)", "\\N", "#REF!",
        "&lt;NA&gt;", "-", "--", "?", "…", "🚀",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", list(fields.CLEANERS))
def test_nothing_is_nothing_however_it_is_written(cell: object, field: str) -> None:
    """Missing values of every kind are neither sent nor a problem of their own."""
    assert one(cell, field) == (None, None)


@pytest.mark.parametrize(
    "cell", [7, 7.5, True, np.int64(3), b"Ana", dt.date(2020, 1, 1), ["Ana"], {"a": 1}, ("Ana",)]
)
@pytest.mark.parametrize("field", list(fields.CLEANERS))
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
        ("Dustmote &amp; Sons", "company_name", "Dustmote & Sons"),
        ("Dustmote &amp;amp; Sons", "company_name", "Dustmote & Sons"),
        ("O&#39;Farrow Ltd", "company_name", "O'Farrow Ltd"),
        ("Caf&eacute; Lune", "company_name", "Café Lune"),
        ("Barnes &copy Sons", "company_name", "Barnes &copy Sons"),
        ("The Independent", "company_name", "The Independent"),
        ("Acme 🚀", "company_name", "Acme"),
        ("⭐️ Acme GmbH", "company_name", "Acme GmbH"),
        ("Acme® Ltd", "company_name", "Acme® Ltd"),
        ("Acme – we are hiring", "company_name", "Acme"),
        ("Acme - Berlin - We’re HIRING!", "company_name", "Acme - Berlin"),
        ("Hiring Partners – Berlin", "company_name", "Hiring Partners – Berlin"),
        ("Acme-Hiring", "company_name", "Acme-Hiring"),
        ("7.5 Media", "company_name", "7.5 Media"),
        ("http://Acme.Example/about?utm=x#y", "domain", "acme.example"),
        ("http://fr.linkedin.com/in/ana-x?trk=a", "linkedin_url",
         "https://www.linkedin.com/in/ana-x/"),
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
        ("ana@acme.example", "firstname", "is a URL or email, not a name"),
        ("https://acme.example", "lastname", "is a URL or email, not a name"),
        ("x" * 301, "lastname", "is longer than 300 characters"),
        ("coming soon", "domain", "is not a valid domain"),
        ("@ana", "linkedin_url", "is not a LinkedIn profile URL"),
        ("self-employed", "company_name", "is not a company name"),
        ("Freelance", "company_name", "is not a company name"),
        ("Confidential", "company_name", "is not a company name"),
        ("STEALTH STARTUP", "company_name", "is not a company name"),
        ("Stealth Mode Startup", "company_name", "is not a company name"),
        ("Indépendant", "company_name", "is not a company name"),
        ("Selbstständig", "company_name", "is not a company name"),
        ("Autónomo", "company_name", "is not a company name"),
        ("Looking for a new job", "company_name", "is not a company name"),
        ("not applicable", "company_name", "is not a company name"),
        ("in Rente", "company_name", "is not a company name"),
        ("looking for opportunities", "company_name", "is not a company name"),
        ("Open to work", "company_name", "is not a company name"),
        ("Me", "company_name", "is not a company name"),
        ("Home", "company_name", "is not a company name"),
        ("to be confirmed", "company_name", "is not a company name"),
        ("tbc", "company_name", "is not a company name"),
        ("Retired", "company_name", "is not a company name"),
        ("unemployed", "company_name", "is not a company name"),
        ("#hiring", "company_name", "is not a company name"),
        ("7.0", "company_name", "is not a company name"),
        ("2024-05-01", "company_name", "is not a company name"),
        ("2024-05-01 00:00:00", "company_name", "is not a company name"),
        ("https://acme.example", "company_name", "is a URL, not a company name"),
        ("www.acme.example", "company_name", "is a URL, not a company name"),
        ("Acme (https://acme.example)", "company_name", "is a URL, not a company name"),
        ("MÃ¼ller GmbH", "company_name", GARBLED),
        ("JosÃ©", "firstname", GARBLED),
        ("MarÃ\u00ada", "firstname", GARBLED),
        ("Ã–zlem", "firstname", GARBLED),
        ("Zorn Â·", "lastname", GARBLED),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_has_a_reason_without_the_value(
    cell: str, field: str, problem: str
) -> None:
    """The reason is for the frame and for logs."""
    assert one(cell, field) == (None, problem)
    assert cell not in problem


@pytest.mark.parametrize(
    ("written", "key"),
    [
        *((f"Acme {form}", "acme") for form in FORMS),
        ("acme", "acme"), ("Acme, Inc.", "acme"), ("The Acme Company", "acme"), ("ACME", "acme"),
        ("ＡＣＭＥ", "acme"), ("Acme S. A.", "acme"), ("Acme-Welle", "acme welle"),
        ("O’Farrow & Sons", "ofarrow sons"), ("A.C.M.E.", "acme"), ("A C M E Ltd", "acme"),
        ("Zorn und Co. KG", "zorn"), ("SAS Zorn", "sas zorn"), ("1664", "1664"), ("हिन्दी", "हिन्दी"),
        ("Thermal", "thermal"), ("Theatre", "theatre"),
        # What nothing would be left of
        ("Co.", "co."), ("The Company", "the company"), ("AG", "ag"), ("The", "the"), ("&", "&"),
    ],
)  # fmt: skip
def test_a_company_is_counted_once_however_it_is_written(written: str, key: str) -> None:
    """Its legal form, its case and its punctuation tell no two companies apart."""
    assert company_key(written) == key


@given(st.text(min_size=1))
def test_the_key_of_a_company_is_never_nothing(text: str) -> None:
    """Also of a name that is a legal form alone."""
    assert company_key(text)


@pytest.mark.parametrize(
    "dtype", ["object", "string", "category", pd.ArrowDtype(__import__("pyarrow").string())]
)
def test_every_text_dtype_reads_the_same(dtype: str) -> None:
    """Plain, string, categorical and Arrow-backed columns."""
    column = pd.Series(["Ana ", None, "Ana", "7"], dtype=dtype)
    values, problems = fields.cleaned(column, names.name)
    assert values.tolist() == ["Ana", None, "Ana", None]
    assert problems.tolist() == [None, None, None, "is a number, not a name"]


def test_a_column_of_numbers_or_nothing() -> None:
    """Numeric and empty columns do not break anything."""
    assert fields.cleaned(pd.Series([1.5, np.nan]), names.name)[1].tolist() == [
        "is not text",
        None,
    ]
    assert fields.cleaned(pd.Series([], dtype=object), names.name)[0].tolist() == []


def test_a_cleaner_may_return_several_values() -> None:
    """A whole name becomes a pair, in one cell."""
    column = pd.Series(["Ana Lopez", "Ben Maple", "Ana Lopez", "info"])
    values, problems = fields.cleaned(column, names.split)
    assert values.tolist() == [("Ana", "Lopez"), ("Ben", "Maple"), ("Ana", "Lopez"), None]
    assert problems.tolist() == [None, None, None, "is not a person's name"]


def test_what_few_lists_need_is_not_imported() -> None:
    """Importing the package costs no parser of names, phones or domains."""
    code = "import sys, pronto_pandas, tests.seams.frame; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert {"nameparser", "phonenumbers"}.isdisjoint(run.stdout.split())


EVERY: dict[str, Callable[[str], Hashable]] = {
    **fields.CLEANERS,
    "name": names.name,
    "whole name": names.split,
    "domain of an email": domains.of_email,
    "email": emails_phones.email,
    "phone": emails_phones.phone,
}
WORDS = """
CEO MBA LION aka o.s. geb. #tag ★ → ➡️ ~ * > : ~ O' D. DI Ing. Dipl.-Kfm. StB i.R. Doe. V.V.S. und
hiring
Ã© Ã Ｊ Иван Иванович Sales team k.A. xxx authwall %2F www2. .con 7.0 ( ] ✔️ 0170
Ana MARÍA jean LE GOFF van der de la bin al-Hakim O'Brien d'Arc J. J.R. Md. Ng MBA PhD Jr. III Dr.
M. Prof. Sr. (she/her) “Nina” (Ana) | • - – · , ; / & @ 🚀 ★ \ufe0f \u200d \u200c 山田 太郎 ・ 民準
김 ヤマダ الحكيم Ιόλη nan None null <NA> http:// https:// www. acme .example linkedin.com /in/
/pub/ dir ana-x %C3%A9 %25 a7 ACoAAABcD12efGhIjKlMn gmail.com ana@acme.example mailto: +49
(0)30 123456 &amp; &lt; &#39; amp; GmbH info é ß İ ﬁ １ ² \ufffd
"""
words = st.sampled_from(WORDS.split())
texts = (
    st.text()
    | st.from_regex(r"(https?://)?(www\.)?\w+\.\w+(/\w*)?", fullmatch=True)
    | st.lists(words | st.sampled_from(" '\"()[]<>.,:?#*&;"), max_size=8).map("".join)
    | st.lists(words, max_size=6).map(" ".join)
    | st.emails()
)
cells = texts | st.none() | st.integers() | st.floats() | st.just(pd.NA)


def cleaned(cell: str, cleaner: Callable[[str], Hashable]) -> object:
    """Clean one text; None where it has no value."""
    return fields.cleaned(pd.Series([cell], dtype=object), cleaner)[0][0]


@given(st.lists(cells, max_size=4), st.sampled_from(sorted(EVERY)))
def test_nothing_raises_and_everything_sent_is_clean(column: list[object], field: str) -> None:
    """Whatever a cell holds: a value that JSON can carry, or none; never the text of nothing."""
    values, problems = fields.cleaned(pd.Series(column, dtype=object), EVERY[field])
    for value, problem in zip(values, problems, strict=True):
        assert value is None or problem is None
        for part in value if isinstance(value, tuple) else [value] if value is not None else []:
            assert part == part.strip() != ""
            assert all(char.isprintable() or char in "\u200c\u200d" for char in part)
            assert part not in {"nan", "NaN", "None", "<NA>", "NaT", "null", "undefined"}
            json.dumps(part, ensure_ascii=False).encode()


@given(texts, st.sampled_from(sorted(EVERY)))
def test_a_cleaner_by_itself_raises_one_error_alone(text: str, field: str) -> None:
    """Also of a text that was not trimmed."""
    with contextlib.suppress(fields.UnusableError):
        hash(EVERY[field](text))


@given(texts, st.sampled_from(sorted(EVERY.keys() - {"whole name", "domain of an email"})))
def test_cleaning_twice_is_cleaning_once(text: str, field: str) -> None:
    """A cleaned value is its own cleaned value."""
    value = cleaned(text, EVERY[field])
    assert value is None or cleaned(str(value), EVERY[field]) == value


@given(texts)
def test_the_parts_of_a_whole_name_are_clean(text: str) -> None:
    """What a split returns is what the columns of first and last names would hold."""
    parts = cleaned(text, names.split)
    assert parts is None or isinstance(parts, tuple)
    for part in parts or ():
        assert cleaned(part, names.name) == part


@given(st.text())
def test_what_is_the_same_stays_the_same(text: str) -> None:
    """Comparing is stable."""
    assert same(same(text)) == same(text)
    assert same(text.upper().lower()) == same(text.upper())
