"""What Redis shows of the fleets, local ones and those of pods alike."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgspec

from core.clock import SystemClock
from core.errors import Invalid
from core.game_server import ServerView, State
from core.ids import FleetName
from core.redis import Store
from fleets.past import BEFORE_READY, GONE
from fleets.spec import FleetSpec
from readyup.settings import OF_A_DEMO, Config

PINNED = "agones.dev/sdk-readyup-pinned"


@dataclass(frozen=True, slots=True)
class FleetLook:
    """One fleet at one moment."""

    name: FleetName
    runs_as: str
    wanted: int | None
    """Servers that the plan asks for; None where nobody plans."""

    why: str
    plan_age_s: float | None
    starting: int
    ready: int
    allocated: int
    gone: int
    """Failed or shut down, and not yet cleared away."""

    pinned: int
    """Servers with proven cores of their own (pods), or pinned (local)."""

    servers: tuple[ServerView, ...]


async def look(config: Config, specs: Sequence[FleetSpec]) -> list[FleetLook]:
    """How these fleets stand.

    Raises:
        Invalid: the configuration names no store that could be asked.
        StoreUnreachable: it does not answer.
    """
    async with store_of(config) as store:
        return [await fleet_look(store, spec) for spec in specs]


@contextlib.asynccontextmanager
async def store_of(config: Config) -> AsyncIterator[Store]:
    """The store of a configuration, for as long as the block lasts.

    Raises:
        Invalid: it names none that could be asked.
        StoreUnreachable: it does not answer.
    """
    if not config.store.url:
        raise Invalid(
            f"{config.source} names no store, so its state is inside the process that serves; "
            "set store.url or READYUP_STORE_URL to that of the running service, which "
            f"`readyup serve` prints; {OF_A_DEMO}",
            field="$.store.url",
        )
    store = await Store.connect(config.store.address())
    try:
        yield store
    finally:
        await store.aclose()


async def fleet_look(store: Store, spec: FleetSpec) -> FleetLook:
    """How one fleet stands."""
    shown: dict[str, str] = await store.call("HGETALL", f"{{f:{spec.name}}}:backend")
    plan: dict[str, str] = await store.call("HGETALL", f"{{f:{spec.name}}}:plan")
    servers = sorted(filter(None, map(_view, shown.values())), key=lambda one: one.name)
    states = Counter(one.state for one in servers)
    written = plan.get("t", "")
    age_s = (SystemClock().wall_ms() - int(written)) / 1000 if written.isdigit() else None
    return FleetLook(
        name=spec.name,
        runs_as="pods" if spec.pod else "local processes",
        wanted=int(plan["replicas"]) if plan.get("replicas", "").isdigit() else None,
        why=_sentence(plan.get("why", "")),
        plan_age_s=age_s,
        starting=sum(states[state] for state in BEFORE_READY),
        ready=states[State.READY],
        allocated=states[State.ALLOCATED] + states[State.RESERVED],
        gone=sum(states[state] for state in GONE),
        pinned=sum(map(is_pinned, servers)),
        servers=tuple(servers),
    )


def is_pinned(view: ServerView) -> bool:
    """Whether its cores are known to be its own, or, for a local process, a few of them."""
    return view.labels.get(PINNED) == "true" or bool(view.cores)


def _view(text: str) -> ServerView | None:
    try:
        return msgspec.json.decode(text, type=ServerView)
    except msgspec.MsgspecError:  # another version of this program wrote it
        return None


def _sentence(why: str) -> str:
    """The plan's reason, which is JSON with or without figures."""
    try:
        told = msgspec.json.decode(why) if why else ""
    except msgspec.DecodeError:
        return why
    return str(told.get("sentence", "")) if isinstance(told, dict) else str(told)
