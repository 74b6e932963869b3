"""From a whole name to a first and a last name."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from . import single_names, words
from .text import UnusableError, table
from .words import bare

if TYPE_CHECKING:  # slow to import, and needed where whole names are split
    from nameparser import Parser

_UNCLEAR: Final = "cannot be split into a first and a last name"
_INITIAL: Final = "has no last name but an initial"
_NO_PERSON: Final = "is not the name of a person"

_EAST_ASIAN: Final = re.compile(
    r"[\u3005\u3006\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af]+"
)
_HONORIFICS: Final = frozenset({"様", "さん", "殿", "先生", "님", "씨", "先生様"})
_FIRMS: Final = re.compile(r"株式会社|有限会社|合同会社|公司|集团|주식회사|유한회사")
# Two capitals before a name are initials ("JP Durand"), but for these.
_SHORT_SURNAMES: Final = table(
    "LI WU XU YU HU LU MA HE GU DU SU FU YE BA LE VO HO NG KO OH IM AN DO SY QI NI YI VLK SRB KRC"
)
# With these marks a name is written by somebody who puts the family first.
_VIETNAMESE: Final = table("Nguyễn Trần Phạm Huỳnh Võ Đặng Bùi Đỗ")
# Acronyms are told from surnames by how no word begins or ends.
_NO_WORD: Final = re.compile(
    r"(?!MC|SCH|STR|SPR|CHR|SHR|THR|SCR|SPL|PHR|KRZ|PRZ|BRZ|TRZ|SZC|SZK|SKR|STJ|HRD)[^AEIOUY]{3}"
    r"|C[BDFGMPQT]|F[BCDGMP]|P[BCDGM]|R[BCDFGMNPT]|.*([BCDFGPQTV])(?!\1)[BCDGMPQV]$|.*M[CDGV]$"
)
_MIXED: Final = re.compile(
    r"(?!Ma?c|D[ei]|L[ae]|Du|Van|Fitz)\w*(?:[A-Z]{2}\w*[a-z]|[a-z]\w*[A-Z]{2})\w*"
)
# Before a comma these are given names too, as in "Ben Smith, Berlin".
_GIVEN_PARTICLES: Final = frozenset({"ben", "al", "bon", "mac", "do", "bar", "bat", "san"})
_PATRONYMIC: Final = re.compile(
    r"\w+(?:ич|[оеії]вна|[иі]чна|[oe]v(?:ich|na))",
    re.IGNORECASE,
)
_SLAVIC: Final = re.compile(r"\w+(?:[oe]va?|sk(?:i|y|ii|iy|yi|aya)|enko|ch[uy]k)", re.IGNORECASE)
_ABOUT: Final = frozenset({"AI", "IT", "UX", "PR"})
_GENERATIONS: Final = frozenset({"filho", "neto", "sobrinho", "junior", "senior", "segundo"})


def split(text: str) -> tuple[str, str]:
    """Split a whole name into a first and a last name.

    Middle names and initials are left out, but for what goes together ("María José", "Hans Peter")
    and for what follows an initial ("J. Robert"). Where the given name is Spanish or Portuguese,
    all that follows is the surname: of "José García Márquez" both. Words in capitals are the
    surname where the others are not ("DUPONT Jean"). Where that or a comma tells the given names,
    all stay but initials. In Han, Kana and Hangul the family comes first.

    Parameters
    ----------
    text : str
        A trimmed text.

    Returns
    -------
    first, last : str
        Each as `single_names.first` and `single_names.last` write it.

    Raises
    ------
    UnusableError
        Where there is no person's first and last name in it, or no telling which is which.
    """
    text = single_names.name(text)
    parts = text.replace("・", " ").split()
    _require_person(parts)
    if "," in (whole := " ".join(parts)):
        first, last = _by_comma(whole)
    elif "・" in text and len(parts) == 2:  # a foreign name in Katakana keeps its order
        first, last = parts
    else:
        parts = _in_one_script(parts)
        if any(map(_MIXED.fullmatch, parts)):
            raise UnusableError(_UNCLEAR)
        first, last = _by_script(parts) or _by_capitals(parts) or _by_order(parts)
    return single_names.first(first), single_names.last(last)


def _require_person(parts: Sequence[str]) -> None:
    whole = " ".join(parts)
    plain = [bare(part.strip(",")) for part in parts]
    together = ("und" in parts and "zu" not in parts) or not {"and", "et", "or"}.isdisjoint(parts)
    if (
        together
        or any(char.isdecimal() or char in "&+/" for char in whole)
        or (plain[0] in words.TEAMS and "," not in parts[0])
        or (parts[0] in _ABOUT and not whole.isupper())
        or not words.NO_PEOPLE.isdisjoint(plain)
        or not words.LEGAL_FORMS.isdisjoint(part.strip(",") for part in parts)
        or _FIRMS.search(whole)
    ):
        raise UnusableError(_NO_PERSON)
    if len(parts) == 1:
        raise UnusableError("is one word, so it has no last name")


def _in_one_script(parts: list[str]) -> list[str]:
    """Leave out the words of a name in another script, where the rest is a whole one."""
    runs: dict[str, list[str]] = {}
    for part in parts:
        runs.setdefault(_script(part), []).append(part)
    whole = [run for run in runs.values() if len(run) > 1]
    if len(runs) == 1 or ("" not in runs and len(whole) < 2):
        return parts
    if len(whole) != 1:
        raise UnusableError(_UNCLEAR)
    return whole[0]


def _script(word: str) -> str:
    if word.isascii():
        return "LATIN"
    letter = next(filter(str.isalpha, word), "-")
    return "" if _EAST_ASIAN.match(letter) else unicodedata.name(letter, "").partition(" ")[0]


def _by_script(parts: Sequence[str]) -> tuple[str, str] | None:
    """Split a name in a script that puts the family first."""
    if not all(map(_EAST_ASIAN.fullmatch, parts)):
        return None
    named = [part for part in parts if part not in _HONORIFICS]
    if len(named) != 2:
        raise UnusableError(_UNCLEAR)
    return named[1], named[0]


def _by_capitals(parts: Sequence[str]) -> tuple[str, str] | None:
    """Split a name whose surname alone is in capitals, before or after the given names."""
    runs = [(key, list(run)) for key, run in itertools.groupby(parts, _in_capitals)]
    if len(runs) == 3 and all(map(_is_particle, runs[0][1])):  # "de LA TOUR Marie"
        runs = [(True, runs[0][1] + runs[1][1]), runs[2]]
    if len(runs) != 2:  # none, or all
        return None
    surname, given = (run for _, run in sorted(runs, key=lambda run: not run[0]))
    if runs[1][0]:
        if _may_be_a_degree(surname[-1], alone=len(parts) == 2):
            raise UnusableError(_UNCLEAR)
        while len(given) > 1 and _is_particle(given[-1]):  # "Marie de LA TOUR"
            surname.insert(0, given.pop())
        given = _without_initials(given)
        # "Eva Klein CAMS": a short one may be an acronym, unless "Eva Maria" says what is given.
        short = all(word.isascii() and len(word) <= 5 for word in surname)
        if len(given) > 1 and short and not words.together(*given[:2]):
            raise UnusableError(_UNCLEAR)
    elif len(surname) == 1 and _are_initials(surname[0]):
        return None
    elif _may_be_a_degree(surname[-1], alone=True):
        raise UnusableError(_UNCLEAR)
    return " ".join(_without_initials(given)), " ".join(surname)


def _are_initials(word: str) -> bool:
    """Say whether capitals before a name are initials: "JP", "JRR"."""
    if word in _SHORT_SURNAMES:
        return False
    return len(word) == 2 or (len(word) == 3 and word.isascii() and set("AEIOUY").isdisjoint(word))


def _in_capitals(word: str) -> bool:
    return word.isupper() and sum(map(str.isalpha, word)) > 1 and "." not in word


def _may_be_a_degree(word: str, *, alone: bool) -> bool:
    """Say whether a word in capitals beside a name may be none of it: "MA", "CPCC".

    One that stands ``alone`` beside a word may be a short surname.
    """
    if not word.isascii() or word == "NG" or (alone and len(word) < 4):
        return False
    if word in words.SURNAMES or set("AEIOUY").isdisjoint(word):
        return True
    return _is_acronym(word)


def _is_acronym(word: str) -> bool:
    return len(word) > 3 and word.isupper() and _NO_WORD.match(word) is not None


def _is_particle(word: str) -> bool:
    return word.islower() and word in _parser().lexicon.particles


def _without_initials(given: Sequence[str]) -> list[str]:
    return [given[0], *(word for word in given[1:] if not _is_initial(word))]


def _is_initial(word: str) -> bool:
    return sum(map(str.isalpha, word)) == 1 or re.fullmatch(r"(?:\w\.)+", word) is not None


def _by_comma(text: str) -> tuple[str, str]:
    """Split "Last, First"; a particle may stand behind the first name."""
    surname, _, rest = text.partition(",")
    given = rest.split()
    if not given or "," in rest or not _is_surname(surname, given):
        raise UnusableError(_UNCLEAR)
    while len(given) > 1 and _is_particle(given[-1]):
        surname = f"{given.pop()} {surname}"
    return " ".join(_without_initials(given)), surname


def _is_surname(text: str, given: Sequence[str]) -> bool:
    """Say whether what stands before a comma is surely no whole name with a place behind it."""
    if _MIXED.fullmatch(given[-1]) or _is_acronym(given[-1]):
        return False
    first, *more = text.split()
    if not more or first == "O" or bare(more[-1]) in _GENERATIONS:
        return True
    if text.isupper() and not " ".join(given).isupper():
        return True
    if first.casefold() in _parser().lexicon.particles - _GIVEN_PARTICLES or _is_particle(first):
        return True
    return words.is_iberian(given[0]) or words.DEVOTION.match(f"{' '.join(given)} x") is not None


def _by_order(parts: Sequence[str]) -> tuple[str, str]:
    """Split a name by what its words are, and where they stand."""
    text = " ".join(parts)
    if parts[0] in _VIETNAMESE or (len(parts) > 2 and parts[1] in {"Thị", "Văn"}):
        return parts[-1], parts[0]
    if all(map(_is_initial, parts[1:])) and not _is_initial(parts[0]):
        return _by_initials(parts)
    if len(parts) == 2:
        if _is_particle(parts[0]) and not parts[1].islower():
            raise UnusableError("has no first name")
        return parts[0], parts[1]
    if len(parts) == 3 and _PATRONYMIC.fullmatch(parts[2]) and not _PATRONYMIC.fullmatch(parts[1]):
        return _by_patronymic(parts)
    if parts[-2] == "O" and parts[-1][0].isupper():
        return " ".join(_without_initials(parts[:-2])), " ".join(parts[-2:])
    if devout := words.DEVOTION.match(text):
        return devout[0], text[devout.end() :]
    parsed = _parser().parse(text)
    given, middle, family = parsed.given.split(), parsed.middle.split(), parsed.family
    if bare(parsed.title) in words.MOHAMMAD:
        given, middle = [parsed.title], given + middle
    if not given or not family:
        raise UnusableError(_UNCLEAR)
    if all(map(_is_initial, family.split())):
        raise UnusableError(_INITIAL)
    if middle and (_is_initial(given[0]) or words.together(given[0], middle[0])):
        given.append(middle.pop(0))
    middle = [word for word in middle if not _is_initial(word)]
    if middle and words.has_two_surnames(given[0]):
        family = " ".join([*middle, family])
    elif middle and bare(family) in _GENERATIONS:
        family = f"{middle[-1]} {family}"
    return " ".join(given), family


def _by_initials(parts: Sequence[str]) -> tuple[str, str]:
    """Split a surname before initials: "Laxman V.V.S."; "Ana M." hides the surname."""
    if parts[0][0] >= "\u0370":  # in Russian, nobody goes by initials
        raise UnusableError("has no first name")
    if len(parts) > 2 or sum(map(str.isalpha, parts[1])) == 1:
        raise UnusableError(_INITIAL)
    return parts[1], parts[0]


def _by_patronymic(parts: Sequence[str]) -> tuple[str, str]:
    """Split "Иванов Иван Иванович"; in Latin letters "Abramovich" may be the surname."""
    if parts[2].isascii() and not (parts[2].endswith("na") or _SLAVIC.fullmatch(parts[0])):
        raise UnusableError(_UNCLEAR)
    return parts[1], parts[0]


@functools.cache
def _parser() -> Parser:
    from nameparser import Lexicon, Parser

    lexicon = Lexicon.default()
    # Degrees are gone by now; what is left and looks like one is a surname ("Ana de Sa").
    lexicon = lexicon.remove(
        suffix_acronyms=lexicon.suffix_acronyms,
        suffix_acronyms_ambiguous=lexicon.suffix_acronyms_ambiguous,
    )
    # North African surnames, of which the particles are given names elsewhere.
    return Parser(lexicon=lexicon.add(particles={"ben", "el", "ould", "ait", "lo"}))
