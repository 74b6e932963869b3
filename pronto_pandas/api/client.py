"""The HTTP client: one method per endpoint. Each returns an answer or raises a `ProntoError`."""

# Why: docs/decisions/029-http-client.md

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterable, Mapping, Sequence
from typing import Any, Final, Self, cast

import httpx
from httpx_aiohttp import AiohttpTransport
from pydantic import SecretStr

from ..errors import AnswerLostError, ConnectionFailedError, ProntoError
from . import spec
from .answer import Answer, parse
from .body import ENCODINGS, LARGEST, read_object, too_large, unpacked, unreadable
from .connection import (
    NotConnectedError,
    checked,
    environment_certificates,
    environment_proxy,
    opened_session,
)
from .contact import Contact
from .services import PRONTO, Service
from .spec import EnrichmentType
from .status import failure

AGENT: Final = "pronto-pandas"

_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": ENCODINGS,
    "User-Agent": AGENT,
}

CONNECT_TIMEOUT = 15.0
"""Seconds to wait for a connection to open."""


class Client:
    """The endpoints of the Pronto API. An async context manager; nothing is retried here.

    Parameters
    ----------
    api_key : SecretStr
        The account's key.
    service : Service
        The URLs of the endpoints.
    timeout : float
        Seconds to wait for a response, from the moment the request is sent.

    Raises
    ------
    ConfigurationError
        The base URL, or a proxy or certificate setting in the environment, is invalid.
    """

    def __init__(
        self, api_key: SecretStr, *, service: Service = PRONTO, timeout: float = 300.0
    ) -> None:
        self._service, self._key = service, api_key
        # Only the transport, without httpx's client: its redirects, cookies and hooks are not
        # wanted here, and take a third of a request's CPU time.
        certificates = environment_certificates()
        proxy = environment_proxy(checked(service.url(spec.SYNC_SINGLE_ENRICH), "base_url"))
        session = functools.partial(opened_session, proxy, certificates)
        self._http = AiohttpTransport(verify=certificates, client=session)
        self._parsed = functools.lru_cache(maxsize=8)(httpx.URL)
        self._timeouts = httpx.Timeout(timeout, connect=CONNECT_TIMEOUT, pool=None).as_dict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def sync_single_enrich(
        self,
        contact: Contact,
        types: Sequence[EnrichmentType],
        *,
        custom: Mapping[str, Any] | None = None,
        webhook_url: str | None = None,
        phone_country_codes: Sequence[str] | None = None,
    ) -> Answer:
        """Look up one person and wait for the answer. Pronto charges only for what it finds.

        Parameters
        ----------
        contact : Contact
            The person.
        types : sequence of str
            Any of ``email``, ``phone`` and ``personal_email``.
        custom : mapping, optional
            Returned unchanged in the answer.
        webhook_url : str, optional
            The URL to which Pronto also posts the answer.
        phone_country_codes : sequence of str, optional
            ISO 3166-1 alpha-2, sent only if phones are requested. The documentation names it for
            `bulk_enrich` only; Pronto's own integrations send it here, too.

        Returns
        -------
        Answer
            Returned even if nothing was found. If it is not final, pass its ``enrichment_id`` to
            `contact`.

        Raises
        ------
        ProntoError
            The request failed; see the hierarchy in `pronto_pandas.errors`.
        """
        body = _body(contact, types, custom, webhook_url, phone_country_codes)
        return _fetchable(parse(await self._call(spec.SYNC_SINGLE_ENRICH, body)))

    async def single_enrich(
        self,
        contact: Contact,
        type_: EnrichmentType,
        *,
        custom: Mapping[str, Any] | None = None,
        webhook_url: str | None = None,
        phone_country_codes: Sequence[str] | None = None,
    ) -> Answer:
        """Submit one person, for one type; `contact` returns the answer later.

        Pronto charges only for what it finds. Parameters and errors as in `sync_single_enrich`.

        Returns
        -------
        Answer
            With an ``enrichment_id``. Final only if Pronto answers at once.
        """
        body = _body(contact, [type_], custom, webhook_url, phone_country_codes)
        return _fetchable(parse(await self._call(spec.SINGLE_ENRICH, body)).of_later())

    async def bulk_enrich(
        self,
        contacts: Sequence[Contact],
        type_: EnrichmentType,
        *,
        customs: Sequence[Mapping[str, Any] | None],
        webhook_url: str,
        phone_country_codes: Sequence[str] | None = None,
    ) -> Answer:
        """Submit 2 to 100 people; Pronto posts each answer to ``webhook_url``.

        Pronto charges only for what it finds. If the balance is too low for the batch, or consent
        is missing, it rejects the whole batch.

        Parameters
        ----------
        contacts : sequence of Contact
            The people.
        type_ : str
            ``email``, ``phone`` or ``personal_email``.
        customs : sequence of mapping
            For each person, the fields that Pronto returns unchanged in the answer.
        webhook_url : str
            The URL to which Pronto posts the answers, one request each.
        phone_country_codes : sequence of str, optional
            ISO 3166-1 alpha-2. Default: the setting of the account.

        Returns
        -------
        Answer
            Not final, with the ``enrichment_id`` of the whole batch.

        Raises
        ------
        ProntoError
            The request failed; see the hierarchy in `pronto_pandas.errors`.
        """
        people = [
            contact.body() | ({"custom": dict(custom)} if custom else {})
            for contact, custom in zip(contacts, customs, strict=True)
        ]
        body = {"contacts": people, "enrichment_type": [type_], "webhook_url": webhook_url}
        if phone_country_codes:
            body["phone_country_codes"] = list(phone_country_codes)
        return _fetchable(parse(await self._call(spec.BULK_ENRICH, body)).of_later())

    async def contact(self, enrichment_id: str) -> Answer:
        """Fetch the answer to a submitted request. Free, according to users' published reports.

        Returns
        -------
        Answer
            Not final while Pronto is still processing the request.

        Raises
        ------
        ProntoError
            The request failed; see the hierarchy in `pronto_pandas.errors`.
        """
        url = self._service.url(spec.CONTACT, enrichment_id=enrichment_id)
        answer = parse(await self._request(spec.CONTACT.method, url)).of_later()
        return answer.model_copy(update={"enrichment_id": enrichment_id})

    async def credits(self) -> dict[str, Any]:
        """Return the balance: an object with undocumented fields. Free."""
        return read_object(await self._call(spec.CREDITS))[0]

    async def account(self) -> dict[str, Any]:
        """Return the account: an object with undocumented fields. Free."""
        return read_object(await self._call(spec.ACCOUNT))[0]

    async def _call(self, endpoint: spec.Endpoint, body: dict[str, Any] | None = None) -> bytes:
        return await self._request(endpoint.method, self._service.url(endpoint), body)

    async def _request(self, method: str, url: str, body: dict[str, Any] | None = None) -> bytes:
        request = httpx.Request(
            method,
            self._parsed(url),
            headers=_HEADERS,
            # json.dumps escapes non-ASCII characters, so even a lone surrogate can be encoded.
            content=None if body is None else json.dumps(body).encode(),
            extensions={"timeout": self._timeouts},
        )
        if body is not None:
            request.headers["Content-Type"] = "application/json"
        request.headers[spec.KEY_HEADER] = self._key.get_secret_value()
        try:
            response = await self._http.handle_async_request(request)
        except Exception as error:  # noqa: BLE001  every failure must tell whether the request was sent
            raise _connection_error(error, url) from None
        return await read_response(response)


