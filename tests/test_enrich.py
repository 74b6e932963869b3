"""The main job, from a frame to a frame, against the sandbox on a real socket."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pronto_pandas as pronto
from pronto_pandas.sandbox import Sandbox, Server

from .conftest import Serve, people, slow
from .seams.frame import text_dtype
from .seams.sandbox import identity, truth
from .seams.sending import retry
from .test_rate_limit import most_in_a_second

enrich: Any = pronto.enrich  # for calls that a type checker refuses
check: Any = pronto.check
estimate: Any = pronto.estimate

RUN = ["pronto_status", "pronto_message", "enrichment_id", "pronto_answered_at"]
ADDED = ["email", "email_status", *RUN]


def true(row: pd.Series, *types: str) -> dict[str, Any]:
    """Return what the sandbox knows of the person in a row."""
    return truth({name: row[name] for name in row.index if isinstance(row[name], str)}, types)


def test_each_row_gets_its_own_persons_email(serve: Serve) -> None:
    """Values, statuses, message and id, as the service gave them."""
    server = serve()
    out = people(100).pronto.enrich(type="email", progress=False)
    for _, row in out.iterrows():
        expected = true(row[list(people(1).columns)], "email")
        assert row["pronto_status"] == ("found" if expected["email"] else "not_found")
        assert (row["email"] if pd.notna(row["email"]) else None) == expected["email"]
        assert row["email_status"] == expected["email_status"]
        assert row["pronto_message"] == expected["message"]
        assert len(row["enrichment_id"]) == 36
    assert list(out.columns) == [*people(1).columns, *ADDED]
    assert len(server.sandbox.charges) == 100
    assert {"found", "not_found"} == set(out["pronto_status"])


@slow
def test_5000_rows_with_a_repeated_index_each_get_their_own(serve: Serve) -> None:
    """Every row its own person's answer, and every person one request."""
    server = serve()
    shuffled = people(1500).sample(5000, replace=True, random_state=7)
    assert not shuffled.index.is_unique
    before = shuffled.copy(deep=True)
    out = pronto.enrich(shuffled, ["email", "phone"], progress=False)
    pd.testing.assert_frame_equal(shuffled, before)
    pd.testing.assert_frame_equal(out[before.columns], before)
    for row in out.to_dict("records"):
        expected = truth({name: row[name] for name in before.columns}, ["email", "phone"])
        assert (row["email"] if pd.notna(row["email"]) else None) == expected["email"]
        numbers = [row[f"phone_{n}"] for n in (1, 2, 3) if pd.notna(row[f"phone_{n}"])]
        assert numbers == [phone["number"] for phone in expected["phones"]]
        assert row["phone_status"] == expected["phone_status"]
    assert set(server.sandbox.asked.values()) == {1}
    assert len(server.sandbox.asked) == shuffled.index.nunique()


@settings(max_examples=12)
@given(data=st.data())
def test_any_frame_comes_back_as_it_went_in(data: st.DataObject) -> None:
    """Same rows, order, index and dtypes, whatever they are; each row its own answer."""
    who = data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=60))
    df = people(31).iloc[who]
    df["number"] = data.draw(st.sampled_from(["int8", "float32", "Int64", "category"]))
    df["number"] = pd.Series(who, index=df.index).array.astype(df["number"].iloc[0])
    levels = data.draw(st.integers(1, 3))
    if levels > 1:
        df.index = pd.MultiIndex.from_arrays([df.index] * levels)
    dtype = data.draw(st.sampled_from(["object", "string", "category"]))
    df = df.astype({"firstname": dtype, "domain": dtype})
    before = df.copy(deep=True)
    with (
        Server(Sandbox(rate=100_000)) as server,
        pronto.configure(base_url=server.url, api_key=server.sandbox.api_key, rate=5000),
    ):
        out = pronto.enrich(df, "email", progress=False)
    pd.testing.assert_frame_equal(df, before)
    pd.testing.assert_frame_equal(out[before.columns], before)
    for row in out.to_dict("records"):
        fields = {name: row[name] for name in people(1).columns}
        email = truth(fields, ["email"])["email"]
        assert (row["email"] if pd.notna(row["email"]) else None) == email


