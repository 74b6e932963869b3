"""The client against answers as they come: documented, contradictory, broken."""

from __future__ import annotations

import asyncio
import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

import pronto_pandas as pronto

from .canned import CONTACT, FOUND, Canned, Respond, ask
from .seams.api import PRONTO, Answer, Client, connection, failure, find, parse, retry_after, spec


def test_the_request_is_the_documented_one(canned: Canned) -> None:
    """Method, path, key and every documented field, and nothing more."""
    canned.says(FOUND)
    answer = ask(canned.url + "/", custom={"crm_id": "1"}, webhook_url="https://hook.example/x")
    head, _, body = canned.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /contacts/sync_single_enrich HTTP/1.1\r\n")
    assert b"\r\nx-api-key: k3y\r\n" in head.lower() + b"\r\n"
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body) == {
        "firstname": "Mathilde",
        "lastname": "Brun",
        "company_name": "Acme",
        "domain": "acme.example",
        "linkedin_url": "https://www.linkedin.com/in/m/",
        "enrichment_type": ["email", "phone"],
        "custom": {"crm_id": "1"},
        "webhook_url": "https://hook.example/x",
    }
    ask(canned.url, phone_country_codes=["FR"])
    assert json.loads(canned.requests[1].partition(b"\r\n\r\n")[2]) == {
        "firstname": "Mathilde",
        "lastname": "Brun",
        "company_name": "Acme",
        "domain": "acme.example",
        "linkedin_url": "https://www.linkedin.com/in/m/",
        "enrichment_type": ["email", "phone"],
        "phone_country_codes": ["FR"],
    }
    assert answer.email == "m.brun@acme.example"
    assert answer.custom == {"crm_id": "1"}


def test_the_urls_are_the_vendors() -> None:
    """The literal URLs of the vendor's pages; one base_url replaces both hosts."""
    assert PRONTO.url(spec.SYNC_SINGLE_ENRICH) == (
        "https://api.prontohq.com/v2/contacts/sync_single_enrich"
    )
    assert PRONTO.url(spec.CREDITS) == "https://app.prontohq.com/api/v2/credits"
    assert find("https://x.example", None).url(spec.ACCOUNT) == "https://x.example/account"
    assert spec.KEY_HEADER == "X-API-KEY"
    assert spec.RATE_LIMIT == 50


def test_credits_and_account_are_objects(canned: Canned) -> None:
    """Their fields are undocumented, so any JSON object is returned."""
    canned.says({"anything": {"at": ["all"]}})

    async def main() -> list[dict[str, Any]]:
        async with Client(SecretStr("k"), service=find(canned.url, None)) as client:
            return [await client.credits(), await client.account()]

    assert asyncio.run(main()) == [{"anything": {"at": ["all"]}}] * 2
    assert [r.split(b" ")[:2] for r in canned.requests] == [
        [b"GET", b"/credits"],
        [b"GET", b"/account"],
    ]


@pytest.mark.parametrize(
    "phones",
    [
        {"phones": [{"number": "+33639980001", "type": "mobile"}, {"number": "+441"}]},
        {"phones": ["+33639980001", "+441"]},
        {"phone": ["+33639980001", "+441"]},
        {"phone": "+33639980001", "phones": ["+441"]},
        {"phones": ["+33639980001", "+441", "+441", "", None, {"type": "mobile"}]},
        {"phones": [{"number": " +33639980001 ", "label": 7}, {"number": "+441", "type": None}]},
    ],
)
def test_phones_are_read_in_every_form(phones: dict[str, Any]) -> None:
    """Objects, strings, or in ``phone``; without duplicates."""
    answer = Answer.model_validate({"status": "success", **phones})
    assert sorted(phone.number for phone in answer.phones) == ["+33639980001", "+441"]
    assert answer.has("phone")


def test_numbers_become_strings() -> None:
    """A phone or an id may be sent as a number."""
    answer = Answer.model_validate({"enrichment_id": 17, "phones": [33639980001]})
    assert answer.enrichment_id == "17"
    assert answer.phones[0].number == "33639980001"


