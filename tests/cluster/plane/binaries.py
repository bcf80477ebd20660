"""Where the plane's programs come from: a folder that was named, or a build that is kept.

The control plane is built of the modules in ``tests/cluster/go``, whose go.mod and go.sum
pin every byte of it. Agones is not built here: a folder with its four programs and its
install.yaml is named in READYUP_AGONES_ASSETS, or lies in the cache as ``agones``.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.plane import toolchain

MODULES = Path(__file__).parents[1] / "go"
AGONES_ASSETS = "READYUP_AGONES_ASSETS"
KUBEBUILDER_ASSETS = "KUBEBUILDER_ASSETS"

KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
AGONES = ("controller", "extensions", "allocator", "sdk-server", "install.yaml")


@dataclass(frozen=True)
class Build:
    """One Go module of ours, and the programs that come out of it."""

    module: str
    packages: tuple[str, ...]
    ldflags: str
    programs: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return MODULES / self.module

    def kept(self, go: str) -> Path:
        """Where its programs are kept: named by all that decides what they are."""
        digest = hashlib.sha256(f"{toolchain.version(go)} {self.ldflags}".encode())
        for source in sorted(self.folder.iterdir()):
            digest.update(source.name.encode() + source.read_bytes())
        return toolchain.cache() / f"{self.module}-{digest.hexdigest()[:16]}"


def _kubernetes_version() -> str:
    lines = (MODULES / "kubernetes" / "go.mod").read_text("utf-8").splitlines()
    return next(line.split()[-1] for line in lines if "k8s.io/kubernetes v" in line)


def builds() -> tuple[Build, ...]:
    """What is built from source, the quick one first."""
    version = _kubernetes_version()
    stamps = {"gitVersion": version, "gitMajor": "1", "gitMinor": version.split(".")[1]}
    return (
        Build("etcd", (".",), "-s -w", ("etcd",)),
        Build(
            "kubernetes",
            tuple(f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES),
            " ".join(
                ["-s -w", *(f"-X k8s.io/component-base/version.{k}={v}" for k, v in stamps.items())]
            ),
            KUBERNETES,
        ),
    )


def control_plane(*, build: bool = False) -> dict[str, Path]:
    """Program -> where it is; built first if it must be and may be.

    Raises:
        RuntimeError: one is missing; says why.
    """
    named = Path(os.environ.get(KUBEBUILDER_ASSETS) or "/nonexistent")
    programs: dict[str, Path] = {}
    for made in builds():
        ready = {name: named / name for name in made.programs if (named / name).exists()}
        if len(ready) < len(made.programs):
            kept = built(made, build=build, verb="make cluster-build")
            ready = {name: kept / name for name in made.programs} | ready
        programs |= ready
    return programs


def built(made: Build, *, build: bool, verb: str) -> Path:
    """The folder with a build's programs; built first if they must be and may be.

    Raises:
        RuntimeError: it is not there and ``verb`` would make it, or it cannot be made.
    """
    go = toolchain.find(made.folder)
    kept = made.kept(go)
    if not kept.exists():
        if not build:
            raise RuntimeError(
                f"not built yet: {', '.join(made.programs)}; `{verb}` does it once, in minutes"
            )
        _build(made, go, kept)
    return kept


def agones() -> Path:
    """The folder with Agones' programs and its install.yaml.

    Raises:
        RuntimeError: there is none, or it is not whole.
    """
    folder = Path(os.environ.get(AGONES_ASSETS) or toolchain.cache() / "agones")
    if lacking := [name for name in AGONES if not (folder / name).exists()]:
        raise RuntimeError(
            f"no Agones here: {AGONES_ASSETS} names no folder with {', '.join(lacking)}; "
            "docs/cluster-tests.md tells how to make one"
        )
    return folder


def _build(made: Build, go: str, kept: Path) -> None:
    """Build into a folder beside the kept one, so that a build cut short leaves nothing."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (kept.parent / f"{made.module}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():  # another build of the same was faster
            return
        half = kept.with_suffix(".half")
        half.mkdir(exist_ok=True)
        print(f"building {', '.join(made.programs)} with {toolchain.version(go)}", file=sys.stderr)
        output = f"{half}/" if len(made.programs) > 1 else str(half / made.programs[0])
        flags = ["-mod=readonly", "-p", str(os.cpu_count() or 2), "-ldflags", made.ldflags]
        try:
            subprocess.run(
                ["nice", "-n", "10", go, "build", *flags, "-o", output, *made.packages],
                cwd=made.folder,
                # Static, and no C compiler is asked for.
                env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"},
                check=True,
            )
        except subprocess.CalledProcessError as wrong:
            raise RuntimeError(f"the build of {made.module} failed, see above") from wrong
        half.rename(kept)
