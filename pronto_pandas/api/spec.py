"""The facts of the Pronto API, each in one place.

Source: the vendor's pages "Synchronous single contact enrichment" and "Enrich multiple
contacts". Where a fact comes from elsewhere, the line says so. Hosts are in `services`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

EnrichmentType = Literal["email", "phone", "personal_email"]
"""What can be asked for. ``personal_email`` comes from a later version of the sync page."""

TYPES: Final[tuple[EnrichmentType, ...]] = get_args(EnrichmentType)

PRICES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"email": (1.0, 3.0), "phone": (10.0, 30.0), "personal_email": (1.0, 3.0)}
)
"""Credits for each email, and for each phone *number*, lowest and highest.

Emails and phones as public users have been charged, then and now; the price of a personal email is
not documented anywhere and is taken to be that of an email. A type may be missing here: it is then
not sent before its price is set with ``configure(prices=…)``.
"""

MOST_PHONES: Final = 5
"""Numbers that public users have seen for one contact at most."""

KEY_HEADER: Final = "X-API-KEY"

RATE_LIMIT: Final = 50
"""Requests a second a user on ``sync_single_enrich``."""

CREDITS_EXHAUSTED_TEXT: Final = "Insufficient enrichment credits"
"""How the service says, with a 422, that the balance is used up (seen by public clients)."""

CONSENT_MISSING_TEXT: Final = (
    "You can't use the personal email enrichment feature without consenting with our terms of use"
)
"""How the service says, with a 422, that the account lacks consent (seen by public clients)."""


@dataclass(frozen=True)
class Endpoint:
    """One call of the API.

    Parameters
    ----------
    method : str
        The HTTP method.
    path : str
        The path below the host; a name in braces is filled in.
    """

    method: str
    path: str


SYNC_SINGLE_ENRICH: Final = Endpoint("POST", "/contacts/sync_single_enrich")
SINGLE_ENRICH: Final = Endpoint("POST", "/contacts/single_enrich")
"""Answers at once with an ``enrichment_id``. Named by the specification as "the single async
endpoint"; its path is from a later public page, as is that of `CONTACT`."""

CONTACT: Final = Endpoint("GET", "/contacts/{enrichment_id}")
"""What became of one ``enrichment_id``; ``status`` is ``pending``, then ``finished``. Free."""

BULK_ENRICH: Final = Endpoint("POST", "/contacts/bulk_enrich")
BULK_LEAST, BULK_MOST = 2, 100
"""Contacts of one `BULK_ENRICH`."""

CREDITS: Final = Endpoint("GET", "/credits")
"""The balance. "Account Credits endpoint" in the specification; its path is from public clients."""

ACCOUNT: Final = Endpoint("GET", "/account")
"""Whose key it is; from public clients."""

ENDPOINTS: Final = (SYNC_SINGLE_ENRICH, SINGLE_ENRICH, CONTACT, BULK_ENRICH, CREDITS, ACCOUNT)
