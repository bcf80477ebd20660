"""``readyup record``: what queues did lately, as one file for ``readyup replay``."""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from core.address import Address
from core.clock import SystemClock
from core.errors import ReadyUpError
from core.redis import Store
from matchmaker.recording import lines_of
from matchmaker.settings import QueueSettings
from matchmaker.store import QueueStore
from readyup.commands.options import refuse_file
from readyup.settings import load


def record(file: Path, /, *, config: Path | None = None, store: str = "") -> int:
    """Write down what the store still knows of the queues: who came and left, each pass, the rules.

    Nothing has to be switched on before: directors always note their last 20,000 passes, and
    queues their last 200,000 events.

    Args:
        file: Where to; what is there already is replaced.
        config: The service's configuration: its queues, and the store's address.
        store: The store's address, in the place of that in the configuration.
    """
    try:
        refuse_file("FILE", file)
        asked = load(config)
        where = asked.running_store(store)
        many = asyncio.run(_record(where, asked.queues.values(), file))
    except ReadyUpError as wrong:
        print(f"readyup record: {wrong}", file=sys.stderr)
        return 1
    print(f"{many} lines; readyup replay {file}", file=sys.stderr)
    return 0


async def _record(where: Address, queues: Iterable[QueueSettings], file: Path) -> int:
    store = await Store.connect(where)
    try:
        return await write((QueueStore(store, one) for one in queues), file)
    finally:
        await store.aclose()


async def write(queues: Iterable[QueueStore], file: Path) -> int:
    """Write down what the store knows of these queues; returns how many lines that is."""
    many, encode = 0, msgspec.json.Encoder().encode
    with file.open("wb") as out:
        for queue in queues:
            async for line in lines_of(queue, now_ms=SystemClock().wall_ms()):
                out.write(encode(line) + b"\n")
                many += 1
    return many
