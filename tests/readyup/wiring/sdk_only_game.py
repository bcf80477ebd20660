"""A game that knows nothing of us: Agones' SDK, one match, and goodbye."""

import asyncio
import json

from gameserver.sdk.client import AgonesSdk


async def main() -> None:
    stop = asyncio.Event()
    async with AgonesSdk.connect() as sdk, asyncio.TaskGroup() as group:
        group.create_task(sdk.health(1.0, stop), name="health")
        await sdk.ready()
        async for server in sdk.watch():
            if text := server.annotations.get("readyup/match"):
                break
        await sdk.set_label("readyup-ack", json.loads(text)["ack"])
        await asyncio.sleep(1.0)  # longer than the allocator's looks are apart
        await sdk.set_label("readyup-match", "ended")
        await sdk.shutdown()
        stop.set()


asyncio.run(main())
