"""A DataFrame that is shown below a sentence with its totals."""

from __future__ import annotations

from html import escape

import pandas as pd


class Summarized(pd.DataFrame):
    """Shows ``attrs["summary"]`` above the table; a part of it is a DataFrame like any other."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        return f"{self.attrs.get('summary', '')}\n\n{super().__repr__()}".strip()

    def _repr_html_(self) -> str:
        table: str | None = pd.DataFrame._repr_html_(self)  # type: ignore[attr-defined]  # of pandas
        return f"<p>{escape(self.attrs.get('summary', ''))}</p>{table or ''}"
