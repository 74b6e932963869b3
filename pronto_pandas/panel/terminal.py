"""The panel's questions and words in a terminal, where there are no widgets."""

from __future__ import annotations

import getpass
import sys

from ..config import credentials, validation
from ..errors import ConfigurationError
from . import actions
from .actions import Place


def ask() -> None:
    """Say how things stand; where somebody sits at the keyboard, ask for the key."""
    _tell(actions.key_state(), actions.places())
    if sys.stdin is not None and sys.stdin.isatty():
        try:
            _ask_for_key()
        except EOFError:
            _tell("Nothing more is asked; what was said stays.")
    else:
        _tell("Nobody can be asked here: call pronto.setup() in a notebook or a terminal.")
    _tell(
        actions.consent_state(),
        actions.ledger_state(),
        "pronto.ledger.purge(0) deletes all of it; asking again is paid for again.",
        actions.pace_state(),
        f"pronto.configure(rate=…) changes that, up to {actions.FASTEST}.",
        actions.PRIVACY.replace("ledger below", "ledger"),
    )


def _ask_for_key() -> None:
    typed = getpass.getpass("API key (it is not shown; Enter changes nothing): ").strip()
    if not typed:
        return
    try:
        key = validation.key(typed, "The key")
    except ConfigurationError as error:
        _tell(actions.Said(str(error), False))
        return
    finally:
        del typed
    if _yes("Test it? Two requests, which are free. [y/n] "):
        said = actions.try_key(key)
        _tell(said)
        if not said.good and not _yes("Keep it all the same? [y/n] "):
            return
    place: Place = "session"
    if credentials.keyring_name() is not None and _yes(
        "Keep it in the system keyring, for later sessions too? n keeps it for this one. [y/n] "
    ):
        place = "keyring"
    _tell(actions.keep(key, place))


def _yes(question: str) -> bool:
    return input(question).strip().lower().startswith("y")


def _tell(*words: object) -> None:
    for line in words:
        print(line)
