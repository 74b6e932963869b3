"""Answers that no page describes: they are answers or named errors, and nothing paid is lost."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import json
import resource
import socket
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

import pronto_pandas as pronto

from .canned import FOUND, Canned, ask
from .conftest import people
from .seams.api import Answer, Client, failure, find, names_differ, parse, retry_after

MEGABYTE = 1_000_000


def fetch(url: str, enrichment_id: str = "x") -> Answer:
    """Fetch one answer."""

    async def main() -> Answer:
        async with Client(SecretStr("k"), service=find(url, None)) as client:
            return await client.contact(enrichment_id)

    return asyncio.run(main())


def test_the_body_is_saved_as_received(canned: Canned) -> None:
    """Also fields that this version does not read, and answers that are fetched later."""
    body = json.dumps(FOUND | {"new": {"é": [1, 2]}}, ensure_ascii=False, indent=1).encode()
    canned.says(body)
    answer = ask(canned.url)
    assert answer.body == body.decode()
    assert fetch(canned.url).body == body.decode()
    assert answer.model_copy(update={"status": "pending"}).body == body.decode()
    assert parse(answer.body) == answer
    assert parse(answer.body).body == answer.body


def test_the_body_is_in_no_repr_no_dump_and_no_comparison() -> None:
    """It is not a value of the answer, and no field of the response sets it."""
    answer = parse(json.dumps(FOUND | {"body": {"deep": 1}}))
    assert "acme" not in repr(answer)
    assert "body" not in answer.model_dump()
    assert answer == Answer.model_validate(FOUND)
    assert hash(answer.model_copy(update={"custom": None})) is not None
    assert answer != answer.model_copy(update={"email": None})
    assert Answer.model_validate(FOUND | {"body": {"deep": 1}}).body == ""


@pytest.mark.parametrize(
    ("fields", "types"),
    [
        ({"email": "m.brun@acme.example", "email_status": "valid"}, ["email"]),
        ({"phones": [{"number": "+33639980001", "type": None}], "phone_status": None}, ["phone"]),
        ({"personal_email": None, "personal_email_status": "N/A"}, []),
    ],
)
def test_answers_that_were_saved_by_fields_are_read(
    fields: dict[str, Any], types: list[str]
) -> None:
    """As earlier versions saved them."""
    answer = parse(
        json.dumps({"enrichment_id": "e", "status": "success", "message": None} | fields)
    )
    assert answer.enrichment_id == "e"
    assert [t for t in ("email", "phone", "personal_email") if answer.has(t)] == types
    assert answer.is_final


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_every_encoding_of_json_is_read(encoding: str) -> None:
    """UTF-8, UTF-16 and UTF-32."""
    answer = parse(json.dumps(FOUND | {"message": "é"}, ensure_ascii=False).encode(encoding))
    assert answer.message == "é"
    assert parse(answer.body) == answer


def test_an_invalid_byte_or_line_break_loses_no_email() -> None:
    """An answer in Latin-1, or with unescaped characters, has been paid for."""
    body = b'{"status": "success", "message": "Ren\xe9\n", "email": "rene@acme.example"}'
    answer = parse(body)
    assert (answer.email, answer.message) == ("rene@acme.example", "Ren\ufffd")
    assert parse(answer.body) == answer


@pytest.mark.parametrize("bad", ["\ud83d", "\0"])
def test_lone_surrogates_and_nul_are_replaced_in_every_string(bad: str) -> None:
    """Arrow and PostgreSQL cannot store them; the body keeps them, escaped."""
    texts = {
        name: f"a@{bad}.example"
        for name, field in Answer.model_fields.items()
        if "str" in str(field.annotation) and name not in {"body", "custom"}
    }
    phones = [{"number": f"+33{bad}1", "type": f"mobile{bad}"}]
    body = json.dumps(FOUND | texts | {"phones": phones, "custom": None})
    for form in (body, body.encode(), json.dumps(json.loads(body), ensure_ascii=False)):
        answer = parse(form)
        shown = json.dumps(answer.model_dump(), ensure_ascii=False)
        assert shown.count("\ufffd") == len(texts) + 2
        assert bad not in shown
        answer.body.encode()
        assert "\0" not in answer.body
        assert json.loads(answer.body)["phones"] == phones


def _configured(canned: Canned) -> None:
    pronto.configure(base_url=canned.url, api_key="k3y", rate=5_000, retry_budget=5)


def test_a_lone_surrogate_loses_no_answers(canned: Canned) -> None:
    """Neither on arrival nor from the ledger."""
    _configured(canned)
    canned.says(FOUND | {"message": "Found \ud83d", "email_status": "valid\ud83d"})
    for _ in range(2):
        row = pronto.enrich(people(1), type="email", progress=False).iloc[0]
        assert (row["email"], row["email_status"]) == ("m.brun@acme.example", "valid\ufffd")
    assert len([r for r in canned.requests if r.startswith(b"POST")]) == 1


def test_a_lone_surrogate_in_an_error_text_is_replaced() -> None:
    """The text becomes a value of the DataFrame."""
    error = failure(422, {}, json.dumps({"message": "Sorry \ud83d\0!"}).encode())
    assert str(error) == "Sorry \ufffd\ufffd!"


@pytest.mark.parametrize(
    "odd",
    [
        {"message": {"text": "found"}},
        {"message": ["one"]},
        {"email_status": True},
        {"phone_status": 1.5},
        {"first_name": {"x": 1}, "last_name": []},
        {"enrichment_id": ["e"]},
        {"status": {"code": 200}},
        {"phones": False},
        {"personal_email": []},
        {"custom": [1]},
    ],
)
def test_an_invalid_free_field_loses_no_email(odd: dict[str, Any]) -> None:
    """The fields that were paid for are valid."""
    assert parse(json.dumps({"status": "success", "email": "m@acme.example"} | odd)).email


def test_an_invalid_status_is_not_final(canned: Canned) -> None:
    """It must not be read as "nothing found", nor be shown."""
    canned.says({"status": {"of": "m.brun@acme.example"}, "email": None})
    with pytest.raises(pronto.UnreadableAnswerError) as caught:
        ask(canned.url)
    assert "acme" not in str(caught.value)


def test_an_id_without_data_is_pending() -> None:
    """The answer is fetched with it; it does not mean that nothing was found."""
    for body in ('{"id": "e1"}', '{"enrichment_id": "e1", "message": "Started"}'):
        answer = parse(body)
        assert (answer.enrichment_id, answer.is_final) == ("e1", False)
    assert parse('{"id": "e1", "email": null}').is_final


def test_other_names_of_fields_are_read() -> None:
    """Webhook payloads use them."""
    answer = parse('{"id": 7, "status": "finished", "phone": "+33639980001"}')
    assert (answer.enrichment_id, answer.phones[0].number) == ("7", "+33639980001")
    assert parse('{"id": "a", "enrichment_id": "b", "status": "x"}').enrichment_id == "b"
    assert parse('{"phones": [33639980001.0]}').phones[0].number == "33639980001"


@pytest.mark.parametrize("enrichment_id", ["x\ud83d", "x" * 100_000])
def test_an_id_that_does_not_fit_into_a_url(canned: Canned, enrichment_id: str) -> None:
    """It is corrected or dropped; it never causes the error of a URL parser."""
    canned.says({"status": "pending", "enrichment_id": enrichment_id})
    try:
        answer = ask(canned.url)
    except pronto.UnreadableAnswerError:
        return
    assert not answer.is_final
    assert fetch(canned.url, answer.enrichment_id or "").enrichment_id == "x\ufffd"


def test_custom_is_not_validated(canned: Canned) -> None:
    """However deep it is, the answer can be written and read again."""
    deep = '{"a":' * 900 + "1" + "}" * 900
    canned.says(b'{"status": "success", "email": "m@acme.example", "custom": %s}' % deep.encode())
    answer = ask(canned.url)
    assert answer.model_dump(mode="json")["email"] == "m@acme.example"
    assert _below(300, lambda: parse(answer.body)) == answer


def _below(frames: int, call: Callable[[], Answer]) -> Answer:
    return _below(frames - 1, call) if frames else call()


@pytest.mark.parametrize(
    "value",
    [
        "Wed, 21 Oct 2015 07:28:00 -0000",
        "Wed, 21 Oct 2015 07:28:00",
        "21 Oct 2015 07:28",
    ],
)
def test_a_date_without_a_time_zone_is_utc(value: str) -> None:
    """As all HTTP dates are."""
    assert retry_after({"retry-after": value}) == 0.0


@pytest.mark.parametrize(
    "value",
    [
        "1e999",
        "9" * 400,
        "1_0",
        "inf",
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
        "Wed, 21 Oct 2015 07:28:00 +99999999999",
        "Wed, 99 Oct 2015 07:28:00 GMT",
    ],
)
def test_absurd_waits_are_ignored(value: str) -> None:
    """The package's own waits apply."""
    assert retry_after({"retry-after": value}) is None


