"""The notebooks run from top to bottom in a real kernel, and the sample list is what it is for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbclient import NotebookClient

import pronto_pandas as pronto

from .conftest import slow

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def executed(name: str, folder: Path) -> Any:
    """Run a notebook in an empty folder and return it with its outputs."""
    notebook: Any = nbformat.reads((NOTEBOOKS / name).read_text(), as_version=4)
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    client.execute()
    return notebook


def outputs(notebook: Any) -> str:
    """Return all that a reader sees below the cells."""
    return json.dumps(notebook, ensure_ascii=False)


@slow
def test_the_quickstart_runs(tmp_path: Path, kernels: None) -> None:
    """Every cell, with a bar, a table, and the file at the end."""
    notebook = executed("quickstart.ipynb", tmp_path)
    shown = outputs(notebook)
    assert "it costs nothing" in shown
    assert "Looking up the emails of 5 people" in shown
    assert "the balance changed by" in shown
    assert "Traceback" not in shown
    assert "221 of 221 rows" in shown
    assert "Pronto report: 240 rows" in shown
    saved = pronto.read(tmp_path / "enriched.xlsx")
    assert Counter(saved["pronto_status"]) == {"found": 200, "not_found": 21, "invalid": 19}
    assert saved["pronto_message"].str.contains("Made up by the sandbox").sum() == 221


@slow
def test_the_list_cleaning_notebook_runs(tmp_path: Path, kernels: None) -> None:
    """From a messy export to a workbook that reads back as it was."""
    notebook = executed("list_cleaning.ipynb", tmp_path)
    shown = outputs(notebook)
    assert "Traceback" not in shown
    assert "300 rows, 11 columns; semicolon-separated, UTF-8" in shown
    assert "Pronto check: 300 rows; nothing was sent" in shown
    assert "True" in below(notebook, notebook["cells"][-1]["source"])


def below(notebook: Any, source: str) -> str:
    """Return what a reader sees below one cell."""
    (cell,) = [c for c in notebook["cells"] if c["source"] == source]
    return json.dumps(cell["outputs"], ensure_ascii=False)


@slow
def test_the_bulk_notebook_runs(tmp_path: Path, kernels: None) -> None:
    """A job, a webhook on this machine, and every answer."""
    notebook = executed("bulk.ipynb", tmp_path)
    assert "Traceback" not in outputs(notebook)
    assert "True" in below(notebook, "job.wait(timeout=60)")
    assert "197 of 197 people" in below(notebook, "job.wait(timeout=60)")
    counts = below(notebook, 'out["pronto_status"].value_counts()')
    assert "found" in counts
    assert "unknown" not in counts
    assert "pending" not in counts


@slow
def test_the_demo_runs() -> None:
    """``make demo``: over a real socket, and it says that nothing of it is real."""
    done = subprocess.run(
        [sys.executable, str(NOTEBOOKS / "demo.py")],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert "made up" in done.stdout
    assert "240 rows, 197 requests" in done.stdout
    assert "make notebook" in done.stdout


def test_the_sample_is_as_messy_as_a_real_export() -> None:
    """Repeats, accents, other scripts, stray spaces, addresses, gaps, numbers as text."""
    leads = pronto.read(pronto.sample("leads.csv")).fillna("")
    names = leads["First Name"] + leads["Last Name"]
    assert len(leads) == 240
    assert names.str.contains(r"[àâäéèêëïîôöùûüçñøåłß]").sum() > 30
    assert (~names.map(lambda name: all(ord(char) < 0x250 for char in name))).sum() >= 10
    assert (names != names.str.strip()).sum() >= 10
    assert leads["Website"].str.contains("://www.").sum() > 20
    assert (leads["First Name"] == "").sum() >= 5
    assert leads["First Name"].str.fullmatch(r"\d+").sum() >= 2
    assert leads.duplicated(["First Name", "Last Name", "Company"]).sum() >= 8


def test_the_sample_holds_nobody() -> None:
    """Domains that nobody can own, and profiles that say that they are examples."""
    leads = pronto.read(pronto.sample("leads.csv")).fillna("")
    domains = leads["Website"][leads["Website"].str.contains(r"\w\.\w")].str.lower()
    assert domains.str.contains(r"\.example(?:/|$)").all()
    profiles = leads["LinkedIn URL"][leads["LinkedIn URL"] != ""]
    assert profiles.str.contains("example").all()


def test_a_sample_row_gets_the_sandboxs_answer() -> None:
    """The list works with numbers inferred by pandas, too."""
    leads = pd.read_csv(pronto.sample())
    pronto.configure(base_url="sandbox")
    out = leads.pronto.enrich("email", limit=3, progress=False)
    assert (out["pronto_status"] == "skipped").sum() > 200
    assert out["email"].dropna().str.endswith(".example").all()
