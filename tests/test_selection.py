"""`limit`, `only`, `per_company` and `max_credits` decide who is sent; saved answers are shown."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pronto_pandas as pronto
from pronto_pandas.sandbox import Server

from .conftest import Serve, people
from .seams.frame import FOUND, NOT_FOUND, OPEN, WAITING, Options, Selection, make
from .seams.sandbox import RefusalError, identity, truth
from .test_ledger import ledger_file

VALUES = ["phone_1", "phone_1_type", "phone_status"]


def team(domain: str, outcomes: str, types: Any = "phone", start: int = 0) -> pd.DataFrame:
    """Return people of a company: for each "f" one who is found in the sandbox, others are not."""
    names = _names(domain, start)
    types = [types] if isinstance(types, str) else types
    rows = []
    for outcome in outcomes:
        for row in names:
            values = truth(row, types)
            has = {"email": bool(values.get("email")), "phone": bool(values.get("phones"))}
            if [has[t] for t in types] == [c == "f" for c in outcome] * len(types):
                rows.append(row)
                break
    return pd.DataFrame(rows)


def _names(domain: str, start: int) -> Iterator[dict[str, str]]:
    for number in itertools.count(start):
        (row,) = people(1, start=number).to_dict("records")
        profile = f"https://www.linkedin.com/in/ana-{domain.split('.')[0]}-{number}/"
        yield {**{str(k): v for k, v in row.items()}, "domain": domain, "linkedin_url": profile}


def lists(*frames: pd.DataFrame) -> pd.DataFrame:
    """Return one list of several."""
    return pd.concat(frames, ignore_index=True)


def enrich(df: pd.DataFrame, type_: Any = "phone", **options: Any) -> pd.DataFrame:
    """Enrich in silence."""
    return pronto.enrich(df, type_, progress=False, **options)


def sent(server: Server, df: pd.DataFrame) -> list[int]:
    """Return how often each row was sent."""
    names = df.columns.tolist()
    rows = (dict(zip(names, row, strict=True)) for row in df.itertuples(index=False))
    return [server.sandbox.asked[identity(row)] for row in rows]


def statuses(out: pd.DataFrame) -> list[str]:
    """Return the status of each row."""
    return out["pronto_status"].tolist()


def change_ledger(statement: str, *values: Any) -> None:
    """Change the ledger, as if something else had happened."""
    with closing(sqlite3.connect(ledger_file())) as ledger:
        ledger.execute(statement, values)
        ledger.commit()


def made_older(days: float) -> None:
    """Make all answers of the ledger older."""
    change_ledger("update pronto_entries set at = ?", time.time() - days * 86_400)


def test_answers_stay_when_colleagues_come_who_have_the_value(serve: Serve) -> None:
    """A week later, the answers of the first week are still there, and nobody is sent."""
    server = serve()
    week_1 = lists(team("a.example", "nff"), team("b.example", "fnf"))
    first = enrich(week_1, per_company=1)
    assert statuses(first) == ["not_found", "found", "skipped", "found", "skipped", "skipped"]
    filled = lists(team("a.example", "f", start=90), team("b.example", "f", start=90))
    week_2 = lists(filled.assign(phone_1="+33639980001"), week_1)
    second = enrich(week_2, per_company=1)
    assert statuses(second) == ["skipped", "skipped", *statuses(first)]
    assert second["phone_1"][2:].tolist() == first["phone_1"].tolist()
    assert server.sandbox.asked.total() == 3


def test_a_limit_shows_every_saved_answer(serve: Serve) -> None:
    """Of a list that is answered completely, also beyond the limit."""
    server = serve()
    df = people(60)
    first = enrich(df)
    again = enrich(df, limit=2)
    pd.testing.assert_frame_equal(again, first)
    assert server.sandbox.asked.total() == 60


def test_the_same_limit_sends_nobody_new(serve: Serve) -> None:
    """The first people count, whether they are found or not."""
    server = serve()
    df = lists(team("a.example", "n"), team("b.example", "fff"))
    first = enrich(df, limit=2)
    assert statuses(first) == ["not_found", "found", "skipped", "skipped"]
    assert first["pronto_message"][2] == "Not sent: limit=2 was reached."
    pd.testing.assert_frame_equal(enrich(df, limit=2), first)
    assert sent(server, df) == [1, 1, 0, 0]


def test_only_shows_the_saved_answers_of_other_rows(serve: Serve) -> None:
    """They are not sent, and not hidden either."""
    server = serve()
    df = people(6)
    first = enrich(df.head(3))
    out = enrich(df, only=[False] * 4 + [True, False])
    assert statuses(out)[:3] == statuses(first)
    assert out[VALUES][:3].equals(first[VALUES])
    assert statuses(out)[3] == statuses(out)[5] == "skipped"
    assert out["pronto_message"][3] == "Not sent: excluded by only=."
    assert sent(server, df) == [1, 1, 1, 0, 1, 0]


def test_only_sends_no_type_that_an_excluded_row_needs(serve: Serve) -> None:
    """Two rows of one person: the row that is included has the email already."""
    server = serve()
    person = team("a.example", "f", ["email", "phone"])
    df = lists(person.assign(phone_1="+33639980001"), person)
    out = enrich(df, ["email", "phone"], only=[True, False])
    assert [charge["types"] for charge in server.sandbox.charges] == [["email"]]
    assert out["email"].notna().all()
    assert out["phone_1"].tolist()[0] == "+33639980001"
    assert pd.isna(out["phone_1"][1])


def test_a_refresh_with_a_limit_shows_the_other_saved_answers(serve: Serve) -> None:
    """Only the first people are sent again."""
    server = serve()
    df = people(12)
    first = enrich(df)
    out = enrich(df, refresh=True, limit=5)
    assert statuses(out) == statuses(first)
    assert out[VALUES].equals(first[VALUES])
    assert sent(server, df) == [2] * 5 + [1] * 7


def test_no_credits_show_every_saved_answer(serve: Serve) -> None:
    """Also the answers that were to be renewed; the message says that they were not."""
    server = serve()
    df = people(12)
    first = enrich(df)
    pd.testing.assert_frame_equal(enrich(df, max_credits=0), first)
    with pytest.warns(pronto.MaxCreditsWarning):
        out = enrich(df, max_credits=0, refresh=True)
    assert statuses(out) == statuses(first)
    assert out[VALUES].equals(first[VALUES])
    assert out["pronto_message"].str.contains("could have exceeded max_credits").all()
    assert server.sandbox.asked.total() == 12


def test_old_answers_are_collected_and_are_within_no_limit(serve: Serve) -> None:
    """An answer older than ``max_age_days`` is shown as what it is."""
    server = serve()
    df = people(8)
    first = enrich(df)
    made_older(days=200)
    collected = df.pronto.collect("phone")
    assert statuses(collected) == statuses(first)
    assert collected[VALUES].equals(first[VALUES])
    assert df.pronto.check("phone", limit=3).counts == {"already answered": 5, "ready": 3}
    out = enrich(df, limit=3)
    assert out[VALUES].equals(first[VALUES])
    assert sent(server, df) == [2, 2, 2, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("via", ["sync", "async"])
def test_further_people_of_a_company_are_sent_until_enough_are_found(
    serve: Serve, via: Any
) -> None:
    """In the same run, and nobody beyond."""
    server = serve()
    df = lists(team("a.example", "nnffff"), team("b.example", "fffn"), team("c.example", "nnn"))
    out = enrich(df, per_company=2, via=via)
    assert sent(server, df) == [1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1]
    assert statuses(out)[:6] == ["not_found"] * 2 + ["found"] * 2 + ["skipped"] * 2
    assert statuses(out)[-3:] == ["not_found"] * 3
    words = "Not sent: the limit per_company=2 was reached for this company."
    assert out["pronto_message"][[4, 5, 8, 9]].tolist() == [words] * 4
    again = enrich(df, per_company=2, via=via)
    pd.testing.assert_frame_equal(again, out)
    assert server.sandbox.asked.total() == 9


def test_a_person_is_found_if_one_of_two_types_is_there(serve: Serve) -> None:
    """Then nobody else of the company is sent."""
    server = serve()
    types = ["email", "phone"]
    neither = team("a.example", "n", types)
    email = next(
        pd.DataFrame([row])
        for row in _names("a.example", 0)
        if truth(row, types)["email"] and not truth(row, types)["phones"]
    )
    df = lists(neither, email, team("a.example", "f", types))
    out = enrich(df, types, per_company=1)
    assert sent(server, df) == [1, 1, 0]
    assert statuses(out) == ["not_found", "found", "skipped"]


def test_who_has_one_of_two_types_counts_as_found(serve: Serve) -> None:
    """The other type is requested; nobody takes the place of this person."""
    server = serve()
    df = lists(team("a.example", "nf"))
    df["email"] = ["ana@a.example", None]
    enrich(df, ["email", "phone"], per_company=1)
    assert sent(server, df[["firstname", "lastname", "domain", "linkedin_url"]]) == [1, 0]


def test_who_has_one_of_two_types_comes_first(serve: Serve) -> None:
    """Also if they are further down in the list."""
    server = serve()
    df = lists(team("a.example", "ff"))
    df["email"] = [None, "ana@a.example"]
    enrich(df, ["email", "phone"], per_company=1)
    assert sent(server, df[["firstname", "lastname", "domain", "linkedin_url"]]) == [0, 1]


def test_a_type_that_is_not_sent_says_so(serve: Serve) -> None:
    """The answer to the other type is shown, and "not found" is not said of both."""
    server = serve()
    df = lists(team("a.example", "f", ["email", "phone"]), team("a.example", "n", "email"))
    enrich(df, "email")
    out = enrich(df, ["email", "phone"], limit=0)
    assert statuses(out) == ["found", "skipped"]
    assert out["email"].notna().tolist() == [True, False]
    assert out["pronto_message"].str.contains("Not sent: limit=0 was reached.").all()
    assert df.pronto.check(["email", "phone"], limit=0).counts == {"already answered": 2}
    assert server.sandbox.asked.total() == 2


def test_refused_people_are_replaced(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person whom Pronto does not accept takes no place."""
    server = serve()
    df = team("a.example", "ff")
    check = server.sandbox.check

    def strict(body: Any) -> None:
        if body["firstname"] == df["firstname"][0]:
            raise RefusalError(422, {"message": "This name is not accepted"})
        check(body)

    monkeypatch.setattr(server.sandbox, "check", strict)
    assert statuses(enrich(df, per_company=1)) == ["error", "found"]