@given(st.text(max_size=60) | st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+(:\d+)? [-+]?\d*\w*"))
def test_no_retry_after_raises(value: str) -> None:
    """Whatever the header contains."""
    seconds = retry_after({"retry-after": value})
    assert seconds is None or 0 <= seconds < 1e300


def test_a_429_with_an_invalid_date_is_still_a_429(canned: Canned) -> None:
    """It was not processed, so it is sent again."""
    canned.says({"error": "slow"}, status=429, Retry_After="Wed, 21 Oct 2015 07:28:00 -0000")
    with pytest.raises(pronto.RateLimitedError) as caught:
        ask(canned.url)
    assert caught.value.retry_after == 0.0


@pytest.mark.parametrize("status", [400, 402, 403, 422, 429, 500, 503])
def test_deep_json_in_an_error_is_ignored(status: int) -> None:
    """The status is enough."""
    assert isinstance(failure(status, {}, b'{"error":' * 100_000), pronto.ProntoError)


@functools.cache
def _gzipped(size: int) -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    block = b" " * MEGABYTE
    return b"".join(packer.compress(block) for _ in range(size // MEGABYTE)) + packer.flush()


@pytest.mark.parametrize("status", [200, 422, 429, 500])
@pytest.mark.parametrize("packed", [False, True])
def test_an_endless_body_is_not_read_to_its_end(canned: Canned, status: int, packed: bool) -> None:
    """Neither compressed nor plain does it fill the memory."""
    sent: list[int] = []
    if packed:
        canned.says(_gzipped(200 * MEGABYTE), status, Content_Encoding="gzip")
    else:
        canned.respond = lambda connection, _: _endless(connection, status, sent)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(pronto.ProntoError) as caught:
        ask(canned.url)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 100 * MEGABYTE
    assert sum(sent) < 100 * MEGABYTE
    expected = {
        200: pronto.UnreadableAnswerError,
        422: pronto.RefusedError,
        429: pronto.RateLimitedError,
        500: pronto.ServerFailedError,
    }
    assert type(caught.value) is expected[status]


def _endless(connection: socket.socket, status: int, sent: list[int]) -> None:
    connection.sendall(f"HTTP/1.1 {status} X\r\nConnection: close\r\n\r\n".encode())
    with contextlib.suppress(OSError):  # the client hangs up
        for _ in range(200):
            connection.sendall(b" " * MEGABYTE)
            sent.append(MEGABYTE)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("identity", bytes),
    ],
)
def test_compressed_answers_are_decompressed(
    canned: Canned, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """As the request allows."""
    canned.says(pack(json.dumps(FOUND).encode()), Content_Encoding=encoding)
    assert ask(canned.url).email == "m.brun@acme.example"
    assert b"accept-encoding: gzip, deflate\r\n" in canned.requests[0].lower()


@pytest.mark.parametrize("respond", ["cut", "noise"])
def test_the_status_counts_even_if_the_body_is_broken(canned: Canned, respond: str) -> None:
    """A 429 was not processed, whatever its body."""
    rest = {
        "cut": b"Content-Length: 900\r\n\r\n{",
        "noise": b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    }
    head = b"HTTP/1.1 429 X\r\nRetry-After: 2\r\nConnection: close\r\n"
    canned.respond = lambda connection, _: connection.sendall(head + rest[respond])
    with pytest.raises(pronto.RateLimitedError) as caught:
        ask(canned.url)
    assert caught.value.retry_after == 2


bodies = st.binary(max_size=40) | st.builds(
    lambda data, pack: gzip.compress(data) if pack else data,
    st.builds(
        lambda data: json.dumps(data).encode(),
        st.dictionaries(
            st.sampled_from([*Answer.model_fields, "id", "phone", "error", "errors", "code"]),
            st.recursive(
                st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["number", "code", "x"]), inner, max_size=2)
                ),
                max_leaves=6,
            ),
        ),
    ),
    st.booleans(),
)


