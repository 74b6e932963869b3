"""Websites and emails: whose domain it is, in its one form."""

from __future__ import annotations

import pytest

from .seams.cleaning import UnusableError, domain, is_personal, of_email, other_hosts, trimmed

NONE = "is not a valid domain"
MAIL = "is a personal email provider, not a company domain"
NOBODY = "is a placeholder, not a company domain"
PAGE = "is a page on another site, not the company's domain"

DOMAINS = [
    ("acme.example", "acme.example"), ("WWW.Acme.Example", "acme.example"),
    ("mail.acme.example", "mail.acme.example"), ("www.www.acme.example", "acme.example"),
    ("www.com", "www.com"), ("acme.co.uk", "acme.co.uk"), ("a1-b.example", "a1-b.example"),
    # Addresses, also mistyped
    ("https://www.acme.example/", "acme.example"),
    ("http://Acme.Example/a?utm=x#y", "acme.example"),
    ("https//acme.example", "acme.example"), ("http:/acme.example", "acme.example"),
    ("http:acme.example", "acme.example"), ("https;//acme.example", "acme.example"),
    ("htp://acme.example", "acme.example"), ("https:// acme.example", "acme.example"),
    ("http://https://acme.example", "acme.example"), ("//acme.example/x", "acme.example"),
    (r"http:\\acme.example\x", "acme.example"), ("ftp://acme.example", "acme.example"),
    ("acme.example:443/path", "acme.example"), ("acme.example?utm=1", "acme.example"),
    ("acme.example#top", "acme.example"), ("ana:secret@acme.example:8080/x", "acme.example"),
    ("acme.example.", "acme.example"), ("*.acme.example", "acme.example"),
    ("<https://acme.example>", "acme.example"), ('"acme.example"', "acme.example"),
    ("https://acme.example/a,b;c", "acme.example"),
    # Among other words, where it cannot be anything else
    ("acme.example, acme2.example", "acme.example"), ("acme.example acme2.example", "acme.example"),
    ("acme.example; www.acme2.example", "acme.example"), ("acme.example | Berlin", "acme.example"),
    ("acme . example", "acme.example"), ("Website: acme.example", "acme.example"),
    ("see www.acme.example now", "acme.example"), ("https://acme.example (old)", "acme.example"),
    ("acme.example (old)", "acme.example"), ("[acme](https://acme.example)", "acme.example"),
    ("https%3A%2F%2Facme.example", "acme.example"),
    ("https%3A%2F%2Fwww.acme.example%2Fa", "acme.example"),
    # Mistyped or numbered
    ("www2.acme.example", "acme.example"), ("ww.acme.example", "acme.example"),
    ("wwww.acme.example", "acme.example"), ("https://www1.acme.example/", "acme.example"),
    ("ww2.acme.example", "ww2.acme.example"), ("ww.com", "ww.com"),
    # Emails
    ("ana@acme.example", "acme.example"), ("mailto:ana@acme.example?subject=x", "acme.example"),
    ("Ana <ana@acme.example>", "acme.example"), ("@acme.example", "acme.example"),
    # Non-ASCII letters
    ("bücher.example", "xn--bcher-kva.example"),
    ("https://BÜCHER.example/ä", "xn--bcher-kva.example"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("straße.example", "xn--strae-oqa.example"),
    ("acme。example", "acme.example"), ("ＡＣＭＥ.example", "acme.example"),
    ("shop.bücher.example", "shop.xn--bcher-kva.example"),
    # The owners of what others have pages and mailboxes at
    ("facebook.com", "facebook.com"), ("https://www.linkedin.com/", "linkedin.com"),
    ("amazon.com", "amazon.com"),
    ("x.com/?lang=de", "x.com"), ("github.com", "github.com"), ("google.com", "google.com"),
    ("livechat.example", "livechat.example"), ("notgmail.com", "notgmail.com"),
    ("gmail.com.example", "gmail.com.example"), ("yahoo.acme.example", "yahoo.acme.example"),
    ("outlook.example", "outlook.example"), ("myfacebook.com/acme", "myfacebook.com"),
]  # fmt: skip

UNUSABLE = [
    ("coming soon", NONE), ("acme", NONE), ("acme. example", NONE), ("Dr.Zorn Consulting", NONE),
    ("http:/acme", NONE), ("https://", NONE), ("http://[::1", NONE), ("http://[::1]/", NONE),
    ("192.168.0.1", NONE), ("http://10.0.0.1:80/", NONE), ("a..example", NONE),
    ("-a.example", NONE),
    ("a-.example", NONE), ("acme_x.example", NONE), (f"{'a' * 64}.example", NONE),
    (".".join(["a" * 60] * 5) + ".example", NONE), ("S.p.A.", NONE), ("B.V.", NONE),
    ("co.uk", NONE),
    ("com.br", NONE), ("localhost", NONE), ("http://localhost:3000", NONE), ("acme.local", NONE),
    ("server.internal", NONE), ("brochure.pdf", NONE), ("list.docx", NONE), ("logo.jpg", NONE),
    ("i❤.example", NONE), ("xn--.example", NONE), ("ä-.example", NONE), ("acme.123", NONE),
    # Mailboxes
    ("gmail.com", MAIL), ("ana@gmail.com", MAIL), ("GoogleMail.com", MAIL),
    ("https://gmail.com/", MAIL),
    ("outlook.com", MAIL), ("outlook.com.br", MAIL), ("hotmail.fr", MAIL), ("hotmail.co.uk", MAIL),
    ("live.nl", MAIL), ("msn.com", MAIL), ("yahoo.de", MAIL), ("yahoo.co.jp", MAIL),
    ("gmx.net", MAIL),
    ("fr.yahoo.com", MAIL), ("mail.yahoo.com", MAIL), ("webmail.orange.fr", MAIL), ("gmx.at", MAIL),
    ("web.de", MAIL), ("t-online.de", MAIL), ("orange.fr", MAIL), ("wanadoo.fr", MAIL),
    ("laposte.net", MAIL), ("libero.it", MAIL), ("uol.com.br", MAIL), ("telenet.be", MAIL),
    ("bluewin.ch", MAIL), ("icloud.com", MAIL), ("me.com", MAIL), ("proton.me", MAIL),
    ("protonmail.ch", MAIL), ("aol.com", MAIL), ("comcast.net", MAIL), ("qq.com", MAIL),
    ("163.com", MAIL), ("mail.ru", MAIL), ("yandex.kz", MAIL), ("naver.com", MAIL), ("wp.pl", MAIL),
    ("rediffmail.com", MAIL), ("seznam.cz", MAIL), ("mailinator.com", MAIL),
    # Pages
    ("facebook.com/acme", PAGE), ("https://de-de.facebook.com/acme/", PAGE),
    ("https://www.linkedin.com/company/acme", PAGE), ("instagram.com/acme", PAGE),
    ("https://twitter.com/acme", PAGE), ("x.com/acme", PAGE), ("youtube.com/@acme", PAGE),
    ("tiktok.com/@acme", PAGE), ("xing.com/companies/acme", PAGE), ("github.com/acme", PAGE),
    ("linktr.ee/acme", PAGE), ("linktr.ee", PAGE), ("https://sites.google.com/view/acme", PAGE),
    ("https://en.wikipedia.org/wiki/Acme", PAGE), ("amazon.de/stores/acme", PAGE),
    ("https://www.amazon.co.uk/acme", PAGE), ("etsy.com/shop/acme", PAGE),
    ("yelp.com/biz/acme", PAGE), ("yelp.de/biz/acme", PAGE), ("jobs.lever.co/acme", PAGE),
    ("boards.greenhouse.io/acme", PAGE), ("apply.workable.com/acme", PAGE),
    ("acme.workable.com", PAGE), ("web.archive.org/web/2020/https://acme.example", PAGE),
    ("acme.notion.site", PAGE), ("https://apps.apple.com/de/app/acme/id1", PAGE),
    ("play.google.com/store/apps/details?id=acme", PAGE), ("google.de/maps/acme", PAGE),
    # Mistyped, and what forms show
    ("acme.con", NONE), ("acme.cmo", NONE), ("acme.ocm", NONE), ("acme.comm", NONE),
    ("acme.vom", NONE), ("acme.nte", NONE), ("acme.ogr", NONE),
    ("example.com", NOBODY), ("https://www.test.com/", NOBODY), ("domain.com", NOBODY),
    ("ana@website.com", NOBODY),
    ("goo.gl/maps/x", PAGE), ("Https://Facebook.com/acme x", PAGE),
]  # fmt: skip


@pytest.mark.parametrize(("written", "sent"), DOMAINS)
def test_a_domain_has_one_form(written: str, sent: str) -> None:
    """However the website is written; again it is the same."""
    assert domain(trimmed(written)) == sent
    assert domain(sent) == sent


@pytest.mark.parametrize(("written", "reason"), UNUSABLE)
def test_what_is_no_companys_domain_has_a_reason_without_the_value(
    written: str, reason: str
) -> None:
    """The domain of a mailbox or of a network would find somebody else of that name."""
    with pytest.raises(UnusableError) as info:
        domain(trimmed(written))
    assert str(info.value) == reason
    assert written not in reason


def test_an_emails_domain_goes_by_the_same_rules() -> None:
    """A website in the column of emails is none."""
    assert of_email("Ana <ana@Mail.Acme.example>") == "mail.acme.example"
    assert of_email("ana@bücher.example") == "xn--bcher-kva.example"
    for written, reason in [
        ("ana@gmail.com", MAIL),
        ("acme.example", "is not a valid email address"),
        ("https://acme.example/@ana", "is not a valid email address"),
        ("ana@acme", "is not a valid email address"),
    ]:
        with pytest.raises(UnusableError, match=reason):
            of_email(written)


def test_hosts_of_mailboxes() -> None:
    """The table is in the form that hosts are compared in."""
    providers = other_hosts().email_providers
    assert len(providers) >= 100
    assert all(host == host.strip().lower() and is_personal(host) for host in providers)
    assert not is_personal("acme.example")
