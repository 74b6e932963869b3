"""Show progress: a bar in a terminal, a bar with a line of text in a notebook, or nothing.

In a notebook it is HTML that is updated in place. A widget would show "0 %" when the notebook is
opened again without the widget's state.
"""

# Why: docs/decisions/027-progress-bar.md

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from html import escape
from typing import Any, Final, Protocol

from ..errors import ProntoWarning, warn
from ..wording import counted, credits_between, span
from .progress import Progress, Watcher
from .signals import from_handler

REDRAW: Final = 0.25
"""Minimum seconds between two updates: more frequent ones would flicker and slow the run down."""

SECONDS_IN_A_LOG: Final = 5.0
"""Seconds between two lines of the bar, if the output is not a terminal."""

SILENT: Final = 10.0
"""Seconds without a response after which the line shows how long it has been."""

WAITING: Final = 2.0
"""Seconds without a first response after which the line shows that, too."""

RETRYING: Final = 1.0
"""Seconds for which only failures came back, after which the line says that requests are tried
again. Single failures among answers are normal."""

ACCEPTED: Final = 5.0
"""Seconds after an attempt without another failure, after which the line no longer says so."""

_METER: Final = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<LEFT, {rate_fmt}{postfix}]"
"""The format of tqdm's bar, with another estimate of the time left than its own."""


class View(Protocol):
    """Shows the progress of a run; used from one thread."""

    def show(self, now: Progress) -> None:
        """Show new progress."""

    def tick(self) -> None:
        """Update the times; called several times per second."""


class _Bar(View, Protocol):
    def close(self, *, stopped: bool) -> None:
        """Draw the bar for the last time."""


class _Silent:
    """Prints only one line, when the run is stopped: waiting must not look like a hang."""

    def __init__(self) -> None:
        self._stopping = False

    def show(self, now: Progress) -> None:
        if now.awaited and not self._stopping:
            self._stopping = True
            self.write(stopping(now.awaited))

    def write(self, line: str) -> None:
        print(line, file=sys.stderr)  # noqa: T201  for the person who stopped the run

    def tick(self) -> None:
        """Show nothing."""

    def close(self, *, stopped: bool) -> None:
        """Draw nothing."""


