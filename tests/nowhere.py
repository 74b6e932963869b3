"""Search for a secret wherever a notebook could have left it, in every encoding."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus


def writings(secret: str) -> dict[str, bytes]:
    """Return the secret in each encoding of a notebook, a page or a file."""
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
    """Return the part of base64 that is the same wherever the secret is in a text.

    Base64 encodes groups of three bytes, so there are three variants. The letters at both ends
    depend on the bytes around the secret.
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
    """Yield each place that contains the secret, and its encoding there."""
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
    except FileNotFoundError:  # a temporary file that the server has deleted
        return b""


def assert_nowhere(secret: str, folder: Path, page: str) -> None:
    """Fail if the secret is in the page or in any file below a folder, hidden files included.

    An empty page or a folder without a saved notebook also fails, as nothing could be found.

    Parameters
    ----------
    secret : str
        At least 8 characters, so that it is not found by chance.
    folder : Path
        Contains all files that the server wrote.
    page : str
        The HTML in the browser.
    """
    assert len(secret) >= 8, "the secret is too short: it could be found by chance"
    assert page.strip(), "no page to search"
    saved = [path for path in folder.rglob("*.ipynb") if b'"cells"' in path.read_bytes()]
    assert saved, f"no notebook below {folder}"
    found = list(places(secret, folder, page))
    assert not found, "The secret is in " + "; ".join(found)
