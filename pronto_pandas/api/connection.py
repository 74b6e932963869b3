"""Connections to the service: its address, a proxy, certificates, and the pool."""

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
"""Seconds an idle connection is kept.

A server closes idle connections after a time of its own, five seconds and more in common ones.
A request sent just then is lost and its fate unknown, so ours are closed well before.
"""


def checked(url: str, name: str) -> httpx.URL:
    """Return an address; refuse one that no request could be sent to."""
    try:
        parsed = httpx.URL(url)
        parsed.raw_host.decode("ascii").encode("idna")  # what finds its address will do so
        if is_url(url) and parsed.host:  # httpx decodes it
            return parsed
    except (httpx.InvalidURL, UnicodeError):
        pass
    raise ConfigurationError(
        f"{name} is no address like 'https://api.example.com'. Correct it. Nothing was sent."
    ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".") in LOOPBACK


def environment_proxy(url: httpx.URL) -> str | None:
    """Return the proxy of the environment; aiohttp would look it up for every request."""
    # What is sent to this machine is not encrypted, and must not leave it.
    if _is_loopback(url.host) or proxy_bypass(url.host):
        return None
    proxy = getproxies().get(url.scheme)
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    checked(proxy, f"The proxy of the environment ({url.scheme.upper()}_PROXY)")
    return proxy


def environment_certificates() -> ssl.SSLContext:
    """Return the certificates to trust; the environment may name its own."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(
            f"The certificates of the environment cannot be read ({type(error).__name__}). Correct "
            "the path in SSL_CERT_FILE or SSL_CERT_DIR, or unset it. Nothing was sent."
        ) from None


class NotConnectedError(Exception):
    """No connection was there to send a request over."""


class _Connector(aiohttp.TCPConnector):
    """Connections whose every failure to open has one name, be it of DNS, TLS or a proxy."""

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        """Get or open a connection."""
        try:
            return await super().connect(*args, **kwargs)
        except Exception as error:
            raise NotConnectedError from error


def opened_session(proxy: str | None, certificates: ssl.SSLContext) -> aiohttp.ClientSession:
    """Open the pool of connections, inside a running event loop."""
    # The pace decides how many requests are in flight, so the pool has no limit of its own.
    connector = _Connector(limit=0, keepalive_timeout=IDLE_TIMEOUT, ssl=certificates)
    return aiohttp.ClientSession(connector=connector, proxy=proxy)
