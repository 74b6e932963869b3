"""Services: which address serves which endpoint, and under which name answers and keys are kept.

Answers and keys belong to a service; hosts are only the way to it. The vendor has renamed its
hosts, so one service has two names here: what one of them answered is not bought at the other.
"""

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
    """A name with a table of routes.

    Parameters
    ----------
    name : str
        As ``configure(service=…)`` takes it.
    ledger_name : str
        What answers and keys are kept under; two names of one service share it.
    routes : mapping of Endpoint to str
        The address of each endpoint.
    key_variable : str, optional
        The environment variable that holds a key for this service.
    address : str, optional
        The ``base_url`` that replaces the service's own hosts.
    """

    name: str
    ledger_name: str
    routes: Mapping[Endpoint, str]
    key_variable: str | None = None
    address: str | None = None

    def url(self, endpoint: Endpoint, **names: str) -> str:
        """Return the address of an endpoint; ``names`` fill the braces in its path."""
        url = self.routes[endpoint]
        for name, text in names.items():
            url = url.replace(f"{{{name}}}", quote(text, safe=""))
        return url

    def __str__(self) -> str:
        label = self.name.capitalize() if self.name in SERVICES else self.name
        at_address = self.address not in (None, self.name)
        return f"{label} at {self.address}" if at_address else label


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
            CREDITS: _PRONTO_APP + CREDITS.path,  # public clients
            ACCOUNT: _PRONTO_APP + ACCOUNT.path,  # public clients
        }
    ),
    key_variable="PRONTO_API_KEY",
)
"""The service as the specification names it."""

PIPECORN: Final = Service(
    name="pipecorn",
    ledger_name=PRONTO.ledger_name,
    routes=MappingProxyType(
        {
            # On this host single_enrich answers inline: the vendor's n8n node (2026), and a later
            # copy of the sync page. Whether it also has sync_single_enrich is not known.
            SYNC_SINGLE_ENRICH: _PIPECORN_API + SINGLE_ENRICH.path,
            # On this host the same path is asynchronous: a later public page.
            SINGLE_ENRICH: _PIPECORN_APP + SINGLE_ENRICH.path,
            CONTACT: _PIPECORN_APP + CONTACT.path,  # the same page
            # No source names the host of bulk requests: taken to be the one that it was before.
            BULK_ENRICH: _PIPECORN_APP + BULK_ENRICH.path,
            CREDITS: _PIPECORN_APP + CREDITS.path,  # the vendor's n8n node and command line
            ACCOUNT: _PIPECORN_APP + ACCOUNT.path,  # the same
        }
    ),
    key_variable="PIPECORN_API_KEY",
)
"""The same service under its later name, by the vendor's n8n node and command line (2026)."""

SERVICES: Final = {"pronto": PRONTO, "pipecorn": PIPECORN}
"""The services that are built in, by name."""

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


def ledger_name(address: str) -> str:
    """Return the name under which the answers of an address are kept.

    Parameters
    ----------
    address : str
        A service's name or address, as ledgers have it or ``configure`` takes it.

    Returns
    -------
    str
        The service's name for every name and host of a service that is built in; else ``address``.
    """
    name = address if address in SERVICES else _name_of_host(address)
    return address if name is None else SERVICES[name].ledger_name


def former_names(ledger_name: str) -> tuple[str, ...]:
    """Return the addresses under which earlier versions kept the keys of a service."""
    return tuple(b for b, name in _BASES.items() if SERVICES[name].ledger_name == ledger_name)


def find(address: str | None, name: str | None) -> Service:
    """Return the service that a ``base_url`` and a ``service`` name.

    Parameters
    ----------
    address : str, optional
        Serves every endpoint, by the paths of the specification. A host that is built in, with
        its own path or none, stands for its service with all of its hosts.
    name : str, optional
        The service that the address belongs to. Without it the address's host decides; a host
        that is not built in is a service of its own, named by the address.

    Raises
    ------
    ConfigurationError
        Where a name is not built in and has no address.
    """
    if address is None:
        if name is not None and name not in SERVICES:
            raise ConfigurationError(
                f"service {name!r} is not built in: the services are {', '.join(SERVICES)}. For "
                "another one, set its address too: "
                f'pronto.configure(service={name!r}, base_url="https://…").'
            )
        return SERVICES[name or PRONTO.name]
    at = _at(address.rstrip("/"))
    if name is None:
        return at
    if name in SERVICES:
        return replace(SERVICES[name], routes=at.routes, address=at.address)
    return Service(name, ledger_name(name), at.routes, address=at.address or address)


def _at(address: str) -> Service:
    """Return the service that an address alone names."""
    name = _name_of_host(address)
    if name is not None and (address in _BASES or urlsplit(address).path == ""):
        return SERVICES[name]
    # On one host the paths of the specification are the only ones that tell the calls apart.
    routes = {endpoint: address + endpoint.path for endpoint in ENDPOINTS}
    if name is None:
        return Service(address, address, routes, address=address)
    return replace(SERVICES[name], routes=routes, address=address)


def _name_of_host(address: str) -> str | None:
    try:
        return _HOSTS.get(urlsplit(address).hostname)
    except ValueError:  # it is no address
        return None
