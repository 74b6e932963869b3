"""A ledger that is added to another one: of two entries for the same, the better one stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from pronto_pandas import LedgerError

from .seams.bulk import _token
from .seams.storage import Entry, Ledger, Renewal, Wanted, carry_over, connect, new_run

KEY = ("a", "email")
WANTED = [Wanted("email", ("a",))]


def ledger_in(path: Path, state: str, body: str) -> Ledger:
    """Return a ledger with one entry, in a state in which a run may have left it."""
    ledger, run = connect(str(path), "x"), new_run()
    with ledger.write() as t:
        if state in {"answered", "refreshed"}:
            ledger.answer(t, {KEY: body})
        if state == "answered":
            return ledger
        ledger.claim(t, WANTED, run, Renewal(answered_before=t.date + 1))
        if state not in {"claimed", "refreshed"}:
            assert ledger.send(t, [KEY], run)
        if state == "unknown":
            ledger.lose(t, [KEY], run)
        if state == "submitted":
            ledger.submit(t, [KEY], run, "name")
        if state == "enqueued":
            ledger.enqueue(t, [KEY], run, "name")
        ledger.end(t, run)
    return ledger


def merged(tmp_path: Path, source: str, target: str) -> Entry | None:
    """Return the entry after a ledger was added to one that is older, or newer."""
    ledger_in(tmp_path / "source", source, '{"email": "source@a.example"}')
    ledger = ledger_in(tmp_path / "target", target, '{"email": "target@a.example"}')
    carry_over(tmp_path / "source", tmp_path / "target")
    return ledger.find(WANTED).get(KEY)


ORDER = ["answered", "submitted", "enqueued", "unknown", "sent", "claimed"]


@pytest.mark.parametrize("source", ORDER)
@pytest.mark.parametrize("target", ORDER)
def test_the_better_of_two_entries_stays(tmp_path: Path, source: str, target: str) -> None:
    """What is known is worth more than what is not, and both more than a claim."""
    better = min(source, target, key=ORDER.index)
    entry = merged(tmp_path, source, target)
    if better == "claimed":
        assert entry is None
    else:
        assert entry is not None
        assert entry.state == {"sent": "unknown"}.get(better, better)


def test_an_answer_that_was_about_to_be_asked_for_again_counts_as_one(tmp_path: Path) -> None:
    """And is later than the other."""
    entry = merged(tmp_path, "answered", "refreshed")
    assert entry is not None
    assert entry.body == '{"email": "target@a.example"}'


def test_the_address_of_the_webhook_comes_along(tmp_path: Path) -> None:
    """What is on its way to it finds the ledger that has its entries now."""
    source, target = (connect(str(tmp_path / name), "x") for name in ("source", "target"))
    token = _token(source, "a")
    carry_over(tmp_path / "source", tmp_path / "target")
    assert _token(target, "b") == token


def test_a_copy_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """It would hold people's data, in a file that nobody looks after."""
    (tmp_path / "source").write_bytes(b"no database" * 1_000)
    with pytest.raises(LedgerError):
        carry_over(tmp_path / "source", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