def test_the_service_is_never_asked_faster_than_its_limit(serve: Serve) -> None:
    """At the service's own rate: no 429, no row lost, no second above 50."""
    server = serve(rate=50, latency=0.2)
    server.sandbox.rate = 50
    out = people(150).pronto.enrich(type="email", progress=False)
    assert set(out["pronto_status"]) <= {"found", "not_found"}
    assert server.sandbox.refused == Counter()
    assert most_in_a_second(server.sandbox.arrivals) <= 50


@pytest.mark.parametrize("phones", ["columns", "rows", "list"])
def test_phones_take_the_shape_asked_for(serve: Serve, phones: Any) -> None:
    """Columns beside the status, a row a phone, or lists."""
    serve()
    df = people(40)
    df.index = pd.Index(["x"] * 40)
    out = pronto.enrich(df, ["email", "phone"], phones=phones, progress=False)
    expected = [true(row, "email", "phone")["phones"] for _, row in df.iterrows()]
    if phones == "columns":
        assert [c for c in out.columns if c.startswith("phone")] == [
            "phone_1", "phone_1_type", "phone_2", "phone_2_type", "phone_3", "phone_3_type",
            "phone_status",
        ]  # fmt: skip
        assert len(out) == 40
        for (_, row), truths in zip(out.iterrows(), expected, strict=True):
            for number, phone in enumerate(truths, start=1):
                assert row[f"phone_{number}"] == phone["number"]
                assert row[f"phone_{number}_type"] == phone["type"]
            assert pd.isna(row.get(f"phone_{len(truths) + 1}"))
    elif phones == "rows":
        assert len(out) == sum(max(1, len(truths)) for truths in expected)
        pairs = zip(out["firstname"], out["phone"], out["phone_type"], strict=True)
        got = [(name, number, kind) for name, number, kind in pairs if pd.notna(number)]
        assert got == [
            (name, phone["number"], phone["type"])
            for name, truths in zip(df["firstname"], expected, strict=True)
            for phone in truths
        ]
        assert set(out.index) == {"x"}
        assert out["phone"].dtype == text_dtype()
    else:
        assert out["phones"].tolist() == expected


@pytest.mark.parametrize("on_the_way", ["frame", "parquet"])
def test_an_empty_list_of_phones_is_nothing(serve: Serve, tmp_path: Path, on_the_way: str) -> None:
    """Who was asked for and has none has not a value, in this shape either."""
    server = serve()
    once = people(20).pronto.enrich("phone", phones="list", progress=False)
    if on_the_way == "parquet":
        once = pd.read_parquet(once.pronto.save(tmp_path / "list.parquet"))
    asked = len(server.sandbox.charges)
    again = once.pronto.enrich("phone", phones="list", refresh=True, progress=False)
    without = int((once["pronto_status"] == "not_found").sum())
    assert len(server.sandbox.charges) - asked == without > 0
    assert (again["pronto_status"] == "not_found").sum() == without


def test_only_phones_that_nobody_has(serve: Serve) -> None:
    """The first columns are there even if no phone is found, so that code after it runs."""
    serve()
    df = people(60)
    empty = [i for i, row in df.iterrows() if not true(row, "phone")["phones"]][:3]
    out = df.loc[empty].pronto.enrich("phone", progress=False)
    assert out["phone_1"].isna().all()
    assert out["phone_1"].dtype == out["phone_1_type"].dtype == text_dtype()
    assert "phone_2" not in out
    assert set(out["pronto_status"]) == {"not_found"}


def test_prefix_goes_before_every_column(serve: Serve) -> None:
    """And columns of the plain names are left alone."""
    serve()
    df = people(5).assign(email="mine@acme.example", pronto_status="mine")
    out = df.pronto.enrich(["email", "phone"], prefix="new_", progress=False)
    pd.testing.assert_frame_equal(out[df.columns], df)
    assert all(column.startswith("new_") for column in out.columns[len(df.columns) :])
    assert set(out["new_pronto_status"]) <= {"found", "not_found"}


