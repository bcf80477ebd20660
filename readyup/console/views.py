"""What the page is told, made of what was read and what the streams told. Pure.

``snapshot`` is what people come for.
"""

import contextlib
import zlib
from collections import Counter

import msgspec

from core.game_server import ServerView, State
from readyup.console.charts import Charts
from readyup.console.goodness import goodness
from readyup.console.reading import Beat, FleetReading, QueueReading, Reading
from readyup.console.snapshot import (
    Dot,
    FleetView,
    MatchView,
    PoolView,
    Promises,
    QueueView,
    ServerTile,
    Snapshot,
    TickView,
    Totals,
)
from readyup.console.story import Forming, QueueStory, Story
from readyup.console.window import quantile

DOTS_MAX = 320
"""Waiting tickets drawn of one queue. More would be a blot, and every snapshot carries them."""

SERVERS_MAX = 240
"""Tiles of one fleet."""

MATCHES_MAX = 24
"""Matches listed, of all queues together."""

SILENT_MS = 4_000
"""A heartbeat is due each second; after four it is worth a mark."""

STATS_STALE_MS = 3_000
"""A queue's own figures are written about once a second while it has a director."""

STARTING = frozenset(
    {
        State.PORT_ALLOCATION,
        State.CREATING,
        State.STARTING,
        State.SCHEDULED,
        State.REQUEST_READY,
    }
)
FAILED = frozenset({State.UNHEALTHY, State.ERROR})


def snapshot(
    story: Story,
    reading: Reading,
    charts: Charts,
    *,
    now_ms: int,
    promises: Promises | None = None,
    store_lost_ms: int = 0,
) -> Snapshot:
    """The whole page at ``now_ms``."""
    queues = tuple(
        queue_view(told, reading.queues.get(name, QueueReading()), charts, now_ms=now_ms)
        for name, told in story.queues.items()
    )
    fleets = tuple(fleet_view(name, fleet, now_ms=now_ms) for name, fleet in reading.fleets.items())
    minute = charts.total
    return Snapshot(
        now_ms=now_ms,
        store_lost_ms=store_lost_ms,
        totals=Totals(
            players_waiting=sum(q.players_waiting for q in queues),
            players_playing=sum(players_of(fleet) for fleet in reading.fleets.values()),
            matches_playing=sum(f.pool.playing for f in fleets),
            matches_per_min=minute.matches_per_min,
            tickets_per_s=minute.tickets_per_s,
            wait_ms_p50=minute.wait_ms_p50,
            wait_ms_p95=minute.wait_ms_p95,
            place_ms_p50=minute.place_ms_p50,
            place_ms_p95=minute.place_ms_p95,
        ),
        queues=queues,
        fleets=fleets,
        matches=newest_matches(story, reading),
        promises=promises,
        latest=charts.latest(),
    )


def queue_view(
    told: QueueStory, reading: QueueReading, charts: Charts, *, now_ms: int
) -> QueueView:
    """One queue: its own figures, and from its stream who waits and for how long."""
    minute = charts.queues.get(told.name, charts.total)
    holder, until_ms = reading.leader.get("holder", ""), reading.leader.get("until_ms", "0")
    leads = bool(holder) and float(until_ms or 0) > now_ms
    low, high = axis(told)
    waiting, players, oldest_ms = who_waits(told, reading, now_ms=now_ms)
    return QueueView(
        name=told.name,
        waiting=waiting,
        players_waiting=players,
        placing=int(reading.number("placing")),
        oldest_wait_ms=oldest_ms,
        wait_ms_p50=minute.wait_ms_p50,
        wait_ms_p95=minute.wait_ms_p95,
        matches_per_min=minute.matches_per_min,
        pass_ms_p50=reading.number("pass_ms_p50") if "pass_ms_p50" in reading.stats else None,
        pass_ms_p99=reading.number("pass_ms_p99") if "pass_ms_p99" in reading.stats else None,
        holder=holder if leads else "",
        epoch=int(float(reading.leader.get("epoch") or 0)),
        dots=dots(told),
        mmr_low=low,
        mmr_high=high,
        paused=reading.paused,
        shadow=reading.shadow,
        estimate_s_p50=reading.estimate.p50 if reading.estimate else None,
        estimate_s_p90=reading.estimate.p90 if reading.estimate else None,
        goodness=goodness(told.receipts),
    )


def who_waits(told: QueueStory, reading: QueueReading, *, now_ms: int) -> tuple[int, int, int]:
    """Tickets, players and the longest wait in milliseconds.

    The director counts them. When none has for a while, the stream tells who came and left.
    """
    if now_ms - reading.number("t") < STATS_STALE_MS:
        return (
            int(reading.number("waiting")),
            int(reading.number("players_waiting")),
            int(reading.number("oldest_wait_ms")),
        )
    tickets = told.waiting.values()
    first_ms = min((ticket.enqueued_ms for ticket in tickets), default=now_ms)
    return len(tickets), sum(ticket.size for ticket in tickets), max(0, now_ms - first_ms)


def dots(told: QueueStory) -> tuple[Dot, ...]:
    """The waiting tickets, or of many an even sample that stays the same from look to look."""
    share = 1
    while len(told.waiting) > DOTS_MAX * share:
        share *= 2
    return tuple(
        (ticket[-8:], waiting.mmr, waiting.size, waiting.enqueued_ms)
        for ticket, waiting in told.waiting.items()
        if share == 1 or zlib.crc32(ticket.encode()) % share == 0
    )


def axis(told: QueueStory) -> tuple[float, float]:
    """Ends of the rating axis: all but the outermost hundredths, in whole steps of 250."""
    ordered = sorted(told.ratings.values())
    low, high = quantile(ordered, 0.01), quantile(ordered, 0.99)
    if low is None or high is None:
        return 1000.0, 2000.0
    return low // 250 * 250, (high // 250 + 1) * 250


