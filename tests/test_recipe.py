"""CONTRIBUTING's steps for a new type and a new column, followed in a copy of the package.

``shoe_size`` and ``birthplace`` are names that nobody will really add.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from .conftest import others_slow
from .test_public import PACKAGE, ROOT

CACHES = shutil.ignore_patterns("__pycache__")

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
assert (people.pronto.check("shoe_size")["check"] == "ready").all()
estimate = people.pronto.estimate("shoe_size")
assert (estimate.people, estimate.cost_most) == (8, 32), estimate
trial = people.pronto.enrich("shoe_size", max_credits=8, progress=False)
assert (trial["pronto_status"] == "pending").any()
for via in ("sync", "async"):
    out = people.pronto.enrich(["shoe_size", "phone"], via=via, refresh=True, progress=False)
    found = out["shoe_size"].notna()
    assert 0 < found.sum() < len(out)
    assert (out["shoe_size_status"].eq("N/A") == ~found).all()
    again = people.pronto.collect(["shoe_size", "phone"])
    pd.testing.assert_frame_equal(out, again)
    assert out.pronto.report().values["shoe_size"] == found.sum()
"""

USE_COLUMN = """
for via in ("sync", "async"):
    out = people.pronto.enrich("phone", via=via, refresh=True, progress=False)
    assert out["birthplace"].notna().all()
    pd.testing.assert_frame_equal(out, people.pronto.collect("phone"))
listed = people.assign(birthplace=["Ulm"] + 7 * [None])
assert listed.pronto.collect("phone")["birthplace"].tolist() == ["Ulm", *out["birthplace"][1:]]
replaced = listed.pronto.collect("phone", overwrite=True)
assert replaced["birthplace"].tolist() == out["birthplace"].tolist()
listed.to_csv("listed.csv", index=False)
pronto.enrich_file("listed.csv", "done.csv", "phone", chunksize=3, progress=False)
assert pronto.read("done.csv")["birthplace"].tolist() == ["Ulm", *out["birthplace"][1:]]
with pronto.webhook(port=0) as hook:
    job = people.pronto.bulk_enrich("phone", hook.url, refresh=True, progress=False)
    assert job.wait(30)
assert job.results()["birthplace"].notna().all()
twice = pd.concat([listed, listed[["birthplace"]]], axis=1)
try:
    twice.pronto.collect("phone")
except pronto.ColumnsError as error:
    assert "'birthplace'" in str(error), error
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
        assert 'configure(prices={"shoe_size": 1})' in str(error), error
    else:
        raise AssertionError("it was not refused")

refused(lambda: people.pronto.enrich("shoe_size", progress=False))
assert not came  # no request at all
refused(lambda: people.pronto.estimate("shoe_size"))
pronto.configure(prices={"shoe_size": (2, 4)})
"""


def follow_the_steps(package: Path, *, price: bool) -> None:
    """Add the type ``shoe_size``, as CONTRIBUTING has it."""
    edit(package / "api" / "spec.py", r"(EnrichmentType = Literal\[.*)\]", r'\1, "shoe_size"]')
    if price:
        edit(package / "api" / "spec.py", r'(\{"email": \(.*)\}', r'\1, "shoe_size": (2.0, 4.0)}')
    status = r"    personal_email_status(: .*)\n"
    fields = r"\g<0>    shoe_size\1\n    shoe_size_status\1\n"
    edit(package / "api" / "answer.py", status, fields)
    needs = r'    \("(sync|async|bulk)", "personal_email"\): (.*)\n'
    edit(package / "frame" / "plan.py", needs, r'\g<0>    ("\1", "shoe_size"): \2\n', times=3)


def follow_the_steps_for_a_column(package: Path) -> None:
    """Add the column ``birthplace``, as CONTRIBUTING has it."""
    status = r"    personal_email_status: .*\n"
    edit(package / "api" / "answer.py", status, r"\g<0>    birthplace: Note = None\n")
    results = package / "frame" / "results.py"
    edit(results, r"(RUN_COLUMNS.* = \(.*)\)\n", r'\1, "birthplace")\n')
    code, _ = code_for_a_column()
    edit(results, r"        writer\.fill\(status, statuses, .*\n", r"\g<0>" + code)
    status = r'    data\["status"\] = .*\n'
    value = '    data["birthplace"] = _text("birthplace", contact, who)\n'
    edit(package / "sandbox" / "people.py", status, value + r"\g<0>")


def code_for_a_column() -> list[str]:
    """Return CONTRIBUTING's code for a new column: the lines in ``assemble``, and the test."""
    steps = (ROOT / "CONTRIBUTING.md").read_text()
    return re.findall(r"```python\n(.*?) *```", steps, re.DOTALL)


def edit(path: Path, old: str, new: str, times: int = 1) -> None:
    """Replace what a step names."""
    text, count = re.subn(old, new, path.read_text())
    assert count == times, f"{path.name}: the step's place was found {count} times"
    path.write_text(text)


@pytest.mark.parametrize("price", others_slow(True, False))
def test_the_steps_for_a_new_type_are_complete(tmp_path: Path, price: bool) -> None:
    """All parts of the package take it; without a price nothing is sent before one is set."""
    package = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, package, ignore=CACHES)
    follow_the_steps(package, price=price)
    run(PEOPLE + ("" if price else REFUSED) + USE, tmp_path)


def test_the_steps_for_a_new_column_are_complete(tmp_path: Path) -> None:
    """Every way to send fills it, a saved answer too; the list's value stays, one column each."""
    package = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, package, ignore=CACHES)
    follow_the_steps_for_a_column(package)
    run(PEOPLE + USE_COLUMN, tmp_path)


def test_the_test_of_a_new_column_is_complete(tmp_path: Path) -> None:
    """It passes where CONTRIBUTING puts it."""
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=CACHES)
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=CACHES)
    follow_the_steps_for_a_column(tmp_path / PACKAGE.name)
    _, code = code_for_a_column()
    with (tmp_path / "tests" / "test_ledger.py").open("a") as file:
        file.write("\n\n" + textwrap.dedent(code))
    arguments = ["-q", "-p", "no:cacheprovider", "tests/test_ledger.py", "-k", "birthplace"]
    run(f"import pytest; raise SystemExit(pytest.main({arguments}))", tmp_path)


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
    assert ran.returncode == 0, ran.stdout + ran.stderr
