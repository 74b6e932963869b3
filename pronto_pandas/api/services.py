"""The services: the URLs of their endpoints, and the name under which answers and keys are saved.

Answers and keys belong to a service, not to a host. The vendor has renamed its hosts, so one
service has two names: an answer from one of them is not paid for again at the other.
"""

# Why: docs/decisions/016-services-not-hosts.md

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlsplit

from ..errors import ConfigurationError
from .spec import (
    ACCOUNT,
    BULK_ENRICH,
    CONTACT,
    CREDITS,
    ENDPOINTS,
    SINGLE_ENRICH,
    SYNC_SINGLE_ENRICH,
    Endpoint,
)


@dataclass(frozen=True)
class Service:
    """A service of the Pronto API.

    Parameters
    ----------
    name : str
        The name for ``configure(service=…)``.
    ledger_name : str
        The name under which answers and keys are saved; two names of one service share it.
    routes : mapping of Endpoint to str
        The URL of each endpoint.
    key_variable : str, optional
        The environment variable that contains a key for this service.
    base_url : str, optional
        The ``base_url`` that replaces the service's own URLs.
    """

    name: str
    ledger_name: str
    routes: Mapping[Endpoint, str]
    key_variable: str | None = None
    base_url: str | None = None

    def url(self, endpoint: Endpoint, **names: str) -> str:
        """Return the URL of an endpoint; ``names`` fill the placeholders in its path."""
        url = self.routes[endpoint]
        for name, text in names.items():
            url = url.replace(f"{{{name}}}", quote(text, safe=""))
        return url

    def __str__(self) -> str:
        label = self.name.capitalize() if self.name in SERVICES else self.name
        custom_url = self.base_url not in (None, self.name)
        return f"{label} at {self.base_url}" if custom_url else label


_PRONTO_API: Final = "https://api.prontohq.com/v2"
_PRONTO_APP: Final = "https://app.prontohq.com/api/v2"
_PIPECORN_API: Final = "https://api.pipecorn.com/v2"
_PIPECORN_APP: Final = "https://app.pipecorn.com/api/v2"

PRONTO: Final = Service(
    name="pronto",
    ledger_name="pronto",
    routes=MappingProxyType(
        {
            SYNC_SINGLE_ENRICH: _PRONTO_API + SYNC_SINGLE_ENRICH.path,  # its page
            BULK_ENRICH: _PRONTO_APP + BULK_ENRICH.path,  # its page
            SINGLE_ENRICH: _PRONTO_APP + SINGLE_ENRICH.path,  # a later public page
            CONTACT: _PRONTO_APP + CONTACT.path,  # the same page
            CREDITS: _PRONTO_APP + CREDITS.path,  # publicly available clients
            ACCOUNT: _PRONTO_APP + ACCOUNT.path,  # publicly available clients
        }
    ),
    key_variable="PRONTO_API_KEY",
)
"""The service under its name in the specification."""

PIPECORN: Final = Service(
    name="pipecorn",
    ledger_name=PRONTO.ledger_name,
    routes=MappingProxyType(
        {
            # On this host single_enrich is synchronous: the vendor's n8n node (2026), and a later
            # copy of the sync page. Nothing tells whether it also has sync_single_enrich.
            SYNC_SINGLE_ENRICH: _PIPECORN_API + SINGLE_ENRICH.path,
            # On this host the same path is asynchronous: a later public page.
            SINGLE_ENRICH: _PIPECORN_APP + SINGLE_ENRICH.path,
            CONTACT: _PIPECORN_APP + CONTACT.path,  # the same page
            # No source names the host of bulk requests; assumed to be the same as before.
            BULK_ENRICH: _PIPECORN_APP + BULK_ENRICH.path,
            CREDITS: _PIPECORN_APP + CREDITS.path,  # the vendor's n8n node and command line
            ACCOUNT: _PIPECORN_APP + ACCOUNT.path,  # the same
        }
    ),
    key_variable="PIPECORN_API_KEY",
)
"""The same service under its later name; from the vendor's n8n node and command line (2026)."""

SERVICES: Final = {"pronto": PRONTO, "pipecorn": PIPECORN}
"""The built-in services, by name."""

_BASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        _PRONTO_API: "pronto",
        _PRONTO_APP: "pronto",
        _PIPECORN_API: "pipecorn",
        _PIPECORN_APP: "pipecorn",
    }
)
_HOSTS: Final[Mapping[str | None, str]] = MappingProxyType(
    {urlsplit(base).hostname: name for base, name in _BASES.items()}
)


def ledger_name(name_or_url: str) -> str:
    """Return the name under which the ledger saves the answers of a service.

    Every name or URL of a built-in service yields that service's ledger name; any other name or
    URL is returned unchanged.
    """
    name = name_or_url if name_or_url in SERVICES else _name_of_host(name_or_url)
    return name_or_url if name is None else SERVICES[name].ledger_name


def former_names(ledger_name: str) -> tuple[str, ...]:
    """Return the URLs under which earlier versions saved the keys of a service."""
    return tuple(b for b, name in _BASES.items() if SERVICES[name].ledger_name == ledger_name)


def find(base_url: str | None, name: str | None) -> Service:
    """Return the service for a ``base_url`` and a ``service``, as passed to `configure`.

    Parameters
    ----------
    base_url : str, optional
        Base URL of every endpoint, with the paths of the specification. A built-in service's base
        URL, or just its host, selects that service with all of its hosts.
    name : str, optional
        The service that the URL belongs to. Default: the service of the URL's host if it is a
        built-in one, otherwise a separate service, named after the URL.

    Raises
    ------
    ConfigurationError
        The name is not built in, and there is no URL.
    """
    if base_url is None:
        if name is not None and name not in SERVICES:
            raise ConfigurationError(
                f"service {name!r} is not built in. The built-in services are "
                f"{' and '.join(SERVICES)}. To use another one, set its URL, too: "
                f'pronto.configure(service={name!r}, base_url="https://…").'
            )
        return SERVICES[name or PRONTO.name]
    by_url = _by_url(base_url.rstrip("/"))
    if name is None:
        return by_url
    if name in SERVICES:
        return replace(SERVICES[name], routes=by_url.routes, base_url=by_url.base_url)
    return Service(name, ledger_name(name), by_url.routes, base_url=by_url.base_url or base_url)


def _by_url(base_url: str) -> Service:
    """Return the service for a URL without a service name."""
    name = _name_of_host(base_url)
    if name is not None and (base_url in _BASES or urlsplit(base_url).path == ""):
        return SERVICES[name]
    # On a single host, only the paths of the specification distinguish the endpoints.
    routes = {endpoint: base_url + endpoint.path for endpoint in ENDPOINTS}
    if name is None:
        return Service(base_url, base_url, routes, base_url=base_url)
    return replace(SERVICES[name], routes=routes, base_url=base_url)


def _name_of_host(url: str) -> str | None:
    try:
        return _HOSTS.get(urlsplit(url).hostname)
    except ValueError:  # it is not a URL
        return None
