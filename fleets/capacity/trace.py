"""A recorded load: how many claims began in each interval. Read from CSV, checked, spread out."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import Invalid

Times = NDArray[np.float64]
"""Instants in seconds, rising."""

NUMBER_MAX = 1e11
"""Seconds since 1970 are far below, and doubles still tell microseconds apart."""

SPAN_MAX_S = 400 * 86_400
CLAIMS_MAX = 50_000_000
"""What fits into memory, times a few policies."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Claims by interval; the last is as long as the one before it."""

    name: str
    at_s: Times
    claims: NDArray[np.int64]

    def ends_s(self) -> Times:
        """Where each interval ends, in seconds."""
        last = self.at_s[-1] - self.at_s[-2] if len(self.at_s) > 1 else 60.0
        return np.append(self.at_s[1:], self.at_s[-1] + last)

    def end_s(self) -> float:
        """Where the whole trace ends, in seconds."""
        return float(self.ends_s()[-1])

    def instants(self, seed: int | None = None) -> Times:
        """The instant of each claim: evenly within its interval, or by chance with a seed.

        By chance means as a Poisson process does, given how many came.
        """
        widths = self.ends_s() - self.at_s
        of = np.repeat(np.arange(len(self.at_s)), self.claims)
        if seed is None:
            first = np.cumsum(self.claims) - self.claims
            nth = np.arange(len(of)) - first[of]
            share = (nth + 0.5) / self.claims[of]
        else:
            share = np.random.default_rng(seed).random(len(of))
        times = self.at_s[of] + share * widths[of]
        return np.sort(times) if seed is not None else times


def read_trace(name: str, lines: Iterable[str]) -> Trace:
    """A trace from CSV with the columns ``at_s`` and ``claims``, in any order.

    Raises:
        Invalid: a column is missing, a number is none, or time runs backwards; it names
            the line and the cure.
    """
    rows = csv.DictReader(lines)
    try:
        return _trace(name, rows)
    except csv.Error as wrong:
        raise Invalid(
            f"{name} line {rows.reader.line_num}: {wrong}; write two numbers with a comma between"
        ) from wrong


def _trace(name: str, rows: "csv.DictReader[str]") -> Trace:
    columns = [(column or "").strip().lstrip("\ufeff") for column in rows.fieldnames or ()]
    rows.fieldnames = columns
    for needed in ("at_s", "claims"):
        if columns.count(needed) != 1:
            raise Invalid(
                f"{name} line 1: {columns.count(needed)} columns are called {needed!r}; "
                "begin the file with the line at_s,claims"
            )
    at_s: list[float] = []
    claims: list[int] = []
    for row in rows:
        place = f"{name} line {rows.line_num}"
        time_s = _number(row["at_s"], f"{place}: at_s", "write seconds, such as 60")
        count = _number(row["claims"], f"{place}: claims", "write a whole number, 0 or more")
        if at_s and time_s <= at_s[-1]:
            raise Invalid(
                f"{place}: at_s {time_s:.15g} is not after {at_s[-1]:.15g}; "
                "sort the rows by at_s, with one row for each"
            )
        if count < 0 or count != int(count):
            raise Invalid(f"{place}: claims {count:g} is no count; write a whole number, 0 or more")
        at_s.append(time_s)
        claims.append(int(count))
    if not at_s:
        raise Invalid(f"{name}: no row follows line 1; write one for each interval")
    if at_s[-1] - at_s[0] > SPAN_MAX_S or sum(claims) > CLAIMS_MAX:
        raise Invalid(
            f"{name}: {at_s[-1] - at_s[0]:.15g} seconds with {sum(claims)} claims are too many; "
            f"cut it to {SPAN_MAX_S} seconds and {CLAIMS_MAX} claims"
        )
    return Trace(name, np.array(at_s), np.array(claims, dtype=np.int64))


def _number(text: str | None, place: str, cure: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise Invalid(f"{place} {text or ''!r} is no number; {cure}") from None
    if not abs(value) <= NUMBER_MAX:
        raise Invalid(f"{place} {text!r} is out of range; {cure}")
    return value
