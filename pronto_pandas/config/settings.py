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

from .. import error_box
from ..api import services
from ..api.services import PRONTO, SERVICES, Service
from ..api.spec import RATE_LIMIT
from ..errors import ConfigurationError, MissingKeyError, ProntoError
from ..prices import Prices
from . import credentials, validation
from .validation import SANDBOX

if TYPE_CHECKING:  # slow to import, and needed when there is a key
    from pydantic import SecretStr

APP: Final = "pronto-pandas"
"""The name of the folders that the package keeps files in."""

SERVICE_VARIABLE: Final = "PRONTO_SERVICE"
BASE_URL_VARIABLE: Final = "PRONTO_BASE_URL"
LEDGER_VARIABLE: Final = "PRONTO_LEDGER"
DEFAULT_KEY_VARIABLE: Final = "PRONTO_API_KEY"
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
    api_key_for : str, optional
        The service that `configure` was given the key for.
    service_name, base_url : str, optional
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
        Keys that the panel keeps for this process, by their service.
    """

    api_key: SecretStr | None = None
    api_key_for: str | None = None
    service_name: str | None = None
    base_url: str | None = None
    rate: float = float(RATE_LIMIT)
    timeout: float = 300.0
    retry_budget: float = 120.0
    loop: Literal["thread", "nest"] = "thread"
    personal_email_consent: validation.Consent | None = None
    ledger: str | _Unset | None = UNSET
    max_age_days: float = 90.0
    prices: Prices = field(default_factory=Prices)
    debug: bool = False
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
        return _variable(LEDGER_VARIABLE) or str(platformdirs.user_data_path(APP) / LEDGER_FILE)

    @property
    def _configured(self) -> bool:
        """Whether `configure` has set the service or its address; the environment then has not."""
        return self.service_name is not None or self.base_url is not None

    @property
    def address(self) -> str | None:
        """What replaces the service's own hosts: ``base_url``, else ``PRONTO_BASE_URL``."""
        if self._configured:
            return self.base_url
        return validation.address(_variable(BASE_URL_VARIABLE), BASE_URL_VARIABLE)

    @property
    def target(self) -> Service:
        """Where requests go. The sandbox in this process has its routes once it runs."""
        address, name = self.address, self.service_name
        if address == SANDBOX:
            return Service(SANDBOX, SANDBOX, {}, address=SANDBOX)
        if not self._configured:
            name = validation.service(_variable(SERVICE_VARIABLE), SERVICE_VARIABLE)
        return services.find(address, name)

    @property
    def service(self) -> str:
        """The name that answers and keys are kept under."""
        return self.target.ledger_name

    @property
    def on_this_machine(self) -> bool:
        """Whether the service is a sandbox here."""
        address = self.address
        return address is not None and (address == SANDBOX or validation.is_here(address))

    @property
    def key_names(self) -> list[str]:
        """The names under which a key of the service may be kept; the first is today's."""
        service, address = self.service, self.address
        here = [] if address is None else [address]
        return list(dict.fromkeys([service, *here, *services.former_names(service)]))

    @property
    def key_variables(self) -> list[str]:
        """The environment variables that hold a key for the service.

        ``PRONTO_API_KEY`` is also for an address that the environment names itself, and for one
        of this machine that belongs to no other service.
        """
        own, address = self.target.key_variable, self.address
        variables = [] if own is None else [own]
        from_environment = address is not None and not self._configured
        if from_environment or (own is None and self.on_this_machine):
            variables.append(DEFAULT_KEY_VARIABLE)
        return list(dict.fromkeys(variables))

    def find_key(self) -> credentials.Found | None:
        """Look for the key of the service in all of its places; see `keys`."""
        names = self.key_names
        given = self.api_key if self.api_key_for == self.service else None
        kept = next(filter(None, map(self.session_keys.get, names)), None)
        return credentials.find(given, kept, names, self.key_variables)

    def key(self) -> SecretStr:
        """Return the key.

        Raises
        ------
        MissingKeyError
            Where none of the places has one for this service.
        ConfigurationError
            Where what stands there cannot be one.
        """
        found = self.find_key()
        if found is None:
            raise MissingKeyError(f"{self._why_no_key()} Nothing was sent.")
        return validation.key(found.key.get_secret_value(), f"The API key {found.where}")

    def _why_no_key(self) -> str:
        """Return why there is no key for the service, and what to do."""
        target = self.target
        if others := self._keys_of_others():
            why = f"{'; '.join(others)}. Requests go to {target}, so it is not used."
        else:
            why = "No API key is set."
        variables = " or ".join(self.key_variables)
        ways = f" or in the environment variable {variables}" if variables else ""
        do = f'Set one with pronto.setup(), with pronto.configure(api_key="…"){ways}'
        if target.name not in SERVICES:
            do += f"; or, if this address belongs to {PRONTO}, name the service: " + (
                f'pronto.configure(service="{PRONTO.name}", base_url="…")'
            )
        return f'{why} {do}; or try everything without one: pronto.configure(base_url="{SANDBOX}").'

    def _keys_of_others(self) -> list[str]:
        """Return which keys are set, and for which other services."""
        others = []
        if self.api_key is not None:
            others.append(f"The key given to configure() is for {self.api_key_for}")
        for service in SERVICES.values():
            variable = service.key_variable
            if variable and variable not in self.key_variables and _variable(variable):
                others.append(f'{variable} is the key for service="{service.name}"')
        return others


