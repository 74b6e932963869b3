"""What people paste into a notebook to call the API for each row, and this package.

Run as a program by `compare.py`: ``recipes.py NAME URL KEY ROWS``. Prints what it measured of
itself as JSON. Each recipe is as it is commonly written: no retries, because most have none.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

PATH = "/contacts/sync_single_enrich"


def people(count: int) -> pd.DataFrame:
    """Return distinct invented people."""
    letters = [chr(97 + n % 26) + chr(97 + n // 26 % 26) for n in range(count)]
    return pd.DataFrame(
        {
            "firstname": "Ada",
            "lastname": [f"Benchmark-{text}" for text in letters],
            "domain": [f"company{n}.example" for n in range(count)],
        }
    )


def _body(row: Any) -> dict[str, Any]:
    return {
        "firstname": row["firstname"],
        "lastname": row["lastname"],
        "domain": row["domain"],
        "enrichment_type": ["email"],
    }


def apply_loop(df: pd.DataFrame, url: str, key: str) -> int:
    """``df.apply`` with requests, one row after the other."""
    import requests

    def ask(row: Any) -> str | None:
        answer = requests.post(url + PATH, json=_body(row), headers={"X-API-KEY": key}, timeout=300)
        return str(answer.json()["status"]) if answer.ok else None

    said: pd.Series = df.apply(ask, axis="columns")
    return int(said.notna().sum())


def thread_pool(df: pd.DataFrame, url: str, key: str) -> int:
    """``ThreadPoolExecutor(50)`` with requests."""
    import requests

    def ask(row: Any) -> bool:
        answer = requests.post(url + PATH, json=_body(row), headers={"X-API-KEY": key}, timeout=300)
        return answer.ok

    with ThreadPoolExecutor(50) as pool:
        return sum(pool.map(ask, df.to_dict("records")))


async def _gathered(df: pd.DataFrame, url: str, key: str, gate: Any) -> int:
    import httpx

    async with httpx.AsyncClient(
        timeout=300, limits=httpx.Limits(max_connections=None), headers={"X-API-KEY": key}
    ) as client:

        async def ask(row: Any) -> bool:
            try:
                if isinstance(gate, asyncio.Semaphore):
                    async with gate:
                        answer = await client.post(url + PATH, json=_body(row))
                else:
                    async with gate:
                        pass
                    answer = await client.post(url + PATH, json=_body(row))
            except httpx.HTTPError:
                return False
            return answer.is_success

        return sum(await asyncio.gather(*(ask(row) for row in df.to_dict("records"))))


def semaphore(df: pd.DataFrame, url: str, key: str) -> int:
    """Plain httpx with ``asyncio.Semaphore(50)``."""
    return asyncio.run(_gathered(df, url, key, asyncio.Semaphore(50)))


def limiter(df: pd.DataFrame, url: str, key: str) -> int:
    """Plain httpx with ``AsyncLimiter(50, 1)`` of aiolimiter."""
    from aiolimiter import AsyncLimiter

    return asyncio.run(_gathered(df, url, key, AsyncLimiter(50, 1)))


def package(df: pd.DataFrame, url: str, key: str) -> int:
    """``df.pronto.enrich``, with its ledger on disk."""
    import pronto_pandas as pronto

    with tempfile.TemporaryDirectory() as folder:
        pronto.configure(base_url=url, api_key=key, ledger=Path(folder) / "ledger.sqlite3")
        out = df.pronto.enrich("email", progress=False)
    return int(out["pronto_status"].isin(["found", "not_found"]).sum())


RECIPES: dict[str, Callable[[pd.DataFrame, str, str], int]] = {
    "df.apply + requests": apply_loop,
    "ThreadPoolExecutor(50)": thread_pool,
    "httpx + Semaphore(50)": semaphore,
    "httpx + AsyncLimiter": limiter,
    "pronto-pandas": package,
}


def _noted_starts() -> list[float]:
    """Note when the package lets requests start."""
    from pronto_pandas.sending.rate_limit import RateLimit

    turn, moments = RateLimit.acquire, list[float]()

    async def noted(pace: RateLimit) -> float:
        moments.append(await turn(pace))
        return moments[-1]

    setattr(RateLimit, "acquire", noted)  # noqa: B010  mypy would not have it otherwise
    return moments


def main(name: str, url: str, key: str, rows: str) -> None:
    """Run one recipe."""
    df = people(int(rows))
    starts = _noted_starts() if name == "pronto-pandas" else []
    cpu, began = time.process_time(), time.perf_counter()
    got = RECIPES[name](df, url, key)
    measured = {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "lost": len(df) - got,
        "starts": starts,
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
