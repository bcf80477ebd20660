"""Events into a Kafka topic, through ``aiokafka``: imported only where Kafka is asked for.

Every record of a source has the source as its key, so all of them lie in one partition, in
order. The producer is idempotent and asks for all replicas. One that failed is given up and
a new one made: what it may still have held cannot come after what is told again.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from core.errors import Unreachable
from readyup.events.envelope import Record
from readyup.events.kafka_address import KafkaAddress

ANSWER_S = 10.0
"""Brokers that have not taken a record within this time are away."""

CLOSE_S = 2.0

CONTENT_TYPE = ("content-type", b"application/cloudevents+json; charset=UTF-8")
"""Says to readers of CloudEvents that the value is a whole one."""


class KafkaSink:
    """One topic."""

    def __init__(self, address: KafkaAddress) -> None:
        # It complains of each attempt; we say it once, in our words.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        self._address = address
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()

    async def tell(self, records: Sequence[Record]) -> None:
        producer = None
        try:
            async with asyncio.timeout(2 * ANSWER_S):
                producer = await self._open()
                await _send(producer, self._address.topic, records)
        except (KafkaError, OSError, TimeoutError) as lost:
            await self._give_up(producer)
            where = ",".join(self._address.servers)
            raise Unreachable(f"Kafka at {where}: {str(lost) or type(lost).__name__}") from lost

    async def aclose(self) -> None:
        await self._give_up(self._producer)

    async def _open(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                producer = AIOKafkaProducer(**_asked(self._address))
                try:
                    await producer.start()
                except BaseException:
                    await _stop(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _give_up(self, producer: AIOKafkaProducer | None) -> None:
        """Another stream may have made a new one since."""
        if producer is not None and producer is self._producer:
            self._producer = None
            await _stop(producer)


async def _send(producer: AIOKafkaProducer, topic: str, records: Sequence[Record]) -> None:
    taken = [
        await producer.send(
            topic,
            record.value,
            key=record.source.encode(),
            headers=[CONTENT_TYPE, ("id", record.id.encode()), ("type", record.type.encode())],
        )
        for record in records
    ]
    await asyncio.wait(taken)
    wrong = [error for one in taken if (error := one.exception())]
    if wrong:
        raise wrong[0]


async def _stop(producer: AIOKafkaProducer) -> None:
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await producer.stop()


def _asked(address: KafkaAddress) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "bootstrap_servers": list(address.servers),
        "client_id": "readyup-events",
        "enable_idempotence": True,
        "acks": "all",
        "linger_ms": 5,
        "request_timeout_ms": int(ANSWER_S * 1000),
        "security_protocol": "SSL" if address.tls else "PLAINTEXT",
    }
    if address.tls:
        asked["ssl_context"] = ssl.create_default_context(cafile=address.ca or None)
    if address.user:
        asked["security_protocol"] = "SASL_SSL"
        asked["sasl_mechanism"] = address.mechanism
        asked["sasl_plain_username"] = address.user
        asked["sasl_plain_password"] = address.password
    return asked
