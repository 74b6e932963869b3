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

from .conftest import Serve, people
from .seams.config import credentials, current, set_session_key
from .seams.root import balance

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


def test_the_places_have_an_order(
    monkeypatch: pytest.MonkeyPatch, fake: FakeKeyring, colab: Colab
) -> None:
    """From the last to the first; the repr names the place and never shows the key."""
    assert "API key: not set (run pronto.setup())" in repr(pronto.configure())
    colab.secrets["PRONTO_API_KEY"] = "of-colab"
    assert used() == ("of-colab", "from the Colab secret")
    credentials.store(SecretStr("of-keyring"), "pronto")
    assert used() == ("of-keyring", "from the system keyring")
    set_session_key(SecretStr("of-session"))
    assert used() == ("of-session", "saved for this session")
    monkeypatch.setenv("PRONTO_API_KEY", "of-environment")
    assert used() == ("of-environment", "from PRONTO_API_KEY")
    shown = repr(pronto.configure(api_key="of-configure"))
    assert used() == ("of-configure", "from configure()")
    assert "API key: from configure()" in shown
    assert "API key: from PRONTO_API_KEY" in repr(pronto.configure(api_key=None))
    monkeypatch.delenv("PRONTO_API_KEY")
    assert "API key: saved for this session" in repr(pronto.configure())
    set_session_key(None)
    assert "API key: from the system keyring" in repr(pronto.configure())
    assert credentials.delete(["pronto"])
    assert "API key: from the Colab secret" in repr(pronto.configure())
    assert "of-" not in repr(current()) + repr(current().find_key())


def test_later_places_are_not_read(
    monkeypatch: pytest.MonkeyPatch, fake: FakeKeyring, colab: Colab
) -> None:
    """The keyring and Colab may prompt the user."""
    fake.fails = lambda: pytest.fail("asked")
    monkeypatch.setenv("PRONTO_API_KEY", KEY)
    assert used()[0] == KEY
    assert colab.asked == []


@pytest.mark.parametrize("place", ["session", "keyring"])
def test_a_key_is_for_one_base_url(fake: FakeKeyring, place: str) -> None:
    """No other server receives the key for Pronto, not even a sandbox."""
    if place == "session":
        set_session_key(SecretStr(KEY))
    else:
        credentials.store(SecretStr(KEY), current().service)
        assert list(fake.held) == [("pronto-pandas", "pronto")]
    assert used()[0] == KEY
    pronto.configure(base_url="http://localhost:8765")
    with pytest.raises(pronto.MissingKeyError):
        current().key()
    set_session_key(SecretStr("of-here"))
    assert used()[0] == "of-here"
    pronto.configure(base_url="https://pronto.example")
    assert current().find_key() is None


def test_a_missing_key_names_the_ways_to_set_one() -> None:
    """The panel first."""
    with pytest.raises(pronto.MissingKeyError, match=r"pronto\.setup\(\).*PRONTO_API_KEY"):
        current().key()


def test_an_invalid_key_is_reported_with_its_place(fake: FakeKeyring) -> None:
    """The message does not contain it."""
    fake.held["pronto-pandas", "pronto"] = "two words"
    with pytest.raises(
        pronto.ConfigurationError, match="from the system keyring contains"
    ) as caught:
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
def test_a_keyring_that_fails_is_skipped(
    fake: FakeKeyring,
    colab: Colab,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fails: Callable[[], None],
) -> None:
    """The next place is read and nothing is logged. Saving reports it, without the key."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(credentials, "KEYRING_TIMEOUT", 0.1)
    fake.fails = fails
    colab.secrets["PRONTO_API_KEY"] = "of-colab"
    assert used() == ("of-colab", "from the Colab secret")
    assert caplog.records == []
    with pytest.raises(pronto.ConfigurationError) as caught:
        credentials.store(SecretStr(KEY), "pronto")
    assert "system keyring" in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.__context__ is None or KEY not in repr(caught.value.__context__)


def test_a_run_continues_if_the_keyring_hangs(
    serve: Serve, fake: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PRONTO_API_KEY the keyring is not read; without it, the error is clear."""
    server = serve()
    fake.fails = hangs
    monkeypatch.setattr(credentials, "KEYRING_TIMEOUT", 0.1)
    pronto.configure(api_key=None)
    with pytest.raises(pronto.MissingKeyError):
        people(2).pronto.enrich("email", progress=False)
    monkeypatch.setenv("PRONTO_API_KEY", server.sandbox.api_key)
    out = people(2).pronto.enrich("email", progress=False)
    assert set(out["pronto_status"]) <= {"found", "not_found"}


def test_a_run_uses_the_key_in_the_keyring(serve: Serve, fake: FakeKeyring) -> None:
    """If nothing else is set."""
    server = serve()
    pronto.configure(api_key=None)
    credentials.store(server.api_key, server.url)
    people(2).pronto.enrich("email", progress=False)
    assert len(server.sandbox.charges) == 2


@pytest.mark.parametrize(
    "backend",
    [None, null.Keyring, Readable],
)
def test_insecure_keyrings_are_not_used(backend: Any) -> None:
    """Neither read nor written."""
    if backend is not None:
        keyring.set_keyring(backend())
    assert credentials.keyring_name() is None
    with pytest.raises(pronto.ConfigurationError, match="has no secure keyring"):
        credentials.store(SecretStr(KEY), "pronto")
    assert getattr(keyring.get_keyring(), "held", {}) == {}
    assert not credentials.delete(["pronto"])


def test_the_secure_keyring_of_a_chain_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain reports the best priority, whatever it contains."""
    weak, good = Readable(), FakeKeyring()
    chain = chainer.ChainerBackend()  # type: ignore[no-untyped-call]  # keyring's own
    keyring.set_keyring(chain)
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [weak])
    assert credentials.keyring_name() is None
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [weak, good])
    credentials.store(SecretStr(KEY), "pronto")
    assert (weak.held, len(good.held)) == ({}, 1)


def test_colab_secrets_are_read_only_on_the_main_thread(colab: Colab) -> None:
    """On any other thread Colab would wait forever."""
    colab.secrets["PRONTO_API_KEY"] = KEY
    got: list[object] = []
    thread = threading.Thread(
        target=lambda: got.append(credentials.colab_secret(["PRONTO_API_KEY"]))
    )
    thread.start()
    thread.join()
    assert (got, colab.asked) == ([None], [])
    assert used()[0] == KEY


def test_runs_and_estimates_read_the_colab_secret_before_their_thread(
    serve: Serve, colab: Colab
) -> None:
    """Both send from a background thread."""
    server = serve()
    pronto.configure(api_key=None)
    colab.secrets["PRONTO_API_KEY"] = server.sandbox.api_key
    people(2).pronto.enrich("email", progress=False)
    assert people(3).pronto.estimate("email").balance is not None
    assert set(colab.asked) == {threading.main_thread()}


def test_an_estimate_without_a_key_has_no_balance() -> None:
    """It is still an estimate."""
    assert people(2).pronto.estimate("email").balance is None
    assert balance(current()) is None


def test_a_missing_colab_secret_is_not_an_error(colab: Colab) -> None:
    """Nor is a notebook without access to it."""
    assert credentials.colab_secret(["PRONTO_API_KEY"]) is None
    assert len(colab.asked) == 1
    assert current().find_key() is None


def test_outside_colab_nothing_of_it_is_imported() -> None:
    """Other packages share the namespace ``google``."""
    code = (
        "import sys; from tests.seams.config import credentials as k; "
        "print(k.colab_secret(['X']), 'google' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "None False\n"
