"""Of `storage`: the ledger, its leases, its writer and its schema."""

from pronto_pandas.storage import (
    accounting,
    budgets,
    charges,
    database,
    lease,
    schema,
    spending,
    statements,
    store,
    writer,
)
from pronto_pandas.storage.database import Database, LedgerBusyError, Transaction
from pronto_pandas.storage.entry import Entry, Key, Renewal, Wanted
from pronto_pandas.storage.history import Count, PastRun
from pronto_pandas.storage.learned_prices import PriceHistory
from pronto_pandas.storage.lease import LEASE, Run, RunRecord, new_run, process_gone
from pronto_pandas.storage.merge import carry_over
from pronto_pandas.storage.store import Claims, Ledger, connect
from pronto_pandas.storage.writer import Commits, Operation, Writer, set_results

__all__ = [
    "LEASE",
    "Claims",
    "Commits",
    "Count",
    "Database",
    "Entry",
    "Key",
    "Ledger",
    "LedgerBusyError",
    "Operation",
    "PastRun",
    "PriceHistory",
    "Renewal",
    "Run",
    "RunRecord",
    "Transaction",
    "Wanted",
    "Writer",
    "accounting",
    "budgets",
    "carry_over",
    "charges",
    "connect",
    "database",
    "lease",
    "new_run",
    "process_gone",
    "schema",
    "set_results",
    "spending",
    "statements",
    "store",
    "writer",
]
