"""A real Kafka for tests: one broker in KRaft mode, on loopback, from Maven's artifacts.

Needs Java 17 and Maven; the jars (46 MB) are fetched once and kept in the user's cache.
"""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

POM = Path(__file__).with_name("broker.xml")
UP_S = 90.0

PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/data
num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


class NotHere(Exception):
    """There is no broker to be had on this machine; says why, in one line."""


def jars() -> Path:
    """The folder with the broker's jars, fetched when it is not there.

    Raises:
        NotHere: no Java, no Maven, or no answer from the repository.
    """
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise NotHere(f"a Kafka broker needs {program}, which is not on this machine")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    folder = base / "readyup" / f"kafka-{digest}"
    if not folder.exists():
        half = folder.with_name(f"{folder.name}.{os.getpid()}")
        copy = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
        done = subprocess.run(
            [*copy, f"-DoutputDirectory={half}"],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode or not half.exists():
            raise NotHere("the broker's jars could not be fetched with Maven")
        half.rename(folder)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Broker:
    """One broker; what it was told survives its being killed and started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    controller: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        asked = PROPERTIES.format(port=self.port, controller=self.controller, folder=self.folder)
        (self.folder / "server.properties").write_text(asked)
        self._java("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c")

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._words("kafka.Kafka", "server.properties"),
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + UP_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.2)
        raise NotHere(f"the broker did not come up: {(self.folder / 'log').read_text()[-400:]}")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def _java(self, *words: str) -> None:
        subprocess.run(
            self._words(*words, "server.properties"),
            cwd=self.folder,
            check=True,
            capture_output=True,
            timeout=60,
        )

    def _words(self, *words: str) -> list[str]:
        small = ["-Xmx256m", "-XX:TieredStopAtLevel=1"]
        return ["java", *small, "-cp", f"{jars()}/*", *words]
