"""Brings faults upon a simulated installation, and ends them all."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from core.clock import Clock
from readyup.simulation.explained import Delay
from readyup.simulation.faults import Fault
from readyup.simulation.process import NEUTRAL, Process, Role
from readyup.simulation.wire import Network

if TYPE_CHECKING:
    from readyup.simulation.servers import Ground
    from readyup.simulation.store import Road


class Accidents:
    """One run's. ``begin`` before the first fault."""

    def __init__(self, network: Network, dice: random.Random, clock: Clock) -> None:
        self.happened: Counter[str] = Counter()
        """By kind, beside those of store calls; a fault that found nobody did not happen."""

        self.delays: list[Delay] = []
        """Who was held up, beside those whose store calls were."""

        self._network = network
        self._dice = dice
        self._clock = clock
        self._roles: Mapping[str, Role] = {}
        self._ground: Ground
        self._road: Road

    def begin(self, roles: Sequence[Role], ground: "Ground", road: "Road") -> None:
        """Who may be struck."""
        self._roles = {role.name: role for role in roles}
        self._ground = ground
        self._road = road

    def crash(self, process: Process, fault: Fault) -> None:
        """A process dies at a store call."""
        if (role := self._roles.get(process.name)) is not None:
            role.away_s = fault.for_s
        process.kill()

    async def bring(self, timed: Sequence[Fault]) -> None:
        """Each at its time, soonest first."""
        loop = asyncio.get_running_loop()
        for fault in timed:
            assert fault.at_s is not None
            await asyncio.sleep(max(0.0, fault.at_s - loop.time()))
            self.happened[fault.kind] += self._bring(fault, loop.time())

    def heal(self) -> None:
        """Whatever goes wrong ends now; who died is started again as usual."""
        self._road.heal()
        self._network.heal()
        for role in self._roles.values():
            role.clock.skew_us = 0
            if role.process is not None:
                role.process.thaw()
        for server in self._ground.servers.values():
            server.process.clock.skew_us = 0
            server.process.thaw()

    def _bring(self, fault: Fault, now_s: float) -> bool:
        until_s = now_s + fault.for_s
        match fault.kind:
            case "store-away":
                self._road.away_until_s = until_s
                self._delayed("api", now_s, until_s)
            case "store-slow":
                self._road.slow_until_s, self._road.slow_by_s = until_s, fault.by_s
                self._delayed("api", now_s, until_s)
            case "cut" | "slow-reader":
                return self._strike_line(fault, until_s)
            case "clog":
                return self._clog(fault, now_s)
            case _:
                return self._strike_process(fault)
        return True

    def _strike_line(self, fault: Fault, until_s: float) -> bool:
        there = [name for name in self._network.dialled() if fault.concerns(name)]
        if not there:
            return False
        name = self._dice.choice(there)
        if fault.kind == "cut":
            self._network.cut_off(name, until_s)
            if name not in self._ground.servers:
                # For the checker, a player off the network is one that vanished, and came back.
                self._ground.write("bot.crashed", f"bot/{name}", self._clock, player=name)
        else:
            self._stall(name, until_s - fault.for_s, until_s)
        return True

    def _stall(self, name: str, from_s: float, until_s: float) -> None:
        """Somebody reads nothing for a while, and the checker hears of it where it is a player."""
        self._network.stall(name, until_s)
        self._delayed(name, from_s, until_s)
        if name not in self._ground.servers:
            until_ms = self._clock.wall_ms() + round((until_s - from_s) * 1000)
            self._ground.write(
                "bot.stalled", f"bot/{name}", self._clock, player=name, until_ms=until_ms
            )

    def _clog(self, fault: Fault, now_s: float) -> bool:
        """Half of the lines stop at once, and come free one after the other."""
        there = [name for name in self._network.dialled() if fault.concerns(name)]
        struck = self._dice.sample(there, (len(there) + 1) // 2)
        for name in struck:
            until_s = now_s + self._dice.uniform(0.0, fault.for_s)
            self._stall(name, now_s, until_s)
        return bool(struck)

    def _strike_process(self, fault: Fault) -> bool:
        servers = {name: server.process for name, server in self._ground.servers.items()}
        ours = {name: role.process for name, role in self._roles.items() if role.process}
        everybody: dict[str, Process] = servers if fault.kind == "server-dies" else servers | ours
        there = sorted(n for n, p in everybody.items() if fault.concerns(n) and not p.dead)
        if not there:
            return False
        name = self._dice.choice(there)
        process = everybody[name]
        match fault.kind:
            case "kill" | "server-dies":
                if name in self._roles:
                    self._roles[name].away_s = fault.for_s
                process.kill()
            case "pause":
                process.freeze()
                self._later(fault.for_s, process.thaw)
                now_s = asyncio.get_running_loop().time()
                self._delayed(name, now_s, now_s + fault.for_s)
            case "clock":
                # A machine's clock is set back by its time service, some day.
                process.clock.skew_us = round(fault.by_s * 1e6)
                self._later(fault.for_s, lambda: setattr(process.clock, "skew_us", 0))
            case _:
                raise AssertionError(fault.kind)
        return True

    def _delayed(self, who: str, from_s: float, until_s: float) -> None:
        self.delays.append(Delay(who, from_s, until_s))

    def _later(self, after_s: float, act: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(after_s, act, context=NEUTRAL)
