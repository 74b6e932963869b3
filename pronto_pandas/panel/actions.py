"""What the panel and the prompt can do, and the words for it. Knows no widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from .. import ledger
from ..account import balance_in
from ..api.services import Service, find
from ..api.spec import RATE_LIMIT
from ..config import credentials
from ..config.credentials import Source
from ..config.settings import configure, current, keep_for_session
from ..config.validation import SANDBOX
from ..errors import AuthenticationError, ConfigurationError, FateUnknownError, ProntoError
from ..notebook import event_loop

if TYPE_CHECKING:
    from pydantic import SecretStr

Place = Literal["session", "keyring"]

PRIVACY: Final = (
    "The names, companies and LinkedIn addresses that you ask about go to Pronto and nowhere else; "
    "the answers are personal data and are kept in the ledger below until you delete them."
)

SLOWEST: Final = 1
FASTEST: Final = RATE_LIMIT
"""Requests a second."""

TEST_TIMEOUT = 20.0
"""Seconds that the test may take."""

_NAME_AT_MOST = 100

_MADE_UP: Final = (
    "The address is the sandbox in this process, which takes no key: everything it answers is made "
    "up. For the real service: pronto.configure(base_url=None)."
)


@dataclass(frozen=True)
class Said:
    """What became of a click.

    Parameters
    ----------
    text : str
        To be shown; it holds no key.
    good : bool
        Whether it went as wished.
    """

    text: str
    good: bool = True

    def __str__(self) -> str:
        return f"{'OK' if self.good else 'Problem'}: {self.text}"


def key_state() -> str:
    """Say where the present key comes from."""
    settings = current()
    if settings.address == SANDBOX:
        return _MADE_UP
    found = settings.find_key()
    if found is None:
        return f"No API key is set for {settings.target}."
    return f"The API key in use is {_source(found)}. It is for {settings.target}."


def places() -> str:
    """Say where a key can be kept here."""
    name = credentials.keyring_name()
    if name is None:
        variables = " or ".join(current().key_variables)
        lasts = f"; {variables} in the environment lasts" if variables else ""
        return (
            "It can be kept for this session: until the kernel or the program ends. This machine "
            f"has no system keyring that can be used{lasts}."
        )
    return (
        "It can be kept for this session, until the kernel or the program ends, or in the system "
        f"keyring ({name}), for later sessions too."
    )


def keep(key: SecretStr, place: Place) -> Said:
    """Keep a key, for the service of now."""
    settings = current()
    if settings.address == SANDBOX:
        return Said(_MADE_UP, False)
    if place == "keyring":
        try:
            credentials.store(key, settings.service)
        except ConfigurationError as error:
            return Said(f"{error} The key is not used; keep it for this session instead.", False)
        keep_for_session(None)
    else:
        keep_for_session(key)
    return _kept(key, Source.KEYRING if place == "keyring" else Source.SESSION)


def _kept(key: SecretStr, at: Source) -> Said:
    """Say that a key is kept; and which one is used, where that is another."""
    found = current().find_key()
    if found is None or found.source is Source.COLAB:
        return Said("The system keyring took the key and does not give it back.", False)
    if found.source is not at and found.key != key:
        return Said(
            f"The key is {_kept_at(at)}, but another one is used: the key {found.where} goes "
            f"first. {_removal(found)}",
            False,
        )
    return Said(f"The key is {_kept_at(at)} and used from now on, for {current().target}.")


def forget() -> Said:
    """Let go of the key that was kept here, in the session and in the keyring."""
    settings = current()
    had = any(name in settings.session_keys for name in settings.key_names)
    keep_for_session(None)
    try:
        had = credentials.forget(settings.key_names) or had
    except ConfigurationError as error:
        return Said(f"{error} The key is still in it. Try again.", False)
    text = "The key that was kept is forgotten." if had else "There was no key kept here."
    left = current().find_key()
    if left is None:
        return Said(text)
    return Said(f"{text} The key {left.where} is used now. {_removal(left)}")


def try_key(typed: SecretStr | None = None) -> Said:
    """Test a key, or the one in use: two free requests, for the balance and the account."""
    settings = current()
    try:
        if settings.address == SANDBOX:
            from ..sandbox import in_process

            service, key = find(in_process().url, SANDBOX), in_process().api_key
        else:
            service, key = settings.target, typed if typed is not None else settings.key()
        balance, account = event_loop.result_of(lambda: _asked(key, service), TEST_TIMEOUT)
    except (FateUnknownError, TimeoutError) as error:
        return Said(
            f"The test got no usable answer ({type(error).__name__}). It is free: nothing was "
            "charged. Try again in a minute.",
            False,
        )
    except ProntoError as error:
        return Said(f"{error} Nothing was charged.".replace(" Nothing was sent.", ""), False)
    whose = ", ".join(_names(account)) or "the service does not say whose it is"
    known = balance_in(balance)
    credits_ = "not understood" if known is None else f"{known:,.0f} credits"
    which = "that was typed works; it is not kept yet" if typed else "in use works"
    works = "The sandbox answers" if settings.address == SANDBOX else f"The key {which}"
    return Said(f"{works}. Account: {whose}. Balance: {credits_}.")


async def _asked(key: SecretStr, service: Service) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask for the balance and the account; only the balance, which runs ask for too, must work."""
    from ..api.client import Client

    async with Client(key, service=service, timeout=TEST_TIMEOUT) as client:
        account: dict[str, Any] = {}
        try:
            account = await client.account()
        except AuthenticationError as error:
            if error.status == 401:  # 403 may mean this call alone
                raise
        except ProntoError:
            pass  # the balance tells whether the key works
        return await client.credits(), account


