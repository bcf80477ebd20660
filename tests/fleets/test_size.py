"""A fleet of local processes is brought to its size."""

from core.clock import SystemClock
from core.game_server import ServerView, State
from core.ids import FleetName, ServerUid
from fleets.local.size import SingleServers
from fleets.ports import Demand, Reason
from fleets.spec import FleetSpec, PortRange

SPEC = FleetSpec(FleetName("arena"), ("game",), PortRange(7100, 7110), replicas=2)


class Started:
    """A backend that starts at once what it is asked for."""

    def __init__(self) -> None:
        self.views: list[ServerView] = []

    def observe(self, fleet: FleetName) -> tuple[ServerView, ...]:
        return tuple(self.views)

    async def start(self, spec: FleetSpec) -> ServerView:
        uid = ServerUid(f"uid-{len(self.views)}")
        view = ServerView(uid, uid, spec.name, State.READY, spec.address, 7100)
        self.views.append(view)
        return view

    def stop(self, uid: ServerUid, reason: Reason) -> None:
        raise AssertionError((uid, reason))


async def test_a_machine_that_is_drained_starts_nothing_until_the_word_is_taken_back():
    backend = Started()
    sizing = SingleServers(SPEC, backend, SystemClock())  # type: ignore[arg-type]
    drained = Demand(drained=frozenset({SPEC.address}))
    told = await sizing.step(drained, now_ms=1_000)

    assert not backend.views
    assert "this machine is drained, so none starts" in str(told.why["sentence"])
    await sizing.step(Demand(drained=frozenset({"another"})), now_ms=2_000)
    assert len(backend.views) == 2
