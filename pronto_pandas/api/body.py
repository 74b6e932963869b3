"""The body of an answer: bounded, unpacked, decoded, read as JSON."""

from __future__ import annotations

import json
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from ..errors import UnreadableAnswerError

LARGEST: Final = 10_000_000
"""Bytes of a body, unpacked. An answer about one person has about a thousand."""

ENCODINGS: Final = "gzip, deflate"
"""What `unpacked` reads; for ``Accept-Encoding``."""

# SQL has no NUL, and UTF-8 (so Arrow, SQL and files) no half of a surrogate pair.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

# Line breaks and NUL that a service forgot to escape lose no answer.
_DECODER = json.JSONDecoder(strict=False)


def unreadable(what: str) -> UnreadableAnswerError:
    """Return the error for a success without an answer."""
    return UnreadableAnswerError(
        f"Pronto said success, but the answer {what}; it may have been charged.", status=200
    )


def too_large() -> UnreadableAnswerError:
    """Return the error for a body above `LARGEST`."""
    return unreadable(f"is larger than {LARGEST // 1_000_000} MB")


def unpacked(body: bytes, encoding: str) -> bytes:
    """Undo a ``Content-Encoding``.

    Raises
    ------
    UnreadableAnswerError
        Where the result is larger than `LARGEST`.
    ValueError, zlib.error
        Where it cannot be undone.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise ValueError("a Content-Encoding that was not asked for")
    bare = encoding == "deflate" and body[:1] and body[0] & 0x0F != zlib.DEFLATED
    content = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32).decompress(
        body, LARGEST + 1
    )
    if len(content) > LARGEST:
        raise too_large()
    return content


def decoded(body: bytes | str) -> str:
    """Return the text of a body; a byte that is wrong in its encoding becomes U+FFFD."""
    if isinstance(body, str):
        return body.removeprefix("\ufeff")
    encoding = json.detect_encoding(body)
    try:
        return body.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:
        return body.decode(encoding, "replace")


def loads(text: str) -> Any:
    """Read JSON.

    Raises
    ------
    ValueError
        Where the text is none, or too deep.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        pass
    # The caller's frames count, too, up to Python 3.11. What could be read once, when it came,
    # must be readable from anywhere, and a new thread has no frames.
    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(_DECODER.decode, text).result()
        except RecursionError:
            raise ValueError("nested too deeply") from None


def read_object(body: bytes | str) -> tuple[dict[str, Any], str]:
    """Return a body's JSON object and the text of it that can be stored.

    Raises
    ------
    UnreadableAnswerError
        Where it is none; the message holds no value.
    """
    text = decoded(body)
    try:
        data = loads(text)
    except ValueError:
        raise unreadable("is an HTML page" if text.lstrip()[:1] == "<" else "is no JSON") from None
    if not isinstance(data, dict):
        raise unreadable("is no object")
    # In JSON they can stand in a text only, where their escapes mean the same.
    return data, _UNSTORABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def storable(text: str) -> str:
    """Replace what neither Arrow nor SQL can hold."""
    return _UNSTORABLE.sub("\ufffd", text)
