"""Checks of request bodies against the API documentation.

They are independent of the client, so that the tests of the client can rely on them. Checks that
depend on the account, such as its credits or consent, are in `service`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from ..api import spec
from .people import FIELDS

_DOMAIN: Final = re.compile(r"[^\s/:@]+(\.[^\s/:@]+)+")

# ISO 3166-1 alpha-2. A pattern would accept "UK", which is not a code, and nothing would be found.
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
    """An error response, with its HTTP status, body and ``Retry-After`` in seconds."""

    def __init__(self, status: int, body: dict[str, Any], retry_after: int | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.retry_after = status, body, retry_after


def invalid(message: str) -> RefusalError:
    """Return the error response for an invalid body."""
    return RefusalError(422, {"error": 422, "message": message})


def check_sync(body: Any, *, most_types: int = len(spec.TYPES)) -> None:
    """Check a body of the synchronous endpoint."""
    _check_types(body, most_types)
    # The codes are documented for bulk requests only; Pronto's own integrations send them here.
    _check_person(body, "enrichment_type", "webhook_url", "phone_country_codes")
    _check_countries(body)
    if "personal_email" in body["enrichment_type"] and "linkedin_url" not in body:
        raise invalid("linkedin_url is required for personal_email")
    _check_webhook(body)


def check_single(body: Any) -> None:
    """Check a body of the asynchronous endpoint."""
    check_sync(body, most_types=1)
    _check_needs(body, body["enrichment_type"][0])


def check_bulk(body: Any) -> None:
    """Check a body of the bulk endpoint."""
    _check_types(body, 1)
    _check_names(body, {"contacts", "enrichment_type", "phone_country_codes", "webhook_url"})
    _check_webhook(body)
    _check_countries(body)
    contacts = body.get("contacts")
    if not isinstance(contacts, list) or not spec.BULK_LEAST <= len(contacts) <= spec.BULK_MOST:
        raise invalid(
            f"contacts must be an array of {spec.BULK_LEAST} to {spec.BULK_MOST} elements"
        )
    for position, contact in enumerate(contacts):
        try:
            if not isinstance(contact, dict):
                raise invalid("must be an object")
            _check_person(contact)
            _check_needs(contact, body["enrichment_type"][0])
        except RefusalError as refused:
            raise invalid(f"contacts[{position}]: {refused.body['message']}") from None


def _check_types(body: Any, most: int) -> None:
    if not isinstance(body, dict):
        raise RefusalError(400, {"error": 400, "message": "The body must be a JSON object"})
    types = body.get("enrichment_type")
    if not isinstance(types, list) or not 1 <= len(types) <= most:
        raise invalid(f"enrichment_type must be an array of 1 to {most} elements")
    if any(t not in spec.TYPES for t in types) or len(set(types)) != len(types):
        raise invalid(f"enrichment_type takes {', '.join(spec.TYPES)}, each once")


def _check_person(contact: dict[str, Any], *other_fields: str) -> None:
    for name in ("firstname", "lastname"):
        if not isinstance(contact.get(name), str) or not contact[name].strip():
            raise invalid(f"{name} is required")
    for name, is_valid, expected in _RULES:
        if name in contact and not is_valid(contact[name]):
            raise invalid(f"{name} must be {expected}")
    _check_names(contact, {*FIELDS, "custom", *other_fields})


def _check_needs(contact: dict[str, Any], type_: str) -> None:
    if type_ == "email" and "domain" not in contact and "company_name" not in contact:
        raise invalid("domain or company_name is required for email")
    if type_ != "email" and "linkedin_url" not in contact:
        raise invalid(f"linkedin_url is required for {type_}")


def _check_webhook(body: dict[str, Any]) -> None:
    if "webhook_url" in body and not _is_uri(body["webhook_url"]):
        raise invalid("webhook_url must be a URI")


def _check_countries(body: dict[str, Any]) -> None:
    if "phone_country_codes" not in body:
        return
    codes = body["phone_country_codes"]
    valid = isinstance(codes, list) and all(isinstance(c, str) and c in _COUNTRIES for c in codes)
    # The documentation does not define an empty array: it could mean all countries or none.
    if not valid or not codes:
        raise invalid("phone_country_codes must be an array of ISO 3166-1 alpha-2 country codes")


def _check_names(fields: dict[str, Any], allowed: set[str]) -> None:
    if unknown := fields.keys() - allowed:
        raise invalid(f"unknown fields: {', '.join(sorted(unknown))}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_domain(value: str) -> bool:
    return _DOMAIN.fullmatch(value) is not None


def _is_uri(value: Any) -> bool:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


_RULES: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    *((name, _is_text, "a string") for name in FIELDS),
    ("domain", _is_domain, "a domain name"),
    ("linkedin_url", _is_uri, "a URI"),
    ("custom", _is_object, "an object"),
)
"""Field, check and expected value, in the order of the error messages."""
