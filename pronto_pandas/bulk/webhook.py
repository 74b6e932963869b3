"""The webhook that receives the answers of bulk jobs: its URL, its token, and how it runs."""

from __future__ import annotations

import errno
import functools
import secrets
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from ..config.settings import Settings, current
from ..config.validation import HERE, is_here, is_private, is_url
from ..errors import ConfigurationError
from ..lookup import open_ledger

if TYPE_CHECKING:  # slow to import, and needed only by a webhook that runs
    from starlette.applications import Starlette

    from ..local_server import LocalServer
    from ..storage.store import Ledger
    from .payload import Payload

PORT = 8790
"""The default port. It never changes, because a tunnel is configured for a fixed port."""

TOKEN = "webhook_token"  # noqa: S105  the name, not the token
"""The name of the token in the ledger."""


class Webhook:
    """Receives the answers of bulk jobs and saves them in the ledger.

    Use it as a context manager; it listens in a background thread::

        with pronto.webhook(public_url="https://…") as hook:
            job = df.pronto.bulk_enrich("email", webhook_url=hook.url)
            job.wait()

    Or call `start` and `stop` yourself. To use your own ASGI application, mount `app`.
    A webhook is created with `pronto_pandas.webhook`.
    """

    def __init__(self, settings: Settings, public_url: str | None, port: int, host: str) -> None:
        self._public = None if public_url is None else _public(public_url)
        self._port, self._host = port, host
        self._ledger = open_ledger(settings)
        self._token = _token(self._ledger, secrets.token_urlsafe(32))
        self._tokens = {self._token}
        self._server: LocalServer | None = None

    @property
    def url(self) -> str:
        """URL to pass as ``webhook_url``. Keep it secret: anyone who has it can submit answers."""
        if self._public is not None:
            return f"{self._public}/{self._token}"
        if not self._listening_port:
            raise ConfigurationError(
                "The webhook is not running. Start it first: with pronto.webhook(…) as hook: …"
            )
        return f"http://{HERE}:{self._listening_port}/{self._token}"

    @property
    def _listening_port(self) -> int:
        """The port; 0 if a free one will be picked at the start."""
        return self._server.port if self._server else self._port

    @functools.cached_property
    def app(self) -> Starlette:
        """The ASGI application. If you mount it under a path, end ``public_url`` with that path."""
        from .webhook_app import create_app

        return create_app(self._tokens, self._save)

    def start(self) -> Self:
        """Start listening in a background thread.

        Raises
        ------
        ConfigurationError
            The port cannot be used.
        """
        self._server = self._create_server().start()
        return self

    def stop(self) -> None:
        """Stop listening. Every answer acknowledged with HTTP 200 is in the ledger."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _create_server(self) -> LocalServer:
        from ..local_server import LocalServer
        from ..sending.rate_limit import allow_sockets

        allow_sockets(2_000)  # a burst
        try:
            return LocalServer(self.app, port=self._port, host=self._host)
        except OSError as error:
            todo = "Pass another port= or host=."
            if error.errno == errno.EADDRINUSE:
                todo = "Another webhook may already be running: stop it, or pass another port=."
            raise ConfigurationError(
                f"Cannot listen on {self._host}:{self._port} ({error.strerror}). {todo}"
            ) from None

    def _save(self, payloads: Sequence[Payload]) -> None:
        from ..storage.writer import commit
        from . import deliveries

        if self._ledger.database.replaced():
            self._open_again()
        # Many senders do not try again, so wait for other programs rather than refuse a payload.
        commit(self._ledger, lambda t: deliveries.save(self._ledger, t, payloads))

    def _open_again(self) -> None:
        """Open the ledger that replaced ours; raise if there is none.

        The token of ours stays valid, because jobs that are not finished have its URL.
        """
        from ..storage.store import Ledger

        self._ledger = Ledger(self._ledger.database.reopened(), self._ledger.service)
        self._tokens.add(_token(self._ledger, self._token))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "listening" if self._server else "not listening"
        where = self._public or f"http://{self._host}:{self._listening_port or '…'}"
        return f"<webhook at {where}/…, {state}; .url has the full URL>"


def webhook(public_url: str | None = None, *, port: int = PORT, host: str = HERE) -> Webhook:
    """Create a webhook that receives the answers of bulk jobs.

    Sends nothing, costs nothing. With the same ledger and the same public URL, the address is the
    same after a restart, so answers to earlier jobs still arrive.

    Parameters
    ----------
    public_url : str, optional
        Public HTTPS URL of your tunnel or proxy. Leave it out only to test with the sandbox.
    port : int, default 8790
        Port to listen on; 0 picks a free one.
    host : str, default "127.0.0.1"
        Network interface to listen on. The default is right for a tunnel or proxy on this
        computer.

    Returns
    -------
    Webhook
        A context manager. Pass its ``.url`` as ``webhook_url``.

    Raises
    ------
    ConfigurationError
        ``public_url`` is not an https:// URL, or ``port`` is not a valid port.
    LedgerError
        The ledger cannot be written.
    """
    if type(port) is not int or not 0 <= port <= 65_535:
        raise ConfigurationError("port must be an integer from 0 to 65535.")
    return Webhook(current(), public_url, port, host)


def checked(url: object, settings: Settings) -> str:
    """Return the webhook's URL if Pronto can reach it and the connection is encrypted.

    Raises
    ------
    ConfigurationError
        Pronto cannot reach it, or the connection is not encrypted. Nothing was sent.
    """
    if problem := _problem(url, settings):
        raise ConfigurationError(f"{problem} Nothing was sent.")
    return str(url)


def _problem(url: object, settings: Settings) -> str | None:
    if url is None:
        return (
            "webhook_url is required: Pronto posts the answers to it. Create one with "
            'pronto.webhook(public_url="https://…") and pass its .url. Or pass the URL of a '
            "webhook collector and load its export with job.load(…)."
        )
    if not isinstance(url, str) or not is_url(url):
        return "webhook_url must be a URL such as https://example.com/hook."
    if is_here(url) and not settings.on_this_machine:
        return (
            "webhook_url points to this computer, which Pronto cannot reach. Start a tunnel and "
            'pass its URL: pronto.webhook(public_url="https://…").'
        )
    if is_here(url) and not _listens(url):
        return (
            "Nothing is listening at webhook_url, so answers would be lost. Start the webhook "
            "first: with pronto.webhook() as hook: …, or hook.start()."
        )
    if not is_private(url):
        return "webhook_url must start with https://, so that personal data is encrypted."
    return None


def _public(url: str) -> str:
    if not is_url(url) or not is_private(url):
        raise ConfigurationError(
            "public_url must be an https:// URL at which Pronto can reach this webhook, such as "
            "https://example.com."
        )
    return url.rstrip("/")


def _listens(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or {"https": 443}.get(parts.scheme, 80)
    try:
        socket.create_connection((parts.hostname, port), timeout=5).close()
    except OSError:
        return False
    return True


def _token(ledger: Ledger, new: str) -> str:
    """Return the token of a ledger; a ledger without one gets the new one."""
    import sqlalchemy as sa

    from ..storage import schema

    with ledger.write() as t:
        insert = schema.insert(t.dialect, schema.meta).on_conflict_do_nothing()
        t.execute(insert, {"name": TOKEN, "value": new})
        kept = sa.select(schema.meta.c.value).where(schema.meta.c.name == TOKEN)
        return str(t.scalar(kept))
