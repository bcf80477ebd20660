"""A checker that cannot fail proves nothing: every invariant is broken here, one at a time."""

import pytest

from tests.readyup.history.runs import FLEET, QUEUE, Doctoring, Log, good_run

PLANTED: list[tuple[str, Doctoring]] = []


def plant(invariant: str):
    """The doctored run breaks this invariant, and no other."""

    def register(doctor: Doctoring) -> Doctoring:
        PLANTED.append((invariant, doctor))
        return doctor

    return register


def _commit_both(log: Log, match: str, ticket: str) -> None:
    log.find("match.proposed", match=match)["tickets"].append(ticket)
    log.find("match.announced", match=match)["tickets"].append(ticket)
    commit = log.find("match.committed", match=match)
    commit["tickets"].append(ticket)
    commit["teams"]["red"] += [[ticket, player] for player in log.players[ticket]]
    for player in log.players[ticket]:  # it heard of neither
        log.after(commit, f"bot/{player}", "bot.crashed", player=player)


@plant("1")
def two_matches_commit_one_ticket(log: Log) -> None:
    _commit_both(log, "m4", "t1")


@plant("2")
def a_commit_leaves_one_of_its_tickets_behind(log: Log) -> None:
    log.find("match.proposed", match="m4")["tickets"].append("t8")


@plant("2")
def a_cancelled_ticket_is_committed(log: Log) -> None:
    _commit_both(log, "m4", "t5")
    log.drop("bot.cancel", "bot.told", player="eve")


@plant("2")
def a_closed_match_is_committed(log: Log) -> None:
    proposed = log.find("match.proposed", match="m1")
    log.after(proposed, QUEUE, "match.closed", match="m1", reason="late", tickets=["t1", "t2"])


@plant("2")
def a_committed_match_is_closed(log: Log) -> None:
    commit = log.find("match.committed", match="m1")
    log.after(commit, QUEUE, "match.closed", match="m1", reason="late", tickets=["t1", "t2"])
    log.drop("match.announced", "match.ended", "bot.assigned", "api.pushed", match="m1")
    log.drop("player.joined", "bot.joined", "bot.result", "bot.ended", match="m1")


@plant("2")
def a_match_is_announced_without_a_commit(log: Log) -> None:
    log.drop("match.committed", match="m5")
    for ticket in ("t9", "t10"):
        proposed = log.find("match.proposed", match="m5")
        log.after(proposed, QUEUE, "ticket.expired", ticket=ticket, reason="absent")


@plant("3")
def a_ticket_expires_after_it_was_assigned(log: Log) -> None:
    log.after(log.find("match.committed", match="m1"), QUEUE, "ticket.expired", ticket="t1")


@plant("3")
def a_ticket_comes_back_from_the_dead(log: Log) -> None:
    expired = log.find("ticket.expired", ticket="t8")
    log.after(expired, QUEUE, "ticket.enqueued", ticket="t8", players=["hal"])


@plant("3")
def a_ticket_that_has_left_is_told_to_wait_on(log: Log) -> None:
    log.after(log.find("ticket.expired", ticket="t8"), QUEUE, "ticket.unmatched", ticket="t8")


@plant("3")
def a_cancel_is_granted_to_a_player_who_plays(log: Log) -> None:
    told = log.find("bot.ended", player="ann")
    log.after(told, "bot/ann", "bot.cancel", ph="ok", player="ann", ticket="t1")


@plant("3")
def a_gone_ticket_is_proposed_in_vain(log: Log) -> None:
    expired = log.find("ticket.expired", ticket="t8")
    doomed = {"match": "m9", "epoch": 2, "tickets": ["t8"]}
    proposed = log.after(expired, QUEUE, "match.proposed", **doomed)
    log.after(proposed, QUEUE, "match.closed", match="m9", reason="late", tickets=[])


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


@plant("7")
def a_party_plays_against_itself(log: Log) -> None:
    teams = log.find("match.committed", match="m2")["teams"]
    teams["red"][1], teams["blue"][1] = teams["blue"][1], teams["red"][1]


@plant("7")
def a_party_loses_a_member(log: Log) -> None:
    log.find("ticket.enqueued", ticket="t8")["players"] = ["hal"]
    log.find("ticket.enqueued", ticket="t1")["players"] = ["ann", "pal"]


@plant("8")
def a_deposed_director_commits(log: Log) -> None:
    log.find("match.committed", match="m4")["epoch"] = 1


@plant("8")
def a_term_begins_twice(log: Log) -> None:
    log.after(log.find("leader.elected", epoch=2), QUEUE, "leader.elected", epoch=2, holder="d3")


