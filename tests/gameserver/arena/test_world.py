"""The arena's rules hold whatever players wish for."""

import math

import pytest
from hypothesis import given, strategies as st

from gameserver.arena.wire import Input
from gameserver.arena.world import (
    REACH,
    SIDE,
    SPEED,
    TIRED_S,
    Player,
    World,
    begin,
    scores,
    step,
    winner,
)

DT_S = 1 / 60
directions = st.integers(-127, 127)
wishes = st.dictionaries(st.integers(0, 5), st.builds(Input, directions, directions, st.booleans()))


@given(st.lists(wishes, max_size=60))
def test_nobody_leaves_the_arena_or_outruns_the_rules(evening):
    world = begin([0, 0, 0, 1, 1, 1])
    for inputs in evening:
        after = step(world, inputs, DT_S)
        for before_p, p in zip(world.players, after.players, strict=True):
            assert 0 <= p.x <= SIDE
            assert 0 <= p.y <= SIDE
            assert p.score - before_p.score in (0, 1)
        total = sum(scores(after).values()) - sum(scores(world).values())
        moved = [
            math.dist(a[1:3], b[1:3]) for a, b in zip(world.players, after.players, strict=True)
        ]
        assert sum(way > SPEED * DT_S + 1e-9 for way in moved) <= total
        world = after


@given(st.lists(wishes, max_size=30))
def test_the_same_wishes_give_the_same_world(evening):
    worlds = [begin([0, 1, 0, 1, 0, 1])] * 2
    for inputs in evening:
        worlds = [step(world, dict(reversed(inputs.items())), DT_S) for world in worlds[:1]] + [
            step(worlds[1], inputs, DT_S)
        ]

    assert worlds[0] == worlds[1]


def test_a_tag_scores_sends_home_and_tires():
    world = World(0.0, (Player(0, 50, 50), Player(1, 50 + REACH, 50), Player(0, 51, 50)))
    tag = {0: Input(0, 0, tag=True)}
    once = step(world, tag, DT_S)
    twice = step(once, tag, DT_S)

    assert once.players[0] == Player(0, 50, 50, score=1, tired_s=TIRED_S)
    assert once.players[1][1:3] == begin([0, 1, 0]).players[1][1:3]
    assert once.players[2] == world.players[2]
    assert twice.players[0].score == 1


def test_out_of_reach_is_out_of_reach():
    world = World(0.0, (Player(0, 50, 50), Player(1, 50 + REACH + 0.1, 50)))

    assert step(world, {0: Input(0, 0, tag=True)}, DT_S).players == world.players


def test_a_diagonal_is_no_faster():
    world = World(0.0, (Player(0, 50, 50),))
    straight = step(world, {0: Input(127, 0, tag=False)}, 1.0).players[0]
    diagonal = step(world, {0: Input(127, 127, tag=False)}, 1.0).players[0]

    assert straight.x == pytest.approx(50 + SPEED)
    assert math.dist((50, 50), (diagonal.x, diagonal.y)) == pytest.approx(SPEED)


@pytest.mark.parametrize(("points", "best"), [((3, 1), 0), ((1, 3), 1), ((2, 2), None)])
def test_the_higher_score_wins_and_equal_ones_draw(points, best):
    world = World(0.0, tuple(Player(team, 0, 0, score) for team, score in enumerate(points)))

    assert winner(world) == best