def test_who_turns_out_to_be_suppressed_is_replaced(serve: Serve) -> None:
    """An answer that is hidden takes no place, neither now nor when the line runs again."""
    server = serve()
    df = team("a.example", "ff", "email")
    person = {str(name): value for name, value in df.iloc[0].items()}
    found = truth(person, ["email"])["email"]
    for _ in range(2):
        out = enrich(df, "email", per_company=1, suppress=[found])
        assert statuses(out) == ["skipped", "found"]
    assert server.sandbox.asked.total() == 2


def test_a_refresh_that_fails_shows_the_saved_answer(serve: Serve) -> None:
    """The message says that the new one was lost."""
    server = serve()
    df = team("a.example", "fn")
    first = enrich(df)
    server.sandbox.faults, server.sandbox.fault_kinds = 1.0, ("500",)
    with pytest.warns(pronto.UnknownRowsWarning):
        out = enrich(df, refresh=True)
    assert out["phone_1"].equals(first["phone_1"])
    assert statuses(out) == ["found", "unknown"]
    with pytest.warns(pronto.UnknownRowsWarning):
        assert statuses(enrich(df)) == statuses(out)


def test_lost_answers_keep_their_place(serve: Serve) -> None:
    """They may have been charged, and may have been found."""
    server = serve(faults=1.0, fault_kinds=("500",))
    df = team("a.example", "fff")
    with pytest.warns(pronto.UnknownRowsWarning):
        out = enrich(df, per_company=1)
    assert statuses(out) == ["unknown", "skipped", "skipped"]
    server.sandbox.faults = 0.0
    with pytest.warns(pronto.UnknownRowsWarning):
        again = enrich(df, per_company=1)
    assert statuses(again) == statuses(out)
    later = lists(team("a.example", "f", start=50), df)
    with pytest.warns(pronto.UnknownRowsWarning):
        assert statuses(enrich(later, per_company=1)) == ["skipped", *statuses(out)]
    assert server.sandbox.asked.total() == 1


