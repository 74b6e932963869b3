"""Answers that were paid for reach every frame, whatever the dtypes of its columns are."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import pronto_pandas as pronto
from pronto_pandas.sandbox import Sandbox, Server

from .conftest import Serve, people
from .seams.api import Answer
from .seams.frame import Options, already_filled, assemble, make, text_dtype
from .seams.sending import Outcome

TYPES: list[Any] = ["email", "phone", "personal_email"]
ROWS = 8

FILLED = [
    "email", "email_status", "personal_email", "personal_email_status", "phone_1", "phone_1_type",
    "phone_2", "phone", "phone_type", "phones", "phone_status", "enrichment_id",
]  # fmt: skip
"""Every column that a run fills and that may be there before, in all shapes of phones."""


def arrow(type_: Any) -> Any:
    """Return the dtype of pandas for a type of Arrow."""
    return pd.ArrowDtype(type_)


DTYPES: dict[str, tuple[Any, Any]] = {
    # A dtype, and a value of it.
    "object": (object, "kept@acme.example"),
    "string": ("string", "kept@acme.example"),
    "string[python]": ("string[python]", "kept@acme.example"),
    "string[pyarrow]": ("string[pyarrow]", "kept@acme.example"),
    "text": (text_dtype(), "kept@acme.example"),
    "category": (pd.CategoricalDtype(["a", "kept@acme.example"]), "kept@acme.example"),
    "category, ordered": (pd.CategoricalDtype(["a", "b"], ordered=True), "b"),
    "category of numbers": (pd.CategoricalDtype([1, 2]), 2),
    "category of intervals": (pd.CategoricalDtype(pd.interval_range(0, 2)), pd.Interval(0, 1)),
    "float64": ("float64", 7.5),
    "complex128": ("complex128", 7j),
    "Int64": ("Int64", 7),
    "Float64": ("Float64", 7.5),
    "boolean": ("boolean", True),
    "datetime64": ("datetime64[ns]", pd.Timestamp("2026-01-02")),
    "datetime64, zone": ("datetime64[ns, UTC]", pd.Timestamp("2026-01-02", tz="UTC")),
    "timedelta64": ("timedelta64[ns]", pd.Timedelta("1D")),
    "period": ("period[M]", pd.Period("2026-01", "M")),
    "interval": ("interval[float64]", pd.Interval(0.0, 1.0)),
    "Sparse": (pd.SparseDtype("float64"), 7.5),
    "arrow string": (arrow(pa.string()), "kept@acme.example"),
    "arrow large_string": (arrow(pa.large_string()), "kept@acme.example"),
    "arrow string_view": (arrow(pa.string_view()), "kept@acme.example"),
    "arrow dictionary": (arrow(pa.dictionary(pa.int32(), pa.string())), "kept@acme.example"),
    "arrow dictionary of numbers": (arrow(pa.dictionary(pa.int32(), pa.int64())), 7),
    "arrow null": (arrow(pa.null()), None),
    "arrow bool": (arrow(pa.bool_()), True),
    "arrow int8": (arrow(pa.int8()), 7),
    "arrow double": (arrow(pa.float64()), 7.5),
    "arrow half": (arrow(pa.float16()), np.float16(7.5)),
    "arrow decimal": (arrow(pa.decimal128(9, 2)), Decimal("7.50")),
    "arrow binary": (arrow(pa.binary()), b"kept"),
    "arrow fixed binary": (arrow(pa.binary(4)), b"kept"),
    "arrow date32": (arrow(pa.date32()), dt.date(2026, 1, 2)),
    "arrow time32": (arrow(pa.time32("s")), dt.time(1, 2, 3)),
    "arrow time64": (arrow(pa.time64("us")), dt.time(1, 2, 3, 4)),
    "arrow timestamp": (arrow(pa.timestamp("us", "UTC")), pd.Timestamp("2026-01-02", tz="UTC")),
    "arrow duration": (arrow(pa.duration("us")), pd.Timedelta("1D")),
    "arrow list": (arrow(pa.list_(pa.string())), ["kept"]),
    "arrow fixed list": (arrow(pa.list_(pa.string(), 1)), ["kept"]),
    "arrow struct": (arrow(pa.struct([("number", pa.string())])), {"number": "kept"}),
    "arrow map": (arrow(pa.map_(pa.string(), pa.string())), [("number", "kept")]),
}


def column(dtype: Any, value: Any) -> Any:
    """Return a column of a dtype with one value, if any; the other cells are missing."""
    cells = [value, *[None] * (ROWS - 1)]
    if isinstance(dtype, pd.ArrowDtype):
        cells = pa.array(cells, dtype.pyarrow_dtype)
        return pd.Series(pd.arrays.ArrowExtensionArray(cells))
    return pd.Series(pd.array(cells, dtype=dtype), dtype=dtype)


Answered = tuple[dict[str, Any], dict[str, pd.DataFrame]]


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Answered:
    """Return the settings of a ledger with answers of all types, and the frames it should give."""
    ledger = tmp_path_factory.mktemp("answered") / "ledger.sqlite3"
    with Server(Sandbox(rate=100_000)) as server:
        where: dict[str, Any] = {"base_url": server.url, "ledger": str(ledger)}
        consent = "tests of invented people"
        with pronto.configure(
            **where, api_key=server.sandbox.api_key, rate=5_000, personal_email_consent=consent
        ):
            people(ROWS).pronto.enrich(TYPES, progress=False)
            shapes: list[Any] = ["columns", "rows", "list"]
            frames = {s: people(ROWS).pronto.collect(TYPES, phones=s) for s in shapes}
    assert frames["columns"]["phone_2"].notna().any()
    return where, frames


def same(one: Any, other: Any) -> bool:
    """Whether two cells are the same; lists may be arrays."""
    if isinstance(one, list | np.ndarray) or isinstance(other, list | np.ndarray):
        return list(one) == list(other)
    return bool(pd.isna(one) and pd.isna(other)) or bool(pd.notna(one) and one == other)


def alike(one: pd.Series, other: pd.Series) -> bool:
    """Whether two columns are the same; pandas has no such test for each type of Arrow."""
    return one.dtype == other.dtype and all(map(same, one, other))


@pytest.mark.parametrize("some", [False, True], ids=["all missing", "some values"])
@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("phones", ["columns", "rows", "list"])
def test_what_was_paid_for_comes_into_a_column_of_any_dtype(
    answered: Answered, kind: str, some: bool, phones: Any
) -> None:
    """Existing values stay; a column of another dtype becomes text if it was empty."""
    settings, frames = answered
    pronto.configure(**settings)
    dtype, value = DTYPES[kind]
    before = column(dtype, value if some else None)
    df = people(ROWS).assign(**dict.fromkeys(FILLED, before))
    out = df.pronto.collect(TYPES, phones=phones)
    expected = frames[phones]
    assert alike(df["email"], before)
    kept = [0] if some and value is not None else []
    rows = [place for place in range(len(out)) if out.index[place] not in kept]
    lines = [place for place in range(len(expected)) if expected.index[place] not in kept]
    for name in set(FILLED) & set(expected.columns):
        for place, line in zip(rows, lines, strict=True):
            assert same(out[name].iloc[place], expected[name].iloc[line]), name
        for place in kept:
            assert same(out[name].iloc[place], before[0]), name
    for name in set(FILLED) - set(expected.columns):
        if phones != "rows":  # of those, rows are repeated
            assert alike(out[name], before)
    if not kept:
        keeps = kind.startswith(("object", "string", "category", "arrow string", "arrow large"))
        stays = keeps and kind != "arrow string_view"
        assert out["email"].dtype == (dtype if stays else text_dtype()) or "category" in kind


def test_a_column_of_nothing_in_a_parquet_file_is_filled(serve: Serve, tmp_path: Path) -> None:
    """As pandas writes a column of None: Arrow's type null."""
    server = serve()
    people(5).assign(email=None, email_status=None).to_parquet(tmp_path / "in.parquet")
    df = pd.read_parquet(tmp_path / "in.parquet", dtype_backend="pyarrow")
    out = df.pronto.enrich("email", progress=False)
    assert out["email"].dtype == text_dtype()
    assert out["email"].notna().any()
    pronto.enrich_file(tmp_path / "in.parquet", tmp_path / "out.parquet", "email", progress=False)
    back = pd.read_parquet(tmp_path / "out.parquet")
    assert back["email"].dropna().tolist() == out["email"].dropna().tolist()
    assert len(server.sandbox.charges) == 5


