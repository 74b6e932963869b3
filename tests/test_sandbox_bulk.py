"""The sandbox accepts batches and posts the answers to a webhook."""

from __future__ import annotations

import http.server
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from pronto_pandas.sandbox import Sandbox, Server

from .conftest import people
from .seams.root import main
from .seams.sandbox import FAULTS, deliveries, identity, posted, service, truth
from .test_calling import wait_for
from .test_sandbox import BODY

BULK = "/contacts/bulk_enrich"
SINGLE = "/contacts/single_enrich"
SYNC = "/contacts/sync_single_enrich"

CONTACTS: list[dict[str, Any]] = [
    person | {"custom": {"row": number, "tags": ["é", None]}}
    for number, person in enumerate(json.loads(people(12).to_json(orient="records")))
]


class Receiver:
    """A local webhook that stores payloads and responds with ``status``."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[dict[str, Any]] = []
        self.moments: list[float] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.now, self.most = 0, 0
        self._lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/json"
                receiver.take(json.loads(body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        class Listening(http.server.ThreadingHTTPServer):
            request_queue_size = 200  # the default of 5 would keep a burst waiting for a second

        self._server = Listening(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def take(self, payload: dict[str, Any]) -> None:
        """Store a payload, and respond once that is allowed."""
        with self._lock:
            self.moments.append(time.monotonic())
            self.got.append(payload)
            self.now += 1
            self.most = max(self.most, self.now)
        self.may_answer.wait(20)
        with self._lock:
            self.now -= 1

    @property
    def rows(self) -> list[int]:
        """Rows of the payloads, in order of arrival."""
        return [payload["custom"]["row"] for payload in self.got]

    def stop(self) -> None:
        """Stop the server."""
        self.may_answer.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Start a receiver of webhooks."""
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start sandboxes."""
    with ExitStack() as stack:
        yield lambda **sandbox: stack.enter_context(Server(Sandbox(**sandbox)))


Start = Callable[..., Server]


def post(server: Server, body: Any, path: str = BULK) -> httpx.Response:
    """Post a body as ASCII JSON, which can contain a lone surrogate."""
    headers = {"X-API-KEY": server.sandbox.api_key}
    return httpx.post(server.url + path, content=json.dumps(body), headers=headers, timeout=10)


def batch(type_: str = "email", **more: Any) -> dict[str, Any]:
    """Return the body of a batch with all contacts."""
    return {"contacts": CONTACTS, "enrichment_type": [type_], **more}


def cost(contacts: list[dict[str, Any]], type_: str) -> list[int]:
    """Return the credits that each contact costs."""
    found = [truth(contact, [type_]) for contact in contacts]
    return [10 * len(data["phones"]) if type_ == "phone" else bool(data[type_]) for data in found]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"contacts": None}, "contacts must be an array of 2 to 100"),
        ({"contacts": CONTACTS[:1]}, "contacts must be an array of 2 to 100"),
        ({"contacts": (CONTACTS * 9)[:101]}, "contacts must be an array of 2 to 100"),
        ({"enrichment_type": "email"}, "1 to 1 elements"),
        ({"enrichment_type": []}, "1 to 1 elements"),
        ({"enrichment_type": ["email", "phone"]}, "1 to 1 elements"),
        ({"enrichment_type": ["mail"]}, "takes email, phone, personal_email"),
        ({"webhook_url": "ftp://hook.example"}, "webhook_url must be a URI"),
        ({"webhook_url": "http://"}, "webhook_url must be a URI"),
        ({"webhook_url": "http://[hook"}, "webhook_url must be a URI"),
        ({"webhook_url": 7}, "webhook_url must be a URI"),
        ({"phone_country_codes": "FR"}, "array of ISO 3166-1"),
        ({"phone_country_codes": []}, "array of ISO 3166-1"),
        ({"phone_country_codes": ["fr"]}, "array of ISO 3166-1"),
        ({"phone_country_codes": ["FR", "UK"]}, "array of ISO 3166-1"),
        ({"phone_country_codes": [["FR"]]}, "array of ISO 3166-1"),
        ({"custom": {}}, "unknown fields: custom"),
    ],
)
def test_a_batch_is_checked_as_documented(start: Start, change: dict[str, Any], says: str) -> None:
    """An invalid body gets an error; nothing is counted or charged."""
    server = start()
    response = post(server, batch() | change)
    assert response.status_code == 422
    assert says in response.json()["message"]
    assert server.sandbox.charges == []
    assert server.sandbox.asked == {}


@pytest.mark.parametrize(
    ("type_", "contact", "says"),
    [
        ("email", "Ana", "must be an object"),
        ("email", {"firstname": "Ana", "domain": "a.example"}, "lastname is required"),
        ("email", {"firstname": " ", "lastname": "B"}, "firstname is required"),
        ("email", {"firstname": "Ana", "lastname": "B"}, "domain or company_name is required"),
        ("phone", {"firstname": "Ana", "lastname": "B"}, "linkedin_url is required for phone"),
        (
            "personal_email",
            {"firstname": "Ana", "lastname": "B", "domain": "a.example"},
            "linkedin_url is required for personal_email",
        ),
        ("email", CONTACTS[0] | {"domain": "https://a.example"}, "domain must be a domain name"),
        ("email", CONTACTS[0] | {"custom": "row 1"}, "custom must be an object"),
        ("email", CONTACTS[0] | {"webhook_url": "https://a.example"}, "unknown fields"),
        ("email", CONTACTS[0] | {"hubspot": 1}, "unknown fields: hubspot"),
    ],
)
def test_each_contact_of_a_batch_is_checked(
    start: Start, type_: str, contact: Any, says: str
) -> None:
    """The message names the position of the invalid contact."""
    server = start()
    response = post(server, batch(type_) | {"contacts": [*CONTACTS[:2], contact, *CONTACTS[2:4]]})
    assert response.status_code == 422
    assert response.json()["message"].startswith(f"contacts[2]: {says}")
    assert server.sandbox.charges == []


def test_a_body_that_is_not_an_object_is_a_bad_request(start: Start) -> None:
    """HTTP 400, as on the other endpoints."""
    assert post(start(), CONTACTS).status_code == 400


@pytest.mark.parametrize("path", [SYNC, SINGLE])
def test_country_codes_are_checked_for_one_person_too(start: Start, path: str) -> None:
    """Pronto's own integrations send them there, too."""
    body = CONTACTS[0] | {"enrichment_type": ["phone"]}
    refused = post(start(), body | {"phone_country_codes": ["UK"]}, path)
    assert "array of ISO 3166-1" in refused.json()["message"]


