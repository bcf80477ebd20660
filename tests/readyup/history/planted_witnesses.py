"""Runs whose witnesses do not say what they must have seen."""

from tests.readyup.history.planting import Planted, planter
from tests.readyup.history.runs import Log

BUGS: Planted = []
plant = planter(BUGS)


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


@plant("witnesses")
def nobody_acks_for_a_server_that_speaks_only_an_agones_sdk(log: Log) -> None:
    log.spoken_for("m2", "label")
    log.drop("room.acked", match="m2")
    log.find("session.ended", match="m2")["reason"] = "no-join"


@plant("witnesses")
def a_bot_joins_a_server_that_nobody_spoke_for(log: Log) -> None:
    log.spoken_for("m2", "patch")
    log.find("bot.joined", player="cat")["server"] = "u2"
