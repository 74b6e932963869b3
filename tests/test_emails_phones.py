"""The list's own emails and phones."""

from __future__ import annotations

import pytest

from .seams.cleaning import UnusableError, emails_phones, trimmed

EMAILS = [
    ("ana@acme.example", "ana@acme.example"), ("Ana.T+x@ACME.Example", "Ana.T+x@acme.example"),
    ("mailto:ana@acme.example", "ana@acme.example"),
    ("MAILTO:ana@acme.example?cc=x", "ana@acme.example"),
    ("Ana <ana@acme.example>", "ana@acme.example"), ("Ana<ana@acme.example>", "ana@acme.example"),
    ('"Ternwick, Ana" <ana@acme.example>', "ana@acme.example"),
    ("ana@acme.example; ben@acme.example", "ana@acme.example"),
    ("ana@acme.example,ben@acme.example", "ana@acme.example"),
    ("none, ana@acme.example", "ana@acme.example"),
    ("ana@acme.example.", "ana@acme.example"), ("élea@bücher.example", "élea@bücher.example"),
    ("ana@gmail.com", "ana@gmail.com"), ("o'farrow@acme.example", "o'farrow@acme.example"),
]  # fmt: skip

NO_EMAILS = [
    "ana", "acme.example", "ana@acme", "@acme.example", "ana@", "ana@acme..example",
    ".ana@acme.example",
    "ana.@acme.example", "ana@ben@acme.example", "ana@10.0.0.1", f"{'a' * 65}@acme.example",
    "ana(at)acme.example",
]  # fmt: skip

PHONES = [
    # With a country, invented by the countries' own rules for that
    ("+44 20 7946 0649", "+442079460649"), ("0044 20 7946 0649", "+442079460649"),
    ("+44 (0)20 7946 0649", "+442079460649"), ("(+44) 20 7946 0649", "+442079460649"),
    ("+1 (312) 555-0106", "+13125550106"), ("+1 312 555 0106 ext. 7", "+13125550106"),
    ("tel:+13125550106", "+13125550106"), ("T: +44 20 7946 0649", "+442079460649"),
    ("+33 1 99 00 12 34; +33 1 99 00 12 35", "+33199001234"),
    ("＋44 20 7946 0649", "+442079460649"),
    ("+44 20 7946 0649/ +44 20 7946 0650", "+442079460649"),
    # Without
    ("02079460125", "02079460125"), ("020 7946 0125", "02079460125"),
    ("(312) 555-0106", "3125550106"),
    ("030/23125 0", "030231250"), ("01.99.00.12.34", "0199001234"),
    ("Tel.: 020–7946–0125", "02079460125"),
    ("Mobile 020 7946 0125", "02079460125"), ("٠٢٠٧٩٤٦٠١٢٥", "02079460125"), ("555-010", "555010"),
]  # fmt: skip

NO_PHONES = [
    "call me", "12345", "1234567890123456", "+1", "+999 123456789", "+44", "+44 123", "00", "+",
    "0049",
    "ana@acme.example",
    "3125550106x", "1e9", "+44 20 7946 0649 0649 0649 0649",
]  # fmt: skip


@pytest.mark.parametrize(("written", "address"), EMAILS)
def test_an_email_is_found(written: str, address: str) -> None:
    """The first one; what stands before the @ is its host's business."""
    assert emails_phones.email(trimmed(written)) == address


@pytest.mark.parametrize("written", NO_EMAILS)
def test_what_is_no_email(written: str) -> None:
    """The reason holds no value."""
    with pytest.raises(UnusableError, match=r"^is not a valid email address$"):
        emails_phones.email(trimmed(written))


def test_an_email_is_personal_by_its_host() -> None:
    """A mailbox of one's own, in any country."""
    assert emails_phones.is_personal("ana@gmail.com")
    assert emails_phones.is_personal("ana@yahoo.co.uk")
    assert not emails_phones.is_personal("ana@acme.example")
    assert not emails_phones.is_personal("gmail")


@pytest.mark.parametrize(("written", "number"), PHONES)
def test_a_phone_is_found(written: str, number: str) -> None:
    """With a country in E.164, else as its digits."""
    assert emails_phones.phone(trimmed(written)) == number


@pytest.mark.parametrize("written", NO_PHONES)
def test_what_is_no_phone(written: str) -> None:
    """The reason holds no value."""
    with pytest.raises(UnusableError, match=r"^is not a valid phone number$"):
        emails_phones.phone(trimmed(written))
