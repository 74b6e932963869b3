"""An ASGI application on a socket of this machine, in a thread or in the foreground."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from typing import Any, Final, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .config.validation import HERE

BACKLOG: Final = 2048
"""Connections that may wait to be accepted."""

REQUEST_TIMEOUT: Final = 30.0
"""Seconds within which a request has arrived whole, or its connection is closed."""


class _Protocol(H11Protocol):
    """HTTP with a time limit on the arrival of a request, which uvicorn has not."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        super().connection_made(transport)
        self._set_deadline()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._set_deadline()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._drop_deadline()

    def _set_deadline(self) -> None:
        """Let time run while a request is awaited, and none while it is answered."""
        cycle: Any = self.cycle  # None before the first request
        if cycle is not None and not cycle.more_body and not cycle.response_complete:
            self._drop_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_TIMEOUT, self.transport.abort)

    def _drop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Serving:
    """Serves an application; a context manager that does so from a thread.

    Parameters
    ----------
    app : ASGI application
        What to serve.
    port : int
        0 takes a free one.
    host : str
        The address to listen on.
    """

    def __init__(self, app: Any, *, port: int = 0, host: str = HERE) -> None:
        self._socket = _listening(host, port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            access_log=False,
            http=_Protocol,
            lifespan="off",
            log_config=None,
            log_level="critical",  # logs are no place for people's data
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.serve, name="pronto-server", daemon=True)

    def serve(self) -> None:
        """Serve until interrupted."""
        # Not asyncio.run, which nest_asyncio.apply() replaces for the whole process.
        with asyncio.Runner() as runner:
            try:
                runner.run(self._server.serve(sockets=[self._socket]))
            finally:
                runner.run(self._ended())

    async def _ended(self) -> None:
        """See to what is left, on the loop that served."""

    def start(self) -> Self:
        """Serve from a thread; the socket takes connections from now on."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Hang up and end the thread."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _listening(host: str, port: int) -> socket.socket:
    # The protocol must be named, or asyncio leaves Nagle's algorithm on: 40 ms more an answer.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two servers have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
