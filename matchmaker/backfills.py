"""Running matches that ask for players: a request is written here, and lives beside its match.

A match's server has one request, and so have back ends; theirs stands before the server's,
which waits beneath it. A request is a partly filled match: everything that a pass needs to
judge a newcomer stands in it, so that the pass can be run again from the log.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from core.errors import Invalid
from core.ids import MatchId, PlayerId, TicketId
from core.lua import LuaScript, as_json
from matchmaker.records import Records, waiting_ticket
from matchmaker.rules.asked import Asked
from matchmaker.rules.model import Rules
from matchmaker.rules.ruleset import RuleSet
from matchmaker.tickets import MatchRecord, OpenMatch, WaitingTicket

BACKFILL, BACKFILL_ENDS = (
    LuaScript.load("matchmaker.lua", name) for name in ("backfill", "backfill_ends")
)

ENDS_MAX = 100
"""Requests ended in one call."""

TRIES = 3
"""How often a request is written anew because newcomers came while it was written."""

open_match = msgspec.json.Decoder(OpenMatch).decode


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for in the name of a running match."""

    match: MatchId
    id: str
    """The same again is the same request; without one, what is asked of whom says which it is."""

    open: Mapping[str, int]
    """Team to seats. None in any takes back what was asked for before."""

    gone: tuple[PlayerId, ...] = ()
    """Whose seats may be given away."""

    epoch: int = 0
    """Session epoch of the server that asks; 0 for a back end, which asks wherever the match is."""

    automatic: bool = False
    """Nobody asks: these have left and did not come back."""

    wait_s: float = 0.0
    """For how long a back end's request stands; 0 for as long as the match is played there."""

    def by(self) -> Literal["server", "backend"]:
        """Whose request it is."""
        return "server" if self.epoch else "backend"


async def ask(queue: Records, wanted: Wanted, *, now_ms: int) -> str:
    """Have a running match asked for players, or take that back.

    The same again is the same request, and its time begins anew. A back end takes back whatever
    there is, a server its own request.

    Returns:
        "open", also again, and when it waits beneath a back end's; "withdrawn"; "off" where the
        queue does not want it; "ended" or "moved" when it is not played, or not there; "filling"
        while newcomers are on their way.

    Raises:
        Invalid: seats of teams that there are not, or that have no room; or the match is so old
            that its players are not known any more.
    """
    allowed = queue.settings.backfill
    if allowed == "off" or (wanted.automatic and allowed != "auto"):
        return "off"
    for _ in range(TRIES):
        record = await queue.match(wanted.match)
        if record is None or record.placement is None or not _is_played(record):
            return "ended"
        request = await _request(queue, record, wanted, now_ms=now_ms)
        outcome = await BACKFILL(
            queue.store.durably,
            keys={"base": queue.base},
            args={
                "now_ms": now_ms,
                "match": wanted.match,
                "by": wanted.by(),
                "backfill": request.id if request else "",
                "fills": str(record.fills),
                "epoch": wanted.epoch or record.placement.epoch,
                "request": as_json(request) if request else "",
                "expires_ms": now_ms + round(wanted.wait_s * 1000) if wanted.wait_s else 0,
            },
        )
        if outcome != "changed":
            return str(outcome)
    return "filling"


async def end_due(queue: Records, *, now_ms: int) -> None:
    """End the requests whose time is over; a server's that waits beneath one stands then."""
    due = ENDS_MAX if queue.settings.backfill != "off" else 0
    while due == ENDS_MAX:
        due = await BACKFILL_ENDS(
            queue.store.durably,
            keys={"base": queue.base},
            args={"now_ms": now_ms, "limit": ENDS_MAX},
        )


async def asked(queue: Records) -> list[tuple[OpenMatch, bool]]:
    """Every request that lives, and whether newcomers are on their way because of it."""
    matches = sorted(await queue.store.call("SMEMBERS", f"{queue.base}:backfills"))
    keys = [("HMGET", f"{queue.base}:backfill:{one}", "request", "filling") for one in matches]
    held = await queue.store.many(keys) if keys else []
    return [(open_match(request), bool(filling)) for request, filling in held if request]


