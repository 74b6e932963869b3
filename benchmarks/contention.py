"""How long a paying run waits for the ledger while another process reads a large list from it."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from pathlib import Path

import pandas as pd
from big import fill, person

import pronto_pandas as pronto
from pronto_pandas.sandbox import Sandbox, Server
from tests.seams.storage import Writer


def read(url: str, ledger: Path, known: int) -> None:
    """Collect what is known of many people, again and again."""
    pronto.configure(base_url=url, ledger=ledger)
    df = pd.DataFrame([person(number) for number in range(known)])
    while True:
        out = df.pronto.collect("email")
        assert (out["pronto_status"] == "found").all()


def measure(known: int, rows: int, warm: float) -> dict[str, float]:
    """Return the longest and the usual wait for a commit of a run, alone and beside a reader."""
    waits: list[float] = []
    write = Writer.write

    async def timed(writer: Writer, operation: object) -> object:
        began = time.perf_counter()
        try:
            return await write(writer, operation)  # type: ignore[arg-type]  # handed on as it is
        finally:
            waits.append(time.perf_counter() - began)

    Writer.write = timed  # type: ignore[method-assign,assignment]  # measured, and handed on
    sandbox = Sandbox(latency=0.5, rate=1_000_000)
    result: dict[str, float] = {"known": known, "rows": rows}
    with tempfile.TemporaryDirectory() as folder, Server(sandbox) as server:
        ledger = Path(folder) / "ledger.sqlite3"
        pronto.configure(base_url=server.url, api_key=sandbox.api_key, ledger=ledger)
        fill(ledger, [person(number) for number in range(known)], server.url)
        for name, beside in (("alone", False), ("beside a reader", True)):
            reader = multiprocessing.get_context("spawn").Process(
                target=read, args=(server.url, ledger, known), daemon=True
            )
            if beside:
                reader.start()
                time.sleep(warm)  # it has its list, and reads
            waits.clear()
            start = known if beside else 2 * known
            df = pd.DataFrame([person(number) for number in range(start, start + rows)])
            out = df.pronto.enrich("email", progress=False)
            assert set(out["pronto_status"]) <= {"found", "not_found"}
            if beside:
                assert reader.is_alive()
                reader.terminate()
                reader.join()
            waits.sort()
            result[f"longest ms, {name}"] = round(1000 * waits[-1], 1)
            result[f"99 % below ms, {name}"] = round(1000 * waits[int(0.99 * len(waits))], 1)
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--known", type=int, default=700_000)
    parser.add_argument("--rows", type=int, default=1_500)
    parser.add_argument("--warm", type=float, default=15.0, help="seconds until the reader reads")
    args = parser.parse_args()
    print(json.dumps(measure(args.known, args.rows, args.warm)))
