"""How progress is shown: a bar in a terminal, a bar and a line in a notebook, or not at all.

In a notebook it is HTML that replaces itself. A widget would be a line of "0 %" when the notebook
is opened again without the widget's state.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import escape
from typing import Any, Final, Protocol

from ..errors import ProntoWarning, warn
from .progress import Progress, Watcher
from .signals import from_handler

REDRAW: Final = 0.25
"""Seconds between two drawings, at least: more often is flicker, and slows the run down."""

SECONDS_IN_A_LOG: Final = 5.0
"""Between two lines of the bar, where nobody sees it move."""

SILENT: Final = 10.0
"""Seconds without anything new after which the line says so."""


class View(Protocol):
    """Shows how far a run is; used from one thread."""

    def show(self, now: Progress) -> None:
        """Take what is new."""

    def tick(self) -> None:
        """Take that time goes by; called several times a second."""


class _Bar(View, Protocol):
    def close(self, *, stopped: bool) -> None:
        """Draw it for the last time."""


class _Silent:
    """Prints one line when the run is stopped: that it waits must not look like a hang."""

    def __init__(self) -> None:
        self._stopping = False

    def show(self, now: Progress) -> None:
        if now.awaited and not self._stopping:
            self._stopping = True
            self.write(stopping(now.awaited))

    def write(self, line: str) -> None:
        print(line, file=sys.stderr)  # noqa: T201  whoever stopped the run reads it

    def tick(self) -> None:
        """Show nothing."""

    def close(self, *, stopped: bool) -> None:
        """Leave nothing."""


class _Callers(_Silent):
    """The caller's own function: what it raises must not cost answers."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__()
        self._watchers = [watcher]

    def show(self, now: Progress) -> None:
        super().show(now)
        try:
            for call in self._watchers:
                call(now)
        except BaseException as error:
            self._watchers.clear()
            if _ends_the_run(error):
                raise
            warn(
                f"progress= raised {type(error).__name__} and is not called again; "
                "the run goes on.",
                ProntoWarning,
            )


def _ends_the_run(error: BaseException) -> bool:
    """Whether an exception is more than a mistake of the code that shows the progress."""
    return not isinstance(error, Exception) or from_handler(error)


class _Terminal(_Silent):
    def __init__(self, bar: Any) -> None:
        super().__init__()
        self._bar = bar

    def show(self, now: Progress) -> None:
        super().show(now)
        bar = self._bar
        counts = {name: f"{n:,}" for name, n in _counts(now).items()}
        if now.credits_high:
            counts["credits"] = _range(now)
        bar.set_postfix(counts, refresh=now.done == now.total)
        bar.update(now.done - bar.n)

    def write(self, line: str) -> None:
        self._bar.write(line, file=sys.stderr)

    def close(self, *, stopped: bool) -> None:
        self._bar.close()


