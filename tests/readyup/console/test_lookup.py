"""Answers about one thing, over real HTTP and a real Valkey."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
from yarl import URL

from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from core.redis import Store
from core.web import serve_app
from readyup.console.feed import Feed
from readyup.console.lookup import Lookup
from readyup.console.promises import LiveCheck
from readyup.console.server import console_app
from tests.readyup.console.test_feed import NOW_MS, StillClock

T1, T2, M = "duel." + "1a" * 16, "duel." + "2b" * 16, "duel." + "3c" * 16
T3 = "duel." + "4d" * 16
UID = "f00d" * 8
EVIL = "<img src=x onerror=alert(1)>"
QUEUE, FLEET = "{q:arena}:duel", "{f:arena}"


class Evening:
    """One match on one server, as all parts tell it."""

    def __init__(self, store: Store, run_dir: Path) -> None:
        self.store, self.run_dir, self.clock = store, run_dir, StillClock()
        queues, check = {"duel": "arena"}, LiveCheck({"duel": 600_000})
        self.feed = Feed(store, queues=queues, fleets=["arena"], check=check, clock=self.clock)
        self.app = console_app(self.feed, Lookup(self.feed, store, run_dir=run_dir))

    async def say(self, stream: str, kind: str, after_ms: int, **fields: object) -> None:
        t = NOW_MS + after_ms
        body = json.dumps({"t": t, **fields})
        await self.store.call("XADD", f"{stream}:log", f"{t}-*", "k", kind, "d", body)

    async def play(self) -> None:
        view = ServerView(
            "arena-1", ServerUid(UID), FleetName("arena"), State.ALLOCATED, "127.0.0.1", 7001,
            rooms=2, cores=(1,), pid=4711, created_ms=NOW_MS - 5000,
        )  # fmt: skip
        await self.store.call(
            "HSET", f"{FLEET}:backend", "arena-1", msgspec.json.encode(view).decode()
        )
        await self.beat(0.3)
        place = {"match": M, "room": f"{UID}/0", "server": UID}
        await self.store.call("SADD", f"{FLEET}:rooms", f"{UID}/0")
        room = ("state", "held", "match", M, "epoch", 1, "served", 4)
        await self.store.call("HSET", f"{FLEET}:room:{UID}/0", *room)
        session = ("address", "127.0.0.1", "port", 7001, "joined_ms", NOW_MS + 90, "server", UID)
        await self.store.call("HSET", f"{FLEET}:session:{M}", *session)
        await self.say(QUEUE, "leader.elected", 1, epoch=1, holder="d")
        await self.say(FLEET, "room.added", 1, room=f"{UID}/0", server=UID)
        await self.say(QUEUE, "ticket.enqueued", 10, ticket=T1, players=[EVIL], mmr=1500)
        await self.say(QUEUE, "ticket.enqueued", 20, ticket=T2, players=["p2"], mmr=1600)
        await self.say(QUEUE, "match.proposed", 30, match=M, epoch=1, tickets=[T1, T2])
        await self.say(FLEET, "room.claimed", 31, session_epoch=1, **place)
        teams = {"red": [[T1, EVIL]], "blue": [[T2, "p2"]]}
        both = {"tickets": [T1, T2], "epoch": 1}
        await self.say(QUEUE, "match.committed", 32, match=M, teams=teams, **both)
        told = {**place, **both, "fleet": "arena", "session_epoch": 1}
        await self.say(QUEUE, "match.announced", 33, **told)
        await self.say(FLEET, "room.acked", 40, session_epoch=1, **place)
        await self.feed.poll()

    async def refill(self) -> None:
        """A newcomer has the seat of p2, and another is asked for."""
        await self.say(QUEUE, "ticket.enqueued", 50, ticket=T3, players=["cy"], mmr=1550)
        await self.feed.poll()
        seats = [("red", EVIL, T1), ("blue", "cy", T3)]
        players = [{"player": p, "ticket": t, "team": team, "seat": 0} for team, p, t in seats]
        await self.store.call("HSET", f"{FLEET}:session:{M}", "players", json.dumps(players))
        request = ("id", "r", "request", json.dumps({"open": {"red": 1}}))
        await self.store.call("HSET", f"{QUEUE}:backfill:{M}", *request)

    async def beat(self, p99_ms: float) -> None:
        tick = {"p50_ms": 0.1, "p99_ms": p99_ms, "p999_ms": 1.0, "rate_hz": 30}
        beat = {"uid": UID, "beat_ms": self.clock.now_ms, "players": 2, "tick": tick}
        await self.store.call("HSET", f"{FLEET}:servers", UID, json.dumps(beat))

    def print_log(self, *lines: str) -> None:
        logs = self.run_dir / "fleets" / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        (logs / "arena-1.log").write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
async def evening(store: Store, tmp_path: Path) -> Evening:
    one = Evening(store, tmp_path)
    await one.play()
    return one


@pytest.fixture
async def http(evening: Evening) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        serve_app(evening.app) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


async def test_a_match_is_told_in_milliseconds_since_its_first_ticket(http, evening: Evening):
    async with http.get(f"/console/match/{M}") as answer:
        page = await answer.json()

    assert page["zero_ms"] == NOW_MS + 10
    assert [(step["since_ms"], step["kind"]) for step in page["steps"]] == [
        (0, "ticket.enqueued"),
        (10, "ticket.enqueued"),
        (20, "match.proposed"),
        (21, "room.claimed"),
        (22, "match.committed"),
        (23, "match.announced"),
        (30, "room.acked"),
        (80, "player.joined"),
    ]
    assert page["server"] == {"uid": UID, "name": "arena-1"}
    assert (page["state"], page["address"], page["epochs"]) == ("playing", "127.0.0.1:7001", [1])
    red = next(team for team in page["teams"] if team["name"] == "red")
    seat = {"player": EVIL, "ticket": T1, "mmr": 1500.0, "waited_ms": 23, "newcomer": False}
    assert (red["seats"], red["open"]) == ([seat], 0)


async def test_a_match_that_asks_for_players_tells_its_open_seats_and_who_came(
    http, evening: Evening
):
    await evening.refill()

    async with http.get(f"/console/match/{M}") as answer:
        page = await answer.json()

    blue, red = page["teams"]
    newcomer = {"player": "cy", "ticket": T3, "mmr": 1550.0, "waited_ms": None, "newcomer": True}
    assert (blue["seats"], blue["open"]) == ([newcomer], 0)
    assert (red["seats"][0]["newcomer"], red["open"]) == (False, 1)


async def test_the_servers_own_word_replaces_the_sessions(http, evening: Evening):
    (evening.run_dir / "events").mkdir()
    said = {"src": "server/arena-1", "k": "player.joined", "match": M, "server": UID}
    lines = [json.dumps({"t": NOW_MS + t, "player": f"p{t}", **said}) for t in (95, 97)]
    (evening.run_dir / "events" / "server-arena-1.jsonl").write_text("\n".join(lines))
    async with http.get(f"/console/match/{M}") as answer:
        steps = (await answer.json())["steps"]
    joined = [step["words"] for step in steps if step["kind"] == "player.joined"]

    assert joined == ["p95 joined", "p97 joined"]


async def test_a_ticket_is_told_with_its_match(http):
    async with http.get(f"/console/ticket/duel.{T2[-8:]}") as answer:
        page = await answer.json()

    assert page["ticket"] == T2
    assert page["matches"] == [M]
    assert page["steps"][0]["words"] == "enqueued: 1 player, MMR 1600"
    assert [step["since_ms"] for step in page["steps"]] == [0, 10, 11, 12, 13, 20, 70]


async def test_what_the_streams_no_longer_tell_comes_from_the_stored_record(http, evening):
    evening.feed.timelines.tickets.clear()
    evening.feed.timelines.matches.clear()
    ticket = ("status", "COMPLETED", "players", '["p2"]', "enqueued_ms", NOW_MS + 20, "match", M)
    await evening.store.call("HSET", f"{QUEUE}:ticket:{T2}", *ticket)
    match = ("state", "committed", "tickets", json.dumps([T2]), "proposed_ms", NOW_MS + 30)
    await evening.store.call("HSET", f"{QUEUE}:match:{M}", *match, "fleet", "arena")
    async with http.get(f"/console/ticket/{T2}") as one, http.get(f"/console/match/{M}") as other:
        ticket_page, match_page = await one.json(), await other.json()

    assert (ticket_page["source"], ticket_page["status"]) == ("store", "COMPLETED")
    assert [s["since_ms"] for s in ticket_page["steps"]] == [0, 10, 70]
    assert match_page["source"] == "store"
    assert [s["since_ms"] for s in match_page["steps"]] == [0, 10, 70]


async def test_a_server_is_told_with_its_rooms_ticks_matches_and_log(http, evening: Evening):
    evening.print_log("began", EVIL)
    evening.clock.now_ms += 1000
    await evening.beat(0.5)
    await evening.feed.poll()
    await evening.feed.poll()
    async with http.get(f"/console/server/{UID}") as answer:
        page = await answer.json()

    assert (page["tile"]["name"], page["pid"], page["tile"]["rooms"]) == ("arena-1", 4711, "h-")
    assert page["rooms"][0]["match"] == M
    assert page["rooms"][0]["served"] == 4
    assert page["ticks"]["p99_ms"] == [0.3, 0.5]
    assert [match["match"] for match in page["matches"]] == [M]
    assert page["log"] == ["began", EVIL]


async def test_a_server_that_is_gone_keeps_its_page_and_says_why(http, evening: Evening):
    evening.print_log("last words")
    await evening.store.call("DEL", f"{FLEET}:backend")
    await evening.feed.poll()
    await evening.say(FLEET, "server.deleted", 50, server=UID, name="arena-1", reason="scale")
    await evening.feed.poll()
    async with http.get(f"/console/server/{UID}") as answer:
        page = await answer.json()

    assert (page["gone"], page["gone_ms"], page["rooms"]) == ("scale", NOW_MS + 50, [])
    assert page["log"] == ["last words"]


@pytest.mark.parametrize(
    "path",
    [
        "/console/server/nobody",
        "/console/server/..%2f..%2f..%2fetc%2fpasswd",
        "/console/server/arena-1",
        "/console/match/duel.0000000000000000000000000000dead",
        "/console/match/duel.dead",
        "/console/match/..%2fduel.0000000000000000000000000000dead",
        "/console/match/nosuch.0000000000000000000000000000dead",
        "/console/match/duel.%2a",
        "/console/match/" + T1,
        "/console/ticket/duel.0000000000000000000000000000dead",
        "/console/ticket/" + M,
        "/console/ticket/%3Cscript%3E",
        "/console/ticket/duel.1a1a1a1a%0d%0aX",
    ],
)
async def test_what_is_not_there_is_a_problem_with_a_cure(http, path: str):
    async with http.get(URL(path, encoded=True)) as answer:
        problem = await answer.json(content_type="application/problem+json")

    assert answer.status == 404
    assert "first page" in problem["detail"] or "32 hex digits" in problem["detail"]
    assert "nosniff" in answer.headers["X-Content-Type-Options"]


@pytest.mark.parametrize("path", ["/servers/x", "/matches/%3Cscript%3E", "/tickets/x", "/promises"])
async def test_a_page_is_one_file_that_repeats_nothing_of_its_address(http, path: str):
    async with http.get(URL(path, encoded=True)) as answer, http.get("/promises") as other:
        text, same = await answer.text(), await other.text()

    assert answer.status == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert text == same


async def test_the_promises_are_counted_over_what_the_page_is_drawn_from(http, evening: Evening):
    again = {"match": "duel." + "4d" * 16, "room": f"{UID}/0", "server": UID}
    await evening.say(FLEET, "room.claimed", 60, session_epoch=1, **again)
    await evening.feed.poll()
    async with http.get("/console/promises") as answer, http.get("/console/snapshot") as whole:
        page, snapshot = await answer.json(), await whole.json()

    assert page["promises"] == {"breaches": 1, "lost": 0, "leaked": 0, "events": 10}
    assert snapshot["promises"] == page["promises"]
    assert page["broken"][0]["promise"].startswith("4 a room serves one match")
    assert page["whole"] is True


async def test_a_stream_that_was_cut_is_followed_from_there(store: Store, tmp_path: Path):
    evening = Evening(store, tmp_path)
    await evening.say(FLEET, "room.added", -5, room="u9/0", server="u9")
    await store.call("XTRIM", f"{FLEET}:log", "MAXLEN", 0)
    held = {"match": M, "room": "u9/0", "server": "u9", "session_epoch": 1}
    await evening.say(FLEET, "room.claimed", 0, **held)
    await evening.feed.poll()
    check = evening.feed.check

    assert check is not None
    assert not check.is_whole()
    assert check.promises().breaches == 0


async def test_events_that_were_trimmed_before_they_were_read_are_no_breach(evening: Evening):
    over = {"match": M, "room": f"{UID}/0", "server": UID, "session_epoch": 1}
    await evening.say(FLEET, "room.released", 50, reason="finished", **over)
    await evening.store.call("XTRIM", f"{FLEET}:log", "MAXLEN", 0)
    await evening.say(FLEET, "room.claimed", 60, **{**over, "match": "duel." + "5e" * 16})
    await evening.feed.poll()
    await evening.store.call("DEL", f"{FLEET}:log")
    await evening.feed.poll()
    await evening.say(FLEET, "room.released", 70, **{**over, "match": "duel." + "5e" * 16})
    await evening.feed.poll()
    check = evening.feed.check

    assert check is not None
    assert check.promises().breaches == 0
    assert check.promises().events == 11
    assert not check.is_whole()