async def read_response(response: httpx.Response) -> bytes:
    """Return the decompressed body of a 2xx response.

    Raises
    ------
    ProntoError
        The status is not 2xx, or the body is incomplete, invalid or too large.
    """
    try:
        content = await _content(response)
    except Exception as error:  # noqa: BLE001  as above
        if response.is_success:
            raise error if isinstance(error, ProntoError) else _lost(error) from None
        content = b""  # the status is enough
    finally:
        with contextlib.suppress(Exception):  # the body is already read
            await response.aclose()
    if not response.is_success:
        raise failure(response.status_code, response.headers, content) from None
    return content


async def _content(response: httpx.Response) -> bytes:
    content = bytearray()
    async for part in cast("AsyncIterable[bytes]", response.stream):
        content += part
        if len(content) > LARGEST:
            raise too_large()
    return unpacked(bytes(content), response.headers.get("content-encoding", ""))


def _connection_error(error: Exception, url: str) -> ConnectionFailedError | AnswerLostError:
    """Return the error for a failed connection, depending on whether the request was sent."""
    if not isinstance(error, NotConnectedError):
        return _lost(error)
    return ConnectionFailedError(
        f"Could not connect to {httpx.URL(url).netloc.decode()} "
        f"({type(error.__cause__).__name__}). Check your network, proxy and base_url."
    )


def _lost(error: Exception) -> AnswerLostError:
    cause = error.__cause__ or error  # the transport wraps most errors
    what = "timed out" if isinstance(cause, asyncio.TimeoutError) else "was lost in transit"
    return AnswerLostError(
        f"The response {what} ({type(cause).__name__}). The request may have been charged."
    )


def _body(
    contact: Contact,
    types: Sequence[EnrichmentType],
    custom: Mapping[str, Any] | None,
    webhook_url: str | None,
    countries: Sequence[str] | None,
) -> dict[str, Any]:
    body: dict[str, Any] = {**contact.body(), "enrichment_type": list(types)}
    if custom:
        body["custom"] = dict(custom)
    if webhook_url is not None:
        body["webhook_url"] = webhook_url
    if countries and "phone" in types:
        body["phone_country_codes"] = list(countries)
    return body


def _fetchable(answer: Answer) -> Answer:
    """Return an answer that is final, or has an ``enrichment_id`` to fetch it with."""
    if not answer.is_final and answer.enrichment_id is None:
        raise unreadable(f'has status "{answer.status}" and no data')
    return answer
