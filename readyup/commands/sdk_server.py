"""``readyup sdk-server``: an Agones SDK server for your own game server, on this machine."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from core.clock import SystemClock
from core.errors import ReadyUpError
from gameserver.sidecar.endpoint import SdkPorts
from gameserver.sidecar.local import LocalSdk, LocalSettings
from readyup.commands.options import refuse_port
from readyup.commands.process import configure_logging, on_signals, our_errors


def sdk_server(
    *,
    file: Path | None = None,
    grpc_port: int = 9357,
    http_port: int = 9358,
    strict: Annotated[bool, Parameter(negative=())] = False,
    check_health: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Answer every call of Agones' SDK for one game server, until Ctrl-C.

    Args:
        file: A GameServer as JSON (or YAML, where PyYAML is installed); read again whenever
            it changes. Without one: Agones' default, with a counter "rooms", a list "players".
        grpc_port: Where game servers speak gRPC; 0 is any free port.
        http_port: Where they speak REST, and where POST /gameserverallocation allocates
            this server; 0 is any free port.
        strict: Answer mistakes with the error codes that Agones' documents promise, instead
            of those that it sends.
        check_health: Make a server Unhealthy that stops pinging.
    """
    configure_logging(as_json=False)

    def opened(ports: SdkPorts) -> None:
        print(f"SDK server: gRPC on 127.0.0.1:{ports.grpc}, REST on 127.0.0.1:{ports.http}")
        print(f"  export AGONES_SDK_GRPC_PORT={ports.grpc} AGONES_SDK_HTTP_PORT={ports.http}")
        print(f"  allocate: curl -d '{{}}' localhost:{ports.http}/gameserverallocation", flush=True)

    async def run() -> None:
        stop = asyncio.Event()
        on_signals(stop)
        settings = LocalSettings(file, SdkPorts(grpc_port, http_port), strict, check_health)
        await LocalSdk(settings, SystemClock()).run(stop, opened=opened)

    try:
        refuse_port("--grpc-port", grpc_port)
        refuse_port("--http-port", http_port)
        asyncio.run(run())
    except (ReadyUpError, BaseExceptionGroup) as wrong:
        for error in our_errors(wrong):
            print(f"readyup sdk-server: {error}", file=sys.stderr)
        return 1
    return 0
