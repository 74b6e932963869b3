"""The account at Pronto: which service and key, its balance, and whether the key is accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .api.services import Service, find
from .config.settings import Settings
from .config.validation import SANDBOX
from .errors import AuthenticationError, FateUnknownError, ProntoError, ServiceError
from .notebook import event_loop

if TYPE_CHECKING:  # what speaks HTTP is imported when something is sent
    from pydantic import SecretStr

    from .api.client import Client
    from .sending.rate_limit import RateLimit

TIMEOUT = 20.0
"""Seconds to wait for the balance; the same request checks the key."""

UNAVAILABLE = (ServiceError, AuthenticationError)
"""Why a balance is not known."""

_NAMES = ("credits", "balance", "remaining", "available", "left")


class Account:
    """The service and the API key from the settings.

    Create it in the caller's thread: Colab's secrets can be read only there.

    Raises
    ------
    MissingKeyError
        There is no key. The sandbox needs none.
    """

    def __init__(self, settings: Settings) -> None:
        self._service = settings.target
        self._key = None if settings.is_sandbox else settings.key()

    def credentials(self) -> tuple[Service, SecretStr]:
        """Return the service and the key; start the sandbox if it is the service."""
        if self._key is not None:
            return self._service, self._key
        from .sandbox import in_process

        sandbox = in_process()  # it has its own key; the user's is not used
        return find(sandbox.url, SANDBOX), sandbox.api_key

    @property
    def name(self) -> str:
        """The account's name in the ledger."""
        from .storage.spending import account_name

        service, key = self.credentials()
        return account_name(service.ledger_name, key.get_secret_value())

    async def credits(self) -> dict[str, Any]:
        """Return Pronto's answer to a request for the balance."""
        from .api.client import Client

        service, key = self.credentials()
        async with Client(key, service=service, timeout=TIMEOUT) as client:
            return await client.credits()


def has_key(settings: Settings) -> bool:
    """Return whether requests can be made: there is a key, or none is needed."""
    return settings.is_sandbox or settings.find_key() is not None


def balance(settings: Settings) -> float | None:
    """Request the balance, which is free; return None if it is unavailable or unclear."""
    try:
        return read_balance(Account(settings))
    except ProntoError:
        return None


def read_balance(account: Account) -> float:
    """Request the balance, which is free.

    Raises
    ------
    ServiceError
        Pronto could not be reached, or its answer has no balance.
    AuthenticationError
        Pronto rejected the key.
    """
    try:
        data = event_loop.result_of(account.credits, TIMEOUT)
    except (TimeoutError, FateUnknownError):  # which says that it may have been charged
        raise ServiceError("Pronto did not return the balance. Try again later.") from None
    found = balance_in(data)
    if found is None:
        raise ServiceError(
            "Pronto returned no balance, or several numbers that could be the balance. Look it up "
            "in your account on Pronto's website."
        )
    return found


def balance_in(data: Any) -> float | None:
    """Return the only number in Pronto's undocumented answer that can be the balance, or None."""
    found = list(_numbers(data, named=False))
    return found[0] if len(found) == 1 else None


def _numbers(data: Any, *, named: bool) -> Iterable[float]:
    if isinstance(data, bool):
        return
    if isinstance(data, int | float) and named:
        yield float(data)
    elif isinstance(data, Mapping):
        for name, value in data.items():
            telling = any(word in str(name).lower() for word in _NAMES)
            yield from _numbers(value, named=telling or (named and len(data) == 1))


class KeyCheck:
    """Requests the balance to see whether the key is accepted; an interrupt ends the wait."""

    def __init__(self) -> None:
        self.task: asyncio.Task[float | None] | None = None

    def cancel(self) -> None:
        """End the wait."""
        if self.task is not None:
            self.task.cancel()

    async def run(self, client: Client, rate_limit: RateLimit) -> float | None:
        """Check the key, within the rate limit; return the balance if it can be read.

        Raises
        ------
        AuthenticationError
            Pronto does not accept the key.
        """
        self.task = asyncio.create_task(_read_balance(client, rate_limit))
        try:
            return await self.task
        except AuthenticationError as error:
            if error.status == 401:  # 403 may concern this call only
                raise
        except (ProntoError, TimeoutError):
            pass  # other calls may succeed although the balance cannot be read
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
        finally:
            self.task = None
        return None


async def _read_balance(client: Client, rate_limit: RateLimit) -> float | None:
    await rate_limit.acquire()
    async with asyncio.timeout(TIMEOUT):
        return balance_in(await client.credits())
