"""The profile's arithmetic: stacks to parts, and processor time to one ticket."""

from readyup.bench.cores import Cores, own_cores, split
from readyup.bench.profile import Sampled, told
from readyup.bench.profile_stacks import LOOP, hottest, part_of, shares
from readyup.bench.profile_valkey import costs_of, scripts_by_sha
from readyup.commands.bench_told import profile_text
from tests.readyup.bench.test_bench import MACHINE

RAW = "\n".join(
    (
        "main (readyup/cli.py:1);create (matchmaker/api/desk.py:8);run (core/redis.py:9) 6",
        "main (readyup/cli.py:1);create (matchmaker/api/desk.py:8) 3",
        "main (readyup/cli.py:1) 1",
        "main (readyup/cli.py:1);tick (gameserver/tick.py:3);select (selectors.py:323) 90",
    )
)


def test_time_in_a_library_is_the_librarys_and_waiting_is_nobodys():
    assert shares(RAW) == {"Redis client": 0.6, "the API's handlers": 0.3, LOOP: 0.1}
    assert hottest(RAW, most=1) == {"run (core/redis.py:9)": 0.6}
    assert shares("") == {}


def test_the_frame_nearest_to_the_work_decides():
    assert part_of(["a (aiohttp/web.py:1)", "b (matchmaker/api/http.py:2)"]) == "the API's handlers"
    assert part_of(["b (matchmaker/api/http.py:2)", "a (aiohttp/web.py:1)"]) == "HTTP and WebSocket"


def test_a_ticket_costs_its_share_of_every_process_and_idling_is_told_apart():
    sampled = Sampled(
        tickets=100,
        seconds=10.0,
        cpu_s={"api-1": 0.5, "valkey": 0.1},
        idle={"api-1": 0.02},
        raw={"api-1": RAW},
        commands={"enqueue.lua": (100, 3000)},
    )

    figures = told(sampled)

    api = figures["processes"]["api-1"]
    assert (api["us_per_ticket"], api["us_beyond_idle"]) == (5000, 3000)
    assert api["parts"] == {"Redis client": 3000, "the API's handlers": 1500, LOOP: 500}
    assert (figures["us_per_ticket"], figures["us_beyond_idle"]) == (6000, 4000)
    assert figures["inside_valkey"]["enqueue.lua"] == {
        "calls_per_ticket": 1.0, "us_per_call": 30.0, "us_per_ticket": 30.0,
    }  # fmt: skip
    said = profile_text({"machine": MACHINE, **figures})
    assert "Redis client                  3000 us" in said
    assert "30.0 us: 1.0 calls of 30.0 us" in said


def test_every_script_is_known_by_what_valkey_calls_it():
    scripts = scripts_by_sha()
    enqueue = next(sha for sha, name in scripts.items() if name == "enqueue")

    costs = costs_of([[1, 0, 40, ["evalsha", enqueue, "3"]], [2, 0, 7, ["XREAD"]]], scripts)

    assert costs == {"enqueue.lua": (1, 40), "XREAD": (1, 7)}
    assert {"claim", "commit", "lease", "announce"} <= set(scripts.values())


def test_server_and_load_are_kept_apart_where_there_are_two_cores():
    assert split(frozenset({3, 1, 2})) == Cores(frozenset({1}), frozenset({2}))
    assert split(frozenset({1})).told() == "server and load on the same cores"
    assert own_cores()