@plant("9")
def a_repeated_key_makes_a_second_ticket(log: Log) -> None:
    log.find("ticket.enqueued", ticket="t8")["key"] = "k1"


@plant("9")
def a_repeated_request_is_answered_differently(log: Log) -> None:
    answer = log.find("bot.enqueue", ph="ok", ticket="t8")
    answer["key"] = "k8"
    twin = log.after(answer, **answer)
    twin["ticket"] = "t8b"
    expired = log.find("ticket.expired", ticket="t8")
    made = log.after(expired, QUEUE, "ticket.enqueued", ticket="t8b", players=["hal"])
    log.after(made, QUEUE, "ticket.expired", ticket="t8b")


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


@plant("witnesses")
def a_bot_says_nothing_of_its_match(log: Log) -> None:
    log.drop("bot.assigned", "bot.joined", "bot.result", "bot.ended", player="ann")


@plant("witnesses")
def a_bot_never_tells_that_it_was_sent(log: Log) -> None:
    log.drop("bot.assigned", "bot.joined", "bot.result", player="ann")


@plant("witnesses")
def a_bot_never_tells_that_it_played(log: Log) -> None:
    log.drop("bot.joined", "bot.result", "bot.ended", player="ann")


@plant("witnesses")
def a_bot_hears_nothing_and_leaves_much_later(log: Log) -> None:
    log.drop("bot.assigned", "bot.joined", "bot.result", "bot.ended", player="ann")
    log.drop("player.joined", player="ann")
    log.after(log.find("bot.told", player="ann"), "bot/ann", "bot.left", player="ann")["t"] += (
        60_000
    )


@plant("witnesses")
def a_crash_before_the_ticket_excuses_nobody(log: Log) -> None:
    log.drop("bot.assigned", "bot.joined", "bot.result", "bot.ended", player="ann")
    log.drop("player.joined", player="ann")
    log.after(log.find("run.started"), "bot/ann", "bot.crashed", player="ann")


@plant("witnesses")
def a_server_says_nothing_of_its_match(log: Log) -> None:
    log.lines = [line for line in log.lines if line["src"] != "server/u4"]


@plant("witnesses")
def a_server_says_nothing_of_its_guest(log: Log) -> None:
    log.drop("player.joined", match="m1", player="ann")


@plant("witnesses")
def a_server_never_tells_the_end(log: Log) -> None:
    log.drop("match.finished", match="m1")


@plant("witnesses")
def nobody_acks_an_announced_match(log: Log) -> None:
    log.drop("room.acked", "server.assigned", "server.acked", match="m5")


@plant("4")
def two_fleets_give_a_match_rooms(log: Log) -> None:
    claimed = log.find("room.claimed", match="m1")
    there, place = "fleet/far", {**log.place["m1"], "match": "m1"}
    for kind in ("room.released", "session.ended", "room.claimed", "room.added"):
        fields = {**place, "room": "f1/0", "server": "f1", "reason": "lost"}
        log.after(claimed, there, kind, **fields)


@plant("witnesses")
def nobody_acks_for_a_server_that_speaks_only_an_agones_sdk(log: Log) -> None:
    log.spoken_for("m2", "label")
    log.drop("room.acked", match="m2")
    log.find("session.ended", match="m2")["reason"] = "no-join"


@plant("witnesses")
def a_bot_joins_a_server_that_nobody_spoke_for(log: Log) -> None:
    log.spoken_for("m2", "patch")
    log.find("bot.joined", player="cat")["server"] = "u2"


@plant("14")
def a_match_is_committed_before_one_has_accepted(log: Log) -> None:
    log.drop("ticket.accepted", ticket="t02")


@plant("14")
def a_match_is_committed_with_one_who_declined(log: Log) -> None:
    log.find("ticket.accepted", ticket="t02")["k"] = "ticket.declined"


@plant("14")
def the_store_accepts_in_the_place_of_a_player(log: Log) -> None:
    log.drop("bot.answered", player="vic")


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


@pytest.mark.parametrize(
    ("invariant", "doctor"), PLANTED, ids=[f"{n}-{bug.__name__}" for n, bug in PLANTED]
)
def test_a_planted_bug_is_named_by_its_invariant_and_no_other(invariant: str, doctor: Doctoring):
    log = good_run()
    doctor(log)
    verdict = log.judge()

    named = {breach.invariant.partition(" ")[0].rstrip(":") for breach in verdict.breaches}
    assert named == {invariant}, verdict.breaches
    assert verdict.exit_code == 1


def test_every_invariant_is_broken_at_least_once():
    assert {invariant for invariant, _ in PLANTED} == {*map(str, range(1, 16)), "witnesses"}
