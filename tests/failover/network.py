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
    """From now on no other server and no Sentinel hears this one, nor it them. Clients do.

    All wires go at once: a replica that is cut off before the other one lacks what that one
    acknowledged meanwhile, and may all the same be chosen. That would be a second fault.
    """
    # Dropped where it arrives, without a word; a route that is none would say so.
    _policies("add", ensemble, server, " action block")


def heal(ensemble: Ensemble, server: Endpoint) -> None:
    """After ``cut``."""
    _policies("del", ensemble, server)


def _policies(verb: str, ensemble: Ensemble, server: Endpoint, words: str = "") -> None:
    lines = [
        f"xfrm policy {verb} src {one.host} dst {two.host} dir in{words}\n"
        for other in _others(ensemble, server)
        for one, two in ((server, other), (other, server))
    ]
    command = ["ip", "-batch", "-"]
    subprocess.run(command, check=True, capture_output=True, input="".join(lines), text=True)


def _others(ensemble: Ensemble, server: Endpoint) -> list[Endpoint]:
    return [one for one in (*ensemble.servers, *ensemble.sentinels) if one != server]
