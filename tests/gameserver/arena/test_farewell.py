"""The last word to a player: said until it is answered."""

from gameserver.arena.arena import SILENT_TICKS
from gameserver.arena.match import TICK_HZ
from gameserver.arena.wire import Kind, Reason
from tests.gameserver.arena.table import AWAY, HOME, Table
from tests.gameserver.fakes import MATCH


def test_who_falls_silent_is_told_and_may_come_back():
    table = Table()
    ann = table.join("ann 1")
    table.join("bob", AWAY)
    table.hear(ann.input())
    table.sent.clear()
    table.tick(SILENT_TICKS + TICK_HZ)
    last = ann.link.open([datagram for datagram, to in table.sent if to == HOME][-1])

    assert (last.kind, last.payload) == (Kind.CLOSED, bytes([Reason.SILENT]))
    assert ("left", "ann") in table.host.said
    assert table.join("ann 2").seat == ann.seat


def test_a_result_is_repeated_until_it_is_answered():
    table = Table(seconds=0.1)
    ann, bob = table.join("ann"), table.join("bob", AWAY)
    table.tick(60)
    to_ann = [ann.link.open(datagram) for datagram, to in table.sent if to == HOME]
    bye = ann.link.seal(Kind.BYE, b"")
    table.hear(bye)
    table.tick(60)
    later = [to for _, to in table.sent]
    table.tick(4 * TICK_HZ)

    assert [opened.kind for opened in to_ann].count(Kind.RESULT) > 2
    assert b'"winner"' in to_ann[-1].payload
    assert HOME not in later
    assert AWAY in later
    assert table.host.said == [("finished", None)]
    assert table.arena._links == {}
    assert bob.link.id not in table.arena._farewells


def test_a_withdrawn_match_is_told_to_its_players():
    table = Table()
    ann = table.join("ann")
    table.sent.clear()
    table.arena.stop(MATCH, "withdrawn")
    (told,) = [ann.link.open(datagram) for datagram, _ in table.sent]

    assert (told.kind, told.payload) == (Kind.CLOSED, bytes([Reason.WITHDRAWN]))
