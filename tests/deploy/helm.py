"""The `helm` of the chart's tests: built from its Go module, kept beside the cluster's programs."""

import functools
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.plane import binaries, toolchain

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
PROFILES = ROOT / "deploy" / "profiles"

BUILD = binaries.Build("helm", ("helm.sh/helm/v4/cmd/helm",), "-s -w", ("helm",))

Document = dict[str, Any]


class Refused(Exception):
    """Helm ended with an error; its words."""


@functools.cache
def program(*, build: bool = False) -> Path:
    """Where helm is.

    Raises:
        RuntimeError: it is not built, or cannot be; says why.
    """
    return binaries.built(BUILD, build=build, verb="make chart") / "helm"


def run(*arguments: str, kubeconfig: Path | None = None) -> str:
    """What helm printed; its home is the cache, so that it leaves nothing behind.

    Raises:
        Refused: it ended with an error.
    """
    home = toolchain.cache() / "helm-home"
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    if kubeconfig is not None:
        environment["KUBECONFIG"] = str(kubeconfig)
    done = subprocess.run(
        [program(), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=60,
    )
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


def options(values: Sequence[Path] = (), **sets: object) -> list[str]:
    """Values files and single values (``__`` for a dot) as helm's arguments."""
    given = [f"--values={path}" for path in values]
    told = {key.replace("__", "."): _said(value) for key, value in sets.items()}
    return given + [f"--set={key}={value}" for key, value in told.items()]


def _said(value: object) -> str:
    """As ``--set`` wants it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def template(*values: Path, kube_version: str = "1.36.3", **sets: object) -> str:
    """The release ``readyup`` in the namespace ``readyup``, as text."""
    where = ("template", "readyup", str(CHART), "--namespace=readyup")
    return run(*where, f"--kube-version={kube_version}", *options(values, **sets))


def documents(text: str) -> list[Document]:
    """Every document of a rendering, hooks and tests too."""
    # Eight times as fast as safe_load_all.
    return [one for one in yaml.load_all(text, yaml.CSafeLoader) if one]


def of_kind(found: Sequence[Document], kind: str) -> list[Document]:
    """Those of one kind."""
    return [one for one in found if one["kind"] == kind]


def named(found: Sequence[Document], kind: str, name: str) -> Document:
    """The one of that kind and name."""
    (one,) = [one for one in of_kind(found, kind) if one["metadata"]["name"] == name]
    return one


if __name__ == "__main__":
    try:
        print(program(build="build" in sys.argv))
    except RuntimeError as wrong:
        sys.exit(f"no helm here: {wrong}")
