"""A card: values, tables and bars under a title, as HTML for notebooks and as text.

Labels and numbers are text, and bars are inline SVG next to them. A page that removes SVG, such as
a notebook that is not trusted, loses the bars and nothing else.
"""

# Why: docs/decisions/045-report-card.md

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from typing import Final, Literal

# Text has the colours of the page, so the card works on light and dark pages.
_CARD = "border:1px solid currentColor;border-radius:6px;padding:8px 12px;display:inline-block"
_CELL = "padding:1px 12px 1px 0;text-align:left;background:none"
_NUMBER = _CELL.replace("left", "right")
_TABLE = "margin:4px 0 0 0;border:none;border-collapse:collapse;font-size:inherit"
_SIDE_BY_SIDE = "display:flex;flex-wrap:wrap;align-items:flex-start;column-gap:28px"
_CAPTION = (
    "caption-side:top;text-align:left;font-weight:bold;color:inherit;padding:6px 0 2px 0;"
    "white-space:nowrap"
)
_NAME = f"{_CELL};font-weight:normal;overflow-wrap:anywhere;max-width:26em"

_WIDTH: Final = 150  # of a bar in HTML, in pixels
_HEIGHT: Final = 12
_CHARACTERS: Final = 20  # of a bar in text

Kind = Literal["found", "rest", "not sent", "problem"]

# A contrast of at least 3 to 1 with white and with the dark grey of editors.
_FILLS: Final[dict[Kind, str]] = {
    "found": 'fill="#2f8f63"',
    "rest": 'fill="#8b8b8b"',
    "not sent": 'fill="none" stroke="#8b8b8b" stroke-width="1.5"',
    "problem": 'fill="#cc6a1f"',
}


@dataclass(frozen=True)
class Bar:
    """A bar in a row of a table.

    Parameters
    ----------
    share : float
        The length, from 0 to 1.
    kind : str
        Chooses the colour. The text of the row says the same in words.
    title : str
        The bar in words, for screen readers and as a tooltip.
    whole : bool
        Whether the full length is outlined, as for a rate.
    """

    share: float
    kind: Kind
    title: str
    whole: bool = False

    def html(self) -> str:
        """Return the bar as inline SVG."""
        outline = (
            f'<rect x="0.5" y="0.5" width="{_WIDTH - 1}" height="{_HEIGHT - 1}" fill="none" '
            'stroke="#8b8b8b"/>'
        )
        length = max(2.0, self.share * (_WIDTH - 2)) if self.share else 0.0
        bar = f'<rect x="1" y="1" width="{length:.1f}" height="{_HEIGHT - 2}" {_FILLS[self.kind]}/>'
        return (
            f'<svg role="img" width="{_WIDTH}" height="{_HEIGHT}" '
            f'viewBox="0 0 {_WIDTH} {_HEIGHT}" style="vertical-align:middle">'
            f"<title>{escape(self.title)}</title>"
            f"{outline if self.whole else ''}{bar if length else ''}</svg>"
        )

    def text(self) -> str:
        """Return the bar as ASCII characters, which every terminal can show."""
        return "#" * math.ceil(self.share * _CHARACTERS - 0.5) or ("." if self.share else "")


@dataclass(frozen=True)
class Table:
    """A table whose first column names the rows; the other columns are numbers.

    A name that begins with spaces is indented. ``bars`` are drawn after the names, one per row.
    """

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    bars: Sequence[Bar | None] = ()

    def html(self) -> str:
        """Return the table as HTML, with column and row headers for screen readers."""
        first, *others = self.headers
        line = "border-bottom:1px solid currentColor"
        gap = f'<td style="{_CELL};{line}"></td>' if self.bars else ""
        head = f'<th scope="col" style="{_CELL};{line}">{escape(first)}</th>{gap}' + "".join(
            f'<th scope="col" style="{_NUMBER};{line}">{escape(name)}</th>' for name in others
        )
        body = "".join(
            f'<tr style="background:none"><th scope="row" style="{_NAME}{_indent(name)}">'
            f"{escape(name.strip())}</th>"
            + (f'<td style="{_CELL}">{bar.html() if bar else ""}</td>' if self.bars else "")
            + "".join(f'<td style="{_NUMBER}">{escape(cell)}</td>' for cell in cells)
            + "</tr>"
            for (name, *cells), bar in zip_longest(self.rows, self.bars)
        )
        return (
            f'<table style="{_TABLE}"><caption style="{_CAPTION}">{escape(self.caption)}</caption>'
            f'<thead><tr style="background:none">{head}</tr></thead><tbody>{body}</tbody></table>'
        )

    def text(self) -> str:
        """Return the table as lines of text."""
        names, *numbers = zip(self.headers, *self.rows, strict=True)
        columns = [_aligned(names, str.ljust)]
        if self.bars:
            drawn = ["", *(bar.text() if bar else "" for bar in self.bars)]
            columns.append(_aligned(drawn, str.ljust))
        columns += [_aligned(column, str.rjust) for column in numbers]
        lines = map("  ".join, zip(*columns, strict=True))
        return "\n".join([f"  {self.caption}", *(f"    {line}".rstrip() for line in lines)])


def _indent(name: str) -> str:
    spaces = len(name) - len(name.lstrip(" "))
    return f";padding-left:{spaces / 3:.1f}em" if spaces else ""


def _aligned(cells: Sequence[str], align: Callable[[str, int], str]) -> list[str]:
    """Bring the cells of a column to the same width."""
    width = max(map(len, cells))
    return [align(cell, width) for cell in cells]


def html(
    title: str,
    rows: Mapping[str, object],
    note: str = "",
    tables: Iterable[Table] = (),
    first: Iterable[Table] = (),
) -> str:
    """Return a card as HTML, with all text escaped. ``first`` are the tables before ``rows``."""
    cells = "".join(
        f'<tr style="background:none"><th scope="row" style="{_CELL};font-weight:normal">'
        f'{escape(name)}</th><td style="{_CELL}"><b>{escape(str(value))}</b></td></tr>'
        for name, value in rows.items()
    )
    values = f'<table style="{_TABLE}">{cells}</table>' if cells else ""
    footer = f'<div style="margin-top:4px">{escape(note)}</div>' if note else ""
    return (
        f'<div style="{_CARD}"><b>{escape(title)}</b>'
        f"{_side_by_side(first)}{values}{_side_by_side(tables)}{footer}</div>"
    )


def _side_by_side(tables: Iterable[Table]) -> str:
    more = "".join(table.html() for table in tables)
    return f'<div style="{_SIDE_BY_SIDE}">{more}</div>' if more else ""


def text(
    title: str,
    rows: Mapping[str, object],
    note: str = "",
    tables: Iterable[Table] = (),
    first: Iterable[Table] = (),
) -> str:
    """Return a card as lines of text. ``first`` are the tables before ``rows``."""
    width = max(map(len, rows), default=0)
    values = [f"  {name:<{width}}  {value}" for name, value in rows.items()]
    footer = [f"  {note}"] if note else []
    return "\n".join(
        [title, *(t.text() for t in first), *values, *(t.text() for t in tables), *footer]
    )
