"""Headers to fields."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pronto_pandas as pronto

from .conftest import people
from .seams.cleaning import fields
from .seams.frame import OWN, columns
from .seams.root import Objects


def frame(*headers: object) -> pd.DataFrame:
    """Return one row below these headers."""
    return pd.DataFrame([["x"] * len(headers)], columns=pd.Index(headers, dtype=object))


UNDERSTOOD = {
    "firstname": [
        "firstname", "first_name", "First Name", "FirstName", "FIRST-NAME", " first  name ",
        "First name *", "Given Name", "Forename", "fname", "Contact First Name",
        "Person - First name", "Lead First Name", "Prénom", "prenom", "PRÉNOM",
        "Prénom du contact", "Vorname", "Vornamen", "Nombre de pila", "Primer nombre",
        "Primeiro nome", "Nome próprio", "First Name (required)", "\ufeffFirst Name",
    ],
    "lastname": [
        "lastname", "Last Name", "last_name", "LastName", "Surname", "Family Name",
        "Contact.LastName", "Person - Last name", "Nom de famille", "Nachname", "Familienname",
        "Apellidos", "Apellido", "Primer apellido", "Sobrenome", "Último nome", "Apelido",
        "Cognome",
    ],
    "fullname": [
        "Full Name", "fullName", "Name", "name", "Nom", "Nome", "Nombre", "Contact Name",
        "Contact", "Contact person", "Person - Name", "Lead Name", "Nom complet", "Prénom Nom",
        "Nom et prénom", "Nom du contact", "Vor- und Nachname", "Vollständiger Name",
        "Ansprechpartner", "Nombre completo", "Nombre y apellidos", "Nome completo",
        "Nome e cognome", "Nominativo",
    ],
    "company_name": [
        "company_name", "Company", "Company Name", "Company (text)", "Organization",
        "Organisation", "Organization - Name", "Organization 1 - Name", "Account Name",
        "Account.Name", "Contact.Account.Name", "Employer", "Current Company",
        "Company / Account", "Associated Company", "Company Name for Emails", "Account",
        "Société", "Entreprise", "Nom de l'entreprise", "Nom de l’entreprise", "Raison sociale",
        "Employeur", "Firma", "Firmenname", "Unternehmen", "Arbeitgeber", "Empresa",
        "Nombre de la empresa", "Compañía", "Organización", "Razón social", "Nome da empresa",
        "Organização", "Razão social", "Azienda", "Nome azienda", "Società", "Ragione sociale",
    ],
    "domain": [
        "Domain", "Company Domain", "Company Domain Name", "Website", "Company Website",
        "Website URL", "Account.Website", "Domaine", "Nom de domaine", "Site web",
        "Site internet", "Firmenwebsite", "Dominio", "Sitio web", "Domínio", "Sito web",
        "Dominio aziendale",
    ],
    "linkedin_url": [
        "LinkedIn URL", "linkedinProfileUrl", "LinkedIn", "linkedin_url", "LinkedIn Profile",
        "Person Linkedin Url", "Linkedin URL Public", "defaultProfileUrl",
        "LinkedIn Contact Profile URL", "LinkedIn_URL__c", "LinkedIn__pc", "Linkedin Id Url",
        "Profil LinkedIn", "URL LinkedIn", "Lien LinkedIn", "LinkedIn-Profil",
        "Perfil de LinkedIn", "Perfil do LinkedIn", "Profilo LinkedIn",
    ],
    "email": [
        "Email", "E-mail", "email_address", "Email Address", "Work Email", "E-mail 1 - Value",
        "E-mail 3 Address", "Email 2", "Person - Email - Work", "Contact Email", "PersonEmail",
        "Secondary Email", "Courriel", "Adresse e-mail",
        "E-mail professionnel", "Adresse de messagerie", "Adresse de messagerie 2",
        "E-Mail-Adresse", "E-Mail 2: Adresse", "E-Mail (geschäftlich)", "Correo electrónico",
        "Correo", "Dirección de correo electrónico", "Endereço de e-mail",
        "E-mail profissional", "Indirizzo e-mail", "Indirizzo posta elettronica 2",
        "Email aziendale",
    ],
    "personal_email": [
        "Personal Email", "Private Email", "E-Mail privat", "E-mail perso", "Correo personal",
        "Person - Email - Home",
    ],
    "phone": [
        "Phone", "Phone Number", "Mobile Phone", "Mobile", "MobilePhone", "Cell", "Direct Dial",
        "Work Direct Phone", "Business Phone 2", "Home Phone", "Phone 1 - Value", "phone_1",
        "Person - Phone - Mobile", "Téléphone", "Téléphone portable", "Tél. mobile",
        "Téléphone (bureau)", "Ligne directe", "Telefon", "Handy", "Mobiltelefon",
        "Telefon geschäftlich", "Durchwahl", "Teléfono", "Teléfono móvil", "Móvil", "Celular",
        "Telefone", "Telemóvel", "Telefone celular", "Cellulare", "Telefono",
        "Telefono cellulare",
    ],
}  # fmt: skip

OTHERS = [
    # others than the person
    "Contact Owner", "Contact owner", "Owner", "Owner Name", "Owner.Name", "Owner First Name",
    "Owner.FirstName", "Owner.Email", "Account Owner", "Company owner", "Lead Owner",
    "Person - Owner", "Organization - Owner", "Propriétaire", "Propriétaire du contact",
    "Propietario", "Proprietario", "Inhaber", "Assistant's Name", "AssistantName",
    "Assistant Phone", "Manager", "Manager's Name", "Manager Email", "Reports To", "Spouse",
    "Referred By", "Name des/r Vorgesetzten", "Created By", "Last Modified By", "Rufname",
    "First Name 2", "Person 2 - Name", "Company 2", "LinkedIn 2",
    "Nickname", "Middle Name", "Maiden Name", "Given Name Yomi", "Phonetic First Name",
    # other names
    "User name", "Username", "File name", "Campaign name", "Deal name", "Event name", "List name",
    "Request title", "Title", "Product name", "School name", "File As",
    # the company's
    "Company LinkedIn URL", "Company Linkedin Url", "Company LinkedIn", "LinkedIn (company)",
    "LinkedIn URL (Company)", "LinkedIn Company Page", "Organization - LinkedIn",
    "Company_LinkedIn__c", "regularCompanyLinkedin", "LinkedIn de la empresa", "Account LinkedIn",
    "Page LinkedIn de l'entreprise", "LinkedIn Unternehmen", "Owner LinkedIn", "companyId",
    "Corporate Phone", "Company Phone", "Company Main Phone", "HQ Phone", "Account Phone",
    "Account.Phone", "Phone (company)", "Téléphone société", "Telefon Firma", "Telefon Zentrale",
    "Fax", "Business Fax", "Fax geschäftlich", "Télécopie (bureau)", "Assistant's Phone",
    "Company Email", "HQ Email", "Owner Email", "Company Size", "Company City", "# Employees",
    # about a value
    "Email Status", "Email Type", "E-mail 1 - Type", "E-mail Display Name", "Email Opt Out",
    "Email Domain", "Email Sent", "Phone Type", "Phone 1 - Label", "phone_1_type", "email_status",
    "phones", "LinkedIn Bio", "LinkedIn Connections", "Linkedin Headline",
    "Sales Navigator URL", "vmid", "", " ", "*", "()", "(text)", "__c", 7, None, float("nan"),
]  # fmt: skip


def places(found: columns.Columns) -> dict[str, object]:
    """Return where each field is, own values with the others."""
    return {**found.positions, **dict[str, object](found.own.items())}


@pytest.mark.parametrize(
    ("header", "field"),
    [(header, field) for field, known in UNDERSTOOD.items() for header in known],
)
def test_common_spellings_are_understood(header: str, field: str) -> None:
    """Any case, spaces, underscores, hyphens, accents, brackets, and whose it is before."""
    where: object = (1,) if field in OWN else 1
    assert places(columns.find(frame("other", header))) == {field: where}


@pytest.mark.parametrize("header", OTHERS)
def test_other_headers_are_left_alone(header: object) -> None:
    """What belongs to an owner, an assistant or the company is not the person's."""
    assert places(columns.find(frame(header))) == {}


