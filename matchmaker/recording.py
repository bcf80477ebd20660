"""What a queue did, as one file: its log, the passes of its directors, and the rules.

Each line is JSON. ``src`` says whose it is: ``queue/duel`` for the queue's own log, as the
history of a run has it, and ``director/duel`` for passes, pauses and rules.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.errors import Invalid
from core.eventlog import Event, page
from matchmaker.passlog import PassRecord, RulesRecord
from matchmaker.rules import flexmatch
from matchmaker.rules.asked import Asked
from matchmaker.store import QueueStore


@dataclass(slots=True)
class Recording:
    """One queue, for as long as it was recorded."""

    queue: str
    events: list[Event] = field(default_factory=list)
    """Of its log, in order."""

    passes: list[PassRecord] = field(default_factory=list)
    rules: dict[str, RulesRecord] = field(default_factory=dict)
    """By version."""

    pauses: list[tuple[int, bool]] = field(default_factory=list)
    """When its directors saw it stand still (True) and go on, in milliseconds."""

    whole: bool = False
    """Whether the log is there from its first entry on."""

    lifetime_s: float = 600.0
    """How long a ticket may wait, at most."""

    def rules_of(self, version: str) -> Asked | None:
        """The rules of a version; None when nobody wrote them down."""
        record = self.rules.get(version)
        if record is None:
            return None
        return record.window or flexmatch.load(record.rule_set)


async def lines_of(queue: QueueStore, *, now_ms: int) -> AsyncIterator[Mapping[str, Any]]:
    """Everything that the store still has of a queue, line by line."""
    name, store = queue.settings.name, queue.store
    mine, directors = f"queue/{name}", f"director/{name}"
    yield {
        "src": directors,
        "k": "recorded",
        "t": now_ms,
        "whole": await _is_whole(queue),
        "lifetime_s": queue.settings.ticket_lifetime_s,
    }
    for said in await store.call("HVALS", f"{queue.base}:rules"):
        yield {"src": directors, "k": "rules", **msgspec.json.decode(said)}
    for src, key in ((directors, f"{queue.base}:passes"), (mine, queue.log)):
        after = "0-0"
        # The passes first: whatever they had applied is then in the log that is read after them.
        while events := await page(store, key, after):
            after = events[-1]["i"]
            for event in events:
                yield {"src": src, **event}


async def _is_whole(queue: QueueStore) -> bool:
    """Whether nothing was trimmed from the log: as many entries as were ever added."""
    if not await queue.store.call("EXISTS", queue.log):
        return True
    facts = await queue.store.call("XINFO", "STREAM", queue.log)
    if not isinstance(facts, dict):
        facts = dict(zip(facts[::2], facts[1::2], strict=True))
    return int(facts["entries-added"]) == int(facts["length"])


def queues_in(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """Queues that somebody came to, in the order of their first tickets."""
    came = (line for line in lines if line.get("k") == "ticket.enqueued")
    return list(dict.fromkeys(str(line.get("src")).removeprefix("queue/") for line in came))


def recorded(lines: Sequence[Mapping[str, Any]], queue: str) -> Recording:
    """What the lines tell of a queue; those of others are passed over.

    Raises:
        Invalid: they tell of nobody in it, or a line of ours has not the shape it should have.
    """
    found = Recording(queue)
    for line in lines:
        if line.get("src") == f"queue/{queue}":
            found.events.append(dict(line))
        elif line.get("src") == f"director/{queue}":
            _note(found, line)
    if not any(event["k"] == "ticket.enqueued" for event in found.events):
        known = ", ".join(queues_in(lines)) or "no queue at all"
        raise Invalid(
            f"the log tells of nobody in queue {queue!r}; it tells of {known}", field="--queue"
        )
    return found


def _note(found: Recording, line: Mapping[str, Any]) -> None:
    try:
        match line["k"]:
            case "recorded":
                found.whole, found.lifetime_s = bool(line["whole"]), float(line["lifetime_s"])
            case "rules":
                rules = msgspec.convert(dict(line), RulesRecord)
                found.rules[rules.version] = rules
            case "pass":
                found.passes.append(msgspec.convert(dict(line), PassRecord))
            case "paused" | "resumed":
                found.pauses.append((int(line["now_ms"]), line["k"] == "paused"))
            case _:
                pass
    except (KeyError, ValueError, TypeError) as wrong:
        raise Invalid(f"a line of {line.get('src')} cannot be read: {wrong}") from wrong
