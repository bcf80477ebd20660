"""A newcomer to a running match, and the checker that cannot be deceived about the seat."""

import pytest

from tests.readyup.history.runs import FLEET, QUEUE, Doctoring, Log, good_run


def filled_run() -> Log:
    """Ned leaves in the middle of a match, and pia comes in his place; quin came in vain."""
    log = good_run()
    end, log.lines = log.lines[-2:], log.lines[:-2]
    log.rooms("u7/0")
    log.enqueue("t20", "moe")
    log.enqueue("t21", "ned")
    log.propose("m20", "u7/0", {"red": ["t20"], "blue": ["t21"]})
    log.commit("m20")
    log.assign("m20")
    log.host("m20")
    log.join("m20")
    log.say("bot/ned", "bot.left", player="ned")
    log.say(QUEUE, "backfill.asked", match="m20", backfill="m20/1-1", request="{}")
    _quin_comes_in_vain(log)
    _pia_comes(log)
    log.finish("m20")
    log.end_match("m20", "finished")
    log.lines += end
    return log


def _seat(log: Log, fill: str, player: str, ticket: str) -> None:
    one = {"player": player, "ticket": ticket, "team": "blue", "seat": 0}
    place = {"match": "m20", **log.place["m20"]}
    log.say(FLEET, "session.filled", **place, fill=fill, players=[one], out=["ned"], roster=1)


def _quin_comes_in_vain(log: Log) -> None:
    log.enqueue("t22", "quin")
    taken = {"epoch": log.director, "tickets": ["t22"]}
    log.say(QUEUE, "match.proposed", match="m21", **taken, of="m20", backfill="m20/1-1")
    _seat(log, "m21", "quin", "t22")
    log.say(QUEUE, "ticket.cancelled", ticket="t22", ver=3)
    log.say(QUEUE, "match.closed", match="m21", epoch=2, reason="cancelled", of="m20")
    log.say(FLEET, "session.unfilled", match="m20", **log.place["m20"], fill="m21", roster=2)


def _pia_comes(log: Log) -> None:
    log.enqueue("t23", "pia")
    said = {"match": "m22", "epoch": log.director, "tickets": ["t23"], "of": "m20"}
    log.say(QUEUE, "match.proposed", **said, backfill="m20/1-1")
    _seat(log, "m22", "pia", "t23")
    log.say(QUEUE, "match.committed", **said, teams={"blue": [["t23", "pia"]]})
    log.say(QUEUE, "backfill.ended", match="m20", backfill="m20/1-1", reason="filled")
    where = {"fleet": "arena", **log.place["m20"], "ver": 3, "formed_us": "1"}
    log.say(QUEUE, "match.announced", **said, **where)
    pushed = {"ticket": "t23", "match": "m20", "ver": 3}
    log.say("api/0", "api.pushed", **pushed, place_us=900, players=["pia"])
    log.say("bot/pia", "bot.assigned", player="pia", **pushed, **log.place["m20"], wait_ms=50)
    joined = {"match": "m20", **log.place["m20"], "player": "pia", "jti": "m20-pia"}
    log.say("server/u7", "server.reseated", match="m20", **log.place["m20"], roster=3)
    log.say("server/u7", "player.joined", **joined, rejoin=False)
    log.say("bot/pia", "bot.joined", player="pia", match="m20", server="u7", rejoin=False)
    log.say("bot/pia", "bot.result", player="pia", match="m20", result={})


def test_a_run_in_which_a_newcomer_comes_is_proved():
    verdict = filled_run().judge()

    assert verdict.breaches == ()
    assert verdict.judged["16 a seat of a running match has one player, and was given at the epoch"
                          " that holds it"]  # fmt: skip


def a_seat_is_given_while_somebody_has_it(log: Log) -> None:
    log.find("session.filled", fill="m22")["out"] = []


def a_seat_that_was_given_back_is_given_to_two(log: Log) -> None:
    log.drop("session.unfilled", fill="m21")


def a_seat_is_given_to_two_while_another_was_given_back(log: Log) -> None:
    """Pia sits beside quin before quin's seat is given back, and rob gets hers."""
    pia = log.find("session.filled", fill="m22")
    log.lines.remove(pia)
    (one,) = pia["players"]
    beside = pia | {"players": [one | {"seat": 1}], "out": []}
    log.lines.insert(log.lines.index(log.find("session.unfilled", fill="m21")), beside)
    rob = [one | {"seat": 1, "player": "rob", "ticket": "t24"}]
    log.after(log.find("match.committed", match="m22"), **beside | {"fill": "m23", "players": rob})


def seats_are_given_at_an_epoch_that_is_past(log: Log) -> None:
    log.find("session.filled", fill="m22")["session_epoch"] = 7


def a_newcomer_is_committed_without_a_seat(log: Log) -> None:
    log.drop("session.filled", fill="m22")


def a_newcomer_is_seated_when_the_match_is_over(log: Log) -> None:
    filled = log.find("session.filled", fill="m22")
    log.lines.remove(filled)
    log.after(log.find("session.ended", match="m20"), **filled)


@pytest.mark.parametrize(
    "doctor",
    [
        a_seat_is_given_while_somebody_has_it,
        a_seat_that_was_given_back_is_given_to_two,
        a_seat_is_given_to_two_while_another_was_given_back,
        seats_are_given_at_an_epoch_that_is_past,
        a_newcomer_is_committed_without_a_seat,
        a_newcomer_is_seated_when_the_match_is_over,
    ],
)
def test_a_planted_bug_is_named_by_the_invariant_of_seats(doctor: Doctoring):
    log = filled_run()
    doctor(log)

    named = {breach.invariant.partition(" ")[0] for breach in log.judge().breaches}
    assert named == {"16"}


def a_ticket_goes_to_two_running_matches(log: Log) -> None:
    """Pia's ticket is committed to another match as well."""
    commit = log.find("match.committed", match="m22")
    log.lines.insert(log.lines.index(commit), commit | {"match": "m21"})


def test_a_newcomers_ticket_is_in_one_match_like_any():
    log = filled_run()
    a_ticket_goes_to_two_running_matches(log)

    named = {breach.invariant.partition(" ")[0] for breach in log.judge().breaches}
    assert "1" in named