@pytest.mark.parametrize(
    ("names", "understood"),
    [
        (["Prénom", "Nom"], ["firstname", "lastname"]),
        (["Name", "Vorname"], ["lastname", "firstname"]),
        (["Nome", "Cognome"], ["firstname", "lastname"]),
        (["Nombre", "Apellidos"], ["firstname", "lastname"]),
        (["Apelido", "Nome"], ["lastname", "firstname"]),
        (["Person - Prénom", "Person - Nom"], ["firstname", "lastname"]),
        (["Name", "Email address"], ["fullname", "email"]),
        (["First Name", "Last Name", "Name"], ["firstname", "lastname", "fullname"]),
    ],
)
def test_a_bare_name_is_the_name_that_is_missing(names: list[str], understood: list[str]) -> None:
    """The last beside a first one, the first beside a last one, else all of it."""
    found = columns.find(frame(*names))
    expected = {f: ((i,) if f in OWN else i) for i, f in enumerate(understood)}
    assert places(found) == expected


@pytest.mark.parametrize(
    ("part", "whole", "role"),
    [
        (["Ana", "Bo", "Cy"], ["Ana Sol", "Ko,Bo", "Lee"], "fullname"),
        (["Ana", "Bo", "Cy"], ["Ana Sol", "Ko", "Lee"], "lastname"),
        (["Thomas", "Al", ""], ["Thomas", "Alder", "Lee Ann"], "lastname"),
        ([None, None], [None, "Ko"], "lastname"),
    ],
)
def test_a_name_beside_a_first_name_may_be_whole(
    part: list[object], whole: list[object], role: str
) -> None:
    """Where most of its cells hold the first name as a word, and more."""
    found = columns.find(pd.DataFrame({"First Name": part, "Name": whole}))
    assert found.positions == {"firstname": 0, role: 1}


