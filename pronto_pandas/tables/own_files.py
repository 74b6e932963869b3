"""Tell files that `save` has written from files of somebody else, which it does not overwrite."""

# Why: docs/decisions/044-save-overwrite.md

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Final

MARK: Final = "pronto-pandas"
"""The last author of a workbook. A program in which somebody edits it writes another one."""

PARQUET_MARK: Final = {b"written_by": MARK.encode()}

_AUTHOR: Final = re.compile(rb"<cp:lastModifiedBy>([^<]*)</")

_written: dict[Path, tuple[int, int]] = {}
"""The files that this process has saved, each as it was then."""


def remember(path: Path) -> None:
    """Remember that a file was saved by this process."""
    _written[path.resolve()] = _state(path)


def may_replace(path: Path) -> bool:
    """Whether nothing is lost that somebody else wrote: no file, an empty one, or our own."""
    if not path.exists() or path.stat().st_size == 0:
        return True
    return _written.get(path.resolve()) == _state(path) or _is_marked(path)


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def _is_marked(path: Path) -> bool:
    """Whether a file says that it was saved by pronto-pandas, and last; a text file cannot."""
    try:
        if path.suffix.lower() == ".xlsx":
            with zipfile.ZipFile(path) as archive:
                author = _AUTHOR.search(archive.read("docProps/core.xml"))
            return author is not None and author[1] == MARK.encode()
        if path.suffix.lower() == ".parquet":
            import pyarrow.parquet as pq

            metadata = pq.read_schema(path).metadata or {}
            return PARQUET_MARK.items() <= metadata.items()
    except (OSError, ValueError, KeyError, ImportError, zipfile.BadZipFile):
        pass  # damaged, or of another kind than its name says
    return False
