"""The sandbox on a real socket of this machine."""

from __future__ import annotations

import atexit
import functools

from pydantic import SecretStr

from ..config.validation import HERE
from ..local_server import Serving
from .app import create_app
from .service import Sandbox


class Server(Serving):
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
        super().__init__(create_app(self.sandbox), port=port)
        self.url = f"http://{HERE}:{self.port}"

    @property
    def api_key(self) -> SecretStr:
        """The key it takes."""
        return SecretStr(self.sandbox.api_key)

    async def _ended(self) -> None:
        await self.sandbox.close()


@functools.cache
def in_process() -> Server:
    """Return the server behind ``base_url="sandbox"``, started at its first use."""
    server = Server().start()
    atexit.register(server.stop)
    return server
