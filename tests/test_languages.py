"""Words of languages: every entry has an effect, and no language lacks a part."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from .seams.cleaning import (
    UnusableError,
    bare,
    company,
    company_key,
    given_names,
    languages,
    names,
    phone,
    trimmed,
)
from .seams.frame import headers

IN_ALL = {
    "headers": {
        "firstname", "lastname", "fullname", "name", "contact", "company", "domain",
        "domain_by_cells", "linkedin", "linkedin_by_cells", "email", "personal_email",
        "mobile_phone", "direct_phone", "phone", "other_phone", "decorations",
    },
    "names": {"titles", "job_words", "team_first_words", "not_a_person", "no_name"},
    "companies": {"no_company"},
    "phones": {"labels"},
}  # fmt: skip
"""What every language has."""

DEGREES = {"degrees", "letters", "letters_or_surnames", "degree_patterns"}
LEGAL_FORMS = {"legal_forms", "legal_forms_as_written", "legal_forms_or_surnames"}

FIELD_OF = {part: field for field, parts in headers.TIERS.items() for part in parts} | {
    part: field for field, part in headers.BY_CELLS.items()
}


Seen = tuple[str, object, object]
"""What was looked at, what came out, and what should have come out."""


def name_of(text: str) -> Seen:
    """Look at a full name, which is cleaned to what it is without the entry."""
    return f"the name in {text!r}", names.name(trimmed(text)), "Zoë Zorn"


def is_kept(text: str) -> Seen:
    """Look at a full name in which the entry stays."""
    kept = names.name(trimmed(text)) != "Zoë Zorn"
    return f"whether the entry stays in {text!r}", kept, True


def first_of(text: str) -> Seen:
    """Look at a cell for the first name."""
    return f"the first name in {text!r}", outcome(names.first, text), "Zoë"


def halves(text: str, first: str, last: str) -> Seen:
    """Look at the first and the last name in a full name."""
    return f"the first and last name in {text!r}", outcome(names.split, text), (first, last)


def key_of(text: str) -> Seen:
    """Look at a company with its legal form."""
    return f"what identifies the company {text!r}", company_key(text), "acme"


def refused(cleaner: Callable[[str], object], text: str, why: str) -> Seen:
    """Look at a text that a cleaner refuses."""
    return f"{cleaner.__name__}() of {text!r}", outcome(cleaner, text), why


def outcome(cleaner: Callable[[str], object], text: str) -> object:
    """Return what a cleaner makes of a text, or why the text cannot be used."""
    try:
        return cleaner(trimmed(text))
    except UnusableError as error:
        return str(error)


def meaning(part: str, entry: str) -> Seen:
    """Look at a header."""
    found = headers.meanings(entry)
    wanted: tuple[object, ...]
    if part in headers.BY_CELLS.values():
        wanted = (FIELD_OF[part], True)
        understood = any((m.field, m.by_content) == wanted for m in found)
    else:
        tier = headers.TIERS[FIELD_OF[part]].index(part)
        wanted = (FIELD_OF[part], tier, False)
        understood = any((m.field, m.tier, m.by_content) == wanted for m in found)
    return f"the header {entry!r}", wanted if understood else found, wanted


def understood(header: str) -> Seen:
    """Look at a header with something around it that does not count."""
    return f"whether the header {header!r} is understood", bool(headers.meanings(header)), True


def goes_first(entry: str) -> Seen:
    """Look at a given name with another behind it."""
    pairs = given_names._given_names().pairs
    return f"whether {entry!r} goes first", any(bare(entry) in firsts for firsts, _ in pairs), True


def goes_second(entry: str) -> Seen:
    """Look at a given name with another before it."""
    firsts = {first for pair, _ in given_names._given_names().pairs for first in pair}
    second = any(given_names.are_one(first, entry) for first in firsts)
    return f"whether {entry!r} goes second", second, True


def degree(entry: str) -> Seen:
    """Look at a degree behind a name, with a comma or without."""
    plain = name_of(f"Zoë Zorn {entry}")
    return plain if plain[1] == plain[2] else name_of(f"Zoë Zorn, {entry}")


def city(entry: str) -> Seen:
    """Look at a given name that may be a city behind a name."""
    text = f"Eva Zorn, {entry}"
    return f"whether {text!r} is refused", isinstance(outcome(names.split, text), str), True


def form_or_surname(entry: str) -> list[Seen]:
    """Look at a legal form that may be a last name."""
    key = key_of(f"Acme {entry}")
    person = refused(names.split, f"Zoë Zorn {entry}", NOT_A_PERSON)
    return [key] if " " in entry else [key, person]


NOT_A_PERSON = "is not a person's name"
A_ROLE = "is a role, not a name"
NO_NAME = "contains no name"
HAS_EFFECT: dict[str, Callable[[str], list[Seen]]] = {
    "headers.subjects": lambda e: [understood(f"{e} - Email")],
    "headers.decorations": lambda e: [understood(f"Email ({e})")],
    "names.titles": lambda e: [name_of(f"{e} Zoë Zorn"), first_of(f"{e}. Zoë")],
    "names.dotted_titles": lambda e: [name_of(f"{e}. Zoë Zorn"), is_kept(f"{e} Zoë Zorn")],
    "names.title_patterns": lambda e: [name_of(f"{e} Zoë Zorn")],
    "names.title_suffixes": lambda e: [name_of(f"Dr. {e}. Zoë Zorn")],
    "names.behind_patterns": lambda e: [name_of(f"Zoë Zorn, {e}")],
    "names.leading": lambda e: [name_of(f"{e} Zoë Zorn")],
    "names.roles": lambda e: [name_of(f"{e} Zoë Zorn"), name_of(f"Zoë Zorn {e}")],
    "names.degrees": lambda e: [
        (f"the name in 'ZOË ZORN {e}'", names.name(f"ZOË ZORN {e}"), "ZOË ZORN")
    ],
    "names.letters": lambda e: [name_of(f"Zoë Zorn {e}")],
    "names.letters_or_surnames": lambda e: [name_of(f"Zoë Zorn, {e}")],
    "names.degree_patterns": lambda e: [degree(e)],
    "names.maiden_patterns": lambda e: [name_of(f"Zoë Zorn {e} Müller")],
    "names.pronouns": lambda e: [name_of(f"Zoë Zorn {e}/her")],
    "names.pronoun_forms": lambda e: [name_of(f"Zoë Zorn she/{e}")],
    "names.job_words": lambda e: [name_of(f"Zoë Zorn, {e.lower()} für Acme")],
    "names.at_words": lambda e: [name_of(f"Zoë Zorn, ganz {e} Acme")],
    "names.team_first_words": lambda e: [refused(names.split, f"{e} Berlin", NOT_A_PERSON)],
    "names.not_a_person": lambda e: [refused(names.split, f"Acme {e}", NOT_A_PERSON)],
    "names.not_a_first_name": lambda e: [refused(names.first, f"Acme {e.lower()}", A_ROLE)],
    "names.no_name": lambda e: [
        refused(names.first, e, NO_NAME), refused(names.last, e.upper(), NO_NAME)
    ],
    "names.joining": lambda e: [refused(names.split, f"Zoë {e} Eva Zorn", NOT_A_PERSON)],
    "names.generations": lambda e: [halves(f"Zorn {e.title()}, Rita", "Rita", f"Zorn {e.title()}")],
    "names.given_first": lambda e: [goes_first(e)],
    "names.given_second": lambda e: [goes_second(e)],
    "names.two_surnames": lambda e: [halves(f"{e} Zorn Olmo", e, "Zorn Olmo")],
    "names.given_cities": lambda e: [city(e)],
    "names.given_patterns": lambda e: [halves(f"{e} Zorn", e, "Zorn")],
    "names.particles": lambda e: [
        halves(f"Zoë Eva {e.title()} Zorn", "Zoë", f"{e.title()} Zorn")
    ],
    "companies.no_company": lambda e: [refused(company, e, "is not a company name")],
    "companies.legal_forms": lambda e: [
        key_of(f"Acme {e}"), refused(names.last, f"Acme {e}", NOT_A_PERSON)
    ],
    "companies.legal_forms_as_written": lambda e: [
        key_of(f"Acme {e}"), refused(names.last, f"Acme {e}", NOT_A_PERSON)
    ],
    "companies.legal_forms_or_surnames": form_or_surname,
    "companies.joining": lambda e: [key_of(f"Acme {e} Co. KG")],
    "phones.labels": lambda e: [
        (f"the phone in '{e}.: +49 30 23125000'", outcome(phone, f"{e}.: +49 30 23125000"),
         "+493023125000")
    ],
}  # fmt: skip
"""By section and part: what shows whether an entry does what the part is for."""

ENTRIES = [
    (language, section, part, entry)
    for language, sections in languages.by_name().items()
    for section, parts in sections.items()
    for part, content in parts.items()
    for entry in content
]


@pytest.mark.parametrize(("language", "section", "part", "entry"), ENTRIES)
def test_every_entry_has_an_effect(language: str, section: str, part: str, entry: str) -> None:
    """An entry that another rule or a fast path ignores would be dead."""
    is_header = section == "headers" and part in FIELD_OF
    seen = [meaning(part, entry)] if is_header else HAS_EFFECT[f"{section}.{part}"](entry)
    for what, came, wanted in seen:
        assert came == wanted, (
            f"{entry!r} in {section}.{part} of {language}: {what} should be {wanted!r}, "
            f"but is {came!r}. cleaning/data/README.md explains the parts."
        )


LANGUAGES = [name for name in languages.read("common")["files"] if name not in {"tools", "other"}]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_part(language: str) -> None:
    """Somebody who adds a language learns what is missing."""
    words = languages.by_name()[language]
    for section, parts in IN_ALL.items():
        assert not parts - {part for part, content in words[section].items() if content}, section
    assert DEGREES & words["names"].keys()
    assert LEGAL_FORMS & words["companies"].keys()


def test_the_parts_that_every_language_has_are_bold() -> None:
    """In the table that explains the parts."""
    text = (languages._FOLDER / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\*\*`(\w+)`\*\*", text)) == sorted(set().union(*IN_ALL.values()))


def test_every_file_is_listed() -> None:
    """A file that common.toml does not name would not be read."""
    files = {file.name for file in languages._FOLDER.iterdir() if file.name.endswith(".toml")}
    listed = languages.read("common")["files"]
    assert files == {f"{name}.toml" for name in (*listed, "common", "hosts")}


def test_an_import_reads_no_language() -> None:
    """The files are read when the first list is."""
    code = (
        "import pronto_pandas, sys; from tests.seams.cleaning import languages; "
        "sys.exit(languages.by_name.cache_info().currsize)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("de heer Jan de Zilver", "Jan", "de Zilver"), ("De heer J. Zorn", "J.", "Zorn"),
        ("Mevrouw drs. Eva van der Zilver", "Eva", "van der Zilver"),
        ("dhr. ir. Jan Zorn", "Jan", "Zorn"), ("Eva Zorn, RA", "Eva", "Zorn"),
        ("Eva Zorn, directeur bij Acme", "Eva", "Zorn"), ("Eva Zorn (zij/haar)", "Eva", "Zorn"),
        ("Pan Jan Zornowski", "Jan", "Zornowski"), ("Pani Ewa Zornowska", "Ewa", "Zornowska"),
        ("mgr inż. Ewa Zornowska", "Ewa", "Zornowska"),
        ("dr hab. n. med. Jan Zornowski", "Jan", "Zornowski"),
        ("Ewa Zornowska z domu Zilver", "Ewa", "Zornowska"),
        ("Jan Zornowski mgr inż", "Jan", "Zornowski"),
        ("Fröken Eva Zornlund", "Eva", "Zornlund"), ("Civ.ing. Eva Zornlund", "Eva", "Zornlund"),
        ("Lars Erik Zornlund", "Lars Erik", "Zornlund"), ("Zornlund, Eva", "Eva", "Zornlund"),
        # Names that look like their words
        ("Pan Wei", "Pan", "Wei"), ("Jan de Heer", "Jan", "de Heer"), ("Eva Och", "Eva", "Och"),
        ("Frank Heer", "Frank", "Heer"), ("Anna En", "Anna", "En"),
    ],
)  # fmt: skip
def test_names_in_dutch_polish_and_swedish(written: str, first: str, last: str) -> None:
    """These languages are data only."""
    assert names.split(trimmed(written)) == (first, last)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Zilver B.V.", "zilver"), ("Zilver en Co. BV", "zilver"), ("Zilver N.V.", "zilver"),
        ("Zorn Sp. z o.o.", "zorn"), ("Zorn sp. z o. o.", "zorn"), ("Zorn S.A.", "zorn"),
        ("Zorn sp. z o.o. sp. k.", "zorn"), ("Lund AB", "lund"), ("Lund Aktiebolag", "lund"),
    ],
)  # fmt: skip
def test_companies_in_dutch_polish_and_swedish(written: str, key: str) -> None:
    """Their legal forms do not tell two companies apart."""
    assert company_key(written) == key