def test_a_limit_counts_who_takes_a_place(serve: Serve) -> None:
    """``limit`` is the most people that are sent, also if some are not found."""
    server = serve()
    df = lists(team("a.example", "nff"), team("b.example", "nf"))
    for _ in range(2):
        out = enrich(df, per_company=1, limit=3)
        assert statuses(out) == ["not_found", "found", "skipped", "not_found", "skipped"]
    assert out["pronto_message"][4] == "Not sent: limit=3 was reached."
    assert server.sandbox.asked.total() == 3


def test_bulk_sends_the_first_of_each_company(serve: Serve) -> None:
    """A job cannot know who is found; the next job sends who takes their place."""
    server = serve()
    df = lists(team("a.example", "nff"), team("b.example", "fff"))
    with pronto.webhook(port=0) as hook:
        job = pronto.bulk_enrich(df, "phone", hook.url, per_company=1, progress=False)
        assert job.wait(20, progress=False)
        assert sent(server, df) == [1, 0, 0, 1, 0, 0]
        out = job.results()
    assert statuses(out)[0] == "not_found"
    assert statuses(out)[3] == "found"
    assert df.pronto.check("phone", per_company=1)["check"].tolist() == [
        "already answered", "ready", "over per_company",
        "already answered", "over per_company", "over per_company",
    ]  # fmt: skip


