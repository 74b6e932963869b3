"""Lists that Excel opens right: whole or not at all, nothing run, every text as it was."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import pronto_pandas as pronto

from .seams.tables import escaping, excel, write

KINDS = [".csv", ".tsv", ".xlsx"]

DANGEROUS = [
    "=1+1",
    "=cmd|'/c calc'!A0",
    "@SUM(A1)",
    "+1 (555) 0100",
    "-x",
    "\t=1",
    "\r=1",
    "+",
    "=",
    "\n=1",
    "\n",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1",
    "\uff20SUM(A1)",
]
SAFE = ["+33612345678", "-5", "+1.5", "-1,234.5", "x=1", "", " =1", "1-1", "'", "'n Berg", "'+336"]

PIECES = st.sampled_from(
    [
        *"'=+-@\uff1d\uff0b\uff0d\uff20\t\r\n\"1.,;|_x\\ é😀", *"\0\x01\x7f\x85\u2028\ufeff\uffff",
        "_x0041_", "_x005F_", "_x000",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(PIECES, max_size=8).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from([*DANGEROUS, *SAFE, "N/A", "nan", "#N/A", "TRUE", "sep=;", "a;b;c", "007"]),
)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a frame of texts, some missing, with headers that are texts, too."""
    headers = draw(st.lists(TEXTS.filter(bool), min_size=1, max_size=4, unique=True))
    cell = st.one_of(st.none(), TEXTS)
    rows = draw(st.lists(st.lists(cell, min_size=len(headers), max_size=len(headers)), max_size=6))
    return pd.DataFrame(rows, columns=headers, dtype=object)


def values(df: pd.DataFrame) -> list[list[str]]:
    """Return headers and cells; no value and the empty text are the same in a file."""
    filled = df.astype(object).where(df.notna(), "")
    return [df.columns.tolist(), *filled.to_numpy().tolist()]


