"""The log of a sandbox: what it received, answered and charged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Log:
    """The requests, answers and charges of a sandbox. Times are those of its clock.

    Attributes
    ----------
    arrivals, answered : list of float
        Times of accepted requests, and of their answers.
    concurrency : list of int
        Requests in progress at each arrival.
    in_flight : int
        Requests in progress now.
    charges : list of dict
        Contact, types and credits of each charge.
    asked, batches, fetches : Counter of str
        Requests per person, per batch, and per ID of an answer.
    submitted : dict
        Maps each ID to the time when its answer is ready, and the answer.
    refused : Counter of int
        Error responses per HTTP status.
    delivered : Counter of int or str
        Webhook deliveries per HTTP status of the receiver, or ``"failed"``.
    """

    arrivals: list[float] = field(init=False, default_factory=list)
    answered: list[float] = field(init=False, default_factory=list)
    concurrency: list[int] = field(init=False, default_factory=list)
    in_flight: int = field(init=False, default=0)
    charges: list[dict[str, Any]] = field(init=False, default_factory=list)
    asked: Counter[str] = field(init=False, default_factory=Counter)
    batches: Counter[str] = field(init=False, default_factory=Counter)
    fetches: Counter[str] = field(init=False, default_factory=Counter)
    submitted: dict[str, tuple[float, dict[str, Any]]] = field(init=False, default_factory=dict)
    refused: Counter[int] = field(init=False, default_factory=Counter)
    delivered: Counter[int | str] = field(init=False, default_factory=Counter)
