"""From headers to fields: which column of the caller's frame holds which field of the API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from ..arrays import any_of
from ..errors import ColumnsError, ConfigurationError
from . import column_profile
from .column_profile import filled as filled  # for others, too, as are the fields
from .headers import BARE, OWN, Meaning, Own, meanings
from .headers import FIELDS as FIELDS

_NAMES: Final = ("firstname", "lastname")
_ALL: Final = (*FIELDS, "fullname", *OWN)

GIVES_NO_DOMAIN: Final = "email"
"""A column of this name may be what a run has found; and a person who was asked for without that
must not become another one by it: to the ledger, who would be paid for again."""

_OF_A_RUN: Final = re.compile(r"phone|phones|phone_\d+")
"""Phones that a run has written, in a frame that has its ``pronto_status``."""


@dataclass(frozen=True)
class Columns:
    """Which column is which field.

    Parameters
    ----------
    positions : mapping of str to int
        The position in the frame of each field that was found, and of ``fullname``, where one
        column holds whole names.
    reasons : mapping of str to str
        Why it was taken, or why nothing was.
    own : mapping of str to tuple of int
        The positions of the emails and phones that the list has of its people, best first.
    """

    positions: Mapping[str, int]
    reasons: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[Own, tuple[int, ...]] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self.positions or name in self.own

    def table(self, df: pd.DataFrame) -> pd.DataFrame:
        """Return one row a field: header, an example, the filled share in percent, and why.

        The fields of the API are there always, the others where the frame has them.
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
        # Headers and cells may hold what the string dtype cannot.
        as_they_are = {name: pd.Series(table[name], dtype=object) for name in ("header", "example")}
        return pd.DataFrame(table | as_they_are).set_index("field")

    def _instead(self, name: str, df: pd.DataFrame) -> str:
        """Say where a field comes from that has no column of its own."""
        if name in _NAMES and "fullname" in self:
            return "part of fullname"
        emails = [df.columns[place] for place in self.own.get("email", ())]
        if name == "domain" and any(header != GIVES_NO_DOMAIN for header in emails):
            return "of work emails"
        return "not found"

    def overrides(self, df: pd.DataFrame) -> dict[str, object]:
        """Return what was found as the ``columns=`` of other pieces of the same list."""
        headers: list[object] = list(df.columns)
        found = {name: headers[place] for name, place in self.positions.items()}
        return {name: header for name, header in found.items() if headers.count(header) == 1}

    def _places(self, name: str) -> tuple[int, ...]:
        if name in self.positions:
            return (self.positions[name],)
        return next((self.own[kind] for kind in self.own if kind == name), ())


