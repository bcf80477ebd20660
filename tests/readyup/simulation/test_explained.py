"""A fault explains the error that it brings, and no other."""

import pytest

from readyup.bots.tally import Trouble
from readyup.simulation.explained import Delay, unexplained

LOST = Trouble(20.0, "session_lost", "bot-1", "duel.m")
SLOW = Delay("bot-1", 12.0, 21.0)


def test_who_did_not_read_that_its_match_had_ended_may_give_it_up():
    assert unexplained([LOST], [SLOW], {"duel.m": 19.0}) == []


def test_so_may_one_whose_api_was_not_answered_by_the_store():
    assert unexplained([LOST], [Delay("api-a", 18.5, 22.0)], {"duel.m": 19.0}) == []


def test_so_may_one_whose_allocator_could_not_pass_on_the_end():
    """The session is over and no way leads back; the queue has not heard of it yet."""
    assert unexplained([LOST], [Delay("allocator-1", 18.5, 22.0)], {"duel.m": 19.0}) == []


@pytest.mark.parametrize(
    ("slow", "over_s"),
    [
        ([SLOW], {}),
        ([SLOW], {"duel.m": 20.5}),
        ([SLOW._replace(who="bot-2")], {"duel.m": 19.0}),
        ([SLOW._replace(until_s=15.0)], {"duel.m": 19.0}),
        ([], {"duel.m": 19.0}),
    ],
    ids=["match goes on", "match ended later", "somebody else", "read again", "nobody was slow"],
)
def test_a_match_that_is_given_up_otherwise_fails_the_evening(slow, over_s):
    assert unexplained([LOST], slow, over_s) == ["bot-1 at 20.000 s: session_lost (duel.m)"]


def test_a_refusal_is_explained_by_nobodys_slowness():
    refused = LOST._replace(kind="enqueue_refused_409", match="")

    assert unexplained([refused], [SLOW], {}) == ["bot-1 at 20.000 s: enqueue_refused_409"]
