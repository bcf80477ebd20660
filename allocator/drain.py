"""What a node that is drained asks of its servers and matches: pure functions of what is seen.

Its servers are fenced in the same place where claims are answered, one Lua script each, so a
server is either fenced or claimed first, and never both at once. A match on a fenced server
plays on until it ends, or until the deadline; then it is handed over as rooms elsewhere are
warm, for a drain is no reason to lose a match. Only a server without matches is let go.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from allocator.ports import CLAIM_LABEL
from core.game_server import ServerView, State, is_on
from core.ids import MatchId, ServerUid

COMING = frozenset(
    {
        State.PORT_ALLOCATION,
        State.CREATING,
        State.STARTING,
        State.SCHEDULED,
        State.REQUEST_READY,
        State.READY,
    }
)
"""Nobody has such a server yet."""


class Drain(msgspec.Struct, frozen=True):
    """That a node is to be empty, in ``{f:F}:drains``, until an operator takes it back."""

    node: str
    began_ms: int
    by_ms: int | None = None
    """When what is left is handed over; None waits for the last match to end."""

    def is_due(self, now_ms: int) -> bool:
        """Whether what is left goes on elsewhere now."""
        return self.by_ms is not None and now_ms >= self.by_ms


class Stay(msgspec.Struct, frozen=True, array_like=True):
    """A match on a fenced server."""

    match: MatchId
    epoch: int
    since_ms: int
    """When the match was claimed first."""


class Progress(msgspec.Struct, frozen=True):
    """How far one fleet is, in ``{f:F}:drain-progress``."""

    t: int
    servers: int = 0
    """Fenced and still there."""

    stays: tuple[Stay, ...] = ()
    others: int = 0
    """Servers of the node that are neither ours nor free: somebody else has them."""

    def done(self) -> bool:
        """Whether nothing of ours is left on the node."""
        return not self.servers


decode_drain = msgspec.json.Decoder(Drain).decode
decode_progress = msgspec.json.Decoder(Progress).decode


def to_fence(
    running: Iterable[ServerView], drains: Mapping[str, Drain]
) -> dict[ServerUid, tuple[ServerView, Drain]]:
    """The servers on drained nodes that are ours to fence, each with its drain.

    One that somebody else has, that failed, or that is going already, is not.
    """
    return {
        one.uid: (one, drain)
        for one in running
        for drain in drains.values()
        if is_on(one, drain.node) and _is_ours(one)
    }


def others_on(running: Iterable[ServerView], node: str) -> int:
    """Servers of the node that somebody else has."""
    taken = (State.ALLOCATED, State.RESERVED)
    return sum(is_on(one, node) and one.state in taken and not _is_ours(one) for one in running)


def to_hand_over(stays: Collection[Stay], *, warm: int) -> list[Stay]:
    """Of the matches that are due on all nodes, those that go on elsewhere now: no more than
    there are ``warm`` rooms for, and those that would play longest first, which are the youngest.
    """
    return sorted(stays, key=lambda one: (-one.since_ms, one.match))[: max(0, warm)]


def _is_ours(server: ServerView) -> bool:
    taken = server.state is State.ALLOCATED and CLAIM_LABEL in server.labels
    return taken or server.state in COMING
