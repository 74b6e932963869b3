"""Lists as files have them: every cell a text, whatever wrote the file."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from openpyxl.cell.rich_text import CellRichText
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

import pronto_pandas as pronto

from .seams.frame import text_dtype
from .seams.tables import Dialect, csv_dialect, detect

HEADER = ["Vorname", "Société", "Notes"]
ROWS = [
    ["Zoë", "Müller, Søn; Cie", "a\r\nb"],
    ["Ádám", 'the "best" | œuvre', "\t"],
    ["Jörg", "", "x"],
    ["Ada", "007", "+33612345678"],
]

ENCODINGS = {
    "utf-8": (b"", "utf-8", "UTF-8"),
    "utf-8 with its mark": (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    "utf-16 little": (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    "utf-16 big": (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
    "utf-16 little without its mark": (b"", "utf-16-le", "UTF-16"),
    "utf-16 big without its mark": (b"", "utf-16-be", "UTF-16"),
    "windows": (b"", "cp1252", "Windows-1252"),
}


def put(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a text as it is."""
    path.write_bytes(text.encode(encoding))
    return path


def texts(df: pd.DataFrame) -> list[list[str | None]]:
    """Return the cells of a DataFrame of strings; None for missing values."""
    assert all(dtype == text_dtype() for dtype in df.dtypes)
    return [[None if pd.isna(cell) else cell for cell in row] for row in df.to_numpy(object)]


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    """Write a workbook as another program would: texts in a table that cells share."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("separator", list(csv_dialect.DELIMITERS))
@pytest.mark.parametrize("encoding", list(ENCODINGS))
def test_whatever_program_wrote_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], encoding: str, separator: str
) -> None:
    """Encoding and separator are detected and printed; no character of a cell changes."""
    mark, name, called = ENCODINGS[encoding]
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator).writerows([HEADER, *ROWS])
    path = tmp_path / "list.csv"
    path.write_bytes(mark + written.getvalue().encode(name))
    df = pronto.read(path)
    assert df.columns.tolist() == HEADER
    assert texts(df) == [[cell or None for cell in row] for row in ROWS]
    said = f"4 rows, 3 columns; {csv_dialect.DELIMITERS[separator]}-separated, {called}"
    assert capsys.readouterr().out == f"pronto: list.csv: {said}\n"


def test_the_first_accent_may_stand_in_the_last_row(tmp_path: Path) -> None:
    """A character of two bytes may be cut by the end of a block."""
    rows = "name,company\n" + "Ada,Acme\n" * (csv_dialect.BLOCK // 9 + 1)
    assert len(rows) > csv_dialect.BLOCK
    assert detect(put(tmp_path / "1.csv", rows)).encoding == "utf-8"
    df = pronto.read(put(tmp_path / "2.csv", rows + "Zoë,Acme\n", "cp1252"))
    assert df["name"].iloc[-1] == "Zoë"
    across = put(tmp_path / "3.csv", rows[: csv_dialect.BLOCK - 1] + "ë,x\n")
    assert across.read_bytes()[csv_dialect.BLOCK - 1 : csv_dialect.BLOCK + 1] == "ë".encode()
    assert detect(across).encoding == "utf-8"
    cut = tmp_path / "4.csv"
    cut.write_bytes(f"name,city\nZoë,Rye\nZoë,R{'ÿ'}".encode()[:-1])
    assert texts(pronto.read(cut)) == [["Zoë", "Rye"], ["Zoë", "RÃ"]]


def test_no_byte_is_beyond_reading(tmp_path: Path) -> None:
    """Also the five that mean nothing in Windows-1252, and broken UTF-16."""
    path = tmp_path / "list.csv"
    path.write_bytes(b"name,price\nZo\xeb,5 \x80\nA\x81,B\x8d\x8f\x90\x9d\n")
    assert texts(pronto.read(path)) == [["Zoë", "5 €"], ["A\x81", "B\x8d\x8f\x90\x9d"]]
    path.write_bytes(codecs.BOM_UTF16_LE + "name,x\nZoë,y".encode("utf-16-le") + b"!")
    assert texts(pronto.read(path)) == [["Zoë", "y!"]]


def test_everything_is_text(tmp_path: Path) -> None:
    """Only a cell without a character is missing."""
    cells = [
        "007", "+33612345678", "12345678901234567890", "1.0", "1e5", "N/A", "None", "nan", "NULL",
        "TRUE", " Ada ", "2026-11-22", "'",
    ]  # fmt: skip
    path = put(tmp_path / "list.csv", "a,b\n" + "".join(f"{cell},\n" for cell in cells))
    df = pronto.read(path)
    assert texts(df) == [[cell, None] for cell in cells]


def test_an_apostrophe_that_keeps_a_formula_from_running_is_taken_away(tmp_path: Path) -> None:
    """One of them; and none from a text that would not run."""
    written = ["'=1+1", "''=1+1", "=1+1", "'-x", "'+33612345678", "'n Berg", "'"]
    df = pronto.read(put(tmp_path / "list.csv", "'@a,b\n" + "".join(f"{w},\n" for w in written)))
    assert df.columns.tolist() == ["@a", "b"]
    read = ["=1+1", "'=1+1", "=1+1", "-x", "'+33612345678", "'n Berg", "'"]
    assert [row[0] for row in texts(df)] == read


CONNECTIONS = """Notes:
"When exporting your connection data, you may notice that some of the email addresses are missing. \
You will only see email addresses for connections who have allowed it, ""if any""."

