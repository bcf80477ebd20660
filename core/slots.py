"""Which slot of a Cluster a command belongs to, by its key, and whose slot that is."""

from collections.abc import Mapping, Sequence

from redis.crc import REDIS_CLUSTER_HASH_SLOTS as SLOTS, key_slot

from core.address import Endpoint

Ranges = Mapping[Endpoint, Sequence[tuple[int, int]]]
"""Each primary and its slots, from the first to the last of each range."""

KEYLESS = frozenset(
    {
        *("PING", "INFO", "TIME", "ROLE", "CONFIG", "CLIENT", "DBSIZE", "FLUSHALL", "SCRIPT"),
        *("SLOWLOG", "WAIT", "WAITAOF", "CLUSTER", "COMMAND"),
    }
)
SECOND_WORD = frozenset({"XINFO", "OBJECT", "MEMORY"})

TRIES = 2_000
"""Keys that are tried for one that a server has. Who has a hundredth of the slots has some."""


def key_of(command: Sequence[str | float]) -> str | None:
    """The first key of a command; None when it has none and any server will do."""
    verb = str(command[0]).upper()
    if verb in KEYLESS:
        return None
    if verb in ("EVAL", "EVALSHA"):
        return str(command[3]) if int(command[2]) else None
    return str(command[2 if verb in SECOND_WORD else 1])


def slot_of(key: str) -> int:
    """The slot, by the part of the key in braces if there is one."""
    return key_slot(key.encode("utf-8", "surrogateescape"))


def tag_of(key: str) -> str:
    """What all keys of this one's slot here begin with, braces included."""
    start, end = key.find("{"), key.find("}")
    return key[: end + 1] if start == 0 and end > 1 else key


class Owners:
    """Whose slot is whose, as far as anybody has told us."""

    def __init__(self, *, many: bool) -> None:
        """``many``: slots are shared among servers; else one has them all."""
        self.many = many
        self.ranges: Ranges = {}
        self._by_slot: list[Endpoint] = []
        self._own: dict[Endpoint, str] = {}

    def become(self, ranges: Ranges) -> None:
        """These are the primaries now."""
        self.ranges = ranges
        if not self.many:
            return
        nobody = next(iter(ranges))  # who will say so
        self._by_slot = [nobody] * SLOTS
        for endpoint, slots in ranges.items():
            for first, last in slots:
                self._by_slot[first : last + 1] = [endpoint] * (last + 1 - first)

    def moved(self, slot: int, owner: Endpoint) -> None:
        """A server said that another one has this slot."""
        self._by_slot[slot] = owner

    def of(self, command: Sequence[str | float]) -> Endpoint:
        """Who is to be sent a command."""
        return self.of_key(key_of(command) if self.many else None)

    def of_key(self, key: str | None) -> Endpoint:
        """Who has a key; without one any server will do."""
        if key is None or not self.many:
            return next(iter(self.ranges))
        return self._by_slot[slot_of(key)]

    def own_key(self, endpoint: Endpoint, near: str) -> str:
        """A key that this server has, beside what may be on its way to another one.

        Of one that has next to nothing it is ``near``, which somebody asked it for.
        """
        key = self._own.get(endpoint)
        if key is None or self.of_key(key) != endpoint:
            keys = (f"{{{n}}}:kept" for n in range(TRIES))
            key = next((key for key in keys if self.of_key(key) == endpoint), near)
            self._own[endpoint] = key
        return key
