"""From headers to fields: which column of the caller's frame holds which field of the API."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from ..errors import ColumnsError, ConfigurationError

SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "firstname": ("firstname", "first", "givenname", "forename", "prenom"),
    "lastname": ("lastname", "last", "surname", "familyname", "nom", "nomdefamille"),
    "company_name": (
        "companyname", "company", "organization", "organisation", "organizationname",
        "employer", "account", "accountname", "entreprise", "nomdelentreprise", "societe",
        "raisonsociale",
    ),
    "domain": (
        "domain", "companydomain", "companydomainname", "website", "companywebsite",
        "companyurl", "siteweb", "siteinternet", "domaine", "site",
    ),
    "linkedin_url": (
        "linkedinurl", "linkedin", "linkedinprofile", "linkedinprofileurl", "personlinkedinurl",
        "linkedinlink", "profileurl", "profillinkedin", "urllinkedin", "lienlinkedin",
    ),
}  # fmt: skip
"""What each field is called in people's lists, as `normalised` writes it; the best one first."""

FIELDS: Final = tuple(SPELLINGS)


def normalised(header: object) -> str:
    """Write a header without case, accents, spaces and punctuation."""
    decomposed = unicodedata.normalize("NFKD", str(header)).casefold()
    return "".join(char for char in decomposed if char.isalnum())


@dataclass(frozen=True)
class Columns:
    """Which column is which field.

    Parameters
    ----------
    positions : mapping of str to int
        The position in the frame of each field that was found.
    reasons : mapping of str to str
        Why it was taken.
    """

    positions: Mapping[str, int]
    reasons: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self.positions

    def table(self, df: pd.DataFrame) -> pd.DataFrame:
        """Return one row a field: header, an example, the filled share in percent, and why."""
        rows = []
        for name in FIELDS:
            values = df.iloc[:, self.positions[name]] if name in self else None
            present = None if values is None else values[filled(values)]
            rows.append(
                {
                    "field": name,
                    "header": None if values is None else str(values.name),
                    "example": None if present is None or present.empty else str(present.iloc[0]),
                    "filled %": 0.0 if values is None else _share(values),
                    "why": self.reasons.get(name, "not found"),
                }
            )
        return pd.DataFrame(rows).astype({"header": object, "example": object}).set_index("field")


def filled(values: pd.Series) -> pd.Series:
    """Say where a column has a value; missing and blank are the same."""
    present = values.notna()
    if not pd.api.types.is_numeric_dtype(values.dtype):
        present &= values.astype(object).map(lambda v: not isinstance(v, str) or v.strip() != "")
    return present.astype(bool)


def _share(values: pd.Series) -> float:
    return round(100 * float(filled(values).mean()), 1) if len(values) else 0.0


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
        The fields that were found. Where several columns could be one field, the best filled.
    """
    if df.columns.nlevels > 1:
        raise ColumnsError(
            "The frame's columns have several levels, so no header has one name. "
            'Flatten them first: df.columns = ["_".join(map(str, c)) for c in df.columns].'
        )
    positions: dict[str, int] = {}
    reasons: dict[str, str] = {}
    given = _overrides(df, overrides or {})
    spellings = {name: i for names in SPELLINGS.values() for i, name in enumerate(names)}
    written = [normalised(header) for header in df.columns]
    for name in FIELDS:
        if name in given:
            if given[name] >= 0:
                positions[name], reasons[name] = given[name], "said with columns="
            continue
        candidates = [p for p, text in enumerate(written) if text in SPELLINGS[name]]
        if not candidates:
            continue
        if len(candidates) == 1:
            positions[name], reasons[name] = candidates[0], "its header"
            continue
        candidates.sort(key=lambda p: (-_share(df.iloc[:, p]), spellings[written[p]]))
        others = ", ".join(repr(df.columns[p]) for p in candidates[1:])
        positions[name] = candidates[0]
        reasons[name] = f"its header; filled at least as well as {others}"
    return Columns(positions, reasons)


def _overrides(df: pd.DataFrame, overrides: Mapping[str, object]) -> dict[str, int]:
    given: dict[str, int] = {}
    for name, header in overrides.items():
        if name not in FIELDS:
            raise ConfigurationError(
                f"columns= names {name!r}, which is no field. The fields are {_listed(FIELDS)}."
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
        Fields of which at least one must be there, tuple by tuple.

    Raises
    ------
    ColumnsError
        With what is missing, what was found, and how to say it.
    """
    missing = [group for group in dict.fromkeys(needs) if not any(f in columns for f in group)]
    if not missing:
        return
    wanted = "; ".join("one of " + _listed(g) if len(g) > 1 else g[0] for g in missing)
    found = ", ".join(
        f"{name} in column {df.columns[place]!r}" for name, place in columns.positions.items()
    )
    example = ", ".join(f'"{group[0]}": "your header"' for group in missing)
    raise ColumnsError(
        f"The frame has no column for: {wanted}. Found: {found or 'none of the fields'}. "
        f"The frame's columns are {_listed(df.columns)}. "
        f"Say which it is with columns={{{example}}}. Nothing was sent."
    )


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "none"
