"""A frame of many rows whose people are all in the ledger: time and memory, and how they grow."""

from __future__ import annotations

import argparse
import json
import os
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


def fill(ledger: Path, people: list[dict[str, str]]) -> None:
    """Write an answer for each person, as a run would."""
    from pronto_pandas.api.contact import Contact
    from pronto_pandas.engine.storage import connect

    opened = connect(str(ledger), ADDRESS)
    answer = {"enrichment_id": "made up", "status": "success", "message": None}
    with opened.transaction() as connection:
        for number, fields in enumerate(people):
            email = {"email": f"ana{number}@company.example", "email_status": "valid"}
            opened.answer(connection, {(Contact(**fields).key, "email"): answer | email})


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
        for name in ("estimate", "enrich"):
            began = time.process_time()
            out = getattr(pronto, name)(df, "email")
            took[name] = round(time.process_time() - began, 1)
        assert set(out["pronto_status"]) == {"found"}
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"rows": rows, "people": len(people), **took, "peak MB beside the frame": round(peak)}


def main() -> None:
    """Measure some sizes, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="*", default=[500_000, 1_000_000, 2_000_000])
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.rows[0])))
        return
    lines = []
    for rows in args.rows:
        command = [sys.executable, __file__, "--one", str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
        lines.append(json.loads(done.stdout))
    print(pd.DataFrame(lines).to_string(index=False))


if __name__ == "__main__":
    main()
