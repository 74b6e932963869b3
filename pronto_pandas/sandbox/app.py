"""The sandbox as an ASGI application."""

from __future__ import annotations

import asyncio
import functools
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..api import spec
from .faults import Fault
from .service import RefusalError, Sandbox

MARK = {"X-Pronto-Sandbox": "made up"}
Handler = Callable[[Request], Awaitable[Response]]
Work = Callable[[], dict[str, Any]]

_PAGE = "<!doctype html><html><title>502 Bad Gateway</title><h1>Bad gateway</h1></html>"


def create_app(sandbox: Sandbox) -> ASGIApp:
    """Return the application that serves a sandbox."""
    return _WithTransport(Starlette(routes=_Endpoints(sandbox).routes()))


class _Endpoints:
    """The HTTP endpoints of a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        return [
            Route(spec.SYNC_SINGLE_ENRICH.path, self._limited(self._enrich), methods=["POST"]),
            Route(spec.SINGLE_ENRICH.path, self._limited(self._submit), methods=["POST"]),
            Route(spec.BULK_ENRICH.path, self._limited(self._enqueue), methods=["POST"]),
            Route(spec.CONTACT.path, self._limited(self._fetch)),
            Route(spec.CREDITS.path, self._account),
            Route(spec.ACCOUNT.path, self._account),
            Route("/sandbox/record", self._record),
        ]

    def _limited(self, handler: Handler) -> Handler:
        """Apply the rate limit and check the key before a handler; count requests in progress."""
        sandbox = self._sandbox

        async def handle(request: Request) -> Response:
            await sandbox.delay_arrival()
            sandbox.in_flight += 1
            try:
                sandbox.admit()
                sandbox.authorize(request.headers.get(spec.KEY_HEADER))
                return await handler(request)
            except RefusalError as refused:
                sandbox.refused[refused.status] += 1
                return _error(refused)
            finally:
                sandbox.in_flight -= 1

        return handle

    async def _enrich(self, request: Request) -> Response:
        body = await _json(request)
        self._sandbox.check(body)
        work = functools.partial(self._sandbox.work, body)
        return await self._respond(request, self._sandbox.fault(body), work, self._sandbox.latency)

    async def _submit(self, request: Request) -> Response:
        body = await _json(request)
        self._sandbox.check_submit(body)
        work = functools.partial(self._sandbox.submit, body)
        return await self._respond(request, self._sandbox.fault(body), work)

    async def _enqueue(self, request: Request) -> Response:
        body = await _json(request)
        self._sandbox.check_enqueue(body)
        work = functools.partial(self._sandbox.enqueue, body)
        return await self._respond(request, self._sandbox.fault_of_batch(body), work)

    async def _fetch(self, request: Request) -> Response:
        name = request.path_params["enrichment_id"]
        work = functools.partial(self._sandbox.fetch, name)
        return await self._respond(request, self._sandbox.fault_of_fetch(name), work)

    async def _respond(
        self, request: Request, fault: Fault | None, work: Work, seconds: float = 0.0
    ) -> Response:
        if fault is not None and not fault.processed:
            return await _fail_before(request, fault)
        await self._sandbox.delay_answer(seconds)
        answer = work()
        if fault is not None:
            return await _fail_after(request, fault, answer, self._sandbox.hold)
        return JSONResponse(answer, headers=MARK)

    async def _account(self, request: Request) -> Response:
        try:
            self._sandbox.authorize(request.headers.get(spec.KEY_HEADER))
        except RefusalError as refused:
            return _error(refused)
        if request.url.path == spec.CREDITS.path:
            return JSONResponse({"credits": self._sandbox.credits}, headers=MARK)
        name = {"name": "Sandbox", "email": "sandbox@pronto.example"}
        return JSONResponse(name | {"organization": {"name": "Made up"}}, headers=MARK)

    async def _record(self, request: Request) -> Response:
        return JSONResponse(self._sandbox.record(), headers=MARK)


class _WithTransport:
    """Passes the network connection on, because some faults break it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn passes a method of the object that has the transport.
        scope["pronto.transport"] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise RefusalError(400, {"error": 400, "message": "The body is not valid JSON"}) from None


def _error(refused: RefusalError) -> Response:
    wait = {} if refused.retry_after is None else {"Retry-After": str(refused.retry_after)}
    return JSONResponse(refused.body, status_code=refused.status, headers=MARK | wait)


async def _fail_before(request: Request, fault: Fault) -> Response:
    """Respond with a fault, without processing the request."""
    match fault.kind:
        case "429":
            raise RefusalError(429, {"error": "Too many requests"}, retry_after=1)
        case "429 without Retry-After":
            raise RefusalError(429, {"error": "Too many requests"})
        case "503":
            raise RefusalError(503, {"error": "Service unavailable"})
        case _:
            return await _reset(request)


async def _fail_after(
    request: Request, fault: Fault, answer: dict[str, Any], hold: float
) -> Response:
    """Respond with a fault, although the request was processed."""
    body = json.dumps(answer).encode()
    match fault.kind:
        case "500":
            return JSONResponse({"error": "Internal error"}, status_code=500)
        case "502 page":
            return HTMLResponse(_PAGE, status_code=502)
        case "html":
            return HTMLResponse(_PAGE)
        case "cut json":
            return Response(body[: len(body) // 2], media_type="application/json")
        case "cut stream":
            response = Response(body[: len(body) // 2], media_type="application/json")
            response.headers["content-length"] = str(len(body))
            return response
        case "timeout":
            await asyncio.sleep(hold)
            return await _reset(request)
        case _:
            return await _reset(request)


async def _reset(request: Request) -> Response:
    """Reset the connection."""
    transport = request.scope.get("pronto.transport")
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await asyncio.sleep(0.01)  # until the server has noticed, so that it sends no response
    return Response(status_code=500)
