"""The webhook that a job's answers come to, and the three ways to run it."""

from __future__ import annotations

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

if TYPE_CHECKING:  # slow to import, and needed when something listens
    from starlette.applications import Starlette

    from ..local_server import Serving
    from ..storage.store import Ledger
    from .payload import Payload

PORT = 8790
"""Where the webhook listens, unless told otherwise: the same each time, as a tunnel needs it."""

TOKEN = "webhook_token"  # noqa: S105  the name, not the token


class Webhook:
    """Takes the answers of bulk jobs and writes them to the ledger.

    A context manager that listens on this machine from a thread::

        with pronto.webhook(public_url="https://…") as hook:
            job = df.pronto.bulk_enrich("email", webhook_url=hook.url)
            job.wait()

    `start` and `stop` do the same by hand. `app` can be mounted in an ASGI application of your own.

    Parameters
    ----------
    settings : Settings
        Which ledger, and whose answers.
    public_url : str, optional
        Where the service reaches it, up to the token.
    port : int
        Where it listens; 0 takes a free port.
    host : str
        The address it listens on.
    """

    def __init__(self, settings: Settings, public_url: str | None, port: int, host: str) -> None:
        self._public = None if public_url is None else _public(public_url)
        self._port, self._host = port, host
        self._ledger = open_ledger(settings)
        self._token = _token(self._ledger, secrets.token_urlsafe(32))
        self._tokens = {self._token}
        self._serving: Serving | None = None

    @property
    def url(self) -> str:
        """What to pass as ``webhook_url``. Who knows it can write answers: keep it to yourself."""
        if self._public is not None:
            return f"{self._public}/{self._token}"
        port = self._serving.port if self._serving else self._port
        if not port:
            raise ConfigurationError(
                "The webhook has no port before it is started: with pronto.webhook(…) as hook."
            )
        return f"http://{HERE}:{port}/{self._token}"

    @functools.cached_property
    def app(self) -> Starlette:
        """The ASGI application. Mounted under a path, ``public_url`` ends with that path."""
        from .receiver import create_app

        return create_app(self._tokens, self._store)

    def start(self) -> Self:
        """Listen, from a thread; answers are taken from now on.

        Raises
        ------
        ConfigurationError
            Where the port is taken.
        """
        self._serving = self._open().start()
        return self

    def stop(self) -> None:
        """Hang up. What was answered with 200 is in the ledger."""
        if self._serving is not None:
            self._serving.stop()
            self._serving = None

    def _open(self) -> Serving:
        from ..local_server import Serving
        from ..sending.rate_limit import allow_sockets

        allow_sockets(2_000)  # a burst
        try:
            return Serving(self.app, port=self._port, host=self._host)
        except OSError as error:
            raise ConfigurationError(
                f"Port {self._port} cannot be used ({error.strerror}): another webhook may listen "
                "there. End it, or choose another with port=."
            ) from None

    def _store(self, payloads: Sequence[Payload]) -> None:
        from ..storage.writer import commit
        from . import store

        if self._ledger.database.replaced():
            self._open_again()
        # Many senders do not try again: an answer that waits for another program is not refused.
        commit(self._ledger, lambda t: store.deliver(self._ledger, t, payloads))

    def _open_again(self) -> None:
        """Open the ledger that has taken the place of ours; where there is none, that is an error.

        Jobs know this webhook by its token, whichever ledger their answers go to.
        """
        from ..storage.store import Ledger

        self._ledger = Ledger(self._ledger.database.reopened(), self._ledger.service)
        self._tokens.add(_token(self._ledger, self._token))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "listening" if self._serving else "not listening"
        where = self._public or f"http://{self._host}:{self._port or '…'}"
        return f"<webhook at {where}/…, {state}; .url has the whole address>"


def webhook(public_url: str | None = None, *, port: int = PORT, host: str = HERE) -> Webhook:
    """Make the webhook that bulk jobs deliver their answers to.

    Nothing is sent, nothing is charged. The address stays the same for a ledger, so answers of a
    job that was made before a restart still find it.

    Parameters
    ----------
    public_url : str, optional
        The address at which a tunnel or a proxy makes it reachable for the service. Without it,
        the webhook is for a service on this machine: the sandbox.
    port : int
        Where it listens on this machine; 0 takes a free port.
    host : str
        The address it listens on; a tunnel or a proxy on this machine needs none but the default.

    Returns
    -------
    Webhook
        A context manager; ``.url`` is what to pass as ``webhook_url``.

    Raises
    ------
    ConfigurationError
        Where ``public_url`` is no https address.
    LedgerError
        Where the ledger cannot be written.
    """
    if type(port) is not int or not 0 <= port <= 65_535:
        raise ConfigurationError("port must be a number from 0 to 65535.")
    return Webhook(current(), public_url, port, host)


def checked(url: object, settings: Settings) -> str:
    """Return a webhook's address where the service can reach it, and nobody reads along.

    Raises
    ------
    ConfigurationError
        Where not; nothing was sent.
    """
    if url is None:
        raise ConfigurationError(
            "webhook_url is missing: the answers are posted to it, and nowhere else. Open one with "
            'pronto.webhook(public_url="https://…") and pass its url, or pass the address of a '
            "tool that collects them and hand its export to job.load(…). Nothing was sent."
        )
    if not isinstance(url, str) or not is_url(url):
        raise ConfigurationError(
            "webhook_url must be an address such as https://example.com/hook. Nothing was sent."
        )
    if is_here(url) and not settings.on_this_machine:
        raise ConfigurationError(
            "webhook_url is an address of this machine, which Pronto cannot reach. Make it "
            'reachable with a tunnel, and say where: pronto.webhook(public_url="https://…"). '
            "Nothing was sent."
        )
    if is_here(url) and not _listens(url):
        raise ConfigurationError(
            "Nobody listens at webhook_url, and answers would be lost. Start it first: "
            "with pronto.webhook() as hook: …, or hook.start(). Nothing was sent."
        )
    if not is_private(url):
        raise ConfigurationError(
            "webhook_url must start with https://, or people's data would cross the network "
            "readable by others. Nothing was sent."
        )
    return url


def _public(url: str) -> str:
    if not is_url(url) or not is_private(url):
        raise ConfigurationError(
            "public_url must be an address such as https://example.com, at which the service "
            "reaches this webhook."
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
    """Return the token of a ledger, which is given a new one where it has none."""
    import sqlalchemy as sa

    from ..storage import schema

    with ledger.write() as t:
        insert = schema.insert(t.dialect, schema.meta).on_conflict_do_nothing()
        t.execute(insert, {"name": TOKEN, "value": new})
        kept = sa.select(schema.meta.c.value).where(schema.meta.c.name == TOKEN)
        return str(t.scalar(kept))
