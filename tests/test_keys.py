"""Where the key comes from, in which order, and what happens where a place fails."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, null
from pydantic import SecretStr

import pronto_pandas as pronto
from pronto_pandas.account import balance
from pronto_pandas.config import credentials
from pronto_pandas.config.settings import current, keep_for_session

from .conftest import Serve, people

KEY = "sk-very-secret-0123"


class FakeKeyring(KeyringBackend):
    """A keyring of the tests' own."""

    priority: float = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own
        self.held: dict[tuple[str, str], str] = {}
        self.fails: Callable[[], None] = lambda: None

    @property
    def name(self) -> str:
        return "Fake Keyring"

    def get_password(self, service: str, username: str) -> str | None:
        self.fails()
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.fails()
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.fails()
        del self.held[service, username]


class Readable(FakeKeyring):
    """One that keeps everything in a file that can be read."""

    priority = 0.5


@pytest.fixture
def fake() -> FakeKeyring:
    """Put a keyring in the place of the one that every test begins with, which holds nothing."""
    backend = FakeKeyring()
    keyring.set_keyring(backend)
    return backend


class Colab:
    """What Google Colab offers, as far as it is used."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.asked: list[threading.Thread] = []
        self.mounted: list[str] = []
        self.mount_error: Exception | None = None

    def get(self, name: str) -> str:
        self.asked.append(threading.current_thread())
        return self.secrets[name]  # KeyError stands for a missing secret

    def mount(self, where: str) -> None:
        if self.mount_error is not None:
            raise self.mount_error
        self.mounted.append(where)


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> Colab:
    """Let this be a notebook in Colab."""
    its = Colab()
    package, userdata, drive = ModuleType("google.colab"), ModuleType("u"), ModuleType("d")
    vars(userdata)["get"], vars(drive)["mount"] = its.get, its.mount
    vars(package).update(userdata=userdata, drive=drive)
    google = ModuleType("google")
    vars(google)["colab"] = package
    monkeypatch.setitem(sys.modules, "google", google)
    monkeypatch.setitem(sys.modules, "google.colab", package)
    monkeypatch.setitem(sys.modules, "google.colab.userdata", userdata)
    monkeypatch.setitem(sys.modules, "google.colab.drive", drive)
    return its


def used() -> tuple[str, str]:
    """Return the key in use, and where it came from."""
    found = current().find_key()
    assert found is not None
    return current().key().get_secret_value(), found.where


def test_each_place_goes_before_the_next(
    monkeypatch: pytest.MonkeyPatch, fake: FakeKeyring, colab: Colab
) -> None:
    """From the last to the first; what is printed says which it is, and never the key."""
    assert "API key not set" in repr(pronto.configure())
    colab.secrets["PRONTO_API_KEY"] = "of-colab"
    assert used() == ("of-colab", "from Colab's secrets")
    credentials.store(SecretStr("of-keyring"), "pronto")
    assert used() == ("of-keyring", "from the system keyring")
    keep_for_session(SecretStr("of-session"))
    assert used() == ("of-session", "kept for this session")
    monkeypatch.setenv("PRONTO_API_KEY", "of-environment")
    assert used() == ("of-environment", "from PRONTO_API_KEY")
    shown = repr(pronto.configure(api_key="of-configure"))
    assert used() == ("of-configure", "from configure()")
    assert "API key from configure()" in shown
    assert "API key from PRONTO_API_KEY" in repr(pronto.configure(api_key=None))
    monkeypatch.delenv("PRONTO_API_KEY")
    assert "API key kept for this session" in repr(pronto.configure())
    keep_for_session(None)
    assert "API key from the system keyring" in repr(pronto.configure())
    assert credentials.forget(["pronto"])
    assert "API key from Colab's secrets" in repr(pronto.configure())
    assert "of-" not in repr(current()) + repr(current().find_key())


def test_a_place_is_not_asked_where_an_earlier_one_answers(
    monkeypatch: pytest.MonkeyPatch, fake: FakeKeyring, colab: Colab
) -> None:
    """The keyring may ask a person, and Colab too."""
    fake.fails = lambda: pytest.fail("asked")
    monkeypatch.setenv("PRONTO_API_KEY", KEY)
    assert used()[0] == KEY
    assert colab.asked == []


@pytest.mark.parametrize("place", ["session", "keyring"])
def test_a_key_is_for_one_address(fake: FakeKeyring, place: str) -> None:
    """A sandbox's server, or another's, never gets the key for Pronto."""
    if place == "session":
        keep_for_session(SecretStr(KEY))
    else:
        credentials.store(SecretStr(KEY), current().service)
        assert list(fake.held) == [("pronto-pandas", "pronto")]
    assert used()[0] == KEY
    pronto.configure(base_url="http://localhost:8765")
    with pytest.raises(pronto.MissingKeyError):
        current().key()
    keep_for_session(SecretStr("of-here"))
    assert used()[0] == "of-here"
    pronto.configure(base_url="https://pronto.example")
    assert current().find_key() is None


def test_a_missing_key_names_the_ways_to_set_one() -> None:
    """The panel first."""
    with pytest.raises(pronto.MissingKeyError, match=r"pronto\.setup\(\).*configure.*PRONTO_API_"):
        current().key()


def test_what_cannot_be_a_key_is_said_with_its_place(fake: FakeKeyring) -> None:
    """And not said itself."""
    fake.held["pronto-pandas", "pronto"] = "two words"
    with pytest.raises(pronto.ConfigurationError, match="from the system keyring holds") as caught:
        current().key()
    assert "two words" not in str(caught.value)
    fake.held["pronto-pandas", "pronto"] = " "
    assert current().find_key() is None


class Strange(BaseException):
    """What other programs raise."""


def raises() -> None:
    """Fail with the key in the message."""
    raise RuntimeError(f"cannot unlock {KEY}")


def raises_strangely() -> None:
    """Fail with what is no Exception."""
    raise Strange(KEY)


def hangs() -> None:
    """Wait for a person who is not there."""
    time.sleep(1.5)


@pytest.mark.parametrize("fails", [raises, raises_strangely, hangs])
def test_a_keyring_that_fails_breaks_nothing(
    fake: FakeKeyring,
    colab: Colab,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fails: Callable[[], None],
) -> None:
    """The next place is looked at; nothing is logged; storing says it, without the key."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(credentials, "PATIENCE", 0.1)
    fake.fails = fails
    colab.secrets["PRONTO_API_KEY"] = "of-colab"
    assert used() == ("of-colab", "from Colab's secrets")
    assert caplog.records == []
    with pytest.raises(pronto.ConfigurationError) as caught:
        credentials.store(SecretStr(KEY), "pronto")
    assert "system keyring" in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.__context__ is None or KEY not in repr(caught.value.__context__)


