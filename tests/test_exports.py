"""Lists as tools write them: each is understood without ``columns=``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from .seams.frame import columns

EXPORTS = Path(__file__).parent / "exports"

UNDERSTOOD: dict[str, dict[str, str | tuple[str, ...]]] = {
    "apollo": {
        "firstname": "First Name",
        "lastname": "Last Name",
        "company_name": "Company",
        "domain": "Website",
        "linkedin_url": "Person Linkedin Url",
        "email": ("Email", "Secondary Email", "Tertiary Email"),
        "phone": ("Mobile Phone", "Work Direct Phone", "Home Phone", "Other Phone"),
    },
    "evaboot": {
        "firstname": "First Name",
        "lastname": "Last Name",
        "fullname": "Full Name",
        "company_name": "Company Name",
        "domain": "Company Domain",
        "linkedin_url": "Linkedin URL Public",
        "email": ("Email",),
    },
    "google_contacts": {
        "firstname": "First Name",
        "lastname": "Last Name",
        "company_name": "Organization Name",
        "linkedin_url": "Website 1 - Value",
        "email": ("E-mail 1 - Value", "E-mail 2 - Value"),
        "phone": ("Phone 1 - Value", "Phone 2 - Value"),
    },
    "google_contacts_old": {
        "firstname": "Given Name",
        "lastname": "Family Name",
        "fullname": "Name",
        "company_name": "Organization 1 - Name",
        "domain": "Website 1 - Value",
        "email": ("E-mail 1 - Value", "E-mail 2 - Value"),
        "phone": ("Phone 1 - Value", "Phone 2 - Value"),
    },
    "hubspot": {
        "firstname": "First Name",
        "lastname": "Last Name",
        "company_name": "Company Name",
        "domain": "Website URL",
        "linkedin_url": "LinkedIn URL",
        "email": ("Email", "Work email"),
        "phone": ("Mobile Phone Number", "Phone Number"),
    },
    "linkedin_connections": {
        "firstname": "First Name",
        "lastname": "Last Name",
        "company_name": "Company",
        "linkedin_url": "URL",
        "email": ("Email Address",),
    },
    "list_dutch": {
        "firstname": "Voornaam",
        "lastname": "Achternaam",
        "company_name": "Bedrijfsnaam",
        "domain": "Bedrijfswebsite",
        "linkedin_url": "LinkedIn-profiel",
        "email": ("E-mailadres zakelijk",),
        "personal_email": ("E-mail privé",),
        "phone": ("Mobiel nummer", "Telefoonnummer"),
    },
    "list_english": {
        "fullname": "Contact",
        "company_name": "Company Name (text)",
        "domain": "Website",
        "linkedin_url": "LinkedIn",
        "email": ("Email *",),
        "phone": ("Mobile number", "Phone 2"),
    },
    "list_french": {
        "firstname": "Prénom",
        "lastname": "Nom",
        "company_name": "Société",
        "domain": "Site web",
        "linkedin_url": "Profil LinkedIn",
        "email": ("Courriel",),
        "phone": ("Téléphone portable",),
    },
    "list_german": {
        "firstname": "Vorname",
        "lastname": "Name",
        "company_name": "Firma",
        "domain": "Internetseite",
        "linkedin_url": "LinkedIn-Profil",
        "email": ("E-Mail",),
        "phone": ("Handy",),
    },
    "list_italian": {
        "firstname": "Nome",
        "lastname": "Cognome",
        "company_name": "Azienda",
        "domain": "Sito web",
        "linkedin_url": "Profilo LinkedIn",
        "email": ("Indirizzo e-mail",),
        "phone": ("Cellulare",),
    },
    "list_polish": {
        "fullname": "Imię i nazwisko",
        "company_name": "Nazwa firmy",
        "domain": "Strona internetowa",
        "linkedin_url": "Link do profilu LinkedIn",
        "email": ("Służbowy adres e-mail",),
        "phone": ("Telefon komórkowy", "Nr telefonu"),
    },
    "list_portuguese": {
        "firstname": "Nome",
        "lastname": "Sobrenome",
        "company_name": "Empresa",
        "domain": "Site",
        "linkedin_url": "Perfil do LinkedIn",
        "email": ("E-mail",),
        "phone": ("Telemóvel",),
    },
    "list_spanish": {
        "firstname": "Nombre",
        "lastname": "Apellidos",
        "company_name": "Empresa",
        "domain": "Sitio web",
        "linkedin_url": "Perfil de LinkedIn",
        "email": ("Correo electrónico",),
        "phone": ("Teléfono móvil",),
    },
    "list_swedish": {
        "firstname": "Förnamn",
        "lastname": "Efternamn",
        "company_name": "Företagsnamn",
        "domain": "Hemsida",
        "linkedin_url": "LinkedIn-länk",
        "email": ("E-postadress",),
        "personal_email": ("Privat e-post",),
        "phone": ("Mobilnummer", "Arbetstelefon"),
    },
    "lusha": {
        "firstname": "First Name",
        "lastname": "Last Name",
        "fullname": "Full Name",
        "company_name": "Company Name",
        "domain": "Company Domain",
        "linkedin_url": "LinkedIn URL",
        "email": ("Work Email",),
        "personal_email": ("Private Email",),
        "phone": ("Mobile Phone", "Direct Phone"),
    },
    "outlook": {
        "firstname": "First Name",
        "lastname": "Last Name",
        "company_name": "Company",
        "domain": "Web Page",
        "email": ("E-mail Address", "E-mail 2 Address", "E-mail 3 Address"),
        "phone": (
            "Mobile Phone",
            "Business Phone",
            "Business Phone 2",
            "Primary Phone",
            "Home Phone",
            "Home Phone 2",
            "Other Phone",
        ),
    },
    "outlook_german": {
        "firstname": "Vorname",
        "lastname": "Nachname",
        "company_name": "Firma",
        "domain": "Webseite",
        "email": ("E-Mail-Adresse", "E-Mail 2: Adresse"),
        "phone": (
            "Mobiltelefon",
            "Mobiltelefon 2",
            "Telefon geschäftlich",
            "Telefon geschäftlich 2",
            "Haupttelefon",
            "Telefon (privat)",
            "Telefon (privat 2)",
            "Weiteres Telefon",
        ),
    },
    "phantombuster": {
        "firstname": "firstName",
        "lastname": "lastName",
        "fullname": "fullName",
        "company_name": "companyName",
        "linkedin_url": "defaultProfileUrl",
    },
    "pipedrive": {
        "firstname": "Person - First name",
        "lastname": "Person - Last name",
        "fullname": "Person - Name",
        "company_name": "Person - Organization",
        "domain": "Organization - Website",
        "linkedin_url": "Person - LinkedIn",
        "email": ("Person - Email - Work", "Person - Email - Other"),
        "personal_email": ("Person - Email - Home",),
        "phone": (
            "Person - Phone - Mobile",
            "Person - Phone - Work",
            "Person - Phone - Home",
            "Person - Phone - Other",
        ),
    },
    "pronto": {
        "firstname": "First Name",
        "lastname": "Last Name",
        "company_name": "Company Name",
        "domain": "Company Domain",
        "linkedin_url": "Linkedin Profile Url",
    },
    "salesforce_api": {
        "firstname": "FirstName",
        "lastname": "LastName",
        "fullname": "Name",
        "company_name": "Account.Name",
        "domain": "Account.Website",
        "linkedin_url": "LinkedIn_URL__c",
        "email": ("Email",),
        "phone": ("MobilePhone", "Phone", "HomePhone"),
    },
    "salesforce_report": {
        "firstname": "First Name",
        "lastname": "Last Name",
        "company_name": "Account Name",
        "domain": "Website",
        "email": ("Email",),
        "phone": ("Mobile", "Phone"),
    },
    "wiza": {
        "firstname": "first_name",
        "lastname": "last_name",
        "fullname": "full_name",
        "company_name": "company",
        "domain": "domain",
        "linkedin_url": "linkedin",
        "email": ("email",),
        "phone": ("mobile_phone", "phone_number1", "phone_number2"),
    },
}


def test_every_export_is_expected() -> None:
    """A file that no test reads would prove nothing."""
    assert {path.stem for path in EXPORTS.glob("*.csv")} == set(UNDERSTOOD)


@pytest.mark.parametrize("name", UNDERSTOOD)
@pytest.mark.parametrize("dtype", ["str", None, "object"])
def test_an_export_is_understood(name: str, dtype: str | None) -> None:
    """Every field and no other column, however pandas has read the file."""
    df = pd.read_csv(EXPORTS / f"{name}.csv", dtype=dtype)
    found = columns.find(df)
    said: dict[str, object] = {field: df.columns[at] for field, at in found.positions.items()}
    said |= {kind: tuple(df.columns[list(places)]) for kind, places in found.own.items()}
    assert said == UNDERSTOOD[name]


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_an_export_is_understood_without_its_rows(name: str) -> None:
    """But for columns that only their cells tell apart, headers are enough."""
    df = pd.read_csv(EXPORTS / f"{name}.csv", dtype="str")
    found, of_none = columns.find(df), columns.find(df.head(0))
    for field, why in found.reasons.items():
        if field in columns.FIELDS and why == "column name":
            assert of_none.positions[field] == found.positions[field]
