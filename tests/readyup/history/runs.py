"""Builds the log of a run in words, and doctors it."""

import copy
import json
from collections.abc import Callable
from typing import Any

from readyup.history.check import Verdict, judge

Line = dict[str, Any]
Teams = dict[str, list[str]]

QUEUE, FLEET = "queue/duel", "fleet/arena"


class Log:
    """A log in the making. Stream ids are given when it is written, so lines may be moved."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.now_ms = 1_000
        self.players: dict[str, tuple[str, ...]] = {}
        self.teams: dict[str, Teams] = {}
        self.place: dict[str, dict[str, Any]] = {}
        self.director = 0

    def say(self, src: str, k: str, **fields: object) -> Line:
        self.now_ms += 10
        line = {"t": self.now_ms, "src": src, "k": k, **copy.deepcopy(fields)}
        self.lines.append(line)
        return line

    def elect(self, epoch: int) -> None:
        self.director = epoch
        self.say(QUEUE, "leader.elected", epoch=epoch, holder=f"d{epoch}")

    def rooms(self, *rooms: str) -> None:
        for room in rooms:
            uid = room.partition("/")[0]
            self.say(f"server/{uid}", "server.ready", server=uid)
            self.say(FLEET, "room.added", room=room, server=uid)

    def enqueue(self, ticket: str, *players: str, key: str | None = None) -> None:
        bot = {"player": players[0], "queue": "duel", **({"key": key} if key else {})}
        self.players[ticket] = players
        self.say(f"bot/{players[0]}", "bot.enqueue", ph="invoke", **bot)
        said = {"ticket": ticket, "players": list(players), "ver": 1, "mmr": 1500.0}
        self.say(QUEUE, "ticket.enqueued", **said, **({"key": key} if key else {}))
        self.say(f"bot/{players[0]}", "bot.enqueue", ph="ok", ticket=ticket, **bot)
        self.tell(ticket, "QUEUED", 1)

    def tell(self, ticket: str, status: str, ver: int) -> None:
        for player in self.players[ticket]:
            news = {"player": player, "ticket": ticket, "status": status, "ver": ver}
            self.say(f"bot/{player}", "bot.told", **news)

    def cancel(self, ticket: str, ph: str) -> None:
        player = self.players[ticket][0]
        self.say(f"bot/{player}", "bot.cancel", ph=ph, player=player, ticket=ticket)

    def propose(self, match: str, room: str, teams: Teams) -> None:
        """Take the tickets, and hold a room for them."""
        self.teams[match] = teams
        tickets = [ticket for team in teams.values() for ticket in team]
        self.say(QUEUE, "match.proposed", match=match, epoch=self.director, tickets=tickets)
        self.place[match] = {"room": room, "server": room.partition("/")[0], "session_epoch": 1}
        self.say(FLEET, "room.claimed", match=match, **self.place[match])

    def accept(self, match: str) -> None:
        """Its players were asked, and all of them accept."""
        self.find("match.proposed", match=match)["accept_by_ms"] = self.now_ms + 10_000
        for ticket, player in self.seated(match):
            said = {"ticket": ticket, "match": match}
            self.tell(ticket, "REQUIRES_ACCEPTANCE", 2)
            self.say(f"bot/{player}", "bot.answered", player=player, accept=True, **said)
            self.say(QUEUE, "ticket.accepted", players=[player], **said)
        self.say(QUEUE, "match.accepted", match=match)

    def close(self, match: str, *back: str) -> None:
        self.say(QUEUE, "match.closed", match=match, epoch=1, reason="cancelled", tickets=[*back])
        self.release(match, "closed")

    def seats(self, match: str) -> dict[str, list[list[str]]]:
        return {
            team: [[ticket, player] for ticket in tickets for player in self.players[ticket]]
            for team, tickets in self.teams[match].items()
        }

    def commit(self, match: str) -> None:
        tickets = [ticket for team in self.teams[match].values() for ticket in team]
        said = {"match": match, "epoch": self.director, "tickets": tickets}
        self.say(QUEUE, "match.committed", **said, teams=self.seats(match))
        where = {"fleet": "arena", **self.place[match], "ver": 3, "formed_us": "1"}
        self.say(QUEUE, "match.announced", **said, **where)

    def seated(self, match: str) -> list[tuple[str, str]]:
        return [(t, p) for seats in self.seats(match).values() for t, p in seats]

    def assign(self, match: str, ver: int = 3) -> None:
        """The push, and the players who hear it."""
        for tickets in self.teams[match].values():
            for ticket in tickets:
                said = {"ticket": ticket, "match": match, "ver": ver, "place_us": 900}
                self.say("api/0", "api.pushed", **said, players=list(self.players[ticket]))
        for ticket, player in self.seated(match):
            said = {"player": player, "ticket": ticket, "match": match, "ver": ver}
            self.say(f"bot/{player}", "bot.assigned", **said, **self.place[match], wait_ms=50)

    def host(self, match: str) -> None:
        """The server hears of its match, and is believed."""
        place = {"match": match, **self.place[match]}
        self.say(f"server/{place['server']}", "server.assigned", **place)
        self.say(FLEET, "room.acked", **place)
        self.say(f"server/{place['server']}", "server.acked", **place)

    def spoken_for(self, match: str, by: str) -> None:
        """Have its server be one that speaks only an Agones SDK: it has no events of its own."""
        server = self.place[match]["server"]
        self.lines = [line for line in self.lines if line["src"] != f"server/{server}"]
        self.drop("session.result", match=match)
        self.find("room.acked", match=match)["by"] = by

    def move(self, match: str, room: str) -> None:
        before = self.place[match]
        epoch = before["session_epoch"] + 1
        place = {"room": room, "server": room.partition("/")[0], "session_epoch": epoch}
        self.place[match] = place
        self.say(FLEET, "session.moved", match=match, **{"from": before["room"]}, **place)
        self.say(QUEUE, "match.moved", match=match, fleet="arena", **place)
        self.assign(match, ver=4)

    def lose_server(self, match: str) -> None:
        """It is gone in the middle of the match, with its rooms."""
        place = self.place[match]
        self.say(FLEET, "room.removed", room=place["room"], server=place["server"], reason="gone")
        self.say(FLEET, "session.handover", match=match, **place, snapshot_ms=self.now_ms)

    def join(self, match: str) -> None:
        place = self.place[match]
        for n, (_, player) in enumerate(self.seated(match)):
            said = {"match": match, **place, "player": player, "jti": f"{match}-{n}"}
            self.say(f"server/{place['server']}", "player.joined", **said, rejoin=False)
            said = {"player": player, "match": match, "server": place["server"], "rejoin": False}
            self.say(f"bot/{player}", "bot.joined", **said)

    def finish(self, match: str) -> None:
        place = {"match": match, **self.place[match]}
        self.say(f"server/{place['server']}", "match.finished", **place, result={"won": "red"})
        for _, player in self.seated(match):
            self.say(f"bot/{player}", "bot.result", player=player, match=match, result={})
        self.say(FLEET, "session.result", **place)
        self.release(match, "finished")
        self.say(f"server/{place['server']}", "server.released", **place)

    def release(self, match: str, reason: str) -> None:
        place = {"match": match, **self.place[match], "reason": reason}
        self.say(FLEET, "session.ended", **place)
        self.say(FLEET, "room.released", **place)

    def end_match(self, match: str, reason: str) -> None:
        self.say(QUEUE, "match.ended", match=match, reason=reason)

    def play(self, match: str, room: str, teams: Teams) -> None:
        """A match from its proposal to its end, nothing unusual."""
        self.propose(match, room, teams)
        self.arrive(match)

    def arrive(self, match: str) -> None:
        """A proposed match goes on to its end."""
        self.commit(match)
        self.assign(match)
        self.host(match)
        self.join(match)
        self.finish(match)
        self.end_match(match, "finished")
        for _, player in self.seated(match):
            said = {"player": player, "match": match, "reason": "finished"}
            self.say(f"bot/{player}", "bot.ended", **said)

    def end_run(self, **final: int) -> None:
        nothing = dict.fromkeys(
            ("waiting", "live_tickets", "held_rooms", "sessions", "processes"), 0
        )
        self.say("run", "run.ended", final=nothing | final)

    def find(self, k: str, **fields: object) -> Line:
        """The first line of that kind with those fields."""
        return next(
            line for line in self.lines if line["k"] == k and fields.items() <= line.items()
        )

    def drop(self, *kinds: str, **fields: object) -> None:
        """Take out every line of those kinds with those fields."""
        before = len(self.lines)
        self.lines = [
            line
            for line in self.lines
            if line["k"] not in kinds or not fields.items() <= line.items()
        ]
        assert len(self.lines) < before, "nothing to drop"

    def after(self, anchor: Line, src: str, k: str, **fields: object) -> Line:
        """Put a line right behind another, at its time."""
        fields.pop("t", None)
        line = {"t": anchor["t"], "src": src, "k": k, **copy.deepcopy(fields)}
        at = next(n for n, other in enumerate(self.lines) if other is anchor)
        self.lines.insert(at + 1, line)
        return line

    def written(self) -> list[bytes]:
        return written(self.lines)

    def judge(self) -> Verdict:
        return judge(self.written(), "run.jsonl")


def written(lines: list[Line]) -> list[bytes]:
    """As the recorder writes them: store events with their place in the stream."""
    out = []
    for n, line in enumerate(lines):
        stored = line["src"].startswith(("queue/", "fleet/"))
        out.append(json.dumps({**line, "i": f"{n + 1}-0"} if stored else line).encode() + b"\n")
    return out


def good_run() -> Log:
    """An evening in which everything happens that may, and nothing that must not."""
    log = Log()
    log.say("run", "run.started", seed=1, players=12, servers=4)
    log.elect(1)
    log.rooms("u1/0", "u2/0", "u3/0", "u4/0")

    log.enqueue("t1", "ann", key="k1")
    log.enqueue("t2", "bob")
    log.play("m1", "u1/0", {"red": ["t1"], "blue": ["t2"]})

    # A match that asks its players first.
    log.enqueue("t01", "uma")
    log.enqueue("t02", "vic")
    log.propose("m0", "u1/0", {"red": ["t01"], "blue": ["t02"]})
    log.accept("m0")
    log.arrive("m0")

    # Two parties; their first server never acks, so they are moved.
    log.enqueue("t3", "cat", "cid")
    log.enqueue("t4", "dan", "deb")
    log.propose("m2", "u2/0", {"red": ["t3"], "blue": ["t4"]})
    log.commit("m2")
    log.assign("m2")
    log.move("m2", "u3/0")
    log.host("m2")
    log.join("m2")
    log.finish("m2")
    log.end_match("m2", "finished")
    log.say(FLEET, "room.removed", room="u2/0", server="u2", reason="lost")
    log.say(FLEET, "server.deleted", server="u2", name="u2", reason="unhealthy")

    # A cancel while placing closes the match; who was left plays under the next director.
    log.enqueue("t5", "eve")
    log.enqueue("t6", "fay")
    log.propose("m3", "u1/0", {"red": ["t5"], "blue": ["t6"]})
    log.cancel("t5", "invoke")
    log.say(QUEUE, "ticket.cancelled", ticket="t5", ver=3)
    log.close("m3", "t6")
    log.cancel("t5", "ok")
    log.tell("t5", "CANCELLED", 3)
    log.elect(2)
    log.enqueue("t7", "gus")
    log.say(FLEET, "match.waiting", match="m4")
    log.play("m4", "u1/0", {"red": ["t6"], "blue": ["t7"]})

    # One expires.
    log.enqueue("t8", "hal")
    log.say(QUEUE, "ticket.unmatched", ticket="t8", ver=2, waited_ms=30_000, why="")
    log.say(QUEUE, "ticket.expired", ticket="t8", ver=3, reason="lifetime")
    log.tell("t8", "TIMED_OUT", 3)

    # Two crash before they hear of their match; nobody joins.
    log.enqueue("t9", "ida")
    log.enqueue("t10", "jim")
    log.propose("m5", "u4/0", {"red": ["t9"], "blue": ["t10"]})
    log.say("bot/ida", "bot.crashed", player="ida")
    log.say("bot/jim", "bot.crashed", player="jim")
    log.commit("m5")
    log.host("m5")
    log.release("m5", "no-join")
    log.end_match("m5", "no-join")

    # A server dies in the middle of a match, which goes on at another.
    log.rooms("u5/0", "u6/0")
    log.enqueue("t13", "liv")
    log.enqueue("t14", "max")
    log.propose("m10", "u5/0", {"red": ["t13"], "blue": ["t14"]})
    log.commit("m10")
    log.assign("m10")
    log.host("m10")
    log.join("m10")
    log.lose_server("m10")
    log.move("m10", "u6/0")
    log.host("m10")
    log.join("m10")
    log.finish("m10")
    log.end_match("m10", "finished")

    log.say(FLEET, "room.removed", room="u4/0", server="u4", reason="retired")
    log.say(FLEET, "server.deleted", server="u4", name="u4", reason="scale")
    log.say("run", "run.drained")
    log.end_run()
    return log


Doctoring = Callable[[Log], None]
