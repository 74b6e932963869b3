"""How many callbacks the webhook takes: a burst from another process, its own CPU beside it."""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import pandas as pd

import pronto_pandas as pronto
from tests.seams.bulk import JobRow, add_batch, tag
from tests.seams.storage import connect, new_run

ADDRESS = "http://127.0.0.1:9"
"""Nobody listens there: nothing may be sent."""


def send(url: str, contacts: list[str], at_once: int, took: Any) -> None:
    """Post an answer for each contact, so many at a time, and say how long it took."""

    async def main() -> None:
        connector = aiohttp.TCPConnector(limit=at_once)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def post(number: int, contact: str) -> None:
                answer = {"status": "success", "email": f"ana{number}@company.example"}
                answer |= {"email_status": "valid", "enrichment_id": "made up"}
                body = json.dumps(answer | {"custom": tag("job", contact)})
                async with session.post(url, data=body) as reply:
                    assert reply.status == 200

            await asyncio.gather(*(post(n, contact) for n, contact in enumerate(contacts)))

    began = time.perf_counter()
    asyncio.run(main())
    took.put(time.perf_counter() - began)


def measure(callbacks: int, at_once: int) -> dict[str, float]:
    """Return callbacks a second, and the CPU that each took on this side."""
    contacts = [f"{number:064x}" for number in range(callbacks)]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "ledger.sqlite3"
        ledger = connect(str(place), ADDRESS)
        with ledger.write() as t:
            add_batch(t, JobRow("job", ADDRESS, "email", time.time()), 1, contacts, new_run())
        with (
            pronto.configure(base_url=ADDRESS, ledger=place),
            pronto.webhook(port=0) as hook,
        ):
            spawn = multiprocessing.get_context("spawn")
            said = spawn.Queue()
            sender = spawn.Process(target=send, args=(hook.url, contacts, at_once, said))
            cpu = os.times()
            sender.start()
            took: float = said.get(timeout=300)
            used = os.times()
            sender.join()
            job = pronto.job("job")
            assert sender.exitcode == 0
            assert job.arrived == callbacks
    spent = used.user + used.system - cpu.user - cpu.system
    return {
        "callbacks": callbacks,
        "at once": at_once,
        "a second": round(callbacks / took),
        "CPU ms each": round(spent / callbacks * 1000, 2),
        "a second of one core": round(callbacks / spent),
    }


def main() -> None:
    """Measure bursts of some widths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callbacks", type=int, default=5_000)
    args = parser.parse_args()
    lines = [measure(args.callbacks, at_once) for at_once in (10, 100, 1_000)]
    print(pd.DataFrame(lines).to_string(index=False))


if __name__ == "__main__":
    main()
