"""What a local game server is started with: its command and its environment, from its spec."""

import sys
from dataclasses import dataclass
from pathlib import Path

from core.game_server import ServerView
from fleets.local.process import Launch
from fleets.ports import SdkPorts
from fleets.spec import PYTHON, FleetSpec


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What all servers of this machine have in common."""

    run_dir: Path
    """Belongs to one fleets role: logs of servers, and files by which orphans are known."""

    sessions_url: str
    """Where servers connect to, e.g. ``ws://127.0.0.1:8081/v1/servers/connect``."""

    events_dir: Path | None = None
    """Each server writes its events to ``server-<name>.jsonl`` there; None writes none."""

    log_json: bool = False
    """Whether servers write their log lines as JSON."""

    log_bytes_max: int = 1_000_000
    """A server's log is rotated once, so it holds at most twice this."""

    def log_of(self, name: str) -> Path:
        """The file with what a server prints."""
        return self.run_dir / "logs" / f"{name}.log"


def launch_of(
    spec: FleetSpec, view: ServerView, settings: LocalSettings, *, sdk: SdkPorts, seed: bytes
) -> Launch:
    """How to start this server."""
    env = {
        **spec.env,
        "AGONES_SDK_GRPC_HOST": "127.0.0.1",
        "AGONES_SDK_GRPC_PORT": str(sdk.grpc),
        "AGONES_SDK_HTTP_PORT": str(sdk.http),
        "READYUP_SERVER_NAME": view.name,
        "READYUP_SERVER_UID": view.uid,
        "READYUP_FLEET": view.fleet,
        "READYUP_ADDRESS": view.address,
        "READYUP_PORT": str(view.port),
        "READYUP_ROOMS": str(view.rooms),
        "READYUP_VERSION": view.version,
        "READYUP_SESSIONS_URL": settings.sessions_url,
        # A second less than it has, so that it can say goodbye.
        "READYUP_DRAIN_S": str(max(0, int(spec.grace_s) - 1)),
    }
    if sys.dont_write_bytecode:
        # Whoever wants no bytecode beside the sources gets it here: without any, a Python
        # server compiles all it imports at every start, which doubles the time to Ready.
        env["PYTHONPYCACHEPREFIX"] = str(settings.run_dir / "pycache")
    if settings.log_json:
        env["READYUP_LOG_JSON"] = "1"
    if settings.events_dir is not None:
        env["READYUP_EVENTS"] = str(settings.events_dir / f"server-{view.name}.jsonl")
    return Launch(
        command=tuple(word.replace(PYTHON, sys.executable) for word in spec.command),
        env=env,
        cores=view.cores,
        seed=seed,
        log=settings.log_of(view.name),
        log_bytes_max=settings.log_bytes_max,
    )