First Name,Last Name,URL,Email Address,Company,Position,Connected On
"""


def test_linkedins_connections(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The note above the header is skipped, and this is printed."""
    row = (
        'Zoë,Larkmoor,https://www.linkedin.com/in/zoe-example,,"Copperlark, Inc.",CEO,22 Nov 2026\n'
    )
    df = pronto.read(put(tmp_path / "Connections.csv", CONNECTIONS + row * 300))
    assert df.columns.tolist() == CONNECTIONS.splitlines()[-1].split(",")
    assert texts(df)[0] == [*next(csv.reader([row]))[:3], None, *next(csv.reader([row]))[4:]]
    assert capsys.readouterr().out == (
        "pronto: Connections.csv: 300 rows, 7 columns; comma-separated, UTF-8; "
        "skipped 3 lines above the header\n"
    )
    assert pronto.read(put(tmp_path / "none.csv", CONNECTIONS)).shape == (0, 7)


@pytest.mark.parametrize(
    ("text", "header", "found"),
    [
        ("Report,,,\n2026,,,\n,,,\nname,email,domain,city\nAda,,,\n", 4, Dialect("utf-8", ",", 3)),
        ("sep=;\nname;city\nAda;Rye\n", 2, Dialect("utf-8", ";", 1)),
        ("sep=:\r\nname:city\r\nAda:Rye\r\n", 2, Dialect("utf-8", ":", 1)),
        ("\n\nname,city\nAda,Rye\n", 2, Dialect("utf-8", ",", 2)),
        ("a;b;c\nx;1,5;2,5\ny;2,5;3,5\n", 3, Dialect("utf-8", ";")),
        ("name;company\nAda;Acme, Inc.\nZoë;Brix, Inc.\n", 2, Dialect("utf-8", ";")),
        ("name,tags (a;b)\nAda,x;y\nZoë,x\n", 2, Dialect("utf-8", ",")),
        ('"a|b","c|d|e"\n"1|2","3|4|5"\n', 2, Dialect("utf-8", ",")),
        ('name,company\nAda,"Acme" Ltd\nZoë,"Brix" Ltd\n', 2, Dialect("utf-8", ",")),
        ('Report\n"a";"b,1,2";"c"\n"d";"e,1,2";"f"\n', 3, Dialect("utf-8", ";", 1)),
        ("name;city;note, long\n", 3, Dialect("utf-8", ";")),
        ("a,b,c,,,\n1,2,3,,,\n4,5,6,,,\n", 6, Dialect("utf-8", ",")),
        (f"a,b,c,d,e\n1,2,3,4,5\n1{',x' * 30}\n" + "1,2,3,4,5\n" * 9, 5, Dialect("utf-8", ",")),
        ("name\nAda\n\nZoë\n", 1, Dialect("utf-8", ",")),
        ("name,city\rAda,Rye\r", 2, Dialect("utf-8", ",")),
    ],
)
def test_the_layout_of_a_file(tmp_path: Path, text: str, header: int, found: Dialect) -> None:
    """The separator by how rows split, the header by what is filled like the rows."""
    path = put(tmp_path / "list.csv", text)
    assert detect(path) == found
    with csv_dialect.open_at_header(path, found) as file:
        assert len(next(csv.reader(file, delimiter=found.delimiter))) == header


