"""A card: a few named values under a title, in a notebook and as text."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

# Colours are the page's own, so it reads on light and on dark.
_CARD = "border:1px solid currentColor;border-radius:6px;padding:8px 12px;display:inline-block"
_CELL = "padding:1px 12px 1px 0;text-align:left;background:none"
_NUMBER = _CELL.replace("left", "right")
_TABLE = "margin:4px 0 0 0;border:none;border-collapse:collapse;font-size:inherit"
_SIDE_BY_SIDE = "display:flex;flex-wrap:wrap;align-items:flex-start;column-gap:28px"
_CAPTION = (
    "caption-side:top;text-align:left;font-weight:bold;color:inherit;padding:6px 0 2px 0;"
    "white-space:nowrap"
)


@dataclass(frozen=True)
class Table:
    """Rows under headers. The first column names its row; the others are numbers.

    Parameters
    ----------
    caption : str
        What the table shows.
    headers : sequence of str
        A name for each column.
    rows : sequence of sequence of str
        As many cells a row as there are headers.
    """

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]

    def html(self) -> str:
        """Return the table as HTML, each header said to be one of a column or of a row."""
        styles = [_CELL, *[_NUMBER] * (len(self.headers) - 1)]
        head = "".join(
            f'<th scope="col" style="{style};border-bottom:1px solid currentColor">'
            f"{escape(name)}</th>"
            for name, style in zip(self.headers, styles, strict=True)
        )
        body = "".join(
            f'<tr style="background:none"><th scope="row" style="{_CELL};font-weight:normal">'
            f"{escape(name)}</th>"
            + "".join(f'<td style="{_NUMBER}">{escape(cell)}</td>' for cell in cells)
            + "</tr>"
            for name, *cells in self.rows
        )
        return (
            f'<table style="{_TABLE}"><caption style="{_CAPTION}">{escape(self.caption)}</caption>'
            f'<thead><tr style="background:none">{head}</tr></thead><tbody>{body}</tbody></table>'
        )

    def text(self) -> str:
        """Return the table as lines of text."""
        lines = [self.headers, *self.rows]
        wide = [max(map(len, column)) for column in zip(*lines, strict=True)]
        first, *others = wide
        written = [
            "  ".join([name.ljust(first), *map(str.rjust, cells, others)]) for name, *cells in lines
        ]
        return "\n".join([f"  {self.caption}", *(f"    {line}".rstrip() for line in written)])


def html(
    title: str,
    rows: Mapping[str, object],
    note: str = "",
    tables: Iterable[Table] = (),
    picture: str = "",
) -> str:
    """Return a card as HTML; whatever stands in it is text, but for ``picture``: see `image`."""
    cells = "".join(
        f'<tr style="background:none"><th scope="row" style="{_CELL};font-weight:normal">'
        f'{escape(name)}</th><td style="{_CELL}"><b>{escape(str(value))}</b></td></tr>'
        for name, value in rows.items()
    )
    more = "".join(table.html() for table in tables)
    side_by_side = f'<div style="{_SIDE_BY_SIDE}">{more}</div>' if more else ""
    said = f'<div style="margin-top:4px">{escape(note)}</div>' if note else ""
    return (
        f'<div style="{_CARD}"><b>{escape(title)}</b>'
        f'<table style="{_TABLE}">{cells}</table>'
        f"{side_by_side}{picture}{said}</div>"
    )


def image(png: bytes, alt: str, width: int) -> str:
    """Return a picture as HTML that holds it, so that a notebook shows it wherever it is opened."""
    data = base64.b64encode(png).decode()
    return (
        f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}" '
        f'style="display:block;width:{width}px;max-width:100%;margin:8px 0;background:none">'
    )


def text(
    title: str, rows: Mapping[str, object], note: str = "", tables: Iterable[Table] = ()
) -> str:
    """Return a card as lines of text."""
    wide = max(map(len, rows), default=0)
    lines = [title, *(f"  {name:<{wide}}  {value}" for name, value in rows.items())]
    return "\n".join([*lines, *(t.text() for t in tables), *([f"  {note}"] if note else [])])
