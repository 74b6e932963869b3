"""Made-up answers: the same contact always gets the same one, without any real person's data.

Emails end in ``.example``, a domain that nobody can own. Phone numbers come from the ranges that
Britain, France and North America reserve for films and books.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from ..api.spec import TYPES

FIELDS: Final = ("firstname", "lastname", "company_name", "domain", "linkedin_url")
MADE_UP: Final = "Made up by the sandbox."

_SHARE_FOUND: Final = {"email": 0.75, "phone": 0.5, "personal_email": 0.6}
_SHARE_FOUND_OF_OTHERS: Final = 0.5
_EMAIL_STATUSES: Final = ("valid", "valid", "valid", "deliverable", "catch-all")
_PHONES: Final = (
    ("+447700900", 3, "GB"),
    ("+3363998", 4, "FR"),
    ("+120255501", 2, "US"),
    ("+3319900", 4, "FR"),
)
_PHONE_TYPES: Final = ("mobile", "mobile", "landline")


def identity(contact: Mapping[str, Any]) -> str:
    """Return a hash of a contact, which identifies it in logs without its data."""
    text = "\0".join(str(contact.get(name) or "").casefold() for name in FIELDS)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def identity_of_batch(contacts: Iterable[Mapping[str, Any]]) -> str:
    """Return a hash of contacts in this order."""
    return hashlib.sha256("".join(map(identity, contacts)).encode()).hexdigest()


class _Dice:
    """Numbers that depend only on a contact and a purpose."""

    def __init__(self, who: str, purpose: str) -> None:
        self._digest = hashlib.sha256(f"{who}/{purpose}".encode()).digest()
        self._at = 0

    def roll(self, sides: int) -> int:
        number = int.from_bytes(self._digest[self._at : self._at + 4], "big")
        self._at = (self._at + 4) % 28
        return number % sides


def _slug(text: str, fallback: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:30] or fallback


def _email(contact: Mapping[str, Any], who: str) -> str:
    first, last = (_slug(str(contact[n]), who[:6]) for n in ("firstname", "lastname"))
    company = str(contact.get("domain") or contact.get("company_name") or "").lower()
    host = _slug(company.removesuffix(".example"), "company")
    return f"{first}.{last}.{who[:4]}@{host}.example"


def _text(type_: str, contact: Mapping[str, Any], who: str) -> str:
    """Return a made-up value of any type except phone."""
    if type_ == "email":
        return _email(contact, who)
    if type_ == "personal_email":
        return _email(contact, who).split("@")[0] + "@mail.example"
    return f"{type_} {who[:4]}"


def _phones(dice: _Dice, countries: Collection[str] | None) -> list[dict[str, str]]:
    phones = {}
    for _ in range(1 + dice.roll(3)):
        prefix, digits, country = _PHONES[dice.roll(len(_PHONES))]
        number = f"{prefix}{dice.roll(10**digits):0{digits}d}"
        type_ = _PHONE_TYPES[dice.roll(3)]
        if countries is None or country in countries:
            phones[number] = {"number": number, "type": type_}
    return list(phones.values())


def truth(
    contact: Mapping[str, Any], types: Collection[str], countries: Collection[str] | None = None
) -> dict[str, Any]:
    """Return the data fields of the answer for a contact, as the API documents them.

    Parameters
    ----------
    contact : mapping
        The fields of the request.
    types : collection of str
        The requested types.
    countries : collection of str, optional
        Countries whose phone numbers count as found. Default: all.

    Returns
    -------
    dict
        ``status``, ``message``, and a value and status per requested type.
    """
    who = identity(contact)
    data: dict[str, Any] = {}
    found = False
    for type_ in TYPES:
        if type_ not in types:
            continue
        dice = _Dice(who, type_)
        hit = dice.roll(1000) < 1000 * _SHARE_FOUND.get(type_, _SHARE_FOUND_OF_OTHERS)
        if type_ == "phone":
            data["phones"] = _phones(dice, countries) if hit else []
            hit = bool(data["phones"])
            data["phone_status"] = "valid" if hit else "not_found"
        else:
            data[type_] = _text(type_, contact, who) if hit else None
            status = _EMAIL_STATUSES[dice.roll(len(_EMAIL_STATUSES))]
            data[f"{type_}_status"] = status if hit else "N/A"
        found = found or hit
    names = " or ".join(types)
    data["status"] = "success" if found else "error"
    data["message"] = MADE_UP if found else f"No {names} found for this profile. {MADE_UP}"
    return data