def _names(account: dict[str, Any]) -> list[str]:
    organization = account.get("organization")
    owner = organization.get("name") if isinstance(organization, dict) else None
    told = (account.get("name"), account.get("email"), owner)
    return [" ".join(text.split())[:_NAME_AT_MOST] for text in told if isinstance(text, str)]


def consent_state() -> str:
    """Say whether personal emails may be asked for, for what, and since when."""
    consent = current().personal_email_consent
    if consent is None:
        return (
            "No consent is recorded. Personal emails need it twice: 1. in the Pronto account's "
            "settings; 2. here, in words that say what you use them for."
        )
    return f"Recorded for this session: {consent}."


def give_consent(purpose: str) -> Said:
    """Record what personal emails are used for, and that it was said today."""
    try:
        configure(personal_email_consent=purpose)
    except ConfigurationError:
        return Said(
            "Nothing is recorded: say in words what personal emails are used for, such as "
            '"recruiting engineers in Spain".',
            False,
        )
    return Said("Consent is recorded here. The Pronto account needs it too, in its settings.")


def take_consent_back() -> Said:
    """Ask for personal emails no more."""
    configure(personal_email_consent=None)
    return Said("Consent is taken back here: personal emails are not asked for any more.")


def ledger_state() -> str:
    """Say where the ledger is, and how many answers it holds."""
    try:
        table = ledger.info()
    except ProntoError as error:
        return str(error)
    answers = int(table.loc[table["state"] == "answered", "entries"].sum())
    others = int(table["entries"].sum()) - answers
    more = f", and {others:,} requests without an answer" if others else ""
    place = table.attrs["place"]
    where = "in the memory of this process" if place == "memory" else f"at {place}"
    return f"The ledger is {where}. It holds {answers:,} answers{more}."


def forget_all() -> Said:
    """Delete all that the ledger holds."""
    try:
        gone = ledger.purge(0)
    except ProntoError as error:
        return Said(str(error), False)
    return Said(f"{gone:,} entries are deleted. Asking for these people again is paid for again.")


def pace_state() -> str:
    """Say how fast requests start."""
    return f"At most {current().rate:g} requests start in any second."


def set_pace(rate: int) -> Said:
    """Set how fast requests start."""
    if not SLOWEST <= rate <= FASTEST:
        return Said(f"The pace must be from {SLOWEST} to {FASTEST} requests a second.", False)
    configure(rate=rate)
    return Said(f"From the next run on, at most {rate} requests start in any second.")


def _source(found: credentials.Found) -> str:
    return found.where if found.source is Source.SESSION else f"the one {found.where}"


def _kept_at(at: Source) -> str:
    return str(at) if at is Source.SESSION else "kept in the system keyring"


def _removal(found: credentials.Found) -> str:
    """Return how the key that was found is taken away."""
    variable = found.where.removeprefix("from ")
    return {
        Source.CONFIGURE: "pronto.configure(api_key=None) takes it away.",
        Source.ENVIRONMENT: f"Take {variable} out of the environment to change that.",
        Source.COLAB: "Take the notebook's access away in Colab's panel of secrets to change that.",
    }.get(found.source, "Forget takes it away.")
