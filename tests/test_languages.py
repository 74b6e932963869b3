"""Words of languages: every entry has an effect, and no language lacks a part."""

from __future__ import annotations

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


def reason(cleaner: Callable[[str], object], text: str) -> str:
    """Return why a text cannot be used, or ""."""
    try:
        cleaner(trimmed(text))
    except UnusableError as error:
        return str(error)
    return ""


def removed(text: str) -> bool:
    """Return whether a full name is cleaned to what it is without the entry."""
    return names.name(trimmed(text)) == "Zoë Zorn"


def means(part: str, entry: str) -> bool:
    """Return whether a header is understood, also with its subject before."""
    found = headers.meanings(entry)
    if part in headers.BY_CELLS.values():
        return any(m.field == FIELD_OF[part] and m.by_content for m in found)
    tier = headers.TIERS[FIELD_OF[part]].index(part)
    return any((m.field, m.tier, m.by_content) == (FIELD_OF[part], tier, False) for m in found)


def goes_first(entry: str) -> bool:
    """Return whether a given name is one with another behind it."""
    return any(bare(entry) in firsts for firsts, _ in given_names._given_names().pairs)


def goes_second(entry: str) -> bool:
    """Return whether a given name is one with another before it."""
    firsts = {first for pair, _ in given_names._given_names().pairs for first in pair}
    return any(given_names.are_one(first, entry) for first in firsts)


NOT_A_PERSON = "is not a person's name"
HAS_EFFECT: dict[str, Callable[[str], bool]] = {
    "headers.subjects": lambda e: bool(headers.meanings(f"{e} - Email")),
    "headers.decorations": lambda e: bool(headers.meanings(f"Email ({e})")),
    "names.titles": lambda e: removed(f"{e} Zoë Zorn") and names.first(f"{e}. Zoë") == "Zoë",
    "names.dotted_titles": lambda e: removed(f"{e}. Zoë Zorn") and not removed(f"{e} Zoë Zorn"),
    "names.title_patterns": lambda e: removed(f"{e} Zoë Zorn"),
    "names.title_suffixes": lambda e: removed(f"Dr. {e}. Zoë Zorn"),
    "names.behind_patterns": lambda e: removed(f"Zoë Zorn, {e}"),
    "names.leading": lambda e: removed(f"{e} Zoë Zorn"),
    "names.roles": lambda e: removed(f"{e} Zoë Zorn") and removed(f"Zoë Zorn {e}"),
    "names.degrees": lambda e: names.name(f"ZOË ZORN {e}") == "ZOË ZORN",
    "names.letters": lambda e: removed(f"Zoë Zorn {e}"),
    "names.letters_or_surnames": lambda e: removed(f"Zoë Zorn, {e}"),
    "names.degree_patterns": lambda e: removed(f"Zoë Zorn {e}") or removed(f"Zoë Zorn, {e}"),
    "names.maiden_patterns": lambda e: removed(f"Zoë Zorn {e} Müller"),
    "names.pronouns": lambda e: removed(f"Zoë Zorn {e}/her"),
    "names.pronoun_forms": lambda e: removed(f"Zoë Zorn she/{e}"),
    "names.job_words": lambda e: removed(f"Zoë Zorn, {e.lower()} für Acme"),
    "names.at_words": lambda e: removed(f"Zoë Zorn, ganz {e} Acme"),
    "names.team_first_words": lambda e: reason(names.split, f"{e} Berlin") == NOT_A_PERSON,
    "names.not_a_person": lambda e: reason(names.split, f"Acme {e}") == NOT_A_PERSON,
    "names.not_a_first_name": lambda e: (
        reason(names.first, f"Acme {e.lower()}") == "is a role, not a name"
    ),
    "names.no_name": lambda e: (
        reason(names.first, e) == reason(names.last, e.upper()) == "contains no name"
    ),
    "names.joining": lambda e: reason(names.split, f"Zoë {e} Eva Zorn") == NOT_A_PERSON,
    "names.generations": lambda e: (
        names.split(f"Zorn {e.title()}, Rita") == ("Rita", f"Zorn {e.title()}")
    ),
    "names.given_first": goes_first,
    "names.given_second": goes_second,
    "names.two_surnames": lambda e: names.split(f"{e} Zorn Olmo") == (e, "Zorn Olmo"),
    "names.given_cities": lambda e: reason(names.split, f"Eva Zorn, {e}") != "",
    "names.given_patterns": lambda e: names.split(f"{e} Zorn") == (e, "Zorn"),
    "names.particles": lambda e: (
        names.split(f"Zoë Eva {e.title()} Zorn") == ("Zoë", f"{e.title()} Zorn")
    ),
    "companies.no_company": lambda e: reason(company, e) == "is not a company name",
    "companies.legal_forms": lambda e: (
        company_key(f"Acme {e}") == "acme" and reason(names.last, f"Acme {e}") == NOT_A_PERSON
    ),
    "companies.legal_forms_as_written": lambda e: (
        company_key(f"Acme {e}") == "acme" and reason(names.last, f"Acme {e}") == NOT_A_PERSON
    ),
    "companies.legal_forms_or_surnames": lambda e: (
        company_key(f"Acme {e}") == "acme"
        and (" " in e or reason(names.split, f"Zoë Zorn {e}") == NOT_A_PERSON)
    ),
    "companies.joining": lambda e: company_key(f"Acme {e} Co. KG") == "acme",
    "phones.labels": lambda e: phone(f"{e}.: +49 30 23125000") == "+493023125000",
}
"""By section and part: whether an entry does what the part is for."""

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
    del language
    if part in FIELD_OF and section == "headers":
        assert means(part, entry)
    else:
        assert HAS_EFFECT[f"{section}.{part}"](entry)


LANGUAGES = [name for name in languages.read("common")["files"] if name not in {"tools", "other"}]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_part(language: str) -> None:
    """Somebody who adds a language learns what is missing."""
    words = languages.by_name()[language]
    for section, parts in IN_ALL.items():
        assert not parts - {part for part, content in words[section].items() if content}, section
    assert DEGREES & words["names"].keys()
    assert LEGAL_FORMS & words["companies"].keys()


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
