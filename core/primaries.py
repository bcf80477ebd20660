"""Which server has which slot: said by the address, by the Sentinels, or by the Cluster.

Whoever was cut off tells old news. So all are asked at once, and the news of the highest
epoch counts: of a failover's, which a majority has granted. What is known never goes back
to an older one.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

import redis.asyncio as aioredis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS as SLOTS
from redis.exceptions import RedisError, TimeoutError as RedisTimeoutError

from core import clients
from core.address import Address, Endpoint
from core.errors import StoreUnreachable
from core.reasons import Peer, why
from core.slots import Ranges

Silent = list[tuple[Endpoint, Exception]]
"""Who did not answer, and why."""

DEPOSING = ("o_down", "failover_in_progress")
"""What Sentinels say of a primary that enough of them have given up, until it has a successor."""

ASKED_S = 0.5
"""How long anybody may take to say who is a primary; what the others said counts then."""


class Primaries(Protocol):
    """Knows the primaries, and asks again."""

    fixed: bool
    """Whether they never change."""

    in_doubt: bool
    """Whether the last ones found are about to be deposed."""

    async def find(self) -> Ranges:
        """Each primary and its slots, from the first to the last of each range.

        Raises:
            StoreUnreachable: nobody knows; its cause is a TimeoutError when somebody was late.
        """
        ...

    async def aclose(self) -> None:
        """Let go of whom it asks."""
        ...


def primaries_of(address: Address) -> Primaries:
    """Who is asked, by the address."""
    match address.kind:
        case "server":
            return _Server(address.endpoints[0])
        case "sentinel":
            return _Sentinels(address)
        case "cluster":
            return _Cluster(address)


class _Server:
    """One server has all slots."""

    fixed = True
    in_doubt = False

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def find(self) -> Ranges:
        return {self._endpoint: [(0, SLOTS - 1)]}

    async def aclose(self) -> None:
        pass


class _Sentinels:
    """The primary that the latest failover made has all slots.

    One that wakes while another is being chosen has a replica still, which has not been told.
    What both acknowledge then, the chosen one never hears.
    """

    fixed = False
    in_doubt = False

    def __init__(self, address: Address) -> None:
        self._address = address
        self._name = address.primary
        self._known: Endpoint | None = None
        self._epoch = -1
        self._sentinels = {
            one: clients.sentinel(address, one, patience_s=ASKED_S) for one in address.endpoints
        }

    async def find(self) -> Ranges:
        # In the middle of a failover the first answer has the new epoch and the old address.
        questions = [
            ("SENTINEL MASTER", self._name),
            ("SENTINEL GET-MASTER-ADDR-BY-NAME", self._name),
        ]
        news: Counter[tuple[int, Endpoint]] = Counter()
        said, silent = await _asked(self._sentinels, *questions)
        if said:  # else nobody has said that it is over
            self.in_doubt = any(_is_deposed(state, place) for _, (state, place) in said)
        for _, (state, place) in said:
            news[int(state["config-epoch"]), Endpoint(str(place[0]), int(place[1]))] += 1
        for (epoch, endpoint), _ in sorted(news.items(), key=lambda told: (told[0][0], told[1])):
            if epoch >= self._epoch:
                self._epoch, self._known = epoch, endpoint
        if self._known is None:
            wrong = f"no Sentinel tells of a primary called {self._name!r}"
            raise StoreUnreachable(f"{wrong}: {self._reasons(silent)}") from _late(silent)
        return {self._known: [(0, SLOTS - 1)]}

    def _reasons(self, silent: Silent) -> str:
        return "; ".join(why(wrong, Peer.sentinel(self._address, one)) for one, wrong in silent)

    async def aclose(self) -> None:
        await _closed(self._sentinels.values())


class _Cluster:
    """Each slot is its who claims it with the highest epoch, as among the nodes themselves."""

    fixed = False
    in_doubt = False

    def __init__(self, address: Address) -> None:
        self._address = address
        self._epochs = [-1] * SLOTS
        self._owners: list[Endpoint | None] = [None] * SLOTS
        self._claims: list[tuple[int, Endpoint, int, int]] = []
        self._found: Ranges = {}
        self._nodes = {one: self._client(one) for one in address.endpoints}

    async def find(self) -> Ranges:
        said, silent = await _asked(self._nodes, ("CLUSTER NODES",))
        if not said:
            reasons = (why(wrong, Peer.server(self._address, one)) for one, wrong in silent)
            wrong = f"no node of the Cluster answers: {'; '.join(reasons)}"
            raise StoreUnreachable(wrong) from _late(silent)
        seen = [
            (_endpoint(place, node, whose), node)
            for whose, (nodes,) in said
            for place, node in nodes.items()
            if "noaddr" not in node["flags"]
        ]
        await self._meet([*self._address.endpoints, *(endpoint for endpoint, _ in seen)])
        claims = sorted(
            (int(node["epoch"]), endpoint, int(slots[0]), int(slots[-1]))
            for endpoint, node in seen
            if "master" in node["flags"].split(",")
            for slots in node["slots"]
        )
        if claims != self._claims:
            self._claims = claims
            for epoch, endpoint, first, last in claims:
                self._believe(epoch, endpoint, first, last)
            self._found = _ranges(self._owners)
        if not self._found:
            raise StoreUnreachable("no node of the Cluster has slots yet")
        return self._found

    async def _meet(self, there: Collection[Endpoint]) -> None:
        """Ask these from now on. A pod that is started anew is elsewhere each time."""
        for endpoint in there:
            if endpoint not in self._nodes:
                self._nodes[endpoint] = self._client(endpoint)
        await _closed([self._nodes.pop(gone) for gone in self._nodes.keys() - set(there)])

    def _believe(self, epoch: int, endpoint: Endpoint, first: int, last: int) -> None:
        """Unless somebody with a higher epoch has claimed a slot before."""
        for slot in range(first, last + 1):
            if epoch >= self._epochs[slot]:
                self._epochs[slot], self._owners[slot] = epoch, endpoint

    async def aclose(self) -> None:
        await _closed(self._nodes.values())

    def _client(self, endpoint: Endpoint) -> aioredis.Redis:
        return clients.client(
            self._address, endpoint, connections=1, patience_s=ASKED_S, connect_s=ASKED_S
        )


def _is_deposed(state: Mapping[str, Any], place: tuple[str, str]) -> bool:
    """Whether a Sentinel has given up a primary and tells of no successor yet."""
    given_up = any(sign in str(state["flags"]) for sign in DEPOSING)
    return given_up and (str(state["ip"]), int(state["port"])) == (str(place[0]), int(place[1]))


def _endpoint(place: str, node: Mapping[str, Any], whose: Endpoint) -> Endpoint:
    """By its name where it has one, as certificates are made out to names."""
    host, _, port = place.rpartition(":")
    # A node that was never spoken to by another does not know its own address.
    return Endpoint(node["hostname"] or host or whose.host, int(port))


def _ranges(owners: list[Endpoint | None]) -> Ranges:
    found: dict[Endpoint, list[tuple[int, int]]] = {}
    first = 0
    for slot in range(1, SLOTS + 1):
        if slot == SLOTS or owners[slot] != owners[first]:
            if (owner := owners[first]) is not None:
                found.setdefault(owner, []).append((first, slot - 1))
            first = slot
    return found


async def _asked(
    those: Mapping[Endpoint, aioredis.Redis], *questions: tuple[str, ...]
) -> tuple[list[tuple[Endpoint, list[Any]]], Silent]:
    """Who answers in time, and what they say to each question; and why the others do not."""

    async def ask(one: aioredis.Redis) -> list[Any] | Exception:
        pipe = one.pipeline(transaction=False)
        for question in questions:
            pipe.execute_command(*question)
        try:
            async with asyncio.timeout(ASKED_S):
                return await pipe.execute()
        except (TimeoutError, RedisTimeoutError):
            return TimeoutError(f"nothing came for {ASKED_S:g} s")
        except (RedisError, OSError) as wrong:
            return wrong

    async with asyncio.TaskGroup() as group:
        tasks = {place: group.create_task(ask(one)) for place, one in those.items()}
    told = [(place, task.result()) for place, task in tasks.items()]
    return (
        [(place, said) for place, said in told if not isinstance(said, Exception)],
        [(place, wrong) for place, wrong in told if isinstance(wrong, Exception)],
    )


def _late(silent: Silent) -> TimeoutError | None:
    """Why it may be worth while to ask once more: somebody did not say no."""
    return next((wrong for _, wrong in silent if isinstance(wrong, TimeoutError)), None)


async def _closed(those: Iterable[aioredis.Redis]) -> None:
    for one in those:
        await clients.close(one)
