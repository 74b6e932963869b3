"""Of `cleaning`: the cleaners, and the words of languages."""

from pronto_pandas.cleaning import domains, emails_phones, fields, given_names, languages, names
from pronto_pandas.cleaning.companies import company, company_key
from pronto_pandas.cleaning.domains import domain, is_personal, of_email, other_hosts
from pronto_pandas.cleaning.emails_phones import phone
from pronto_pandas.cleaning.fields import trimmed
from pronto_pandas.cleaning.linkedin import linkedin
from pronto_pandas.cleaning.name_noise import cleaned, is_clean
from pronto_pandas.cleaning.names import first, last, name, split
from pronto_pandas.cleaning.text import UnusableError, bare

__all__ = [
    "UnusableError",
    "bare",
    "cleaned",
    "company",
    "company_key",
    "domain",
    "domains",
    "emails_phones",
    "fields",
    "first",
    "given_names",
    "is_clean",
    "is_personal",
    "languages",
    "last",
    "linkedin",
    "name",
    "names",
    "of_email",
    "other_hosts",
    "phone",
    "split",
    "trimmed",
]