def _variable(name: str) -> str | None:
    """Return the text of an environment variable; None where it is not set, or blank."""
    return os.environ.get(name, "").strip() or None


_current = Settings()
_lock = threading.Lock()


def current() -> Settings:
    """Return the settings that hold now."""
    return _current


error_box.debugging = lambda: _current.debug


def keep_for_session(key: SecretStr | None) -> None:
    """Keep a key for this process and the service of now; None forgets it."""
    global _current
    with _lock:
        kept = dict(_current.session_keys)
        for name in _current.key_names:
            kept.pop(name, None)
        if key is not None:
            kept[_current.service] = key
        _current = replace(_current, session_keys=kept)


class Configured:
    """What `configure` returns; as a context manager it takes the change back at the end."""

    def __init__(self, before: Settings, now: Settings) -> None:
        self._before, self._now = before, now

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        global _current
        if isinstance(error, ProntoError):
            error.raised_in_debug = _current.debug
        with _lock:
            _current = self._before

    def __repr__(self) -> str:
        now = self._now
        if now.address == SANDBOX:
            return "pronto: the sandbox in this process; every answer is made up, nothing is spent"
        found = now.find_key()
        key = found.where if found else "not set"
        said = now.personal_email_consent
        consent = f"; {said}" if said else ""
        pace = f"at most {now.rate:g} requests/s"
        return f"pronto: {now.target}; API key {key}; {pace}{consent}"


def configure(
    *,
    api_key: str | _Unset | None = UNSET,
    service: str | _Unset | None = UNSET,
    base_url: str | _Unset | None = UNSET,
    rate: float | _Unset = UNSET,
    timeout: float | _Unset = UNSET,
    retry_budget: float | _Unset = UNSET,
    loop: Literal["thread", "nest"] | _Unset = UNSET,
    personal_email_consent: str | _Unset | None = UNSET,
    ledger: str | os.PathLike[str] | _Unset | None = UNSET,
    max_age_days: float | _Unset = UNSET,
    prices: Mapping[str, float | tuple[float, float]] | _Unset = UNSET,
    debug: bool | _Unset = UNSET,
) -> Configured:
    """Set what runs go by, for this process. Sends nothing and costs nothing.

    What is not named stays as it was. ``with pronto.configure(…):`` holds for the block alone.

    Parameters
    ----------
    api_key : str, optional
        The account's key, for the service that is set now or by this call; no other service is
        sent it. Without it: the environment variable ``PRONTO_API_KEY`` (``PIPECORN_API_KEY`` for
        that service), what `pronto_pandas.setup` has kept, and Colab's secret of the variable's
        name.
    service : str, optional
        ``"pronto"``, the default, or ``"pipecorn"``, the same service under its later name:
        answers that one of them gave count for both. With ``base_url``, the service that the
        address belongs to, which may have any name: answers and keys are kept under it.
    base_url : str, optional
        Replaces the hosts of the service. ``"sandbox"`` is the API inside this process, with
        made-up people and without a key. Else ``https://…``; ``http://`` on this machine only.
        Without ``service``, a host of Pronto or Pipecorn belongs to that service, and any other
        address is a service of its own. Where neither is given, the environment variables
        ``PRONTO_SERVICE`` and ``PRONTO_BASE_URL`` are read.
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
    debug : bool
        True: errors of this package show the full traceback in notebooks and IPython. False
        (default): they show a box with the message and your line of code; ``%tb`` then shows the
        full traceback.

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
        "api_key": (api_key, lambda key: None if key is None else validation.key(key, "api_key")),
        "service_name": (service, lambda name: validation.service(name, "service")),
        "base_url": (base_url, lambda url: validation.address(url, "base_url")),
        "rate": (rate, lambda number: validation.positive(number, "rate")),
        "timeout": (timeout, lambda number: validation.positive(number, "timeout")),
        "retry_budget": (retry_budget, lambda number: validation.positive(number, "retry_budget")),
        "loop": (loop, validation.loop),
        "personal_email_consent": (personal_email_consent, validation.consent),
        "ledger": (ledger, validation.place),
        "max_age_days": (max_age_days, lambda number: validation.positive(number, "max_age_days")),
        "prices": (prices, _current.prices.with_changes),
        "debug": (debug, lambda value: validation.boolean(value, "debug")),
    }
    changes: dict[str, Any] = {
        name: check(value) for name, (value, check) in given.items() if value is not UNSET
    }
    if "service_name" in changes or "base_url" in changes:
        # They are one setting: with another address alone, the service is another one.
        changes = {"service_name": None, "base_url": None, **changes}
    with _lock:
        before = _current
        now = replace(before, **changes)
        if "api_key" in changes:
            now = replace(now, api_key_for=_owner(now, moved="base_url" in changes))
        if now.service_name is not None:
            _check_service(now)
        _current = now
        return Configured(before, now)


def _check_service(settings: Settings) -> None:
    """Refuse a service that has no address, or is given the sandbox in this process."""
    if settings.base_url == SANDBOX:
        raise ConfigurationError(
            "base_url='sandbox' takes no service: made-up answers are kept apart from those of "
            "every service."
        )
    services.find(settings.base_url, settings.service_name)


def _owner(settings: Settings, *, moved: bool) -> str | None:
    """Return the service that a key which was just given is for."""
    if settings.api_key is None:
        return None
    if settings.address == SANDBOX and not moved:
        raise ConfigurationError(
            "base_url is 'sandbox', which takes no key: everything it answers is made up. For the "
            'real service set both: pronto.configure(api_key="…", base_url=None).'
        )
    return settings.service
