"""A card: a few named values under a title, as HTML for notebooks and as text."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

# All colours are those of the page, so the card works on light and dark pages.
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
    """A table whose first column names the rows; the other columns are numbers."""

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]

    def html(self) -> str:
        """Return the table as HTML, with column and row headers for screen readers."""
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
        first, *others = [max(map(len, column)) for column in zip(*lines, strict=True)]
        aligned = [
            "  ".join([name.ljust(first), *map(str.rjust, cells, others)]) for name, *cells in lines
        ]
        return "\n".join([f"  {self.caption}", *(f"    {line}".rstrip() for line in aligned)])


def html(
    title: str,
    rows: Mapping[str, object],
    note: str = "",
    tables: Iterable[Table] = (),
    picture: str = "",
) -> str:
    """Return a card as HTML. Everything is escaped except ``picture``, which `image` makes."""
    cells = "".join(
        f'<tr style="background:none"><th scope="row" style="{_CELL};font-weight:normal">'
        f'{escape(name)}</th><td style="{_CELL}"><b>{escape(str(value))}</b></td></tr>'
        for name, value in rows.items()
    )
    more = "".join(table.html() for table in tables)
    side_by_side = f'<div style="{_SIDE_BY_SIDE}">{more}</div>' if more else ""
    footer = f'<div style="margin-top:4px">{escape(note)}</div>' if note else ""
    return (
        f'<div style="{_CARD}"><b>{escape(title)}</b>'
        f'<table style="{_TABLE}">{cells}</table>'
        f"{side_by_side}{picture}{footer}</div>"
    )


def image(png: bytes, alt: str, width: int) -> str:
    """Return an image as HTML with embedded data, so that a saved notebook shows it anywhere."""
    data = base64.b64encode(png).decode()
    return (
        f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}" '
        f'style="display:block;width:{width}px;max-width:100%;margin:8px 0;background:none">'
    )


def text(
    title: str, rows: Mapping[str, object], note: str = "", tables: Iterable[Table] = ()
) -> str:
    """Return a card as lines of text."""
    width = max(map(len, rows), default=0)
    lines = [title, *(f"  {name:<{width}}  {value}" for name, value in rows.items())]
    return "\n".join([*lines, *(t.text() for t in tables), *([f"  {note}"] if note else [])])
