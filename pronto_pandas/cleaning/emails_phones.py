"""Find the first valid email or phone in a cell of a list."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final

from . import domains
from .languages import alternatives, entries
from .text import UnusableError

_NO_PHONE: Final = "is not a valid phone number"
_ONE: Final = re.compile(r"[;,|\n]|(?<=\d)\s*/\s*(?=\+|00)")
_ABROAD: Final = re.compile(r"[(\s]*(?:\+|00)")
_PUNCTUATION: Final = re.compile(r"[\s()./\u2010-\u2015-]+")
_SHORTEST, _LONGEST = 6, 15


def email(text: str) -> str:
    """Return the first email address in a string, with its host in lower case."""
    local, host = domains.mailbox(text)
    return f"{local}@{host}"


def is_personal(address: str) -> bool:
    """Return whether an email address, as `email` returns it, is at a personal email provider."""
    try:
        return domains.is_personal(domains.host(address.rpartition("@")[2]))
    except UnusableError:
        return False


def phone(text: str) -> str:
    """Return the first phone number in a string.

    A number that begins with ``+`` or ``00`` is returned in E.164 format, any other as digits.
    """
    written = unicodedata.normalize("NFKC", text)
    first = _label().sub("", _ONE.split(written)[0].strip())
    if abroad := _ABROAD.match(first):
        return _international(first[abroad.end() :])
    digits = _PUNCTUATION.sub("", first)
    if not (digits.isdecimal() and _SHORTEST <= len(digits) <= _LONGEST):
        raise UnusableError(_NO_PHONE)
    return "".join(str(int(digit)) for digit in digits)


@functools.cache
def _label() -> re.Pattern[str]:
    labels = alternatives(entries("phones", "labels"))
    return re.compile(rf"^(?:{labels})\b[.:]*\s*", re.IGNORECASE)


def _international(rest: str) -> str:
    import phonenumbers  # slow to import, and needed only if a list has phones

    try:
        number = phonenumbers.parse(f"+{rest}", None)
    except phonenumbers.NumberParseException:
        raise UnusableError(_NO_PHONE) from None
    if not phonenumbers.is_possible_number(number):
        raise UnusableError(_NO_PHONE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
