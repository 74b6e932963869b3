"""A local HTTP server for an ASGI application, in a background thread or in the foreground."""

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
"""Maximum number of connections waiting to be accepted."""

REQUEST_TIMEOUT: Final = 30.0
"""Seconds within which a request must arrive completely, or its connection is closed."""


class _Protocol(H11Protocol):
    """HTTP with a time limit for receiving a request, which uvicorn lacks."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        super().connection_made(transport)
        self._update_timer()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._update_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._update_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_timer()

    def _update_timer(self) -> None:
        """Run the timer while a request is being received, not while it is handled."""
        cycle: Any = self.cycle  # None before the first request
        if cycle is not None and not cycle.more_body and not cycle.response_complete:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(REQUEST_TIMEOUT, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class LocalServer:
    """Serves an ASGI application; as a context manager, in a background thread."""

    def __init__(self, app: Any, *, port: int = 0, host: str = HERE) -> None:
        self._socket = _listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            access_log=False,
            http=_Protocol,
            lifespan="off",
            log_config=None,
            log_level="critical",  # a log must not contain people's data
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
                runner.run(self._close())

    async def _close(self) -> None:
        """Clean up, in the event loop that served."""

    def start(self) -> Self:
        """Start the server in a background thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop the server."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    # Without the protocol, asyncio leaves Nagle's algorithm on, which adds 40 ms per response.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # on Windows it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
