"""What is different on Google Colab: its secrets, and a disk that ends with the runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..config import credentials
from ..config.settings import configure, current
from ..config.validation import key as checked
from ..errors import ConfigurationError, LedgerError
from ..lookup import open_ledger
from . import actions
from .actions import Said

DRIVE: Final = Path("/content/drive")
"""Where Drive is mounted."""

_FILE: Final = Path("MyDrive") / "pronto-pandas" / "ledger.sqlite3"

here = credentials.in_colab


def on_drive() -> bool:
    """Say whether the ledger is on Drive."""
    place = current().ledger_place
    return place is not None and Path(place).is_relative_to(DRIVE)


def warning() -> str:
    """Say what becomes of the ledger when the runtime ends."""
    if on_drive():
        return "The ledger is on your Drive and outlives this runtime."
    place = current().ledger_place or ""
    if "://" in place:
        return "The ledger is a database elsewhere and outlives this runtime."
    return (
        "This runtime's disk is deleted when Colab ends it, and the ledger with it: what was "
        "answered would be asked, and paid for, again. Put the ledger on your Drive."
    )


def take_secret() -> Said:
    """Keep Colab's secret for this session."""
    variables = current().key_variables
    if not variables:
        return Said(f"No secret of Colab's is for {current().target}. Type its key above.", False)
    secret = " or ".join(variables)
    key = credentials.of_colab(variables)
    if key is None:
        return Said(
            f"Colab gives no secret {secret} to this notebook. Open the panel of "
            "secrets (the key symbol at the left), add one of this name, switch on the notebook's "
            "access, and click again.",
            False,
        )
    try:
        key = checked(key.get_secret_value(), f"Colab's secret {secret}")
    except ConfigurationError as error:
        return Said(str(error), False)
    return actions.keep(key, "session")


def ledger_to_drive() -> Said:
    """Mount Drive, and keep the ledger there; what the present one holds goes along."""
    before = current().ledger_place
    if before is not None and "://" in before:
        return Said("The ledger is a database elsewhere; it stays there.", False)
    trouble = _mounted()
    if trouble:
        return Said(trouble, False)
    target = DRIVE / _FILE
    try:
        if before is not None and Path(before).expanduser() != target:
            from ..storage.merge import carry_over

            carry_over(Path(before).expanduser(), target)
        with configure(ledger=target):
            open_ledger(current())
    except LedgerError as error:
        return Said(f"{error} The ledger stays where it was.", False)
    configure(ledger=target)
    return Said(
        f"The ledger is at {target} from now on, with all that it held. In a later session click "
        "this again before the first run. Use it from one runtime at a time."
    )


def _mounted() -> str:
    """Mount Drive; return what went wrong, if anything."""
    try:
        from google.colab import drive

        drive.mount(str(DRIVE))
    except Exception as error:  # noqa: BLE001  it is Colab's; only its name is said
        return (
            f"Drive was not mounted ({type(error).__name__}). Click again and allow the access; "
            "the ledger stays where it was."
        )
    if not (DRIVE / "MyDrive").is_dir():
        return f"Drive is mounted, but {DRIVE / 'MyDrive'} is missing; the ledger stays."
    return ""
