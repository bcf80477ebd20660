"""Datagrams as documented: the worked example of docs/arena-protocol.md, and round trips."""

import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, strategies as st

from gameserver.arena import wire
from gameserver.arena.link import Link, agree
from gameserver.arena.wire import NEVER, Body, Input, Join, Kind, Reason, Snapshot, Timing, Welcome

DOCUMENT = Path(__file__).parents[3] / "docs" / "arena-protocol.md"
EXAMPLE = dict(
    re.findall(r"^([a-z][a-z ]*?) +([0-9a-f]{16,})$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
)
LINK, TOKEN = 0x0123456789ABCDEF, "token-of-ann"
CLIENT, SERVER = (X25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
CLIENT_KEY, SERVER_KEY = (key.public_key().public_bytes_raw() for key in (CLIENT, SERVER))

u32 = st.integers(0, 0xFFFFFFFF)
u16 = st.integers(0, 0xFFFF)
timings = st.builds(Timing, u32, u32, u32)
bodies = st.builds(Body, u16, u16, u16, st.booleans())
directions = st.integers(-127, 127)


def link_key() -> bytes:
    key = agree(CLIENT, SERVER_KEY, client=CLIENT_KEY, server=SERVER_KEY, link=LINK, token=TOKEN)
    assert key is not None
    return key


def test_the_worked_example_is_what_the_code_says():
    client, server = Link(LINK, link_key()), Link(LINK, link_key())
    join = wire.encode_join(Join(1, CLIENT_KEY, TOKEN))
    welcome = wire.encode_welcome(Welcome(CLIENT_KEY[:8], LINK, SERVER_KEY, 1, 2, 60, 20))
    wish = wire.encode_input(Timing(1000, 0, NEVER), Input(127, -127, tag=True))
    world = Snapshot(60, 9000, (Body(6500, 5000, 0, True), Body(3500, 5000, 2, False)))
    shown = wire.TIMING.pack(5000, 1000, 250) + wire.encode_world(world)
    said = {
        "client public key": CLIENT_KEY,
        "server public key": SERVER_KEY,
        "key of the link": link_key(),
        "join": join.rstrip(b"\0"),
        "welcome": welcome + server.mac(welcome),
        "refused": wire.encode_refused(CLIENT_KEY[:8], Reason.NOT_YET),
        "input": client.seal(Kind.INPUT, wish),
        "snapshot": server.seal(Kind.SNAPSHOT, shown),
        "result": server.seal(Kind.RESULT, b'{"winner":"red"}'),
        "closed": server.seal(Kind.CLOSED, bytes([Reason.REPLACED])),
        "bye": client.seal(Kind.BYE, b""),
    }

    assert {name: sent.hex() for name, sent in said.items()} == EXAMPLE


def test_the_documented_reasons_are_all_there_are():
    section = DOCUMENT.read_text("utf-8").partition("### Reasons")[2]
    found = re.findall(r"^\| (\d+) \| ([a-z-]+) \|", section, re.MULTILINE)

    assert [(int(code), name) for code, name in found] == [(r.value, r.slug) for r in Reason]


@given(st.binary(min_size=32, max_size=32), st.text("abc.-_", max_size=1000), st.integers(0, 255))
def test_joins_go_round(key, token, version):
    join = Join(version, key, token)
    datagram = wire.encode_join(join)

    assert wire.decode_join(datagram) == join
    assert wire.JOIN_MIN <= len(datagram) <= wire.DATAGRAM_MAX


@given(timings, directions, directions, st.booleans())
def test_inputs_go_round(timing, dx, dy, tag):
    assert wire.decode_input(wire.encode_input(timing, Input(dx, dy, tag))) == (
        timing,
        Input(dx, dy, tag),
    )


@given(timings, u32, u32, st.lists(bodies, max_size=100))
def test_snapshots_go_round(timing, tick, left_ms, players):
    world = Snapshot(tick, left_ms, tuple(players))
    payload = wire.TIMING.pack(*timing) + wire.encode_world(world)

    assert wire.decode_snapshot(payload) == (timing, world)
    assert len(payload) + wire.HEAD.size + wire.MAC_SIZE <= wire.DATAGRAM_MAX


@given(st.binary(max_size=1300))
def test_whatever_comes_is_read_or_is_nothing(datagram):
    wire.decode_join(datagram)
    wire.decode_welcome(datagram)
    wire.decode_refused(datagram)
    wire.decode_reason(datagram)
    wire.decode_input(datagram)
    wire.decode_snapshot(datagram)


def test_a_join_that_hides_something_behind_its_token_is_nothing():
    datagram = bytearray(wire.encode_join(Join(1, CLIENT_KEY, TOKEN)))
    datagram[-1] = 1

    assert wire.decode_join(bytes(datagram)) is None


def test_a_short_join_gets_no_answer():
    datagram = wire.encode_join(Join(1, CLIENT_KEY, TOKEN))

    assert wire.decode_join(datagram[:-1]) is None
