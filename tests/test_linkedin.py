"""LinkedIn: one person, one address."""

from __future__ import annotations

import pytest

from .seams.cleaning import UnusableError, linkedin, trimmed

ANA = "ana-ternwick"
MEMBER = "ACoAAABcD12efGhIjKlMn_oPqRs-TuVwXyZ0123"
ELEA = "%C3%A9lea-zorn"

PROFILES = [
    # Hosts and schemes
    ("https://www.linkedin.com/in/ana-ternwick/", ANA), ("linkedin.com/in/ana-ternwick", ANA),
    ("http://fr.linkedin.com/in/ana-ternwick", ANA),
    ("https://m.linkedin.com/in/ana-ternwick", ANA),
    ("mobile.linkedin.com/in/ana-ternwick", ANA), ("touch.www.linkedin.com/in/ana-ternwick", ANA),
    ("HTTPS://WWW.LINKEDIN.COM/IN/ANA-TERNWICK", ANA), ("https:/linkedin.com/in/ana-ternwick", ANA),
    ("https//www.linkedin.com/in/ana-ternwick", ANA), ("linkedin.com:443/in/ana-ternwick", ANA),
    ("linkedin.com./in/ana-ternwick", ANA), (r"linkedin.com\in\ana-ternwick", ANA),
    # Around the slug
    ("https://www.linkedin.com/mwlite/in/ana-ternwick", ANA),
    ("https://www.linkedin.com/comm/in/ana-ternwick?midToken=x", ANA),
    ("https://www.linkedin.com/public-profile/in/ana-ternwick", ANA),
    ("linkedin.com//in//ana-ternwick//", ANA), ("linkedin.com/in/ana-ternwick?trk=a&b=c#d", ANA),
    ("linkedin.com/in/ana-ternwick/en", ANA), ("linkedin.com/in/ana-ternwick/fr-fr/", ANA),
    ("linkedin.com/in/ana-ternwick/detail/contact-info/", ANA),
    ("linkedin.com/in/ana-ternwick/overlay/about-this-profile/", ANA),
    ("linkedin.com/in/ana-ternwick/recent-activity/all/", ANA),
    ("linkedin.com/in/ana-ternwick%3Ftrk%3Dx", ANA), ("linkedin.com/in/ana-ternwick&trk=x", ANA),
    # Without a host, and among other words
    ("in/ana-ternwick", ANA), ("/in/ana-ternwick/", ANA),
    ("LinkedIn: https://www.linkedin.com/in/ana-ternwick", ANA),
    ("LinkedIn:linkedin.com/in/ana-ternwick", ANA), ("<https://linkedin.com/in/ana-ternwick>", ANA),
    ("[Ana](https://www.linkedin.com/in/ana-ternwick/)", ANA),
    ('"linkedin.com/in/ana-ternwick"', ANA),
    ("my profile is linkedin.com/in/ana-ternwick.", ANA), ("'linkedin.com/in/ana-ternwick'", ANA),
    ("https%3A%2F%2Fwww.linkedin.com%2Fin%2Fana-ternwick", ANA),
    ("linkedin.com/in/ana-ternwick, linkedin.com/in/Ana-Ternwick?x", ANA),
    ("linkedin.com/company/acme linkedin.com/in/ana-ternwick", ANA),
    ("linkedin.com/in/ana-ternwick (Ana)", ANA), ("linkedin.com/in/ana-ternwick/ Ana", ANA),
    ("linkedin.com/in/ana-ternwick?x Ana", ANA),
    ("linkedin.com/in/ana-ternwick linkedin.com/in/ana-ternwick", ANA),
    # Behind a wall, and with what cannot be seen
    ("https://www.linkedin.com/authwall?trk=x&sessionRedirect="
     "https%3A%2F%2Fwww.linkedin.com%2Fin%2Fana-ternwick", ANA),
    ("linkedin.com/login?session_redirect=https%3A%2F%2Flinkedin.com%2Fin%2Fana-ternwick%2F", ANA),
    ("linkedin.com/in/ana-ternwick%20", ANA), ("linkedin.com/in/ana-ternwick%E2%80%8B", ANA),
    # Non-ASCII letters
    ("linkedin.com/in/élea-zorn", ELEA), ("linkedin.com/in/e\u0301lea-zorn", ELEA),
    ("linkedin.com/in/%C3%A9lea-zorn", ELEA), ("linkedin.com/in/%c3%a9lea-zorn", ELEA),
    ("linkedin.com/in/%25C3%25A9lea-zorn", ELEA), ("linkedin.com/in/e%CC%81lea-zorn", ELEA),
    ("linkedin.com/in/%C3%89lea-Zorn", ELEA),
    ("linkedin.com/in/未来-林", "%E6%9C%AA%E6%9D%A5-%E6%9E%97"),
    ("linkedin.com/in/مهر\u200cداد", "%D9%85%D9%87%D8%B1%E2%80%8C%D8%AF%D8%A7%D8%AF"),
    # Member ids
    (f"linkedin.com/in/{MEMBER}", MEMBER), (f"http://linkedin.com/in/{MEMBER}/?x", MEMBER),
    # Before 2015
    ("linkedin.com/pub/ana-ternwick/a7/576/b50", "ana-ternwick-b50576a7"),
    ("linkedin.com/pub/ana-ternwick/A7/576/B50?trk=x", "ana-ternwick-b50576a7"),
    ("de.linkedin.com/pub/ana-ternwick/1b/2/3c/", "ana-ternwick-03c0021b"),
    ("linkedin.com/pub/ana-ternwick/5/67/89a", "ana-ternwick-89a0675"),
    ("linkedin.com/pub/ana-ternwick/0/67/89a", "ana-ternwick-89a067"),
    ("linkedin.com/pub/ana-ternwick", ANA),
]  # fmt: skip