def raw(path: Path, part: str = "xl/worksheets/sheet1.xml") -> str:
    """Return the XML of a workbook."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(part).decode()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150)
@given(df=frames())
@example(df=pd.DataFrame({"a": [None, "x", None]}))
@example(df=pd.DataFrame({"sep=;": ["a;b;c", "a;b;c"]}))
@example(df=pd.DataFrame({"x": ["y"], "a;b;c": ["1;2;3"]}))
@example(df=pd.DataFrame({"a": [None], "b": [None]}, dtype=object))
@example(df=pd.DataFrame({"a": ["_x0001\x02", "_x005F_x0041_", "a\r\nb\rc", "\ud7ff\ufffe"]}))
def test_what_is_saved_is_read_as_it_was(kind: str, df: pd.DataFrame) -> None:
    """Every text and every header, and rows without a value."""
    with tempfile.TemporaryDirectory() as folder:
        path = df.pronto.save(Path(folder) / f"list{kind}")
        assert values(pronto.read(path)) == values(df)


@given(TEXTS)
def test_an_apostrophe_more_is_one_that_can_be_taken_away(text: str) -> None:
    """Of every text; and what is written never runs."""
    assert escaping.unescape_formula(escaping.escape_formula(text)) == text
    written = escaping.escape_formula(text)
    assert not written.startswith(
        ("=", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    )
    assert written == text or written == f"'{text}"


@given(TEXTS)
def test_an_escape_is_one_that_can_be_taken_back(text: str) -> None:
    """Also if a text looks like one."""
    assert escaping.unescape_xml(escaping.escape_xml(text)) == text


@pytest.mark.parametrize("kind", [".csv", ".tsv"])
def test_no_text_file_runs_a_formula(tmp_path: Path, kind: str) -> None:
    """An apostrophe stands before it; phones and numbers have none."""
    df = pd.DataFrame({"=name": [*DANGEROUS, "'=1", *SAFE], "n": -1.5})
    path = df.pronto.save(tmp_path / f"list{kind}")
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = csv.reader(
        io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=",\t"[kind == ".tsv"]
    )
    written = ["'=name", *(f"'{text}" for text in DANGEROUS), "''=1", *SAFE]
    assert [row[0] for row in rows] == written
    assert b'"-1.5"' in content


def test_no_workbook_runs_a_formula(tmp_path: Path) -> None:
    """Nothing is changed in it: each text is a text, and stays one when its cell is edited."""
    texts = [*DANGEROUS, "+33612345678", "33612345678", "#N/A", "#REF!", "'=1", "plain"]
    path = pd.DataFrame({"=name": texts}).pronto.save(tmp_path / "list.xlsx")
    sheet = raw(path)
    assert "<f>" not in sheet
    assert sheet.count('t="inlineStr"') == len(texts) + 1
    assert 't="e"' not in sheet
    assert 'quotePrefix="1"' in raw(path, "xl/styles.xml")
    column = [cell for (cell,) in openpyxl.load_workbook(path).worksheets[0].iter_rows()]
    assert {cell.data_type for cell in column} == {"s"}
    unquoted = [cell.value for cell in column if not cell.quotePrefix]
    assert unquoted == ["#N/A", "#REF!", "plain"]


def test_numbers_and_dates_of_a_workbook_are_what_they_are(tmp_path: Path) -> None:
    """But for those that Excel would spoil, which are texts."""
    native: list[Any] = [
        1, -2.5, True, np.int64(3), np.float32(0.5), np.bool_(False), Decimal("1.5"), 10**15 - 1,
        dt.date(2026, 11, 22), pd.Timestamp("2026-11-22 10:30"), dt.time(10, 30),
    ]  # fmt: skip
    texts = {
        10**15: "1000000000000000", 10**400: str(10**400), float("inf"): "inf",
        dt.date(1899, 12, 31): "1899-12-31", dt.datetime(1800, 1, 1, 1): "1800-01-01 01:00:00",
        pd.Timestamp("2026-11-22", tz="UTC"): "2026-11-22 00:00:00+00:00",
        dt.time(1, tzinfo=dt.UTC): "01:00:00+00:00", dt.timedelta(days=-1): "-1 day, 0:00:00",
    }  # fmt: skip
    missing = [None, np.nan, pd.NA, pd.NaT]
    column = pd.Series([*native, pd.Timestamp("2026-11-22"), *texts, *missing, 9], dtype=object)
    path = pd.DataFrame({"v": column}).pronto.save(tmp_path / "list.xlsx")
    sheet = openpyxl.load_workbook(path).worksheets[0]
    cells_ = [cell for (cell,) in sheet.iter_rows(min_row=2)]
    there = [cell.value for cell in cells_]
    day = dt.datetime(2026, 11, 22)
    begin = len(native) + 1
    assert there[:begin] == [*native[:8], day, dt.datetime(2026, 11, 22, 10, 30), native[-1], day]
    assert [cell.number_format for cell in cells_[8:12]] == [
        "yyyy-mm-dd", "yyyy-mm-dd h:mm:ss", "h:mm:ss", "yyyy-mm-dd",
    ]  # fmt: skip
    assert there[begin : begin + len(texts)] == list(texts.values())
    assert there[-5:] == ["", "", "", "", 9] or there[-5:] == [None] * 4 + [9]


def test_a_text_file_has_values_as_a_workbook_has_them(tmp_path: Path) -> None:
    """Missing is empty, a day is a day, a phone that was a number has no point."""
    df = pd.DataFrame(
        {
            "phone": [33612345678.0, None],
            "day": pd.to_datetime(["2026-11-22", "2026-11-22 10:30"], format="mixed"),
            "yes": pd.array([True, None], dtype="boolean"),
            "kind": pd.Categorical(["a", None]),
            "-": [Decimal("-1E+5"), dt.timedelta(days=-1)],
            "no number": [Decimal("sNaN"), Decimal("NaN")],
        }
    )
    path = df.pronto.save(tmp_path / "list.csv")
    assert path.read_text(encoding="utf-8-sig").splitlines() == [
        '"phone","day","yes","kind","\'-","no number"',
        '"33612345678","2026-11-22","TRUE","a","-1E+5",""',
        '"","2026-11-22 10:30:00","","","\'-1 day, 0:00:00",""',
    ]


PHONES: list[Any] = [[{"number": "+33612345678", "type": "mobile"}], [], None]


@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_json(tmp_path: Path, kind: str) -> None:
    """Whatever is in them; the report counts phones in them."""
    odd = [np.array([1, 2]), {"at": dt.date(2026, 11, 22)}, ("é", [np.int64(1)])]
    path = pd.DataFrame({"phones": PHONES, "odd": odd}).pronto.save(tmp_path / f"list{kind}")
    df = pronto.read(path)
    assert [json.loads(cell) for cell in df["phones"][:2]] == PHONES[:2]
    assert pd.isna(df["phones"][2])
    assert df["odd"].tolist() == ["[1, 2]", '{"at": "2026-11-22"}', '["é", [1]]']


def test_parquet_has_types(tmp_path: Path) -> None:
    """Lists are lists, also if all of them are empty, and the DataFrame can be read back."""
    df = pd.DataFrame(
        {
            "name": pd.array(["=1", None, "Zoë"], dtype="string"),
            "n": pd.array([1, None, 3], dtype="Int64"),
            "day": pd.to_datetime(["2026-11-22"] * 3),
            "phones": PHONES,
            "none": [[], None, []],
            "tags": [["a"], [], ["b", "c"]],
            "nothing": [None] * 3,
            (5, "x"): ["x"] * 3,
        }
    )
    import pyarrow.parquet as pq

    path = df.pronto.save(tmp_path / "list.parquet")
    types = {field.name: str(field.type) for field in pq.read_schema(path)}
    assert types["phones"] == types["none"] == str(write.phones_type()).replace("item", "element")
    assert types["tags"].startswith("list<")
    assert "string" in types["tags"]
    back = pd.read_parquet(path)
    typed = ["name", "n", "day"]
    pd.testing.assert_frame_equal(back[typed], df[typed], check_column_type=False)
    assert [None if cell is None else list(cell) for cell in back["phones"]] == PHONES
    assert back["(5, 'x')"].tolist() == ["x"] * 3
    levels = pd.DataFrame([["x"]], columns=pd.MultiIndex.from_tuples([("a", "b")]))
    assert list(pd.read_parquet(levels.pronto.save(path))) == ["('a', 'b')"]


@pytest.mark.parametrize(
    ("df", "says"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "duplicates: 'a'"),
        (pd.DataFrame([[1, 2]], columns=["1", 1]), "duplicates: '1'"),
        (pd.DataFrame({"ok": [1, 2], "mixed": ["Secret", 5]}), "'mixed'"),
        (pd.DataFrame({"mixed": [5, "Secret"]}), "'mixed'"),
        (pd.DataFrame({"mixed": [2**70, 1]}), "'mixed'"),
        (pd.DataFrame({"half": ["Secret\ud800"]}, dtype=object), "invalid character"),
    ],
)
def test_what_parquet_cannot_hold(tmp_path: Path, df: pd.DataFrame, says: str) -> None:
    """The column is named, and no value."""
    with pytest.raises(pronto.ConfigurationError, match=says) as caught:
        df.pronto.save(tmp_path / "list.parquet")
    assert "Secret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert list(tmp_path.iterdir()) == []


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to install it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(pronto.ConfigurationError, match="pip install pyarrow"):
        pd.DataFrame({"a": [1]}).pronto.save(tmp_path / "list.parquet")


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_any_name(tmp_path: Path, kind: str) -> None:
    """Twice, numbers, none."""
    df = pd.DataFrame([list("1234567")], columns=["a", "a", 7, None, "", None, ""])
    back = pronto.read(df.pronto.save(tmp_path / f"list{kind}"))
    assert values(back) == [
        ["a", "a.1", "7", *(f"Unnamed: {place}" for place in range(3, 7))],
        list("1234567"),
    ]


@pytest.mark.parametrize("kind", [*KINDS, ".parquet"])
def test_the_frame_and_its_index(tmp_path: Path, kind: str) -> None:
    """The DataFrame is not modified; a named index becomes a column, an unnamed one does not."""
    df = pd.DataFrame({"a": ["x", "y"]}, index=pd.Index(["7", "8"], name="crm_id"))
    before = df.copy()
    path = df.pronto.save(os.fspath(tmp_path / f"list{kind.upper()}"))
    assert path == tmp_path / f"list{kind.upper()}"
    pd.testing.assert_frame_equal(df, before)

    def back() -> pd.DataFrame:
        return pd.read_parquet(path) if kind == ".parquet" else pronto.read(path)

    assert values(back()) == [["crm_id", "a"], ["7", "x"], ["8", "y"]]
    df.rename_axis(index=None).pronto.save(path)
    assert values(back()) == [["a"], ["x"], ["y"]]


class Stops:
    """Something in a frame that ends the writing when its turn comes."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("disk"), KeyboardInterrupt()])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_whole_or_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, error: BaseException
) -> None:
    """What ends in its middle leaves nothing, in no folder."""
    elsewhere = tmp_path / "system"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    path = tmp_path / f"list{kind}"
    path.write_text("what was there before")
    df = pd.DataFrame({"a": pd.Series([*["x"] * 5_000, Stops(error)], dtype=object)})
    with pytest.raises(type(error)):
        df.pronto.save(path, overwrite=True)
    assert path.read_text() == "what was there before"
    assert sorted(tmp_path.rglob("*")) == sorted([path, elsewhere])
    df[:-1].pronto.save(path, overwrite=True)
    assert len(pronto.read(path)) == 5_000
    assert sorted(tmp_path.rglob("*")) == sorted([path, elsewhere])