class Refusing(pd.DataFrame):
    """A frame of another library, which lets no column be replaced."""

    @property
    def _constructor(self) -> type[Refusing]:
        return Refusing

    def isetitem(self, loc: Any, value: Any) -> None:
        raise OSError(f"no room for {list(value)}")


def test_answers_that_no_column_takes_are_kept(serve: Serve) -> None:
    """The error names the column and how to get the answers, and contains none of them."""
    server = serve()
    df = Refusing(people(5).assign(email=None))
    with pytest.raises(pronto.ResultError, match=r"Column 'email'.*OSError") as caught:
        pronto.enrich(df, "email", progress=False)
    assert "collect('email', prefix=\"new_\")" in str(caught.value)
    assert ".example" not in str(caught.value)
    assert caught.value.__suppress_context__
    paid = len(server.sandbox.charges)
    out = pronto.collect(df, "email", prefix="new_")
    expected = people(5).pronto.collect("email")
    assert out["new_email"].equals(expected["email"])
    assert out["new_email"].notna().any()
    assert len(server.sandbox.charges) == paid == 5


@pytest.mark.parametrize("dtype", [None, object, "category", "string[python]"])
def test_half_a_character_ends_no_run(dtype: Any) -> None:
    """As JavaScript makes one of an emoji that it cuts; it is replaced as Unicode says."""
    df = people(3)
    if dtype is not None:
        df["email_status"] = pd.Series([None] * 3, dtype=dtype)
    options = Options(("email",))
    plan = make(df, options, already_filled(df, options))
    text = "valid \ud83d"  # constructed, because an answer that is read has none
    answer = Answer.model_construct(email="a@b.example", email_status=text, message=text)
    outcome = Outcome("answered", answer)
    out = assemble(df, plan, options, [{"email": outcome}] * 3)
    assert out["email_status"].tolist() == out["pronto_message"].tolist() == ["valid \ufffd"] * 3


