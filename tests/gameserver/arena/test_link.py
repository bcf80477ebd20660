"""A link's end takes each authentic datagram once, and nothing else."""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, strategies as st

from gameserver.arena.link import Link, agree
from gameserver.arena.wire import Kind

KEY = bytes(range(32))


def pair() -> tuple[Link, Link]:
    return Link(7, KEY), Link(7, KEY)


def agreed(token: str, link: int = 7) -> tuple[bytes | None, bytes | None]:
    client, server = (X25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
    ours, theirs = client.public_key().public_bytes_raw(), server.public_key().public_bytes_raw()
    at_client = agree(client, theirs, client=ours, server=theirs, link=link, token=token)
    at_server = agree(server, ours, client=ours, server=theirs, link=link, token=token)
    return at_client, at_server


def test_both_ends_agree_on_a_key_that_hangs_on_the_token_and_the_link():
    at_client, at_server = agreed("token")

    assert at_client == at_server
    assert len({at_client, agreed("another")[0], agreed("token", link=8)[0]}) == 3


def test_a_point_of_low_order_is_no_key():
    ours = X25519PrivateKey.generate()
    public = ours.public_key().public_bytes_raw()
    key = agree(ours, bytes(32), client=bytes(32), server=public, link=1, token="t")  # noqa: S106

    assert key is None


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_what_is_sealed_is_opened_once_and_in_order_it_is_the_newest(payloads):
    sender, receiver = pair()
    datagrams = [sender.seal(Kind.INPUT, payload) for payload in payloads]
    opened = [receiver.open(datagram) for datagram in datagrams]

    assert [o and o.payload for o in opened] == payloads
    assert all(o is not None and o.newest for o in opened)
    assert [receiver.open(datagram) for datagram in datagrams] == [None] * len(payloads)


@given(st.data(), st.integers(1, 150))
def test_in_any_order_each_is_taken_at_most_once_and_within_the_window_at_least_once(data, count):
    sender, receiver = pair()
    datagrams = [sender.seal(Kind.INPUT, b"") for _ in range(count)]
    order = data.draw(st.lists(st.integers(0, count - 1), max_size=300))
    highest, taken = -1, set()
    for n in order:
        opened = receiver.open(datagrams[n])
        fresh = n not in taken and highest - n < 64

        assert (opened is not None) == fresh
        if opened is not None:
            assert opened.newest == (n > highest)
            taken.add(n)
            highest = max(highest, n)


@given(st.data())
def test_a_datagram_with_any_bit_changed_is_not_opened(data):
    sender, receiver = pair()
    datagram = bytearray(sender.seal(Kind.INPUT, b"payload"))
    bit = data.draw(st.integers(0, 8 * len(datagram) - 1))
    datagram[bit // 8] ^= 1 << bit % 8

    assert receiver.open(bytes(datagram)) is None


@given(st.integers(0, 40))
def test_a_datagram_cut_short_is_not_opened(length):
    sender, receiver = pair()
    datagram = sender.seal(Kind.INPUT, b"payload " * 3)

    assert receiver.open(datagram[:length]) is None


def test_another_links_datagram_is_not_opened():
    stranger = Link(7, bytes(32))
    neighbour = Link(8, KEY)
    _, receiver = pair()

    assert receiver.open(stranger.seal(Kind.INPUT, b"")) is None
    assert receiver.open(neighbour.seal(Kind.INPUT, b"")) is None
