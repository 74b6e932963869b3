"""A chart of bars, drawn by matplotlib without the state that pyplot keeps."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

# Nobody knows the page behind it: these stand out from white (4 to 1) as from dark grey.
_TEXT: Final = "#7e7e7e"
_FOUND: Final = "#2f8f63"
_REST: Final = "#8b8b8b"

_FONT: Final = "DejaVu Sans"
"""It comes with matplotlib, so labels look the same everywhere."""

_LONGEST: Final = 30
WIDTH: Final = 9.0
"""Inches."""


class Chart(Figure):
    """A figure that a notebook shows, whether or not pyplot has been imported."""

    def _repr_png_(self) -> bytes:
        return png(self)


def png(figure: Figure) -> bytes:
    """Return a figure as PNG with a transparent background."""
    written = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(
        written, format="png", dpi=144, facecolor="none", metadata={"Software": None}
    )
    return written.getvalue()


def draw(
    counts: Mapping[str, int], rates: Sequence[tuple[str, int, int]], titles: tuple[str, str]
) -> Chart:
    """Draw counts, and rates beside them.

    Parameters
    ----------
    counts : mapping of str to int
        A bar each, with its number written on it.
    rates : sequence of (str, int, int)
        Name, how many, of how many; a bar each, from 0 to 100 %.
    titles : tuple of str
        What stands above the two.
    """
    most = max(len(counts), len(rates), 3)
    with matplotlib.style.context("default"):  # the caller's own style may be of one page alone
        chart = Chart(figsize=(WIDTH, 0.9 + 0.32 * most), layout="constrained", facecolor="none")
        left, right = chart.subplots(1, 2, width_ratios=(1, 1.25))
        numbers = list(counts.values())
        _bars(left, list(counts), numbers, [f"{n:,}" for n in numbers], max([*numbers, 1]), most)
        shares = [100 * part / whole if whole else 0.0 for _, part, whole in rates]
        said = [
            f"{share:.0f} %  ({part:,} of {whole:,})" if whole else "none answered"
            for share, (_, part, whole) in zip(shares, rates, strict=True)
        ]
        _bars(right, [name for name, *_ in rates], shares, said, 100.0, most, all_found=True)
        for axes, title in zip((left, right), titles, strict=True):
            axes.set_title(title, color=_TEXT, fontsize=11, fontfamily=_FONT, loc="left")
    return chart


def _bars(
    axes: Any,
    names: list[str],
    values: Sequence[float],
    said: list[str],
    most: float,
    places: int,
    *,
    all_found: bool = False,
) -> None:
    """Draw bars from the top down; each says its number in words, so that no axis is needed."""
    colours = [_FOUND if all_found or name == "found" else _REST for name in names]
    bars = axes.barh(range(len(names)), values, height=0.62, color=colours)
    # No text is read as a formula, which a company named "$$" would be.
    look = {"color": _TEXT, "fontsize": 11, "fontfamily": _FONT, "parse_math": False}
    axes.bar_label(bars, said, padding=4, **look)
    axes.set_yticks(range(len(names)), [_drawable(name) for name in names], **look)
    axes.set_ylim(places - 0.4, -0.6)
    axes.set_xlim(0, most * 1.5)  # room for what is written beside the longest bar
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.set_facecolor("none")
    axes.spines[:].set_visible(False)
    if not names:
        axes.text(0, 0, "nothing to show", va="center", **look)


def _drawable(name: str) -> str:
    """Cut a long name, and replace what the font has no shape for."""
    shapes = get_font(findfont(_FONT)).get_charmap()
    cut = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return "".join(char if ord(char) in shapes else "?" for char in cut)
