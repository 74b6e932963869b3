"""The sandbox on a real socket of this machine: in a thread, or for as long as a command runs."""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import socket
import threading
from typing import Self

import uvicorn
from pydantic import SecretStr

from .app import create_app
from .service import Sandbox

HOST = "127.0.0.1"


class Server:
    """Serves a sandbox from a thread; a context manager.

    Parameters
    ----------
    sandbox : Sandbox, optional
        What to serve; its records can be read while it runs.
    port : int
        0 takes a free one.
    """

    def __init__(self, sandbox: Sandbox | None = None, *, port: int = 0) -> None:
        self.sandbox = sandbox if sandbox is not None else Sandbox()
        self._socket = _listening(port)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            create_app(self.sandbox),
            access_log=False,
            lifespan="off",
            log_config=None,
            log_level="critical",  # a fault is meant; and logs are no place for people's data
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="pronto-sandbox", daemon=True)

    @property
    def api_key(self) -> SecretStr:
        """The key it takes."""
        return SecretStr(self.sandbox.api_key)

    def serve(self) -> None:
        """Serve until interrupted."""
        self._serve()

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

    def _serve(self) -> None:
        # Not asyncio.run, which nest_asyncio.apply() replaces for the whole process.
        with asyncio.Runner() as runner:
            try:
                runner.run(self._server.serve(sockets=[self._socket]))
            finally:
                runner.run(self.sandbox.close())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _listening(port: int) -> socket.socket:
    # The protocol must be named, or asyncio leaves Nagle's algorithm on: 40 ms more an answer.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two servers have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    return listening


@functools.cache
def in_process() -> Server:
    """Return the server behind ``base_url="sandbox"``, started at its first use."""
    server = Server().start()
    atexit.register(server.stop)
    return server
