"""Services: whose answers and keys are whose, and that no key reaches the host of another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import pronto_pandas as pronto
from pronto_pandas.sandbox import Sandbox, Server

from .conftest import people
from .seams.api import (
    PIPECORN,
    PRONTO,
    SERVICES,
    Answer,
    Client,
    Contact,
    ledger_name,
    services,
    spec,
)
from .seams.config import credentials, current, set_session_key
from .seams.panel import actions
from .seams.root import LocalServer, main
from .test_keys import Colab, FakeKeyring, colab, fake

__all__ = ["colab", "fake"]  # fixtures


@dataclass
class Recording(Sandbox):
    """A service that takes every key and records it."""

    rate: int = 100_000
    keys: list[str | None] = field(default_factory=list)

    def authorize(self, key: str | None) -> None:
        """Record a key."""
        self.keys.append(key)


class Host:
    """A host on a socket of its own."""

    def __init__(self, server: Server, sandbox: Recording) -> None:
        self.url, self._sandbox = server.url, sandbox

    @property
    def asked(self) -> int:
        """How many people it was asked for."""
        return len(self._sandbox.asked)

    @property
    def keys(self) -> set[str | None]:
        """The keys that it was sent."""
        return set(self._sandbox.keys)


Two = tuple[Host, Host]


@pytest.fixture
def two() -> Iterator[Two]:
    """Start two hosts."""

    def start() -> Host:
        sandbox = Recording()
        return Host(stack.enter_context(Server(sandbox)), sandbox)

    with ExitStack() as stack:
        yield start(), start()


@pytest.fixture
def named(two: Two, monkeypatch: pytest.MonkeyPatch) -> Two:
    """Let the first host be Pronto's, and the second Pipecorn's."""
    for service, host in zip((PRONTO, PIPECORN), two, strict=True):
        routes = services.find(host.url, None).routes
        monkeypatch.setitem(SERVICES, service.name, replace(service, routes=routes))
    return two


def enrich(count: int = 3) -> list[str]:
    """Ask for some people and return what became of them."""
    return list(people(count).pronto.enrich("email", progress=False)["pronto_status"])


# Answers


def test_both_names_of_a_service_share_their_answers(named: Two) -> None:
    """New people are sent to the hosts of the current name."""
    before, later = named
    pronto.configure(api_key="k")
    answered = enrich(3)
    assert (before.asked, later.asked) == (3, 0)
    pronto.configure(service="pipecorn")
    assert enrich(3) == answered
    assert (before.asked, later.asked) == (3, 0)
    enrich(5)
    assert (before.asked, later.asked) == (3, 2)


def test_a_url_can_belong_to_a_service(two: Two) -> None:
    """Answers belong to the service, whatever URL they came from."""
    first, second = two
    pronto.configure(base_url=first.url, service="pronto", api_key="k")
    enrich(3)
    pronto.configure(base_url=second.url, service="Pipecorn")
    enrich(3)
    assert (first.asked, second.asked) == (3, 0)
    assert set(pronto.ledger.info()["service"]) == {"pronto"}


def test_users_can_name_a_service(two: Two) -> None:
    """Its answers count for its other URLs; an unnamed URL is a separate service."""
    first, second = two
    pronto.configure(base_url=first.url, service="mine", api_key="k")
    enrich(3)
    pronto.configure(base_url=second.url, service="mine")
    enrich(3)
    assert second.asked == 0
    pronto.configure(base_url=second.url, api_key="k")
    enrich(3)
    assert second.asked == 3
    assert set(pronto.ledger.info()["service"]) == {"mine", second.url}
    pronto.configure(base_url=first.url + "/", service=second.url, api_key="k")
    enrich(3)
    assert first.asked == 3


def test_the_built_in_sandbox_has_its_own_answers(two: Two) -> None:
    """Made-up answers never count as those of a service."""
    pronto.configure(base_url="sandbox")
    enrich(2)
    assert current().service == "sandbox"
    pronto.configure(base_url=two[0].url, service="pronto", api_key="k")
    enrich(2)
    assert two[0].asked == 2


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("pronto", "pronto"),
        ("pipecorn", "pronto"),
        ("https://api.prontohq.com/v2", "pronto"),
        ("https://app.prontohq.com/api/v2/", "pronto"),
        ("https://app.pipecorn.com/api/v2", "pronto"),
        ("https://API.pipecorn.com", "pronto"),
        ("sandbox", "sandbox"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("https://api.pipecorn.com.evil.example/v2", "https://api.pipecorn.com.evil.example/v2"),
        ("https://evil.example/api.pipecorn.com", "https://evil.example/api.pipecorn.com"),
        ("https://[broken", "https://[broken"),
        ("mine", "mine"),
    ],
)
def test_the_urls_of_old_ledgers_have_a_service(address: str, name: str) -> None:
    """Every name and host of a built-in service; everything else is unchanged."""
    assert ledger_name(address) == name


# Routes


def test_the_hosts_of_pipecorn_are_the_vendors() -> None:
    """single_enrich is synchronous on its api host and asynchronous on its app host."""
    assert {e.path: PIPECORN.routes[e] for e in spec.ENDPOINTS} == {
        "/contacts/sync_single_enrich": "https://api.pipecorn.com/v2/contacts/single_enrich",
        "/contacts/single_enrich": "https://app.pipecorn.com/api/v2/contacts/single_enrich",
        "/contacts/{enrichment_id}": "https://app.pipecorn.com/api/v2/contacts/{enrichment_id}",
        "/contacts/bulk_enrich": "https://app.pipecorn.com/api/v2/contacts/bulk_enrich",
        "/credits": "https://app.pipecorn.com/api/v2/credits",
        "/account": "https://app.pipecorn.com/api/v2/account",
    }
    assert PIPECORN.url(spec.CONTACT, enrichment_id="a/b").endswith("/contacts/a%2Fb")


def test_pipecorns_synchronous_answer_is_read() -> None:
    """Phones are strings there, and the status is ``finished``."""
    asked: list[Any] = []

    async def answer(request: Request) -> JSONResponse:
        asked.append(await request.json())
        phones = ["+33639980001"]
        return JSONResponse({"enrichment_id": "1", "status": "finished", "phones": phones})

    path = "/v2/contacts/single_enrich"
    with LocalServer(Starlette(routes=[Route(path, answer, methods=["POST"])]), port=0) as host:
        routes = {**PIPECORN.routes, spec.SYNC_SINGLE_ENRICH: f"http://127.0.0.1:{host.port}{path}"}

        async def main() -> Answer:
            service = replace(PIPECORN, routes=routes)
            async with Client(SecretStr("k"), service=service, timeout=5) as client:
                contact = Contact("Ana", "Example", None, "acme.example", None)
                return await client.sync_single_enrich(contact, ("email", "phone"))

        found = asyncio.run(main())
    assert found.is_final
    assert [phone.number for phone in found.phones] == ["+33639980001"]
    assert asked[0]["enrichment_type"] == ["email", "phone"]


def test_each_endpoint_has_its_own_host(
    two: Two, monkeypatch: pytest.MonkeyPatch, fake: FakeKeyring
) -> None:
    """People on one, the balance on the other, as with the vendor's two hosts."""
    people_host, credits_host = two
    routes = {
        **services.find(credits_host.url, None).routes,
        spec.SYNC_SINGLE_ENRICH: people_host.url + spec.SYNC_SINGLE_ENRICH.path,
    }
    monkeypatch.setitem(SERVICES, "pronto", replace(PRONTO, routes=routes))
    pronto.configure(api_key="k")
    assert people(2).pronto.estimate("email").balance == 100_000
    assert (people_host.keys, credits_host.keys) == (set(), {"k"})
    enrich(2)
    assert (people_host.asked, credits_host.asked) == (2, 0)


