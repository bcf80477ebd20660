"""The allocation benchmark without a cluster: its arithmetic, its servers, its words.

On a real one, small: tests/cluster/test_bench.py.
"""

import asyncio
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from prometheus_client import CollectorRegistry

from allocator.metrics import AllocatorMetrics
from allocator.pool import Pool
from allocator.role import AllocatorRole, FleetParts, allocator_role
from allocator.servers_api import sessions_app
from allocator.settings import AllocatorSettings
from core import dice
from core.clock import SystemClock
from core.errors import Invalid
from core.redis import Store
from core.supervise import serve_all
from core.web import serve_app
from readyup.bench.allocate import ratios
from readyup.bench.allocate_asked import ClusterAsked
from readyup.bench.allocate_busy import Busy
from readyup.bench.allocate_ours import Ours
from readyup.bench.allocate_plot import picture
from readyup.bench.allocate_rivals import allocation_request
from readyup.bench.allocate_servers import Part, be
from readyup.bench.allocate_told import table
from readyup.bench.allocate_turns import Turn, claims, closed_loop, figures, known, scripts
from readyup.bench.fleet_told import table as fleet_table
from readyup.commands.bench import bench
from tests.allocator.worlds import FLEET, FakeMatches, FakeServers, server
from tests.readyup.bench.test_bench import MACHINE

SEED = b"k" * 32
ROOMS = 6


def test_the_request_says_to_protobuf_what_it_should():
    kinds = descriptor_pool.DescriptorPool()
    kinds.Add(_allocation())
    request = message_factory.GetMessageClass(
        kinds.FindMessageTypeByName("allocation.AllocationRequest")
    )()
    request.ParseFromString(allocation_request("games", "arena"))
    said: Any = request

    assert said.namespace == "games"
    assert [(one.key, one.value) for one in said.selectors[0].labels] == [
        ("agones.dev/fleet", "arena")
    ]


def _allocation() -> descriptor_pb2.FileDescriptorProto:
    """The part that is used; a map is a repeated message of key and value on the wire."""
    text, message = 9, 11
    once, many = 1, 3
    file = descriptor_pb2.FileDescriptorProto(name="a.proto", package="allocation", syntax="proto3")
    fields = {
        "Label": [("key", 1, once, text, ""), ("value", 2, once, text, "")],
        "Selector": [("labels", 1, many, message, ".allocation.Label")],
        "AllocationRequest": [
            ("namespace", 1, once, text, ""),
            ("selectors", 8, many, message, ".allocation.Selector"),
        ],
    }
    for kind, parts in fields.items():
        made = file.message_type.add(name=kind)
        for name, number, label, of, type_name in parts:
            field = made.field.add(name=name, number=number, label=label, type=of)
            if type_name:
                field.type_name = type_name
    return file


async def test_clients_share_the_calls_and_what_fails_is_no_answer():
    asked = 0

    async def ask() -> bool:
        nonlocal asked
        asked += 1
        fine = asked % 4 != 0
        await asyncio.sleep(0)
        return fine

    turn = await closed_loop(ask, clients=3, calls=20, seconds=60)

    assert (asked, len(turn.took_ms), turn.failed) == (20, 15, 5)


def test_turns_of_a_rival_are_told_together():
    told = figures([Turn([1.0, 2.0], 0, 0.5), Turn([3.0, 9.0], 1, 1.5)])

    assert (told["p50"], told["p99"], told["per_s"]) == (2.0, 9.0, 2.0)
    assert (told["answers"], told["failed"]) == (4, 1)
    assert told["p99_by_round"] == [2.0, 9.0]


def rivals() -> dict[str, dict[str, Any]]:
    def one(p50: float, p99: float, **more: object) -> dict[str, Any]:
        return {
            "16": {
                "p50": p50,
                "p95": p99,
                "p99": p99,
                "per_s": 100.0,
                "answers": 9,
                "failed": 0,
                "cores": {"kube-apiserver": 0.9, "others": 0.1},
                **more,
            }
        }

    return {
        "Agones' API, default": one(500, 600),
        "Agones' API, tuned": one(120, 200),
        "Agones' allocator, tuned": one(100, 300),
        "ours: claim": one(1, 2),
        "ours: server knows": one(4, 8, cycles_per_s=1234.5, us_each={"bench": 200, "valkey": 0}),
        "ours: scripts alone": one(1, 2),
    }


def test_ours_is_compared_with_the_best_of_agones_for_each_figure():
    assert ratios(rivals()) == {
        "16": {
            "claim p50": 100.0,
            "claim p99": 100.0,
            "server knows p50": 25.0,
            "server knows p99": 25.0,
        }
    }


def test_without_a_tuned_agones_it_is_compared_with_the_one_there_is():
    untuned = {name: one for name, one in rivals().items() if "tuned" not in name}

    assert ratios(untuned)["16"]["claim p50"] == 500.0