@pytest.mark.parametrize("type_", ["email", "phone", "personal_email"])
def test_a_delivery_equals_the_synchronous_answer(
    start: Start, receiver: Receiver, type_: str
) -> None:
    """One payload per contact: the same data, its custom object unchanged, the batch's id."""
    server = start()
    response = post(server, batch(type_, webhook_url=receiver.url))
    assert response.status_code == 200
    assert response.json().keys() == {"enrichment_id"}
    wait_for(lambda: server.sandbox.delivered == {200: 12})
    for payload in receiver.got:
        contact = CONTACTS[payload["custom"]["row"]]
        answer = post(server, contact | {"enrichment_type": [type_]}, SYNC).json()
        assert payload == answer | {"enrichment_id": response.json()["enrichment_id"]}
    assert sorted(receiver.rows) == list(range(12))


def test_a_batch_is_charged_when_it_is_accepted(start: Start) -> None:
    """Each contact is charged for what will be found, even without a webhook."""
    server = start()
    costs = cost(CONTACTS, "phone")
    assert 0 in costs
    post(server, batch("phone"))
    record = httpx.get(server.url + "/sandbox/record").json()
    assert record["charges"] == [
        {"contact": identity(contact), "types": ["phone"], "credits": credit}
        for contact, credit in zip(CONTACTS, costs, strict=True)
    ]
    assert record["asked"] == {identity(contact): 1 for contact in CONTACTS}
    assert record["credits"] == 100_000 - sum(costs)
    assert record["delivered"] == {}


