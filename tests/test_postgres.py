"""A ledger that a team shares, on a real PostgreSQL."""

from __future__ import annotations

import pronto_pandas as pronto

from .conftest import Serve, people
from .postgres import Postgres


def test_a_list_run_twice_sends_nothing_the_second_time(
    serve: Serve, postgres: Postgres, postgres_url: str
) -> None:
    server = serve()
    pronto.configure(ledger=postgres_url)
    first = pronto.enrich(people(60), "email", progress=False)
    postgres.restart()
    second = pronto.enrich(people(60), "email", progress=False)
    assert first.equals(second)
    assert len(server.sandbox.charges) == 60
