"""Of `tables`: the dialect of a CSV file, and what is saved."""

from pronto_pandas.tables import csv_dialect, escaping, excel, write
from pronto_pandas.tables.csv_dialect import Dialect, detect

__all__ = [
    "Dialect",
    "csv_dialect",
    "detect",
    "escaping",
    "excel",
    "write",
]
