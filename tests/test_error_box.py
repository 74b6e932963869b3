"""In a real kernel, an error of the package is one box; everything else is as IPython has it."""

from __future__ import annotations

import re
import runpy
import traceback
from pathlib import Path
from typing import Any

import pytest

import pronto_pandas as pronto

from .conftest import Serve
from .test_kernel import Kernel, kernel

__all__ = ["kernel"]  # a fixture

KEY = "sk-live 0123456789"

INTERNAL = re.compile(r"pronto_pandas/\w+.*\.py|-> ")


def shown(kernel: Kernel, code: str) -> str:
    """Run a cell that fails; return what the page shows of it, without colours."""
    kernel.send(code)
    reply = kernel.reply()
    assert reply["status"] == "error", reply
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(reply["traceback"]))


def published(kernel: Kernel, code: str) -> str:
    """Run a cell that does not fail; return the traceback that it shows all the same."""
    kernel.send(code)
    text = ""
    while True:
        message: dict[str, Any] = kernel.client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != kernel.sent:
            continue
        if message["msg_type"] == "error":
            text += "\n".join(message["content"]["traceback"])
        if message["content"].get("execution_state") == "idle":
            return text


def ran(kernel: Kernel, code: str) -> None:
    """Run a cell that succeeds."""
    kernel.send(code)
    reply = kernel.reply()
    assert reply["status"] == "ok", reply


SET_UP = """
    import pandas as pd
    import pronto_pandas as pronto
    pronto.configure(base_url="sandbox")
    ann = {"firstname": "Quillfeather", "lastname": "Lovelace", "domain": "company1.example"}
    df = pd.DataFrame([ann])
"""


def test_an_error_is_a_box_and_more_is_shown_on_request(kernel: Kernel) -> None:
    """The message, the user's line and how to see all; no internals, no data, no key."""
    ran(kernel, SET_UP)
    box = shown(kernel, "numbers = df[['domain']]\n\nnumbers.pronto.enrich('email')")
    lines = box.splitlines()
    assert lines[0].startswith("╭─ ColumnsError ─")
    assert lines[-1].startswith("╰─")
    assert all(line.startswith("│") for line in lines[1:-1])
    assert "Nothing was sent." in box
    assert "│ Raised at: Cell In[2], line 3" in lines
    assert "%tb" in lines[-2]
    assert "debug=True" in lines[-2]
    assert not INTERNAL.search(box)
    assert "Quillfeather" not in box

    full = published(kernel, "%tb")
    assert INTERNAL.search(full)
    assert "ColumnsError" in full
    assert "╭" not in full

    awaited = shown(kernel, "await df.pronto.aenrich('fax')")
    assert awaited.startswith("╭─ ConfigurationError")
    assert "│ Raised at: Cell In[4], line 1" in awaited
    assert not INTERNAL.search(awaited)

    key = shown(kernel, f"pronto.configure(api_key={KEY!r}, base_url=None)")
    assert key.startswith("╭─ ConfigurationError")
    assert KEY not in key


def test_with_debug_the_full_traceback_is_shown(kernel: Kernel) -> None:
    """For the session, and for a block, also after it has ended."""
    ran(kernel, SET_UP)
    for code in (
        "with pronto.configure(debug=True):\n    df.pronto.enrich('fax')",
        "pronto.configure(debug=True); df.pronto.enrich('fax')",
    ):
        full = shown(kernel, code)
        assert INTERNAL.search(full)
        assert "╭" not in full
    assert shown(kernel, "pronto.configure(debug=False); df.pronto.enrich('fax')").startswith("╭")


def test_chains_and_the_errors_of_others(kernel: Kernel) -> None:
    """A cause is named by its type; an error of somebody else is shown as ever, also with ours."""
    ran(kernel, SET_UP)
    caused = shown(
        kernel,
        """
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise pronto.ProntoError("No luck.\\n  Second line") from error
        """,
    )
    assert "│ Caused by: ZeroDivisionError" in caused
    assert "│ No luck.\n│   Second line\n│\n" in caused
    assert "division by zero" not in caused
    while_handling = shown(
        kernel,
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    df.pronto.enrich('fax')",
    )
    assert while_handling.startswith("╭─ ConfigurationError")
    assert "ZeroDivisionError" not in while_handling
    ours = shown(
        kernel,
        """
        try:
            df.pronto.enrich('fax')
        except pronto.ProntoError as error:
            raise RuntimeError("mine") from error
        """,
    )
    assert "╭" not in ours
    assert "direct cause" in ours
    assert INTERNAL.search(ours)
    assert "RuntimeError: mine" in ours
    assert "----> 1 1 / 0" in shown(kernel, "1 / 0")


def test_an_error_of_a_run_is_a_box(serve: Serve, kernel: Kernel) -> None:
    """It crossed a thread and an event loop; the user's line is still found."""
    server = serve(api_key="sk-right")
    ran(kernel, SET_UP)
    ran(kernel, f"pronto.configure(base_url={server.url!r}, api_key='sk-wrong')")
    for call in ("df.pronto.enrich('email')", "await df.pronto.aenrich('email')"):
        box = shown(kernel, f"def enriched():\n    return df\nout = {call}")
        assert box.startswith("╭─ AuthenticationError")
        assert re.search(r"│ Raised at: Cell In\[\d\], line 3\n", box)
        assert not INTERNAL.search(box)
        assert "sk-wrong" not in box


def test_elsewhere_a_traceback_is_what_it_was() -> None:
    """Only IPython draws the box."""
    with pytest.raises(pronto.ConfigurationError) as caught:
        pronto.configure(rate=0)
    text = "".join(traceback.format_exception(caught.value))
    assert text.startswith("Traceback (most recent call last)")
    assert "╭" not in text
    assert not hasattr(caught.value, "_render_traceback_")


URL = "https://example.com/" + "a" * 90


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("helpers.py", None),
        ("ipython-input-3-2f4b.py", "Cell In[3]"),
        ("ipykernel_812/1793.py", "Notebook cell"),
    ],
)
def test_a_line_is_found_in_files_and_in_cells_of_ipython_7(
    tmp_path: Path, file: str, place: str | None
) -> None:
    """Which keeps no list of its cells. Long paths and URLs stay in one piece."""
    helper = tmp_path / file
    helper.parent.mkdir(exist_ok=True)
    helper.write_text(
        f"import pronto_pandas as pronto\n\nraise pronto.ProntoError('See {URL} for more.')\n"
    )
    try:
        runpy.run_path(str(helper))
    except pronto.ProntoError as error:
        lines = error._render_traceback_()
    assert f"│ Raised at: {place or helper}, line 3" in lines
    assert f"│ {URL}" in lines


def test_debug_is_true_or_false() -> None:
    """And nothing that could be mistaken for it."""
    with pytest.raises(pronto.ConfigurationError, match="debug must be True or False"):
        pronto.configure(debug=1)  # type: ignore[arg-type]  # that is what is tested
