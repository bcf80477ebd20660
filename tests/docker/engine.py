"""Stands in for a Docker engine: does what our Dockerfiles say, in a mount namespace.

The base image is this machine's own ``/usr`` and ``/etc``, read-only in a new root folder,
with a Python of the right version as ``/usr/local/bin/python``. It knows the instructions
that our files use, RUN in its exec form only, and refuses any other. As root, since mounting is.
"""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ONE_WORD = {
    "USER": "user",
    "STOPSIGNAL": "stop_signal",
    "LABEL": "labels",
    "ENTRYPOINT": "entrypoint",
    "CMD": "command",
}
"""Instructions that set one thing, and what."""

LAST = "last"
"""Our last stages have no name."""

INDEX = re.compile(r"(?i)pip_|ssl_|requests_|(https?|no|all)_proxy$")
PYTHON = re.compile(r"python:(\d+\.\d+)-slim-bookworm")


@dataclass(slots=True)
class Image:
    """A stage as it was left: its root folder, and what a container of it begins with."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin"})
    workdir: str = "/"
    user: str = "0:0"
    stop_signal: str = ""
    healthcheck: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    labels: str = ""


def missing() -> str:
    """Why there can be no stand-in here; empty when there can."""
    if os.geteuid() != 0:
        return "mounting needs root"
    for tool in ("unshare", "nsenter", "setpriv", "mount", "chroot"):
        if shutil.which(tool) is None:
            return f"there is no {tool} here"
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "true"], capture_output=True, check=False
    )
    if tried.returncode:
        return "this machine lets nobody unshare mounts and network"
    if stand_in("3.11") is None:
        return "there is no Python 3.11 below /usr to stand in for the base image's"
    return ""


@functools.cache
def stand_in(version: str) -> str | None:
    """A Python of that version which a root folder made of /usr and /etc can run."""
    for place in (f"/usr/local/bin/python{version}", f"/usr/bin/python{version}"):
        asked = [place, "-c", "import venv, pip, sys; print(sys.prefix)"]
        if Path(place).exists() and Path(place).resolve().is_relative_to("/usr"):
            answer = subprocess.run(asked, capture_output=True, text=True, env={}, check=False)
            if answer.returncode == 0 and answer.stdout.startswith("/usr"):
                return place
    return None


def instructions(dockerfile: Path) -> Iterator[tuple[str, str]]:
    """Word and rest of each, lines joined and comments left out."""
    lines = (line for line in dockerfile.read_text("utf-8").splitlines() if line[:1] != "#")
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def _stages(
    dockerfile: Path, arguments: dict[str, str]
) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Base, name and steps of each stage; what ARG says goes into ``arguments``."""
    base, name, steps = "", LAST, list[tuple[str, str]]()
    for word, rest in instructions(dockerfile):
        if word == "ARG":
            key, _, value = rest.partition("=")
            arguments[key] = value.strip('"')
        elif word == "FROM":
            if base:
                yield base, name, steps
            base, _, named = rest.partition(" AS ")
            name, steps = named or LAST, []
        else:
            steps.append((word, rest))
    yield base, name, steps


