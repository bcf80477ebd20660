"""What callers of the shared connection are told when something is wrong, and who is not told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from redis.exceptions import MovedError, TimeoutError as RedisTimeoutError

import core.line
import core.redis
from core.address import Endpoint
from core.errors import Exhausted, Invalid, StoreUnreachable
from core.redis import Store


@contextlib.asynccontextmanager
async def connected(url: str, **settings) -> AsyncIterator[Store]:
    store = await Store.connect(url, **settings)
    try:
        yield store
    finally:
        await store.aclose()


async def kill_connections_of(victim: Store, through: Store) -> None:
    """Cut the connection that ``victim`` writes on."""
    name = "victim"
    await victim.call("CLIENT", "SETNAME", name)
    clients = (await through.call("CLIENT", "LIST")).splitlines()
    for client in clients:
        words = dict(word.split("=", 1) for word in client.split())
        if words["name"] == name:
            await through.call("CLIENT", "KILL", "ID", words["id"])


async def test_durably_without_durability_asks_nobody(store: Store):
    assert await store.durably.call("SET", "k", 1)

    assert "cmdstat_wait:" not in await store.call("INFO", "commandstats")


async def test_what_no_replica_has_is_not_answered_durably(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(core.line, "BARRIER_MS", 20)
    async with connected(valkey_url, durability="replica") as store:
        durable, plain = await asyncio.gather(
            store.durably.call("SET", "{k}:durable", 1),
            store.call("SET", "plain", 1),
            return_exceptions=True,
        )

        assert str(durable) == "no replica has it after 20 ms"
        assert isinstance(durable, StoreUnreachable)
        assert plain is True


async def test_what_a_primary_keeps_that_is_being_deposed_is_not_answered_durably(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(core.line, "BARRIER_MS", 1)
    async with connected(valkey_url, durability="replica") as store:
        store._line(store._owners.of_key("k")).doubted = True

        with pytest.raises(StoreUnreachable, match="is being deposed"):
            await store.durably.call("SET", "k", 1)
        assert await store.call("SET", "k", 2)


async def test_durability_on_disk_says_when_the_server_keeps_no_file(valkey_url: str):
    async with connected(valkey_url, durability="aof") as store:
        with pytest.raises(Invalid, match="appendonly"):
            await store.durably.call("SET", "{k}:durable", 1)


async def test_beyond_the_limit_callers_are_told_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(core.redis, "PENDING_MAX", 10)
    answers = await asyncio.gather(*(store.call("PING") for _ in range(12)), return_exceptions=True)

    assert answers[:10] == [True] * 10
    assert [type(answer) for answer in answers[10:]] == [Exhausted] * 2
    assert await store.call("PING")


async def test_many_commands_beyond_the_limit_are_refused_together(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(core.redis, "PENDING_MAX", 10)

    with pytest.raises(Exhausted):
        await store.many([("INCR", "n")] * 11)
    assert await store.call("GET", "n") is None


async def test_a_caller_that_is_cancelled_disturbs_nobody(store: Store):
    async with asyncio.TaskGroup() as group:
        impatient = [group.create_task(store.call("SET", f"gone{n}", n)) for n in range(5)]
        patient = [group.create_task(store.call("SET", f"k{n}", n)) for n in range(5)]
        await asyncio.sleep(0)
        for task in impatient:
            task.cancel()

    assert all(task.cancelled() for task in impatient)
    assert [task.result() for task in patient] == [True] * 5
    assert await store.call("GET", "k4") == "4"


async def test_many_commands_get_their_answers_in_order(store: Store):
    answers = await store.many([("SET", "n", 7), ("INCR", "n"), ("GET", "n"), ("GET", "none")])

    assert answers == [True, 8, "8", None]
    assert await store.many([]) == []


async def test_an_error_among_many_commands_is_raised_after_all_were_done(store: Store):
    with pytest.raises(Exception, match="WRONGTYPE"):
        await store.many(
            [("SET", "text", "x"), ("LPUSH", "text", 1), ("HGET", "text", "f"), ("SET", "later", 1)]
        )
    assert await store.call("GET", "later") == "1"


async def test_many_commands_may_be_left_to_themselves(store: Store):
    leaving = asyncio.ensure_future(store.many([("SET", "text", "x"), ("LPUSH", "text", 1)]))
    await asyncio.sleep(0)
    leaving.cancel()

    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await store.call("GET", "text") == "x"


async def test_a_lost_connection_fails_the_calls_in_flight_and_the_next_call_works(
    store: Store, valkey_url: str
):
    async with connected(valkey_url) as victim:
        await victim.call("CLIENT", "SETNAME", "victim")
        waiting = asyncio.ensure_future(victim.call("BLPOP", "nothing", 0))
        while "flags=b" not in (clients := await store.call("CLIENT", "LIST")):
            await asyncio.sleep(0.001)
        blocked = next(line for line in clients.splitlines() if "name=victim" in line)
        await store.call("CLIENT", "KILL", "ID", blocked.split()[0].removeprefix("id="))

        with pytest.raises(StoreUnreachable):
            await waiting
        assert await victim.call("PING")


async def test_a_connection_lost_between_calls_is_made_anew_unnoticed(
    store: Store, valkey_url: str
):
    async with connected(valkey_url) as victim:
        await kill_connections_of(victim, through=store)

        assert await victim.call("PING")


async def test_a_reader_of_a_stream_is_told_of_a_lost_connection_and_may_go_on(store: Store):
    await store.call("XADD", "s", "1-1", "k", "v")
    reading = asyncio.ensure_future(store.read_stream("s", "1-1", block_ms=10_000))
    while "cmd=xread" not in (clients := await store.call("CLIENT", "LIST")):
        await asyncio.sleep(0.001)
    blocked = next(line for line in clients.splitlines() if "cmd=xread" in line)
    await store.call("CLIENT", "KILL", "ID", blocked.split()[0].removeprefix("id="))

    with pytest.raises(StoreUnreachable):
        await reading
    assert [entry.id for entry in await store.read_stream("s", "0", block_ms=10)] == ["1-1"]


@pytest.mark.parametrize("value", [None, True, ["x"]], ids=str)
async def test_a_value_that_redis_cannot_take_is_its_callers_error_alone(store: Store, value):
    good, bad, also_good = await asyncio.gather(
        store.call("SET", "a", 1),
        store.call("SET", "b", value),
        store.call("INCR", "a"),
        return_exceptions=True,
    )

    assert (good, also_good) == (True, 2)
    assert isinstance(bad, TypeError)


async def test_text_that_is_no_unicode_is_refused_and_the_store_lives_on(store: Store):
    """A header with a stray byte reaches us like this."""
    stray = b"key-\xff".decode("utf-8", "surrogateescape")
    good, bad = await asyncio.gather(
        store.call("SET", "a", 1), store.call("SET", stray, 1), return_exceptions=True
    )

    assert good is True
    assert isinstance(bad, Invalid)
    assert await store.call("PING")


async def test_a_reply_that_is_no_unicode_fails_and_the_store_lives_on(store: Store):
    with pytest.raises(StoreUnreachable, match="utf-8"):
        await store.call("EVAL", "return string.char(255)", 0)
    assert await store.many([("SET", "a", 1), ("GET", "a")]) == [True, "1"]


async def test_closing_tells_whoever_still_waits(store: Store, valkey_url: str):
    closing = await Store.connect(valkey_url)
    in_flight = asyncio.ensure_future(closing.call("BLPOP", "nothing", 0))
    while "flags=b" not in await store.call("CLIENT", "LIST"):
        await asyncio.sleep(0.001)
    behind = asyncio.ensure_future(closing.call("PING"))
    await asyncio.sleep(0)
    await closing.aclose()
    await closing.aclose()

    with pytest.raises(StoreUnreachable, match="closed; the outcome is unknown"):
        await in_flight
    with pytest.raises(StoreUnreachable, match="closed"):
        await behind


async def test_an_address_that_is_none_is_refused_with_its_cure():
    with pytest.raises(Invalid, match="redis://"):
        await Store.connect("localhost:6379")


async def test_a_node_of_a_cluster_that_is_written_as_one_server_is_refused_with_its_cure(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    class Pipe:
        def execute_command(self, *command: object) -> None: ...

        async def execute(self, **_: object) -> list[Exception]:
            return [MovedError("12182 10.0.0.2:6379")]

    line = store._line(store._owners.of_key(None))
    with monkeypatch.context() as patched:
        patched.setattr(store._owners, "many", False)
        patched.setattr(line._client, "pipeline", lambda **_: Pipe())
        with pytest.raises(Invalid, match=r"redis\+cluster://"):
            await store.call("GET", "k")

    assert await store.call("PING")


async def test_a_primary_whose_connections_do_not_close_is_left_all_the_same(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
):
    given_up = asyncio.Event()

    async def stuck(**_: object) -> None:
        await given_up.wait()
        raise RedisTimeoutError("Timed out closing connection after 5.0")

    store = await Store.connect(valkey_url)
    await store.read_stream("s", "0-0", block_ms=1)
    here = store._owners.of_key("s")
    old = [store._line(here)._client, store._readers.of(here)]
    with monkeypatch.context() as patched:
        for one in old:
            patched.setattr(one, "aclose", stuck)
        for port in (1, 2):  # the look after it does not wait either
            store._go_to({Endpoint("127.0.0.1", port): [(0, 16_383)]})
            await asyncio.sleep(0)
        at_last = store._owners.of_key("s")
        closing = asyncio.ensure_future(store.aclose())
        done, _ = await asyncio.wait([closing], timeout=0.05)
        given_up.set()
        await closing

    assert at_last == Endpoint("127.0.0.1", 2)
    assert not done, "closed means that nothing is left behind"
    for one in old:
        await one.aclose(close_connection_pool=True)


async def test_a_store_closes_even_when_its_client_swallows_the_cancellation(valkey_url: str):
    store = await Store.connect(valkey_url)
    under_way = asyncio.Event()

    async def deaf(batch: list[object]) -> None:  # as redis-py is while it connects
        under_way.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    line = store._line(store._owners.of_key(None))
    line._send = deaf  # type: ignore[method-assign, assignment]
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_outcome(store.call("PING")))
        await under_way.wait()
        async with asyncio.timeout(2):
            await store.aclose()

    assert isinstance(waiting.result(), StoreUnreachable)


async def _outcome(call):
    try:
        return await call
    except StoreUnreachable as gone:
        return gone
