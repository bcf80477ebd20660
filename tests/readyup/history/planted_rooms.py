"""Bugs of rooms, their servers and those who lead, as the log of a run would show them."""

from tests.readyup.history.planting import Planted, planter
from tests.readyup.history.runs import FLEET, QUEUE, Log

BUGS: Planted = []
plant = planter(BUGS)


@plant("4")
def a_held_room_is_claimed(log: Log) -> None:
    claim = log.find("room.claimed", match="m5")
    log.lines = [line for line in log.lines if line is not claim]
    log.after(log.find("room.claimed", match="m4"), **claim | {"room": "u1/0", "server": "u1"})
    for line in log.lines:
        if line.get("match") == "m5" and line["k"] != "room.claimed":
            if line["src"] == "server/u4":
                line["src"] = "server/u1"
            if line.get("room") == "u4/0":
                line |= {"room": "u1/0", "server": "u1"}


@plant("4")
def a_room_is_given_back_by_a_stranger(log: Log) -> None:
    log.find("room.released", match="m1")["session_epoch"] = 7


@plant("4")
def an_ack_for_another_epoch_is_accepted(log: Log) -> None:
    acked = log.find("room.acked", match="m2")
    log.after(acked, **acked | {"room": "u2/0", "server": "u2", "session_epoch": 1})
    log.after(
        log.find("server.ready", server="u2"), "server/u2", "server.assigned",
        server="u2", match="m2", room="u2/0", session_epoch=1,
    )  # fmt: skip


@plant("4")
def a_server_goes_back_to_an_earlier_match(log: Log) -> None:
    late = log.find("player.joined", match="m1", player="ann") | {"jti": "again"}
    log.after(log.find("player.joined", match="m4", player="gus"), **late)


@plant("5")
def an_announcement_names_a_room_of_another(log: Log) -> None:
    log.find("match.announced", match="m5")["room"] = "u3/0"


@plant("5")
def an_announcement_names_an_epoch_that_never_was(log: Log) -> None:
    log.find("match.moved", match="m2")["session_epoch"] = 3
    for line in log.lines:
        if line["k"] == "bot.assigned" and line["match"] == "m2" and line["ver"] == 4:
            line["session_epoch"] = 3


@plant("5")
def a_bot_is_sent_to_another_server_than_announced(log: Log) -> None:
    log.find("bot.assigned", match="m1", player="ann")["server"] = "u4"


@plant("5")
def a_bot_hears_an_older_version(log: Log) -> None:
    told = log.find("bot.assigned", match="m1", player="ann")
    log.after(
        told, "bot/ann", "bot.told", player="ann", ticket="t1", status="PLACING", ver=2
    )  # fmt: skip


@plant("5")
def a_server_admits_a_stranger(log: Log) -> None:
    stranger = log.find("player.joined", match="m1") | {"player": "hal", "jti": "x"}
    log.after(log.find("player.joined", match="m1"), **stranger)
    told = log.find("bot.told", player="hal", status="TIMED_OUT")
    log.after(told, "bot/hal", "bot.ended", player="hal", match="m1", reason="finished")


@plant("5")
def a_token_opens_the_door_twice(log: Log) -> None:
    log.find("player.joined", match="m1", player="bob")["jti"] = "m1-0"


@plant("5")
def a_server_admits_before_its_ack(log: Log) -> None:
    log.drop("room.acked", match="m1")
    ended = log.find("session.ended", match="m1")
    ended["reason"] = "lost"


@plant("6")
def a_server_is_scaled_away_under_its_players(log: Log) -> None:
    hosted = log.find("room.acked", match="m1")
    log.after(hosted, FLEET, "server.deleted", server="u1", name="u1", reason="scale")


@plant("8")
def a_deposed_director_commits(log: Log) -> None:
    log.find("match.committed", match="m4")["epoch"] = 1


@plant("8")
def a_term_begins_twice(log: Log) -> None:
    log.after(log.find("leader.elected", epoch=2), QUEUE, "leader.elected", epoch=2, holder="d3")


@plant("11")
def a_room_is_kept_for_a_match_that_is_over(log: Log) -> None:
    log.drop("room.released", match="m2")
    log.find("run.ended")["final"]["held_rooms"] = 1


@plant("11")
def the_store_holds_a_room_that_nobody_claimed(log: Log) -> None:
    log.find("run.ended")["final"]["held_rooms"] = 1


@plant("11")
def a_room_is_held_for_a_match_that_no_queue_knows(log: Log) -> None:
    ghost = {"room": "u3/0", "match": "m8", "session_epoch": 1}
    released = log.find("room.released", match="m2")
    claim = log.after(released, FLEET, "room.claimed", **ghost, server="u3")
    ended = log.after(claim, FLEET, "session.ended", **ghost, reason="closed")
    log.after(ended, FLEET, "room.released", **ghost, server="u3", reason="closed")


@plant("4")
def two_fleets_give_a_match_rooms(log: Log) -> None:
    claimed = log.find("room.claimed", match="m1")
    there, place = "fleet/far", {**log.place["m1"], "match": "m1"}
    for kind in ("room.released", "session.ended", "room.claimed", "room.added"):
        fields = {**place, "room": "f1/0", "server": "f1", "reason": "lost"}
        log.after(claimed, there, kind, **fields)
