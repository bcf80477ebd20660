"""Who knocks at the arena's door, and how often: joins, copied, repeated and in crowds."""

from gameserver.arena.reception import JOINS_PER_TICK, WAITING_MAX
from gameserver.arena.wire import VERSION, Join, Kind, Reason, decode_refused, encode_join
from tests.gameserver.arena.table import AWAY, HOME, Client, Table, kinds


def test_the_same_join_again_gives_the_same_welcome_and_no_second_link():
    table, client = Table(), Client("ann")
    first = table.hear(client.join)
    again = table.hear(client.join)

    assert kinds(first) == [Kind.WELCOME]
    assert again == first
    assert table.host.used == {"ann"}
    assert len(table.arena._links) == 1


def test_the_same_token_under_another_key_is_refused():
    table = Table()
    table.join("ann")
    answers = table.hear(Client("ann").join, AWAY)

    assert [decode_refused(answer) and decode_refused(answer)[1] for answer in answers] == [
        Reason.TOKEN_USED
    ]


def test_a_copied_join_from_elsewhere_is_not_answered():
    table, client = Table(), Client("ann")
    table.hear(client.join)

    assert table.hear(client.join, AWAY) == []


def test_another_version_is_told_so():
    table = Table()
    answers = table.hear(encode_join(Join(VERSION + 1, bytes(32), "ann")))

    assert [decode_refused(answer) for answer in answers] == [(bytes(8), Reason.VERSION)]


def test_a_join_with_a_key_that_is_none_does_not_spend_the_token():
    table = Table()

    assert table.hear(encode_join(Join(VERSION, bytes(32), "ann"))) == []
    assert table.host.used == set()


def test_a_crowd_of_joins_is_taken_a_few_at_a_time_and_never_grows_without_end():
    table = Table()
    for n in range(WAITING_MAX + 50):
        table.arena.hear(Client(f"eve {n}").join, HOME, 0)
    table.tick()

    assert len(table.sent) == JOINS_PER_TICK
    assert len(table.arena._reception._waiting) == WAITING_MAX - JOINS_PER_TICK
