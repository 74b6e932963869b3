"""Find the column of each field: by its header, and by its cells if several could be it."""

# Why: docs/decisions/022-columns.md

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from ..arrays import any_of
from ..errors import ColumnsError, ConfigurationError
from . import column_profile, contents
from .column_profile import Profile
from .column_profile import filled as filled  # also for other modules, like FIELDS
from .headers import BARE, OWN, Meaning, Own, meanings
from .headers import FIELDS as FIELDS

_NAMES: Final = ("firstname", "lastname")
_ALL: Final = (*FIELDS, "fullname", *OWN)

GIVES_NO_DOMAIN: Final = "email"
"""A column with this name may contain emails found by a run. If their domains were used, the ledger
would not recognize the person in the next run, and the user would pay again."""

_OF_A_RUN: Final = re.compile(r"phone|phones|phone_\d+")
"""Columns of phones that a run has written, if the DataFrame has its ``pronto_status``."""


@dataclass(frozen=True)
class Columns:
    """The column of each field; ``fullname`` is a column of full names.

    Columns of emails and phones that the DataFrame already has are in ``own``, best first.
    """

    positions: Mapping[str, int]
    reasons: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[Own, tuple[int, ...]] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self.positions or name in self.own

    def table(self, df: pd.DataFrame) -> pd.DataFrame:
        """Return one row per field: header, an example, the filled share in percent, and why.

        The fields of the API are always included, others only if the DataFrame has them.
        """
        rows = [
            {
                "field": name,
                **_described([df.iloc[:, place] for place in self._places(name)]),
                "why": self.reasons.get(name) or self._instead(name, df),
            }
            for name in _ALL
            if name in FIELDS or name in self
        ]
        table = {name: [row[name] for row in rows] for name in rows[0]}
        # Headers and cells may contain what the string dtype cannot.
        as_they_are = {name: pd.Series(table[name], dtype=object) for name in ("header", "example")}
        return pd.DataFrame(table | as_they_are).set_index("field")

    def _instead(self, name: str, df: pd.DataFrame) -> str:
        """Return the source of a field that has no column."""
        if name in _NAMES and "fullname" in self:
            return "split from fullname"
        emails = [df.columns[place] for place in self.own.get("email", ())]
        if name == "domain" and any(header != GIVES_NO_DOMAIN for header in emails):
            return "from work emails"
        return "not found"

    def overrides(self, df: pd.DataFrame) -> dict[str, object]:
        """Return the columns found, to pass as ``columns=`` for other chunks of the same data.

        A field that was not found is None. If a later chunk were found to have it by its content,
        a person in both chunks would have two keys, and would be requested twice.
        """
        headers: list[object] = list(df.columns)
        found = {name: headers[place] for name, place in self.positions.items()}
        absent = {name: None for name in FIELDS if name not in self.positions}
        return absent | {name: h for name, h in found.items() if headers.count(h) == 1}

    def _places(self, name: str) -> tuple[int, ...]:
        if name in self.positions:
            return (self.positions[name],)
        return next((self.own[kind] for kind in self.own if kind == name), ())


def _described(columns: list[pd.Series]) -> dict[str, Any]:
    """Return the table's cells for one column, or for several with the same kind of values."""
    if not columns:
        return {"header": None, "example": None, "filled %": 0.0}
    masks = [filled(values).to_numpy() for values in columns]
    examples = (values[mask] for values, mask in zip(columns, masks, strict=True))
    return {
        "header": ", ".join(str(values.name) for values in columns),
        "example": next((str(values.iloc[0]) for values in examples if len(values)), None),
        "filled %": round(100 * float(any_of(masks).mean()), 1) if len(masks[0]) else 0.0,
    }


def find(df: pd.DataFrame, overrides: Mapping[str, object] | None = None) -> Columns:
    """Find the column of each field.

    ``overrides`` maps fields to headers; a header of None leaves the field out. If several columns
    match a field, the one with the better header is chosen; if the headers are equally good, the
    fuller column.
    """
    _require_one_level(df)
    given = _overrides(df, {} if overrides is None else overrides)
    candidates = _candidates(df, given)
    positions: dict[str, int] = {}
    reasons = {name: "set with columns=" for name, place in given.items() if place >= 0}
    for name in (*FIELDS, "fullname"):
        place, why = (given[name], "") if name in given else _chosen(df, name, candidates[name])
        if why:
            reasons[name] = why
        if place >= 0:
            positions[name] = place
    own = {kind: places for kind in OWN if (places := _own(kind, given, candidates))}
    if "linkedin_url" not in {*positions, *given}:
        place, why = _profiles(df, positions, own)
        if why:
            reasons["linkedin_url"] = why
        if place >= 0:
            positions["linkedin_url"] = place
    for kind, places in own.items():
        reasons.setdefault(kind, "column name" if len(places) == 1 else "column names")
    return Columns(positions, reasons, own)