def test_rows_cannot_be_repeated_where_labels_must_not_be(serve: Serve) -> None:
    """Which is found before anything is sent; other shapes of phones are fine."""
    server = serve()
    df = people(5).set_flags(allows_duplicate_labels=False)
    with pytest.raises(pronto.ColumnsError, match=r"duplicate labels.*set_flags"):
        df.pronto.enrich("phone", phones="rows", progress=False)
    assert server.sandbox.arrivals == []
    out = df.pronto.enrich("phone", phones="list", progress=False)
    assert not out.flags.allows_duplicate_labels
    out = df.set_flags(allows_duplicate_labels=True).pronto.collect("phone", phones="rows")
    assert len(out) > len(df)


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([1, 1, 2, None, 2]),
        pd.CategoricalIndex(list("aabbc")),
        pd.MultiIndex.from_tuples([(1, "a")] * 5),
        pd.date_range("2026-01-01", periods=5, tz="UTC"),
    ],
)
@pytest.mark.parametrize("headers", [object, "category", "string"])
def test_any_index_and_headers_of_any_dtype(
    answered: Answered, index: pd.Index, headers: Any
) -> None:
    """Labels twice or of categories are no obstacle, and the cells may be read-only."""
    settings, frames = answered
    pronto.configure(**settings)
    df = people(5).assign(email=np.nan).set_axis(index)
    df.columns = df.columns.astype(headers)
    df["firstname"].to_numpy().flags.writeable = False
    out = df.pronto.collect("email")
    assert out["email"].dropna().tolist() == frames["columns"]["email"][:5].dropna().tolist()
    pd.testing.assert_index_equal(out.index, index)
