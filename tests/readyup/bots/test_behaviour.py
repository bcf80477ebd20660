"""What pushes change, and what dice decide."""

import pytest

from core import dice
from readyup.bots.behaviour import NEVER, Intent, Mood, Round, Situation, answer, intend
from readyup.bots.habits import Habits, backoff_s, draw_round, draw_rounds
from readyup.bots.messages import (
    Assigned,
    Assignment,
    Ended,
    Hello,
    Problem,
    Refused,
    Ticket,
    TicketNews,
)
from readyup.bots.report import percentile
from readyup.bots.standing import Deed, Phase, Standing, hear, let_in, rested


def a_ticket(status: str = "QUEUED", *, ver: int = 1, name: str = "duel.1") -> Ticket:
    return Ticket(name, status, ver, "duel", ["ann"])


def an_assignment(*, match: str = "duel.m", epoch: int = 1) -> Assignment:
    return Assignment(match, "127.0.0.1", 7000, "t", "s", "red", 0, epoch)


WAITING = Standing(Phase.WAITING, ticket="duel.1", ver=2)
PLAYING = Standing(Phase.PLAYING, ticket="duel.1", ver=3, match="duel.m", epoch=1, joined=True)


def test_an_overtaken_push_changes_nothing():
    assert hear(WAITING, TicketNews(a_ticket("QUEUED", ver=1))) == (WAITING, Deed.NOTHING)


@pytest.mark.parametrize("status", ["CANCELLED", "TIMED_OUT", "FAILED"])
def test_a_ticket_that_ended_sends_its_player_to_rest(status: str):
    after, deed = hear(WAITING, TicketNews(a_ticket(status, ver=3)))

    assert (after.phase, deed) == (Phase.RESTING, Deed.REST)


def test_a_repeated_assignment_is_known_and_a_higher_epoch_moves():
    same = Assigned(a_ticket("COMPLETED", ver=3), an_assignment(epoch=1))
    moved = Assigned(a_ticket("COMPLETED", ver=4), an_assignment(epoch=2))

    assert hear(PLAYING, same) == (PLAYING, Deed.NOTHING)
    after, deed = hear(PLAYING, moved)
    assert (after.phase, after.epoch, deed) == (Phase.JOINING, 2, Deed.PLAY)


def test_an_assignment_to_a_match_that_was_played_comes_too_late():
    late = Assigned(a_ticket("COMPLETED", ver=9), an_assignment(epoch=2))

    assert hear(rested(PLAYING), late)[1] is Deed.NOTHING


def test_a_hello_without_a_ticket_says_that_the_wait_is_over():
    assert hear(WAITING, Hello("ann"))[1] is Deed.REST
    after, deed = hear(WAITING, Hello("ann", None, "duel.m"))
    assert (after.phase, after.match, after.ticket, deed) == (
        Phase.AWAY, "duel.m", "duel.1", Deed.RETURN,
    )  # fmt: skip


def test_a_hello_that_names_the_match_just_played_leads_nobody_back():
    assert hear(rested(PLAYING), Hello("ann", None, "duel.m"))[1] is Deed.NOTHING


def test_the_end_of_another_match_is_nobodys_business():
    assert hear(PLAYING, Ended("duel.other", "lost")) == (PLAYING, Deed.NOTHING)


def test_word_of_the_end_waits_for_the_result_unless_the_match_was_lost():
    assert hear(PLAYING, Ended("duel.m", "finished"))[1] is Deed.WRAP_UP
    assert hear(PLAYING, Ended("duel.m", "lost"))[1] is Deed.REST


def test_a_door_that_opens_keeps_the_highest_epoch():
    assert let_in(PLAYING, an_assignment(epoch=3)).epoch == 3
    assert let_in(PLAYING, an_assignment(epoch=0)).epoch == 1


