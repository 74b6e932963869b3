"""Which rows are sent, for which types, and why the others are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pronto_pandas as pronto

from .seams.api import TYPES, EnrichmentType
from .seams.frame import NEEDS, Endpoint, Options, Plan, already_filled, make

FULL: dict[str, Any] = {
    "firstname": "Ana",
    "lastname": "Lovelace",
    "company_name": "Acme",
    "domain": "acme.example",
    "linkedin_url": "https://www.linkedin.com/in/ana-example/",
}


def plan(rows: list[dict[str, Any]], *types: EnrichmentType, **more: Any) -> Plan:
    """Plan a frame of these rows."""
    df = pd.DataFrame(rows, columns=pd.Index([*FULL, *(set().union(*rows) - set(FULL))]))
    options = Options(types=types or ("email",), **more)
    return make(df, options, already_filled(df, options))


def only(*fields: str) -> dict[str, Any]:
    """Return a row with only these fields."""
    return {name: value if name in fields else None for name, value in FULL.items()}


NAMES = ("firstname", "lastname")
A_COMPANY_OR_LINKEDIN = "a company domain, a company name or a LinkedIn URL"


@pytest.mark.parametrize(
    ("endpoint", "type_", "fields", "sent"),
    [
        ("sync", "email", (*NAMES, "domain"), True),
        ("sync", "email", (*NAMES, "company_name"), True),
        ("sync", "email", (*NAMES, "linkedin_url"), True),
        ("sync", "email", NAMES, False),
        ("sync", "email", ("firstname", "domain"), False),
        ("sync", "phone", (*NAMES, "linkedin_url"), True),
        ("sync", "phone", (*NAMES, "domain"), True),
        ("sync", "phone", NAMES, False),
        ("sync", "personal_email", (*NAMES, "linkedin_url"), True),
        ("sync", "personal_email", (*NAMES, "domain", "company_name"), False),
        ("async", "email", (*NAMES, "domain"), True),
        ("async", "email", (*NAMES, "company_name"), True),
        ("async", "email", (*NAMES, "linkedin_url"), False),
        ("async", "phone", (*NAMES, "linkedin_url"), True),
        ("async", "phone", (*NAMES, "domain"), False),
        ("async", "personal_email", (*NAMES, "domain"), False),
        ("bulk", "email", (*NAMES, "company_name"), True),
        ("bulk", "email", (*NAMES, "linkedin_url"), False),
        ("bulk", "phone", (*NAMES, "domain"), False),
        ("bulk", "personal_email", (*NAMES, "linkedin_url"), True),
    ],
)
def test_what_a_row_needs(
    endpoint: Endpoint, type_: EnrichmentType, fields: tuple[str, ...], sent: bool
) -> None:
    """By endpoint and type, as one table says."""
    made = plan([only(*fields)], type_, endpoint=endpoint)
    assert len(made.contacts) == sent
    assert made.row_status[0] == (None if sent else "invalid")


def test_every_endpoint_and_type_has_its_needs() -> None:
    """A new type cannot be forgotten in the table."""
    assert set(NEEDS) == {(e, t) for e in ("sync", "async", "bulk") for t in TYPES}


@pytest.mark.parametrize(
    ("row", "types", "message"),
    [
        (FULL | {"firstname": " "}, ("email",), "firstname is missing"),
        (
            FULL | {"firstname": "7", "lastname": None},
            ("email",),
            "firstname is a number, not a name; lastname is missing",
        ),
        (FULL | {"lastname": 12}, ("email",), "lastname is not text"),
        (only(*NAMES), ("email",), f"email needs {A_COMPANY_OR_LINKEDIN}"),
        (
            only(*NAMES) | {"domain": "soon" * 100},
            ("email",),
            f"email needs {A_COMPANY_OR_LINKEDIN}; domain is longer than 300 characters",
        ),
        (only(*NAMES, "domain"), ("personal_email",), "personal_email needs a LinkedIn URL"),
        (
            only(*NAMES),
            ("email", "phone", "personal_email"),
            f"email and phone need {A_COMPANY_OR_LINKEDIN}; personal_email needs a LinkedIn URL",
        ),
    ],
)
def test_an_invalid_row_has_all_its_reasons(row: dict[str, Any], types: Any, message: str) -> None:
    """In one message, and it is not sent."""
    made = plan([row], *types)
    assert made.row_status[0] == "invalid"
    assert made.row_message[0] == message
    assert made.row_sentences[0] == f"Not sent: {message}."
    assert made.contacts == []


def test_an_ignored_value_is_in_the_message() -> None:
    """A row with an invalid domain and a company is sent without the domain."""
    made = plan([FULL | {"domain": "soon" * 100}, FULL])
    assert made.contacts[0].body().keys() == FULL.keys() - {"domain"}
    assert made.row_sentences.tolist() == [
        "Ignored: domain is longer than 300 characters.",
        None,
    ]


def test_messages_have_the_names_of_the_callers_columns() -> None:
    """Not those of Pronto's fields; each is one or more sentences."""
    df = pd.DataFrame(
        {
            "First Name": ["Ana", "7", "Ana"],
            "Nachname": ["Lark", None, "Lark"],
            "Website": ["x" * 301] * 3,
            "Firma": ["Acme", "Acme", None],
            "Mobile": ["x" * 301, None, None],
            "Work Email": ["ana@acme.example", None, None],
        }
    )
    out = df.assign(Website="x" * 301).pronto.enrich("email", limit=0, progress=False)
    assert out["pronto_message"].tolist() == [
        "Not sent: Work Email is already filled. Use overwrite=True to look it up again.",
        "Not sent: First Name is a number, not a name; Nachname is missing.",
        "Not sent: email needs a company domain, a company name or a LinkedIn URL; "
        "Website is longer than 300 characters.",
    ]
    options = Options(types=("phone",))
    made = make(df.drop(columns="Work Email").iloc[:1], options, {"phone": np.zeros(1, bool)})
    assert made.row_sentences.tolist() == [
        "Ignored: Website is longer than 300 characters; Mobile is longer than 300 characters."
    ]


