"""Find a company's domain in a website, URL or email address, as people write it."""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from . import languages
from .text import UnusableError, table

_NO_DOMAIN: Final = "is not a valid domain"
_NO_EMAIL: Final = "is not a valid email address"

_COUNTRY: Final = r"(?:com?\.)?[a-z]{2,3}"
_PERSONAL: Final = re.compile(
    rf"(?:outlook|hotmail|live|windowslive|yahoo|gmx|yandex|aol|mailinator)\.{_COUNTRY}"
    r"|aim\.com|proton(?:mail)?\.(?:com|me|ch)|[a-z]{2}\.yahoo\.com"
)
_WEBMAIL: Final = table("mail email webmail m imap smtp pop pop3")

_SITES_WITH_PAGES: Final = re.compile(
    r"(?:amazon|ebay|yelp|tripadvisor|indeed|glassdoor|pinterest|google)\.(?:com?\.)?[a-z]{2,3}"
)

# Names within a network, and file extensions: "report.pdf". Extensions that are also top-level
# domains (.zip, .mov, .ai, .pl) may be either.
_NO_TOP_LEVEL: Final = table(
    "local localhost localdomain internal intranet lan home corp invalid onion arpa pdf doc docx",
    "xls xlsx xlsm ppt pptx csv tsv txt rtf odt ods jpg jpeg png gif bmp tif tiff svg webp ico",
    "html htm xhtml php asp aspx jsp xml json js css exe dll eml msg vcf ics mp3 mp4 avi wav gz",
    "tar rar log bak tmp sql db ini",
    "con cmo ocm comm vom nte ogr",  # mistyped
)
_SECOND_LEVEL: Final = frozenset({"co", "com", "net", "org", "gov", "gob", "edu", "ac"})

SCHEME: Final = re.compile(
    r"^(?:(?:(?:h{0,2}t{1,3}ps{0,2}|ftp)(?::[/\\]{0,3}|[;.]?[/\\]{2,3})|mailto:|[/\\]{2})\s*)+",
    re.IGNORECASE,
)
"""URL schemes before a host, including common typos."""

_PLAIN: Final = re.compile(
    r"(?:https?://)?(?:www\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)(/[\w./-]*)?(?:[?#][\w./=&-]*)?",
    re.IGNORECASE | re.ASCII,
)
_WWW: Final = re.compile(r"www\d?|ww|wwww")
_MARKDOWN: Final = re.compile(r"\[[^\[\]]*\]\(([^\s()]+)\)")
_REMARK: Final = re.compile(r"(?<=\S)\s+\([^().@/]*\)$")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TOP_LEVEL: Final = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}")
_DOTS: Final = re.compile(r"[.\u3002\uff0e\uff61]")
_LONELY_DOT: Final = re.compile(r"\s+\.\s*")
_WRAPPING: Final = " \t<>()[]{}\"'`“”‘’«»„,;:*"
_LOCAL: Final = re.compile(r"(?!\.)[^\s@<>()\[\],;:\"\\/]{1,64}(?<!\.)")


class _Hosts(NamedTuple):
    """Hosts that are not a company's domain."""

    email_providers: frozenset[str]
    with_pages: frozenset[str]
    only_pages: frozenset[str]
    with_subdomains: frozenset[str]
    placeholders: frozenset[str]


@functools.cache
def other_hosts() -> _Hosts:
    """Return the hosts of ``data/hosts.toml``."""
    tables = languages.read("hosts")
    providers = (name for names in tables["email_providers"].values() for name in names)
    sites = {kind: frozenset(names) for kind, names in tables["other_sites"].items()}
    placeholders = frozenset(tables["placeholders"]["hosts"])
    return _Hosts(frozenset(providers), placeholders=placeholders, **sites)


def domain(text: str) -> str:
    """Return the first company domain in a string that contains URLs, emails or domains.

    It is in lower case, with non-ASCII letters in Punycode, and without ``www.``.
    """
    return _company_host(*address(text))


def address(text: str) -> tuple[str, str]:
    """Return the host and the path of the only URL in a string, whatever the site."""
    plain = _PLAIN.fullmatch(text)
    written, path = (plain[1], (plain[2] or "").strip("/")) if plain else _address(text)
    return host(written), path


def of_email(text: str) -> str:
    """Return the company domain of an email address, by the rules of `domain`."""
    return _company_host(host(mailbox(text)[1]), "")


