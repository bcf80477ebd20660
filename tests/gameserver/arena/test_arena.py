"""What strangers, networks and time may do to a match in the arena."""

import pytest
from hypothesis import given, settings, strategies as st

from core.errors import Invalid
from core.ids import MatchId
from gameserver.arena.arena import PLAYERS_MAX
from gameserver.arena.match import TICK_HZ
from gameserver.arena.wire import (
    DATAGRAM_MAX,
    JOIN_MIN,
    VERSION,
    Input,
    Join,
    Kind,
    decode_snapshot,
    encode_join,
)
from gameserver.rooms import Assignment
from tests.gameserver.arena.table import AWAY, HOME, ROOM, Client, Table
from tests.gameserver.fakes import PLAYERS


def test_no_snapshot_goes_to_an_address_that_did_not_answer():
    table = Table()
    client = table.join("ann")
    table.sent.clear()
    table.tick(30)

    assert table.sent == []
    table.hear(client.input())
    table.tick(30)
    assert {answer[0] for answer, _ in table.sent} == {Kind.SNAPSHOT}


def test_twenty_snapshots_a_second_show_the_world():
    table = Table()
    ann, bob = table.join("ann"), table.join("bob", AWAY)
    table.hear(ann.input())
    table.hear(bob.input(), AWAY)
    table.sent.clear()
    table.tick(TICK_HZ)
    shown = [ann.link.open(datagram) for datagram, to in table.sent if to == HOME]

    assert len(shown) == 20
    snapshots = [decode_snapshot(opened.payload)[1] for opened in shown]
    places = [snapshot.bodies[ann.seat].x for snapshot in snapshots]
    assert places == sorted(set(places))
    assert [body.present for body in snapshots[-1].bodies] == [True, True]
    assert all(len(datagram) <= DATAGRAM_MAX for datagram, _ in table.sent)


def test_a_goodbye_is_said_once():
    table = Table()
    ann = table.join("ann")
    bye = ann.link.seal(Kind.BYE, b"")
    table.hear(bye)
    table.hear(bye)

    assert table.host.said == [("left", "ann")]


def test_a_match_that_everybody_left_ends():
    table = Table(seconds=600)
    ann = table.join("ann")
    table.tick(4 * TICK_HZ)
    table.hear(ann.link.seal(Kind.BYE, b""))
    table.tick(21 * TICK_HZ)

    assert table.host.said == [("left", "ann"), ("finished", None)]


def test_more_players_than_a_snapshot_holds_are_not_taken():
    crowd = PLAYERS * (PLAYERS_MAX // 2 + 1)

    with pytest.raises(Invalid, match="players"):
        Table().arena.start(Assignment(MatchId("duel.x"), ROOM, 1, "duel", crowd, 20.0))


def disturbances(ann: Client, bob: Client, old: list[bytes]) -> st.SearchStrategy[bytes]:
    """What may come from ann's address that ann did not just send."""
    fresh = ann.input()
    flips = st.integers(0, 8 * len(fresh) - 1).map(lambda bit: flipped(fresh, bit))
    joins = st.builds(
        lambda token, key: encode_join(Join(VERSION, key, token)),
        st.sampled_from(["eve", "ann", "ann\0", ""]),
        st.binary(min_size=32, max_size=32),
    )
    return st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=300).map(lambda rest: old[0][:9] + rest),
        flips,
        st.integers(0, len(fresh) - 1).map(lambda end: fresh[:end]),
        st.binary(min_size=1, max_size=20).map(lambda more: fresh + more),
        st.sampled_from(old),
        st.just(bob.input()),
        st.just(ann.link.seal(Kind.SNAPSHOT, b"")),
        st.just(ann.join),
        st.integers(0, JOIN_MIN).map(lambda end: ann.join[:end]),
        joins,
    )


def flipped(datagram: bytes, bit: int) -> bytes:
    changed = bytearray(datagram)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@settings(max_examples=80)
@given(st.data())
def test_nothing_forged_cut_or_replayed_disturbs_a_match(data):
    disturbed, calm = Table(), Table()
    tables = []
    for table in (disturbed, calm):
        ann, bob = table.join("ann"), table.join("bob", AWAY)
        old = [ann.input(), ann.input(Input(0, -127, tag=False))]
        for datagram in old:
            table.hear(datagram)
        table.hear(bob.input(Input(-50, 20, tag=True)), AWAY)
        tables.append((ann, bob, old))
    for _ in range(data.draw(st.integers(1, 6))):
        datagram = data.draw(disturbances(*tables[0]))
        answers = disturbed.hear(datagram)
        calm.tick()
        unasked = [answer for answer in answers if answer[0] != Kind.SNAPSHOT]

        assert sum(map(len, unasked)) <= len(datagram)

    assert disturbed.match.world == calm.match.world
    assert disturbed.match.inputs == calm.match.inputs
    assert [s.path.figures() for s in disturbed.match.seats] == [
        s.path.figures() for s in calm.match.seats
    ]
    assert disturbed.host.said == []
    assert disturbed.host.used == {"ann", "bob"}
