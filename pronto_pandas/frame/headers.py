"""What the columns of people's lists are called, and what a header may mean.

Headers are compared as `normalised` writes them, whole: nothing is guessed from a part of one, so a
header that is not here means nothing. That is how the columns of others than the person stay out:
owners, assistants, managers, and the company's own phones and pages.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal, NamedTuple

FIELDS: Final = ("firstname", "lastname", "company_name", "domain", "linkedin_url")
"""The fields of the API."""

Own = Literal["email", "personal_email", "phone"]
OWN: Final[tuple[Own, ...]] = ("email", "personal_email", "phone")
"""What a list may know of its people already; each may have several columns."""

SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "firstname": (
        """firstname first firstnames givenname givennames forename fname
        prenom prenoms prenomducontact prenomcontact voornaam
        vorname vornamen
        nombredepila primernombre
        primeironome nomeproprio""",
    ),
    "lastname": (
        """lastname last lastnames surname surnames familyname lname
        nomdefamille nomfamille patronyme
        nachname familienname zuname achternaam
        apellidos apellido
        sobrenome sobrenomes ultimonome nomedefamilia
        cognome cognomi""",
        "primerapellido apelido apelidos",  # a surname in Portugal, a nickname in Brazil
    ),
    "fullname": (
        """fullname wholename completename contactname contactfullname personname leadname
        prospectname firstandlastname firstlastname firstnamelastname nameandsurname
        nomcomplet nometprenom nomprenom prenometnom prenomnom nomsetprenoms
        vollstandigername vollername vorundnachname vornamenachname namevorname vornamename
        nombrecompleto nombreyapellidos nombreyapellido nombreapellidos
        nomecompleto nomeesobrenome nomesobrenome
        nomeecognome nomecognome cognomeenome cognomenome nominativo""",
        "name names nom noms nombre nombres nome nomi nomcontact nomducontact nombredelcontacto",
        """contact contactperson pointofcontact interlocuteur ansprechpartner kontakt
        kontaktperson contacto personadecontacto contato contatto referente""",
    ),
    "company_name": (
        """companyname company organization organizationname organisation organisationname
        organization1name employer employername accountname companyaccount currentcompany
        currentcompanyname currentemployer businessname firm firmname
        bedrijf bedrijfsnaam
        entreprise nomdelentreprise nomentreprise societe nomdelasociete nomsociete raisonsociale
        employeur nomdelorganisation nomducompte
        firma firmenname firmaname unternehmen unternehmensname unternehmensbezeichnung arbeitgeber
        empresa nombredelaempresa nombreempresa nombredeempresa compania nombredelacompania
        organizacion nombredelaorganizacion razonsocial
        nomedaempresa nomeempresa companhia organizacao razaosocial empregador
        azienda nomeazienda nomedellazienda societa nomesocieta ragionesociale organizzazione
        impresa ditta datoredilavoro""",
        """associatedcompany primaryassociatedcompany companycleanedname companycleanname
        cleanedcompanyname companynameforemails account""",
    ),
    "domain": (
        """domain companydomain companydomainname domainname organizationdomain accountdomain
        websitedomain webdomain
        website companywebsite companywebsiteurl websiteurl organizationwebsite accountwebsite
        corporatewebsite companyweb
        domaine nomdedomaine domainedelentreprise domaineentreprise domainesociete
        siteweb siteinternet sitewebdelentreprise sitewebentreprise sitedelentreprise
        unternehmensdomain firmendomain firmenwebsite unternehmenswebsite
        dominio dominiodelaempresa dominioempresa dominiodaempresa dominioaziendale
        dominiodellazienda sitioweb sitiowebdelaempresa sitewebdaempresa sitedaempresa siteempresa
        sitoweb sitoaziendale sitointernet sitowebaziendale""",
    ),
    "linkedin_url": (
        """defaultprofileurl linkedinurl linkedin linkedinprofile linkedinprofileurl linkedinlink
        linkedinprofilelink linkedinaddress linkedinurlpublic linkedinpublicurl publiclinkedinurl
        linkedinpublicprofile linkedinpublicprofileurl linkedinmemberprofileurl
        linkedincontactprofileurl hslinkedinurl
        profillinkedin urllinkedin lienlinkedin adresselinkedin urlduprofillinkedin
        lienduprofillinkedin lienversleprofillinkedin lienprofillinkedin urlprofillinkedin
        linkedinprofil linkedinadresse linkedinprofillink linkedinprofilurl
        perfildelinkedin perfillinkedin urldelinkedin enlacelinkedin enlacedelinkedin
        urldelperfildelinkedin
        perfildolinkedin perfilnolinkedin urldolinkedin linkdolinkedin linklinkedin
        urldoperfildolinkedin
        profilolinkedin urllinkedinprofilo urlprofilolinkedin""",
        "linkedinidurl linkedinurluniqueid",
    ),
    "email": (
        """email emailaddress workemail workemailaddress businessemail businessemailaddress
        professionalemail emailwork primaryemail mail mailaddress emailvalue
        courriel adresseemail adressemail adressedemessagerie adressecourriel adresseelectronique
        emailprofessionnel adresseemailprofessionnelle emailpro mailpro mailprofessionnel
        courrielprofessionnel
        emailadresse mailadresse emailgeschaftlich geschaftlicheemail geschaftlicheemailadresse
        emailadressegeschaftlich
        correo correoelectronico direcciondecorreoelectronico direcciondecorreo direcciondeemail
        correocorporativo correodetrabajo correoelectronicodetrabajo emailcorporativo
        enderecodeemail correioeletronico correioelectronico emailprofissional emailcomercial
        indirizzoemail indirizzopostaelettronica indirizzodipostaelettronica postaelettronica
        emailaziendale emaildilavoro emaillavoro""",
        "secondaryemail tertiaryemail alternateemail otheremail emailother",
    ),
    "personal_email": (
        """personalemail personalemailaddress privateemail homeemail emailhome emailpersonal
        emailpersonnel courrielpersonnel emailperso mailperso
        emailprivat privateemailadresse
        correopersonal correoelectronicopersonal emailpessoal emailpersonale""",
    ),
    "phone": (
        """mobilephone mobile mobilephonenumber mobilenumber phonemobile cellphone cell
        cellphonenumber cellnumber
        telephoneportable telephonemobile telmobile telportable portable numerodeportable
        handy handynummer mobiltelefon mobiltelefonnummer mobil mobilnummer mobilfunknummer
        telefonmobil
        telefonomovil movil telefonocelular celular telefonecelular telemovel
        cellulare telefonocellulare numerodicellulare telefonomobile""",
        """directphone directphonenumber workdirectphone directdial directdialphone directnumber
        workphone workphonenumber businessphone businessphonenumber phonework
        lignedirecte telephonedirect telephoneprofessionnel telephonebureau telephonefixe
        durchwahl telefongeschaftlich geschaftlichetelefonnummer
        telefonodirecto telefonodetrabajo telefonodeltrabajo
        telefoneprofissional telefonecomercial telefonedireto
        telefonodiretto telefonolavoro telefonoufficio telefonodilavoro""",
        """phone phonenumber telephone telephonenumber tel telno primaryphone phonevalue
        numerodetelephone numerotelephone telephoneprincipal
        telefon telefonnummer rufnummer haupttelefon
        telefono numerodetelefono telefone numerodetelefone numeroditelefono""",
        """homephone homephonenumber phonehome personalphone personalphonenumber otherphone
        phoneother
        telephonedomicile telephonepersonnel telephoneautre
        telefonprivat weiterestelefon
        telefonoparticular telefonopersonal otrotelefono telefoneresidencial telefonepessoal
        telefonocasa telefonoabitazione telefonopersonale""",
    ),
}
"""What each field is called; a line a language, a tier a text. A column of a lower tier is taken
only where those above hold nothing. Within a tier the first one is the best."""

BARE: Final = 1
"""The tier of ``fullname`` whose columns are one of the names where another column is the other."""

BY_CONTENT: Final[dict[str, str]] = {
    "domain": """url link web webpage weburl webaddress homepage site internet
        companyurl companylink regularcompanyurl organizationurl website1value website2value
        website3value pageweb adresseweb webseite webadresse internetseite internetadresse
        paginaweb sitioinstitucional direccionweb indirizzoweb paginadainternet sito""",
    "linkedin_url": """url link urls links profileurl profilelink profile profilepage publicprofile
        publicprofileurl linkedinpage linkedinpageurl socialprofile
        website websiteurl web webpage weburl homepage site website1value website2value
        website3value
        profil lienprofil lienduprofil urlduprofil pagelinkedin pageweb siteweb
        profillink profilurl webseite linkedinseite
        perfil enlace enlacedelperfil paginaweb sitioweb paginadelinkedin
        linkdoperfil paginadolinkedin profilo linkprofilo linkdelprofilo sitoweb""",
}
"""What is called so is the field only where its cells say so."""

SUBJECTS: Final = ("contact", "person", "lead", "prospect")
"""Whose column it is may stand before: "Contact Email", "Person - First name"."""

DECORATIONS: Final = (
    "text", "string", "varchar", "required", "mandatory", "optional",
    "requis", "obligatoire", "facultatif", "optionnel", "pflicht", "pflichtfeld", "erforderlich",
    "obligatorio", "requerido", "opcional", "obbligatorio", "facoltativo", "opzionale",
)  # fmt: skip
"""What stands in brackets and means nothing; anything else there may name somebody else."""

_BRACKETS: Final = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_CUSTOM: Final = re.compile(r"__p?c\s*$", re.IGNORECASE)  # a field that Salesforce's user added
_NUMBERED: Final = re.compile(r"(\D+)([1-9]\d?)(\D*)")


class Meaning(NamedTuple):
    """What a header may mean: a field, and how good a name of it this is; less is better."""

    field: str
    tier: int
    order: int
    by_content: bool = False


def normalised(header: object) -> str:
    """Write a header without case, accents, spaces, punctuation and decorations."""
    text = _BRACKETS.sub(
        lambda match: "" if _plain(match[1]) in DECORATIONS else match[0], str(header)
    )
    return _plain(_CUSTOM.sub("", text))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if char.isalnum())


def meanings(header: object) -> list[Meaning]:
    """Return what a column of this header may hold; mostly nothing."""
    text = normalised(header)
    if text in _MEANINGS:
        return _MEANINGS[text]
    numbered = _NUMBERED.fullmatch(text)  # "E-mail 2 - Value", "Phone 1"
    if numbered is None:
        return []
    same = _MEANINGS.get(numbered[1] + numbered[3], [])
    return [m._replace(order=m.order + int(numbered[2])) for m in same if m.field in OWN]


def _table() -> dict[str, list[Meaning]]:
    table: dict[str, list[Meaning]] = {}
    for field, tiers in SPELLINGS.items():
        for tier, names in enumerate(tiers):
            for order, name in enumerate(names.split()):
                # A hundred apart, so that numbered ones fit between.
                table.setdefault(name, []).append(Meaning(field, tier, 100 * order))
    for field, names in BY_CONTENT.items():
        tier = len(SPELLINGS[field])
        for order, name in enumerate(names.split()):
            table.setdefault(name, []).append(Meaning(field, tier, 100 * order, by_content=True))
    of_somebody = {who + name: means for who in SUBJECTS for name, means in table.items()}
    return of_somebody | table


_MEANINGS: Final = _table()
