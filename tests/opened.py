"""A notebook open in JupyterLab in a browser: run, type, click, save, look."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Locator, Page

START, RUN, SEE = 120.0, 120.0, 30.0
"""Seconds until a server is up, a cell has ended, something is shown: for a machine under load."""


def wait_until(holds: Callable[[], object], seconds: float, what: str) -> None:
    """Poll until something holds."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)


_PANEL = "const panel = jupyterapp.shell.currentWidget;"
_LIMITED = """
    const limited = (work, seconds) => Promise.race([work, new Promise((_, fail) => setTimeout(
        () => fail(new Error(`not done within ${seconds} s`)), seconds * 1000))]);
"""
_IDLE = "() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
_VALUES = """() => JSON.stringify([
    [...document.querySelectorAll('input, textarea')].map(field => field.value),
    {...localStorage}, {...sessionStorage}])"""


class Opened:
    """A notebook in a browser's window.

    Parameters
    ----------
    page : Page
        Of the browser.
    path : Path
        The file.
    """

    def __init__(self, page: Page, path: Path) -> None:
        self.page, self.path = page, path

    def _do(self, script: str, argument: Any = None, seconds: float = RUN) -> Any:
        """Run a script of the page that may wait, not for ever."""
        return self.page.evaluate(
            f"([argument, seconds]) => {{ {_PANEL} {_LIMITED}"
            f"return limited((async () => {{ {script} }})(), seconds); }}",
            [argument, seconds],
        )

    def wait_ready(self) -> None:
        """Wait until the notebook is shown and its kernel waits for work."""
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=START * 1000)
        self.page.wait_for_function(
            "() => globalThis.jupyterapp?.shell.currentWidget?.sessionContext"
        )
        self._do("await panel.context.ready; await panel.sessionContext.ready;", seconds=START)
        self.wait_idle()

    def wait_idle(self) -> None:
        """Wait until the kernel waits for work."""
        self.page.wait_for_function(_IDLE, timeout=RUN * 1000)

    def run_all(self, seconds: float = RUN) -> None:
        """Run every cell and wait for the end."""
        self._do("await jupyterapp.commands.execute('notebook:run-all-cells');", seconds=seconds)
        self.wait_idle()

    def run(self, index: int, seconds: float = RUN) -> None:
        """Run one cell and wait for its end."""
        self._do(
            "panel.content.deselectAll(); panel.content.activeCellIndex = argument;"
            "await jupyterapp.commands.execute('notebook:run-cell');",
            index, seconds,
        )  # fmt: skip
        self.wait_idle()

    def outputs(self, index: int) -> Locator:
        """Return what stands below a cell."""
        cells = self.page.locator(".jp-WindowedPanel-viewport .jp-Cell, .jp-Notebook > .jp-Cell")
        return cells.nth(index).locator(".jp-Cell-outputArea")

    def type_into(self, label: str, text: str) -> None:
        """Paste into the field of a widget and leave the field.

        One message carries the text. Typed key by key, the last keys may still wait in the page for
        a kernel that is slow, when a click has already been sent.
        """
        field = self.page.get_by_label(label, exact=True)
        field.fill(text)
        field.blur()

    def click(self, name: str) -> None:
        """Click a button in the notebook by its name."""
        self.page.locator(".jp-Notebook").get_by_role("button", name=name, exact=True).click()

    def save(self) -> Any:
        """Save, wait until it is on disk, and return the notebook as it is there."""
        before = self.path.stat().st_mtime_ns
        self._do("await jupyterapp.commands.execute('docmanager:save');", seconds=SEE)
        wait_until(lambda: self.path.stat().st_mtime_ns > before, SEE, "the notebook is saved")
        return json.loads(self.path.read_text())

    def theme(self, name: Literal["light", "dark"]) -> None:
        """Show all in a light or a dark theme."""
        self._do(
            "await jupyterapp.commands.execute('apputils:change-theme', {theme: argument});",
            f"JupyterLab {name.title()}",
        )
        light = str(name == "light").lower()
        self.page.locator(f'body[data-jp-theme-light="{light}"]').wait_for(state="attached")

    def screenshot(self, path: Path, of: Locator | None = None) -> None:
        """Write a picture of an element, or of the window."""
        (of or self.page).screenshot(path=path, animations="disabled")

    def html(self) -> str:
        """Return the page, with what it does not write: values of fields, the page's storage."""
        held: str = self.page.evaluate(_VALUES)
        return f"{self.page.content()}\n{held}"

    def end_kernel(self) -> None:
        """End the kernel of the notebook."""
        self._do("await panel.sessionContext.shutdown();", seconds=SEE)
