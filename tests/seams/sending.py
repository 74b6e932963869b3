"""Of `sending`: the dispatcher, its budget, and the rate limits."""

from pronto_pandas.sending import rate_limit, rate_limit_file, retry
from pronto_pandas.sending.admission import Admission
from pronto_pandas.sending.budget import Budget
from pronto_pandas.sending.cancellation import Cancellation
from pronto_pandas.sending.concurrency import LEAST, ConcurrencyLimit
from pronto_pandas.sending.context import Context, Timing
from pronto_pandas.sending.dispatcher import Dispatcher
from pronto_pandas.sending.found_rate import FoundRate
from pronto_pandas.sending.modes import MODES, Mode
from pronto_pandas.sending.polling import LATEST, REFUSED_AT_MOST, SOONEST, PollSchedule
from pronto_pandas.sending.rate_limit import (
    Gcra,
    RateLimit,
    backoff,
    in_flight_at_most,
    rate_limit_for,
)
from pronto_pandas.sending.rate_limit_file import Shared, SharedFile
from pronto_pandas.sending.rate_limit_leases import Lease, LeasedStarts, interval_for
from pronto_pandas.sending.rate_limit_table import RateLimitTable, account
from pronto_pandas.sending.recorder import Recorder
from pronto_pandas.sending.request import Batch, Outcome, Request, keys_of, wanted_by
from pronto_pandas.sending.reserve import Reserve
from pronto_pandas.sending.retry import BUSY_ATTEMPTS, LOSSES_IN_A_ROW

__all__ = [
    "BUSY_ATTEMPTS",
    "LATEST",
    "LEAST",
    "LOSSES_IN_A_ROW",
    "MODES",
    "REFUSED_AT_MOST",
    "SOONEST",
    "Admission",
    "Batch",
    "Budget",
    "Cancellation",
    "ConcurrencyLimit",
    "Context",
    "Dispatcher",
    "FoundRate",
    "Gcra",
    "Lease",
    "LeasedStarts",
    "Mode",
    "Outcome",
    "PollSchedule",
    "RateLimit",
    "RateLimitTable",
    "Recorder",
    "Request",
    "Reserve",
    "Shared",
    "SharedFile",
    "Timing",
    "account",
    "backoff",
    "in_flight_at_most",
    "interval_for",
    "keys_of",
    "rate_limit",
    "rate_limit_file",
    "rate_limit_for",
    "retry",
    "wanted_by",
]