def _is_played(record: MatchRecord) -> bool:
    """Newcomers are a match too, and are played in the one that they went to."""
    return record.state == "committed" and not record.ended and record.fill is None


async def _request(
    queue: Records, record: MatchRecord, wanted: Wanted, *, now_ms: int
) -> OpenMatch | None:
    open_ = {team: seats for team, seats in sorted(wanted.open.items()) if seats}
    if not open_:
        return None
    assert record.placement is not None
    gone = tuple(sorted(set(wanted.gone)))
    _refuse_overfull(queue.settings.rules, record, open_, gone)
    tickets = list(dict.fromkeys(t for seats in record.teams.values() for t, _ in seats))
    known = await _as_matched(queue, tickets, now_ms=now_ms)
    present = {
        team: tuple(_present(known, seats, gone))
        for team, seats in ((name, record.teams.get(name, [])) for name in _teams(queue))
    }
    place = record.placement
    id_ = wanted.id or _named(record, place.epoch, open_, gone)
    return OpenMatch(
        id_, record.id, now_ms, place.fleet, place.epoch, open_, gone, record.teams, present
    )


def _named(
    record: MatchRecord, epoch: int, open_: Mapping[str, int], gone: Sequence[PlayerId]
) -> str:
    """An id that is the same while the match has the same players in the same place."""
    asked = hashlib.sha256(msgspec.json.encode((open_, gone))).hexdigest()
    return f"{record.id}/{epoch}-{record.fills}-{asked[:16]}"


def _teams(queue: Records) -> tuple[str, ...]:
    return queue.settings.rules.team_names()


def _refuse_overfull(
    rules: Asked, record: MatchRecord, open_: Mapping[str, int], gone: Sequence[PlayerId]
) -> None:
    most = _most(rules)
    for team, seats in open_.items():
        if team not in most:
            raise Invalid(
                f"there is no team {team!r}; there are: {', '.join(most)}", field="$.open"
            )
        there = sum(player not in gone for _, player in record.teams.get(team, []))
        if not 0 < seats <= most[team] - there:
            left = most[team] - there
            raise Invalid(
                f"team {team!r} has {there} who stay and {left} seats left, not {seats}; "
                "name in gone whose seats may be given away",
                field=f"$.open.{team}",
            )


def _most(rules: Asked) -> dict[str, int]:
    """Team to players that it may have, at whatever age."""
    if isinstance(rules, RuleSet):
        ages = [rules.at(age_s).teams for age_s in rules.ages_s()]
        return {
            name: max(team.max_players for teams in ages for team in teams if team.name == name)
            for name in rules.team_names()
        }
    assert isinstance(rules, Rules), rules
    return dict.fromkeys(rules.teams, rules.team_size)


async def _as_matched(
    queue: Records, tickets: Sequence[TicketId], *, now_ms: int
) -> dict[TicketId, WaitingTicket]:
    """Tickets of a match as they were when it was made: as long as they had waited, no longer."""
    held = await queue.store.many(
        [
            ("HMGET", f"{queue.base}:ticket:{ticket}", "body", "enqueued_ms", "ended_ms")
            for ticket in tickets
        ]
    )
    found = {}
    for ticket, (body, enqueued_ms, ended_ms) in zip(tickets, held, strict=True):
        if body is None:
            raise Invalid(
                "the match is over an hour old: what its players brought along is not known "
                "any more",
                field="$.match",
            )
        waited_ms = int(ended_ms or now_ms) - int(enqueued_ms)
        found[ticket] = waiting_ticket(ticket, body, now_ms - waited_ms)
    return found


def _present(
    known: Mapping[TicketId, WaitingTicket],
    seats: Sequence[tuple[TicketId, PlayerId]],
    gone: Sequence[PlayerId],
) -> list[WaitingTicket]:
    staying: dict[TicketId, list[PlayerId]] = {}
    for ticket, player in seats:
        if player not in gone:
            staying.setdefault(ticket, []).append(player)
    return [
        replace(
            known[ticket],
            players=tuple(players),
            members=tuple(one for one in known[ticket].members if one.id in players),
        )
        for ticket, players in staying.items()
    ]
