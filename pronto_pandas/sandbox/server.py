"""The sandbox as a local HTTP server."""

from __future__ import annotations

import atexit
import functools

from pydantic import SecretStr

from ..config.validation import HERE
from ..local_server import LocalServer
from .app import create_app
from .service import Sandbox


class Server(LocalServer):
    """A sandbox server in a background thread. Use it as a context manager.

    Parameters
    ----------
    sandbox : Sandbox, optional
        Sandbox to serve. Default: a new one. Its ``record()`` can be read while it runs.
    port : int, default 0
        Port to listen on; 0 picks a free one.
    """

    def __init__(self, sandbox: Sandbox | None = None, *, port: int = 0) -> None:
        self.sandbox = sandbox if sandbox is not None else Sandbox()
        super().__init__(create_app(self.sandbox), port=port)
        self.url = f"http://{HERE}:{self.port}"

    @property
    def api_key(self) -> SecretStr:
        """API key that the sandbox accepts."""
        return SecretStr(self.sandbox.api_key)

    async def _close(self) -> None:
        await self.sandbox.close()


@functools.cache
def in_process() -> Server:
    """Return the server for ``base_url="sandbox"``; the first call starts it."""
    server = Server().start()
    atexit.register(server.stop)
    return server
