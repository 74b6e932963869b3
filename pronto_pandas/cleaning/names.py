"""Clean first and last names, and split full names."""

# Why: docs/decisions/021-cleaning-refuses-to-guess.md

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from . import companies, given_names, name_noise
from .languages import alternatives, as_written, plain
from .text import NOTHING, UnusableError, bare, readable, table

if TYPE_CHECKING:  # slow to import, and needed only for full names
    from nameparser import Parser

_SEVERAL: Final = "contains more than one person's name"
_NO_NAME: Final = "contains no name"
_NO_PERSON: Final = "is not a person's name"
_UNCLEAR: Final = "cannot be split into a first and a last name"
_INITIAL: Final = "has only an initial instead of a last name"
_NO_FIRST: Final = "has no first name"

_DIGITS: Final = re.compile(r"[\s(+]+\d[\d\s()/.+-]*$")

_EAST_ASIAN: Final = re.compile(
    r"[\u3005\u3006\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af]+"
)
_SIGN: Final = re.compile(r"[&+/]")
_NUMBER_OR_SIGN: Final = re.compile(r"[\d&+/]")
_HONORIFICS: Final = frozenset({"様", "さん", "殿", "先生", "님", "씨", "先生様"})
_EAST_ASIAN_FIRMS: Final = re.compile(r"株式会社|有限会社|合同会社|公司|集团|주식회사|유한회사")
# Two capitals before a name are initials ("JP Durand"), except these.
_SHORT_SURNAMES: Final = table(
    "LI WU XU YU HU LU MA HE GU DU SU FU YE BA LE VO HO NG KO OH IM AN DO SY QI NI YI VLK SRB KRC"
)
# People who write these accents put the family name first.
_VIETNAMESE: Final = table("Nguyễn Trần Phạm Huỳnh Võ Đặng Bùi Đỗ")
# No word begins or ends like this, so a surname in capitals does not, but acronyms do.
_NO_WORD: Final = re.compile(
    r"(?!MC|SCH|STR|SPR|CHR|SHR|THR|SCR|SPL|PHR|KRZ|PRZ|BRZ|TRZ|SZC|SZK|SKR|STJ|HRD)[^AEIOUY]{3}"
    r"|C[BDFGMPQT]|F[BCDGMP]|P[BCDGM]|R[BCDFGMNPT]|.*([BCDFGPQTV])(?!\1)[BCDGMPQV]$|.*M[CDGV]$"
)
_MIXED: Final = re.compile(
    r"(?!Ma?c|D[ei]|L[ae]|Du|Van|Fitz)\w*(?:[A-Z]{2}\w*[a-z]|[a-z]\w*[A-Z]{2})\w*"
)
# Before a comma these may also be given names, as in "Ben Smith, Berlin".
_GIVEN_PARTICLES: Final = frozenset({"ben", "al", "bon", "mac", "do", "bar", "bat", "san"})
_PATRONYMIC: Final = re.compile(
    r"\w+(?:ич|[оеії]вна|[иі]чна|[oe]v(?:ich|na))",
    re.IGNORECASE,
)
_SLAVIC: Final = re.compile(r"\w+(?:[oe]va?|sk(?:i|y|ii|iy|yi|aya)|enko|ch[uy]k)", re.IGNORECASE)
# Before a name that is not in capitals, a topic: "IT Support".
_TOPICS: Final = frozenset({"AI", "IT", "UX", "PR"})


class _Words(NamedTuple):
    """Words that are not names, or that connect two of them."""

    titles: frozenset[str]
    teams: frozenset[str]
    not_a_person: frozenset[str]
    not_a_first_name: frozenset[str]
    no_name: frozenset[str]
    letters_or_surnames: frozenset[str]
    joining: frozenset[str]
    generations: frozenset[str]
    two_people: re.Pattern[str]


@functools.cache
def _words() -> _Words:
    joining, no_name = as_written("joining"), as_written("no_name")
    legal_forms = companies.legal_forms().in_any_case
    return _Words(
        titles=frozenset(map(str.casefold, as_written("titles"))),
        teams=plain("team_first_words"),
        not_a_person=plain("not_a_person") | legal_forms,
        not_a_first_name=plain("not_a_person", "not_a_first_name") | legal_forms,
        # "k.A." keeps its full stop: "Ka" is a name.
        no_name=frozenset(_stopped(w) if "." in w else _joined(w) for w in no_name),
        letters_or_surnames=as_written("letters_or_surnames"),
        joining=joining,
        generations=plain("generations"),
        # "von und zu Zorn" is one person.
        two_people=re.compile(rf"\w\s*(?:[&+/]|\s(?:{alternatives(joining)})(?!\s+zu\b)\s)\s*\w"),
    )


