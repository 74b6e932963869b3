"""What users import, what README promises, and what the house keeps to."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pronto_pandas as pronto
from pronto_pandas import sandbox

from .seams.root import Pronto, errors

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pronto_pandas"


def test_the_public_names_are_these() -> None:
    """Adding or taking one away is a decision."""
    assert sorted(pronto.__all__) == sorted(
        {
            "BulkJob", "Check", "Estimate", "Loaded", "Progress", "Report", "Runs", "Statement",
            "Webhook", "aenrich", "balance", "bulk_enrich", "check", "clean", "collect",
            "configure", "enrich", "enrich_file",
            "estimate", "job", "jobs", "ledger", "read", "report", "runs", "sample", "setup",
            "statement", "webhook",
            *(name for name in vars(errors) if name.endswith(("Error", "Warning"))),
        }
    )  # fmt: skip
    assert all(hasattr(pronto, name) for name in pronto.__all__)
    public = {name for name in dir(Pronto) if not name.startswith("_")}
    assert public == {
        "aenrich", "bulk_enrich", "check", "clean", "collect", "columns", "enrich", "estimate",
        "report", "save",
    }  # fmt: skip


def test_every_error_is_drawn_where_it_stands() -> None:
    """The hierarchy at the top of the module is the one that Python knows."""
    drawn = re.findall(r"^( *[│├└─ ]*)(\w+(?:Error|Warning))", errors.__doc__ or "", re.MULTILINE)
    parents: list[tuple[int, str]] = []
    names = set()
    for lead, name in drawn:
        while parents and parents[-1][0] >= len(lead):
            parents.pop()
        if parents:
            assert parents[-1][1] == getattr(errors, name).__bases__[0].__name__
        parents.append((len(lead), name))
        names.add(name)
    assert names == {n for n in vars(errors) if n.endswith(("Error", "Warning"))}


def test_the_code_of_the_readme_prints_what_it_says() -> None:
    """The printed output is the real one, of a new process: its sandbox has all its credits."""
    readme = (ROOT / "README.md").read_text()
    found = re.search(
        r"```python\n(.*?)```\n\n```text\n(.*?)```.*?```text\n(.*?)```", readme, re.DOTALL
    )
    assert found is not None
    code, expected, price = found.groups()
    assert len([line for line in code.splitlines() if line]) == 5
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    strip = [line.rstrip() for line in done.stdout.splitlines()]
    assert strip == [line.rstrip() for line in expected.splitlines()]
    assert "PhoneWithoutLinkedInWarning" in done.stderr
    lines = [line.strip() for line in re.split(r"[\r\n]+", done.stderr)]
    assert [line for line in lines if "credits" in line and "balance" in line] == price.splitlines()


def test_the_readme_names_every_status_and_no_dead_file() -> None:
    """Its table is complete and its links lead somewhere."""
    readme = (ROOT / "README.md").read_text()
    for status in ("found", "not_found", "skipped", "invalid", "error", "unknown", "pending"):
        assert f"| `{status}` |" in readme
    for link in re.findall(r"\]\((?!http)([^)]+)\)", readme):
        assert (ROOT / link).exists()


def test_the_architecture_maps_every_folder() -> None:
    """Each has a line, and each installed package a reason."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    for folder in (path.parent for path in PACKAGE.glob("*/__init__.py")):
        assert f"\n  {folder.name}/ " in text
    dependencies = re.search(
        r"dependencies = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL
    )
    assert dependencies is not None
    reasons = (ROOT / "docs" / "decisions" / "030-dependencies.md").read_text()
    for name in re.findall(r'"([a-z-]+)', dependencies[1]):
        assert f"| `{name}` |" in reasons, f"{name} has no reason"


