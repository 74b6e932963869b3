"""CONTRIBUTING's steps for a new type and a new column, followed in a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import others_slow
from .test_public import PACKAGE

PEOPLE = """
import pandas as pd
import pronto_pandas as pronto

pronto.configure(base_url="sandbox")
people = pd.DataFrame({
    "firstname": [f"Ana{letter}" for letter in "abcdefgh"],
    "lastname": "Example",
    "email": "ana@acme.example",
    "linkedin_url": [f"https://www.linkedin.com/in/ana-{letter}" for letter in "abcdefgh"],
})
"""

USE = """
assert (people.pronto.check("job_title")["check"] == "ready").all()
estimate = people.pronto.estimate("job_title")
assert (estimate.people, estimate.cost_low, estimate.cost_high) == (8, 16, 32), estimate
trial = people.pronto.enrich("job_title", max_credits=8, progress=False)
assert (trial["pronto_status"] == "pending").any()
for via in ("sync", "async"):
    out = people.pronto.enrich(["job_title", "phone"], via=via, refresh=True, progress=False)
    found = out["job_title"].notna()
    assert 0 < found.sum() < len(out)
    assert (out["job_title_status"].eq("N/A") == ~found).all()
    again = people.pronto.collect(["job_title", "phone"])
    pd.testing.assert_frame_equal(out, again)
    assert out.pronto.report().values["job_title"] == found.sum()
"""

USE_COLUMN = """
for via in ("sync", "async"):
    out = people.pronto.enrich("phone", via=via, refresh=True, progress=False)
    assert out["job_title"].notna().all()
    pd.testing.assert_frame_equal(out, people.pronto.collect("phone"))
listed = people.assign(job_title=["CEO"] + 7 * [None])
assert listed.pronto.collect("phone")["job_title"].tolist() == ["CEO", *out["job_title"][1:]]
replaced = listed.pronto.collect("phone", overwrite=True)
assert replaced["job_title"].tolist() == out["job_title"].tolist()
listed.to_csv("listed.csv", index=False)
pronto.enrich_file("listed.csv", "done.csv", "phone", chunksize=3, progress=False)
assert pronto.read("done.csv")["job_title"].tolist() == ["CEO", *out["job_title"][1:]]
with pronto.webhook(port=0) as hook:
    job = people.pronto.bulk_enrich("phone", hook.url, refresh=True, progress=False)
    assert job.wait(30)
assert job.results()["job_title"].notna().all()
twice = pd.concat([listed, listed[["job_title"]]], axis=1)
try:
    twice.pronto.collect("phone")
except pronto.ColumnsError as error:
    assert "'job_title'" in str(error), error
else:
    raise AssertionError("it was not refused")
"""

REFUSED = """
from pronto_pandas.sandbox import in_process
came = []
in_process().sandbox.authorize = came.append
def refused(call):
    try:
        call()
    except pronto.ConfigurationError as error:
        assert 'configure(prices={"job_title": 1})' in str(error), error
    else:
        raise AssertionError("it was not refused")

refused(lambda: people.pronto.enrich("job_title", progress=False))
assert not came  # no request at all
refused(lambda: people.pronto.estimate("job_title"))
pronto.configure(prices={"job_title": (2, 4)})
"""


def follow_the_steps(package: Path, *, price: bool) -> None:
    """Add the type ``job_title``, as CONTRIBUTING has it."""
    edit(package / "api" / "spec.py", r"(EnrichmentType = Literal\[.*)\]", r'\1, "job_title"]')
    if price:
        edit(package / "api" / "spec.py", r'(\{"email": \(.*)\}', r'\1, "job_title": (2.0, 4.0)}')
    status = r"    personal_email_status(: .*)\n"
    fields = r"\g<0>    job_title\1\n    job_title_status\1\n"
    edit(package / "api" / "answer.py", status, fields)
    needs = r'    \("(sync|async|bulk)", "personal_email"\): (.*)\n'
    edit(package / "frame" / "plan.py", needs, r'\g<0>    ("\1", "job_title"): \2\n', times=3)


def follow_the_steps_for_a_column(package: Path) -> None:
    """Add the column ``job_title``, as CONTRIBUTING has it."""
    status = r"    personal_email_status: .*\n"
    edit(package / "api" / "answer.py", status, r"\g<0>    job_title: Note = None\n")
    results = package / "frame" / "results.py"
    edit(results, r"(RUN_COLUMNS.* = \(.*)\)\n", r'\1, "job_title")\n')
    steps = (PACKAGE.parent / "CONTRIBUTING.md").read_text()
    code = re.search(r"```python\n(.*?) *```", steps, re.DOTALL)
    assert code is not None
    edit(results, r"        writer\.fill\(status, statuses, .*\n", r"\g<0>" + code[1])
    status = r'    data\["status"\] = .*\n'
    value = '    data["job_title"] = _text("job_title", contact, who)\n'
    edit(package / "sandbox" / "people.py", status, value + r"\g<0>")


def edit(path: Path, old: str, new: str, times: int = 1) -> None:
    """Replace what a step names."""
    text, count = re.subn(old, new, path.read_text())
    assert count == times, f"{path.name}: the step's place was found {count} times"
    path.write_text(text)


@pytest.mark.parametrize("price", others_slow(True, False))
def test_the_steps_for_a_new_type_are_complete(tmp_path: Path, price: bool) -> None:
    """All parts of the package take it; without a price nothing is sent before one is set."""
    package = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    follow_the_steps(package, price=price)
    run(PEOPLE + ("" if price else REFUSED) + USE, tmp_path)


def test_the_steps_for_a_new_column_are_complete(tmp_path: Path) -> None:
    """Every way to send fills it, a saved answer too; the list's value stays, one column each."""
    package = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    follow_the_steps_for_a_column(package)
    run(PEOPLE + USE_COLUMN, tmp_path)


def run(code: str, folder: Path) -> None:
    """Run code with the copy of the package in a folder."""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
