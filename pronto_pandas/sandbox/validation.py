"""What the vendor's pages allow in a body, read from them on its own.

A client that strays from the pages is told so. What depends on the account, such as its credits
or its consent, is not here.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from ..api import spec
from .people import FIELDS

_DOMAIN: Final = re.compile(r"[^\s/:@]+(\.[^\s/:@]+)+")

# ISO 3166-1 alpha-2: a pattern would let "UK" pass, which is no code, and nobody would be found.
_CODES: Final = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
_COUNTRIES: Final = frozenset(_CODES.split())


class RefusalError(Exception):
    """An answer other than 200.

    Parameters
    ----------
    status : int
        The HTTP status.
    body : dict
        The answer's body.
    retry_after : int, optional
        Seconds, for the header.
    """

    def __init__(self, status: int, body: dict[str, Any], retry_after: int | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.retry_after = status, body, retry_after


def wrong(message: str) -> RefusalError:
    """Return the refusal of one request, with its reason."""
    return RefusalError(422, {"error": 422, "message": message})


def check_sync(body: Any, *, most_types: int = len(spec.TYPES)) -> None:
    """Refuse what the page of the synchronous endpoint does not allow."""
    _check_types(body, most_types)
    _check_person(body, "enrichment_type", "webhook_url")
    if "personal_email" in body["enrichment_type"] and "linkedin_url" not in body:
        raise wrong("linkedin_url is required for personal_email")
    _check_webhook(body)


def check_single(body: Any) -> None:
    """Refuse what the page of the asynchronous endpoint does not allow."""
    check_sync(body, most_types=1)
    _check_needs(body, body["enrichment_type"][0])


def check_bulk(body: Any) -> None:
    """Refuse what the page of the endpoint for many contacts does not allow."""
    _check_types(body, 1)
    _check_known(body, {"contacts", "enrichment_type", "phone_country_codes", "webhook_url"})
    _check_webhook(body)
    if "phone_country_codes" in body:
        _check_countries(body["phone_country_codes"])
    contacts = body.get("contacts")
    if not isinstance(contacts, list) or not spec.BULK_LEAST <= len(contacts) <= spec.BULK_MOST:
        raise wrong(f"contacts must be an array of {spec.BULK_LEAST} to {spec.BULK_MOST} elements")
    for position, contact in enumerate(contacts):
        try:
            if not isinstance(contact, dict):
                raise wrong("must be an object")
            _check_person(contact)
            _check_needs(contact, body["enrichment_type"][0])
        except RefusalError as refused:
            raise wrong(f"contacts[{position}]: {refused.body['message']}") from None


def _check_types(body: Any, most: int) -> None:
    if not isinstance(body, dict):
        raise RefusalError(400, {"error": 400, "message": "The body must be a JSON object"})
    types = body.get("enrichment_type")
    if not isinstance(types, list) or not 1 <= len(types) <= most:
        raise wrong(f"enrichment_type must be an array of 1 to {most} elements")
    if any(t not in spec.TYPES for t in types) or len(set(types)) != len(types):
        raise wrong(f"enrichment_type takes {', '.join(spec.TYPES)}, each once")


def _check_person(contact: dict[str, Any], *beside: str) -> None:
    """Refuse wrong fields of one contact, which may have others ``beside`` them."""
    for name in ("firstname", "lastname"):
        if not isinstance(contact.get(name), str) or not contact[name].strip():
            raise wrong(f"{name} is required")
    for name in FIELDS:
        if name in contact and (not isinstance(contact[name], str) or not contact[name]):
            raise wrong(f"{name} must be a string")
    if "domain" in contact and not _DOMAIN.fullmatch(contact["domain"]):
        raise wrong("domain must be a domain name")
    if "linkedin_url" in contact and not _is_uri(contact["linkedin_url"]):
        raise wrong("linkedin_url must be a URI")
    if "custom" in contact and not isinstance(contact["custom"], dict):
        raise wrong("custom must be an object")
    _check_known(contact, {*FIELDS, "custom", *beside})


def _check_needs(contact: dict[str, Any], type_: str) -> None:
    if type_ == "email" and "domain" not in contact and "company_name" not in contact:
        raise wrong("domain or company_name is required for email")
    if type_ != "email" and "linkedin_url" not in contact:
        raise wrong(f"linkedin_url is required for {type_}")


def _check_webhook(body: dict[str, Any]) -> None:
    if "webhook_url" in body and not _is_uri(body["webhook_url"]):
        raise wrong("webhook_url must be a URI")


def _check_countries(codes: Any) -> None:
    known = isinstance(codes, list) and all(isinstance(c, str) and c in _COUNTRIES for c in codes)
    # The page gives an empty array no meaning: it could be every country or none.
    if not known or not codes:
        raise wrong("phone_country_codes must be an array of ISO 3166-1 alpha-2 country codes")


def _check_known(fields: dict[str, Any], known: set[str]) -> None:
    if unknown := fields.keys() - known:
        raise wrong(f"unknown fields: {', '.join(sorted(unknown))}")


def _is_uri(value: Any) -> bool:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname)
