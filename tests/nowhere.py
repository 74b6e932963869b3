"""Look for a secret wherever a notebook could have left it, however it is written there."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus


def writings(secret: str) -> dict[str, bytes]:
    """Return the secret as each format in a notebook, a page or a file would write it."""
    escaped = json.dumps(secret)[1:-1]
    found = {
        "plain": secret,
        "URL-encoded": quote(secret, safe=""),
        "URL-encoded, but for slashes": quote(secret),
        "form-encoded": quote_plus(secret),
        "JSON-escaped": escaped,
        "JSON-escaped, unescaped letters": json.dumps(secret, ensure_ascii=False)[1:-1],
        "JSON-escaped twice": json.dumps(escaped)[1:-1],
        "HTML-escaped": html.escape(secret),
        "HTML-escaped, but for quotes": html.escape(secret, quote=False),
        **_base64(secret),
    }
    return {name: text.encode() for name, text in found.items()}


def _base64(secret: str) -> dict[str, str]:
    """Return what of it surely stands in base64 of a text with the secret anywhere in it.

    Base64 goes by threes of bytes, so there are three ways in which the secret can lie; the
    letters at its ends depend on the neighbours.
    """
    raw = secret.encode()
    found = {}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).decode()
        inner = coded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        found[f"base64, shifted by {shift}"] = inner
        found[f"base64 for URLs, shifted by {shift}"] = inner.replace("+", "-").replace("/", "_")
    return found


def places(secret: str, folder: Path, page: str) -> Iterator[str]:
    """Yield each place that holds the secret, and how it is written there."""
    ways = writings(secret)
    texts = {"the page": page.encode()}
    texts |= {str(p.relative_to(folder)): _read(p) for p in folder.rglob("*") if p.is_file()}
    for place, text in texts.items():
        for way, written in ways.items():
            if written in text:
                yield f"{place}: {way}"
            if written in place.encode():
                yield f"the name of {place}: {way}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a temporary file of the server's, gone meanwhile
        return b""


def assert_nowhere(secret: str, folder: Path, page: str) -> None:
    """Fail where the secret stands in any file below a folder, hidden ones too, or in the page.

    A search that could find nothing fails too: a folder without a saved notebook, an empty page.

    Parameters
    ----------
    secret : str
        Long enough not to be found by chance.
    folder : Path
        With all that the server wrote.
    page : str
        What the browser held.
    """
    assert len(secret) >= 8, "too short a secret is found by chance"
    assert page.strip(), "no page to search"
    saved = [path for path in folder.rglob("*.ipynb") if b'"cells"' in path.read_bytes()]
    assert saved, f"no notebook below {folder}"
    found = list(places(secret, folder, page))
    assert not found, "The secret stands in " + "; ".join(found)