def test_unknown_statuses_are_kept_and_unknown_fields_ignored() -> None:
    """Pronto does not document a list of statuses."""
    answer = Answer.model_validate(FOUND | {"email_status": "brand-new", "extra": {"deep": 1}})
    assert answer.email_status == "brand-new"
    assert not hasattr(answer, "extra")


def test_no_data_found_is_an_answer(canned: Canned) -> None:
    """HTTP 200 with status error and empty fields, as documented."""
    canned.says(
        {
            "status": "error",
            "message": "No email or phone found for this profile",
            "email": None,
            "email_status": "N/A",
            "phones": [],
            "phone_status": "not_found",
        }
    )
    answer = ask(canned.url)
    assert not answer.has("email")
    assert not answer.has("phone")
    assert answer.message == "No email or phone found for this profile"


def test_an_email_without_an_at_is_none() -> None:
    """``N/A`` as the email means that none was found."""
    assert Answer.model_validate({"status": "success", "email": "N/A"}).email is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html><h1>Bad gateway</h1></html>", "HTML"),
        (b'{"status": "success", "ema', "not valid JSON"),
        (b"", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"{}", "format"),
        (b'{"error": "Unauthorized"}', "format"),
        (b'{"status": "success", "email": {"value": "a@b.example"}}', "format"),
        (b'{"status": "success", "phones": [["+44"]]}', "format"),
        (b'{"status": "success", "email": true}', "format"),
        (b'{"status": "pending"}', "pending"),
    ],
)
def test_an_unreadable_success_has_its_own_error(canned: Canned, body: bytes, says: str) -> None:
    """Never the error of a parser, and never a value."""
    canned.says(body)
    with pytest.raises(pronto.UnreadableAnswerError, match=says) as caught:
        ask(canned.url)
    assert "a@b.example" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (401, {"error": "Unauthorized"}, pronto.AuthenticationError, "Unauthorized"),
        (403, {"error": "Forbidden"}, pronto.AuthenticationError, "denied access"),
        (422, {"error": "Insufficient enrichment credits"}, pronto.CreditsExhaustedError, "Top up"),
        (
            422,
            {"message": spec.CONSENT_MISSING_TEXT},
            pronto.ConsentRequiredError,
            "personal_email_consent",
        ),
        (422, {"message": "lastname is required"}, pronto.RefusedError, "lastname is required"),
        (422, {"errors": ["one", "two"]}, pronto.RefusedError, "one; two"),
        (422, {"something": "else"}, pronto.RefusedError, "422"),
        (422, b"<html>", pronto.RefusedError, "422"),
        (400, {"error": 400, "message": "Bad body"}, pronto.RefusedError, "Bad body"),
        (404, b"<html>not here</html>", pronto.RefusedError, "404"),
        (301, b"", pronto.RefusedError, "redirect"),
        (429, {"error": "Slow down"}, pronto.RateLimitedError, "429"),
        (503, b"<html>", pronto.ServiceBusyError, "503"),
        (500, {"error": "Oops"}, pronto.ServerFailedError, "Oops"),
        (502, b"<html>", pronto.ServerFailedError, "502"),
        (504, [1], pronto.ServerFailedError, "504"),
        (600, b"", pronto.UnreadableAnswerError, "600"),
    ],
)
def test_each_failure_has_its_exception(
    status: int, body: Any, error: type[Exception], says: str
) -> None:
    """By status and text."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    raised = failure(status, {}, content)
    assert type(raised) is error
    assert says in str(raised)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("0.5", 0.5), ("-3", None), ("soon", None), ("", None), ("nan", None), ("²", None)],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    """A number, or nothing."""
    assert retry_after({"retry-after": value}) == seconds


def test_retry_after_as_a_date() -> None:
    """The other form in HTTP."""
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < (retry_after({"retry-after": later}) or 0) <= 60
    assert retry_after({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}) == 0


def test_retry_after_is_part_of_the_error(canned: Canned) -> None:
    """From the header of a real response."""
    canned.says({"error": "slow"}, status=429, Retry_After="3")
    with pytest.raises(pronto.RateLimitedError) as caught:
        ask(canned.url)
    assert caught.value.retry_after == 3


def test_a_closed_port_was_never_reached() -> None:
    """Such a request can be sent again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(pronto.ConnectionFailedError, match="base_url"):
        ask(f"http://127.0.0.1:{port}")


