"""Bugs that the simulation must find: ``python -m tests.simulation.planted [--seeds 2000]``.

Each is planted by itself in a copy of the package, and seeds are played until it is found.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]


class Bug(NamedTuple):
    """A text of a file, and what stands in its place."""

    name: str
    file: str
    old: str
    new: str


BUGS: Final = (
    Bug(
        "the fence returns all keys",
        "storage/store.py",
        "return set(self._change(t, statement, keys, me=run.id, now=t.now, date=t.date))",
        "self._change(t, statement, keys, me=run.id, now=t.now, date=t.date); return set(keys)",
    ),
    Bug(
        "a request leaves under a lease that has run out",
        "sending/recorder.py",
        "if not self.writer.leased():",
        "if False:",
    ),
    Bug(
        "a lease counts twice as long for the one who has it",
        "storage/writer.py",
        "return self._clock() < self._renewed + LEASE",
        "return self._clock() < self._renewed + 2 * LEASE",
    ),
    Bug(
        "the lease is never renewed",
        "storage/writer.py",
        "renews = began - self._renewed > LEASE / 3",
        "renews = math.isinf(self._renewed)",
    ),
    Bug(
        "a lease never ends",
        "storage/lease.py",
        "return lease.until > now",
        "return True",
    ),
    Bug(
        "an answer is told before it is stored",
        "sending/worker.py",
        """            stored = self._recorder.answered(batch, answer)
            date = await self._cancellation.written(stored)
            return Outcome("answered", answer, answered_at=date)""",
        """            self._writing = asyncio.ensure_future(self._recorder.answered(batch, answer))
            return Outcome("answered", answer)""",
    ),
    Bug(
        "an answer is stored without what the package does not know",
        "sending/recorder.py",
        "return answer.body or answer",
        "return answer",
    ),
    Bug(
        "one start too many in a second",
        "sending/rate_limit.py",
        "return cls(interval, (burst - 1) * interval)",
        "return cls(interval, burst * interval)",
    ),
    Bug(
        "the burst is not counted",
        "sending/rate_limit.py",
        "state.next_start = max(state.next_start, now) + step",
        "state.next_start = now + step",
    ),
    Bug(
        "a fetch takes no turn",
        "sending/polling.py",
        "started = await stop.wait(self._context.rate_limit.acquire())",
        "started = None if stop.stopped() else self._clock()",
    ),
    Bug(
        "a lost request is sent again",
        "errors.py",
        "class AnswerLostError(FateUnknownError)",
        "class AnswerLostError(NotWorkedOnError)",
    ),
    Bug(
        "a request is sent again after a 500",
        "errors.py",
        "class ServerFailedError(FateUnknownError)",
        "class ServerFailedError(NotWorkedOnError)",
    ),
    Bug(
        "the end of a run frees what was sent",
        "sending/recorder.py",
        "lost, free = list(self._in_flight), list(self._claimed - self._in_flight)",
        "lost, free = [], list(self._claimed)",
    ),
    Bug(
        "a loss overwrites an answer",
        "storage/statements.py",
        '.where(*_MINE, E.state != "claimed")',
        ".where(*_THESE)",
    ),
    Bug(
        "a claim ignores a living run",
        "storage/statements.py",
        'sa.and_(_state("claimed", "sent"), sa.not_(_HELD)),',
        '_state("claimed", "sent"),',
    ),
    Bug(
        "a claim takes what a living run has sent",
        "storage/statements.py",
        'sa.and_(_state("claimed", "sent"), sa.not_(_HELD)),',
        'sa.and_(_state("claimed"), sa.not_(_HELD)), _state("sent"),',
    ),
    Bug(
        "what a dead run has sent is free",
        "storage/statements.py",
        '(E.state == "claimed", E.before), (E.state == "sent", "unknown"), else_=E.state',
        '(E.state == "claimed", E.before), (E.state == "sent", E.before), else_=E.state',
    ),
    Bug(
        "two jobs of one run claim one entry",
        "storage/store.py",
        "for key, place in reversed(at.items()) if place not in busy}",
        "for key, place in reversed(at.items())}",
    ),
    Bug(
        "a claim consults no alias",
        "storage/store.py",
        "(*answered, *standing, *other, *own)",
        "(*answered, *standing, *own)",
    ),
    Bug(
        "a claim writes no alias",
        "storage/store.py",
        "for (alias, type_), contact in sorted(rows.items())",
        'for (alias, type_), contact in [(("", one.type), "") for one in several]',
    ),
    Bug(
        "two runs adopt what was submitted",
        "storage/store.py",
        "mine = set(self._change(t, statements.ADOPT, submitted, me=run.id))",
        "mine = set(submitted)",
    ),
    Bug(
        "the name of what was submitted is not stored",
        "sending/recorder.py",
        "self._ledger.submit(t, keys, self._run, enrichment_id)",
        'self._ledger.submit(t, keys, self._run, "")',
    ),
    Bug(
        "what was submitted is not written down",
        "sending/worker.py",
        "await self._recorder.submitted(batch, name)",
        "await asyncio.sleep(0)",
    ),
    Bug(
        "an adoption that was committed unseen is held by the run itself",
        "storage/store.py",
        "self._entries(t, others, alive - {run.id}, bodies=True)",
        "self._entries(t, others, alive, bodies=True)",
    ),
    Bug(
        "a commit in doubt counts as not done",
        "storage/store.py",
        "statement = statements.SEND_AGAIN if again else statements.SEND",
        "statement = statements.SEND",
    ),
    Bug(
        "what was not worked on stays sent",
        "sending/recorder.py",
        "self._ledger.unsend(t, keys, self._run)",
        "pass",
    ),
    Bug(
        "unsend ignores whose it is",
        "storage/statements.py",
        '.where(*_MINE, E.state == "sent")',
        '.where(*_THESE, E.state == "sent")',
    ),
    Bug(
        "the budget reserves nothing",
        "sending/budget.py",
        "self._worst(t, self._reserve(t).in_flight + more[t]) for t in types",
        "self._worst(t, more[t]) for t in types",
    ),
    Bug(
        "a lost answer costs nothing",
        "sending/worker.py",
        'Outcome("unknown", message=str(error), may_be_charged=True)',
        'Outcome("unknown", message=str(error))',
    ),
    Bug(
        "who is held by another run is dropped",
        "sending/dispatcher.py",
        "self._held += parts.held",
        "pass",
    ),
    Bug(
        "a request leaves whole although a part was taken over",
        "sending/recorder.py",
        "if mine.issuperset(keys):",
        "if mine:",
    ),
    Bug(
        "a delivery replaces a better answer",
        "bulk/deliveries.py",
        "better = known is None or (found and not parse_answer(known).has(job.type))",
        "better = True",
    ),
    Bug(
        "what was answered at the very moment is asked for again",
        "storage/statements.py",
        'E.at < sa.bindparam("answered_before")',
        'E.at <= sa.bindparam("answered_before")',
    ),
    Bug(
        "a purge takes what is open",
        "storage/statements.py",
        'E.state == "answered",\n        sa.and_(',
        "sa.true(),\n        sa.and_(",
    ),
    Bug(
        "each name of the service has answers of its own",
        "api/services.py",
        "ledger_name=PRONTO.ledger_name,",
        'ledger_name="pipecorn",',
    ),
    Bug(
        "a charge: a lost answer has none",
        "sending/recorder.py",
        "self._ledger.lose(t, keys, self._run)\n        charges.add(t, self._charges(keys))",
        "self._ledger.lose(t, keys, self._run)",
    ),
    Bug(
        "a charge: a dead run has none",
        "storage/store.py",
        "charges.add(t, charges.lost_by(t, dead))",
        "pass",
    ),
    Bug(
        "a charge: an answer that is fetched later is charged again",
        "sending/recorder.py",
        "self._fetched_by |= dict.fromkeys(batch.keys, batch.enrichment_id)",
        "pass",
    ),
    Bug(
        "a charge: a batch that was announced has two",
        "bulk/deliveries.py",
        "charges.rename(self._t, charge_id(job.lease, key), charge_id(name, key))",
        "pass",
    ),
    Bug(
        "a charge: its values are never known",
        "storage/charges.py",
        "sa.and_(here.charged.is_(None), more.charged.is_not(None)),",
        "sa.false(),",
    ),
    Bug(
        "a run does not wait for requests that come late",
        "sending/dispatcher.py",
        "while self._further or self._held or self._running:",
        "while self._held or self._running:",
    ),
)
"""What was planted, and must be found."""


def plant(bug: Bug, folder: Path) -> None:
    """Copy the package and the simulation, and put a bug in.

    Raises
    ------
    ValueError
        Where the text is not there once.
    """
    shutil.copytree(ROOT / "pronto_pandas", folder / "pronto_pandas")
    for part in ("simulation", "seams"):
        shutil.copytree(ROOT / "tests" / part, folder / "tests" / part)
    (folder / "tests" / "__init__.py").touch()
    path = folder / "pronto_pandas" / bug.file
    text = path.read_text()
    if text.count(bug.old) != 1:
        raise ValueError(f"{bug.name}: the text is in {bug.file} {text.count(bug.old)} times")
    path.write_text(text.replace(bug.old, bug.new))


def found(bug: Bug, seeds: int) -> str:
    """Return at which seed a bug is found, and as what; empty where it is not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plant(bug, folder)
        command = [sys.executable, "-m", "tests.simulation", "--seeds", str(seeds)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        seed = re.search(r"^seed (\d+): (.*)", done.stdout, re.MULTILINE)
        if done.returncode and not seed:
            return f"ends with {done.stderr.strip().splitlines()[-1:]}"
        return f"{seed[1]:>5}  {seed[2]}" if seed else ""


def main() -> int:
    """Plant one bug after the other, and print which seed finds it."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.planted")
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--only", default="", help="a part of the names")
    given = parser.parse_args()
    bugs = [bug for bug in BUGS if given.only in bug.name]
    missed = 0
    with ThreadPoolExecutor(2) as pool:
        for bug, at in zip(bugs, pool.map(lambda b: found(b, given.seeds), bugs), strict=True):
            missed += not at
            print(f"{bug.name:60} {at[:100] or 'NOT FOUND'}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
