"""``pronto.setup()`` in a terminal: prompts for the key and prints the other settings."""

from __future__ import annotations

import getpass
import sys

from ..config import credentials, validation
from ..errors import ConfigurationError
from . import actions
from .actions import Place


def prompt() -> None:
    """Print the settings; in an interactive terminal, prompt for the key."""
    _print(actions.key_state(), actions.places())
    if sys.stdin is not None and sys.stdin.isatty():
        try:
            _prompt_for_key()
        except EOFError:
            _print("Setup ended. Settings made so far are kept.")
    else:
        _print("To enter a key, call pronto.setup() in a notebook or an interactive terminal.")
    _print(
        actions.consent_state(
            'with pronto.configure(personal_email_consent="what you use them for")'
        ),
        actions.ledger_state(),
        "pronto.ledger.purge(0) deletes all saved answers. If you look up the same people again, "
        "you will be charged again.",
        actions.rate_state(),
        f"Change it with pronto.configure(rate=…), at most {actions.MAX_RATE}.",
        actions.PRIVACY,
    )


def _prompt_for_key() -> None:
    typed = getpass.getpass("API key (hidden; press Enter to skip): ").strip()
    if not typed:
        return
    try:
        key = validation.key(typed, "The key")
    except ConfigurationError as error:
        _print(actions.Result(str(error), False))
        return
    finally:
        del typed
    if _yes("Test the key with two free requests? [y/n] "):
        result = actions.check_key(key)
        _print(result)
        if not result.ok and not _yes("Save it anyway? [y/n] "):
            return
    place: Place = "session"
    if credentials.keyring_name() is not None and _yes(
        "Save the key in the system keyring for later sessions? (n: this session only) [y/n] "
    ):
        place = "keyring"
    _print(actions.save_key(key, place))


def _yes(question: str) -> bool:
    return input(question).strip().lower().startswith("y")


def _print(*lines: object) -> None:
    for line in lines:
        print(line)
