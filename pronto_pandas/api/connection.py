"""Connections to Pronto: URL, proxy, certificates and the connection pool."""

from __future__ import annotations

import ssl
from ipaddress import ip_address
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx

from ..config.validation import LOOPBACK, is_url
from ..errors import ConfigurationError

IDLE_TIMEOUT = 2.0
"""Seconds before an idle connection is closed.

Common servers close idle connections after five seconds or more. A request sent at that moment is
lost and may have been charged, so the client closes them first.
"""


def checked(url: str, name: str, example: str = "https://api.example.com") -> httpx.URL:
    """Return a parsed URL; raise `ConfigurationError` if no request can be sent to it."""
    try:
        parsed = httpx.URL(url)
        parsed.raw_host.decode("ascii").encode("idna")  # DNS resolution does the same
        if is_url(url) and parsed.host:  # httpx decodes it
            return parsed
    except (httpx.InvalidURL, UnicodeError):
        pass
    raise ConfigurationError(
        f"{name} is not a valid URL. Example: '{example}'. Nothing was sent."
    ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".") in LOOPBACK


def environment_proxy(url: httpx.URL) -> str | None:
    """Return the proxy set in the environment; aiohttp would look it up for every request."""
    # Requests to this computer are not encrypted, so they must not leave it.
    if _is_loopback(url.host) or proxy_bypass(url.host):
        return None
    proxy = getproxies().get(url.scheme)
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    checked(
        proxy,
        f"The value of the environment variable {url.scheme.upper()}_PROXY",
        "http://proxy.example.com:8080",
    )
    return proxy


def environment_certificates() -> ssl.SSLContext:
    """Return the trusted certificates; SSL_CERT_FILE and SSL_CERT_DIR may name others."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(
            f"The certificates set in the environment cannot be read ({type(error).__name__}). "
            "Correct the path in SSL_CERT_FILE or SSL_CERT_DIR, or unset it. Nothing was sent."
        ) from None


class NotConnectedError(Exception):
    """No connection was opened, so the request was not sent."""


class _Connector(aiohttp.TCPConnector):
    """Raises `NotConnectedError` for every failure to connect: DNS, TLS or proxy."""

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        """Get or open a connection."""
        try:
            return await super().connect(*args, **kwargs)
        except Exception as error:
            raise NotConnectedError from error


def opened_session(proxy: str | None, certificates: ssl.SSLContext) -> aiohttp.ClientSession:
    """Open the connection pool, inside a running event loop."""
    # The rate limit bounds the requests in flight, so the pool has no limit.
    connector = _Connector(limit=0, keepalive_timeout=IDLE_TIMEOUT, ssl=certificates)
    return aiohttp.ClientSession(connector=connector, proxy=proxy)
