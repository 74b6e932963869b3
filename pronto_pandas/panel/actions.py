"""Actions and texts of the panel and the terminal prompt, without widgets."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from .. import ledger
from ..account import balance_in
from ..api.services import Service, find
from ..api.spec import RATE_LIMIT
from ..config import credentials
from ..config.credentials import Source
from ..config.settings import configure, current, set_session_key
from ..config.validation import SANDBOX
from ..errors import AuthenticationError, ConfigurationError, FateUnknownError, ProntoError
from ..notebook import event_loop

if TYPE_CHECKING:
    from pydantic import SecretStr

Place = Literal["session", "keyring"]

PRIVACY: Final = (
    "Names, companies, domains and LinkedIn URLs in your list, and the columns that you pass as "
    "custom=, are sent to Pronto and nowhere else. The answers are personal data and stay in the "
    "ledger until you delete them."
)

MIN_RATE: Final = 1
MAX_RATE: Final = RATE_LIMIT
"""Requests per second."""

TEST_TIMEOUT = 20.0
"""Seconds that the test of a key may take."""

MAX_BUDGET: Final = 1_000_000_000

_LONGEST_NAME = 100

_HOW_TO_SET: Final = (
    (
        re.compile(r"Set a key with pronto\.setup\(\)( or the environment variable [^.]*)?\."),
        "Enter a key here.",
    ),
    (re.compile(r"set it with pronto\.setup\(\)"), "enter it here"),
    (re.compile(r" Nothing was sent\."), ""),
)
"""What other errors say about the way to this panel or prompt, and what it says instead."""

_SANDBOX: Final = (
    "Sandbox mode: made-up data, no key needed. To use Pronto itself: "
    'pronto.configure(service="pronto").'
)


@dataclass(frozen=True)
class Result:
    """The result of an action, to be shown. The text does not contain the key."""

    text: str
    ok: bool = True

    def __str__(self) -> str:
        return f"{'OK' if self.ok else 'Problem'}: {self.text}"


def key_state() -> str:
    """Return whether a key is set, where it comes from, and for which service."""
    settings = current()
    if settings.is_sandbox:
        return _SANDBOX
    found = settings.find_key()
    source = "not set" if found is None else f"set ({found.where})"
    return f"API key for {settings.target}: {source}."


def places() -> str:
    """Return where a key can be saved."""
    name = credentials.keyring_name()
    if name is not None:
        return (
            "You can save the key for this session (until the kernel or the program stops) or in "
            f"the system keyring ({name}) for later sessions."
        )
    variables = " or ".join(current().key_variables)
    longer = (
        f"; to keep the key longer, set the environment variable {variables}" if variables else ""
    )
    return (
        "You can save the key for this session (until the kernel or the program stops). This "
        f"computer has no secure keyring{longer}."
    )


def save_key(key: SecretStr, place: Place) -> Result:
    """Save a key for the current service."""
    settings = current()
    if settings.is_sandbox:
        return Result(_SANDBOX, False)
    if place == "session":
        set_session_key(key)
        return _saved(key, Source.SESSION)
    try:
        credentials.store(key, settings.service)
    except ConfigurationError as error:
        return Result(f"{error} The key was not saved. Save it for this session instead.", False)
    set_session_key(None)
    return _saved(key, Source.KEYRING)


def _saved(key: SecretStr, place: Source) -> Result:
    """Return the result of saving a key; if another key takes precedence, name its source."""
    found = current().find_key()
    instead = ""
    if found is not None and found.source is Source.CONFIGURE and found.key != key:
        with configure(api_key=None):
            next_ = current().find_key()
        if next_ is not None and next_.key == key:
            configure(api_key=None)
            found, instead = next_, " It replaces the key that was set with configure()."
    if found is None or found.source is Source.COLAB:
        return Result(
            "The system keyring reported success, but the key cannot be read back. Save it for "
            "this session instead.",
            False,
        )
    if found.source is not place and found.key != key:
        return Result(
            f"The key was saved, but the key {found.where} takes precedence and is still used. "
            f"{_removal(found)}",
            False,
        )
    where = "for this session" if place is Source.SESSION else "in the system keyring"
    return Result(f"The key is saved {where} and is now used for {current().target}.{instead}")


def remove_key() -> Result:
    """Delete the key from the session, also one that was set in code, and from the keyring."""
    settings, found = current(), current().find_key()
    removed = any(name in settings.session_keys for name in settings.key_names)
    set_session_key(None)
    if found is not None and found.source is Source.CONFIGURE:
        configure(api_key=None)
        removed = True
    try:
        removed = credentials.delete(settings.key_names) or removed
    except ConfigurationError as error:
        return Result(f"{error} The key is still in the keyring. Try again.", False)
    text = "Key removed." if removed else "No saved key to remove."
    remaining = current().find_key()
    if remaining is None:
        return Result(text)
    return Result(f"{text} Now using the key {remaining.where}. {_removal(remaining)}")


def check_key(new: SecretStr | None = None) -> Result:
    """Test a new key, or the current one, with two free requests: account and balance."""
    settings = current()
    try:
        if settings.is_sandbox:
            from ..sandbox import in_process

            service, key = find(in_process().url, SANDBOX), in_process().api_key
        else:
            service, key = settings.target, new if new is not None else settings.key()
        balance, account = event_loop.result_of(
            lambda: _balance_and_account(key, service), TEST_TIMEOUT
        )
    except (FateUnknownError, TimeoutError) as error:
        return Result(
            f"The test failed: no valid response ({type(error).__name__}). Nothing was charged. "
            "Try again in a minute.",
            False,
        )
    except ProntoError as error:
        text = str(error)
        for pattern, instead in _HOW_TO_SET:
            text = pattern.sub(instead, text)
        return Result(f"{text} Nothing was charged.", False)
    if settings.is_sandbox:
        works = "The sandbox is running."
    else:
        works = "The new key works, but is not saved yet." if new else "The current key works."
    owner = ", ".join(_names(account)) or "unknown"
    credits_ = balance_in(balance)
    amount = "unknown" if credits_ is None else f"{credits_:,.0f} credits"
    return Result(f"{works} Account: {owner}. Balance: {amount}.")


async def _balance_and_account(
    key: SecretStr, service: Service
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the balance and the account. Only the balance must succeed: runs request it, too."""
    from ..api.client import Client

    async with Client(key, service=service, timeout=TEST_TIMEOUT) as client:
        account: dict[str, Any] = {}
        try:
            account = await client.account()
        except AuthenticationError as error:
            if error.status == 401:  # 403 may be about this endpoint only
                raise
        except ProntoError:
            pass  # the balance shows whether the key works
        return await client.credits(), account