def test_a_name_beside_a_last_name_may_be_whole() -> None:
    """The same the other way round."""
    df = pd.DataFrame({"Nome": ["Ana Sol", "Bo Ko"], "Cognome": ["Sol", "Ko"]})
    assert columns.find(df).positions == {"lastname": 1, "fullname": 0}


PERSON = "https://www.linkedin.com/in/ana-example/"
PAGE = "https://www.linkedin.com/company/acme-example/"
LEAD = "https://www.linkedin.com/sales/lead/ACwAAEXAMPLE,NAME_SEARCH"


@pytest.mark.parametrize(
    ("header", "cells", "understood"),
    [
        ("URL", [PERSON, PERSON, "n/a", None], ["linkedin_url"]),
        ("Profile URL", [PERSON], ["linkedin_url"]),
        ("Website", [PERSON], ["linkedin_url"]),
        ("URL", [PERSON, "acme.example", "www.bay.example"], ["domain"]),
        ("URL", ["https://acme.example/about"], ["domain"]),
        ("companyUrl", ["acme.example"], ["domain"]),
        ("companyUrl", [PERSON], []),
        ("companyUrl", ["https://www.linkedin.com/sales/company/5-example"], []),
        ("profileUrl", [LEAD], []),
        ("Profile", ["acme.example"], []),
        ("URL", [PAGE], []),
        ("URL", ["see below"], []),
        ("URL", [None, ""], []),
        ("Web Page", [1, 2.5], []),
        ("Website", ["see below"], ["domain"]),
        ("Website", [PAGE], []),
        ("LinkedIn", ["see below"], ["linkedin_url"]),
        ("LinkedIn", [PAGE, "", PERSON], ["linkedin_url"]),
        ("LinkedIn", [PAGE, None, " "], []),
        ("LinkedIn", ["linkedin.com/sales/company/5-example"], []),
        ("LinkedIn", [None, None], ["linkedin_url"]),
    ],
)
def test_cells_tell_what_a_header_does_not(
    header: str, cells: list[object], understood: list[str]
) -> None:
    """A weak header needs cells that can be sent; a good one loses to the company's pages alone."""
    assert list(columns.find(pd.DataFrame({header: cells})).positions) == understood


NAMES = {"First Name": ["Ana", "Bo", "Çem", "Di"], "Last Name": ["Lark", "Moor", "Vâne", "Reed"]}
PROFILES: list[object] = [
    "https://www.linkedin.com/in/ana-lark-example", "linkedin.com/in/moor-b", None,
    "http://fr.linkedin.com/pub/dreed-example",
]  # fmt: skip
MANAGERS: list[object] = [
    f"https://www.linkedin.com/in/zoe-{n}-example" for n in ("a", "b", "c", "d")
]


