"""One end of a link: datagrams sealed, opened, and taken once.

The key comes from an X25519 exchange in the join and its welcome, and is bound to both
public keys, the link's id and the join token. Every datagram carries a sequence number and
an 8-byte keyed BLAKE2b; a window of 64 numbers tells what was seen (as in RFC 4303 §3.4.3).

What this gives: nobody who cannot read the join can forge, replay or reflect a datagram,
and nobody who only reads can forge one either. Contents are not secret, and somebody who
can rewrite the join in flight is not kept out: docs/arena-protocol.md says so.
"""

from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from gameserver.arena.wire import HEAD, MAC_SIZE, Kind

_WINDOW = 64
_WINDOW_MASK = (1 << _WINDOW) - 1
_PERSON = b"readyup-arena-1"


def agree(
    ours: X25519PrivateKey, theirs: bytes, *, client: bytes, server: bytes, link: int, token: str
) -> bytes | None:
    """The link's 32-byte key, the same at both ends; None when their point is no key.

    ``client`` and ``server`` are the public keys, one of which is ``theirs``.
    """
    try:
        shared = ours.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError:  # a point of low order: the secret would be all zeros
        return None
    bound = blake2b(token.encode(), digest_size=32).digest()
    return blake2b(
        client + server + link.to_bytes(8, "big") + bound,
        key=shared,
        digest_size=32,
        person=_PERSON,
    ).digest()


class Opened(NamedTuple):
    """An authentic datagram that was not seen before."""

    kind: int
    sequence: int
    payload: bytes
    newest: bool
    """False when a later one came first: old wishes are counted, not obeyed."""


class Link:
    """One end of one link. A rejoin is a new link with a new key."""

    __slots__ = ("_highest", "_keyed", "_seen", "_sent", "id")

    def __init__(self, link: int, key: bytes) -> None:
        self.id = link
        self._keyed = blake2b(key=key, digest_size=MAC_SIZE)
        self._sent = 0
        self._highest = 0
        self._seen = 0

    def mac(self, head: bytes) -> bytes:
        """Eight bytes that only the two ends can make of ``head``."""
        keyed = self._keyed.copy()
        keyed.update(head)
        return keyed.digest()

    def seal(self, kind: Kind, payload: bytes) -> bytes:
        """The datagram that carries ``payload``, under the next sequence number."""
        self._sent += 1
        datagram = HEAD.pack(kind, self.id, self._sent) + payload
        return datagram + self.mac(datagram)

    def open(self, datagram: bytes) -> Opened | None:
        """What a datagram says; None when forged, cut, of another link, old or a replay."""
        if len(datagram) < HEAD.size + MAC_SIZE:
            return None
        kind, link, sequence = HEAD.unpack_from(datagram)
        if link != self.id:
            return None
        if not compare_digest(self.mac(datagram[:-MAC_SIZE]), datagram[-MAC_SIZE:]):
            return None
        newest = sequence > self._highest
        if not self._take(sequence):
            return None
        return Opened(kind, sequence, datagram[HEAD.size : -MAC_SIZE], newest)

    def _take(self, sequence: int) -> bool:
        ahead = sequence - self._highest
        if ahead > 0:
            kept = self._seen << ahead if ahead < _WINDOW else 0
            self._seen = (kept | 1) & _WINDOW_MASK
            self._highest = sequence
            return True
        bit = 1 << -ahead if -ahead < _WINDOW else 0
        if not bit or self._seen & bit or sequence == 0:
            return False
        self._seen |= bit
        return True
