"""Ask a yes/no question, if somebody can answer it."""

from __future__ import annotations

import sys
import threading

from .progress_bar import in_notebook


def answerable() -> bool:
    """Whether a question can be answered: by a notebook's front end, or in a terminal.

    Tools that execute notebooks allow no input. In another thread than the main one, a program
    is running, not a person.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    if in_notebook():
        from IPython.core.getipython import get_ipython

        return bool(getattr(getattr(get_ipython(), "kernel", None), "_allow_stdin", False))
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # there are none, or they are closed
        return False


def confirmed(question: str) -> bool:
    """Ask a question, and return whether the answer is yes."""
    try:
        if in_notebook():
            answer = input(question)
        else:  # input() would write to stdout, which may be a file
            print(question, end="", file=sys.stderr, flush=True)  # noqa: T201  the question
            answer = sys.stdin.readline()
    except EOFError:
        answer = ""
    return answer.strip().lower() in {"y", "yes"}
