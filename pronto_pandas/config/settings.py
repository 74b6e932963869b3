"""The settings: what `configure` sets, and where each value comes from if it is not set.

They apply to the whole session. A run uses a snapshot from its start.
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
"""The name of the package's folders in the user's data and state folders."""

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
    """The settings of `configure`, under the same names.

    Parameters
    ----------
    api_key_for : str, optional
        The service that ``api_key`` is for.
    service_name : str, optional
        The argument ``service`` of `configure`; the property `service` is the ledger's name for it.
    session_keys : mapping
        The keys saved for this session by the setup panel, per service.
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
    budget: validation.BudgetSetting | None = None
    confirm_above: float | _Unset | None = UNSET
    debug: bool = False
    session_keys: Mapping[str, SecretStr] = field(default_factory=dict)

    @property
    def ledger_place(self) -> str | None:
        """The path or URL of the ledger; None for memory, which the sandbox uses by default.

        In this order: the setting, ``PRONTO_LEDGER``, a file in the user's data folder.
        """
        if not isinstance(self.ledger, _Unset):
            return self.ledger
        if self.is_sandbox:
            return None
        return _variable(LEDGER_VARIABLE) or str(platformdirs.user_data_path(APP) / LEDGER_FILE)

    @property
    def _configured(self) -> bool:
        """Whether `configure` has set the service or its URL. The environment is then ignored."""
        return self.service_name is not None or self.base_url is not None

    @property
    def address(self) -> str | None:
        """The base URL in use: ``base_url``, otherwise ``PRONTO_BASE_URL``."""
        if self._configured:
            return self.base_url
        return validation.base_url(_variable(BASE_URL_VARIABLE), BASE_URL_VARIABLE)

    @property
    def is_sandbox(self) -> bool:
        """Whether the built-in sandbox is in use."""
        return self.address == SANDBOX

    @property
    def target(self) -> Service:
        """The service that requests go to. The built-in sandbox has no URLs until it runs."""
        address, name = self.address, self.service_name
        if address == SANDBOX:
            return Service(SANDBOX, SANDBOX, {}, base_url=SANDBOX)
        if not self._configured:
            name = validation.service(_variable(SERVICE_VARIABLE), SERVICE_VARIABLE)
        return services.find(address, name)

    @property
    def service(self) -> str:
        """The name under which the ledger saves answers and the keyring stores the key."""
        return self.target.ledger_name

    @property
    def on_this_machine(self) -> bool:
        """Whether the service runs on this computer, as a sandbox does."""
        address = self.address
        return address is not None and (address == SANDBOX or validation.is_here(address))

    @property
    def key_names(self) -> list[str]:
        """The names under which a key of the service may be saved; the first is the current one."""
        service, address = self.service, self.address
        addresses = [] if address is None else [address]
        return list(dict.fromkeys([service, *addresses, *services.former_names(service)]))

    @property
    def key_variables(self) -> list[str]:
        """The environment variables that contain a key for the service.

        ``PRONTO_API_KEY`` is also used in two cases: the base URL comes from the environment, or
        the server runs on this computer and belongs to no other service.
        """
        own, address = self.target.key_variable, self.address
        variables = [] if own is None else [own]
        from_environment = address is not None and not self._configured
        if from_environment or (own is None and self.on_this_machine):
            variables.append(DEFAULT_KEY_VARIABLE)
        return list(dict.fromkeys(variables))

    def find_key(self) -> credentials.FoundKey | None:
        """Return the key of the service from the first place that has one; see `credentials`."""
        names = self.key_names
        configured = self.api_key if self.api_key_for == self.service else None
        of_session = next(filter(None, map(self.session_keys.get, names)), None)
        return credentials.find(configured, of_session, names, self.key_variables)

    def key(self) -> SecretStr:
        """Return the key.

        Raises
        ------
        MissingKeyError
            No key is set for this service.
        ConfigurationError
            The key contains invalid characters.
        """
        found = self.find_key()
        if found is None:
            raise MissingKeyError(f"{self._why_no_key()} Nothing was sent.")
        return validation.key(found.key.get_secret_value(), f"The API key {found.where}")

    def _why_no_key(self) -> str:
        """Return why there is no key for the service, and what to do."""
        target = self.target
        others = self._keys_of_other_services()
        named = others or target.name not in SERVICES
        sentences = [f"No API key is set{f' for {target}' if named else ''}.", *others]
        variables = " or ".join(self.key_variables)
        variable = f" or the environment variable {variables}" if variables else ""
        sentences.append(f"Set a key with pronto.setup(){variable}.")
        if target.name not in SERVICES:
            sentences.append(
                f"If this URL belongs to {PRONTO}, name the service: "
                f'pronto.configure(service="{PRONTO.name}", base_url="…").'
            )
        sentences.append(
            f'To try pronto-pandas without a key: pronto.configure(base_url="{SANDBOX}").'
        )
        return " ".join(sentences)

    def _keys_of_other_services(self) -> list[str]:
        """Return a sentence per key that is set for another service."""
        others = []
        if self.api_key is not None:
            others.append(f"The key given to configure() is for {self.api_key_for}.")
        for service in SERVICES.values():
            variable = service.key_variable
            if variable and variable not in self.key_variables and _variable(variable):
                others.append(f'{variable} is the key for service="{service.name}".')
        return others


