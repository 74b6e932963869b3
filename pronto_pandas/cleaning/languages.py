"""The words of each language: column names, and words that people write in and around names.

Each language has one file in ``data/``. ``tools.toml`` contains the headers of single tools, and
``other.toml`` the words of languages without a file. ``data/README.md`` explains the parts.
"""

# Why: docs/decisions/037-languages-are-data.md

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, Final

from .text import bare

Part = list[str] | dict[str, str]
"""A list of entries, or a table of examples, each with the regular expression that matches it."""

Language = Mapping[str, Mapping[str, Part]]
"""Maps sections to their parts."""

_FOLDER: Final = resources.files(__package__) / "data"


@functools.cache
def by_name() -> Mapping[str, Language]:
    """Return the words of each language and tool; the files are read once."""
    languages: dict[str, Language] = {}
    for name in read("common")["files"]:
        content = read(name)
        languages |= content if name == "tools" else {name: content}
    return languages


def read(name: str) -> dict[str, Any]:
    """Read one file of ``data/``."""
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def entries(section: str, part: str) -> list[str]:
    """Return the entries of a part, or its examples, in all languages."""
    return [entry for content in _in_all(section, part) for entry in content]


def pattern(section: str, part: str) -> str:
    """Return one regular expression for all patterns of a part, in all languages."""
    tables = _in_all(section, part)
    return "|".join(p for table in tables if isinstance(table, dict) for p in table.values())


def as_written(*parts: str) -> frozenset[str]:
    """Return entries of the section ``names`` as they are written."""
    return frozenset(entry for part in parts for entry in entries("names", part))


def plain(*parts: str) -> frozenset[str]:
    """Return entries of the section ``names`` as `bare` writes them."""
    return frozenset(map(bare, as_written(*parts)))


def alternatives(words: Iterable[str]) -> str:
    """Return a regular expression for any of the words; a space may follow a full stop."""
    escaped = map(re.escape, sorted(words))
    return "|".join(word.replace(r"\ ", r"\s+").replace(r"\.", r"\.\s?") for word in escaped)


def _in_all(section: str, part: str) -> list[Part]:
    languages = by_name().values()
    found = [words[section][part] for words in languages if part in words.get(section, {})]
    if not found:
        raise KeyError(f"no language has {section}.{part}")
    return found
