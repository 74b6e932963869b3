"""A card: a few named values under a title, in a notebook and as text."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

# Colours are the page's own, so it reads on light and on dark.
_CARD = "border:1px solid currentColor;border-radius:6px;padding:8px 12px;display:inline-block"
_CELL = "padding:1px 12px 1px 0;text-align:left;background:none"


def html(title: str, rows: Mapping[str, object], note: str = "") -> str:
    """Return a card as HTML; whatever stands in it is text."""
    cells = "".join(
        f'<tr style="background:none"><th scope="row" style="{_CELL};font-weight:normal">'
        f'{escape(name)}</th><td style="{_CELL}"><b>{escape(str(value))}</b></td></tr>'
        for name, value in rows.items()
    )
    said = f'<div style="margin-top:4px">{escape(note)}</div>' if note else ""
    return (
        f'<div style="{_CARD}"><b>{escape(title)}</b>'
        f'<table style="margin:4px 0 0 0;border:none">{cells}</table>{said}</div>'
    )


def text(title: str, rows: Mapping[str, object], note: str = "") -> str:
    """Return a card as lines of text."""
    wide = max(map(len, rows), default=0)
    lines = [title, *(f"  {name:<{wide}}  {value}" for name, value in rows.items())]
    return "\n".join([*lines, *([f"  {note}"] if note else [])])