def name(text: str) -> str:
    """Clean a person's first, last or full name.

    Symbols, job titles, pronouns, nicknames, honorifics and degrees are removed. Case, accents,
    particles and initials stay, in any script. No rule removes the whole text, so "Ng" and
    "Sir" also stay.
    """
    return _cleaned(text, 2)


def first(text: str) -> str:
    """Clean a first name in its own cell."""
    text = _single(text)
    if "," in text:  # "Zorn, Ana": either may be the first name
        raise UnusableError("contains more than a first name")
    words = _words()
    written = text.split()
    plainly = [bare(word) for word in written]
    if all(map(_is_title, written)):
        raise UnusableError("is a title, not a name")
    if plainly[0] in words.teams or not words.not_a_first_name.isdisjoint(plainly):
        raise UnusableError("is a role, not a name")
    return text


def _is_title(word: str) -> bool:
    titles = _words().titles
    return bare(word) in titles or word.replace(".", "").casefold() in titles


def last(text: str) -> str:
    """Clean a last name in its own cell."""
    text = _single(text)
    if "," in text and any(map(str.isalpha, head := text.partition(",")[0])):
        text = _single(head)
    written = text.split()
    if bare(text) == "team" or (len(written) > 1 and _has_legal_form(written)):
        raise UnusableError(_NO_PERSON)
    return text


def _has_legal_form(words: Sequence[str]) -> bool:
    forms, plain = companies.legal_forms(), [bare(word) for word in words]
    if not forms.in_any_case.isdisjoint(plain) or not forms.as_written.isdisjoint(words):
        return True
    return forms.spread_over(plain)


def _single(text: str) -> str:
    """Clean a name that may be a single word; remove text after a symbol or a number."""
    text = _cleaned(text, 1)
    while not text.isalpha() and (shorter := _DIGITS.sub("", text)) != text:
        if not any(map(str.isalpha, shorter)):
            break
        text = _cleaned(shorter, 1)
    if _are_two(text):
        raise UnusableError(_SEVERAL)
    if not _words().no_name.isdisjoint((_stopped(text), _joined(text))):
        raise UnusableError(_NO_NAME)
    return text


def _are_two(text: str) -> bool:
    words = _words()
    if words.joining.isdisjoint(text.split()) and not _SIGN.search(text):  # faster than the rule
        return False
    return words.two_people.search(text) is not None


def _cleaned(text: str, least: int) -> str:
    if not any(map(str.isalpha, text)):
        raise UnusableError("is a number, not a name")
    if "\ufffd" in text:
        raise UnusableError("contains a damaged character (\ufffd)")
    text = readable(text)
    if not name_noise.is_clean(text):
        text = name_noise.cleaned(text, least)
    if "@" in text or "://" in text or text.lower().startswith("www."):
        raise UnusableError("is a URL or email, not a name")
    if NOTHING.issuperset(text.split()):
        raise UnusableError(_NO_NAME)
    return text


def _stopped(text: str) -> str:
    return text.casefold().rstrip(".")


def _joined(text: str) -> str:
    return "".join(map(bare, text.split()))


def split(text: str) -> tuple[str, str]:
    """Split a full name into a first and a last name.

    Middle names and initials are left out, except those that belong to the first name ("María
    José", "Hans Peter") or follow an initial ("J. Robert"). After a Spanish or Portuguese given
    name, everything is the surname: both of "José García Márquez". If only some words are in
    capitals, they are the surname ("DUPONT Jean"). If capitals or a comma mark the given names, all
    of them stay, except initials. In Han, Kana and Hangul the family name comes first.
    """
    text = name(text)
    parts = text.replace("・", " ").split()
    _require_person(parts)
    if "," in (whole := " ".join(parts)):
        given, family = _by_comma(whole)
    elif "・" in text and len(parts) == 2:  # foreign names in Katakana keep their order
        given, family = parts
    else:
        parts = _in_one_script(parts)
        if any(map(_MIXED.fullmatch, parts)):
            raise UnusableError(_UNCLEAR)
        given, family = _by_script(parts) or _by_capitals(parts) or _by_order(parts)
    return first(given), last(family)


