"""A fleet on paper, one server and one event at a time: slow, and plain to see that it is right."""

from dataclasses import dataclass

from fleets.capacity.yard import Policy, Seen, World


@dataclass(eq=False)
class Server:
    """One server: starting, then free, then in session, then free again."""

    created_s: float
    ready_s: float
    session_ends_s: float | None = None
    gone_s: float | None = None
    in_session_s: float = 0.0


@dataclass
class Outcome:
    """What a run came to."""

    claims: int
    waits_s: list[float]
    idle_s: float
    peak: int
    actions: int


class SlowYard:
    """The same rules as ``fleets.capacity.yard``, written down again without a shortcut."""

    def __init__(self, policy: Policy, world: World) -> None:
        self.policy, self.world = policy, world
        self.servers: list[Server] = []
        self.gone: list[Server] = []
        self.waits: dict[int, float] = {}
        self.line: list[int] = []
        self.scored_s = world.scored_from_s()
        self.now = float("-inf")
        self.peak = self.actions = self.claimed = 0

    def run(self) -> Outcome:
        world = self.world
        ticks, now_s = [], world.begin_s
        while now_s < world.end_s:
            ticks.append(now_s)
            now_s = world.begin_s + len(ticks) * self.policy.every_s
        for tick_s in ticks:
            self.live_until(tick_s)
            self.decide(tick_s, scored=tick_s >= self.scored_s)
        self.live_until(world.end_s)
        idle_s = self.idle_s()
        now_s = world.end_s
        while self.line and self.servers:
            now_s += self.policy.every_s
            self.live_until(now_s)
            self.decide(now_s, scored=False)
        for claim in self.line:
            self.waits[claim] = now_s - float(world.claims[claim])
        scored = [n for n, at_s in enumerate(world.claims) if at_s >= self.scored_s]
        waits_s = [self.waits[n] for n in scored if self.waits[n] > 1e-6]
        return Outcome(len(scored), waits_s, idle_s, self.peak, self.actions)

    def live_until(self, to_s: float) -> None:
        """Every event up to then: sessions end, servers get ready, then claims come."""
        while True:
            events = [
                (server.session_ends_s, 0, server)
                for server in self.servers
                if server.session_ends_s is not None
            ]
            events += [
                (server.ready_s, 1, server) for server in self.servers if server.ready_s > self.now
            ]
            if self.claimed < len(self.world.claims):
                events.append((float(self.world.claims[self.claimed]), 2, None))
            events = [event for event in events if event[0] <= to_s]
            if not events:
                break
            at_s, kind, server = min(events, key=lambda event: event[:2])
            self.now = max(self.now, at_s)
            if kind == 0:
                server.session_ends_s = None
            if kind == 2:
                self.line.append(self.claimed)
                self.claimed += 1
            self.serve(at_s)
        self.now = max(self.now, to_s)
        self.serve(to_s)

    def serve(self, now_s: float) -> None:
        """Who waits longest gets a server that is free."""
        for server in self.servers:
            if self.line and server.ready_s <= now_s and server.session_ends_s is None:
                claim = self.line.pop(0)
                self.waits[claim] = now_s - float(self.world.claims[claim])
                server.session_ends_s = now_s + self.world.session_s
                self.count_session(server, now_s, server.session_ends_s)

    def count_session(self, server: Server, from_s: float, to_s: float) -> None:
        within = min(to_s, self.world.end_s) - max(from_s, self.scored_s)
        server.in_session_s += max(0.0, within)

    def decide(self, now_s: float, *, scored: bool) -> None:
        in_session = sum(server.session_ends_s is not None for server in self.servers)
        before = len(self.servers)
        seen = Seen(now_s, before, in_session, len(self.line), self.claimed)
        wanted = self.policy.replicas(seen)
        for _ in range(wanted - before):
            self.servers.append(Server(now_s, now_s + self.world.lead_s))
        starting = [server for server in self.servers if server.ready_s > now_s][::-1]
        free = [
            server
            for server in self.servers
            if server.ready_s <= now_s and server.session_ends_s is None
        ]
        for server in (starting + free)[: max(0, before - wanted)]:
            server.gone_s = now_s
            self.servers.remove(server)
            self.gone.append(server)
        if scored:
            self.actions += len(self.servers) != before
            self.peak = max(self.peak, before, len(self.servers))

    def idle_s(self) -> float:
        """In the scored time, from creation to the end, not in session."""
        total_s = 0.0
        for server in self.servers + self.gone:
            end_s = self.world.end_s if server.gone_s is None else server.gone_s
            total_s += max(0.0, end_s - max(server.created_s, self.scored_s))
            total_s -= server.in_session_s
        return total_s
