"""A JupyterLab of the tests' own, in a headless Chromium: what a person would see and click."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import nbformat
from playwright.sync_api import Browser, expect, sync_playwright

from .opened import SEE, START, Opened, wait_until

FLAGS = (
    "--no-sandbox",  # a sandbox of Chromium's own does not start for root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Windowed cells would be missing from the page's text while they are out of sight.
SETTINGS: dict[str, dict[str, object]] = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none", "recordTiming": False},
    "@jupyterlab/completer-extension:manager": {"autoCompletion": False},
}
FOLDERS = {
    "HOME": "home",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "IPYTHONDIR": "ipython",
}
"""What a server and its kernels write, and where below its folder."""
WIDGETS = "@jupyter-widgets/jupyterlab-manager:plugin"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the machine's Chromium, with a new profile, and end it."""
    path = shutil.which("chromium")
    assert path is not None, "chromium is not installed"
    expect.set_options(timeout=SEE * 1000)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=list(FLAGS)) as browser,
    ):
        yield browser


class Lab:
    """A JupyterLab server that keeps all that it writes below one folder; a context manager.

    Parameters
    ----------
    folder : Path
        For its notebooks, settings, data, history and log: what may hold a secret.
    environment : mapping
        Added to the tests' own, for the server and its kernels.
    save_widgets : bool
        The state of widgets is saved with a notebook. It is not unless a user wants it.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str] | None = None, save_widgets: bool = True
    ) -> None:
        self.folder, self.root = folder, folder / "notebooks"
        self.port, self.token = _free_port(), secrets.token_hex(16)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not _is_kept_out(name)},
            **{name: str(self._made(sub)) for name, sub in FOLDERS.items()},
            "PRONTO_LEDGER": str(folder / "ledger.sqlite3"),
            **(environment or {}),
        }
        self._save_widgets = save_widgets
        self.root.mkdir(parents=True)
        self._configure(folder / FOLDERS["JUPYTER_CONFIG_DIR"])

    def _made(self, name: str) -> Path:
        made = self.folder / name
        made.mkdir(parents=True)
        return made

    def _configure(self, config: Path) -> None:
        overrides = {**SETTINGS, WIDGETS: {"saveState": self._save_widgets}}
        server = {
            "ip": "127.0.0.1", "port": self.port, "port_retries": 0, "open_browser": False,
            "allow_root": True, "root_dir": str(self.root),
            "jpserver_extensions": {"jupyter_lsp": False},  # it calls npm
        }  # fmt: skip
        # The app in the page lets a test wait for what a command has done.
        lab = {"expose_app_in_browser": True, "extension_manager": "readonly", "news_url": None}
        (config / "labconfig").mkdir()
        _write(config / "labconfig" / "default_setting_overrides.json", overrides)
        _write(
            config / "jupyter_lab_config.json",
            {"ServerApp": server, "LabApp": lab, "IdentityProvider": {"token": self.token}},
        )

    def __enter__(self) -> Self:
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab"],
                cwd=self.root, env=self._environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            wait_until(self._answers, START, "JupyterLab is up")
        except BaseException:
            self._end()
            raise
        return self

    def _answers(self) -> bool:
        log = self.folder / "server.log"
        assert self._process.poll() is None, log.read_text(errors="replace")
        try:
            with urllib.request.urlopen(self._url("api/status"), timeout=2) as answer:  # noqa: S310  its own address
                return bool(answer.status == 200)
        except OSError:
            return False

    def _url(self, path: str, more: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/{path}?token={self.token}{more}"

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        """End the server, which ends its kernels; those of one that is killed see it and end."""
        self._process.terminate()
        try:
            self._process.wait(SEE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def write(self, *cells: str, name: str = "test.ipynb") -> Path:
        """Write a notebook of code cells and return its path."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
            },
        )
        path = self.root / name
        nbformat.write(notebook, path)
        return path

    @contextmanager
    def open(self, browser: Browser, path: Path) -> Iterator[Opened]:
        """Open a notebook in a new window of a new profile, and close it with its kernel."""
        with browser.new_context(viewport={"width": 1200, "height": 900}) as context:
            page = context.new_page()
            page.set_default_timeout(SEE * 1000)
            page.goto(self._url(f"lab/tree/{path.relative_to(self.root)}", "&reset"))
            opened = Opened(page, path)
            opened.wait_ready()
            yield opened
            opened.end_kernel()


def _is_kept_out(name: str) -> bool:
    # Coverage must not depend on a browser being there, and makes all of this a third slower.
    return name.startswith(("JUPYTER", "JPY_", "IPYTHON", "XDG_", "COVERAGE_"))


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])