@pytest.mark.parametrize("header", ["LinkedIn Bio", "Social", "Foo", 7])
@pytest.mark.parametrize("dtype", ["str", object])
def test_profiles_are_recognized_by_their_content(header: object, dtype: Any) -> None:
    """Whatever the header; ``df.pronto.columns`` says so."""
    df = pd.DataFrame(NAMES | {"Notes": "x", header: PROFILES}).astype({header: dtype})
    row = df.pronto.columns.loc["linkedin_url"]
    assert (row["header"], row["why"]) == (str(header), "by its content")
    del df["First Name"], df["Last Name"]
    assert columns.find(df).positions == {"linkedin_url": 1}


@pytest.mark.parametrize(
    "cells",
    [
        [PAGE] * 4,
        [LEAD] * 4,
        ["https://www.linkedin.com/posts/ana-lark-example_work-activity-1"] * 4,
        ["https://lnkd.in/ana-lark"] * 4,
        [*PROFILES[:2], None, None],
        [*PROFILES[:2], "none", "asked"],
        [f"Met Ana Lark, {PROFILES[0]}, in May"] * 4,
        ["in/ana-lark", "in/bo-moor", "in/cem-vane", "in/di-reed"],
        ["https://evillinkedin.com/in/ana-lark"] * 4,
        [PROFILES] * 4,
        [1, 2, 3, 4],
    ],
)
def test_other_contents_are_no_profiles(cells: list[object]) -> None:
    """Pages of companies, posts, notes, and too few cells to judge by."""
    found = columns.find(pd.DataFrame(NAMES | {"Foo": cells}))
    assert "linkedin_url" not in found
    assert "linkedin_url" not in found.reasons


@pytest.mark.parametrize(
    ("others", "why"),
    [
        (
            {"Foo": PROFILES, "Bar": PROFILES},
            "'Foo' and 'Bar' contain LinkedIn profiles; if they are of these people: "
            'columns={"linkedin_url": "Foo"}',
        ),
        (
            {"Manager": MANAGERS},
            "'Manager' contains LinkedIn profiles without the names in their rows; if they are of "
            'these people: columns={"linkedin_url": "Manager"}',
        ),
    ],
)
def test_profiles_that_may_be_of_others_are_not_sent(others: dict[str, object], why: str) -> None:
    """A manager's profile would find the manager's phone."""
    df = pd.DataFrame(NAMES | others)
    assert df.pronto.columns.loc["linkedin_url", ["header", "why"]].tolist() == [None, why]
    header = next(iter(others))
    assert columns.find(df, {"linkedin_url": header}).positions["linkedin_url"] == 2
    assert "linkedin_url" not in columns.find(df, {"linkedin_url": None})


def test_a_manager_s_profile_does_not_hide_the_person_s() -> None:
    """Nor does a column that its header names give way to another."""
    df = pd.DataFrame(NAMES | {"Manager": MANAGERS, "Foo": PROFILES})
    assert columns.find(df).positions["linkedin_url"] == 3
    df["LinkedIn"] = None
    assert columns.find(df).positions["linkedin_url"] == 4


@pytest.mark.parametrize(("first", "later"), [(PROFILES, [None] * 4), ([None] * 4, PROFILES)])
def test_a_later_chunk_has_the_fields_of_the_first(
    first: list[object], later: list[object]
) -> None:
    """Or a person of two chunks would have two keys, and be paid for twice."""
    one, other = (pd.DataFrame(NAMES | {"Foo": cells, "URL": cells}) for cells in (first, later))
    found = columns.find(one)
    assert columns.find(other, found.overrides(one)).positions == found.positions


SITES: list[object] = ["acme.example", "https://www.bay.example/about", None, "cove.example"]
EMAILS: list[object] = ["ana.lark@acme.example", "bmoor@bay.example", None, "di@cove.example"]
OWNERS = ["zoe@seller.example"] * 4


