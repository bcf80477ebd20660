"""What strangers, networks and time may do to the arena: no socket, no clock."""

import random

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings, strategies as st

from core.errors import Invalid
from core.ids import MatchId, PlayerId, RoomId, ServerUid
from core.join_token import Seat
from gameserver.admission import Admitted, TurnedAway, Why
from gameserver.arena.arena import PLAYERS_MAX, SILENT_TICKS, Arena
from gameserver.arena.link import Link, agree
from gameserver.arena.match import TICK_HZ
from gameserver.arena.reception import JOINS_PER_TICK, WAITING_MAX
from gameserver.arena.wire import (
    DATAGRAM_MAX,
    JOIN_MIN,
    VERSION,
    Input,
    Join,
    Kind,
    Reason,
    Timing,
    decode_refused,
    decode_snapshot,
    decode_welcome,
    encode_input,
    encode_join,
)
from gameserver.rooms import Assignment
from tests.gameserver.fakes import MATCH, PLAYERS, UID

ROOM = RoomId(f"{UID}/0")
HOME, AWAY = ("127.0.0.1", 1), ("127.0.0.1", 2)
RUN = Input(127, 0, tag=True)
NEVER = Timing(0, 0, 0xFFFFFFFF)


class TrustingHost:
    """Takes a player's name for a token, once."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.said: list[tuple[str, ...]] = []

    def admit(self, token: str) -> Admitted | TurnedAway:
        player, _, nonce = token.partition(" ")
        mine = token in {"ann", "bob", "ann 1", "ann 2"}
        kept = next((p for p in PLAYERS if mine and p.player == player), None)
        if kept is None or token in self.used:
            return TurnedAway(Why.TOKEN_USED if kept else Why.NO_SEAT, "no")
        self.used.add(token)
        seat = Seat(ServerUid(UID), MATCH, 1, kept.player, kept.ticket, kept.team, kept.seat)
        return Admitted(seat, ROOM, jti=nonce, rejoin=False)

    def left(self, match: MatchId, player: PlayerId) -> None:
        self.said.append(("left", player))

    def snapshot(self, match: MatchId, state: bytes) -> None:
        self.kept = state

    def finished(self, match: MatchId, result: dict) -> None:
        self.said.append(("finished", result["winner"]))
        self.result = result


class Table:
    """An arena with one match, and players as bytes."""

    def __init__(self, seconds: float = 10.0, *, snapshot: bytes | None = None) -> None:
        self.host = TrustingHost()
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.arena = Arena(
            self.host,
            lambda datagram, address: self.sent.append((datagram, address)),
            seconds={},
            seconds_default=seconds,
            chance=random.Random(1),
        )
        self.arena.start(Assignment(MATCH, ROOM, 1, "duel", PLAYERS, 20.0, snapshot))
        self.match = self.arena._matches[MATCH]

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.arena.tick(0)

    def hear(self, datagram: bytes, address: tuple[str, int] = HOME) -> list[bytes]:
        """What is answered, at once or in the next tick."""
        self.sent.clear()
        self.arena.hear(datagram, address, 0)
        self.tick()
        return [answer for answer, to in self.sent if to == address]

    def join(self, token: str, address: tuple[str, int] = HOME) -> "Client":
        client = Client(token)
        answers = self.hear(client.join, address)
        client.welcomed(next(a for a in answers if a[0] == Kind.WELCOME))
        return client


class Client:
    def __init__(self, token: str) -> None:
        self.key = X25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()
        self.token = token
        self.join = encode_join(Join(VERSION, self.public, token))

    def welcomed(self, datagram: bytes) -> None:
        welcome = decode_welcome(datagram)
        assert welcome is not None
        theirs = welcome.public_key
        key = agree(
            self.key, theirs, client=self.public, server=theirs, link=welcome.link, token=self.token
        )
        assert key is not None
        self.link = Link(welcome.link, key)
        self.seat = welcome.seat
        assert self.link.mac(datagram[:-8]) == datagram[-8:]

    def input(self, wish: Input = RUN) -> bytes:
        return self.link.seal(Kind.INPUT, encode_input(NEVER, wish))


def kinds(answers: list[bytes]) -> list[int]:
    return [answer[0] for answer in answers]


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


def test_a_crowd_of_joins_is_taken_a_few_at_a_time_and_never_grows_without_end():
    table = Table()
    for n in range(WAITING_MAX + 50):
        table.arena.hear(Client(f"eve {n}").join, HOME, 0)
    table.tick()

    assert len(table.sent) == JOINS_PER_TICK
    assert len(table.arena._reception._waiting) == WAITING_MAX - JOINS_PER_TICK


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


def test_a_goodbye_is_said_once():
    table = Table()
    ann = table.join("ann")
    bye = ann.link.seal(Kind.BYE, b"")
    table.hear(bye)
    table.hear(bye)

    assert table.host.said == [("left", "ann")]


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


def test_a_match_that_everybody_left_ends():
    table = Table(seconds=600)
    ann = table.join("ann")
    table.tick(4 * TICK_HZ)
    table.hear(ann.link.seal(Kind.BYE, b""))
    table.tick(21 * TICK_HZ)

    assert table.host.said == [("left", "ann"), ("finished", None)]


def test_a_withdrawn_match_is_told_to_its_players():
    table = Table()
    ann = table.join("ann")
    table.sent.clear()
    table.arena.stop(MATCH, "withdrawn")
    (told,) = [ann.link.open(datagram) for datagram, _ in table.sent]

    assert (told.kind, told.payload) == (Kind.CLOSED, bytes([Reason.WITHDRAWN]))


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
