"""In a JupyterLab in a browser: what a person sees, and where a key is left."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, expect

from .conftest import Serve, slow
from .lab import Lab, chromium
from .nowhere import assert_nowhere
from .opened import Opened

StartLab = Callable[..., Lab]

pytestmark = slow

KEY = 'sk-browser"7/+&'  # written otherwise in a URL, in JSON and in HTML
ROWS = 24
SETTINGS = """
import pandas as pd
import pronto_pandas as pronto
pronto.configure(base_url="{url}", rate=5_000)
"""
PEOPLE = f"""
leads = pd.DataFrame(
    [
        {{"firstname": "Ana", "lastname": f"Lovelace{{chr(97 + n)}}", "domain": f"c{{n}}.example"}}
        for n in range({ROWS})
    ]
)
"""
ENRICH = 'out = leads.pronto.enrich("email")'
SHOW = 'out[["lastname", "email", "pronto_status"]]'
BAR, TABLE = 2, 3
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all; each notebook is opened in a profile of its own."""
    with chromium() as started:
        yield started


@pytest.fixture
def start_lab(tmp_path: Path) -> Iterator[StartLab]:
    """Start JupyterLab, with an environment for its kernels."""
    with ExitStack() as stack:
        yield lambda **environment: stack.enter_context(Lab(tmp_path / "lab", environment))


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Return the folder for pictures: one to be looked at, or one that is thrown away."""
    folder = Path(os.environ.get("PRONTO_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def expect_readable(notebook: Opened) -> None:
    """Expect a full bar, one line of counts under it, and the table."""
    bar = notebook.outputs(BAR)
    expect(bar.locator("progress")).to_be_visible()
    expect(bar.locator("progress")).to_have_attribute("value", str(ROWS))
    expect(bar).to_contain_text(f"{ROWS} of {ROWS} rows")
    expect(bar).to_contain_text("found")
    table = notebook.outputs(TABLE)
    expect(table.locator("tbody tr")).to_have_count(ROWS)
    expect(table).to_contain_text("@c0.example")


def printed(saved: Any) -> list[Any]:
    """Return what was printed below the cells of a saved notebook."""
    outputs = [output for cell in saved["cells"] for output in cell["outputs"]]
    return [output for output in outputs if output["output_type"] in {"stream", "error"}]


def test_a_run_is_seen_saved_and_reopened(
    serve: Serve, start_lab: StartLab, browser: Browser, screenshots: Path
) -> None:
    """A bar to the end and a table, now and when the notebook is opened again; the key nowhere."""
    server = serve(api_key=KEY)
    lab = start_lab(PRONTO_API_KEY=KEY)
    path = lab.write(SETTINGS.format(url=server.url), PEOPLE, ENRICH, SHOW)
    with lab.open(browser, path) as notebook:
        notebook.run_all()
        expect_readable(notebook)
        assert len(server.sandbox.arrivals) == ROWS
        for theme in THEMES:
            notebook.theme(theme)
            notebook.screenshot(screenshots / f"bar-{theme}.png", notebook.outputs(BAR))
            notebook.screenshot(screenshots / f"notebook-{theme}.png")
        notebook.theme("light")
        saved = notebook.save()
        assert_nowhere(KEY, lab.folder, notebook.html())
    assert printed(saved) == []
    # The price, the bar, and the bill.
    assert [list(output["data"]) for output in saved["cells"][BAR]["outputs"]] == [
        ["text/html", "text/plain"]
    ] * 3
    with lab.open(browser, path) as notebook:
        expect_readable(notebook)
        notebook.screenshot(screenshots / "reopened.png")
        assert_nowhere(KEY, lab.folder, notebook.html())


# A key typed into a panel. The panel here is a stand-in, in two kinds: it shows that what is typed,
# clicked and searched is real, as the search finds the key that one kind leaves in its field.

PANEL = """
import ipywidgets as widgets

def panel(name, clears):
    field = widgets.Password(description=f"{name} key")
    button = widgets.Button(description=f"Test {name}")
    said = widgets.Label()

    def test(_):
        key = field.value
        if clears:
            field.value = ""
            pronto.configure(api_key=key)
        said.value = f"{name}: {len(key)} characters"

    button.on_click(test)
    return widgets.VBox([field, button, said])

widgets.VBox([panel("clearing", clears=True), panel("keeping", clears=False)])
"""


def typed_and_tested(notebook: Opened, field: str, key: str, button: str, says: str) -> None:
    """Type a key into a panel's field, click its button, and wait for what the panel says."""
    notebook.type_into(field, key)
    notebook.click(button)
    expect(notebook.page.get_by_text(says, exact=True)).to_be_visible()
    notebook.wait_idle()


def test_a_key_that_a_panel_keeps_is_found(
    serve: Serve, start_lab: StartLab, browser: Browser
) -> None:
    """The key of a panel that clears its field is nowhere, and works; the other one is found."""
    server = serve(api_key=KEY)
    kept = KEY.replace("browser", "another")
    lab = start_lab()
    path = lab.write(SETTINGS.format(url=server.url) + PANEL, PEOPLE, ENRICH, SHOW)
    with lab.open(browser, path) as notebook:
        notebook.run(0)
        says = f"{len(KEY)} characters"
        typed_and_tested(notebook, "clearing key", KEY, "Test clearing", f"clearing: {says}")
        typed_and_tested(notebook, "keeping key", kept, "Test keeping", f"keeping: {says}")
        for cell in (1, BAR, TABLE):
            notebook.run(cell)
        expect_readable(notebook)
        notebook.save()
        page = notebook.html()
    assert_nowhere(KEY, lab.folder, page)
    with pytest.raises(AssertionError, match="The secret is in") as found:
        assert_nowhere(kept, lab.folder, page)
    for place in ("the page", "notebooks/test.ipynb", ".ipynb_checkpoints/test-checkpoint.ipynb"):
        assert f"{place}: JSON-escaped" in str(found.value)


def test_a_key_typed_into_the_panel_is_nowhere(
    serve: Serve, start_lab: StartLab, browser: Browser, screenshots: Path
) -> None:
    """Typed, tested and used; the notebook is saved with its widgets' state, and holds no key."""
    server = serve(api_key=KEY)
    lab = start_lab()
    path = lab.write(
        SETTINGS.format(url=server.url),
        PEOPLE,
        ENRICH,
        SHOW,
        "pronto.setup()",
        "out.pronto.report()",
    )
    with lab.open(browser, path) as notebook:
        notebook.run(0)
        notebook.run(4)
        notebook.type_into("API key", KEY)
        notebook.click("Test key")
        expect(notebook.outputs(4)).to_contain_text("100,000")
        notebook.click("Save key for this session")
        expect(notebook.outputs(4)).to_contain_text("saved for this session")
        notebook.wait_idle()
        for theme in THEMES:
            notebook.theme(theme)
            notebook.screenshot(screenshots / f"panel-{theme}.png", notebook.outputs(4))
        for cell in (1, BAR, TABLE, 5):
            notebook.run(cell)
        expect_readable(notebook)
        expect(notebook.outputs(5)).to_contain_text("found")
        expect(notebook.outputs(5).locator("svg[role=img]").first).to_be_visible()
        for theme in THEMES:
            notebook.theme(theme)
            notebook.screenshot(screenshots / f"report-{theme}.png", notebook.outputs(5))
        notebook.save()
        page = notebook.html()
    assert len(server.sandbox.charges) == ROWS
    assert_nowhere(KEY, lab.folder, page)
