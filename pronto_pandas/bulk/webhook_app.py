"""The webhook as an ASGI application: checks the token and saves each payload, then answers 200."""

# Why: docs/decisions/019-webhook.md

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
"""Maximum size of a payload in bytes. A payload about one person has a few hundred
bytes."""

Save = Callable[[Sequence[Payload]], object]


def create_app(tokens: Collection[str], save: Save) -> Starlette:
    """Return the application that receives payloads.

    It answers 404 if the token is wrong, 413 if the body is too large, and 503 if the ledger
    cannot be written. Any other body gets 200: an unusable payload is set aside, not treated as the
    sender's error. Each 5xx is logged, without any value of the payload.

    Parameters
    ----------
    tokens : collection of str
        The last part of the path must be one of them.
    save : callable
        Takes payloads and returns when they are on disk. It is called in a thread.
    """
    commits = _GroupCommit(save)

    async def receive(request: Request) -> Response:
        if not _is_valid_token(request.path_params["token"], tokens):
            return PlainTextResponse("Not found", status_code=404)
        body = await _body(request)
        if body is None:
            return PlainTextResponse("Too large", status_code=413)
        try:
            await commits.save(parse(body))
        except LedgerError as error:
            log.warning("A webhook payload was not saved (HTTP 503). %s", error)
            return PlainTextResponse("Not saved", status_code=503)
        except Exception as error:  # noqa: BLE001  its message may contain a person's data
            log.warning("A webhook payload was not saved (HTTP 500, %s).", type(error).__name__)
            return PlainTextResponse("Not saved", status_code=500)
        return PlainTextResponse("OK")

    return Starlette(routes=[Route("/{token}", receive, methods=["POST"])])


def _is_valid_token(token: str, tokens: Collection[str]) -> bool:
    """Check a token in constant time, so that its letters cannot be guessed one by one."""
    given = token.encode()
    return any(secrets.compare_digest(given, one.encode()) for one in tokens)


async def _body(request: Request) -> bytes | None:
    """Read a body; None if it is too large, without reading the rest."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


class _GroupCommit:
    """Saves all payloads that arrive during a commit in the next one."""

    def __init__(self, save: Save) -> None:
        self._save = save
        self._waiting: list[tuple[Payload, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def save(self, payload: Payload) -> None:
        saved = asyncio.get_running_loop().create_future()
        self._waiting.append((payload, saved))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        await saved

    async def _run(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting, []
            errors = await asyncio.to_thread(self._commit, [payload for payload, _ in some])
            for (_, saved), error in zip(some, errors, strict=True):
                if saved.done():  # the sender has closed the connection
                    continue
                if error is None:
                    saved.set_result(None)
                else:
                    saved.set_exception(error)

    def _commit(self, payloads: Sequence[Payload]) -> list[Exception | None]:
        """Save all payloads; if that fails, save each half separately to find the cause."""
        try:
            self._save(payloads)
        except LedgerBusyError as error:
            return [error] * len(payloads)
        except Exception as error:  # noqa: BLE001  it is raised for each sender that waits
            if len(payloads) == 1:
                return [error]
            half = len(payloads) // 2
            return self._commit(payloads[:half]) + self._commit(payloads[half:])
        return [None] * len(payloads)
