"""Remove additions to a name: jobs, pronouns, nicknames, titles, degrees."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final, NamedTuple

from . import given_names
from .languages import alternatives, as_written, pattern, plain
from .text import JOINERS, NOTHING, bare, composed

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


class _Words(NamedTuple):
    """Words that are added to names, in all languages."""

    leading: frozenset[str]
    degrees: frozenset[str]
    letters: frozenset[str]
    letters_or_surnames: frozenset[str]
    job_words: frozenset[str]
    at_words: frozenset[str]
    title_starts: frozenset[str]
    title_pattern: re.Pattern[str]
    title: re.Pattern[str]
    titles_behind: re.Pattern[str]
    degree: re.Pattern[str]
    maiden: re.Pattern[str]
    pronouns: re.Pattern[str]


@functools.cache
def _words() -> _Words:
    titles = alternatives(as_written("titles"))
    dotted = alternatives(as_written("dotted_titles"))
    suffixes = alternatives(as_written("title_suffixes"))
    pronouns, forms = (alternatives(as_written(p)) for p in ("pronouns", "pronoun_forms"))
    return _Words(
        leading=as_written("roles", "leading"),
        degrees=as_written("degrees"),
        letters=as_written("roles", "letters"),
        letters_or_surnames=as_written("letters_or_surnames"),
        job_words=plain("job_words"),
        at_words=as_written("at_words"),
        title_starts=frozenset(title.split()[0].casefold() for title in as_written("titles")),
        title_pattern=re.compile(pattern("names", "title_patterns"), re.IGNORECASE),
        title=re.compile(
            rf"^(?:(?:{pattern('names', 'title_patterns')}"
            rf"|(?:{titles})(?:\.\s*|\s+)|(?:{dotted})\.\s*)(?:(?:{suffixes})\.\s*)*)+(?=\w)",
            re.IGNORECASE,
        ),
        # The short ones only with their full stop.
        titles_behind=re.compile(
            rf"(?:(?:{titles}|{pattern('names', 'behind_patterns')})\.?(?!\w)\s*"
            rf"|(?:{dotted}|{suffixes})\.\s*)+",
            re.IGNORECASE,
        ),
        degree=re.compile(pattern("names", "degree_patterns")),
        maiden=re.compile(rf"(?<=\w)[ ,]+(?:{pattern('names', 'maiden_patterns')}) .*", re.DOTALL),
        pronouns=re.compile(
            rf"(?<!\w)(?:{pronouns})\s?/\s?(?:{forms})(?:\s?/\s?\w+)?(?!\w)", re.IGNORECASE
        ),
    )


def is_clean(text: str) -> bool:
    """Return whether no rule would change a name: the fast path for nearly all names."""
    if not _ORDINARY.fullmatch(text):
        return False
    first, space, _ = text.partition(" ")
    if not space:
        return True
    words = _words()
    if first in words.leading or words.maiden.search(text):
        return False
    # The first two tests are faster than the rule.
    may_be_title = first.casefold() in words.title_starts or words.title_pattern.match(text)
    if may_be_title and words.title.match(text):
        return False
    return _without_last_degree(text) == text and NOTHING.isdisjoint(text.split())


def cleaned(text: str, least: int = 2) -> str:
    """Apply all rules until none changes anything; skip a rule that would leave no letter.

    A symbol ends the name, as "|" does, if at least ``least`` words precede it.
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
    return _words().maiden.sub("", _JOB_BEHIND.sub("", text))


def _without_brackets(text: str) -> str:
    text = _QUOTED.sub(" ", _BRACKETS.sub(" ", text))
    return _words().pronouns.sub(" ", _UNCLOSED.sub("", text))


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
    text = ", ".join([head, *(part for part in behind if not _is_no_name(part, head))])
    while (shorter := _without_last_degree(text)) != text:
        text = shorter
    return text.rstrip(", ")


def _without_last_degree(text: str) -> str:
    head, _, last = text.rpartition(" ")
    rest, _, last_but_one = head.rpartition(" ")
    if rest and _words().degree.fullmatch(f"{last_but_one} {last}"):  # "M. Sc."
        return rest
    return head if head and _is_degree(last, text) else text


def _is_degree(word: str, text: str) -> bool:
    """Return whether the last word of a string is a degree or similar, not a name."""
    words = _words()
    if word in words.degrees or words.degree.fullmatch(word):
        return True
    return word in words.letters and not text.isupper()


def _is_no_name(part: str, head: str) -> bool:
    """Return whether the text after a comma is a degree, a title or a job, not a name."""
    words, behind = _words(), part.split()
    if any(bare(word) in words.job_words or word in words.at_words for word in behind):
        return True
    if words.titles_behind.fullmatch(part) or words.degree.fullmatch(part):
        return True
    unlisted = " " in head and not head.isupper()
    return all(
        _is_degree(word, head)
        or word in words.letters_or_surnames
        or (unlisted and len(word) > 2 and word.isupper())
        for word in behind
    )


def _without_title(text: str) -> str:
    words = _words()
    text = words.title.sub("", text)
    first, _, rest = text.partition(" ")
    if " " not in rest or rest.partition(" ")[0].isupper():  # "DI MATTEO Ugo"
        return text
    don = first == "D." and given_names.is_iberian(rest.split()[0])
    return rest if don or first in words.leading else text


def _without_nothing(text: str) -> str:
    """Remove placeholders that a program wrote for a missing part of a name: "Ana None"."""
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
