"""Google Colab: its secrets, and a disk that is deleted with the runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..config import credentials
from ..config.settings import configure, current
from ..config.validation import key as checked
from ..errors import ConfigurationError, LedgerError
from ..lookup import open_ledger
from ..storage.database import file_of, is_on_server
from . import actions
from .actions import Result

DRIVE: Final = Path("/content/drive")
"""Where Google Drive is mounted."""

_FILE: Final = Path("MyDrive") / "pronto-pandas" / "ledger.sqlite3"

here = credentials.in_colab


def _ledger_file() -> Path | None:
    """Return the file of the ledger; None if it is in memory or in an external database."""
    place = current().ledger_place
    file = None if place is None or is_on_server(place) else file_of(place)
    return None if file is None else Path(file).expanduser()


def _is_external() -> bool:
    place = current().ledger_place
    return place is not None and is_on_server(place)


def ledger_warning() -> str:
    """Return what happens to the ledger when the runtime ends."""
    if _is_external():
        return "The ledger is in an external database and is kept after this runtime ends."
    try:
        file = _ledger_file()
    except LedgerError:
        return ""  # the state of the ledger shows the error
    if file is not None and file.is_relative_to(DRIVE):
        return "The ledger is on your Google Drive and is kept after this runtime ends."
    return (
        "When this Colab runtime ends, its disk and the ledger are deleted, and you would pay for "
        "the same answers again. Move the ledger to your Google Drive."
    )


def use_secret() -> Result:
    """Save the Colab secret for this session."""
    variables = current().key_variables
    if not variables:
        return Result(
            f"There is no Colab secret for {current().target}. Enter its API key above.", False
        )
    secret = " or ".join(variables)
    key = credentials.colab_secret(variables)
    if key is None:
        return Result(
            f"No Colab secret named {secret} is available. Open Secrets (the key icon on the "
            f"left), add {secret}, turn on notebook access, and click again.",
            False,
        )
    try:
        key = checked(key.get_secret_value(), f"The Colab secret {secret}")
    except ConfigurationError as error:
        return Result(str(error), False)
    return actions.save_key(key, "session")


def move_ledger_to_drive() -> Result:
    """Mount Google Drive and move the ledger there, with all its entries."""
    if _is_external():
        return Result("The ledger is in an external database. It was not moved.", False)
    problem = _mount()
    if problem:
        return Result(f"{problem} The ledger was not moved.", False)
    target = DRIVE / _FILE
    try:
        before = _ledger_file()
        if before is not None and before != target:
            from ..storage.merge import carry_over

            carry_over(before, target)
        with configure(ledger=target):
            open_ledger(current())
    except LedgerError as error:
        return Result(f"{error} The ledger was not moved.", False)
    configure(ledger=target)
    return Result(
        f"The ledger is now at {target}, including its previous entries. In each new session, "
        "click this button before your first run. Use the ledger from only one runtime at a time."
    )


def _mount() -> str:
    """Mount Google Drive; return what went wrong, if anything."""
    try:
        from google.colab import drive

        drive.mount(str(DRIVE))
    except Exception as error:  # noqa: BLE001  of Colab; the text may contain anything
        return (
            f"Google Drive was not mounted ({type(error).__name__}). Click again and allow access."
        )
    if not (DRIVE / "MyDrive").is_dir():
        return f"Google Drive is mounted, but {DRIVE / 'MyDrive'} is missing."
    return ""
