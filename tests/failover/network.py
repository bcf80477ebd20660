"""Cuts the network between two servers, both of which are alive and reach everybody else."""

import shutil
import subprocess
from pathlib import Path

from core.address import Endpoint
from core.ensemble import Ensemble
from tests.cluster.plane import network


def why_not() -> str:
    """Why no network can be cut here; "" when one can."""
    if not shutil.which("ip"):
        return "needs iproute2"
    return network.why_not()


def prepare() -> None:
    """Let policies count on loopback, too, in the network that we are in."""
    Path("/proc/sys/net/ipv4/conf/lo/disable_policy").write_text("0")


def cut(ensemble: Ensemble, server: Endpoint) -> None:
    """From now on no other server and no Sentinel hears this one, nor it them. Clients do."""
    for other in _others(ensemble, server):
        for one, two in ((server, other), (other, server)):
            # Dropped where it arrives, without a word; a route that is none would say so.
            _policy("add", one, two, "action", "block")


def heal(ensemble: Ensemble, server: Endpoint) -> None:
    """After ``cut``."""
    for other in _others(ensemble, server):
        _policy("del", server, other)
        _policy("del", other, server)


def _others(ensemble: Ensemble, server: Endpoint) -> list[Endpoint]:
    return [one for one in (*ensemble.servers, *ensemble.sentinels) if one != server]


def _policy(verb: str, source: Endpoint, target: Endpoint, *words: str) -> None:
    where = ["src", source.host, "dst", target.host, "dir", "in"]
    command = ["ip", "xfrm", "policy", verb, *where, *words]
    subprocess.run(command, check=True, capture_output=True)
