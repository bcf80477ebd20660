"""A fleet's recorded demand as a trace, from what was counted to what the backtest makes of it."""

import datetime as dt
import json
from pathlib import Path

import pytest

from allocator.pool import Pool
from core.clock import SystemClock
from core.counts import KEPT_S
from core.errors import Invalid, NotFound
from core.ids import FleetName, MatchId, QueueName, TicketId
from core.lua import as_json
from core.placement import ClaimOrder
from core.redis import Store
from fleets.capacity.ledger import Ledger
from fleets.capacity.trace import read_trace
from matchmaker.rules.model import Rules
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tally import Tally
from readyup.commands.capacity import capacity
from readyup.fleetctl.moments import moment
from readyup.fleetctl.recorded import Recorded, recorded, sentence
from tests.matchmaker.test_store import new

ARENA, FAR = FleetName("arena"), FleetName("far")
RULES = Rules(("red", "blue"), 1)
DUEL = QueueSettings(QueueName("duel"), RULES, (ARENA, FAR))
OTHER = QueueSettings(QueueName("other"), RULES, FAR)
NOW_S = 1_800_000_000


async def claimed(store: Store, *ago_s: int, now_s: int = NOW_S) -> None:
    pool = Pool(store, ARENA)
    for n, ago in enumerate(ago_s):
        order = ClaimOrder(MatchId(f"duel.{n:032x}"), "duel", ("ann",), now_s * 1000 + 60_000)
        await pool.claim(order, now_ms=(now_s - ago) * 1000)
    await Ledger(store, ARENA).count()


async def told(store: Store, *, from_s: int = 0, to_s: int = NOW_S) -> Recorded:
    return await recorded(store, ARENA, (DUEL, OTHER), from_s=from_s, to_s=to_s)


async def test_claims_are_told_by_the_minute_from_the_first_on(store: Store):
    await claimed(store, 86_400, 3601, 3600, 61, 60, 3)

    lines = list((await told(store)).lines())
    trace = read_trace("arena", lines)

    assert lines[0] == "at_s,claims,waited,ended,tickets,players,matches"
    assert lines[1] == f"{NOW_S - 86_400},1,1,0,0,0,0"
    assert trace.end_s() == NOW_S
    assert len(trace.at_s) == 1440
    assert {int(NOW_S - s): int(n) for s, n in zip(trace.at_s, trace.claims, strict=True) if n} == {
        86_400: 1,
        3660: 1,
        3600: 1,
        120: 1,
        60: 2,
    }


async def test_what_led_up_to_the_claims_is_told_beside_them(store: Store):
    await claimed(store, 50)
    for queue in (DUEL, OTHER):
        there = QueueStore(store, queue)
        ticket = new(TicketId(f"{queue.name}.a"), "ann", "bo")
        await there.enqueue(ticket, now_ms=(NOW_S - 40) * 1000)
        for fleet in (ARENA, FAR):
            body = as_json({"match": "m", "fleet": fleet, "t": (NOW_S - 30) * 1000})
            await store.call("XADD", there.log, "*", "k", "match.announced", "d", body)
        await Tally(there).count()

    (row,) = list((await told(store)).lines())[1:]

    assert row == f"{NOW_S - 60},1,1,0,1,2,1", "the other queue is played elsewhere"


async def test_a_part_is_told_in_whole_minutes(store: Store):
    await claimed(store, 600, 300, 3)

    part = await told(store, from_s=NOW_S - 310, to_s=NOW_S - 1)

    assert part.from_s == NOW_S - 300
    assert part.columns["claims"] == [1, 0, 0, 0]


async def test_what_was_never_counted_is_no_trace(store: Store):
    with pytest.raises(NotFound, match="nothing was counted"):
        await told(store)
    with pytest.raises(Invalid, match="--to is not a minute after --from"):
        await told(store, from_s=NOW_S)


async def test_two_weeks_are_kept_and_no_less(store: Store):
    await claimed(store, KEPT_S - 60, 100)
    first = await told(store)
    expires_s = await store.call("TTL", f"{{f:arena}}:count:m:claims:{(NOW_S - 100) // 3600}")

    assert first.from_s == NOW_S - KEPT_S + 60
    assert expires_s > KEPT_S


async def test_the_times_that_were_measured_go_into_the_next_command(store: Store):
    await claimed(store, 100)
    ledger = Ledger(store, ARENA)
    await ledger.note("start", [20.0] * 16 + [40.0] * 4, now_ms=NOW_S * 1000)
    await ledger.note("session", [600.0, 1200.0], now_ms=NOW_S * 1000)
    found = await told(store)

    assert found.lead_s == pytest.approx(40.0, rel=0.1)
    assert found.session_s == pytest.approx(900.0, rel=0.1)
    assert "2 minutes with 1 claims" in sentence(found, "a.csv")
    assert "backtest a.csv --seed 1 --lead-time-s 41 --session-s 864" in sentence(found, "a.csv")


async def test_what_a_fleet_recorded_is_backtested(
    store: Store, valkey_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    import asyncio

    now_s = SystemClock().wall_ms() // 1000
    await claimed(store, *(60 * n for n in range(1, 60)), now_s=now_s)
    settings = tmp_path / "readyup.toml"
    settings.write_text(
        f'[store]\nurl = "{valkey_url}"\n[fleets.arena]\ncommand = ["game"]\nports = "7000-7099"\n'
        '[queues.duel]\nteams = ["red", "blue"]\nteam_size = 1\nfleet = "arena"\n'
    )
    since = dt.datetime.fromtimestamp(now_s - 1800, dt.UTC).isoformat()

    code = await asyncio.to_thread(capacity, "trace", "arena", config=settings, since=since)
    printed = capsys.readouterr()
    trace = tmp_path / "arena.csv"
    trace.write_text(printed.out)
    assert code == 0
    assert "readyup capacity backtest TRACE.csv" in printed.err
    assert capacity("backtest", str(trace), policies="buffer:5", json=True) == 0
    rows = json.loads(capsys.readouterr().out)["policies"]
    assert [row["name"] for row in rows] == ["readyup", "buffer:5"]
    assert 20 < rows[0]["claims"] < 30


@pytest.mark.parametrize(
    ("options", "code", "cure"),
    [
        ({"name": "nowhere"}, 1, "there are: "),
        ({"name": ""}, 2, "write readyup capacity trace FLEET"),
        ({"since": "last week"}, 2, "--from: 'last week' is no time"),
        ({"until": "soon"}, 2, "--to: 'soon' is no time"),
        ({}, 2, "names no store"),
    ],
)
def test_a_trace_of_nothing_is_refused_with_the_cure(
    options: dict[str, str], code: int, cure: str, capsys: pytest.CaptureFixture[str]
):
    asked = {"name": "arena", **options}

    assert capacity("trace", asked.pop("name"), **asked) == code
    assert cure in capsys.readouterr().err


def test_a_moment_is_read_as_it_is_written():
    noon = dt.datetime(2026, 12, 24, 12, tzinfo=dt.UTC)

    assert moment("now", option="--at", now_ms=round(noon.timestamp() * 1000)) == noon
    assert moment("2026-12-24T14:00+02:00", option="--at", now_ms=0) == noon
    assert moment("2026-12-24", option="--at", now_ms=0) == dt.datetime(2026, 12, 24).astimezone()
