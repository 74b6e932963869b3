"""From a cell to one name: a first name, a last name, or whichever of both."""

from __future__ import annotations

import re
from typing import Final

from . import name_noise, words
from .text import NOTHING, UnusableError, readable, table
from .words import bare

_SEVERAL: Final = "holds the names of several people"
_BOTH: Final = re.compile(r"\w\s*(?:[&+/]|\s(?:und(?!\s+zu\b)|and|et)\s)\s*\w")
_DIGITS: Final = re.compile(r"[\s(+]+\d[\d\s()/.+-]*$")
# As `bare` writes them: what forms and programs say for no name.
_STAND_INS: Final = table(
    "unknown unbekannt inconnu inconnue desconocido desconocida sconosciuto sconosciuta vorname",
    "nachname firstname lastname prenom nom nombre apellido xx xxx xxxx tbd nn anonymous anonym",
)
_DOTTED: Final = frozenset({"k.a", "k.a.", "n.n", "n.n."})
# None of these is a surname, however it is written.
_FIRMS: Final = table(
    "gmbh mbh ggmbh ohg kgaa ltd llc llp inc corp corporation plc sasu sarl eurl srl ltda spzoo pty"
)
_FIRMS_AS_WRITTEN: Final = table("AG KG S.A. S.p.A. S.r.l. S.L. B.V. N.V. e.V. eG Co.")


def name(text: str) -> str:
    """Clean a person's first or last name, or both in one.

    What stands beside a name goes: symbols, jobs, pronouns, nicknames, titles, degrees. What
    belongs to it stays: case, accents, particles, initials, any script. No rule leaves nothing, so
    "Ng" and "Sir" stay too.
    """
    return _name(text, 2)


def first(text: str) -> str:
    """Clean a first name in a cell of its own.

    Raises
    ------
    UnusableError
        Also where it is a title, a role, or of several people.
    """
    text = _single(text)
    if "," in text:  # "Zorn, Ana": which of both is nobody's to say
        raise UnusableError("holds more than a first name")
    plain = [bare(word) for word in text.split()]
    if words.TITLES.issuperset(plain):
        raise UnusableError("is a title, not a name")
    if plain[0] in words.TEAMS or not _ROLES.isdisjoint(plain):
        raise UnusableError("is a role, not a name")
    return text


def last(text: str) -> str:
    """Clean a last name in a cell of its own.

    Raises
    ------
    UnusableError
        Also where it is a company's, or of several people.
    """
    text = _single(text)
    if "," in text and any(map(str.isalpha, head := text.partition(",")[0])):
        text = _single(head)
    written = text.split()
    plain = {bare(word) for word in written}
    if plain == {"team"} or (
        len(written) > 1
        and not (_FIRMS.isdisjoint(plain) and _FIRMS_AS_WRITTEN.isdisjoint(written))
    ):
        raise UnusableError("is not the name of a person")
    return text


_ROLES: Final = words.NO_PEOPLE | table("hr marketing privat")


def _single(text: str) -> str:
    """Clean a name of which one word is enough; what follows a symbol or a number goes."""
    text, before = _name(text, 1), None
    while not text.isalpha() and text != before:
        before = text
        shorter = _DIGITS.sub("", text)
        text = _name(shorter, 1) if any(map(str.isalpha, shorter)) else text
    if _BOTH.search(text):
        raise UnusableError(_SEVERAL)
    if text.casefold() in _DOTTED or "".join(map(bare, text.split())) in _STAND_INS:
        raise UnusableError("holds no name")
    return text


def _name(text: str, least: int) -> str:
    if not any(map(str.isalpha, text)):
        raise UnusableError("is a number, not a name")
    if "\ufffd" in text:
        raise UnusableError("holds a character that was lost")
    text = readable(text)
    if not name_noise.stands_alone(text):
        text = name_noise.alone(text, least)
    if "@" in text or "://" in text or text.lower().startswith("www."):
        raise UnusableError("is an address, not a name")
    if NOTHING.issuperset(text.split()):
        raise UnusableError("holds no name")
    return text
