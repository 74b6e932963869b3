"""Of `frame`: columns, the plan and the results."""

from pronto_pandas.frame import columns, headers
from pronto_pandas.frame.headers import OWN
from pronto_pandas.frame.options import Endpoint, Options
from pronto_pandas.frame.people import people
from pronto_pandas.frame.plan import NEEDS, Plan, make
from pronto_pandas.frame.results import already_filled, assemble, text_dtype
from pronto_pandas.frame.selection import FOUND, HELD, NOT_FOUND, OPEN, WAITING, Selection

__all__ = [
    "FOUND",
    "HELD",
    "NEEDS",
    "NOT_FOUND",
    "OPEN",
    "OWN",
    "WAITING",
    "Endpoint",
    "Options",
    "Plan",
    "Selection",
    "already_filled",
    "assemble",
    "columns",
    "headers",
    "make",
    "people",
    "text_dtype",
]
