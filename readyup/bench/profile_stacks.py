"""Whose work a sampled moment was: call stacks to the parts of a ticket's way.

A stack counts for the first frame, from where it was up to where it came from, that a rule
knows: time in a library is the library's, whoever called it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

WAITING = ("selectors.py", "_worker (concurrent/futures/thread.py")
"""Innermost frames of a thread that only waits, which a busy machine shows as if it ran."""

PARTS: tuple[tuple[str, str], ...] = (
    ("redis/", "Redis client"),
    ("core/redis.py", "Redis client"),
    ("core/lua.py", "Redis client"),
    ("aiohttp/", "HTTP and WebSocket"),
    ("core/web.py", "HTTP and WebSocket"),
    ("core/patience.py", "HTTP and WebSocket"),
    ("core/eventfile.py", "event files"),
    ("core/eventlog.py", "event streams"),
    ("core/join_token.py", "join tokens"),
    ("matchmaker/engine/", "search for matches"),
    ("matchmaker/rules/", "search for matches"),
    ("matchmaker/feed.py", "reading the queue"),
    ("matchmaker/records.py", "reading the queue"),
    ("matchmaker/placing.py", "claim, commit, announce"),
    ("matchmaker/director.py", "the director's pass"),
    ("matchmaker/api/outbox.py", "push to players"),
    ("matchmaker/api/socket.py", "the API's handlers"),
    ("matchmaker/api/", "the API's handlers"),
    ("matchmaker/", "the queue's store"),
    ("allocator/servers_api.py", "game servers' sockets"),
    ("allocator/", "pool and sessions"),
    ("fleets/", "fleets"),
    ("gameserver/arena/", "the game"),
    ("gameserver/", "the game server's runtime"),
    ("grpc/", "SDK sidecar"),
    ("structlog/", "logging"),
    ("logging/", "logging"),
    ("prometheus_client/", "metrics"),
)
"""The first rule whose text stands in a frame decides."""

LOOP = "event loop"
"""Where no frame of a stack is anybody's: asyncio, system calls and the interpreter."""


def part_of(stack: Iterable[str]) -> str:
    """The part that a stack counts for; frames come from the outermost to the innermost.

    >>> part_of(["main (readyup/cli.py:1)", "read (matchmaker/feed.py:9)", "call (asyncio/x.py:1)"])
    'reading the queue'
    >>> part_of(["main (readyup/cli.py:1)"])
    'event loop'
    """
    for frame in reversed(list(stack)):
        where = frame.rpartition("(")[2]
        for known, part in PARTS:
            if known in where:
                return part
    return LOOP


def _samples(raw: str) -> Iterator[tuple[list[str], int]]:
    """Stacks that were at work, and how often each was seen."""
    for line in raw.splitlines():
        stack, _, many = line.rpartition(" ")
        frames = stack.split(";")
        if stack and not any(waiting in frames[-1] for waiting in WAITING):
            yield frames, int(many)


def shares(raw: str) -> dict[str, float]:
    r"""Parts with their share of all samples, largest first, from py-spy's raw format.

    >>> shares("a (x/redis/y.py:1);b 3\na 1")
    {'Redis client': 0.75, 'event loop': 0.25}
    """
    counted: Counter[str] = Counter()
    for frames, many in _samples(raw):
        counted[part_of(frames)] += many
    total = counted.total()
    return {part: many / total for part, many in counted.most_common()}


def hottest(raw: str, most: int) -> dict[str, float]:
    r"""The innermost frames with their share of all samples, largest first.

    >>> hottest("a;b 3\na 1", most=1)
    {'b': 0.75}
    """
    counted: Counter[str] = Counter()
    for frames, many in _samples(raw):
        counted[frames[-1]] += many
    total = counted.total()
    return {frame: round(many / total, 3) for frame, many in counted.most_common(most)}
