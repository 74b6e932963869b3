"""The search finds a secret in every encoding and every place."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from .nowhere import assert_nowhere

SECRET = 'sk-"9f/+&é 3'  # noqa: S105  made up
PAGE = "<html><body>Pronto: 100%</body></html>"


def in_base64(text: str) -> str:
    """Return the base64 of a longer text."""
    return base64.b64encode(f"{text}tail".encode()).decode()


WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in a URL's path": lambda secret: "/x/" + quote(secret),
    "in a URL's query": lambda secret: "?key=" + quote(secret, safe=""),
    "in a form": lambda secret: "key=" + quote_plus(secret),
    "in JSON": lambda secret: json.dumps({"value": secret}),
    "in JSON of JavaScript's": lambda secret: json.dumps({"value": secret}, ensure_ascii=False),
    "in JSON in JSON": lambda secret: json.dumps({"source": json.dumps({"value": secret})}),
    "in HTML": lambda secret: f"<p>{html.escape(secret, quote=False)}</p>",
    "in an attribute": lambda secret: f'<p title="{html.escape(secret)}">',
    "in base64": lambda secret: in_base64(secret),
    "in base64 after 1": lambda secret: in_base64("x" + secret),
    "in base64 after 2": lambda secret: in_base64("xx" + secret),
    "in base64 after 3": lambda secret: in_base64("xxx" + secret),
    "in base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a server's folder with a saved notebook without the secret."""
    (tmp_path / "notebooks" / ".ipynb_checkpoints").mkdir(parents=True)
    (tmp_path / "notebooks" / "test.ipynb").write_text('{"cells": []}')
    (tmp_path / "server.log").write_text("is running")
    return tmp_path


def test_a_clean_run_passes(folder: Path) -> None:
    """Nothing is found if there is no secret."""
    assert_nowhere(SECRET, folder, PAGE)


@pytest.mark.parametrize("way", WRITTEN)
def test_a_secret_is_found_however_it_is_written(folder: Path, way: str) -> None:
    """Each encoding in a notebook is found."""
    (folder / "notebooks" / "test.ipynb").write_text('{"cells": []}' + WRITTEN[way](SECRET))
    with pytest.raises(AssertionError, match=r"is in notebooks.test\.ipynb"):
        assert_nowhere(SECRET, folder, PAGE)


@pytest.mark.parametrize(
    "place", ["notebooks/.ipynb_checkpoints/a.ipynb", "server.log", "ipython/history.sqlite"]
)
def test_a_secret_is_found_in_every_file(folder: Path, place: str) -> None:
    """Hidden folders and binary files are searched."""
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_bytes(b"\x00\xff" + SECRET.encode() + b"\x80")
    with pytest.raises(AssertionError, match=Path(place).name):
        assert_nowhere(SECRET, folder, PAGE)


def test_a_secret_is_found_in_the_page_and_in_a_name(folder: Path) -> None:
    """The page and file names are searched."""
    with pytest.raises(AssertionError, match="the page: plain"):
        assert_nowhere(SECRET, folder, PAGE + SECRET)
    (folder / "sk-0123456789.txt").touch()
    with pytest.raises(AssertionError, match=r"name of sk-0123456789\.txt"):
        assert_nowhere("sk-0123456789", folder, PAGE)


def test_a_search_that_cannot_find_fails(folder: Path, tmp_path: Path) -> None:
    """The secret is too short, or there is no page or no notebook."""
    with pytest.raises(AssertionError, match="short"):
        assert_nowhere("key", folder, PAGE)
    with pytest.raises(AssertionError, match="no page"):
        assert_nowhere(SECRET, folder, " ")
    (folder / "notebooks" / "test.ipynb").unlink()
    with pytest.raises(AssertionError, match="no notebook"):
        assert_nowhere(SECRET, folder, PAGE)
