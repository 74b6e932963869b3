"""The words that stand beside names, and the names that stand together."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from .text import table


def bare(word: str) -> str:
    """Return a word as the tables write it: small letters, without accents and full stops."""
    if not word.isascii():
        decomposed = unicodedata.normalize("NFKD", word)
        word = "".join(c for c in decomposed if not unicodedata.combining(c))
    return word.replace(".", "").casefold()


TITLES: Final = table(
    "dr prof professor doctor mr mrs ms miss mx sir lord madam madame monsieur mme mlle",
    "mademoiselle herr frau hr fru sr sra srta señor señora senor senora doña dña dott dottssa dra",
    "profa doctora meneer mevrouw dhr mevr smt captain rabbi reverend rev signor signora",
    "maître maitre alhaji datuk shri",
)
"""Before a name, with a full stop or without."""

DOTTED_TITLES: Final = table(
    "ing avv rag geom arch arq lic eng er mag mgr bc judr mudr mddr mvdr rndr phdr paeddr thdr pr",
    "fr hon capt col gen lt sgt doc dkfm ir drs sig sigra",
)
"""Before a name with their full stop alone: without it they are names."""

ROLES: Final = table("CEO CTO CFO COO CMO CIO CPO CHRO CRO VP SVP EVP AVP HR")
"""Jobs in capitals, before or after a name that is not all in capitals."""

LEADING: Final = ROLES | table("MBA EMBA PHD MSC CPA CFA PMP CISSP ACCA DI KommR")
"""Before two more words, these are none of the name; "MD" and "JR" may be."""

DEGREES: Final = table(
    "MBA EMBA PHD DPHIL MSC BSC MENG BENG MPHIL LLM LLB CPA CFA PMP CISSP ACCA FCCA PHARMD PSYD",
    "DVM DDS MPH MRICS FRICS MCIPD FCIPD JR JNR SNR II III IV",
)
"""After a name in capitals, also where the name is in capitals too."""

LETTERS: Final = ROLES | table(
    "MD DBA EDD JD MFA MHA MSW MPA MPP MSN BSN RN DMD DNP FNP LCSW LMFT LPC BCBA EIT CENG MIET",
    "FIET CMA CFP CFE CIA CISA CISM CRISC CEH CCNA CCIE CCNP CSM CSPO CSP PSM PSPO SPC PMI-ACP",
    "CAPM PRINCE2 ITIL SHRM-CP SHRM-SCP SPHR PHR GPHR CHRP CHRL FRM CAIA CIPP CIPM CIPP/E CIPP/US",
    "CLU CHFC CPCU FCA ACA FCMA ACMA CGMA FCPA CTA MCIM FCIM FRSA FRCS MRCP FACS FACP OBE MBE CBE",
    "KBE CMG QC KC ESQ ACC PCC MCC CPIM CSCP CPSM MCIPS FCIPS LEED GAICD MAICD FAICD FCMI MCMI",
)
"""After a name in capitals, beside one that is not all in capitals."""

SURNAMES: Final = table(
    "DO MA BA MS BS PA CA EA PE NP AP I",
)
"""Degrees behind a comma; elsewhere these may be surnames in capitals."""

AFTER: Final = re.compile(
    r"Ph\.\s?D\.?|PhD|M\.\s?[DAS]\.|B\.\s?[AS]\.|M\.\s?B\.\s?A\.?|E?MBA|mba|phd|cpa|cfa|pmp|msc|bsc|"
    r"[MB]\.?\s?(?:Sc|Eng|Ed|Phil)\.?|Hons\.?|[ia]\.\s?[RD]\.?|Dip(?:FA|PFS)|StB|WP|CMgr|ChFC|PgMP|"
    r"P\.?\s?Eng\.?|Eng\.|DiS\.?|Esquire|LL\.?\s?[MB]\.?|Ed\.?D\.?|D\.?Phil\.?|D\.B\.A\.?|"
    r"(?:Pharm|Psy)\.?D\.?|J\.D\.|R\.N\.|P\.E\.|C\.P\.A\.?|CEng|D\.O\.|D\.D\.S\.?|Esq\.?|"
    r"[Jj]r\.?|[Jj]nr\.?|[Ss]nr\.?|[Ss]r\.?|iii?|Ing\.|CSc\.?|DrSc\.?"
)
"""After a name, as these are written."""

JOBS: Final = table(
    "junior senior ceo cto cfo coo cmo cio chro cpo founder cofounder co-founder owner head chief",
    "director directeur directrice director directora direktor manager engineer consultant",
    "president vp svp evp partner lead officer analyst developer specialist geschaftsfuhrer",
    "geschaftsfuhrerin gerant gerante responsable gerente inhaber leiter leiterin",
    "titolare socio chef avocat lawyer attorney coach recruiter designer architect sales hr",
    "steuerberater steuerberaterin rechtsanwalt rechtsanwaltin wirtschaftsprufer",
    "wirtschaftspruferin ingenieur ingenieurin berater beraterin architektin notarin vorstand",
    "prokurist prokuristin arzt arztin freelancer sigma realtor",
)
"""A part behind a comma with one of these is what somebody does."""

JOINING: Final = frozenset({"of", "at", "chez", "bei"})
"""Too, in small letters alone: "Bei" is a name."""

MAIDEN: Final = re.compile(
    r"(?<=\w)[ ,]+(?:n[ée]e|(?i:geb)\.?|geborene|o\.\s?s\.|roz\.|rozená|z d\.|z domu|aka|AKA|"
    r"fka|FKA|(?i:[af]\.\s?k\.\s?a\.?)|dite|nata) .*",
    re.DOTALL,
)
"""Other names of the same person, and what says so."""

PRONOUNS: Final = re.compile(
    r"(?<!\w)(?:she|he|they|her|him|them|ella|elle|il|iel|sie|er)\s?/\s?"
    r"(?:she|he|they|her|hers|him|his|them|their|theirs|el|elle|elles|ella|lui|iel|ihr|ihm|ihn|sie|su)"
    r"(?:\s?/\s?\w+)?(?!\w)",
    re.IGNORECASE,
)

# A first word "Sales" is a team; a last one is a surname.
TEAMS: Final = table(
    "sales ventas vendas compras vendite vertrieb einkauf service office stadt gemeinde landkreis",
)
NO_PEOPLE: Final = table(
    "team equipe equipo info infos contact contacto contato contatti kontakt support admin",
    "administrator webmaster marketing commercial comercial commerciale buchhaltung",
    "personalabteilung accueil comptabilite secretariat sekretariat helpdesk department abteilung",
    "reception rezeption recepcion ufficio unknown unbekannt inconnu anonymous linkedin noreply",
    "no-reply hello careers karriere recrutement bewerbung customer kundenservice group gruppe",
    "groupe grupo consulting solutions services technologies technology systems software company",
    "university universitat universite institute agency agence agentur societe association verein",
    "stiftung foundation holdings international enterprises industries logistics hotel restaurant",
    "gmbh mbh ggmbh ug ohg ltd limited llc llp inc corp corporation plc sasu sarl eurl srl spa",
    "ltda lda kft oyj aps ehf doo sro spzoo pvt pty eirl view profile hiring desk nerd",
)
"""Words that stand in no person's name, in small letters and without accents."""

