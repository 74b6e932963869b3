"""Who is one person to the ledger: each is asked for once, however the list writes them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import pandas as pd
import pytest

import pronto_pandas as pronto

from .conftest import Serve, people
from .seams.api import Contact
from .test_ledger import enrich, ledger_file

LINKEDIN = "https://www.linkedin.com/in/ana-example/"


def person(**fields: Any) -> dict[str, Any]:
    """Return one row."""
    return {"firstname": "Ana", "lastname": "Lovelace", "linkedin_url": LINKEDIN} | fields


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return rows with all the columns of a contact."""
    columns = ["firstname", "lastname", "company_name", "domain", "linkedin_url"]
    return pd.DataFrame(list(rows)).reindex(columns=columns).astype("object")


TWO_COMPANIES = frame(
    person(company_name="Acme", domain="acme.example"),
    person(company_name="Acme Labs", domain="labs.acme.example"),
)


@pytest.mark.parametrize(("type_", "requests"), [("phone", 1), ("personal_email", 1), ("email", 2)])
def test_a_phone_belongs_to_a_profile_and_an_email_to_the_company_too(
    serve: Serve, type_: str, requests: int
) -> None:
    """Both rows get the answer."""
    server = serve()
    pronto.configure(personal_email_consent="to invite alumni")
    out = enrich(TWO_COMPANIES, type_)
    assert sum(server.sandbox.asked.values()) == requests
    assert set(out["pronto_status"]) <= {"found", "not_found"}
    if requests == 1:
        assert out["pronto_status"].nunique() == 1
        assert out["enrichment_id"].nunique() == 1
    again = enrich(TWO_COMPANIES, type_)
    pd.testing.assert_frame_equal(again, out)
    assert sum(server.sandbox.asked.values()) == requests


def test_two_types_of_one_person_are_asked_for_where_they_belong(serve: Serve) -> None:
    """The first row asks for both, the second one for its own email."""
    server = serve()
    out = enrich(TWO_COMPANIES, ["email", "phone"])
    assert Counter(tuple(c["types"]) for c in server.sandbox.charges) == {
        ("email", "phone"): 1,
        ("email",): 1,
    }
    assert out["phone_status"].nunique() == 1
    assert out["phone_status"].notna().all()
    assert out["email_status"].notna().all()


def test_check_and_estimate_know_who_is_one_person(serve: Serve) -> None:
    """And say why."""
    serve()
    check = TWO_COMPANIES.pronto.check("phone")
    assert check["check"].tolist() == ["ready", "duplicate of row 0"]
    assert check["note"][1] == "Same person: same linkedin_url and name."
    estimate = TWO_COMPANIES.pronto.estimate("phone")
    assert (estimate.to_send, estimate.people, estimate.duplicates) == (2, 1, 1)
    assert TWO_COMPANIES.pronto.check("email")["check"].tolist() == ["ready", "ready"]
    assert TWO_COMPANIES.pronto.estimate("email").people == 2


@pytest.mark.parametrize(
    "later",
    [
        person(domain="acme.example"),
        person(company_name="Acme"),
        person(company_name="Acme Inc.", domain="acme.example"),
        person(company_name="ACME", domain="ACME.example"),
    ],
)
def test_an_email_is_found_by_the_company_in_either_form(
    serve: Serve, later: dict[str, Any]
) -> None:
    """Whoever has the domain or the name of it, and the profile and the name."""
    server = serve()
    first = enrich(frame(person(company_name="Acme", domain="acme.example")))
    second = enrich(frame(later))
    assert sum(server.sandbox.asked.values()) == 1
    assert second["enrichment_id"].tolist() == first["enrichment_id"].tolist()


def test_another_name_or_profile_is_another_person(serve: Serve) -> None:
    """Nobody gets somebody else's phone."""
    server = serve()
    enrich(
        frame(
            person(domain="acme.example"),
            person(firstname="Eva", domain="acme.example"),
            person(linkedin_url=LINKEDIN.replace("ana", "eva"), domain="acme.example"),
        ),
        "phone",
    )
    assert sum(server.sandbox.asked.values()) == 3


def test_people_of_one_list_who_share_an_alias_alone_are_asked_for_once(serve: Serve) -> None:
    """The second waits until the first has the answer."""
    server = serve(latency=0.2)
    both = frame(person(company_name="Acme", domain="acme.example"), person(company_name="Acme"))
    out = enrich(both)
    assert sum(server.sandbox.asked.values()) == 1
    assert out["enrichment_id"].nunique() == 1


def test_who_is_left_out_takes_nobodys_phone_along(serve: Serve) -> None:
    """The row of the other company asks for what the suppressed one would have asked for."""
    server = serve()
    first = enrich(TWO_COMPANIES[:1])
    assert first["pronto_status"].tolist() == ["found"]
    suppress = first["email"].tolist()
    estimate = TWO_COMPANIES.pronto.estimate(["email", "phone"], suppress=suppress)
    assert estimate.people == 1
    out = enrich(TWO_COMPANIES, ["email", "phone"], suppress=suppress)
    assert out["pronto_status"][0] == "skipped"
    charges = [charge["types"] for charge in server.sandbox.charges]
    assert sorted(type_ for types in charges for type_ in types) == ["email", "email", "phone"]
    alone = enrich(TWO_COMPANIES[1:], ["email", "phone"])
    assert alone["phone_status"].tolist() == out["phone_status"][1:].tolist()


def test_who_is_forgotten_is_forgotten_under_every_key(serve: Serve) -> None:
    """The row that finds an answer deletes it."""
    serve()
    enrich(frame(person(company_name="Acme", domain="acme.example")), ["email", "phone"])
    gone = pronto.ledger.forget(frame(person(company_name="Acme")))
    assert (gone.people, gone.entries) == (1, 2)
    with closing(sqlite3.connect(ledger_file())) as connection:
        assert connection.execute("select count(*) from pronto_entries").fetchone() == (0,)
        assert connection.execute("select count(*) from pronto_aliases").fetchone() == (0,)


def test_the_keys_of_a_contact_never_change() -> None:
    """Or each answer would be paid for again; those of earlier versions come last."""
    full = Contact("Ana", "Lovelace", "Acme", "acme.example", LINKEDIN)
    assert [key[:12] for key in full.keys("email")] == KEYS["email"]
    assert [key[:12] for key in full.keys("phone")] == KEYS["phone"]
    assert full.keys("personal_email") == full.keys("phone")
    assert full.keys("phone")[-1] == full.key
    bare = Contact("Ana", "Lovelace", "Acme")
    assert bare.keys("email") == bare.keys("phone") == (bare.key,)


KEYS = {
    "email": ["c9b77aa8adfe", "34e8dd7807a3", "397a58d91615"],
    "phone": ["8d8620797a1c", "397a58d91615"],
}


def test_the_ledger_has_answers_whole(serve: Serve) -> None:
    """As they came, also what this version does not read, and what was passed through."""
    serve()
    df = people(1).assign(crm="7")
    out = enrich(df, ["email", "phone"], custom=["crm"])
    with closing(sqlite3.connect(ledger_file())) as connection:
        bodies = dict(connection.execute("select type, body from pronto_entries"))
    assert set(bodies) == {"email", "phone"}
    body = json.loads(bodies["email"])
    assert body["linkedin_profile_url"] == df["linkedin_url"][0]
    assert body["custom"] == {"crm": "7"}
    assert body["enrichment_id"] == out["enrichment_id"][0]
