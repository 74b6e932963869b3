"""The facts of the Pronto API, each in one place.

Source: the vendor's pages "Synchronous single contact enrichment" and "Enrich multiple
contacts". Facts from another source name it. The hosts are in `services`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

EnrichmentType = Literal["email", "phone", "personal_email"]
"""What can be requested. ``personal_email`` is from a later version of the documentation page for
the sync endpoint."""

TYPES: Final[tuple[EnrichmentType, ...]] = get_args(EnrichmentType)

PRICES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"email": (1.0, 3.0), "phone": (10.0, 30.0), "personal_email": (1.0, 3.0)}
)
"""Credits per email and per phone *number*, lowest and highest.

Emails and phone numbers: what users were charged over time, by their published reports. Personal
emails: not documented, so assumed to cost as much as an email. A type without a price here is not
sent until the user sets one with ``configure(prices=…)``.
"""

MOST_PHONES: Final = 5
"""The most phone numbers for one person in the published reports of users."""

KEY_HEADER: Final = "X-API-KEY"

RATE_LIMIT: Final = 50
"""Requests per second, per user, on ``sync_single_enrich``."""

CREDITS_EXHAUSTED_TEXT: Final = "Insufficient enrichment credits"
"""The text of a 422 if the account is out of credits (seen by publicly available clients)."""

CONSENT_MISSING_TEXT: Final = (
    "You can't use the personal email enrichment feature without consenting with our terms of use"
)
"""The text of a 422 if the account has not given consent (seen by publicly available clients)."""


@dataclass(frozen=True)
class Endpoint:
    """An HTTP method and a path below the base URL. Names in braces are placeholders."""

    method: str
    path: str


SYNC_SINGLE_ENRICH: Final = Endpoint("POST", "/contacts/sync_single_enrich")
SINGLE_ENRICH: Final = Endpoint("POST", "/contacts/single_enrich")
"""Responds at once with an ``enrichment_id``. The specification only calls it "the single async
endpoint"; its path is from a later public page, as is that of `CONTACT`."""

CONTACT: Final = Endpoint("GET", "/contacts/{enrichment_id}")
"""The answer for an ``enrichment_id``; ``status`` is ``pending``, then ``finished``. Free."""

BULK_ENRICH: Final = Endpoint("POST", "/contacts/bulk_enrich")
BULK_LEAST, BULK_MOST = 2, 100
"""The fewest and the most people in a `BULK_ENRICH`."""

CREDITS: Final = Endpoint("GET", "/credits")
"""The balance. The specification calls it "Account Credits endpoint"; its path is from publicly
available clients."""

ACCOUNT: Final = Endpoint("GET", "/account")
"""The owner of the key; from publicly available clients."""

ENDPOINTS: Final = (SYNC_SINGLE_ENRICH, SINGLE_ENRICH, CONTACT, BULK_ENRICH, CREDITS, ACCOUNT)
