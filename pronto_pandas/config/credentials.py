"""The API key: where it may come from, in this order, and where the panel keeps it.

`configure`, the environment, what the panel stored (this session, the system keyring), and the
secrets of Google Colab. The keyring is asked in a thread, because it may wait for a person who is
not there; whatever happens to it, a run goes on to the next place.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..errors import ConfigurationError

if TYPE_CHECKING:  # slow to import, and needed when there is a key
    from pydantic import SecretStr

T = TypeVar("T")

KEYRING_NAME: Final = "pronto-pandas"
"""The name in the system keyring; the user name there is the service that the key is for."""

PATIENCE = 15.0
"""Seconds for which the keyring is waited for; it may ask the person to unlock it."""


class Source(StrEnum):
    """Where a key came from, as messages say it."""

    CONFIGURE = "from configure()"
    ENVIRONMENT = "from the environment"
    SESSION = "kept for this session"
    KEYRING = "from the system keyring"
    COLAB = "from Colab's secrets"


@dataclass(frozen=True)
class Found:
    """A key, not checked yet.

    Parameters
    ----------
    key : SecretStr
        As it stands there.
    source : Source
        Where.
    where : str
        The same for messages; of the environment it names the variable.
    """

    key: SecretStr
    source: Source
    where: str


def find(
    given: SecretStr | None,
    kept: SecretStr | None,
    names: Sequence[str],
    variables: Sequence[str],
) -> Found | None:
    """Return the key of a service from the first place that has one; later places are not read.

    Parameters
    ----------
    given : SecretStr, optional
        What `configure` was given for this service.
    kept : SecretStr, optional
        What the panel keeps for this session.
    names : sequence of str
        What the keyring may have the key under.
    variables : sequence of str
        The environment variables, and secrets in Colab, that hold keys for this service.
    """
    if given is not None:
        return Found(given, Source.CONFIGURE, Source.CONFIGURE)
    for variable in variables:
        key = _secret(os.environ.get(variable))
        if key is not None:
            return Found(key, Source.ENVIRONMENT, f"from {variable}")
    places: dict[Source, Callable[[], SecretStr | None]] = {
        Source.SESSION: lambda: kept,
        Source.KEYRING: lambda: stored(names),
        Source.COLAB: lambda: of_colab(variables),
    }
    for source, read in places.items():
        key = read()
        if key is not None:
            return Found(key, source, source)
    return None


def _secret(value: str | SecretStr | None) -> SecretStr | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    from pydantic import SecretStr

    return SecretStr(value) if isinstance(value, str) else value


def stored(names: Sequence[str]) -> SecretStr | None:
    """Return the first key that the system keyring has under one of these names.

    None also where the keyring cannot be read.
    """
    try:
        held = _asked(lambda keyring: next(_held(keyring, names), None))
    except ConfigurationError:
        return None
    return None if held is None else held[1]


def _held(keyring: Any, names: Sequence[str]) -> Iterator[tuple[str, SecretStr]]:
    """Return the names under which the keyring has a key, with the keys."""
    for name in names:
        key = _secret(keyring.get_password(KEYRING_NAME, name))
        if key is not None:
            yield name, key


def store(key: SecretStr, name: str) -> None:
    """Keep a key in the system keyring, under the name of its service.

    Raises
    ------
    ConfigurationError
        Where it does not take it; its words hold no key.
    """
    value = key.get_secret_value
    # The person has just asked for it and may be asked to unlock it.
    _asked(lambda keyring: keyring.set_password(KEYRING_NAME, name, value()), 4 * PATIENCE)


def forget(names: Sequence[str]) -> bool:
    """Delete the keys under these names from the system keyring; return whether there was one.

    Raises
    ------
    ConfigurationError
        Where there was one, and it cannot be deleted.
    """
    if stored(names) is None:
        return False

    def delete(keyring: Any) -> None:
        for name, _ in list(_held(keyring, names)):
            keyring.delete_password(KEYRING_NAME, name)

    _asked(delete, 4 * PATIENCE)
    return True


def keyring_name() -> str | None:
    """Return what the system keyring of this machine calls itself; None where there is none."""
    try:
        return _asked(lambda keyring: str(keyring.name))
    except ConfigurationError:
        return None


def _asked(work: Callable[[Any], T], patience: float | None = None) -> T:
    """Do something with the keyring in a thread, where also its import may hang.

    Raises
    ------
    ConfigurationError
        Where there is no keyring, it fails, or does not answer in time.
    """
    seconds = PATIENCE if patience is None else patience
    answers: queue.SimpleQueue[tuple[T | None, str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            keyring = _backend()
            if keyring is None:
                answers.put((None, "is not there: this machine has none that can be trusted"))
            else:
                answers.put((work(keyring), ""))
        except BaseException as error:  # noqa: BLE001  it is another program's; only its name is said
            answers.put((None, f"failed ({type(error).__name__})"))

    threading.Thread(target=ask, name="pronto-keyring", daemon=True).start()
    try:
        answer, trouble = answers.get(timeout=seconds)
    except queue.Empty:
        answer, trouble = None, f"did not answer within {seconds:g} s; it may be locked"
    if trouble:
        raise ConfigurationError(f"The system keyring {trouble}.")
    return answer  # type: ignore[return-value]  # without trouble it is what work returned


def _backend() -> Any:
    """Return the keyring to use; None for those that keep nothing, or keep it readable in a file.

    The latter have a priority below 1 by keyring's own rule, also where a chain of several holds
    them.
    """
    import keyring
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    backends = chosen.backends if isinstance(chosen, ChainerBackend) else [chosen]
    return next((backend for backend in backends if backend.priority >= 1), None)


def in_colab() -> bool:
    """Say whether this is the kernel of a notebook in Google Colab."""
    return "google.colab" in sys.modules


def of_colab(variables: Sequence[str]) -> SecretStr | None:
    """Return the first of these secrets in Colab; None where there is none or no access to it.

    Colab answers the main thread of its kernel alone.
    """
    if not in_colab() or threading.current_thread() is not threading.main_thread():
        return None
    return next(filter(None, map(_colab_secret, variables)), None)


def _colab_secret(variable: str) -> SecretStr | None:
    try:
        from google.colab import userdata

        return _secret(userdata.get(variable))
    except Exception:  # noqa: BLE001  no secret, no access, no page: there is none
        return None
