"""``pronto.setup()``: the key, consent, the ledger and the pace, in a panel or by a prompt."""

from __future__ import annotations

from ..notebook.progress_bar import in_notebook


def setup() -> None:
    """Show a panel to set the API key, consent, the ledger and the pace; in a terminal, ask.

    The key is typed into a field that forgets it at once, or asked for unseen, so it is in no
    notebook file. It is kept for this session or in the system keyring, as you choose. Costs
    nothing; "Test" makes two requests, which are free, and nothing else is sent.
    """
    if in_notebook():
        from .widgets import show

        show()
    else:
        from .terminal import ask

        ask()
