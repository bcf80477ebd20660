"""How much is too much: what one player, address or socket may ask of this process.

Rates are metered as in GCRA: one number for each caller, the time at which their account
is even again. Time is an argument, and a caller who rests is forgotten.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from aiohttp import web

from core.clock import Clock
from core.errors import Limited
from matchmaker.api.keys import Principal, is_loopback
from matchmaker.api.settings import Limits

CALLERS_MAX = 100_000
"""Callers remembered by one meter; beyond it the one who came first starts anew."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second, and so many at once after a rest."""

    per_s: float
    burst: float

    def after(self, even_s: float, now_s: float) -> tuple[float, float]:
        """The account after one more, and the seconds to wait before it; waiting changes nothing.

        >>> rate = Rate(per_s=2, burst=2)
        >>> rate.after(0.0, now_s=10.0)
        (10.5, 0.0)
        >>> rate.after(11.0, now_s=10.0)
        (11.0, 0.5)
        """
        charged_s = max(even_s, now_s) + 1 / self.per_s
        # A nanosecond, so that whoever waits as long as they were told is let in.
        wait_s = charged_s - self.burst / self.per_s - now_s
        return (even_s, wait_s) if wait_s > 1e-9 else (charged_s, 0.0)


class Meter:
    """One rate, for each of many callers."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._even_s: dict[str, float] = {}
        self._sweep_at = 1024

    def wait_s(self, caller: str, now_s: float) -> float:
        """0.0 when the caller may, and that is counted; else the seconds until they may."""
        even_s, wait_s = self._rate.after(self._even_s.get(caller, 0.0), now_s)
        if not wait_s:
            self._even_s[caller] = even_s
            if len(self._even_s) >= self._sweep_at:
                self._sweep(now_s)
        return wait_s

    def __len__(self) -> int:
        return len(self._even_s)

    def _sweep(self, now_s: float) -> None:
        # Doubling the next size makes the sweep's price a constant share of each caller's.
        self._even_s = {who: even_s for who, even_s in self._even_s.items() if even_s > now_s}
        for who in list(self._even_s)[: max(0, len(self._even_s) - CALLERS_MAX)]:
            del self._even_s[who]
        self._sweep_at = max(1024, 2 * len(self._even_s))


class Gate:
    """Lets callers through, or says which limit they met. Back ends are not metered."""

    def __init__(self, limits: Limits, clock: Clock, *, proxies: int = 0) -> None:
        self.limits = limits
        self._clock = clock
        self._proxies = proxies
        self._creates = Meter(Rate(limits.creates_per_s, limits.creates_burst))
        per_s = limits.address_creates_per_s
        self._address_creates = Meter(Rate(per_s, per_s))
        self._polls = Meter(Rate(limits.polls_per_s, limits.polls_burst))
        self._cancels = Meter(Rate(limits.frames_per_s, limits.frames_burst))
        self._open: Counter[str] = Counter()

    def create(self, caller: Principal, address: str) -> None:
        """A ticket is asked for.

        Raises:
            Limited: too often, by this player or by those of this address.
        """
        if caller.is_backend():
            return
        limits = self.limits
        if address:
            wait_s = self._address_creates.wait_s(address, self._clock.elapsed_s())
            what = f"{limits.address_creates_per_s:g} tickets a second from one address"
            _refuse(wait_s, what)
        wait_s = self._creates.wait_s(caller.name, self._clock.elapsed_s())
        what = f"{limits.creates_per_s:g} tickets a second for one player"
        _refuse(wait_s, f"{what}, {limits.creates_burst} at once")

    def poll(self, caller: Principal) -> None:
        """A ticket or a session is read.

        Raises:
            Limited: too often, by this player.
        """
        if not caller.is_backend():
            wait_s = self._polls.wait_s(caller.name, self._clock.elapsed_s())
            what = f"{self.limits.polls_per_s:g} reads a second, {self.limits.polls_burst} at once"
            _refuse(wait_s, f"{what}; a socket or an event stream is told without asking")

    def cancel(self, caller: Principal) -> None:
        """A ticket is taken out, or its match accepted or declined.

        Raises:
            Limited: too often, by this player.
        """
        if not caller.is_backend():
            wait_s = self._cancels.wait_s(caller.name, self._clock.elapsed_s())
            _refuse(wait_s, f"{self.limits.frames_per_s:g} cancels and answers a second")

    def frames(self) -> "Frames":
        """The meter of one socket's frames."""
        return Frames(Rate(self.limits.frames_per_s, self.limits.frames_burst), self._clock)

    @contextlib.contextmanager
    def connection(self, caller: Principal, address: str) -> Iterator[None]:
        """A socket or an event stream is open while the block lasts.

        Raises:
            Limited: too many are, of this player or from this address.
        """
        if caller.is_backend():
            yield
            return
        limits = self.limits
        held = {f"player:{caller.name}": (limits.sockets_per_player, "of one player")}
        if address:
            held[f"address:{address}"] = (limits.sockets_per_address, "from one address")
        for key, (most, whose) in held.items():
            if self._open[key] >= most:
                raise Limited(f"{most} sockets and event streams {whose} are the limit; close one")
        self._open.update(held.keys())
        try:
            yield
        finally:
            self._open.subtract(held.keys())
            for key in held:
                if not self._open[key]:
                    del self._open[key]

    def address_of(self, request: web.Request) -> str:
        """Whose limits a request counts against; "" for this machine's own, which has none.

        Behind n proxies of ours the n-th address from the right is the client's: what stands
        further left is whatever the client wrote. IPv6 counts by /64, which one home has.
        """
        if self._proxies:
            said = ",".join(request.headers.getall("X-Forwarded-For", ()))
            hops = [hop.strip() for hop in said.split(",") if hop.strip()]
            address = hops[-self._proxies] if len(hops) >= self._proxies else request.remote or ""
        else:
            address = request.remote or ""
        return "" if is_loopback(address) else _network(address)


class Frames:
    """Frames of one socket: those beyond the rate are read later."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._even_s = 0.0

    def wait_s(self) -> float:
        """0.0 when the next frame may be read, and that is counted; else seconds to wait."""
        self._even_s, wait_s = self._rate.after(self._even_s, self._clock.elapsed_s())
        return wait_s


def _refuse(wait_s: float, what: str) -> None:
    if wait_s:
        raise Limited(f"the limit is {what}", retry_after_s=wait_s)


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
