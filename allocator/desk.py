"""One fleet's desk at the sessions API: answers what its servers say, and checks what they hold."""

from collections.abc import Sequence

from allocator import frames
from allocator.beats import Beat, Beats, Tick
from allocator.filling import Filling
from allocator.leaving import Leaving
from allocator.link import Link
from allocator.metrics import AllocatorMetrics
from allocator.ports import Servers
from allocator.sessions import Sessions, SessionState
from allocator.settings import AllocatorSettings
from allocator.spans import ServerSpans
from core.errors import Unauthorized
from core.game_server import ServerView
from core.ids import MatchId, RoomId, room_id

BEAT_MS = 900
"""A heartbeat sooner than this after the last one is heard and not written down."""

CHECK_MS = 5_000
"""How often what a server says it holds is compared with the store."""


class Desk:
    """Holds nothing but its parts: the store is the truth, the link is the way back."""

    def __init__(
        self,
        sessions: Sessions,
        servers: Servers,
        filling: Filling,
        leaving: Leaving,
        settings: AllocatorSettings,
        metrics: AllocatorMetrics,
        spans: ServerSpans,
    ) -> None:
        self.filling = filling
        self.leaving = leaving
        self.settings = settings
        self.metrics = metrics
        self.pool = sessions.pool
        self._sessions = sessions
        self._servers = servers
        self._beats = Beats(sessions.pool)
        self._spans = spans

    async def identify(self, hello: frames.Hello, *, nonce: str) -> ServerView:
        """The server that says hello.

        Raises:
            Unauthorized: the backend has no such server, or it did not sign with its key.
        """
        server = await self._servers.find(hello.name, hello.uid)
        if server is None:
            raise Unauthorized(f"no server {hello.name!r} with that uid here")
        # The key first published under a uid stands; a later one is not believed.
        keys = self.pool.key("server-keys")
        if server.public_key:
            await self.pool.store.call("HSETNX", keys, server.uid, server.public_key)
        key = await self.pool.store.call("HGET", keys, server.uid) or ""
        frames.verify_hello(hello, nonce=nonce, public_key=key)
        return server

    async def greeted(self, link: Link, hello: frames.Hello, *, now_ms: int) -> None:
        """A server has come, or come back: it is told what it should hold and what not."""
        beat = frames.Heartbeat(rooms=hello.holding)
        await self._write_beat(link, beat, now_ms=now_ms)
        if await self._compare(link, hello.holding):
            link.push({"type": "retire"})

    async def answer(self, link: Link, said: frames.Said, *, now_ms: int) -> None:
        """Do what a frame asks, and push the answer."""
        uid, fleet = link.server.uid, self.settings.fleet
        match said:
            case frames.Ack():
                await self._ack(link, said, now_ms=now_ms)
            case frames.Joined():
                await self._joined(link, said, now_ms=now_ms)
            case frames.Left() | frames.Backfill():
                await self.filling.hear(link, said, now_ms=now_ms)
            case frames.Result(match=match, epoch=epoch, result=result):
                result_json = bytes(result).decode()
                await self._sessions.result(
                    match, uid, epoch, result_json=result_json, now_ms=now_ms
                )
            case frames.Release(match=match, room=room, epoch=epoch, reason=reason, left=left):
                ok = await self._sessions.release(
                    match, room, uid, epoch, reason=reason, now_ms=now_ms, left=left
                )
                link.snapshots_ms.pop(match, None)
                link.push({"type": "released", "match": match, "epoch": epoch, "ok": ok})
                self.metrics.releases.labels(fleet, reason).inc()
            case frames.Refused(match=match, epoch=epoch):
                await self._refused(link, match, epoch, now_ms=now_ms)
            case frames.Heartbeat():
                await self._heartbeat(link, said, now_ms=now_ms)
            case frames.Snapshot() | frames.Draining() | frames.HandOver():
                await self.leaving.hear(link, said, now_ms=now_ms)
            case frames.Hello():
                link.push(frames.problem("hello comes once, first"))

    def assign(self, link: Link, match: MatchId, epoch: int) -> None:
        """Push a match, unless it has ended or moved when its turn comes."""

        async def when_its_turn_comes() -> frames.Frame | None:
            # A claim that a failover took back would leave a server with a match of nobody.
            session = await self._sessions.get_durably(match)
            if session is None or not session.live() or session.epoch != epoch:
                return None
            if session.server != link.server.uid:
                return None
            self._spans.assigned(session)
            kept = await self._sessions.kept(match) if epoch > 1 else None
            return frames.assign(session, self.settings.join_deadline_s, snapshot=kept)

        link.push(when_its_turn_comes)

    async def _ack(self, link: Link, ack: frames.Ack, *, now_ms: int) -> None:
        acked = await self._sessions.ack(
            ack.match, ack.room, link.server.uid, ack.epoch, now_ms=now_ms
        )
        link.push(frames.acked(ack, ok=acked.ok, reason=acked.why_not))
        fleet = self.settings.fleet
        self.metrics.acks.labels(fleet, acked.why_not or "ok").inc()
        if acked.wait_ms is not None:
            self.metrics.ack_wait_seconds.labels(fleet).observe(acked.wait_ms / 1000)
            if self._spans.on and (session := await self._sessions.get(ack.match)):
                self._spans.acked(session)

    async def _joined(self, link: Link, said: frames.Joined, *, now_ms: int) -> None:
        theirs = await self._sessions.joined(said.match, link.server.uid, said.epoch, now_ms=now_ms)
        first = theirs and not said.rejoin
        if self._spans.on and first and (session := await self._sessions.get(said.match)):
            self._spans.joined(session, said.player)

    async def _refused(self, link: Link, match: MatchId, epoch: int, *, now_ms: int) -> None:
        """A server will not have a match: no use in waiting for its acknowledgement."""
        session = await self._sessions.get(match)
        if session is None or session.server != link.server.uid:
            return
        if session.state is SessionState.PENDING:
            await self.pool.doubt(match, epoch, now_ms=now_ms)

    async def _heartbeat(self, link: Link, said: frames.Heartbeat, *, now_ms: int) -> None:
        if now_ms - link.beat_ms >= BEAT_MS:
            await self._write_beat(link, said, now_ms=now_ms)
        if now_ms - link.checked_ms >= CHECK_MS:
            link.checked_ms = now_ms
            await self._compare(link, said.rooms)

    async def _write_beat(self, link: Link, said: frames.Heartbeat, *, now_ms: int) -> None:
        link.beat_ms = now_ms
        server = link.server
        await self._beats.write(
            Beat(
                uid=server.uid,
                name=server.name,
                connected_ms=link.connected_ms,
                beat_ms=now_ms,
                tick=said.tick or Tick(),
                players=said.players,
                rooms=server.rooms,
                version=server.version,
                holding=tuple(held.room for held in said.rooms if held.match),
            )
        )

    async def _compare(self, link: Link, holding: Sequence[frames.Holding]) -> bool:
        """Assign what the server should hold and does not, withdraw what it should not.

        Returns whether the server is retiring.
        """
        uid = link.server.uid
        holds = {(held.room, held.match, held.epoch) for held in holding if held.match}
        should: set[tuple[RoomId, MatchId, int]] = set()
        retiring = False
        for n in range(link.server.rooms):
            room = room_id(uid, n)
            state, match, epoch, leaving = await self.pool.store.call(
                "HMGET", self.pool.key(f"room:{room}"), "state", "match", "epoch", "leaving"
            )
            retiring = retiring or state == "retiring" or leaving == "1"
            if state == "held":
                should.add((room, MatchId(match), int(epoch)))
        for _, match, epoch in sorted(should - holds):
            self.assign(link, match, epoch)
        await self.filling.compare(link, holding)
        for room, match, epoch in sorted(holds - should):
            link.push(frames.withdrawn(match, room, epoch, "not held by this server"))
        return retiring