def _variable(name: str) -> str | None:
    """Return the value of an environment variable; None if it is not set or blank."""
    return os.environ.get(name, "").strip() or None


def _without_ledger(_settings: Settings) -> str:
    """Say nothing of the budget."""
    return ""


describe_budget: Callable[[Settings], str] = _without_ledger
"""Says what is left of the budget; `bill` replaces this function, as it reads the ledger."""

_current = Settings()
_lock = threading.Lock()


def current() -> Settings:
    """Return the current settings."""
    return _current


error_box.debugging = lambda: _current.debug


def set_session_key(key: SecretStr | None) -> None:
    """Save a key for this session and the current service; None removes it."""
    global _current
    with _lock:
        keys = dict(_current.session_keys)
        for name in _current.key_names:
            keys.pop(name, None)
        if key is not None:
            keys[_current.service] = key
        _current = replace(_current, session_keys=keys)


class Configured:
    """Returned by `configure`. As a context manager, restores the previous settings on exit."""

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
        if now.is_sandbox:
            return "pronto: sandbox with made-up data; it costs nothing"
        found = now.find_key()
        key = found.where if found else "not set (run pronto.setup())"
        consent = f"; {now.personal_email_consent}" if now.personal_email_consent else ""
        budget = describe_budget(now) if now.budget else ""
        return (
            f"pronto: {now.target}; API key: {key}; rate limit: {now.rate:g} requests/s"
            f"{consent}{budget}"
        )


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
    budget: float | _Unset | None = UNSET,
    confirm_above: float | _Unset | None = UNSET,
    debug: bool | _Unset = UNSET,
) -> Configured:
    """Change settings for this Python session. Sends nothing and costs nothing.

    Settings that you do not pass stay unchanged, except that ``service`` and ``base_url`` belong
    together: passing only one of them resets the other. As a context manager,
    ``with pronto.configure(…):``, the change lasts only for the block.

    Parameters
    ----------
    api_key : str, optional
        Your API key for the current service; it is sent to no other service. If it is not set, the
        first of these is used: the environment variable ``PRONTO_API_KEY``
        (``PIPECORN_API_KEY`` for Pipecorn), the key saved by `pronto_pandas.setup`, the Colab
        secret with the same name as the variable.
    service : str, optional
        ``"pronto"`` (default) or ``"pipecorn"``, the new name of the same service; both share
        the saved answers. With ``base_url``: the service that this URL belongs to. You can choose
        any name; answers and keys are saved under it. Default: the environment variable
        ``PRONTO_SERVICE``, otherwise Pronto.
    base_url : str, optional
        Base URL of the API. ``"sandbox"`` runs a test API with made-up people in this session and
        needs no key. Other values must start with ``https://`` (``http://`` only for this
        computer). A URL of Pronto or Pipecorn belongs to that service; any other URL is a separate
        service, unless ``service`` is passed. Default: the environment variable
        ``PRONTO_BASE_URL``, otherwise the URL of the service.
    rate : float
        Maximum number of requests in any one-second window, including retries. Default 50, which
        is what Pronto allows.
    timeout : float
        If no response at all arrives for this many seconds, all open requests count as lost
        (``unknown``); they may have been charged. As long as other responses arrive, a request
        counts as lost only after 12 times as long. Default 300.
    retry_budget : float
        If connections fail or Pronto is busy (429, 503), the run stops after this many seconds
        without any answer. Default 120.
    loop : str
        ``"thread"`` (default): run in a background thread with its own event loop. ``"nest"``: run
        on the notebook's event loop, patched by nest-asyncio.
    personal_email_consent : str, optional
        Why you need personal emails, in your own words. Required for ``type="personal_email"``.
        Saved with today's date for this session; None withdraws it.
    ledger : path, str or None
        Where answers are saved, so that none is paid for twice: a file path, a PostgreSQL URL (for
        a ledger shared by a team), or None to keep them in memory only. Default: the path in the
        environment variable ``PRONTO_LEDGER``, otherwise a file in your user data folder; with
        ``base_url="sandbox"``, memory.
    max_age_days : float
        Age in days after which a saved answer is requested, and paid for, again. Default 90.
    prices : dict
        Credits per email, phone number and personal email, as a number or a (lowest, highest)
        tuple: ``{"email": 1, "phone": (10, 30)}``. Used for estimates, reports, the progress bar
        and ``max_credits``; does not change what Pronto charges.
    budget : float, optional
        Credits that all runs together may spend from now on: also in other sessions, as long as
        they use the same ledger, service and key. The next run stores it in the ledger, where it
        stays, also after a ``with`` block. Setting it again changes the amount, and what was spent
        still counts. None ends it.
    confirm_above : float, optional
        In a notebook or terminal, a run that is expected to cost more credits than this asks before
        it sends anything, unless ``max_credits`` or a budget limits it. None: never. Default:
        1,000, or a quarter of your balance if that is less.
    debug : bool
        True: an error raised by this package shows its full traceback in notebooks and IPython.
        False (default): it shows a box with the message and the line of your code; ``%tb`` then
        shows the full traceback.

    Returns
    -------
    Configured
        Shows the current settings, but never the key. Can be used as a context manager.

    Raises
    ------
    ConfigurationError
        A value is invalid. No setting is changed.
    """
    global _current
    given = {
        "api_key": api_key,
        "service_name": service,
        "base_url": base_url,
        "rate": rate,
        "timeout": timeout,
        "retry_budget": retry_budget,
        "loop": loop,
        "personal_email_consent": personal_email_consent,
        "ledger": ledger,
        "max_age_days": max_age_days,
        "prices": prices,
        "budget": budget,
        "confirm_above": confirm_above,
        "debug": debug,
    }
    changes = {name: _validated(name, v) for name, v in given.items() if v is not UNSET}
    if "service_name" in changes or "base_url" in changes:
        # The two are one setting: a new URL without a service means another service.
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