def told() -> dict[str, Any]:
    return {
        "machine": MACHINE,
        "servers": 1000,
        "reserve": 256,
        "rounds": 3,
        "servers_ready_s": 150.0,
        "reserve_filled_s": 30.0,
        "rivals": rivals(),
        "ratios": ratios(rivals()),
    }


def test_the_table_names_the_machine_each_rival_and_who_used_it():
    said = table(told())

    assert "Abacus, 2 cores" in said
    assert re.search(r"Agones' API, tuned +120.00 +200.00 +200.00", said)
    assert "kube-apiserver 0.9" in said
    assert "1234.5" in said
    assert "us each: bench 200\n" in said
    assert "claim p99 100 times" in said


def test_the_picture_has_a_line_for_each_rival():
    drawn = picture(told())

    assert drawn.startswith("<svg")
    assert "Agones&#x27; allocator, tuned" in drawn
    assert "scripts alone" not in drawn
    assert drawn.count("<circle") == 5


def test_the_large_fleet_is_told_in_lines():
    said = fleet_table(
        {
            "machine": MACHINE,
            "servers": 2000,
            "memory_mib": {"all Ready": 120.0},
            "growing": {
                "ready_s": 300.0,
                "mirror_behind_s": 0.1,
                "cores": {"kube-apiserver": 1.0},
                "us_each_server": {"fleets": 3200},
            },
            "idle": {"seconds": 20.0, "cores_of_ours": {"fleets": 0.012}},
            "touched": 200,
            "to_mirror_ms": {"p50": 2.0},
            "bursts": 21,
            "burst_matches": 10,
            "burst_to_scale_ms": {"p50": 110.0},
        }
    )

    assert "fleets 3.2 ms for each server" in said
    assert "fleets 1.20% of a core" in said
    assert "p50 110.0 ms, 21 bursts of 10 matches" in said


class WhileWeWork(SystemClock):
    """A clock that stands still while others have the processor."""

    def elapsed_s(self) -> float:
        return time.process_time()


def test_who_worked_is_named_by_role_and_the_rest_by_program():
    with Busy({"bench": os.getpid()}, WhileWeWork()) as busy:
        began_s = os.times().user
        while os.times().user - began_s < 0.2:
            pass

    assert busy.cores()["our bench"] == pytest.approx(1.0, abs=0.3)
    assert busy.us_each(2)["bench"] >= 90_000


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (ClusterAsked(concurrency="1;16"), "no list like 1,16,64"),
        (ClusterAsked(reserve=16), "outside 64 to 1000"),
        (ClusterAsked(agones_allocator="there:443"), "needs --client-cert"),
        (ClusterAsked(rounds=0), "outside 1 to 100"),
    ],
)
def test_what_does_not_fit_together_is_refused(asked: ClusterAsked, told: str):
    with pytest.raises(Invalid, match=re.escape(told)):
        asked.checked()


def test_a_kubeconfig_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    code = bench("allocate", cluster=ClusterAsked(kubeconfig=str(tmp_path / "none")))

    assert code == 1
    assert f"there is no {tmp_path}/none" in capsys.readouterr().err


def role(store: Store) -> tuple[AllocatorRole, Part]:
    """An allocator, and what the benchmark's servers need to be its servers."""
    servers = FakeServers()
    views = [server(f"s{n}") for n in range(ROOMS)]
    servers.have(*views)
    made = allocator_role(
        store,
        [FleetParts(AllocatorSettings(FLEET, reserve_rooms=ROOMS), servers, FakeMatches())],
        join_keys=["ab" * 32],
        clock=SystemClock(),
        chance=dice.stream(1),
        metrics=AllocatorMetrics(CollectorRegistry()),
    )
    return made, Part("", FLEET, SEED.hex(), [(view.name, view.uid) for view in views])


async def test_its_servers_play_match_after_match(store: Store):
    (made, part), ours = role(store), Ours(Pool(store, FLEET), "play")
    stop = asyncio.Event()
    async with (
        asyncio.timeout(20),
        serve_app(sessions_app(made.api)) as port,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(serve_all(made.services, stop=stop, drain_s=2))
        await ours.until_free(ROOMS)
        part.url = f"ws://127.0.0.1:{port}/v1/servers/connect"
        group.create_task(be(part, stop))
        group.create_task(ours.listen(stop))
        await asyncio.sleep(0.3)
        claimed = await claims(ours, ROOMS, clients=2, seconds=0.2)
        turn, cycles_per_s = await known(ours, ROOMS, clients=3, seconds=0.5)
        stop.set()

    assert len(claimed.took_ms) % ROOMS == 0
    assert (claimed.failed, turn.failed) == (0, 0)
    assert len(turn.took_ms) > ROOMS
    assert cycles_per_s > 0
    assert await store.call("ZCARD", f"{{f:{FLEET}}}:sessions") == 0


async def test_the_scripts_alone_turn_in_a_circle(store: Store):
    for n in range(2):
        turn = await scripts(Ours(Pool(store, FLEET), f"alone-{n}"), clients=2, seconds=0.1)

        assert turn.failed == 0
        assert len(turn.took_ms) > 2