def test_the_documents_name_no_dead_file() -> None:
    """Neither in a link nor as a path; and the index has every decision record."""
    decisions = ROOT / "docs" / "decisions"
    records = {path.name for path in decisions.glob("0*.md")}
    assert set(re.findall(r"\]\((0[^)]+)\)", (decisions / "README.md").read_text())) == records
    for path in [ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")]:
        text = path.read_text()
        for link in re.findall(r"\]\((?!http)([^)#]+)", text):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
        for name in re.findall(r"`([\w./]+/[\w./]*\.(?:py|toml|md|ipynb))`", text):
            assert (PACKAGE / name).exists() or (ROOT / name).exists(), f"{path.name}: {name}"


TO_BE_ADDED = {"da.toml", "tests/exports/list_danish.csv"}
"""Files of CONTRIBUTING's examples."""


def test_contributing_names_tests_and_files_that_exist() -> None:
    """A step that names what was renamed cannot be followed."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    defined = set(re.findall(r"def (test_\w+)\(", tests + text))
    modules = {path.stem for path in (ROOT / "tests").glob("test_*.py")}
    assert set(re.findall(r"\btest_\w+", text)) <= defined | modules
    words = " ".join(re.findall(r"`([^`\n]+)`", text)).split()
    ending = r"[\w./-]+(\.(py|toml|md|csv|ipynb|sh)|/)|\.ci/\w+"
    paths = {word for word in words if re.fullmatch(ending, word)}
    assert paths >= TO_BE_ADDED
    for path in paths - TO_BE_ADDED:
        places = (ROOT, PACKAGE, PACKAGE / "cleaning" / "data")
        assert any((place / path).exists() for place in places), path
    for module in re.findall(r"-m (tests[\w.]*)", text):
        assert importlib.util.find_spec(module), module


def test_public_things_say_what_they_do_cost_and_raise() -> None:
    """In NumPy style."""
    for thing in (pronto.enrich, pronto.configure):
        doc = inspect.getdoc(thing) or ""
        for section in ("Parameters\n-----", "Returns\n-----", "Raises\n-----"):
            assert section in doc
    assert "charged" in (pronto.enrich.__doc__ or "")


INSIDE = re.compile(r"\bpronto_pandas\.(?!sandbox\b(?!\.[a-z]))(\w+(?:\.\w+)*)")
"""A module of the package, in code and in strings, that users do not import."""

STILL_INSIDE = {
    # It measures the memory and the CPU of a call, imports included; the seam would load more.
    "recipes.py": {"sending.rate_limit"},
}
"""What reaches inside without a seam, and why."""


def test_the_inside_is_reached_through_the_seams() -> None:
    """`tests/seams` says what of it tests and benchmarks use; all else is public."""
    public = {
        "pronto_pandas": {*pronto.__all__, "sandbox"},
        "pronto_pandas.sandbox": {*sandbox.__all__},
    }
    found: dict[str, set[str]] = {}
    for path in [*ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/**/*.py")]:
        if path.parent.name == "seams":
            continue
        inside = set(INSIDE.findall(path.read_text()))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module in public:
                inside |= {name.name for name in node.names} - public[node.module]
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pronto":
                inside |= {node.attr} - {*pronto.__all__, "__all__", "__version__"}
        if inside:
            found[path.name] = inside
    assert found == STILL_INSIDE


def test_every_test_says_what_it_shows() -> None:
    """In its docstring."""
    for path in (ROOT / "tests").glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name}"


def test_the_changelog_knows_the_version() -> None:
    """A release without an entry is no release."""
    assert f"## [{pronto.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_notebooks_hold_no_outputs() -> None:
    """They are made when a reader runs them."""
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert '"output_type"' not in path.read_text()


def test_importing_loads_nothing_that_is_not_used_yet() -> None:
    """A notebook's first cell is quick: HTTP, widgets and the sandbox come with their first use."""
    later = (
        "httpx", "aiohttp", "pydantic", "sqlalchemy", "starlette", "uvicorn", "tqdm",
        "ipywidgets", "keyring", "IPython", "matplotlib", "openpyxl",
    )  # fmt: skip
    code = f"""
import sys, pandas
before = set(sys.modules)
import pronto_pandas
print([name for name in {later!r} if name in set(sys.modules) - before])
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"


def test_decisions_that_the_code_names_exist() -> None:
    """A renamed record must not leave a dead link."""
    named = {
        record
        for path in (ROOT / "pronto_pandas").rglob("*.py")
        for record in re.findall(r"docs/decisions/\S+\.md", path.read_text("utf-8"))
    }
    assert named
    assert [record for record in sorted(named) if not (ROOT / record).exists()] == []