def test_a_file_of_one_column_has_the_separator_of_its_name(tmp_path: Path) -> None:
    """If no separator splits anything."""
    assert detect(put(tmp_path / "list.tsv", "name\nAda\n")).delimiter == "\t"
    assert texts(pronto.read(put(tmp_path / "list.TXT", "name\nAda\n"))) == [["Ada"]]


def test_headers_are_named_as_pandas_names_them(tmp_path: Path) -> None:
    """Each column has a unique name."""
    path = put(tmp_path / "list.csv", "a,,a,a.1,a,,b\n1,2,3,4,5,6,7\n")
    df = pronto.read(path)
    assert df.columns.tolist() == ["a", "Unnamed: 1", "a.2", "a.1", "a.3", "Unnamed: 5", "b"]
    assert df.columns.tolist() == pd.read_csv(path).columns.tolist()


def test_lines_that_end_early_and_lines_without_anything(tmp_path: Path) -> None:
    """A row of empty cells is a row; a blank line is not."""
    path = put(tmp_path / "list.csv", "a,b,c\n1\n\n,,\n\n1,2,3,,,\n1,2\n")
    assert texts(pronto.read(path)) == [
        ["1", None, None], [None] * 3, ["1", "2", "3"], ["1", "2", None],
    ]  # fmt: skip
    assert texts(pronto.read(put(path, 'a\nx\n""\n\ny'))) == [["x"], [None], ["y"]]


def test_a_list_without_people_is_a_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of no rows, and of texts."""
    df = pronto.read(put(tmp_path / "list.csv", "name,city\n"))
    assert df.shape == (0, 2)
    assert texts(df) == []
    assert "0 rows, 2 columns" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a,b\n1,2\n\n\"x\ny\",2\nSecret,3,oops\n1,2\n", 6, "3 cells, but the header has 2"),
        ("note:\n\n\na,b,c\n1,2,3\nSecret,3,4,oops\n", 6, "separator: comma"),
        ('a,b\n1,"2\n3,4\nSecret,5\n', 2, "unclosed quotation mark"),
        (f'a,b\n1,2\n1,"{"Secret " * 20_000}\n', 3, "unclosed quotation mark"),
    ],
)  # fmt: skip
def test_a_row_that_is_broken_is_named(tmp_path: Path, text: str, line: int, says: str) -> None:
    """By its line, without what stands in it."""
    with pytest.raises(pronto.ConfigurationError, match=rf"line {line}: .*{says}") as caught:
        pronto.read(put(tmp_path / "list.csv", text))
    assert "Secret" not in str(caught.value)


PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("list.csv", None, "File not found"),
        ("list.csv", b"", "is empty"),
        ("list.csv", b"\n\r\n\n", "is empty"),
        ("list.csv", codecs.BOM_UTF8, "is empty"),
        ("list.csv", PICTURE, "is an image"),
        ("list.csv", b"%PDF-1.7 ", "is a PDF"),
        ("list.csv", b"PK\x03\x04...", "is an Excel workbook"),
        ("list.csv", b"\xd0\xcf\x11\xe0", "is an old or encrypted Excel workbook"),
        ("list.csv", b"a,b\n" * 1_000 + b"\0", "is not a text file"),
        ("list.csv", bytes(range(1, 256)), "is not a text file"),
        ("list.xls", b"x", "save it as .xlsx"),
        ("list.parquet", b"x", "read_parquet"),
        ("list.docx", b"x", "Save it in one of these formats"),
        ("list", b"x", "Unsupported file type 'list'"),
        ("list.xlsx", None, "File not found"),
        ("list.xlsx", b"", "damaged"),
        ("list.xlsx", PICTURE, "damaged"),
        ("list.xlsx", b"\xd0\xcf\x11\xe0" * 200, "password"),
    ],
)
def test_a_file_that_cannot_be_read_has_a_clear_error(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    """With what to do."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(pronto.ConfigurationError, match=says) as caught:
        pronto.read(tmp_path / name)
    assert "sent" not in str(caught.value)  # it never sends