def test_existing_values_stay_unless_overwritten(serve: Serve) -> None:
    """And what stays is not asked for."""
    server = serve()
    df = people(30)
    df["email"] = pd.Series(["kept@acme.example"] * 10 + [None] * 10 + [" "] * 10, dtype=object)
    df["email_status"] = "old"
    out = df.pronto.enrich("email", progress=False)
    assert out["email"][:10].tolist() == ["kept@acme.example"] * 10
    assert set(out["pronto_status"][:10]) == {"skipped"}
    assert len(server.sandbox.charges) == 20
    assert out["email"].dtype == object
    for _, row in out[10:].iterrows():
        expected = true(row[list(people(1).columns)], "email")
        if expected["email"]:
            assert row["email"] == expected["email"]
            assert row["email_status"] == expected["email_status"]
        else:
            assert row["email_status"] == "old"
    anew = df.pronto.enrich("email", overwrite=True, progress=False)
    assert len(server.sandbox.charges) == 30  # what the ledger had is not paid again
    found = anew["pronto_status"] == "found"
    assert (anew["email"][found] != "kept@acme.example").all()
    assert (anew["email"][:10][~found[:10]] == "kept@acme.example").all()


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        (pd.Series([np.nan] * 20), text_dtype()),
        (pd.Series([None] * 20, dtype=object), object),
        (pd.Series([None] * 20, dtype="string"), "string"),
        (pd.Series([None] * 20, dtype=pd.ArrowDtype(__import__("pyarrow").string())), None),
        (pd.Series(pd.Categorical([None] * 20, categories=["a@b.example"])), None),
        (pd.Series([pd.NaT] * 20), text_dtype()),
        (pd.Series([7.0] + [np.nan] * 19), object),
    ],
)
def test_a_column_that_exists_keeps_its_dtype_where_it_can(
    serve: Serve, column: pd.Series, dtype: Any
) -> None:
    """Plain, string, categorical, Arrow-backed, empty, and what holds no text at all."""
    serve()
    df = people(20).assign(email=column)
    out = df.pronto.enrich("email", progress=False)
    for number, (_, row) in enumerate(out.iterrows()):
        if pd.isna(column[number]):
            email = true(row[list(people(1).columns)], "email")["email"]
            assert (row["email"] if pd.notna(row["email"]) else None) == email
        else:
            assert row["email"] == column[number]
    if isinstance(column.dtype, pd.CategoricalDtype):
        assert isinstance(out["email"].dtype, pd.CategoricalDtype)
    else:
        assert out["email"].dtype == (column.dtype if dtype is None else dtype)


def test_a_frame_of_an_earlier_run_goes_on(serve: Serve) -> None:
    """Its columns are used again, and the run's own columns say what this run did."""
    server = serve()
    once = people(20).pronto.enrich("email", progress=False)
    twice = once.pronto.enrich(["email", "phone"], progress=False)
    assert list(twice.columns) == [*once.columns, *[c for c in twice.columns if "phone" in c]]
    assert not twice.columns.duplicated().any()
    asked = Counter(tuple(charge["types"]) for charge in server.sandbox.charges)
    assert asked == {("email",): 20, ("phone",): 20}
    pd.testing.assert_series_equal(twice["email"], once["email"])
    thrice = twice.pronto.enrich("email", progress=False)
    assert set(thrice["pronto_status"]) == {"found", "not_found"}
    assert thrice["enrichment_id"].notna().all()


def test_custom_columns_are_passed_through(serve: Serve, monkeypatch: Any) -> None:
    """As the page says, under ``custom``."""
    server = serve()
    seen: list[Any] = []
    work = server.sandbox.work

    def listening(body: dict[str, Any]) -> dict[str, Any]:
        seen.append(body)
        return work(body)

    monkeypatch.setattr(server.sandbox, "work", listening)
    people(3).assign(crm=[1, 2, 3]).pronto.enrich("email", custom=["crm"], progress=False)
    assert sorted(body["custom"]["crm"] for body in seen) == [1, 2, 3]


def test_duplicate_column_names_are_no_obstacle(serve: Serve) -> None:
    """As long as none of them is one that the run would fill."""
    serve()
    df = pd.concat(
        [people(3), pd.DataFrame({"x": [1, 2, 3]}), pd.DataFrame({"x": "abc"}, index=range(3))],
        axis=1,
    )
    out = pronto.enrich(df, "email", progress=False)
    pd.testing.assert_frame_equal(out.iloc[:, : df.shape[1]], df)
    twice = pd.concat(
        [df, pd.DataFrame({"email": [None] * 3}), pd.DataFrame({"email": ["", "", ""]})], axis=1
    )
    with pytest.raises(pronto.ColumnsError, match="more than one column named 'email'"):
        pronto.enrich(twice, "email", progress=False)