def test_credits_are_checked_for_the_whole_batch(start: Start, receiver: Receiver) -> None:
    """With one credit too few nothing is charged or delivered; with it, everything is."""
    whole = sum(cost(CONTACTS, "email"))
    server = start(credits=whole - 1)
    refused = post(server, batch(webhook_url=receiver.url))
    assert refused.status_code == 422
    assert refused.json() == {"error": "Insufficient enrichment credits"}
    assert (server.sandbox.credits, server.sandbox.charges) == (whole - 1, [])
    server.sandbox.credits = whole
    assert post(server, batch(webhook_url=receiver.url)).status_code == 200
    assert server.sandbox.credits == 0
    wait_for(lambda: server.sandbox.delivered.total() == 12)
    assert len(receiver.got) == 12


@pytest.mark.parametrize("path", [BULK, SINGLE, SYNC])
def test_personal_emails_need_the_accounts_consent(start: Start, path: str) -> None:
    """On every endpoint; without consent nothing is charged, and other types still work."""
    server = start(consent=False)
    contacts = {"contacts": CONTACTS} if path == BULK else CONTACTS[0]
    refused = post(server, contacts | {"enrichment_type": ["personal_email"]}, path)
    assert refused.status_code == 422
    assert "without consenting with our terms of use" in refused.json()["message"]
    assert server.sandbox.charges == []
    assert post(server, contacts | {"enrichment_type": ["email"]}, path).status_code == 200


def test_phones_are_of_the_requested_countries(start: Start, receiver: Receiver) -> None:
    """Phones of other countries are neither delivered nor charged."""
    server = start()
    post(server, batch("phone", webhook_url=receiver.url, phone_country_codes=["GB", "US"]))
    wait_for(lambda: len(receiver.got) == 12)
    charged = {charge["contact"]: charge["credits"] for charge in server.sandbox.charges}
    for payload in receiver.got:
        contact = CONTACTS[payload["custom"]["row"]]
        all_of_them = truth(contact, ["phone"])["phones"]
        expected = [phone for phone in all_of_them if not phone["number"].startswith("+33")]
        assert payload["phones"] == expected
        assert payload["phone_status"] == ("valid" if expected else "not_found")
        assert payload["status"] == ("success" if expected else "error")
        assert charged[identity(contact)] == 10 * len(expected)
    costs = cost(CONTACTS, "phone")
    assert 0 < sum(charged.values()) < sum(costs)
    assert Counter(charged.values())[0] > costs.count(0), "nobody had French numbers alone"


@pytest.mark.parametrize(("path", "body"), [(SYNC, BODY), (SINGLE, CONTACTS[0])])
def test_a_single_answer_is_delivered_too(
    start: Start, receiver: Receiver, path: str, body: dict[str, Any]
) -> None:
    """A single request with a webhook_url also gets its answer delivered."""
    server = start()
    body = {"enrichment_type": ["email"], **body, "webhook_url": receiver.url}
    answer = post(server, body, path).json()
    wait_for(lambda: receiver.got)
    (payload,) = receiver.got
    assert payload["enrichment_id"] == answer["enrichment_id"]
    assert payload["custom"] == body["custom"]
    assert payload["email"] == truth(body, ["email"])["email"]
    if path == SYNC:
        assert payload == answer


def test_deliveries_come_after_the_latency(start: Start, receiver: Receiver) -> None:
    """The response to the request does not wait for the latency."""
    server = start(latency=0.5)
    post(server, batch(webhook_url=receiver.url))
    (taken,) = server.sandbox.answered
    assert taken - server.sandbox.arrivals[0] < 0.5
    wait_for(lambda: len(receiver.got) == 12)
    assert min(receiver.moments) >= taken + 0.5


