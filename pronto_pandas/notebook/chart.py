"""Bar charts drawn with Matplotlib, without the global state of pyplot."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

# The page may be light or dark: these have a contrast of 4 to 1 with white and with dark grey.
_TEXT: Final = "#7e7e7e"
_FOUND: Final = "#2f8f63"
_REST: Final = "#8b8b8b"

_FONT: Final = "DejaVu Sans"
"""Comes with Matplotlib, so labels look the same everywhere."""

_LONGEST_NAME: Final = 30
WIDTH: Final = 9.0
"""Inches."""


class Chart(Figure):
    """A figure that a notebook shows even if pyplot has not been imported."""

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
    """Draw two bar charts side by side: counts, and rates from 0 to 100 %.

    A rate is a tuple of name, part and whole. ``titles`` are the titles of both charts.
    """
    most = max(len(counts), len(rates), 3)
    with matplotlib.style.context("default"):  # the caller's style may not fit this page
        chart = Chart(figsize=(WIDTH, 0.9 + 0.32 * most), layout="constrained", facecolor="none")
        left, right = chart.subplots(1, 2, width_ratios=(1, 1.25))
        numbers = list(counts.values())
        _bars(left, list(counts), numbers, [f"{n:,}" for n in numbers], max([*numbers, 1]), most)
        shares = [100 * part / whole if whole else 0.0 for _, part, whole in rates]
        labels = [
            f"{share:.0f} %  ({part:,} of {whole:,})" if whole else "no answers"
            for share, (_, part, whole) in zip(shares, rates, strict=True)
        ]
        _bars(right, [name for name, *_ in rates], shares, labels, 100.0, most, all_found=True)
        for axes, title in zip((left, right), titles, strict=True):
            axes.set_title(title, color=_TEXT, fontsize=11, fontfamily=_FONT, loc="left")
    return chart


def _bars(
    axes: Any,
    names: list[str],
    values: Sequence[float],
    labels: list[str],
    most: float,
    places: int,
    *,
    all_found: bool = False,
) -> None:
    """Draw bars from top to bottom, each with its number as a label instead of an axis."""
    colours = [_FOUND if all_found or name == "found" else _REST for name in names]
    bars = axes.barh(range(len(names)), values, height=0.62, color=colours)
    # Without parse_math, a company named "$$" would be read as a formula.
    look = {"color": _TEXT, "fontsize": 11, "fontfamily": _FONT, "parse_math": False}
    axes.bar_label(bars, labels, padding=4, **look)
    axes.set_yticks(range(len(names)), [_drawable(name) for name in names], **look)
    axes.set_ylim(places - 0.4, -0.6)
    axes.set_xlim(0, most * 1.5)  # room for the label of the longest bar
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.set_facecolor("none")
    axes.spines[:].set_visible(False)
    if not names:
        axes.text(0, 0, "nothing to show", va="center", **look)


def _drawable(name: str) -> str:
    """Shorten a long name, and replace characters that the font does not have."""
    shapes = get_font(findfont(_FONT)).get_charmap()
    cut = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    return "".join(char if ord(char) in shapes else "?" for char in cut)
