"""One server: what it is, its rooms, the matches that it hosted, and what it printed."""

import asyncio

from core.errors import NotFound
from core.ids import MatchId, queue_of
from readyup.console import views
from readyup.console.detail import RoomDetail, ServerDetail, ServerMatch
from readyup.console.known import Known
from readyup.console.sources import Sources
from readyup.console.timeline import MatchLine

MATCHES_MAX = 20
ROOMS_MAX = 64


async def server_detail(sources: Sources, uid: str) -> ServerDetail:
    """What there is to know of a server.

    Raises:
        NotFound: no server of that uid runs here or ran lately.
    """
    feed = sources.feed
    known = feed.known.get(uid)
    if known is None:
        raise NotFound(
            "no server of that uid runs here, or did lately; the console's first page"
            " lists those that do"
        )
    reading = feed.reading.fleets.get(known.view.fleet)
    beat = reading.beats.get(uid) if reading else None
    letters = views.room_letters(known.view, reading) if reading and not known.gone else ""
    tile = views.tile(
        known.view,
        letters,
        beat,
        shared=views.sharing(reading).get(uid, 0) if reading else 0,
        now_ms=feed.now_ms(),
    )
    return ServerDetail(
        now_ms=feed.now_ms(),
        fleet=known.view.fleet,
        tile=tile,
        pid=known.view.pid,
        created_ms=known.view.created_ms,
        beat_ms=beat.beat_ms if beat else 0,
        gone=known.gone,
        gone_ms=known.gone_ms,
        rooms=() if known.gone else await _rooms(sources, known, len(letters)),
        ticks=feed.ticks.of(uid),
        matches=tuple(_hosted(line) for line in feed.timelines.on_server(uid, MATCHES_MAX)),
        log=await _log(sources, known.view.name),
    )


async def _rooms(sources: Sources, known: Known, many: int) -> tuple[RoomDetail, ...]:
    uid, fleet = known.view.uid, known.view.fleet
    found = []
    for n in range(min(many, ROOMS_MAX)):
        held = await sources.stored.room(fleet, f"{uid}/{n}")
        match = held.get("match", "")
        found.append(
            RoomDetail(
                room=f"{uid}/{n}",
                state=held.get("state", ""),
                match=match,
                queue=queue_of(MatchId(match)),
                epoch=int(held.get("epoch") or 0),
                served=int(held.get("served") or 0),
            )
        )
    return tuple(found)


async def _log(sources: Sources, name: str) -> tuple[str, ...] | None:
    if sources.files is None:
        return None
    lines = await asyncio.to_thread(sources.files.log, name)
    return None if lines is None else tuple(lines)


def _hosted(line: MatchLine) -> ServerMatch:
    """A match in a server's list."""
    over = [s.t_ms for s in line.steps if s.kind in {"session.ended", "match.ended"}]
    return ServerMatch(
        match=line.match,
        queue=queue_of(MatchId(line.match)),
        room=line.room,
        state=line.state,
        reason=line.reason,
        players=sum(len(seats) for seats in line.teams.values()),
        began_ms=next((s.t_ms for s in line.steps if s.kind == "room.claimed"), 0),
        ended_ms=max(over, default=0),
    )
