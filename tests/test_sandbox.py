"""The sandbox: documented answers, checks, rate limit, credits and simulated errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pronto_pandas as pronto
from pronto_pandas.sandbox import Sandbox, Server

from .seams.root import main
from .seams.sandbox import FAULTS, draw, identity, truth

BODY: dict[str, Any] = {
    "firstname": "Mathilde",
    "lastname": "Brun",
    "domain": "acme.example",
    "company_name": "Acme",
    "linkedin_url": "https://www.linkedin.com/in/mathilde-example/",
    "enrichment_type": ["email", "phone"],
    "custom": {"hubspot_id": "4447901"},
}
PATH = "/contacts/sync_single_enrich"


def post(server: Server, body: Any, key: str | None = None) -> httpx.Response:
    """Post a body unchanged."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-API-KEY": server.sandbox.api_key if key is None else key}
    return httpx.post(server.url + PATH, content=content, headers=headers, timeout=3)


def test_the_documented_request_gets_the_documented_answer() -> None:
    """The documented fields, the custom object unchanged, and a header that marks made-up data."""
    with Server() as server:
        response = post(server, BODY)
    answer = response.json()
    assert response.status_code == 200
    assert response.headers["X-Pronto-Sandbox"] == "made up"
    assert set(answer) == {
        "enrichment_id", "first_name", "last_name", "linkedin_profile_url", "status", "email",
        "email_status", "phones", "phone_status", "message", "custom",
    }  # fmt: skip
    assert answer["custom"] == BODY["custom"]
    assert "Made up by the sandbox" in answer["message"]
    assert re.fullmatch(r"[0-9a-f-]{36}", answer["enrichment_id"])


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"firstname": None}, 422, "firstname is required"),
        ({"lastname": " "}, 422, "lastname is required"),
        ({"firstname": 7}, 422, "firstname is required"),
        ({"domain": ""}, 422, "domain must be a string"),
        ({"domain": "https://acme.example"}, 422, "domain name"),
        ({"linkedin_url": "linkedin.com/in/x"}, 422, "linkedin_url must be a URI"),
        ({"webhook_url": "hook"}, 422, "webhook_url must be a URI"),
        ({"enrichment_type": "email"}, 422, "must be an array"),
        ({"enrichment_type": []}, 422, "1 to 3 elements"),
        ({"enrichment_type": ["mail"]}, 422, "takes email, phone, personal_email"),
        ({"enrichment_type": ["email", "email"]}, 422, "each once"),
        ({"custom": []}, 422, "custom must be an object"),
        ({"hubspot": 1}, 422, "unknown fields: hubspot"),
    ],
)
def test_bodies_are_checked_as_documented(change: dict[str, Any], status: int, says: str) -> None:
    """An invalid body gets an error and is not charged."""
    with Server() as server:
        response = post(server, BODY | change)
        assert response.status_code == status
        assert says in response.json()["message"]
        assert server.sandbox.charges == []


def test_personal_emails_need_linkedin() -> None:
    """personal_email requires linkedin_url."""
    body = {k: v for k, v in BODY.items() if k != "linkedin_url"}
    with Server() as server:
        assert post(server, body | {"enrichment_type": ["personal_email"]}).status_code == 422
        assert post(server, BODY | {"enrichment_type": ["personal_email"]}).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"'])
def test_a_body_that_is_not_an_object_is_a_bad_request(body: bytes) -> None:
    """HTTP 400, with a JSON body."""
    with Server() as server:
        response = post(server, body)
    assert response.status_code == 400
    assert response.json()["error"] == 400


def test_keys_are_checked_everywhere() -> None:
    """HTTP 401 with the body that publicly available clients have seen."""
    with Server(Sandbox(credits=77)) as server:
        assert post(server, BODY, key="other").json() == {"error": "Unauthorized"}
        for path in ("/credits", "/account"):
            assert httpx.get(server.url + path).status_code == 401
        headers = {"X-API-KEY": server.api_key.get_secret_value()}
        assert httpx.get(server.url + "/credits", headers=headers).json() == {"credits": 77}
        account = httpx.get(server.url + "/account", headers=headers).json()
    assert account["organization"]["name"]


def test_the_rate_limit_is_a_sliding_second() -> None:
    """A request over the limit gets HTTP 429 with Retry-After, until the window has moved on."""
    now = 0.0
    sandbox = Sandbox(clock=lambda: now)
    headers = {"X-API-KEY": sandbox.api_key}
    with Server(sandbox) as server, httpx.Client(base_url=server.url, headers=headers) as client:
        for number in range(50):
            now = number / 100
            assert client.post(PATH, json=BODY).status_code == 200
        now = 0.999
        refused = client.post(PATH, json=BODY)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        now = 1.005
        assert client.post(PATH, json=BODY).status_code == 200
        assert client.post(PATH, json=BODY).status_code == 429
    assert sandbox.refused == {429: 2}