def test_a_file_that_another_program_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Excel does on Windows: the error is clear, and no temporary file remains."""
    path = tmp_path / "list.csv"
    path.write_text("what was there before")

    def held(_: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(target))

    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(pronto.ConfigurationError, match=r"Permission denied.*Close it"):
        pd.DataFrame({"a": ["x"]}).pronto.save(path, overwrite=True)
    assert path.read_text() == "what was there before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_who_could_not_read_a_file_cannot_read_the_new_one(tmp_path: Path) -> None:
    """And a link stays one."""
    path, link = tmp_path / "list.csv", tmp_path / "link.csv"
    path.touch(mode=0o600)
    link.symlink_to(path)
    pd.DataFrame({"a": ["x"]}).pronto.save(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(pronto.read(path)) == 1


def rows_of(count: int) -> pd.DataFrame:
    """Return a frame of one column."""
    return pd.DataFrame({"a": ["x"] * count})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: rows_of(1_048_576), "1,048,576 rows and 1 columns"),
        (lambda: pd.DataFrame(columns=range(16_385)), "16,385 columns"),
        (lambda: pd.DataFrame({"note": ["ok", "x" * 32_768]}), "'note'.*32,767"),
        (lambda: pd.DataFrame({"note": ["😀" * 16_384]}), "'note'.*32,767"),
    ],
)
def test_what_excel_cannot_hold(
    tmp_path: Path, make: Callable[[], pd.DataFrame], says: str
) -> None:
    """The error comes before a file is written, and names the alternative."""
    with pytest.raises(pronto.ConfigurationError, match=says) as caught:
        make().pronto.save(tmp_path / "list.xlsx")
    assert ".csv or .parquet" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_excel_can_just_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits are those of the sheet, its header included."""
    monkeypatch.setattr(excel, "ROWS", 3)
    path = pd.DataFrame({"a": ["x" * 32_767, "y"]}).pronto.save(tmp_path / "list.xlsx")
    assert pronto.read(path)["a"].str.len().tolist() == [32_767, 1]
    with pytest.raises(pronto.ConfigurationError, match="at most 2 data rows"):
        rows_of(3).pronto.save(path)