_VALIDATORS: Final[Mapping[str, Callable[[Any, str], object]]] = {
    "api_key": lambda key, name: None if key is None else validation.key(key, name),
    "service_name": lambda service, _: validation.service(service, "service"),
    "base_url": validation.base_url,
    "rate": validation.positive,
    "timeout": validation.positive,
    "retry_budget": validation.positive,
    "loop": validation.loop,
    "personal_email_consent": validation.consent,
    "ledger": validation.ledger,
    "max_age_days": validation.positive,
    "prices": lambda prices, _: _current.prices.with_changes(prices),
    "budget": lambda budget, name: validation.budget(budget, name, _current.budget),
    "confirm_above": validation.credits_or_none,
    "debug": validation.boolean,
}


def _validated(name: str, value: Any) -> Any:
    return _VALIDATORS[name](value, name)


def _check_service(settings: Settings) -> None:
    """Raise `ConfigurationError` if the service has no URL, or is combined with the sandbox."""
    if settings.base_url == SANDBOX:
        raise ConfigurationError(
            "base_url='sandbox' cannot be combined with service=. Leave service out."
        )
    services.find(settings.base_url, settings.service_name)


def _owner(settings: Settings, *, moved: bool) -> str | None:
    """Return the service that a newly set key is for."""
    if settings.api_key is None:
        return None
    if settings.is_sandbox and not moved:
        raise ConfigurationError(
            "base_url is 'sandbox', which needs no key. To use Pronto itself, pass a key and a "
            "service: "
            'pronto.configure(api_key="…", service="pronto").'
        )
    return settings.service
