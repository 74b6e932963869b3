"""The webhook on this side: each payload is in the ledger before its sender hears "200"."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..errors import LedgerError
from .payload import Payload, parse

LARGEST = 1 << 20
"""Bytes of a payload; one of a person has some hundred."""

Store = Callable[[Sequence[Payload]], object]


def create_app(token: str, store: Store) -> Starlette:
    """Return the application that takes what the service posts.

    It answers 404 where the token is wrong, 413 where the body is too large, 503 where the ledger
    cannot be written, and else 200, whatever the body is: what is of no use is set aside there, and
    is no failure of the sender.

    Parameters
    ----------
    token : str
        The last part of the path; who does not know it cannot write.
    store : callable
        Gets payloads, and returns when they are on disk. It is called in a thread.
    """
    desk = _Desk(store)

    async def receive(request: Request) -> Response:
        told = request.path_params["token"]
        if not secrets.compare_digest(told.encode(), token.encode()):
            return PlainTextResponse("Not found", status_code=404)
        body = await _body(request)
        if body is None:
            return PlainTextResponse("Too large", status_code=413)
        try:
            await desk.put(parse(body))
        except LedgerError:
            return PlainTextResponse("Not stored", status_code=503)
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


class _Desk:
    """Stores together what came while the last were stored: a burst is a few commits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Payload, asyncio.Future[None]]] = []
        self._clerk: asyncio.Task[None] | None = None

    async def put(self, payload: Payload) -> None:
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((payload, stored))
        if self._clerk is None or self._clerk.done():
            self._clerk = asyncio.create_task(self._work())
        await stored

    async def _work(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting, []
            failure: Exception | None = None
            try:
                await asyncio.to_thread(self._store, [payload for payload, _ in some])
            except Exception as error:  # noqa: BLE001  it is raised for each sender that waits
                failure = error
            for _, stored in some:
                if stored.done():  # its sender has hung up
                    continue
                if failure is None:
                    stored.set_result(None)
                else:
                    stored.set_exception(failure)
