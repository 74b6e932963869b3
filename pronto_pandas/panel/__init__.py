"""``pronto.setup()``: API key, consent, ledger and rate limit, in a panel or in a terminal."""

from __future__ import annotations

from ..notebook.progress_bar import in_notebook


def setup() -> None:
    """Open a settings panel for the API key, consent, the ledger and the rate limit.

    In a terminal, it prompts for the key and prints the other settings.

    The key is never saved in the notebook: the field is cleared as soon as you leave it, and a
    terminal hides what you type. You choose whether to save the key for this session or in the
    system keyring. Costs nothing: "Test key" makes two free requests, and nothing else is sent.
    """
    if in_notebook():
        from .widgets import show

        show()
    else:
        from .terminal import prompt

        prompt()
