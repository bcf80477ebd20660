"""Penalties: who spoils matches for others waits before the next one, longer each time.

Declining a match, sleeping through it, or leaving it early is an offence. The first costs
``penalty_s``, each further one twice as much, up to ``penalty_max_s``; one is forgotten for
every ``penalty_forgiven_s`` that pass. Scripts keep the count, beside what it is counted of.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from core.errors import Limited
from core.ids import PlayerId
from core.lua import LuaScript, as_json
from matchmaker.records import Records
from matchmaker.settings import QueueSettings

PENALISE = LuaScript.load("matchmaker.lua", "penalise")


@dataclass(frozen=True, slots=True)
class Penalty:
    """What a player has to wait for, if ``until_ms`` is not past."""

    player: PlayerId
    count: int
    """Offences, without those forgiven before the last one."""

    until_ms: int
    why: str


def terms(settings: QueueSettings) -> str:
    """A queue's terms as the scripts read them; empty where nobody is punished."""
    if not settings.penalty_s:
        return ""
    return as_json(
        {
            "first_ms": round(settings.penalty_s * 1000),
            "max_ms": round(settings.penalty_max_s * 1000),
            "forgive_ms": round(settings.penalty_forgiven_s * 1000),
        }
    )


_WORDS = {
    "declined": "declined a match",
    "unanswered": "did not answer a match",
    "left": "left a match early",
}


def barred(player: str, until_ms: str, why: str, *, now_ms: int) -> Limited:
    """What a player with a penalty is answered: until when, and why."""
    wait_s = max(0.0, (int(until_ms) - now_ms) / 1000)
    at = datetime.fromtimestamp(int(until_ms) / 1000, UTC).strftime("%H:%M:%S")
    said = f"player {player!r} {_WORDS.get(why, why)}, and may ask again at {at} UTC"
    return Limited(f"{said}, in {wait_s:.0f} s", retry_after_s=wait_s)


async def penalise(queue: Records, players: Collection[PlayerId], why: str, *, now_ms: int) -> None:
    """Count an offence of each, in all queues of the group; nothing where nobody is punished."""
    await PENALISE(
        queue.store,
        keys={"base": queue.base},
        args={
            "players": as_json(list(players)),
            "why": why,
            "now_ms": now_ms,
            "terms": terms(queue.settings),
        },
    )


async def penalty_of(queue: Records, player: PlayerId) -> Penalty | None:
    """A player's penalty, until all of it is forgotten."""
    held = await queue.store.call("HMGET", _key(queue, player), "count", "until_ms", "why")
    return Penalty(player, int(held[0]), int(held[1]), held[2]) if held[0] else None


async def pardon(queue: Records, player: PlayerId) -> bool:
    """Forget all that a player did; True when there was something."""
    return bool(await queue.store.call("DEL", _key(queue, player)))


def _key(queue: Records, player: PlayerId) -> str:
    return f"{queue.settings.tag()}:penalty:{player}"