@pytest.mark.parametrize(
    ("cells", "suggests"),
    [
        ({"Foo": SITES}, 'Likely, by content: domain = \'Foo\'.*{"domain": "Foo"}'),
        ({'W"': SITES}, '{"domain": \'W"\'}'),
        ({3: SITES}, '{"domain": 3}'),
        ({"E": EMAILS}, 'email = \'E\'.*{"email": "E"}'),
        ({"Manager": MANAGERS}, '{"domain": "your column"}'),
        ({"Owner": OWNERS}, '{"domain": "your column"}'),
        ({"Foo": SITES, "Bar": SITES}, '{"domain": "your column"}'),
        ({"Job": ["Sales Manager", "Chief of Staff", "CEO", "CTO"]}, '{"domain": "your column"}'),
    ],
)
def test_a_missing_field_is_suggested_by_content(
    cells: dict[object, object], suggests: str
) -> None:
    """With the code to write; the owner's emails and two equal columns are not."""
    with pytest.raises(pronto.ColumnsError, match=suggests) as caught:
        pd.DataFrame(NAMES | cells).pronto.enrich("email")
    assert "acme.example" not in str(caught.value)


def test_a_suggestion_hides_no_other_missing_field() -> None:
    """What no content tells is still to be mapped."""
    df = pd.DataFrame({"First Name": ["Ana", "Bo", "Cem"], "Foo": SITES[:2] + SITES[3:]})
    with pytest.raises(pronto.ColumnsError) as caught:
        df.pronto.enrich("email")
    assert 'columns={"lastname": "your column", "domain": "Foo"}' in str(caught.value)
    assert "For a column of full names" in str(caught.value)


def test_full_names_are_suggested_where_an_email_has_them_too() -> None:
    """Two words alone may be a job title."""
    df = pd.DataFrame(
        {
            "Who": ["Ana Lark", "Moor, Bob", "Çem Vâne", None],
            "Job": "Sales Manager",
            "Email": ["ana.lark@acme.example", "bob.moor@a.example", "cem_vane@b.example", None],
        }
    )
    with pytest.raises(pronto.ColumnsError, match=r'columns={"fullname": "Who"}\. Nothing'):
        df.pronto.enrich("email")
    with pytest.raises(pronto.ColumnsError, match='"firstname": "your column"'):
        df.drop(columns="Email").pronto.enrich("phone")


def test_pages_of_companies_are_said() -> None:
    """Else a person would wonder why their column is not taken."""
    table = pd.DataFrame({"LinkedIn": [PAGE]}).pronto.columns
    assert table.loc["linkedin_url", "header"] is None
    assert table.loc["linkedin_url", "why"] == "'LinkedIn' contains company pages"


@pytest.mark.parametrize(
    ("df", "taken", "why"),
    [
        (
            {"profileUrl": [LEAD] * 2, "linkedInProfileUrl": [PERSON, None]},
            "linkedInProfileUrl",
            "column name",
        ),
        ({"LinkedIn": ["ana"], "URL": [PERSON]}, "URL", "column values; chosen over 'LinkedIn'"),
        (
            {"LinkedIn": ["ana"] * 2, "LinkedIn URL": [PERSON, None]},
            "LinkedIn URL",
            "column name; chosen over 'LinkedIn'",
        ),
        (
            {"LinkedIn": ["ana"], "LinkedIn URL": [None]},
            "LinkedIn",
            "column name; has at least as many values as 'LinkedIn URL'",
        ),
        (
            {"Link": [PERSON, PERSON], "LinkedIn": [PERSON, None]},
            "LinkedIn",
            "column name; chosen over 'Link'",
        ),
        ({"LinkedIn": [PAGE], "Profile": [PERSON]}, "Profile", "column values"),
    ],
)
def test_of_several_addresses_the_usable_one_is_taken(
    df: dict[str, list[object]], taken: str, why: str
) -> None:
    """And the others are named where they were in question."""
    table = pd.DataFrame(df).pronto.columns
    assert table.loc["linkedin_url", ["header", "why"]].tolist() == [taken, why]


@pytest.mark.parametrize(
    ("domains", "why"),
    [
        (["acme.example", None, None], "column name; has at least as many values as 'Domain'"),
        (["acme.example", "?", "?"], "column name; chosen over 'Domain'"),
    ],
)
def test_of_one_tier_the_better_filled_with_usable_values_is_taken(
    domains: list[object], why: str
) -> None:
    """A domain is one sooner than a website is, but not where it is missing or broken."""
    found = columns.find(
        pd.DataFrame({"Domain": domains, "Website": ["www.acme.example", "bay.example", None]})
    )
    assert found.positions == {"domain": 1}
    assert found.reasons["domain"] == why


