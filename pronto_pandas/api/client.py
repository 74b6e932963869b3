"""The HTTP client: one method a call of the API, each answer parsed or a named error raised."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from pydantic import SecretStr, ValidationError

from ..errors import AnswerLostError, ConnectionFailedError, UnreadableAnswerError
from . import spec
from .contact import Contact
from .failures import failure
from .models import Answer
from .services import PRONTO, Service
from .spec import EnrichmentType

AGENT: Final = "pronto-pandas"

CONNECT_TIMEOUT = 15.0
"""Seconds a connection may take to open."""

IDLE_TIMEOUT = 2.0
"""Seconds an idle connection is kept.

A server closes idle connections after a time of its own, five seconds and more in common ones.
A request sent just then is lost and its fate unknown, so ours are closed well before.
"""


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
    """

    def __init__(
        self, api_key: SecretStr, *, service: Service = PRONTO, timeout: float = 300.0
    ) -> None:
        self._service, self._key = service, api_key
        # The transport alone, without httpx's own client: its redirects, cookies and hooks are not
        # wanted here, and take a third of the time of a request.
        proxy = _proxy(service.url(spec.SYNC_SINGLE_ENRICH))
        self._http = AiohttpTransport(client=functools.partial(_session, proxy))
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
        return _named(_answer(await self._call(spec.SYNC_SINGLE_ENRICH, body)))

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
        return _named(_answer(await self._call(spec.SINGLE_ENRICH, body)).of_later())

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
        return _named(_answer(await self._call(spec.BULK_ENRICH, body)).of_later())

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
        answer = _answer(await self._request(spec.CONTACT.method, url)).of_later()
        return answer.model_copy(update={"enrichment_id": enrichment_id})

    async def credits(self) -> dict[str, Any]:
        """Return what the service says of the balance: an object of undocumented fields. Free."""
        return _object(await self._call(spec.CREDITS))

    async def account(self) -> dict[str, Any]:
        """Return what the service says of the account: an object of undocumented fields. Free."""
        return _object(await self._call(spec.ACCOUNT))

    async def _call(self, endpoint: spec.Endpoint, body: dict[str, Any] | None = None) -> bytes:
        return await self._request(endpoint.method, self._service.url(endpoint), body)

    async def _request(self, method: str, url: str, body: dict[str, Any] | None = None) -> bytes:
        request = httpx.Request(
            method,
            self._parsed(url),
            headers={"Accept": "application/json", "User-Agent": AGENT},
            json=body,
            extensions={"timeout": self._timeouts},
        )
        request.headers[spec.KEY_HEADER] = self._key.get_secret_value()
        try:
            response = await self._http.handle_async_request(request)
            try:
                content = await response.aread()
            finally:
                await response.aclose()
        except Exception as error:  # noqa: BLE001  whatever broke, the request's fate must be named
            raise _broken(error, url) from None
        if not response.is_success:
            raise failure(response.status_code, response.headers, content) from None
        return content


def _proxy(url: str) -> str | None:
    """Return the proxy of the environment; aiohttp would look it up for every request."""
    host = httpx.URL(url).host
    if proxy_bypass(host):
        return None
    return getproxies().get(httpx.URL(url).scheme)


def _session(proxy: str | None) -> aiohttp.ClientSession:
    # The pace decides how many requests are in flight, so the pool has no limit of its own.
    connector = aiohttp.TCPConnector(
        limit=0, keepalive_timeout=IDLE_TIMEOUT, ssl=httpx.create_ssl_context()
    )
    return aiohttp.ClientSession(connector=connector, proxy=proxy)


_NEVER_OPENED = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


def _broken(error: Exception, url: str) -> ConnectionFailedError | AnswerLostError:
    """Name what broke between us and the service.

    The transport maps every broken connection, also one that broke while the answer was awaited,
    to ``httpx.ConnectTimeout``. Only the error below it says whether the request can have left.
    """
    cause = error.__cause__ or error
    if isinstance(cause, _NEVER_OPENED):
        return ConnectionFailedError(
            f"No connection to {httpx.URL(url).netloc.decode()} could be opened "
            f"({type(cause).__name__}). "
            "Check the network, a proxy, and base_url."
        )
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


def _answer(body: bytes) -> Answer:
    data = _object(body)
    try:
        answer = Answer.model_validate(data)
    except ValidationError:
        # Pydantic's own message would carry the values.
        raise _unreadable("is not of the documented form") from None
    return answer


def _named(answer: Answer) -> Answer:
    """Refuse an answer that is neither final nor says under which name one will be there."""
    if not answer.is_final and answer.enrichment_id is None:
        raise _unreadable(f'has the status "{answer.status}" and no data')
    return answer


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        kind = "is an HTML page" if body.lstrip()[:1] == b"<" else "is no JSON"
        raise _unreadable(kind) from None
    if not isinstance(data, dict):
        raise _unreadable("is no object")
    return data


def _unreadable(what: str) -> UnreadableAnswerError:
    return UnreadableAnswerError(
        f"Pronto said success, but the answer {what}; it may have been charged.", status=200
    )