def _names(account: dict[str, Any]) -> list[str]:
    organization = account.get("organization")
    owner = organization.get("name") if isinstance(organization, dict) else None
    names = (account.get("name"), account.get("email"), owner)
    return [" ".join(name.split())[:_LONGEST_NAME] for name in names if isinstance(name, str)]


def consent_state(how: str = "here, by stating what you use them for") -> str:
    """Return the consent for personal emails, or how to give it."""
    consent = current().personal_email_consent
    if consent is None:
        return (
            "No consent recorded. To request personal emails, give consent (1) in your Pronto "
            f"account settings and (2) {how}."
        )
    return f"Consent recorded for this session on {consent.date.isoformat()}: {consent.purpose}"


def give_consent(purpose: str) -> Result:
    """Record what personal emails are used for, with today's date."""
    try:
        configure(personal_email_consent=purpose)
    except ConfigurationError:
        return Result(
            "Not recorded. Enter what you use personal emails for, for example “recruiting "
            "engineers in Spain”.",
            False,
        )
    return Result(
        "Consent recorded for this session. Also give it in your Pronto account settings."
    )


def withdraw_consent() -> Result:
    """Withdraw the consent for personal emails."""
    configure(personal_email_consent=None)
    return Result("Consent withdrawn. Personal emails will no longer be requested.")


def ledger_state() -> str:
    """Return where the ledger is and how much it contains."""
    try:
        table = ledger.info()
    except ProntoError as error:
        return str(error)
    answers = int(table.loc[table["state"] == "answered", "entries"].sum())
    others = int(table["entries"].sum()) - answers
    more = f"\nRequests without an answer: {others:,}" if others else ""
    place = table.attrs["place"]
    where = "in memory only (lost when the kernel or the program stops)"
    return f"Ledger: {where if place == 'memory' else place}\nSaved answers: {answers:,}{more}"


def delete_all() -> Result:
    """Delete all answers in the ledger. Requests without an answer are kept."""
    try:
        deleted = ledger.purge(0)
    except ProntoError as error:
        return Result(str(error), False)
    pay = " If you look up these people again, you will be charged again." if deleted else ""
    return Result(f"Answers deleted: {deleted:,}.{pay}")


def has_budget() -> bool:
    """Whether `configure` has the setting ``budget``."""
    return "budget" in inspect.signature(configure).parameters


def budget_state() -> str:
    """Return the credits that all runs together may spend."""
    budget: Any = getattr(current(), "budget", None)
    credits_ = getattr(budget, "credits", budget)
    if credits_ is None:
        return "No budget is set in this session."
    return f"Budget: {credits_:,.0f} credits for all runs together."


def set_budget(credits_: int) -> Result:
    """Limit what all runs together may spend."""
    if not 0 < credits_ <= MAX_BUDGET:
        return Result("Enter the number of credits that all runs together may spend.", False)
    _configure_budget(credits_)
    return Result(f"All runs together may spend {credits_:,} credits from now on.")


def remove_budget() -> Result:
    """Remove the limit for all runs."""
    _configure_budget(None)
    return Result("Budget removed.")


def _configure_budget(credits_: int | None) -> None:
    changes: dict[str, Any] = {"budget": credits_}
    configure(**changes)


def rate_state() -> str:
    """Return the rate limit."""
    return f"Rate limit: {current().rate:g} requests per second."


def set_rate(rate: int) -> Result:
    """Set the rate limit."""
    if rate > MAX_RATE:
        return Result(
            f"Pronto allows at most {MAX_RATE} requests per second. The rate was not changed.",
            False,
        )
    if rate < MIN_RATE:
        return Result(
            f"The rate must be at least {MIN_RATE} request per second. The rate was not changed.",
            False,
        )
    configure(rate=rate)
    return Result(f"Rate limit set to {rate} requests per second, from the next run.")


def _removal(found: credentials.FoundKey) -> str:
    """Return how to stop using the key that was found."""
    variable = found.where.removeprefix("from ")
    return {
        Source.ENVIRONMENT: f"To stop using it, unset the environment variable {variable}.",
        Source.COLAB: (
            "To stop using it, turn off this notebook's access in Colab's Secrets panel."
        ),
    }.get(found.source, "“Remove key” removes it.")
