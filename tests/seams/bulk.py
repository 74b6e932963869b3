"""Of `bulk`: batches, jobs and what the webhook receives."""

from pronto_pandas.bulk import batches, deliveries
from pronto_pandas.bulk.batches import (
    AT_ONCE,
    CLAIM_AHEAD,
    BulkCall,
    JobNotes,
    put_together,
    sizes,
    webhook_mode,
)
from pronto_pandas.bulk.job_store import JobRow, add_batch
from pronto_pandas.bulk.payload import TAG, Payload, parse, tag
from pronto_pandas.bulk.webhook import _token
from pronto_pandas.bulk.webhook_app import LARGEST

__all__ = [
    "AT_ONCE",
    "CLAIM_AHEAD",
    "LARGEST",
    "TAG",
    "BulkCall",
    "JobNotes",
    "JobRow",
    "Payload",
    "_token",
    "add_batch",
    "batches",
    "deliveries",
    "parse",
    "put_together",
    "sizes",
    "tag",
    "webhook_mode",
]
