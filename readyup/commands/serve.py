"""``readyup serve``: the service itself, all of it or some roles, until it is told to stop."""

import asyncio
import contextlib
import hashlib
import secrets
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from core.errors import Invalid, ReadyUpError
from matchmaker.api.settings import Backend
from readyup.commands.process import configure_logging, loop_factory, on_signals, our_errors
from readyup.settings import Config, StoreSettings, load

_NO_SHA256 = "0" * 64

ALL = ("api", "director", "allocator", "fleets", "console")


def serve(
    *, role: str = "all", config: Path | None = None, name: str = "", log_json: bool = False
) -> int:
    """Run the service until SIGTERM or Ctrl-C; a second one ends it at once.

    Args:
        role: all, or some of api, director, allocator, fleets, console with commas between.
        config: A TOML or JSON file; without it the built-in one, two queues and one fleet.
        name: This process among its like; the roles' names without it.
        log_json: Write log lines as JSON, for machines.
    """
    configure_logging(as_json=log_json)
    try:
        roles = ALL if role == "all" else tuple(part.strip() for part in role.split(","))
        for part in roles:
            if part not in ALL:
                raise Invalid(f"--role: there is no role {part!r}; there are: {', '.join(ALL)}")
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(roles, load(config), name or "-".join(roles)))
    except (ReadyUpError, BaseExceptionGroup) as wrong:
        for error in our_errors(wrong):
            print(f"readyup serve: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(roles: tuple[str, ...], config: Config, name: str) -> None:
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
            config = replace(config, store=StoreSettings(url, config.store.durability))
        if roles == ALL:
            own_keys()
            print(f"console     http://{config.console.host}:{config.console.port}")
            print(f"player API  http://{config.api.host}:{config.api.port}/openapi.json")
        await embedded.serve(roles, config, name=name, stop=stop)


def own_keys() -> dict[str, str]:
    """A new pair of join keys in this process's environment, for those it starts too."""
    import os

    from core.join_token import Minter
    from readyup.wiring.embedded import JOIN_KEY, JOIN_KEY_PUBLIC

    if JOIN_KEY not in os.environ:
        os.environ[JOIN_KEY] = secrets.token_hex(32)
    minter = Minter.from_hex(os.environ[JOIN_KEY])
    os.environ[JOIN_KEY_PUBLIC] = minter.public_hex()
    return {JOIN_KEY: os.environ[JOIN_KEY], JOIN_KEY_PUBLIC: minter.public_hex()}


def keys(*, fleet: bool = False, backend: str = "") -> int:
    """Print a new pair of join keys, as environment variables.

    Args:
        fleet: A key for game servers that register themselves, and the hash for
            [own_fleets.NAME], instead.
        backend: A key for the game back end of this name, and its table in [[api.backends]],
            instead. The key is shown this once; the settings keep its hash.
    """
    if fleet:
        print(f'key_sha256 = "{_new_key("rus_")}"')
        return 0
    if backend:
        try:
            Backend(backend, _NO_SHA256)
        except Invalid as wrong:
            print(f"readyup keys: --backend: {wrong}", file=sys.stderr)
            return 1
        hashed = _new_key("rub_")
        print(f'\n[[api.backends]]\nname = "{backend}"\nkey_sha256 = "{hashed}"')
        return 0
    for variable, value in own_keys().items():
        print(f"{variable}={value}")
    return 0


def _new_key(prefix: str) -> str:
    """Print a new key and return its hash."""
    key = prefix + secrets.token_urlsafe(32)
    print(f"key         {key}")
    return hashlib.sha256(key.encode()).hexdigest()