def _require_one_level(df: pd.DataFrame) -> None:
    if df.columns.nlevels > 1:
        raise ColumnsError(
            "The DataFrame has MultiIndex columns. Flatten them first: "
            'df.columns = ["_".join(map(str, c)) for c in df.columns]. Nothing was sent.'
        )


@dataclass(frozen=True)
class _Candidate:
    """A column that may be a field, by its header."""

    place: int
    meaning: Meaning


def _candidates(df: pd.DataFrame, given: Mapping[str, int]) -> dict[str, list[_Candidate]]:
    """Return for each field the columns that may be it."""
    candidates: dict[str, list[_Candidate]] = {name: [] for name in _ALL}
    enriched = "pronto_status" in df.columns
    for place, header in enumerate(df.columns):
        written = enriched and _OF_A_RUN.fullmatch(str(header))
        for meaning in () if written or place in given.values() else meanings(header):
            candidates[meaning.field].append(_Candidate(place, meaning))
    there = {n: given.get(n, next((c.place for c in candidates[n]), -1)) for n in _NAMES}
    for candidate in [c for c in candidates["fullname"] if c.meaning.tier == BARE]:
        name = _which_name(df, candidate.place, there)
        candidates["fullname"].remove(candidate)
        candidates[name].append(candidate)
    return candidates


def _which_name(df: pd.DataFrame, place: int, there: Mapping[str, int]) -> str:
    """Return which name a column "Name" contains: the missing one, or the full name."""
    others = [name for name in _NAMES if there[name] >= 0]
    if len(others) != 1:
        return "fullname"
    if column_profile.mostly_contains(df.iloc[:, place], df.iloc[:, there[others[0]]]):
        return "fullname"
    return "lastname" if others == ["firstname"] else "firstname"


def _own(
    kind: Own, given: Mapping[str, int], candidates: Mapping[str, list[_Candidate]]
) -> tuple[int, ...]:
    """Return the columns of emails or phones, best first."""
    if kind in given:
        return (given[kind],) if given[kind] >= 0 else ()
    best = sorted(candidates[kind], key=lambda c: (c.meaning.tier, c.meaning.order, c.place))
    return tuple(c.place for c in best)


def _chosen(df: pd.DataFrame, name: str, candidates: list[_Candidate]) -> tuple[int, str]:
    """Choose the column of a field; return its position, or -1, and why."""
    if len(candidates) == 1 and name not in column_profile.MISPLACED:
        return candidates[0].place, "column name"
    profiles = {c: column_profile.profile(df.iloc[:, c.place], name) for c in candidates}
    fitting = [c for c in candidates if _fits(c, profiles[c])]
    if not fitting:
        return -1, _why_none(df, name, profiles)
    best, *others = sorted(fitting, key=lambda c: _rank(c, profiles[c]))
    return best.place, _why(df, best, others, profiles)


def _fits(candidate: _Candidate, profile: Profile) -> bool:
    return profile.usable > 0.5 if candidate.meaning.by_content else not profile.misplaced


def _rank(candidate: _Candidate, profile: Profile) -> tuple[float, ...]:
    meaning = candidate.meaning
    empty = (profile.usable == 0, profile.filled == 0)
    return (
        *empty, meaning.tier, -profile.filled * profile.usable, meaning.order, candidate.place,
    )  # fmt: skip


def _why_none(df: pd.DataFrame, name: str, profiles: Mapping[_Candidate, Profile]) -> str:
    """Describe what a column contains instead of the field that its header names."""
    for candidate, profile in profiles.items():
        if profile.misplaced and not candidate.meaning.by_content:
            contained = column_profile.MISPLACED[name][1]
            return f"{df.columns[candidate.place]!r} contains {contained}"
    return ""


def _why(
    df: pd.DataFrame,
    best: _Candidate,
    others: list[_Candidate],
    profiles: Mapping[_Candidate, Profile],
) -> str:
    """Return why a column was chosen over others."""
    equal: list[str] = []
    worse: list[str] = []
    for other in others:
        same_tier = other.meaning.tier == best.meaning.tier
        not_fuller = profiles[other].filled <= profiles[best].filled
        (equal if same_tier and not_fuller else worse).append(repr(df.columns[other.place]))
    why = "column values" if best.meaning.by_content else "column name"
    if equal:
        why += f"; has at least as many values as {', '.join(equal)}"
    return why + (f"; chosen over {', '.join(worse)}" if worse else "")


def _profiles(
    df: pd.DataFrame, positions: Mapping[str, int], own: Mapping[Own, tuple[int, ...]]
) -> tuple[int, str]:
    """Choose the only column of LinkedIn profiles, whatever its name; return it, or -1, and why."""
    places, of_others = contents.profiles(df, _unused(df, positions, own), positions)
    if len(places) == 1:
        return places[0], "by its content"
    if not places and not of_others:
        return -1, ""
    headers = [df.columns[place] for place in places or of_others]
    why = f"{' and '.join(map(repr, headers))} contain{'s' * (len(headers) == 1)} LinkedIn profiles"
    if not places:
        why += " without the names in their rows"
    return (
        -1,
        f'{why}; if they are of these people: columns={{"linkedin_url": {_code(headers[0])}}}',
    )