@given(
    st.integers(100, 999),
    st.sampled_from(["", "gzip", "deflate", "br", "gzip, gzip"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")),
    bodies,
)
def test_any_response_is_an_answer_or_a_pronto_error(
    status: int, encoding: str, wait: str, body: bytes
) -> None:
    """Any other error would stop the run and lose the requests in flight."""
    import httpx

    from .seams.api import read_response

    class Sent(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield body

    headers = [(b"Content-Encoding", encoding.encode()), (b"Retry-After", wait.encode("latin-1"))]
    response = httpx.Response(status, headers=headers, stream=Sent())
    try:
        answer = parse(asyncio.run(read_response(response)))
    except pronto.ProntoError as error:
        str(error).encode()
        return
    answer.body.encode()
    json.dumps(answer.model_dump(mode="json"), ensure_ascii=False).encode()


def person(first: str | None, last: str | None) -> Answer:
    """Return an answer about a person."""
    return Answer.model_validate({"status": "success", "first_name": first, "last_name": last})


@pytest.mark.parametrize(
    ("answered", "asked"),
    [
        (("Grace", "Hopper"), ("Ada", "Lovelace")),
        (("Mary", "Jones"), ("John", "Smith")),
        (("Zoé", "Brûlé"), ("Ana", "Souza")),
        (("Jean-Luc", "Moreau"), ("Karin", "Weiß")),
        (("Søren", "Ærø"), ("Łucja", "Żak")),
    ],
)
def test_names_of_another_person_differ(answered: tuple[str, str], asked: tuple[str, str]) -> None:
    """In both directions."""
    assert names_differ(person(*answered), *asked)
    assert names_differ(person(*asked), *answered)


@pytest.mark.parametrize(
    ("answered", "asked"),
    [
        (("Ada", "Lovelace"), ("ADA", "LOVELACE")),
        (("Lovelace", "Ada"), ("Ada", "Lovelace")),
        (("Ada", "King"), ("Ada", "Lovelace")),
        (("Bob", "Smith"), ("Robert", "Smith")),
        (("Zoé", "Brûlé"), ("Zoe", "Brule")),
        (("Jörg", "Müller"), ("Joerg", "Mueller")),
        (("Søren", "Ærø"), ("Soren", "Aeroe")),
        (("Łucja", "Żak"), ("Lucja", "Zak")),
        (("Aage", "Grønbæk"), ("Åge", "Gronbaek")),
        (("Evgenij", "Tschaikowski"), ("Yevgeny", "Tchaikovsky")),
        (("Иван", "Петров"), ("Ivan", "Petrov")),
        (("小明", "王"), ("Xiaoming", "Wang")),
        (("A.", "L."), ("Grace", "Hopper")),
        (("Sam", "O'Brien-Doe"), ("Max", "OBrien")),
        (("Alex", "Ng"), ("Alexandra", "Nguyen")),
        ((None, "Hopper"), ("Ada", "Lovelace")),
        (("Grace", None), ("Ada", "Lovelace")),
        (("Grace", "Hopper"), ("Ada", "")),
    ],
)
def test_names_that_may_be_the_same_persons_do_not_differ(
    answered: tuple[str | None, str | None], asked: tuple[str, str]
) -> None:
    """Only clear cases count as different."""
    assert not names_differ(person(*answered), *asked)


@given(*[st.text(max_size=8) for _ in range(4)])
def test_any_names_can_be_compared(first: str, last: str, asked: str, other: str) -> None:
    """And no name differs from itself."""
    names_differ(person(first, last), asked, other)
    assert not names_differ(person(first, last), first, last)


CODE = "insufficient_credits"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (402, {}),
        (402, b"<html>"),
        (402, {"message": "Pay first"}),
        (422, {"error": "Insufficient enrichment credits"}),
        *[
            (status, error)
            for status in (400, 403, 422)
            for error in (
                {"error": CODE},
                {"code": CODE, "message": "Top up"},
                {"errors": [CODE]},
                {"errors": [{"code": CODE, "message": "Not enough"}]},
                {"error": {"code": CODE.upper()}},
                {"error": 422, "message": "You have insufficient credits"},
            )
        ],
    ],
)
def test_out_of_credits_is_recognized(status: int, error: dict[str, Any] | bytes) -> None:
    """In each form that publicly available clients have seen; it ends the run."""
    body = error if isinstance(error, bytes) else json.dumps(error).encode()
    raised = failure(status, {}, body)
    assert type(raised) is pronto.CreditsExhaustedError
    assert raised.status == status
    assert str(raised).startswith("Out of credits")


@pytest.mark.parametrize(
    "message",
    [
        "You have reached your daily profile extraction limit of 2,500 credits",
        "Import limit reached",
        "The limit of your plan is exceeded",
        "Monthly quota exceeded",
        "Not available on your current plan",
        "Please upgrade to a higher plan",
        "plan_limit_reached",
    ],
)
def test_a_limit_of_the_account_ends_the_run(message: str) -> None:
    """With Pronto's text."""
    raised = failure(422, {}, json.dumps({"error": message}).encode())
    assert type(raised) is pronto.CreditsExhaustedError
    assert str(raised).startswith("Your Pronto account has reached a limit")
    assert message in str(raised)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ({"errors": [{"code": CODE}]}, "^Out of credits .*Top up"),
        (
            {"error": "Import limit reached"},
            '^Your Pronto account has reached a limit .*"Import limit reached"',
        ),
    ],
)
def test_a_run_ends_when_the_account_is_at_its_limit(
    canned: Canned, error: dict[str, Any], says: str
) -> None:
    """Its rows are pending, not errors."""
    _configured(canned)
    canned.says(error, status=422)
    with pytest.warns(pronto.CreditsExhaustedWarning, match=says):
        out = pronto.enrich(people(3), type="email", progress=False)
    assert set(out["pronto_status"]) == {"pending"}


