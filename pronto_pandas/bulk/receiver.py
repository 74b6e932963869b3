"""The webhook on this side: each payload is in the ledger before its sender hears "200"."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..errors import LedgerError
from ..storage.database import LedgerBusyError
from .payload import Payload, parse

log = logging.getLogger(__name__)

LARGEST = 1 << 20
"""Bytes of a payload; one of a person has some hundred."""

Store = Callable[[Sequence[Payload]], object]


def create_app(tokens: Collection[str], store: Store) -> Starlette:
    """Return the application that takes what the service posts.

    It answers 404 where the token is wrong, 413 where the body is too large, 503 where the ledger
    cannot be written, and else 200, whatever the body is: what is of no use is set aside there, and
    is no failure of the sender. Each 5xx is logged, without a value of the payload.

    Parameters
    ----------
    tokens : collection of str
        One of them is the last part of the path; who knows none cannot write.
    store : callable
        Gets payloads, and returns when they are on disk. It is called in a thread.
    """
    group = _GroupCommit(store)

    async def receive(request: Request) -> Response:
        given = request.path_params["token"].encode()
        if not any(secrets.compare_digest(given, token.encode()) for token in tokens):
            return PlainTextResponse("Not found", status_code=404)
        body = await _body(request)
        if body is None:
            return PlainTextResponse("Too large", status_code=413)
        try:
            await group.put(parse(body))
        except LedgerError as error:
            log.warning("A payload was not stored, and answered with 503. %s", error)
            return PlainTextResponse("Not stored", status_code=503)
        except Exception as error:  # noqa: BLE001  its message may hold a value; the log must not
            log.warning(
                "A payload was not stored, and answered with 500 (%s).", type(error).__name__
            )
            return PlainTextResponse("Not stored", status_code=500)
        return PlainTextResponse("OK")

    return Starlette(routes=[Route("/{token}", receive, methods=["POST"])])


async def _body(request: Request) -> bytes | None:
    """Read a body; None where it is too large, without reading it to its end."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


class _GroupCommit:
    """Stores together what came while the last were stored: a burst is a few commits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Payload, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def put(self, payload: Payload) -> None:
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((payload, stored))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        await stored

    async def _work(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting, []
            results = await asyncio.to_thread(self._commit, [payload for payload, _ in some])
            for (_, stored), failure in zip(some, results, strict=True):
                if stored.done():  # its sender has hung up
                    continue
                if failure is None:
                    stored.set_result(None)
                else:
                    stored.set_exception(failure)

    def _commit(self, payloads: Sequence[Payload]) -> list[Exception | None]:
        """Store all together, and where that fails, each half by itself: one may be the cause."""
        try:
            self._store(payloads)
        except LedgerBusyError as error:
            return [error] * len(payloads)
        except Exception as error:  # noqa: BLE001  it is raised for each sender that waits
            if len(payloads) == 1:
                return [error]
            half = len(payloads) // 2
            return self._commit(payloads[:half]) + self._commit(payloads[half:])
        return [None] * len(payloads)