def test_deliveries_depend_on_the_dice() -> None:
    """Shuffled, with the given fractions doubled and lost; doubling does not change the losses."""
    payloads = [{"n": n} for n in range(2000)]

    def numbers(seed: int, doubled: float = 0.0, lost: float = 0.0) -> list[int]:
        return [p["n"] for p in posted(payloads, random.Random(seed), doubled, lost)]

    assert numbers(1) == numbers(1) != numbers(2)
    assert sorted(numbers(1)) == list(range(2000)) != numbers(1)
    assert Counter(Counter(numbers(1, doubled=0.25)).values())[2] == pytest.approx(500, rel=0.15)
    assert len(numbers(1, lost=0.25)) == pytest.approx(1500, rel=0.05)
    assert set(numbers(1, doubled=1.0, lost=0.25)) == set(numbers(1, lost=0.25))


def test_deliveries_are_doubled(start: Start, receiver: Receiver) -> None:
    """Each payload arrives twice and is charged once."""
    server = start(deliveries_doubled=1.0)
    post(server, batch(webhook_url=receiver.url))
    wait_for(lambda: server.sandbox.delivered == {200: 24})
    assert Counter(receiver.rows) == dict.fromkeys(range(12), 2)
    assert len(server.sandbox.charges) == 12


def test_deliveries_are_lost_and_shuffled_by_the_seed(
    start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some never arrive; all are charged; the same seed gives the same deliveries."""
    planned: list[list[int]] = []

    def plan(*arguments: Any) -> list[dict[str, Any]]:
        payloads = posted(*arguments)
        planned.append([payload["custom"]["row"] for payload in payloads])
        return payloads

    monkeypatch.setattr(service, "posted", plan)

    def deliver(seed: int) -> None:
        receiver.got.clear()
        server = start(deliveries_lost=0.5, seed=seed)
        post(server, batch(webhook_url=receiver.url))
        wait_for(lambda: server.sandbox.delivered.total() == len(planned[-1]))
        assert sorted(receiver.rows) == sorted(planned[-1])
        assert len(server.sandbox.charges) == 12

    for seed in (1, 1, 2):
        deliver(seed)
    assert planned[0] == planned[1] != planned[2]
    assert 0 < len(planned[0]) < 12


def test_deliveries_are_held_until_they_are_released(start: Start, receiver: Receiver) -> None:
    """Accepted and charged, but not sent; deliveries after the release are not held."""
    server = start(hold_deliveries=True)
    post(server, batch(webhook_url=receiver.url))
    post(server, BODY | {"webhook_url": receiver.url}, SYNC)
    assert len(server.sandbox.charges) == 13
    time.sleep(0.2)  # else what was not held could still be on its way
    assert receiver.got == []
    server.sandbox.release()
    wait_for(lambda: len(receiver.got) == 13)
    post(server, batch(webhook_url=receiver.url))
    wait_for(lambda: len(receiver.got) == 25)


def test_release_without_deliveries(start: Start) -> None:
    """Nothing was sent yet, or the server has stopped: release() does nothing."""
    server = start(hold_deliveries=True)
    server.sandbox.release()
    server.stop()
    server.sandbox.release()
    assert server.sandbox.delivered == {}


@pytest.mark.parametrize("status", [301, 404, 503])
def test_a_refused_delivery_is_not_repeated(start: Start, receiver: Receiver, status: int) -> None:
    """Each delivery is posted once, and the status is in the record."""
    receiver.status = status
    server = start()
    post(server, batch(webhook_url=receiver.url))
    wait_for(lambda: server.sandbox.delivered.total() == 12)
    receiver.status = 200
    post(server, batch(webhook_url=receiver.url))
    wait_for(lambda: server.sandbox.delivered.total() == 24)
    record = httpx.get(server.url + "/sandbox/record").json()
    assert record["delivered"] == {str(status): 12, "200": 12}
    assert len(receiver.got) == 24


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}", "http://a.example:99999", "http://\ud800"])
def test_an_unreachable_receiver_is_recorded(start: Start, url: str) -> None:
    """An unreachable or impossible URL counts as failed; the server continues."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, and nobody listens
        server = start()
        url = url.format(unused.getsockname()[1])
        assert post(server, batch(webhook_url=url)).status_code == 200
        wait_for(lambda: server.sandbox.delivered == {"failed": 12})
    assert post(server, BODY, SYNC).status_code == 200


def test_a_slow_receiver_times_out(
    start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the timeout, without a second attempt."""
    monkeypatch.setattr(deliveries, "TIMEOUT", 1.0)
    receiver.may_answer.clear()
    server = start()
    post(server, batch(webhook_url=receiver.url))
    wait_for(lambda: server.sandbox.delivered == {"failed": 12})
    assert len(receiver.got) == 12


def test_at_most_fifty_concurrent_deliveries(start: Start, receiver: Receiver) -> None:
    """Over all batches; the other deliveries wait."""
    receiver.may_answer.clear()
    server = start()
    for _ in range(6):
        post(server, batch(webhook_url=receiver.url))
    wait_for(lambda: receiver.now == 50)
    receiver.may_answer.set()
    wait_for(lambda: server.sandbox.delivered == {200: 72})
    assert receiver.most == 50


def test_deliveries_ignore_the_proxy_variables(
    start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy could not reach this computer."""
    server = start()
    headers = {"X-API-KEY": server.sandbox.api_key}
    with httpx.Client(base_url=server.url, headers=headers) as client:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        client.post(BULK, json=batch(webhook_url=receiver.url))
    wait_for(lambda: server.sandbox.delivered == {200: 12})


@pytest.mark.parametrize("held", [True, False])
def test_a_server_stops_with_deliveries_left(start: Start, receiver: Receiver, held: bool) -> None:
    """Held and running deliveries are cancelled; the sandbox can be served again."""
    receiver.may_answer.clear()
    server = start(hold_deliveries=held)
    post(server, batch(webhook_url=receiver.url))
    wait_for(lambda: held or receiver.now == 12)
    server.stop()
    receiver.may_answer.set()
    assert server.sandbox.delivered == {}
    receiver.got.clear()
    server.sandbox.release()
    with Server(server.sandbox) as again:
        post(again, batch(webhook_url=receiver.url))
        wait_for(lambda: again.sandbox.delivered == {200: 12})
    assert len(receiver.got) == 12


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.kind)
def test_a_batch_meets_faults(start: Start, receiver: Receiver, fault: Any) -> None:
    """A fault applies to the whole batch: everything is charged and delivered, or nothing."""
    server = start(faults=1.0, fault_kinds=(fault.kind,), hold=0.2)
    try:
        seen = post(server, batch(webhook_url=receiver.url)).status_code
    except httpx.TransportError:
        seen = 0
    assert fault.kind[:3] not in {"429", "503", "500", "502"} or seen == int(fault.kind[:3])
    assert len(server.sandbox.charges) == 12 * fault.processed
    wait_for(lambda: len(receiver.got) == 12 * fault.processed)


def test_a_repeated_batch_draws_another_fault(start: Start) -> None:
    """Each attempt has its own fault and its own id."""
    server = start(faults=0.5, fault_kinds=("503",))
    answers = [post(server, batch()) for _ in range(12)]
    assert {answer.status_code for answer in answers} == {200, 503}
    names = [answer.json()["enrichment_id"] for answer in answers if answer.is_success]
    assert len(set(names)) == len(names)


def test_the_command_passes_the_options_of_deliveries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fractions of doubled and lost deliveries reach the sandbox."""
    served: list[Sandbox] = []

    class Shown:
        url = "http://127.0.0.1:1"

        def __init__(self, sandbox: Sandbox, **_: Any) -> None:
            served.append(sandbox)

        def serve(self) -> None: ...

    monkeypatch.setattr("pronto_pandas.sandbox.Server", Shown)
    main(["sandbox", "--deliveries-doubled", "0.25", "--deliveries-lost", "0.5"])
    main(["sandbox"])
    assert [(s.deliveries_doubled, s.deliveries_lost) for s in served] == [(0.25, 0.5), (0, 0)]
    with pytest.raises(SystemExit):
        main(["sandbox", "--deliveries-lost", "2"])