def _require_person(parts: Sequence[str]) -> None:
    plain = [bare(part.strip(",")) for part in parts]
    if _are_several(parts) or _is_team(parts, plain) or _is_company(parts, plain):
        raise UnusableError(_NO_PERSON)
    if len(parts) == 1:
        raise UnusableError("is a single word; a last name is missing")


def _are_several(parts: Sequence[str]) -> bool:
    """Return whether the words name two people, or contain a number, as in an address."""
    if not _words().joining.isdisjoint(parts) and "zu" not in parts:  # "von und zu Zorn"
        return True
    return _NUMBER_OR_SIGN.search(" ".join(parts)) is not None


def _is_team(parts: Sequence[str], plain: Sequence[str]) -> bool:
    """Return whether the words name a mailbox, a team or a topic."""
    words = _words()
    if plain[0] in words.teams and "," not in parts[0]:
        return True
    if parts[0] in _TOPICS and not all(map(str.isupper, parts)):
        return True
    return not words.not_a_person.isdisjoint(plain)


def _is_company(parts: Sequence[str], plain: Sequence[str]) -> bool:
    forms = companies.legal_forms()
    if not forms.as_written_or_surnames.isdisjoint(part.strip(",") for part in parts):
        return True
    return forms.spread_over(plain) or any(map(_EAST_ASIAN_FIRMS.search, parts))


def _in_one_script(parts: list[str]) -> list[str]:
    """Leave out the words in another script if the rest is a full name."""
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
    """Split a name in which only the surname is in capitals, before or after the given names."""
    runs = [(key, list(run)) for key, run in itertools.groupby(parts, _in_capitals)]
    if len(runs) == 3 and all(map(_is_particle, runs[0][1])):  # "de LA TOUR Marie"
        runs = [(True, runs[0][1] + runs[1][1]), runs[2]]
    if len(runs) != 2:  # none, or all
        return None
    (surname_is_first, before), (_, behind) = runs
    return _surname_first(before, behind) if surname_is_first else _surname_last(before, behind)


def _surname_first(surname: list[str], given: list[str]) -> tuple[str, str] | None:
    if len(surname) == 1 and _are_initials(surname[0]):
        return None
    if _may_be_a_degree(surname[-1], only_two=True):
        raise UnusableError(_UNCLEAR)
    return " ".join(_without_initials(given)), " ".join(surname)


def _surname_last(given: list[str], surname: list[str]) -> tuple[str, str]:
    if _may_be_a_degree(surname[-1], only_two=len(given) + len(surname) == 2):
        raise UnusableError(_UNCLEAR)
    while len(given) > 1 and _is_particle(given[-1]):  # "Marie de LA TOUR"
        surname.insert(0, given.pop())
    given = _without_initials(given)
    # "Eva Klein CAMS": a short one may be an acronym, unless "Eva Maria" are both given names.
    short = all(word.isascii() and len(word) <= 5 for word in surname)
    if len(given) > 1 and short and not given_names.are_one(*given[:2]):
        raise UnusableError(_UNCLEAR)
    return " ".join(given), " ".join(surname)


def _are_initials(word: str) -> bool:
    """Return whether capitals before a name are initials: "JP", "JRR"."""
    if word in _SHORT_SURNAMES:
        return False
    return len(word) == 2 or (len(word) == 3 and word.isascii() and set("AEIOUY").isdisjoint(word))


def _in_capitals(word: str) -> bool:
    return word.isupper() and sum(map(str.isalpha, word)) > 1 and "." not in word


def _may_be_a_degree(word: str, *, only_two: bool) -> bool:
    """Return whether a word in capitals next to a name may be a degree: "MA", "CPCC".

    Of only two words, a short one may be a surname.
    """
    if not word.isascii() or word == "NG" or (only_two and len(word) < 4):
        return False
    if word in _words().letters_or_surnames or set("AEIOUY").isdisjoint(word):
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
    """Split "Last, First"; a particle may follow the first name."""
    surname, _, rest = text.partition(",")
    given = rest.split()
    if not given or "," in rest or not _is_surname(surname, given):
        raise UnusableError(_UNCLEAR)
    while len(given) > 1 and _is_particle(given[-1]):
        surname = f"{given.pop()} {surname}"
    return " ".join(_without_initials(given)), surname


