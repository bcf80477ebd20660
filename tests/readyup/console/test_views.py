"""What the page is told."""

import json

import msgspec
import pytest

from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from readyup.console.charts import LATEST_S, Charts
from readyup.console.reading import Beat, FleetReading, QueueReading, Reading, beats_of, servers_of
from readyup.console.story import QueueStory, Story, Waiting
from readyup.console.views import (
    DOTS_MAX,
    axis,
    dots,
    fleet_view,
    reason,
    snapshot,
    step,
    who_waits,
)
from tests.readyup.console.world import World

NOW_MS = 1_700_000_000_000


def server(n: int, state: State = State.ALLOCATED, rooms: int = 2) -> ServerView:
    return ServerView(
        name=f"arena-{n}",
        uid=ServerUid(f"u{n}"),
        fleet=FleetName("arena"),
        state=state,
        address="127.0.0.1",
        port=7000 + n,
        rooms=rooms,
        cores=(n % 2,),
    )


def fleet(*servers: ServerView, rooms: dict[str, dict[int, str]] | None = None) -> FleetReading:
    return FleetReading(
        servers=servers, rooms={ServerUid(uid): of for uid, of in (rooms or {}).items()}
    )


@pytest.mark.parametrize(
    ("state", "rooms", "expected"),
    [
        (State.SCHEDULED, "--", "starting"),
        (State.READY, "--", "ready"),
        (State.ALLOCATED, "--", "ready"),
        (State.ALLOCATED, "ff", "claimed"),
        (State.ALLOCATED, "fh", "playing"),
        (State.ALLOCATED, "rh", "playing"),
        (State.ALLOCATED, "rr", "leaving"),
        (State.SHUTDOWN, "h", "leaving"),
        (State.UNHEALTHY, "h", "failed"),
    ],
)
def test_a_tiles_colour_says_how_near_the_server_is_to_being_played_on(
    state: State, rooms: str, expected: str
):
    assert step(state, rooms) == expected


def test_the_pool_counts_every_room_once():
    seen = fleet(
        server(1),
        server(2, State.READY),
        server(3, State.STARTING),
        rooms={"u1": {0: "h", 1: "f"}},
    )
    pool = fleet_view("arena", seen, now_ms=NOW_MS).pool

    assert (pool.playing, pool.claimed, pool.ready, pool.starting) == (1, 1, 2, 2)


def test_servers_on_one_core_are_marked_as_sharing_it():
    view = fleet_view("arena", fleet(server(1), server(2), server(3)), now_ms=NOW_MS)

    assert [tile.shared for tile in view.servers] == [1, 0, 1]


def test_a_server_whose_heartbeat_stays_away_is_called_silent():
    beats = {"u1": Beat("u1", NOW_MS - 500), "u2": Beat("u2", NOW_MS - 9_000)}
    seen = FleetReading(servers=(server(1), server(2), server(3)), beats=beats)
    view = fleet_view("arena", seen, now_ms=NOW_MS)

    assert [tile.health for tile in view.servers] == ["ok", "silent", "new"]


def test_of_many_tickets_an_even_sample_is_drawn_that_stays_the_same():
    told = QueueStory("duel")
    told.waiting = {f"duel.{n:032x}": Waiting(1500.0, 1, n) for n in range(5_000)}
    first = {dot[0] for dot in dots(told)}
    del told.waiting[f"duel.{17:032x}"]
    second = {dot[0] for dot in dots(told)}

    assert DOTS_MAX / 3 < len(first) <= DOTS_MAX * 1.2
    assert first - second <= {f"{17:08x}"}


def test_the_rating_axis_is_laid_by_the_many_and_not_by_one():
    told = QueueStory("duel")
    told.ratings.update({f"t{n}": 1200.0 + n for n in range(500)} | {"giant": 9000.0})

    assert axis(told) == (1000.0, 1750.0)


def test_an_empty_world_has_a_page():
    page = snapshot(Story.of(["duel"]), Reading(), Charts(), now_ms=NOW_MS)

    assert page.totals.players_waiting == 0
    assert page.totals.wait_ms_p50 is None
    assert page.queues[0].holder == ""


def test_a_leader_whose_lease_ran_out_leads_no_more():
    leader = {"holder": "director-1", "epoch": "4", "until_ms": str(NOW_MS - 1)}
    reading = Reading(queues={"duel": QueueReading(leader=leader)})
    page = snapshot(Story.of(["duel"]), reading, Charts(), now_ms=NOW_MS)

    assert page.queues[0].holder == ""
    assert page.queues[0].epoch == 4


def test_the_stream_counts_who_waits_when_no_director_does():
    told = QueueStory("duel")
    told.waiting = {"duel.a": Waiting(1500.0, 3, NOW_MS - 800)}
    stats = {"waiting": "9", "players_waiting": "9", "oldest_wait_ms": "9"}
    fresh = QueueReading({**stats, "t": str(NOW_MS - 1_000)})
    stale = QueueReading({**stats, "t": str(NOW_MS - 9_000)})

    assert who_waits(told, fresh, now_ms=NOW_MS) == (9, 9, 9)
    assert who_waits(told, stale, now_ms=NOW_MS) == (1, 3, 800)


def test_a_busy_minute_is_told_in_numbers_that_agree():
    world = World(NOW_MS)
    for _ in range(900):
        world.step()
    page = world.page()
    playing = sum(tile.rooms.count("h") for tile in page.fleets[0].servers)

    assert page.totals.matches_playing == page.fleets[0].pool.playing == playing > 0
    assert page.totals.players_playing == sum(t.players for t in page.fleets[0].servers)
    assert page.totals.matches_per_min == sum(q.matches_per_min for q in page.queues)
    assert page.totals.wait_ms_p50 <= page.totals.wait_ms_p95
    assert all(len(m.teams) == 2 for m in page.matches)
    assert {dot[0] for dot in page.queues[0].dots} <= {t[-8:] for t in _waiting(world, "duel")}


def test_the_charts_have_a_point_for_each_second_and_keep_ten_minutes():
    world = World(NOW_MS)
    for _ in range(6_500):
        world.step()
        if world.now_ms % 1000 == 0:
            world.page()
    history, latest = world.charts.history(), world.page().latest

    assert len(history.t_s) == 600
    assert list(history.t_s) == list(range(history.t_s[0], history.t_s[0] + 600))
    assert latest.t_s == history.t_s[-LATEST_S:]


def test_what_cannot_be_read_is_left_out():
    good = msgspec.json.encode(server(10)).decode()
    other = msgspec.json.encode(server(9)).decode()
    servers = servers_of({"a": good, "b": "{", "c": other})

    assert [s.name for s in servers] == ["arena-9", "arena-10"]
    assert beats_of({"u1": "[]", "u2": '{"uid":"u2","tick":{},"more":1}'}).keys() == {"u2"}


def test_a_plans_reason_is_words():
    why = {"sentence": "12 in use and 4 spare", "last_failure": "", "start": 2}
    failed = {**why, "last_failure": "no port is free"}

    assert reason(json.dumps(why)) == "12 in use and 4 spare"
    assert reason(json.dumps(failed)) == "12 in use and 4 spare; last failure: no port is free"
    assert reason('"12 in use"') == "12 in use"
    assert reason("12 in use") == "12 in use"


def _waiting(world: World, queue: str) -> set[str]:
    return set(world.story.queues[queue].waiting)