def test_a_budget_that_ends_the_run_hides_no_answer_of_a_replacement(serve: Serve) -> None:
    """Everybody who was sent has an answer in the DataFrame."""
    server = serve()
    pronto.configure(prices={"phone": 10})
    df = lists(*(team(f"c{number}.example", "nnf") for number in range(200)))
    with pytest.warns(pronto.MaxCreditsWarning):
        out = enrich(df, per_company=1, max_credits=1000)
    answered = out["pronto_status"].isin(["found", "not_found"])
    assert answered.sum() == len(server.sandbox.asked)
    assert (out["pronto_status"] == "found").any()


def test_the_results_of_a_job_send_nobody(serve: Serve) -> None:
    """Fetching an answer is free, and stays so if the person is not found."""
    server = serve()
    df = lists(team("a.example", "nf"), team("b.example", "f"))
    enrich(df.head(1), via="async")
    (name,) = server.sandbox.submitted
    change_ledger(
        "update pronto_entries set state = 'submitted', body = null, enrichment_id = ?", name
    )
    with pronto.webhook(port=0) as hook:
        job = pronto.bulk_enrich(
            df, "phone", hook.url, per_company=1, only=[True, True, False], progress=False
        )
    assert statuses(job.results()) == ["not_found", "skipped", "skipped"]
    assert server.sandbox.asked.total() == 1