@pytest.mark.parametrize(
    ("base_url", "name", "route"),
    [
        ("https://api.pipecorn.com/v2/", "Pipecorn", PIPECORN.url(spec.CREDITS)),
        ("https://app.prontohq.com/api/v2", "Pronto", PRONTO.url(spec.CREDITS)),
        ("https://api.prontohq.com", "Pronto", PRONTO.url(spec.CREDITS)),
        (
            "https://api.prontohq.com/v3",
            "Pronto at https://api.prontohq.com/v3",
            "https://api.prontohq.com/v3/credits",
        ),
        ("https://x.example/v2", "https://x.example/v2", "https://x.example/v2/credits"),
    ],
)
def test_a_built_in_host_belongs_to_its_service(base_url: str, name: str, route: str) -> None:
    """Its own path stands for all hosts of the service; another path replaces them."""
    shown = repr(pronto.configure(base_url=base_url))
    assert shown.startswith(f"pronto: {name}; ")
    assert current().target.url(spec.CREDITS) == route
    assert current().service == ("pronto" if "Pronto" in name or "Pipecorn" in name else base_url)


# Keys


@pytest.mark.parametrize("service", [None, "mine"])
def test_a_key_is_not_sent_to_another_service(two: Two, service: str | None) -> None:
    """It belongs to the service it was set for, until another key is set."""
    first, second = two
    pronto.configure(base_url=first.url, api_key="of-first")
    enrich()
    pronto.configure(base_url=second.url, service=service)
    with pytest.raises(pronto.MissingKeyError, match=r"to configure\(\) is for http") as caught:
        enrich()
    assert "pronto.setup()" in str(caught.value)
    assert "of-first" not in str(caught.value)
    assert people(1).pronto.estimate("email").balance is None
    assert not actions.check_key().ok
    assert (first.keys, second.keys) == ({"of-first"}, set())
    pronto.configure(api_key="of-second")
    enrich()
    assert (first.keys, second.keys) == ({"of-first"}, {"of-second"})
    pronto.configure(base_url=first.url)
    with pytest.raises(pronto.MissingKeyError):
        enrich(4)
    assert first.keys == {"of-first"}


