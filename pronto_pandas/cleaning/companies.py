"""A company's name: whether it names one, and as it is compared with others."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from ..api.contact import same
from .text import UnusableError, composed, readable, table

# As `company` compares: letters and digits alone, in small letters.
_NO_COMPANY: Final = table(
    "selfemployed selfemployment self ownbusiness myself freelance freelancer freelancing",
    "freelanceconsultant independent independentconsultant independentcontractor contractor",
    "consultantindependant indépendant independant indépendante independante àmoncompte",
    "autoentrepreneur autoentrepreneure microentrepreneur profesionalindependiente independiente",
    "autónomo autonomo autónoma autonoma autônomo autônoma trabajadorautónomo porcuentapropia",
    "trabajoporcuentapropia selbstständig selbständig selbstaendig selbststaendig selbstständige",
    "freiberuflich freiberufler freiberuflerin freierberater liberoprofessionista",
    "liberaprofessionista lavoratoreautonomo freelancerin zzp zzper zelfstandig zelfstandige",
    "eenmanszaak egenföretagare selvstændig selvstendig samozatrudnienie własnadziałalność",
    "unemployed notemployed notcurrentlyemployed lookingforwork lookingforajob lookingforanewjob",
    "lookingfornewopportunities seekingopportunities seekingnewopportunities opentowork",
    "opentonewopportunities jobseeker betweenjobs enrecherche enrecherchedemploi",
    "àlarecherchedunemploi rechercheemploi demandeurdemploi arbeitssuchend arbeitslos desempleado",
    "enbúsquedaactiva disoccupato retired retraité retraitée rentner pensionist jubilado jubilada",
    "pensionato student studentin étudiant étudiante estudiante homemaker housewife confidential",
    "confidentiel confidencial riservato vertraulich undisclosed stealth stealthstartup",
    "stealthmode stealthmodestartup startupinstealth stealthmodecompany instealth private privat",
    "privé none na nocompany nil notapplicable notavailable notspecified notdisclosed unknown",
    "inconnu unbekannt desconocido desconhecido keine keins aucun aucune ninguna ninguno nessuna",
    "nessuno tbd tba tbc xxx various inrente rente lookingforopportunities me home hiring",
    "wearehiring werehiring tobeconfirmed tobedetermined openforwork seekingopportunities",
)
_NUMBER_OR_DATE: Final = re.compile(r"\d+\.0+|\d{4}-\d\d-\d\d(?:[T ][\d:.+Z-]+)?")
_ADDRESS: Final = re.compile(r"\w://|(?<!\w)www\.\w", re.IGNORECASE)
_EMOJIS: Final = re.compile(
    "(?:[\u2600-\u27bf\u2b05-\u2b55\U0001f000-\U0001faff][\ufe0e\ufe0f\u200d\U000e0020-\U000e007f]*)+"
)
_HIRING: Final = re.compile(
    r"\s[\u2013\u2014-]\s(?:(?!\s[\u2013\u2014-]\s).)*\bhiring\b.*", re.IGNORECASE
)

_MARKS: Final = re.compile(r"[.'\u2019\u00b4`]|(?<=\b\w)/(?=\w\b)")
_LETTERS_APART: Final = re.compile(r"(?<!\S)(\w) (?=\w(?!\S))")
_FORMS: Final = re.compile(
    r"(?: (?:gmbh|mbh|ug|co|kg|kgaa|ohg|ag|se|ev|eg|inc|incorporated|ltd|limited|pty|llc|llp|plc|"
    r"corp|corporation|company|sa|sas|sasu|s[aà] ?rl|srl|spa|bv|nv|oy|oyj|ab|as|sl|lda|ltda|"
    r"sp z oo|and|und|et))+$"
)


def company(text: str) -> str:
    """Clean a company's name; a digit can be one."""
    text = readable(text)
    small = text.casefold()
    if ("www." in small or "://" in small) and _ADDRESS.search(text):
        raise UnusableError("is an address, not a name")
    before = None
    while text != before and not (text.isascii() and "hiring" not in small):
        before = text
        text = composed(_HIRING.sub("", _EMOJIS.sub(" ", text)))
    letters = "".join(filter(str.isalnum, text.casefold())) if len(text) < 40 else text
    if not letters or letters in _NO_COMPANY or _NUMBER_OR_DATE.fullmatch(text):
        raise UnusableError("names no company")
    return text


def company_key(text: str) -> str:
    """Return a company's name as it is compared where people are counted per company.

    Parameters
    ----------
    text : str
        A name, as `company` returns it.

    Returns
    -------
    str
        Without case, punctuation, "the" and legal forms; where that leaves nothing, as `same`
        writes it.
    """
    compared = same(text)
    plain = "".join(c if _is_kept(c) else " " for c in _MARKS.sub("", compared))
    plain = _LETTERS_APART.sub(r"\1", " ".join(plain.split()))
    return _FORMS.sub("", f" {plain.removeprefix('the ')}").strip() or compared


def _is_kept(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"