LEGAL_FORMS: Final = table(
    "AG KG KGaA SE SA SAS SL AB AS ASA Oy NV BV B.V. N.V. S.A. S.L. S.p.A. S.r.l. A/S e.V. eG Co.",
)
"""Such words that are surnames too where they are written otherwise."""

_PAIRS: Final = (
    (  # French
        table("jean marie anne pierre"),
        table(
            "pierre luc paul claude marc francois louis michel philippe jacques baptiste yves",
            "christophe charles noel denis sebastien rene robert marie laure sophie claire",
            "christine helene france laurence louise therese pascale line eve odile cecile",
            "charlotte francoise elisabeth",
        ),
    ),
    (  # German
        table("hans karl klaus heinz eva anna"),
        table(
            "peter jurgen joachim werner dieter georg christian martin ulrich hermann josef otto",
            "heinz friedrich ludwig maria lena lisa sophie sophia katharina",
        ),
    ),
    (  # Italian, Polish
        table("anna maria rosa gian pier"),
        table(
            "maria grazia teresa cristina luisa rosa pia vittoria chiara laura antonietta elena",
            "luca carlo paolo marco franco piero luigi giorgio francesco",
        ),
    ),
    (
        table("mary sarah jo billy"),
        table("ann anne beth jane jo kate lou ellen pat alice grace bob joe"),
    ),
    (  # Nordic countries, the Netherlands
        table("anne ann lars per karl carl jan ole inger gert pieter henk"),
        table(
            "marie mette grethe lise sofie kristin berit erik olof johan henrik christin charlotte",
            "louise gustaf fredrik magnus willem peter pieter hendrik jan",
        ),
    ),
)
"""First and second given names that go together."""