def newest_matches(story: Story, reading: Reading) -> tuple[MatchView, ...]:
    """The matches that began last, of all queues together."""
    names = {str(s.uid): s.name for fleet in reading.fleets.values() for s in fleet.servers}
    forming = [f for told in story.queues.values() for f in told.newest(MATCHES_MAX)]
    forming.sort(key=_began_ms, reverse=True)
    return tuple(
        MatchView(
            match=one.match,
            queue=one.queue,
            players=one.players,
            teams=one.teams,
            tickets=tuple(ticket[-8:] for ticket in one.tickets),
            server=names.get(one.server, one.server[:8]),
            proposed_ms=one.proposed_ms,
            in_line_ms=one.in_line_ms,
            held_ms=one.held_ms,
            announced_ms=one.announced_ms,
            playing_ms=max(one.acked_ms, one.announced_ms) if one.acked_ms else 0,
            closed=one.closed,
            ended=one.ended,
            asks_until_ms=0 if one.closed or one.announced_ms else one.asks_until_ms,
        )
        for one in forming[:MATCHES_MAX]
    )


def _began_ms(one: Forming) -> int:
    return one.proposed_ms or one.held_ms or one.announced_ms


def fleet_view(name: str, fleet: FleetReading, *, now_ms: int) -> FleetView:
    """One fleet: its tiles, its pool and its plan."""
    shared = sharing(fleet)
    tiles = [
        tile(
            server,
            room_letters(server, fleet),
            fleet.beats.get(server.uid),
            shared=shared[server.uid],
            now_ms=now_ms,
        )
        for server in fleet.servers
    ]
    replicas = fleet.plan.get("replicas", "")
    return FleetView(
        name=name,
        servers=tuple(tiles[:SERVERS_MAX]),
        more_servers=max(0, len(tiles) - SERVERS_MAX),
        pool=pool(tiles, fleet, now_ms=now_ms),
        replicas=int(replicas) if replicas.isdigit() else None,
        why=reason(fleet.plan.get("why", "")),
        paused=fleet.paused,
    )


def sharing(fleet: FleetReading) -> dict[str, int]:
    """By uid, how many other servers of the fleet are pinned to one of a server's cores."""
    on_core = Counter(core for server in fleet.servers for core in set(server.cores))
    return {
        str(server.uid): max((on_core[core] for core in server.cores), default=1) - 1
        for server in fleet.servers
    }


def room_letters(server: ServerView, fleet: FleetReading) -> str:
    """A letter a room; see ``ServerTile.rooms``."""
    known = fleet.rooms.get(server.uid, {})
    many = max(server.rooms, max(known, default=-1) + 1)
    return "".join(known.get(n, "-") for n in range(many))


def tile(
    server: ServerView, rooms: str, beat: Beat | None, *, shared: int, now_ms: int
) -> ServerTile:
    """One server's tile."""
    tick = beat.tick if beat else None
    return ServerTile(
        uid=server.uid,
        name=server.name,
        state=server.state,
        step=step(server.state, rooms),
        address=server.address,
        port=server.port,
        version=server.version,
        cores=server.cores,
        pinned=server.pinned,
        shared=shared,
        rooms=rooms,
        players=beat.players if beat else 0,
        tick=TickView(tick.p50_ms, tick.p99_ms, tick.p999_ms, tick.instability, tick.rate_hz)
        if tick
        else None,
        health=health(server.state, beat, now_ms=now_ms),
    )


def step(state: State, rooms: str) -> str:
    """How near a server is to being played on; see ``ServerTile.step``."""
    if state in FAILED:
        return "failed"
    if state is State.SHUTDOWN:
        return "leaving"
    if state in STARTING:
        return "starting"
    if "h" in rooms:
        return "playing"
    if "r" in rooms or "s" in rooms:
        return "leaving"
    # Allocated without rooms in the pool: claimed a moment ago, its hello is on the way.
    return "claimed" if "f" in rooms else "ready"


def health(state: State, beat: Beat | None, *, now_ms: int) -> str:
    """What the tile says of a server's health; see ``ServerTile.health``."""
    if state in FAILED:
        return "unhealthy"
    if beat is None or not beat.beat_ms:
        return "new"
    return "ok" if now_ms - beat.beat_ms < SILENT_MS else "silent"


def pool(tiles: list[ServerTile], fleet: FleetReading, *, now_ms: int) -> PoolView:
    """The fleet's rooms by how soon they can be played in."""
    count: Counter[str] = Counter()
    for server in tiles:
        if server.step in {"starting", "leaving", "failed"}:
            count[server.step] += len(server.rooms)
        else:
            count.update(server.rooms)
    return PoolView(
        playing=count["h"],
        claimed=count["f"],
        ready=count["-"],
        starting=count["starting"],
        leaving=count["leaving"] + count["r"] + count["s"],
        in_line=fleet.in_line,
        line_ms=max(0, now_ms - fleet.line_since_ms) if fleet.in_line else 0,
    )


def players_of(fleet: FleetReading) -> int:
    """Players on the fleet's servers, as the servers themselves count them."""
    return sum(fleet.beats[s.uid].players for s in fleet.servers if s.uid in fleet.beats)


def reason(why: str) -> str:
    """The plan's stored reason as words: its sentence, and what last went wrong."""
    found: object = why
    with contextlib.suppress(msgspec.DecodeError):
        found = msgspec.json.decode(why)
    if not isinstance(found, dict):
        return str(found)
    sentence, failure = str(found.get("sentence") or ""), found.get("last_failure")
    return f"{sentence}; last failure: {failure}" if failure else sentence
