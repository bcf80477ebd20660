"""What a director writes down of its passes, so that each of them can be run again.

The stream stands beside the queue's log, which tells who waited: a record names the entry
of the log that the director had applied, and adds what the log cannot know.
"""

import zlib
from collections.abc import Sequence

import msgspec

from core.clock import Clock
from core.lua import as_json
from matchmaker.engine.memory import Memory
from matchmaker.engine.passes import Pass
from matchmaker.engine.pool import PoolView
from matchmaker.engine.search import Found
from matchmaker.feed import Feed
from matchmaker.rules.asked import Asked
from matchmaker.rules.model import Rules
from matchmaker.rules.ruleset import RuleSet
from matchmaker.store import QueueStore

PASSES_KEPT = 20_000
RULES_KEPT = 32
"""Versions of its rules that a queue remembers."""

Teams = list[list[str]]
"""Tickets by team, in the order of the rules' teams."""


class RolloutRecord(msgspec.Struct, kw_only=True):
    """New rules, for some."""

    rules: str
    """Their version."""

    percent: float
    mercy_s: float


class PassRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One pass that found something."""

    epoch: int
    now_ms: int
    """When it was; its seed too."""

    applied: str
    """The last entry of the queue's log that its pool reflects."""

    rules: str
    """Their version."""

    wait_for_quality_s: float = 0.0
    """The dial."""

    rollout: RolloutRecord | None = None
    matches_max: int
    """For how many matches the line had places."""

    pool: str
    """A fingerprint of those who waited."""

    in_hand: list[str] = []
    """Tickets that waited by the log, and were in a match that was being proposed."""

    requests_in_hand: list[str] = []
    """Running matches whose requests lived, and to which newcomers were being proposed."""

    memory: Memory = Memory()
    fruitless: int = 0
    """Passes that found nothing, since the record before."""

    result: list[Teams]
    quality: list[float]
    of: list[str] = []
    """The running match that each result's tickets are newcomers to, or nothing; left out where no
    result has one."""


class RulesRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A version of a queue's rules."""

    version: str
    name: str = ""
    since_ms: int = 0
    """When a director first went by it."""

    rule_set: str = ""
    """The text of a rule set."""

    window: Rules | None = None
    """A rating window, where there is no rule set."""


class PassLog:
    """Writes the stream of one queue."""

    def __init__(self, queue: QueueStore, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._key = f"{queue.base}:passes"
        self._rollout: RolloutRecord | None = None
        if (new := queue.settings.rollout_rules) is not None:
            self._rollout = RolloutRecord(
                rules=new.rules.version(), percent=new.percent, mercy_s=new.mercy_s
            )
        self._fruitless = 0
        self._paused: bool | None = None

    async def begin(self) -> None:
        """Keep the rules that this director goes by, so that its passes can be judged.

        Whether the queue stands still was last told by another, perhaps, who did not see it end.
        """
        self._paused = None
        key, store = f"{self._queue.base}:rules", self._queue.store
        rollout = self._queue.settings.rollout_rules
        for rules in (self._queue.settings.rules, *([rollout.rules] if rollout else [])):
            record = described(rules, self._clock.wall_ms())
            await store.call("HSETNX", key, record.version, as_json(record))
        kept = await store.call("HVALS", key)
        if len(kept) > RULES_KEPT:
            known = sorted(map(_rules, kept), key=lambda one: one.since_ms)
            await store.call("HDEL", key, *(one.version for one in known[:-RULES_KEPT]))

    def moment(self, feed: Feed, *, epoch: int, matches_max: int) -> PassRecord:
        """A pass that begins now; ``write`` fills in who waited and what was found."""
        settings = self._queue.settings
        return PassRecord(
            epoch=epoch,
            now_ms=self._clock.wall_ms(),
            applied=feed.applied,
            rules=settings.rules.version(),
            wait_for_quality_s=settings.wait_for_quality_s,
            rollout=self._rollout,
            matches_max=matches_max,
            pool="",
            in_hand=sorted(feed.logged.in_hand),
            requests_in_hand=sorted(feed.logged.requests_in_hand),
            result=[],
            quality=[],
        )

    def found_nothing(self) -> None:
        """Count a pass that is not written down."""
        self._fruitless += 1

    async def write(self, record: PassRecord, done: Pass, view: PoolView) -> None:
        """Write a pass down with what it found among those."""
        record.pool = fingerprint(view)
        record.memory, record.fruitless = done.memory, self._fruitless
        record.result = [teams_of(match) for match in done.found]
        record.quality = [match.quality for match in done.found]
        record.of = running(done.found)
        self._fruitless = 0
        await self._add("pass", record)

    async def paused(self, *, paused: bool) -> None:
        """Write down that the queue stands still, or goes on, when that is news."""
        if paused != self._paused:
            self._paused = paused
            await self._add("paused" if paused else "resumed", {"now_ms": self._clock.wall_ms()})

    async def _add(self, kind: str, record: object) -> None:
        trim = ("MAXLEN", "~", PASSES_KEPT)
        said = ("k", kind, "d", as_json(record))
        await self._queue.store.call("XADD", self._key, *trim, "*", *said)


_rules = msgspec.json.Decoder(RulesRecord).decode


def described(rules: Asked, since_ms: int = 0) -> RulesRecord:
    """Rules as they are written down."""
    if isinstance(rules, RuleSet):
        return RulesRecord(
            version=rules.version(), name=rules.name, since_ms=since_ms, rule_set=rules.source
        )
    assert isinstance(rules, Rules), rules
    return RulesRecord(version=rules.version(), since_ms=since_ms, window=rules)


def teams_of(match: Found) -> Teams:
    """A match as it is written down."""
    return [[party.id for party in team] for team in match.teams]


def running(found: Sequence[Found]) -> list[str]:
    """Which running matches got newcomers, as it is written down."""
    names = [match.of.match if match.of else "" for match in found]
    return names if any(names) else []


def fingerprint(view: PoolView) -> str:
    """Tells pools apart: how many wait, and a checksum of when they came and how good they are.

    Requests of running matches count too.
    """
    checksum = 0
    for column in (view.enqueued_ms, view.mmr, view.size):
        checksum = zlib.crc32(column.tobytes(), checksum)
    for request in view.open:
        checksum = zlib.crc32(request.id.encode(), checksum)
    return f"{len(view.tickets)}-{checksum:08x}"