_IBERIAN: Final = table(
    "jose juan carlos luis miguel jorge pablo javier francisco fernando alejandro alvaro diego",
    "rafael manuel andres eduardo enrique ricardo raul ramon ignacio gonzalo guillermo joaquin",
    "rodrigo santiago hernan felipe esteban gustavo pedro pilar carmen dolores mercedes rocio",
    "beatriz lucia ximena consuelo guadalupe belen nuria montserrat ines yolanda joao thiago tiago",
    "luiz paulo rui nuno vasco goncalo matheus caio ana",
)
"""Spanish and Portuguese given names; "Maria" without its accent is everybody's."""

_IBERIAN_FIRST: Final = _IBERIAN | {"maria", "rosa", "victor", "marco"}
_IBERIAN_SECOND: Final = table(
    "jose juan carlos luis miguel angel antonio manuel ramon ignacio alberto javier francisco",
    "eduardo pablo pedro andres diego david fernando enrique felipe ricardo maria carmen luisa",
    "teresa elena pilar isabel victoria belen paula sofia lucia carolina cristina rosa laura paulo",
    "henrique vitor luiz lucas gabriel victor clara eduarda fernanda joao ines luiza helena",
    "cecilia alice julia antonia roberto sergio cesar vinicius filipe beatriz angeles fatima",
    "gustavo",
)

# Given names that are cities too: behind a comma they may be either.
_PLACES: Final = table("santiago mercedes guadalupe belen sofia victoria")

MOHAMMAD: Final = frozenset({"md", "mohd"})
"""In Bangladesh and Malaysia, before the name that a person is called by."""

DEVOTION: Final = re.compile(
    r"(?:mar[ií]a|ana|juan|jos[eé]) (?:del (?:carmen|pilar|mar|rosario|roc[ií]o)|"
    r"de (?:los [aá]ngeles|lourdes|la luz|jes[uú]s|f[aá]tima|guadalupe|dios|las mercedes)|"
    r"da concei[cç][aã]o|das (?:gra[cç]as|dores))(?= \w)",
    re.IGNORECASE,
)
"""Given names that hold a particle."""


def together(first: str, second: str) -> bool:
    """Say whether two given names are one: "María José", "Hans Peter"."""
    one, other = bare(first), bare(second)
    if one in _IBERIAN_FIRST and other in _IBERIAN_SECOND:
        return True
    return one in MOHAMMAD or any(one in f and other in s for f, s in _PAIRS)


def has_two_surnames(first: str) -> bool:
    """Say whether who has this given name has, as a rule, two surnames."""
    return bare(first) in _IBERIAN or first.casefold() == "maría"


def is_iberian(given: str) -> bool:
    """Say whether a word is a Spanish or Portuguese given name, and no city."""
    word = bare(given)
    return word in (_IBERIAN | _IBERIAN_SECOND) - _PLACES