@pytest.mark.parametrize(
    "message",
    [
        "domain exceeds the limit of 253 characters",
        "company_name Plan International is unknown",
        "domain plan.example has no MX record",
        "Credit Limited is no company that we have",
        "lastname is required",
        "insufficient data",
    ],
)
def test_an_unknown_error_concerns_one_person(message: str) -> None:
    """The others are still sent."""
    raised = failure(422, {}, json.dumps({"message": message}).encode())
    assert type(raised) is pronto.RefusedError


def test_a_429_quotes_pronto(canned: Canned) -> None:
    """Only the text distinguishes a daily limit from the rate limit."""
    canned.says({"error": "Daily limit reached"}, status=429)
    with pytest.raises(pronto.RateLimitedError, match="Daily limit reached"):
        ask(canned.url)


@pytest.mark.parametrize("scheme", ["http", "all", "https"])
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_requests_to_this_computer_use_no_proxy(
    canned: Canned, monkeypatch: pytest.MonkeyPatch, scheme: str, name: str
) -> None:
    """They would carry the key and the people over the network unencrypted."""
    canned.says(FOUND)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.0)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for variable in (f"{scheme}_proxy", f"{scheme}_proxy".upper()):
            monkeypatch.setenv(variable, address)
        assert ask(canned.url.replace("127.0.0.1", name)).email == "m.brun@acme.example"
        with pytest.raises(BlockingIOError):
            proxy.accept()