@pytest.mark.parametrize(
    ("company", "taken"),
    [
        ([None, None, "Acme", ""], "Company"),
        ([None, None, " ", ""], "Company Name for Emails"),
        ([None, None, ["Acme"], ""], "Company Name for Emails"),
    ],
)
@pytest.mark.parametrize("times", [1, 7501])
def test_a_stand_in_is_taken_where_there_is_nothing_else(
    company: list[object], taken: str, times: int
) -> None:
    """One value is enough, wherever in a long list it is."""
    company = [None] * (3 * (times - 1)) + company
    df = pd.DataFrame({"Company Name for Emails": "Acme", "Company": company})
    assert columns.find(df).positions == {"company_name": list(df.columns).index(taken)}


def test_few_cells_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list is understood as quickly as a short one."""
    seen = []

    def watched(values: pd.Series, cleaner: fields.Cleaner) -> tuple[Objects, Objects]:
        seen.append(len(values))
        return cleaned(values, cleaner)

    cleaned = fields.cleaned
    monkeypatch.setattr(fields, "cleaned", watched)
    df = pd.DataFrame({"URL": [PERSON] * 30_000, "Company": "Acme", "Organisation": "Acme"})
    assert columns.find(df).positions == {"linkedin_url": 0, "company_name": 1}
    assert seen
    assert max(seen) <= 1_000


def test_own_values_are_all_kept_the_best_first() -> None:
    """Work before home, mobile before others, and numbered ones in their order."""
    df = frame("Email 3", "Personal Email", "Email", "Home Phone", "Tel", "Mobile", "Email 2")
    found = columns.find(df)
    assert found.own == {"email": (2, 6, 0), "personal_email": (1,), "phone": (5, 4, 3)}
    assert "email" in found


def test_phones_that_a_run_has_written_are_not_the_list_s() -> None:
    """Beside a status they are its results; the list's own column is none of them."""
    df = frame("Phone", "phone_1", "phone_12", "phone", "phones", "pronto_status", "email")
    assert columns.find(df).own == {"email": (6,), "phone": (0,)}
    assert columns.find(df.drop(columns="pronto_status")).own["phone"] == (0, 3, 1, 2)


def test_one_column_of_whole_names_is_both_names() -> None:
    """``require`` asks for no other."""
    df = frame("Name", "Company")
    columns.require(df, columns.find(df), [("firstname",), ("lastname",), ("company_name",)])
    with pytest.raises(
        pronto.ColumnsError, match=r"No column found for domain\. Recognized: company"
    ):
        columns.require(df, columns.find(df), [("lastname",), ("domain",)])


def test_of_two_candidates_the_better_filled_is_taken_and_said() -> None:
    """With the other one named."""
    df = pd.DataFrame({"First Name": ["", None, " "], "firstname": ["Ana", "Bo", None]})
    found = columns.find(df)
    assert found.positions == {"firstname": 1}
    assert found.reasons["firstname"] == "column name; has at least as many values as 'First Name'"


def test_equally_filled_candidates_go_by_the_better_spelling() -> None:
    """``company`` is a company's name sooner than ``account``."""
    assert columns.find(frame("Account", "Company")).positions == {"company_name": 1}


def test_equally_filled_candidates_of_one_tier_go_by_the_order_of_the_table() -> None:
    """A domain is one sooner than a website is."""
    df = frame("Website", "Company Domain", "Domain")
    assert columns.find(df).positions == {"domain": 2}


def test_columns_override() -> None:
    """What the caller says holds, None leaves a field out."""
    df = frame("firstname", "Rufname", "domain")
    found = columns.find(df, {"firstname": "Rufname", "domain": None})
    assert found.positions == {"firstname": 1}
    assert found.reasons["firstname"] == "set with columns="


def test_overrides_of_whole_names_and_own_values() -> None:
    """One header, or None; a column that is said to be one field is no other."""
    df = frame("Email", "Private", "Website", "Phone", "Phone 2")
    found = columns.find(df, {"fullname": "Website", "email": "Private", "phone": None})
    assert places(found) == {"fullname": 2, "email": (1,)}
    assert found.reasons["email"] == "set with columns="