def _unused(
    df: pd.DataFrame, positions: Mapping[str, int], own: Mapping[Own, tuple[int, ...]]
) -> list[int]:
    """Return the columns that are no field, neither of the list nor of a run."""
    used = {*positions.values(), *(place for places in own.values() for place in places)}
    enriched = "pronto_status" in df.columns
    return [
        place
        for place, header in enumerate(df.columns)
        if place not in used and not (enriched and _OF_A_RUN.fullmatch(str(header)))
    ]


def _code(header: object) -> str:
    """Return a header as it is written in Python, by preference in double quotes."""
    plain = isinstance(header, str) and header.isprintable() and not {'"', "\\"} & set(header)
    return f'"{header}"' if plain else repr(header)


def _overrides(df: pd.DataFrame, overrides: Mapping[str, object]) -> dict[str, int]:
    if not isinstance(overrides, Mapping):
        raise ConfigurationError(
            "columns must be a dict that maps Pronto fields to column names, for example "
            'columns={"firstname": "Vorname"}. Nothing was sent.'
        )
    given: dict[str, int] = {}
    for name, header in overrides.items():
        if name not in _ALL:
            raise ConfigurationError(
                f"Unknown field {name!r} in columns=. Use one of {_listed(_ALL)}. Nothing was sent."
            )
        given[name] = -1 if header is None else position(df, header, f"columns={{{name!r}: …}}")
        twice = [n for n, place in given.items() if place == given[name] >= 0 and n != name]
        if twice:
            raise ConfigurationError(
                f"columns= maps {twice[0]} and {name} to the same column {header!r}. "
                "Use a different column for each. Nothing was sent."
            )
    return given


def position(df: pd.DataFrame, header: object, argument: str) -> int:
    """Return the position of the only column with this header, or raise an error."""
    places = [i for i, name in enumerate(df.columns) if name == header]
    if len(places) == 1:
        return places[0]
    if places:
        raise ColumnsError(
            f"{argument}: the DataFrame has {len(places)} columns named {header!r}. Rename one. "
            "Nothing was sent."
        )
    raise ColumnsError(
        f"{argument}: no column named {header!r}. Columns: {_listed(df.columns)}. Nothing was sent."
    )


def require(df: pd.DataFrame, columns: Columns, needs: Iterable[tuple[str, ...]]) -> None:
    """Raise one error for all missing fields; at least one field of each tuple is required."""
    missing = _missing(columns, needs)
    if not missing:
        return
    wanted = "; ".join("one of " + _listed(g) if len(g) > 1 else g[0] for g in missing)
    found = (f"{name} = {df.columns[place]!r}" for name, place in columns.positions.items())
    likely = _likely(df, columns, missing)
    headers: dict[str, object] = {}
    for group in missing:
        name, header = likely.get(group, (group[0], "your column"))
        headers[name] = header
    example = ", ".join(f'"{name}": {_code(header)}' for name, header in headers.items())
    seen = dict.fromkeys(f"{name} = {header!r}" for name, header in likely.values())
    by_content = f"Likely, by content: {_listed(seen)}. " if likely else ""
    full = ""
    if any(set(group) & set(_NAMES) and group not in likely for group in missing):
        full = ' For a column of full names: columns={"fullname": "your column"}.'
    raise ColumnsError(
        f"No column found for {wanted}. Recognized: {_listed(found)}. "
        f"All columns: {_listed(df.columns)}. {by_content}"
        f"Map what is missing with columns={{{example}}}.{full} Nothing was sent."
    )


_STAND_INS: Final = {"firstname": "fullname", "lastname": "fullname", "domain": "email"}
"""Fields that another one contains."""


def _likely(
    df: pd.DataFrame, columns: Columns, missing: Iterable[tuple[str, ...]]
) -> dict[tuple[str, ...], tuple[str, object]]:
    """Return for each group of missing fields a field and the column whose cells look like it."""
    unused = _unused(df, columns.positions, columns.own)
    known = dict(columns.positions)
    for kind, places in columns.own.items():
        known[kind] = places[0]
    found: dict[tuple[str, ...], tuple[str, object]] = {}
    for group in missing:
        also = [_STAND_INS[name] for name in group if name in _STAND_INS]
        suggested = ((n, contents.suggested(df, n, unused, known)) for n in (*group, *also))
        for name, place in suggested:
            if place is not None:
                found[group] = name, df.columns[place]
                break
    return found


def _missing(columns: Columns, needs: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the groups of fields without a column; full names and emails stand in for some."""
    stand_ins = {"fullname": set(_NAMES), "email": {"domain"}}
    given = {name for name in _ALL if name in columns}
    for stand_in, fields in stand_ins.items():
        given |= fields if stand_in in columns else set()
    return [group for group in dict.fromkeys(needs) if given.isdisjoint(group)]


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "none"
