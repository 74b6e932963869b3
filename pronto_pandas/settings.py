"""Key, address, limits: where each value comes from.

What `configure` sets holds for the process. A run takes a snapshot when it starts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import platformdirs

from . import keys, values
from .errors import ConfigurationError, MissingKeyError
from .prices import Prices
from .values import PRONTO, SANDBOX

if TYPE_CHECKING:  # slow to import, and needed when there is a key
    from pydantic import SecretStr

APP: Final = "pronto-pandas"
"""The name of the folders that the package keeps files in."""

BASE_URL_VARIABLE: Final = "PRONTO_BASE_URL"
LEDGER_VARIABLE: Final = "PRONTO_LEDGER"
LEDGER_FILE: Final = "ledger.sqlite3"


class _Unset(Enum):
    UNSET = "unchanged"

    def __repr__(self) -> str:
        return self.value


UNSET: Final = _Unset.UNSET


@dataclass(frozen=True)
class Settings:
    """What a run goes by.

    Parameters
    ----------
    api_key : SecretStr, optional
        As given to `configure`.
    base_url : str, optional
        As given to `configure`.
    rate : float
        Starts that no sliding second may exceed.
    timeout : float
        Seconds to wait for one answer.
    retry_budget : float
        Seconds without any answer after which a failing run stops.
    loop : str
        ``thread`` or ``nest``.
    personal_email_consent : Consent, optional
        What personal emails are used for, and since when.
    ledger : str, optional
        As given to `configure`.
    max_age_days : float
        Days for which an answer is not asked for again.
    prices : Prices
        For estimates and ``max_credits``.
    session_keys : mapping
        Keys that the panel keeps for this process, by what they are for.
    """

    api_key: SecretStr | None = None
    base_url: str | None = None
    rate: float = 50.0
    timeout: float = 300.0
    retry_budget: float = 120.0
    loop: Literal["thread", "nest"] = "thread"
    personal_email_consent: values.Consent | None = None
    ledger: str | _Unset | None = UNSET
    max_age_days: float = 90.0
    prices: Prices = field(default_factory=Prices)
    session_keys: Mapping[str, SecretStr] = field(default_factory=dict)

    @property
    def ledger_place(self) -> str | None:
        """Where answers are kept: the setting, else ``PRONTO_LEDGER``, else the user's data folder.

        None is the memory of this process, where the sandbox's made-up answers are kept too.
        """
        if not isinstance(self.ledger, _Unset):
            return self.ledger
        if self.address == SANDBOX:
            return None
        from_environment = os.environ.get(LEDGER_VARIABLE, "").strip()
        return from_environment or str(platformdirs.user_data_path(APP) / LEDGER_FILE)

    @property
    def address(self) -> str | None:
        """Where requests go: the setting, else ``PRONTO_BASE_URL``, else None for Pronto itself."""
        if self.base_url is not None:
            return self.base_url
        return values.address(
            os.environ.get(BASE_URL_VARIABLE, "").strip() or None, BASE_URL_VARIABLE
        )

    @property
    def on_this_machine(self) -> bool:
        """Whether the service is a sandbox here."""
        address = self.address
        return address is not None and (address == SANDBOX or values.is_here(address))

    @property
    def service(self) -> str:
        """What keys and answers are for: the address, or the name of Pronto itself."""
        return self.address or PRONTO

    def find_key(self) -> keys.Found | None:
        """Look for the key in all of its places; see `keys`."""
        service = self.service
        return keys.find(self.api_key, self.session_keys.get(service), service)

    def key(self) -> SecretStr:
        """Return the key.

        Raises
        ------
        MissingKeyError
            Where none of the places has one.
        ConfigurationError
            Where what stands there cannot be one.
        """
        found = self.find_key()
        if found is None:
            raise MissingKeyError(
                "No API key is set. Set one with pronto.setup(), with "
                'pronto.configure(api_key="…") or in the environment variable '
                f"{keys.KEY_VARIABLE}; or try everything without one: "
                f'pronto.configure(base_url="{SANDBOX}"). Nothing was sent.'
            )
        return values.key(found.key.get_secret_value(), f"The API key {found.source}")


_current = Settings()
_lock = threading.Lock()


def current() -> Settings:
    """Return the settings that hold now."""
    return _current


def keep_for_session(key: SecretStr | None) -> None:
    """Keep a key for this process and what it is for now; None forgets it."""
    global _current
    with _lock:
        kept = dict(_current.session_keys)
        kept.pop(_current.service, None)
        if key is not None:
            kept[_current.service] = key
        _current = replace(_current, session_keys=kept)


class Configured:
    """What `configure` returns; as a context manager it takes the change back at the end."""

    def __init__(self, before: Settings, now: Settings) -> None:
        self._before, self._now = before, now

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        global _current
        with _lock:
            _current = self._before

    def __repr__(self) -> str:
        now = self._now
        if now.address == SANDBOX:
            return "pronto: the sandbox in this process; every answer is made up, nothing is spent"
        found = now.find_key()
        key = found.source if found else "not set"
        said = now.personal_email_consent
        consent = f"; {said}" if said else ""
        pace = f"at most {now.rate:g} requests/s"
        return f"pronto: {now.address or 'Pronto'}; API key {key}; {pace}{consent}"


def configure(
    *,
    api_key: str | _Unset | None = UNSET,
    base_url: str | _Unset | None = UNSET,
    rate: float | _Unset = UNSET,
    timeout: float | _Unset = UNSET,
    retry_budget: float | _Unset = UNSET,
    loop: Literal["thread", "nest"] | _Unset = UNSET,
    personal_email_consent: str | _Unset | None = UNSET,
    ledger: str | os.PathLike[str] | _Unset | None = UNSET,
    max_age_days: float | _Unset = UNSET,
    prices: Mapping[str, float | tuple[float, float]] | _Unset = UNSET,
) -> Configured:
    """Set what runs go by, for this process. Sends nothing and costs nothing.

    What is not named stays as it was. ``with pronto.configure(…):`` holds for the block alone.

    Parameters
    ----------
    api_key : str, optional
        The account's key. Without it: the environment variable ``PRONTO_API_KEY``, what
        `pronto_pandas.setup` has kept, and Colab's secret of the variable's name.
    base_url : str, optional
        Replaces the addresses of the service. ``"sandbox"`` is the API inside this process, with
        made-up people and without a key. Else ``https://…``; ``http://`` on this machine only.
        Without it the environment variable ``PRONTO_BASE_URL`` is read.
    rate : float
        Requests a second that no sliding second exceeds, retries included. The service allows 50
        on the synchronous endpoint, by its own page.
    timeout : float
        Seconds without any answer, while some are awaited, after which those are lost; they may be
        charged. While others are answered, one that queues is waited for 12 times as long.
    retry_budget : float
        Seconds without any answer, while requests fail that surely were not worked on, after
        which a run stops.
    loop : str
        ``"thread"``: a run gets an event loop of its own in a thread. ``"nest"``: it runs on the
        notebook's own loop, patched by nest-asyncio.
    personal_email_consent : str, optional
        What personal emails are used for. Needed before any is asked for; kept with the date.
    ledger : path, str or None
        Where answers are kept, so that none is paid for twice: a path, a URL of SQLAlchemy for a
        database that a team shares, or None for the memory of this process. Without it the
        environment variable ``PRONTO_LEDGER``, else a file in your data folder.
    max_age_days : float
        Days after which an answer is asked for, and paid for, again.
    prices : dict
        Credits for each email, phone number and personal email, as a number or (lowest, highest):
        ``{"email": 1, "phone": (10, 30)}``. For estimates and ``max_credits`` alone.

    Returns
    -------
    Configured
        Prints what holds now, without the key.

    Raises
    ------
    ConfigurationError
        Where a value cannot be; nothing is changed then.
    """
    global _current
    given: dict[str, tuple[Any, Callable[[Any], object]]] = {
        "api_key": (api_key, lambda key: None if key is None else values.key(key, "api_key")),
        "base_url": (base_url, lambda url: values.address(url, "base_url")),
        "rate": (rate, lambda number: values.positive(number, "rate")),
        "timeout": (timeout, lambda number: values.positive(number, "timeout")),
        "retry_budget": (retry_budget, lambda number: values.positive(number, "retry_budget")),
        "loop": (loop, values.loop),
        "personal_email_consent": (personal_email_consent, values.consent),
        "ledger": (ledger, values.place),
        "max_age_days": (max_age_days, lambda number: values.positive(number, "max_age_days")),
        "prices": (prices, _current.prices.with_changes),
    }
    changes: dict[str, Any] = {
        name: check(value) for name, (value, check) in given.items() if value is not UNSET
    }
    if isinstance(api_key, str) and base_url is UNSET and _current.address == SANDBOX:
        raise ConfigurationError(
            "base_url is 'sandbox', which takes no key: everything it answers is made up. For the "
            'real service say both: pronto.configure(api_key="…", base_url=None).'
        )
    with _lock:
        before = _current
        _current = replace(before, **changes)
        return Configured(before, _current)