class _Callback(_Silent):
    """Calls the caller's function; its errors must not end the run, which would lose answers."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__()
        self._watcher: Watcher | None = watcher

    def show(self, now: Progress) -> None:
        super().show(now)
        if self._watcher is None:
            return
        try:
            self._watcher(now)
        except BaseException as error:
            self._watcher = None
            if _ends_the_run(error):
                raise
            warn(
                f"The progress callback raised {type(error).__name__} and will not be called "
                "again. The run continues.",
                ProntoWarning,
            )


def _ends_the_run(error: BaseException) -> bool:
    """Whether an exception is meant to stop the run, not an error in showing the progress."""
    return not isinstance(error, Exception) or from_handler(error)


class Terminal(_Silent):
    """A bar of tqdm, with the counts behind it; ``every`` is the least seconds between updates."""

    def __init__(self, bar: Any, every: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._bar, self._every, self._clock = bar, every, clock
        self._now, self._retrying = Progress(total=bar.total), False
        self._drawn = self._shown = clock()

    def show(self, now: Progress) -> None:
        """Show new progress."""
        super().show(now)
        self._now, self._shown = now, self._clock()
        self._draw(self._every)

    def tick(self) -> None:
        """Update the times."""
        self._draw(max(self._every, 1.0))

    def write(self, line: str) -> None:
        """Print a line above the bar."""
        self._bar.write(line, file=sys.stderr)

    def close(self, *, stopped: bool) -> None:
        """Draw the final state, which stays."""
        self._set(replace(self._now, retrying=None))
        self._bar.close()

    def _draw(self, after: float) -> None:
        at = self._clock()
        now = _aged(self._now, at - self._shown)
        if at - self._drawn >= after or bool(now.retrying) != self._retrying:
            self._drawn, self._retrying = at, bool(now.retrying)
            self._set(now)
            self._bar.refresh()

    def _set(self, now: Progress) -> None:
        bar, left = self._bar, now.seconds_left
        counts = {name: f"{n:,}" for name, n in _counts(now).items()}
        if now.credits_high:
            counts["credits"] = span(now.credits_low, now.credits_high)
        unknown = left is None or now.awaited is not None or now.retrying
        bar.n, bar.total = now.done, now.total  # it grows if people are sent in place of others
        shown = "?" if unknown else bar.format_interval(round(left or 0.0))
        bar.bar_format = _METER.replace("LEFT", shown)
        bar.set_description_str(_retrying(now) if now.retrying else "Pronto", refresh=False)
        bar.set_postfix(counts, refresh=False)


class _Safe:
    """A bar that is removed if drawing it fails; the run continues."""

    def __init__(self, make: Callable[[], _Bar]) -> None:
        self._bar: _Bar = _Silent()
        with self._removed_on_error():
            self._bar = make()

    def show(self, now: Progress) -> None:
        with self._removed_on_error():
            self._bar.show(now)

    def tick(self) -> None:
        with self._removed_on_error():
            self._bar.tick()

    def close(self, *, stopped: bool) -> None:
        with self._removed_on_error():
            self._bar.close(stopped=stopped)

    @contextmanager
    def _removed_on_error(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if _ends_the_run(error):
                raise
            self._bar = _Silent()


class Notebook:
    """A bar with a line of text under it.

    ``display`` shows the same content in several formats, by MIME type, and returns a function
    that replaces it.
    """

    def __init__(
        self,
        total: int,
        unit: str,
        display: Callable[[dict[str, str]], Callable[[dict[str, str]], object]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now, self._unit, self._clock = Progress(total=total), unit, clock
        self._retrying = False
        self._began = self._drawn = self._shown = self._last_response = clock()
        self._redraw = display(self._bundle())

    def show(self, now: Progress) -> None:
        """Show new progress."""
        self._now, self._shown = now, self._clock()
        if not now.retrying:
            self._last_response = self._shown
        self._draw(REDRAW)

    def tick(self) -> None:
        """Update the times in the line once per second."""
        self._draw(1.0)

    def close(self, *, stopped: bool) -> None:
        """Draw the final line, which stays in the notebook."""
        self._redraw(self._bundle("Stopped after " if stopped else "", over=True))

    def _draw(self, after: float) -> None:
        at = self._clock()
        retrying = bool(_aged(self._now, at - self._shown).retrying)
        if at - self._drawn >= after or retrying != self._retrying:
            self._drawn, self._retrying = at, retrying
            self._redraw(self._bundle())

    def _bundle(self, before: str = "", *, over: bool = False) -> dict[str, str]:
        silent = self._clock() - self._last_response
        seconds = self._clock() - self._began
        now = replace(_aged(self._now, self._clock() - self._shown), seconds=seconds)
        line = before + words(now, self._unit, silent=0.0 if over else silent, over=over)
        bar = (
            f'<progress max="{now.total}" value="{now.done}" aria-label="Pronto progress" '
            'style="width:100%;max-width:40em"></progress>'
        )
        return {"text/html": f"<div>{bar}<div>{escape(line)}</div></div>", "text/plain": line}


def words(now: Progress, unit: str, *, silent: float, over: bool) -> str:
    """Return the line under the bar; ``silent`` is the seconds since the last response."""
    parts = [f"{now.done:,} of {now.total:,} {unit}"]
    parts += [f"{count:,} {name}" for name, count in _counts(now).items()]
    if now.done:
        parts.append(f"{now.rows_per_second:.1f} {unit}/s")
    left = now.seconds_left
    if over:
        parts.append(f"in {_time(now.seconds)}")
    elif now.awaited is not None or now.retrying:
        pass  # the rest will not be sent, or nobody knows when
    elif left is not None:
        parts.append(f"{_time(left)} left")
    if now.credits_high:
        cost = credits_between(now.credits_low, now.credits_high)
        parts.append(f"{cost}{'' if over else ' so far'}")
    if now.retrying and not over:
        parts.append(_retrying(now))
    elif WAITING <= silent < SILENT and not now.done:
        parts.append(f"waiting for the first answer: {_time(silent)}")
    elif silent >= SILENT:
        parts.append(f"no response for {_time(silent)}")
    if now.awaited and not over:
        parts.append(stopping(now.awaited))
    return " · ".join(parts)


def _retrying(now: Progress) -> str:
    return f"{now.retrying}; trying again ({_time(now.retrying_seconds)} so far)"


def _aged(now: Progress, seconds: float) -> Progress:
    """Return progress that is some seconds old, with the times of this moment."""
    left = None if now.left is None else max(now.left - seconds, 0.0)
    failing = now.retrying_seconds + seconds
    is_shown = failing >= RETRYING and seconds <= now.next_attempt + ACCEPTED
    retrying = now.retrying if is_shown else None
    return replace(now, left=left, retrying=retrying, retrying_seconds=failing)


def stopping(awaited: int) -> str:
    """Return the line that a run shows while it is stopping."""
    answers = counted(awaited, "answer")
    return f"Stopping: waiting for {answers}. To stop without waiting, interrupt again."


def _counts(now: Progress) -> dict[str, int]:
    counts = {
        "found": now.found,
        "not found": now.not_found,
        "submitted": now.submitted,
        "errors": now.error,
        "unknown": now.unknown,
    }
    return {name: count for name, count in counts.items() if count}


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def watching(progress: bool | Watcher, total: int, unit: str = "rows") -> Iterator[View]:
    """Yield the view for ``progress=``: a bar, nothing, or the caller's function."""
    if callable(progress):
        yield _Callback(progress)
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

    # A log file gets a line every few seconds; in a terminal the bar moves.
    pause = 0.1 if sys.stderr.isatty() else SECONDS_IN_A_LOG
    return Terminal(tqdm(total=total, unit=f" {unit}", desc="Pronto"), pause)


def write_line(line: str) -> None:
    """Show a line where the bar is: in the notebook, otherwise on stderr."""
    with suppress(Exception):  # what cannot be shown must not end a run
        if in_notebook():
            _display({"text/html": f"<div>{escape(line)}</div>", "text/plain": line})
        else:
            print(line, file=sys.stderr)  # noqa: T201  for the person who started the run


def in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel, whose front ends show HTML and widgets."""
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