def test_an_empty_frame_comes_back_with_the_columns() -> None:
    """Without a key and without a request."""
    out = people(0).pronto.enrich(["email", "phone"])
    assert list(out.columns) == [
        *people(0).columns, "email", "email_status", "phone_1", "phone_1_type", "phone_status",
        *RUN,
    ]  # fmt: skip
    assert len(out) == 0
    assert out["email"].dtype == text_dtype()


def test_nothing_to_send_needs_no_key() -> None:
    """Rows that are invalid or filled cost nothing."""
    df = people(2).assign(email="a@acme.example")
    df.loc[1, ["firstname", "email"]] = None
    out = df.pronto.enrich("email")
    assert out["pronto_status"].tolist() == ["skipped", "invalid"]
    assert out["pronto_message"].tolist()[1] == "Not sent: firstname is missing."


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda df: enrich(df, "mail"), pronto.ConfigurationError, "Unknown type 'mail'"),
        (lambda df: enrich(df, []), pronto.ConfigurationError, "type is empty"),
        (lambda df: enrich(df, ["email", 7]), pronto.ConfigurationError, "Unknown type 7"),
        (lambda df: enrich(df, None), pronto.ConfigurationError, "must be one of"),
        (lambda df: enrich(df, ""), pronto.ConfigurationError, "Unknown type ''"),
        (lambda df: enrich(df, "email", limit=-1), pronto.ConfigurationError, "limit"),
        (lambda df: enrich(df, "email", limit=1.5), pronto.ConfigurationError, "limit"),
        (lambda df: enrich(df, "email", limit=True), pronto.ConfigurationError, "limit"),
        (lambda df: enrich(df, "email", phones="x"), pronto.ConfigurationError, "phones"),
        (lambda df: enrich(df, "email", prefix=1), pronto.ConfigurationError, "prefix"),
        (lambda df: enrich(df, "email", overwrite="no"), pronto.ConfigurationError, "overwrite"),
        (lambda df: enrich(df, "email", refresh=1), pronto.ConfigurationError, "refresh"),
        (lambda df: enrich(df, "email", progress="yes"), pronto.ConfigurationError, "progress"),
        (lambda df: enrich(df, "email", columns=["x"]), pronto.ConfigurationError, "a dict"),
        (lambda df: enrich(df), TypeError, r"enrich\(\) missing"),
        (lambda df: enrich(df, "email", typo=1), TypeError, r"enrich\(\) got"),
        (lambda df: df.pronto.enrich(tpye="email"), TypeError, r"^enrich\(\) "),
        (lambda df: df.pronto.check(tpye="email"), TypeError, r"^check\(\) "),
        (lambda df: df.pronto.estimate("email", tpye="email"), TypeError, r"^estimate\(\) got"),
        (lambda df: df.pronto.collect(tpye="email"), TypeError, r"^collect\(\) "),
        (lambda df: check(df, "email", tpye="email"), TypeError, r"^check\(\) got"),
        (lambda df: estimate(df), TypeError, r"^estimate\(\) missing"),
        (
            lambda df: enrich(df, "email", phone_country_codes=["FR"]),
            pronto.ConfigurationError,
            'only with type="phone"',
        ),
        (
            lambda df: enrich(df, "phone", phone_country_codes=33),
            pronto.ConfigurationError,
            "two-letter",
        ),
        (
            lambda df: enrich(df, "phone", phone_country_codes="FR"),
            pronto.ConfigurationError,
            "two-letter",
        ),
        (
            lambda df: enrich(df, ["email", "phone"], phone_country_codes=["FR", "UK"]),
            pronto.ConfigurationError,
            "use 'GB'",
        ),
        (lambda df: enrich(df, "email", custom="x"), pronto.ConfigurationError, "list"),
        (lambda df: enrich(df["domain"], "email"), pronto.ConfigurationError, "Series"),
        (lambda df: enrich([1], "email"), pronto.ConfigurationError, "got list"),
        (lambda df: df["domain"].pronto.enrich("email"), AttributeError, "Use the DataFrame"),
        (lambda df: enrich(df[["domain"]], "email"), pronto.ColumnsError, "firstname"),
        (lambda df: enrich(df, "personal_email"), pronto.ConsentRequiredError, "two places"),
    ],
)
def test_bad_input_is_said_and_nothing_is_sent(
    serve: Serve, call: Any, error: type[Exception], says: str
) -> None:
    """Before anything is spent."""
    server = serve()
    with pytest.raises(error, match=says):
        call(people(3))
    assert server.sandbox.arrivals == []