@pytest.mark.parametrize(
    ("df", "path", "says"),
    [
        (rows_of(1), "list.xls", "Unsupported file type 'list.xls'"),
        (rows_of(1), "list", "Unsupported file type 'list'"),
        (rows_of(1), "nowhere/list.csv", "Folder not found"),
        (rows_of(1), f"{'x' * 250}.csv", "Cannot write"),
        (pd.DataFrame(index=[1, 2]), "list.csv", "no columns"),
        (pd.DataFrame({"a": ["Secret\udc00"]}, dtype=object), "list.csv", "invalid character"),
        (pd.DataFrame({"a": ["Secret\udc00"]}, dtype=object), "list.xlsx", "invalid character"),
    ],
)
def test_invalid_arguments_write_no_file(
    tmp_path: Path, df: pd.DataFrame, path: str, says: str
) -> None:
    """With what to do, and without a value."""
    with pytest.raises(pronto.ConfigurationError, match=says) as caught:
        df.pronto.save(tmp_path / path)
    assert str(caught.value).endswith("written.")
    assert "Secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


ENRICHED = pd.DataFrame(
    {
        "First Name": ["Ana", "Bo", "Cy"],
        "Last Name": ["Lark", "Moor", "Vane"],
        "Domain": "acme.example",
        "note": "x" * 300,
        "email": ["ana@acme.example", None, None],
        "email_status": ["verified", "N/A", None],
        "pronto_status": ["found", "not_found", "skipped"],
        "pronto_answered_at": pd.to_datetime(
            ["2026-11-22 10:30:05.5", "2026-11-24 09:00", ""], format="mixed", utc=True
        ),
    }
)


def test_a_workbook_is_ready_to_be_read(tmp_path: Path) -> None:
    """A bold header that stays, filters, and columns as wide as their cells."""
    df = ENRICHED.assign(unit="kg")
    book = openpyxl.load_workbook(df.pronto.save(tmp_path / "list.xlsx"))
    sheet = book.worksheets[0]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:I4"
    assert [cell.font.b for cell in sheet["A"]] == [True, False, False, False]
    assert all(cell.font.b for cell in sheet[1])
    width = [sheet.column_dimensions[letter].width for letter in "ADEI"]
    assert width == [len("First Name") + 4, 50, len("ana@acme.example") + 2, len("unit") + 4]