def test_a_folder_and_a_sheet_where_there_is_none(tmp_path: Path) -> None:
    """Each has its own error."""
    (tmp_path / "all.csv").mkdir()
    with pytest.raises(pronto.ConfigurationError, match="is a folder"):
        pronto.read(tmp_path / "all.csv")
    with pytest.raises(pronto.ConfigurationError, match="have no sheets"):
        pronto.read(put(tmp_path / "list.csv", "a,b\n"), sheet=0)


def test_a_workbook_is_text_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers without a point that they had not, dates as ISO has them."""
    values: dict[str, Any] = {
        "phone": (33612345678, "33612345678"),
        "float": (33612345678.0, "33612345678"),
        "share": (0.1, "0.1"),
        "huge": (1e300, "1e+300"),
        "yes": (True, "TRUE"),
        "day": (dt.date(2026, 11, 22), "2026-11-22"),
        "time": (dt.datetime(2026, 11, 22, 10, 30), "2026-11-22 10:30:00"),
        "hour": (dt.time(10, 30), "10:30:00"),
        "zeros": ("007", "007"),
        "error": ("#N/A", "#N/A"),
        "said": ("N/A", "N/A"),
        "break": ("a_x000D_\nb", "a\r\nb"),  # as Excel writes a line end of Windows
        "literal": ("_x005F_x0041_", "_x0041_"),
        "half": ("_xD83D_", "_xD83D_"),
        "apostrophe": ("'-x", "'-x"),
        "empty": (None, None),
    }
    rows = [list(values), [value for value, _ in values.values()], [None] * 16, ["x"]]
    df = pronto.read(workbook(tmp_path / "list.XLSX", People=rows))
    assert df.columns.tolist() == list(values)
    assert texts(df) == [[text for _, text in values.values()], ["x", *[None] * 15]]
    assert capsys.readouterr().out == "pronto: list.XLSX: 2 rows, 16 columns; sheet 'People'\n"


def test_where_the_table_of_a_sheet_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below its title, right of empty columns; and a column without a header is one."""
    rows: list[list[Any]] = [
        [], ["Report of November"], [], [None, None, "name", None, "city"],
        [None, None, "Ada", "?", "Rye"], [], [None, None, None, None, None, "aside"],
    ]  # fmt: skip
    df = pronto.read(workbook(tmp_path / "list.xlsx", People=rows))
    assert df.columns.tolist() == ["name", "Unnamed: 1", "city", "Unnamed: 3"]
    assert texts(df) == [["Ada", "?", "Rye", None], [None, None, None, "aside"]]
    assert capsys.readouterr().out.endswith("; skipped 1 row above the header\n")


