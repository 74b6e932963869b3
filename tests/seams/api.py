"""Of `api`: answers, contacts, services, and the client that speaks HTTP."""

from pronto_pandas.api import connection, services, spec
from pronto_pandas.api.answer import Answer, names_differ, parse
from pronto_pandas.api.client import Client, read_response
from pronto_pandas.api.contact import Contact, same
from pronto_pandas.api.services import PIPECORN, PRONTO, SERVICES, find, ledger_name
from pronto_pandas.api.spec import MOST_PHONES, PRICES, TYPES, EnrichmentType
from pronto_pandas.api.status import failure, retry_after

__all__ = [
    "MOST_PHONES",
    "PIPECORN",
    "PRICES",
    "PRONTO",
    "SERVICES",
    "TYPES",
    "Answer",
    "Client",
    "Contact",
    "EnrichmentType",
    "connection",
    "failure",
    "find",
    "ledger_name",
    "names_differ",
    "parse",
    "read_response",
    "retry_after",
    "same",
    "services",
    "spec",
]
