"""A container engine for the tests: Debian's buildah and podman, on a base made by debootstrap.

As root. Images are kept in a folder, so the second build is quick. No registry is asked: the base
gets the name that the Dockerfiles say. Containers share the network that podman is started in.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "readyup" / "images"
BASE = "localhost/python:3.11-slim-bookworm"
TOOLS = ("debootstrap", "buildah", "podman", "runc", "catatonit")
MIRROR = "http://deb.debian.org/debian"
PACKAGES = "python3.11,python3.11-venv,python3-pip,ca-certificates"

# No systemd need be there to be asked for cgroups and a journal. Limits that a container's first
# process may set without a right to raise its own; podman's defaults are a million.
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
STORAGE = """\
[storage]
driver = "{driver}"
graphroot = "{home}/store"
runroot = "{home}/run"
"""


def missing() -> str:
    """Why nothing can be built here; empty when it can."""
    if os.geteuid() != 0:
        return "building images as the tests do needs root"
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


@dataclass(frozen=True)
class Podman:
    """The engine, with its configuration and images below ``home``."""

    home: Path = HOME

    def configure(self) -> None:
        """Write what podman and buildah read."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "containers.conf").write_text(CONTAINERS)
        # Where the kernel has overlay, a layer is not a copy of all those below it.
        driver = "overlay" if "overlay" in Path("/proc/filesystems").read_text() else "vfs"
        (self.home / "storage.conf").write_text(STORAGE.format(driver=driver, home=self.home))

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            "CONTAINERS_CONF": str(self.home / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.home / "storage.conf"),
        }

    def base(self) -> None:
        """Debian with a Python, under the name of Python's own image; made once."""
        if not self.says("images", "--quiet", BASE):
            system = self.home / "base"
            shutil.rmtree(system, ignore_errors=True)
            self._do("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm",
                     str(system), MIRROR)  # fmt: skip
            (system / "usr/local/bin/python").symlink_to("/usr/bin/python3.11")
            shutil.rmtree(system / "var/cache/apt/archives")
            packed = self.home / "base.tar"
            self._do("tar", "-C", str(system), "-cf", str(packed), ".")
            self._do("podman", "import", str(packed), BASE)
            packed.unlink()
            shutil.rmtree(system)

    def build(self, dockerfile: Path, tag: str, *options: str, context: Path = ROOT) -> None:
        """As the file says. This machine's certificates are lent to the build, not left in it."""
        certificates = "/etc/ssl/certs:/etc/ssl/certs:ro"
        self._do(
            *("buildah", "bud", "--isolation", "chroot", "--network", "host", "--layers"),
            *("--pull-never", "--format", "docker", "--volume", certificates, *options),
            *("--file", str(dockerfile), "--tag", tag, str(context)),
        )

    def ours(self, role: str, tag: str) -> None:
        """One of the images of docker/."""
        arguments = ("--build-arg", f"PYTHON_IMAGE={BASE}")
        self.build(ROOT / f"docker/{role}.Dockerfile", tag, *arguments)

    def run(
        self, *words: str, timeout_s: float = 120, env: dict[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """A program beside the engine, as podman itself, which may fail."""
        return subprocess.run(
            words,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            cwd=ROOT,
        )

    def says(self, *words: str) -> str:
        """What ``podman WORDS`` prints, without what it has to say about systemd."""
        done = self.run("podman", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _do(self, *words: str) -> None:
        done = self.run(*words, timeout_s=1200)
        assert done.returncode == 0, f"{words[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
