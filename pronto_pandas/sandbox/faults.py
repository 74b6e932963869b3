"""Simulated errors of the network and the server, drawn from a seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "429",
    "429 without Retry-After",
    "503",
    "reset before",
    "500",
    "502 page",
    "html",
    "cut json",
    "cut stream",
    "reset after",
    "timeout",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """A simulated error.

    Parameters
    ----------
    kind : str
        What the client sees.
    processed : bool
        Whether the request was processed, and charged, nevertheless.
    """

    kind: Kind
    processed: bool


FAULTS: Final = (
    Fault("429", processed=False),
    Fault("429 without Retry-After", processed=False),
    Fault("503", processed=False),
    Fault("reset before", processed=False),
    Fault("500", processed=True),
    Fault("502 page", processed=True),
    Fault("html", processed=True),
    Fault("cut json", processed=True),
    Fault("cut stream", processed=True),
    Fault("reset after", processed=True),
    Fault("timeout", processed=True),
)


def draw(seed: int, who: str, attempt: int, share: float, kinds: tuple[Kind, ...]) -> Fault | None:
    """Return the fault of a request, or None; the same for the same arguments.

    Parameters
    ----------
    seed : int
        The random seed.
    who : str
        Identity of the person or batch.
    attempt : int
        Number of this request for the same person or batch.
    share : float
        Fraction of requests that fail, 0 to 1.
    kinds : tuple of str
        Kinds of faults to draw from.
    """
    digest = hashlib.sha256(f"{seed}/{who}/{attempt}".encode()).digest()
    if int.from_bytes(digest[:4], "big") >= share * 2**32:
        return None
    faults = [fault for fault in FAULTS if fault.kind in kinds]
    return faults[int.from_bytes(digest[4:8], "big") % len(faults)] if faults else None
