"""Of `sandbox`, what its users do not import: made-up people, faults and deliveries."""

from pronto_pandas.sandbox import deliveries, service
from pronto_pandas.sandbox.deliveries import posted
from pronto_pandas.sandbox.faults import FAULTS, draw
from pronto_pandas.sandbox.people import identity, truth
from pronto_pandas.sandbox.validation import RefusalError

__all__ = [
    "FAULTS",
    "RefusalError",
    "deliveries",
    "draw",
    "identity",
    "posted",
    "service",
    "truth",
]
