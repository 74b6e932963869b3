"""Frames and files of many rows whose people are all in the ledger: time, memory, their growth."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import pronto_pandas as pronto

ADDRESS = "http://127.0.0.1:9"
"""Nobody listens there: nothing may be sent."""


def person(number: int) -> dict[str, str]:
    """Return an invented person."""
    name = "".join(chr(97 + int(digit)) for digit in str(number))
    return {
        "firstname": f"Ana{name}",
        "lastname": f"Lovelace{name[::-1]}",
        "domain": f"company{number % 5000}.example",
        "linkedin_url": f"https://www.linkedin.com/in/ana-{number}/",
    }


def fill(ledger: Path, people: list[dict[str, str]], service: str = ADDRESS) -> None:
    """Write an answer for each person, as a run would."""
    from tests.seams.api import Contact
    from tests.seams.storage import connect

    opened = connect(str(ledger), service)
    answer = {"enrichment_id": "made up", "status": "success", "message": None}
    with opened.write() as t:
        for number, fields in enumerate(people):
            email = {"email": f"ana{number}@company.example", "email_status": "valid"}
            opened.answer(
                t, {(Contact(**fields).keys("email")[0], "email"): json.dumps(answer | email)}
            )


def measure(rows: int) -> dict[str, float]:
    """Return the CPU seconds of each call on one core, and the peak beside the frame."""
    people = [person(number) for number in range(rows // 10)]
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.sqlite3"
        fill(ledger, people)
        chosen = np.random.default_rng(0).integers(0, len(people), rows)
        df = pd.DataFrame(people).iloc[chosen].reset_index(drop=True)
        pronto.configure(base_url=ADDRESS, ledger=ledger)
        before, took = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, {}
        for name in ("estimate", "check", "enrich"):
            began = time.process_time()
            out = getattr(pronto, name)(df, "email")
            took[name] = round(time.process_time() - began, 1)
            said = out["pronto_status"].unique() if name == "enrich" else ["found"]
            del out  # before the next one is measured
        assert list(said) == ["found"]
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"rows": rows, "people": len(people), **took, "peak MB beside the frame": round(peak)}


def measure_file(rows: int) -> dict[str, float]:
    """Return the CPU seconds and the peak of `enrich_file`, where the file is never in memory."""
    people, piece = [person(number) for number in range(20_000)], 50_000
    with tempfile.TemporaryDirectory() as folder:
        ledger, source = Path(folder) / "ledger.sqlite3", Path(folder) / "people.csv"
        fill(ledger, people)
        table, dice = pd.DataFrame(people), np.random.default_rng(0)
        for start in range(0, rows, piece):
            chosen = dice.integers(0, len(people), min(piece, rows - start))
            table.iloc[chosen].to_csv(source, mode="a", header=start == 0, index=False)
        pronto.configure(base_url=ADDRESS, ledger=ledger)
        began = time.process_time()
        counts = pronto.enrich_file(source, Path(folder) / "out.csv", "email", chunksize=piece)
        took = round(time.process_time() - began, 1)
        assert counts.to_dict() == {"found": rows}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows of a file": rows, "enrich_file": took, "peak MB in all": round(peak)}


MEASURES = {"frame": measure, "file": measure_file}


def main() -> None:
    """Measure some sizes, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="*", default=[500_000, 1_000_000, 2_000_000])
    parser.add_argument("--one", choices=MEASURES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(MEASURES[args.one](args.rows[0])))
        return
    for kind in MEASURES:
        lines = []
        for rows in map(str, args.rows):
            command = [sys.executable, __file__, "--one", kind, rows]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            lines.append(json.loads(done.stdout))
        print(pd.DataFrame(lines).to_string(index=False))


if __name__ == "__main__":
    main()
