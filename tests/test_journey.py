"""A list with everything wrong at once, from its file to its file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

import pronto_pandas as pronto

from .conftest import Serve

KINDS = {"ready", "duplicate", "already filled", "invalid"}


@pytest.mark.parametrize("name", ["cleaned.csv", "cleaned.tsv", "cleaned.xlsx", "cleaned.parquet"])
def test_read_check_enrich_save_read(serve: Serve, tmp_path: Path, name: str) -> None:
    """Not a character of the caller's own columns changes, and nobody is asked for twice."""
    server = serve()
    leads = pronto.read(pronto.sample("export.csv"))
    before = leads.copy()
    check = leads.pronto.check("email")
    assert set(check.counts) == KINDS
    out = leads.pronto.enrich("email", progress=False)
    out.pronto.save(tmp_path / name)
    again = read(tmp_path / name)
    pd.testing.assert_frame_equal(leads, before)
    pd.testing.assert_frame_equal(again[leads.columns], leads)
    dates = pd.to_datetime(again.pop("pronto_answered_at"), format="ISO8601")
    assert dates.equals(out.pop("pronto_answered_at").astype(dates.dtype))
    pd.testing.assert_frame_equal(again, out.astype(again.dtypes.to_dict()), check_flags=False)
    asked = [charge["contact"] for charge in server.sandbox.charges]
    assert len(asked) == len(set(asked)) == check.counts["ready"]
    assert out["pronto_status"].isin(["found", "not_found"]).sum() == (
        check.counts["ready"] + check.counts["duplicate"]
    )
    spent = server.sandbox.credits
    rerun = again.pronto.enrich("email", progress=False)
    assert server.sandbox.credits == spent
    assert rerun["email"].fillna("").tolist() == out["email"].fillna("").tolist()


def read(path: Path) -> pd.DataFrame:
    """Read a list back."""
    return pd.read_parquet(path) if path.suffix == ".parquet" else pronto.read(path)


def test_the_export_has_everything_wrong() -> None:
    """What the journey claims of its list."""
    path = pronto.sample("export.csv")
    raw = path.read_bytes()
    leads = pronto.read(path).fillna("")
    names, notes = leads["Full Name"], leads["Notes"]
    assert raw.startswith(b"\xef\xbb\xbfReport:")
    assert len(leads) == 300
    assert leads.duplicated().sum() >= 20
    for pattern in (
        "🚀",
        r"\|",
        ", MBA",
        r"^Dr\.",
        r"\(she/her\)",
        "^[A-Z' ]+$",
        "@",
        r"^\d+$",
        "\u200b",
    ):
        assert names.str.contains(pattern).any(), pattern
    for pattern in ("/sales/lead/", "/pub/", "/company/", "%F0", r"//m\.", r"\?trk"):
        assert leads["Person Linkedin Url"].str.contains(pattern).any(), pattern
    for pattern in ("gmail.com", "facebook.com/", "^www", "HTTP://", "coming soon", "^-$"):
        assert leads["Website"].str.contains(pattern).any(), pattern
    for pattern in ("^=", r"^\+", "^@", "^'", "\n", '"', "^None$", "^nan$", "^  "):
        assert notes.str.contains(pattern).any(), pattern
    assert leads["Zip"].str.startswith("0").any()


def test_the_export_holds_nobody() -> None:
    """Domains that nobody can own, numbers that nobody has, mailboxes that cannot be."""
    leads = pronto.read(pronto.sample("export.csv")).fillna("")
    profiles = leads["Person Linkedin Url"][leads["Person Linkedin Url"] != ""]
    assert profiles.str.contains("example").all()
    emails = leads["Email"][leads["Email"].str.contains("@")]
    hosts = Counter(emails.str.rpartition("@")[2].str.rpartition(".")[2])
    assert set(hosts) == {"example", "com"}
    # Google gives no mailbox of fewer than six characters.
    assert emails[~emails.str.endswith(".example")].str.fullmatch(r".{1,5}@gmail\.com").all()
