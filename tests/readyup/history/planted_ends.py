"""Bugs of how matches, sessions and runs end, as the log of a run would show them."""

from tests.readyup.history.planting import Planted, planter
from tests.readyup.history.runs import QUEUE, Log

BUGS: Planted = []
plant = planter(BUGS)


@plant("10")
def an_accepted_ticket_is_in_no_queue(log: Log) -> None:
    log.drop("ticket.enqueued", "ticket.unmatched", "ticket.expired", "bot.told", ticket="t8")


@plant("10")
def the_store_counts_a_player_who_never_came(log: Log) -> None:
    log.find("run.ended")["final"]["waiting"] = 1


@plant("10")
def a_committed_match_is_nowhere(log: Log) -> None:
    log.drop("match.announced", match="m5")
    log.drop("room.claimed", "room.acked", "session.ended", "room.released", match="m5")
    log.drop("server.assigned", "server.acked", match="m5")


@plant("12")
def an_announced_match_is_closed(log: Log) -> None:
    announced = log.find("match.announced", match="m5")
    log.after(announced, QUEUE, "match.closed", match="m5", reason="late", tickets=[])


@plant("12")
def the_session_of_an_announced_match_is_closed(log: Log) -> None:
    log.find("session.ended", match="m5")["reason"] = "closed"


@plant("12")
def a_bot_was_told_what_the_store_forgot(log: Log) -> None:
    told = log.find("bot.told", player="hal", status="QUEUED")
    gone = {"match": "m7", "server": "u1", "session_epoch": 1, "ver": 2}
    log.after(told, "bot/hal", "bot.assigned", player="hal", ticket="t8", **gone)


@plant("13")
def a_ticket_waits_for_ever(log: Log) -> None:
    log.drop("ticket.expired", ticket="t8")
    log.drop("bot.told", ticket="t8", status="TIMED_OUT")
    log.find("run.ended")["final"] |= {"waiting": 1, "live_tickets": 1}


@plant("13")
def a_session_never_ends(log: Log) -> None:
    log.drop("session.ended", "room.released", match="m2")
    log.find("run.ended")["final"] |= {"sessions": 1, "held_rooms": 1}


@plant("13")
def players_never_hear_that_their_match_is_over(log: Log) -> None:
    log.drop("match.ended", match="m1")


@plant("13")
def a_process_is_left_behind(log: Log) -> None:
    log.find("run.ended")["final"]["processes"] = 1


@plant("15")
def a_result_is_recorded_twice(log: Log) -> None:
    result = log.find("session.result", match="m1")
    log.after(result, **result)


@plant("15")
def the_old_servers_result_counts_after_the_handing_over(log: Log) -> None:
    log.find("session.result", match="m10").update(server="u5", session_epoch=1)


@plant("15")
def a_match_with_a_result_is_handed_over(log: Log) -> None:
    result = log.find("session.result", match="m10")
    log.lines.remove(result)
    old = result | {"server": "u5", "session_epoch": 1, "room": "u5/0"}
    at = log.lines.index(log.find("session.handover", match="m10"))
    log.lines.insert(at, old)
    log.after(log.lines[at - 1], "server/u5", "match.finished", **{
        name: old[name] for name in ("match", "room", "server", "session_epoch")
    })  # fmt: skip


@plant("15")
def a_match_waits_two_minutes_for_its_second_server(log: Log) -> None:
    for line in log.lines[log.lines.index(log.find("session.moved", match="m10")) :]:
        line["t"] += 120_000


@plant("15")
def a_dead_servers_match_is_forgotten(log: Log) -> None:
    log.drop("run.drained")
    at = log.lines.index(log.find("session.handover", match="m10"))
    end = log.lines[-1] | {"t": log.now_ms + 120_000}
    end["final"] = end["final"] | {"sessions": 1}
    log.lines = [*log.lines[:at], end]


@plant("15")
def a_match_that_never_lost_its_server_is_abandoned(log: Log) -> None:
    log.find("session.ended", match="m5")["reason"] = "abandoned"


@plant("15")
def a_finished_match_has_no_result(log: Log) -> None:
    log.drop("session.result", match="m1")
