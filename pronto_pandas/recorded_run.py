"""The records of a run in the ledger: its history, its balances, and what it may spend."""

# Why: docs/decisions/043-bill.md

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from .bill import Bill, Price
from .errors import LedgerError
from .preview import Preview
from .storage import budgets
from .storage.lease import RunRecord
from .storage.spending import Beginning, End, amend_run, begin_run, end_run, observed

if TYPE_CHECKING:  # imported when something is sent
    from .sending.request import Request
    from .storage.database import Transaction
    from .storage.store import Ledger


class RecordedRun:
    """Records one run for its bill.

    Parameters
    ----------
    bill : Bill
        Gets the budget and what the ledger has seen of the account.
    preview : Preview
        The list.
    requests : sequence of Request
        The requests of the run.
    ledger : Ledger
        The ledger.
    """

    def __init__(
        self, bill: Bill, preview: Preview, requests: Sequence[Request], ledger: Ledger
    ) -> None:
        self._bill, self._preview, self._requests = bill, preview, requests
        self._ledger, self._settings = ledger, preview.settings
        self.record: RunRecord

    def identify(self, account: str) -> None:
        """Set the account's name; all runs of a call have one record."""
        self.record = self._bill.record = self._bill.record or RunRecord(account)

    def look_up(self) -> None:
        """Read what the price line needs: the budget, and what has been seen of the account."""
        account, prices = self.record.account, self._settings.prices
        with self._ledger.read() as t:
            self._bill.observed = observed(t, account, prices)
            self._bill.remaining = budgets.remaining(t, account, self._settings.budget, prices)

    def date(self) -> float | None:
        """Return the ledger's date; None if it cannot be read now."""
        with suppress(LedgerError):
            return self._ledger.date()
        return None

    def begin(self, t: Transaction, _again: bool) -> float:
        """Record the beginning; return the credits that the run may spend."""
        begin_run(t, self.record, self._beginning)
        bill, limit, prices = self._bill, self._preview.options.most_credits, self._settings.prices
        if bill.observed is None:
            bill.observed = observed(t, self.record.account, prices)
        # Others may be sent in place of people who are not found.
        follow = {str(t): self._preview.lookup.may_follow for t in bill.options.types}
        wanted = min(limit, Price.of(self._requests, bill.costs).most + bill.costs.most(follow))
        most, rest = budgets.reserve(t, self.record, self._settings.budget, wanted, prices)
        bill.remaining = rest
        if rest is None:
            return limit
        if rest.left < limit:
            bill.limited_by = "budget"
        return most

    @property
    def _beginning(self) -> Beginning:
        """What is known of the call before its first request."""
        bill, options = self._bill, self._bill.options
        tally = bill.tally
        return Beginning(
            self._settings.service, options.types, options.endpoint, tally.rows, tally.to_send,
            tally.rows_saved, bill.saved[0], bill.before, bill.began,
        )  # fmt: skip

    def end(self, why: str, at: float | None) -> None:
        """Record the end, once: the ledger may be locked, and what matters is stored already."""
        bill = self._bill
        people = bill.tally.people
        end = End(why, people["found"], people["not_found"], people["unknown"], bill.after, at)
        with suppress(LedgerError), self._ledger.write() as t:
            amend_run(t, self.record, self._beginning)
            end_run(t, self.record, end)
            budgets.release(t, self.record)
            if bill.remaining is not None:
                bill.remaining = budgets.remaining(
                    t, self.record.account, self._settings.budget, self._settings.prices
                )
            since = t.date if bill.began is None else bill.began
            bill.shared = bill.shared or budgets.shared(t, self.record, since)