NONE = "is not a LinkedIn profile URL"
COMPANY = "is a company page, not a person's profile"
SALES = "is a Sales Navigator link, not a public profile URL"
RECRUITER = "is a LinkedIn Recruiter link, not a public profile URL"
CONTENT = "is a post, group, job or course, not a person's profile"
SPACE = "contains a space"
SEARCH = "is a search page, not a profile"

UNUSABLE = [
    ("https://www.linkedin.com/company/acme/", COMPANY), ("linkedin.com/school/acme", COMPANY),
    ("linkedin.com/showcase/acme", COMPANY), ("linkedin.com/mwlite/company/acme", COMPANY),
    ("https://www.linkedin.com/sales/lead/ACwAAABcD,NAME_SEARCH", SALES),
    ("linkedin.com/sales/people/ACwAAABcD", SALES), ("linkedin.com/sales/profile/1,x", SALES),
    ("linkedin.com/talent/profile/AEMAAABcD", RECRUITER),
    ("linkedin.com/recruiter/profile/1", RECRUITER),
    ("linkedin.com/cap/people/show/1", RECRUITER), ("linkedin.com/posts/ana-ternwick_x", CONTENT),
    ("linkedin.com/feed/update/urn:li:activity:1", CONTENT), ("linkedin.com/groups/1", CONTENT),
    ("linkedin.com/jobs/view/1", CONTENT), ("linkedin.com/learning/x", CONTENT),
    ("linkedin.com/pulse/x-ana-ternwick", CONTENT), ("linkedin.com/pub/dir/ana/ternwick", SEARCH),
    ("linkedin.com/search/results/people/?keywords=ana", SEARCH),
    ("linkedin.com/profile/view?id=123", "is an old LinkedIn link without a public profile"),
    ("https://lnkd.in/eAbC12", "is a short link; open it and use the full URL"),
    ("linkedin.com", "is the LinkedIn home page, not a profile"),
    ("https://www.linkedin.com/", "is the LinkedIn home page, not a profile"),
    ("linkedin.com/in/ana, linkedin.com/in/ben", "contains more than one profile URL"),
    ("https://www.linkedin.com/in/ana ternwick", SPACE), ("linkedin.com/in/ana 7", SPACE),
    ("linkedin.com/in/ana -ternwick", SPACE), ("linkedin.com/in/ana%20ternwick", SPACE),
    ("in/ana ternwick", SPACE),
    ("linkedin.com/in/j", NONE), ("https://www.linkedin.com/in/j", NONE),
    ("linkedin.com/in/jd", NONE), ("https://www.linkedin.com/in/jd/", NONE),
    ("https://www.linkedin.com/in/unknown/", NONE), ("linkedin.com/authwall", NONE),
    ("linkedin.com/authwall?sessionRedirect=https%3A%2F%2Fevil.example%2Fin%2Fana-x", NONE),
    ("linkedin.com/in/", NONE), ("linkedin.com/ana", NONE), ("linkedin.com/pub/", NONE),
    ("linkedin.com/in/me", NONE), ("https://www.linkedin.com/in/nan", NONE),
    ("linkedin.com/in/undefined/", NONE), ("linkedin.com/in/%E9lea", NONE),
    ("linkedin.com/in/--", NONE), ("linkedin.com/in/a%00b", NONE), ("linkedin.com/in/100%", NONE),
    ("ana-ternwick", NONE), ("@ana", NONE), ("Ana Ternwick", NONE), ("join/ana", NONE),
    # Other hosts that contain the word
    ("https://notlinkedin.com/in/ana", NONE), ("linkedin.com.evil.example/in/ana", NONE),
    ("https://evil.example/linkedin.com/in/ana", NONE), ("linkedin.company/in/ana", NONE),
    ("https://evil.example/?u=https://www.linkedin.com/in/ana", NONE),
    ("linkedin.comm/in/ana", NONE), ("linkedin.comin/ana", NONE),
    ("https://evil.example/#linkedin.com/in/ana", NONE), ("linkedin-com.example/in/ana", NONE),
    ("https://linkedin.com@evil.example/in/ana", NONE), ("linkedın.com/in/ana", NONE),
    ("https://linkedin.com%2eevil.example%2fin%2fana", NONE), ("linkedin.example/in/ana", NONE),
    ("https://evil.example%2Flinkedin.com/in/ana", NONE), ("ana@linkedin.com", NONE),
]  # fmt: skip


@pytest.mark.parametrize(("written", "slug"), PROFILES)
def test_a_profile_has_one_address(written: str, slug: str) -> None:
    """However it is written; again it is the same."""
    address = f"https://www.linkedin.com/in/{slug}/"
    assert linkedin(trimmed(written)) == address
    assert linkedin(address) == address


@pytest.mark.parametrize(("written", "reason"), UNUSABLE)
def test_what_is_no_persons_profile_has_a_reason_without_the_value(
    written: str, reason: str
) -> None:
    """It says what the address is instead, where that is known."""
    with pytest.raises(UnusableError) as info:
        linkedin(trimmed(written))
    assert str(info.value) == reason
    assert written not in reason