def mailbox(text: str) -> tuple[str, str]:
    """Return the local part and the host of the first email address in a string."""
    for part in re.split(r"[\s,;|]+", text):
        address = SCHEME.sub("", part.strip(_WRAPPING)).partition("?")[0]
        local, at, written = address.rstrip(".").rpartition("@")
        local = local.rpartition("<")[2]  # "Ana<ana@acme.example>"
        if at and _LOCAL.fullmatch(local):
            try:
                host(written)
            except UnusableError:
                continue
            return local, written.lower()
    raise UnusableError(_NO_EMAIL)


def is_personal(name: str) -> bool:
    """Return whether a host is a personal email provider."""
    first, _, rest = name.partition(".")
    bare = rest if first in _WEBMAIL and "." in rest else name
    providers = other_hosts().email_providers
    return bare in providers or name in providers or _PERSONAL.fullmatch(bare) is not None


def host(written: str) -> str:
    """Return a host in canonical form, or raise if it cannot exist on the internet."""
    labels = written.lower().split(".") if written.isascii() else _DOTS.split(written.lower())
    if not written.isascii():
        labels = [label if label.isascii() else _punycode(label) for label in labels]
    while len(labels) > 2 and _WWW.fullmatch(labels[0]):
        del labels[0]
    name = ".".join(labels)
    if len(labels) < 2 or len(name) > 253 or not _are_labels(labels):
        raise UnusableError(_NO_DOMAIN)
    return name


def _are_labels(labels: list[str]) -> bool:
    top_level = labels[-1]
    if top_level in _NO_TOP_LEVEL or not _TOP_LEVEL.fullmatch(top_level):
        return False
    # "co.uk" is the end of a domain, not one.
    if len(labels) == 2 and len(top_level) == 2 and labels[0] in _SECOND_LEVEL:
        return False
    return all(map(_LABEL.fullmatch, labels))


def _punycode(label: str) -> str:
    import idna  # slow to import, and few columns need it

    try:
        return idna.encode(label, uts46=True).decode()
    except UnicodeError:
        raise UnusableError(_NO_DOMAIN) from None


def _address(text: str) -> tuple[str, str]:
    """Return the host, as written, and the path of the first URL in a string."""
    if linked := _MARKDOWN.fullmatch(text):
        text = linked[1]
    if "%2f" in text.lower() and "://" not in text:
        text = unquote(text)
    written = _REMARK.sub("", text.lstrip(_WRAPPING))
    bare = SCHEME.sub("", written)
    # "acme . example": after a space, a dot does not end a sentence.
    parts = _LONELY_DOT.sub(".", re.split(r"[,;|]", bare)[0]).split()
    if bare == written and len(parts) > 1:
        parts = _addresses(parts)
    if not parts:
        raise UnusableError(_NO_DOMAIN)
    rest = SCHEME.sub("", parts[0].strip(_WRAPPING))
    authority, *_ = re.split(r"[/\\?#]", rest, maxsplit=1)
    path = re.split(r"[?#]", rest[len(authority) :], maxsplit=1)[0]
    name = re.sub(r":\d*$", "", authority.rpartition("@")[2])
    return name.strip("."), path.strip("/\\")


def _addresses(words: list[str]) -> list[str]:
    """Return the words that are URLs; a dot inside a word is not enough."""
    if all("." in word.strip(".") for word in words):
        return words
    if len(words) == 2 and words[0].endswith(":"):  # "Website: acme.example"
        return words[1:]
    return [w for w in words if "@" in w or "//" in w or w.lower().startswith("www.")]


def _company_host(name: str, path: str) -> str:
    """Return a host, or raise if it is not a company's."""
    others = other_hosts()
    parents = {name, *(name.split(".", i)[i] for i in range(1, name.count(".")))}
    if (
        not others.only_pages.isdisjoint(parents)
        or not others.with_subdomains.isdisjoint(parents - {name})
        or (path and not others.with_pages.isdisjoint(parents))
        or (path and any(map(_SITES_WITH_PAGES.fullmatch, parents)))
    ):
        raise UnusableError("is a page on another site, not the company's domain")
    if is_personal(name):
        raise UnusableError("is a personal email provider, not a company domain")
    if not others.placeholders.isdisjoint(parents):
        raise UnusableError("is a placeholder, not a company domain")
    return name
