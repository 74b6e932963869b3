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

    def counted(handler: Handler) -> Handler:
        """Put the limit and the key before a handler, and count what is under way."""

        async def handle(request: Request) -> Response:
            await sandbox.travel()
            sandbox.in_flight += 1
            try:
                sandbox.admit()
                sandbox.authorize(request.headers.get(spec.KEY_HEADER))
                return await handler(request)
            except RefusalError as refused:
                sandbox.refused[refused.status] += 1
                return _refused(refused)
            finally:
                sandbox.in_flight -= 1

        return handle

    async def enrich(request: Request) -> Response:
        body = await _json(request)
        sandbox.check(body)
        work = functools.partial(sandbox.work, body)
        return await answered(request, sandbox.fault(body), work, sandbox.latency)

    async def submit(request: Request) -> Response:
        body = await _json(request)
        sandbox.check_one(body)
        work = functools.partial(sandbox.submit, body)
        return await answered(request, sandbox.fault(body), work)

    async def enqueue(request: Request) -> Response:
        body = await _json(request)
        sandbox.check_many(body)
        work = functools.partial(sandbox.enqueue, body)
        return await answered(request, sandbox.fault_of_many(body), work)

    async def look(request: Request) -> Response:
        name = request.path_params["enrichment_id"]
        work = functools.partial(sandbox.look, name)
        return await answered(request, sandbox.fault_of_look(name), work)

    async def answered(
        request: Request, fault: Fault | None, work: Work, seconds: float = 0.0
    ) -> Response:
        if fault is not None and not fault.worked:
            return await _refusal(request, fault)
        await sandbox.take_time(seconds)
        answer = work()
        if fault is not None:
            return await _spoilt(request, fault, answer, sandbox.hold)
        return JSONResponse(answer, headers=MARK)

    async def account(request: Request) -> Response:
        try:
            sandbox.authorize(request.headers.get(spec.KEY_HEADER))
        except RefusalError as refused:
            return _refused(refused)
        if request.url.path == spec.CREDITS.path:
            return JSONResponse({"credits": sandbox.credits}, headers=MARK)
        name = {"name": "Sandbox", "email": "sandbox@pronto.example"}
        return JSONResponse(name | {"organization": {"name": "Made up"}}, headers=MARK)

    async def record(request: Request) -> Response:
        return JSONResponse(sandbox.record(), headers=MARK)

    return _Outermost(
        Starlette(
            routes=[
                Route(spec.SYNC_SINGLE_ENRICH.path, counted(enrich), methods=["POST"]),
                Route(spec.SINGLE_ENRICH.path, counted(submit), methods=["POST"]),
                Route(spec.BULK_ENRICH.path, counted(enqueue), methods=["POST"]),
                Route(spec.CONTACT.path, counted(look)),
                Route(spec.CREDITS.path, account),
                Route(spec.ACCOUNT.path, account),
                Route("/sandbox/record", record),
            ]
        )
    )


class _Outermost:
    """Keeps hold of the connection below, which a fault may have to break."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn hands out a method of the object that holds the transport.
        scope["pronto.transport"] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise RefusalError(400, {"error": 400, "message": "The body is no JSON"}) from None


def _refused(refused: RefusalError) -> Response:
    wait = {} if refused.retry_after is None else {"Retry-After": str(refused.retry_after)}
    return JSONResponse(refused.body, status_code=refused.status, headers=MARK | wait)


async def _refusal(request: Request, fault: Fault) -> Response:
    """Answer with a fault that comes before the work."""
    match fault.kind:
        case "429":
            raise RefusalError(429, {"error": "Too many requests"}, retry_after=1)
        case "429 without Retry-After":
            raise RefusalError(429, {"error": "Too many requests"})
        case "503":
            raise RefusalError(503, {"error": "Service unavailable"})
        case _:
            return await _reset(request)


async def _spoilt(request: Request, fault: Fault, answer: dict[str, Any], hold: float) -> Response:
    """Answer with a fault that comes after the work."""
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
    """Break the connection the hard way."""
    transport = request.scope.get("pronto.transport")
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await asyncio.sleep(0.01)  # until the server knows, so that it answers nobody
    return Response(status_code=500)