def _is_surname(text: str, given: Sequence[str]) -> bool:
    """Return whether the text before a comma is a surname, not a full name before a place."""
    if _MIXED.fullmatch(given[-1]) or _is_acronym(given[-1]):
        return False
    first, *more = text.split()
    if not more or first == "O" or bare(more[-1]) in _words().generations:
        return True
    if text.isupper() and not " ".join(given).isupper():
        return True
    if first.casefold() in _parser().lexicon.particles - _GIVEN_PARTICLES or _is_particle(first):
        return True
    return (
        given_names.is_iberian(given[0]) or given_names.with_particle(f"{' '.join(given)} x") != ""
    )


def _by_order(parts: Sequence[str]) -> tuple[str, str]:
    """Split a name by the kind and the order of its words."""
    for rule in (_in_vietnamese, _by_initials, _by_two, _by_patronymic, _by_particle):
        if found := rule(parts):
            return found
    return _by_parser(parts)


def _in_vietnamese(parts: Sequence[str]) -> tuple[str, str] | None:
    family_first = parts[0] in _VIETNAMESE or (len(parts) > 2 and parts[1] in {"Thị", "Văn"})
    return (parts[-1], parts[0]) if family_first else None


def _by_initials(parts: Sequence[str]) -> tuple[str, str] | None:
    """Split a surname before initials, "Laxman V.V.S."; in "Ana M.", the surname is missing."""
    if not all(map(_is_initial, parts[1:])) or _is_initial(parts[0]):
        return None
    if parts[0][0] >= "\u0370":  # in Russian, nobody goes by initials
        raise UnusableError(_NO_FIRST)
    if len(parts) > 2 or sum(map(str.isalpha, parts[1])) == 1:
        raise UnusableError(_INITIAL)
    return parts[1], parts[0]


def _by_two(parts: Sequence[str]) -> tuple[str, str] | None:
    if len(parts) != 2:
        return None
    if _is_particle(parts[0]) and not parts[1].islower():
        raise UnusableError(_NO_FIRST)
    return parts[0], parts[1]


def _by_patronymic(parts: Sequence[str]) -> tuple[str, str] | None:
    """Split "Иванов Иван Иванович"; in Latin letters "Abramovich" may be the surname."""
    if len(parts) != 3 or not _PATRONYMIC.fullmatch(parts[2]) or _PATRONYMIC.fullmatch(parts[1]):
        return None
    if parts[2].isascii() and not (parts[2].endswith("na") or _SLAVIC.fullmatch(parts[0])):
        raise UnusableError(_UNCLEAR)
    return parts[1], parts[0]


def _by_particle(parts: Sequence[str]) -> tuple[str, str] | None:
    """Split before "O Farrow", and after "María del Carmen"."""
    if parts[-2] == "O" and parts[-1][0].isupper():
        return " ".join(_without_initials(parts[:-2])), " ".join(parts[-2:])
    text = " ".join(parts)
    given = given_names.with_particle(text)
    return (given, text[len(given) :]) if given else None


def _by_parser(parts: Sequence[str]) -> tuple[str, str]:
    parsed = _parser().parse(" ".join(parts))
    given, middle, family = parsed.given.split(), parsed.middle.split(), parsed.family
    if given_names.is_mohammad(parsed.title):
        given, middle = [parsed.title], given + middle
    if not given or not family:
        raise UnusableError(_UNCLEAR)
    if all(map(_is_initial, family.split())):
        raise UnusableError(_INITIAL)
    if middle and (_is_initial(given[0]) or given_names.are_one(given[0], middle[0])):
        given.append(middle.pop(0))
    return " ".join(given), _family(given[0], middle, family)


def _family(given: str, middle: Sequence[str], family: str) -> str:
    """Return the surname with those of the middle names that belong to it."""
    middle = [word for word in middle if not _is_initial(word)]
    if middle and given_names.has_two_surnames(given):
        return " ".join([*middle, family])
    if middle and bare(family) in _words().generations:
        return f"{middle[-1]} {family}"
    return family


@functools.cache
def _parser() -> Parser:
    from nameparser import Lexicon, Parser

    lexicon = Lexicon.default()
    # Degrees are already removed; what still looks like one is a surname ("Ana de Sa").
    lexicon = lexicon.remove(
        suffix_acronyms=lexicon.suffix_acronyms,
        suffix_acronyms_ambiguous=lexicon.suffix_acronyms_ambiguous,
    )
    return Parser(lexicon=lexicon.add(particles=plain("particles")))
