"""Which slot of a Cluster a command belongs to, by its key."""

from collections.abc import Sequence

from redis.crc import key_slot

KEYLESS = frozenset(
    {
        *("PING", "INFO", "TIME", "ROLE", "CONFIG", "CLIENT", "DBSIZE", "FLUSHALL", "SCRIPT"),
        *("SLOWLOG", "WAIT", "WAITAOF", "CLUSTER", "COMMAND"),
    }
)
SECOND_WORD = frozenset({"XINFO", "OBJECT", "MEMORY"})


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