def test_credits_are_charged_and_run_out() -> None:
    """Each email and each phone number is charged; without enough credits nothing is."""
    found = truth(BODY, BODY["enrichment_type"])
    cost = (1 if found["email"] else 0) + 10 * len(found["phones"])
    assert cost > 0
    with Server(Sandbox(credits=2 * cost - 1)) as server:
        assert post(server, BODY).status_code == 200
        refused = post(server, BODY)
        record = httpx.get(server.url + "/sandbox/record").json()
    assert refused.status_code == 422
    assert refused.json() == {"error": "Insufficient enrichment credits"}
    assert record["credits"] == cost - 1
    assert record["asked"] == {identity(BODY): 2}
    assert [charge["credits"] for charge in record["charges"]] == [cost]
    assert record["refused"] == {"422": 1}
    assert len(record["arrivals"]) == 2


def test_nothing_found_costs_nothing() -> None:
    """Only found emails are charged."""
    sandbox = Sandbox()
    misses = 0
    for number in range(40):
        body = BODY | {"lastname": f"B{number}", "enrichment_type": ["email"]}
        before = sandbox.credits
        answer = sandbox.work(body)
        assert before - sandbox.credits == bool(answer["email"])
        misses += answer["status"] == "error"
        if answer["status"] == "error":
            assert answer["email"] is None
            assert answer["email_status"] == "N/A"
    assert 0 < misses < 40


@given(
    st.fixed_dictionaries({"firstname": st.text(min_size=1), "lastname": st.text(min_size=1)}),
    st.sampled_from([["email"], ["phone"], ["email", "phone", "personal_email"]]),
)
def test_answers_are_deterministic_and_made_up(contact: dict[str, str], types: list[str]) -> None:
    """Answers are deterministic; emails and numbers belong to nobody."""
    answer = truth(contact, types)
    assert truth(dict(contact), types) == answer
    for name in ("email", "personal_email"):
        assert not answer.get(name) or answer[name].endswith(".example")
    for phone in answer.get("phones", []):
        assert re.match(
            r"\+(447700900\d{3}|3363998\d{4}|120255501\d{2}|3319900\d{4})$", phone["number"]
        )


def test_faults_follow_from_the_seed() -> None:
    """The same seed draws the same faults, in about the given fraction, of every kind."""
    kinds = tuple(fault.kind for fault in FAULTS)
    drawn = [draw(1, str(n), 1, 0.3, kinds) for n in range(3000)]
    assert drawn == [draw(1, str(n), 1, 0.3, kinds) for n in range(3000)]
    assert drawn != [draw(2, str(n), 1, 0.3, kinds) for n in range(3000)]
    counts = Counter(fault.kind for fault in drawn if fault)
    assert set(counts) == set(kinds)
    assert 800 < counts.total() < 1000
    assert draw(1, "x", 1, 1.0, ()) is None


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.kind)
def test_each_fault_behaves_as_named(fault: Any) -> None:
    """What an HTTP client sees, and whether the request was charged."""
    with Server(Sandbox(faults=1.0, fault_kinds=(fault.kind,), hold=0.2)) as server:
        try:
            seen: Any = post(server, BODY)
        except httpx.TransportError as error:
            seen = error
        assert len(server.sandbox.charges) == fault.processed
    match fault.kind:
        case "429":
            assert (seen.status_code, seen.headers["Retry-After"]) == (429, "1")
        case "429 without Retry-After":
            assert seen.status_code == 429
            assert "Retry-After" not in seen.headers
        case "503" | "500":
            assert seen.status_code == int(fault.kind)
        case "502 page":
            assert seen.status_code == 502
            assert "<html>" in seen.text
        case "html":
            assert seen.status_code == 200
            assert "<html>" in seen.text
        case "cut json":
            assert seen.status_code == 200
            with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
                seen.json()
        case _:
            assert isinstance(seen, httpx.TransportError)


def test_the_command_serves_until_it_is_interrupted() -> None:
    """`python -m pronto_pandas sandbox` prints its URL and key, and stops on an interrupt."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pronto_pandas", "sandbox", "--port", "0", "--latency", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "made up" in line
        url = re.search(r"http://[\d.:]+", line)
        assert url is not None
        headers = {"X-API-KEY": "sandbox-key"}
        assert httpx.post(url[0] + PATH, json=BODY, headers=headers).status_code == 200
        process.send_signal(2)
        assert "configure(base_url=" in process.stdout.readline()
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_port_in_use_raises() -> None:
    """The error names another port."""
    with Server() as server, pytest.raises(SystemExit, match="--port 0"):
        main(["sandbox", "--port", server.url.rsplit(":", 1)[1]])


@pytest.mark.parametrize("arguments", [[], ["--faults", "2"], ["--latency", "-1"], ["--rate", "x"]])
def test_a_wrong_command_line_shows_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The usage is shown before anything is served."""
    with pytest.raises(SystemExit):
        main(["sandbox", *arguments] if arguments else [])
    assert "usage" in capsys.readouterr().err


def test_the_command_prints_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """For reports of problems."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"pronto-pandas {pronto.__version__}\n"
