"""Why a fleet is as large as it is, and what is announced for it."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from allocator.pool import Pool
from core.clock import SystemClock
from core.errors import Conflict, Invalid, NotFound
from core.game_server import ServerView, State
from core.ids import FleetName, MatchId, QueueName, ServerUid, TicketId
from core.lua import as_json
from core.placement import ClaimOrder
from core.redis import Store
from fleets.capacity.ledger import Ledger
from fleets.spec import FleetSpec, parse_fleets
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tally import Tally
from readyup.commands.fleet import fleet
from readyup.fleetctl.announce import PlanAsked, duration_s, event_of, planned
from readyup.fleetctl.why import sentences, why
from readyup.operators.audit import Audit
from readyup.settings import Config, StoreSettings
from tests.matchmaker.test_store import new
from tests.readyup.console.test_sizes import WHY, decision

ARENA = {"command": ["game"], "ports": "7000-7099", "rooms": 2}
NOON_MS = round(dt.datetime(2026, 12, 24, 12, tzinfo=dt.UTC).timestamp() * 1000)


def spec(**more: object) -> FleetSpec:
    (one,) = parse_fleets({"arena": {**ARENA, "capacity": {}, **more}})
    return one


def config(url: str, **more: object) -> Config:
    return Config({}, (spec(**more),), store=StoreSettings(url=url))


async def an_evening(store: Store) -> None:
    now_ms = SystemClock().wall_ms()
    why = as_json({"sentence": f"{WHY}; 36 there, 1 before Ready"})
    await store.call("HSET", "{f:arena}:plan", "replicas", 37, "why", why, "t", now_ms)
    await Ledger(store, FleetName("arena")).decided(decision(now_ms - 2000))
    starting = ServerView(
        *("arena-x", ServerUid("x"), FleetName("arena"), State.STARTING, "", 7000),
        rooms=2,
        created_ms=now_ms - 60_000,
    )
    await store.call("HSET", "{f:arena}:backend", "arena-x", msgspec.json.encode(starting).decode())
    pool = Pool(store, FleetName("arena"))
    for n in range(3):
        order = ClaimOrder(MatchId(f"duel.{n:032x}"), "duel", ("ann",), now_ms + 60_000)
        await pool.claim(order, now_ms=now_ms - 3000)
    await Ledger(store, FleetName("arena")).count()


async def test_the_newest_decision_is_told_in_sentences(store: Store):
    await an_evening(store)

    told = await why(store, spec())
    said = sentences(told)

    assert said.startswith("arena: 37 servers: 22 in use, 4 rooms in reserve")
    assert "Ready 90.5 s after creation (nine of ten)" in said
    assert "100.0% of them waited" in said
    assert "3 in line: the first has waited 3." in said


async def test_who_stands_in_line_is_told_position_and_time(store: Store):
    await an_evening(store)

    line = (await why(store, spec())).line

    assert [one.position for one in line] == [1, 2, 3]
    assert line[0].expected_s == line[1].expected_s == pytest.approx(30.8, abs=0.5)
    assert line[2].expected_s == pytest.approx(90.8, abs=0.5)


async def test_what_its_queues_have_asked_for_is_told_too(store: Store):
    await an_evening(store)
    rules, fleets = Rules(("red", "blue"), 1), (FleetName("arena"), FleetName("far"))
    duel = QueueSettings(QueueName("duel"), rules, fleets)
    other = QueueSettings(QueueName("other"), rules, FleetName("far"))
    queue, now_ms = QueueStore(store, duel), SystemClock().wall_ms() - 2000
    await queue.enqueue(new(TicketId("duel.a"), "ann"), now_ms=now_ms)
    await queue.enqueue(new(TicketId("duel.b"), "bo", "cy"), now_ms=now_ms)
    await Tally(queue).count()

    told = await why(store, spec(), (duel, other))

    assert [one.queue for one in told.lately.queues] == ["duel"], "the other is played elsewhere"
    assert "last 10 minutes: 2 tickets of 3 players, 0 matches, 3 claims, 3 of" in sentences(told)
    assert msgspec.to_builtins(told)["lately"]["queues"][0]["matches"] == {"arena": 0, "far": 0}


async def test_a_fleet_that_nobody_looks_after_says_so(store: Store):
    assert "is the role fleets running?" in sentences(await why(store, spec()))


async def test_a_size_is_announced_listed_and_taken_back(store: Store, valkey_url: str):
    asked = PlanAsked("2027-01-15T20:00:00Z", 60, "2h", reason="winter cup")
    (name,) = await planned(config(valkey_url), "arena", asked)
    listed = await planned(config(valkey_url), "arena", PlanAsked())
    left = await planned(config(valkey_url), "arena", PlanAsked(remove=name))
    records, _ = await Audit(store, SystemClock()).read()

    assert listed == {name: "at least 60 from 2027-01-15 20:00 UTC for 2 h (winter cup)"}
    assert left == {}
    assert [(one.what, one.outcome) for one in records] == [
        ("unplanFleet", "done"),
        ("planFleet", "done"),
    ]


async def test_what_would_not_be_heeded_is_refused(store: Store, valkey_url: str):
    asked = PlanAsked("now", 60)

    with pytest.raises(Conflict, match="sized by its settings alone"):
        await planned(config(valkey_url, capacity={"mode": "recommend"}), "arena", asked)
    with pytest.raises(NotFound, match="no announced size 'xy'"):
        await planned(config(valkey_url), "arena", PlanAsked(remove="xy"))


def test_a_plan_is_read_from_the_options():
    now = event_of(PlanAsked("now", 9, "45m", "day"), now_ms=NOON_MS)
    local = event_of(PlanAsked("2026-12-24T20:00", 9), now_ms=NOON_MS)

    assert now.at.timestamp() * 1000 == NOON_MS
    assert (now.for_s, now.every) == (2700.0, "day")
    assert local.at == dt.datetime(2026, 12, 24, 20).astimezone()


@pytest.mark.parametrize("text", ["", "2", "h", "-1h", "2 hours"])
def test_what_is_no_duration_is_refused_with_its_cure(text: str):
    with pytest.raises(Invalid, match="write 45m, 2h or 1d"):
        duration_s(text)


@pytest.mark.parametrize(
    ("asked", "cure"),
    [
        (PlanAsked(servers=4), "or --at now"),
        (PlanAsked(at="tonight", servers=4), "is no time"),
        (
            PlanAsked(at="now", servers=4, lasting="99d"),
            "--for: '99d' is no time to keep them; write",
        ),
        (PlanAsked(at="now", servers=4, lasting="0m"), "--for: '0m' is no time to keep them"),
    ],
)
def test_a_plan_that_is_wrong_names_its_cure(asked: PlanAsked, cure: str):
    with pytest.raises(Invalid, match=cure):
        event_of(asked, now_ms=NOON_MS)


def test_the_command_wants_a_fleet_to_plan_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert fleet("plan", config=None) == 1
    assert "write readyup fleet plan NAME" in capsys.readouterr().err
