"""The HTTP client: one method a call of the API, each answer parsed or a named error raised."""

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
"""Seconds a connection may take to open."""


class Client:
    """The calls of the Pronto API.

    An async context manager. Nothing is retried here; see the engine.

    Parameters
    ----------
    api_key : SecretStr
        The account's key.
    service : Service
        Where each call goes.
    timeout : float
        Seconds to wait for an answer, from the moment the request left.

    Raises
    ------
    ConfigurationError
        Where no request could be sent: the address, the proxy or the certificates of the
        environment are of no use.
    """

    def __init__(
        self, api_key: SecretStr, *, service: Service = PRONTO, timeout: float = 300.0
    ) -> None:
        self._service, self._key = service, api_key
        # The transport alone, without httpx's own client: its redirects, cookies and hooks are not
        # wanted here, and take a third of the time of a request.
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
    ) -> Answer:
        """Ask about one person and wait for the answer.

        One request; charged by the service for what it finds.

        Parameters
        ----------
        contact : Contact
            The person.
        types : sequence of str
            Any of ``email``, ``phone`` and ``personal_email``.
        custom : mapping, optional
            Comes back unchanged in the answer.
        webhook_url : str, optional
            Where the service shall also post the answer.

        Returns
        -------
        Answer
            Found or not; "no data found" is an answer. One that is not final has an
            ``enrichment_id``, and `contact` has the rest.

        Raises
        ------
        ProntoError
            By name, as drawn in `pronto_pandas.errors`.
        """
        body = _body(contact, types, custom, webhook_url)
        return _named(parse(await self._call(spec.SYNC_SINGLE_ENRICH, body)))

    async def single_enrich(
        self,
        contact: Contact,
        type_: EnrichmentType,
        *,
        custom: Mapping[str, Any] | None = None,
        webhook_url: str | None = None,
    ) -> Answer:
        """Ask about one person; the answer is to be had from `contact` when it is there.

        One request; charged by the service for what it finds. Parameters and errors are those of
        `sync_single_enrich`, but for one type alone.

        Returns
        -------
        Answer
            With ``enrichment_id``; ``is_final`` only where the service answers at once.
        """
        body = _body(contact, [type_], custom, webhook_url)
        return _named(parse(await self._call(spec.SINGLE_ENRICH, body)).of_later())

    async def bulk_enrich(
        self,
        contacts: Sequence[Contact],
        type_: EnrichmentType,
        *,
        customs: Sequence[Mapping[str, Any] | None],
        webhook_url: str,
        phone_country_codes: Sequence[str] | None = None,
    ) -> Answer:
        """Ask about 2 to 100 people; each answer is posted to ``webhook_url`` when it is there.

        One request; charged by the service for what it finds. Where the balance or the consent
        does not do for all of them, none is taken.

        Parameters
        ----------
        contacts : sequence of Contact
            The people.
        type_ : str
            ``email``, ``phone`` or ``personal_email``.
        customs : sequence of mapping
            For each of them, what comes back unchanged in the answer.
        webhook_url : str
            Where the service posts the answers, one request each.
        phone_country_codes : sequence of str, optional
            ISO 3166-1 alpha-2; without, the account's own setting holds.

        Returns
        -------
        Answer
            Not final, with the ``enrichment_id`` of the whole batch.

        Raises
        ------
        ProntoError
            By name, as drawn in `pronto_pandas.errors`.
        """
        people = [
            contact.body() | ({"custom": dict(custom)} if custom else {})
            for contact, custom in zip(contacts, customs, strict=True)
        ]
        body = {"contacts": people, "enrichment_type": [type_], "webhook_url": webhook_url}
        if phone_country_codes:
            body["phone_country_codes"] = list(phone_country_codes)
        return _named(parse(await self._call(spec.BULK_ENRICH, body)).of_later())

    async def contact(self, enrichment_id: str) -> Answer:
        """Look for the answer to what was submitted. Free, by what public users report.

        Parameters
        ----------
        enrichment_id : str
            As the service named it.

        Returns
        -------
        Answer
            ``is_final`` says whether it is there.

        Raises
        ------
        ProntoError
            By name, as drawn in `pronto_pandas.errors`.
        """
        url = self._service.url(spec.CONTACT, enrichment_id=enrichment_id)
        answer = parse(await self._request(spec.CONTACT.method, url)).of_later()
        return answer.model_copy(update={"enrichment_id": enrichment_id})

    async def credits(self) -> dict[str, Any]:
        """Return what the service says of the balance: an object of undocumented fields. Free."""
        return read_object(await self._call(spec.CREDITS))[0]

    async def account(self) -> dict[str, Any]:
        """Return what the service says of the account: an object of undocumented fields. Free."""
        return read_object(await self._call(spec.ACCOUNT))[0]

    async def _call(self, endpoint: spec.Endpoint, body: dict[str, Any] | None = None) -> bytes:
        return await self._request(endpoint.method, self._service.url(endpoint), body)

    async def _request(self, method: str, url: str, body: dict[str, Any] | None = None) -> bytes:
        request = httpx.Request(
            method,
            self._parsed(url),
            headers=_HEADERS,
            # Escaped, so that whatever is in a text can be sent.
            content=None if body is None else json.dumps(body).encode(),
            extensions={"timeout": self._timeouts},
        )
        if body is not None:
            request.headers["Content-Type"] = "application/json"
        request.headers[spec.KEY_HEADER] = self._key.get_secret_value()
        try:
            response = await self._http.handle_async_request(request)
        except Exception as error:  # noqa: BLE001  whatever broke, the request's fate must be named
            raise _broken(error, url) from None
        return await read_response(response)


async def read_response(response: httpx.Response) -> bytes:
    """Return the body of a success, unpacked.

    Raises
    ------
    ProntoError
        For any other status, and where the body is broken or too large.
    """
    try:
        content = await _content(response)
    except Exception as error:  # noqa: BLE001  as above
        if response.is_success:
            raise error if isinstance(error, ProntoError) else _lost(error) from None
        content = b""  # the status alone says what became of the request
    finally:
        with contextlib.suppress(Exception):  # what was read is read
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


def _broken(error: Exception, url: str) -> ConnectionFailedError | AnswerLostError:
    """Name what broke between us and the service, by whether the request can have left."""
    if not isinstance(error, NotConnectedError):
        return _lost(error)
    return ConnectionFailedError(
        f"No connection to {httpx.URL(url).netloc.decode()} could be opened "
        f"({type(error.__cause__).__name__}). "
        "Check the network, a proxy, and base_url."
    )


def _lost(error: Exception) -> AnswerLostError:
    cause = error.__cause__ or error  # the transport gives most errors other names
    slow = isinstance(cause, asyncio.TimeoutError)
    return AnswerLostError(
        f"The answer {'took too long' if slow else 'was lost on the way'} "
        f"({type(cause).__name__}); it may have been charged."
    )


def _body(
    contact: Contact,
    types: Sequence[EnrichmentType],
    custom: Mapping[str, Any] | None,
    webhook_url: str | None,
) -> dict[str, Any]:
    body: dict[str, Any] = {**contact.body(), "enrichment_type": list(types)}
    if custom:
        body["custom"] = dict(custom)
    if webhook_url is not None:
        body["webhook_url"] = webhook_url
    return body


def _named(answer: Answer) -> Answer:
    """Refuse an answer that is neither final nor says under which name one will be there."""
    if not answer.is_final and answer.enrichment_id is None:
        raise unreadable(f'has the status "{answer.status}" and no data')
    return answer
