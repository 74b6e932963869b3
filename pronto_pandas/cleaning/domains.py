"""From a company's website, as people write it, to its domain."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from .text import UnusableError, table

_NO_DOMAIN: Final = "is not a valid domain"
_NO_EMAIL: Final = "is not a valid email address"

PERSONAL: Final = table(
    # Worldwide
    "gmail.com googlemail.com msn.com passport.com ymail.com rocketmail.com icloud.com me.com",
    "mac.com pm.me tutanota.com tutanota.de tutamail.com tuta.io tuta.com keemail.me zohomail.com",
    "zoho.com fastmail.com fastmail.fm hushmail.com mail.com email.com usa.com post.com europe.com",
    "inbox.com hey.com duck.com gawab.com lycos.com excite.com runbox.com mailbox.org posteo.de",
    "posteo.net riseup.net disroot.org",
    # German-speaking countries
    "web.de t-online.de freenet.de arcor.de email.de online.de mail.de kabelmail.de",
    "vodafonemail.de unitybox.de bluewin.ch hispeed.ch sunrise.ch swissonline.ch gmx-topmail.de",
    "aon.at chello.at",
    # France and Belgium
    "orange.fr wanadoo.fr free.fr sfr.fr laposte.net neuf.fr bbox.fr numericable.fr",
    "club-internet.fr aliceadsl.fr cegetel.net 9online.fr noos.fr voila.fr dbmail.com telenet.be",
    "skynet.be proximus.be scarlet.be voo.be",
    # Italy, Spain, Portugal, Latin America
    "libero.it virgilio.it tin.it alice.it tiscali.it tim.it inwind.it iol.it fastwebnet.it",
    "vodafone.it poste.it email.it telefonica.net ono.com ya.com terra.es sapo.pt iol.pt",
    "netcabo.pt clix.pt uol.com.br bol.com.br terra.com.br ig.com.br globo.com globomail.com",
    "r7.com oi.com.br zipmail.com.br prodigy.net.mx fibertel.com.ar arnet.com.ar speedy.com.ar",
    # The Netherlands, Nordic countries, Britain, Ireland
    "ziggo.nl kpnmail.nl kpnplanet.nl planet.nl home.nl hetnet.nl xs4all.nl casema.nl upcmail.nl",
    "quicknet.nl online.no broadpark.no telia.com bredband.net spray.se comhem.se jubii.dk mail.dk",
    "stofanet.dk kolumbus.fi suomi24.fi luukku.com btinternet.com btopenworld.com sky.com",
    "virginmedia.com ntlworld.com blueyonder.co.uk talktalk.net tiscali.co.uk eircom.net",
    # North America, Australia, New Zealand
    "comcast.net verizon.net att.net sbcglobal.net bellsouth.net pacbell.net charter.net cox.net",
    "earthlink.net juno.com netzero.net optonline.net roadrunner.com rr.com windstream.net",
    "frontier.com centurylink.net suddenlink.net sympatico.ca rogers.com shaw.ca telus.net",
    "videotron.ca bigpond.com bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au xtra.co.nz",
    # Asia
    "qq.com foxmail.com 163.com 126.com yeah.net vip.163.com sina.com sina.cn sohu.com 139.com",
    "189.cn aliyun.com 21cn.com tom.com naver.com hanmail.net daum.net nate.com kakao.com",
    "docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com rediffmail.com rediff.com indiatimes.com",
    "sify.com hinet.net pchome.com.tw singnet.com.sg",
    # Eastern Europe and Turkey
    "mail.ru bk.ru inbox.ru list.ru internet.ru rambler.ru lenta.ru ya.ru narod.ru ukr.net i.ua",
    "meta.ua bigmir.net wp.pl o2.pl interia.pl interia.eu onet.pl onet.eu op.pl poczta.fm tlen.pl",
    "gazeta.pl vp.pl buziaczek.pl seznam.cz email.cz post.cz centrum.cz volny.cz atlas.cz",
    "centrum.sk azet.sk zoznam.sk freemail.hu citromail.hu abv.bg inbox.lv inbox.lt mail.ee net.hr",
    "siol.net mynet.com",
    # Thrown away after use
    "mailinator.com guerrillamail.com 10minutemail.com temp-mail.org tempmail.com yopmail.com",
    "yopmail.fr trashmail.com trash-mail.com sharklasers.com getnada.com dispostable.com",
    "maildrop.cc throwawaymail.com mailnesia.com fakeinbox.com spamgourmet.com mohmal.com",
)
"""Email providers of people. Those with a host per country are a pattern below."""

_COUNTRY: Final = r"(?:com?\.)?[a-z]{2,3}"
_PERSONAL: Final = re.compile(
    rf"(?:outlook|hotmail|live|windowslive|yahoo|gmx|yandex|aol|mailinator)\.{_COUNTRY}"
    r"|aim\.com|proton(?:mail)?\.(?:com|me|ch)|[a-z]{2}\.yahoo\.com"
)
_WEBMAIL: Final = table("mail email webmail m imap smtp pop pop3")

SOCIAL: Final = table(
    "linkedin.com facebook.com fb.com instagram.com threads.net twitter.com x.com youtube.com",
    "tiktok.com xing.com pinterest.com snapchat.com reddit.com tumblr.com medium.com vk.com ok.ru",
    "github.com gitlab.com bitbucket.org behance.net dribbble.com crunchbase.com glassdoor.com",
    "kununu.com angel.co wellfound.com trustpilot.com yelp.com meetup.com eventbrite.com",
    "google.com notion.so viadeo.com soundcloud.com vimeo.com flickr.com wikipedia.org etsy.com",
    "lever.co greenhouse.io workable.com ashbyhq.com personio.de personio.com smartrecruiters.com",
    "recruitee.com teamtailor.com bamboohr.com workday.com myworkdayjobs.com archive.org f6s.com",
    "producthunt.com patreon.com substack.com bandcamp.com booking.com airbnb.com upwork.com",
)
"""A page there is not the domain of the company it is about; without a path, the host may be."""

_SOCIAL_ANYWHERE: Final = re.compile(
    r"(?:amazon|ebay|yelp|tripadvisor|indeed|glassdoor|pinterest|google)\.(?:com?\.)?[a-z]{2,3}"
)

PAGES_ALONE: Final = table(
    "linktr.ee sites.google.com docs.google.com drive.google.com maps.google.com lnkd.in fb.me",
    "youtu.be t.me wa.me bit.ly goo.gl g.page tinyurl.com about.me beacons.ai bio.link carrd.co",
    "msha.ke lnk.bio taplink.cc solo.to linkin.bio web.archive.org notion.site apps.apple.com",
    "itunes.apple.com play.google.com jobs.lever.co boards.greenhouse.io job-boards.greenhouse.io",
    "apply.workable.com jobs.ashbyhq.com business.site",
)
"""Hosts that contain only pages of others."""

_OF_OTHERS: Final = table(
    "workable.com recruitee.com teamtailor.com bamboohr.com jobs.personio.de jobs.personio.com",
    "myworkdayjobs.com wordpress.com blogspot.com wixsite.com weebly.com webflow.io github.io",
)
"""Hosts where each page of others has a subdomain."""

_PLACEHOLDERS: Final = table(
    "example.com example.org example.net test.com domain.com website.com yourdomain.com",
    "yourcompany.com yourwebsite.com mydomain.com",
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
"""Schemes before a host, with typing errors."""

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


def domain(text: str) -> str:
    """Return the company's domain in a URL, an email address or a domain; of several the first.

    It is in lower case, with letters beyond ASCII in Punycode, and without ``www.``.
    """
    return _company_host(*address(text))


def address(text: str) -> tuple[str, str]:
    """Return the host and the path of the one URL in a text, of any site."""
    plain = _PLAIN.fullmatch(text)
    written, path = (plain[1], (plain[2] or "").strip("/")) if plain else _address(text)
    return host(written), path


def of_email(text: str) -> str:
    """Return the domain of an email address, by the rules of `domain`; refuse anything else."""
    return _company_host(host(mailbox(text)[1]), "")


def mailbox(text: str) -> tuple[str, str]:
    """Return the local part and the host of the first email address in a text."""
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
    return bare in PERSONAL or name in PERSONAL or _PERSONAL.fullmatch(bare) is not None


def host(written: str) -> str:
    """Return a host in canonical form, or raise if it cannot exist on the internet."""
    labels = written.lower().split(".") if written.isascii() else _DOTS.split(written.lower())
    if not written.isascii():
        labels = [label if label.isascii() else _punycode(label) for label in labels]
    while len(labels) > 2 and _WWW.fullmatch(labels[0]):
        del labels[0]
    if not _is_domain(labels):
        raise UnusableError(_NO_DOMAIN)
    return ".".join(labels)


def _is_domain(labels: list[str]) -> bool:
    if len(labels) < 2 or len(".".join(labels)) > 253:
        return False
    *_, second_level, top_level = labels
    if top_level in _NO_TOP_LEVEL or not _TOP_LEVEL.fullmatch(top_level):
        return False
    # "co.uk" is the end of a domain, not one.
    if len(labels) == 2 and len(top_level) == 2 and second_level in _SECOND_LEVEL:
        return False
    return all(map(_LABEL.fullmatch, labels))


def _punycode(label: str) -> str:
    import idna  # slow to import, and few columns need it

    try:
        return idna.encode(label, uts46=True).decode()
    except UnicodeError:
        raise UnusableError(_NO_DOMAIN) from None


def _address(text: str) -> tuple[str, str]:
    """Return the host, as written, and the path of the first URL in a text."""
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
    parents = {name, *(name.split(".", i)[i] for i in range(1, name.count(".")))}
    if (
        not PAGES_ALONE.isdisjoint(parents)
        or not _OF_OTHERS.isdisjoint(parents - {name})
        or (path and not SOCIAL.isdisjoint(parents))
        or (path and any(map(_SOCIAL_ANYWHERE.fullmatch, parents)))
    ):
        raise UnusableError("is a page on another site, not the company's domain")
    if is_personal(name):
        raise UnusableError("is a personal email provider, not a company domain")
    if not _PLACEHOLDERS.isdisjoint(parents):
        raise UnusableError("is a placeholder, not a company domain")
    return name
