"""Events in a real Kafka: none lost when the sink or the broker is killed, ids as they were."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from core.errors import Unreachable
from core.redis import Store
from readyup.events.envelope import Record
from readyup.events.kafka import KafkaSink
from readyup.events.kafka_address import KafkaAddress
from tests.readyup.events.broker import Broker, NotHere, free_port, jars
from tests.readyup.events.streams import QUEUE, say, tickets

slow = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIG = """
[queues.duel]
group = "arena"
teams = ["red", "blue"]
team_size = 1
fleet = "arena"

[fleets.arena]
command = ["true"]
ports = "7000-7099"
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    try:
        jars()
        one = Broker(tmp_path_factory.mktemp("kafka"))
        one.prepare()
        one.start()
    except NotHere as why:
        pytest.skip(str(why))
    yield one
    one.kill()


@contextlib.contextmanager
def telling(store_url: str, to: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``readyup events`` as a process; it is killed at the end if it still runs."""
    config = folder / "readyup.toml"
    config.write_text(CONFIG)
    words = ["-m", "readyup", "events", "--to", to, "--config", str(config), "--store", store_url]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *words],
            stderr=log,
            env={**os.environ, "READYUP_ADMIN_PORT": "0"},
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


@contextlib.asynccontextmanager
async def reading(broker: Broker, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.address,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        metadata_max_age_ms=500,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def place(record: ConsumerRecord) -> str:
    return dict(record.headers)["id"].decode()


async def heard(consumer: AIOKafkaConsumer, until: str) -> list[ConsumerRecord]:
    """Every record up to the one with this id."""
    records: list[ConsumerRecord] = []
    async with asyncio.timeout(40):
        async for record in consumer:
            records.append(record)
            if place(record) == until:
                break
    return records


def in_order_once(records: list[ConsumerRecord]) -> list[str]:
    """Ids in the order in which they came first; what came again must be what came before."""
    first: dict[str, bytes] = {}
    for record in records:
        assert first.setdefault(place(record), record.value) == record.value
    return list(first)


async def test_a_kafka_that_is_away_is_named():
    sink = KafkaSink(KafkaAddress((f"127.0.0.1:{free_port()}",)))

    with pytest.raises(Unreachable, match=r"Kafka at 127\.0\.0\.1"):
        await sink.tell([Record("queue/duel", "1-1", "readyup.match.ended", b"{}")])
    await sink.aclose()


class TestWithABroker:
    """On the same broker, each with a topic of its own."""

    pytestmark = slow

    async def test_records_have_their_source_as_key_and_name_themselves(
        self, store: Store, valkey_url: str, broker: Broker, tmp_path: Path
    ):
        ids = await tickets(store, 3)
        with telling(valkey_url, f"kafka://{broker.address}/plain", tmp_path):
            async with reading(broker, "plain") as consumer:
                records = await heard(consumer, ids[-1])

        assert [place(record) for record in records] == ids
        assert {record.key for record in records} == {b"queue/duel"}
        assert len({record.partition for record in records}) == 1
        assert dict(records[0].headers)["type"] == b"readyup.ticket.enqueued"
        said = json.loads(records[0].value)
        assert (said["id"], said["data"]["ticket"]) == (ids[0], "t0")

    async def test_a_sink_killed_in_the_middle_loses_nothing_and_repeats_by_id(
        self, store: Store, valkey_url: str, broker: Broker, tmp_path: Path
    ):
        ids, to = await tickets(store, 5_000), f"kafka://{broker.address}/killed"
        async with reading(broker, "killed") as consumer:
            records: list[ConsumerRecord] = []
            for _ in range(2):
                with telling(valkey_url, to, tmp_path) as process:
                    async with asyncio.timeout(30):
                        for _ in range(700):
                            records.append(await consumer.getone())  # noqa: PERF401
                    process.send_signal(signal.SIGKILL)
            with telling(valkey_url, to, tmp_path):
                records += await heard(consumer, ids[-1])

        assert in_order_once(records) == ids

    async def test_a_broker_that_is_killed_is_waited_for(
        self, store: Store, valkey_url: str, broker: Broker, tmp_path: Path
    ):
        ids, to = await tickets(store, 200), f"kafka://{broker.address}/broker"
        with telling(valkey_url, to, tmp_path) as process:
            async with reading(broker, "broker") as consumer:
                before = await heard(consumer, ids[-1])
            await asyncio.to_thread(broker.kill)
            ids += await tickets(store, 200, first=200)
            last = await say(store, QUEUE, "match.ended", match="m", reason="finished")
            await asyncio.sleep(3)
            await asyncio.to_thread(broker.start)
            async with reading(broker, "broker") as consumer:
                records = await heard(consumer, last)
            process.send_signal(signal.SIGTERM)
            ended = await asyncio.to_thread(process.wait, 30)

        assert len(before) == 200
        assert in_order_once(records) == [*ids, last]
        assert ended == 0