def test_an_unknown_host_was_never_reached() -> None:
    """It has no IP address."""
    with pytest.raises(pronto.ConnectionFailedError):
        ask("https://pronto.invalid")


def test_a_port_without_tls_was_never_reached(canned: Canned) -> None:
    """If TLS fails, no byte of the request was sent."""
    with pytest.raises(pronto.ConnectionFailedError):
        ask(canned.url.replace("http:", "https:"))
    assert not [request for request in canned.requests if b"Mathilde" in request]


def _hang_up(connection: socket.socket, request: bytes) -> None:
    connection.close()


def _reset(connection: socket.socket, request: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def _cut(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"status": "suc')


def _cut_chunks(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}")


def _noise(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"\x00\x01\x02 this is not HTTP\r\n\r\n")


def _bad_gzip(connection: socket.socket, request: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
    connection.sendall(head + b"nope")


def _silent(connection: socket.socket, request: bytes) -> None:
    connection.settimeout(5)
    connection.recv(1)


@pytest.mark.parametrize(
    "respond", [_hang_up, _reset, _cut, _cut_chunks, _noise, _bad_gzip, _silent]
)
def test_a_failure_after_sending_may_have_been_charged(canned: Canned, respond: Respond) -> None:
    """It must never look like a connection that did not open."""
    canned.respond = respond
    with pytest.raises(pronto.AnswerLostError, match="charged") as caught:
        ask(canned.url, timeout=0.5)
    assert len(canned.requests) == 1
    assert caught.value.__cause__ is None


def test_connections_are_reused_unless_idle(
    canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server closes idle connections; a request sent at that moment would be lost."""
    monkeypatch.setattr(connection, "IDLE_TIMEOUT", 0.2)
    canned.says(FOUND, keep_open=True)

    async def main() -> list[int]:
        connections = []
        async with Client(SecretStr("k"), service=find(canned.url, None)) as client:
            for lull in (0.0, 0.0, 0.5):
                await asyncio.sleep(lull)
                await client.sync_single_enrich(CONTACT, ("email",))
                connections.append(canned.connections)
        return connections

    assert asyncio.run(main()) == [1, 1, 2]


def test_the_proxy_of_the_environment_is_used(
    canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Except for hosts in ``no_proxy``."""
    canned.says(FOUND)
    monkeypatch.setenv("http_proxy", canned.url)
    assert ask("http://pronto.example").email == "m.brun@acme.example"
    assert canned.requests[0].startswith(b"POST http://pronto.example/contacts/sync_single_enrich")
    monkeypatch.setenv("no_proxy", "pronto.example")
    with pytest.raises(pronto.ConnectionFailedError):
        ask("http://pronto.example")


def test_no_repr_contains_the_key_or_personal_data() -> None:
    """Reprs end up in logs and tracebacks."""
    answer = Answer.model_validate(FOUND)
    texts = [repr(CONTACT), str(CONTACT), repr(answer), str(answer), repr(answer.phones[0])]
    texts += [f"{answer.phones}", repr(vars(Client(SecretStr("k3y"))))]
    for secret in ("Mathilde", "Brun", "acme", "+336", "k3y"):
        assert not [text for text in texts if secret in text]


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FIELDS = [*Answer.model_fields, "phone", "other"]


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_any_object_is_an_answer_or_a_pronto_error(data: dict[str, Any]) -> None:
    """No response raises an undocumented error."""
    try:
        answer = parse(json.dumps(data).encode())
    except pronto.UnreadableAnswerError:
        return
    assert answer.email is None or "@" in answer.email
    assert all(phone.number for phone in answer.phones)
