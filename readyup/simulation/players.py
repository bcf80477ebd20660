"""The bots' ``Api`` without HTTP: a virtual socket to whichever API process serves."""

import asyncio

import msgspec
from aiohttp import WSMsgType

from core.errors import Exhausted, NotFound, Unreachable
from core.ids import PlayerId
from matchmaker.api.desk import Desk
from matchmaker.api.keys import Principal
from readyup.bots.messages import Assignment, Push, decode_push
from readyup.bots.ports import Garbled
from readyup.simulation.process import Process
from readyup.simulation.wire import End, Network

DIAL_S_MAX = 5.0
SILENCE_S_MAX = 15.0
"""Heartbeats are answered every five seconds; three unanswered ones are a dead line."""


class VirtualLine:
    """One player's connection."""

    def __init__(self, end: End) -> None:
        self._end = end

    async def send(self, frame: bytes) -> None:
        try:
            await self._end.send_str(frame.decode())
        except ConnectionError as gone:
            raise Unreachable(str(gone)) from gone

    async def receive(self) -> Push:
        try:
            message = await self._end.receive()
        except TimeoutError as silent:
            raise Unreachable("the line is silent") from silent
        if message.type is not WSMsgType.TEXT:
            raise Unreachable("the line was closed")
        try:
            push: Push = decode_push(message.data)
            return push
        except msgspec.DecodeError as wrong:
            raise Garbled(str(wrong)) from wrong

    async def close(self) -> None:
        await self._end.close()

    async def vanish(self) -> None:
        self._end.cut()


class VirtualApi:
    """The player API as all players reach it."""

    def __init__(self, network: Network, desks: dict[Process, Desk]) -> None:
        """``desks`` are those of the API processes alive, kept by their role."""
        self._network = network
        self._desks = desks

    async def dial(self, player: str) -> VirtualLine:
        end = await self._network.dial("api", player, owner=None, receive_s=SILENCE_S_MAX)
        return VirtualLine(end)

    async def session(self, player: str) -> Assignment | None:
        async def asked(process: Process) -> Assignment | None:
            try:
                me = PlayerId(player)
                found = await self._desks[process].ways.session(me, Principal("player", player))
            except NotFound:
                return None
            return msgspec.convert(msgspec.to_builtins(found.assignment), Assignment)

        try:
            async with asyncio.timeout(DIAL_S_MAX):
                return await self._network.ask("api", player, asked)
        except (TimeoutError, Exhausted) as late:
            raise Unreachable("no answer") from late
