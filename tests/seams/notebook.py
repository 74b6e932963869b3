"""Of `notebook`: the bar, the event loop and signals."""

from pronto_pandas import notebook
from pronto_pandas.notebook import event_loop, signals
from pronto_pandas.notebook.progress import Watcher
from pronto_pandas.notebook.progress_bar import (
    REDRAW,
    SILENT,
    Notebook,
    Terminal,
    watching,
    words,
)

__all__ = [
    "REDRAW",
    "SILENT",
    "Notebook",
    "Terminal",
    "Watcher",
    "event_loop",
    "notebook",
    "signals",
    "watching",
    "words",
]
