"""Work emails and phone numbers for a DataFrame of people.

Importing this package registers ``df.pronto`` and does nothing else.

>>> import pandas as pd, pronto_pandas as pronto
>>> pronto.configure(base_url="sandbox")  # or api_key="…"
pronto: sandbox with made-up data; it costs nothing
>>> leads = pd.read_csv("leads.csv")  # doctest: +SKIP
>>> out = leads.pronto.enrich(type=["email", "phone"])  # doctest: +SKIP
"""

from . import accessor as _accessor  # noqa: F401  registers df.pronto
from . import ledger
from .bulk.enrich import bulk_enrich
from .bulk.job import BulkJob, Loaded, job, jobs
from .bulk.webhook import Webhook, webhook
from .check import Check, check, clean
from .config.settings import configure
from .enrich import aenrich, collect, enrich
from .enrich_file import enrich_file
from .errors import (
    AnswerLostError,
    AuthenticationError,
    ColumnsError,
    ConfigurationError,
    ConnectionFailedError,
    ConsentRequiredError,
    CreditsExhaustedError,
    CreditsExhaustedWarning,
    FateUnknownError,
    LedgerError,
    LedgerWarning,
    LowFoundRateWarning,
    MaxCreditsWarning,
    MissingKeyError,
    NotConfirmedError,
    NotWorkedOnError,
    PhoneWithoutLinkedInWarning,
    ProntoError,
    ProntoWarning,
    RateLimitedError,
    RefusedError,
    RefusedWarning,
    ResultError,
    ServerFailedError,
    ServiceBusyError,
    ServiceError,
    ServiceUnreachableWarning,
    UnknownRowsWarning,
    UnreadableAnswerError,
)
from .estimate import Estimate, estimate
from .notebook.progress import Progress
from .panel import setup
from .report import Report, report
from .samples import sample
from .statement import Runs, Statement, balance, runs, statement
from .tables.read import read

__version__ = "0.1.0"

__all__ = [
    "AnswerLostError",
    "AuthenticationError",
    "BulkJob",
    "Check",
    "ColumnsError",
    "ConfigurationError",
    "ConnectionFailedError",
    "ConsentRequiredError",
    "CreditsExhaustedError",
    "CreditsExhaustedWarning",
    "Estimate",
    "FateUnknownError",
    "LedgerError",
    "LedgerWarning",
    "Loaded",
    "LowFoundRateWarning",
    "MaxCreditsWarning",
    "MissingKeyError",
    "NotConfirmedError",
    "NotWorkedOnError",
    "PhoneWithoutLinkedInWarning",
    "Progress",
    "ProntoError",
    "ProntoWarning",
    "RateLimitedError",
    "RefusedError",
    "RefusedWarning",
    "Report",
    "ResultError",
    "Runs",
    "ServerFailedError",
    "ServiceBusyError",
    "ServiceError",
    "ServiceUnreachableWarning",
    "Statement",
    "UnknownRowsWarning",
    "UnreadableAnswerError",
    "Webhook",
    "aenrich",
    "balance",
    "bulk_enrich",
    "check",
    "clean",
    "collect",
    "configure",
    "enrich",
    "enrich_file",
    "estimate",
    "job",
    "jobs",
    "ledger",
    "read",
    "report",
    "runs",
    "sample",
    "setup",
    "statement",
    "webhook",
]