def test_no_key_is_said_and_nothing_is_sent() -> None:
    """With the two ways to set one, and the way to try without."""
    with pytest.raises(pronto.MissingKeyError, match=r"setup\(\).*PRONTO_API_KEY.*sandbox"):
        people(3).pronto.enrich("email")


def test_a_wrong_key_is_found_out_before_a_contact_leaves(serve: Serve) -> None:
    """By asking for the balance, which is free."""
    server = serve()
    pronto.configure(api_key="wrong")
    with pytest.raises(pronto.AuthenticationError, match="rejected the API key") as caught:
        people(30).pronto.enrich("email", progress=False)
    assert "wrong" not in str(caught.value)
    assert server.sandbox.arrivals == []


def test_no_service_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody was reached, there is no frame to return."""
    monkeypatch.setattr(retry, "FIRST_CONTACT_BUDGET", 0.2)
    with Server(Sandbox()) as server:
        url = server.url
    pronto.configure(base_url=url, api_key="k", rate=1000)
    with pytest.raises(pronto.ConnectionFailedError, match=r"Could not connect.*Nothing was sent"):
        people(3).pronto.enrich("email", progress=False)


def test_personal_emails_with_consent(serve: Serve) -> None:
    """Where the purpose is recorded, they are asked for; always with a LinkedIn address."""
    serve()
    pronto.configure(personal_email_consent="recruiting")
    df = people(30)
    df.loc[0, "linkedin_url"] = None
    out = df.pronto.enrich("personal_email", progress=False)
    assert out["pronto_status"][0] == "invalid"
    assert out["pronto_message"][0] == "Not sent: personal_email needs a LinkedIn URL."
    found = out["personal_email"].dropna()
    assert 5 < len(found) < 29
    assert found.str.endswith("@mail.example").all()


def test_credits_that_run_out_leave_a_partial_frame(serve: Serve) -> None:
    """A warning, what was answered, and the rest pending."""
    server = serve(credits=20, latency=0.05, rate=200)
    with pytest.warns(pronto.CreditsExhaustedWarning, match="pending"):
        out = people(200).pronto.enrich("email", progress=False)
    counts = Counter(out["pronto_status"])
    assert counts["found"] == 20
    assert counts["pending"] > 100
    assert set(counts) == {"found", "not_found", "pending"}
    assert len(server.sandbox.charges) == counts["found"] + counts["not_found"]


def test_a_refused_row_carries_the_services_words(serve: Serve, monkeypatch: Any) -> None:
    """An error of that row alone."""
    server = serve()
    check = server.sandbox.check

    def strict(body: Any) -> None:
        from .seams.sandbox import RefusalError

        if body["firstname"] == "Anad":
            raise RefusalError(422, {"message": "This import is too large for the plan"})
        check(body)

    monkeypatch.setattr(server.sandbox, "check", strict)
    out = people(10).pronto.enrich("email", progress=False)
    assert out["pronto_status"][3] == "error"
    assert out["pronto_message"][3] == "This import is too large for the plan"
    assert (out["pronto_status"] == "error").sum() == 1


def test_phones_without_linkedin_are_warned_of_once(serve: Serve) -> None:
    """Sent, as the page allows, with one warning at the caller's line."""
    server = serve()
    df = people(5).drop(columns="linkedin_url")
    with pytest.warns(pronto.PhoneWithoutLinkedInWarning, match="5 people") as caught:
        df.pronto.enrich("phone", progress=False)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert len(server.sandbox.charges) == 5


