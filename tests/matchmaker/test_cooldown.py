"""Who has just met is not matched again at once, and a replay of that comes out the same."""

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry

from core.clock import SystemClock
from core.dice import stream
from core.errors import Conflict
from core.ids import FleetName, PlayerId, QueueName, TicketId
from core.redis import Store
from matchmaker.cooldown import kept_apart, met_key, note, of_match
from matchmaker.director import Director
from matchmaker.metrics import MatchmakerMetrics
from matchmaker.replay import rerun
from matchmaker.rules import files
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from matchmaker.tickets import NewTicket, Teams, TicketPlayer
from tests.matchmaker.rooms import FewRooms
from tests.matchmaker.test_replay import recording_of

CLOCK, NOW = SystemClock(), 1_000_000
DUEL = QueueSettings(
    QueueName("duel"),
    files.load("teams: {red: 1, blue: 1}\n"),
    FleetName("arena"),
    rematch_cooldown_s=60,
    rematch_mercy_s=20,
)


def seats(**teams: Sequence[str]) -> Teams:
    """A ticket for each letter; players are named ``a1``, ``a2`` and so on by their ticket."""
    return {
        team: [(TicketId(one[0]), PlayerId(one)) for one in some] for team, some in teams.items()
    }


async def whom(queue: QueueStore, *players: str, now_ms: int, avoid: Sequence[str] = ()):
    found = await kept_apart(
        queue, [PlayerId(one) for one in players], [PlayerId(one) for one in avoid], now_ms=now_ms
    )
    return dict(sorted(found.items()))


def test_opponents_are_those_of_other_teams_and_never_of_ones_own_party():
    teams = seats(red=["a1", "a2"], blue=["b1", "c1"])

    assert of_match(teams, "opponents")[PlayerId("b1")] == ["a1", "a2"]
    assert of_match(teams, "anybody")[PlayerId("b1")] == ["a1", "a2", "c1"]
    assert of_match(teams, "anybody")[PlayerId("a1")] == ["b1", "c1"]


async def test_a_ticket_knows_whom_its_players_met_last_and_until_when(store: Store):
    queue = QueueStore(store, DUEL)
    await note(queue, seats(red=["a1"], blue=["b1"]), now_ms=NOW)

    later_ms = NOW + 50_000
    assert await whom(queue, "a1", now_ms=NOW) == {"b1": NOW + 20_000}, "mercy comes first"
    assert await whom(queue, "a1", now_ms=later_ms) == {"b1": NOW + 60_000}
    assert await whom(queue, "a1", now_ms=NOW + 60_000) == {}
    assert await whom(queue, "a1", "b1", now_ms=NOW) == {}, "they came as a party"
    assert await whom(queue, "x", now_ms=NOW, avoid=["b1", "x"]) == {"b1": 0}
    assert await whom(queue, "a1", now_ms=NOW, avoid=["b1"]) == {"b1": 0}, "always is longer"
    ttl_ms = await store.call("PTTL", met_key(DUEL, PlayerId("a1")))
    assert 50_000 < ttl_ms <= 60_000


async def test_the_last_match_alone_counts_and_crowds_do_not(store: Store):
    queue = QueueStore(store, DUEL)
    await note(queue, seats(red=["a1"], blue=["b1"]), now_ms=NOW)
    await note(queue, seats(red=["a1"], blue=["c1"]), now_ms=NOW)
    crowd = [f"z{n}" for n in range(40)]
    await note(queue, seats(red=[*crowd, "b1"], blue=["a1"]), now_ms=NOW)

    assert list(await whom(queue, "a1", now_ms=NOW)) == ["c1"]
    assert list(await whom(queue, "b1", now_ms=NOW)) == ["a1"]


async def test_newcomers_have_met_those_whom_they_came_to(store: Store):
    queue = QueueStore(store, DUEL)
    await note(queue, seats(red=["a1"], blue=["b1"]), now_ms=NOW)
    await note(
        queue, seats(red=["a1"], blue=["c1"]), newcomers=[PlayerId("c1")], now_ms=NOW + 10_000
    )

    assert await whom(queue, "c1", now_ms=NOW + 55_000) == {"a1": NOW + 70_000}
    assert await whom(queue, "a1", now_ms=NOW + 55_000) == {"b1": NOW + 60_000}


async def test_nothing_is_kept_where_nobody_asked_for_it(store: Store):
    queue = QueueStore(store, replace(DUEL, rematch_cooldown_s=0))
    await note(queue, seats(red=["a1"], blue=["b1"]), now_ms=NOW)

    assert await whom(queue, "a1", now_ms=NOW) == {}
    assert await store.call("DBSIZE") == 0


async def test_an_evening_of_few_people_comes_out_again_and_nobody_meets_twice_at_once(
    store: Store,
):
    settings = replace(DUEL, rematch_cooldown_s=1.0, rematch_mercy_s=0.3)
    queue, dice = QueueStore(store, settings), random.Random(4)
    people = [PlayerId(f"p{n}") for n in range(8)]
    await _evening(queue, people, dice, turns=90)

    recording = await recording_of(queue)
    outcome = rerun(recording)

    assert outcome.first is None, outcome.first
    assert outcome.matches >= 8
    assert _met_too_soon(recording.events) == []
    played = {one for event in recording.events for one in _players(event)}
    assert played == set(people[1:]), "everybody avoids the first"


async def _evening(
    queue: QueueStore, people: Sequence[PlayerId], dice: random.Random, *, turns: int
) -> None:
    stop = asyncio.Event()
    rooms = FewRooms(1000)
    async with asyncio.TaskGroup() as group:
        director = Director(
            queue, rooms, holder="d1", clock=CLOCK, chance=stream(1, "d1"),
            metrics=MatchmakerMetrics(CollectorRegistry()),
        )  # fmt: skip
        group.create_task(director.run(stop))
        for n in range(turns):
            await asyncio.sleep(dice.expovariate(200))
            player, now_ms = dice.choice(people), CLOCK.wall_ms()
            ticket = TicketId(f"{queue.settings.name}.{n}")
            apart = await kept_apart(queue, [player], [people[0]], now_ms=now_ms)
            new = NewTicket(
                ticket, queue.settings.name, (TicketPlayer(player, 1500.0),), "b:t",
                now_ms + 60_000, 0, apart=apart,
            )  # fmt: skip
            try:
                await queue.enqueue(new, now_ms=now_ms)
            except Conflict:
                continue  # still waiting, or in a match that is being made
        await asyncio.sleep(0.2)
        stop.set()


def _met_too_soon(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Matches of two who met less than a second ago and have not both waited for mercy."""
    came: dict[str, tuple[str, int]] = {}
    last: dict[str, tuple[str, int]] = {}
    found = []
    for event in events:
        at_ms = event["t"]
        if event["k"] == "ticket.enqueued":
            came[event["ticket"]] = (json.loads(event["body"])["players"][0], at_ms)
        if event["k"] == "match.proposed":
            (one, one_ms), (other, other_ms) = (came[ticket] for ticket in event["tickets"])
            met, met_ms = last.get(one, ("", 0))
            if met == other and at_ms - met_ms < 1000 and at_ms - max(one_ms, other_ms) < 300:
                found.append((one, other))
            last |= {one: (other, at_ms), other: (one, at_ms)}
    return found


def _players(event: Mapping[str, Any]) -> list[str]:
    if event["k"] != "match.committed":
        return []
    return [player for seats in event["teams"].values() for _, player in seats]