class Engine:
    """Builds and runs, for as long as its namespace is held open."""

    def __init__(self, folder: Path, context: Path) -> None:
        self._folder = folder
        self._context = context
        self._built: dict[str, Image] = {}
        self._containers: list[subprocess.Popen[str]] = []
        # The mounts live as long as a process in this namespace does: this one, until close().
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "cat"], stdin=subprocess.PIPE
        )
        while self._namespace("mnt") == os.readlink("/proc/self/ns/mnt"):
            assert self._holder.poll() is None

    def close(self) -> None:
        """End what still runs, and let the namespace go with all that was mounted in it."""
        for container in self._containers:
            if container.poll() is None:
                container.kill()
                container.communicate()
        self._holder.communicate()

    def build(self, dockerfile: Path) -> Image:
        """The last stage of a file."""
        arguments: dict[str, str] = {}
        stages: dict[str, Image] = {}
        for base, name, steps in _stages(dockerfile, arguments):
            # Two files may share a stage word for word; an engine builds it once, and so do we.
            same = (
                json.dumps([base, steps]) if "--from=" not in str(steps) else f"{dockerfile} {name}"
            )
            made = self._built.get(same)
            if made is None:
                made = self._base(f"{dockerfile.stem}-{name}", base, arguments)
                for word, rest in steps:
                    self._do(made, word, rest, stages)
            stages[name] = made
            if name != LAST:
                self._built[same] = made
        return stages[LAST]

    def start(
        self,
        image: Image,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        beside: "subprocess.Popen[str] | None" = None,
    ) -> "subprocess.Popen[str]":
        """A container: read-only but for a tmpfs at /tmp, nothing but loopback for a network.

        ``beside`` shares the network of another one, as containers on a host's network do.
        """
        settings = {**image.env, **(env or {})}
        words = [*image.entrypoint, *(arguments or image.command)]
        script = (
            'mount -o remount,bind,ro "$0" && mount -t tmpfs -o mode=1777,nosuid,nodev,noexec '
            'tmpfs "$0/tmp" && "$PYTHON" -c "$LOOPBACK" && exec env -i -- "$@"'
        )
        network = ["unshare", "--net"]
        if beside is not None:
            network = ["nsenter", "--net", "--target", str(beside.pid)]
        held = [*network, "nsenter", "--mount", "--target", str(self._holder.pid)]
        container = subprocess.Popen(
            [
                *(*held, "unshare", "--mount", "--propagation", "private", "sh", "-c", script),
                *(str(image.root), *(f"{key}={value}" for key, value in settings.items())),
                *_in_container(image),
                *words,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHON": sys.executable, "LOOPBACK": LOOPBACK},
        )
        self._containers.append(container)
        return container

    def put(self, source: Path, target: Path) -> None:
        """A file from outside, as a bind mount would show it."""
        self._sh('cp "$0" "$1" && chmod 644 "$1"', str(source), str(target))

    def enter(self, container: "subprocess.Popen[str]", image: Image, words: Sequence[str]) -> int:
        """A command beside a container's own, as health checks are run; its exit code."""
        inside = ["nsenter", "--mount", "--net", "--target", str(container.pid), "env", "-i"]
        settings = [f"{key}={value}" for key, value in image.env.items()]
        return subprocess.run(
            [*inside, *settings, *_in_container(image), *words], capture_output=True, check=False
        ).returncode

    def _namespace(self, kind: str) -> str:
        return os.readlink(f"/proc/{self._holder.pid}/ns/{kind}")

    def _base(self, name: str, base: str, arguments: Mapping[str, str]) -> Image:
        wanted = re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], base)
        known = PYTHON.match(wanted)
        assert known, f"nothing here stands in for {wanted}"
        root = self._folder / name
        root.mkdir(parents=True)
        self._sh(MAKE_ROOT, str(root), str(stand_in(known[1])))
        return Image(root)

    def _do(self, image: Image, word: str, rest: str, stages: Mapping[str, Image]) -> None:
        match word:
            case "RUN":
                self._run(image, json.loads(rest))
            case "COPY":
                self._copy(image, rest.split(), stages)
            case "ENV":
                image.env |= dict(one.split("=", 1) for one in rest.split())
            case "WORKDIR":
                image.workdir = rest
                self._sh('mkdir -p "$0"', str(image.root) + rest)
            case "USER" | "STOPSIGNAL" | "LABEL":
                setattr(image, ONE_WORD[word], rest)
            case "HEALTHCHECK":
                image.healthcheck = json.loads(rest.partition("CMD")[2])
            case "ENTRYPOINT" | "CMD":
                setattr(image, ONE_WORD[word], json.loads(rest))
            case _:
                raise AssertionError(f"this stand-in does not know {word}")

    def _run(self, image: Image, words: Sequence[str]) -> None:
        # How this machine reaches a package index comes along; what the file says wins.
        way = {key: value for key, value in os.environ.items() if INDEX.match(key)}
        self._sh(
            'exec "$0" "$@"',
            *(str(shutil.which("chroot")), str(image.root), "env", "-C", image.workdir, *words),
            env={**way, **image.env},
        )

    def _copy(self, image: Image, words: list[str], stages: Mapping[str, Image]) -> None:
        origin = self._context
        if words[0].startswith("--from="):
            origin = stages[words.pop(0).removeprefix("--from=")].root
        *sources, target = words
        aim = f"{image.root}/{(Path(image.workdir) / target)}"
        for source in sources:
            place = f"{origin}/{source.lstrip('/')}"
            # As an engine does it: a folder's content goes into the target, a file by its name.
            self._sh(
                'if [ -d "$0" ]; then mkdir -p "$1" && cp -a "$0/." "$1"; '
                'else mkdir -p "$1" && cp -a "$0" "$1/"; fi',
                place,
                aim,
            )

    def _sh(self, script: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        entered = ["nsenter", "--mount", "--target", str(self._holder.pid)]
        done = subprocess.run(
            [*entered, "sh", "-ec", script, *arguments],
            capture_output=True,
            text=True,
            env=env,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


def _in_container(image: Image) -> list[str]:
    uid, _, gid = image.user.partition(":")
    return [
        *(str(shutil.which("chroot")), str(image.root)),
        *("setpriv", "--reuid", uid, "--regid", gid, "--clear-groups"),
        *("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"),
        *("env", "-C", image.workdir, "--"),
    ]


LOOPBACK = """
import fcntl, socket, struct
with socket.socket() as any_socket:  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH22x", b"lo", 0x41))
"""
"""A new network has a loopback that is down."""

MAKE_ROOT = """
root="$0"
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir proc dev etc usr opt tmp
chmod 1777 tmp
for one in bin sbin lib lib64; do
  if [ -L "/$one" ]; then cp -P "/$one" "$one"
  elif [ -d "/$one" ]; then mkdir "$one" && mount --bind "/$one" "$one"; fi
done
mount --bind /usr usr
mount -t tmpfs tmpfs usr/local
mkdir usr/local/bin
ln -s "$1" usr/local/bin/python
for one in usr usr/local; do mount -o remount,bind,ro "$one"; done
mount --bind /etc etc
mount -o remount,bind,ro etc
mount --rbind /dev dev
mount --rbind /proc proc
"""
"""A root folder with this machine's programs and none of its people's files."""
