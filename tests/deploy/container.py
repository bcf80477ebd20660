"""A container of a pod without a container runtime: its files, environment and command, as root.

The image is this machine itself with our own environment in front; volumes are bound into a
root folder of the container's own, in a mount namespace. Pods share the cluster's one network,
so each has an address of loopback for its own.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"

PROGRAMS = "/etc/image"
"""Files here are programs, found before all others."""

Spec = dict[str, Any]

_BEGIN = """
set -eu
mount --make-rprivate /
mount -t tmpfs root {root}
for place in /*; do
  name=${{place#/}}
  if [ -L "$place" ]; then cp -P "$place" {root}/; continue; fi
  if [ ! -d "$place" ] || [ "$place" = /tmp ]; then continue; fi
  mkdir -p "{root}/$name"
  mount --rbind "$place" "{root}/$name"
done
mount -t overlay etc -o lowerdir={files}/etc:/etc {root}/etc
mount -t overlay run -o lowerdir={files}/run:/run {root}/run
mkdir -p {root}/tmp {root}/data
mount --bind {tmp} {root}/tmp
mount --bind {data} {root}/data
mkdir -p {root}{checkout}
mount --rbind {checkout} {root}{checkout}
exec chroot {root} {command}
"""


@dataclass
class Container:
    """One container of one pod, and its process."""

    spec: Spec
    env: Mapping[str, str]
    files: Mapping[str, str]
    """Path inside to what is in it."""

    folder: Path
    data: Path
    """What stands for /data; the containers of a pod share one."""

    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def tmp(self) -> Path:
        return self.folder / "tmp"

    def start(self) -> None:
        """Start its command with its environment and nothing else."""
        for name in ("root", "files/etc", "files/run", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.data.mkdir(parents=True, exist_ok=True)
        for path, text in self.files.items():
            self.tell(path, text)
        words = [*self.spec.get("command", ()), *self.spec.get("args", ())]
        given = [f"{name}={value}" for name, value in self.env.items()]
        command = shlex.join(["env", "-i", *given, *(expanded(one, self.env) for one in words)])
        script = _BEGIN.format(
            root=self.folder / "root",
            files=self.folder / "files",
            tmp=self.tmp,
            data=self.data,
            checkout=ROOT,  # which may lie below /tmp
            command=command,
        )
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )

    def tell(self, path: str, text: str) -> None:
        """Write one of its files, while it runs too."""
        # /var/run is a link to /run.
        inside = re.sub(r"^/var/run/", "/run/", path).lstrip("/")
        file = self.folder / "files" / inside
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(0o755 if path.startswith(PROGRAMS) else 0o644)

    def enter(self, *command: str) -> int:
        """Run a command in it, as probes and hooks are; the exit code."""
        assert self.process is not None
        inside = ["nsenter", "--mount", "--root", f"--target={self.process.pid}"]
        given = [f"{name}={value}" for name, value in self.env.items()]
        done = subprocess.run(
            [*inside, "env", "-i", "-C", "/", *given, *command], check=False, timeout=60
        )
        return done.returncode

    def kill(self) -> int:
        """End all that runs in it, as its runtime does; the exit code."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()

    def stop(self, patience_s: float = 20.0) -> int:
        """SIGTERM for its command, then SIGKILL for what is left; the exit code."""
        assert self.process is not None
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience_s)
        return self.kill()

    def last_words(self, lines: int = 8) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """``$(NAME)``, as Kubernetes replaces it."""
    return re.sub(r"\$\((\w+)\)", lambda hit: environment.get(hit[1], hit[0]), text)


def image_env() -> dict[str, str]:
    """What our image says of its environment, with this checkout in its place."""
    first = f"{PROGRAMS}:{Path(sys.executable).parent}"
    return {
        "PATH": f"{first}:{os.environ['PATH']}",
        "HOME": "/tmp",  # noqa: S108 - as our image has it
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
