"""Of `panel`: the panel, and its actions in a terminal and on Colab."""

from pronto_pandas.panel import actions, colab, terminal
from pronto_pandas.panel.widgets import Panel

__all__ = [
    "Panel",
    "actions",
    "colab",
    "terminal",
]