@pytest.mark.parametrize("prefix", ["", "new_"])
@pytest.mark.parametrize("dtype", [None, object, "str"])
def test_a_second_sheet_sums_up_a_run(tmp_path: Path, prefix: str, dtype: Any) -> None:
    """Without any value of a person; and the first one is read as before."""
    df = ENRICHED if dtype is None else ENRICHED.astype({"pronto_answered_at": dtype})
    added = [name for name in df.columns if name == "email" or "_" in name]
    path = df.rename(columns={name: prefix + name for name in added}).pronto.save(
        tmp_path / "l.xlsx"
    )
    sheet = openpyxl.load_workbook(path)["Summary"]
    assert [[cell for cell in row if cell is not None] for row in sheet.values] == [
        ["pronto_status", "rows"], ["found", 1], ["not_found", 1], ["skipped", 1], ["total", 3],
        [], ["type", "rows with an answer", "found"], ["email", 2, 1],
        [], ["answered at (UTC)", "time"], ["first", dt.datetime(2026, 11, 22, 10, 30, 5)],
        ["last", dt.datetime(2026, 11, 24, 9)],
    ]  # fmt: skip
    assert [cell.value for cell in sheet["A"] if cell.font.b] == [
        "pronto_status", "type", "answered at (UTC)",
    ]  # fmt: skip
    assert pronto.read(path)["First Name"].tolist() == ["Ana", "Bo", "Cy"]


def test_a_list_without_a_run_has_one_sheet(tmp_path: Path) -> None:
    """As has one whose columns do not allow a summary: it is saved all the same."""
    for df in (rows_of(1), pd.DataFrame([["found", "x"]], columns=["pronto_status"] * 2)):
        path = df.pronto.save(tmp_path / "list.xlsx")
        assert openpyxl.load_workbook(path).sheetnames == ["People"]


@pytest.mark.parametrize("kind", [*KINDS, ".parquet"])
def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path, kind: str) -> None:
    """Unless the caller says so; the error names the file and the argument."""
    path = tmp_path / f"list{kind}"
    if kind == ".xlsx":
        rows_of(2).to_excel(path)
    elif kind == ".parquet":
        rows_of(2).to_parquet(path)
    else:
        rows_of(2).to_csv(path)
    before = path.read_bytes()
    with pytest.raises(pronto.ConfigurationError, match=rf"list\{kind} .*overwrite=True") as caught:
        rows_of(1).pronto.save(path)
    assert str(caught.value).endswith("Nothing was written.")
    assert path.read_bytes() == before
    rows_of(1).pronto.save(path, overwrite=True)
    assert path.read_bytes() != before


@pytest.mark.parametrize("kind", [*KINDS, ".parquet"])
def test_a_cell_that_saves_can_be_run_again(tmp_path: Path, kind: str) -> None:
    """In the same session, through a link too; but not over what was edited since."""
    path, link = tmp_path / f"list{kind}", tmp_path / f"link{kind}"
    link.symlink_to(path)
    path.touch()  # an empty file has nothing to lose
    for name in (path, path, link):
        rows_of(1).pronto.save(name)
    path.write_text("edited by somebody")
    with pytest.raises(pronto.ConfigurationError, match="overwrite=True"):
        rows_of(1).pronto.save(path)


SAVES = """
import sys, pandas as pd, pronto_pandas as pronto
for path in sys.argv[1:]:
    pd.DataFrame({"a": ["x"]}).pronto.save(path)
"""


def test_another_session_recognizes_its_file(tmp_path: Path) -> None:
    """By a mark in it; a text file has no place for one."""
    workbook, parquet, text = (tmp_path / f"list{kind}" for kind in (".xlsx", ".parquet", ".csv"))
    subprocess.run([sys.executable, "-c", SAVES, workbook, parquet, text], check=True)
    rows_of(1).pronto.save(workbook)
    rows_of(1).pronto.save(parquet)
    with pytest.raises(pronto.ConfigurationError, match=r"not saved .* in this session"):
        rows_of(1).pronto.save(text)


def test_a_workbook_that_was_edited_is_somebody_else_s(tmp_path: Path) -> None:
    """Excel writes its user as the last author."""
    path = rows_of(1).pronto.save(tmp_path / "list.xlsx")
    book = openpyxl.load_workbook(path)
    book.properties.lastModifiedBy = "somebody"
    book.save(path)
    with pytest.raises(pronto.ConfigurationError, match="overwrite=True"):
        rows_of(1).pronto.save(path)