def _described(columns: list[pd.Series]) -> dict[str, Any]:
    """Return what the table says of one column, or of several that hold the same."""
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

    Parameters
    ----------
    df : DataFrame
        The caller's frame.
    overrides : mapping, optional
        Field to header, where the caller knows better; None as header leaves the field out.

    Returns
    -------
    Columns
        The fields that were found. Where several columns could be one field, the one of the
        better header, then the better filled.
    """
    if df.columns.nlevels > 1:
        raise ColumnsError(
            "The frame's columns have several levels, so no header has one name. "
            'Flatten them first: df.columns = ["_".join(map(str, c)) for c in df.columns].'
        )
    given = _overrides(df, {} if overrides is None else overrides)
    positions: dict[str, int] = {}
    reasons = {name: "said with columns=" for name, place in given.items() if place >= 0}
    own: dict[Own, tuple[int, ...]] = {}
    candidates = _candidates(df, given)
    for name in (*FIELDS, "fullname"):
        if name not in given:
            place, why = _chosen(df, name, candidates[name])
            if why:
                reasons[name] = why
        else:
            place = given[name]
        if place >= 0:
            positions[name] = place
    for kind in OWN:
        places = (given[kind],) if kind in given else _own(candidates[kind])
        if places and places[0] >= 0:
            own[kind] = places
            reasons.setdefault(kind, "its header" if len(places) == 1 else "their headers")
    return Columns(positions, reasons, own)


@dataclass(frozen=True)
class _Candidate:
    """A column that may hold a field, by its header."""

    place: int
    meaning: Meaning


def _candidates(df: pd.DataFrame, given: Mapping[str, int]) -> dict[str, list[_Candidate]]:
    """Return for each field the columns that may hold it."""
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
    """Say which name a column is that is called "Name": the one that is missing, or all of it."""
    others = [name for name in _NAMES if there[name] >= 0]
    if len(others) != 1:
        return "fullname"
    if column_profile.mostly_holds(df.iloc[:, place], df.iloc[:, there[others[0]]]):
        return "fullname"
    return "lastname" if others == ["firstname"] else "firstname"


def _own(candidates: list[_Candidate]) -> tuple[int, ...]:
    best = sorted(candidates, key=lambda c: (c.meaning.tier, c.meaning.order, c.place))
    return tuple(c.place for c in best)


def _chosen(df: pd.DataFrame, name: str, candidates: list[_Candidate]) -> tuple[int, str]:
    """Choose the column of a field; return its position, or -1, and why."""
    if len(candidates) == 1 and name not in column_profile.MISPLACED:
        return candidates[0].place, "its header"
    looks = {c: column_profile.look(df.iloc[:, c.place], name) for c in candidates}
    ranks: dict[_Candidate, tuple[float, ...]] = {}
    for candidate, look in looks.items():
        meaning = candidate.meaning
        if look.usable > 0.5 if meaning.by_content else not look.misplaced:
            kind = (look.usable == 0, look.filled == 0, meaning.tier)
            ranks[candidate] = (*kind, -look.filled * look.usable, meaning.order, candidate.place)
    if not ranks:
        held = [c for c in candidates if looks[c].misplaced and not c.meaning.by_content]
        if not held:
            return -1, ""
        return -1, f"{df.columns[held[0].place]!r} holds {column_profile.MISPLACED[name][1]}"
    best, *others = sorted(ranks, key=ranks.__getitem__)
    why = "its values" if best.meaning.by_content else "its header"
    fuller: list[str] = []
    worse: list[str] = []
    for other in others:
        same = other.meaning.tier == best.meaning.tier and looks[other].filled <= looks[best].filled
        (fuller if same else worse).append(repr(df.columns[other.place]))
    if fuller:
        why += f"; filled at least as well as {', '.join(fuller)}"
    return best.place, why + (f"; rather than {', '.join(worse)}" if worse else "")


def _overrides(df: pd.DataFrame, overrides: Mapping[str, object]) -> dict[str, int]:
    if not isinstance(overrides, Mapping):
        raise ConfigurationError(
            'columns must be a dict, field to header: columns={"firstname": "Vorname"}. '
            "Nothing was sent."
        )
    given: dict[str, int] = {}
    for name, header in overrides.items():
        if name not in _ALL:
            raise ConfigurationError(
                f"columns= names {name!r}, which is no field. The fields are {_listed(_ALL)}."
            )
        given[name] = -1 if header is None else position(df, header, f"columns={{{name!r}: …}}")
        twice = [n for n, place in given.items() if place == given[name] >= 0 and n != name]
        if twice:
            raise ConfigurationError(
                f"columns= names {header!r} for {twice[0]} and for {name}. Each field has a column "
                "of its own. Nothing was sent."
            )
    return given


def position(df: pd.DataFrame, header: object, said_by: str) -> int:
    """Return where the one column of this header is, or raise an error that lists the headers."""
    places = [i for i, name in enumerate(df.columns) if name == header]
    if len(places) == 1:
        return places[0]
    if places:
        raise ColumnsError(
            f"{said_by} names {header!r}, and the frame has {len(places)} columns of that name. "
            "Rename one of them. Nothing was sent."
        )
    raise ColumnsError(
        f"{said_by} names {header!r}, which the frame does not have. It has {_listed(df.columns)}. "
        "Nothing was sent."
    )


def require(df: pd.DataFrame, columns: Columns, needs: Iterable[tuple[str, ...]]) -> None:
    """Raise one error for all that is missing.

    Parameters
    ----------
    df : DataFrame
        The caller's frame.
    columns : Columns
        What was found.
    needs : iterable of tuple of str
        Fields of which at least one must be there, tuple by tuple. ``fullname`` is both names, and
        the list's own emails have a domain.

    Raises
    ------
    ColumnsError
        With what is missing, what was found, and how to say it.
    """
    missing = [group for group in dict.fromkeys(needs) if not any(f in columns for f in group)]
    for stand_in, fields in (("fullname", set(_NAMES)), ("email", {"domain"})):
        if stand_in in columns:
            missing = [group for group in missing if not fields & set(group)]
    if not missing:
        return
    wanted = "; ".join("one of " + _listed(g) if len(g) > 1 else g[0] for g in missing)
    found = ", ".join(
        f"{name} in column {df.columns[place]!r}" for name, place in columns.positions.items()
    )
    example = ", ".join(f'"{group[0]}": "your header"' for group in missing)
    whole = ""
    if any(set(group) & set(_NAMES) for group in missing):
        whole = ' One column of whole names does too: columns={"fullname": "your header"}.'
    raise ColumnsError(
        f"The frame has no column for: {wanted}. Found: {found or 'none of the fields'}. "
        f"The frame's columns are {_listed(df.columns)}. "
        f"Say which it is with columns={{{example}}}.{whole} Nothing was sent."
    )


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "none"