def test_only_people_who_are_sent_are_warned_of(serve: Serve) -> None:
    """Not those whom the ledger answers."""
    serve()
    df = people(5).drop(columns="linkedin_url")
    with pytest.warns(pronto.PhoneWithoutLinkedInWarning, match="5 people have"):
        df.pronto.enrich("phone", progress=False)
    more = pd.concat([df, people(7).iloc[5:]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        more.pronto.enrich("phone", progress=False)


def test_faults_of_every_kind_lose_nobody_and_ask_nobody_twice(serve: Serve) -> None:
    """Each row has the status that the sandbox's own record says it must have."""
    server = serve(faults=0.3, seed=3, hold=1.5, rate=400, timeout=1.0)
    with pytest.warns(pronto.UnknownRowsWarning, match="rows are unknown"):
        out = people(300).pronto.enrich("email", progress=False)
    charged = Counter(charge["contact"] for charge in server.sandbox.charges)
    assert max(charged.values()) == 1
    counts = Counter(out["pronto_status"])
    assert set(counts) == {"found", "not_found", "unknown"}
    assert 20 < counts["unknown"] < 90
    for _, row in out.iterrows():
        fields = {name: row[name] for name in people(1).columns}
        if row["pronto_status"] != "unknown":
            assert charged[identity(fields)] == 1
            expected = true(row[list(people(1).columns)], "email")["email"]
            assert (row["pronto_status"] == "found") == bool(expected)
    lost = out.loc[out["pronto_status"] == "unknown", "pronto_message"]
    assert lost.str.contains("charged").all()


def test_base_url_sandbox_needs_no_key_and_is_never_sent_yours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In process, on a real socket, and marked as made up."""
    monkeypatch.setenv("PRONTO_API_KEY", "the-real-key")
    pronto.configure(base_url="sandbox")
    out = people(4).pronto.enrich("email", progress=False)
    assert out["pronto_message"].str.contains("Made up by the sandbox").all()


@pytest.mark.parametrize("via", ["sync", "async"])
def test_phones_of_some_countries(serve: Serve, monkeypatch: pytest.MonkeyPatch, via: str) -> None:
    """The codes are sent only if given, and only with a request for phones."""
    server = serve()
    bodies: list[dict[str, Any]] = []
    for check in ("check", "check_submit"):
        monkeypatch.setattr(server.sandbox, check, bodies.append)
    df = people(30)
    codes = ["gb"]
    out = enrich(
        df, ["email", "phone"], via=via, phone_country_codes=codes, phones="list", progress=False
    )
    numbers = [phone["number"] for phones in out["phones"] for phone in phones]
    assert len(numbers) > 3
    assert all(number.startswith("+44") for number in numbers)
    for body in bodies:
        expected = ["GB"] if "phone" in body["enrichment_type"] else None
        assert body.get("phone_country_codes") == expected
    assert len(bodies) == (30 if via == "sync" else 60)
    bodies.clear()
    enrich(people(5, 50), "phone", via=via, progress=False)
    assert len(bodies) == 5
    assert not any("phone_country_codes" in body for body in bodies)
    # A saved answer counts, whatever the countries it was requested for.
    again = enrich(df, "phone", via=via, phones="list", progress=False)
    assert [phone["number"] for phones in again["phones"] for phone in phones] == numbers
    assert len(bodies) == 5


def test_output_dtypes_are_the_string_dtype_of_pandas(serve: Serve) -> None:
    """``str`` from pandas 3 on, ``string`` before."""
    serve()
    out = people(3).pronto.enrich(["email", "phone"], progress=False)
    added = out.columns.difference([*people(1).columns, "pronto_answered_at"])
    assert {out[name].dtype for name in added} == {text_dtype()}
    assert str(text_dtype()) == ("str" if int(pd.__version__.split(".")[0]) >= 3 else "string")
    assert str(out["pronto_answered_at"].dtype) == "datetime64[ns]"


def test_warnings_as_errors_cost_no_answer(serve: Serve) -> None:
    """What can be warned of beforehand is, so that a strict caller stops before paying."""
    server = serve()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(pronto.PhoneWithoutLinkedInWarning):
            people(3).drop(columns="linkedin_url").pronto.enrich("phone", progress=False)
    assert server.sandbox.arrivals == []


def test_importing_registers_the_accessor_and_does_nothing_else() -> None:
    """No network, no widgets, no server, and no HTTP until something is sent."""
    script = (
        "import sys, pandas as pd, pronto_pandas; assert hasattr(pd.DataFrame, 'pronto');"
        "print([m for m in ('httpx', 'aiohttp', 'uvicorn', 'starlette', 'ipywidgets', 'tqdm',"
        " 'nest_asyncio') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