@pytest.mark.parametrize(
    ("overrides", "understood"),
    [({"firstname": "Rufname"}, "lastname"), ({"lastname": "Zweitname"}, "firstname")],
)
def test_an_override_tells_what_a_bare_name_is(overrides: dict[str, str], understood: str) -> None:
    """As a header that is understood does."""
    found = columns.find(frame("Name", "Rufname", "Zweitname"), overrides)
    assert found.positions[understood] == 0


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (
            {"name": "firstname"},
            "Unknown field 'name' in columns=. Use one of firstname, .*, email, personal_",
        ),
        ({"firstname": "Vorname"}, "no column named 'Vorname'. Columns: firstname, twice, twice"),
        ({"firstname": "twice"}, "2 columns named 'twice'"),
        (
            {"firstname": "firstname", "lastname": "firstname"},
            "maps firstname and lastname to the same",
        ),
        ({"email": "firstname", "phone": "firstname"}, "maps email and phone to the same"),
    ],
)
def test_a_wrong_override_is_said(overrides: dict[str, object], says: str) -> None:
    """With what there is instead."""
    with pytest.raises(pronto.ConfigurationError, match=says):
        columns.find(frame("firstname", "twice", "twice"), overrides)


def test_missing_columns_are_one_error() -> None:
    """What is missing, what was found, and how to say it."""
    df = frame("Rufname", "Company")
    with pytest.raises(pronto.ColumnsError) as caught:
        pronto.enrich(df, "email")
    message = str(caught.value)
    for part in (
        "No column found for firstname; lastname.",
        "Recognized: company_name = 'Company'",
        "All columns: Rufname, Company",
        'columns={"firstname": "your column", "lastname": "your column"}',
        'For a column of full names: columns={"fullname": "your column"}',
        "Nothing was sent",
    ):
        assert part in message


def test_one_of_a_group_is_enough_and_all_are_named_where_none_is_there() -> None:
    """A domain, a company's name or a LinkedIn address."""
    with pytest.raises(pronto.ColumnsError, match="one of domain, company_name, linkedin_url"):
        pronto.enrich(frame("firstname", "lastname"), "email")


def test_headers_of_several_levels_are_said_to_be_too_many() -> None:
    """With the line that flattens them."""
    df = pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")]))
    with pytest.raises(pronto.ColumnsError, match="Flatten"):
        columns.find(df)


def test_the_table_of_columns() -> None:
    """``df.pronto.columns``: field, header, example, share, why."""
    df = pd.DataFrame({"First Name": [None, "Ana"], "Company": ["", None], "x": [1, 2]})
    table = df.pronto.columns
    assert list(table.index) == list(columns.FIELDS)
    assert table.loc["firstname"].tolist() == ["First Name", "Ana", 50.0, "column name"]
    assert table.loc["company_name", "filled %"] == 0
    assert table.loc["lastname", "why"] == "not found"
    assert len(pd.DataFrame({"firstname": []}).pronto.columns) == 5


def test_the_table_has_more_rows_where_the_list_has_more() -> None:
    """Several columns of one kind are one row."""
    df = pd.DataFrame(
        {"Name": ["Ana Sol", "Bo"], "Email": [None, "b@x.example"], "Email 2": ["a@x.example", ""]}
    )
    table = df.pronto.columns
    assert list(table.index) == [*columns.FIELDS, "fullname", "email"]
    assert table.loc["fullname"].tolist() == ["Name", "Ana Sol", 100.0, "column name"]
    assert table.loc["email"].tolist() == ["Email, Email 2", "b@x.example", 100.0, "column names"]


KNOWN = st.sampled_from([header for known in UNDERSTOOD.values() for header in known] + OTHERS)
WEAK = st.sampled_from(["URL", "Link", "Website", "profileUrl", "companyUrl", "Name", "Nom"])
HEADERS = KNOWN | WEAK | st.text(max_size=12) | st.integers() | st.none()
ADDRESSES = st.sampled_from([PERSON, PAGE, LEAD, "acme.example", "//[", "linkedin.com", ""])
CELLS = ADDRESSES | st.text(max_size=8) | st.none() | st.floats() | st.lists(st.integers())