def test_a_key_of_pronto_is_not_sent_to_an_unnamed_url(two: Two) -> None:
    """Only if the user states that the URL belongs to Pronto."""
    pronto.configure(api_key="of-pronto")
    pronto.configure(base_url=two[0].url)
    with pytest.raises(pronto.MissingKeyError, match=r'configure\(service="pronto", base_url='):
        enrich()
    pronto.configure(base_url=two[0].url, service="pronto")
    enrich()
    assert two[0].keys == {"of-pronto"}


def test_each_name_has_its_own_environment_variable(
    named: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of one variable is not sent to the hosts of the other name."""
    before, later = named
    monkeypatch.setenv("PRONTO_API_KEY", "of-pronto")
    enrich(1)
    pronto.configure(service="pipecorn")
    says = r'PRONTO_API_KEY is the key for service="pronto".*variable PIPECORN_API_KEY'
    with pytest.raises(pronto.MissingKeyError, match=says):
        enrich(2)
    monkeypatch.setenv("PIPECORN_API_KEY", "of-pipecorn")
    assert "API key: from PIPECORN_API_KEY" in repr(pronto.configure())
    enrich(2)
    assert (before.keys, later.keys) == ({"of-pronto"}, {"of-pipecorn"})
    monkeypatch.delenv("PRONTO_API_KEY")
    pronto.configure(service="pronto")
    with pytest.raises(pronto.MissingKeyError, match=r'PIPECORN_API_KEY .* service="pipecorn"'):
        enrich(3)


@pytest.mark.parametrize(
    ("environment", "configured", "sent"),
    [
        ({}, {"base_url": "https://x.example"}, None),
        ({}, {"base_url": "https://x.example", "service": "mine"}, None),
        ({}, {"base_url": "https://x.example", "service": "pronto"}, "P"),
        ({}, {"base_url": "https://x.example", "service": "pipecorn"}, "C"),
        ({}, {"base_url": "https://api.pipecorn.com/v2"}, "C"),
        ({}, {"base_url": "http://localhost:1"}, "P"),
        ({}, {"base_url": "http://localhost:1", "service": "pipecorn"}, "C"),
        ({"PRONTO_BASE_URL": "https://x.example"}, {}, "P"),
        ({"PRONTO_BASE_URL": "https://x.example", "PRONTO_SERVICE": "mine"}, {}, "P"),
        ({"PRONTO_BASE_URL": "https://x.example", "PRONTO_SERVICE": "pipecorn"}, {}, "C"),
        ({"PRONTO_BASE_URL": "https://x.example"}, {"base_url": "https://y.example"}, None),
        ({"PRONTO_SERVICE": "pipecorn"}, {}, "C"),
        ({"PRONTO_SERVICE": "pipecorn"}, {"service": "pronto"}, "P"),
        ({"PRONTO_SERVICE": "pipecorn"}, {"base_url": "https://x.example"}, None),
    ],
)
@pytest.mark.parametrize("in_colab", [False, True])
def test_a_variables_key_is_for_its_service(
    environment: dict[str, str],
    configured: dict[str, str],
    sent: str | None,
    in_colab: bool,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """And for a base URL of the environment or of this computer. Colab secrets likewise."""
    held = {"PRONTO_API_KEY": "P", "PIPECORN_API_KEY": "C"}
    if in_colab:
        of_colab: Colab = request.getfixturevalue("colab")
        of_colab.secrets.update(held)
    for name, value in (environment if in_colab else {**environment, **held}).items():
        monkeypatch.setenv(name, value)
    pronto.configure(**configured)  # type: ignore[arg-type]  # texts all of them
    found = current().find_key()
    assert (found.key.get_secret_value() if found else None) == sent


@pytest.mark.parametrize("service", ["pronto", "pipecorn"])
@pytest.mark.parametrize(
    "kept_for", ["https://api.pipecorn.com/v2", "https://app.prontohq.com/api/v2"]
)
def test_keys_saved_under_the_url_of_a_host_are_found(
    fake: FakeKeyring, service: str, kept_for: str
) -> None:
    """Earlier versions saved them so; a new key takes precedence, and both are removed."""
    credentials.store(SecretStr("old"), kept_for)
    pronto.configure(service=service)
    assert current().key().get_secret_value() == "old"
    actions.save_key(SecretStr("new"), "keyring")
    assert current().key().get_secret_value() == "new"
    pronto.configure(base_url="https://x.example")
    assert current().find_key() is None
    pronto.configure(service=service)
    assert actions.remove_key().ok
    assert fake.held == {}


def test_a_key_saved_for_a_url_is_found_when_the_url_gets_a_name(
    fake: FakeKeyring,
) -> None:
    """It is sent to the same URL as before."""
    credentials.store(SecretStr("of-x"), "https://x.example")
    pronto.configure(base_url="https://x.example", service="mine")
    assert current().key().get_secret_value() == "of-x"
    set_session_key(SecretStr("of-mine"))
    pronto.configure(base_url="https://y.example", service="mine")
    assert current().key().get_secret_value() == "of-mine"


# Settings


def test_a_new_url_does_not_inherit_the_service(two: Two) -> None:
    """A sandbox's made-up answers must not become those of a service."""
    pronto.configure(service="pipecorn")
    pronto.configure(base_url=two[0].url)
    assert current().service == two[0].url
    pronto.configure(service="pipecorn")
    assert (current().address, current().service) == (None, "pronto")
    pronto.configure(rate=7)
    assert str(current().target) == "Pipecorn"
    pronto.configure(service=None)
    assert str(current().target) == "Pronto"


def test_a_key_can_be_set_with_the_service(two: Two) -> None:
    """Also if the sandbox was set before."""
    pronto.configure(base_url="sandbox")
    pronto.configure(api_key="k", service="pipecorn")
    assert current().key().get_secret_value() == "k"


def test_the_current_service_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """By `configure` and by the panel."""
    assert repr(pronto.configure(service="pipecorn", api_key="k")).startswith("pronto: Pipecorn; ")
    assert actions.key_state() == "API key for Pipecorn: set (from configure())."
    pronto.configure(service="pipecorn", base_url="https://x.example")
    assert actions.key_state().startswith("API key for Pipecorn at https://x.example: ")
    pronto.configure(service="Mine", base_url="https://x.example")
    assert actions.key_state() == "API key for Mine at https://x.example: not set."
    assert "PRONTO_API_KEY" not in actions.places()
    monkeypatch.setenv("PIPECORN_API_KEY", "k")
    pronto.configure(service="pipecorn", api_key=None)
    assert "API key for Pipecorn: set (from PIPECORN_API_KEY)." in actions.key_state()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"service": "pronot"}, r"'pronot' is not built in.*pronto and pipecorn.*base_url="),
        ({"service": "sandbox"}, "cannot be"),
        ({"service": "pronto", "base_url": "sandbox"}, "cannot be combined"),
        ({"service": " "}, "must be a name"),
        ({"service": 7}, "must be a name"),
    ],
)
def test_an_invalid_service_changes_nothing(settings: dict[str, str], says: str) -> None:
    """The message names valid ones."""
    before = current()
    with pytest.raises(pronto.ConfigurationError, match=says):
        pronto.configure(**settings)  # type: ignore[arg-type]  # texts all of them
    assert current() is before


def test_the_command_line_accepts_a_service() -> None:
    """A webhook also receives the answers of a named service."""
    with pytest.raises(SystemExit, match="'pronot' is not built in"):
        main(["webhook", "--service", "pronot"])