def test_a_row_is_sent_for_the_types_that_it_can_be() -> None:
    """If a row lacks what one type needs, it is sent for the other type."""
    made = plan([only(*NAMES, "domain"), FULL], "email", "phone", endpoint="bulk")
    assert made.asks == [("email",), ("email", "phone")]


def test_equal_contacts_are_one() -> None:
    """Case, width and spaces do not make another person; a difference in any field does."""
    made = plan(
        [
            FULL,
            FULL | {"firstname": "ANA ", "domain": "https://www.Acme.example/"},
            FULL | {"lastname": "Ｌovelace"},
            FULL | {"lastname": "Lovelass"},
            FULL | {"linkedin_url": None},
            FULL,
        ]
    )
    assert made.row_contact.tolist() == [0, 0, 0, 1, 2, 0]
    assert made.rows_per_contact.tolist() == [4, 1, 1]
    assert made.contacts[0].firstname == "Ana"


def test_existing_values_are_not_requested() -> None:
    """Type by type; and a contact is sent for what any of its rows lacks."""
    rows = [
        FULL | {"email": "a@acme.example"},
        FULL,
        FULL | {"lastname": "B", "email": "b@acme.example"},
        FULL | {"lastname": "C", "email": "c@acme.example", "phone_2": "+44"},
        FULL | {"lastname": "D", "email": " ", "phone_1": "+44"},
    ]
    made = plan(rows, "email", "phone")
    assert made.asks == [("email", "phone"), ("phone",), ("email",)]
    assert made.row_asks["email"].tolist() == [False, True, False, False, True]
    assert made.row_asks["phone"].tolist() == [True, True, True, False, False]
    assert made.row_status.tolist() == [None, None, None, "skipped", None]
    again = plan(rows, "email", "phone", overwrite=True)
    assert again.asks == [("email", "phone")] * 4


def test_a_filled_row_is_skipped_even_if_it_could_not_be_sent() -> None:
    """Nothing is wrong with a row that needs nothing."""
    made = plan([{"email": "a@acme.example"}])
    assert made.row_status[0] == "skipped"


def test_custom_values_are_json() -> None:
    """Numbers, dates and missing values are converted."""
    df = pd.DataFrame(
        {
            **{name: [value, value] for name, value in FULL.items()},
            "id": [7, 7],
            "when": pd.to_datetime(["2026-01-02", "2026-01-02"]),
            "note": ["é", None],
            "kind": pd.Categorical(["a", "a"]),
            "5": [np.nan, 1.0],
        }
    )
    made = make(
        df,
        Options(types=("email",), custom=("id", "when", "note", "kind", "5")),
        {"email": np.zeros(2, bool)},
    )
    custom = made.customs[0]
    assert custom is not None
    assert custom["when"].startswith("2026-01-02T00:00:00")
    assert {k: v for k, v in custom.items() if k != "when"} == {
        "id": 7, "note": "é", "kind": "a", "5": None,
    }  # fmt: skip


def test_a_missing_custom_column_is_an_error() -> None:
    """Before anything is sent."""
    with pytest.raises(pronto.ColumnsError, match="custom=: no column named 'crm'"):
        plan([FULL], custom=("crm",))


values = st.sampled_from([None, "", "Ana", "ana ", "Bo", "7", 7, "acme.example", "acme", np.nan])


@given(
    st.lists(st.fixed_dictionaries(dict.fromkeys(FULL, values)), max_size=30),
    st.sampled_from([("email",), ("phone",), ("email", "phone"), TYPES]),
    st.booleans(),
)
def test_every_row_is_sent_or_has_a_reason(
    rows: list[dict[str, Any]], types: tuple[EnrichmentType, ...], excluded: bool
) -> None:
    """And no contact lacks what its request needs."""
    only = np.zeros(len(rows), dtype=np.bool_) if excluded else None
    made = plan(rows, *types, only=only)
    for row, contact in enumerate(made.row_contact):
        assert (contact >= 0) == (made.row_status[row] is None)
        assert contact >= 0 or made.row_sentences[row].startswith("Not sent: ")
    assert len(made.contacts) == len(made.asks) == len(made.customs)
    assert sorted(set(made.row_contact) - {-1}) == list(range(len(made.contacts)))
    assert len({tuple(map(str.casefold, c.body().values())) for c in made.contacts}) <= len(
        made.contacts
    )
    for contact, asks in zip(made.contacts, made.asks, strict=True):
        assert asks
        for type_ in asks:
            assert set(NEEDS["sync", type_]) & contact.body().keys()
            assert set(NAMES) <= contact.body().keys()
