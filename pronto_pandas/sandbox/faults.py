"""Faults on demand: what a network and a service do on bad days, drawn from a seed."""

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
    """One thing that goes wrong.

    Parameters
    ----------
    kind : str
        What the client sees.
    worked : bool
        Whether the work was done, and charged, all the same.
    """

    kind: Kind
    worked: bool


FAULTS: Final = (
    Fault("429", worked=False),
    Fault("429 without Retry-After", worked=False),
    Fault("503", worked=False),
    Fault("reset before", worked=False),
    Fault("500", worked=True),
    Fault("502 page", worked=True),
    Fault("html", worked=True),
    Fault("cut json", worked=True),
    Fault("cut stream", worked=True),
    Fault("reset after", worked=True),
    Fault("timeout", worked=True),
)


def draw(seed: int, who: str, attempt: int, share: float, kinds: tuple[Kind, ...]) -> Fault | None:
    """Return the fault of one request, or None; the same for the same arguments.

    Parameters
    ----------
    seed : int
        Another seed, other faults.
    who : str
        The contact's identity.
    attempt : int
        How often this contact was asked about before.
    share : float
        Part of the requests that meet a fault, from 0 to 1.
    kinds : tuple of str
        The faults to draw from.
    """
    digest = hashlib.sha256(f"{seed}/{who}/{attempt}".encode()).digest()
    if int.from_bytes(digest[:4], "big") >= share * 2**32:
        return None
    faults = [fault for fault in FAULTS if fault.kind in kinds]
    return faults[int.from_bytes(digest[4:8], "big") % len(faults)] if faults else None
