"""What stands beside a name, and how it goes: jobs, pronouns, nicknames, titles, degrees."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final

from . import words
from .text import JOINERS, NOTHING, composed
from .words import bare

# Letters with single spaces, hyphens and apostrophes between them; not the mathematical ones.
_ORDINARY: Final = re.compile(
    r"[^\W\d_\U0001d400-\U0001d7ff]+(?:[ '’-][^\W\d_\U0001d400-\U0001d7ff]+)*"
)

_JOB_BEHIND: Final = re.compile(r"\s*[|•¦].*| +(?:@|[–—-]+) .*| [·‧∙⋅].*|[·‧∙⋅] .*", re.DOTALL)
_BRACKETS: Final = re.compile(
    r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|（[^（）]*）|【[^【】]*】|<[^<>]*>"
)
_UNCLOSED: Final = re.compile(r"(?<=\w)\s*[(\[{（【<].*", re.DOTALL)
_QUOTED: Final = re.compile(
    r"\"[^\"]*\"|“[^“”]*”|„[^„“”]*[“”]|«[^«»]*»|(?<!\w)(?:'\w{2,}'|‘\w{2,}’|`\w{2,}`)(?!\w)"
)
_TITLE: Final = re.compile(
    r"^(?:(?:mag\.\s?a\.?\s+|(?:dipl\.?[-\s]*[a-z]{3,5}|dr\.?-\s?ing)\.\s*|(?:dott|prof)\.ssa\s+"
    rf"|(?:{'|'.join(words.TITLES)})(?:\.\s*|\s+)|(?:{'|'.join(words.DOTTED_TITLES)})\.\s*"
    r"|m\.\s+(?=\w{2})|dato['’]\s+|(?:c\.\s?p|p\.\s?i|h\.\s?e)\.\s+(?=\w{2,}\s+\w)"
    r"|[مد]\.\s*(?=\w{2}))"
    r"(?:(?:h\.\s?c|med|jur|iur|phil|rer|nat|pol|oec|mult|habil|dent|vet|theol|öğr)\.\s*|üyesi\s+)*)+(?=\w)",
    re.IGNORECASE,
)
# Behind a comma; the short ones with their full stop alone.
_TITLES_BEHIND: Final = re.compile(
    rf"(?:(?:{'|'.join(words.TITLES)}|dipl\.?[-\s]*[a-z]{{2,6}}|dr\.?-\s?ing)\.?(?!\w)\s*"
    rf"|(?:{'|'.join(words.DOTTED_TITLES)}|h\.\s?c|med|jur|iur|phil|rer|nat|pol|oec|dent|vet)\.\s*)+",
    re.IGNORECASE,
)
# Not the N/A of a program: "#N/A", "#REF!".
_HASHTAGS: Final = re.compile(r"#[^\W\d_]\w+(?![\w/!?])")
_LISTED: Final = re.compile(r"\s*[;；，、]\s*(?=\S)")
_TORN: Final = re.compile(r"(?<!\w)([OoDd]['’´`]) (?=\w)")
_STOPPED: Final = re.compile(r"[^\W\d_]{3}\.$")
_SPACED_SIGNS: Final = "~*>:"
_ENDS: Final = ' ,;:!?/\\"“”„«»‹›·()[]{}<>-–—+&|•·'
_STYLED: Final = re.compile(r"[\U0001d400-\U0001d7ff]+")
_KEPT_SYMBOLS: Final = "`´+<>|"  # apostrophes of a sort, and what the other rules look for
_DROPPED: Final = "*#_†‡§¶\ufe0e\ufe0f"


def stands_alone(text: str) -> bool:
    """Say whether nothing stands beside a name: the quick way for nearly all of them."""
    if not _ORDINARY.fullmatch(text):
        return False
    first, _, rest = text.partition(" ")
    if not rest:
        return True
    if first.casefold() in words.TITLES or first in words.LEADING or words.MAIDEN.search(text):
        return False
    if _is_degree(rest.rpartition(" ")[2], text):
        return False
    return NOTHING.isdisjoint(text.split())


def alone(text: str, least: int = 2) -> str:
    """Apply all rules until none changes anything; one that leaves no letter is not applied.

    Parameters
    ----------
    text : str
        A name and what stands beside it.
    least : int
        How many words are a name: behind so many a symbol ends it, as "|" does.
    """
    before = None
    while text != before:
        before = text
        for rule in (functools.partial(_until_symbol, least=least), *_RULES):
            shorter = composed(rule(text))
            if any(map(str.isalpha, shorter)):
                text = shorter
    return text


def _until_symbol(text: str, least: int) -> str:
    text = _HASHTAGS.sub(" ", text)
    for at, char in enumerate(text):
        if not char.isascii():
            ends = unicodedata.category(char) in {"So", "Sm"} and char not in _KEPT_SYMBOLS
        else:
            ends = char in _SPACED_SIGNS and text[at - 1 : at + 2] == f" {char} "
        if ends and sum(any(map(str.isalpha, word)) for word in text[:at].split()) >= least:
            return text[:at]
    return text


def _without_job(text: str) -> str:
    return words.MAIDEN.sub("", _JOB_BEHIND.sub("", text))


def _without_brackets(text: str) -> str:
    text = _QUOTED.sub(" ", _BRACKETS.sub(" ", text))
    return words.PRONOUNS.sub(" ", _UNCLOSED.sub("", text))


def _without_symbols(text: str) -> str:
    """Remove pictures and signs; letters in mathematical fonts become letters."""
    text = _STYLED.sub(lambda styled: unicodedata.normalize("NFKC", styled[0]), text)
    text = "".join(" " if _is_symbol(char) else char for char in text)
    if not any(joiner in text for joiner in JOINERS):
        return text
    around = zip(f" {text}", text, f"{text[1:]} ", strict=False)
    return "".join(c for b, c, a in around if c not in JOINERS or (_is_letter(b) and _is_letter(a)))


def _is_symbol(char: str) -> bool:
    if char.isalnum() or char in _KEPT_SYMBOLS:
        return False
    return char in _DROPPED or unicodedata.category(char) in {"So", "Sm", "Sc", "Sk", "Me", "Co"}


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM"  # a mark can carry a joiner


def _without_degrees(text: str) -> str:
    head, *behind = (part.strip() for part in _LISTED.sub(", ", text).split(","))
    text = ", ".join([head, *(part for part in behind if not _is_said_of(part, head))])
    while " " in text:
        two, one = text.rsplit(" ", 2)[1:], text.rpartition(" ")[2]
        if len(two) == 2 and words.AFTER.fullmatch(" ".join(two)) and text.count(" ") > 1:
            text = text.rsplit(" ", 2)[0]  # "M. Sc."
        elif _is_degree(one, text):
            text = text.rpartition(" ")[0]
        else:
            break
    return text.rstrip(", ")


def _is_degree(word: str, text: str) -> bool:
    """Say whether the last word of a text is a degree or the like, not a name."""
    if word in words.DEGREES or words.AFTER.fullmatch(word):
        return True
    return word in words.LETTERS and not text.isupper()


def _is_said_of(part: str, head: str) -> bool:
    """Say whether a part behind a comma holds degrees or a job, not a name."""
    if not part:
        return True
    behind = part.split()
    if any(bare(word) in words.JOBS or word in words.JOINING for word in behind):
        return True
    if _TITLES_BEHIND.fullmatch(part):
        return True
    unlisted = " " in head and not head.isupper()
    return words.AFTER.fullmatch(part) is not None or all(
        _is_degree(word, head)
        or word in words.SURNAMES
        or (unlisted and len(word) > 2 and word.isupper())
        for word in behind
    )


def _without_title(text: str) -> str:
    text = _TITLE.sub("", text)
    first, _, rest = text.partition(" ")
    if " " not in rest or rest.partition(" ")[0].isupper():  # "DI MATTEO Ugo"
        return text
    don = first == "D." and words.is_iberian(rest.split()[0])
    return rest if don or first in words.LEADING else text


def _without_nothing(text: str) -> str:
    """Remove what a program joined to a name for a value that it had not."""
    return " ".join(word for word in text.split() if word.strip(",") not in NOTHING)


def _without_edges(text: str) -> str:
    """Remove punctuation around a name; an apostrophe and an initial's full stop belong to it."""
    text = _TORN.sub(r"\1", text.lstrip(_ENDS + ".").rstrip(_ENDS))
    if text.endswith(".") and (not text[-2:-1].isalpha() or _STOPPED.search(text)):
        text = text.rstrip(". ")
    quotes = text[:1], text[-1:]
    return text[1:-1] if quotes in {("'", "'"), ("‘", "’"), ("’", "’"), ("`", "`")} else text


_RULES: Final = (
    _without_job,
    _without_brackets,
    _without_symbols,
    _without_degrees,
    _without_title,
    _without_nothing,
    _without_edges,
)
