"""``readyup fleet``: what fleets look like, how they stand, and how they change."""

import asyncio
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from core.errors import Invalid, ReadyUpError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from fleets.agones.settings import KubernetesSettings
    from fleets.spec import FleetSpec
    from readyup.fleetctl.announce import PlanAsked
    from readyup.fleetctl.drain import DrainAsked
    from readyup.fleetctl.why import Why
    from readyup.settings import Config

Action = Literal["render", "lint", "list", "status", "why", "plan", "apply", "scale", "drain"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of the command."""

    config: "Config"
    name: str
    size: int | None
    as_json: bool
    live: bool
    webhooks: bool
    force: bool
    service: str
    ca_file: Path | None
    plan: "PlanAsked"
    drain: "DrainAsked"


def fleet(  # noqa: PLR0913 - the options of a command
    action: Action,
    name: str = "",
    size: Annotated[int | None, Parameter(validator=Number(gte=0, lte=10_000))] = None,
    /,
    *,
    config: Path | None = None,
    json: bool = False,
    live: bool = False,
    webhooks: bool = False,
    force: bool = False,
    service: str = "",
    ca_file: Path | None = None,
    at: str = "",
    servers: Annotated[int | None, Parameter(validator=Number(gte=1, lte=10_000))] = None,
    lasting: Annotated[str, Parameter(name="--for")] = "1h",
    every: Literal["", "day", "week"] = "",
    reason: str = "",
    remove: str = "",
    by: str = "",
    cancel: bool = False,
) -> int:
    """Print, judge, list, apply, scale or drain fleets, and say why they are so large.

    render prints the Kubernetes manifests of fleets of pods, for `kubectl apply -f -`.
    lint judges the Fleets of a file, or a fleet by name, and ends with 1 when there are errors.
    list and status show what Redis knows, of local fleets too.
    why tells the newest decision about a fleet's size, with what it came from.
    plan announces a size for a time, lists what was announced, or takes it back.
    apply gives the manifests to the API server, scale sets a Fleet's size.
    drain empties a node, and tells how far it is until it is empty; stopping that stops no drain.

    Args:
        action: render, lint, list, status, why, plan, apply, scale or drain.
        name: A fleet of the configuration; all of them without one. For lint also a file, for
            drain a node by its name or its servers' address.
        size: Servers, for scale.
        config: The configuration; the built-in one without it.
        json: Print JSON.
        live: Judge what runs in the cluster instead of what would be rendered.
        webhooks: Render and apply the webhooks too: pods' ports, and the size of fleets.
        force: Scale although the role fleets plans the size.
        service: Our webhooks' Service, NAMESPACE/NAME:PORT; readyup/readyup-fleets:8443 without.
        ca_file: PEM of the authority of their certificate.
        at: When the servers of a plan are wanted: 2026-12-24T20:00, this machine's time unless
            an offset follows, or now.
        servers: How many there shall be at least.
        lasting: For how long: 45m, 2h, 1d.
        every: day or week, for a plan that comes again.
        reason: What it is, for those who ask why.
        remove: The plan to be taken back, by its id.
        by: After how long a drain hands over what still plays: 10m, or 0s for now; never without.
        cancel: Take a drain back.
    """
    from readyup.fleetctl.announce import PlanAsked
    from readyup.fleetctl.drain import DrainAsked
    from readyup.settings import load

    try:
        plan = PlanAsked(at, servers, lasting, every, reason, remove)
        drain = DrainAsked(by, cancel, reason)
        asked = Asked(
            load(config), name, size, json, live, webhooks, force, service, ca_file, plan, drain
        )
        return _ACTIONS[action](asked)
    except ReadyUpError as wrong:
        print(f"readyup fleet {action}: {wrong}", file=sys.stderr)
        return 1


def _render(asked: Asked) -> int:
    from readyup.fleetctl.documents import printed

    print(printed(_documents(asked), as_json=asked.as_json))
    if not asked.webhooks:
        print(_values(asked), file=sys.stderr)
    return 0


def _values(asked: Asked) -> str:
    """What is missing without our webhook, for a person who reads along."""
    from fleets.agones.manifest import sidecar_values
    from readyup.fleetctl.choose import pod_fleets

    pods = [spec.pod for spec in pod_fleets(asked.config, asked.name) if spec.pod is not None]
    values = sidecar_values(pods[0])
    flags = " ".join(f"--set {key}={value}" for key, value in values.items())
    return f"# Without --webhooks no core is exclusive unless Agones is installed with\n#   {flags}"


def _documents(asked: Asked) -> list[dict[str, object]]:
    """The manifests of the fleets that were asked for, each once, of every cluster."""
    from readyup.fleetctl.choose import by_cluster

    groups = by_cluster(asked.config, asked.name)
    return [one for group in groups for one in _documents_of(asked, *group)]


def _documents_of(
    asked: Asked, settings: "KubernetesSettings", specs: "Sequence[FleetSpec]"
) -> list[dict[str, object]]:
    """Those of one cluster."""
    from fleets.agones.manifest import Site, pods_webhook, render
    from readyup.fleetctl.choose import site

    whole = site(settings, service=asked.service, ca_file=asked.ca_file)
    where = whole if asked.webhooks else Site(whole.namespace, whole.sessions_url)
    hook = pods_webhook(where)
    every = [] if hook is None else [hook]
    for spec in specs:
        every += [one for one in render(spec, where) if one not in every]
    return every


def _lint(asked: Asked) -> int:
    from fleets.agones.lint.judge import judge
    from fleets.agones.lint.rule import Severity
    from readyup.fleetctl.documents import read
    from readyup.fleetctl.tables import findings_table

    path = Path(asked.name)
    if asked.live:
        findings = judge(asyncio.run(_around(asked)))
    elif path.suffix in (".yaml", ".yml", ".json") or path.exists():
        findings = judge(read(path))
    else:
        findings = judge(_documents(asked))
    _show(findings_table(findings), findings, asked)
    return 1 if any(one.severity is Severity.ERROR for one in findings) else 0


async def _around(asked: Asked) -> list[dict[str, object]]:
    from readyup.fleetctl.choose import by_cluster
    from readyup.fleetctl.cluster import around, cluster

    found: list[dict[str, object]] = []
    for settings, specs in by_cluster(asked.config, asked.name):
        async with cluster(settings) as kube:
            for spec in specs:
                found += [one for one in await around(kube, spec.name) if one not in found]
    return found


def _list(asked: Asked) -> int:
    from readyup.fleetctl.choose import fleets_named
    from readyup.fleetctl.look import look
    from readyup.fleetctl.tables import fleets_table

    looks = asyncio.run(look(asked.config, fleets_named(asked.config, asked.name)))
    _show(fleets_table(looks), looks, asked)
    return 0


def _status(asked: Asked) -> int:
    from rich.console import Group

    from readyup.fleetctl.choose import fleets_named
    from readyup.fleetctl.look import look
    from readyup.fleetctl.tables import status_table

    looks = asyncio.run(look(asked.config, fleets_named(asked.config, asked.name)))
    _show(Group(*map(status_table, looks)), looks, asked)
    return 0


def _why(asked: Asked) -> int:
    from readyup.fleetctl.choose import fleets_named
    from readyup.fleetctl.look import store_of
    from readyup.fleetctl.why import sentences, why

    async def ask() -> "list[Why]":
        async with store_of(asked.config) as store:
            specs = fleets_named(asked.config, asked.name)
            queues = tuple(asked.config.queues.values())
            return [await why(store, spec, queues) for spec in specs]

    told = asyncio.run(ask())
    if asked.as_json:
        _show("", told[0] if asked.name else told, asked)
    else:
        print("\n".join(map(sentences, told)))
    return 0


def _plan(asked: Asked) -> int:
    from readyup.commands.process import configure_logging
    from readyup.fleetctl.announce import planned

    configure_logging(as_json=False, level=logging.WARNING)  # the audit has the change
    if not asked.name:
        raise Invalid("write readyup fleet plan NAME", field="NAME")
    told = asyncio.run(planned(asked.config, asked.name, asked.plan))
    lines = [f"{name}: {words}" for name, words in told.items()]
    _show("\n".join(lines) or f"nothing is announced for {asked.name}", told, asked)
    return 0


def _apply(asked: Asked) -> int:
    from readyup.fleetctl.choose import by_cluster
    from readyup.fleetctl.cluster import applied, cluster

    async def apply() -> list[str]:
        paths: list[str] = []
        for settings, specs in by_cluster(asked.config, asked.name):
            async with cluster(settings) as kube:
                paths += await applied(kube, _documents_of(asked, settings, specs))
        return paths

    paths = asyncio.run(apply())
    _show("\n".join(f"applied {path}" for path in paths), {"applied": paths}, asked)
    return 0


def _scale(asked: Asked) -> int:
    from readyup.fleetctl.choose import pod_fleets
    from readyup.fleetctl.cluster import cluster, scaled
    from readyup.fleetctl.look import look

    size = asked.size
    if not asked.name or size is None:
        raise Invalid("write readyup fleet scale NAME SIZE", field="SIZE")

    async def scale() -> int:
        (spec,) = pod_fleets(asked.config, asked.name)
        looks = await look(asked.config, [spec]) if asked.config.store.url else []
        plan = looks[0] if looks else None
        async with cluster(asked.config.cluster_of(spec)) as kube:
            return await scaled(kube, spec.name, size, plan=plan, force=asked.force)

    before = asyncio.run(scale())
    said = {"fleet": asked.name, "before": before, "now": size}
    _show(f"{asked.name}: {before} -> {size} servers", said, asked)
    return 0


def _drain(asked: Asked) -> int:
    from readyup.commands.process import configure_logging
    from readyup.fleetctl.drain import told

    configure_logging(as_json=False, level=logging.WARNING)  # the audit has the change
    if not asked.name:
        raise Invalid("write readyup fleet drain NODE", field="NODE")

    async def look_on() -> None:
        async for line in told(asked.config, asked.name, asked.drain, as_json=asked.as_json):
            print(line, flush=True)

    asyncio.run(look_on())
    return 0


def _show(table: "RenderableType", value: object, asked: Asked) -> None:
    if asked.as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
        return
    from rich.console import Console

    # Into a file or a pipe a line is as long as it has to be.
    Console(width=None if sys.stdout.isatty() else 140).print(table)


_ACTIONS = {
    "render": _render,
    "lint": _lint,
    "list": _list,
    "status": _status,
    "why": _why,
    "plan": _plan,
    "apply": _apply,
    "scale": _scale,
    "drain": _drain,
}
