"""Tickets and matches of one queue in Redis: each change one script, each script guarded.

The keys are described in docs/redis-keys.md. A script that is sent twice has one effect, so
every call here may be repeated when its answer was lost. What players are told of, or a fleet
in another slot acts upon, is done durably, so that a failover does not forget it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from core.errors import Conflict, Exhausted, Invalid
from core.ids import FleetName, MatchId, TicketId
from core.lua import LuaScript, as_json
from core.placement import Placement
from matchmaker.penalties import barred, terms
from matchmaker.records import Body, Records, fleets_of, status_of
from matchmaker.tickets import Fill, NewTicket, Status, Teams

(
    ENQUEUE,
    CANCEL,
    HEARTBEAT,
    EXPIRE,
    PROPOSE,
    COMMIT,
    ANNOUNCE,
    SETTLE,
    MOVED,
    ENDED,
    IN_LINE,
    REDIRECT,
) = (
    LuaScript.load("matchmaker.lua", name)
    for name in (
        "enqueue",
        "cancel",
        "heartbeat",
        "expire",
        "propose",
        "commit",
        "announce",
        "settle",
        "moved",
        "ended",
        "in_line",
        "redirect",
    )
)

HEARTBEATS_MAX = 200
EXPIRE_MAX = 100


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What became of a request."""

    ticket: TicketId
    outcome: str
    """created, same (the idempotency key was seen before) or updated."""