class _Safe:
    """A bar that is dropped where it cannot be drawn; the run goes on."""

    def __init__(self, make: Callable[[], _Bar]) -> None:
        self._bar: _Bar = _Silent()
        with self._dropped_if_broken():
            self._bar = make()

    def show(self, now: Progress) -> None:
        with self._dropped_if_broken():
            self._bar.show(now)

    def tick(self) -> None:
        with self._dropped_if_broken():
            self._bar.tick()

    def close(self, *, stopped: bool) -> None:
        with self._dropped_if_broken():
            self._bar.close(stopped=stopped)

    @contextmanager
    def _dropped_if_broken(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if _ends_the_run(error):
                raise
            self._bar = _Silent()


class Notebook:
    """A bar and one line under it.

    Parameters
    ----------
    total : int
        What is to be done.
    unit : str
        What is counted.
    display : callable
        Shows a bundle of one content in several formats, and returns what shows others in its
        place.
    clock : callable
        Seconds.
    """

    def __init__(
        self,
        total: int,
        unit: str,
        display: Callable[[dict[str, str]], Callable[[dict[str, str]], object]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now, self._unit, self._clock = Progress(total=total), unit, clock
        self._began = self._drawn = self._news = clock()
        self._redraw = display(self._bundle())

    def show(self, now: Progress) -> None:
        """Take what is new."""
        self._now, self._news = now, self._clock()
        self._draw(REDRAW)

    def tick(self) -> None:
        """Take that time goes by, which the line tells each second."""
        self._draw(1.0)

    def close(self, *, stopped: bool) -> None:
        """Draw the last line, which stays."""
        self._redraw(self._bundle("Stopped at " if stopped else "", over=True))

    def _draw(self, after: float) -> None:
        if self._clock() - self._drawn >= after:
            self._drawn = self._clock()
            self._redraw(self._bundle())

    def _bundle(self, before: str = "", *, over: bool = False) -> dict[str, str]:
        silent = self._clock() - self._news
        seconds = self._clock() - self._began
        now = replace(self._now, seconds=seconds)
        line = before + words(now, self._unit, silent=0.0 if over else silent, over=over)
        bar = (
            f'<progress max="{now.total}" value="{now.done}" aria-label="Pronto" '
            'style="width:100%;max-width:40em"></progress>'
        )
        return {"text/html": f"<div>{bar}<div>{escape(line)}</div></div>", "text/plain": line}


def words(now: Progress, unit: str, *, silent: float, over: bool) -> str:
    """Return the line under the bar.

    Parameters
    ----------
    now : Progress
        How far it is.
    unit : str
        What is counted.
    silent : float
        Seconds without anything new.
    over : bool
        Whether this is the last line.
    """
    parts = [f"{now.done:,} of {now.total:,} {unit}"]
    parts += [f"{count:,} {name}" for name, count in _counts(now).items()]
    if now.done:
        parts.append(f"{now.rows_per_second:.1f} {unit}/s")
    left = now.seconds_left
    if over:
        parts.append(f"in {_time(now.seconds)}")
    elif now.awaited is not None:
        pass  # the rest is not sent any more
    elif left is not None:
        parts.append(f"{_time(left)} left")
    if now.credits_high:
        parts.append(f"{_range(now)} credits{'' if over else ' so far'}")
    if silent >= SILENT:
        parts.append(f"nothing new for {_time(silent)}")
    if now.awaited and not over:
        parts.append(stopping(now.awaited))
    return " · ".join(parts)


def stopping(awaited: int) -> str:
    """Return the line that says what a stopped run still does."""
    answers, them = ("1 answer", "it") if awaited == 1 else (f"{awaited:,} answers", "them")
    return f"Stopping: waiting for {answers}. Stop again to leave {them}."


def _counts(now: Progress) -> dict[str, int]:
    counts = {
        "found": now.found,
        "not found": now.not_found,
        "submitted": now.submitted,
        "errors": now.error,
        "unknown": now.unknown,
    }
    return {name: count for name, count in counts.items() if count}


def _range(now: Progress) -> str:
    low, high = f"{now.credits_low:,.0f}", f"{now.credits_high:,.0f}"
    return low if low == high else f"{low} to {high}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def watching(progress: bool | Watcher, total: int, unit: str = "rows") -> Iterator[View]:
    """Give the view that the caller asked for: a bar, silence, or their own function."""
    if callable(progress):
        yield _Callers(progress)
    elif not progress:
        yield _Silent()
    else:
        bar = _Safe(lambda: _bar(total, unit))
        stopped = True
        try:
            yield bar
            stopped = False
        finally:
            bar.close(stopped=stopped)


def _bar(total: int, unit: str) -> _Bar:
    if in_notebook():
        return Notebook(total, unit, _display)
    from tqdm.std import tqdm

    # A log gets a line now and then; a terminal shows one that moves.
    pause = 0.1 if sys.stderr.isatty() else SECONDS_IN_A_LOG
    return _Terminal(tqdm(total=total, unit=f" {unit}", desc="Pronto", mininterval=pause))


def in_notebook() -> bool:
    """Say whether this runs in a kernel, whose front ends show HTML and widgets."""
    if "IPython" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def _display(bundle: dict[str, str]) -> Callable[[dict[str, str]], object]:
    from IPython.display import display

    handle: Any = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython has no types

    def update(bundle: dict[str, str]) -> None:
        handle.update(bundle, raw=True)

    return update