def test_a_batch_that_is_refused_brings_no_other(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bulk job sends the first of each company, whatever becomes of them."""
    server = serve()
    bodies: list[Any] = []

    def reject(body: dict[str, Any]) -> None:
        bodies.append(body)
        raise RefusalError(400, {"error": "The batch is not valid"})

    monkeypatch.setattr(server.sandbox, "enqueue", reject)
    df = lists(team("a.example", "fff"), team("b.example", "fff"))
    with pronto.webhook(port=0) as hook, pytest.warns(pronto.RefusedWarning):
        pronto.bulk_enrich(df, "phone", hook.url, per_company=1, progress=False)
    assert len(bodies) == 1


def test_a_run_that_was_interrupted_goes_on_to_the_same_people(serve: Serve) -> None:
    """Nobody is sent twice, and the answers are those of a run without an interrupt."""
    server = serve(latency=0.02)
    df = lists(*(team(f"c{n}.example", "nnff") for n in range(12)))

    def stop(now: pronto.Progress) -> None:
        if now.done >= 9 and now.awaited is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pronto.enrich(df, "phone", per_company=1, progress=stop)
    assert 0 < server.sandbox.asked.total() < 36
    out = enrich(df, per_company=1)
    assert sent(server, df) == [1, 1, 1, 0] * 12
    assert statuses(out) == ["not_found", "not_found", "found", "skipped"] * 12


def test_the_progress_counts_people_who_are_added(serve: Serve) -> None:
    """So that the end is the end."""
    serve()
    seen: list[pronto.Progress] = []
    df = team("a.example", "nnff")
    pronto.enrich(df, "phone", per_company=1, progress=seen.append)
    assert [one.total for one in seen] == [2, 3, 3]
    assert [one.done for one in seen] == [1, 2, 3]


def test_check_says_who_may_be_sent_later(serve: Serve) -> None:
    """The note of the others of a company."""
    serve()
    df = lists(team("a.example", "ff"), team("b.example", "f"))
    check = df.pronto.check("phone", per_company=1)
    assert check["check"].tolist() == ["ready", "over per_company", "ready"]
    assert check["note"].tolist()[1] == "Sent if others of this company are not found."
    assert check["note"].isna().tolist() == [True, False, True]


# The choice itself, without a ledger


def selection(
    rows: Sequence[tuple[str, str | None]], standing: list[int], **chosen: Any
) -> Selection:
    """Return the selection of people given by name and company."""
    df = pd.DataFrame(
        {
            "firstname": [name for name, _ in rows],
            "lastname": ["Lark"] * len(rows),
            "domain": [company and f"{company}.example" for _, company in rows],
            "linkedin_url": [f"linkedin.com/in/{name}-example" for name, _ in rows],
        },
        dtype=object,
    )
    options = Options(types=("phone",), **chosen)
    plan = make(df, options, {"phone": np.zeros(len(df), dtype=np.bool_)})
    return Selection(plan, options, np.array(standing, dtype=np.intp))


def test_who_is_found_comes_first() -> None:
    """Then who waits for an answer, then the others in the order of the rows."""
    rows = [(name, "a") for name in "pqrst"]
    made = selection(rows, [OPEN, NOT_FOUND, OPEN, WAITING, FOUND], per_company=3)
    assert made.why.tolist() == [None, None, "over per_company", None, None]
    assert made.done(4, found=False) == 2
    assert made.done(0, found=False) is None


def test_who_was_found_meanwhile_takes_a_place_without_being_sent() -> None:
    """Somebody beyond the limit of the company may have an answer, or get one."""
    rows = [(name, "a") for name in "pqr"]
    made = selection(rows, [FOUND, FOUND, OPEN], per_company=1)
    assert made.done(0, found=False) is None
    assert made.done(1, found=False) == 2


def test_who_was_not_found_meanwhile_takes_no_place() -> None:
    """Their answer came before they were next."""
    made = selection([(name, "a") for name in "pqr"], [WAITING, WAITING, OPEN], per_company=1)
    assert made.done(1, found=False) is None
    assert made.done(0, found=False) == 2


def test_filled_people_take_places() -> None:
    """They are not sent, and come first."""
    df = lists(team("a.example", "fff").assign(phone_1=pd.Series(["+33639980001"], index=[2])))
    check = df.pronto.check("phone", per_company=2)["check"].tolist()
    assert check == ["ready", "over per_company", "already filled"]


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("pqrstuvw"), st.sampled_from(["x", "y", None])),
        max_size=12,
        unique=True,
    ),
    truth_=st.sets(st.integers(0, 11)),
    most=st.integers(1, 3),
    limit=st.none() | st.integers(0, 6),
    stop=st.integers(0, 12),
)
def test_a_run_in_two_parts_sends_whom_one_run_sends(
    rows: list[tuple[str, str | None]],
    truth_: set[int],
    most: int,
    limit: int | None,
    stop: int,
) -> None:
    """At most ``limit`` people, and of a company only until enough are found."""

    def run(standing: list[int], stop: int) -> list[int]:
        made = selection(rows, standing, per_company=most, limit=limit)
        queue = [n for n, why in enumerate(made.why) if why is None and standing[n] == OPEN]
        order: list[int] = []
        while queue and len(order) < stop:
            order.append(queue.pop(0))
            standing[order[-1]] = FOUND if order[-1] in truth_ else NOT_FOUND
            instead = made.done(order[-1], found=order[-1] in truth_)
            queue += [] if instead is None else [instead]
        return order

    whole = run([OPEN] * len(rows), len(rows))
    standing = [OPEN] * len(rows)
    parts = run(standing, stop) + run(standing, len(rows))
    assert sorted(parts) == sorted(set(parts))
    if limit is None:
        assert sorted(parts) == sorted(whole)
    else:
        assert max(len(whole), len(parts)) <= limit
    assert run(standing, len(rows)) == []
    for company in "xy":
        of = [n for n, (_, c) in enumerate(rows) if c == company]
        assert sum(n in truth_ for n in set(whole) & set(of)) <= most
        if limit is None:
            assert sum(n in truth_ for n in whole if n in of) == min(
                most, sum(n in truth_ for n in of)
            )