@pytest.mark.parametrize(
    "proxy",
    [
        "http://[",
        "garbage://x",
        "http://",
        "http://a..b",
        "http://u:s3cret@h:notaport",
        "socks5://h",
    ],
)
def test_an_invalid_proxy_is_reported(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """Nothing was sent; its password is not shown."""
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(pronto.ConfigurationError, match="HTTPS_PROXY") as caught:
        ask("https://pronto.example")
    assert "s3cret" not in str(caught.value)


def test_a_proxy_without_a_scheme_uses_http(
    canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in curl and requests."""
    canned.says(FOUND)
    monkeypatch.setenv("http_proxy", canned.url.removeprefix("http://"))
    assert ask("http://pronto.example").email == "m.brun@acme.example"


def test_a_proxy_that_closes_the_connection_has_sent_nothing(
    canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There was no tunnel yet, so the request can be sent again."""
    monkeypatch.setenv("https_proxy", canned.url)
    with pytest.raises(pronto.ConnectionFailedError):
        ask("https://pronto.example")
    assert [request.split(b" ")[0] for request in canned.requests] == [b"CONNECT"]


@pytest.mark.parametrize(
    "url",
    [
        f"https://{'a' * 64}.example",
        "https://xn--a.example",
        "https://a..example",
        "https://\u2488.example",
        f"https://x.example/{'a' * 70_000}",
    ],
)
def test_an_invalid_base_url_is_a_configuration_error(url: str) -> None:
    """It is found before anything is sent."""
    with pytest.raises(pronto.ConfigurationError, match="base_url"):
        ask(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1]:8000",
        "https://api.example./v2",
        "https://münchen.example",
        "https://_a.b_.example",
    ],
)
def test_unusual_but_valid_urls_are_accepted(url: str) -> None:
    """Requests can be sent to them."""
    Client(SecretStr("k"), service=find(url, None))


@pytest.mark.parametrize("content", [None, b"", b"no certificates"])
def test_certificates_that_cannot_be_read_are_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    """It is found before anything is sent."""
    path = tmp_path / "certificates.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(pronto.ConfigurationError, match="SSL_CERT_FILE"):
        ask("https://pronto.example")
    pronto.configure(base_url="https://pronto.example", api_key="k3y")
    with pytest.raises(pronto.ConfigurationError, match="SSL_CERT_FILE"):
        pronto.enrich(people(1), type="email", progress=False)


def test_a_lone_surrogate_can_be_sent(canned: Canned) -> None:
    """It does not end the run."""
    canned.says(FOUND)
    assert ask(canned.url, custom={"note": "\ud83d"}).email == "m.brun@acme.example"
    assert rb"\ud83d" in canned.requests[0]
