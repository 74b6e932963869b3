"""The body of a response: limited in size, decompressed, decoded and read as JSON."""

# Why: docs/decisions/014-whole-answers.md

from __future__ import annotations

import json
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from ..errors import UnreadableAnswerError

LARGEST: Final = 10_000_000
"""Maximum size of a decompressed body in bytes. An answer about one person has about
a thousand bytes."""

ENCODINGS: Final = "gzip, deflate"
"""The encodings that `unpacked` reads, for ``Accept-Encoding``."""

# SQL cannot store NUL; UTF-8, so Arrow, SQL and files, cannot store a lone surrogate.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

# An unescaped line break or NUL in a string must not lose the answer.
_DECODER = json.JSONDecoder(strict=False)


def unreadable(what: str) -> UnreadableAnswerError:
    """Return the error for a successful response that cannot be read."""
    return UnreadableAnswerError(
        f"Pronto reported success, but the response {what}. The request may have been charged.",
        status=200,
    )


def too_large() -> UnreadableAnswerError:
    """Return the error for a body larger than `LARGEST`."""
    return unreadable(f"is larger than {LARGEST // 1_000_000} MB")


def unpacked(body: bytes, encoding: str) -> bytes:
    """Undo a ``Content-Encoding``.

    Raises
    ------
    UnreadableAnswerError
        The result is larger than `LARGEST`.
    ValueError, zlib.error
        The body cannot be decompressed.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise ValueError("the server used a Content-Encoding that was not requested")
    bare = encoding == "deflate" and body[:1] and body[0] & 0x0F != zlib.DEFLATED
    content = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32).decompress(
        body, LARGEST + 1
    )
    if len(content) > LARGEST:
        raise too_large()
    return content


def decoded(body: bytes | str) -> str:
    """Return the text of a body; an invalid byte becomes U+FFFD."""
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
        The text is not valid JSON, or is nested too deeply.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        pass
    # Up to Python 3.11, the depth of the caller's stack counts. A new thread has an empty stack, so
    # a body that could be read when it arrived can be read from anywhere.
    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(_DECODER.decode, text).result()
        except RecursionError:
            raise ValueError("nested too deeply") from None


def read_object(body: bytes | str) -> tuple[dict[str, Any], str]:
    """Return a body's JSON object and its text in a form that can be stored.

    Raises
    ------
    UnreadableAnswerError
        The body is not a JSON object. The message contains no value from it.
    """
    text = decoded(body)
    try:
        data = loads(text)
    except ValueError:
        html = text.lstrip()[:1] == "<"
        raise unreadable("is an HTML page" if html else "is not valid JSON") from None
    if not isinstance(data, dict):
        raise unreadable("is not a JSON object")
    # In JSON these characters can only be in a string, where their escapes mean the same.
    return data, _UNSTORABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def storable(text: str) -> str:
    """Replace the characters that Arrow or SQL cannot store."""
    return _UNSTORABLE.sub("\ufffd", text)
