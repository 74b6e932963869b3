"""The facts of the Pronto API, each in one place.

Source: the vendor's pages "Synchronous single contact enrichment" and "Enrich multiple
contacts". Where a fact comes from elsewhere, the line says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

EnrichmentType = Literal["email", "phone", "personal_email"]
"""What can be asked for. ``personal_email`` comes from a later version of the sync page."""

TYPES: Final[tuple[EnrichmentType, ...]] = ("email", "phone", "personal_email")

KEY_HEADER: Final = "X-API-KEY"

RATE_LIMIT: Final = 50
"""Requests a second a user on ``sync_single_enrich``."""

CREDITS_EXHAUSTED_TEXT: Final = "Insufficient enrichment credits"
"""How the service says, with a 422, that the balance is used up (seen by public clients)."""

CONSENT_MISSING_TEXT: Final = (
    "You can't use the personal email enrichment feature without consenting with our terms of use"
)
"""How the service says, with a 422, that the account lacks consent (seen by public clients)."""

_API: Final = "https://api.prontohq.com/v2"
_APP: Final = "https://app.prontohq.com/api/v2"


@dataclass(frozen=True)
class Endpoint:
    """One call of the API.

    Parameters
    ----------
    method : str
        The HTTP method.
    host : str
        The address the vendor's page gives, without the path.
    path : str
        The path below the host.
    """

    method: str
    host: str
    path: str

    def url(self, base_url: str | None, **names: str) -> str:
        """Return the full address; ``base_url`` replaces the vendor's host, ``names`` fill it."""
        path = self.path.format_map({name: quote(text, safe="") for name, text in names.items()})
        return (base_url.rstrip("/") if base_url else self.host) + path


SYNC_SINGLE_ENRICH: Final = Endpoint("POST", _API, "/contacts/sync_single_enrich")
SINGLE_ENRICH: Final = Endpoint("POST", _APP, "/contacts/single_enrich")
"""Answers at once with an ``enrichment_id``. Named by the specification as "the single async
endpoint"; its address is from a later public page, as is that of `CONTACT`."""

CONTACT: Final = Endpoint("GET", _APP, "/contacts/{enrichment_id}")
"""What became of one ``enrichment_id``; ``status`` is ``pending``, then ``finished``. Free."""

BULK_ENRICH: Final = Endpoint("POST", _APP, "/contacts/bulk_enrich")
BULK_LEAST, BULK_MOST = 2, 100
"""Contacts of one `BULK_ENRICH`."""

CREDITS: Final = Endpoint("GET", _APP, "/credits")
ACCOUNT: Final = Endpoint("GET", _APP, "/account")
