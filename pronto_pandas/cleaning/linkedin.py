"""Clean a LinkedIn profile URL, in any form in which people write it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote, unquote

from .domains import SCHEME
from .text import JOINERS, UnusableError

_NO_PROFILE: Final = "is not a LinkedIn profile URL"
_COMPANY: Final = "is a company page, not a person's profile"
_SALES: Final = "is a Sales Navigator link, not a public profile URL"
_RECRUITER: Final = "is a LinkedIn Recruiter link, not a public profile URL"
_CONTENT: Final = "is a post, group, job or course, not a person's profile"
_SEARCH: Final = "is a search page, not a profile"
_SHORT: Final = "is a short link; open it and use the full URL"
_SPACE: Final = "contains a space"
_SEVERAL: Final = "contains more than one profile URL"

_OTHERS: Final = {
    **dict.fromkeys(
        ("company", "company-beta", "companies", "school", "showcase", "edu"), _COMPANY
    ),
    "sales": _SALES,
    **dict.fromkeys(("talent", "recruiter", "cap", "hire"), _RECRUITER),
    **dict.fromkeys(("posts", "feed", "pulse", "groups", "jobs", "learning", "events"), _CONTENT),
    **dict.fromkeys(("search", "people"), _SEARCH),
    "profile": "is an old LinkedIn link without a public profile",
}
"""Reasons by the first part of the path."""

_BEFORE: Final = frozenset({"mwlite", "comm", "public-profile", "m"})
"""Parts that apps, newsletters and older pages put before the path."""

# Placeholders of programs without a name, and pages of the person who is logged in.
_NOBODY: Final = frozenset(
    {"me", "nan", "none", "null", "undefined", "unavailable", "unknown", "n-a", "na"}
)

_PLAIN: Final = re.compile(
    r"https?://(?:[a-z]{2,3}\.)?linkedin\.com/in/([a-z0-9-]{3,})/?", re.ASCII
)
# Anchored at both ends of the host: neither notlinkedin.com nor linkedin.com.evil.example.
_HOST: Final = re.compile(
    r"(?:[a-z0-9-]+\.)*(linkedin\.com|lnkd\.in)\.?(?::\d+)?(?=[/?#]|$)", re.IGNORECASE | re.ASCII
)
_RELATIVE: Final = re.compile(r"/*in/[^/?#]+/?", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s<>()\[\]{}\"“”„«»,;|]+")
_LABEL: Final = re.compile(r"^linked\s?in\s*[:=]\s*(?=\S)", re.IGNORECASE)
# Only these distinguish upper and lower case.
_MEMBER: Final = re.compile(r"A[A-Z][a-z]AA[\w-]{12,}", re.ASCII)
_SLUG: Final = re.compile(r"[^\s%/?#&=<>\"\\@:,;|()\[\]{}]{3,150}")
# After the space, the rest of the slug may follow, unless a slash or a question mark ended it.
_TORN: Final = re.compile(
    r"linkedin\.com\S*?/(?:in|pub)/[^\s/?#<>()\[\]{}\",;|]+ (?!\S*(?:linkedin\.com|lnkd\.in|://))-?\w",
    re.IGNORECASE,
)
_WALL: Final = re.compile(
    r"/*(?:authwall|login|signup)[^?]*\?(?:.*&)?session_?redirect=([^&]+)", re.IGNORECASE
)
_INVISIBLE: Final = " \u00a0\u200b\u200e\u200f\u2060\ufeff"
_OLD_NUMBER: Final = re.compile(r"[0-9a-z]{1,3}")


def linkedin(text: str) -> str:
    """Return the canonical URL of the only LinkedIn profile in a string, in any form.

    It is ``https://www.linkedin.com/in/…/``, with non-ASCII letters percent-encoded.
    """
    if (plain := _PLAIN.fullmatch(text)) and plain[1] not in _NOBODY:
        return f"https://www.linkedin.com/in/{plain[1]}/"
    if _TORN.search(text):
        raise UnusableError(_SPACE)
    slugs, reasons = [], []
    for path in _paths(text):
        try:
            slugs.append(_slug(path))
        except UnusableError as error:
            reasons.append(str(error))
    if len(set(slugs)) > 1:
        raise UnusableError(_SEVERAL)
    if not slugs:
        raise UnusableError(next(iter(reasons), _NO_PROFILE))
    return f"https://www.linkedin.com/in/{slugs[0]}/"


def _paths(text: str) -> list[str]:
    """Return the paths of all LinkedIn URLs in a string; for a short link, its host."""
    if _RELATIVE.fullmatch(text):
        return [text]
    paths = []
    for word in _BETWEEN.split(_LABEL.sub("", text)):
        address = word.strip("'‘’`*_").rstrip(".!:")
        if "%2f" in address.lower():  # a URL inside a URL
            address = unquote(address)
        address = SCHEME.sub("", _LABEL.sub("", address).replace("\\", "/"))
        if at := _HOST.match(address):
            short = at[1].lower() == "lnkd.in"
            paths.append("lnkd.in" if short else _behind_wall(address[at.end() :]))
    return paths


def _behind_wall(path: str) -> str:
    """Return the path that a request to log in leads to, or the path as it is."""
    if not (wall := _WALL.match(path)):
        return path
    address = SCHEME.sub("", unquote(wall[1]))
    at = _HOST.match(address)
    return address[at.end() :] if at and at[1].lower() != "lnkd.in" else path


def _slug(path: str) -> str:
    """Return the part of a path that identifies the person, or raise if none does."""
    parts = [part for part in re.split(r"[?#]", path, maxsplit=1)[0].split("/") if part]
    while parts and parts[0].lower() in _BEFORE:
        del parts[0]
    if not parts:
        raise UnusableError("is the LinkedIn home page, not a profile")
    kind = parts[0].lower()
    if kind == "lnkd.in":
        raise UnusableError(_SHORT)
    if kind == "pub":
        return _encoded(_old(parts[1:]))
    if kind != "in" or len(parts) == 1:
        raise UnusableError(_OTHERS.get(kind, _NO_PROFILE))
    return _encoded(parts[1])


def _old(parts: list[str]) -> str:
    """Return the slug of today for a URL from before 2015.

    ``/pub/name/a/b/c`` leads to ``/in/name-cba``, the last two with zeros up to three places, and
    without the first if it is zero.
    """
    if not parts:
        raise UnusableError(_NO_PROFILE)
    if parts[0].lower() == "dir":
        raise UnusableError(_SEARCH)
    numbers = [part.lower() for part in parts[1:4]]
    if len(numbers) < 3 or not all(map(_OLD_NUMBER.fullmatch, numbers)):
        return parts[0]
    first, second, third = numbers
    return f"{parts[0]}-{third:0>3}{second:0>3}{first if first != '0' else ''}"


def _encoded(written: str) -> str:
    """Return a slug in canonical form, however often and in whichever case it was encoded."""
    slug = written
    try:
        while "%" in slug and (decoded := unquote(slug, errors="strict")) != slug:
            slug = decoded
    except UnicodeDecodeError:
        raise UnusableError(_NO_PROFILE) from None
    slug = re.split(r"[/?#&]", slug, maxsplit=1)[0].strip(_INVISIBLE)
    if " " in slug:
        raise UnusableError(_SPACE)
    if not _MEMBER.fullmatch(slug):
        slug = unicodedata.normalize("NFC", slug.lower())
    visible = all(c.isprintable() or c in JOINERS for c in slug)
    named = slug not in _NOBODY and any(map(str.isalnum, slug))
    if not (named and visible and _SLUG.fullmatch(slug)):
        raise UnusableError(_NO_PROFILE)
    return quote(slug, safe="-._~")