@given(st.data())
def test_no_header_and_no_cell_raises(data: st.DataObject) -> None:
    """Whatever they are; and no column is two fields of one kind."""
    headers = data.draw(st.lists(HEADERS, max_size=6))
    rows = data.draw(st.lists(st.tuples(*[CELLS] * len(headers)), max_size=4))
    df = pd.DataFrame(rows, columns=pd.Index(headers, dtype=object), dtype=object)
    found = columns.find(df)
    found.table(df)
    with suppress(pronto.ColumnsError):
        columns.require(df, found, [(name,) for name in columns.FIELDS])
    names = [found.positions[n] for n in ("firstname", "lastname", "fullname") if n in found]
    assert len(set(names)) == len(names)


WHOSE = st.sampled_from(["Company", "Account", "Organization", "Owner", "Contact Owner", "Manager"])
WHAT = st.sampled_from(["LinkedIn", "LinkedIn URL", "Linkedin Url", "LinkedIn Profile", "linkedin"])
FORMS = st.sampled_from(["{0} {1}", "{1} ({0})", "{0}_{1}__c", "{0} - {1}", "{0}.{1}", "{1} {0}"])
OF_OTHERS = st.builds(lambda form, who, what: form.format(who, what), FORMS, WHOSE, WHAT)
OF_THE_PERSON = st.sampled_from(["LinkedIn URL", "URL", "Person Linkedin Url", "Website"])


@given(
    st.lists(st.tuples(OF_OTHERS, st.just(False)) | st.tuples(OF_THE_PERSON, st.just(True))),
    st.sampled_from([PERSON, PAGE, LEAD, "", None]),
    st.sampled_from([PERSON, PAGE, LEAD, "", None]),
)
def test_the_address_of_another_is_never_the_person_s(
    headers: list[tuple[str, bool]], theirs: str | None, the_person_s: str | None
) -> None:
    """An owner's, a manager's or the company's is not taken, whatever the person's column holds."""
    cells = [the_person_s if own else theirs for _, own in headers]
    df = pd.DataFrame([cells], columns=pd.Index([h for h, _ in headers], dtype=object))
    found = columns.find(df)
    assert not [place for place in found.positions.values() if not headers[place][1]]
    if the_person_s == PAGE:
        assert "linkedin_url" not in found


def test_the_table_says_where_the_names_are() -> None:
    """In the column of whole names, where they have none of their own."""
    df = pd.DataFrame({"Full name": ["Ana Lark"], "Company": ["Acme"]})
    assert df.pronto.columns["why"].to_dict() == {
        "firstname": "split from fullname",
        "lastname": "split from fullname",
        "company_name": "column name",
        "domain": "not found",
        "linkedin_url": "not found",
        "fullname": "column name",
    }


def test_a_header_of_half_a_character_is_shown() -> None:
    """As it is, though no string dtype can hold it."""
    headers = pd.Index(["First name", "Company \ud83d"], dtype=object)
    df = pd.DataFrame([["Ana", "x\ud83d"]], columns=headers, dtype=object)
    table = df.pronto.columns
    assert table.loc["firstname", "header"] == "First name"
    assert table.loc["company_name", ["header", "example"]].tolist() == [headers[1], "x\ud83d"]


def test_a_nan_that_signals_is_no_value() -> None:
    """It refuses to be compared, by pandas too."""
    df = people(2).assign(linkedin_url=pd.Series([Decimal("sNaN"), None], dtype=object))
    checked = df.pronto.check(type="email")
    assert checked["check"].tolist() == ["ready", "ready"]
    assert df.pronto.columns.loc["linkedin_url", "filled %"] == 0


def test_a_domain_that_is_taken_elsewhere_has_no_note_of_the_first() -> None:
    """What was wrong with it is settled then."""
    df = pd.DataFrame(
        {
            "First Name": ["Ann"],
            "Last Name": ["Berg"],
            "Website": ["gmail.com"],
            "Work Email": ["ann@firm.example"],
        }
    )
    checked = df.pronto.check(type="phone", overwrite=True)
    assert checked["note"].tolist() == ["Domain taken from the email in Work Email."]