def test_a_run_goes_on_where_the_keyring_hangs(
    serve: Serve, fake: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the key of the environment the keyring is not asked; without, a clear error comes."""
    server = serve()
    fake.fails = hangs
    monkeypatch.setattr(credentials, "PATIENCE", 0.1)
    pronto.configure(api_key=None)
    with pytest.raises(pronto.MissingKeyError):
        people(2).pronto.enrich("email", progress=False)
    monkeypatch.setenv("PRONTO_API_KEY", server.sandbox.api_key)
    out = people(2).pronto.enrich("email", progress=False)
    assert set(out["pronto_status"]) <= {"found", "not_found"}


def test_a_run_takes_the_key_of_the_keyring(serve: Serve, fake: FakeKeyring) -> None:
    """Nothing else is set."""
    server = serve()
    pronto.configure(api_key=None)
    credentials.store(server.api_key, server.url)
    people(2).pronto.enrich("email", progress=False)
    assert len(server.sandbox.charges) == 2


@pytest.mark.parametrize(
    "backend",
    [None, null.Keyring, Readable],
)
def test_what_keeps_nothing_or_keeps_it_readable_is_no_place(backend: Any) -> None:
    """Nor is it written to."""
    if backend is not None:
        keyring.set_keyring(backend())
    assert credentials.keyring_name() is None
    with pytest.raises(pronto.ConfigurationError, match="none that can be trusted"):
        credentials.store(SecretStr(KEY), "pronto")
    assert getattr(keyring.get_keyring(), "held", {}) == {}
    assert not credentials.forget(["pronto"])


def test_of_a_chain_the_one_that_can_be_trusted_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain says of itself that it is best, whatever it holds."""
    weak, good = Readable(), FakeKeyring()
    chain = chainer.ChainerBackend()  # type: ignore[no-untyped-call]  # keyring's own
    keyring.set_keyring(chain)
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [weak])
    assert credentials.keyring_name() is None
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [weak, good])
    credentials.store(SecretStr(KEY), "pronto")
    assert (weak.held, len(good.held)) == ({}, 1)


def test_colab_is_asked_on_the_main_thread_alone(colab: Colab) -> None:
    """On any other it would wait for ever."""
    colab.secrets["PRONTO_API_KEY"] = KEY
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(credentials.of_colab(["PRONTO_API_KEY"])))
    thread.start()
    thread.join()
    assert (got, colab.asked) == ([None], [])
    assert used()[0] == KEY


def test_runs_and_estimates_read_colabs_secret_before_their_thread(
    serve: Serve, colab: Colab
) -> None:
    """Both send from a thread of their own."""
    server = serve()
    pronto.configure(api_key=None)
    colab.secrets["PRONTO_API_KEY"] = server.sandbox.api_key
    people(2).pronto.enrich("email", progress=False)
    assert people(3).pronto.estimate("email").balance is not None
    assert set(colab.asked) == {threading.main_thread()}


def test_an_estimate_without_a_key_has_no_balance() -> None:
    """And is an estimate all the same."""
    assert people(2).pronto.estimate("email").balance is None
    assert balance(current()) is None


def test_colab_without_the_secret_is_no_error(colab: Colab) -> None:
    """Nor is a notebook without access to it; elsewhere Colab is not looked for."""
    assert credentials.of_colab(["PRONTO_API_KEY"]) is None
    assert len(colab.asked) == 1
    assert current().find_key() is None


def test_outside_of_colab_nothing_of_it_is_imported() -> None:
    """``google`` is a namespace that other packages share."""
    code = (
        "import sys, pronto_pandas.config.credentials as k; "
        "print(k.of_colab(['X']), 'google' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "None False\n"
