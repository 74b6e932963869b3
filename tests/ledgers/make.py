"""Make the ledgers of earlier versions, each with the code of its time, and write down what it had.

``python tests/ledgers/make.py`` in a clone with its history. Beside each ``version_N.sqlite3`` is a
``version_N.json``: who was asked for, and the frame that the code of that time returned. All people
are invented. No network is used: answers come from the sandbox of that time, and the name of their
service is changed in the file afterwards.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

COMMITS = {1: "a8aad4e", 2: "4e101a1", 3: "0ec38f5", 4: "8956613"}
"""The last commit that wrote each version."""

HERE = Path(__file__).parent
COLUMNS = (
    "email", "email_status", "phone_1", "phone_2", "phone_3", "phone_status",
    "pronto_status", "enrichment_id",
)  # fmt: skip

PRONTO = "pronto"
OLD_HOST = "https://api.prontohq.com/v2"
BULK_HOST = "https://app.prontohq.com/api/v2"
NEW_HOST = "https://api.pipecorn.com/v2"
OTHER = "https://people.example/v2"


def people(first: int, count: int) -> list[dict[str, str]]:
    """Return invented people; the numbers tell them apart."""
    return [
        {
            "firstname": f"Zoë{'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]}",
            "lastname": "O’Example-Ångström" if n % 3 == 0 else f"Lovelace{'abcdefghij'[n % 10]}",
            "domain": f"company{n % 4}.example",
            "linkedin_url": f"https://www.linkedin.com/in/zoe-example-{n}/",
        }
        for n in range(first, first + count)
    ]


class Maker:
    """Fills one ledger; it runs in a process that imports the package of that time."""

    def __init__(self, version: int, folder: Path) -> None:
        import pronto_pandas as pronto
        from pronto_pandas.sandbox import Sandbox, Server

        self.version, self.pronto = version, pronto
        self.enrich: Any = pronto.enrich  # of another time
        self.file = folder / f"version_{version}.sqlite3"
        self.file.unlink(missing_ok=True)
        self.server = Server(Sandbox(rate=10_000)).start()
        self.sandbox: Any = self.server.sandbox
        pronto.configure(
            base_url=self.server.url, api_key=self.sandbox.api_key, rate=1_000, ledger=self.file
        )
        self.lists: list[dict[str, Any]] = []
        self.job: dict[str, Any] | None = None

    def fill(self) -> dict[str, Any]:
        """Make every kind of entry that the version has, and return what it showed of them."""
        self.ask("answered", PRONTO, people(0, 8), ["email", "phone"])
        self.sandbox.faults, self.sandbox.fault_kinds = 1.0, ("reset after",)
        self.ask("unknown", PRONTO, people(8, 2), ["email"])
        self.sandbox.faults = 0.0
        self.ask("under a host", OLD_HOST, people(10, 4), ["email", "phone"])
        self.ask("under another service", OTHER, people(20, 3), ["email"])
        if self.version < 4:  # the later answer is the one to be kept, under whichever name it is
            self.ask("earlier", NEW_HOST, people(30, 1), ["email"], recorded=False, days_ago=9)
            self.ask("twice", OLD_HOST, people(30, 1), ["email"])
            self.ask("earlier", PRONTO, people(31, 1), ["email"], recorded=False, days_ago=9)
            self.ask("twice", NEW_HOST, people(31, 1), ["email"])
        if self.version >= 2:
            self.sandbox.latency = 60.0
            self.pronto.configure(timeout=1.0)
            self.ask("submitted", OLD_HOST, people(40, 2), ["email"], via="async")
        if self.version >= 3:
            self.enqueue(people(50, 5))
        self.server.stop()
        return {"version": self.version, "lists": self.lists, "job": self.job}

    def ask(
        self,
        name: str,
        service: str,
        who: list[dict[str, str]],
        types: list[str],
        *,
        recorded: bool = True,
        days_ago: float = 0,
        **more: Any,
    ) -> None:
        """Ask for people, and put their entries under a service's name."""
        import pandas as pd

        before = set(self.sandbox.submitted) if self.version >= 2 else set()
        out = self.enrich(pd.DataFrame(who), types, progress=False, **more)
        self.rename(service, days_ago)
        if recorded:
            shown = out[[c for c in COLUMNS if c in out]].astype(object)
            found: dict[str, Any] = {
                "name": name, "service": service, "types": types, "people": who,
                "shown": shown.where(shown.notna(), None).to_dict("records"),
            }  # fmt: skip
            if more:
                new = [k for k in self.sandbox.submitted if k not in before]
                found["submitted"] = {key: self.sandbox.submitted[key][1] for key in new}
            self.lists.append(found)

    def rename(self, service: str, days_ago: float = 0) -> None:
        """Put what the sandbox answered under a service's name."""
        name = "address"
        if self.version >= 4:  # which knows the hosts
            name, service = "service", service if service == OTHER else PRONTO
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute(
                f"UPDATE pronto_entries SET {name} = ?, at = at - ? WHERE {name} = ?",  # noqa: S608
                (service, days_ago * 86_400, self.server.url),
            )
            if self.version >= 3:
                connection.execute(
                    f"UPDATE pronto_jobs SET {name} = ? WHERE {name} = ?",  # noqa: S608
                    (service, self.server.url),
                )
            connection.commit()

    def enqueue(self, who: list[dict[str, str]]) -> None:
        """Make a bulk job; one of its answers comes to a webhook of another service."""
        import pandas as pd

        payloads: list[dict[str, Any]] = []
        self.sandbox._deliver = lambda body, answers, seconds: payloads.extend(answers)
        with self.pronto.configure(base_url=OTHER):
            hook = self.pronto.webhook(port=0).start()
        job = self.pronto.bulk_enrich(pd.DataFrame(who), "email", hook.url, progress=False)
        body = json.dumps(payloads[0]).encode()
        request = urllib.request.Request(hook.url, body, method="POST")  # noqa: S310  on loopback
        urllib.request.urlopen(request).close()  # noqa: S310
        hook.stop()
        self.rename(BULK_HOST)
        self.job = {
            "id": job.id, "service": BULK_HOST, "people": who, "payloads": payloads,
            "set_aside": 1,
        }  # fmt: skip


def one(version: int, folder: Path) -> None:
    """Make the ledger of a version with the package that is imported."""
    warnings.simplefilter("ignore")
    maker = Maker(version, folder)
    found = maker.fill()
    with closing(sqlite3.connect(maker.file)) as connection:
        written = connection.execute("SELECT value FROM pronto_meta WHERE name = 'version'")
        assert written.fetchone() == (str(version),)
        connection.execute("PRAGMA journal_mode = DELETE")  # one file
        connection.execute("VACUUM")
    text = json.dumps(found, indent=1, ensure_ascii=False)
    maker.file.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Make those that are missing."""
    for version, commit in COMMITS.items():
        if (HERE / f"version_{version}.sqlite3").exists():  # to make it again, delete it
            continue
        archive = subprocess.run(
            ["git", "archive", commit],  # noqa: S607
            cwd=HERE.parents[1], capture_output=True, check=True,
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
                tar.extractall(folder, filter="data")
            environment = {**os.environ, "PYTHONPATH": folder, "XDG_STATE_HOME": folder}
            subprocess.run(
                [sys.executable, __file__, str(version), str(HERE)],
                env=environment, check=True, cwd=folder,
            )  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) > 1:
        one(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        main()
