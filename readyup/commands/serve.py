"""``readyup serve``: the service itself, all of it or some roles, until it is told to stop."""

import asyncio
import contextlib
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import structlog
from cyclopts import Parameter

from core.errors import Invalid, ReadyUpError
from matchmaker.api.keys import BACKEND_PREFIX
from matchmaker.api.settings import Backend
from readyup.commands.options import refuse_port
from readyup.commands.process import configure_logging, loop_factory, on_signals, our_errors
from readyup.listen import Listen
from readyup.logs import LOG_JSON
from readyup.operators.roles import Role
from readyup.operators.settings import Operator
from readyup.operators.tokens import new_token, sha256
from readyup.settings import Config, StoreSettings, load
from readyup.wiring.doors import DOOR_OF, Doors, handed_to_us, open_doors

log = structlog.get_logger("readyup.process")

_NO_SHA256 = "0" * 64

PLACES = (
    ("console", "console", ""),
    ("api", "player API", "/openapi.json"),
    ("sessions", "sessions API", ""),
)
"""Section, what a person calls it, and where a look at it begins."""

ALL = ("api", "director", "allocator", "fleets", "console")


def serve(
    *,
    role: str = "all",
    config: Path | None = None,
    api_port: int | None = None,
    sessions_port: int | None = None,
    console_port: int | None = None,
    name: str = "",
    log_json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Run the service until SIGTERM or Ctrl-C; a second one ends it at once.

    Args:
        role: all, or some of api, director, allocator, fleets, console with commas between.
        config: A TOML or JSON file; without it the built-in one, two queues and one fleet.
        api_port: Of the player API, 0 for any free one; the configuration's without it.
        sessions_port: Of the sessions API, for game servers.
        console_port: Of the console.
        name: This process among its like; the roles' names without it.
        log_json: Write log lines as JSON, for machines.
    """
    log_json = log_json or os.environ.get(LOG_JSON) == "1"
    if log_json:
        os.environ[LOG_JSON] = "1"  # for game servers too
    configure_logging(as_json=log_json)
    try:
        roles = ALL if role == "all" else tuple(part.strip() for part in role.split(","))
        for part in roles:
            if part not in ALL:
                raise Invalid(f"--role: there is no role {part!r}; there are: {', '.join(ALL)}")
        ports = {"api": api_port, "sessions": sessions_port, "console": console_port}
        for section, port in ports.items():
            refuse_port(f"--{section}-port", port)
        asked = _at_ports(load(config), ports)
        name = name or "-".join(roles)
        configure_logging(as_json=log_json, role=role, name=name)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(roles, asked, name, as_json=log_json))
    except (ReadyUpError, BaseExceptionGroup) as wrong:
        for error in our_errors(wrong):
            if log_json:
                log.error("process.failed", reason=str(error))  # noqa: TRY400 - it says it all
            else:
                print(f"readyup serve: {error}", file=sys.stderr)
        return 1
    log.info("process.ended")
    return 0


def _at_ports(config: Config, ports: Mapping[str, int | None]) -> Config:
    asked = {
        section: replace(getattr(config, section), port=port)
        for section, port in ports.items()
        if port is not None
    }
    return replace(config, **asked)


async def _serve(roles: tuple[str, ...], config: Config, name: str, *, as_json: bool) -> None:
    from core.valkey import embedded_valkey
    from readyup.wiring import embedded

    stop = asyncio.Event()
    on_signals(stop)
    async with contextlib.AsyncExitStack() as stack:
        if not config.run_dir:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="readyup-run-"))
            config = replace(config, run_dir=folder)
        if not config.store.url:
            if roles != ALL:
                raise Invalid("$.store.url: roles in processes of their own need one store")
            url = await stack.enter_async_context(embedded_valkey())
            if not as_json:
                print(f"{'store':<14}READYUP_STORE_URL={url}")
            config = replace(config, store=StoreSettings(url, config.store.durability))
        if roles == ALL:
            own_keys()
        config, doors = _doors(roles, config)
        for door in doors.values():
            stack.callback(door.close)
        if not as_json:
            _tell_places(config, doors)
        await embedded.serve(roles, config, doors=doors, name=name, stop=stop)


def _doors(roles: tuple[str, ...], config: Config) -> tuple[Config, dict[str, socket.socket]]:
    """The doors of these roles: those we were handed, and the others opened here."""
    doors = handed_to_us()
    theirs = [DOOR_OF[role] for role in roles if role in DOOR_OF]
    config, opened = open_doors(config, [section for section in theirs if section not in doors])
    if "fleets" in roles and not config.sessions.port:
        raise Invalid(
            "$.sessions.port: game servers must be told one; write another number than 0",
            field="$.sessions.port",
        )
    return config, doors | opened


def _tell_places(config: Config, doors: Doors) -> None:
    """Where this process can be reached by now, for a person."""
    for section, what, path in PLACES:
        if section in doors:
            listen: Listen = getattr(config, section)
            print(f"{what:<14}http://{listen.host}:{listen.port}{path}")
    print(f"{'run folder':<14}{config.run_dir}", flush=True)


def own_keys() -> dict[str, str]:
    """A new pair of join keys in this process's environment, for those it starts too."""
    from core.join_token import Minter
    from readyup.wiring.embedded import JOIN_KEY, JOIN_KEY_PUBLIC

    if JOIN_KEY not in os.environ:
        os.environ[JOIN_KEY] = secrets.token_hex(32)
    minter = Minter.from_hex(os.environ[JOIN_KEY])
    os.environ[JOIN_KEY_PUBLIC] = minter.public_hex()
    return {JOIN_KEY: os.environ[JOIN_KEY], JOIN_KEY_PUBLIC: minter.public_hex()}


def keys(
    *, fleet: bool = False, backend: str = "", operator: str = "", role: Role = Role.VIEWER
) -> int:
    """Print a new pair of join keys, as environment variables.

    Args:
        fleet: A key for game servers that register themselves, and the hash for
            [own_fleets.NAME], instead.
        backend: A key for the game back end of this name, and its table in [[api.backends]],
            instead. The key is shown this once; the settings keep its hash.
        operator: A token for the operator of this name, and its table in [[console.operators]],
            instead. It too is shown this once.
        role: Of the operator: viewer, operator or admin.
    """
    if fleet:
        print(f'key_sha256 = "{_shown(_new_key("rus_"))}"')
        return 0
    if backend:
        try:
            Backend(backend, _NO_SHA256)
        except Invalid as wrong:
            print(f"readyup keys: --backend: {wrong}", file=sys.stderr)
            return 1
        hashed = _shown(_new_key(BACKEND_PREFIX))
        print(f'\n[[api.backends]]\nname = "{backend}"\nkey_sha256 = "{hashed}"')
        return 0
    if operator:
        return _operator_token(operator, role)
    for variable, value in own_keys().items():
        print(f"{variable}={value}")
    return 0


def _operator_token(name: str, role: Role) -> int:
    try:
        Operator(name, role, _NO_SHA256)
    except Invalid as wrong:
        print(f"readyup keys: --operator: {wrong}", file=sys.stderr)
        return 1
    hashed = _shown(new_token(), what="token")
    print(f'\n[[console.operators]]\nname = "{name}"\nrole = "{role}"\ntoken_sha256 = "{hashed}"')
    return 0


def _new_key(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def _shown(key: str, *, what: str = "key") -> str:
    """Print a new key, this once, and return its hash."""
    print(f"{what:<11} {key}")
    return sha256(key)
