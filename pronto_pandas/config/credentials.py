"""The API key: where it is read from, and where `pronto_pandas.setup` saves it.

The order is: `configure`, the environment, the session, the system keyring, Colab's secrets. The
keyring may wait for somebody to unlock it, so it is read in a thread. If it fails or takes too
long, the next place is tried.
"""

# Why: docs/decisions/028-api-key.md

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

KEYRING_SERVICE: Final = "pronto-pandas"
"""The service name in the system keyring. The user name is the service that the key is for."""

KEYRING_TIMEOUT = 15.0
"""Seconds to wait for the keyring, which may ask the user to unlock it."""


class Source(StrEnum):
    """The source of a key, as messages name it."""

    CONFIGURE = "from configure()"
    ENVIRONMENT = "from the environment"
    SESSION = "saved for this session"
    KEYRING = "from the system keyring"
    COLAB = "from the Colab secret"


@dataclass(frozen=True)
class FoundKey:
    """A key that was found, not validated yet."""

    key: SecretStr
    source: Source
    where: str
    """The source as messages name it, with the environment variable."""


def find(
    configured: SecretStr | None,
    of_session: SecretStr | None,
    names: Sequence[str],
    variables: Sequence[str],
) -> FoundKey | None:
    """Return a service's key from the first place that has one. Later places are not read.

    Parameters
    ----------
    configured : SecretStr, optional
        The key that was passed to `configure`.
    of_session : SecretStr, optional
        The key saved for this session by the setup panel.
    names : sequence of str
        User names in the keyring to try.
    variables : sequence of str
        Environment variables and Colab secrets to try.
    """
    if configured is not None:
        return FoundKey(configured, Source.CONFIGURE, Source.CONFIGURE)
    for variable in variables:
        key = _secret(os.environ.get(variable))
        if key is not None:
            return FoundKey(key, Source.ENVIRONMENT, f"from {variable}")
    places: dict[Source, Callable[[], SecretStr | None]] = {
        Source.SESSION: lambda: of_session,
        Source.KEYRING: lambda: stored_key(names),
        Source.COLAB: lambda: colab_secret(variables),
    }
    for source, read in places.items():
        key = read()
        if key is not None:
            return FoundKey(key, source, source)
    return None


def _secret(value: str | SecretStr | None) -> SecretStr | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    from pydantic import SecretStr

    return SecretStr(value) if isinstance(value, str) else value


def stored_key(names: Sequence[str]) -> SecretStr | None:
    """Return the first key in the system keyring under these names; None if it cannot be read."""
    try:
        stored = _with_keyring(lambda keyring: next(_stored(keyring, names), None))
    except ConfigurationError:
        return None
    return None if stored is None else stored[1]


def _stored(keyring: Any, names: Sequence[str]) -> Iterator[tuple[str, SecretStr]]:
    """Return the names under which the keyring has a key, with the keys."""
    for name in names:
        key = _secret(keyring.get_password(KEYRING_SERVICE, name))
        if key is not None:
            yield name, key


def store(key: SecretStr, name: str) -> None:
    """Save a key in the system keyring, under the name of its service.

    Raises
    ------
    ConfigurationError
        The keyring did not save it. The message does not contain the key.
    """
    value = key.get_secret_value
    _with_keyring(
        lambda keyring: keyring.set_password(KEYRING_SERVICE, name, value()), _time_to_unlock()
    )


def delete(names: Sequence[str]) -> bool:
    """Delete the keys under these names from the system keyring; return whether there was one.

    Raises
    ------
    ConfigurationError
        A key cannot be deleted.
    """
    if stored_key(names) is None:
        return False

    def delete_all(keyring: Any) -> None:
        for name, _ in list(_stored(keyring, names)):
            keyring.delete_password(KEYRING_SERVICE, name)

    _with_keyring(delete_all, _time_to_unlock())
    return True


def _time_to_unlock() -> float:
    """Return the seconds to wait if the user is there to unlock the keyring."""
    return 4 * KEYRING_TIMEOUT


def keyring_name() -> str | None:
    """Return the name of this computer's keyring; None if there is no usable one."""
    try:
        return _with_keyring(lambda keyring: str(keyring.name))
    except ConfigurationError:
        return None


def _with_keyring(work: Callable[[Any], T], timeout: float | None = None) -> T:
    """Return the result of a function of the keyring, run in a thread: even its import may hang.

    Raises
    ------
    ConfigurationError
        There is no usable keyring, or it fails, or it does not respond in time.
    """
    seconds = KEYRING_TIMEOUT if timeout is None else timeout
    results: queue.SimpleQueue[tuple[T | None, str]] = queue.SimpleQueue()

    def run() -> None:
        try:
            keyring = _backend()
            if keyring is None:
                results.put((None, "is unavailable: this computer has no secure keyring"))
            else:
                results.put((work(keyring), ""))
        except BaseException as error:  # noqa: BLE001  of another program; the text may have a key
            results.put((None, f"failed ({type(error).__name__})"))

    threading.Thread(target=run, name="pronto-keyring", daemon=True).start()
    try:
        result, problem = results.get(timeout=seconds)
    except queue.Empty:
        result, problem = None, f"did not respond within {seconds:g} s; it may be locked"
    if problem:
        raise ConfigurationError(f"The system keyring {problem}.")
    return result  # type: ignore[return-value]  # without a problem it is what work returned


def _backend() -> Any:
    """Return the first secure keyring; None if there is none.

    By keyring's rule a priority below 1 means insecure: nothing is saved, or it is saved in plain
    text.
    """
    import keyring
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    backends = chosen.backends if isinstance(chosen, ChainerBackend) else [chosen]
    return next((backend for backend in backends if backend.priority >= 1), None)


def in_colab() -> bool:
    """Whether this is the kernel of a notebook in Google Colab."""
    return "google.colab" in sys.modules


def colab_secret(variables: Sequence[str]) -> SecretStr | None:
    """Return the first of these Colab secrets; None if there is none or no access to it.

    Colab responds only to the main thread of the kernel.
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