class QueueStore(Records):
    """One queue: what changes it, besides what reads it."""

    async def enqueue(self, ticket: NewTicket, *, now_ms: int) -> Enqueued:
        """Let a ticket wait. The same idempotency key again gives the first answer.

        Raises:
            Conflict: a player of it waits already (``other`` is that ticket).
            Invalid: the idempotency key was used for something else.
            Exhausted: the queue is full.
            Limited: a player of it has a penalty to wait for.
        """
        ids = [player.id for player in ticket.players]
        outcome, *rest = await ENQUEUE(
            self.store.durably,
            keys={
                "base": self.base,
                "players": self.index,
                "idempotency": f"{self.base}:idem:{ticket.owner}:{ticket.key}",
            },
            args={
                "ticket": ticket.id,
                "now_ms": now_ms,
                "ids": as_json(ids),
                "body": as_json(_body_of(ticket)),
                "mmr": str(ticket.mmr()),
                "owner": ticket.owner,
                "expires_ms": ticket.expires_ms,
                "presence_ms": ticket.presence_ms,
                "digest": ticket.digest if ticket.key else "",
                "key": f"{ticket.owner}:{ticket.key}" if ticket.key else "",
                "waiting_max": self.settings.waiting_max,
                "update": int(self.settings.on_duplicate == "update"),
                "barring": int(bool(self.settings.penalty_s)),
            },
        )
        match outcome:
            case "busy":
                raise Conflict(
                    f"player {rest[1]!r} has a ticket already; cancel it first", other=rest[0]
                )
            case "mismatch":
                raise Invalid(
                    "this Idempotency-Key came before with another request", field="Idempotency-Key"
                )
            case "barred":
                raise barred(*rest, now_ms=now_ms)
            case "full":
                raise Exhausted(f"queue {self.settings.name!r} is full; try again in a while")
            case _:
                return Enqueued(TicketId(rest[0]), outcome)

    async def cancel(
        self, ticket: TicketId, *, now_ms: int, reason: str = "asked"
    ) -> Status | None:
        """Take a ticket out; returns the status it ended with, None when there is none such.

        Cancelled already gives CANCELLED again; a match that was committed first wins.
        """
        outcome, *rest = await CANCEL(
            self.store.durably,
            keys={"base": self.base, "players": self.index},
            args={
                "ticket": ticket,
                "now_ms": now_ms,
                "reason": reason,
                "terms": terms(self.settings),
            },
        )
        match outcome:
            case "cancelled":
                return Status.CANCELLED
            case "ended":
                return status_of(rest[0])
            case _:
                return None

    async def heartbeat(self, tickets: Collection[TicketId], *, now_ms: int) -> None:
        """The owners of these tickets are there; others' tickets run out of presence."""
        presence_ms = now_ms + round(self.settings.presence_s * 1000)
        many = list(tickets)
        for start in range(0, len(many), HEARTBEATS_MAX):
            await HEARTBEAT(
                self.store,
                keys={"base": self.base},
                args={
                    "tickets": as_json(many[start : start + HEARTBEATS_MAX]),
                    "presence_ms": presence_ms,
                },
            )

    async def expire(self, *, now_ms: int, absent_too: bool = True) -> None:
        """End what is due: lifetimes that are over, and, if asked, owners who have gone."""
        due = EXPIRE_MAX
        while due == EXPIRE_MAX:
            due = await EXPIRE(
                self.store,
                keys={"base": self.base, "players": self.index},
                args={"now_ms": now_ms, "limit": EXPIRE_MAX, "absent_too": int(absent_too)},
            )

    async def propose(  # noqa: PLR0913 - all that a match's record says of it
        self,
        match: MatchId,
        teams: Teams,
        *,
        epoch: int,
        deadline_ms: int,
        now_ms: int,
        fleets: tuple[FleetName, ...] = (),
        receipt: str = "",
        fill: Fill | None = None,
    ) -> tuple[str, list[TicketId]]:
        """Take all tickets of a match together, or none.

        ``fleets`` may give it a room, the first is asked; all of the queue's without it. Where
        the queue has a ready check, its players are asked to accept it from now on.

        Returns:
            "proposed", or "asking" where its players are asked; "over" when the running match
            of a ``fill`` asks for nobody any more; "gone" and the tickets that
            no longer wait; "stale" when a newer director leads; or the state of a match
            that is there already.
        """
        tickets = list(dict.fromkeys(t for seats in teams.values() for t, _ in seats))
        acceptance_ms = round(self.settings.acceptance_s * 1000)
        outcome, *rest = await PROPOSE(
            self.store.durably,
            keys={"base": self.base},
            args={
                "epoch": epoch,
                "now_ms": now_ms,
                "match": match,
                "tickets": as_json(tickets),
                "teams": as_json(teams),
                "deadline_ms": deadline_ms,
                "fleets": as_json(fleets or self.settings.fleets()),
                "accept_by_ms": now_ms + acceptance_ms if acceptance_ms else 0,
                "receipt": receipt,
                "fill": as_json(fill) if fill else "",
            },
        )
        return outcome, [TicketId(gone) for gone in rest]

    async def redirect(
        self, match: MatchId, left: FleetName, fleets: tuple[FleetName, ...], *, epoch: int
    ) -> tuple[str, tuple[FleetName, ...]]:
        """Have other fleets give a proposed match its room, once one was left for good.

        Returns:
            The match's state, or "stale" when a newer director leads; and which fleets its
            record names, the one to be asked first.
        """
        state, *named = await REDIRECT(
            self.store.durably,
            keys={"base": self.base},
            args={"epoch": epoch, "match": match, "from": left, "fleets": as_json(fleets)},
        )
        return state, fleets_of(named[0]) if named and named[0] else ()

    async def commit(self, match: MatchId, placement: Placement, *, epoch: int, now_ms: int) -> str:
        """Make the match stand: "committed" (also again), "closed" or "stale"."""
        return str(
            await COMMIT(
                self.store.durably,
                keys={"base": self.base, "players": self.index},
                args={
                    "epoch": epoch,
                    "now_ms": now_ms,
                    "match": match,
                    "placement": as_json(placement),
                },
            )
        )

    async def announce(
        self,
        match: MatchId,
        *,
        formed_us: int,
        claim_us: int,
        now_ms: int,
        traceparents: Mapping[TicketId, str] | None = None,
    ) -> bool:
        """Tell the players of a committed match; False when they were told before.

        ``formed_us`` and ``claim_us`` are for the log: when match and room both existed, and
        how long the claim took (0 when it waited in line). ``traceparents`` of those tickets
        that are traced go with what the players are told.
        """
        told = await ANNOUNCE(
            self.store,
            keys={"base": self.base},
            args={
                "now_ms": now_ms,
                "match": match,
                "formed_us": str(formed_us),
                "claim_us": claim_us,
                "traceparents": as_json(traceparents) if traceparents else "",
            },
        )
        return bool(told)

    async def in_line(self, match: MatchId, *, now_ms: int) -> None:
        """Tell the players of a proposed match that they are being placed."""
        await IN_LINE(self.store, keys={"base": self.base}, args={"now_ms": now_ms, "match": match})

    async def settle(self, match: MatchId, *, reason: str, now_ms: int) -> bool:
        """Close a match unless it is committed; True when it is. Absent counts as closed."""
        state = await SETTLE(
            self.store.durably,
            keys={"base": self.base},
            args={"now_ms": now_ms, "match": match, "reason": reason},
        )
        return bool(state == "committed")

    async def moved(self, placement: Placement, *, now_ms: int) -> bool:
        """Tell the players of a committed match its new room; False for an epoch known already."""
        told = await MOVED(
            self.store.durably,
            keys={"base": self.base},
            args={"now_ms": now_ms, "match": placement.match, "placement": as_json(placement)},
        )
        return bool(told)

    async def ended(self, match: MatchId, *, reason: str, now_ms: int) -> bool:
        """Tell the players that their match is over; False when they were told before."""
        told = await ENDED(
            self.store.durably,
            keys={"base": self.base},
            args={"now_ms": now_ms, "match": match, "reason": reason},
        )
        return bool(told)


def _body_of(ticket: NewTicket) -> Body:
    ids = [player.id for player in ticket.players]
    return Body(ids, ticket.mmr(), ticket.traceparent, ticket.members(), dict(ticket.apart))
