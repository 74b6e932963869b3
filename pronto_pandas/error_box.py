"""Errors of this package as IPython and notebooks show them: one box with what to do next.

IPython asks an exception for ``_render_traceback_`` and shows what that returns, or the full
traceback if the exception has no such attribute. So the attribute is missing whenever the full
traceback is wanted: with ``configure(debug=True)``, and for ``%tb``.
"""

# Why: docs/decisions/035-errors-as-a-box.md

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

WIDTH = 80

PACKAGE = f"{Path(__file__).parent}{os.sep}"

_NOT_OWN = (PACKAGE, f"{Path(os.__file__).parent}{os.sep}", "<frozen ", "<string>")

_INSTALLED = re.compile(r"[/\\](site|dist)-packages[/\\]")

_CELL = re.compile(r"ipython-input-(\d+)-|ipykernel_\d+")

debugging: Callable[[], bool] = bool
"""Whether ``configure(debug=True)`` is set; `config.settings` replaces this function."""


def renderer(error: BaseException, *, in_debug: bool) -> Callable[[], list[str]]:
    """Return a function that renders an error as a box.

    Raises
    ------
    AttributeError
        The full traceback is wanted.
    """
    # "%tb" shows an error that is no longer being handled.
    if in_debug or debugging() or sys.exc_info()[1] is not error:
        raise AttributeError("_render_traceback_")

    def render() -> list[str]:
        shell = _shell()
        if shell is not None:
            shell.InteractiveTB.tb = error.__traceback__  # for "%debug"
        return box(error)

    return render


def box(error: BaseException) -> list[str]:
    """Return the lines of the box: the message, the user's line, and how to see more."""
    message = [*str(error).splitlines(), *getattr(error, "__notes__", ())]
    lines = [
        *(part for line in message for part in _wrapped(line)),
        "",
        *(f"Caused by: {type(cause).__name__}" for cause in [error.__cause__] if cause),
        *(f"Raised at: {line}" for line in list(_own_lines(error))[-1:]),
        "Full traceback: run %tb, or set pronto.configure(debug=True)",
    ]
    return [
        f"╭─ {type(error).__name__} ".ljust(WIDTH, "─"),
        *(f"│ {line}".rstrip() for line in lines),
        "╰".ljust(WIDTH, "─"),
    ]


def _wrapped(line: str) -> list[str]:
    indent = line[: len(line) - len(line.lstrip())]
    # A path or a URL stays in one piece, to be copied.
    return textwrap.wrap(
        line,
        WIDTH - 2,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def _own_lines(error: BaseException) -> Iterator[str]:
    """Return the user's lines in a traceback, the last call last.

    The source text is left out, because it may contain a key.
    """
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if _CELL.search(file) or not (file.startswith(_NOT_OWN) or _INSTALLED.search(file)):
            yield f"{_place(file)}, line {trace.tb_lineno}"
        trace = trace.tb_next


def _place(file: str) -> str:
    """Return a cell by its number, if that is known, and a file by its path."""
    shell = _shell()
    number = getattr(shell.compile, "_filename_map", {}).get(file) if shell else None
    found = _CELL.search(file)
    number = number or (found and found[1])
    if number:
        return f"Cell In[{number}]"
    return "Notebook cell" if found else file


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
