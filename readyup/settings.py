"""The configuration of one process: a TOML or JSON file, then the environment, checked once.

Every wrong value is refused with its place and its cure. Secrets come from the
environment only: ``READYUP_JOIN_KEY`` (the API's signing key) and its public half
``READYUP_JOIN_KEY_PUBLIC`` (what game servers are told), both as 64 hex digits.
"""

import dataclasses
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from core.address import Address, parse_address
from core.errors import Invalid
from core.ids import NAME, FleetName
from core.line import Durability
from core.telemetry import TelemetrySettings
from fleets.agones.settings import KubernetesSettings
from fleets.own import OwnFleet
from fleets.spec import FleetSpec, parse_fleets
from matchmaker.api.settings import Backend, Issuer, Limits
from matchmaker.settings import QueueSettings
from readyup.clusters import cluster_of, parse_clusters, region_of
from readyup.listen import Listen
from readyup.operators.settings import ConsoleSettings, parse_console
from readyup.queues import parse_queue, queue_as_table
from readyup.tables import converted, read_file, refusal, refuse_unknown, section, subtable


def _refuse_twice(names: list[str], place: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise Invalid(f"{name!r} is there twice", field=place)


@dataclass(frozen=True, slots=True)
class ApiSettings(Listen):
    """Where the player API listens, and to whom."""

    dev_keys: bool = False
    """Whether ``dev-player:<id>`` and ``dev-backend`` are keys. On loopback only, and not in
    Kubernetes: anybody can make them."""

    proxies: int = 0
    """Proxies of ours before the API. With n, the client's address is the n-th from the right
    in X-Forwarded-For; with 0 that header counts for nothing."""

    issuers: tuple[Issuer, ...] = ()
    """Whose tokens are players' keys: one table each, ``[[api.issuers]]``."""

    backends: tuple[Backend, ...] = ()
    """Game back ends: one table each, ``[[api.backends]]``."""

    limits: Limits = field(default_factory=Limits)
    """How much one player, address or connection may ask."""

    def __post_init__(self) -> None:
        # The parent by name: with slots, super() knows an older class than this one.
        Listen.__post_init__(self)
        if not 0 <= self.proxies <= 10:
            raise Invalid(f"{self.proxies} is outside 0-10", field="$.proxies")
        _refuse_twice([one.issuer for one in self.issuers], "$.issuers")
        _refuse_twice([one.name for one in self.backends], "$.backends")
        if sum(one.plain_ids for one in self.issuers) > 1:
            raise Invalid(
                "with several issuers one may have plain_ids, else two could name one player; "
                "set plain_ids = false for the others",
                field="$.issuers",
            )


OF_A_DEMO = "beside a running demo write --config .run/demo-…/readyup.json, or that of its --dir"
"""Where the settings of a demo are, its store's address with them; for those who ask for it."""

ALONE_S_MIN = 5.0
"""A primary that was cut off must have stopped by itself: cluster-node-timeout, and some."""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the state is."""

    url: str = ""
    """``redis://host:port/0``, ``unix:///path``, ``redis+sentinel://host:port,…/NAME`` or
    ``redis+cluster://host:port,…``; empty runs a Valkey of our own. See redis.md."""

    durability: Durability = "none"
    """What players and servers are told waits for: nothing (none), a replica's memory (replica),
    or two disks (aof)."""

    alone_after_s: float = 0.0
    """A primary of a Cluster that has had no replica for so long keeps promises alone; until
    then, and at 0 for ever, they are refused. See redis.md."""

    def __post_init__(self) -> None:
        kind = parse_address(self.url, field="$.url").kind if self.url else "server"
        if self.alone_after_s and kind != "cluster":
            raise Invalid("is for redis+cluster:// alone; leave it out", field="$.alone_after_s")
        if self.alone_after_s and not ALONE_S_MIN <= self.alone_after_s <= 86_400:
            raise Invalid(
                f"{self.alone_after_s:g} is outside {ALONE_S_MIN:g}-86400; 0 is never",
                field="$.alone_after_s",
            )

    def address(self, environ: Mapping[str, str] = os.environ) -> Address:
        """Where that is, with the passwords of the environment."""
        return parse_address(self.url).with_secrets(environ)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that one installation is asked to be."""

    queues: dict[str, QueueSettings]
    fleets: tuple[FleetSpec, ...]
    store: StoreSettings = StoreSettings()
    api: ApiSettings = ApiSettings(port=8081)
    """The player API."""

    sessions: Listen = field(default_factory=lambda: Listen(port=8082))
    """The sessions API, for game servers."""

    console: ConsoleSettings = field(default_factory=lambda: ConsoleSettings(port=8080))
    """The console, for operators."""

    admin: Listen = field(default_factory=Listen)
    """The admin port of each process: its health and its metrics."""

    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    """Traces of tickets."""

    kubernetes: KubernetesSettings = field(default_factory=KubernetesSettings)
    """The cluster that runs the fleets of pods."""

    clusters: dict[str, KubernetesSettings] = field(default_factory=dict)
    """Further clusters, by name: one table each, ``[clusters.NAME]``."""

    run_dir: str = ""
    """Logs, events and whatever else the processes leave; empty takes a temporary folder."""

    own_fleets: tuple[OwnFleet, ...] = ()
    """Fleets of game servers that register themselves, by name: ``[own_fleets.NAME]``."""

    events: bool = True
    """Whether the API and local game servers write their own event files into run_dir."""

    source: str = field(default="the built-in configuration", compare=False)

    def cluster_of(self, fleet: FleetSpec) -> KubernetesSettings:
        """Where a fleet of pods runs."""
        return cluster_of(fleet, self.clusters, self.kubernetes)

    def regions(self) -> dict[FleetName, str]:
        """Where each fleet is, as players name it in their latencies."""
        return {one.name: region_of(one, self.clusters, self.kubernetes) for one in self.fleets}

    def running_store(self, url: str = "") -> Address:
        """Where the store of a running service is: at ``--store``, else where this says.

        Raises:
            Invalid: neither names one.
        """
        if not (where := url or self.store.url):
            raise Invalid(
                "--store: whose? write redis://host:port/0, or --config with settings that name "
                f"it; {OF_A_DEMO}",
                field="--store",
            )
        return StoreSettings(where).address()

    def fleet_names(self) -> tuple[FleetName, ...]:
        """Every fleet, ours and those whose servers register themselves."""
        return (*(one.name for one in self.fleets), *(one.name for one in self.own_fleets))


def load(path: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration in a file, or the built-in one, with the environment's word last.

    Raises:
        Invalid: names the place and the cure.
    """
    if path is None:
        folder = Path(str(resources.files("readyup")))
        text = folder.joinpath("embedded.toml").read_text("utf-8")
        table, source = tomllib.loads(text), "the built-in configuration"
    else:
        table, source, folder = read_file(path), str(path), path.parent
    sources: dict[str, str] = {}
    for variable, place in ENVIRONMENT.items():
        if value := environ.get(variable):
            name, _, key = place.partition(".")
            number = key == "port" and re.fullmatch("-?[0-9]{1,9}", value)
            table[name] = {**subtable(table, name), key: int(value) if number else value}
            sources[f"$.{place}"] = variable
    try:
        return parse(table, source=source, folder=folder)
    except Invalid as wrong:
        whose = sources.get(wrong.field, source)
        raise Invalid(f"{whose}: {wrong}", field=wrong.field) from wrong


ENVIRONMENT = {
    "READYUP_STORE_URL": "store.url",
    "READYUP_API_HOST": "api.host",
    "READYUP_API_PORT": "api.port",
    "READYUP_SESSIONS_HOST": "sessions.host",
    "READYUP_SESSIONS_PORT": "sessions.port",
    "READYUP_CONSOLE_HOST": "console.host",
    "READYUP_CONSOLE_PORT": "console.port",
    "READYUP_ADMIN_HOST": "admin.host",
    "READYUP_ADMIN_PORT": "admin.port",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "telemetry.endpoint",
    "OTEL_SERVICE_NAME": "telemetry.service_name",
}


def parse(table: Mapping[str, Any], *, source: str = "", folder: Path = Path()) -> Config:
    """A whole configuration from its tables; files that it names are in ``folder``.

    Raises:
        Invalid: names the place and the cure.
    """
    known = {one.name for one in dataclasses.fields(Config)} - {"source"}
    refuse_unknown(table, known, "$")
    fleets = parse_fleets(table.get("fleets", {}))
    own = tuple(_own_fleet(name, entry) for name, entry in subtable(table, "own_fleets").items())
    names = [*(fleet.name for fleet in fleets), *(fleet.name for fleet in own)]
    for name in names:
        if names.count(name) > 1:
            raise refusal(f"$.own_fleets.{name}", "has the name of another fleet; choose another")
    queues = {
        name: parse_queue(name, entry, names, folder)
        for name, entry in subtable(table, "queues").items()
    }
    if not queues:
        raise Invalid("$.queues: there is none; write [queues.NAME]", field="$.queues")
    return Config(
        queues,
        fleets,
        store=section(table, "store", StoreSettings),
        api=_api(table),
        sessions=section(table, "sessions", Listen, port=8082),
        console=parse_console(table),
        admin=section(table, "admin", Listen),
        telemetry=section(table, "telemetry", TelemetrySettings),
        kubernetes=section(table, "kubernetes", KubernetesSettings),
        clusters=parse_clusters(table, fleets),
        own_fleets=own,
        run_dir=converted(table.get("run_dir", ""), str, "$.run_dir"),
        events=converted(table.get("events", True), bool, "$.events"),
        source=source,
    )


def as_table(config: Config) -> dict[str, Any]:
    """A configuration as tables that ``parse`` reads back; what processes hand each other."""
    table = msgspec.to_builtins(config)
    table.pop("source")
    table["fleets"] = {
        fleet.pop("name"): {
            **fleet,
            "ports": f"{fleet['ports']['first']}-{fleet['ports']['last']}",
        }
        for fleet in table["fleets"]
    }
    table["own_fleets"] = {fleet.pop("name"): fleet for fleet in table["own_fleets"]}
    table["queues"] = {name: queue_as_table(queue) for name, queue in config.queues.items()}
    return dict(table)


def _api(table: Mapping[str, Any]) -> ApiSettings:
    entry = subtable(table, "api")
    for name, shape in (("issuers", Issuer), ("backends", Backend)):
        listed = entry.get(name)
        for n, one in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(one, Mapping):
                refuse_unknown(one, set(shape.__slots__), f"$.api.{name}[{n}]")
    if isinstance(limits := entry.get("limits"), Mapping):
        refuse_unknown(limits, {one.name for one in dataclasses.fields(Limits)}, "$.api.limits")
    return section(table, "api", ApiSettings, port=8081)


def _own_fleet(name: str, table: object) -> OwnFleet:
    place = f"$.own_fleets.{name}"
    if not isinstance(table, Mapping) or "key_sha256" not in table:
        raise refusal(place, "needs key_sha256; `readyup keys --fleet` makes a key and its hash")
    if not NAME.fullmatch(name):
        raise refusal(place, "a fleet's name has lower case letters, digits and dashes, at most 40")
    refuse_unknown(table, {"key_sha256"}, place)
    return converted({**table, "name": name}, OwnFleet, place)
