"""Bugs of tickets and their matches, as the log of a run would show them."""

from tests.readyup.history.planting import Planted, planter
from tests.readyup.history.runs import QUEUE, Log

BUGS: Planted = []
plant = planter(BUGS)


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


@plant("7")
def a_party_plays_against_itself(log: Log) -> None:
    teams = log.find("match.committed", match="m2")["teams"]
    teams["red"][1], teams["blue"][1] = teams["blue"][1], teams["red"][1]


@plant("7")
def a_party_loses_a_member(log: Log) -> None:
    log.find("ticket.enqueued", ticket="t8")["players"] = ["hal"]
    log.find("ticket.enqueued", ticket="t1")["players"] = ["ann", "pal"]


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


@plant("14")
def a_match_is_committed_before_one_has_accepted(log: Log) -> None:
    log.drop("ticket.accepted", ticket="t02")


@plant("14")
def a_match_is_committed_with_one_who_declined(log: Log) -> None:
    log.find("ticket.accepted", ticket="t02")["k"] = "ticket.declined"


@plant("14")
def the_store_accepts_in_the_place_of_a_player(log: Log) -> None:
    log.drop("bot.answered", player="vic")