def test_which_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first visible one with data, or the one that is named."""
    path = tmp_path / "list.xlsx"
    workbook(path, Empty=[], Hidden=[["h"]], Old=[["o"], ["x"]], New=[["n"]])
    book = openpyxl.load_workbook(path)
    book["Hidden"].sheet_state = "hidden"
    book.save(path)
    assert pronto.read(path).columns.tolist() == ["o"]
    said = "sheet 'Old' (other sheets: 'Empty', 'Hidden', 'New')"
    assert capsys.readouterr().out == f"pronto: list.xlsx: 1 row, 1 column; {said}\n"
    assert pronto.read(path, sheet="New").columns.tolist() == ["n"]
    assert pronto.read(path, sheet=1).columns.tolist() == ["h"]
    for sheet in ("new", 4, -1):
        with pytest.raises(pronto.ConfigurationError, match="'Empty', 'Hidden', 'Old', 'New'"):
            pronto.read(path, sheet=sheet)
    with pytest.raises(pronto.ConfigurationError, match="sheet 'Empty' is empty"):
        pronto.read(path, sheet="Empty")


def test_a_sheet_without_a_column(tmp_path: Path) -> None:
    """Or with cells that are all empty."""
    with pytest.raises(pronto.ConfigurationError, match="is empty: no sheet has data"):
        pronto.read(workbook(tmp_path / "none.xlsx", A=[], B=[[None, None]]))
    with pytest.raises(pronto.ConfigurationError, match="'A' has no header row"):
        pronto.read(workbook(tmp_path / "blank.xlsx", A=[[CellRichText()]]))


SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def changed(path: Path, changes: dict[str, tuple[str, str] | None]) -> Path:
    """Rewrite a workbook with changed parts, or without a part."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            change = changes.get(name, ("", ""))
            if change is not None:
                assert change[0] in part
                archive.writestr(name, part.replace(*change))
    return path


def test_strings_that_cells_share(tmp_path: Path) -> None:
    """As Excel writes them, with its escapes, and with letters in bold."""
    path = workbook(tmp_path / "list.xlsx", A=[["a", "b"], ["_0_", "_1_"], ["_2_"]])
    for number in range(3):
        text = f't="inlineStr"><is><t>_{number}_</t></is>'
        changed(path, {SHEET: (text, f't="s"><v>{number}</v>')})
    strings = "a_x000D_\nb", "_x005F_x0041__x005f_x0041", "Zo</t></r><r><t>ë"
    table = "".join(f"<si><r><t>{text}</t></r></si>" for text in strings)
    kind = f'<Override PartName="/{STRINGS}" ContentType="{SHARED_STRINGS}"/></Types>'
    changed(path, {"[Content_Types].xml": ("</Types>", kind)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(STRINGS, f'<sst xmlns="{SHEET_MAIN_NS}">{table}</sst>')
    assert texts(pronto.read(path)) == [["a\r\nb", "_x0041__x0041"], ["Zoë", None]]


def test_a_sheet_that_says_a_wrong_size_is_read_whole(tmp_path: Path) -> None:
    """As some programs write it."""
    path = workbook(tmp_path / "list.xlsx", A=[["a", "b"], ["1", "2"]])
    df = pronto.read(changed(path, {SHEET: ('ref="A1:B2"', 'ref="A1"')}))
    assert texts(df) == [["1", "2"]]


@pytest.mark.parametrize(
    "changes",
    [
        {SHEET: ("</sheetData>", "")},
        {SHEET: ('t="inlineStr"><is><t>', 't="s"><v>Secret</v><is><t>')},
        {SHEET: ('t="inlineStr"><is><t>', 't="s"><v>9</v><is><t>')},
        {SHEET: None},
        {"xl/workbook.xml": None},
        {"xl/styles.xml": ("<cellXfs", "<cellXfs Secret='1'")},
        {"[Content_Types].xml": ("spreadsheetml", "other")},
    ],
)
def test_a_workbook_that_is_damaged(
    tmp_path: Path, changes: dict[str, tuple[str, str] | None]
) -> None:
    """The error does not contain openpyxl's message, which may have a cell's value."""
    path = changed(workbook(tmp_path / "list.xlsx", A=[["a", "b"], ["1", "2"]]), changes)
    with pytest.raises(pronto.ConfigurationError, match=r"list\.xlsx") as caught:
        pronto.read(path)
    assert "Secret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("given", [None, 7, pd.DataFrame()])
def test_a_wrong_type_of_path_is_an_error(given: Any) -> None:
    """With the type."""
    with pytest.raises(pronto.ConfigurationError, match="expects a file path, got"):
        pronto.read(given)


def test_a_file_without_a_header_row_has_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise the first person would be lost without notice."""
    path = tmp_path / "list.csv"
    path.write_text("Ana,Lark,ana@acme.example\nBo,Moor,bo@acme.example\n")
    assert len(pronto.read(path)) == 1
    assert "WARNING: the first row looks like data" in capsys.readouterr().out