@pytest.mark.parametrize(
    ("kind", "push", "phase"),
    [
        ("enqueue", TicketNews(a_ticket(name="duel.2")), "ok"),
        ("enqueue", TicketNews(a_ticket("CANCELLED", ver=9)), None),  # news of the last one
        ("enqueue", Refused(Problem("busy", 503)), "fail"),
        ("cancel", TicketNews(a_ticket("CANCELLED", ver=3)), "ok"),
        ("cancel", TicketNews(a_ticket("PLACING", ver=3)), None),
        ("cancel", TicketNews(a_ticket("TIMED_OUT", ver=3)), "fail"),
        ("cancel", TicketNews(None), "fail"),
        ("cancel", Assigned(a_ticket("COMPLETED", ver=3), an_assignment()), "fail"),
    ],
)
def test_answers_are_told_from_other_news(kind: str, push: object, phase: str | None):
    told = answer(kind, push, known="duel.1")

    assert (told and told[0]) == phase


def around(**but: object) -> Situation:
    usual = {
        "mood": Mood.OPEN, "leads": True, "over": False, "awaited": False, "may_cancel": True,
        "returning": False,
    }  # fmt: skip
    return Situation(**{**usual, **but})


def test_a_closing_crowd_cancels_who_waits_and_lets_players_finish():
    plan = Round(think_s=1.0, cancel_after_s=5.0, drop_after_s=0.5)

    assert intend(WAITING, plan, around(mood=Mood.CLOSING)) == (0.0, Intent.CANCEL)
    assert intend(PLAYING, plan, around(mood=Mood.CLOSING))[1] is Intent.GIVE_UP
    assert intend(PLAYING, plan, around()) == (0.5, Intent.DROP)
    assert intend(Standing(), plan, around(mood=Mood.CLOSING)) == (0.0, Intent.LEAVE)
    assert intend(Standing(), plan, around(mood=Mood.CLOSING, awaited=True))[0] == NEVER


def test_only_the_leader_enqueues_and_cancels():
    plan = Round(think_s=1.0, cancel_after_s=5.0)

    assert intend(Standing(), plan, around()) == (1.0, Intent.ENQUEUE)
    assert intend(Standing(), plan, around(leads=False))[0] == NEVER
    assert intend(WAITING, plan, around(leads=False))[0] == NEVER


def test_a_seed_decides_a_players_rounds():
    def rounds(seed: int) -> list[Round]:
        chance = dice.stream(seed, "bot", 3)
        return [draw_round(Habits(), chance) for _ in range(20)]

    assert rounds(4) == rounds(4) != rounds(5)


def test_turning_one_share_up_leaves_the_other_dice_as_they_fell():
    calm = draw_round(Habits(drop_share=0.0), dice.stream(1, "bot", 1))
    clumsy = draw_round(Habits(drop_share=1.0), dice.stream(1, "bot", 1))

    assert (calm.think_s, calm.cancel_after_s) == (clumsy.think_s, clumsy.cancel_after_s)
    assert calm.drop_after_s == NEVER > clumsy.drop_after_s


def test_rounds_are_geometric_around_their_mean():
    chance = dice.stream(1, "rounds")
    drawn = [draw_rounds(Habits(rounds_mean=5.0), chance) for _ in range(10_000)]

    assert min(drawn) == 1
    assert sum(drawn) / len(drawn) == pytest.approx(5.0, rel=0.05)


def test_back_off_grows_to_two_seconds_and_is_jittered():
    chance = dice.stream(1, "backoff")
    waits = [[backoff_s(failures, chance) for _ in range(50)] for failures in (0, 3, 1_000)]

    assert all(max(tries) <= s for tries, s in zip(waits, (0.1, 0.8, 2.0), strict=True))
    assert max(waits[2]) > 1.5
    assert len(set(waits[2])) == 50


def test_percentiles_are_exact():
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.5, 0.51, 1.0)] == [
        1.0, 2.0, 3.0, 4.0,
    ]  # fmt: skip
    assert percentile([], 0.99) == 0.0
