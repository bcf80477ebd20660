"""How late each server's ticks were over the last ten minutes, a point per heartbeat."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from readyup.console.reading import Beat
from readyup.console.window import KEPT_S

SERVERS_MAX = 600
"""Servers remembered, those that are gone among them; each costs 25 kB at most."""

FIELDS = ("t_ms", "p50_ms", "p99_ms", "p999_ms", "players")


@dataclass(frozen=True, slots=True)
class TickSeries:
    """Columns of equal length, in the order of time."""

    t_ms: tuple[int, ...] = ()
    p50_ms: tuple[float, ...] = ()
    p99_ms: tuple[float, ...] = ()
    p999_ms: tuple[float, ...] = ()
    players: tuple[int, ...] = ()


class Ticks:
    """The heartbeats' own figures, by server."""

    def __init__(self) -> None:
        self._rows: dict[str, array[float]] = {}

    def take(self, beats: Iterable[Mapping[str, Beat]]) -> None:
        """Take what was just read; a heartbeat seen before changes nothing."""
        for fleet in beats:
            for uid, beat in fleet.items():
                if beat.tick is not None and beat.beat_ms:
                    self._add(uid, beat)

    def of(self, uid: str) -> TickSeries:
        """One server's points; none for a server that never spoke."""
        rows, width = self._rows.get(uid, array("d")), len(FIELDS)
        t_ms, p50, p99, p999, players = (rows[n::width] for n in range(width))
        return TickSeries(
            tuple(int(t) for t in t_ms),
            tuple(p50),
            tuple(p99),
            tuple(p999),
            tuple(int(many) for many in players),
        )

    def _add(self, uid: str, beat: Beat) -> None:
        tick, rows, width = beat.tick, self._rows.get(uid), len(FIELDS)
        assert tick is not None
        if rows is None:
            if len(self._rows) >= SERVERS_MAX:
                # The one that was heard of last longest ago.
                del self._rows[min(self._rows, key=lambda known: self._rows[known][-width])]
            rows = self._rows[uid] = array("d")
        if rows and rows[-width] >= beat.beat_ms:
            return
        rows.extend((beat.beat_ms, tick.p50_ms, tick.p99_ms, tick.p999_ms, beat.players))
        while rows[0] <= beat.beat_ms - KEPT_S * 1000:
            del rows[:width]
