"""Of the modules beside the packages: the command line, the look-up, prices and more."""

import importlib

from pronto_pandas import account, errors, local_server
from pronto_pandas.__main__ import main
from pronto_pandas.accessor import Pronto
from pronto_pandas.account import balance, balance_in
from pronto_pandas.arrays import Objects
from pronto_pandas.costs import Costs, Observed
from pronto_pandas.enrich import prepare
from pronto_pandas.local_server import LocalServer
from pronto_pandas.lookup import Lookup, look_up, open_ledger, renewal_of
from pronto_pandas.prices import Prices

estimates = importlib.import_module("pronto_pandas.estimate")  # its function has the same name

__all__ = [
    "Costs",
    "LocalServer",
    "Lookup",
    "Objects",
    "Observed",
    "Prices",
    "Pronto",
    "account",
    "balance",
    "balance_in",
    "errors",
    "estimates",
    "local_server",
    "look_up",
    "main",
    "open_ledger",
    "prepare",
    "renewal_of",
]
